// SPDX-License-Identifier: Apache-2.0
/* avx2.c: the kernels for AVX2 with FMA. The whole file is compiled for that instruction set by a pragma, whatever the
 * rest of the program is compiled for; nothing of it runs unless usable() said yes. */
#include "learn/nn/kernels/tables.h"

#if defined(__x86_64__) && !defined(AG_REAL_DOUBLE)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#include "learn/nn/kernels/simd_avx2.h"
#include "learn/nn/kernels/vector_attention.h"

#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static bool usable(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const ag_kernels ag_kernels_avx2 = {
    .name = "avx2",
    .usable = usable,
    .lanes = LANES,
    .matmul = matmul,
    .matmul_nt = matmul_nt,
    .exp = each_exp,
    .erf = each_erf,
    .tanh = each_tanh,
    .sigmoid = each_sigmoid,
    .one_minus_exp = each_one_minus_exp,
    .gelu = each_gelu,
    .gelu_gradient = gelu_gradient,
    .softmax_rows = softmax_rows,
    .softmax_rows_gradient = softmax_rows_gradient,
    .softmax_columns = softmax_columns,
    .softmax_columns_gradient = softmax_columns_gradient,
    .gate_rows = gate_rows,
    .gate_columns = gate_columns,
    .gate_rows_gradient = gate_rows_gradient,
    .gate_columns_gradient = gate_columns_gradient,
    .attend = attend,
    .attend_gradient = attend_gradient,
    .layer_norm = layer_norm,
    .layer_norm_again = layer_norm_again,
    .layer_norm_gradient = layer_norm_gradient,
    .dropout = dropout,
    .dropout_at = dropout_at,
    .dropout_again = dropout_again,
    .gelu_drop = gelu_drop,
    .gelu_drop_slopes = gelu_drop_slopes,
    .gelu_drop_gradient = gelu_drop_gradient,
    .adam = adam,
    .add = add_to,
    .sum = sum_up,
    .multiply = multiply,
    .multiply_add = multiply_add,
    .scale_add = scale_add,
    .scale_rows = scale_rows,
    .sum_rows = sum_rows,
    .sum_columns = sum_columns,
    .transpose = transpose,
};

#endif
