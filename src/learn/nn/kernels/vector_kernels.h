// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_kernels.h: the kernels in terms of `vec`, compiled once per instruction set: avx512.c, avx2.c and neon.c
 * include their simd_*.h and then this. It and the files that it includes define static functions only.
 *
 * Norms and softmaxes of rows take as many rows at a time as a vector has lanes: the sums along these rows then are one
 * merged reduction (sums_of), and roots and quotients one instruction for all of them. A row that is left over goes
 * through the same code beside empty ones, so its bits do not depend on its neighbours. */
#include <stdbool.h>
#include <string.h>

#include "learn/nn/kernels/tables.h"

/* Of clang fully: what it calls unrolling comes after arrays of vectors have got their places in memory, where they
 * stay. */
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define INLINE static inline __attribute__((always_inline))

/* clang-format off: the order matters */
#ifndef HAS_MERGED_SUMS
/* Lane i of the result: the sum (largest) of the lanes of v[i]. */
INLINE vec sums_of(const vec *v)
{
    float sums[LANES];
    for (int i = 0; i < LANES; i++) sums[i] = sum_of(v[i]);
    return load(sums);
}
INLINE vec tops_of(const vec *v)
{
    float tops[LANES];
    for (int i = 0; i < LANES; i++) tops[i] = max_of(v[i]);
    return load(tops);
}
#endif

#define TOGETHER                                                                                                       \
    4 /* times LANES rows, or columns, are walked before the next walk over them: none waits for the others */

/* Of the first `rows` vectors alone. */
INLINE vec down_to(const vec *v, int64_t rows, bool tops)
{
    vec padded[LANES];
    UNROLL for (int r = 0; r < LANES; r++) padded[r] = r < rows ? v[r] : set(0);
    return tops ? tops_of(padded) : sums_of(padded);
}

/* x in the first `count` lanes, 0 in the others; for sums over a row's last vector. */
INLINE vec keep_first(int64_t count, vec x)
{
    return count < LANES ? keep_where((1U << count) - 1, x) : x;
}

/* The last of a row of numbers, which vectors of all lanes leave over; others of the row in the lanes that are free. */
INLINE vec load_last(const float *row, int64_t columns)
{
    if (columns >= LANES) return load(row + columns - LANES);
    return add(load_some(row, columns), keep_where(~((1U << columns) - 1), set(row[0])));
}

#include "learn/nn/kernels/vector_dropout.h"
#include "learn/nn/kernels/vector_functions.h"
#include "learn/nn/kernels/vector_gate.h"
#include "learn/nn/kernels/vector_norms.h"
#include "learn/nn/kernels/vector_products.h"
#include "learn/nn/kernels/vector_softmax.h"
/* clang-format on */

/* ---- gradients of softmax ---- */

/* Up to LANES rows. */
INLINE void softmax_gradient_some(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns)
{
    const int64_t whole = columns / LANES * LANES, rest = columns - whole;
    vec each[LANES];
    float mean[LANES];
    UNROLL for (int r = 0; r < LANES; r++) each[r] = set(0);
    for (int64_t r = 0, at = 0; r < rows; r++, at += columns) {
        vec sum = set(0);
        for (int64_t c = 0; c < whole; c += LANES) sum = fma_(load(y + at + c), load(dy + at + c), sum);
        each[r] = rest ? fma_(load_some(y + at + whole, rest), load_some(dy + at + whole, rest), sum) : sum;
    }
    store(mean, sums_of(each));
    for (int64_t r = 0, at = 0; r < rows; r++, at += columns) {
        vec from = set(mean[r]);
        for (int64_t c = at; c < at + whole; c += LANES) store(dx + c, mul(load(y + c), sub(load(dy + c), from)));
        int64_t c = at + whole;
        if (rest) store_some(dx + c, mul(load_some(y + c, rest), sub(load_some(dy + c, rest), from)), rest);
    }
}

static void softmax_rows_gradient(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns)
{
    int64_t r = 0;
    for (; r + LANES <= rows; r += LANES)
        softmax_gradient_some(y + r * columns, dy + r * columns, dx + r * columns, LANES, columns);
    if (r < rows) softmax_gradient_some(y + r * columns, dy + r * columns, dx + r * columns, rows - r, columns);
}

/* Up to LANES columns. */
INLINE void softmax_gradient_strip(const float *y, const float *dy, float *dx, int64_t rows, int64_t stride,
                                   int64_t count, const bool partial)
{
    vec sum = set(0);
    for (int64_t r = 0, at = 0; r < rows; r++, at += stride)
        sum = fma_(load_lanes(y + at, count, partial), load_lanes(dy + at, count, partial), sum);
    for (int64_t r = 0, at = 0; r < rows; r++, at += stride) {
        vec slope = sub(load_lanes(dy + at, count, partial), sum);
        store_lanes(dx + at, mul(load_lanes(y + at, count, partial), slope), count, partial);
    }
}

static void softmax_columns_gradient(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns,
                                     int64_t stride)
{
    int64_t c = 0;
    for (; c + LANES <= columns; c += LANES) softmax_gradient_strip(y + c, dy + c, dx + c, rows, stride, LANES, false);
    if (c < columns) softmax_gradient_strip(y + c, dy + c, dx + c, rows, stride, columns - c, true);
}

/* ---- optimiser ---- */

INLINE void adam_some(const ag_adam_step *a, int64_t i, int64_t some, const bool partial)
{
    vec value = load_lanes(a->values + i, some, partial), slope = load_lanes(a->gradient + i, some, partial);
    vec g = fma_(value, set(a->decay), mul(slope, set(a->scale)));
    vec first_moment = fma_(load_lanes(a->first + i, some, partial), set(a->beta1), mul(g, set(a->rest1)));
    vec second_moment = fma_(load_lanes(a->second + i, some, partial), set(a->beta2), mul(mul(g, g), set(a->rest2)));
    vec root = fma_(square_root(second_moment), set(a->root), set(a->epsilon));
    store_lanes(a->first + i, first_moment, some, partial);
    store_lanes(a->second + i, second_moment, some, partial);
    vec change = divide(mul(first_moment, set(a->rate)), root);
    store_lanes(a->values + i, sub(mul(value, set(a->keep)), change), some, partial);
}

static void adam(const ag_adam_step *step)
{
    const ag_adam_step a = *step;
    int64_t i = 0;
    for (; i + LANES <= a.count; i += LANES) adam_some(&a, i, LANES, false);
    if (i < a.count) adam_some(&a, i, a.count - i, true);
}

/* ---- element by element ---- */

static void add_to(const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, add(load(y + i), load(x + i)));
    for (; i < count; i++) y[i] += x[i];
}

static void sum_up(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, add(load(a + i), load(b + i)));
    for (; i < count; i++) y[i] = a[i] + b[i];
}

static void multiply(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, mul(load(a + i), load(b + i)));
    for (; i < count; i++) y[i] = a[i] * b[i];
}

static void multiply_add(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0, some;
    for (; i + LANES <= count; i += LANES) store(y + i, fma_(load(a + i), load(b + i), load(y + i)));
    if ((some = count - i) > 0)
        store_some(y + i, fma_(load_some(a + i, some), load_some(b + i, some), load_some(y + i, some)), some);
}

static void scale_add(float factor, const float *x, float *y, int64_t count)
{
    int64_t i = 0, some;
    for (; i + LANES <= count; i += LANES) store(y + i, fma_(set(factor), load(x + i), load(y + i)));
    if ((some = count - i) > 0)
        store_some(y + i, fma_(set(factor), load_some(x + i, some), load_some(y + i, some)), some);
}

static void scale_rows(const float *factors, float *x, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t r = 0; r < rows; r++, x += stride) {
        vec by = set(factors[r]);
        int64_t c = 0;
        for (; c + LANES <= columns; c += LANES) store(x + c, mul(load(x + c), by));
        if (c < columns) store_some(x + c, mul(load_some(x + c, columns - c), by), columns - c);
    }
}

/* Of up to LANES columns. Four sums side by side: an addition takes four cycles. */
INLINE void sum_strip(const float *x, float *y, int64_t rows, int64_t stride, int64_t count, const bool partial)
{
    vec sum[4] = {load_lanes(y, count, partial), set(0), set(0), set(0)};
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4, x += 4 * stride) {
        UNROLL for (int i = 0; i < 4; i++) sum[i] = add(sum[i], load_lanes(x + i * stride, count, partial));
    }
    for (; r < rows; r++, x += stride) sum[0] = add(sum[0], load_lanes(x, count, partial));
    store_lanes(y, add(add(sum[0], sum[1]), add(sum[2], sum[3])), count, partial);
}

static void sum_rows(const float *x, float *y, int64_t rows, int64_t columns, int64_t stride)
{
    int64_t c = 0;
    for (; c + LANES <= columns; c += LANES) sum_strip(x + c, y + c, rows, stride, LANES, false);
    if (c < columns) sum_strip(x + c, y + c, rows, stride, columns - c, true);
}

/* Along `rows` rows side by side, since a sum waits for itself. */
INLINE void sum_along(const float *x, float *y, const int rows, int64_t columns, int64_t stride)
{
    vec sum[4];
    int64_t c = 0;
    UNROLL for (int r = 0; r < rows; r++) sum[r] = set(0);
    for (; c + LANES <= columns; c += LANES) {
        UNROLL for (int r = 0; r < rows; r++) sum[r] = add(sum[r], load(x + r * stride + c));
    }
    UNROLL for (int r = 0; r < rows; r++)
    {
        if (c < columns) sum[r] = add(sum[r], load_some(x + r * stride + c, columns - c));
        y[r] += sum_of(sum[r]);
    }
}

static void sum_columns(const float *x, float *y, int64_t rows, int64_t columns, int64_t stride)
{
    int64_t r = 0;
    for (; r + 4 <= rows; r += 4) sum_along(x + r * stride, y + r, 4, columns, stride);
    for (; r < rows; r++) sum_along(x + r * stride, y + r, 1, columns, stride);
}
