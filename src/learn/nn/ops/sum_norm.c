// SPDX-License-Identifier: Apache-2.0
/* sum_norm.c: see sum_norm.h. Some rows at a time, so that they are in the first cache while three operations would
 * have sent them through the second one after the other. Keeps the sums and their moments for backward. */
#include "learn/nn/ops/sum_norm.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

enum { ROWS = 64 };

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_need_sample(s, AG_SUM_NORM_A, "the first input", err);
    if (rc < 0 || (rc = ag_need_axes(s, 0, "the first input", 1, err)) < 0) return rc;
    for (int i = AG_SUM_NORM_B; i <= AG_SUM_NORM_C; i++) {
        const char *what = i == AG_SUM_NORM_B ? "the second input" : "the third input";
        if (i == AG_SUM_NORM_C && !s->present[i]) continue;
        if ((rc = ag_need_sample(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, s->in[0], err)) < 0)
            return rc;
    }
    ag_shape row = ag_shape_of(ag_shape_last(&s->in[0]));
    for (int i = AG_SUM_NORM_GAIN; i <= AG_SUM_NORM_SHIFT; i++) {
        const char *what = i == AG_SUM_NORM_GAIN ? "the gain" : "the shift";
        if ((rc = ag_need_parameter(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, row, err)) < 0) return rc;
    }
    s->out[0] = s->in[0];
    s->saved = ag_shape_size(&s->in[0]) + 2 * ag_shape_rows(&s->in[0]);
    s->scratch_fixed = ROWS * ag_shape_last(&s->in[0]);
    return 0;
}

static double cost(const ag_node *node)
{
    return 10.0 * (double)ag_in_size(node, 0);
}

/* Rows [from, end) of one sample. */
static void forward_rows(const ag_call *c, int64_t sample, int64_t from, int64_t end)
{
    const ag_sum_norm *norm = c->attributes;
    int64_t size = ag_in_size(c->node, 0), width = ag_shape_last(&c->node->in_shape[0]);
    ag_real *saved = c->saved ? c->saved + sample * c->node->saved : NULL;
    for (; from < end; from += ROWS) {
        int64_t rows = end - from < ROWS ? end - from : ROWS, at = sample * size + from * width, count = rows * width;
        ag_real *sums = saved ? saved + from * width : c->scratch;
        c->kernels->sum(c->in[AG_SUM_NORM_A] + at, c->in[AG_SUM_NORM_B] + at, sums, count);
        c->kernels->layer_norm(sums, c->in[AG_SUM_NORM_GAIN], c->in[AG_SUM_NORM_SHIFT], (ag_real)norm->epsilon,
                               c->out[0] + at, saved ? saved + size + 2 * from : NULL, rows, width);
        if (c->in[AG_SUM_NORM_C]) c->kernels->add(c->in[AG_SUM_NORM_C] + at, c->out[0] + at, count);
    }
}

static void forward(const ag_call *c)
{
    int64_t from, end = ag_part_of(c, ag_shape_rows(&c->node->in_shape[0]), &from);
    for (int64_t sample = 0; sample < c->samples; sample++) forward_rows(c, sample, from, end);
}

static bool is_fresh(const ag_call *c, int i)
{
    return c->din[i] && c->fresh & UINT32_C(1) << i;
}

/* What comes to input i. */
static void give(const ag_call *c, int i, const ag_real *gradient, int64_t at, int64_t count)
{
    if (!c->din[i]) return;
    if (is_fresh(c, i))
        memcpy(c->din[i] + at, gradient, (size_t)count * sizeof *gradient);
    else
        c->kernels->add(gradient, c->din[i] + at, count);
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0), width = ag_shape_last(&c->node->in_shape[0]), all = size / width;
    for (int64_t sample = 0; sample < c->samples; sample++)
        for (int64_t from = 0; from < all; from += ROWS) {
            const ag_real *saved = c->saved + sample * c->node->saved;
            int64_t rows = all - from < ROWS ? all - from : ROWS, at = sample * size + from * width;
            ag_real *to = is_fresh(c, AG_SUM_NORM_A) ? c->din[AG_SUM_NORM_A] + at : c->scratch;
            c->kernels->layer_norm_gradient(saved + from * width, c->in[AG_SUM_NORM_GAIN], saved + size + 2 * from,
                                            c->dout[0] + at, NULL, to, c->din[AG_SUM_NORM_GAIN],
                                            c->din[AG_SUM_NORM_SHIFT], rows, width);
            if (to == c->scratch) give(c, AG_SUM_NORM_A, to, at, rows * width);
            give(c, AG_SUM_NORM_B, to, at, rows * width);
            give(c, AG_SUM_NORM_C, c->dout[0] + at, at, rows * width);
        }
}

const ag_op ag_op_sum_norm = {
    .name = "sum_norm",
    .doc = "the norm of a sum along the last axis, and one more added to it",
    .attributes_size = sizeof(ag_sum_norm),
    .min_inputs = AG_SUM_NORM_INPUTS,
    .max_inputs = AG_SUM_NORM_INPUTS,
    .outputs = 1,
    .flags = AG_OP_STORES | AG_OP_PARTS,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
