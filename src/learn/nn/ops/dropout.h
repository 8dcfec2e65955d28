// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dropout.h: in training, sets elements to zero with a probability and scales the others. */
#include "learn/nn/ops/ops.h"

typedef struct ag_dropout_attributes {
    double probability; /* in [0, 1) */
} ag_dropout_attributes;

/* The value itself when the probability is 0. */
ag_ref ag_drop(ag_graph *graph, ag_ref value, double probability);
