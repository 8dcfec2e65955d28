// SPDX-License-Identifier: Apache-2.0
#pragma once
/* svg.h: plots as self-contained SVG for reports. The same input gives the same bytes. Colours can be told apart by
 * colour-blind people and follow the reader's light or dark mode; text is escaped; values that are not finite are gaps.
 * The text has no ids, so that many plots can stand in one page. Sizes: at most 4096 x 4096 pixels. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/show/series.h"

/* Lines, steps, points and bands on two axes. Long series are thinned per pixel column, keeping first, last and both
 * extremes, so that the picture stays the same. */
int ag_svg_plot(ag_buf *out, const ag_plot *plot, const ag_series *series, size_t count, ag_err *err);

typedef struct ag_bars {
    const char *const *categories; /* [category_count] */
    size_t category_count;
    const char *const *names; /* [series_count]; NULL: no legend */
    size_t series_count;
    const double *values; /* [series_count][category_count] */
    bool stacked;         /* else side by side */
} ag_bars;
int ag_svg_bars(ag_buf *out, const ag_plot *plot, const ag_bars *bars, ag_err *err);

/* `bins` 0: chosen by the rule of Freedman and Diaconis, with round edges. At most 200. */
int ag_svg_histogram(ag_buf *out, const ag_plot *plot, const double *values, size_t count, unsigned bins, ag_err *err);

typedef struct ag_heat {
    size_t rows, columns;
    const double *values;         /* [rows][columns]; row 0 is at the top */
    const char *const *row_names; /* NULL: none */
    const char *const *column_names;
    double low, high;  /* the ends of the colours; equal: from the values */
    bool diverging;    /* colours for a signed quantity, 0 in the middle */
    bool show_numbers; /* in the cells, where there is room */
} ag_heat;
/* More cells than fit at two pixels each are averaged. */
int ag_svg_heat(ag_buf *out, const ag_plot *plot, const ag_heat *heat, ag_err *err);

typedef struct ag_box {
    const char *name;
    const double *values;
    size_t count;
} ag_box;
/* Quartiles, whiskers to the last value within 1.5 times their distance, and the values beyond as points. */
int ag_svg_boxes(ag_buf *out, const ag_plot *plot, const ag_box *boxes, size_t count, ag_err *err);
