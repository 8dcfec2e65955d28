// SPDX-License-Identifier: Apache-2.0
/* repeat.c: a new axis along which a value is repeated. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_repeat *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (a->axis < 0 || a->times < 1) return ag_fail(err, AG_EINVAL, "axis %d is no axis, or no times", a->axis);
    if ((rc = ag_need_axes(s, 0, "the input", a->axis, err)) < 0) return rc;
    if (s->in[0].axes == AG_MAX_AXES) return ag_fail(err, AG_EINVAL, "there is no room for another axis");
    s->out[0] = s->in[0];
    for (int i = s->in[0].axes; i > a->axis; i--) s->out[0].at[i] = s->in[0].at[i - 1];
    s->out[0].at[a->axis] = a->times;
    s->out[0].axes++;
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

static void forward(const ag_call *c)
{
    const ag_repeat *a = c->attributes;
    const ag_shape *x = &c->node->in_shape[0];
    int64_t outer = c->samples * ag_shape_span(x, 0, a->axis), inner = ag_shape_span(x, a->axis, x->axes);
    for (int64_t i = 0; i < outer * a->times; i++)
        memcpy(c->out[0] + i * inner, c->in[0] + i / a->times * inner, (size_t)inner * sizeof(ag_real));
}

static void backward(const ag_call *c)
{
    const ag_repeat *a = c->attributes;
    const ag_shape *x = &c->node->in_shape[0];
    int64_t outer = c->samples * ag_shape_span(x, 0, a->axis), inner = ag_shape_span(x, a->axis, x->axes);
    for (int64_t i = 0; i < outer * a->times; i++)
        c->kernels->add(c->dout[0] + i * inner, c->din[0] + i / a->times * inner, inner);
}

const ag_op ag_op_repeat = {
    .name = "repeat",
    .doc = "the same value along a new axis",
    .attributes_size = sizeof(ag_repeat),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
