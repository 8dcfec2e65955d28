// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_blocks.c: the mixers of a layer as fused operations: what is built unless single operations are asked
 * for (ag_building.plain) or the norm is a batch norm, which must see the whole batch at once. The parameters are those
 * of the single operations, made in the same order. */
#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/mixer.h"
#include "learn/nn/ops/self_attention.h"
#include "learn/nn/ops/sum_norm.h"

static void norm(const mixer_build *b, const char *name, int64_t width, ag_ref *pair)
{
    ag_graph_push(b->graph, "%s.norm", name);
    pair[0] = ag_graph_parameter(b->graph, "weight", ag_shape_of(width), ag_init_constant(1.0));
    pair[1] = ag_graph_parameter(b->graph, "bias", ag_shape_of(width), ag_init_constant(0.0));
    ag_graph_pop(b->graph);
}

static void linear(const mixer_build *b, const char *name, int64_t out, int64_t in, ag_ref *pair)
{
    ag_layer_init init = {b->config->post_init ? b->config->init_std : 0.0};
    ag_layer_linear_parameters(b->graph, name, out, in, init, &pair[0], &pair[1]);
}

static void gate(const mixer_build *b, int64_t length, ag_ref *pair)
{
    if (!b->config->gated_attn) return;
    ag_graph_push(b->graph, "gating_block");
    linear(b, "attn_layer", length, length, pair);
    ag_graph_pop(b->graph);
}

static void mlp(const mixer_build *b, int64_t length, ag_ref *in)
{
    int64_t hidden = length * b->config->expansion_factor;
    ag_graph_push(b->graph, "mlp");
    linear(b, "fc1", hidden, length, &in[AG_MIXER_W1]);
    linear(b, "fc2", length, hidden, &in[AG_MIXER_W2]);
    ag_graph_pop(b->graph);
}

ag_ref ag_mixer_block(const mixer_build *b, ag_ref x, const char *name, int axis, bool whole)
{
    ag_shape shape = ag_graph_shape(b->graph, x);
    if (shape.axes != 3) return AG_NO_REF; /* the graph has failed */
    int64_t length = shape.at[axis], width = shape.at[2];
    ag_ref in[AG_MIXER_INPUTS] = {x};
    ag_mixer mixer = {axis, axis == 0, whole, b->config->norm_eps, b->config->dropout};
    ag_graph_push(b->graph, "%s", name);
    if (whole) norm(b, "norm", width, &in[AG_MIXER_GAIN]);
    if (mixer.gate_first) gate(b, length, &in[AG_MIXER_A]);
    mlp(b, length, in);
    if (!mixer.gate_first) gate(b, length, &in[AG_MIXER_A]);
    ag_ref y = ag_graph_apply(b->graph, &ag_op_mixer, "", in, AG_MIXER_INPUTS, &mixer);
    ag_graph_pop(b->graph);
    return y;
}

ag_ref ag_mixer_self_attention(const mixer_build *b, ag_ref x)
{
    static const char *const names[] = {"k_proj", "v_proj", "q_proj", "out_proj"};
    int64_t width = b->config->d_model;
    ag_ref in[AG_SELF_INPUTS] = {x};
    ag_graph_push(b->graph, "self_attn_layer");
    for (int i = 0; i < 4; i++) linear(b, names[i], width, width, &in[AG_SELF_K + 2 * i]);
    ag_ref y = ag_graph_apply(b->graph, &ag_op_self_attention, "", in, AG_SELF_INPUTS,
                              &(ag_self_attention){b->config->self_attn_heads, b->config->dropout});
    ag_graph_pop(b->graph);
    return y;
}

ag_ref ag_mixer_sum_norm(const mixer_build *build, ag_ref a, ag_ref b, ag_ref c, const char *name)
{
    ag_ref in[AG_SUM_NORM_INPUTS] = {a, b, c};
    norm(build, name, build->config->d_model, &in[AG_SUM_NORM_GAIN]);
    return ag_graph_apply(build->graph, &ag_op_sum_norm, name, in, AG_SUM_NORM_INPUTS,
                          &(ag_sum_norm){build->config->norm_eps});
}
