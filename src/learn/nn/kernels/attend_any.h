// SPDX-License-Identifier: Apache-2.0
#pragma once
/* attend_any.h: attention of any size in terms of a table's own products and softmax. What includes it has a
 * matmul(); static functions only. */
#include <stdbool.h>

#include "learn/nn/kernels/kernels.h"

/* x = exp((x - top) factor), with `again` times the rate; without, it finds top, the largest x, and the rate, one over
 * the sum. */
typedef void weigh_fn(ag_real *x, int64_t count, ag_real factor, bool again, ag_real *top, ag_real *rate);

/* c [queries, keys] = a b, with a [queries, depth]. */
static void attend_product(const ag_attend *at, const ag_real *a, int64_t a_row, const ag_real *b, ag_real *c)
{
    matmul(&(ag_matmul){.m = at->queries,
                        .n = at->keys,
                        .k = at->depth,
                        .a = a,
                        .a_row = a_row,
                        .a_column = 1,
                        .b = b,
                        .b_row = at->keys,
                        .c = c,
                        .c_row = at->keys});
}

static void attend_any(const ag_attend *at, bool again, weigh_fn *weigh)
{
    attend_product(at, at->q, at->q_row, at->turned, at->weights);
    for (int64_t r = 0; r < at->queries; r++)
        weigh(at->weights + r * at->keys, at->keys, at->factor, again, at->moments + r, at->moments + at->queries + r);
}

/* Weights and slopes of a row from the probabilities and the gradient of what they became. */
static void attend_row_gradient(const ag_attend_gradient *g, int64_t r)
{
    const ag_attend *at = &g->of;
    const ag_real *d = g->d + r * g->d_row, *heads = g->heads + r * g->d_row;
    ag_real *weights = at->weights + r * at->keys, *slopes = g->slopes + r * at->keys, mean = 0;
    for (int64_t i = 0; i < at->depth; i++) mean += d[i] * heads[i];
    for (int64_t c = 0; c < at->keys; c++) {
        int64_t bit = g->first_bit + r * at->keys + c;
        ag_real scale = !g->kept ? 1 : g->kept[bit / 8] >> (bit % 8) & 1 ? g->scale : 0;
        slopes[c] = weights[c] * (slopes[c] * scale - mean) * at->factor;
        weights[c] *= scale;
    }
}

typedef void row_gradient_fn(const ag_attend_gradient *g, int64_t row);

static void attend_gradient_any(const ag_attend_gradient *g, weigh_fn *weigh, row_gradient_fn *row_gradient)
{
    attend_any(&g->of, true, weigh);
    attend_product(&g->of, g->d, g->d_row, g->values_turned, g->slopes);
    for (int64_t r = 0; r < g->of.queries; r++) row_gradient(g, r);
}
