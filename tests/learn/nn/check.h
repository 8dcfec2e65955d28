// SPDX-License-Identifier: Apache-2.0
#pragma once
/* check.h: what every operation and architecture must pass. Every tests/learn/nn test program is built twice: in float
 * and, with AG_REAL_DOUBLE, in double. ag_check_graph() does what each build can judge:
 *   double: gradients of parameters and inputs against central differences;
 *   float:  every kernel table against the plain one; the same bits for 1, 2, 3 and 4 threads; the same outputs
 * whatever the chunk; the same gradient whether or not outputs are computed, and when layers are computed again. */
#include "frame/test.h"
#include "learn/nn/exec.h"
#include "learn/nn/graph.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/model.h"
#include "learn/nn/ops/ops.h"

/* Describes the graph. Inputs get normal numbers and parameters their initial values plus a little noise, unless
 * `fill` says otherwise. A graph without a loss gets one: the squared distance of every output to an input of its own.
 */
typedef struct ag_check {
    void (*build)(ag_graph *graph, const void *config);
    const void *config;
    /* Optional: overwrites `values` (samples * size) of the named input. */
    void (*fill)(const char *input, ag_real *values, int64_t samples, int64_t size);
    int64_t samples;         /* 0: 5 */
    double step;             /* of the central differences; 0: 1e-5 */
    double tolerance;        /* relative, of gradients in double; 0: 1e-6 */
    double float_tolerance;  /* of vector against plain kernels, relative to the largest; 0: 2e-5 */
    bool not_training;       /* check the gradients of evaluation mode */
    const char *constant;    /* name of an input that has no gradient, such as a mask; may be NULL */
    bool no_input_gradients; /* the operation has none for its inputs */
    int most;                /* elements of each parameter and input that are checked; 0: 12 */
} ag_check;

void ag_check_graph(const ag_check *check);

/* Builds only, and expects to be refused with `part` in the text. */
void ag_check_refused(void (*build)(ag_graph *graph, const void *config), const void *config, const char *part);

/* A graph ready to use: fails the test when it cannot be built. */
ag_graph *ag_check_build(void (*build)(ag_graph *graph, const void *config), const void *config);

/* |a - b| <= tolerance * max(1, |b|), or says which. */
void ag_check_near(double a, double b, double tolerance, const char *what);
