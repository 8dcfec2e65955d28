// SPDX-License-Identifier: Apache-2.0
#pragma once
/* intake.h: putting what another program recorded into the ledger, under its own ids and times. Everything may be given
 * twice: what is there stays as it is, what is missing is added. A source (MLflow's database, its directories) reads;
 * this writes. One thread. */
#include "core/base/map.h"
#include "core/blob/tree_copy.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "ledger/experiment.h"
#include "ledger/ledger.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"
#include "ledger/run.h"

typedef struct ag_intake_options {
    bool dry_run;        /* reads and counts; the ledger stays as it is */
    bool keep_artifacts; /* files stay where they are and are only referred to; else they are copied */
    const char
        *artifacts_from; /* the directory or s3: URI that "mlflow-artifacts:/" of the source means; NULL: unknown */
    void (*skipped)(void *context, const char *what, const char *why); /* may be NULL */
    void *context;
    ag_cancel *cancel;     /* may be NULL */
    ag_progress *progress; /* may be NULL: rows and files */
} ag_intake_options;

typedef struct ag_intake_count {
    uint64_t added, there; /* new, and those that were in the ledger already */
} ag_intake_count;

typedef struct ag_intake_result {
    ag_intake_count experiments, runs, logged_models, models, versions, points;
    uint64_t params, tags, inputs, edges, aliases; /* given, new or not */
    uint64_t files, bytes, files_there;
    uint64_t skipped;
} ag_intake_result;

typedef struct ag_intake {
    ag_ledger *ledger;
    const ag_actor *actor;
    ag_intake_options options;
    ag_intake_result result;
    ag_arena *arena;     /* of what lasts as long as the import */
    ag_map *experiments; /* source id -> its id here, as text */
    ag_map *gone;        /* source ids of deleted experiments */
    ag_map *places;      /* run or logged model id -> ag_intake_place */
} ag_intake;

typedef struct ag_intake_place { /* of the files of a run or logged model */
    const char *from;            /* as the source named the place */
    const char *files;           /* where they can be read */
    const char *to;
} ag_intake_place;

int ag_intake_open(ag_ledger *ledger, const ag_actor *actor, const ag_intake_options *options, ag_intake *out,
                   ag_err *err);
void ag_intake_close(ag_intake *intake);
void ag_intake_skip(ag_intake *intake, const char *what, const char *format, ...) AG_PRINTF(3, 4);

/* By name: one of that name is the same experiment. Its id is that of the source where that is free. */
int ag_intake_experiment(ag_intake *intake, const ag_experiment *experiment, ag_err *err);
/* Many at once, with parameters, tags and data sets; experiment_id is the source's. Metrics and models are given
 * separately. Runs of experiments that were not given are skipped. */
typedef struct ag_intake_run {
    ag_run run;
    int64_t deleted_at; /* 0: now */
    const char *files;  /* where its artifacts can be read, if not at artifact_uri; NULL */
} ag_intake_run;
int ag_intake_runs(ag_intake *intake, const ag_intake_run *runs, size_t count, ag_err *err);
/* Points of one run, a few thousand at a time; best sorted by key. */
int ag_intake_points(ag_intake *intake, ag_str run_id, const ag_metric *points, size_t count, ag_err *err);
/* How many points the ledger has of a run. */
int ag_intake_points_there(ag_intake *intake, ag_str run_id, uint64_t *out, ag_err *err);
/* `files` as of a run; may be NULL. */
int ag_intake_logged_model(ag_intake *intake, const ag_logged_model *model, bool deleted, const char *files,
                           ag_err *err);
/* What a run read (or made, with is_output). */
int ag_intake_edges(ag_intake *intake, ag_str run_id, const ag_run_model *models, size_t count, bool is_output,
                    ag_err *err);
int ag_intake_model(ag_intake *intake, const ag_registered_model *model, ag_err *err);
/* A deleted version only takes its number. */
int ag_intake_version(ag_intake *intake, const ag_version *version, bool deleted, ag_err *err);
int ag_intake_alias(ag_intake *intake, ag_str model, ag_str alias, int64_t version, ag_err *err);

/* Remembers where the files of `id` are and will be: below the experiment in this ledger's store. *out: the new URI.
 * intake_files.c */
int ag_intake_put_place(ag_intake *intake, const char *id, const char *experiment, bool is_model, const char *uri,
                        const char *files, const char **out, ag_err *err);
/* Copies the files of every run and logged model that was given. */
int ag_intake_files(ag_intake *intake, ag_err *err);
/* What a source's artifact URI means on this machine, NULL with *why when it cannot be reached. intake_files.c */
const char *ag_intake_address(ag_intake *intake, ag_arena *arena, const char *uri, const char **why);
