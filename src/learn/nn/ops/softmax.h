// SPDX-License-Identifier: Apache-2.0
#pragma once
/* softmax.h: softmax along one axis. */
#include "learn/nn/ops/ops.h"

typedef struct ag_softmax {
    int axis;
} ag_softmax;
