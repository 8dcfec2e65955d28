// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mlruns.h: the files of MLflow's file store, each for itself: meta.yaml of experiments, runs, data sets, logged models
 * and versions, and the lines of metric files. Their bytes come from outside; nothing here touches the disk. Text lives
 * in the arena. */
#include "core/doc/value.h"
#include "ledger/exchange/mlflow.h"

/* A mapping, whatever is in it; `file` is for messages. */
int ag_mlruns_meta(ag_arena *arena, ag_str text, const char *file, const ag_value **out, ag_err *err);
/* A text, or a number as text; NULL when absent or null. */
int ag_mlruns_text(ag_arena *arena, const ag_value *meta, const char *name, const char **out, ag_err *err);
int64_t ag_mlruns_time(const ag_value *meta, const char *name); /* milliseconds there, microseconds here; 0: none */

int ag_mlruns_experiment(ag_arena *arena, const ag_value *meta, ag_experiment *out, ag_err *err);
int ag_mlruns_run(ag_arena *arena, const ag_value *meta, ag_intake_run *out, ag_err *err);
int ag_mlruns_logged_model(ag_arena *arena, const ag_value *meta, ag_logged_model *out, bool *deleted, ag_err *err);
int ag_mlruns_model(ag_arena *arena, const ag_value *meta, ag_registered_model *out, ag_err *err);
int ag_mlruns_version(ag_arena *arena, const ag_value *meta, ag_version *out, bool *deleted, ag_err *err);
int ag_mlruns_dataset(ag_arena *arena, const ag_value *meta, ag_run_input *out, ag_err *err);
/* The mapping `tags`; none is none. */
int ag_mlruns_tags(ag_arena *arena, const ag_value *meta, ag_pairs *out, ag_err *err);

/* "TIMESTAMP VALUE [STEP [more]]"; *more is what is left. The key is the caller's. False: no such line. */
bool ag_mlruns_point(ag_str line, ag_metric *out, ag_str *more);
