// SPDX-License-Identifier: Apache-2.0
/* metric.c: reading histories: whole, of many runs, and thinned to steps as MLflow's charts want them. Thinning for our
 * own plots, which keeps extremes, is in metric_sample.c. */
#include "ledger/metric.h"

#include <math.h>
#include <stdlib.h>

#include "ledger/collect.h"
#include "ledger/metric_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { LARGEST_BULK = 25000, LARGEST_INTERVAL = 2500, MAX_RUNS = 100 };

void ag_metric_take(ag_rows *rows, size_t first_column, const char *key, ag_metric *out)
{
    *out = (ag_metric){.key = key,
                       .value = ag_rows_int(rows, first_column + 1) ? (double)NAN : ag_rows_real(rows, first_column),
                       .at = ag_rows_int(rows, first_column + 2),
                       .step = ag_rows_int(rows, first_column + 3)};
}

int ag_metric_read(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, const char *key, ag_vec *into,
                   ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_metric *point = ag_vec_add(into);
        if (point)
            ag_metric_take(rows, 0, key, point);
        else
            rc = ag_fail_memory(err, sizeof(*point));
    }
    ag_rows_free(rows);
    return rc;
}

/* ---- one history ---- */

typedef struct history_job {
    ag_str run_id;
    const char *key;
    int64_t limit; /* one more than a page */
    uint64_t offset;
    ag_vec points;
} history_job;

static int run_history(ag_tx *tx, void *context, ag_err *err)
{
    history_job *j = context;
    int64_t there = 0;
    ag_vec_clear(&j->points);
    int rc = ag_tx_get_int(tx, &AG_SQL_RUN_STATE, AG_BINDS(ag_cell_str(j->run_id)), &there, err);
    if (rc == 0) return ag_fail(err, AG_ENOTFOUND, "Run with id=%.*s not found", AG_STR_ARG(j->run_id));
    if (rc < 0) return rc;
    return ag_metric_read(
        tx, &AG_SQL_METRIC_HISTORY,
        AG_BINDS(ag_cell_str(j->run_id), ag_cell_text(j->key), ag_cell_int(j->limit), ag_cell_int((int64_t)j->offset)),
        j->key, &j->points, err);
}

int ag_metric_history(ag_ledger *ledger, ag_str run_id, ag_str key, uint32_t max_results, ag_str token, ag_arena *arena,
                      ag_points *out, ag_err *err)
{
    history_job j = {.run_id = run_id, .limit = max_results ? (int64_t)max_results + 1 : INT64_MAX};
    void *items = NULL;
    ag_vec_init(&j.points, sizeof(ag_metric));
    int rc = ag_page_offset(token, &j.offset, err);
    if (rc >= 0 && !(j.key = ag_arena_strndup(arena, key.data, key.size))) rc = ag_fail_memory(err, key.size + 1);
    if (rc >= 0) rc = ag_db_read(ag_ledger_db(ledger), NULL, run_history, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.points, arena, &items, err);
    if (rc >= 0) {
        bool more = max_results && j.points.count > max_results;
        *out = (ag_points){items, more ? max_results : j.points.count, NULL};
        if (more && !(out->next = ag_page_token(arena, j.offset + max_results))) rc = ag_fail_memory(err, 1);
    }
    ag_vec_deinit(&j.points);
    return rc;
}

/* ---- many runs ---- */

typedef struct many_job {
    const ag_str *runs;
    size_t count;
    const char *key;
    int64_t limit;
    int64_t first, last;
    ag_arena *arena;
    ag_run_points *out;
    size_t out_count;
} many_job;

static int check_runs(size_t count, ag_err *err)
{
    if (count == 0) {
        return ag_fail(err, AG_EINVAL, "GetMetricHistoryBulk request must specify at least one run_id.");
    }
    if (count > MAX_RUNS) {
        return ag_fail(err, AG_EINVAL,
                       "GetMetricHistoryBulk request cannot specify more than %d run_ids. Received %zu "
                       "run_ids.",
                       MAX_RUNS, count);
    }
    return AG_OK;
}

static int compare_ids(const void *a, const void *b)
{
    return ag_str_compare(*(const ag_str *)a, *(const ag_str *)b);
}

/* Copies of the ids, sorted, each once. */
static int sort_runs(many_job *j, const ag_str *ids, size_t count, ag_err *err)
{
    ag_vec sorted;
    void *items = NULL;
    ag_vec_init(&sorted, sizeof(ag_str));
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) rc = ag_vec_push(&sorted, &ids[i], err);
    if (rc >= 0) {
        ag_vec_sort(&sorted, compare_ids);
        for (size_t i = sorted.count; i-- > 1;) {
            if (ag_str_equal(*(ag_str *)ag_vec_at(&sorted, i), *(ag_str *)ag_vec_at(&sorted, i - 1))) {
                ag_vec_remove(&sorted, i);
            }
        }
        rc = ag_take_items(&sorted, j->arena, &items, err);
    }
    j->runs = items;
    j->count = sorted.count;
    ag_vec_deinit(&sorted);
    return rc;
}

static int add_run(many_job *j, ag_str run, ag_vec *points, ag_err *err)
{
    if (points->count == 0) return AG_OK;
    void *items;
    int rc = ag_take_items(points, j->arena, &items, err);
    const char *id = rc < 0 ? NULL : ag_arena_strndup(j->arena, run.data, run.size);
    if (rc >= 0 && !id) rc = ag_fail_memory(err, run.size + 1);
    if (rc >= 0) j->out[j->out_count++] = (ag_run_points){id, items, points->count};
    return rc;
}

static int run_bulk(ag_tx *tx, void *context, ag_err *err)
{
    many_job *j = context;
    ag_vec points;
    ag_vec_init(&points, sizeof(ag_metric));
    int64_t left = j->limit;
    int rc = AG_OK;
    j->out_count = 0;
    for (size_t i = 0; i < j->count && rc >= 0 && left > 0; i++) {
        ag_vec_clear(&points);
        rc = ag_metric_read(tx, &AG_SQL_METRIC_HISTORY,
                            AG_BINDS(ag_cell_str(j->runs[i]), ag_cell_text(j->key), ag_cell_int(left), ag_cell_int(0)),
                            j->key, &points, err);
        left -= (int64_t)points.count;
        if (rc >= 0) rc = add_run(j, j->runs[i], &points, err);
    }
    ag_vec_deinit(&points);
    return rc;
}

static int read_many(ag_ledger *ledger, many_job *j, const ag_str *ids, size_t count, ag_str key, ag_db_fn run,
                     ag_err *err)
{
    int rc = check_runs(count, err);
    if (rc >= 0) rc = sort_runs(j, ids, count, err);
    if (rc < 0) return rc;
    j->key = ag_arena_strndup(j->arena, key.data, key.size);
    j->out = ag_arena_array(j->arena, count, sizeof(*j->out));
    if (!j->key || !j->out) return ag_fail_memory(err, count * sizeof(*j->out));
    return ag_db_read(ag_ledger_db(ledger), NULL, run, j, err);
}

int ag_metric_history_bulk(ag_ledger *ledger, const ag_str *run_ids, size_t count, ag_str key, uint32_t max_results,
                           ag_arena *arena, ag_run_points **out, size_t *out_count, ag_err *err)
{
    many_job j = {.arena = arena, .limit = max_results && max_results < LARGEST_BULK ? max_results : LARGEST_BULK};
    int rc = read_many(ledger, &j, run_ids, count, key, run_bulk, err);
    if (rc < 0) return rc;
    *out = j.out;
    *out_count = j.out_count;
    return AG_OK;
}

/* ---- thinned to steps ---- */

static int compare_steps(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void drop_repeats(ag_vec *steps)
{
    int64_t *items = steps->items;
    size_t kept = 0;
    for (size_t i = 0; i < steps->count; i++) {
        if (i == 0 || items[i] != items[kept - 1]) items[kept++] = items[i];
    }
    steps->count = kept;
}

static int read_steps(ag_tx *tx, const many_job *j, ag_str run, ag_vec *steps, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_METRIC_STEPS,
                         AG_BINDS(ag_cell_str(run), ag_cell_text(j->key), ag_cell_int(j->first), ag_cell_int(j->last)),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        int64_t step = ag_rows_int(rows, 0);
        rc = ag_vec_push(steps, &step, err);
    }
    ag_rows_free(rows);
    return rc;
}

/* Evenly spaced ones of all steps, the last of all, and the last of each run. */
static int choose_steps(ag_tx *tx, const many_job *j, ag_vec *chosen, ag_err *err)
{
    ag_vec all, ends;
    ag_vec_init(&all, sizeof(int64_t));
    ag_vec_init(&ends, sizeof(int64_t));
    int rc = AG_OK;
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        size_t before = all.count;
        rc = read_steps(tx, j, j->runs[i], &all, err);
        if (rc >= 0 && all.count > before) rc = ag_vec_push(&ends, ag_vec_at(&all, all.count - 1), err);
    }
    if (rc >= 0) {
        ag_vec_sort(&all, compare_steps);
        drop_repeats(&all);
        size_t wanted = (size_t)j->limit;
        bool whole = all.count <= wanted;
        for (size_t i = 0; i < (whole ? all.count : wanted) && rc >= 0; i++) {
            rc = ag_vec_push(chosen, ag_vec_at(&all, whole ? i : i * all.count / wanted), err);
        }
        if (rc >= 0 && all.count) rc = ag_vec_push(chosen, ag_vec_at(&all, all.count - 1), err);
        for (size_t i = 0; i < ends.count && rc >= 0; i++) rc = ag_vec_push(chosen, ag_vec_at(&ends, i), err);
        ag_vec_sort(chosen, compare_steps);
        drop_repeats(chosen);
    }
    ag_vec_deinit(&ends);
    ag_vec_deinit(&all);
    return rc;
}

/* Those points of a run whose step was chosen: one pass over the range, since steps were read in the same way before.
 */
static int read_chosen(ag_tx *tx, const many_job *j, ag_str run, const ag_vec *steps, ag_vec *points, ag_err *err)
{
    ag_rows *rows = NULL;
    if (steps->count == 0) return AG_OK;
    const int64_t *step = steps->items, *end = step + steps->count;
    int rc = ag_tx_query(tx, &AG_SQL_METRIC_POINTS_BETWEEN,
                         AG_BINDS(ag_cell_str(run), ag_cell_text(j->key), ag_cell_int(step[0]), ag_cell_int(end[-1])),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        int64_t at = ag_rows_int(rows, 3);
        while (step < end && *step < at) step++;
        if (step == end || *step != at) continue;
        ag_metric *point = ag_vec_add(points);
        if (point)
            ag_metric_take(rows, 0, j->key, point);
        else
            rc = ag_fail_memory(err, sizeof(*point));
    }
    ag_rows_free(rows);
    return rc;
}

static int run_interval(ag_tx *tx, void *context, ag_err *err)
{
    many_job *j = context;
    ag_vec steps, points;
    ag_vec_init(&steps, sizeof(int64_t));
    ag_vec_init(&points, sizeof(ag_metric));
    j->out_count = 0;
    int rc = choose_steps(tx, j, &steps, err);
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        ag_vec_clear(&points);
        rc = read_chosen(tx, j, j->runs[i], &steps, &points, err);
        if (rc >= 0) rc = add_run(j, j->runs[i], &points, err);
    }
    ag_vec_deinit(&points);
    ag_vec_deinit(&steps);
    return rc;
}

int ag_metric_history_interval(ag_ledger *ledger, const ag_str *run_ids, size_t count, ag_str key,
                               const int64_t *first_step, const int64_t *last_step, uint32_t max_results,
                               ag_arena *arena, ag_run_points **out, size_t *out_count, ag_err *err)
{
    if (!first_step != !last_step) {
        return ag_fail(err, AG_EINVAL, "If either start step or end step are specified, both must be specified.");
    }
    if (first_step && *first_step > *last_step) {
        return ag_fail(err, AG_EINVAL,
                       "end_step must be greater than start_step. Found start_step=%lld and end_step=%lld.",
                       (long long)*first_step, (long long)*last_step);
    }
    many_job j = {.arena = arena,
                  .limit = max_results && max_results < LARGEST_INTERVAL ? max_results : LARGEST_INTERVAL,
                  .first = first_step ? *first_step : INT64_MIN,
                  .last = last_step ? *last_step : INT64_MAX};
    int rc = read_many(ledger, &j, run_ids, count, key, run_interval, err);
    if (rc < 0) return rc;
    *out = j.out;
    *out_count = j.out_count;
    return AG_OK;
}
