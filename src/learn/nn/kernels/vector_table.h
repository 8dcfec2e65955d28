// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_table.h: what every table of vector kernels holds (kernels.h): the usable() of the file that includes this,
 * and what the vector headers make of its instruction set. A kernel that is added stands here and in plain.c;
 * what only some instruction sets have stands in their own files. */
#include "learn/nn/kernels/vector_attention.h"

#define VECTOR_KERNELS                                                                                                 \
    .usable = usable, .lanes = LANES, .matmul = matmul, .matmul_nt = matmul_nt, .exp = each_exp, .erf = each_erf,      \
    .tanh = each_tanh, .sigmoid = each_sigmoid, .one_minus_exp = each_one_minus_exp, .gelu = each_gelu,                \
    .gelu_gradient = gelu_gradient, .softmax_rows = softmax_rows, .softmax_rows_gradient = softmax_rows_gradient,      \
    .softmax_columns = softmax_columns, .softmax_columns_gradient = softmax_columns_gradient, .gate_rows = gate_rows,  \
    .gate_columns = gate_columns, .gate_rows_gradient = gate_rows_gradient,                                            \
    .gate_columns_gradient = gate_columns_gradient, .attend = attend, .attend_gradient = attend_gradient,              \
    .layer_norm = layer_norm, .layer_norm_again = layer_norm_again, .layer_norm_gradient = layer_norm_gradient,        \
    .dropout = dropout, .dropout_at = dropout_at, .dropout_again = dropout_again, .gelu_drop = gelu_drop,              \
    .gelu_drop_gradient = gelu_drop_gradient, .adam = adam, .add = add_to, .sum = sum_up, .multiply = multiply,        \
    .multiply_add = multiply_add, .scale_add = scale_add, .scale_rows = scale_rows, .sum_rows = sum_rows,              \
    .sum_columns = sum_columns, .transpose = transpose
