// SPDX-License-Identifier: Apache-2.0
/* patchify.c: x [rows, channels] -> [channels, patches, length]: y[c][k][i] = x[start + k * stride + i][c]. Rows that
 * do not fit are left out at the front. */
#include "learn/nn/ops/patchify.h"

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

int64_t ag_patch_count(int64_t rows, int64_t length, int64_t stride)
{
    return rows < length || stride < 1 ? 0 : (rows - length) / stride + 1;
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_patchify *p = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "the input must have two axes: rows and channels");
    int64_t count = ag_patch_count(s->in[0].at[0], p->length, p->stride);
    if (count < 1 || p->length < 1)
        return ag_fail(err, AG_EINVAL, "%lld rows give no patch of length %lld", (long long)s->in[0].at[0],
                       (long long)p->length);
    s->out[0] = ag_shape_of(s->in[0].at[1], count, p->length);
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

/* Row of the series that patch `patch` of the node has at `i`. */
static int64_t row_of(const ag_node *node, int64_t patch, int64_t i)
{
    const ag_patchify *p = node->attributes;
    int64_t start = node->in_shape[0].at[0] - (p->length + p->stride * (node->out_shape[0].at[1] - 1));
    return start + patch * p->stride + i;
}

static void forward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[0].at[0], channels = c->node->in_shape[0].at[1];
    int64_t patches = c->node->out_shape[0].at[1], length = c->node->out_shape[0].at[2], channel = patches * length;
    for (int64_t s = 0; s < c->samples; s++)
        for (int64_t k = 0; k < patches; k++)
            c->kernels->transpose(c->in[0] + (s * rows + row_of(c->node, k, 0)) * channels, channels,
                                  c->out[0] + s * channels * channel + k * length, channel, length, channels);
}

static void backward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[0].at[0], channels = c->node->in_shape[0].at[1];
    int64_t patches = c->node->out_shape[0].at[1], length = c->node->out_shape[0].at[2];
    const ag_real *from = c->dout[0];
    for (int64_t s = 0; s < c->samples; s++)
        for (int64_t h = 0; h < channels; h++)
            for (int64_t k = 0; k < patches; k++)
                for (int64_t i = 0; i < length; i++)
                    c->din[0][(s * rows + row_of(c->node, k, i)) * channels + h] += *from++;
}

const ag_op ag_op_patchify = {
    .name = "patchify",
    .doc = "cuts a series into patches per channel",
    .attributes_size = sizeof(ag_patchify),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
