// SPDX-License-Identifier: Apache-2.0
/* mae.c: |y - t|, averaged over all elements; the slope at 0 is 0. */
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static ag_real sign(ag_real d)
{
    return (ag_real)((d > 0) - (d < 0));
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++) sum += (double)ag_fabs(c->in[0][i] - c->in[1][i]);
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)size;
    }
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t i = 0; i < c->samples * size; i++) {
        ag_real y = c->in[0][i], t = c->in[1][i], factor = c->dout[0][2 * (i / size)];
        if (c->din[0]) c->din[0][i] += factor * sign(y - t);
        if (c->din[1]) c->din[1][i] += factor * sign(t - y);
    }
}

const ag_op ag_op_mae = {
    .name = "mae",
    .doc = "mean of |y - t|",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 3,
    .shape = ag_pair_shape,
    .cost = ag_pair_cost,
    .forward = forward,
    .backward = backward,
};
