// SPDX-License-Identifier: Apache-2.0
/* heatmap_focal.c: the focal loss of key points (Law and Deng 2018, Zhou et al. 2019): logits and targets in [0, 1] of
 * one shape, p = sigmoid(y). Where t is 1: -(1 - p)^alpha ln p; elsewhere: -(1 - t)^beta p^alpha ln(1 - p). Divided by
 * the number of peaks (targets of 1), at least one per sample. Targets get no gradient. */
#include <math.h>

#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_heatmap_focal *a = s->attributes;
    if (!(a->alpha >= 0.0 && a->beta >= 0.0)) return ag_fail(err, AG_EINVAL, "alpha and beta must not be negative");
    return ag_pair_shape(s, err);
}

static double cost(const ag_node *node)
{
    return 8.0 * (double)ag_in_size(node, 0);
}

/* The loss of one element, and its derivative by y. -ln p = softplus(-y), -ln(1 - p) = softplus(y). */
static double element(const ag_heatmap_focal *a, double y, double t, double *slope)
{
    bool peak = t >= 1.0;
    double z = peak ? y : -y; /* of the probability of what is right: q = sigmoid(z) */
    double log_q = (z < 0.0 ? z : 0.0) - log1p(exp(-fabs(z))), wrong = 1.0 / (1.0 + exp(z));
    double weight = pow(wrong, a->alpha) * (peak ? 1.0 : pow(1.0 - t, a->beta));
    /* d wrong / dz = -wrong (1 - wrong), d ln q / dz = wrong */
    double by_z = weight * (a->alpha * (1.0 - wrong) * log_q - wrong);
    *slope = peak ? by_z : -by_z;
    return -weight * log_q;
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0, peaks = 0.0, slope;
        for (int64_t i = s * size; i < (s + 1) * size; i++) {
            sum += element(c->attributes, (double)c->in[0][i], (double)c->in[1][i], &slope);
            peaks += c->in[1][i] >= 1 ? 1.0 : 0.0;
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)(peaks > 1.0 ? peaks : 1.0);
    }
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t i = 0; c->din[0] && i < c->samples * size; i++) {
        double slope;
        (void)element(c->attributes, (double)c->in[0][i], (double)c->in[1][i], &slope);
        c->din[0][i] += (ag_real)((double)c->dout[0][2 * (i / size)] * slope);
    }
}

const ag_op ag_op_heatmap_focal = {
    .name = "heatmap_focal",
    .doc = "focal loss of key points on heat maps",
    .attributes_size = sizeof(ag_heatmap_focal),
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
