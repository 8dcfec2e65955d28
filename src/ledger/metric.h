// SPDX-License-Identifier: Apache-2.0
#pragma once
/* metric.h: histories of numbers. A point is (key, value, at, step); the same point twice is kept once. NaN and the
 * infinities are kept as they are. The latest of a key is the largest (step, at, value). */
#include "ledger/ledger.h"

typedef struct ag_metric {
    const char *key;
    double value;
    int64_t at; /* microseconds; MLflow's clients give milliseconds */
    int64_t step;
    const char *model_id;                      /* of a logged model it also belongs to; NULL: none */
    const char *dataset_name, *dataset_digest; /* NULL: none */
    const char *run_id;                        /* read with a logged model: the run that logged it; else NULL */
} ag_metric;

typedef struct ag_points {
    const ag_metric *items; /* key is set in each */
    size_t count;
    const char *next;
} ag_points;

/* Ordered by at, step, value. max_results 0: everything. */
int ag_metric_history(ag_ledger *ledger, ag_str run_id, ag_str key, uint32_t max_results, ag_str token, ag_arena *arena,
                      ag_points *out, ag_err *err);

typedef struct ag_run_points {
    const char *run_id;
    const ag_metric *items;
    size_t count;
} ag_run_points;
/* MLflow's get-history-bulk: runs in order of id, points by at, step, value, at most max_results in all. */
int ag_metric_history_bulk(ag_ledger *ledger, const ag_str *run_ids, size_t count, ag_str key, uint32_t max_results,
                           ag_arena *arena, ag_run_points **out, size_t *out_count, ag_err *err);
/* get-history-bulk-interval: the steps of all runs in [first_step, last_step] (NULL: all), thinned to max_results
 * evenly spaced ones plus the last and each run's own last; every point at the chosen steps. */
int ag_metric_history_interval(ag_ledger *ledger, const ag_str *run_ids, size_t count, ag_str key,
                               const int64_t *first_step, const int64_t *last_step, uint32_t max_results,
                               ag_arena *arena, ag_run_points **out, size_t *out_count, ag_err *err);
/* For plots: at most `points` points that keep the extremes of every stretch (min and max of each bucket of steps),
 * NaNs that break the line, the first and the last. Cost grows with the answer, not with the history, where an index
 * serves.
 */
int ag_metric_sample(ag_ledger *ledger, ag_str run_id, ag_str key, uint32_t points, ag_arena *arena, ag_points *out,
                     ag_err *err);
