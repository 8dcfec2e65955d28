// SPDX-License-Identifier: Apache-2.0
/* linear_chain.c: linear maps one behind the other with nothing between, as the one map that they are:
 * x [.., n0], then W1 [n1, n0], b1 [n1], W2 [n2, n1], b2 [n2], ... -> [.., last n]. The product of the weights is made
 * when they are prepared, so this is for parameters that stay as they are (ag_building.constant); it has no backward.
 *
 * From the end: F = W_last^T; then F = W^T F for each map before it, [its inputs, outputs]. The last of these products
 * is written in panels, as ag_linear_multiply() reads it. A bias goes through the F of the maps behind it. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/linear.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/panels.h"
#include "learn/nn/ops/shapes.h"

static int64_t widest(const ag_shape *in, int inputs)
{
    int64_t most = 0;
    for (int i = 3; i < inputs; i += 2)
        if (in[i].at[1] > most) most = in[i].at[1];
    return most;
}

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0)
        return rc;
    if (s->inputs % 2 == 0) return ag_fail(err, AG_EINVAL, "each weight needs a bias beside it");
    int64_t first = ag_shape_last(&s->in[0]), width = first;
    for (int i = 1; i < s->inputs; i += 2) {
        if ((rc = ag_need_parameter(s, i, "a weight", err)) < 0) return rc;
        int64_t out = s->in[i].at[0];
        if ((rc = ag_need_shape(s, i, "a weight", ag_shape_of(out, width), err)) < 0 ||
            (rc = ag_need_parameter(s, i + 1, "a bias", err)) < 0 ||
            (rc = ag_need_shape(s, i + 1, "a bias", ag_shape_of(out), err)) < 0)
            return rc;
        width = out;
    }
    s->out[0] = s->in[0];
    s->out[0].at[s->in[0].axes - 1] = width;
    s->scratch_sample = ag_linear_scratch(ag_shape_rows(&s->in[0]), first, width);
    s->prepared = width * (first + 1 + 2 * widest(s->in, s->inputs));
    return 0;
}

static double cost(const ag_node *node)
{
    return 2.0 * (double)ag_in_size(node, 0) * (double)ag_shape_last(&node->out_shape[0]);
}

static int64_t outputs_of(const ag_node *node)
{
    return ag_shape_last(&node->out_shape[0]);
}

static int64_t inputs_of(const ag_node *node)
{
    return ag_shape_last(&node->in_shape[0]);
}

/* bias += b F. */
static void add_bias(const ag_kernels *kernels, const ag_real *b, const ag_real *f, int64_t inputs, int64_t outputs,
                     ag_real *bias)
{
    kernels->matmul(&(ag_matmul){.m = 1,
                                 .n = outputs,
                                 .k = inputs,
                                 .a = b,
                                 .a_row = inputs,
                                 .a_column = 1,
                                 .b = f,
                                 .b_row = outputs,
                                 .c = bias,
                                 .c_row = outputs,
                                 .add = true});
}

/* The first `columns` columns of W^T F, one behind the other: W [middle, inputs], F [middle, outputs]. */
static void times(const ag_kernels *kernels, const ag_real *w, int64_t middle, int64_t inputs, const ag_real *f,
                  int64_t outputs, int64_t columns, ag_real *to)
{
    kernels->matmul(&(ag_matmul){.m = inputs,
                                 .n = columns,
                                 .k = middle,
                                 .a = w,
                                 .a_row = 1,
                                 .a_column = inputs,
                                 .b = f,
                                 .b_row = outputs,
                                 .c = to,
                                 .c_row = columns});
}

static void prepare(const ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    int last = node->inputs - 2;
    int64_t outputs = outputs_of(node), most = widest(node->in_shape, node->inputs);
    ag_real *bias = prepared + inputs_of(node) * outputs, *f = bias + outputs, *next = f + most * outputs;
    int64_t inputs = node->in_shape[last].at[1];
    memcpy(bias, in[last + 1], (size_t)outputs * sizeof *bias);
    kernels->transpose(in[last], inputs, f, outputs, outputs, inputs);
    for (int i = last - 2; i > 0; i -= 2) {
        int64_t middle = inputs;
        add_bias(kernels, in[i + 1], f, middle, outputs, bias);
        inputs = node->in_shape[i].at[1];
        if (i > 1) {
            times(kernels, in[i], middle, inputs, f, outputs, outputs, next);
            ag_real *swap = f;
            f = next;
            next = swap;
            continue;
        }
        for (int64_t c = 0; c < outputs; c += AG_PANEL) {
            int64_t wide = outputs - c < AG_PANEL ? outputs - c : AG_PANEL;
            times(kernels, in[i], middle, inputs, f + c, outputs, wide, prepared + c * inputs);
        }
    }
}

static void forward(const ag_call *c)
{
    int64_t inputs = inputs_of(c->node), outputs = outputs_of(c->node);
    ag_linear_multiply(c, &(ag_linear_map){inputs, outputs, c->prepared, c->prepared + inputs * outputs});
}

const ag_op ag_op_linear_chain = {
    .name = "linear_chain",
    .doc = "linear maps one behind the other, multiplied beforehand",
    .min_inputs = 5,
    .max_inputs = 1 + 2 * AG_MAX_CHAIN,
    .outputs = 1,
    .flags = AG_OP_PARTS,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
};
