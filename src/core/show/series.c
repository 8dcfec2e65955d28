// SPDX-License-Identifier: Apache-2.0
/* series.c: axes. Round steps are 1, 2 or 5 times a power of ten; ticks are integer multiples of the step, never sums,
 * so that they carry no accumulated error. Time has steps of its own, and months and years walk the calendar. Limits
 * that are equal, swapped, enormous or not finite are mended here once, so that nothing further on divides by zero. */
#include "core/show/series.h"

#include <math.h>
#include <string.h>

#include "core/sys/clock.h"

#define MAX_TICKS 16
#define DAY (86400 * AG_SECOND)
#define MONTH (30 * DAY)

/* Ends that are finite, apart, and whose difference is finite. */
static void mend(double *low, double *high)
{
    if (!isfinite(*low) || !isfinite(*high)) {
        *low = 0;
        *high = 1;
    }
    *low = fmax(-1e300, fmin(1e300, *low));
    *high = fmax(-1e300, fmin(1e300, *high));
    if (*low > *high) {
        double swap = *low;
        *low = *high;
        *high = swap;
    }
    double size = fmax(fabs(*low), fabs(*high));
    if (*high - *low > size * 1e-12 && *high - *low > 1e-290) return;
    double margin = size > 1e-280 ? size * 0.05 : 1;
    *low -= margin;
    *high += margin;
}

/* The nearest round number by ratio. */
static double round_step(double rough)
{
    double power = pow(10, floor(log10(rough)));
    double digit = rough / power;
    return power * (digit < 1.41 ? 1 : digit < 3.16 ? 2 : digit < 7.07 ? 5 : 10);
}

static void add_tick(ag_axis *axis, double value)
{
    double slack = (axis->high - axis->low) * 1e-9;
    if (axis->count < MAX_TICKS && value >= axis->low - slack && value <= axis->high + slack)
        axis->tick[axis->count++] = value;
}

/* Multiples of the step from `origin`. */
static void add_multiples(ag_axis *axis, double origin)
{
    double first = ceil((axis->low - origin) / axis->step - 1e-9);
    for (int i = 0; i <= MAX_TICKS; i++) add_tick(axis, origin + (first + i) * axis->step);
}

static double time_step(double rough)
{
    static const int seconds[] = {1,    2,    5,    10,    15,    30,    60,    120,    300,    600,    900,
                                  1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 1209600};
    if (rough < AG_SECOND) return fmax(1, round_step(rough));
    for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++)
        if (rough <= seconds[i] * (double)AG_SECOND) return seconds[i] * (double)AG_SECOND;
    return 0;
}

/* Months or years: the first of every so many. */
static void add_months(ag_axis *axis, double rough)
{
    double months = rough / MONTH;
    int64_t every = months <= 1   ? 1
                    : months <= 3 ? 3
                    : months <= 6 ? 6
                                  : 12 * (int64_t)fmax(1, round_step(months / 12));
    axis->step = (double)every * MONTH;
    ag_date at = ag_date_utc((int64_t)axis->low);
    int64_t month = (at.year * INT64_C(12) + at.month - 1) / every * every;
    for (int i = 0; i <= MAX_TICKS; i++, month += every) {
        ag_date first = {.year = (int32_t)(month / 12), .month = (int8_t)(month % 12 + 1), .day = 1};
        add_tick(axis, (double)ag_date_instant(&first));
    }
}

static void add_times(ag_axis *axis, unsigned wanted)
{
    axis->low = fmax(-9e18, axis->low);
    axis->high = fmin(9e18, axis->high);
    mend(&axis->low, &axis->high);
    double rough = (axis->high - axis->low) / wanted;
    axis->step = time_step(rough);
    if (axis->step == 0)
        add_months(axis, rough);
    else
        add_multiples(axis, axis->step > DAY ? 4.0 * DAY : 0); /* weeks begin on Mondays */
}

static void add_decades(ag_axis *axis, unsigned wanted)
{
    axis->step = fmax(1, ceil((axis->high - axis->low) / wanted));
    add_multiples(axis, 0);
    if (axis->count > 2 || axis->high - axis->low > 3) return;
    static const double digits[] = {0, 0.30102999566398120, 0.69897000433601880}; /* 1, 2 and 5 */
    axis->count = 0;
    double first = floor(axis->low);
    for (unsigned decade = 0; first + decade <= axis->high; decade++)
        for (int i = 0; i < 3; i++) add_tick(axis, first + decade + digits[i]);
}

ag_axis ag_axis_make(double low, double high, unsigned wanted, bool time, bool log, bool widen)
{
    if (wanted < 2) wanted = 2;
    if (wanted > 10) wanted = 10;
    mend(&low, &high);
    ag_axis axis = {.low = low, .high = high, .time = time, .log = log};
    if (time) {
        add_times(&axis, wanted);
        return axis;
    }
    axis.step = round_step((high - low) / wanted);
    if (widen) {
        double step = log ? 1 : axis.step;
        axis.low = floor(low / step + 1e-9) * step;
        axis.high = ceil(high / step - 1e-9) * step;
    }
    if (log)
        add_decades(&axis, wanted);
    else
        add_multiples(&axis, 0);
    return axis;
}

static void label_time(const ag_axis *axis, size_t tick, ag_buf *out)
{
    char text[40];
    ag_instant_format((int64_t)axis->tick[tick], 6, text);
    size_t year = strcspn(text + 1, "-") + 1; /* a sign may stand before it */
    const char *month = text + year + 1, *clock = month + 6;
    if (axis->step >= 12.0 * MONTH)
        ag_buf_add(out, text, year);
    else if (axis->step >= MONTH)
        ag_buf_add(out, text, year + 3);
    else if (axis->step >= DAY)
        ag_buf_add(out, tick == 0 ? text : month, tick == 0 ? year + 6 : 5);
    else {
        bool midnight = strncmp(clock, "00:00:00.000000", 15) == 0;
        if (tick == 0 || midnight) {
            ag_buf_add(out, month, 5);
            ag_buf_add_char(out, ' ');
        }
        double step = axis->step;
        ag_buf_add(out, clock, step >= 60 * AG_SECOND ? 5 : step >= AG_SECOND ? 8 : step >= 1000 ? 12 : 15);
    }
}

void ag_axis_label(const ag_axis *axis, size_t tick, ag_buf *out)
{
    char text[400];
    double value = axis->tick[tick];
    if (axis->time) {
        label_time(axis, tick, out);
        return;
    }
    if (axis->log) {
        ag_format(text, sizeof(text), "%.6g", pow(10, value));
        ag_buf_add_text(out, text);
        return;
    }
    if (fabs(value) < axis->step * 1e-6) value = 0; /* no "-0" */
    double most = fmax(fabs(axis->low), fabs(axis->high));
    int digits = axis->step > 0 ? -(int)floor(log10(axis->step) + 1e-9) : 0;
    if (most >= 1e6 || most < 1e-4) {
        int precision = (int)ceil(log10(most / axis->step) + 1e-9) + 1;
        ag_format(text, sizeof(text), "%.*g", precision < 1 ? 1 : precision > 17 ? 17 : precision, value);
    } else
        ag_format(text, sizeof(text), "%.*f", digits < 0 ? 0 : digits > 15 ? 15 : digits, value);
    ag_buf_add_text(out, text);
}

double ag_axis_place(const ag_axis *axis, double value)
{
    if (axis->log) value = value > 0 ? log10(value) : NAN;
    if (!isfinite(value)) return NAN;
    return (value - axis->low) / (axis->high - axis->low);
}

double ag_series_x(const ag_series *series, size_t index)
{
    return series->x ? series->x[index] : (double)index;
}

static void stretch(double value, bool log, double *low, double *high)
{
    if (log) value = value > 0 ? log10(value) : NAN;
    if (!isfinite(value)) return;
    if (!(value >= *low)) *low = value;
    if (!(value <= *high)) *high = value;
}

static double in_axis(double value, bool log)
{
    return log ? log10(value > 0 ? value : 1) : value;
}

void ag_series_axes(const ag_plot *plot, const ag_series *series, size_t count, unsigned x_ticks, unsigned y_ticks,
                    ag_axis *x, ag_axis *y)
{
    double x_low = NAN, x_high = NAN, y_low = NAN, y_high = NAN;
    for (size_t s = 0; s < count; s++) {
        for (size_t i = 0; i < series[s].count; i++) {
            stretch(ag_series_x(&series[s], i), plot->x_log, &x_low, &x_high);
            stretch(series[s].y[i], plot->y_log, &y_low, &y_high);
            if (series[s].mark == AG_MARK_BAND) stretch(series[s].high[i], plot->y_log, &y_low, &y_high);
        }
    }
    for (size_t s = 0; s < count; s++) { /* points need room for their size; lines may end at the edge */
        if (series[s].mark != AG_MARK_SCATTER || !(x_high > x_low)) continue;
        double room = x_high / 50 - x_low / 50;
        x_low -= room;
        x_high += room;
        break;
    }
    bool given_x = plot->x_low != plot->x_high, given_y = plot->y_low != plot->y_high;
    if (given_x) x_low = in_axis(plot->x_low, plot->x_log), x_high = in_axis(plot->x_high, plot->x_log);
    if (given_y) y_low = in_axis(plot->y_low, plot->y_log), y_high = in_axis(plot->y_high, plot->y_log);
    *x = ag_axis_make(x_low, x_high, x_ticks, plot->x_time, plot->x_log, false);
    *y = ag_axis_make(y_low, y_high, y_ticks, false, plot->y_log, !given_y);
}
