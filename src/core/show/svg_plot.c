// SPDX-License-Identifier: Apache-2.0
/* svg_plot.c: series on two axes. Points that follow each other within one pixel column are drawn as their first,
 * lowest, highest and last, in their order: the picture is the same and its size is bounded by its width, however
 * long the series. Points of a scatter that fall on one pixel are drawn once. */
#include <math.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/show/svg_frame.h"

typedef struct point {
    double x, y;
} point;

typedef struct pen {
    const ag_frame *frame;
    const ag_axis *x_axis, *y_axis;
    bool step, down; /* down: a line has begun */
    size_t held;     /* points of this column so far */
    point first, lowest, highest, last;
    size_t at_lowest, at_highest;
    double y; /* where the pen is */
} pen;

static point place(const pen *with, double x, double y)
{
    return (point){ag_axis_place(with->x_axis, x) * with->frame->width,
                   (1 - ag_axis_place(with->y_axis, y)) * with->frame->height};
}

static void add_pair(ag_buf *out, point at)
{
    ag_svg_num(out, at.x);
    ag_buf_add_char(out, ' ');
    ag_svg_num(out, at.y);
}

static void draw_to(pen *with, point at)
{
    ag_buf *out = with->frame->out;
    if (with->down && with->step) {
        ag_buf_add_char(out, 'H');
        ag_svg_num(out, at.x);
        if (at.y != with->y) {
            ag_buf_add_char(out, 'V');
            ag_svg_num(out, at.y);
        }
    } else {
        ag_buf_add_char(out, with->down ? 'L' : 'M');
        add_pair(out, at);
    }
    with->down = true;
    with->y = at.y;
}

static void flush(pen *with)
{
    if (with->held == 0) return;
    draw_to(with, with->first);
    bool low_first = with->at_lowest < with->at_highest;
    size_t a = low_first ? with->at_lowest : with->at_highest, b = low_first ? with->at_highest : with->at_lowest;
    if (a > 0 && a + 1 < with->held) draw_to(with, low_first ? with->lowest : with->highest);
    if (b != a && b > 0 && b + 1 < with->held) draw_to(with, low_first ? with->highest : with->lowest);
    if (with->held > 1) draw_to(with, with->last);
    with->held = 0;
}

static void hold(pen *with, point at)
{
    if (with->held > 0 && floor(with->first.x) != floor(at.x)) flush(with);
    if (with->held == 0) with->first = at;
    if (with->held == 0 || at.y < with->lowest.y) with->lowest = at, with->at_lowest = with->held;
    if (with->held == 0 || at.y > with->highest.y) with->highest = at, with->at_highest = with->held;
    with->last = at;
    with->held++;
}

static void draw_line(pen *with, const ag_series *series)
{
    size_t begun = 0; /* points since the last gap */
    for (size_t i = 0; i <= series->count; i++) {
        point at = i < series->count ? place(with, ag_series_x(series, i), series->y[i]) : (point){NAN, NAN};
        if (isfinite(at.x) && isfinite(at.y)) {
            hold(with, at);
            begun++;
            continue;
        }
        flush(with);
        if (begun == 1) ag_buf_add_text(with->frame->out, "h.01"); /* a single point between gaps is a dot */
        with->down = false;
        begun = 0;
    }
}

static int draw_points(pen *with, const ag_series *series, ag_err *err)
{
    size_t columns = (size_t)with->frame->width + 2, rows = (size_t)with->frame->height + 2;
    uint8_t *seen = ag_calloc(columns, rows);
    if (!seen) return ag_fail_memory(err, columns * rows);
    for (size_t i = 0; i < series->count; i++) {
        point at = place(with, ag_series_x(series, i), series->y[i]);
        if (!(at.x >= 0 && at.y >= 0 && at.x <= with->frame->width && at.y <= with->frame->height)) continue;
        uint8_t *there = &seen[(size_t)at.y * columns + (size_t)at.x];
        if (*there) continue;
        *there = 1;
        ag_buf_add_char(with->frame->out, 'M');
        add_pair(with->frame->out, at);
        ag_buf_add_text(with->frame->out, "h.01");
    }
    ag_free(seen);
    return AG_OK;
}

typedef struct slice {
    double x, low, high;
} slice;

/* One closed shape: along the upper edge and back along the lower. */
static void close_band(pen *with, ag_vec *slices)
{
    ag_buf *out = with->frame->out;
    const slice *at = slices->items;
    for (size_t i = 0; i < slices->count; i++) {
        ag_buf_add_char(out, i ? 'L' : 'M');
        add_pair(out, (point){at[i].x, at[i].high});
    }
    for (size_t i = slices->count; i-- > 0;) {
        ag_buf_add_char(out, 'L');
        add_pair(out, (point){at[i].x, at[i].low});
    }
    if (slices->count > 0) ag_buf_add_char(out, 'Z');
    ag_vec_clear(slices);
}

static int draw_band(pen *with, const ag_series *series, ag_err *err)
{
    ag_vec slices;
    ag_vec_init(&slices, sizeof(slice));
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < series->count; i++) {
        point low = place(with, ag_series_x(series, i), series->y[i]);
        point high = place(with, ag_series_x(series, i), series->high[i]);
        if (!isfinite(low.x + low.y + high.y)) {
            close_band(with, &slices);
            continue;
        }
        slice *last = slices.count > 1 ? ag_vec_at(&slices, slices.count - 1) : NULL;
        if (last && floor(last->x) == floor(low.x)) { /* the hull of a pixel column */
            last->low = fmax(last->low, low.y);
            last->high = fmin(last->high, high.y);
        } else
            rc = ag_vec_push(&slices, &(slice){low.x, low.y, high.y}, err);
    }
    close_band(with, &slices);
    ag_vec_deinit(&slices);
    return rc;
}

static int draw_series(const ag_frame *frame, const ag_axis *x, const ag_axis *y, const ag_series *series,
                       const ag_svg_entry *entry, ag_err *err)
{
    pen with = {.frame = frame, .x_axis = x, .y_axis = y, .step = series->mark == AG_MARK_STEP};
    static const char *const classes[] = {"l s", "l s", "p s", "b f"};
    ag_buf_addf(frame->out, "<path class=\"%s%u\"", classes[series->mark], entry->colour);
    ag_buf_add_text(frame->out, entry->dashed ? " stroke-dasharray=\"5 3\" d=\"" : " d=\"");
    int rc = AG_OK;
    if (series->mark == AG_MARK_SCATTER)
        rc = draw_points(&with, series, err);
    else if (series->mark == AG_MARK_BAND)
        rc = draw_band(&with, series, err);
    else
        draw_line(&with, series);
    ag_buf_add_text(frame->out, "\"/>\n");
    return rc;
}

static ag_svg_entry entry_of(const ag_series *series, size_t index)
{
    return (ag_svg_entry){.name = series->name,
                          .colour = ag_svg_colour(series->colour ? series->colour - 1 : index),
                          .mark = series->mark,
                          .dashed = series->dashed || (!series->colour && index >= AG_SVG_COLOURS)};
}

int ag_svg_plot(ag_buf *out, const ag_plot *plot, const ag_series *series, size_t count, ag_err *err)
{
    ag_svg_entry *legend = ag_calloc(count, sizeof(*legend));
    if (!legend) return ag_fail_memory(err, count * sizeof(*legend));
    for (size_t i = 0; i < count; i++) legend[i] = entry_of(&series[i], i);
    ag_frame frame;
    ag_axis x, y;
    ag_frame_begin(&frame, out, plot, legend, count);
    ag_series_axes(plot, series, count, frame.full_width / 110, frame.full_height / 60, &x, &y);
    ag_frame_area(&frame, ag_frame_label_cells(&y), 22, 0);
    ag_frame_x_axis(&frame, &x);
    ag_frame_y_axis(&frame, &y);
    ag_frame_open(&frame);
    int rc = AG_OK;
    for (int bands = 1; bands >= 0; bands--) /* bands lie below everything else */
        for (size_t i = 0; rc == AG_OK && i < count; i++)
            if ((series[i].mark == AG_MARK_BAND) == bands)
                rc = draw_series(&frame, &x, &y, &series[i], &legend[i], err);
    ag_frame_close(&frame);
    ag_frame_end(&frame);
    ag_free(legend);
    return rc < 0 ? rc : ag_buf_check(out, "a plot", err);
}
