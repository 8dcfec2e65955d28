// SPDX-License-Identifier: Apache-2.0
/* mix.c: y = W x + b along one axis: x [.., in, ..], W [out, in], b [out] (optional) -> [.., out, ..]. What lies behind
 * the axis is one long row, so W multiplies x as it lies: this is how a mixer mixes channels or patches without a
 * transposed copy. */
#include "learn/nn/ops/mix.h"

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_mix *mix = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 ||
        (rc = ag_need_axes(s, 0, "the input", mix->axis + 1, err)) < 0 ||
        (rc = ag_need_parameter(s, 1, "the weight", err)) < 0)
        return rc;
    int64_t out = s->in[1].at[0], in = s->in[0].at[mix->axis];
    if ((rc = ag_need_shape(s, 1, "the weight", ag_shape_of(out, in), err)) < 0) return rc;
    if (s->inputs > 2 && s->present[2]) {
        if ((rc = ag_need_parameter(s, 2, "the bias", err)) < 0) return rc;
        if ((rc = ag_need_shape(s, 2, "the bias", ag_shape_of(out), err)) < 0) return rc;
    }
    s->out[0] = s->in[0];
    s->out[0].at[mix->axis] = out;
    return 0;
}

static double cost(const ag_node *node)
{
    return 2.0 * (double)ag_in_size(node, 0) * (double)node->in_shape[1].at[0];
}

typedef struct extents {
    int64_t groups, in, out, behind;
} extents;

static extents extents_of(const ag_call *c)
{
    const ag_mix *mix = c->attributes;
    const ag_shape *x = &c->node->in_shape[0];
    return (extents){c->samples * ag_shape_span(x, 0, mix->axis), x->at[mix->axis], c->node->in_shape[1].at[0],
                     ag_shape_span(x, mix->axis + 1, x->axes)};
}

static void forward(const ag_call *c)
{
    extents e = extents_of(c);
    c->kernels->matmul(&(ag_matmul){.m = e.out,
                                    .n = e.behind,
                                    .k = e.in,
                                    .a = c->in[1],
                                    .a_row = e.in,
                                    .a_column = 1,
                                    .b = c->in[0],
                                    .b_row = e.behind,
                                    .c = c->out[0],
                                    .c_row = e.behind,
                                    .bias_m = c->node->inputs > 2 ? c->in[2] : NULL,
                                    .groups = e.groups,
                                    .b_group = e.in * e.behind,
                                    .c_group = e.out * e.behind});
}

static void backward(const ag_call *c)
{
    extents e = extents_of(c);
    const ag_real *dy = c->dout[0];
    if (c->din[0])
        c->kernels->matmul(&(ag_matmul){.m = e.in,
                                        .n = e.behind,
                                        .k = e.out,
                                        .a = c->in[1],
                                        .a_row = 1,
                                        .a_column = e.in,
                                        .b = dy,
                                        .b_row = e.behind,
                                        .c = c->din[0],
                                        .c_row = e.behind,
                                        .add = true,
                                        .groups = e.groups,
                                        .b_group = e.out * e.behind,
                                        .c_group = e.in * e.behind});
    if (c->din[1])
        c->kernels->matmul_nt(&(ag_matmul_nt){.m = e.out,
                                              .n = e.in,
                                              .k = e.behind,
                                              .groups = e.groups,
                                              .a = dy,
                                              .a_row = e.behind,
                                              .a_group = e.out * e.behind,
                                              .b = c->in[0],
                                              .b_row = e.behind,
                                              .b_group = e.in * e.behind,
                                              .c = c->din[1],
                                              .c_row = e.in});
    for (int64_t g = 0; c->node->inputs > 2 && c->din[2] && g < e.groups; g++)
        c->kernels->sum_columns(dy + g * e.out * e.behind, c->din[2], e.out, e.behind, e.behind);
}

const ag_op ag_op_mix = {
    .name = "mix",
    .doc = "W x + b along one axis",
    .attributes_size = sizeof(ag_mix),
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
