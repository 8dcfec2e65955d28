// SPDX-License-Identifier: Apache-2.0
/* lstm.c: i, f, o = sigmoid and g = tanh of W_ih x + b_ih + W_hh h + b_hh; c = f c + i g; h = o tanh(c).
 * Saved, [sample][row][5 hidden]: the four gates and c. tanh(c) is computed again. */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/recurrent.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_rnn_shape(s, 4, err);
    if (rc < 0) return rc;
    int64_t rows = s->out[0].at[0], hidden = s->out[0].at[1];
    s->saved = 5 * rows * hidden;
    s->scratch_sample = 5 * rows * hidden + 3 * hidden; /* forward without saving; backward: gates, h, c, tanh */
    return 0;
}

static double cost(const ag_node *node)
{
    ag_rnn r = ag_rnn_of(node);
    return (double)r.rows * (2.0 * (double)r.wide * (double)(r.in + r.hidden) + 15.0 * (double)r.hidden);
}

/* Gates and cell of all samples: gates first, [s][t][4 hidden], then cells, [s][t][hidden]. */
static ag_real *cells_of(const ag_call *c, const ag_rnn *r, ag_real *kept)
{
    return kept + c->samples * r->rows * r->wide;
}

static const ag_real *cell_before(const ag_call *c, const ag_rnn *r, const ag_real *cells, int64_t step, int64_t s)
{
    if (step) return cells + (s * r->rows + ag_rnn_row(r, step - 1)) * r->hidden;
    const ag_real *c0 = ag_rnn_input(c, AG_RNN_C0);
    return c0 ? c0 + s * r->hidden : NULL;
}

static void step_cell(const ag_call *c, const ag_rnn *r, ag_real *gates, const ag_real *before, ag_real *cell,
                      ag_real *y)
{
    int64_t n = r->hidden;
    c->kernels->sigmoid(gates, gates, 2 * n);
    c->kernels->tanh(gates + 2 * n, gates + 2 * n, n);
    c->kernels->sigmoid(gates + 3 * n, gates + 3 * n, n);
    c->kernels->multiply(gates, gates + 2 * n, cell, n);
    if (before) c->kernels->multiply_add(gates + n, before, cell, n);
    c->kernels->tanh(cell, y, n);
    c->kernels->multiply(y, gates + 3 * n, y, n);
}

static void forward(const ag_call *c)
{
    ag_rnn r = ag_rnn_of(c->node);
    ag_real *gates = c->saved ? c->saved : c->scratch, *cells = cells_of(c, &r, gates);
    ag_rnn_project(c, &r, gates);
    for (int64_t step = 0; step < r.rows; step++) {
        int64_t row = ag_rnn_row(&r, step);
        ag_rnn_recur(c, &r, step, ag_rnn_input(c, AG_RNN_BIAS_H), gates + row * r.wide, r.rows * r.wide, true);
        for (int64_t s = 0; s < c->samples; s++) {
            int64_t at = s * r.rows + row;
            step_cell(c, &r, gates + at * r.wide, cell_before(c, &r, cells, step, s), cells + at * r.hidden,
                      c->out[0] + at * r.hidden);
        }
    }
    for (int64_t s = 0; s < c->samples; s++) {
        int64_t last = (s * r.rows + ag_rnn_row(&r, r.rows - 1)) * r.hidden;
        memcpy(c->out[1] + s * r.hidden, c->out[0] + last, (size_t)r.hidden * sizeof(ag_real));
        memcpy(c->out[2] + s * r.hidden, cells + last, (size_t)r.hidden * sizeof(ag_real));
    }
}

/* Gate gradients of one step of one sample, before their functions. dh comes in whole; dc gets that of the cell
 * before. */
static void step_back(const ag_rnn *r, const ag_real *gates, const ag_real *tangent, const ag_real *before,
                      const ag_real *dh, ag_real *dc, ag_real *slopes)
{
    int64_t n = r->hidden;
    for (int64_t k = 0; k < n; k++) {
        ag_real i = gates[k], f = gates[n + k], g = gates[2 * n + k], o = gates[3 * n + k], t = tangent[k];
        ag_real d = dc[k] + dh[k] * o * (1 - t * t);
        slopes[k] = d * g * i * (1 - i);
        slopes[n + k] = before ? d * before[k] * f * (1 - f) : 0;
        slopes[2 * n + k] = d * i * (1 - g * g);
        slopes[3 * n + k] = dh[k] * t * o * (1 - o);
        dc[k] = d * f;
    }
}

static void begin_back(const ag_call *c, const ag_rnn *r, ag_real *dh, ag_real *dc)
{
    size_t bytes = (size_t)(c->samples * r->hidden) * sizeof(ag_real);
    memset(dh, 0, bytes);
    memset(dc, 0, bytes);
    if (c->dout[1]) memcpy(dh, c->dout[1], bytes);
    if (c->dout[2]) memcpy(dc, c->dout[2], bytes);
}

static void backward(const ag_call *c)
{
    ag_rnn r = ag_rnn_of(c->node);
    int64_t n = r.hidden, all = c->samples * n;
    const ag_real *gates = c->saved, *cells = cells_of(c, &r, c->saved);
    ag_real *slopes = c->scratch, *dh = slopes + c->samples * r.rows * r.wide, *dc = dh + all, *tangent = dc + all;
    begin_back(c, &r, dh, dc);
    for (int64_t step = r.rows; step-- > 0;) {
        int64_t row = ag_rnn_row(&r, step);
        for (int64_t s = 0; s < c->samples; s++) {
            int64_t at = s * r.rows + row;
            if (c->dout[0]) c->kernels->add(c->dout[0] + at * n, dh + s * n, n);
            c->kernels->tanh(cells + at * n, tangent, n);
            step_back(&r, gates + at * r.wide, tangent, cell_before(c, &r, cells, step, s), dh + s * n, dc + s * n,
                      slopes + at * r.wide);
        }
        memset(dh, 0, (size_t)all * sizeof(ag_real));
        ag_rnn_recur_back(c, &r, slopes + row * r.wide, r.rows * r.wide, dh);
    }
    if (AG_RNN_H0 < c->node->inputs && c->din[AG_RNN_H0]) c->kernels->add(dh, c->din[AG_RNN_H0], all);
    if (AG_RNN_C0 < c->node->inputs && c->din[AG_RNN_C0]) c->kernels->add(dc, c->din[AG_RNN_C0], all);
    ag_rnn_give(c, &r, slopes, slopes);
}

const ag_op ag_op_lstm = {
    .name = "lstm",
    .doc = "a long short-term memory over the rows of a series",
    .attributes_size = sizeof(ag_recurrent),
    .min_inputs = 3,
    .max_inputs = 7,
    .outputs = 3,
    .reads_in = 1 | 1 << AG_RNN_H0 | 1 << AG_RNN_C0,
    .reads_out = 1,
    .shape = shape,
    .cost = cost,
    .prepare = ag_rnn_prepare,
    .forward = forward,
    .backward = backward,
};
