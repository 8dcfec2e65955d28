// SPDX-License-Identifier: Apache-2.0
#pragma once
/* rotary.h: positions by turning pairs of features. */
#include "learn/nn/ops/ops.h"

/* x [.., tokens, width] of heads side by side, each of an even width w. In every head, feature i < w/2 of token t and
 * feature i + w/2 are turned as one point by the angle t * base^(-2i/w). */
typedef struct ag_rotary {
    int64_t heads;
    double base; /* 10000 usually */
} ag_rotary;
