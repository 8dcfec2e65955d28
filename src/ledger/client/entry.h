// SPDX-License-Identifier: Apache-2.0
#pragma once
/* entry.h: one call of a client as bytes, as it lies in the spool.
 *
 * A record: "AGr1", size of the payload (4 bytes), fast hash of the payload with the size as its seed (8), payload,
 * zeros up to a multiple of 8. Numbers are little-endian, times microseconds, reals their IEEE bits; a text is its size
 * (4), its bytes and a NUL. The payload: kind (1), run (32 hex digits), then by kind
 *   start     parent (text, empty: none), experiment, name, time (8), pairs
 *   log       number of metrics (4), each value (8), step (8), time (8), key; pairs of parameters; pairs of tags
 *   finish    status (1), time (8)
 *   artifact  path (text), number of its file (8), size (8)
 *   input     name, digest, source type, source, schema, profile (each a text, empty for none), pairs of tags
 *   version   operation (text of 32 hex digits), model, path; and when one of them is there description, stage, alias,
 *             pairs of tags
 * where pairs are their number (4) and each a key and a value. One that is being written begins with "AGr0". */
#include "core/base/arena.h"
#include "ledger/run.h"

enum {
    AG_ENTRY_HEAD = 16,
    AG_ENTRY_MAX = 2 << 20, /* of a whole record */
    AG_ENTRY_ID = 32,       /* hex digits of a run or an operation */
};

typedef enum ag_entry_kind {
    AG_ENTRY_START = 1,
    AG_ENTRY_LOG = 2,
    AG_ENTRY_FINISH = 3,
    AG_ENTRY_ARTIFACT = 4,
    AG_ENTRY_INPUT = 5,
    AG_ENTRY_VERSION = 6,
} ag_entry_kind;

typedef struct ag_entry {
    ag_entry_kind kind;
    ag_str run;
    union {
        struct {
            ag_str parent, experiment, name;
            int64_t at;
            ag_pairs tags;
        } start;
        ag_run_batch log;
        struct {
            ag_run_status status;
            int64_t at;
        } finish;
        struct {
            ag_str path;
            uint64_t file, size;
        } artifact;
        ag_run_input input;
        struct {
            ag_str operation, model, path;
            ag_str description, stage, alias; /* may be empty */
            ag_pairs tags;
        } version;
    };
} ag_entry;

/* Bytes that the record takes; more than AG_ENTRY_MAX: it cannot be written. */
size_t ag_entry_size(const ag_entry *record);
/* Into ag_entry_size() bytes. */
void ag_entry_write(const ag_entry *record, uint8_t *out);

/* The size of the whole record that stands at the beginning of `bytes`, 0 when none does. */
size_t ag_entry_at(const uint8_t *bytes, size_t size);
/* A record that is being written shows "AGr0" until all of it is there. Makes that of its first eight bytes. */
uint64_t ag_entry_begun(uint64_t first);
/* What such a record takes that stands at the beginning of `bytes`, 0 when none does. */
size_t ag_entry_begun_at(const uint8_t *bytes, size_t size);
/* Of what ag_entry_at() has found. Texts are borrowed from `bytes`, arrays from the arena; texts that `ag_metric` and
 * `ag_run_input` point at end in NUL. AG_ECORRUPT when the payload is not what its kind says;
 * any other failure says nothing about it. */
int ag_entry_read(const uint8_t *bytes, size_t size, ag_arena *arena, ag_entry *out, ag_err *err);

const char *ag_entry_kind_name(ag_entry_kind kind); /* "start" */
