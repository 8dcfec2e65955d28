// SPDX-License-Identifier: Apache-2.0
/* score.c: errors of forecasts. Sums are in double, window by window in their order, so a score does not depend on the
 * batch size or on threads. */
#include "learn/forecast/score.h"

#include <math.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "learn/nn/results.h"

#define PREDICTION "prediction_outputs"

typedef struct sums {
    double *column_square, *column_absolute, *step_square, *step_absolute;
    int64_t columns, steps, windows;
} sums;

static int sums_new(const ag_windows *windows, ag_arena *arena, sums *out, ag_err *err)
{
    size_t columns = (size_t)windows->columns, steps = (size_t)windows->horizon;
    double *all = ag_arena_array(arena, 2 * (columns + steps), sizeof *all);
    if (!all) return ag_fail_memory(err, 2 * (columns + steps) * sizeof *all);
    *out =
        (sums){all, all + columns, all + 2 * columns, all + 2 * columns + steps, (int64_t)columns, (int64_t)steps, 0};
    return 0;
}

static void add_window(sums *s, const ag_real *forecast, const ag_real *truth)
{
    for (int64_t t = 0; t < s->steps; t++)
        for (int64_t c = 0; c < s->columns; c++) {
            double d = (double)forecast[t * s->columns + c] - (double)truth[t * s->columns + c];
            s->column_square[c] += d * d;
            s->column_absolute[c] += fabs(d);
            s->step_square[t] += d * d;
            s->step_absolute[t] += fabs(d);
        }
    s->windows++;
}

static double mean_of(double *values, int64_t count, double each)
{
    double sum = 0.0;
    for (int64_t i = 0; i < count; i++) sum += values[i] /= each;
    return sum / (double)count;
}

static ag_forecast_score score_of(sums *s)
{
    double windows = (double)s->windows, columns = (double)s->columns, steps = (double)s->steps;
    (void)mean_of(s->step_square, s->steps, windows * columns);
    (void)mean_of(s->step_absolute, s->steps, windows * columns);
    return (ag_forecast_score){.windows = s->windows,
                               .mse = mean_of(s->column_square, s->columns, windows * steps),
                               .mae = mean_of(s->column_absolute, s->columns, windows * steps),
                               .columns = s->columns,
                               .steps = s->steps,
                               .column_mse = s->column_square,
                               .column_mae = s->column_absolute,
                               .step_mse = s->step_square,
                               .step_mae = s->step_absolute};
}

/* ---- a model ---- */

typedef struct forecasting {
    ag_exec *exec;
    ag_results *results;
    ag_result result;
    ag_batch_buffers buffers;
    ag_real *forecast, *truth;
    int64_t *index;
    int64_t batch_size;
} forecasting;

static int find_result(forecasting *f, const ag_forecast_scoring *scoring, const ag_model *model, ag_err *err)
{
    const ag_windows *w = scoring->windows;
    if (!scoring->predictive.distribution && ag_graph_output_find(model->graph, PREDICTION) < 0)
        return ag_fail(err, AG_EINVAL, "the model has no output '" PREDICTION "': it is no forecaster");
    const char *name = scoring->predictive.distribution ? NULL : PREDICTION;
    int rc = ag_result_find(model->graph, &scoring->predictive, name, &f->result, err);
    if (rc < 0 || f->result.size == w->horizon * w->columns) return rc;
    return ag_fail(err, AG_EINVAL, "the model forecasts %lld numbers, but %lld rows of %lld columns are wanted",
                   (long long)f->result.size, (long long)w->horizon, (long long)w->columns);
}

static int open_forecasting(forecasting *f, const ag_forecast_scoring *scoring, const ag_model *model, ag_err *err)
{
    const ag_windows *w = scoring->windows;
    size_t size = (size_t)(w->horizon * w->columns);
    f->batch_size = scoring->batch_size < w->samples.count ? scoring->batch_size : w->samples.count;
    ag_plan_options plan = {.outputs = true, .max_samples = f->batch_size};
    int rc = find_result(f, scoring, model, err);
    if (rc >= 0) rc = ag_exec_new(model->graph, &plan, model->values, scoring->device, scoring->pool, &f->exec, err);
    if (rc >= 0) rc = ag_results_new(model->graph, &scoring->predictive, f->exec, &f->results, err);
    if (rc >= 0) rc = ag_batch_buffers_init(&f->buffers, &w->samples, model->graph, f->batch_size, err);
    if (rc >= 0) rc = ag_batch_buffers_bind(&f->buffers, &w->samples, f->exec, err);
    if (rc < 0) return rc;
    f->forecast = ag_alloc_array((size_t)f->batch_size * size, sizeof *f->forecast);
    f->truth = ag_alloc_array((size_t)f->batch_size * size, sizeof *f->truth);
    f->index = ag_alloc_array((size_t)f->batch_size, sizeof *f->index);
    if (!f->forecast || !f->truth || !f->index)
        return ag_fail_memory(err, (size_t)f->batch_size * size * sizeof *f->forecast);
    return ag_results_bind(f->results, f->result.name, f->forecast, err);
}

static void close_forecasting(forecasting *f)
{
    ag_results_free(f->results);
    ag_exec_free(f->exec);
    ag_batch_buffers_deinit(&f->buffers);
    ag_free(f->forecast);
    ag_free(f->truth);
    ag_free(f->index);
}

static int score_batch(forecasting *f, const ag_forecast_scoring *scoring, int64_t at, sums *s, ag_err *err)
{
    const ag_windows *w = scoring->windows;
    int64_t size = w->horizon * w->columns;
    ag_batch batch = {.index = f->index, .count = f->batch_size};
    if (at + batch.count > w->samples.count) batch.count = w->samples.count - at;
    for (int64_t i = 0; i < batch.count; i++) f->index[i] = at + i;
    int rc = ag_batch_fill(&f->buffers, &w->samples, &batch, err);
    if (rc < 0) return rc;
    ag_device_run run = {.samples = batch.count, .first_sample = at};
    if ((rc = ag_results_run(f->results, &run, err)) < 0) return rc;
    batch.into = (ag_real *const[]){NULL, f->truth};
    if ((rc = w->samples.fill(w->samples.state, &batch, err)) < 0) return rc;
    for (int64_t i = 0; i < batch.count; i++) {
        add_window(s, f->forecast + i * size, f->truth + i * size);
        if (scoring->seen) scoring->seen(scoring->context, at + i, f->forecast + i * size, f->truth + i * size);
    }
    ag_progress_add(scoring->progress, (uint64_t)batch.count, 0);
    return 0;
}

int ag_forecast_score_model(const ag_forecast_scoring *scoring, const ag_model *model, ag_arena *arena,
                            ag_forecast_score *out, ag_err *err)
{
    const ag_samples *samples = &scoring->windows->samples;
    forecasting f = {0};
    sums s;
    if (samples->count < 1) return ag_fail(err, AG_EINVAL, "%s has no windows", samples->name);
    int rc = sums_new(scoring->windows, arena, &s, err);
    if (rc >= 0) rc = open_forecasting(&f, scoring, model, err);
    for (int64_t at = 0; at < samples->count && rc >= 0; at += f.batch_size) {
        if ((rc = ag_cancel_check(scoring->cancel, err)) < 0) break;
        rc = score_batch(&f, scoring, at, &s, err);
    }
    if (rc >= 0) *out = score_of(&s);
    close_forecasting(&f);
    return rc < 0 ? rc : 0;
}

/* ---- the baseline ---- */

int ag_forecast_score_naive(const ag_forecast_scoring *scoring, int64_t season, ag_arena *arena, ag_forecast_score *out,
                            ag_err *err)
{
    const ag_windows *w = scoring->windows;
    sums s;
    if (w->samples.count < 1) return ag_fail(err, AG_EINVAL, "%s has no windows", w->samples.name);
    if (season < 1 || season > w->context)
        return ag_fail(err, AG_EINVAL, "a season of %lld rows does not fit a context of %lld", (long long)season,
                       (long long)w->context);
    int rc = sums_new(w, arena, &s, err);
    if (rc < 0) return rc;
    size_t size = (size_t)(w->horizon * w->columns);
    ag_real *forecast = ag_alloc_array(size, sizeof *forecast);
    if (!forecast) return ag_fail_memory(err, size * sizeof *forecast);
    for (int64_t i = 0; i < w->samples.count && rc >= 0; i++) {
        const ag_real *truth = w->values + (w->first + i * w->stride + w->context) * w->columns;
        const ag_real *last = truth - season * w->columns;
        for (int64_t t = 0; t < w->horizon; t++)
            for (int64_t c = 0; c < w->columns; c++) forecast[t * w->columns + c] = last[(t % season) * w->columns + c];
        add_window(&s, forecast, truth);
        if (i % 256 == 0) rc = ag_cancel_check(scoring->cancel, err);
    }
    if (rc >= 0) *out = score_of(&s);
    ag_free(forecast);
    return rc < 0 ? rc : 0;
}

int64_t ag_forecast_season(int64_t interval, int64_t most)
{
    int64_t day = 24 * 3600 * AG_SECOND, season = 1;
    if (interval <= 0) return 1;
    if (interval < day && day % interval == 0)
        season = day / interval;
    else if (interval == day)
        season = 7;
    else if (interval == 7 * day)
        season = 52;
    else if (interval >= 28 * day && interval <= 31 * day)
        season = 12;
    return season <= most ? season : 1;
}
