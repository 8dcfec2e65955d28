// SPDX-License-Identifier: Apache-2.0
/* svg_frame.c: the parts around the data. Styles are plain classes below .ag-plot, not CSS variables, since many
 * viewers of single SVG files know no variables; the dark mode overrides them in a media query, which such viewers
 * ignore. The data area is a nested <svg>, which clips without needing an id. The width of text is estimated at 6.7
 * pixels per cell of 12-pixel type: a little too much for every common face, so that nothing collides. */
#include "core/show/svg_frame.h"

#include <math.h>
#include <string.h>

#include "core/show/text.h"

#define CELL 6.7
#define MAX_SIDE 4096

static const char style[] =
    "<style>.ag-plot text{font:12px system-ui,\"Segoe UI\",\"DejaVu Sans\",sans-serif;fill:#52606d}"
    ".ag-plot .t{font-size:15px;font-weight:600;fill:#1f2933}.ag-plot .bg{fill:#fff}.ag-plot .n{fill:#1f2933}"
    ".ag-plot .g{stroke:#e4e7eb}.ag-plot .a{stroke:#9aa5b1}.ag-plot .gap{fill:#e4e7eb}"
    ".ag-plot .l{fill:none;stroke-width:1.7;stroke-linejoin:round}.ag-plot .b{opacity:.22}"
    ".ag-plot .p{fill:none;stroke-width:5;stroke-linecap:round;opacity:.75}"
    ".ag-plot .s1{stroke:#0072b2}.ag-plot .s2{stroke:#d55e00}.ag-plot .s3{stroke:#009e73}.ag-plot "
    ".s4{stroke:#aa4499}.ag-plot .s5{stroke:#c08400}.ag-plot .s6{stroke:#56b4e9}"
    ".ag-plot .s7{stroke:#4d4d4d}.ag-plot .s8{stroke:#882255}"
    ".ag-plot .f1{fill:#0072b2}.ag-plot .f2{fill:#d55e00}.ag-plot .f3{fill:#009e73}.ag-plot .f4{fill:#aa4499}.ag-plot "
    ".f5{fill:#c08400}.ag-plot .f6{fill:#56b4e9}"
    ".ag-plot .f7{fill:#4d4d4d}.ag-plot .f8{fill:#882255}"
    "@media(prefers-color-scheme:dark){.ag-plot text{fill:#a3b1bf}.ag-plot .t,.ag-plot .n{fill:#e6ebf0}"
    ".ag-plot .bg{fill:#161b22}.ag-plot .g{stroke:#2a323c}.ag-plot .a{stroke:#5b6875}.ag-plot .gap{fill:#2a323c}"
    ".ag-plot .b{opacity:.3}"
    ".ag-plot .s1{stroke:#4fb0e8}.ag-plot .s2{stroke:#ff8c42}.ag-plot .s3{stroke:#2fd1a0}.ag-plot "
    ".s4{stroke:#e08fd0}.ag-plot .s5{stroke:#f0c040}.ag-plot .s6{stroke:#9ad5ff}"
    ".ag-plot .s7{stroke:#c8ccd0}.ag-plot .s8{stroke:#e58aa5}"
    ".ag-plot .f1{fill:#4fb0e8}.ag-plot .f2{fill:#ff8c42}.ag-plot .f3{fill:#2fd1a0}.ag-plot .f4{fill:#e08fd0}.ag-plot "
    ".f5{fill:#f0c040}.ag-plot .f6{fill:#9ad5ff}"
    ".ag-plot .f7{fill:#c8ccd0}.ag-plot .f8{fill:#e58aa5}}</style>";

void ag_svg_num(ag_buf *out, double value)
{
    value = fmax(-1e5, fmin(1e5, value)); /* NaN gives a bound too */
    long hundredths = lround(value * 100);
    if (hundredths < 0) ag_buf_add_char(out, '-');
    long size = hundredths < 0 ? -hundredths : hundredths;
    ag_buf_addf(out, "%ld", size / 100);
    if (size % 100 == 0) return;
    ag_buf_addf(out, size % 10 ? ".%02ld" : ".%ld", size % 10 ? size % 100 : size % 100 / 10);
}

void ag_svg_value(ag_buf *out, double value)
{
    char text[64];
    ag_format(text, sizeof(text), fabs(value) >= 1e4 && fabs(value) < 1e7 ? "%.0f" : "%.4g", value);
    ag_buf_add_text(out, text);
}

static void add_attribute(ag_buf *out, const char *name, double value)
{
    ag_buf_addf(out, " %s=\"", name);
    ag_svg_num(out, value);
    ag_buf_add_char(out, '"');
}

void ag_svg_text(ag_buf *out, double x, double y, const char *anchor, const char *class_name, const char *text,
                 size_t cells)
{
    ag_buf clean, cut;
    ag_buf_init(&clean, 65536);
    ag_buf_init(&cut, 65536);
    ag_show_clean(&clean, ag_str_of(text));
    ag_show_cut(&cut, ag_buf_str(&clean), cells ? cells : SIZE_MAX);
    ag_buf_add_text(out, "<text");
    add_attribute(out, "x", x);
    add_attribute(out, "y", y);
    if (strcmp(anchor, "start") != 0) ag_buf_addf(out, " text-anchor=\"%s\"", anchor);
    if (class_name) ag_buf_addf(out, " class=\"%s\"", class_name);
    ag_buf_add_char(out, '>');
    ag_show_escape(out, ag_buf_str(&cut));
    ag_buf_add_text(out, "</text>");
    ag_buf_deinit(&clean);
    ag_buf_deinit(&cut);
}

void ag_svg_rect(ag_buf *out, double x, double y, double width, double height, const char *class_name, unsigned colour)
{
    ag_buf_add_text(out, "<rect");
    add_attribute(out, "x", x);
    add_attribute(out, "y", y);
    add_attribute(out, "width", fmax(0, width));
    add_attribute(out, "height", fmax(0, height));
    ag_buf_addf(out, " class=\"%s", class_name);
    if (colour) ag_buf_addf(out, "%u", colour);
    ag_buf_add_text(out, "\"/>");
}

static void add_line(ag_buf *out, double x1, double y1, double x2, double y2, const char *class_name)
{
    ag_buf_add_text(out, "<path d=\"M");
    ag_svg_num(out, x1);
    ag_buf_add_char(out, ' ');
    ag_svg_num(out, y1);
    ag_buf_add_char(out, 'L');
    ag_svg_num(out, x2);
    ag_buf_add_char(out, ' ');
    ag_svg_num(out, y2);
    ag_buf_addf(out, "\" class=\"%s\"/>", class_name);
}

unsigned ag_svg_colour(size_t index)
{
    return (unsigned)(index % AG_SVG_COLOURS) + 1;
}

static unsigned side(unsigned wanted, unsigned usual)
{
    if (wanted == 0) return usual;
    return wanted < 160 ? 160 : wanted > MAX_SIDE ? MAX_SIDE : wanted;
}

static size_t text_cells(const char *text)
{
    ag_buf clean;
    ag_buf_init(&clean, 65536);
    ag_show_clean(&clean, ag_str_of(text));
    size_t cells = ag_utf8_width(ag_buf_str(&clean));
    ag_buf_deinit(&clean);
    return cells;
}

static void add_entry(ag_buf *out, const ag_svg_entry *entry, double x, double y)
{
    if (entry->filled || entry->mark == AG_MARK_BAND) {
        ag_svg_rect(out, x, y - 9, 16, 10, entry->filled ? "f" : "b f", entry->colour);
        return;
    }
    ag_buf_add_text(out, "<path d=\"M");
    ag_svg_num(out, entry->mark == AG_MARK_SCATTER ? x + 8 : x);
    ag_buf_add_char(out, ' ');
    ag_svg_num(out, y - 4);
    ag_buf_addf(out, "h%s\" class=\"%s s%u\"", entry->mark == AG_MARK_SCATTER ? ".01" : "16",
                entry->mark == AG_MARK_SCATTER ? "p" : "l", entry->colour);
    ag_buf_add_text(out, entry->dashed ? " stroke-dasharray=\"5 3\"/>" : "/>");
}

static void add_legend(ag_frame *frame, const ag_svg_entry *legend, size_t count)
{
    double x = 14;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        if (!legend[i].name) continue;
        size_t cells = text_cells(legend[i].name);
        if (cells > 40) cells = 40;
        double wide = 22 + (double)cells * CELL + 18;
        if (any && x + wide > frame->full_width) {
            x = 14;
            frame->top += 18;
        }
        add_entry(frame->out, &legend[i], x, frame->top + 14);
        ag_svg_text(frame->out, x + 22, frame->top + 14, "start", NULL, legend[i].name, 40);
        x += wide;
        any = true;
    }
    if (any) frame->top += 22;
}

void ag_frame_begin(ag_frame *frame, ag_buf *out, const ag_plot *plot, const ag_svg_entry *legend, size_t count)
{
    *frame = (ag_frame){.out = out,
                        .plot = plot,
                        .full_width = side(plot->width, 720),
                        .full_height = side(plot->height, 400),
                        .top = 10};
    ag_buf_addf(out,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"ag-plot\" width=\"%u\" height=\"%u\" viewBox=\"0 0 "
                "%u %u\" role=\"img\">",
                frame->full_width, frame->full_height, frame->full_width, frame->full_height);
    if (plot->title) {
        ag_buf_add_text(out, "<title>");
        ag_show_escape(out, ag_str_of(plot->title));
        ag_buf_add_text(out, "</title>");
    }
    ag_buf_add_text(out, style);
    ag_buf_add_text(out, "<rect width=\"100%\" height=\"100%\" class=\"bg\"/>\n");
    if (plot->title) {
        ag_svg_text(out, 14, 24, "start", "t", plot->title, (size_t)(frame->full_width / 8.6));
        frame->top = 34;
    }
    add_legend(frame, legend, count);
}

void ag_frame_area(ag_frame *frame, size_t y_cells, double below, double right)
{
    frame->left = 14 + (frame->plot->y_label ? 20 : 0) + (double)y_cells * CELL + 8;
    if (frame->left > frame->full_width / 2.0) frame->left = frame->full_width / 2.0;
    frame->top += 6;
    frame->width = fmax(20, frame->full_width - frame->left - right - 18);
    frame->height = fmax(20, frame->full_height - frame->top - below - (frame->plot->x_label ? 20 : 0) - 8);
    if (frame->plot->x_label)
        ag_svg_text(frame->out, frame->left + frame->width / 2, frame->full_height - 10, "middle", NULL,
                    frame->plot->x_label, (size_t)(frame->width / CELL));
    if (!frame->plot->y_label) return;
    double middle = frame->top + frame->height / 2;
    ag_buf_add_text(frame->out, "<g transform=\"translate(20 ");
    ag_svg_num(frame->out, middle);
    ag_buf_add_text(frame->out, ") rotate(-90)\">");
    ag_svg_text(frame->out, 0, 0, "middle", NULL, frame->plot->y_label, (size_t)(frame->height / CELL));
    ag_buf_add_text(frame->out, "</g>");
}

void ag_frame_end(ag_frame *frame)
{
    ag_buf_add_text(frame->out, "</svg>\n");
}

static void add_tick_label(const ag_frame *frame, const ag_axis *axis, size_t tick, double x, double y,
                           const char *anchor)
{
    ag_buf label;
    ag_buf_init(&label, 1024);
    ag_axis_label(axis, tick, &label);
    ag_svg_text(frame->out, x, y, anchor, NULL, label.data ? label.data : "", 0);
    ag_buf_deinit(&label);
}

static double tick_place(const ag_axis *axis, size_t tick)
{
    return (axis->tick[tick] - axis->low) / (axis->high - axis->low);
}

void ag_frame_x_axis(const ag_frame *frame, const ag_axis *axis)
{
    double bottom = frame->top + frame->height, used = -1e9;
    double half = (double)ag_frame_label_cells(axis) * CELL / 2;
    for (size_t t = 0; t < axis->count; t++) {
        double x = frame->left + tick_place(axis, t) * frame->width;
        add_line(frame->out, x, frame->top, x, bottom + 4, "g");
        double at = fmin(x, frame->full_width - half);
        if (at - half < used) continue; /* it would touch the one before */
        add_tick_label(frame, axis, t, at, bottom + 17, "middle");
        used = at + half;
    }
    add_line(frame->out, frame->left, bottom, frame->left + frame->width, bottom, "a");
}

void ag_frame_y_axis(const ag_frame *frame, const ag_axis *axis)
{
    for (size_t t = 0; t < axis->count; t++) {
        double y = frame->top + (1 - tick_place(axis, t)) * frame->height;
        bool zero = !axis->log && fabs(axis->tick[t]) < axis->step * 1e-6;
        add_line(frame->out, frame->left, y, frame->left + frame->width, y, zero ? "a" : "g");
        add_tick_label(frame, axis, t, frame->left - 8, y + 4, "end");
    }
}

size_t ag_frame_label_cells(const ag_axis *axis)
{
    size_t most = 1;
    for (size_t t = 0; t < axis->count; t++) {
        ag_buf label;
        ag_buf_init(&label, 1024);
        ag_axis_label(axis, t, &label);
        if (label.size > most) most = label.size;
        ag_buf_deinit(&label);
    }
    return most;
}

static size_t most_cells(const char *const *names, size_t count)
{
    size_t most = 0;
    for (size_t i = 0; i < count; i++) {
        size_t cells = text_cells(names[i]);
        if (cells > most) most = cells;
    }
    return most < 24 ? most : 24;
}

double ag_frame_names_below(const ag_frame *frame, const char *const *names, size_t count, double slot)
{
    (void)frame;
    size_t cells = most_cells(names, count);
    return (double)cells * CELL <= slot - 4 ? 20 : 16 + (double)cells * CELL * 0.58;
}

void ag_frame_names(const ag_frame *frame, const char *const *names, size_t count)
{
    double slot = frame->width / (double)(count ? count : 1), bottom = frame->top + frame->height;
    bool turned = (double)most_cells(names, count) * CELL > slot - 4;
    size_t every = (size_t)ceil(14 / slot); /* turned lines need 14 pixels each */
    for (size_t i = 0; i < count; i += turned ? every : 1) {
        double x = frame->left + slot * ((double)i + 0.5);
        if (!turned) {
            ag_svg_text(frame->out, x, bottom + 17, "middle", NULL, names[i], 24);
            continue;
        }
        ag_buf_add_text(frame->out, "<g transform=\"translate(");
        ag_svg_num(frame->out, x + 4);
        ag_buf_add_char(frame->out, ' ');
        ag_svg_num(frame->out, bottom + 14);
        ag_buf_add_text(frame->out, ") rotate(-35)\">");
        ag_svg_text(frame->out, 0, 0, "end", NULL, names[i], 24);
        ag_buf_add_text(frame->out, "</g>");
    }
}

void ag_frame_open(const ag_frame *frame)
{
    ag_buf_add_text(frame->out, "\n<svg");
    add_attribute(frame->out, "x", frame->left);
    add_attribute(frame->out, "y", frame->top);
    add_attribute(frame->out, "width", frame->width);
    add_attribute(frame->out, "height", frame->height);
    ag_buf_add_text(frame->out, ">");
}

void ag_frame_close(const ag_frame *frame)
{
    ag_buf_add_text(frame->out, "</svg>\n");
}
