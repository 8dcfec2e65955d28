// SPDX-License-Identifier: Apache-2.0
/* reshape.c: a view; costs nothing. */
#include "learn/nn/ops/reshape.h"

#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    char from[AG_SHAPE_TEXT], to[AG_SHAPE_TEXT];
    const ag_shape *wanted = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    s->out[0] = *wanted;
    if (ag_shape_size(wanted) == ag_shape_size(&s->in[0])) return 0;
    return ag_fail(err, AG_EINVAL, "%s cannot be read as %s", ag_shape_format(&s->in[0], from),
                   ag_shape_format(wanted, to));
}

static double cost(const ag_node *node)
{
    (void)node;
    return 0.0;
}

const ag_op ag_op_reshape = {
    .name = "reshape",
    .doc = "the same numbers under another shape",
    .attributes_size = sizeof(ag_shape),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_VIEW,
    .shape = shape,
    .cost = cost,
};

ag_ref ag_reshape(ag_graph *graph, ag_ref value, ag_shape to)
{
    return ag_graph_apply1(graph, &ag_op_reshape, "", value, &to);
}
