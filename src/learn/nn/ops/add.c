// SPDX-License-Identifier: Apache-2.0
/* add.c: y = a + b. b has the shape of a, or that of the last axes of a (a table added to every row, a bias), and may
 * be a parameter. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    char a[AG_SHAPE_TEXT], b[AG_SHAPE_TEXT];
    int rc = ag_need_sample(s, 0, "the first input", err);
    if (rc < 0) return rc;
    if (!s->present[1]) return ag_fail(err, AG_EINVAL, "the second input is missing");
    int skip = s->in[0].axes - s->in[1].axes;
    bool fits = skip >= 0;
    for (int i = 0; fits && i < s->in[1].axes; i++) fits = s->in[1].at[i] == s->in[0].at[i + skip];
    if (!fits)
        return ag_fail(err, AG_EINVAL, "%s cannot be added to %s", ag_shape_format(&s->in[1], b),
                       ag_shape_format(&s->in[0], a));
    s->out[0] = s->in[0];
    return 0;
}

static double cost(const ag_node *node)
{
    return (double)ag_in_size(node, 0);
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0), part = ag_in_size(c->node, 1), from, end = ag_part_of(c, part, &from);
    for (int64_t s = 0; s < c->samples; s++) {
        ag_real *to = c->out[0] + s * size;
        const ag_real *a = c->in[0] + s * size, *b = c->in[1] + (c->node->per_sample[1] ? s * part : 0);
        for (int64_t i = from; i < size; i += part) c->kernels->sum(a + i, b + from, to + i, end - from);
    }
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0), part = ag_in_size(c->node, 1);
    if (c->fresh & 1)
        memcpy(c->din[0], c->dout[0], (size_t)(c->samples * size) * sizeof(ag_real));
    else if (c->din[0])
        c->kernels->add(c->dout[0], c->din[0], c->samples * size);
    if (c->fresh & 2 && part == size) {
        memcpy(c->din[1], c->dout[0], (size_t)(c->samples * size) * sizeof(ag_real));
        return;
    }
    if (c->fresh & 2) memset(c->din[1], 0, (size_t)(c->samples * part) * sizeof(ag_real));
    for (int64_t s = 0; c->din[1] && s < c->samples; s++) {
        ag_real *to = c->din[1] + (c->node->per_sample[1] ? s * part : 0);
        for (int64_t i = 0; i < size; i += part) c->kernels->add(c->dout[0] + s * size + i, to, part);
    }
}

const ag_op ag_op_add = {
    .name = "add",
    .doc = "a + b; b may be the last axes of a only",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE | AG_OP_STORES | AG_OP_PARTS,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
