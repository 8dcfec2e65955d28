// SPDX-License-Identifier: Apache-2.0
#pragma once
/* arrange.h: operations that move values about: their attributes, and functions that apply them. */
#include "learn/nn/ops/ops.h"

typedef struct ag_transpose { /* axes first and second change places */
    int first, second;
} ag_transpose;

typedef struct ag_concat { /* inputs one behind the other along the axis */
    int axis;
} ag_concat;

typedef struct ag_slice { /* entries [from, from + count) of the axis */
    int axis;
    int64_t from, count;
} ag_slice;

typedef struct ag_repeat { /* a new axis before `axis`, along which the value is repeated */
    int axis;
    int64_t times;
} ag_repeat;

typedef enum ag_reduction { AG_REDUCE_MAX, AG_REDUCE_MEAN, AG_REDUCE_LAST } ag_reduction;

typedef struct ag_reduce { /* one value of each line along the axis; the axis vanishes */
    int axis;
    ag_reduction kind;
} ag_reduce;

typedef struct ag_moving_average { /* the mean of `width` neighbours along the first axis, the ends repeated */
    int64_t width;
} ag_moving_average;

typedef struct ag_resample { /* that many rows by straight lines between those that are there */
    int64_t count;
} ag_resample;

static inline ag_ref ag_swap_axes(ag_graph *graph, ag_ref x, int first, int second)
{
    return ag_graph_apply1(graph, &ag_op_transpose, "transpose", x, &(ag_transpose){first, second});
}

static inline ag_ref ag_concat2(ag_graph *graph, ag_ref a, ag_ref b, int axis)
{
    return ag_graph_apply2(graph, &ag_op_concat, "concat", a, b, &(ag_concat){axis});
}

static inline ag_ref ag_slice_of(ag_graph *graph, ag_ref x, int axis, int64_t from, int64_t count)
{
    return ag_graph_apply1(graph, &ag_op_slice, "slice", x, &(ag_slice){axis, from, count});
}
