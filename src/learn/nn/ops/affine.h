// SPDX-License-Identifier: Apache-2.0
#pragma once
/* affine.h: y = scale x + shift with two fixed numbers; y = max((x + sqrt(x^2 + 4)) / 2, least) + shift. */
#include "learn/nn/ops/ops.h"

typedef struct ag_affine {
    double scale, shift;
} ag_affine;

typedef struct ag_squareplus {
    double least, shift;
} ag_squareplus;
