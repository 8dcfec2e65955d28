// SPDX-License-Identifier: Apache-2.0
#pragma once
/* forecasts.h: `auger predict` for models that forecast series: which files, which rows, and how the answers are shown.
 * forecasts.c reads and asks, forecasts_show.c writes tables, forecasts_plot.c draws. */
#include "app/cli/files.h"
#include "core/io/csv.h"
#include "learn/strategies/forecaster.h"

typedef struct ag_forecasts {
    ag_invocation *invocation;
    ag_forecaster model;
    const ag_device *device;
    ag_pool *pool;
    int missing;     /* ag_missing */
    double coverage; /* 0: the model keeps no intervals */
    bool json, csv, begun;
    int64_t stride;       /* 0: one forecast of a file */
    const char *at;       /* NULL: behind the last row */
    ag_csv_writer *table; /* --output */
    int64_t table_rows;
    const char *plot; /* --plot */
    ag_buf figures;
    size_t figure_count, figures_left;
    ag_cli_files files;
    size_t answered, failed;
} ag_forecasts;

typedef struct ag_forecasts_file {
    const ag_cli_file *file;
    const char *shown; /* "standard input" */
    char sha256[65];
    ag_timeseries series;
    ag_arena *arena;
    int64_t first, count; /* forecasts: behind row `first`, then every stride-th */
    struct {              /* of those whose rows the file has */
        int64_t windows, known;
        double square, absolute, inside;
    } sums;
} ag_forecasts_file;

/* All of it, for a model directory that is no model of holes. 1 when a file or a row had no answer. */
int ag_cli_forecast(ag_invocation *invocation, const char *directory, ag_err *err);

/* ---- showing ---- */

enum { AG_TIME_TEXT = 40 };
/* As files have them: "2018-06-26 19:00:00". */
void ag_forecasts_time(int64_t instant, char out[AG_TIME_TEXT]);
/* When a file has been read. */
void ag_forecasts_show_begin(ag_forecasts *f, const ag_forecasts_file *file);
int ag_forecasts_show(ag_forecasts *f, ag_forecasts_file *file, const ag_forecast_answer *answers, size_t count,
                      ag_err *err);
int ag_forecasts_show_failed(ag_forecasts *f, const ag_forecasts_file *file, const char *why, ag_err *err);
/* After the last answer of a file. */
void ag_forecasts_show_end(ag_forecasts *f, const ag_forecasts_file *file);

/* What lies before a forecast, the forecast and its band, a figure for each column. */
int ag_forecasts_draw(ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer, ag_err *err);
int ag_forecasts_plot_check(const ag_forecasts *f, ag_err *err);
int ag_forecasts_plot_end(ag_forecasts *f, ag_err *err); /* writes the file */
