// SPDX-License-Identifier: Apache-2.0
#pragma once
/* golden.h: the synthetic models and series whose exact results are known: weights from a hash of (tensor, element), a
 * series of sines. */
#include "learn/nn/check.h"
#include "learn/nn/models/patchtsmixer.h"

/* The small configuration: 3 channels, 24 rows, patches of 4, width 4, 2 layers, 2 heads, everything switched on. */
ag_patchtsmixer golden_small(void);
ag_patchtsmixer golden_drilling(void);
/* A finished model with the synthetic weights. */
ag_model *golden_model(const ag_patchtsmixer *config, bool loss, bool plain);
/* x[t][c] and the target, of config's shape; the caller frees with ag_free(). */
ag_real *golden_series(const ag_patchtsmixer *config);
ag_real *golden_target(const ag_patchtsmixer *config);
/* Element k of tensor j, in [-1, 1). */
double golden_number(uint64_t j, uint64_t k);

typedef struct golden_run { /* results of one sample; freed by golden_run_free */
    ag_model *model;
    ag_real *outputs[8]; /* by output of the graph */
    ag_real *gradient;
    double loss;
} golden_run;
/* Evaluation mode. `extra` binds other inputs by name (NULL-ended), may be NULL. */
typedef struct golden_input {
    const char *name;
    const ag_real *values;
} golden_input;
golden_run golden_compute(const ag_patchtsmixer *config, bool gradients, bool plain, const golden_input *inputs);
void golden_run_free(golden_run *run);
const ag_real *golden_output(const golden_run *run, const char *name);
/* Element of the gradient of a parameter. */
double golden_slope(const golden_run *run, const char *parameter, int64_t element);

/* A row, relative to its largest element: a small one may be what large ones left of each other. */
void golden_expect(const ag_real *is, int count, const double *should, double tolerance, const char *what);
#define GOLDEN_EXPECT(is, tolerance, ...)                                                                              \
    golden_expect(is, (int)(sizeof((double[]){__VA_ARGS__}) / sizeof(double)), (double[]){__VA_ARGS__}, tolerance, #is)
/* What float leaves: rounding the weights and the input alone moves results by up to 7e-7 (measured in double). */
#define GOLDEN_NEAR (AG_REAL_IS_DOUBLE ? 2e-10 : 1e-6)
#define GOLDEN_HIDDEN_NEAR (AG_REAL_IS_DOUBLE ? 2e-10 : 2e-6)
