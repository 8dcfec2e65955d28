// SPDX-License-Identifier: Apache-2.0
#pragma once
/* intervals.h: how far forecasts are off, by step and column: split conformal prediction. The half width of an interval
 * is the k-th least absolute error of the validation windows, k = ceil((windows + 1) * coverage), at that step and in
 * that column, in units of the scaled series. What that promises, and what not, stands in
 * docs/tutorials/forecasting.md.
 *
 *     MODEL/intervals.json   {"format": 1, "method": "conformal", "windows": 2785, "columns": ["HUFL", ...],
 *                             "horizon": 96, "levels": [{"coverage": 0.9, "half_width": [[one per column], ...]}, ...]}
 */
#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "learn/nn/real.h"

#define AG_INTERVALS_FILE "intervals.json"
#define AG_COVERAGE_USUAL 0.9
enum { AG_INTERVALS_FORMAT = 1, AG_INTERVALS_MAX_BYTES = 64 << 20 };

typedef struct ag_intervals {
    int64_t windows; /* that they rest on */
    int64_t steps, columns;
    size_t levels;
    const double *coverage;   /* of each level, growing, between 0 and 1 */
    const double *half_width; /* [levels][steps][columns], of the scaled series */
} ag_intervals;

/* Half widths [steps][columns] of this coverage; NULL (AG_EINVAL) when the model keeps none of it: says which there
 * are. */
const double *ag_intervals_at(const ag_intervals *intervals, double coverage, ag_err *err);

/* ---- making them ---- */

/* Absolute errors of windows; of very many every n-th, so that they fit a bounded memory. */
typedef struct ag_residuals {
    int64_t every, count, steps, columns;
    ag_real *values; /* [steps * columns][count] */
} ag_residuals;
int ag_residuals_init(ag_residuals *residuals, int64_t windows, int64_t steps, int64_t columns, ag_err *err);
void ag_residuals_deinit(ag_residuals *residuals); /* safe on zeroed memory */
/* A `seen` of ag_forecast_scoring. */
void ag_residuals_add(void *residuals, int64_t window, const ag_real *forecast, const ag_real *truth);
/* Once all windows have been added. Levels that so few windows cannot give are left out; of no level at all, `levels`
 * is 0. Sorts the residuals. */
int ag_intervals_fit(ag_residuals *residuals, ag_arena *arena, ag_intervals *out, ag_err *err);

/* ---- the file ---- */

int ag_intervals_write(const ag_intervals *intervals, const char *const *names, ag_buf *out, ag_err *err);
/* Refuses what is not of a model with these columns and steps, and numbers that cannot be widths. */
int ag_intervals_parse(ag_str text, const char *file, const char *const *names, int64_t columns, int64_t steps,
                       ag_arena *arena, ag_intervals *out, ag_err *err);

/* ---- judging them ---- */

typedef struct ag_covering {
    const double *half_width;
    int64_t windows, steps, columns;
    double *column_share, *step_share; /* of values inside; counts until ag_covering_end() */
    double *column_width, *step_width; /* mean full widths, after ag_covering_end() */
    double share, width;               /* of all */
} ag_covering;
int ag_covering_init(ag_covering *covering, const double *half_width, int64_t steps, int64_t columns, ag_arena *arena,
                     ag_err *err);
void ag_covering_add(void *covering, int64_t window, const ag_real *forecast, const ag_real *truth); /* a `seen` */
void ag_covering_end(ag_covering *covering);
