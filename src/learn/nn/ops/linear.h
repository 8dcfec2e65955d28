// SPDX-License-Identifier: Apache-2.0
#pragma once
/* linear.h: the product of a linear map whose weights are packed, for the operations that have one. */
#include "learn/nn/op.h"

typedef struct ag_linear_map {
    int64_t inputs, outputs;
    const ag_real *panels; /* W^T in panels (panels.h) */
    const ag_real *bias;   /* or NULL */
} ag_linear_map;

/* out[0] = map of in[0], or the call's part of it; with ag_linear_scratch() reals of scratch per sample of `rows`. */
void ag_linear_multiply(const ag_call *call, const ag_linear_map *map);
int64_t ag_linear_scratch(int64_t rows, int64_t inputs, int64_t outputs);

enum { AG_MAX_CHAIN = 4 }; /* maps of a linear_chain */
