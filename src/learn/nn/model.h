// SPDX-License-Identifier: Apache-2.0
#pragma once
/* model.h: a graph with the values of its parameters: what is trained, saved and served. */
#include "core/base/rng.h"
#include "learn/nn/graph.h"

typedef struct ag_model {
    ag_graph *graph; /* owned */
    ag_real *values; /* owned: flat, row i of the table at its offset */
} ag_model;

/* Takes the finished graph (also on failure); values are zero. */
int ag_model_new(ag_graph *graph, ag_model **out, ag_err *err);
void ag_model_free(ag_model *model);
/* Every parameter by its rule, from a stream of its own that is named after it: adding a layer changes no other. */
void ag_model_initialise(ag_model *model, uint64_t seed);
ag_real *ag_model_parameter(const ag_model *model, const char *name); /* NULL when absent */
int64_t ag_model_count(const ag_model *model, bool trainable_only);   /* numbers that are parameters */
