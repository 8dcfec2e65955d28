// SPDX-License-Identifier: Apache-2.0
#pragma once
/* probe.h: a small graph with numbers in it, run once without training: for comparing an operation with its formula,
 * written out in the test. */
#include "learn/nn/check.h"

#define PROBE_PORTS 8

typedef struct probe {
    ag_model *model;
    int64_t samples;
    ag_real *in[PROBE_PORTS], *out[PROBE_PORTS]; /* by port: samples * size numbers */
} probe;

/* Inputs are normal numbers unless `fill` says otherwise, parameters their initial values. */
probe probe_run(void (*build)(ag_graph *graph, const void *config), const void *config, int64_t samples,
                void (*fill)(const char *input, ag_real *values, int64_t samples, int64_t size));
void probe_free(probe *p);
double probe_parameter(const probe *p, const char *name, int64_t element);
/* How near a value computed here must come to its formula in double. */
double probe_near(void);
