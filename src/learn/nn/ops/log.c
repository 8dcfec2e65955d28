// SPDX-License-Identifier: Apache-2.0
/* log.c: y = ln x. */
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    s->out[0] = s->in[0];
    return ag_need_sample(s, 0, "the input", err);
}

static double cost(const ag_node *node)
{
    return (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++) c->out[0][i] = ag_log(c->in[0][i]);
}

static void backward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++) c->din[0][i] += c->dout[0][i] / c->in[0][i];
}

const ag_op ag_op_log = {
    .name = "log",
    .doc = "ln x",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
