// SPDX-License-Identifier: Apache-2.0
/* model.c: see model.h. */
#include "learn/nn/model.h"

#include <string.h>

#include "core/base/mem.h"

int ag_model_new(ag_graph *graph, ag_model **out, ag_err *err)
{
    size_t bytes = (size_t)(ag_graph_flat_size(graph) + AG_REAL_ALIGN) * sizeof(ag_real);
    ag_model *model = ag_calloc(1, sizeof *model);
    ag_real *values = ag_alloc_aligned(64, bytes);
    if (!model || !values) {
        ag_free(model);
        ag_free(values);
        ag_graph_free(graph);
        return ag_fail_memory(err, bytes);
    }
    memset(values, 0, bytes);
    *model = (ag_model){graph, values};
    *out = model;
    return 0;
}

void ag_model_free(ag_model *model)
{
    if (!model) return;
    ag_graph_free(model->graph);
    ag_free(model->values);
    ag_free(model);
}

void ag_model_initialise(ag_model *model, uint64_t seed)
{
    for (int32_t i = 0; i < ag_graph_parameters(model->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(model->graph, i);
        ag_rng rng = ag_rng_stream(seed, row->name);
        row->init.rule->fill(row->init.a, row->init.b, &row->shape, &rng, model->values + row->offset);
    }
}

ag_real *ag_model_parameter(const ag_model *model, const char *name)
{
    int32_t at = ag_graph_parameter_find(model->graph, name);
    return at < 0 ? NULL : model->values + ag_graph_parameter_at(model->graph, at)->offset;
}

int64_t ag_model_count(const ag_model *model, bool trainable_only)
{
    int64_t count = 0;
    for (int32_t i = 0; i < ag_graph_parameters(model->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(model->graph, i);
        if (!row->state && (row->trainable || !trainable_only)) count += row->size;
    }
    return count;
}
