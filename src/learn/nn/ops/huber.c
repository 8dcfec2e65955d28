// SPDX-License-Identifier: Apache-2.0
/* huber.c: d^2 / 2 for |d| <= delta, else delta (|d| - delta / 2), with d = y - t; averaged over all elements. */
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static ag_real value(ag_real d, ag_real delta)
{
    ag_real size = ag_fabs(d);
    return size <= delta ? d * d / 2 : delta * (size - delta / 2);
}

static ag_real slope(ag_real d, ag_real delta)
{
    return d > delta ? delta : d < -delta ? -delta : d;
}

static void forward(const ag_call *c)
{
    const ag_huber *a = c->attributes;
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++)
            sum += (double)value(c->in[0][i] - c->in[1][i], (ag_real)a->delta);
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)size;
    }
}

static void backward(const ag_call *c)
{
    const ag_huber *a = c->attributes;
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t i = 0; i < c->samples * size; i++) {
        ag_real y = c->in[0][i], t = c->in[1][i], factor = c->dout[0][2 * (i / size)];
        if (c->din[0]) c->din[0][i] += factor * slope(y - t, (ag_real)a->delta);
        if (c->din[1]) c->din[1][i] += factor * slope(t - y, (ag_real)a->delta);
    }
}

const ag_op ag_op_huber = {
    .name = "huber",
    .doc = "squared near zero, linear beyond",
    .attributes_size = sizeof(ag_huber),
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
