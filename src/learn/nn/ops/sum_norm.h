// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sum_norm.h: y = norm(a + b) + c along the last axis, gain and shift as those of layer_norm. c may be missing. */
#include "learn/nn/ops/ops.h"

enum { AG_SUM_NORM_A, AG_SUM_NORM_B, AG_SUM_NORM_C, AG_SUM_NORM_GAIN, AG_SUM_NORM_SHIFT, AG_SUM_NORM_INPUTS };

typedef struct ag_sum_norm {
    double epsilon;
} ag_sum_norm;
