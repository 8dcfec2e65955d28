// SPDX-License-Identifier: Apache-2.0
/* forecast_evaluate.c: a trained forecaster on other data: the columns it was trained on, scaled as they were then, so
 * that scores compare with those of the training; beside it the baseline that repeats the last season. */
#include <math.h>
#include <string.h>

#include "learn/nn/checkpoint/pretrained.h"
#include "learn/strategies/forecast.h"

typedef struct evaluating {
    ag_strategy_evaluation *e;
    ag_forecast_data data;
    ag_timeseries series;
    ag_scaling scaling;
    ag_windows windows;
    ag_pretrained *model;
    int64_t season;
    bool same_data;
} evaluating;

static int lacks(const evaluating *v, const char *what, ag_err *err)
{
    return ag_fail(err, AG_EPARSE, "%s/" AG_STRATEGY_FILE " lacks %s", v->e->model_dir, what);
}

static int read_texts(const evaluating *v, const char *key, ag_list *out, ag_err *err)
{
    const ag_value *array = ag_value_get(v->e->description, key);
    if (!array || array->kind != AG_ARRAY || !array->array.count) return lacks(v, key, err);
    const char **items = ag_arena_array(v->e->arena, array->array.count, sizeof *items);
    if (!items) return ag_fail_memory(err, array->array.count * sizeof *items);
    for (size_t i = 0; i < array->array.count; i++) {
        ag_str text;
        if (!ag_value_string(&array->array.items[i], &text)) return lacks(v, key, err);
        if (!(items[i] = ag_arena_strndup(v->e->arena, text.data, text.size))) return ag_fail_memory(err, text.size);
    }
    *out = (ag_list){items, array->array.count};
    return 0;
}

static int read_numbers(const evaluating *v, const char *key, size_t count, const double **out, ag_err *err)
{
    const ag_value *array = ag_value_get(v->e->description, key);
    if (!array || array->kind != AG_ARRAY || array->array.count != count) return lacks(v, key, err);
    double *items = ag_arena_array(v->e->arena, count + 1, sizeof *items);
    if (!items) return ag_fail_memory(err, count * sizeof *items);
    for (size_t i = 0; i < count; i++)
        if (!ag_value_real(&array->array.items[i], &items[i]) || !isfinite(items[i])) return lacks(v, key, err);
    *out = items;
    return 0;
}

static int read_description(evaluating *v, ag_err *err)
{
    const ag_value *data = ag_value_at(v->e->description, "configuration.data_config");
    int rc = data ? ag_describe_read(&ag_forecast_data_description, v->e->arena, data, AG_STRATEGY_FILE, &v->data, err)
                  : lacks(v, "configuration.data_config", err);
    if (rc >= 0) rc = read_texts(v, "columns", &v->data.columns, err);
    if (rc >= 0) rc = read_numbers(v, "mean", v->data.columns.count, &v->scaling.mean, err);
    if (rc >= 0) rc = read_numbers(v, "deviation", v->data.columns.count, &v->scaling.deviation, err);
    if (rc < 0) return rc;
    v->scaling.columns = (int64_t)v->data.columns.count;
    for (int64_t i = 0; i < v->scaling.columns; i++)
        if (!(v->scaling.deviation[i] > 0.0)) return lacks(v, "a deviation above 0", err);
    if (!ag_value_int(ag_value_get(v->e->description, "season"), &v->season) || v->season < 1) v->season = 1;
    return 0;
}

static int read_series(evaluating *v, ag_err *err)
{
    static const char *const endings[] = {"csv", "npy", "txt", "tsv", NULL};
    ag_strategy_task where = {.data_dir = v->e->data, .arena = v->e->arena};
    char *path = NULL, digest[65];
    ag_str then;
    int rc = ag_strategy_data_file(&where, v->data.file, endings, &path, err);
    if (rc >= 0) rc = ag_forecast_read(&v->data, path, v->e->arena, &v->series, err);
    if (rc < 0) return rc;
    ag_sha256_format(&v->series.digest, digest);
    v->same_data = ag_value_string(ag_value_get(v->e->description, "data_sha256"), &then) && ag_str_is(then, digest);
    return 0;
}

/* Which rows are scored. */
static int choose_rows(evaluating *v, int64_t *first, int64_t *end, ag_err *err)
{
    static const char *const names[AG_PARTS] = {"train", "validation", "test"};
    const ag_forecast_split *s = &v->data.split;
    const double numbers[AG_PARTS] = {s->train, s->validation, s->test};
    const char *part = v->e->part;
    ag_borders borders;
    if (strcmp(part, "auto") == 0) part = v->same_data ? "test" : "all";
    *first = 0;
    *end = v->series.rows;
    v->e->evaluated = strcmp(part, "all") == 0 ? "all rows" : ag_arena_printf(v->e->arena, "the %s part", part);
    if (!v->e->evaluated) return ag_fail_memory(err, 32);
    if (strcmp(part, "all") == 0) return 0;
    int rc = ag_borders_find((ag_split_protocol)s->protocol, numbers, v->series.rows, v->data.context_length,
                             v->data.horizon, &borders, err);
    if (rc < 0) return rc;
    for (int i = 0; i < AG_PARTS; i++) {
        if (strcmp(part, names[i]) != 0) continue;
        *first = i == AG_PART_TRAIN ? 0 : borders.from[i] - v->data.context_length;
        *end = borders.to[i];
    }
    return 0;
}

static int cut(evaluating *v, ag_err *err)
{
    int64_t first = 0, end = 0;
    ag_real *values = NULL;
    int rc = choose_rows(v, &first, &end, err);
    if (rc >= 0) rc = ag_scaling_apply(&v->scaling, &v->series, v->e->arena, &values, err);
    if (rc < 0) return rc;
    ag_windows_init(&v->windows, v->e->evaluated, values, v->series.columns, first, end, v->data.context_length,
                    v->data.horizon, 1);
    if (v->windows.samples.count > 0) return 0;
    return ag_fail(err, AG_EINVAL, "%lld rows are too few: a window has %lld and %lld", (long long)(end - first),
                   (long long)v->data.context_length, (long long)v->data.horizon);
}

/* ---- scores ---- */

static int add_score(const evaluating *v, const char *group, const char *name, const double numbers[4], ag_err *err)
{
    static const char *const names[] = {"mse", "mae", "naive_mse", "naive_mae"};
    ag_strategy_score score = {.group = group, .name = name, .count = 4};
    for (int i = 0; i < 4; i++) score.values[i] = (ag_strategy_metric){.name = names[i], .value = numbers[i]};
    return name ? ag_vec_push(&v->e->scores, &score, err) : ag_fail_memory(err, 32);
}

static int add_scores(const evaluating *v, const ag_forecast_score *m, const ag_forecast_score *n, ag_err *err)
{
    int rc = add_score(v, "all", "", (double[]){m->mse, m->mae, n->mse, n->mae}, err);
    for (int64_t c = 0; c < m->columns && rc >= 0; c++)
        rc = add_score(v, "column", v->series.names[c],
                       (double[]){m->column_mse[c], m->column_mae[c], n->column_mse[c], n->column_mae[c]}, err);
    for (int64_t t = 0; t < m->steps && rc >= 0; t++)
        rc = add_score(v, "step", ag_arena_printf(v->e->arena, "%lld", (long long)t + 1),
                       (double[]){m->step_mse[t], m->step_mae[t], n->step_mse[t], n->step_mae[t]}, err);
    return rc;
}

static int score(evaluating *v, ag_err *err)
{
    ag_forecast_score model, naive;
    const ag_strategy_watch *watch = v->e->watch;
    uint64_t count = (uint64_t)v->windows.samples.count;
    ag_forecast_scoring scoring = {
        .windows = &v->windows,
        .batch_size = v->e->batch_size,
        .device = v->e->device,
        .pool = v->e->pool,
        .progress = watch && watch->progress ? watch->progress(watch->context, "windows", count) : NULL,
        .cancel = v->e->cancel};
    int rc = ag_forecast_score_model(&scoring, v->model->model, v->e->arena, &model, err);
    ag_progress_free(scoring.progress);
    if (v->season > v->data.context_length) v->season = 1;
    if (rc >= 0) rc = ag_forecast_score_naive(&scoring, v->season, v->e->arena, &naive, err);
    return rc < 0 ? rc : add_scores(v, &model, &naive, err);
}

int ag_forecast_evaluate(ag_strategy_evaluation *evaluation, ag_err *err)
{
    evaluating v = {.e = evaluation};
    int rc = read_description(&v, err);
    if (rc >= 0) rc = read_series(&v, err);
    if (rc >= 0) rc = cut(&v, err);
    if (rc >= 0) rc = ag_pretrained_load(evaluation->model_dir, NULL, &v.model, err);
    if (rc >= 0) rc = score(&v, err);
    ag_pretrained_free(v.model);
    return rc;
}
