// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_pretraining.c: some patches are hidden behind the scaler, and a linear layer on the hidden state of each
 * patch has to find them. Which are hidden is drawn, also outside training, unless the input "mask" says. */
#include <string.h>

#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/masking.h"

static const int64_t *kept_list(const mixer_build *b, const ag_list *list)
{
    int64_t *kept = list->count ? ag_graph_memory(b->graph, list->count * sizeof *kept) : NULL;
    if (kept) memcpy(kept, list->items, list->count * sizeof *kept);
    return kept;
}

ag_ref ag_mixer_hide(mixer_build *b, ag_ref patches)
{
    const ag_patchtsmixer *c = b->config;
    ag_masking masking = {.forecast = c->mask_type == 1,
                          .ratio = c->random_mask_ratio,
                          .counts = kept_list(b, &c->num_forecast_mask_patches),
                          .count = (int64_t)c->num_forecast_mask_patches.count,
                          .per_channel = !c->channel_consistent_masking,
                          .spared = ag_mixer_channels(b, "unmasked_channel_indices", &c->unmasked_channel_indices),
                          .spared_count = (int64_t)c->unmasked_channel_indices.count,
                          .fill = c->mask_value};
    ag_shape grid = ag_shape_of(b->channels, b->patches);
    ag_ref given = ag_graph_optional_input(b->graph, "mask", grid);
    b->true_patches = patches;
    b->hidden_patches = ag_graph_apply2(b->graph, &ag_op_mask_patches, "masking", patches, given, &masking);
    return ag_graph_slot(b->graph, b->hidden_patches, 1);
}

ag_ref ag_mixer_pretraining(mixer_build *b, ag_ref hidden)
{
    const ag_patchtsmixer *c = b->config;
    ag_graph_push(b->graph, "head");
    ag_ref y = ag_mixer_linear(b, ag_drop(b->graph, hidden, c->head_dropout), "base_pt_block", c->patch_length);
    ag_graph_pop(b->graph);
    ag_graph_output(b->graph, "prediction_outputs", y);
    ag_graph_output(b->graph, "mask", b->hidden_patches);
    if (!b->building->loss) return hidden;
    ag_ref loss = ag_graph_apply(b->graph, &ag_op_patch_loss, "loss", (ag_ref[]){y, b->true_patches, b->hidden_patches},
                                 3, &(ag_patch_loss){c->masked_loss, c->pretrain_terms});
    ag_graph_loss(b->graph, loss);
    return hidden;
}
