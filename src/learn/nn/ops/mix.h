// SPDX-License-Identifier: Apache-2.0
#pragma once
/* mix.h: a linear map along any one axis, without transposing. */
#include "learn/nn/ops/ops.h"

typedef struct ag_mix {
    int axis;
} ag_mix;
