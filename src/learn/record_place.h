// SPDX-License-Identifier: Apache-2.0
#pragma once
/* record_place.h: the run behind a record (record.h), in a ledger of this machine or on a server. Called with times,
 * texts and batches that are right; a slot that waits for a server does not exist but for `version`. */
#include "learn/record.h"
#include "ledger/run.h"

typedef struct ag_record_place {
    ag_tracker tracker; /* borrowed */
    ag_arena *arena;    /* of the record */
    auger_ledger_run *run;
    const char *run_id, *experiment_id, *artifact_uri; /* filled by `open`; the last two: NULL on a server */
} ag_record_place;

typedef struct ag_record_target {
    /* A new run, or options->run_id again when it is there. */
    int (*open)(ag_record_place *place, const ag_record_options *options, ag_pairs tags, ag_err *err);
    int (*log)(ag_record_place *place, const ag_run_batch *batch, ag_err *err);
    int (*input)(ag_record_place *place, const ag_run_input *input, ag_err *err);
    int (*file)(ag_record_place *place, const char *path, const char *name, ag_err *err);
    int (*end)(ag_record_place *place, ag_run_status status, int64_t at, ag_err *err);
    /* The model of the run becomes a version; *name NULL: it will, when the server is there again. */
    int (*version)(ag_record_place *place, const ag_settings *settings, ag_arena *arena, const char **name,
                   ag_err *err);
    void (*close)(ag_record_place *place);
    bool waits; /* log() waits for a disk */
} ag_record_target;

/* Tells options->named, if anybody. */
int ag_record_named(const ag_record_options *options, const char *run, const char *experiment, ag_err *err);

extern const ag_record_target ag_record_here;      /* record_here.c */
extern const ag_record_target ag_record_on_server; /* record_server.c */
