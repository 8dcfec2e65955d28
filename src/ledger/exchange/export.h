// SPDX-License-Identifier: Apache-2.0
#pragma once
/* export.h: from the ledger into what other programs read: MLflow's file store, TensorBoard's event files, W&B's
 * offline runs. The target directory must be new or empty, and appears when it is whole (DIR.partial until then). */
#include "core/blob/tree_copy.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "ledger/experiment.h"
#include "ledger/ledger.h"
#include "ledger/run.h"

typedef struct ag_export_options {
    const ag_str *experiments; /* ids; none: all active ones */
    size_t experiment_count;
    ag_str filter;                                                     /* of runs, in the search language */
    bool no_artifacts;                                                 /* leaves the files where they are */
    const char *project;                                               /* of W&B; NULL: the experiment's name */
    void (*skipped)(void *context, const char *what, const char *why); /* may be NULL */
    void *context;
    ag_cancel *cancel;     /* may be NULL */
    ag_progress *progress; /* may be NULL: runs */
} ag_export_options;

typedef struct ag_export_result {
    uint64_t experiments, runs, points, files, bytes, models, versions, skipped;
} ag_export_result;

int ag_export_mlflow(ag_ledger *ledger, const char *directory, const ag_export_options *options, ag_export_result *out,
                     ag_err *err);
int ag_export_tensorboard(ag_ledger *ledger, const char *directory, const ag_export_options *options,
                          ag_export_result *out, ag_err *err);
int ag_export_wandb(ag_ledger *ledger, const char *directory, const ag_export_options *options, ag_export_result *out,
                    ag_err *err);

/* ---- for the formats; export.c ---- */

typedef struct ag_export {
    ag_ledger *ledger;
    const ag_export_options *options;
    const char *target;    /* what the user named */
    const char *directory; /* where it grows */
    ag_export_result result;
    ag_arena *arena; /* as long as the export */
    ag_arena *piece; /* as long as one run */
    void *format;    /* the format's own */
} ag_export;

typedef struct ag_export_format {
    bool deleted; /* takes deleted runs and experiments too */
    int (*experiment)(ag_export *e, const ag_experiment *experiment, ag_err *err); /* optional */
    int (*run)(ag_export *e, const ag_experiment *experiment, const ag_run *run, ag_err *err);
    int (*finish)(ag_export *e, ag_err *err); /* optional */
} ag_export_format;

int ag_export_run(ag_ledger *ledger, const char *directory, const ag_export_options *options,
                  const ag_export_format *format, ag_export_result *out, ag_err *err);
void ag_export_skip(ag_export *e, const char *what, const char *format, ...) AG_PRINTF(3, 4);

/* Every point of a history in order of time, in pieces. */
typedef int (*ag_export_points_fn)(void *context, const ag_metric *points, size_t count, ag_err *err);
int ag_export_points(ag_export *e, const char *run_id, const char *key, ag_export_points_fn take, void *context,
                     ag_err *err);
/* The files at a URI of the ledger into a directory; what cannot be reached is told. */
int ag_export_files(ag_export *e, const char *id, const char *uri, const char *directory, ag_err *err);
/* A name as that of a file: what other systems do not allow becomes '_'. */
const char *ag_export_file_name(ag_arena *arena, const char *name);
