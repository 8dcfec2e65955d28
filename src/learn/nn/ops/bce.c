// SPDX-License-Identifier: Apache-2.0
/* bce.c: cross entropy of yes and no, from logits y and targets t in [0, 1]: softplus(y) - t y, averaged. */
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static ag_real value(ag_real y, ag_real t)
{
    return (y > 0 ? y : 0) + ag_log1p(ag_exp(-ag_fabs(y))) - t * y;
}

static ag_real sigmoid(ag_real y)
{
    ag_real e = ag_exp(-ag_fabs(y));
    return (y >= 0 ? 1 : e) / (1 + e);
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++) sum += (double)value(c->in[0][i], c->in[1][i]);
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)size;
    }
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t i = 0; i < c->samples * size; i++) {
        ag_real y = c->in[0][i], t = c->in[1][i], factor = c->dout[0][2 * (i / size)];
        if (c->din[0]) c->din[0][i] += factor * (sigmoid(y) - t);
        if (c->din[1]) c->din[1][i] += factor * -y;
    }
}

const ag_op ag_op_bce = {
    .name = "bce",
    .doc = "binary cross entropy of logits",
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
