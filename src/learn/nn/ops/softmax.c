// SPDX-License-Identifier: Apache-2.0
/* softmax.c: y = exp(x - max) / sum along one axis. */
#include "learn/nn/ops/softmax.h"

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_softmax *softmax = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0 || (rc = ag_need_axes(s, 0, "the input", softmax->axis + 1, err)) < 0) return rc;
    s->out[0] = s->in[0];
    s->scratch_fixed = ag_shape_span(&s->in[0], softmax->axis, s->in[0].axes);
    return 0;
}

static double cost(const ag_node *node)
{
    return 4.0 * (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    const ag_shape *x = &c->node->in_shape[0];
    int axis = ((const ag_softmax *)c->attributes)->axis;
    int64_t groups = c->samples * ag_shape_span(x, 0, axis), behind = ag_shape_span(x, axis + 1, x->axes);
    int64_t size = x->at[axis] * behind;
    if (behind == 1) {
        c->kernels->softmax_rows(c->in[0], c->out[0], groups, size);
        return;
    }
    for (int64_t g = 0; g < groups; g++)
        c->kernels->softmax_columns(c->in[0] + g * size, c->out[0] + g * size, x->at[axis], behind, behind);
}

static void backward(const ag_call *c)
{
    const ag_shape *x = &c->node->in_shape[0];
    int axis = ((const ag_softmax *)c->attributes)->axis;
    int64_t groups = c->samples * ag_shape_span(x, 0, axis), behind = ag_shape_span(x, axis + 1, x->axes);
    int64_t size = x->at[axis] * behind;
    for (int64_t at = 0; at < groups * size; at += size) {
        if (behind == 1)
            c->kernels->softmax_rows_gradient(c->out[0] + at, c->dout[0] + at, c->scratch, 1, size);
        else
            c->kernels->softmax_columns_gradient(c->out[0] + at, c->dout[0] + at, c->scratch, x->at[axis], behind,
                                                 behind);
        c->kernels->add(c->scratch, c->din[0] + at, size);
    }
}

const ag_op ag_op_softmax = {
    .name = "softmax",
    .doc = "softmax along one axis",
    .attributes_size = sizeof(ag_softmax),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .reads_out = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
