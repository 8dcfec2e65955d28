// SPDX-License-Identifier: Apache-2.0
/* multiply.c: y = a * b, element by element, of one shape. */
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the first input", err)) < 0 ||
        (rc = ag_need_sample(s, 1, "the second input", err)) < 0)
        return rc;
    s->out[0] = s->in[0];
    return ag_need_shape(s, 1, "the second input", s->in[0], err);
}

static double cost(const ag_node *node)
{
    return (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    c->kernels->multiply(c->in[0], c->in[1], c->out[0], c->samples * ag_in_size(c->node, 0));
}

static void backward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    if (c->din[0]) c->kernels->multiply_add(c->dout[0], c->in[1], c->din[0], size);
    if (c->din[1]) c->kernels->multiply_add(c->dout[0], c->in[0], c->din[1], size);
}

const ag_op ag_op_multiply = {
    .name = "multiply",
    .doc = "a * b",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .reads_in = 3,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
