// SPDX-License-Identifier: Apache-2.0
/* gelu.c: y = x/2 (1 + erf(x / sqrt 2)), the exact one. */
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_need_sample(s, 0, "the input", err);
    s->out[0] = s->in[0];
    s->scratch_sample = rc < 0 ? 0 : ag_shape_size(&s->in[0]);
    return rc;
}

static double cost(const ag_node *node)
{
    return 4.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    c->kernels->gelu(c->in[0], c->out[0], c->samples * ag_in_size(c->node, 0));
}

static void backward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    c->kernels->gelu_gradient(c->in[0], c->dout[0], c->scratch, NULL, size);
    c->kernels->add(c->scratch, c->din[0], size);
}

const ag_op ag_op_gelu = {
    .name = "gelu",
    .doc = "x/2 (1 + erf(x / sqrt 2))",
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
