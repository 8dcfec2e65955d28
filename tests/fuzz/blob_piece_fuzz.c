// SPDX-License-Identifier: Apache-2.0
/* Stored pieces: records with a hash that is right around any content, manifests, columns, and columns there and back.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/blob/columns.h"
#include "core/blob/piece.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(ag_str bytes)
{
    ag_err err = {0};
    ag_buf record, out;
    piece_kind kind;
    uint64_t whole;
    ag_str payload;
    char tail[8];
    ag_buf_init(&record, bytes.size + 8);
    ag_buf_init(&out, 1 << 20);
    ag_buf_add_str(&record, bytes);
    piece_store64(tail, ag_hash_fast(bytes.data, bytes.size, 0));
    ag_buf_add(&record, tail, 8);
    piece_decode(ag_buf_str(&record), &out, &err);
    if (piece_open(ag_buf_str(&record), &kind, &whole, &payload, &err) >= 0) piece_check_manifest(payload, whole, &err);
    ag_buf_deinit(&record);
    ag_buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ag_err err = {0};
    ag_str text = {(const char *)data, size};
    ag_buf turned, back;
    ag_buf_init(&turned, 1 << 24);
    ag_buf_init(&back, 1 << 20);
    decode(text);
    ag_columns_restore(text, &back, &err);
    ag_buf_clear(&back);
    if (ag_columns_turn(text, &turned, &err) > 0 && size < 1 << 20) {
        if (ag_columns_restore(ag_buf_str(&turned), &back, &err) < 0 || back.size != size ||
            memcmp(back.data, data, size) != 0)
            abort(); /* the one thing that must never happen */
    }
    ag_buf_deinit(&turned);
    ag_buf_deinit(&back);
    return 0;
}
