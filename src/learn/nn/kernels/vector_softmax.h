// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_softmax.h: softmax along rows and down columns, alone and as the weights of a gate, for vector_kernels.h. What
 * waits for sums along rows is done for LANES rows at a time, in walks that do not wait for each other. Along a row and
 * down a column the same numbers give the same bits: what is computed by rows with gradients may go by columns without.
 */
#include "learn/nn/kernels/tables.h"
#include "learn/nn/kernels/vector_functions.h"
#include "learn/nn/kernels/vector_products.h"

/* Where weights go, and their products with v. weights NULL: nowhere; v NULL: no products. */
typedef struct softmax_to {
    const float *v;
    float *weights, *y;
} softmax_to;

/* Where powers wait for their sum. */
INLINE float *waiting(const softmax_to *to)
{
    return to->weights ? to->weights : to->y;
}

INLINE softmax_to softmax_from(const softmax_to *to, int64_t at)
{
    return (softmax_to){to->v ? to->v + at : NULL, to->weights ? to->weights + at : NULL, to->y ? to->y + at : NULL};
}

INLINE void give_weight(const softmax_to *to, int64_t at, vec weight, int64_t count, const bool partial)
{
    if (to->weights) {
        if (partial)
            store_some(to->weights + at, weight, count);
        else
            store(to->weights + at, weight);
    }
    if (!to->v) return;
    vec product = mul(load_lanes(to->v + at, count, partial), weight);
    if (partial)
        store_some(to->y + at, product, count);
    else
        store(to->y + at, product);
}

/* ---- along rows ---- */

/* Up to LANES rows. What does not fill a vector is added to its first lanes, down columns too; it waits in whole
 * vectors, since what was stored in part cannot be loaded before it has reached the cache. */
INLINE void softmax_some(const float *x, const softmax_to *to, int64_t rows, const int64_t columns)
{
    const int64_t whole = columns / LANES * LANES, rest = columns - whole;
    vec each[LANES], last[LANES], unit = set(POWER_UNIT);
    float top[LANES], factor[LANES], *powers = waiting(to);
    for (int64_t r = 0; r < rows; r++) {
        each[r] = load_last(x + r * columns, columns);
        for (int64_t c = 0; c < whole; c += LANES) each[r] = max_(each[r], load(x + r * columns + c));
    }
    store(top, down_to(each, rows, true));
    for (int64_t r = 0; r < rows; r++) {
        vec sum = set(0);
        for (int64_t c = 0; c < whole; c += LANES) {
            vec e = power_of(mul(sub(load(x + r * columns + c), set(top[r])), unit));
            sum = add(sum, e);
            store(powers + r * columns + c, e);
        }
        if (rest) {
            last[r] = power_of(mul(sub(load_some(x + r * columns + whole, rest), set(top[r])), unit));
            sum = add(sum, keep_first(rest, last[r]));
        }
        each[r] = sum;
    }
    store(factor, divide(set(1.0F), down_to(each, rows, false)));
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = r * columns;
        for (int64_t c = 0; c < whole; c += LANES, at += LANES)
            give_weight(to, at, mul(load(powers + at), set(factor[r])), LANES, false);
        if (rest) give_weight(to, at, mul(last[r], set(factor[r])), rest, true);
    }
}

/* LANES rows of LANES columns, the same in registers. */
static void softmax_square(const float *x, const softmax_to *to)
{
    vec row[LANES], unit = set(POWER_UNIT);
    float top[LANES], factor[LANES];
    UNROLL for (int r = 0; r < LANES; r++) row[r] = load(x + r * LANES);
    store(top, tops_of(row));
    FROM_MEMORY(top);
    UNROLL for (int r = 0; r < LANES; r++) row[r] = power_of(mul(sub(row[r], set(top[r])), unit));
    store(factor, divide(set(1.0F), sums_of(row)));
    FROM_MEMORY(factor);
    UNROLL for (int r = 0; r < LANES; r++) give_weight(to, r * LANES, mul(row[r], set(factor[r])), LANES, false);
}

static void softmax_any(const float *x, const softmax_to *to, int64_t rows, int64_t columns)
{
    softmax_some(x, to, rows, columns);
}

static void softmax_one_and_half(const float *x, const softmax_to *to)
{
    softmax_some(x, to, LANES, 3 * LANES / 2);
}

static void softmax_two(const float *x, const softmax_to *to)
{
    softmax_some(x, to, LANES, 2 * LANES);
}

static void softmax_four(const float *x, const softmax_to *to, int64_t rows)
{
    softmax_some(x, to, rows, 4 * LANES);
}

static void softmax_rows_to(const float *x, const softmax_to *to, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r += LANES) {
        const float *from = x + r * columns;
        softmax_to at = softmax_from(to, r * columns);
        int64_t some = rows - r < LANES ? rows - r : LANES;
        if (columns == LANES && some == LANES)
            softmax_square(from, &at);
        else if (columns == 3 * LANES / 2 && some == LANES)
            softmax_one_and_half(from, &at);
        else if (columns == 2 * LANES && some == LANES)
            softmax_two(from, &at);
        else if (columns == 4 * LANES)
            softmax_four(from, &at, some);
        else
            softmax_any(from, &at, some, columns);
    }
}

static void softmax_rows(const float *x, float *y, int64_t rows, int64_t columns)
{
    softmax_rows_to(x, &(softmax_to){.weights = y}, rows, columns);
}

static void gate_rows(const float *x, const float *v, float *weights, float *y, int64_t rows, int64_t columns)
{
    softmax_rows_to(x, &(softmax_to){v, weights, y}, rows, columns);
}

/* ---- down columns ---- */

INLINE void halve(vec *sum, const int half)
{
    UNROLL for (int i = 0; i < half; i++) sum[i] = add(sum[i], sum[i + half]);
}

/* The sum of LANES vectors in the order in which sum_of() adds lanes: a column's sum has the bits of a row's. */
INLINE vec sum_down(vec *sum)
{
    if (LANES > 8) halve(sum, 8);
    if (LANES > 4) halve(sum, 4);
    halve(sum, 2);
    halve(sum, 1);
    return sum[0];
}

INLINE vec power_at(const float *x, vec top, float *power, int64_t count, const bool partial)
{
    vec e = power_of(mul(sub(load_lanes(x, count, partial), top), set(POWER_UNIT)));
    if (partial)
        store_some(power, e, count);
    else
        store(power, e);
    return e;
}

/* Up to LANES columns. */
INLINE void softmax_strip(const float *x, const softmax_to *to, int64_t rows, int64_t stride, int64_t count,
                          const bool partial)
{
    float *powers = waiting(to);
    vec top = load_lanes(x, count, partial), more = top, sum[LANES];
    int64_t r = 1;
    for (; r + 2 <= rows; r += 2) {
        top = max_(top, load_lanes(x + r * stride, count, partial));
        more = max_(more, load_lanes(x + (r + 1) * stride, count, partial));
    }
    if (r < rows) top = max_(top, load_lanes(x + r * stride, count, partial));
    top = max_(top, more);
    UNROLL for (int i = 0; i < LANES; i++) sum[i] = set(0);
    for (r = 0; r + LANES <= rows; r += LANES) {
        UNROLL for (int i = 0; i < LANES; i++)
        {
            int64_t at = (r + i) * stride;
            sum[i] = add(sum[i], power_at(x + at, top, powers + at, count, partial));
        }
    }
    UNROLL for (int i = 0; i < LANES - 1; i++)
    {
        int64_t at = (r + i) * stride;
        if (r + i < rows) sum[i] = add(sum[i], power_at(x + at, top, powers + at, count, partial));
    }
    vec total = sum_down(sum);
    vec factor = divide(set(1.0F), total);
    for (r = 0; r < rows; r++)
        give_weight(to, r * stride, mul(load_lanes(powers + r * stride, count, partial), factor), count, partial);
}

static void softmax_columns_to(const float *x, const softmax_to *to, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t c = 0; c < columns; c += LANES) {
        softmax_to at = softmax_from(to, c);
        if (columns - c < LANES)
            softmax_strip(x + c, &at, rows, stride, columns - c, true);
        else
            softmax_strip(x + c, &at, rows, stride, LANES, false);
    }
}

static void softmax_columns(const float *x, float *y, int64_t rows, int64_t columns, int64_t stride)
{
    softmax_columns_to(x, &(softmax_to){.weights = y}, rows, columns, stride);
}

static void gate_columns(const float *x, const float *v, float *weights, float *y, int64_t rows, int64_t columns)
{
    softmax_columns_to(x, &(softmax_to){v, weights, y}, rows, columns, columns);
}
