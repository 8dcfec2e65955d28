// SPDX-License-Identifier: Apache-2.0
/* gru.c: with a = W_ih x + b_ih and b = W_hh h + b_hh: r, z = sigmoid(a + b), n = tanh(a + r b), h = (1 - z) n + z h.
 * Saved, [sample][row]: the three gates, then b's part of n, [sample][row][hidden]. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/recurrent.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_rnn_shape(s, 3, err);
    if (rc < 0) return rc;
    int64_t rows = s->out[0].at[0], hidden = s->out[0].at[1];
    s->saved = 4 * rows * hidden;
    /* Forward: what is not saved, and b of one step; backward: gradients by a and by b, of h and of h before. */
    s->scratch_sample = 6 * rows * hidden + 3 * hidden;
    return 0;
}

static double cost(const ag_node *node)
{
    ag_rnn r = ag_rnn_of(node);
    return (double)r.rows * (2.0 * (double)r.wide * (double)(r.in + r.hidden) + 12.0 * (double)r.hidden);
}

static void step_state(const ag_call *c, const ag_rnn *r, ag_real *gates, const ag_real *by_h, const ag_real *before,
                       ag_real *hidden_part, ag_real *y)
{
    int64_t n = r->hidden;
    ag_real *candidate = gates + 2 * n;
    c->kernels->add(by_h, gates, 2 * n);
    c->kernels->sigmoid(gates, gates, 2 * n);
    memcpy(hidden_part, by_h + 2 * n, (size_t)n * sizeof(ag_real));
    c->kernels->multiply_add(gates, hidden_part, candidate, n);
    c->kernels->tanh(candidate, candidate, n);
    for (int64_t k = 0; k < n; k++) {
        ag_real z = gates[n + k];
        y[k] = (1 - z) * candidate[k] + (before ? z * before[k] : 0);
    }
}

static void forward(const ag_call *c)
{
    ag_rnn r = ag_rnn_of(c->node);
    int64_t all = c->samples * r.rows;
    ag_real *gates = c->saved ? c->saved : c->scratch, *parts = gates + all * r.wide;
    ag_real *by_h = c->saved ? c->scratch : parts + all * r.hidden;
    ag_rnn_project(c, &r, gates);
    for (int64_t step = 0; step < r.rows; step++) {
        int64_t row = ag_rnn_row(&r, step);
        ag_rnn_recur(c, &r, step, ag_rnn_input(c, AG_RNN_BIAS_H), by_h, r.wide, false);
        for (int64_t s = 0; s < c->samples; s++) {
            int64_t at = s * r.rows + row;
            step_state(c, &r, gates + at * r.wide, by_h + s * r.wide, ag_rnn_before(c, &r, step, s),
                       parts + at * r.hidden, c->out[0] + at * r.hidden);
        }
    }
    for (int64_t s = 0; s < c->samples; s++)
        memcpy(c->out[1] + s * r.hidden, c->out[0] + (s * r.rows + ag_rnn_row(&r, r.rows - 1)) * r.hidden,
               (size_t)r.hidden * sizeof(ag_real));
}

/* dh becomes what goes to the state before past the gates. */
static void step_back(const ag_rnn *r, const ag_real *gates, const ag_real *part, const ag_real *before, ag_real *dh,
                      ag_real *by_x, ag_real *by_h)
{
    int64_t n = r->hidden;
    for (int64_t k = 0; k < n; k++) {
        ag_real reset = gates[k], z = gates[n + k], candidate = gates[2 * n + k], d = dh[k];
        ag_real slope = d * (1 - z) * (1 - candidate * candidate);
        by_x[2 * n + k] = slope;
        by_h[2 * n + k] = slope * reset;
        by_x[k] = by_h[k] = slope * part[k] * reset * (1 - reset);
        by_x[n + k] = by_h[n + k] = d * ((before ? before[k] : 0) - candidate) * z * (1 - z);
        dh[k] = d * z;
    }
}

static void backward(const ag_call *c)
{
    ag_rnn r = ag_rnn_of(c->node);
    int64_t n = r.hidden, all = c->samples * r.rows;
    const ag_real *gates = c->saved, *parts = gates + all * r.wide;
    ag_real *by_x = c->scratch, *by_h = by_x + all * r.wide, *dh = by_h + all * r.wide;
    memset(dh, 0, (size_t)(c->samples * n) * sizeof(ag_real));
    if (c->dout[1]) c->kernels->add(c->dout[1], dh, c->samples * n);
    for (int64_t step = r.rows; step-- > 0;) {
        int64_t row = ag_rnn_row(&r, step);
        for (int64_t s = 0; s < c->samples; s++) {
            int64_t at = s * r.rows + row;
            if (c->dout[0]) c->kernels->add(c->dout[0] + at * n, dh + s * n, n);
            step_back(&r, gates + at * r.wide, parts + at * n, ag_rnn_before(c, &r, step, s), dh + s * n,
                      by_x + at * r.wide, by_h + at * r.wide);
        }
        ag_rnn_recur_back(c, &r, by_h + row * r.wide, r.rows * r.wide, dh);
    }
    if (AG_RNN_H0 < c->node->inputs && c->din[AG_RNN_H0]) c->kernels->add(dh, c->din[AG_RNN_H0], c->samples * n);
    ag_rnn_give(c, &r, by_x, by_h);
}

const ag_op ag_op_gru = {
    .name = "gru",
    .doc = "gated recurrent units over the rows of a series",
    .attributes_size = sizeof(ag_recurrent),
    .min_inputs = 3,
    .max_inputs = 6,
    .outputs = 2,
    .reads_in = 1 | 1 << AG_RNN_H0,
    .reads_out = 1,
    .shape = shape,
    .cost = cost,
    .prepare = ag_rnn_prepare,
    .forward = forward,
    .backward = backward,
};
