// SPDX-License-Identifier: Apache-2.0
/* svg_bars.c: bars from zero, side by side or stacked (positive parts upward, negative ones downward), and histograms.
 * Each bar carries its number as a tooltip. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "core/base/mem.h"
#include "core/show/svg_frame.h"
#include "core/show/text.h"

#define MAX_BINS 200

static double value_at(const ag_bars *bars, size_t series, size_t category)
{
    double value = bars->values[series * bars->category_count + category];
    return isfinite(value) ? value : 0;
}

static ag_axis value_axis(const ag_plot *plot, const ag_bars *bars, unsigned ticks)
{
    double low = 0, high = 0;
    for (size_t c = 0; c < bars->category_count; c++) {
        double below = 0, above = 0;
        for (size_t s = 0; s < bars->series_count; s++) {
            double value = value_at(bars, s, c);
            if (!bars->stacked) below = above = 0;
            if (value < 0)
                below += value;
            else
                above += value;
            low = fmin(low, below);
            high = fmax(high, above);
        }
    }
    bool given = plot->y_low != plot->y_high;
    if (given)
        low = plot->y_low, high = plot->y_high;
    else if (high == low)
        high = low + 1;
    return ag_axis_make(low, high, ticks, false, false, !given);
}

static void add_bar(const ag_frame *frame, const ag_axis *axis, double x, double width, double from, double to,
                    unsigned colour, const char *name, const char *category, double value)
{
    double a = (1 - ag_axis_place(axis, from)) * frame->height, b = (1 - ag_axis_place(axis, to)) * frame->height;
    ag_buf_add_text(frame->out, "<g>");
    ag_svg_rect(frame->out, x, fmin(a, b), width, fabs(a - b), "f", colour);
    ag_buf_add_text(frame->out, "<title>");
    if (name) {
        ag_show_escape(frame->out, ag_str_of(name));
        ag_buf_add_text(frame->out, ", ");
    }
    ag_show_escape(frame->out, ag_str_of(category));
    ag_buf_add_text(frame->out, ": ");
    ag_svg_value(frame->out, value);
    ag_buf_add_text(frame->out, "</title></g>\n");
}

static void draw_category(const ag_frame *frame, const ag_axis *axis, const ag_bars *bars, size_t c)
{
    double slot = frame->width / (double)bars->category_count;
    double group = slot * (bars->series_count == 1 ? 0.7 : 0.82), left = slot * (double)c + (slot - group) / 2;
    double width = bars->stacked ? group : group / (double)bars->series_count;
    double below = 0, above = 0;
    for (size_t s = 0; s < bars->series_count; s++) {
        double value = value_at(bars, s, c), from = 0;
        double x = bars->stacked ? left : left + width * (double)s;
        if (value == 0) continue;
        if (bars->stacked) {
            double *edge = value < 0 ? &below : &above;
            from = *edge;
            *edge += value;
        }
        add_bar(frame, axis, x, width - (bars->stacked ? 0 : fmin(1, width * 0.1)), from, from + value,
                ag_svg_colour(s), bars->names ? bars->names[s] : NULL, bars->categories[c], value);
    }
}

int ag_svg_bars(ag_buf *out, const ag_plot *plot, const ag_bars *bars, ag_err *err)
{
    size_t legend_count = bars->names ? bars->series_count : 0;
    ag_svg_entry *legend = ag_calloc(legend_count, sizeof(*legend));
    if (!legend) return ag_fail_memory(err, legend_count * sizeof(*legend));
    for (size_t s = 0; s < legend_count; s++)
        legend[s] = (ag_svg_entry){.name = bars->names[s], .colour = ag_svg_colour(s), .filled = true};
    ag_frame frame;
    ag_frame_begin(&frame, out, plot, legend, legend_count);
    ag_free(legend);
    ag_axis axis = value_axis(plot, bars, frame.full_height / 60);
    double slot = (frame.full_width - 80.0) / (double)(bars->category_count ? bars->category_count : 1);
    double below = ag_frame_names_below(&frame, bars->categories, bars->category_count, slot);
    ag_frame_area(&frame, ag_frame_label_cells(&axis), below, 0);
    ag_frame_y_axis(&frame, &axis);
    ag_frame_names(&frame, bars->categories, bars->category_count);
    ag_frame_open(&frame);
    for (size_t c = 0; c < bars->category_count; c++) draw_category(&frame, &axis, bars, c);
    ag_frame_close(&frame);
    ag_frame_end(&frame);
    return ag_buf_check(out, "a plot", err);
}

typedef struct binning {
    double low, width;
    size_t count;
    size_t counts[MAX_BINS + 2];
} binning;

/* The finite values, sorted. */
static int sort_finite(const double *values, size_t count, double **out, size_t *finite, ag_err *err)
{
    double *sorted = ag_alloc_array(count, sizeof(*sorted));
    if (!sorted) return ag_fail_memory(err, count * sizeof(*sorted));
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(values[i])) sorted[kept++] = values[i];
    qsort(sorted, kept, sizeof(*sorted), ag_by_size);
    *out = sorted;
    *finite = kept;
    return AG_OK;
}

/* Edges at multiples of a round width; a given number of bins divides the range evenly instead. */
static void choose_bins(binning *bins, const double *sorted, size_t count, unsigned wanted)
{
    double low = count ? sorted[0] : 0, high = count ? sorted[count - 1] : 1;
    ag_axis whole = ag_axis_make(low, high, 2, false, false, false); /* mends equal or enormous ends */
    if (wanted > 0) {
        bins->count = wanted < MAX_BINS ? wanted : MAX_BINS;
        bins->low = whole.low;
        bins->width = (whole.high - whole.low) / (double)bins->count;
        return;
    }
    double spread = count ? sorted[count * 3 / 4] - sorted[count / 4] : 0;
    double width = 2 * spread / cbrt((double)(count ? count : 1));
    if (!(width > 0)) width = (whole.high - whole.low) / (1 + log2((double)(count > 1 ? count : 2)));
    width = fmax(width, (whole.high - whole.low) / 100);
    ag_axis round = ag_axis_make(0, width * 4, 4, false, false, false); /* its step is the round width */
    bins->width = round.step;
    bins->low = floor(whole.low / bins->width) * bins->width;
    bins->count = (size_t)fmin(MAX_BINS, floor((whole.high - bins->low) / bins->width) + 1);
}

static void count_values(binning *bins, const double *sorted, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double at = (sorted[i] - bins->low) / bins->width;
        size_t bin = at > 0 ? (size_t)fmin(at, (double)bins->count - 1) : 0;
        bins->counts[bin]++;
    }
}

static void draw_bins(const ag_frame *frame, const ag_axis *x, const ag_axis *y, const binning *bins)
{
    for (size_t b = 0; b < bins->count; b++) {
        if (bins->counts[b] == 0) continue;
        double from = bins->low + bins->width * (double)b, to = from + bins->width;
        double left = ag_axis_place(x, from) * frame->width, right = ag_axis_place(x, to) * frame->width;
        char range[128];
        ag_format(range, sizeof(range), "%.6g to %.6g", from, to);
        add_bar(frame, y, left + 0.5, right - left - 1, 0, (double)bins->counts[b], 1, NULL, range,
                (double)bins->counts[b]);
    }
}

int ag_svg_histogram(ag_buf *out, const ag_plot *plot, const double *values, size_t count, unsigned bins, ag_err *err)
{
    double *sorted = NULL;
    size_t finite = 0, most = 1;
    int rc = sort_finite(values, count, &sorted, &finite, err);
    if (rc < 0) return rc;
    binning at = {0};
    choose_bins(&at, sorted, finite, bins);
    count_values(&at, sorted, finite);
    ag_free(sorted);
    for (size_t b = 0; b < at.count; b++)
        if (at.counts[b] > most) most = at.counts[b];
    ag_frame frame;
    ag_frame_begin(&frame, out, plot, NULL, 0);
    ag_axis x =
        ag_axis_make(at.low, at.low + at.width * (double)at.count, frame.full_width / 110, plot->x_time, false, false);
    ag_axis y = ag_axis_make(0, (double)most, frame.full_height / 60, false, false, true);
    ag_frame_area(&frame, ag_frame_label_cells(&y), 22, 0);
    ag_frame_x_axis(&frame, &x);
    ag_frame_y_axis(&frame, &y);
    ag_frame_open(&frame);
    draw_bins(&frame, &x, &y, &at);
    ag_frame_close(&frame);
    ag_frame_end(&frame);
    return ag_buf_check(out, "a plot", err);
}
