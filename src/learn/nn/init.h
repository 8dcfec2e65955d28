// SPDX-License-Identifier: Apache-2.0
#pragma once
/* init.h: how a parameter gets its first values. One const struct per rule; a graph names the rule with its numbers in
 * the parameter's table row, so that the table alone says how a model begins. */
#include "core/base/rng.h"
#include "learn/nn/real.h"
#include "learn/nn/shape.h"

typedef struct ag_initialiser {
    const char *name; /* for the table that `model inspect` prints */
    void (*fill)(double a, double b, const ag_shape *shape, ag_rng *rng, ag_real *out);
} ag_initialiser;

typedef struct ag_init {
    const ag_initialiser *rule;
    double a, b;
} ag_init;

ag_init ag_init_constant(double value);
ag_init ag_init_uniform(double bound);  /* in [-bound, bound) */
ag_init ag_init_fan_in(int64_t fan_in); /* uniform in +-1/sqrt(fan_in): what PyTorch gives a Linear */
ag_init ag_init_normal(double mean, double deviation);
ag_init ag_init_sincos(void); /* the standardised sine and cosine table of the mixer, [P, d] */
