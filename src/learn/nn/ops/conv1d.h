// SPDX-License-Identifier: Apache-2.0
#pragma once
/* conv1d.h: a convolution along the rows of a series. */
#include "learn/nn/ops/ops.h"

/* x [rows, in], weight [out, in / groups, taps] as PyTorch has it, bias [out] (optional) -> [rows', out]:
 * y(t, o) = bias(o) + sum over taps k and channels i of weight(o, i, k) * x(t * stride + k * dilation - left, i),
 * where rows outside the series are zero. */
typedef struct ag_conv1d {
    int64_t stride, dilation, left, right, groups; /* stride, dilation and groups 0 are read as 1 */
} ag_conv1d;

int64_t ag_conv1d_rows(const ag_conv1d *conv, int64_t rows, int64_t taps); /* rows of the result; < 1: none */
