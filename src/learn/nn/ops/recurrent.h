// SPDX-License-Identifier: Apache-2.0
#pragma once
/* recurrent.h: LSTM and GRU over the rows of a series, in PyTorch's layout and formulas, and what the two share.
 * Inputs: x [rows, in], weight_ih [gates * hidden, in], weight_hh [gates * hidden, hidden], bias_ih and bias_hh [gates
 * * hidden] (both or none), h0 [hidden] and, for the LSTM, c0 [hidden] (optional: zero). Outputs: y [rows, hidden], the
 * last state h [hidden] and, for the LSTM, c [hidden]. Gates in the order i, f, g, o of an LSTM and r, z, n of a GRU.
 */
#include "learn/nn/ops/ops.h"

typedef struct ag_recurrent {
    bool reverse; /* from the last row to the first; y stays in the order of x */
} ag_recurrent;

/* ---- for lstm.c and gru.c ---- */

enum { AG_RNN_X, AG_RNN_WEIGHT_X, AG_RNN_WEIGHT_H, AG_RNN_BIAS_X, AG_RNN_BIAS_H, AG_RNN_H0, AG_RNN_C0 };

typedef struct ag_rnn {
    int64_t rows, in, hidden, wide; /* wide: gates * hidden */
    bool reverse;
} ag_rnn;

int ag_rnn_shape(ag_shaping *shaping, int gates, ag_err *err);
ag_rnn ag_rnn_of(const ag_node *node);
/* Both weights transposed. */
void ag_rnn_prepare(const struct ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared);
const ag_real *ag_rnn_input(const ag_call *call, int input); /* NULL: absent */
int64_t ag_rnn_row(const ag_rnn *r, int64_t step);           /* row of x that is read in this step */
/* What follows from the rows alone: wide[s][t] = W_ih x[s][t] + b_ih for all samples and rows. */
void ag_rnn_project(const ag_call *call, const ag_rnn *r, ag_real *wide);
/* to[s] (rows `to_row` apart) = or += W_hh h + b for the state before `step`; b may be NULL. */
void ag_rnn_recur(const ag_call *call, const ag_rnn *r, int64_t step, const ag_real *bias, ag_real *to, int64_t to_row,
                  bool add);
/* State of sample s before `step`; NULL: zero. */
const ag_real *ag_rnn_before(const ag_call *call, const ag_rnn *r, int64_t step, int64_t s);
/* slopes[s] += gradient of what W_hh made, times W_hh. */
void ag_rnn_recur_back(const ag_call *call, const ag_rnn *r, const ag_real *wide, int64_t wide_row, ag_real *slopes);
/* Gradients of x and of weights and biases, from those of what W_ih and what W_hh made, [s][t][wide]; the two may be
 * one. */
void ag_rnn_give(const ag_call *call, const ag_rnn *r, const ag_real *by_x, const ag_real *by_h);
