// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_heads.c: what stands behind the backbone: forecasting. */
#include <stdlib.h>
#include <string.h>

#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/reshape.h"
#include "learn/nn/ops/select.h"
#include "learn/nn/ops/unscale.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The selected channels in ascending order, in the graph's memory; NULL for all. */
static const int64_t *selected_channels(const mixer_build *b)
{
    const ag_list *list = &b->config->prediction_channel_indices;
    if (!list->count) return NULL;
    int64_t *sorted = ag_graph_memory(b->graph, list->count * sizeof *sorted);
    if (!sorted) return NULL;
    memcpy(sorted, list->items, list->count * sizeof *sorted);
    qsort(sorted, list->count, sizeof *sorted, compare);
    return sorted;
}

static ag_ref flat_hidden(const mixer_build *b, ag_ref hidden)
{
    const ag_patchtsmixer *c = b->config;
    ag_ref flat = ag_reshape(b->graph, hidden, ag_shape_of(c->num_input_channels, b->patches * c->d_model));
    return ag_drop(b->graph, flat, c->head_dropout);
}

void ag_mixer_forecast(const mixer_build *b, ag_ref hidden)
{
    const ag_patchtsmixer *c = b->config;
    ag_unscale selection = {selected_channels(b), (int64_t)c->prediction_channel_indices.count};
    ag_graph_push(b->graph, "head");
    ag_ref y = ag_mixer_linear(b, flat_hidden(b, hidden), "base_forecast_block", c->prediction_length);
    if (c->head == 1) {
        y = ag_mixer_linear(b, y, "base_forecast_block1", c->prediction_length);
        y = ag_mixer_linear(b, y, "base_forecast_block2", c->prediction_length);
    }
    y = ag_graph_apply(b->graph, &ag_op_unscale, "unscale", (ag_ref[]){y, b->location, b->scale}, 3, &selection);
    ag_graph_pop(b->graph);
    ag_graph_output(b->graph, "prediction_outputs", y);
    if (!b->building->loss) return;
    ag_ref target = ag_graph_input(b->graph, "future_values", ag_shape_of(c->prediction_length, c->num_input_channels));
    if (selection.channels)
        target = ag_graph_apply1(b->graph, &ag_op_select, "select_target", target,
                                 &(ag_select){selection.channels, selection.count});
    const ag_op *loss = c->loss == AG_MIXER_FOCAL ? &ag_op_focal_mse : &ag_op_mse;
    ag_graph_loss(b->graph, ag_graph_apply2(b->graph, loss, "loss", y, target, NULL));
}
