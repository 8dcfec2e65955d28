// SPDX-License-Identifier: Apache-2.0
/* architecture.c: the list of architectures, models/models.list, as a table. */
#include "learn/nn/architecture.h"

#include <string.h>

#define AG_ARCHITECTURE(name) extern const ag_architecture ag_architecture_##name;
#include "learn/nn/models/models.list"
#undef AG_ARCHITECTURE

static const ag_architecture *const architectures[] = {
#define AG_ARCHITECTURE(name) &ag_architecture_##name,
#include "learn/nn/models/models.list"
#undef AG_ARCHITECTURE
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
    ag_graph_adapt(graph, building->adaptation);
    architecture->build(graph, configuration, building);
    if ((rc = ag_graph_finish(graph, err)) < 0) {
        ag_graph_free(graph);
        return rc;
    }
    *out = graph;
    return 0;
}
