// SPDX-License-Identifier: Apache-2.0
#pragma once
/* forecast.h: the data of the strategy "forecast", also for evaluating its models on other data. */
#include "learn/forecast/intervals.h"
#include "learn/forecast/score.h"
#include "learn/forecast/windows.h"
#include "learn/strategy.h"

typedef struct ag_forecast_split {
    int protocol; /* ag_split_protocol */
    double train, validation, test;
} ag_forecast_split;

typedef struct ag_forecast_data {
    const char *file, *date_column; /* NULL: found */
    ag_list columns;                /* const char *; empty: all */
    int64_t context_length, horizon, stride;
    int scaling;           /* 0 standard, 1 none */
    int missing;           /* ag_missing */
    int64_t season;        /* 0: from the dates */
    const char *delimiter; /* NULL: guessed */
    bool decimal_comma;
    ag_forecast_split split;
} ag_forecast_data;

extern const ag_description ag_forecast_data_description;

/* The series by data_config. */
int ag_forecast_read(const ag_forecast_data *data, const char *path, ag_arena *arena, ag_timeseries *out, ag_err *err);

/* The same of a CSV in memory. */
int ag_forecast_parse(const ag_forecast_data *data, const char *name, ag_str bytes, ag_arena *arena, ag_timeseries *out,
                      ag_err *err);

/* The slot evaluate(): forecast_evaluate.c. */
int ag_forecast_evaluate(ag_strategy_evaluation *evaluation, ag_err *err);
