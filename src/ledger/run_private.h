// SPDX-License-Identifier: Apache-2.0
#pragma once
/* run_private.h: what the files about runs share. */
#include "ledger/ledger_private.h"
#include "ledger/run.h"

/* One row of run_by_id or run_search into *out; nothing that lies in other tables. */
int ag_run_take(ag_rows *rows, ag_arena *arena, ag_run *out, ag_err *err);
/* Metrics, parameters, tags, inputs and outputs of a page of runs, in a bounded number of queries. */
int ag_run_fill(ag_tx *tx, ag_arena *arena, ag_run *runs, size_t count, ag_err *err);
/* AG_ENOTFOUND when absent. */
int ag_run_find(ag_tx *tx, ag_str id, ag_arena *arena, ag_run *out, ag_err *err);
/* That the run is there and active; its experiment. */
int ag_run_expect_active(ag_tx *tx, ag_str id, int64_t *experiment, ag_err *err);
/* Sets tags; mlflow.runName renames the run. The tags were checked before. */
int ag_run_put_tags(ag_tx *tx, ag_str id, ag_pairs tags, ag_err *err);
int ag_run_check_tags(ag_pairs tags, ag_err *err);

extern const char ag_run_name_tag[]; /* "mlflow.runName" */
