// SPDX-License-Identifier: Apache-2.0
#pragma once
/* layer_norm.h: normalises along the last axis. */
#include "learn/nn/ops/ops.h"

typedef struct ag_layer_norm {
    double epsilon;
} ag_layer_norm;
