// SPDX-License-Identifier: Apache-2.0
/* moving_average.c: the mean of `width` neighbours along the first axis, the first and the last row repeated beyond the
 * ends: (width - 1) / 2 times before, the rest behind. x [rows, ..] -> the same shape. The sum slides from row to row,
 * in double, so that the rounding it carries along is far below that of a float. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_moving_average *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0) return rc;
    if (a->width < 1 || a->width > AG_MAX_ELEMENTS / s->in[0].at[0])
        return ag_fail(err, AG_EINVAL, "a moving average over %lld rows cannot be", (long long)a->width);
    s->out[0] = s->in[0];
    s->scratch_fixed = ag_shape_size(&s->in[0]) / s->in[0].at[0] * (int64_t)(sizeof(double) / sizeof(ag_real));
    return 0;
}

static double cost(const ag_node *node)
{
    return 3.0 * (double)ag_in_size(node, 0);
}

/* Row that neighbour `i` of row `row` is. */
static int64_t neighbour(const ag_call *c, int64_t row, int64_t i)
{
    int64_t rows = c->node->in_shape[0].at[0];
    int64_t at = row + i - (((const ag_moving_average *)c->attributes)->width - 1) / 2;
    return at < 0 ? 0 : at >= rows ? rows - 1 : at;
}

/* sums += factor * row. */
static void add_row(double *sums, const ag_real *x, int64_t row, double factor)
{
    for (int64_t k = 0; k < row; k++) sums[k] += factor * (double)x[k];
}

static void forward(const ag_call *c)
{
    int64_t width = ((const ag_moving_average *)c->attributes)->width;
    int64_t rows = c->node->in_shape[0].at[0], row = ag_in_size(c->node, 0) / rows;
    double *sums = (double *)(void *)c->scratch;
    for (int64_t s = 0; s < c->samples; s++) {
        const ag_real *x = c->in[0] + s * rows * row;
        ag_real *y = c->out[0] + s * rows * row;
        memset(sums, 0, (size_t)row * sizeof *sums);
        for (int64_t i = 0; i < width; i++) add_row(sums, x + neighbour(c, 0, i) * row, row, 1.0);
        for (int64_t r = 0; r < rows; r++) {
            for (int64_t k = 0; k < row; k++) y[r * row + k] = (ag_real)(sums[k] / (double)width);
            add_row(sums, x + neighbour(c, r + 1, width - 1) * row, row, 1.0);
            add_row(sums, x + neighbour(c, r, 0) * row, row, -1.0);
        }
    }
}

static void backward(const ag_call *c)
{
    int64_t width = ((const ag_moving_average *)c->attributes)->width;
    int64_t rows = c->node->in_shape[0].at[0], row = ag_in_size(c->node, 0) / rows;
    for (int64_t r = 0; r < c->samples * rows; r++) {
        ag_real *to = c->din[0] + r / rows * rows * row;
        for (int64_t i = 0; i < width; i++)
            c->kernels->scale_add(1 / (ag_real)width, c->dout[0] + r * row, to + neighbour(c, r % rows, i) * row, row);
    }
}

const ag_op ag_op_moving_average = {
    .name = "moving_average",
    .doc = "mean of neighbours along the first axis, the ends repeated",
    .attributes_size = sizeof(ag_moving_average),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
