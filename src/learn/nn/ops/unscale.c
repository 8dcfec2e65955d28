// SPDX-License-Identifier: Apache-2.0
/* unscale.c: v [channels, steps], location [channels], scale [channels] -> y [steps, selected]:
 * y[t][i] = v[c][t] * scale[c] + location[c] with c = channels[i]. */
#include "learn/nn/ops/unscale.h"

#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_unscale *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "the input must have two axes: channels and steps");
    ag_shape row = ag_shape_of(s->in[0].at[0]);
    if ((rc = ag_need_sample(s, 1, "the location", err)) < 0 ||
        (rc = ag_need_shape(s, 1, "the location", row, err)) < 0 || (rc = ag_need_sample(s, 2, "the scale", err)) < 0 ||
        (rc = ag_need_shape(s, 2, "the scale", row, err)) < 0)
        return rc;
    for (int64_t i = 0; a->channels && i < a->count; i++)
        if (a->channels[i] < 0 || a->channels[i] >= s->in[0].at[0])
            return ag_fail(err, AG_EINVAL, "channel %lld is not one of 0 to %lld", (long long)a->channels[i],
                           (long long)s->in[0].at[0] - 1);
    s->out[0] = ag_shape_of(s->in[0].at[1], a->channels ? a->count : s->in[0].at[0]);
    return 0;
}

static double cost(const ag_node *node)
{
    return 2.0 * (double)ag_out_size(node, 0);
}

static int64_t channel_of(const ag_call *c, int64_t i)
{
    const ag_unscale *a = c->attributes;
    return a->channels ? a->channels[i] : i;
}

static void forward(const ag_call *c)
{
    int64_t channels = c->node->in_shape[0].at[0], steps = c->node->in_shape[0].at[1];
    int64_t selected = c->node->out_shape[0].at[1];
    for (int64_t s = 0; s < c->samples; s++)
        for (int64_t i = 0; i < selected; i++) {
            int64_t k = s * channels + channel_of(c, i);
            const ag_real *from = c->in[0] + k * steps;
            ag_real *to = c->out[0] + s * steps * selected + i, location = c->in[1][k], scale = c->in[2][k];
            for (int64_t t = 0; t < steps; t++) to[t * selected] = from[t] * scale + location;
        }
}

static void backward(const ag_call *c)
{
    int64_t channels = c->node->in_shape[0].at[0], steps = c->node->in_shape[0].at[1];
    int64_t selected = c->node->out_shape[0].at[1];
    for (int64_t s = 0; s < c->samples; s++)
        for (int64_t i = 0; i < selected; i++) {
            int64_t k = s * channels + channel_of(c, i);
            const ag_real *from = c->dout[0] + s * steps * selected + i;
            ag_real sum = 0, product = 0;
            for (int64_t t = 0; t < steps; t++) {
                ag_real slope = from[t * selected];
                if (c->din[0]) c->din[0][k * steps + t] += slope * c->in[2][k];
                sum += slope;
                product += slope * c->in[0][k * steps + t];
            }
            if (c->din[1]) c->din[1][k] += sum;
            if (c->din[2]) c->din[2][k] += product;
        }
}

const ag_op ag_op_unscale = {
    .name = "unscale",
    .doc = "scaled rows per channel, back to a series in the input's units",
    .attributes_size = sizeof(ag_unscale),
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .reads_in = 5,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
