// SPDX-License-Identifier: Apache-2.0
/* forecast_evaluate.c: a trained forecaster on other data: the columns it was trained on, scaled as they were then, so
 * that scores compare with those of the training; beside it the baseline that repeats the last season. */
#include <math.h>
#include <string.h>

#include "learn/strategies/forecaster.h"
#include "learn/strategy_tools.h"

typedef struct evaluating {
    ag_strategy_evaluation *e;
    ag_forecaster f;
    ag_timeseries series;
    ag_windows windows;
    ag_covering covering; /* no half_width: the model keeps no intervals */
    bool same_data;
} evaluating;

static int read_series(evaluating *v, ag_err *err)
{
    static const char *const endings[] = {"csv", "npy", "txt", "tsv", NULL};
    ag_strategy_task where = {.data_dir = v->e->data, .arena = v->e->arena};
    char *path = NULL, digest[65];
    int rc = ag_strategy_data_file(&where, v->f.data.file, endings, &path, err);
    if (rc >= 0) rc = ag_forecast_read(&v->f.data, path, v->e->arena, &v->series, err);
    if (rc < 0) return rc;
    ag_sha256_format(&v->series.digest, digest);
    v->same_data = ag_str_is(v->f.data_sha256, digest);
    return 0;
}

/* Which rows are scored. */
static int choose_rows(evaluating *v, int64_t *first, int64_t *end, ag_err *err)
{
    static const char *const names[AG_PARTS] = {"train", "validation", "test"};
    const ag_forecast_split *s = &v->f.data.split;
    const double numbers[AG_PARTS] = {s->train, s->validation, s->test};
    const char *part = v->e->part;
    ag_borders borders;
    if (strcmp(part, "auto") == 0) part = v->same_data ? "test" : "all";
    *first = 0;
    *end = v->series.rows;
    v->e->evaluated = strcmp(part, "all") == 0 ? "all rows" : ag_arena_printf(v->e->arena, "the %s part", part);
    if (!v->e->evaluated) return ag_fail_memory(err, 32);
    if (strcmp(part, "all") == 0) return 0;
    int rc = ag_borders_find((ag_split_protocol)s->protocol, numbers, v->series.rows, v->f.data.context_length,
                             v->f.data.horizon, &borders, err);
    if (rc < 0) return rc;
    for (int i = 0; i < AG_PARTS; i++) {
        if (strcmp(part, names[i]) != 0) continue;
        *first = i == AG_PART_TRAIN ? 0 : borders.from[i] - v->f.data.context_length;
        *end = borders.to[i];
    }
    return 0;
}

static int cut(evaluating *v, ag_err *err)
{
    int64_t first = 0, end = 0;
    ag_real *values = NULL;
    int rc = choose_rows(v, &first, &end, err);
    if (rc >= 0) rc = ag_scaling_apply(&v->f.scaling, &v->series, v->e->arena, &values, err);
    if (rc < 0) return rc;
    ag_windows_init(&v->windows, v->e->evaluated, values, v->series.columns, first, end, v->f.data.context_length,
                    v->f.data.horizon, 1);
    if (v->windows.samples.count > 0) return 0;
    return ag_fail(err, AG_EINVAL, "%lld rows are too few: a window has %lld and %lld", (long long)(end - first),
                   (long long)v->f.data.context_length, (long long)v->f.data.horizon);
}

/* ---- scores ---- */

enum { PLAIN = 4, ALL = 6 }; /* without intervals, and with them */

static int add_score(const evaluating *v, const char *group, const char *name, const double numbers[ALL], ag_err *err)
{
    static const char *const names[ALL] = {"mse", "mae", "naive_mse", "naive_mae", "coverage", "width"};
    ag_strategy_score score = {.group = group, .name = name, .count = v->covering.half_width ? ALL : PLAIN};
    for (int i = 0; i < score.count; i++) score.values[i] = (ag_strategy_metric){.name = names[i], .value = numbers[i]};
    return name ? ag_vec_push(&v->e->scores, &score, err) : ag_fail_memory(err, 32);
}

static int add_scores(const evaluating *v, const ag_forecast_score *m, const ag_forecast_score *n, ag_err *err)
{
    static const double none = 0.0;
    const ag_covering *k = &v->covering;
    const bool judged = k->half_width != NULL;
    int rc = add_score(v, "all", "", (double[ALL]){m->mse, m->mae, n->mse, n->mae, k->share, k->width}, err);
    for (int64_t c = 0; c < m->columns && rc >= 0; c++)
        rc = add_score(v, "column", v->series.names[c],
                       (double[ALL]){m->column_mse[c], m->column_mae[c], n->column_mse[c], n->column_mae[c],
                                     judged ? k->column_share[c] : none, judged ? k->column_width[c] : none},
                       err);
    for (int64_t t = 0; t < m->steps && rc >= 0; t++)
        rc = add_score(v, "step", ag_arena_printf(v->e->arena, "%lld", (long long)t + 1),
                       (double[ALL]){m->step_mse[t], m->step_mae[t], n->step_mse[t], n->step_mae[t],
                                     judged ? k->step_share[t] : none, judged ? k->step_width[t] : none},
                       err);
    return rc;
}

static int begin_covering(evaluating *v, ag_forecast_scoring *scoring, ag_err *err)
{
    const ag_intervals *intervals = &v->f.intervals;
    double coverage = v->e->coverage > 0.0 ? v->e->coverage : AG_COVERAGE_USUAL;
    if (!intervals->levels) return 0;
    const double *half_width = ag_intervals_at(intervals, coverage, err);
    if (!half_width) return AG_EINVAL;
    scoring->seen = ag_covering_add;
    scoring->context = &v->covering;
    return ag_covering_init(&v->covering, half_width, intervals->steps, intervals->columns, v->e->arena, err);
}

static int score(evaluating *v, ag_err *err)
{
    ag_forecast_score model, naive;
    const ag_strategy_watch *watch = v->e->watch;
    uint64_t count = (uint64_t)v->windows.samples.count;
    ag_forecast_scoring scoring = {.windows = &v->windows,
                                   .predictive = v->f.predictive,
                                   .batch_size = v->e->batch_size,
                                   .device = v->e->device,
                                   .pool = v->e->pool,
                                   .cancel = v->e->cancel};
    int rc = begin_covering(v, &scoring, err);
    if (rc >= 0 && watch && watch->progress) scoring.progress = watch->progress(watch->context, "windows", count);
    if (rc >= 0) rc = ag_forecast_score_model(&scoring, v->f.model->model, v->e->arena, &model, err);
    ag_progress_free(scoring.progress);
    if (v->f.season > v->f.data.context_length) v->f.season = 1;
    if (rc >= 0) rc = ag_forecast_score_naive(&scoring, v->f.season, v->e->arena, &naive, err);
    if (rc < 0) return rc;
    if (v->covering.half_width) ag_covering_end(&v->covering);
    return add_scores(v, &model, &naive, err);
}

int ag_forecast_evaluate(ag_strategy_evaluation *evaluation, ag_err *err)
{
    evaluating v = {.e = evaluation};
    int rc = ag_forecaster_read(evaluation->model_dir, evaluation->description, evaluation->arena, &v.f, err);
    if (rc >= 0) rc = read_series(&v, err);
    if (rc >= 0) rc = cut(&v, err);
    if (rc >= 0) rc = score(&v, err);
    ag_forecaster_close(&v.f);
    return rc;
}
