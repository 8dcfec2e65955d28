// SPDX-License-Identifier: Apache-2.0
/* nll_student_t.c: Student's t: degrees of freedom v, location m, scale s. */
#include <math.h>

#include "learn/nn/ops/likelihood.h"
#include "learn/nn/ops/shapes.h"
#include "learn/nn/ops/special.h"

static double loss(const double *p, double y, double *slopes)
{
    double v = p[0], s = p[2], z = (y - p[1]) / s, square = z * z, pull = (v + 1.0) / (v + square);
    if (slopes) {
        slopes[0] = 0.5 / v + 0.5 * (ag_digamma(0.5 * v) - ag_digamma(0.5 * (v + 1.0)) + log1p(square / v)) -
                    0.5 * pull * square / v;
        slopes[1] = -pull * z / s;
        slopes[2] = (1.0 - pull * square) / s;
        slopes[3] = pull * z / s;
    }
    return log(s) + 0.5 * log(v * M_PI) + ag_log_gamma(0.5 * v) - ag_log_gamma(0.5 * (v + 1.0)) +
           0.5 * (v + 1.0) * log1p(square / v);
}

static const ag_density density = {3, true, loss};

static int shape(ag_shaping *s, ag_err *err)
{
    return ag_likelihood_shape(s, &density, err);
}

static double cost(const ag_node *node)
{
    return 10.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    ag_likelihood_forward(c, &density);
}

static void backward(const ag_call *c)
{
    ag_likelihood_backward(c, &density);
}

const ag_op ag_op_nll_student_t = {
    .name = "nll_student_t",
    .doc = "-ln of Student's t density",
    .min_inputs = 4,
    .max_inputs = 6,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 0x3f,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
