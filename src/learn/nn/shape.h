// SPDX-License-Identifier: Apache-2.0
#pragma once
/* shape.h: the extents of a tensor, row-major and contiguous. Shapes in a graph are those of ONE sample: the batch is
 * never an axis, so a graph built once runs for any number of samples. A shape of no axes is one number. */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

#define AG_MAX_AXES 6
#define AG_MAX_ELEMENTS (INT64_C(1) << 40) /* of one tensor: what a size computation may rely on */

typedef struct ag_shape {
    int axes;
    int64_t at[AG_MAX_AXES];
} ag_shape;

/* ag_shape_of(3, C, P, d) with int64_t extents. */
ag_shape ag_shape_make(int axes, const int64_t *extents);
#define ag_shape_of(...)                                                                                               \
    ag_shape_make((int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})
ag_shape ag_shape_scalar(void);
/* Product of the extents; < 0 when an extent is < 0 or the product passes AG_MAX_ELEMENTS. */
int64_t ag_shape_size(const ag_shape *shape);
/* Product of the extents of the axes [from, to). */
int64_t ag_shape_span(const ag_shape *shape, int from, int to);
bool ag_shape_equal(const ag_shape *a, const ag_shape *b);
/* "[17, 64, 16]" */
#define AG_SHAPE_TEXT 96
const char *ag_shape_format(const ag_shape *shape, char out[AG_SHAPE_TEXT]);
