// SPDX-License-Identifier: Apache-2.0
#pragma once
/* run.h: one execution: its parameters, metrics, tags, inputs, outputs, and its life
 * (running | scheduled -> finished | failed | killed; active <-> deleted). */
#include "core/base/buf.h"
#include "ledger/ledger.h"
#include "ledger/metric.h"

typedef enum ag_run_status {
    AG_RUN_RUNNING = 1, /* numbers of MLflow's protocol */
    AG_RUN_SCHEDULED = 2,
    AG_RUN_FINISHED = 3,
    AG_RUN_FAILED = 4,
    AG_RUN_KILLED = 5,
} ag_run_status;

const char *ag_run_status_name(ag_run_status status); /* "RUNNING" */
bool ag_run_status_parse(ag_str name, ag_run_status *out);

#define AG_INPUT_VERSION "auger" /* source_type of a version of a data set; its source is "auger:drilling@v3" */

typedef struct ag_run_input { /* a data set that a run read */
    const char *name, *digest, *source_type, *source;
    const char *schema, *profile; /* may be NULL */
    ag_pairs tags;
} ag_run_input;

typedef struct ag_run_model { /* an edge between a run and a logged model */
    const char *model_id;
    int64_t step;
} ag_run_model;

typedef struct ag_run {
    const char *id;
    const char *experiment_id;
    const char *name;
    const char *user_id; /* may be NULL */
    const char *artifact_uri;
    ag_run_status status;
    bool deleted;
    int64_t started_at;       /* 0: not said */
    int64_t ended_at;         /* 0: not ended */
    const ag_metric *metrics; /* the latest of each key */
    size_t metric_count;
    ag_pairs params;
    ag_pairs tags;
    const ag_run_input *inputs;
    size_t input_count;
    const ag_run_model *model_inputs, *model_outputs;
    size_t model_input_count, model_output_count;
} ag_run;

typedef struct ag_run_new {
    ag_str id; /* empty: made up; else 32 lower-case hex digits that the caller chose, so that asking twice makes one
                  run: AG_EEXISTS the second time */
    ag_str experiment_id;
    ag_str name; /* empty: from the tag mlflow.runName, else a generated adjective-noun-number */
    ag_str user_id;
    int64_t started_at; /* 0: now */
    ag_pairs tags;
} ag_run_new;

int ag_run_create(ag_ledger *ledger, const ag_run_new *new_run, ag_arena *arena, ag_run *out, ag_err *err);
int ag_run_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_run *out, ag_err *err);

typedef struct ag_run_change {
    const ag_run_status *status; /* NULL: as it is; likewise below */
    const int64_t *ended_at;
    const ag_str *name;
} ag_run_change;
int ag_run_update(ag_ledger *ledger, ag_str id, const ag_run_change *change, ag_arena *arena, ag_run *out, ag_err *err);
int ag_run_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err);  /* again: fine */
int ag_run_restore(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err); /* again: fine */

/* All of a batch or nothing. Parameters are immutable: the same value again is fine, another is AG_EINVAL. */
typedef struct ag_run_batch {
    const ag_metric *metrics;
    size_t metric_count;
    ag_pairs params;
    ag_pairs tags;
} ag_run_batch;
int ag_run_log(ag_ledger *ledger, ag_str id, const ag_run_batch *batch, ag_err *err);
/* One parameter alone. */
int ag_run_log_param(ag_ledger *ledger, ag_str id, ag_pair param, ag_err *err);
int ag_run_delete_tag(ag_ledger *ledger, ag_str id, ag_str key, ag_err *err);
/* Data sets are kept once per experiment by (name, digest); a second link keeps the first tags. */
int ag_run_log_inputs(ag_ledger *ledger, ag_str id, const ag_run_input *inputs, size_t count,
                      const ag_run_model *models, size_t model_count, ag_err *err);
/* What it read, for people: "waves.csv@1f3a, orders@v2@77b0", with so many digits of each digest. A version of a data
 * set stands once, by its own digest, although what a strategy took from it is an input beside it ("drilling@v3" with a
 * digest that labels and filters decide, too); `taken` adds that one: "drilling@v3@af72 (read as 4d00)". */
void ag_run_inputs_write(const ag_run *run, int digits, bool taken, const char *between, ag_buf *out);
int ag_run_log_outputs(ag_ledger *ledger, ag_str id, const ag_run_model *models, size_t count, ag_err *err);

typedef struct ag_runs {
    const ag_run *items;
    size_t count;
    const char *next;
} ag_runs;
/* Whole runs, in a bounded number of queries however many there are. */
int ag_run_search(ag_ledger *ledger, const ag_str *experiment_ids, size_t experiment_count, ag_view view,
                  const ag_page_request *page, ag_arena *arena, ag_runs *out, ag_err *err);

typedef struct ag_dataset_summary {
    const char *experiment_id, *name, *digest, *context; /* context may be NULL */
} ag_dataset_summary;
int ag_run_search_datasets(ag_ledger *ledger, const ag_str *experiment_ids, size_t count, ag_arena *arena,
                           const ag_dataset_summary **out, size_t *out_count, ag_err *err);
