// SPDX-License-Identifier: Apache-2.0
/* relu.c: y = max(x, 0); the slope at 0 is 0. */
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    s->out[0] = s->in[0];
    return ag_need_sample(s, 0, "the input", err);
}

static double cost(const ag_node *node)
{
    return 1.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++) c->out[0][i] = c->in[0][i] > 0 ? c->in[0][i] : 0;
}

static void backward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++)
        if (c->out[0][i] > 0) c->din[0][i] += c->dout[0][i];
}

const ag_op ag_op_relu = {
    .name = "relu",
    .doc = "max(x, 0)",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .reads_out = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
