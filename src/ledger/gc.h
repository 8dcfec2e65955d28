// SPDX-License-Identifier: Apache-2.0
#pragma once
/* gc.h: for ever: what was deleted long enough ago goes, with its artifacts. One thing is one unit, artifacts first and
 * its row last, so that a run of gc that is cut short is simply run again. Every removal is in the audit log. */
#include "core/sys/cancel.h"
#include "ledger/ledger.h"

typedef enum ag_gc_kind { AG_GC_RUN, AG_GC_LOGGED_MODEL, AG_GC_EXPERIMENT } ag_gc_kind;

typedef struct ag_gc_item {
    ag_gc_kind kind;
    const char *id;
    const char *artifact_uri;
    const char *kept; /* NULL: removed (or would be); else why its artifacts could not be: then it stays */
} ag_gc_item;

typedef struct ag_gc_options {
    int64_t older_than;           /* microseconds since it was deleted; 0: everything that is deleted */
    const ag_str *run_ids;        /* only these runs; they must be deleted */
    size_t run_count;             /* 0: all */
    const ag_str *experiment_ids; /* only these experiments, with their runs and models; they must be deleted */
    size_t experiment_count;
    bool dry_run;                                        /* says what would go */
    bool keep_artifacts;                                 /* rows only */
    void (*each)(void *context, const ag_gc_item *item); /* may be NULL */
    void *context;
    ag_cancel *cancel; /* may be NULL */
} ag_gc_options;

typedef struct ag_gc_result {
    uint64_t runs, logged_models, experiments, failed;
} ag_gc_result;

int ag_ledger_gc(ag_ledger *ledger, const ag_actor *actor, const ag_gc_options *options, ag_gc_result *out,
                 ag_err *err);
