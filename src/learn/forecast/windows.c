// SPDX-License-Identifier: Apache-2.0
/* windows.c: borders, scaling and windows; see windows.h. Statistics are in double, and two-pass: a series far from
 * zero keeps its deviation. */
#include "learn/forecast/windows.h"

#include <math.h>
#include <string.h>

static const char *const part_names[AG_PARTS] = {"training", "validation", "test"};

/* ---- borders ---- */

static int lengths_of_shares(const double numbers[AG_PARTS], int64_t rows, int64_t lengths[AG_PARTS], ag_err *err)
{
    double sum = numbers[0] + numbers[1] + numbers[2];
    for (int i = 0; i < AG_PARTS; i++)
        if (!(numbers[i] >= 0.0 && numbers[i] <= 1.0)) {
            ag_fail(err, AG_EINVAL, "the share of the %s part is %g, but must be between 0 and 1", part_names[i],
                    numbers[i]);
            return ag_err_hint(err, "write 7:1:2 as 0.7, 0.1 and 0.2; numbers of rows want protocol: lengths");
        }
    if (sum > 1.0 + 1e-9) {
        ag_fail(err, AG_EINVAL, "the shares of the parts add up to %g", sum);
        return ag_err_hint(err, "the default is train: 0.7, validation: 0.1, test: 0.2");
    }
    lengths[AG_PART_TRAIN] = (int64_t)floor((double)rows * numbers[AG_PART_TRAIN] + 1e-9);
    lengths[AG_PART_TEST] = (int64_t)floor((double)rows * numbers[AG_PART_TEST] + 1e-9);
    lengths[AG_PART_VALIDATION] = sum > 1.0 - 1e-9 ? rows - lengths[AG_PART_TRAIN] - lengths[AG_PART_TEST]
                                                   : (int64_t)floor((double)rows * numbers[AG_PART_VALIDATION] + 1e-9);
    return 0;
}

static int lengths_of_numbers(const double numbers[AG_PARTS], int64_t rows, int64_t lengths[AG_PARTS], ag_err *err)
{
    double sum = 0.0;
    for (int i = 0; i < AG_PARTS; i++) {
        if (!(numbers[i] >= 0.0 && numbers[i] <= 1e15) || numbers[i] != floor(numbers[i]))
            return ag_fail(err, AG_EINVAL, "the length of the %s part is %g, but must be a number of rows",
                           part_names[i], numbers[i]);
        lengths[i] = (int64_t)numbers[i];
        sum += numbers[i];
    }
    if (sum > (double)rows)
        return ag_fail(err, AG_EINVAL, "the parts have %.0f rows together, but the series has %lld", sum,
                       (long long)rows);
    if (lengths[AG_PART_TEST] == 0) lengths[AG_PART_TEST] = rows - lengths[0] - lengths[1];
    return 0;
}

static int find_lengths(ag_split_protocol protocol, const double numbers[AG_PARTS], int64_t rows,
                        int64_t lengths[AG_PARTS], ag_err *err)
{
    int64_t day = protocol == AG_SPLIT_ETT_HOUR ? 24 : 96, month = 30 * day;
    if (protocol == AG_SPLIT_RATIO) return lengths_of_shares(numbers, rows, lengths, err);
    if (protocol == AG_SPLIT_LENGTHS) return lengths_of_numbers(numbers, rows, lengths, err);
    lengths[AG_PART_TRAIN] = 12 * month;
    lengths[AG_PART_VALIDATION] = lengths[AG_PART_TEST] = 4 * month;
    if (rows >= 20 * month) return 0;
    ag_fail(err, AG_EINVAL, "the ETT protocol divides %lld rows, but the series has %lld", (long long)(20 * month),
            (long long)rows);
    return ag_err_hint(err, "use data_config.split.protocol: ratio");
}

int ag_borders_find(ag_split_protocol protocol, const double numbers[AG_PARTS], int64_t rows, int64_t context,
                    int64_t horizon, ag_borders *out, ag_err *err)
{
    int64_t lengths[AG_PARTS];
    int rc = find_lengths(protocol, numbers, rows, lengths, err);
    if (rc < 0) return rc;
    int64_t at = 0;
    for (int i = 0; i < AG_PARTS; i++) {
        int64_t least = i == AG_PART_TRAIN ? context + horizon : horizon;
        if (lengths[i] < least && (lengths[i] > 0 || i == AG_PART_TRAIN)) {
            ag_fail(err, AG_EINVAL, "the %s part has %lld rows, but %lld are needed for one window", part_names[i],
                    (long long)lengths[i], (long long)least);
            return ag_err_hint(err, "shorten context_length (%lld) or horizon (%lld), or divide the series otherwise",
                               (long long)context, (long long)horizon);
        }
        out->from[i] = at;
        out->to[i] = at += lengths[i];
    }
    return 0;
}

/* ---- scaling ---- */

static int take_scaling(int64_t columns, ag_arena *arena, double **mean, double **deviation, ag_err *err)
{
    *mean = ag_arena_array(arena, (size_t)columns, sizeof **mean);
    *deviation = ag_arena_array(arena, (size_t)columns, sizeof **deviation);
    return *mean && *deviation ? 0 : ag_fail_memory(err, (size_t)columns * sizeof **mean);
}

int ag_scaling_fit(const ag_timeseries *series, int64_t from, int64_t to, ag_arena *arena, ag_scaling *out, ag_err *err)
{
    double *mean, *deviation, count = (double)(to - from);
    int64_t columns = series->columns;
    int rc = take_scaling(columns, arena, &mean, &deviation, err);
    if (rc < 0) return rc;
    for (int64_t i = from; i < to; i++)
        for (int64_t c = 0; c < columns; c++) mean[c] += series->values[i * columns + c];
    for (int64_t c = 0; c < columns; c++) mean[c] /= count;
    for (int64_t i = from; i < to; i++)
        for (int64_t c = 0; c < columns; c++) {
            double d = series->values[i * columns + c] - mean[c];
            deviation[c] += d * d / count;
        }
    for (int64_t c = 0; c < columns; c++) {
        deviation[c] = sqrt(deviation[c]);
        if (deviation[c] <= 1e-12 * fabs(mean[c])) deviation[c] = 1.0; /* nothing but the rounding of a constant */
    }
    *out = (ag_scaling){mean, deviation, columns};
    return 0;
}

int ag_scaling_none(int64_t columns, ag_arena *arena, ag_scaling *out, ag_err *err)
{
    double *mean, *deviation;
    int rc = take_scaling(columns, arena, &mean, &deviation, err);
    if (rc < 0) return rc;
    for (int64_t c = 0; c < columns; c++) deviation[c] = 1.0;
    *out = (ag_scaling){mean, deviation, columns};
    return 0;
}

int ag_scaling_apply(const ag_scaling *scaling, const ag_timeseries *series, ag_arena *arena, ag_real **out,
                     ag_err *err)
{
    size_t count = (size_t)(series->rows * series->columns);
    ag_real *values = ag_arena_array(arena, count, sizeof *values);
    if (!values) return ag_fail_memory(err, count * sizeof *values);
    for (size_t i = 0; i < count; i++) {
        size_t c = i % (size_t)series->columns;
        values[i] = (ag_real)((series->values[i] - scaling->mean[c]) / scaling->deviation[c]);
    }
    *out = values;
    return 0;
}

/* ---- windows ---- */

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const ag_windows *w = state;
    size_t past = (size_t)(w->context * w->columns), future = (size_t)(w->horizon * w->columns);
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        const ag_real *from = w->values + (w->first + batch->index[i] * w->stride) * w->columns;
        if (batch->into[0]) memcpy(batch->into[0] + (size_t)i * past, from, past * sizeof *from);
        if (batch->into[1]) memcpy(batch->into[1] + (size_t)i * future, from + past, future * sizeof *from);
    }
    return 0;
}

void ag_windows_init(ag_windows *windows, const char *name, const ag_real *values, int64_t columns, int64_t first,
                     int64_t end, int64_t context, int64_t horizon, int64_t stride)
{
    int64_t places = end - first - context - horizon;
    *windows = (ag_windows){.values = values,
                            .columns = columns,
                            .first = first,
                            .context = context,
                            .horizon = horizon,
                            .stride = stride,
                            .ports = {{"past_values", context * columns}, {"future_values", horizon * columns}}};
    windows->samples = (ag_samples){.name = name,
                                    .ports = windows->ports,
                                    .ports_count = 2,
                                    .count = places < 0 ? 0 : places / stride + 1,
                                    .fill = fill,
                                    .state = windows};
}
