// SPDX-License-Identifier: Apache-2.0
#pragma once
/* series.h: what is plotted, the same for the terminal and for SVG, and the arithmetic of axes. Everything is borrowed
 * and read only. Values that are not finite leave gaps. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

typedef enum ag_mark { AG_MARK_LINE, AG_MARK_STEP, AG_MARK_SCATTER, AG_MARK_BAND } ag_mark;

typedef struct ag_series {
    const char *name; /* for the legend; NULL: not in it */
    ag_mark mark;
    const double *x;    /* NULL: 0, 1, 2 ... */
    const double *y;    /* of a band: its lower edge */
    const double *high; /* of a band: its upper edge; else unused */
    size_t count;
    unsigned colour; /* 0: the next one; n: the n-th colour, so that a band can match its line */
    bool dashed;
} ag_series;

typedef struct ag_plot {
    const char *title, *x_label, *y_label; /* each may be NULL */
    unsigned width, height;                /* SVG pixels; 0: 720 x 400 */
    bool x_time;                           /* x is microseconds since 1970, shown in UTC */
    bool x_log, y_log;                     /* decades; values <= 0 are gaps */
    double x_low, x_high, y_low, y_high;   /* limits; low == high: from the data */
} ag_plot;

/* One axis: values between low and high, at most 16 ticks. With `log` all numbers are decimal logarithms. */
typedef struct ag_axis {
    double low, high;
    bool time, log;
    size_t count;
    double tick[16];
    double step;
} ag_axis;

/* An axis that shows [low, high] with about `wanted` ticks at round numbers (1, 2 or 5 times a power of ten; for time
 * whole seconds, minutes, hours, days, months or years). `widen` moves the ends out to ticks. Any doubles are fine. */
ag_axis ag_axis_make(double low, double high, unsigned wanted, bool time, bool log, bool widen);
/* The text of a tick, with no more digits than the step needs. */
void ag_axis_label(const ag_axis *axis, size_t tick, ag_buf *out);
/* Where a value lies between the ends: 0 at low, 1 at high; NaN for a gap. */
double ag_axis_place(const ag_axis *axis, double value);

/* x of a point, and the axes that hold all series (limits of the plot honoured). */
double ag_series_x(const ag_series *series, size_t index);
void ag_series_axes(const ag_plot *plot, const ag_series *series, size_t count, unsigned x_ticks, unsigned y_ticks,
                    ag_axis *x, ag_axis *y);
