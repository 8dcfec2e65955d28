// SPDX-License-Identifier: Apache-2.0
#pragma once
/* compare.h: numbers about tensors: of one, and of two that should be alike. Everything is summed in double. */
#include "learn/nn/checkpoint/safetensors.h"

typedef struct ag_tensor_summary {
    double least, greatest, mean, deviation; /* of the finite numbers; 0 when there are none */
    int64_t not_finite;
} ag_tensor_summary;

typedef struct ag_tensor_difference {
    bool same_bits;           /* same type, same bytes */
    double absolute;          /* largest |a - b|; infinite when only one of two numbers is finite */
    double relative;          /* largest |a - b| / max(|a|, |b|) */
    double cosine;            /* of the two as vectors; 1 when both are zero */
    int64_t differing, worst; /* numbers that differ, and where the largest difference is */
} ag_tensor_difference;

ag_tensor_summary ag_tensor_summarise(const ag_tensor *tensor);
/* Both have the same count. */
ag_tensor_difference ag_tensor_compare(const ag_tensor *a, const ag_tensor *b);
