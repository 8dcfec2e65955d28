// SPDX-License-Identifier: Apache-2.0
/* run_log.c: what a run says while it works: parameters, metrics, tags, one by one or in a batch.
 * A batch is one unit: all of it or nothing (MLflow's own server is not so strict). Points of one key share one touch
 * of their series, and all points go to the database in one call. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "ledger/run_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

typedef struct series { /* the points of one key in a batch */
    ag_str key;
    const ag_metric *largest; /* by (step, at, value) */
    int64_t id;
} series;

typedef struct job {
    ag_str id;
    const ag_run_batch *batch;
    ag_arena *arena;
    ag_vec series;       /* of `series` */
    uint32_t *series_of; /* per metric */
    bool single;         /* one parameter alone: MLflow words that refusal differently */
} job;

/* ---- checking, before the database is asked ---- */

static int check_value(ag_str value, const char *what, ag_str key, size_t max, ag_err *err)
{
    if (ag_utf8_count(value) > max) {
        return ag_fail(err, AG_EINVAL,
                       "%s value '%.*s...' of key '%.*s' had length %zu, which exceeded length limit of %zu", what,
                       (int)ag_utf8_head(value, 40), value.data, AG_STR_ARG(key), ag_utf8_count(value), max);
    }
    if (!ag_utf8_valid(value) || ag_str_find_char(value, '\0', 0) != SIZE_MAX) {
        return ag_fail(err, AG_EINVAL, "%s value of key '%.*s' is not valid UTF-8 text", what, AG_STR_ARG(key));
    }
    return AG_OK;
}

int ag_run_check_tags(ag_pairs tags, ag_err *err)
{
    for (size_t i = 0; i < tags.count; i++) {
        int rc = ag_key_check(tags.items[i].key, "tag", err);
        if (rc >= 0) rc = check_value(tags.items[i].value, "Tag", tags.items[i].key, AG_MAX_TAG_VALUE, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static int check_params(ag_pairs params, ag_err *err)
{
    ag_map *seen = ag_map_new();
    int rc = seen ? AG_OK : ag_fail_memory(err, 1);
    for (size_t i = 0; i < params.count && rc >= 0; i++) {
        ag_str key = params.items[i].key;
        if ((rc = ag_key_check(key, "param", err)) < 0) break;
        if ((rc = check_value(params.items[i].value, "Param", key, AG_MAX_PARAM_VALUE, err)) < 0) break;
        if (ag_map_has(seen, key)) {
            rc = ag_fail(err, AG_EINVAL,
                         "Duplicate parameter keys have been submitted: ['%.*s']. Please ensure the "
                         "request contains only one param value per param key.",
                         AG_STR_ARG(key));
            break;
        }
        rc = ag_map_put(seen, key, NULL, NULL, err);
    }
    ag_map_free(seen);
    return rc;
}

static int check_metrics(const ag_run_batch *batch, ag_err *err)
{
    for (size_t i = 0; i < batch->metric_count; i++) {
        const ag_metric *metric = &batch->metrics[i];
        int rc = ag_key_check(ag_str_of(metric->key), "metric", err);
        if (rc < 0) return rc;
        if (metric->at < 0) {
            return ag_fail(err, AG_EINVAL,
                           "Got invalid timestamp %lld for metric '%s'. Timestamp must be a nonnegative "
                           "long (64-bit integer)",
                           (long long)(metric->at / 1000), metric->key);
        }
    }
    return AG_OK;
}

/* ---- metrics ---- */

static bool is_larger(const ag_metric *a, const ag_metric *b)
{
    if (a->step != b->step) return a->step > b->step;
    if (a->at != b->at) return a->at > b->at;
    double x = isnan(a->value) ? 0 : a->value, y = isnan(b->value) ? 0 : b->value;
    return x > y;
}

/* Which series each metric belongs to. */
static int group_metrics(job *j, ag_err *err)
{
    size_t count = j->batch->metric_count;
    ag_map *numbers = ag_map_new(); /* key -> number of its series + 1 */
    j->series_of = ag_arena_array(j->arena, count + 1, sizeof(*j->series_of));
    int rc = numbers && j->series_of ? AG_OK : ag_fail_memory(err, count * sizeof(*j->series_of));
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const ag_metric *metric = &j->batch->metrics[i];
        ag_str key = ag_str_of(metric->key);
        uintptr_t number = (uintptr_t)ag_map_get(numbers, key);
        if (!number) {
            series new_one = {.key = key, .largest = metric};
            if ((rc = ag_vec_push(&j->series, &new_one, err)) < 0) break;
            number = j->series.count;
            rc = ag_map_put(numbers, key, (void *)number, NULL, err);
        }
        series *one = ag_vec_at(&j->series, number - 1);
        if (is_larger(metric, one->largest)) one->largest = metric;
        j->series_of[i] = (uint32_t)(number - 1);
    }
    ag_map_free(numbers);
    return rc;
}

static ag_cell cell_of(double value) /* NaN is NULL where nothing has to be unique */
{
    return isnan(value) ? ag_cell_null() : ag_cell_real(value);
}

static int put_series(ag_tx *tx, job *j, ag_err *err)
{
    for (size_t i = 0; i < j->series.count; i++) {
        series *one = ag_vec_at(&j->series, i);
        int rc = ag_tx_get_int(tx, &AG_SQL_SERIES_UPSERT,
                               AG_BINDS(ag_cell_str(j->id), ag_cell_str(one->key), cell_of(one->largest->value),
                                        ag_cell_int(one->largest->step), ag_cell_int(one->largest->at)),
                               &one->id, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

/* In the order in which the points lie: neighbours go to the same page, and two writers lock rows in one order. */
static int compare_points(const void *a, const void *b)
{
    const ag_cell *x = a, *y = b;
    for (int i = 0; i < 3; i++) {
        if (x[i].integer != y[i].integer) return x[i].integer < y[i].integer ? -1 : 1;
    }
    return 0;
}

static int put_points(ag_tx *tx, job *j, ag_err *err)
{
    enum { COLUMNS = 5 };
    size_t count = j->batch->metric_count;
    ag_cell *binds = ag_arena_array(j->arena, count + 1, COLUMNS * sizeof(*binds));
    if (!binds) return ag_fail_memory(err, count * COLUMNS * sizeof(*binds));
    for (size_t i = 0; i < count; i++) {
        const ag_metric *metric = &j->batch->metrics[i];
        const series *one = ag_vec_at(&j->series, j->series_of[i]);
        bool nan = isnan(metric->value);
        ag_cell *row = binds + i * COLUMNS;
        row[0] = ag_cell_int(one->id);
        row[1] = ag_cell_int(metric->step);
        row[2] = ag_cell_int(metric->at);
        row[3] = ag_cell_real(nan ? 0 : metric->value);
        row[4] = ag_cell_int(nan);
    }
    qsort(binds, count, COLUMNS * sizeof(*binds), compare_points);
    return ag_tx_run_many(tx, &AG_SQL_POINT_INSERT, binds, count, COLUMNS, err);
}

/* Metrics that also belong to a logged model. */
static int put_model_metrics(ag_tx *tx, job *j, ag_err *err)
{
    for (size_t i = 0; i < j->batch->metric_count; i++) {
        const ag_metric *m = &j->batch->metrics[i];
        int64_t there = 0;
        if (!m->model_id || !*m->model_id) continue;
        int rc = ag_tx_get_int(tx, &AG_SQL_LOGGED_MODEL_EXISTS, AG_BINDS(ag_cell_text(m->model_id)), &there, err);
        if (rc >= 0 && !there) {
            rc = ag_fail(err, AG_ENOTFOUND, "Logged model with ID '%s' not found.", m->model_id);
        }
        if (rc < 0) return rc;
        rc = ag_tx_run(tx, &AG_SQL_MODEL_METRIC_UPSERT,
                       AG_BINDS(ag_cell_text(m->model_id), ag_cell_text(m->key),
                                ag_cell_text(m->dataset_name ? m->dataset_name : ""),
                                ag_cell_text(m->dataset_digest ? m->dataset_digest : ""), ag_cell_str(j->id),
                                cell_of(m->value), ag_cell_int(m->step), ag_cell_int(m->at)),
                       NULL, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

/* ---- parameters and tags ---- */

static int expect_same(ag_tx *tx, const job *j, const ag_pair *param, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_PARAM_VALUE, AG_BINDS(ag_cell_str(j->id), ag_cell_str(param->key)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    ag_str old = rc > 0 ? ag_rows_text(rows, 0) : (ag_str){0};
    if (rc > 0 && !ag_str_equal(old, param->value)) {
        ag_str before = ag_str_slice(old, 0, 80), now = ag_str_slice(param->value, 0, 80);
        rc = j->single ? ag_fail(err, AG_EINVAL,
                                 "Changing param values is not allowed. Param with key='%.*s' was already logged with "
                                 "value='%.*s' for run ID='%.*s'. Attempted logging new value '%.*s'.",
                                 AG_STR_ARG(param->key), AG_STR_ARG(before), AG_STR_ARG(j->id), AG_STR_ARG(now))
                       : ag_fail(err, AG_EINVAL,
                                 "Changing param values is not allowed. Params were already logged='[{'key': '%.*s', "
                                 "'old_value': '%.*s', 'new_value': '%.*s'}]' for run ID='%.*s'.",
                                 AG_STR_ARG(param->key), AG_STR_ARG(before), AG_STR_ARG(now), AG_STR_ARG(j->id));
    }
    ag_rows_free(rows);
    return rc;
}

static int put_params(ag_tx *tx, const job *j, ag_err *err)
{
    for (size_t i = 0; i < j->batch->params.count; i++) {
        const ag_pair *param = &j->batch->params.items[i];
        int64_t added;
        int rc =
            ag_tx_run(tx, &AG_SQL_PARAM_INSERT,
                      AG_BINDS(ag_cell_str(j->id), ag_cell_str(param->key), ag_cell_value(param->value)), &added, err);
        if (rc >= 0 && !added) rc = expect_same(tx, j, param, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

int ag_run_put_tags(ag_tx *tx, ag_str id, ag_pairs tags, ag_err *err)
{
    for (size_t i = 0; i < tags.count; i++) {
        const ag_pair *tag = &tags.items[i];
        int rc = ag_tx_run(tx, &AG_SQL_RUN_TAG_SET,
                           AG_BINDS(ag_cell_str(id), ag_cell_str(tag->key), ag_cell_value(tag->value)), NULL, err);
        if (rc >= 0 && ag_str_is(tag->key, ag_run_name_tag) && tag->value.size) {
            rc = ag_tx_run(tx, &AG_SQL_RUN_UPDATE,
                           AG_BINDS(ag_cell_str(id), ag_cell_null(), ag_cell_null(), ag_cell_value(tag->value)), NULL,
                           err);
        }
        if (rc < 0) return rc;
    }
    return AG_OK;
}

/* ---- the unit ---- */

static int run_log(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = ag_run_expect_active(tx, j->id, NULL, err);
    if (rc >= 0) rc = put_params(tx, j, err);
    if (rc >= 0 && j->batch->metric_count) {
        rc = put_series(tx, j, err);
        if (rc >= 0) rc = put_points(tx, j, err);
        if (rc >= 0) rc = put_model_metrics(tx, j, err);
    }
    return rc < 0 ? rc : ag_run_put_tags(tx, j->id, j->batch->tags, err);
}

static int log_batch(ag_ledger *ledger, job *j, ag_err *err)
{
    j->arena = ag_arena_new(0);
    if (!j->arena) return ag_fail_memory(err, 1);
    ag_vec_init(&j->series, sizeof(series));
    int rc = check_params(j->batch->params, err);
    if (rc >= 0) rc = check_metrics(j->batch, err);
    if (rc >= 0) rc = ag_run_check_tags(j->batch->tags, err);
    if (rc >= 0) rc = group_metrics(j, err);
    if (rc >= 0) rc = ag_ledger_write(ledger, run_log, j, err);
    ag_vec_deinit(&j->series);
    ag_arena_free(j->arena);
    return rc;
}

int ag_run_log(ag_ledger *ledger, ag_str id, const ag_run_batch *batch, ag_err *err)
{
    job j = {.id = id, .batch = batch};
    return log_batch(ledger, &j, err);
}

int ag_run_log_param(ag_ledger *ledger, ag_str id, ag_pair param, ag_err *err)
{
    ag_run_batch batch = {.params = {&param, 1}};
    job j = {.id = id, .batch = &batch, .single = true};
    return log_batch(ledger, &j, err);
}

typedef struct tag_job {
    ag_str id;
    ag_str key;
} tag_job;

static int run_delete_tag(ag_tx *tx, void *context, ag_err *err)
{
    tag_job *j = context;
    int64_t changed;
    int rc = ag_run_expect_active(tx, j->id, NULL, err);
    if (rc < 0) return rc;
    rc = ag_tx_run(tx, &AG_SQL_RUN_TAG_DELETE, AG_BINDS(ag_cell_str(j->id), ag_cell_str(j->key)), &changed, err);
    if (rc < 0 || changed) return rc;
    return ag_fail(err, AG_ENOTFOUND, "No tag with name: %.*s in run with id %.*s", AG_STR_ARG(j->key),
                   AG_STR_ARG(j->id));
}

int ag_run_delete_tag(ag_ledger *ledger, ag_str id, ag_str key, ag_err *err)
{
    tag_job j = {id, key};
    return ag_ledger_write(ledger, run_delete_tag, &j, err);
}
