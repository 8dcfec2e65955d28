// SPDX-License-Identifier: Apache-2.0
/* dropout.c: which elements fall is a pure function of (seed, step, node, sample, element), so nothing is stored for
 * backward and a resumed run drops the same ones. The probability is rounded to 1/65536, and the scale belongs to the
 * rounded one. */
#include "learn/nn/ops/dropout.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_dropout_attributes *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (!(a->probability >= 0.0 && a->probability < 1.0))
        return ag_fail(err, AG_EINVAL, "dropout %g is not in [0, 1)", a->probability);
    s->out[0] = s->in[0];
    s->scratch_fixed = ag_shape_size(&s->in[0]);
    return 0;
}

static double cost(const ag_node *node)
{
    return (double)ag_in_size(node, 0);
}

static ag_dropout key(const ag_call *c)
{
    return ag_dropout_make(c->seed, c->step, c->node->index, 0,
                           ((const ag_dropout_attributes *)c->attributes)->probability);
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    ag_dropout drop = key(c);
    if (c->out[0] != c->in[0]) memcpy(c->out[0], c->in[0], (size_t)(c->samples * size) * sizeof(ag_real));
    for (int64_t s = 0; c->training && s < c->samples; s++)
        c->kernels->dropout(&drop, c->first + s, c->out[0] + s * size, size);
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    ag_dropout drop = key(c);
    for (int64_t s = 0; s < c->samples; s++) {
        memcpy(c->scratch, c->dout[0] + s * size, (size_t)size * sizeof(ag_real));
        if (c->training) c->kernels->dropout(&drop, c->first + s, c->scratch, size);
        c->kernels->add(c->scratch, c->din[0] + s * size, size);
    }
}

const ag_op ag_op_dropout = {
    .name = "dropout",
    .doc = "in training, zeroes elements at random and scales the others",
    .attributes_size = sizeof(ag_dropout_attributes),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};

ag_ref ag_drop(ag_graph *graph, ag_ref value, double probability)
{
    if (probability == 0.0) return value;
    return ag_graph_apply1(graph, &ag_op_dropout, "dropout", value, &(ag_dropout_attributes){probability});
}
