// SPDX-License-Identifier: Apache-2.0
/* architecture.c: the list of architectures. */
#include "learn/nn/architecture.h"

#include <string.h>

#include "learn/nn/models/cnn_lstm.h"
#include "learn/nn/models/dlinear.h"
#include "learn/nn/models/lstm.h"
#include "learn/nn/models/neural_ode.h"
#include "learn/nn/models/nlinear.h"
#include "learn/nn/models/patch_transformer.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/nn/models/tabularnet.h"

static const ag_architecture *const architectures[] = {
    &ag_architecture_cnn_lstm,     &ag_architecture_dlinear,    &ag_architecture_lstm,
    &ag_architecture_neural_ode,   &ag_architecture_nlinear,    &ag_architecture_patch_transformer,
    &ag_architecture_patchtsmixer, &ag_architecture_tabularnet,
};

const ag_architecture *const *ag_architecture_all(size_t *count)
{
    *count = sizeof architectures / sizeof *architectures;
    return architectures;
}

const ag_architecture *ag_architecture_find(const char *name)
{
    for (size_t i = 0; i < sizeof architectures / sizeof *architectures; i++)
        if (strcmp(architectures[i]->name, name) == 0) return architectures[i];
    return NULL;
}

int ag_architecture_graph(const ag_architecture *architecture, const void *configuration, const ag_building *building,
                          ag_graph **out, ag_err *err)
{
    ag_graph *graph = NULL;
    int rc = ag_graph_new(&graph, err);
    if (rc < 0) return rc;
    architecture->build(graph, configuration, building);
    if ((rc = ag_graph_finish(graph, err)) < 0) {
        ag_graph_free(graph);
        return rc;
    }
    *out = graph;
    return 0;
}
