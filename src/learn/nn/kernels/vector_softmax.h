// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_softmax.h: softmax along rows and down columns, alone and as the weights of a gate, for vector_kernels.h. What
 * waits for sums along rows is done for LANES rows at a time, in walks over TOGETHER times as many, whose parts do not
 * wait for each other; likewise strips of columns. Along a row and
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
    if (to->weights) store_lanes(to->weights + at, weight, count, partial);
    if (to->v) store_lanes(to->y + at, mul(load_lanes(to->v + at, count, partial), weight), count, partial);
}

/* ---- along rows ---- */

/* The largest numbers of up to LANES rows. */
INLINE void tops_along(const float *x, float *top, int64_t rows, const int64_t columns)
{
    vec each[LANES];
    UNROLL for (int r = 0; r < LANES; r++) each[r] = set(0);
    for (int64_t r = 0; r < rows; r++) {
        each[r] = load_last(x + r * columns, columns);
        for (int64_t c = 0; c + LANES <= columns; c += LANES) each[r] = max_(each[r], load(x + r * columns + c));
    }
    store(top, tops_of(each));
}

/* Their powers, and one over the sums. What does not fill a vector is added to its first lanes, down columns too; it
 * waits in whole vectors, since what was stored in part cannot be loaded before it has reached the cache. */
INLINE void powers_along(const float *x, const float *top, float *powers, vec *last, float *factor, int64_t rows,
                         const int64_t columns)
{
    const int64_t whole = columns / LANES * LANES, rest = columns - whole;
    vec each[LANES], unit = set(POWER_UNIT);
    UNROLL for (int r = 0; r < LANES; r++) each[r] = set(0);
    for (int64_t r = 0; r < rows; r++, x += columns, powers += columns) {
        vec sum = set(0);
        for (int64_t c = 0; c < whole; c += LANES) {
            vec e = power_of(mul(sub(load(x + c), set(top[r])), unit));
            sum = add(sum, e);
            store(powers + c, e);
        }
        if (rest) {
            last[r] = power_of(mul(sub(load_some(x + whole, rest), set(top[r])), unit));
            sum = add(sum, keep_first(rest, last[r]));
        }
        each[r] = sum;
    }
    store(factor, divide(set(1.0F), sums_of(each)));
}

/* Up to TOGETHER * LANES rows. A copy of what is given is what no store can change. */
INLINE void softmax_some(const float *x, const softmax_to *given, int64_t rows, const int64_t columns)
{
    const int64_t whole = columns / LANES * LANES, full = rows / LANES * LANES;
    const softmax_to to = *given;
    float top[TOGETHER * LANES], factor[TOGETHER * LANES], *powers = waiting(&to);
    vec last[TOGETHER * LANES];
    for (int64_t r = 0; r < full; r += LANES) tops_along(x + r * columns, top + r, LANES, columns);
    if (full < rows) tops_along(x + full * columns, top + full, rows - full, columns);
    for (int64_t r = 0; r < full; r += LANES)
        powers_along(x + r * columns, top + r, powers + r * columns, last + r, factor + r, LANES, columns);
    if (full < rows)
        powers_along(x + full * columns, top + full, powers + full * columns, last + full, factor + full, rows - full,
                     columns);
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = r * columns;
        vec by = set(factor[r]);
        for (int64_t c = 0; c < whole; c += LANES, at += LANES)
            give_weight(&to, at, mul(load(powers + at), by), LANES, false);
        if (whole < columns) give_weight(&to, at, mul(last[r], by), columns - whole, true);
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

/* The widths that models of holes have, with loops of known lengths; and any. */
static void softmax_16(const float *x, const softmax_to *to, int64_t rows)
{
    softmax_some(x, to, rows, 16);
}

static void softmax_24(const float *x, const softmax_to *to, int64_t rows)
{
    softmax_some(x, to, rows, 24);
}

static void softmax_32(const float *x, const softmax_to *to, int64_t rows)
{
    softmax_some(x, to, rows, 32);
}

static void softmax_64(const float *x, const softmax_to *to, int64_t rows)
{
    softmax_some(x, to, rows, 64);
}

static void softmax_any(const float *x, const softmax_to *to, int64_t rows, int64_t columns)
{
    softmax_some(x, to, rows, columns);
}

static void softmax_rows_to(const float *x, const softmax_to *to, int64_t rows, int64_t columns)
{
    const int64_t most = columns == LANES ? LANES : TOGETHER * LANES;
    for (int64_t r = 0; r < rows; r += most) {
        const float *from = x + r * columns;
        softmax_to at = softmax_from(to, r * columns);
        int64_t some = rows - r < most ? rows - r : most;
        if (columns == LANES && some == LANES)
            softmax_square(from, &at);
        else if (columns == 16)
            softmax_16(from, &at, some);
        else if (columns == 24)
            softmax_24(from, &at, some);
        else if (columns == 32)
            softmax_32(from, &at, some);
        else if (columns == 64)
            softmax_64(from, &at, some);
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
    store_lanes(power, e, count, partial);
    return e;
}

/* The largest of each of up to LANES columns. */
INLINE vec top_down(const float *x, int64_t rows, int64_t stride, int64_t count, const bool partial)
{
    vec top = load_lanes(x, count, partial), more = top;
    int64_t r = 1;
    for (; r + 2 <= rows; r += 2) {
        top = max_(top, load_lanes(x + r * stride, count, partial));
        more = max_(more, load_lanes(x + (r + 1) * stride, count, partial));
    }
    if (r < rows) top = max_(top, load_lanes(x + r * stride, count, partial));
    return max_(top, more);
}

/* Their powers; gives one over the sums. */
INLINE vec powers_down(const float *x, vec top, float *powers, int64_t rows, int64_t stride, int64_t count,
                       const bool partial)
{
    vec sum[LANES];
    int64_t r = 0;
    UNROLL for (int i = 0; i < LANES; i++) sum[i] = set(0);
    for (; r + LANES <= rows; r += LANES) {
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
    return divide(set(1.0F), sum_down(sum));
}

/* `strips` of LANES columns, the last one of `count`. */
INLINE void softmax_strips(const float *x, const softmax_to *given, int64_t rows, int64_t stride, const int strips,
                           int64_t count, const bool partial)
{
    const softmax_to to = *given;
    float *powers = waiting(&to);
    vec each[TOGETHER];
    UNROLL for (int s = 0; s < strips; s++) each[s] = top_down(x + s * LANES, rows, stride, count, partial);
    for (int s = 0; s < strips; s++)
        each[s] = powers_down(x + s * LANES, each[s], powers + s * LANES, rows, stride, count, partial);
    for (int64_t r = 0; r < rows; r++) {
        UNROLL for (int s = 0; s < strips; s++)
        {
            int64_t at = r * stride + s * LANES;
            give_weight(&to, at, mul(load_lanes(powers + at, count, partial), each[s]), count, partial);
        }
    }
}

static void softmax_columns_to(const float *x, const softmax_to *to, int64_t rows, int64_t columns, int64_t stride)
{
    int64_t c = 0;
    for (; c + TOGETHER * LANES <= columns; c += TOGETHER * LANES) {
        softmax_to at = softmax_from(to, c);
        softmax_strips(x + c, &at, rows, stride, TOGETHER, LANES, false);
    }
    for (; c + 2 * LANES <= columns; c += 2 * LANES) {
        softmax_to at = softmax_from(to, c);
        softmax_strips(x + c, &at, rows, stride, 2, LANES, false);
    }
    if (c + LANES <= columns) {
        softmax_to at = softmax_from(to, c);
        softmax_strips(x + c, &at, rows, stride, 1, LANES, false);
        c += LANES;
    }
    if (c < columns) {
        softmax_to at = softmax_from(to, c);
        softmax_strips(x + c, &at, rows, stride, 1, columns - c, true);
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
