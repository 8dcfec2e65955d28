// SPDX-License-Identifier: Apache-2.0
/* affine.c: y = scale x + shift with two fixed numbers. */
#include "learn/nn/ops/affine.h"

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    s->out[0] = s->in[0];
    return ag_need_sample(s, 0, "the input", err);
}

static double cost(const ag_node *node)
{
    return 2.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    const ag_affine *a = c->attributes;
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++) c->out[0][i] = (ag_real)a->scale * c->in[0][i] + (ag_real)a->shift;
}

static void backward(const ag_call *c)
{
    const ag_affine *a = c->attributes;
    c->kernels->scale_add((ag_real)a->scale, c->dout[0], c->din[0], c->samples * ag_in_size(c->node, 0));
}

const ag_op ag_op_affine = {
    .name = "affine",
    .doc = "scale x + shift",
    .attributes_size = sizeof(ag_affine),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
