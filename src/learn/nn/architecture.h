// SPDX-License-Identifier: Apache-2.0
#pragma once
/* architecture.h: a family of models: a described configuration and a function that builds its graph. One const struct
 * in a file of its own under models/ and one line in models/models.list. Names that training and tools rely on: the
 * inputs of a graph are "past_values" (and "observed_mask", "future_values", "target_values", ... as the architecture's
 * doc says); outputs are named as the reference implementation names them. */
#include "core/doc/describe.h"
#include "learn/nn/distribution.h"
#include "learn/nn/graph.h"

/* What the graph is built for. */
typedef struct ag_building {
    bool loss;                       /* with target inputs and a loss; else forward only */
    bool constant;                   /* parameters stay as they are once they are there, so maps may be joined */
    bool plain;                      /* of single operations instead of fused ones: to check one against the other */
    const ag_adaptation *adaptation; /* NULL: none; see lora.h */
} ag_building;

/* A model whose outputs "NAME.0", "NAME.1", ... are the parameters of a distribution. */
typedef struct ag_predictive {
    const ag_distribution *distribution; /* NULL: it is none of these */
    const char *outputs;                 /* NAME: "prediction_outputs" */
    bool scaled;                         /* to the series' units: times the output "scale", plus "loc" */
    int64_t samples;                     /* that are drawn when nobody says how many */
} ag_predictive;

typedef struct ag_architecture {
    const char *name; /* "patchtsmixer" */
    const char *doc;
    const ag_description *configuration;
    /* Required: adds everything to `graph`; refusals stick to the graph (ag_graph_refuse). Does not finish it. */
    void (*build)(ag_graph *graph, const void *configuration, const ag_building *building);
    /* Optional: what results.h can compute from the outputs. */
    ag_predictive (*predictive)(const void *configuration);
} ag_architecture;

const ag_architecture *const *ag_architecture_all(size_t *count);
const ag_architecture *ag_architecture_find(const char *name); /* NULL when unknown */
/* Builds and finishes. */
int ag_architecture_graph(const ag_architecture *architecture, const void *configuration, const ag_building *building,
                          ag_graph **out, ag_err *err);
