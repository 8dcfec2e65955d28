// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_heads.c: forecasting: the flat hidden state of each channel through one linear layer, or three, or one
 * per parameter of a distribution. Values go back to the units of the input. The parameters of a distribution stay in
 * scaled units, and its likelihood scales the target instead; but counts are not scaled: there the log-odds move by
 * ln(scale), also in the output, as in transformers. */
#include <stdlib.h>
#include <string.h>

#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/reshape.h"
#include "learn/nn/ops/select.h"
#include "learn/nn/ops/unscale.h"

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

const int64_t *ag_mixer_channels(const mixer_build *b, const char *key, const ag_list *list)
{
    if (!list->count) return NULL;
    int64_t *sorted = ag_graph_memory(b->graph, list->count * sizeof *sorted);
    if (!sorted) return NULL;
    memcpy(sorted, list->items, list->count * sizeof *sorted);
    qsort(sorted, list->count, sizeof *sorted, compare);
    for (size_t i = 0; i < list->count; i++) {
        int64_t said = sorted[i];
        if (said < 0) sorted[i] += b->config->num_input_channels;
        if (sorted[i] < 0 || sorted[i] >= b->channels)
            ag_graph_refuse(b->graph, "%s: channel %lld is not one of 0 to %lld", key, (long long)said,
                            (long long)b->channels - 1);
    }
    return sorted;
}

static ag_ref flat_hidden(const mixer_build *b, ag_ref hidden)
{
    const ag_patchtsmixer *c = b->config;
    ag_ref flat = ag_reshape(b->graph, hidden, ag_shape_of(c->num_input_channels, b->patches * c->d_model));
    return ag_drop(b->graph, flat, c->head_dropout);
}

static ag_ref chosen(const mixer_build *b, ag_ref x, const char *name, const ag_select *selection)
{
    return selection->index ? ag_graph_apply1(b->graph, &ag_op_select, name, x, selection) : x;
}

static ag_ref target(const mixer_build *b, const ag_select *selection)
{
    const ag_patchtsmixer *c = b->config;
    ag_shape shape = ag_shape_of(c->prediction_length, c->num_input_channels);
    return chosen(b, ag_graph_input(b->graph, "future_values", shape), "select_target", selection);
}

static void forecast_values(const mixer_build *b, ag_ref flat, const ag_select *selection)
{
    const ag_patchtsmixer *c = b->config;
    ag_graph_push(b->graph, "head");
    static const char *const blocks[] = {"base_forecast_block", "base_forecast_block1", "base_forecast_block2"};
    ag_ref y = ag_mixer_linears(b, flat, blocks, c->head == 1 ? 3 : 1, c->prediction_length);
    y = ag_graph_apply(b->graph, &ag_op_unscale, "unscale", (ag_ref[]){y, b->location, b->scale}, 3,
                       &(ag_unscale){selection->index, selection->count});
    ag_graph_pop(b->graph);
    ag_graph_output(b->graph, "prediction_outputs", y);
    if (!b->building->loss) return;
    /* The drilling models' focal loss is plain as soon as channels are selected. */
    const ag_op *loss = c->loss == AG_MIXER_FOCAL && !selection->index ? &ag_op_focal_mse : &ag_op_mse;
    ag_graph_loss(b->graph, ag_graph_apply2(b->graph, loss, "loss", y, target(b, selection), NULL));
}

static void forecast_distribution(const mixer_build *b, ag_ref flat, const ag_select *selection)
{
    const ag_patchtsmixer *c = b->config;
    ag_ref parameters[AG_MIXER_MAX_PARAMETERS];
    if (c->head == 1) ag_graph_refuse(b->graph, "the stacked head forecasts values, not a distribution (loss nll)");
    if (c->prediction_length < 2)
        ag_graph_refuse(b->graph,
                        "loss nll needs a prediction_length of 2 or more: with 1, transformers drops the axis "
                        "of time");
    ag_graph_push(b->graph, "head");
    int count = ag_mixer_distribution(b, flat, "base_forecast_block", c->prediction_length, parameters);
    for (int i = 0; i < count; i++)
        parameters[i] = chosen(b, ag_swap_axes(b->graph, parameters[i], 0, 1), "select", selection);
    ag_ref location = chosen(b, b->location, "select_loc", selection);
    ag_ref scale = chosen(b, b->scale, "select_scale", selection);
    if (c->distribution_output == AG_MIXER_NEGATIVE_BINOMIAL) {
        ag_ref shift = ag_graph_apply1(b->graph, &ag_op_log, "log_scale", scale, NULL);
        parameters[1] = ag_graph_apply2(b->graph, &ag_op_add, "rescale", parameters[1], shift, NULL);
        location = scale = AG_NO_REF;
    }
    ag_graph_pop(b->graph);
    ag_mixer_show(b, "prediction_outputs", parameters, count);
    if (b->building->loss) ag_mixer_likelihood(b, parameters, target(b, selection), location, scale);
}

ag_ref ag_mixer_forecast(mixer_build *b, ag_ref hidden)
{
    const ag_list *list = &b->config->prediction_channel_indices;
    ag_select selection = {ag_mixer_channels(b, "prediction_channel_indices", list), (int64_t)list->count};
    if (b->config->loss == AG_MIXER_NLL)
        forecast_distribution(b, flat_hidden(b, hidden), &selection);
    else
        forecast_values(b, flat_hidden(b, hidden), &selection);
    b->location = chosen(b, b->location, "loc", &selection);
    b->scale = chosen(b, b->scale, "scale", &selection);
    return hidden;
}
