// SPDX-License-Identifier: Apache-2.0
#pragma once
/* score.h: how good forecasts are: mean squared and mean absolute error over windows, steps and columns, in units of
 * the scaled series (as forecasting papers give them), by column and by step too; of a model and of the seasonal-naive
 * baseline, which repeats the last season. */
#include "core/base/arena.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "learn/forecast/windows.h"
#include "learn/nn/architecture.h"
#include "learn/nn/device.h"
#include "learn/nn/model.h"

typedef struct ag_forecast_score {
    int64_t windows;
    double mse, mae;
    int64_t columns, steps;
    const double *column_mse, *column_mae;
    const double *step_mse, *step_mae;
} ag_forecast_score;

typedef struct ag_forecast_scoring {
    const ag_windows *windows;
    ag_predictive predictive; /* of the model; zero: its outputs are values */
    int64_t batch_size;
    const ag_device *device; /* NULL: the CPU */
    ag_pool *pool;
    ag_progress *progress; /* counts windows; may be NULL */
    ag_cancel *cancel;
    /* Shown every window of a model, in order, scaled: [horizon, columns] each. NULL: nobody looks. */
    void (*seen)(void *context, int64_t window, const ag_real *forecast, const ag_real *truth);
    void *context;
} ag_forecast_scoring;

/* Of the model's output "prediction_outputs", or the mean of the distribution that it gives; it must have [horizon,
 * columns]. */
int ag_forecast_score_model(const ag_forecast_scoring *scoring, const ag_model *model, ag_arena *arena,
                            ag_forecast_score *out, ag_err *err);
/* `season` rows, at least 1 (1: the last row is repeated); at most the context. */
int ag_forecast_score_naive(const ag_forecast_scoring *scoring, int64_t season, ag_arena *arena, ag_forecast_score *out,
                            ag_err *err);
/* A likely season for a series of this interval: a day for what is finer, a week for days, a year for months; 1 when it
 * is not known or does not fit `most`. */
int64_t ag_forecast_season(int64_t interval, int64_t most);
