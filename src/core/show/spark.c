// SPDX-License-Identifier: Apache-2.0
/* spark.c: pictures of characters. The plot is a grid of braille cells of 2 x 4 dots; a cell has one colour, that of
 * the series drawn last through it. Lines are drawn dot by dot after clipping to the picture, so that the work is
 * bounded by the picture and not by the values. Without colours lines are told apart by gaps, which are counted in dots
 * along a line: a line that goes back and forth has them, too, and none hides by chance. */
#include "core/show/spark.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/show/text.h"

#define MAX_TEXT ((size_t)4096)

void ag_spark_line(ag_buf *out, const double *values, size_t count, unsigned width)
{
    size_t cells = count < width ? count : width;
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(values[i])) continue;
        low = fmin(low, values[i]);
        high = fmax(high, values[i]);
    }
    for (size_t c = 0; c < cells; c++) {
        size_t from = (size_t)((double)c * (double)count / (double)cells);
        size_t to = (size_t)((double)(c + 1) * (double)count / (double)cells);
        double sum = 0;
        size_t finite = 0;
        for (size_t i = from; i < to && i < count; i++) {
            if (!isfinite(values[i])) continue;
            sum += (values[i] / 2 - low / 2) / (high / 2 - low / 2 + (high == low));
            finite++;
        }
        int level = finite ? (int)lround(sum / (double)finite * 7) : -1;
        const char block[] = {'\xe2', '\x96', (char)('\x81' + (level < 0 ? 0 : level > 7 ? 7 : level)), '\0'};
        ag_buf_add_text(out, level < 0 ? " " : block);
    }
}

void ag_spark_bar(ag_buf *out, double fraction, unsigned width)
{
    if (!(fraction > 0)) fraction = 0;
    if (fraction > 1) fraction = 1;
    unsigned eighths = (unsigned)(fraction * width * 8 + 1e-9);
    for (unsigned c = 0; c < width; c++, eighths -= eighths < 8 ? eighths : 8) {
        const char part[] = {'\xe2', '\x96', (char)('\x90' - (eighths > 8 ? 8 : eighths)), '\0'};
        ag_buf_add_text(out, eighths > 0 ? part : "\xe2\x96\x91");
    }
}

typedef struct canvas {
    unsigned width, height; /* cells */
    uint8_t *dots;          /* of each cell, as braille counts them */
    uint8_t *colour;        /* 0: none */
    ag_axis x, y;
    unsigned drawn, left; /* dots in a row that the line draws, and leaves out */
    unsigned walked;      /* dots behind its begin */
    double at;            /* its last one */
} canvas;

/* Of the lines that have no colour to be told apart by: how they are drawn, and how the legend shows it. */
static const struct {
    unsigned drawn, left;
    const char *legend;
} patterns[] = {
    {1, 0, "\xe2\x94\x81\xe2\x94\x81"}, {4, 3, "\xe2\x95\xb8\xe2\x95\xb8"}, {1, 2, "\xe2\x94\x89\xe2\x94\x89"}};

/* Edges of a band are always dotted; lines take turns. */
static size_t pattern_of(const ag_series *series, size_t index, bool colour)
{
    size_t lines = 0;
    if (colour) return 0;
    if (series[index].mark == AG_MARK_BAND) return 2;
    for (size_t i = 0; i < index; i++) lines += series[i].mark != AG_MARK_BAND;
    return lines % (sizeof patterns / sizeof *patterns);
}

static void set_dot(canvas *on, double x, double y, uint8_t colour)
{
    static const uint8_t bits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned columns = on->width * 2, rows = on->height * 4;
    if (!(x >= 0 && x <= 1 && y >= 0 && y <= 1)) return;
    unsigned column = (unsigned)lround(x * (columns - 1)), row = rows - 1 - (unsigned)lround(y * (rows - 1));
    size_t cell = (size_t)(row / 4) * on->width + column / 2;
    on->dots[cell] |= bits[row % 4][column % 2];
    on->colour[cell] = colour;
}

/* The next dot of a line, unless it is in a gap. */
static void walk(canvas *on, double x, double y, uint8_t colour)
{
    double columns = on->width * 2, rows = on->height * 4;
    double at = round(y * (rows - 1)) * columns + round(x * (columns - 1));
    if (at < on->at || at > on->at) on->walked++;
    on->at = at;
    if (on->walked % (on->drawn + on->left) < on->drawn) set_dot(on, x, y, colour);
}

/* Moves the ends of a segment along it so that `value` is within [0, 1]. False when nothing is left. */
static bool clip(double *a, double *b, double *other_a, double *other_b)
{
    if ((*a < 0 && *b < 0) || (*a > 1 && *b > 1)) return false;
    double slope = (*other_b - *other_a) / (*b - *a);
    double *ends[2][2] = {{a, other_a}, {b, other_b}};
    double start = *a, other_start = *other_a;
    for (int i = 0; i < 2; i++) {
        double edge = *ends[i][0] < 0 ? 0 : *ends[i][0] > 1 ? 1 : *ends[i][0];
        if (edge == *ends[i][0]) continue;
        *ends[i][1] = other_start + (edge - start) * slope;
        *ends[i][0] = edge;
    }
    return true;
}

static void draw_segment(canvas *on, double x0, double y0, double x1, double y1, uint8_t colour)
{
    if (!isfinite(x0 + y0 + x1 + y1) || !clip(&x0, &x1, &y0, &y1) || !clip(&y0, &y1, &x0, &x1)) return;
    double steps = ceil(fmax(fabs(x1 - x0) * on->width * 2, fabs(y1 - y0) * on->height * 4)) + 1;
    if (!(steps < 1e5)) return;
    for (int i = 0; i <= (int)steps; i++) walk(on, x0 + (x1 - x0) * i / steps, y0 + (y1 - y0) * i / steps, colour);
}

static void draw_values(canvas *on, const ag_series *series, const double *values, uint8_t colour)
{
    double x0 = NAN, y0 = NAN;
    for (size_t i = 0; i < series->count; i++) {
        double x = ag_axis_place(&on->x, ag_series_x(series, i)), y = ag_axis_place(&on->y, values[i]);
        bool joined = isfinite(x0 + y0 + x + y) && series->mark != AG_MARK_SCATTER;
        if (!joined)
            set_dot(on, x, y, colour);
        else if (series->mark == AG_MARK_STEP) {
            draw_segment(on, x0, y0, x, y0, colour);
            draw_segment(on, x, y0, x, y, colour);
        } else
            draw_segment(on, x0, y0, x, y, colour);
        x0 = x;
        y0 = y;
    }
}

static uint8_t colour_of(const ag_series *series, size_t index)
{
    return (uint8_t)((series->colour ? series->colour - 1 : index) % 6 + 1);
}

static void add_colour(ag_buf *out, uint8_t colour)
{
    static const char *const codes[] = {"0", "36", "33", "35", "32", "34", "31"};
    ag_buf_addf(out, "\033[%sm", codes[colour]);
}

static void add_row(ag_buf *out, const canvas *on, unsigned row, bool colour)
{
    uint8_t now = 0;
    for (unsigned c = 0; c < on->width; c++) {
        size_t cell = (size_t)row * on->width + c;
        uint8_t wanted = on->dots[cell] ? on->colour[cell] : now;
        if (colour && wanted != now) add_colour(out, now = wanted);
        uint8_t dots = on->dots[cell];
        const char braille[] = {'\xe2', (char)(0xa0 + (dots >> 6)), (char)(0x80 + (dots & 0x3f)), '\0'};
        ag_buf_add_text(out, dots ? braille : " ");
    }
    if (now) add_colour(out, 0);
    while (out->size > 0 && out->data[out->size - 1] == ' ') out->data[--out->size] = '\0';
    ag_buf_add_char(out, '\n');
}

/* The tick whose place is in this row of cells, -1 when there is none. */
static int tick_in_row(const canvas *on, unsigned row)
{
    for (size_t t = 0; t < on->y.count; t++) {
        double place = (on->y.tick[t] - on->y.low) / (on->y.high - on->y.low);
        unsigned dot = on->height * 4 - 1 - (unsigned)lround(fmax(0, fmin(1, place)) * (on->height * 4 - 1));
        if (dot / 4 == row) return (int)t;
    }
    return -1;
}

static unsigned label_width(const ag_axis *axis)
{
    size_t widest = 1;
    for (size_t t = 0; t < axis->count; t++) {
        ag_buf text;
        ag_buf_init(&text, MAX_TEXT);
        ag_axis_label(axis, t, &text);
        if (text.size > widest) widest = text.size;
        ag_buf_deinit(&text);
    }
    return (unsigned)widest;
}

static void add_body(ag_buf *out, const canvas *on, unsigned margin, bool colour)
{
    for (unsigned row = 0; row < on->height; row++) {
        ag_buf label;
        ag_buf_init(&label, MAX_TEXT);
        int tick = tick_in_row(on, row);
        if (tick >= 0) ag_axis_label(&on->y, (size_t)tick, &label);
        ag_buf_add_fill(out, ' ', margin > label.size ? margin - label.size : 0);
        ag_buf_add_str(out, ag_buf_str(&label));
        ag_buf_add_text(out, tick >= 0 ? " \xe2\x94\xa4" : " \xe2\x94\x82");
        ag_buf_deinit(&label);
        add_row(out, on, row, colour);
    }
}

/* The line of the x axis and the labels below it; a label that would touch the one before is left out. */
static void add_x_axis(ag_buf *out, const canvas *on, unsigned margin, const char *name)
{
    bool ticks[1024] = {false};
    ag_buf labels;
    ag_buf_init(&labels, MAX_TEXT);
    ag_buf_add_fill(&labels, ' ', margin + 2);
    for (size_t t = 0; t < on->x.count; t++) {
        double place = (on->x.tick[t] - on->x.low) / (on->x.high - on->x.low);
        unsigned column = (unsigned)lround(fmax(0, fmin(1, place)) * (on->width - 1));
        ag_buf label;
        ag_buf_init(&label, MAX_TEXT);
        ag_axis_label(&on->x, t, &label);
        size_t from = margin + 2 + column > label.size / 2 ? margin + 2 + column - label.size / 2 : 0;
        if (from + label.size > margin + 2 + on->width) from = margin + 2 + on->width - label.size;
        bool fits = from > labels.size || (t == 0 && label.size < on->width);
        if (t == 0 && from < labels.size) labels.size = from < margin + 2 ? from : margin + 2;
        if (fits) {
            ag_buf_add_fill(&labels, ' ', from > labels.size ? from - labels.size : 0);
            ag_buf_add_str(&labels, ag_buf_str(&label));
            ticks[column] = true;
        }
        ag_buf_deinit(&label);
    }
    ag_buf_add_fill(out, ' ', margin + 1);
    ag_buf_add_text(out, "\xe2\x94\x94");
    for (unsigned c = 0; c < on->width; c++) ag_buf_add_text(out, ticks[c] ? "\xe2\x94\xac" : "\xe2\x94\x80");
    ag_buf_add_char(out, '\n');
    ag_buf_add_str(out, ag_buf_str(&labels));
    ag_buf_add_char(out, '\n');
    ag_buf_deinit(&labels);
    if (!name) return;
    size_t width = ag_utf8_width(ag_str_of(name));
    ag_buf_add_fill(out, ' ', margin + 2 + (width < on->width ? (on->width - width) / 2 : 0));
    ag_show_clean(out, ag_str_of(name));
    ag_buf_add_char(out, '\n');
}

static void add_head(ag_buf *out, const ag_plot *plot, const ag_series *series, size_t count, unsigned margin,
                     bool colour)
{
    if (plot->title) {
        ag_buf_add_fill(out, ' ', margin + 2);
        if (colour) ag_buf_add_text(out, "\033[1m");
        ag_show_clean(out, ag_str_of(plot->title));
        ag_buf_add_text(out, colour ? "\033[0m\n" : "\n");
    }
    size_t named = 0;
    for (size_t s = 0; s < count; s++) {
        if (!series[s].name) continue;
        ag_buf_add_fill(out, ' ', named++ ? 3 : margin + 2);
        if (colour) add_colour(out, colour_of(&series[s], s));
        ag_buf_addf(out, "%s ", patterns[pattern_of(series, s, colour)].legend);
        if (colour) add_colour(out, 0);
        ag_show_clean(out, ag_str_of(series[s].name));
    }
    if (named > 0) ag_buf_add_char(out, '\n');
}

int ag_spark_plot(ag_buf *out, const ag_plot *plot, const ag_series *series, size_t count, unsigned width,
                  unsigned height, bool colour, ag_err *err)
{
    canvas on = {0};
    if (width < 24) width = 24;
    if (width > 1000) width = 1000;
    if (height < 6) height = 6;
    if (height > 1000) height = 1000;
    ag_series_axes(plot, series, count, width / 14, height / 3, &on.x, &on.y);
    unsigned margin = label_width(&on.y);
    if (margin > width / 2) margin = width / 2;
    unsigned around = 2 + (plot->title != NULL) + (plot->x_label != NULL) + 1;
    on.width = width - margin - 2;
    on.height = height > around + 2 ? height - around : 2;
    size_t cells = (size_t)on.width * on.height;
    on.dots = ag_calloc(cells, 2);
    if (!on.dots) return ag_fail_memory(err, cells * 2);
    on.colour = on.dots + cells;
    for (size_t s = 0; s < count; s++) {
        on.drawn = patterns[pattern_of(series, s, colour)].drawn;
        on.left = patterns[pattern_of(series, s, colour)].left;
        on.walked = 0;
        on.at = -1;
        draw_values(&on, &series[s], series[s].y, colour_of(&series[s], s));
        if (series[s].mark == AG_MARK_BAND) draw_values(&on, &series[s], series[s].high, colour_of(&series[s], s));
    }
    add_head(out, plot, series, count, margin, colour);
    add_body(out, &on, margin, colour);
    add_x_axis(out, &on, margin, plot->x_label);
    ag_free(on.dots);
    return ag_buf_check(out, "a plot", err);
}
