// SPDX-License-Identifier: Apache-2.0
#pragma once
/* attention.h: softmax(q k^T / sqrt(width of a head)) v. Inputs: q [.., queries, width], k and v [.., keys, width] (the
 * same tokens, or others: cross-attention) and, optionally, a mask of 0 and 1, [keys] or [queries, keys], a value or a
 * parameter: 0 hides. A query that sees nothing gets zeros. */
#include "learn/nn/ops/ops.h"

typedef struct ag_attention {
    int64_t heads;
    double dropout; /* of the probabilities, in training */
    bool causal;    /* query i sees the keys 0 to i */
} ag_attention;
