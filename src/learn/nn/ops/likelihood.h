// SPDX-License-Identifier: Apache-2.0
#pragma once
/* likelihood.h: what the negative log-likelihoods share. Inputs of such an operation: its distribution's parameters,
 * then the target, all of one shape [.., channels], then, optionally, location and scale [channels] by which the target
 * is brought to the distribution's units. The likelihoods of a row's channels are multiplied; rows are averaged. */
#include "learn/nn/ops/ops.h"

#define AG_MAX_DENSITY 3

typedef struct ag_density {
    int parameters;
    bool affine; /* the target becomes (t - location) / scale; else ln(scale) is added to the last parameter */
    /* -ln p(y); slopes (NULL: not wanted) gets the derivatives by the parameters and then by y. */
    double (*loss)(const double *parameters, double y, double *slopes);
} ag_density;

int ag_likelihood_shape(ag_shaping *shaping, const ag_density *density, ag_err *err);
void ag_likelihood_forward(const ag_call *call, const ag_density *density);
void ag_likelihood_backward(const ag_call *call, const ag_density *density);
