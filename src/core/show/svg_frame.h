// SPDX-License-Identifier: Apache-2.0
#pragma once
/* svg_frame.h: what all SVG plots have in common: size, style, title, legend, axes. For svg*.c. */
#include "core/show/series.h"
#include "core/show/svg.h"

#define AG_SVG_COLOURS 8

typedef struct ag_svg_entry { /* of the legend */
    const char *name;
    unsigned colour; /* from 1 */
    ag_mark mark;
    bool dashed, filled;
} ag_svg_entry;

typedef struct ag_frame {
    ag_buf *out;
    const ag_plot *plot;
    unsigned full_width, full_height;
    double left, top, width, height; /* the area of the data */
} ag_frame;

/* Begins the document; the legend may have no entries. Then `ag_frame_area` leaves room for the axes: cells of text of
 * the widest y label, lines below for x labels, pixels at the right. */
void ag_frame_begin(ag_frame *frame, ag_buf *out, const ag_plot *plot, const ag_svg_entry *legend, size_t count);
void ag_frame_area(ag_frame *frame, size_t y_cells, double below, double right);
void ag_frame_end(ag_frame *frame);

/* Grid, ticks and labels. Zero of the y axis is drawn stronger when it lies inside. */
void ag_frame_x_axis(const ag_frame *frame, const ag_axis *axis);
void ag_frame_y_axis(const ag_frame *frame, const ag_axis *axis);
size_t ag_frame_label_cells(const ag_axis *axis); /* of the widest label */
/* Names centred under `count` equal slots, turned when they are too long for them. `below` is what to leave for them.
 */
double ag_frame_names_below(const ag_frame *frame, const char *const *names, size_t count, double slot);
void ag_frame_names(const ag_frame *frame, const char *const *names, size_t count);
/* The area of the data clips what is drawn between the two, whose coordinates begin at its upper left corner. */
void ag_frame_open(const ag_frame *frame);
void ag_frame_close(const ag_frame *frame);

void ag_svg_num(ag_buf *out, double value);   /* hundredths, no trailing zeros; within +-100000 */
void ag_svg_value(ag_buf *out, double value); /* for people: 4 significant digits */
/* <text> with a class; anchor is "start", "middle" or "end"; cut to `cells` (0: not). */
void ag_svg_text(ag_buf *out, double x, double y, const char *anchor, const char *class_name, const char *text,
                 size_t cells);
void ag_svg_rect(ag_buf *out, double x, double y, double width, double height, const char *class_name, unsigned colour);
unsigned ag_svg_colour(size_t index); /* 1 .. AG_SVG_COLOURS */
