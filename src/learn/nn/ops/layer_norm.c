// SPDX-License-Identifier: Apache-2.0
/* layer_norm.c: y = (x - mean) / sqrt(variance + epsilon) * gain + shift along the last axis; gain and shift [last].
 * Keeps the mean and the rate of each row for backward. */
#include "learn/nn/ops/layer_norm.h"

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0)
        return rc;
    ag_shape row = ag_shape_of(ag_shape_last(&s->in[0]));
    for (int i = 1; i < 3; i++) {
        const char *what = i == 1 ? "the gain" : "the shift";
        if ((rc = ag_need_parameter(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, row, err)) < 0) return rc;
    }
    s->out[0] = s->in[0];
    s->saved = 2 * ag_shape_rows(&s->in[0]);
    return 0;
}

static double cost(const ag_node *node)
{
    return 8.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    const ag_layer_norm *norm = c->attributes;
    const ag_shape *x = &c->node->in_shape[0];
    int64_t width = ag_shape_last(x), from, end = ag_part_of(c, c->samples * ag_shape_rows(x), &from);
    c->kernels->layer_norm(c->in[0] + from * width, c->in[1], c->in[2], (ag_real)norm->epsilon,
                           c->out[0] + from * width, c->saved, end - from, width);
}

static void backward(const ag_call *c)
{
    const ag_shape *x = &c->node->in_shape[0];
    c->kernels->layer_norm_gradient(c->in[0], c->in[1], c->saved, c->dout[0], c->fresh & 1 ? NULL : c->din[0],
                                    c->din[0], c->din[1], c->din[2], c->samples * ag_shape_rows(x), ag_shape_last(x));
}

const ag_op ag_op_layer_norm = {
    .name = "layer_norm",
    .doc = "normalises along the last axis",
    .attributes_size = sizeof(ag_layer_norm),
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .flags = AG_OP_STORES | AG_OP_PARTS,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
