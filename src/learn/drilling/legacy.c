// SPDX-License-Identifier: Apache-2.0
/* legacy.c: the rules of the old pipeline: what it read of a hole, entry and transition. Raw samples, thresholds in
 * amperes and millimetres, windows in samples; the index that wraps around at the beginning of the trace is its own.
 * Samples are single precision, as it had them; sums are not, so that no order of adding matters. */
#include "learn/drilling/legacy.h"

#include <math.h>

enum { SIGN_ROWS = 200, BEFORE_STEP = 300, SMOOTHED = 11, HALF = SMOOTHED / 2 };

int ag_legacy_trace_of(const ag_hole *hole, ag_arena *arena, ag_legacy_trace *out, ag_err *err)
{
    const ag_signal *s = &hole->signal;
    if (!s->by_id[AG_CHANNEL_POSITION] || !s->by_id[AG_CHANNEL_TORQUE] || !s->by_id[AG_CHANNEL_STEP])
        return ag_fail(err, AG_ENOTFOUND, "position, torque or step is missing");
    ag_legacy_trace trace = {.rows = s->rows,
                             .x = ag_arena_array(arena, s->rows + 1, sizeof(float)),
                             .torque = ag_arena_array(arena, s->rows + 1, sizeof(float)),
                             .step = ag_arena_array(arena, s->rows + 1, sizeof(int32_t))};
    if (!trace.x || !trace.torque || !trace.step) return ag_fail_memory(err, s->rows * sizeof(float));
    double sum = 0;
    for (size_t i = 0; i < s->rows; i++) {
        trace.x[i] = (float)ag_signal_value(s, AG_CHANNEL_POSITION, i);
        trace.torque[i] = (float)ag_signal_value(s, AG_CHANNEL_TORQUE, i);
        trace.step[i] = s->by_id[AG_CHANNEL_STEP][i] / 1000;
        if (i < SIGN_ROWS) sum += (double)trace.x[i];
    }
    for (size_t i = 0; sum < 0 && i < s->rows; i++) trace.x[i] = -trace.x[i];
    *out = trace;
    return AG_OK;
}

int ag_legacy_entry(const ag_legacy_trace *trace, double *out, ag_err *err)
{
    const float *t = trace->torque, *x = trace->x;
    size_t n = trace->rows, first = 0, entry;
    while (first + 2 < n && !(t[first] > 0.1F && t[first + 1] > 0.1F && t[first + 2] > 0.1F && x[first] > 3.0F))
        first++;
    if (first + 2 >= n) return ag_fail(err, AG_ENOTFOUND, "no three samples above 0.1 A below 3 mm");
    entry = first;
    for (size_t i = first; i-- > 1;) {
        float before = i >= 3 ? t[i - 3] : t[n + i - 3];
        if (!(t[i] - before < 0.0001F && t[i + 3] - t[i] >= 0.05F)) continue;
        entry = i;
        break;
    }
    *out = (double)x[entry];
    return AG_OK;
}

/* ---- transition ---- */

/* The quadratic of least squares through 11 values, at place u of -5 to 5. */
static double quadratic(const double *y, double u)
{
    double sum = 0, first = 0, second = 0; /* of y, y u, y u^2; the sums of u^2 and u^4 are 110 and 1958 */
    for (int k = -HALF; k <= HALF; k++) {
        sum += y[k + HALF];
        first += y[k + HALF] * k;
        second += y[k + HALF] * k * k;
    }
    double c = (SMOOTHED * second - 110.0 * sum) / (SMOOTHED * 1958.0 - 110.0 * 110.0);
    return (sum - 110.0 * c) / SMOOTHED + first / 110.0 * u + c * u * u;
}

static void smooth(const double *y, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t begin = i < HALF ? 0 : i + HALF >= n ? n - SMOOTHED : i - HALF;
        out[i] = quadratic(y + begin, (double)i - (double)(begin + HALF));
    }
}

static void slopes(const double *z, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        size_t low = i ? i - 1 : 0, high = i + 1 < n ? i + 1 : i;
        out[i] = (z[high] - z[low]) / (double)(high - low);
    }
}

int ag_legacy_transition(const ag_legacy_trace *trace, ag_arena *arena, double *out, ag_err *err)
{
    size_t step = 0;
    while (step < trace->rows && trace->step[step] != 2) step++;
    if (step == trace->rows) return ag_fail(err, AG_ENOTFOUND, "there is no step 2");
    size_t begin = step > BEFORE_STEP ? step - BEFORE_STEP : 0, n = step - begin;
    if (n < SMOOTHED) return ag_fail(err, AG_ENOTFOUND, "there are only %zu samples before step 2", n);
    double *y = ag_arena_array(arena, 3 * n, sizeof *y), *z = y ? y + n : NULL, *g = y ? z + n : NULL;
    if (!y) return ag_fail_memory(err, 3 * n * sizeof *y);
    for (size_t i = 0; i < n; i++) y[i] = (double)trace->torque[begin + i];
    smooth(y, n, z);
    slopes(z, n, g);
    double mean = 0, square = 0;
    for (size_t i = 0; i < n; i++) mean += g[i] / (double)n;
    for (size_t i = 0; i < n; i++) square += (g[i] - mean) * (g[i] - mean) / (double)n;
    for (size_t i = 0; i < n; i++)
        if (g[i] > mean + 2.0 * sqrt(square)) {
            *out = fabs((double)trace->x[begin + i]);
            return AG_OK;
        }
    return ag_fail(err, AG_ENOTFOUND, "the torque before step 2 has no steep place");
}
