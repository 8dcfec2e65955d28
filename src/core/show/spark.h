// SPDX-License-Identifier: Apache-2.0
#pragma once
/* spark.h: numbers as pictures made of characters. Values that are not finite leave a gap. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/show/series.h"

/* "▁▂▅█▃": at most `width` cells; more values than cells are averaged. */
void ag_spark_line(ag_buf *out, const double *values, size_t count, unsigned width);
/* A bar of exactly `width` cells, in eighths of a cell; `fraction` is clamped to [0, 1]. */
void ag_spark_bar(ag_buf *out, double fraction, unsigned width);

/* Several series as lines of braille dots, with axes, ticks and a legend. `width` and `height` are those of the whole
 * picture in cells (at least 24 x 6 is used). Bands show their edges. Without colours the second and the
 * third line have gaps and bands are dotted, as in the legend. Lines end in '\n'. */
int ag_spark_plot(ag_buf *out, const ag_plot *plot, const ag_series *series, size_t count, unsigned width,
                  unsigned height, bool colour, ag_err *err);
