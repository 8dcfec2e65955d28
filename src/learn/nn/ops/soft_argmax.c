// SPDX-License-Identifier: Apache-2.0
/* soft_argmax.c: where a heat map has its weight: logits [positions, maps] -> [maps]: first + step * the mean position
 * under the softmax along the positions. Behind it any loss of numbers is one of distance. */
#include <math.h>

#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_need_sample(s, 0, "the logits", err);
    if (rc < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "heat maps must have two axes: positions and maps");
    s->out[0] = ag_shape_of(s->in[0].at[1]);
    return 0;
}

static double cost(const ag_node *node)
{
    return 4.0 * (double)ag_in_size(node, 0);
}

/* ln of the sum of exponentials of one map. */
static double log_sum(const ag_real *y, int64_t positions, int64_t step)
{
    double top = (double)y[0], sum = 0.0;
    for (int64_t p = 1; p < positions; p++)
        if ((double)y[p * step] > top) top = (double)y[p * step];
    for (int64_t p = 0; p < positions; p++) sum += exp((double)y[p * step] - top);
    return top + log(sum);
}

static double mean_of(const ag_real *y, int64_t positions, int64_t step, double total)
{
    double mean = 0.0;
    for (int64_t p = 0; p < positions; p++) mean += (double)p * exp((double)y[p * step] - total);
    return mean;
}

static void forward(const ag_call *c)
{
    const ag_soft_argmax *a = c->attributes;
    int64_t positions = c->node->in_shape[0].at[0], maps = c->node->in_shape[0].at[1];
    for (int64_t i = 0; i < c->samples * maps; i++) {
        const ag_real *y = c->in[0] + i / maps * positions * maps + i % maps;
        double mean = mean_of(y, positions, maps, log_sum(y, positions, maps));
        c->out[0][i] = (ag_real)(a->first + a->step * mean);
    }
}

static void backward(const ag_call *c)
{
    const ag_soft_argmax *a = c->attributes;
    int64_t positions = c->node->in_shape[0].at[0], maps = c->node->in_shape[0].at[1];
    for (int64_t i = 0; i < c->samples * maps; i++) {
        int64_t at = i / maps * positions * maps + i % maps;
        const ag_real *y = c->in[0] + at;
        double total = log_sum(y, positions, maps), mean = mean_of(y, positions, maps, total);
        double factor = a->step * (double)c->dout[0][i];
        for (int64_t p = 0; p < positions; p++)
            c->din[0][at + p * maps] += (ag_real)(factor * exp((double)y[p * maps] - total) * ((double)p - mean));
    }
}

const ag_op ag_op_soft_argmax = {
    .name = "soft_argmax",
    .doc = "mean position under the softmax of heat maps",
    .attributes_size = sizeof(ag_soft_argmax),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
