// SPDX-License-Identifier: Apache-2.0
/* svg_heat.c: a matrix as colours, with a bar that tells what they mean. Sequential colours grow in lightness and
 * diverging ones run from blue over white to red, both readable without full colour vision and on any ground. Small
 * matrices have a tooltip per cell; in large ones neighbours of one colour are one rectangle. */
#include <math.h>
#include <stdint.h>

#include "core/base/mem.h"
#include "core/show/svg_frame.h"
#include "core/show/text.h"

#define LEVELS 64
#define MAX_TIPS 4096

static uint32_t colour_at(double fraction, bool diverging)
{
    static const uint32_t stops[2][5] = {{0x440154, 0x3b528b, 0x21918c, 0x5ec962, 0xfde725},
                                         {0x0571b0, 0x92c5de, 0xf7f7f7, 0xf4a582, 0xca0020}};
    double at = fmax(0, fmin(1, fraction)) * 4;
    int below = at >= 4 ? 3 : (int)at;
    uint32_t from = stops[diverging][below], to = stops[diverging][below + 1], mixed = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
        double a = from >> shift & 255, b = to >> shift & 255;
        mixed = mixed << 8 | (uint32_t)lround(a + (b - a) * (at - below));
    }
    return mixed;
}

static bool is_light(uint32_t colour)
{
    return (colour >> 16) * 0.299 + (colour >> 8 & 255) * 0.587 + (colour & 255) * 0.114 > 140;
}

static void add_cell(ag_buf *out, double x, double y, double width, double height, int level, bool diverging)
{
    if (level < 0) {
        ag_svg_rect(out, x, y, width, height, "gap", 0);
        return;
    }
    ag_buf_add_text(out, "<path fill=\"");
    ag_buf_addf(out, "#%06x\" d=\"M", (unsigned)colour_at((double)level / (LEVELS - 1), diverging));
    ag_svg_num(out, x);
    ag_buf_add_char(out, ' ');
    ag_svg_num(out, y);
    ag_buf_add_char(out, 'h');
    ag_svg_num(out, width);
    ag_buf_add_char(out, 'v');
    ag_svg_num(out, height);
    ag_buf_add_text(out, "h-");
    ag_svg_num(out, width);
    ag_buf_add_text(out, "z\"/>");
}

typedef struct grid { /* what is drawn: the matrix, or blocks of it */
    const ag_heat *heat;
    size_t rows, columns;
    double low, high;
} grid;

/* The mean of the finite values of a block; NaN when there are none. */
static double value_of(const grid *of, size_t row, size_t column)
{
    const ag_heat *heat = of->heat;
    size_t row_from = row * heat->rows / of->rows, row_to = (row + 1) * heat->rows / of->rows;
    size_t column_from = column * heat->columns / of->columns, column_to = (column + 1) * heat->columns / of->columns;
    double sum = 0, count = 0;
    for (size_t r = row_from; r < row_to; r++) {
        for (size_t c = column_from; c < column_to; c++) {
            double value = heat->values[r * heat->columns + c];
            if (!isfinite(value)) continue;
            sum += value;
            count++;
        }
    }
    return count > 0 ? sum / count : NAN;
}

static int level_of(const grid *of, double value)
{
    if (!isfinite(value)) return -1;
    double fraction = (value - of->low) / (of->high - of->low);
    return (int)lround(fmax(0, fmin(1, fraction)) * (LEVELS - 1));
}

static void find_ends(grid *of)
{
    const ag_heat *heat = of->heat;
    double low = heat->low, high = heat->high;
    if (low == high) {
        low = INFINITY, high = -INFINITY;
        for (size_t i = 0; i < heat->rows * heat->columns; i++) {
            if (!isfinite(heat->values[i])) continue;
            low = fmin(low, heat->values[i]);
            high = fmax(high, heat->values[i]);
        }
        if (heat->diverging && low <= high) {
            high = fmax(fabs(low), fabs(high));
            low = -high;
        }
    }
    ag_axis mended = ag_axis_make(low, high, 4, false, false, false);
    of->low = mended.low;
    of->high = mended.high;
}

static void add_number(const ag_frame *frame, const grid *of, double value, double x, double y)
{
    ag_buf text;
    ag_buf_init(&text, 256);
    ag_svg_value(&text, value);
    uint32_t colour = colour_at((double)level_of(of, value) / (LEVELS - 1), of->heat->diverging);
    ag_buf_addf(frame->out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" style=\"fill:%s\">", (int)x, (int)y + 4,
                is_light(colour) ? "#111" : "#fff");
    ag_buf_add_str(frame->out, ag_buf_str(&text));
    ag_buf_add_text(frame->out, "</text>");
    ag_buf_deinit(&text);
}

static void add_tip(ag_buf *out, const grid *of, size_t row, size_t column, double value)
{
    const ag_heat *heat = of->heat;
    ag_buf_add_text(out, "<title>");
    if (heat->row_names)
        ag_show_escape(out, ag_str_of(heat->row_names[row]));
    else
        ag_buf_addf(out, "%zu", row);
    ag_buf_add_text(out, ", ");
    if (heat->column_names)
        ag_show_escape(out, ag_str_of(heat->column_names[column]));
    else
        ag_buf_addf(out, "%zu", column);
    ag_buf_add_text(out, ": ");
    if (isfinite(value))
        ag_svg_value(out, value);
    else
        ag_buf_add_text(out, "none");
    ag_buf_add_text(out, "</title>");
}

static void draw_each(const ag_frame *frame, const grid *of)
{
    double width = frame->width / (double)of->columns, height = frame->height / (double)of->rows;
    for (size_t r = 0; r < of->rows; r++) {
        for (size_t c = 0; c < of->columns; c++) {
            double value = value_of(of, r, c), x = width * (double)c, y = height * (double)r;
            ag_buf_add_text(frame->out, "<g>");
            add_cell(frame->out, x, y, width + 0.3, height + 0.3, level_of(of, value), of->heat->diverging);
            add_tip(frame->out, of, r, c, value);
            ag_buf_add_text(frame->out, "</g>");
            if (of->heat->show_numbers && isfinite(value) && width >= 34 && height >= 14)
                add_number(frame, of, value, x + width / 2, y + height / 2);
        }
        ag_buf_add_char(frame->out, '\n');
    }
}

static void draw_runs(const ag_frame *frame, const grid *of)
{
    double width = frame->width / (double)of->columns, height = frame->height / (double)of->rows;
    for (size_t r = 0; r < of->rows; r++) {
        size_t from = 0;
        int level = level_of(of, value_of(of, r, 0));
        for (size_t c = 1; c <= of->columns; c++) {
            int next = c < of->columns ? level_of(of, value_of(of, r, c)) : -2;
            if (next == level) continue;
            add_cell(frame->out, width * (double)from, height * (double)r, width * (double)(c - from) + 0.3,
                     height + 0.3, level, of->heat->diverging);
            from = c;
            level = next;
        }
        ag_buf_add_char(frame->out, '\n');
    }
}

static void add_row_names(const ag_frame *frame, const ag_heat *heat)
{
    double height = frame->height / (double)heat->rows;
    size_t every = (size_t)ceil(13 / height);
    for (size_t r = 0; heat->row_names && r < heat->rows; r += every)
        ag_svg_text(frame->out, frame->left - 8, frame->top + height * ((double)r + 0.5) + 4, "end", NULL,
                    heat->row_names[r], 24);
}

static void add_colour_bar(const ag_frame *frame, const grid *of, const ag_axis *axis)
{
    double x = frame->left + frame->width + 16, height = frame->height / LEVELS;
    for (int level = 0; level < LEVELS; level++)
        add_cell(frame->out, x, frame->top + frame->height - height * (level + 1), 14, height + 0.3, level,
                 of->heat->diverging);
    for (size_t t = 0; t < axis->count; t++) {
        ag_buf label;
        ag_buf_init(&label, 1024);
        ag_axis_label(axis, t, &label);
        ag_svg_text(frame->out, x + 20, frame->top + (1 - ag_axis_place(axis, axis->tick[t])) * frame->height + 4,
                    "start", NULL, label.data ? label.data : "", 0);
        ag_buf_deinit(&label);
    }
}

static size_t row_name_cells(const ag_heat *heat)
{
    size_t most = 0;
    for (size_t r = 0; heat->row_names && r < heat->rows; r++) {
        size_t cells = 0;
        for (const char *at = heat->row_names[r]; *at && cells < 24; at++) cells += (*at & 0xc0) != 0x80;
        if (cells > most) most = cells;
    }
    return most;
}

int ag_svg_heat(ag_buf *out, const ag_plot *plot, const ag_heat *heat, ag_err *err)
{
    if (heat->rows == 0 || heat->columns == 0) return ag_fail(err, AG_EINVAL, "a heat map needs at least one cell");
    grid of = {.heat = heat};
    ag_frame frame;
    find_ends(&of);
    ag_frame_begin(&frame, out, plot, NULL, 0);
    ag_axis axis = ag_axis_make(of.low, of.high, frame.full_height / 60, false, false, false);
    double right = 16 + 14 + 6 + (double)ag_frame_label_cells(&axis) * 6.7, below = 6;
    size_t cells = row_name_cells(heat);
    if (heat->column_names) {
        double slot = (frame.full_width - right - (double)cells * 6.7 - 60) / (double)heat->columns;
        below = ag_frame_names_below(&frame, heat->column_names, heat->columns, slot);
    }
    ag_frame_area(&frame, cells, below, right);
    of.rows = (size_t)fmin((double)heat->rows, ceil(frame.height / 2));
    of.columns = (size_t)fmin((double)heat->columns, ceil(frame.width / 2));
    ag_frame_open(&frame);
    bool each = heat->rows <= of.rows && heat->columns <= of.columns && of.rows * of.columns <= MAX_TIPS;
    (each ? draw_each : draw_runs)(&frame, &of);
    ag_frame_close(&frame);
    add_row_names(&frame, heat);
    if (heat->column_names) ag_frame_names(&frame, heat->column_names, heat->columns);
    add_colour_bar(&frame, &of, &axis);
    ag_frame_end(&frame);
    return ag_buf_check(out, "a plot", err);
}
