// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_heatmap.c: maps along the positions, which the stock model does not have: the head that other
 * architectures share (heads.h). A patch sees the features of all its channels side by side and gives the maps of its
 * own rows: a light head, where a forecast's would spend most of the model on lengths that nobody asked for. */
#include "learn/nn/models/heads.h"
#include "learn/nn/models/patchtsmixer_parts.h"

ag_ref ag_mixer_heatmap(mixer_build *b, ag_ref hidden)
{
    const ag_patchtsmixer *c = b->config;
    ag_series_config *series = ag_graph_memory(b->graph, sizeof *series);
    ag_head_config *head = ag_graph_memory(b->graph, sizeof *head);
    if (!series || !head) return hidden;
    *series = (ag_series_config){.context_length = c->context_length, .num_input_channels = b->channels};
    *head = (ag_head_config){.task = AG_TASK_HEATMAP, .num_targets = c->num_targets, .dropout = c->head_dropout};
    ag_heading heading = {.graph = b->graph, .series = series, .config = head, .building = b->building};
    if (c->patch_stride * b->patches < c->context_length)
        ag_graph_refuse(b->graph, "heat maps need patches that cover all %lld rows: %lld of stride %lld do not",
                        (long long)c->context_length, (long long)b->patches, (long long)c->patch_stride);
    ag_heading_finish_channels(&heading, hidden);
    return hidden;
}
