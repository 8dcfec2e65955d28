// SPDX-License-Identifier: Apache-2.0
/* transpose.c: two axes change places. */
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_transpose *t = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (t->first < 0 || t->second <= t->first)
        return ag_fail(err, AG_EINVAL, "axes %d and %d cannot change places", t->first, t->second);
    if ((rc = ag_need_axes(s, 0, "the input", t->second + 1, err)) < 0) return rc;
    s->out[0] = s->in[0];
    s->out[0].at[t->first] = s->in[0].at[t->second];
    s->out[0].at[t->second] = s->in[0].at[t->first];
    return 0;
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

/* x as [outer, first, middle, second, inner], of which runs of `inner` numbers lie together: from x to y, or back from
 * y's gradient to x's, which it is added to unless it is the first. */
static inline __attribute__((always_inline)) void walk(const ag_call *c, const ag_real *from, ag_real *to,
                                                       const bool back, const bool adds)
{
    const ag_transpose *t = c->attributes;
    const ag_shape *x = &c->node->in_shape[0];
    int64_t outer = c->samples * ag_shape_span(x, 0, t->first), inner = ag_shape_span(x, t->second + 1, x->axes);
    int64_t first = x->at[t->first], second = x->at[t->second], middle = ag_shape_span(x, t->first + 1, t->second);
    int64_t size = first * middle * second * inner;
    for (int64_t o = 0; o < outer; o++)
        for (int64_t a = 0; a < first; a++)
            for (int64_t m = 0; m < middle; m++)
                for (int64_t b = 0; b < second; b++) {
                    int64_t in = o * size + ((a * middle + m) * second + b) * inner;
                    int64_t out = o * size + ((b * middle + m) * first + a) * inner;
                    const ag_real *read = from + (back ? out : in);
                    ag_real *write = to + (back ? in : out);
                    for (int64_t i = 0; i < inner; i++) write[i] = adds ? write[i] + read[i] : read[i];
                }
}

static void forward(const ag_call *c)
{
    walk(c, c->in[0], c->out[0], false, false);
}

static void backward(const ag_call *c)
{
    if (c->fresh & 1)
        walk(c, c->dout[0], c->din[0], true, false);
    else
        walk(c, c->dout[0], c->din[0], true, true);
}

const ag_op ag_op_transpose = {
    .name = "transpose",
    .doc = "two axes change places",
    .attributes_size = sizeof(ag_transpose),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_STORES,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
