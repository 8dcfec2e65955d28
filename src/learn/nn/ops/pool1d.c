// SPDX-License-Identifier: Apache-2.0
/* pool1d.c: see pool1d.h. Among equals the first row is the greatest, and gets the gradient; which one it was is found
 * again instead of kept. */
#include "learn/nn/ops/pool1d.h"

#include "learn/nn/ops/shapes.h"

static int check_windows(const ag_pool1d *a, int64_t rows, ag_err *err)
{
    const int64_t most = INT64_C(1) << 30;
    if (a->windows > 0) {
        if (a->windows <= rows) return 0;
        return ag_fail(err, AG_EINVAL, "%lld rows cannot make %lld windows", (long long)rows, (long long)a->windows);
    }
    if (a->windows < 0 || a->length < 1 || a->stride < 0 || a->padding < 0 || a->length > most || a->stride > most)
        return ag_fail(err, AG_EINVAL, "windows of %lld rows, %lld apart, cannot be", (long long)a->length,
                       (long long)a->stride);
    if (a->padding > a->length / 2)
        return ag_fail(err, AG_EINVAL, "padding %lld is more than half of a window of %lld rows", (long long)a->padding,
                       (long long)a->length);
    if (rows + 2 * a->padding < a->length)
        return ag_fail(err, AG_EINVAL, "%lld rows are less than a window of %lld", (long long)rows,
                       (long long)a->length);
    return 0;
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_pool1d *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0 ||
        (rc = check_windows(a, s->in[0].at[0], err)) < 0)
        return rc;
    int64_t step = a->stride ? a->stride : a->length;
    s->out[0] = s->in[0];
    s->out[0].at[0] = a->windows ? a->windows : (s->in[0].at[0] + 2 * a->padding - a->length) / step + 1;
    return 0;
}

static double cost(const ag_node *node)
{
    const ag_pool1d *a = node->attributes;
    double each = a->windows ? (double)node->in_shape[0].at[0] / (double)a->windows : (double)a->length;
    return each * (double)ag_out_size(node, 0);
}

typedef struct window {
    int64_t from, to; /* rows of the series */
    ag_real count;    /* what an average is divided by */
} window;

static window window_of(const ag_node *node, int64_t i)
{
    const ag_pool1d *a = node->attributes;
    int64_t rows = node->in_shape[0].at[0];
    if (a->windows) {
        window w = {i * rows / a->windows, ((i + 1) * rows + a->windows - 1) / a->windows, 0};
        w.count = (ag_real)(w.to - w.from);
        return w;
    }
    int64_t from = i * (a->stride ? a->stride : a->length) - a->padding, to = from + a->length;
    return (window){from < 0 ? 0 : from, to > rows ? rows : to, (ag_real)a->length};
}

static int64_t greatest(const ag_real *x, const window *w, int64_t row)
{
    int64_t best = w->from;
    for (int64_t t = w->from + 1; t < w->to; t++)
        if (x[t * row] > x[best * row]) best = t;
    return best;
}

static void forward(const ag_call *c)
{
    const ag_pool1d *a = c->attributes;
    int64_t rows = c->node->in_shape[0].at[0], row = ag_in_size(c->node, 0) / rows,
            windows = c->node->out_shape[0].at[0];
    for (int64_t i = 0; i < c->samples * windows; i++) {
        window w = window_of(c->node, i % windows);
        for (int64_t k = 0; k < row; k++) {
            const ag_real *x = c->in[0] + i / windows * rows * row + k;
            ag_real sum = 0;
            if (a->kind == AG_POOL_MAX) sum = x[greatest(x, &w, row) * row];
            for (int64_t t = w.from; a->kind == AG_POOL_AVERAGE && t < w.to; t++) sum += x[t * row];
            c->out[0][i * row + k] = a->kind == AG_POOL_MAX ? sum : sum / w.count;
        }
    }
}

static void backward(const ag_call *c)
{
    const ag_pool1d *a = c->attributes;
    int64_t rows = c->node->in_shape[0].at[0], row = ag_in_size(c->node, 0) / rows,
            windows = c->node->out_shape[0].at[0];
    for (int64_t i = 0; i < c->samples * windows; i++) {
        window w = window_of(c->node, i % windows);
        for (int64_t k = 0; k < row; k++) {
            int64_t at = i / windows * rows * row + k;
            ag_real slope = c->dout[0][i * row + k];
            if (a->kind == AG_POOL_MAX) c->din[0][at + greatest(c->in[0] + at, &w, row) * row] += slope;
            for (int64_t t = w.from; a->kind == AG_POOL_AVERAGE && t < w.to; t++)
                c->din[0][at + t * row] += slope / w.count;
        }
    }
}

const ag_op ag_op_pool1d = {
    .name = "pool1d",
    .doc = "the greatest or the mean of windows of rows",
    .attributes_size = sizeof(ag_pool1d),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
