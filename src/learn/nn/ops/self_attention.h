// SPDX-License-Identifier: Apache-2.0
#pragma once
/* self_attention.h: multi-head attention of [groups, tokens, width] to itself, with its four projections, as one
 * operation: concat over heads of drop(softmax(q k^T / sqrt(width of a head))) v, through the output's projection. */
#include "learn/nn/ops/ops.h"

enum { /* inputs: x, then weight [width, width] and bias [width] of each */
       AG_SELF_X,
       AG_SELF_K,
       AG_SELF_V = 3,
       AG_SELF_Q = 5,
       AG_SELF_OUT = 7,
       AG_SELF_INPUTS = 9
};

typedef struct ag_self_attention {
    int64_t heads;
    double dropout; /* of the probabilities, in training */
} ag_self_attention;
