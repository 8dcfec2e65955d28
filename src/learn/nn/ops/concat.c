// SPDX-License-Identifier: Apache-2.0
/* concat.c: values one behind the other along an axis. All other extents are the same. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_concat *a = s->attributes;
    int64_t total = 0;
    int rc = ag_need_sample(s, 0, "the first input", err);
    if (rc < 0) return rc;
    if (a->axis < 0) return ag_fail(err, AG_EINVAL, "axis %d is no axis", a->axis);
    if ((rc = ag_need_axes(s, 0, "the first input", a->axis + 1, err)) < 0) return rc;
    for (int i = 0; i < s->inputs; i++) {
        if ((rc = ag_need_sample(s, i, "an input", err)) < 0) return rc;
        if ((rc = ag_need_axes(s, i, "an input", a->axis + 1, err)) < 0) return rc;
        ag_shape wanted = s->in[0];
        wanted.at[a->axis] = s->in[i].at[a->axis];
        if ((rc = ag_need_shape(s, i, "an input", wanted, err)) < 0) return rc;
        total += s->in[i].at[a->axis];
    }
    s->out[0] = s->in[0];
    s->out[0].at[a->axis] = total;
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

static int64_t part_of(const ag_call *c, int input)
{
    const ag_shape *x = &c->node->in_shape[input];
    return ag_shape_span(x, ((const ag_concat *)c->attributes)->axis, x->axes);
}

static void forward(const ag_call *c)
{
    const ag_shape *y = &c->node->out_shape[0];
    int axis = ((const ag_concat *)c->attributes)->axis;
    int64_t outer = c->samples * ag_shape_span(y, 0, axis);
    ag_real *to = c->out[0];
    for (int64_t o = 0; o < outer; o++)
        for (int i = 0; i < c->node->inputs; i++) {
            int64_t part = part_of(c, i);
            memcpy(to, c->in[i] + o * part, (size_t)part * sizeof(ag_real));
            to += part;
        }
}

static void backward(const ag_call *c)
{
    const ag_shape *y = &c->node->out_shape[0];
    int axis = ((const ag_concat *)c->attributes)->axis;
    int64_t outer = c->samples * ag_shape_span(y, 0, axis);
    const ag_real *from = c->dout[0];
    for (int64_t o = 0; o < outer; o++)
        for (int i = 0; i < c->node->inputs; i++) {
            int64_t part = part_of(c, i);
            if (c->din[i]) c->kernels->add(from, c->din[i] + o * part, part);
            from += part;
        }
}

const ag_op ag_op_concat = {
    .name = "concat",
    .doc = "values one behind the other along an axis",
    .attributes_size = sizeof(ag_concat),
    .min_inputs = 1,
    .max_inputs = AG_MAX_INPUTS,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
