// SPDX-License-Identifier: Apache-2.0
/* slice.c: some consecutive entries of an axis. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_slice *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (a->axis < 0) return ag_fail(err, AG_EINVAL, "axis %d is no axis", a->axis);
    if ((rc = ag_need_axes(s, 0, "the input", a->axis + 1, err)) < 0) return rc;
    int64_t extent = s->in[0].at[a->axis];
    if (a->from < 0 || a->count < 1 || a->count > extent || a->from > extent - a->count)
        return ag_fail(err, AG_EINVAL, "%lld entries from %lld on are not within %lld", (long long)a->count,
                       (long long)a->from, (long long)extent);
    s->out[0] = s->in[0];
    s->out[0].at[a->axis] = a->count;
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

typedef struct extents {
    int64_t outer, from, count, all; /* in numbers */
} extents;

static extents extents_of(const ag_call *c)
{
    const ag_slice *a = c->attributes;
    const ag_shape *x = &c->node->in_shape[0];
    int64_t inner = ag_shape_span(x, a->axis + 1, x->axes);
    return (extents){c->samples * ag_shape_span(x, 0, a->axis), a->from * inner, a->count * inner,
                     x->at[a->axis] * inner};
}

static void forward(const ag_call *c)
{
    extents e = extents_of(c);
    for (int64_t o = 0; o < e.outer; o++)
        memcpy(c->out[0] + o * e.count, c->in[0] + o * e.all + e.from, (size_t)e.count * sizeof(ag_real));
}

static void backward(const ag_call *c)
{
    extents e = extents_of(c);
    for (int64_t o = 0; o < e.outer; o++)
        c->kernels->add(c->dout[0] + o * e.count, c->din[0] + o * e.all + e.from, e.count);
}

const ag_op ag_op_slice = {
    .name = "slice",
    .doc = "consecutive entries of an axis",
    .attributes_size = sizeof(ag_slice),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
