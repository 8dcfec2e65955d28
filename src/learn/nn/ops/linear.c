// SPDX-License-Identifier: Apache-2.0
/* linear.c: y = x W^T + b along the last axis. x [.., in], W [out, in], b [out] (optional) -> [.., out].
 * Forward multiplies by W^T and the gradient of x by W, both repacked once per change of the parameters (panels.h), so
 * that vectors run along the result and a large W is read as a stream; the gradient of W uses x and dy as they lie, or
 * copies of wide ones. */
#include "learn/nn/ops/linear.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/panels.h"
#include "learn/nn/ops/shapes.h"

enum {
    STRIP = 32, /* columns of dy that are worked on together */
    WIDE = 128, /* rows of dy and of x from here on are far apart for a cache */
    FEW = 24, /* rows of x up to which they are turned for a wide weight: rows 4 KB apart share one place in a cache */
};

static bool is_far_apart(int64_t inputs, int64_t outputs)
{
    return inputs >= WIDE && outputs >= WIDE;
}

int64_t ag_linear_scratch(int64_t rows, int64_t inputs, int64_t outputs)
{
    return is_far_apart(inputs, outputs) ? rows * (inputs + STRIP) : 0;
}

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 1, err)) < 0)
        return rc;
    if ((rc = ag_need_parameter(s, 1, "the weight", err)) < 0) return rc;
    int64_t out = s->in[1].at[0], in = ag_shape_last(&s->in[0]);
    if ((rc = ag_need_shape(s, 1, "the weight", ag_shape_of(out, in), err)) < 0) return rc;
    if (s->inputs > 2 && s->present[2]) {
        if ((rc = ag_need_parameter(s, 2, "the bias", err)) < 0) return rc;
        if ((rc = ag_need_shape(s, 2, "the bias", ag_shape_of(out), err)) < 0) return rc;
    }
    s->out[0] = s->in[0];
    s->out[0].at[s->in[0].axes - 1] = out;
    s->scratch_sample = ag_linear_scratch(ag_shape_rows(&s->in[0]), in, out);
    s->prepared = 2 * in * out;
    return 0;
}

static double cost(const ag_node *node)
{
    return 2.0 * (double)ag_in_size(node, 0) * (double)ag_shape_last(&node->out_shape[0]);
}

static void prepare(const ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    int64_t outputs = node->in_shape[1].at[0], inputs = node->in_shape[1].at[1];
    ag_panels_pack(kernels, in[1], inputs, outputs, true, prepared);
    ag_panels_pack(kernels, in[1], outputs, inputs, false, prepared + inputs * outputs);
}

/* A part of a call is some rows, or some panels of the weights where these are more. */
void ag_linear_multiply(const ag_call *c, const ag_linear_map *map)
{
    int64_t outputs = map->outputs, inputs = map->inputs;
    int64_t rows = c->samples * ag_shape_rows(&c->node->in_shape[0]), panels = (outputs + AG_PANEL - 1) / AG_PANEL;
    int64_t row = 0, end = rows, column = 0, stop = panels;
    if (rows < outputs)
        stop = ag_part_of(c, panels, &column);
    else
        end = ag_part_of(c, rows, &row);
    column *= AG_PANEL;
    stop = stop < panels ? stop * AG_PANEL : outputs;
    ag_matmul product = {.m = end - row,
                         .k = inputs,
                         .a = c->in[0] + row * inputs,
                         .a_row = inputs,
                         .a_column = 1,
                         .c = c->out[0] + row * outputs + column,
                         .c_row = outputs,
                         .bias_n = map->bias ? map->bias + column : NULL};
    if (product.m <= FEW && is_far_apart(inputs, outputs)) {
        c->kernels->transpose(product.a, inputs, c->scratch, product.m, product.m, inputs);
        product.a = c->scratch;
        product.a_row = 1;
        product.a_column = product.m;
    }
    ag_panels_multiply(c->kernels, &product, map->panels + column * inputs, stop - column);
}

static void forward(const ag_call *c)
{
    const ag_linear_map map = {.inputs = c->node->in_shape[1].at[1],
                               .outputs = c->node->in_shape[1].at[0],
                               .panels = c->prepared,
                               .bias = c->node->inputs > 2 ? c->in[2] : NULL};
    ag_linear_multiply(c, &map);
}

static void give_input(const ag_call *c, int64_t rows, int64_t inputs, int64_t outputs)
{
    ag_matmul product = {.m = rows,
                         .k = outputs,
                         .a = c->dout[0],
                         .a_row = outputs,
                         .a_column = 1,
                         .c = c->din[0],
                         .c_row = inputs,
                         .add = !(c->fresh & 1)};
    ag_panels_multiply(c->kernels, &product, c->prepared + inputs * outputs, inputs);
}

/* The gradient of `wide` rows of the weight, from as many columns of dy. */
static ag_matmul rows_of_weight(const ag_call *c, const ag_real *dy, int64_t dy_row, int64_t rows, int64_t from,
                                int64_t wide)
{
    int64_t inputs = c->node->in_shape[1].at[1];
    return (ag_matmul){.m = wide,
                       .n = inputs,
                       .k = rows,
                       .a = dy,
                       .a_row = 1,
                       .a_column = dy_row,
                       .b = c->in[0],
                       .b_row = inputs,
                       .c = c->din[1] + from * inputs,
                       .c_row = inputs,
                       .add = !(c->fresh & 2)};
}

/* Rows that are far apart share few places of the first cache: x is copied into panels and dy into strips, a column of
 * which is a few lines. */
static void give_weights(const ag_call *c, int64_t rows, int64_t inputs, int64_t outputs)
{
    if (!is_far_apart(inputs, outputs)) {
        ag_matmul whole = rows_of_weight(c, c->dout[0], outputs, rows, 0, outputs);
        c->kernels->matmul(&whole);
        return;
    }
    ag_real *panels = c->scratch, *strip = panels + rows * inputs;
    ag_panels_pack(c->kernels, c->in[0], rows, inputs, false, panels);
    for (int64_t from = 0; from < outputs; from += STRIP) {
        int64_t wide = outputs - from < STRIP ? outputs - from : STRIP;
        for (int64_t r = 0; r < rows; r++)
            memcpy(strip + r * wide, c->dout[0] + r * outputs + from, (size_t)wide * sizeof *strip);
        ag_matmul product = rows_of_weight(c, strip, wide, rows, from, wide);
        ag_panels_multiply(c->kernels, &product, panels, inputs);
    }
}

static void backward(const ag_call *c)
{
    int64_t outputs = c->node->in_shape[1].at[0], inputs = c->node->in_shape[1].at[1];
    int64_t rows = c->samples * ag_shape_rows(&c->node->in_shape[0]);
    const ag_real *dy = c->dout[0];
    if (c->din[0]) give_input(c, rows, inputs, outputs);
    if (c->din[1]) give_weights(c, rows, inputs, outputs);
    if (c->node->inputs > 2 && c->din[2]) c->kernels->sum_rows(dy, c->din[2], rows, outputs, outputs);
}

const ag_op ag_op_linear = {
    .name = "linear",
    .doc = "x W^T + b along the last axis",
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .flags = AG_OP_STORES | AG_OP_STORES_WEIGHT | AG_OP_PARTS,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
