// SPDX-License-Identifier: Apache-2.0
#pragma once
/* results.h: what a loaded model can be asked for: the outputs of its graph and, where those are the parameters of a
 * distribution, also
 *   mean           in the units of the series
 *   quantile:Q     for Q in (0, 1)
 *   samples        drawn values, samples:N draws N; a first axis counts them. A pure function of the run's seed and
 *                  step, and of the sample's number in the step. */
#include "learn/nn/architecture.h"
#include "learn/nn/exec.h"

typedef enum ag_result_kind { AG_RESULT_OUTPUT, AG_RESULT_MEAN, AG_RESULT_QUANTILE, AG_RESULT_SAMPLES } ag_result_kind;

typedef struct ag_result {
    ag_result_kind kind;
    const char *name; /* as it was asked for; of an output: the graph's own */
    ag_shape shape;   /* of one sample */
    int64_t size;
    double q;
    int64_t draws;
} ag_result;

/* What the architecture says of a model's outputs. */
ag_predictive ag_predictive_of(const ag_architecture *architecture, const void *configuration);
/* `name` NULL: what a user wants first: the mean of a distribution, else the first output. */
int ag_result_find(const ag_graph *graph, const ag_predictive *predictive, const char *name, ag_result *out,
                   ag_err *err);

/* Bindings of results to arrays over an exec whose plan has outputs. Nothing is allocated after ag_results_new(). */
typedef struct ag_results ag_results;
enum { AG_RESULTS_MOST = 16 }; /* computed results bound at a time */

int ag_results_new(const ag_graph *graph, const ag_predictive *predictive, ag_exec *exec, ag_results **out,
                   ag_err *err);
void ag_results_free(ag_results *results); /* the exec is the caller's */
/* Until bound otherwise; NULL unbinds. */
int ag_results_bind(ag_results *results, const char *name, ag_real *values, ag_err *err);
/* The array that the name is bound to; NULL: none. */
ag_real *ag_results_bound(const ag_results *results, const char *name);
/* Every bound array begins so many samples further (below 0: earlier) from now on. */
int ag_results_shift(ag_results *results, int64_t samples, ag_err *err);
/* ag_exec_run(), and the results that are computed from outputs. */
int ag_results_run(ag_results *results, ag_device_run *run, ag_err *err);
int64_t ag_results_bytes(const ag_results *results);
