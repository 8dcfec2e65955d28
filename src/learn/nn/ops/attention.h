// SPDX-License-Identifier: Apache-2.0
#pragma once
/* attention.h: softmax(q k^T / sqrt(width of a head)) v. */
#include "learn/nn/ops/ops.h"

typedef struct ag_attention {
    int64_t heads;
    double dropout; /* of the probabilities, in training */
} ag_attention;
