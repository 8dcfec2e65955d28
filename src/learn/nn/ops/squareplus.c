// SPDX-License-Identifier: Apache-2.0
/* squareplus.c: y = max((x + sqrt(x^2 + 4)) / 2, least) + shift: a smooth way to a positive number. For negative x the
 * sum would cancel, so it is written as 2 / (sqrt(x^2 + 4) - x). */
#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    s->out[0] = s->in[0];
    return ag_need_sample(s, 0, "the input", err);
}

static double cost(const ag_node *node)
{
    return 6.0 * (double)ag_in_size(node, 0);
}

static ag_real plus(ag_real x)
{
    ag_real root = ag_sqrt(x * x + 4);
    return x > 0 ? (x + root) / 2 : 2 / (root - x);
}

static void forward(const ag_call *c)
{
    const ag_squareplus *a = c->attributes;
    ag_real least = (ag_real)a->least, shift = (ag_real)a->shift;
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++) {
        ag_real y = plus(c->in[0][i]);
        c->out[0][i] = (y > least || isnan(y) ? y : least) + shift;
    }
}

static void backward(const ag_call *c)
{
    const ag_squareplus *a = c->attributes;
    int64_t size = c->samples * ag_in_size(c->node, 0);
    for (int64_t i = 0; i < size; i++) {
        ag_real x = c->in[0][i], y = plus(x);
        if (y > (ag_real)a->least) c->din[0][i] += c->dout[0][i] * y / ag_sqrt(x * x + 4); /* y' = y / sqrt(x^2 + 4) */
    }
}

const ag_op ag_op_squareplus = {
    .name = "squareplus",
    .doc = "max((x + sqrt(x^2 + 4)) / 2, least) + shift",
    .attributes_size = sizeof(ag_squareplus),
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
