// SPDX-License-Identifier: Apache-2.0
/* svg_box.c: box plots. Quartiles are interpolated between the sorted values (as numpy does by default). Of the values
 * beyond the whiskers, those that would fall on one pixel are drawn once. */
#include <math.h>
#include <stdlib.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/show/svg_frame.h"

typedef struct summary {
    double *sorted; /* the finite values */
    size_t count;
    double first, median, third, low, high; /* low and high: the ends of the whiskers */
} summary;

static int summarise(const ag_box *box, summary *out, ag_err *err)
{
    *out = (summary){.sorted = ag_alloc_array(box->count, sizeof(double))};
    if (!out->sorted) return ag_fail_memory(err, box->count * sizeof(double));
    for (size_t i = 0; i < box->count; i++)
        if (isfinite(box->values[i])) out->sorted[out->count++] = box->values[i];
    if (out->count == 0) return AG_OK;
    qsort(out->sorted, out->count, sizeof(double), ag_by_size);
    out->first = ag_percentile(out->sorted, out->count, 0.25);
    out->median = ag_percentile(out->sorted, out->count, 0.5);
    out->third = ag_percentile(out->sorted, out->count, 0.75);
    double reach = 1.5 * (out->third - out->first);
    size_t low = 0, high = out->count - 1;
    while (out->sorted[low] < out->first - reach) low++;
    while (out->sorted[high] > out->third + reach) high--;
    out->low = out->sorted[low];
    out->high = out->sorted[high];
    return AG_OK;
}

static double y_of(const ag_frame *frame, const ag_axis *axis, double value)
{
    return (1 - ag_axis_place(axis, value)) * frame->height;
}

static void add_segment(ag_buf *out, double x, double y, char direction, double length)
{
    ag_buf_add_char(out, 'M');
    ag_svg_num(out, x);
    ag_buf_add_char(out, ' ');
    ag_svg_num(out, y);
    ag_buf_add_char(out, direction);
    ag_svg_num(out, length);
}

static void draw_outliers(const ag_frame *frame, const ag_axis *axis, const summary *of, double middle, unsigned colour)
{
    ag_buf_addf(frame->out, "<path class=\"p s%u\" d=\"", colour);
    double drawn = NAN;
    for (size_t i = 0; i < of->count; i++) {
        if (of->sorted[i] >= of->low && of->sorted[i] <= of->high) continue;
        double y = floor(y_of(frame, axis, of->sorted[i]));
        if (y == drawn) continue;
        add_segment(frame->out, middle, drawn = y, 'h', 0.01);
    }
    ag_buf_add_text(frame->out, "\"/>\n");
}

static void draw_box(const ag_frame *frame, const ag_axis *axis, const summary *of, size_t index, size_t count)
{
    if (of->count == 0) return;
    double slot = frame->width / (double)count, width = fmin(slot * 0.5, 60), middle = slot * ((double)index + 0.5);
    double first = y_of(frame, axis, of->first), third = y_of(frame, axis, of->third);
    double low = y_of(frame, axis, of->low), high = y_of(frame, axis, of->high);
    unsigned colour = ag_svg_colour(index);
    ag_svg_rect(frame->out, middle - width / 2, third, width, first - third, "b f", colour);
    ag_buf_addf(frame->out, "<path class=\"l s%u\" d=\"", colour);
    add_segment(frame->out, middle - width / 2, third, 'h', width);
    ag_buf_add_char(frame->out, 'v');
    ag_svg_num(frame->out, first - third);
    ag_buf_add_char(frame->out, 'h');
    ag_svg_num(frame->out, -width);
    ag_buf_add_char(frame->out, 'z');
    add_segment(frame->out, middle, third, 'V', high);
    add_segment(frame->out, middle, first, 'V', low);
    add_segment(frame->out, middle - width / 4, high, 'h', width / 2);
    add_segment(frame->out, middle - width / 4, low, 'h', width / 2);
    ag_buf_addf(frame->out, "\"/><path class=\"l s%u\" style=\"stroke-width:3\" d=\"", colour);
    add_segment(frame->out, middle - width / 2, y_of(frame, axis, of->median), 'h', width);
    ag_buf_add_text(frame->out, "\"/>");
    draw_outliers(frame, axis, of, middle, colour);
}

static ag_axis axis_of(const ag_plot *plot, const summary *all, size_t count, unsigned ticks)
{
    double low = NAN, high = NAN;
    for (size_t i = 0; i < count; i++) {
        if (all[i].count == 0) continue;
        if (!(all[i].sorted[0] >= low)) low = all[i].sorted[0];
        if (!(all[i].sorted[all[i].count - 1] <= high)) high = all[i].sorted[all[i].count - 1];
    }
    bool given = plot->y_low != plot->y_high;
    return ag_axis_make(given ? plot->y_low : low, given ? plot->y_high : high, ticks, false, false, !given);
}

static void draw(ag_buf *out, const ag_plot *plot, const summary *all, const char *const *names, size_t count)
{
    ag_frame frame;
    ag_frame_begin(&frame, out, plot, NULL, 0);
    ag_axis axis = axis_of(plot, all, count, frame.full_height / 60);
    double slot = (frame.full_width - 80.0) / (double)count;
    ag_frame_area(&frame, ag_frame_label_cells(&axis), ag_frame_names_below(&frame, names, count, slot), 0);
    ag_frame_y_axis(&frame, &axis);
    ag_frame_names(&frame, names, count);
    ag_frame_open(&frame);
    for (size_t i = 0; i < count; i++) draw_box(&frame, &axis, &all[i], i, count);
    ag_frame_close(&frame);
    ag_frame_end(&frame);
}

int ag_svg_boxes(ag_buf *out, const ag_plot *plot, const ag_box *boxes, size_t count, ag_err *err)
{
    if (count == 0) return ag_fail(err, AG_EINVAL, "a box plot needs at least one group");
    summary *all = ag_calloc(count, sizeof(*all));
    const char **names = ag_calloc(count, sizeof(*names));
    int rc = AG_OK;
    if (!all || !names) {
        rc = ag_fail_memory(err, count * sizeof(*all));
        goto out;
    }
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        names[i] = boxes[i].name;
        rc = summarise(&boxes[i], &all[i], err);
    }
    if (rc == AG_OK) {
        draw(out, plot, all, names, count);
        rc = ag_buf_check(out, "a plot", err);
    }
out:
    for (size_t i = 0; all && i < count; i++) ag_free(all[i].sorted);
    ag_free(all);
    ag_free(names);
    return rc;
}
