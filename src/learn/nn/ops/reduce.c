// SPDX-License-Identifier: Apache-2.0
/* reduce.c: the greatest, the mean or the last value of each line along an axis. Among equals the first one is the
 * greatest, and gets the gradient. */
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_reduce *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (a->axis < 0) return ag_fail(err, AG_EINVAL, "axis %d is no axis", a->axis);
    if ((rc = ag_need_axes(s, 0, "the input", a->axis + 1, err)) < 0) return rc;
    s->out[0] = s->in[0];
    s->out[0].axes--;
    for (int i = a->axis; i < s->out[0].axes; i++) s->out[0].at[i] = s->in[0].at[i + 1];
    return 0;
}

static double cost(const ag_node *node)
{
    return (double)ag_in_size(node, 0);
}

typedef struct extents {
    int64_t outer, count, inner;
} extents;

static extents extents_of(const ag_call *c)
{
    const ag_shape *x = &c->node->in_shape[0];
    int axis = ((const ag_reduce *)c->attributes)->axis;
    return (extents){c->samples * ag_shape_span(x, 0, axis), x->at[axis], ag_shape_span(x, axis + 1, x->axes)};
}

static int64_t greatest(const ag_real *x, const extents *e)
{
    int64_t best = 0;
    for (int64_t k = 1; k < e->count; k++)
        if (x[k * e->inner] > x[best * e->inner]) best = k;
    return best;
}

static void forward(const ag_call *c)
{
    ag_reduction kind = ((const ag_reduce *)c->attributes)->kind;
    extents e = extents_of(c);
    for (int64_t i = 0; i < e.outer * e.inner; i++) {
        const ag_real *x = c->in[0] + i / e.inner * e.count * e.inner + i % e.inner;
        ag_real sum = 0;
        if (kind == AG_REDUCE_MAX) sum = x[greatest(x, &e) * e.inner];
        if (kind == AG_REDUCE_LAST) sum = x[(e.count - 1) * e.inner];
        for (int64_t k = 0; kind == AG_REDUCE_MEAN && k < e.count; k++) sum += x[k * e.inner];
        c->out[0][i] = kind == AG_REDUCE_MEAN ? sum / (ag_real)e.count : sum;
    }
}

static void backward(const ag_call *c)
{
    ag_reduction kind = ((const ag_reduce *)c->attributes)->kind;
    extents e = extents_of(c);
    for (int64_t i = 0; i < e.outer * e.inner; i++) {
        int64_t at = i / e.inner * e.count * e.inner + i % e.inner;
        ag_real slope = c->dout[0][i];
        if (kind == AG_REDUCE_MAX) c->din[0][at + greatest(c->in[0] + at, &e) * e.inner] += slope;
        if (kind == AG_REDUCE_LAST) c->din[0][at + (e.count - 1) * e.inner] += slope;
        for (int64_t k = 0; kind == AG_REDUCE_MEAN && k < e.count; k++)
            c->din[0][at + k * e.inner] += slope / (ag_real)e.count;
    }
}

const ag_op ag_op_reduce = {
    .name = "reduce",
    .doc = "the greatest, the mean or the last along an axis",
    .attributes_size = sizeof(ag_reduce),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
