// SPDX-License-Identifier: Apache-2.0
/* silu.c: y = x sigmoid(x). */
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
    return 5.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    c->kernels->sigmoid(c->in[0], c->scratch, size);
    c->kernels->multiply(c->in[0], c->scratch, c->out[0], size);
}

static void backward(const ag_call *c)
{
    int64_t size = c->samples * ag_in_size(c->node, 0);
    c->kernels->sigmoid(c->in[0], c->scratch, size);
    for (int64_t i = 0; i < size; i++) {
        ag_real s = c->scratch[i];
        c->din[0][i] += c->dout[0][i] * s * (1 + c->in[0][i] * (1 - s));
    }
}

const ag_op ag_op_silu = {
    .name = "silu",
    .doc = "x sigmoid(x)",
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
