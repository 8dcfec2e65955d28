// SPDX-License-Identifier: Apache-2.0
/* forecaster_ask.c: asking a forecaster. Contexts that can be asked about go through the model together; of the others
 * the answer says why not. A forecast rests on nothing that was not known at its row: missing numbers are filled from
 * the rows before, and between neighbours only inside of the context. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "learn/forecast/dates.h"
#include "learn/nn/results.h"
#include "learn/strategies/forecaster.h"

enum { MAX_REASON = 400 };

typedef struct asking {
    const ag_forecaster *f;
    const ag_forecast_question *q;
    const double *half_width; /* NULL: no intervals */
    ag_arena *arena;
    ag_forecast_answer *answers;
    size_t *asked; /* answers that are in the batch */
    size_t count;
    ag_real *past, *forecast; /* [count] */
} asking;

static int refuse(const asking *a, ag_forecast_answer *answer, ag_err *err, const char *format, ...) AG_PRINTF(4, 5);
static int refuse(const asking *a, ag_forecast_answer *answer, ag_err *err, const char *format, ...)
{
    char text[MAX_REASON];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    answer->failed = ag_arena_strdup(a->arena, text);
    return answer->failed ? 0 : ag_fail_memory(err, sizeof text);
}

/* ---- the context ---- */

/* Time goes on from row to row; whether it does so evenly is told by the times of the answer. */
static int check_times(const asking *a, ag_forecast_answer *answer, int64_t first, ag_err *err)
{
    const int64_t *times = a->q->series->times;
    char then[40], now[40];
    for (int64_t i = first + 1; times && i < answer->rows; i++) {
        if (times[i] > times[i - 1]) continue;
        ag_instant_format(times[i - 1], 0, then);
        ag_instant_format(times[i], 0, now);
        return refuse(a, answer, err,
                      "row %lld (%s) is not later than the row before it (%s): rows must be in the "
                      "order of time",
                      (long long)i + 1, now, then);
    }
    return 0;
}

/* The last number before row `i`, NaN when there is none; the next inside of [i, end) goes to *next. */
static double neighbours(const ag_timeseries *s, int64_t c, int64_t i, int64_t end, int64_t *before, int64_t *next)
{
    for (*before = i - 1; *before >= 0 && isnan(s->values[*before * s->columns + c]);) (*before)--;
    for (*next = i; *next < end && isnan(s->values[*next * s->columns + c]);) (*next)++;
    return *before < 0 ? (double)NAN : s->values[*before * s->columns + c];
}

static double fill_one(const asking *a, int64_t c, int64_t i, int64_t end)
{
    const ag_timeseries *s = a->q->series;
    int64_t before, next;
    double low = neighbours(s, c, i, end, &before, &next);
    if (next == end) return low;
    double high = s->values[next * s->columns + c];
    if (isnan(low)) return high;
    if (a->q->missing != AG_MISSING_LINEAR) return low;
    return low + (high - low) * (double)(i - before) / (double)(next - before);
}

static int take_context(asking *a, size_t index, ag_err *err)
{
    const ag_timeseries *s = a->q->series;
    ag_forecast_answer *answer = &a->answers[index];
    int64_t context = a->f->data.context_length, first = answer->rows - context, columns = s->columns;
    ag_real *out = a->past + (int64_t)a->count * context * columns;
    int rc = check_times(a, answer, first, err);
    if (rc < 0 || answer->failed) return rc;
    for (int64_t i = first; i < answer->rows; i++)
        for (int64_t c = 0; c < columns; c++) {
            double value = s->values[i * columns + c];
            if (isnan(value) && a->q->missing == AG_MISSING_REFUSE)
                return refuse(a, answer, err,
                              "column '%s' has no number in row %lld, which is one of the last %lld "
                              "that the model sees",
                              s->names[c], (long long)i + 1, (long long)context);
            if (isnan(value)) value = fill_one(a, c, i, answer->rows);
            if (isnan(value)) return refuse(a, answer, err, "column '%s' has no number in any row", s->names[c]);
            *out = (ag_real)((value - a->f->scaling.mean[c]) / a->f->scaling.deviation[c]);
            if (!isfinite(*out++))
                return refuse(a, answer, err, "column '%s' of row %lld is too far from what the model has learned",
                              s->names[c], (long long)i + 1);
        }
    a->asked[a->count++] = index;
    return 0;
}

static int begin_answer(asking *a, size_t index, ag_err *err)
{
    ag_forecast_answer *answer = &a->answers[index];
    const ag_timeseries *s = a->q->series;
    int64_t context = a->f->data.context_length;
    *answer = (ag_forecast_answer){.rows = a->q->rows[index],
                                   .steps = a->f->data.horizon,
                                   .columns = s->columns,
                                   .mse = (double)NAN,
                                   .mae = (double)NAN,
                                   .covered = (double)NAN};
    if (answer->rows > s->rows)
        return refuse(a, answer, err, "there are %lld rows, so none behind row %lld", (long long)s->rows,
                      (long long)answer->rows);
    if (answer->rows < context)
        return refuse(a, answer, err, "%lld rows are too few: the model sees %lld", (long long)answer->rows,
                      (long long)context);
    return take_context(a, index, err);
}

/* ---- the model ---- */

static int run_model(const asking *a, ag_err *err)
{
    const ag_model *model = a->f->model->model;
    const int64_t size = a->f->data.horizon * a->q->series->columns;
    const char *name = a->f->predictive.distribution ? NULL : "prediction_outputs";
    const ag_plan_options plan = {.outputs = true, .max_samples = (int64_t)a->count};
    ag_exec *exec = NULL;
    ag_results *results = NULL;
    ag_result result;
    int rc = ag_result_find(model->graph, &a->f->predictive, name, &result, err);
    if (rc < 0) return rc;
    if (result.size != size)
        return ag_fail(err, AG_EPARSE, "%s: the model does not forecast %lld rows of %lld columns", a->f->model_dir,
                       (long long)a->f->data.horizon, (long long)a->q->series->columns);
    rc = ag_exec_new(model->graph, &plan, model->values, a->q->device, a->q->pool, &exec, err);
    if (rc >= 0) rc = ag_results_new(model->graph, &a->f->predictive, exec, &results, err);
    if (rc >= 0) rc = ag_exec_input(exec, "past_values", a->past, err);
    if (rc >= 0) rc = ag_results_bind(results, result.name, a->forecast, err);
    ag_device_run run = {.samples = (int64_t)a->count};
    if (rc >= 0) rc = ag_results_run(results, &run, err);
    ag_results_free(results);
    ag_exec_free(exec);
    return rc < 0 ? rc : 0;
}

/* ---- the answer ---- */

/* A double each: value, low, high, actual; times. */
static int take_room(const asking *a, ag_forecast_answer *answer, double *room[4], int64_t **times, ag_err *err)
{
    size_t size = (size_t)(answer->steps * answer->columns);
    int count = a->half_width ? 4 : 2;
    for (int i = 0; i < count; i++) {
        if (!(room[i] = ag_arena_array(a->arena, size, sizeof(double))))
            return ag_fail_memory(err, size * sizeof(double));
    }
    *times = ag_arena_array(a->arena, (size_t)answer->steps, sizeof **times);
    return *times ? 0 : ag_fail_memory(err, (size_t)answer->steps * sizeof **times);
}

static void judge(const asking *a, ag_forecast_answer *answer, const ag_real *scaled, double *actual)
{
    const ag_timeseries *s = a->q->series;
    double square = 0.0, absolute = 0.0, inside = 0.0;
    for (int64_t t = 0, i = 0; t < answer->steps; t++)
        for (int64_t c = 0; c < answer->columns; c++, i++) {
            int64_t row = answer->rows + t;
            actual[i] = row < s->rows ? s->values[row * s->columns + c] : (double)NAN;
            if (isnan(actual[i])) continue;
            double error = fabs((actual[i] - a->f->scaling.mean[c]) / a->f->scaling.deviation[c] - (double)scaled[i]);
            square += error * error;
            absolute += error;
            inside += a->half_width && error <= a->half_width[i];
            answer->known++;
        }
    if (!answer->known) return;
    answer->mse = square / (double)answer->known;
    answer->mae = absolute / (double)answer->known;
    if (a->half_width) answer->covered = inside / (double)answer->known;
}

static int end_answer(const asking *a, size_t at, ag_err *err)
{
    ag_forecast_answer *answer = &a->answers[a->asked[at]];
    const int64_t size = answer->steps * answer->columns, context = a->f->data.context_length;
    const ag_real *scaled = a->forecast + (int64_t)at * size;
    double *room[4] = {0};
    int64_t *times = NULL;
    for (int64_t i = 0; i < size; i++)
        if (!isfinite(scaled[i])) return refuse(a, answer, err, "the model's forecast is not a finite number");
    int rc = take_room(a, answer, room, &times, err);
    if (rc < 0) return rc;
    for (int64_t i = 0; i < size; i++) {
        double mean = a->f->scaling.mean[i % answer->columns], deviation = a->f->scaling.deviation[i % answer->columns];
        room[0][i] = mean + deviation * (double)scaled[i];
        if (!a->half_width) continue;
        room[2][i] = mean + deviation * ((double)scaled[i] - a->half_width[i]);
        room[3][i] = mean + deviation * ((double)scaled[i] + a->half_width[i]);
    }
    judge(a, answer, scaled, room[1]);
    answer->value = room[0];
    answer->actual = room[1];
    answer->low = room[2];
    answer->high = room[3];
    answer->timed = a->q->series->times != NULL && context > 1;
    for (int64_t t = 0; t < answer->steps && answer->timed; t++)
        answer->timed = ag_dates_go_on(a->q->series->times + answer->rows - context, context, t + 1, &times[t]);
    answer->times = times;
    return 0;
}

int ag_forecaster_ask(const ag_forecaster *forecaster, const ag_forecast_question *question, ag_arena *arena,
                      ag_forecast_answer *out, ag_err *err)
{
    asking a = {.f = forecaster, .q = question, .arena = arena, .answers = out};
    size_t past = (size_t)(forecaster->data.context_length * question->series->columns);
    size_t future = (size_t)(forecaster->data.horizon * question->series->columns);
    if (question->coverage > 0.0 && forecaster->intervals.levels &&
        !(a.half_width = ag_intervals_at(&forecaster->intervals, question->coverage, err)))
        return AG_EINVAL;
    a.past = ag_alloc_array(question->count, past * sizeof *a.past);
    a.forecast = ag_alloc_array(question->count, future * sizeof *a.forecast);
    a.asked = ag_alloc_array(question->count, sizeof *a.asked);
    int rc =
        a.past && a.forecast && a.asked ? 0 : ag_fail_memory(err, question->count * (past + future) * sizeof(ag_real));
    for (size_t i = 0; i < question->count && rc >= 0; i++) rc = begin_answer(&a, i, err);
    if (rc >= 0 && a.count) rc = run_model(&a, err);
    for (size_t i = 0; i < a.count && rc >= 0; i++) rc = end_answer(&a, i, err);
    ag_free(a.past);
    ag_free(a.forecast);
    ag_free(a.asked);
    return rc < 0 ? rc : 0;
}
