// SPDX-License-Identifier: Apache-2.0
#pragma once
/* windows.h: a series cut for forecasting: which rows are for training, validation and test; scaling by the training
 * part; sliding windows as samples (learn/nn/samples.h). A window is a place in the scaled series: nothing is copied
 * before a batch is filled. Every later part sees `context` rows before it, so that its first row is forecast too. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "learn/forecast/timeseries.h"
#include "learn/nn/samples.h"

typedef enum ag_split_protocol {
    AG_SPLIT_RATIO,      /* shares of the rows */
    AG_SPLIT_LENGTHS,    /* rows */
    AG_SPLIT_ETT_HOUR,   /* 12, 4 and 4 months of 30 days, hourly */
    AG_SPLIT_ETT_MINUTE, /* the same, every 15 minutes */
} ag_split_protocol;

typedef enum ag_part { AG_PART_TRAIN, AG_PART_VALIDATION, AG_PART_TEST, AG_PARTS } ag_part;

typedef struct ag_borders { /* rows [from, to) of each part, without its context */
    int64_t from[AG_PARTS], to[AG_PARTS];
} ag_borders;

/* The three numbers are shares or lengths. Shares that add up to 1 leave no row out; a length of 0 for the test is all
 * the rest. Refuses parts that do not fit, or that are too short for one window of context + horizon. */
int ag_borders_find(ag_split_protocol protocol, const double numbers[AG_PARTS], int64_t rows, int64_t context,
                    int64_t horizon, ag_borders *out, ag_err *err);

typedef struct ag_scaling { /* by column: z = (x - mean) / deviation */
    const double *mean, *deviation;
    int64_t columns;
} ag_scaling;

/* Mean and standard deviation (of the population) of the rows [from, to); a constant column gets deviation 1. */
int ag_scaling_fit(const ag_timeseries *series, int64_t from, int64_t to, ag_arena *arena, ag_scaling *out,
                   ag_err *err);
int ag_scaling_none(int64_t columns, ag_arena *arena, ag_scaling *out, ag_err *err);
/* The whole series, scaled. */
int ag_scaling_apply(const ag_scaling *scaling, const ag_timeseries *series, ag_arena *arena, ag_real **out,
                     ag_err *err);

/* Windows of the rows [first, end): sample i begins `stride` * i rows behind the first. */
typedef struct ag_windows {
    const ag_real *values; /* the whole scaled series, row by row */
    int64_t columns, first, context, horizon, stride;
    ag_samples samples; /* inputs "past_values" and "future_values" */
    ag_samples_port ports[2];
} ag_windows;

/* `windows` must not move afterwards: its samples refer to it. */
void ag_windows_init(ag_windows *windows, const char *name, const ag_real *values, int64_t columns, int64_t first,
                     int64_t end, int64_t context, int64_t horizon, int64_t stride);
