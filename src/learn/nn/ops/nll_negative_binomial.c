// SPDX-License-Identifier: Apache-2.0
/* nll_negative_binomial.c: the negative binomial distribution: number of failures r, log-odds l; its target counts. */
#include <math.h>

#include "learn/nn/ops/likelihood.h"
#include "learn/nn/ops/shapes.h"
#include "learn/nn/ops/special.h"

static double softplus(double x)
{
    return (x > 0.0 ? x : 0.0) + log1p(exp(-fabs(x)));
}

/* The logarithm of the binomial coefficient is 0 where r + y is 0. */
static double loss(const double *p, double y, double *slopes)
{
    double r = p[0], l = p[1], total = r + y, chance = 1.0 / (1.0 + exp(-l));
    bool empty = total == 0.0;
    if (slopes) {
        slopes[0] = softplus(l) + (empty ? 0.0 : ag_digamma(r) - ag_digamma(total));
        slopes[1] = r * chance - y * (1.0 - chance);
        slopes[2] = softplus(-l) + (empty ? 0.0 : ag_digamma(1.0 + y) - ag_digamma(total));
    }
    double ways = empty ? 0.0 : ag_log_gamma(total) - ag_log_gamma(1.0 + y) - ag_log_gamma(r);
    return r * softplus(l) + y * softplus(-l) - ways;
}

static const ag_density density = {2, false, loss};

static int shape(ag_shaping *s, ag_err *err)
{
    return ag_likelihood_shape(s, &density, err);
}

static double cost(const ag_node *node)
{
    return 12.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    ag_likelihood_forward(c, &density);
}

static void backward(const ag_call *c)
{
    ag_likelihood_backward(c, &density);
}

const ag_op ag_op_nll_negative_binomial = {
    .name = "nll_negative_binomial",
    .doc = "-ln of the negative binomial density",
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
