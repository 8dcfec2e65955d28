// SPDX-License-Identifier: Apache-2.0
/* recurrent.c: see recurrent.h. The products with x are made for all rows at once; the products with the state are made
 * step by step, for all samples of the chunk at once. Their weights' gradients are again one product over all steps,
 * made when the gradients of all gates are there. */
#include "learn/nn/ops/recurrent.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int check_bias(ag_shaping *s, int input, int64_t wide, ag_err *err)
{
    int rc;
    if (s->inputs <= input || !s->present[input]) return 0;
    if ((rc = ag_need_parameter(s, input, "the bias", err)) < 0) return rc;
    return ag_need_shape(s, input, "the bias", ag_shape_of(wide), err);
}

static int check_state(ag_shaping *s, int input, int64_t hidden, ag_err *err)
{
    int rc;
    if (s->inputs <= input || !s->present[input]) return 0;
    if ((rc = ag_need_sample(s, input, "the initial state", err)) < 0) return rc;
    return ag_need_shape(s, input, "the initial state", ag_shape_of(hidden), err);
}

int ag_rnn_shape(ag_shaping *s, int gates, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, AG_RNN_X, "the input", err)) < 0 ||
        (rc = ag_need_parameter(s, AG_RNN_WEIGHT_X, "weight_ih", err)) < 0 ||
        (rc = ag_need_parameter(s, AG_RNN_WEIGHT_H, "weight_hh", err)) < 0)
        return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "the input must have two axes: rows and features");
    int64_t hidden = ag_shape_last(&s->in[AG_RNN_WEIGHT_H]), wide = gates * hidden;
    if ((rc = ag_need_shape(s, AG_RNN_WEIGHT_H, "weight_hh", ag_shape_of(wide, hidden), err)) < 0 ||
        (rc = ag_need_shape(s, AG_RNN_WEIGHT_X, "weight_ih", ag_shape_of(wide, s->in[0].at[1]), err)) < 0 ||
        (rc = check_bias(s, AG_RNN_BIAS_X, wide, err)) < 0 || (rc = check_bias(s, AG_RNN_BIAS_H, wide, err)) < 0 ||
        (rc = check_state(s, AG_RNN_H0, hidden, err)) < 0 || (rc = check_state(s, AG_RNN_C0, hidden, err)) < 0)
        return rc;
    s->out[0] = ag_shape_of(s->in[0].at[0], hidden);
    s->out[1] = s->out[2] = ag_shape_of(hidden);
    s->prepared = wide * (s->in[0].at[1] + hidden);
    return 0;
}

ag_rnn ag_rnn_of(const ag_node *node)
{
    const ag_shape *x = &node->in_shape[AG_RNN_X], *w = &node->in_shape[AG_RNN_WEIGHT_H];
    return (ag_rnn){x->at[0], x->at[1], w->at[1], w->at[0], ((const ag_recurrent *)node->attributes)->reverse};
}

void ag_rnn_prepare(const struct ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    ag_rnn r = ag_rnn_of(node);
    kernels->transpose(in[AG_RNN_WEIGHT_X], r.in, prepared, r.wide, r.wide, r.in);
    kernels->transpose(in[AG_RNN_WEIGHT_H], r.hidden, prepared + r.wide * r.in, r.wide, r.wide, r.hidden);
}

const ag_real *ag_rnn_input(const ag_call *c, int input)
{
    return input < c->node->inputs ? c->in[input] : NULL;
}

int64_t ag_rnn_row(const ag_rnn *r, int64_t step)
{
    return r->reverse ? r->rows - 1 - step : step;
}

void ag_rnn_project(const ag_call *c, const ag_rnn *r, ag_real *wide)
{
    c->kernels->matmul(&(ag_matmul){.m = c->samples * r->rows,
                                    .n = r->wide,
                                    .k = r->in,
                                    .a = c->in[AG_RNN_X],
                                    .a_row = r->in,
                                    .a_column = 1,
                                    .b = c->prepared,
                                    .b_row = r->wide,
                                    .c = wide,
                                    .c_row = r->wide,
                                    .bias_n = ag_rnn_input(c, AG_RNN_BIAS_X)});
}

const ag_real *ag_rnn_before(const ag_call *c, const ag_rnn *r, int64_t step, int64_t s)
{
    if (step) return c->out[0] + (s * r->rows + ag_rnn_row(r, step - 1)) * r->hidden;
    const ag_real *h0 = ag_rnn_input(c, AG_RNN_H0);
    return h0 ? h0 + s * r->hidden : NULL;
}

void ag_rnn_recur(const ag_call *c, const ag_rnn *r, int64_t step, const ag_real *bias, ag_real *to, int64_t to_row,
                  bool add)
{
    const ag_real *before = ag_rnn_before(c, r, step, 0);
    for (int64_t s = 0; bias && s < c->samples; s++) {
        if (add)
            c->kernels->add(bias, to + s * to_row, r->wide);
        else
            memcpy(to + s * to_row, bias, (size_t)r->wide * sizeof(ag_real));
    }
    for (int64_t s = 0; !bias && !add && s < c->samples; s++)
        memset(to + s * to_row, 0, (size_t)r->wide * sizeof(ag_real));
    if (!before) return;
    c->kernels->matmul(&(ag_matmul){.m = c->samples,
                                    .n = r->wide,
                                    .k = r->hidden,
                                    .a = before,
                                    .a_row = step ? r->rows * r->hidden : r->hidden,
                                    .a_column = 1,
                                    .b = c->prepared + r->wide * r->in,
                                    .b_row = r->wide,
                                    .c = to,
                                    .c_row = to_row,
                                    .add = true});
}

void ag_rnn_recur_back(const ag_call *c, const ag_rnn *r, const ag_real *wide, int64_t wide_row, ag_real *slopes)
{
    c->kernels->matmul(&(ag_matmul){.m = c->samples,
                                    .n = r->hidden,
                                    .k = r->wide,
                                    .a = wide,
                                    .a_row = wide_row,
                                    .a_column = 1,
                                    .b = c->in[AG_RNN_WEIGHT_H],
                                    .b_row = r->hidden,
                                    .c = slopes,
                                    .c_row = r->hidden,
                                    .add = true});
}

/* sum over the steps but the first of gate gradients times the state before, and the first with h0. */
static void give_weight_h(const ag_call *c, const ag_rnn *r, const ag_real *by_h)
{
    const ag_real *h0 = ag_rnn_input(c, AG_RNN_H0);
    ag_matmul product = {.m = r->wide,
                         .n = r->hidden,
                         .k = r->rows - 1,
                         .a = by_h + (r->reverse ? 0 : r->wide),
                         .a_row = 1,
                         .a_column = r->wide,
                         .b = c->out[0] + (r->reverse ? r->hidden : 0),
                         .b_row = r->hidden,
                         .c = c->din[AG_RNN_WEIGHT_H],
                         .c_row = r->hidden,
                         .add = true,
                         .groups = c->samples,
                         .a_group = r->rows * r->wide,
                         .b_group = r->rows * r->hidden};
    if (r->rows > 1) c->kernels->matmul(&product);
    if (!h0) return;
    product.k = c->samples;
    product.groups = 1;
    product.a = by_h + ag_rnn_row(r, 0) * r->wide;
    product.a_column = r->rows * r->wide;
    product.b = h0;
    c->kernels->matmul(&product);
}

void ag_rnn_give(const ag_call *c, const ag_rnn *r, const ag_real *by_x, const ag_real *by_h)
{
    int64_t rows = c->samples * r->rows;
    if (c->din[AG_RNN_X])
        c->kernels->matmul(&(ag_matmul){.m = rows,
                                        .n = r->in,
                                        .k = r->wide,
                                        .a = by_x,
                                        .a_row = r->wide,
                                        .a_column = 1,
                                        .b = c->in[AG_RNN_WEIGHT_X],
                                        .b_row = r->in,
                                        .c = c->din[AG_RNN_X],
                                        .c_row = r->in,
                                        .add = true});
    if (c->din[AG_RNN_WEIGHT_X])
        c->kernels->matmul(&(ag_matmul){.m = r->wide,
                                        .n = r->in,
                                        .k = rows,
                                        .a = by_x,
                                        .a_row = 1,
                                        .a_column = r->wide,
                                        .b = c->in[AG_RNN_X],
                                        .b_row = r->in,
                                        .c = c->din[AG_RNN_WEIGHT_X],
                                        .c_row = r->in,
                                        .add = true});
    if (c->din[AG_RNN_WEIGHT_H]) give_weight_h(c, r, by_h);
    if (AG_RNN_BIAS_X < c->node->inputs && c->din[AG_RNN_BIAS_X])
        c->kernels->sum_rows(by_x, c->din[AG_RNN_BIAS_X], rows, r->wide, r->wide);
    if (AG_RNN_BIAS_H < c->node->inputs && c->din[AG_RNN_BIAS_H])
        c->kernels->sum_rows(by_h, c->din[AG_RNN_BIAS_H], rows, r->wide, r->wide);
}
