// SPDX-License-Identifier: Apache-2.0
/* nll_normal.c: the normal distribution: mean m, deviation s. */
#include <math.h>

#include "learn/nn/ops/likelihood.h"
#include "learn/nn/ops/shapes.h"

static double loss(const double *p, double y, double *slopes)
{
    double s = p[1], z = (y - p[0]) / s;
    if (slopes) {
        slopes[0] = -z / s;
        slopes[1] = (1.0 - z * z) / s;
        slopes[2] = z / s;
    }
    return 0.5 * z * z + log(s) + 0.5 * log(2.0 * M_PI);
}

static const ag_density density = {2, true, loss};

static int shape(ag_shaping *s, ag_err *err)
{
    return ag_likelihood_shape(s, &density, err);
}

static double cost(const ag_node *node)
{
    return 5.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    ag_likelihood_forward(c, &density);
}

static void backward(const ag_call *c)
{
    ag_likelihood_backward(c, &density);
}

const ag_op ag_op_nll_normal = {
    .name = "nll_normal",
    .doc = "-ln of the normal density",
    .min_inputs = 3,
    .max_inputs = 5,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 0x1f,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
