// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_targets.c: regression and classification: a few numbers for a whole window. What the scaler took away is
 * given back to the hidden state first: location and scale of each channel go through small linear layers (no
 * activations) into every patch. */
#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/affine.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/reshape.h"
#include "learn/nn/ops/softmax.h"

enum { NOT_AGGREGATED, LAST, MOST, MEAN };
enum { EXPANSION = 2 }; /* of the injecting layers, whatever the mixers' is */

static ag_ref inject(const mixer_build *b, ag_ref hidden)
{
    const ag_patchtsmixer *c = b->config;
    if (c->scaling == AG_MIXER_UNSCALED) return hidden;
    ag_shape column = ag_shape_of(c->num_input_channels, 1);
    ag_graph_push(b->graph, "inject_scale");
    ag_ref s =
        ag_concat2(b->graph, ag_reshape(b->graph, b->location, column), ag_reshape(b->graph, b->scale, column), 1);
    s = ag_mixer_linear(b, s, "map_scale_expansion", 2 * EXPANSION);
    s = ag_mixer_linear(b, s, "map_scale_compression", 2);
    s = ag_graph_apply1(b->graph, &ag_op_repeat, "repeat", s, &(ag_repeat){1, b->patches});
    ag_ref x = ag_concat2(b->graph, hidden, s, 2);
    x = ag_mixer_linear(b, x, "inverse_trans_expansion", EXPANSION * c->d_model);
    x = ag_mixer_linear(b, x, "inverse_trans_compression", c->d_model);
    ag_graph_pop(b->graph);
    return x;
}

/* [channels, patches, features] to a row: features of each channel, or features by patches of each. */
static ag_ref aggregated(const mixer_build *b, ag_ref x)
{
    static const ag_reduction kinds[] = {[LAST] = AG_REDUCE_LAST, [MOST] = AG_REDUCE_MAX, [MEAN] = AG_REDUCE_MEAN};
    const ag_patchtsmixer *c = b->config;
    int64_t size = c->num_input_channels * c->d_model;
    if (c->head_aggregation == NOT_AGGREGATED) {
        x = ag_swap_axes(b->graph, x, 1, 2);
        size *= b->patches;
    } else {
        x = ag_graph_apply1(b->graph, &ag_op_reduce, "aggregate", x, &(ag_reduce){1, kinds[c->head_aggregation]});
    }
    return ag_drop(b->graph, ag_reshape(b->graph, x, ag_shape_of(size)), c->head_dropout);
}

static ag_ref limited(const mixer_build *b, ag_ref x)
{
    const ag_list *range = &b->config->output_range;
    if (!range->count) return x;
    if (range->count != 2) {
        ag_graph_refuse(b->graph, "output_range has %zu numbers: a least and a greatest are wanted", range->count);
        return x;
    }
    const double *limits = range->items;
    x = ag_graph_apply1(b->graph, &ag_op_sigmoid, "sigmoid", x, NULL);
    return ag_graph_apply1(b->graph, &ag_op_affine, "range", x, &(ag_affine){limits[1] - limits[0], limits[0]});
}

static ag_ref projected(const mixer_build *b, ag_ref hidden)
{
    ag_graph_push(b->graph, "head");
    ag_ref y = ag_mixer_linear(b, aggregated(b, hidden), "projection", b->config->num_targets);
    y = limited(b, y);
    ag_graph_pop(b->graph);
    return y;
}

static ag_ref targets(const mixer_build *b)
{
    return ag_graph_input(b->graph, "target_values", ag_shape_of(b->config->num_targets));
}

static void regress_distribution(const mixer_build *b, ag_ref hidden)
{
    ag_ref parameters[AG_MIXER_MAX_PARAMETERS];
    ag_graph_push(b->graph, "head");
    int count = ag_mixer_distribution(b, aggregated(b, hidden), "projection", b->config->num_targets, parameters);
    ag_graph_pop(b->graph);
    ag_mixer_show(b, "regression_outputs", parameters, count);
    if (b->building->loss) ag_mixer_likelihood(b, parameters, targets(b), AG_NO_REF, AG_NO_REF);
}

ag_ref ag_mixer_regression(mixer_build *b, ag_ref hidden)
{
    hidden = inject(b, hidden);
    if (b->config->loss == AG_MIXER_NLL) {
        regress_distribution(b, hidden);
        return hidden;
    }
    ag_ref y = projected(b, hidden);
    ag_graph_output(b->graph, "regression_outputs", y);
    if (b->building->loss) ag_graph_loss(b->graph, ag_graph_apply2(b->graph, &ag_op_mse, "loss", y, targets(b), NULL));
    return hidden;
}

ag_ref ag_mixer_classification(mixer_build *b, ag_ref hidden)
{
    hidden = inject(b, hidden);
    ag_ref y = projected(b, hidden);
    ag_graph_output(b->graph, "prediction_outputs", y);
    ag_graph_output(b->graph, "probabilities",
                    ag_graph_apply1(b->graph, &ag_op_softmax, "probabilities", y, &(ag_softmax){0}));
    if (!b->building->loss) return hidden;
    ag_ref right = ag_graph_input(b->graph, "target_values", ag_shape_scalar());
    ag_graph_loss(b->graph, ag_graph_apply2(b->graph, &ag_op_cross_entropy, "loss", y, right, NULL));
    return hidden;
}
