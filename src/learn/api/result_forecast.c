// SPDX-License-Identifier: Apache-2.0
/* result_forecast.c: results whose model forecasts a series. The forecaster is opened by the first call, under the lock
 * of the result, and is then only read; every forecast has an arena of its own, which dies with it. */
#include <math.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "learn/api/training.h"

typedef struct forecast {
    auger_forecast shown; /* first: what the caller frees */
    ag_arena *arena;
} forecast;

static int open_forecaster(auger_result *result, ag_err *err)
{
    ag_forecaster opened = {0};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_forecaster_open(result->model_dir, arena, &opened, err) : ag_fail_memory(err, 64);
    if (rc >= 0 && result->threads > 1 && !result->pool) rc = ag_pool_new(result->threads, &result->pool, err);
    if (rc >= 0) {
        result->forecaster = opened;
        result->forecaster_arena = arena;
        return 0;
    }
    ag_forecaster_close(&opened);
    ag_arena_free(arena);
    return rc;
}

static int find_forecaster(auger_result *result, const ag_forecaster **out, ag_pool **pool, ag_err *err)
{
    int rc = 0;
    pthread_mutex_lock(&result->lock);
    if (!result->forecaster.model) rc = open_forecaster(result, err);
    *out = &result->forecaster;
    if (pool) *pool = result->pool;
    pthread_mutex_unlock(&result->lock);
    return rc;
}

const char *auger_result_column(auger_result *result, size_t index, size_t *context)
{
    const ag_forecaster *forecaster = NULL;
    if (context) *context = 0;
    if (!result || find_forecaster(result, &forecaster, NULL, NULL) < 0) return NULL;
    if (context) *context = (size_t)forecaster->data.context_length;
    const char *const *names = (const char *const *)forecaster->data.columns.items;
    return index < forecaster->data.columns.count ? names[index] : NULL;
}

/* What is asked about: rows of the caller, or a file. */
typedef struct asking {
    auger_result *result;
    const double *rows;
    size_t count;
    const char *path;
    double coverage;
} asking;

static int read_series(const asking *a, const ag_forecaster *forecaster, ag_arena *arena, ag_timeseries *out,
                       ag_err *err)
{
    if (a->path) return ag_forecaster_series(forecaster, a->path, NULL, arena, out, err);
    size_t columns = forecaster->data.columns.count;
    if (a->count > (size_t)INT64_MAX / sizeof(double) / columns)
        return ag_fail(err, AG_ELIMIT, "%zu rows are more than memory can hold", a->count);
    for (size_t i = 0; i < a->count * columns; i++)
        if (isinf(a->rows[i]) || fabs(a->rows[i]) > 1e30)
            return ag_fail(err, AG_EINVAL, "row %zu, column %zu: a number that no series can have", i / columns,
                           i % columns);
    *out = (ag_timeseries){.rows = (int64_t)a->count,
                           .columns = (int64_t)columns,
                           .names = (const char *const *)forecaster->data.columns.items,
                           .values = a->rows};
    return 0;
}

static int ask(const asking *a, forecast *f, ag_err *err)
{
    const ag_forecaster *forecaster = NULL;
    ag_timeseries series;
    ag_forecast_answer answer;
    ag_pool *pool = NULL;
    int rc = find_forecaster(a->result, &forecaster, &pool, err);
    if (rc >= 0) rc = read_series(a, forecaster, f->arena, &series, err);
    if (rc < 0) return rc;
    double coverage = a->coverage != 0.0 ? a->coverage : AG_COVERAGE_USUAL;
    if (!(coverage > 0.0)) return ag_fail(err, AG_EINVAL, "a coverage lies between 0 and 1");
    const ag_forecast_question question = {.series = &series,
                                           .rows = &series.rows,
                                           .count = 1,
                                           .missing = forecaster->data.missing,
                                           .coverage = coverage,
                                           .pool = pool};
    if ((rc = ag_forecaster_ask(forecaster, &question, f->arena, &answer, err)) < 0) return rc;
    if (answer.failed) return ag_fail(err, AG_EINVAL, "%s", answer.failed);
    f->shown = (auger_forecast){.steps = (size_t)answer.steps,
                                .columns = (size_t)answer.columns,
                                .names = (const char *const *)forecaster->data.columns.items,
                                .value = answer.value,
                                .low = answer.low,
                                .high = answer.high,
                                .coverage = answer.low ? coverage : 0.0,
                                .times = answer.timed ? answer.times : NULL};
    return 0;
}

static int make(const asking *a, auger_forecast **out, auger_error *error)
{
    ag_err err = {0};
    if (!a->result || !out || (!a->path && !a->rows))
        return ag_answer(ag_fail(&err, AG_EINVAL, "a result, rows or a file, and room are wanted"), &err, error);
    forecast *f = ag_calloc(1, sizeof *f);
    int rc = f && (f->arena = ag_arena_new(0)) ? ask(a, f, &err) : ag_fail_memory(&err, sizeof *f);
    if (rc >= 0)
        *out = &f->shown;
    else if (f)
        auger_forecast_free(&f->shown);
    return ag_answer(rc, &err, error);
}

int auger_result_forecast(auger_result *result, const double *rows, size_t count, double coverage, auger_forecast **out,
                          auger_error *error)
{
    const asking a = {.result = result, .rows = rows, .count = count, .coverage = coverage};
    return make(&a, out, error);
}

int auger_result_forecast_file(auger_result *result, const char *path, double coverage, auger_forecast **out,
                               auger_error *error)
{
    const asking a = {.result = result, .path = path, .coverage = coverage};
    return make(&a, out, error);
}

void auger_forecast_free(auger_forecast *shown)
{
    forecast *f = (forecast *)(void *)shown;
    if (!f) return;
    ag_arena_free(f->arena);
    ag_free(f);
}
