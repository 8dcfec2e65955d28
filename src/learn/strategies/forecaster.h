// SPDX-License-Identifier: Apache-2.0
#pragma once
/* forecaster.h: a trained forecaster: opened from its directory, asked for the rows that come. Read-only once opened:
 * any number of threads may ask at once. */
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/strategies/forecast.h"

typedef struct ag_forecaster {
    ag_arena *arena;
    const char *model_dir;
    ag_forecast_data data; /* data_config of the training, with the columns that it took */
    ag_scaling scaling;    /* of the training part */
    int64_t season;        /* rows, at least 1 */
    int64_t row_interval;  /* microseconds between rows of the training; 0: not known */
    ag_str data_sha256;    /* of the file it was trained on; empty: not known */
    ag_pretrained *model;  /* NULL: only described */
    ag_predictive predictive;
    ag_intervals intervals; /* no levels: the model keeps none */
} ag_forecaster;

/* From the description of a model directory, all in the arena; reads the weights and the intervals, too. Close it in
 * any case. */
int ag_forecaster_read(const char *model_dir, const ag_value *description, ag_arena *arena, ag_forecaster *out,
                       ag_err *err);
void ag_forecaster_close(ag_forecaster *forecaster); /* safe on zeroed memory; the arena is the caller's */
/* A model directory, or the output directory of a training. AG_EUNSUPPORTED when another strategy made the model. */
int ag_forecaster_open(const char *dir, ag_arena *arena, ag_forecaster *out, ag_err *err);

/* The columns that it knows, by name. Missing numbers stay NaN: only those that a forecast rests on matter. `bytes` are
 * those of a CSV in memory; NULL: the file of that path. */
int ag_forecaster_series(const ag_forecaster *forecaster, const char *path, const ag_str *bytes, ag_arena *arena,
                         ag_timeseries *out, ag_err *err);

typedef struct ag_forecast_question {
    const ag_timeseries *series;
    const int64_t *rows; /* how many rows of the series are seen; the forecast is of those behind them */
    size_t count;
    int missing;     /* ag_missing: how numbers that are missing in the context are filled, from what was known then */
    double coverage; /* of the intervals; 0: none are wanted */
    const ag_device *device;
    ag_pool *pool;
} ag_forecast_question;

typedef struct ag_forecast_answer {
    const char *failed;           /* why there is no forecast; NULL: there is one */
    int64_t rows, steps, columns; /* rows: seen */
    bool timed;                   /* the rows are evenly apart in time: times are known */
    const int64_t *times;         /* [steps] */
    const double *value;          /* [steps][columns], in units of the series */
    const double *low, *high;     /* NULL: no intervals */
    const double *actual;         /* NaN where the series has no number */
    int64_t known;                /* numbers of `actual` that are there */
    double mse, mae, covered;     /* of those, in units of the scaled series; NaN: none, or no intervals */
} ag_forecast_answer;

/* Fills all `count` answers. */
int ag_forecaster_ask(const ag_forecaster *forecaster, const ag_forecast_question *question, ag_arena *arena,
                      ag_forecast_answer *out, ag_err *err);
