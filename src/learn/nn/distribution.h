// SPDX-License-Identifier: Apache-2.0
#pragma once
/* distribution.h: what the parameters of a distribution say: its mean, its quantiles, and values drawn from it. In
 * double, without allocating, safe for threads. */
#include "core/base/rng.h"

#define AG_DISTRIBUTION_PARAMETERS 3

typedef struct ag_distribution {
    const char *name; /* "student_t" */
    int parameters;   /* of the functions below, in the order in which models give them */
    double (*mean)(const double *parameters);
    double (*quantile)(const double *parameters, double q); /* q in (0, 1); of whole numbers the least that reaches q */
    double (*draw)(const double *parameters, ag_rng *rng);
} ag_distribution;

extern const ag_distribution ag_distribution_student_t;         /* degrees of freedom, location, scale */
extern const ag_distribution ag_distribution_normal;            /* location, scale */
extern const ag_distribution ag_distribution_negative_binomial; /* failures, log-odds of a success */
