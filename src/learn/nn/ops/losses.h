// SPDX-License-Identifier: Apache-2.0
#pragma once
/* losses.h: attributes of losses, and the shape rule of those that compare two values element by element. */
#include "learn/nn/ops/ops.h"

typedef struct ag_huber {
    double delta; /* beyond it the loss is linear */
} ag_huber;

typedef struct ag_quantile {
    const double *levels; /* each in (0, 1); must live as long as the graph */
    int64_t count;
} ag_quantile;

typedef struct ag_heatmap_focal {
    double alpha, beta; /* 2 and 4 in the papers */
} ag_heatmap_focal;

typedef struct ag_soft_argmax { /* where the positions lie */
    double first, step;
} ag_soft_argmax;

typedef struct ag_distillation {
    double temperature;
} ag_distillation;

/* Inputs: prediction and target of one shape; output: numerator and weight. */
int ag_pair_shape(ag_shaping *shaping, ag_err *err);
double ag_pair_cost(const ag_node *node);
