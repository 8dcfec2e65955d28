// SPDX-License-Identifier: Apache-2.0
/* piece.c: records in and out. The level of compression is fixed by what the content is: tables are worth level 9 (they
 * are small and read often), the rest gets level 3, and what a sample says will not shrink is stored as it is. Every
 * byte read here may be damaged or hostile: nothing is trusted before the fast hash, and nothing is allocated by a
 * number that the limits do not bound. Threads: no state. */
#include "core/blob/piece.h"

#include <string.h>

#include "core/blob/columns.h"
#include "core/io/compress.h"

#define LEVEL_TABLE 9
#define LEVEL_OTHER 3
#define SAMPLE 65536

uint64_t piece_load64(const void *bytes)
{
    const uint8_t *b = bytes;
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | b[i];
    return value;
}

uint32_t piece_load32(const void *bytes)
{
    const uint8_t *b = bytes;
    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

void piece_store64(void *bytes, uint64_t value)
{
    uint8_t *b = bytes;
    for (int i = 0; i < 8; i++) b[i] = (uint8_t)(value >> (8 * i));
}

void piece_store32(void *bytes, uint32_t value)
{
    uint8_t *b = bytes;
    for (int i = 0; i < 4; i++) b[i] = (uint8_t)(value >> (8 * i));
}

static void add_head(ag_buf *out, piece_kind kind, uint64_t size)
{
    char head[PIECE_HEAD] = {'A', 'G', 'b', '1', (char)kind};
    piece_store64(head + 8, size);
    ag_buf_add(out, head, sizeof(head));
}

static int add_tail(ag_buf *out, size_t start, ag_err *err)
{
    char tail[8];
    if (out->failed == AG_OK) {
        piece_store64(tail, ag_hash_fast(out->data + start, out->size - start, 0));
        ag_buf_add(out, tail, sizeof(tail));
    }
    return ag_buf_check(out, "a stored piece", err);
}

static int encode_raw(ag_str content, ag_buf *out, ag_err *err)
{
    size_t start = out->size;
    add_head(out, PIECE_RAW, content.size);
    ag_buf_add_str(out, content);
    return add_tail(out, start, err);
}

static bool pays(size_t before, size_t after)
{
    return after + PIECE_OVERHEAD < before - before / 16;
}

/* 1: appended, 0: compressing does not pay and `out` is as before. `size` is the content's. */
static int encode_zstd(piece_kind kind, int level, ag_str bytes, uint64_t size, ag_buf *out, ag_err *err)
{
    size_t start = out->size;
    add_head(out, kind, size);
    int rc = ag_compress(AG_CODEC_ZSTD, level, bytes, out, err);
    if (rc < 0) return rc;
    if (out->failed == AG_OK && !pays((size_t)size, out->size - start - PIECE_HEAD)) {
        out->size = start;
        return 0;
    }
    rc = add_tail(out, start, err);
    return rc < 0 ? rc : 1;
}

/* Looks at a part from the middle. < 0: failure. */
static int looks_compressible(ag_str content, ag_err *err)
{
    if (content.size < 64) return 0;
    if (content.size < 4 * SAMPLE) return 1;
    ag_buf trial;
    ag_buf_init(&trial, 2 * SAMPLE);
    int rc = ag_compress(AG_CODEC_ZSTD, 1, ag_str_slice(content, content.size / 2, SAMPLE), &trial, err);
    if (rc >= 0) rc = pays(SAMPLE, trial.size);
    ag_buf_deinit(&trial);
    return rc;
}

static int encode_plain(ag_str content, int level, ag_buf *out, ag_err *err)
{
    int rc = looks_compressible(content, err);
    if (rc > 0) rc = encode_zstd(PIECE_ZSTD, level, content, content.size, out, err);
    if (rc == 0) rc = encode_raw(content, out, err);
    return rc < 0 ? rc : 0;
}

int piece_encode(ag_str content, ag_buf *out, ag_err *err)
{
    ag_buf turned;
    ag_buf_init(&turned, 4 * PIECE_RAW_MAX);
    int rc = ag_columns_turn(content, &turned, err);
    if (rc > 0) rc = encode_zstd(PIECE_COLUMNS, LEVEL_TABLE, ag_buf_str(&turned), content.size, out, err);
    if (rc == 0) rc = encode_plain(content, LEVEL_OTHER, out, err);
    ag_buf_deinit(&turned);
    return rc < 0 ? rc : 0;
}

int piece_encode_packed(ag_str content, ag_buf *out, ag_err *err)
{
    return encode_plain(content, LEVEL_TABLE, out, err);
}

int piece_encode_manifest(const piece_entry *entries, size_t count, ag_buf *out, ag_err *err)
{
    size_t start = out->size;
    uint64_t size = 0;
    for (size_t i = 0; i < count; i++) size += entries[i].size;
    add_head(out, PIECE_MANIFEST, size);
    for (size_t i = 0; i < count; i++) {
        char bytes[PIECE_ENTRY_SIZE];
        memcpy(bytes, entries[i].sha256.bytes, 32);
        piece_store64(bytes + 32, entries[i].size);
        ag_buf_add(out, bytes, sizeof(bytes));
    }
    return add_tail(out, start, err);
}

int piece_open(ag_str record, piece_kind *kind, uint64_t *size, ag_str *payload, ag_err *err)
{
    if (record.size < PIECE_OVERHEAD) return ag_fail(err, AG_ECORRUPT, "the stored bytes end early");
    uint64_t wanted = piece_load64(record.data + record.size - 8);
    if (ag_hash_fast(record.data, record.size - 8, 0) != wanted) {
        return ag_fail(err, AG_ECORRUPT, "the stored bytes are not what was written");
    }
    static const char zeros[3] = {0};
    if (memcmp(record.data, "AGb1", 4) != 0 || memcmp(record.data + 5, zeros, 3) != 0 || record.data[4] < PIECE_RAW ||
        record.data[4] > PIECE_MANIFEST) {
        return ag_fail(err, AG_ECORRUPT, "the stored bytes are no piece of this version");
    }
    *kind = (piece_kind)record.data[4];
    *size = piece_load64(record.data + 8);
    *payload = ag_str_slice(record, PIECE_HEAD, record.size - PIECE_OVERHEAD);
    if (*kind != PIECE_MANIFEST && *size > PIECE_RAW_MAX) {
        return ag_fail(err, AG_ECORRUPT, "a stored piece claims %llu bytes", (unsigned long long)*size);
    }
    return 0;
}

static int decode_columns(ag_str payload, uint64_t size, ag_buf *out, ag_err *err)
{
    ag_buf turned;
    ag_buf_init(&turned, 4 * PIECE_RAW_MAX);
    ag_buf limited = *out;
    limited.max = limited.size + (size_t)size + 1; /* restoring takes one more for a moment */
    if (limited.max > out->max && out->max >= limited.size + size) limited.max = out->max + 1;
    int rc = ag_decompress(AG_CODEC_ZSTD, payload, &turned, err);
    if (rc >= 0) rc = ag_columns_restore(ag_buf_str(&turned), &limited, err);
    limited.max = out->max;
    limited.failed = out->failed;
    *out = limited;
    ag_buf_deinit(&turned);
    return rc;
}

static int decode_zstd(ag_str payload, uint64_t size, ag_buf *out, ag_err *err)
{
    size_t max = out->max;
    out->max = out->size + (size_t)size;
    int rc = ag_decompress(AG_CODEC_ZSTD, payload, out, err);
    out->max = max;
    return rc;
}

int piece_decode(ag_str record, ag_buf *out, ag_err *err)
{
    piece_kind kind;
    uint64_t size;
    ag_str payload;
    size_t before = out->size;
    int rc = piece_open(record, &kind, &size, &payload, err);
    if (rc < 0) return rc;
    if (size > out->max - out->size) {
        return ag_fail(err, AG_ELIMIT, "a stored piece of %llu bytes, more than %zu allowed", (unsigned long long)size,
                       out->max - out->size);
    }
    if (kind == PIECE_RAW)
        rc = ag_buf_add_str(out, payload) < 0 ? ag_buf_check(out, "a stored piece", err) : 0;
    else if (kind == PIECE_ZSTD)
        rc = decode_zstd(payload, size, out, err);
    else if (kind == PIECE_COLUMNS)
        rc = decode_columns(payload, size, out, err);
    else
        return ag_fail(err, AG_ECORRUPT, "a list of chunks stands where content should");
    if (rc == AG_ELIMIT || rc == AG_EPARSE) rc = ag_fail(err, AG_ECORRUPT, "a stored piece is larger than it says");
    if (rc >= 0 && out->size - before != size)
        rc = ag_fail(err, AG_ECORRUPT, "a stored piece is not as long as it says");
    return rc < 0 ? rc : 0;
}

size_t piece_entry_count(ag_str payload)
{
    return payload.size / PIECE_ENTRY_SIZE;
}

int piece_entry_at(ag_str payload, size_t index, piece_entry *out, ag_err *err)
{
    if (index >= piece_entry_count(payload)) return ag_fail(err, AG_EINTERNAL, "no chunk %zu", index);
    const char *at = payload.data + index * PIECE_ENTRY_SIZE;
    memcpy(out->sha256.bytes, at, 32);
    out->size = piece_load64(at + 32);
    return 0;
}

int piece_check_manifest(ag_str payload, uint64_t size, ag_err *err)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < piece_entry_count(payload); i++) {
        uint64_t one = piece_load64(payload.data + i * PIECE_ENTRY_SIZE + 32);
        if (one == 0 || one > PIECE_RAW_MAX) return ag_fail(err, AG_ECORRUPT, "chunk %zu has an impossible size", i);
        sum += one;
    }
    if (payload.size % PIECE_ENTRY_SIZE || sum != size)
        return ag_fail(err, AG_ECORRUPT, "a list of chunks is not whole");
    return 0;
}
