// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_gate.h: the gradient through a gate, for vector_kernels.h: two products and the gradient of a softmax, which
 * each would walk over the same numbers, in two walks. */
#include "learn/nn/kernels/tables.h"
#include "learn/nn/kernels/vector_functions.h"

/* Up to LANES numbers: d becomes that of v, slopes the gradient of the weight; adds to the sum that the softmax
 * subtracts. */
INLINE vec gate_one(const float *weights, const float *v, float *d, float *slopes, vec sum, int64_t count)
{
    bool whole = count >= LANES;
    vec y = whole ? load(weights) : load_some(weights, count), dy = whole ? load(d) : load_some(d, count);
    vec slope = mul(dy, whole ? load(v) : load_some(v, count)), to_v = mul(dy, y);
    if (whole) {
        store(slopes, slope);
        store(d, to_v);
    } else {
        store_some(slopes, slope, count);
        store_some(d, to_v, count);
    }
    return fma_(y, slope, sum);
}

INLINE void gate_subtract(const float *weights, float *slopes, vec sum, int64_t count)
{
    if (count >= LANES)
        store(slopes, mul(load(weights), sub(load(slopes), sum)));
    else
        store_some(slopes, mul(load_some(weights, count), sub(load_some(slopes, count), sum)), count);
}

/* Up to LANES rows: both walks of them. */
INLINE void gate_rows_products(const float *weights, const float *v, float *d, float *slopes, float *sums, int64_t rows,
                               const int64_t columns)
{
    vec each[LANES];
    UNROLL for (int r = 0; r < LANES; r++) each[r] = set(0);
    for (int64_t r = 0, at = 0; r < rows; r++) {
        const int64_t end = at + columns;
        vec sum = set(0);
        for (; at + LANES <= end; at += LANES) sum = gate_one(weights + at, v + at, d + at, slopes + at, sum, LANES);
        if (at < end) sum = gate_one(weights + at, v + at, d + at, slopes + at, sum, end - at);
        each[r] = sum;
        at = end;
    }
    store(sums, sums_of(each));
}

INLINE void gate_rows_subtract(const float *weights, float *slopes, const float *sums, int64_t rows,
                               const int64_t columns)
{
    for (int64_t r = 0, at = 0; r < rows; r++) {
        const int64_t end = at + columns;
        vec sum = set(sums[r]);
        for (; at + LANES <= end; at += LANES) gate_subtract(weights + at, slopes + at, sum, LANES);
        if (at < end) gate_subtract(weights + at, slopes + at, sum, end - at);
        at = end;
    }
}

/* Up to TOGETHER * LANES rows, which do not wait for each other's sums. */
INLINE void gate_rows_some(const float *weights, const float *v, float *d, float *slopes, int64_t rows,
                           const int64_t columns)
{
    float sums[TOGETHER * LANES];
    int64_t r = 0;
    for (int64_t at = 0; r + LANES <= rows; r += LANES, at += LANES * columns)
        gate_rows_products(weights + at, v + at, d + at, slopes + at, sums + r, LANES, columns);
    if (r < rows)
        gate_rows_products(weights + r * columns, v + r * columns, d + r * columns, slopes + r * columns, sums + r,
                           rows - r, columns);
    gate_rows_subtract(weights, slopes, sums, rows, columns);
}

/* With loops of known lengths, as softmax_rows_to(). */
static void gate_rows_gradient(const float *weights, const float *v, float *d, float *slopes, int64_t rows,
                               int64_t columns)
{
    for (int64_t r = 0; r < rows; r += TOGETHER * LANES) {
        int64_t at = r * columns, some = rows - r < TOGETHER * LANES ? rows - r : TOGETHER * LANES;
        if (columns == 16)
            gate_rows_some(weights + at, v + at, d + at, slopes + at, some, 16);
        else if (columns == 24)
            gate_rows_some(weights + at, v + at, d + at, slopes + at, some, 24);
        else if (columns == 32)
            gate_rows_some(weights + at, v + at, d + at, slopes + at, some, 32);
        else if (columns == 64)
            gate_rows_some(weights + at, v + at, d + at, slopes + at, some, 64);
        else
            gate_rows_some(weights + at, v + at, d + at, slopes + at, some, columns);
    }
}

/* `strips` of LANES columns, the last one of `count`. */
INLINE void gate_strips(const float *weights, const float *v, float *d, float *slopes, int64_t rows, int64_t stride,
                        const int strips, const int64_t count)
{
    vec sum[TOGETHER];
    UNROLL for (int s = 0; s < strips; s++) sum[s] = set(0);
    for (int64_t r = 0, at = 0; r < rows; r++, at += stride) {
        UNROLL for (int s = 0; s < strips; s++)
        {
            int64_t i = at + s * LANES;
            sum[s] = gate_one(weights + i, v + i, d + i, slopes + i, sum[s], count);
        }
    }
    for (int64_t r = 0, at = 0; r < rows; r++, at += stride) {
        UNROLL for (int s = 0; s < strips; s++)
            gate_subtract(weights + at + s * LANES, slopes + at + s * LANES, sum[s], count);
    }
}

static void gate_columns_gradient(const float *weights, const float *v, float *d, float *slopes, int64_t rows,
                                  int64_t columns)
{
    int64_t c = 0;
    for (; c + TOGETHER * LANES <= columns; c += TOGETHER * LANES)
        gate_strips(weights + c, v + c, d + c, slopes + c, rows, columns, TOGETHER, LANES);
    for (; c < columns; c += LANES) gate_strips(weights + c, v + c, d + c, slopes + c, rows, columns, 1, columns - c);
}
