// SPDX-License-Identifier: Apache-2.0
/* focal_mse.c: the loss alpha (1 - q)^2 m with m = (y - t)^2, q = exp(-m), alpha 0.75, averaged over all elements.
 * Small errors hardly count: there it is about m^3, so 1 - q is taken from expm1, and kept for backward. y and t of one
 * shape -> (sum, count). */
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

#define ALPHA 0.75

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the prediction", err)) < 0 || (rc = ag_need_sample(s, 1, "the target", err)) < 0)
        return rc;
    s->out[0] = ag_shape_of(2);
    s->saved = ag_shape_size(&s->in[0]);
    return ag_need_shape(s, 1, "the target", s->in[0], err);
}

static double cost(const ag_node *node)
{
    return 7.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++) {
            ag_real d = c->in[0][i] - c->in[1][i], m = d * d, rest = -ag_expm1(-m);
            if (c->saved) c->saved[i] = rest;
            sum += ALPHA * (double)(rest * rest * m);
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)size;
    }
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++)
        for (int64_t i = s * size; i < (s + 1) * size; i++) {
            ag_real d = c->in[0][i] - c->in[1][i], m = d * d, rest = c->saved[i];
            ag_real slope = (ag_real)ALPHA * rest * (rest + 2 * m * (1 - rest)) * 2 * d * c->dout[0][2 * s];
            if (c->din[0]) c->din[0][i] += slope;
            if (c->din[1]) c->din[1][i] -= slope;
        }
}

const ag_op ag_op_focal_mse = {
    .name = "focal_mse",
    .doc = "mean of 0.75 (1 - exp(-m))^2 m with m = (y - t)^2",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 3,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
