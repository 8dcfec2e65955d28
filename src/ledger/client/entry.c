// SPDX-License-Identifier: Apache-2.0
/* entry.c: records to bytes and back. Writing walks a record twice with the same code: once to count, once to copy, so
 * that the two cannot disagree and a caller can use its own stack. Reading trusts nothing but the hash's promise that
 * the bytes are as they were written; every size is checked all the same, since a hash is no proof. */
#include "ledger/client/entry.h"

#include <endian.h>
#include <string.h>

#include "core/hash/hash.h"

static const uint8_t magic[4] = {'A', 'G', 'r', '1'}, begun[4] = {'A', 'G', 'r', '0'};

/* ---- writing ---- */

typedef struct sink {
    uint8_t *out; /* NULL: only counts */
    size_t used;
} sink;

static void put(sink *to, const void *bytes, size_t size)
{
    if (to->out && size) memcpy(to->out + to->used, bytes, size);
    to->used += size;
}

static void put_u8(sink *to, uint8_t value)
{
    put(to, &value, 1);
}

static void put_u32(sink *to, uint32_t value)
{
    value = htole32(value);
    put(to, &value, sizeof(value));
}

static void put_u64(sink *to, uint64_t value)
{
    value = htole64(value);
    put(to, &value, sizeof(value));
}

static void put_real(sink *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    put_u64(to, bits);
}

static void put_str(sink *to, ag_str text)
{
    put_u32(to, (uint32_t)text.size);
    put(to, text.data, text.size);
    put_u8(to, 0);
}

static void put_text(sink *to, const char *text)
{
    put_str(to, ag_str_of(text));
}

static void put_pairs(sink *to, ag_pairs pairs)
{
    put_u32(to, (uint32_t)pairs.count);
    for (size_t i = 0; i < pairs.count; i++) {
        put_str(to, pairs.items[i].key);
        put_str(to, pairs.items[i].value);
    }
}

static void put_batch(sink *to, const ag_run_batch *batch)
{
    put_u32(to, (uint32_t)batch->metric_count);
    for (size_t i = 0; i < batch->metric_count; i++) {
        const ag_metric *metric = &batch->metrics[i];
        put_real(to, metric->value);
        put_u64(to, (uint64_t)metric->step);
        put_u64(to, (uint64_t)metric->at);
        put_text(to, metric->key);
    }
    put_pairs(to, batch->params);
    put_pairs(to, batch->tags);
}

static void put_input(sink *to, const ag_run_input *input)
{
    put_text(to, input->name);
    put_text(to, input->digest);
    put_text(to, input->source_type);
    put_text(to, input->source);
    put_text(to, input->schema);
    put_text(to, input->profile);
    put_pairs(to, input->tags);
}

static void put_version(sink *to, const ag_entry *record)
{
    put_str(to, record->version.operation);
    put_str(to, record->version.model);
    put_str(to, record->version.path);
    bool plain = !record->version.description.size && !record->version.stage.size && !record->version.alias.size &&
                 !record->version.tags.count;
    if (plain) return; /* as it was before there were these */
    put_str(to, record->version.description);
    put_str(to, record->version.stage);
    put_str(to, record->version.alias);
    put_pairs(to, record->version.tags);
}

static void put_payload(sink *to, const ag_entry *record)
{
    put_u8(to, (uint8_t)record->kind);
    put(to, record->run.data, AG_ENTRY_ID);
    switch (record->kind) {
    case AG_ENTRY_START:
        put_str(to, record->start.parent);
        put_str(to, record->start.experiment);
        put_str(to, record->start.name);
        put_u64(to, (uint64_t)record->start.at);
        put_pairs(to, record->start.tags);
        break;
    case AG_ENTRY_LOG: put_batch(to, &record->log); break;
    case AG_ENTRY_FINISH:
        put_u8(to, (uint8_t)record->finish.status);
        put_u64(to, (uint64_t)record->finish.at);
        break;
    case AG_ENTRY_ARTIFACT:
        put_str(to, record->artifact.path);
        put_u64(to, record->artifact.file);
        put_u64(to, record->artifact.size);
        break;
    case AG_ENTRY_INPUT: put_input(to, &record->input); break;
    case AG_ENTRY_VERSION: put_version(to, record); break;
    }
}

static size_t rounded(size_t size)
{
    return (size + 7) & ~(size_t)7;
}

size_t ag_entry_size(const ag_entry *record)
{
    sink to = {0};
    put_payload(&to, record);
    return rounded(AG_ENTRY_HEAD + to.used);
}

void ag_entry_write(const ag_entry *record, uint8_t *out)
{
    sink to = {.out = out + AG_ENTRY_HEAD};
    put_payload(&to, record);
    size_t whole = rounded(AG_ENTRY_HEAD + to.used);
    memset(out + AG_ENTRY_HEAD + to.used, 0, whole - AG_ENTRY_HEAD - to.used);
    sink head = {.out = out};
    put(&head, magic, sizeof(magic));
    put_u32(&head, (uint32_t)to.used);
    put_u64(&head, ag_hash_fast(out + AG_ENTRY_HEAD, to.used, to.used));
}

/* ---- reading ---- */

typedef struct source {
    const uint8_t *at;
    size_t left;
    bool bad;       /* sticky */
    bool no_memory; /* that is why */
    ag_arena *arena;
} source;

static const uint8_t *take(source *from, size_t size)
{
    if (from->bad || size > from->left) {
        from->bad = true;
        return NULL;
    }
    const uint8_t *at = from->at;
    from->at += size;
    from->left -= size;
    return at;
}

static uint8_t take_u8(source *from)
{
    const uint8_t *at = take(from, 1);
    return at ? *at : 0;
}

static uint32_t take_u32(source *from)
{
    uint32_t value = 0;
    const uint8_t *at = take(from, sizeof(value));
    if (at) memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static uint64_t take_u64(source *from)
{
    uint64_t value = 0;
    const uint8_t *at = take(from, sizeof(value));
    if (at) memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static double take_real(source *from)
{
    uint64_t bits = take_u64(from);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

/* Ends in NUL and holds none, and is UTF-8. */
static ag_str take_str(source *from)
{
    size_t size = take_u32(from);
    const uint8_t *at = size < from->left ? take(from, size + 1) : take(from, SIZE_MAX);
    ag_str text = {(const char *)at, size};
    if (!at || at[size] || memchr(at, 0, size) || !ag_utf8_valid(text)) {
        from->bad = true;
        return (ag_str){"", 0};
    }
    return text;
}

static const char *take_text(source *from)
{
    return take_str(from).data;
}

static const char *take_optional(source *from)
{
    ag_str text = take_str(from);
    return text.size ? text.data : NULL;
}

/* `least`: bytes that each item takes at least, so that no count asks for more memory than the record is large. */
static void *take_array(source *from, size_t *count, size_t least, size_t item)
{
    size_t wanted = take_u32(from);
    *count = 0;
    if (from->bad || wanted > from->left / least) {
        from->bad = true;
        return NULL;
    }
    void *items = ag_arena_array(from->arena, wanted + 1, item);
    if (items) *count = wanted;
    from->no_memory |= !items;
    from->bad |= !items;
    return items;
}

static ag_pairs take_pairs(source *from)
{
    ag_pairs pairs = {0};
    ag_pair *items = take_array(from, &pairs.count, 10, sizeof(*items));
    for (size_t i = 0; i < pairs.count && !from->bad; i++) items[i] = (ag_pair){take_str(from), take_str(from)};
    pairs.items = items;
    return pairs;
}

static ag_run_batch take_batch(source *from)
{
    ag_run_batch batch = {0};
    ag_metric *metrics = take_array(from, &batch.metric_count, 29, sizeof(*metrics));
    for (size_t i = 0; i < batch.metric_count && !from->bad; i++) {
        metrics[i].value = take_real(from);
        metrics[i].step = (int64_t)take_u64(from);
        metrics[i].at = (int64_t)take_u64(from);
        metrics[i].key = take_text(from);
    }
    batch.metrics = metrics;
    batch.params = take_pairs(from);
    batch.tags = take_pairs(from);
    return batch;
}

static ag_run_input take_input(source *from)
{
    ag_run_input input = {.name = take_text(from)};
    input.digest = take_text(from);
    input.source_type = take_text(from);
    input.source = take_text(from);
    input.schema = take_optional(from);
    input.profile = take_optional(from);
    input.tags = take_pairs(from);
    return input;
}

static void take_version(source *from, ag_entry *out)
{
    out->version.operation = take_str(from);
    out->version.model = take_str(from);
    out->version.path = take_str(from);
    if (!from->left) return;
    out->version.description = take_str(from);
    out->version.stage = take_str(from);
    out->version.alias = take_str(from);
    out->version.tags = take_pairs(from);
}

static void take_body(source *from, ag_entry *out)
{
    switch (out->kind) {
    case AG_ENTRY_START:
        out->start.parent = take_str(from);
        out->start.experiment = take_str(from);
        out->start.name = take_str(from);
        out->start.at = (int64_t)take_u64(from);
        out->start.tags = take_pairs(from);
        break;
    case AG_ENTRY_LOG: out->log = take_batch(from); break;
    case AG_ENTRY_FINISH:
        out->finish.status = (ag_run_status)take_u8(from);
        out->finish.at = (int64_t)take_u64(from);
        if (out->finish.status < AG_RUN_RUNNING || out->finish.status > AG_RUN_KILLED) from->bad = true;
        break;
    case AG_ENTRY_ARTIFACT:
        out->artifact.path = take_str(from);
        out->artifact.file = take_u64(from);
        out->artifact.size = take_u64(from);
        break;
    case AG_ENTRY_INPUT: out->input = take_input(from); break;
    case AG_ENTRY_VERSION: take_version(from, out); break;
    default: from->bad = true;
    }
}

static bool is_id(ag_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!text.data[i] || !strchr("0123456789abcdef", text.data[i])) return false;
    }
    return text.size == AG_ENTRY_ID;
}

size_t ag_entry_at(const uint8_t *bytes, size_t size)
{
    if (size < AG_ENTRY_HEAD || memcmp(bytes, magic, sizeof(magic)) != 0) return 0;
    source head = {.at = bytes + sizeof(magic), .left = AG_ENTRY_HEAD - sizeof(magic)};
    size_t payload = take_u32(&head);
    uint64_t hash = take_u64(&head);
    if (payload > AG_ENTRY_MAX || rounded(AG_ENTRY_HEAD + payload) > size) return 0;
    return ag_hash_fast(bytes + AG_ENTRY_HEAD, payload, payload) == hash ? rounded(AG_ENTRY_HEAD + payload) : 0;
}

uint64_t ag_entry_begun(uint64_t first)
{
    memcpy(&first, begun, sizeof(begun));
    return first;
}

size_t ag_entry_begun_at(const uint8_t *bytes, size_t size)
{
    if (size < AG_ENTRY_HEAD || memcmp(bytes, begun, sizeof(begun)) != 0) return 0;
    source head = {.at = bytes + sizeof(begun), .left = AG_ENTRY_HEAD - sizeof(begun)};
    size_t payload = take_u32(&head);
    return payload <= AG_ENTRY_MAX && rounded(AG_ENTRY_HEAD + payload) <= size ? rounded(AG_ENTRY_HEAD + payload) : 0;
}

int ag_entry_read(const uint8_t *bytes, size_t size, ag_arena *arena, ag_entry *out, ag_err *err)
{
    source head = {.at = bytes, .left = size};
    (void)take(&head, sizeof(magic));
    source from = {.left = take_u32(&head), .arena = arena, .at = bytes + AG_ENTRY_HEAD};
    if (head.bad || from.left > size - AG_ENTRY_HEAD)
        return ag_fail(err, AG_ECORRUPT, "a record of the spool is cut short");
    ag_entry record = {.kind = take_u8(&from)};
    record.run = (ag_str){(const char *)take(&from, AG_ENTRY_ID), AG_ENTRY_ID};
    if (!from.bad && is_id(record.run))
        take_body(&from, &record);
    else
        from.bad = true;
    bool ids = record.kind != AG_ENTRY_START || !record.start.parent.size || is_id(record.start.parent);
    if (record.kind == AG_ENTRY_VERSION && !from.bad) ids = is_id(record.version.operation);
    if (from.no_memory) return ag_fail_memory(err, size);
    if (from.bad || !ids || from.left) return ag_fail(err, AG_ECORRUPT, "a record of the spool is not what it says");
    *out = record;
    return AG_OK;
}

const char *ag_entry_kind_name(ag_entry_kind kind)
{
    static const char *const names[] = {"", "start", "log", "finish", "artifact", "input", "version"};
    return (size_t)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : "";
}
