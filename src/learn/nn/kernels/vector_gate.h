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

static void gate_rows_gradient(const float *weights, const float *v, float *d, float *slopes, int64_t rows,
                               int64_t columns)
{
    for (int64_t r0 = 0; r0 < rows; r0 += LANES) {
        int64_t some = rows - r0 < LANES ? rows - r0 : LANES;
        vec each[LANES];
        float sums[LANES];
        for (int64_t r = 0, at = r0 * columns; r < some; r++, at += columns) {
            each[r] = set(0);
            for (int64_t c = 0; c < columns; c += LANES)
                each[r] = gate_one(weights + at + c, v + at + c, d + at + c, slopes + at + c, each[r], columns - c);
        }
        store(sums, down_to(each, some, false));
        for (int64_t r = 0, at = r0 * columns; r < some; r++, at += columns)
            for (int64_t c = 0; c < columns; c += LANES)
                gate_subtract(weights + at + c, slopes + at + c, set(sums[r]), columns - c);
    }
}

static void gate_columns_gradient(const float *weights, const float *v, float *d, float *slopes, int64_t rows,
                                  int64_t columns)
{
    for (int64_t c = 0; c < columns; c += LANES) {
        vec sum = set(0);
        for (int64_t at = c; at < rows * columns; at += columns)
            sum = gate_one(weights + at, v + at, d + at, slopes + at, sum, columns - c);
        for (int64_t at = c; at < rows * columns; at += columns)
            gate_subtract(weights + at, slopes + at, sum, columns - c);
    }
}
