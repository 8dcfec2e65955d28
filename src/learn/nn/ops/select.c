// SPDX-License-Identifier: Apache-2.0
/* select.c: y[.., i] = x[.., index[i]]. */
#include "learn/nn/ops/select.h"

#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_select *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0)
        return rc;
    int64_t width = ag_shape_last(&s->in[0]);
    for (int64_t i = 0; i < a->count; i++)
        if (a->index[i] < 0 || a->index[i] >= width)
            return ag_fail(err, AG_EINVAL, "%lld is not one of 0 to %lld", (long long)a->index[i],
                           (long long)width - 1);
    s->out[0] = s->in[0];
    s->out[0].at[s->in[0].axes - 1] = a->count;
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

static void forward(const ag_call *c)
{
    const ag_select *a = c->attributes;
    int64_t rows = c->samples * ag_shape_rows(&c->node->in_shape[0]), width = ag_shape_last(&c->node->in_shape[0]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < a->count; i++) c->out[0][r * a->count + i] = c->in[0][r * width + a->index[i]];
}

static void backward(const ag_call *c)
{
    const ag_select *a = c->attributes;
    int64_t rows = c->samples * ag_shape_rows(&c->node->in_shape[0]), width = ag_shape_last(&c->node->in_shape[0]);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t i = 0; i < a->count; i++) c->din[0][r * width + a->index[i]] += c->dout[0][r * a->count + i];
}

const ag_op ag_op_select = {
    .name = "select",
    .doc = "some entries of the last axis",
    .attributes_size = sizeof(ag_select),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
