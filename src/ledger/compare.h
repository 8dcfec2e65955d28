// SPDX-License-Identifier: Apache-2.0
#pragma once
/* compare.h: several runs, or several versions of models, side by side: a row for each parameter, metric and tag that
 * any of them has. */
#include "ledger/ledger.h"
#include "ledger/model.h"
#include "ledger/run.h"

typedef enum ag_compare_kind { AG_COMPARE_FACT, AG_COMPARE_PARAM, AG_COMPARE_METRIC, AG_COMPARE_TAG } ag_compare_kind;

typedef struct ag_compare_row {
    ag_compare_kind kind;
    const char *key;
    bool differs;              /* not all have the same; one that lacks it differs */
    const char *const *values; /* per column; NULL where it is absent. A metric's shortest exact form */
    const double *numbers;     /* per column, for metrics; else NULL */
} ag_compare_row;

typedef struct ag_comparison {
    const char *const *columns; /* run ids, or "model/3" */
    size_t column_count;
    const ag_compare_row *rows; /* by kind, then key */
    size_t row_count;
} ag_comparison;

enum { AG_COMPARE_MOST = 100 };

/* Facts of a run: name, status, user, started, ended, its data sets. At most AG_COMPARE_MOST. */
int ag_compare_runs(ag_ledger *ledger, const ag_str *ids, size_t count, ag_arena *arena, ag_comparison *out,
                    ag_err *err);

typedef struct ag_version_id {
    ag_str model;
    int64_t number;
} ag_version_id;
/* Facts of a version: stage, aliases, source, description, run. Parameters and metrics are those of the logged model,
 * else of the run that it came from. */
int ag_compare_versions(ag_ledger *ledger, const ag_version_id *ids, size_t count, ag_arena *arena, ag_comparison *out,
                        ag_err *err);
