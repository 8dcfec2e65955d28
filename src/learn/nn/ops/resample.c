// SPDX-License-Identifier: Apache-2.0
/* resample.c: other rows of a series by straight lines between its own: x [rows, ..] -> [count, ..]. Row i of the
 * result lies at (i + 1/2) * rows / count - 1/2, held within the first and the last row (as PyTorch's interpolation
 * "linear" without aligned corners). */
#include <math.h>
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_resample *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0) return rc;
    if (a->count < 1) return ag_fail(err, AG_EINVAL, "%lld rows cannot be", (long long)a->count);
    s->out[0] = s->in[0];
    s->out[0].at[0] = a->count;
    return 0;
}

static double cost(const ag_node *node)
{
    return 3.0 * (double)ag_out_size(node, 0);
}

typedef struct between { /* row `from` and the next one, with their shares */
    int64_t from, next;
    ag_real share;
} between;

static between between_of(const ag_node *node, int64_t i)
{
    int64_t rows = node->in_shape[0].at[0];
    double at = ((double)i + 0.5) * (double)rows / (double)node->out_shape[0].at[0] - 0.5;
    if (at < 0.0) at = 0.0;
    if (at > (double)(rows - 1)) at = (double)(rows - 1);
    between b = {(int64_t)floor(at), 0, 0};
    b.next = b.from + 1 < rows ? b.from + 1 : b.from;
    b.share = (ag_real)(at - (double)b.from);
    return b;
}

static void forward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[0].at[0], count = c->node->out_shape[0].at[0];
    int64_t row = ag_in_size(c->node, 0) / rows;
    for (int64_t i = 0; i < c->samples * count; i++) {
        between b = between_of(c->node, i % count);
        const ag_real *x = c->in[0] + i / count * rows * row;
        ag_real *y = c->out[0] + i * row;
        memset(y, 0, (size_t)row * sizeof(ag_real));
        c->kernels->scale_add(1 - b.share, x + b.from * row, y, row);
        c->kernels->scale_add(b.share, x + b.next * row, y, row);
    }
}

static void backward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[0].at[0], count = c->node->out_shape[0].at[0];
    int64_t row = ag_in_size(c->node, 0) / rows;
    for (int64_t i = 0; i < c->samples * count; i++) {
        between b = between_of(c->node, i % count);
        ag_real *dx = c->din[0] + i / count * rows * row;
        c->kernels->scale_add(1 - b.share, c->dout[0] + i * row, dx + b.from * row, row);
        c->kernels->scale_add(b.share, c->dout[0] + i * row, dx + b.next * row, row);
    }
}

const ag_op ag_op_resample = {
    .name = "resample",
    .doc = "other rows of a series by straight lines between its own",
    .attributes_size = sizeof(ag_resample),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
