// SPDX-License-Identifier: Apache-2.0
/* linear_each.c: every row through a linear map of its own: x [rows, in], W [rows, out, in], b [rows, out] (optional)
 * -> [rows, out]. The products of all rows are the groups of one call, so that a chunk's samples share the weights. */
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_parameter(s, 1, "the weight", err)) < 0 ||
        (rc = ag_need_axes(s, 1, "the weight", 3, err)) < 0)
        return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "the input must have two axes: rows and features");
    int64_t rows = s->in[0].at[0], in = s->in[0].at[1], out = s->in[1].at[1];
    if ((rc = ag_need_shape(s, 1, "the weight", ag_shape_of(rows, out, in), err)) < 0) return rc;
    if (s->inputs > 2 && s->present[2]) {
        if ((rc = ag_need_parameter(s, 2, "the bias", err)) < 0) return rc;
        if ((rc = ag_need_shape(s, 2, "the bias", ag_shape_of(rows, out), err)) < 0) return rc;
    }
    s->out[0] = ag_shape_of(rows, out);
    s->prepared = rows * in * out;
    return 0;
}

static double cost(const ag_node *node)
{
    return 2.0 * (double)ag_shape_size(&node->in_shape[1]);
}

static void prepare(const ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    const ag_shape *w = &node->in_shape[1];
    for (int64_t r = 0; r < w->at[0]; r++)
        kernels->transpose(in[1] + r * w->at[1] * w->at[2], w->at[2], prepared + r * w->at[1] * w->at[2], w->at[1],
                           w->at[1], w->at[2]);
}

static void forward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[1].at[0], out = c->node->in_shape[1].at[1], in = c->node->in_shape[1].at[2];
    c->kernels->matmul(&(ag_matmul){.m = c->samples,
                                    .n = out,
                                    .k = in,
                                    .a = c->in[0],
                                    .a_row = rows * in,
                                    .a_column = 1,
                                    .b = c->prepared,
                                    .b_row = out,
                                    .c = c->out[0],
                                    .c_row = rows * out,
                                    .groups = rows,
                                    .a_group = in,
                                    .b_group = in * out,
                                    .c_group = out});
    for (int64_t s = 0; c->node->inputs > 2 && c->in[2] && s < c->samples; s++)
        c->kernels->add(c->in[2], c->out[0] + s * rows * out, rows * out);
}

static void backward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[1].at[0], out = c->node->in_shape[1].at[1], in = c->node->in_shape[1].at[2];
    if (c->din[0])
        c->kernels->matmul(&(ag_matmul){.m = c->samples,
                                        .n = in,
                                        .k = out,
                                        .a = c->dout[0],
                                        .a_row = rows * out,
                                        .a_column = 1,
                                        .b = c->in[1],
                                        .b_row = in,
                                        .c = c->din[0],
                                        .c_row = rows * in,
                                        .add = true,
                                        .groups = rows,
                                        .a_group = out,
                                        .b_group = in * out,
                                        .c_group = in});
    if (c->din[1])
        c->kernels->matmul(&(ag_matmul){.m = out,
                                        .n = in,
                                        .k = c->samples,
                                        .a = c->dout[0],
                                        .a_row = 1,
                                        .a_column = rows * out,
                                        .b = c->in[0],
                                        .b_row = rows * in,
                                        .c = c->din[1],
                                        .c_row = in,
                                        .add = true,
                                        .groups = rows,
                                        .a_group = out,
                                        .b_group = in,
                                        .c_group = in * out});
    if (c->node->inputs > 2 && c->din[2])
        c->kernels->sum_rows(c->dout[0], c->din[2], c->samples, rows * out, rows * out);
}

const ag_op ag_op_linear_each = {
    .name = "linear_each",
    .doc = "every row through a linear map of its own",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
