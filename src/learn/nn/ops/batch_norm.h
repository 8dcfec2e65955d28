// SPDX-License-Identifier: Apache-2.0
#pragma once
/* batch_norm.h: normalises each entry of the last axis over all rows of the whole batch. */
#include "learn/nn/ops/ops.h"

/* Inputs: x [.., n], gain [n], shift [n], and the state: running mean [n], running variance [n], batches seen []. */
typedef struct ag_batch_norm {
    double epsilon, momentum; /* running = (1 - momentum) * running + momentum * of the batch */
} ag_batch_norm;
