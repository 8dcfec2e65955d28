// SPDX-License-Identifier: Apache-2.0
#pragma once
/* losses.h: attributes of losses, and the shape rule of those that compare two values element by element. */
#include "learn/nn/ops/ops.h"

typedef struct ag_huber {
    double delta; /* beyond it the loss is linear */
} ag_huber;

/* Inputs: prediction and target of one shape; output: numerator and weight. */
int ag_pair_shape(ag_shaping *shaping, ag_err *err);
double ag_pair_cost(const ag_node *node);
