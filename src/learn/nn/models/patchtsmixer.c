// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer.c: PatchTSMixer as Hugging Face computes it, with the drilling models' stacked head and focal loss.
 * Values have the shape [channels, patches, features] throughout; the three mixers of a layer are linear maps along one
 * of these axes each, in the order channels, patches, features. The gate stands before the MLP when channels are mixed
 * and behind it otherwise. Every norm is over the features. The heads
 * stand in files of their own. */
#include "learn/nn/models/patchtsmixer.h"

#include <math.h>
#include <string.h>

#include "learn/nn/models/patchtsmixer_parts.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/attention.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/patchify.h"
#include "learn/nn/ops/reshape.h"
#include "learn/nn/ops/scaler.h"
#include "learn/nn/ops/softmax.h"

enum { CHANNELS, PATCHES, FEATURES };

static ag_layer_init layer_init(const mixer_build *b)
{
    return (ag_layer_init){b->config->post_init ? b->config->init_std : 0.0};
}

ag_ref ag_mixer_linear(const mixer_build *b, ag_ref x, const char *name, int64_t out)
{
    return ag_layer_linear(b->graph, x, name, out, layer_init(b));
}

ag_ref ag_mixer_linears(const mixer_build *b, ag_ref x, const char *const *names, int count, int64_t out)
{
    if (count > 1 && b->building->constant && !b->building->plain && !b->building->adaptation)
        return ag_layer_linear_chain(b->graph, x, names, count, out, layer_init(b));
    for (int i = 0; i < count; i++) x = ag_mixer_linear(b, x, names[i], out);
    return x;
}

static bool by_batch(const ag_patchtsmixer *c)
{
    return c->norm_mlp && strcasestr(c->norm_mlp, "batch");
}

static bool fused(const mixer_build *b)
{
    return !b->building->plain && !b->building->adaptation && !by_batch(b->config);
}

static ag_ref norm(const mixer_build *b, ag_ref x, const char *name)
{
    ag_graph_push(b->graph, "%s", name);
    ag_ref y = by_batch(b->config) ? ag_layer_batch_norm(b->graph, x, "norm.batchnorm", b->config->norm_eps)
                                   : ag_layer_norm_affine(b->graph, x, "norm", b->config->norm_eps);
    ag_graph_pop(b->graph);
    return y;
}

/* v * softmax(A v + a) along the axis. */
static ag_ref gate(const mixer_build *b, ag_ref x, int axis)
{
    if (!b->config->gated_attn) return x;
    int64_t width = ag_graph_shape(b->graph, x).at[axis];
    ag_graph_push(b->graph, "gating_block");
    ag_ref logits = ag_layer_mix(b->graph, x, "attn_layer", axis, width, layer_init(b));
    ag_ref weights = ag_graph_apply1(b->graph, &ag_op_softmax, "softmax", logits, &(ag_softmax){axis});
    ag_ref y = ag_graph_apply2(b->graph, &ag_op_multiply, "gate", x, weights, NULL);
    ag_graph_pop(b->graph);
    return y;
}

static ag_ref mlp(const mixer_build *b, ag_ref x, int axis)
{
    int64_t width = ag_graph_shape(b->graph, x).at[axis];
    ag_graph_push(b->graph, "mlp");
    ag_ref h = ag_layer_mix(b->graph, x, "fc1", axis, width * b->config->expansion_factor, layer_init(b));
    h = ag_drop(b->graph, ag_graph_apply1(b->graph, &ag_op_gelu, "gelu", h, NULL), b->config->dropout);
    h = ag_drop(b->graph, ag_layer_mix(b->graph, h, "fc2", axis, width, layer_init(b)), b->config->dropout);
    ag_graph_pop(b->graph);
    return h;
}

static ag_ref attention(const mixer_build *b, ag_ref x)
{
    int64_t width = b->config->d_model;
    ag_graph_push(b->graph, "self_attn_layer");
    ag_ref k = ag_mixer_linear(b, x, "k_proj", width);
    ag_ref v = ag_mixer_linear(b, x, "v_proj", width);
    ag_ref q = ag_mixer_linear(b, x, "q_proj", width);
    ag_ref y = ag_graph_apply(b->graph, &ag_op_attention, "", (ag_ref[]){q, k, v}, 3,
                              &(ag_attention){b->config->self_attn_heads, b->config->dropout, false});
    y = ag_mixer_linear(b, y, "out_proj", width);
    ag_graph_pop(b->graph);
    return y;
}

static ag_ref add(const mixer_build *b, ag_ref x, ag_ref y)
{
    return ag_graph_apply2(b->graph, &ag_op_add, "residual", x, y, NULL);
}

static ag_ref channel_mixer(const mixer_build *b, ag_ref x)
{
    if (fused(b)) return ag_mixer_block(b, x, "channel_feature_mixer", CHANNELS, true);
    ag_graph_push(b->graph, "channel_feature_mixer");
    ag_ref y = mlp(b, gate(b, norm(b, x, "norm"), CHANNELS), CHANNELS);
    y = add(b, y, x);
    ag_graph_pop(b->graph);
    return y;
}

static ag_ref patch_mixer(const mixer_build *b, ag_ref x)
{
    if (fused(b) && !b->config->self_attn) return ag_mixer_block(b, x, "patch_mixer", PATCHES, true);
    ag_graph_push(b->graph, "patch_mixer");
    ag_ref n = norm(b, x, "norm");
    ag_ref y = fused(b) ? ag_mixer_block(b, n, "", PATCHES, false) : gate(b, mlp(b, n, PATCHES), PATCHES);
    if (b->config->self_attn && fused(b)) {
        y = ag_mixer_sum_norm(b, y, ag_mixer_self_attention(b, n), x, "norm_attn");
    } else {
        if (b->config->self_attn) y = norm(b, add(b, y, attention(b, n)), "norm_attn");
        y = add(b, y, x);
    }
    ag_graph_pop(b->graph);
    return y;
}

static ag_ref feature_mixer(const mixer_build *b, ag_ref x)
{
    if (fused(b)) return ag_mixer_block(b, x, "feature_mixer", FEATURES, true);
    ag_graph_push(b->graph, "feature_mixer");
    ag_ref y = gate(b, mlp(b, norm(b, x, "norm"), FEATURES), FEATURES);
    y = add(b, y, x);
    ag_graph_pop(b->graph);
    return y;
}

static ag_ref position(const mixer_build *b)
{
    const ag_patchtsmixer *c = b->config;
    ag_shape shape = ag_shape_of(b->patches, c->d_model);
    ag_graph_push(b->graph, "positional_encoder");
    ag_ref table = c->positional_encoding_type == 0 ? ag_graph_frozen(b->graph, "position_enc", shape, ag_init_sincos())
                                                    : ag_graph_parameter(b->graph, "position_enc", shape,
                                                                         ag_init_normal(0.0, c->post_init ? 0.1 : 1.0));
    ag_graph_pop(b->graph);
    return table;
}

/* From patches [channels, patches, length] to the hidden state. */
static ag_ref encoder(const mixer_build *b, ag_ref patches)
{
    const ag_patchtsmixer *c = b->config;
    ag_graph_push(b->graph, c->task == AG_MIXER_BACKBONE ? "encoder" : "model.encoder");
    ag_ref table = c->use_positional_encoding ? position(b) : AG_NO_REF;
    ag_ref x = ag_mixer_linear(b, patches, "patcher", c->d_model);
    if (table.index) x = ag_graph_apply2(b->graph, &ag_op_add, "positional_encoder", x, table, NULL);
    ag_graph_push(b->graph, "mlp_mixer_encoder");
    for (int64_t i = 0; i < c->num_layers; i++) {
        ag_graph_push(b->graph, "mixers.%d", (int)i);
        if (c->mode == 1) x = channel_mixer(b, x);
        x = feature_mixer(b, patch_mixer(b, x));
        ag_graph_pop(b->graph);
    }
    ag_graph_pop(b->graph);
    ag_graph_pop(b->graph);
    return x;
}

static ag_ref scaled(mixer_build *b, ag_ref x, ag_ref observed)
{
    static const ag_scaler_kind kinds[] = {AG_SCALER_NONE, AG_SCALER_STD, AG_SCALER_MEAN};
    const ag_patchtsmixer *c = b->config;
    double minimum = c->minimum_scale != 0.0 ? c->minimum_scale : c->scaling == AG_MIXER_STD ? 1e-5 : 1e-10;
    ag_ref z = ag_graph_apply2(
        b->graph, &ag_op_scaler, "scaler", x, observed,
        &(ag_scaler){kinds[c->scaling], minimum, c->default_scale > 0.0 ? c->default_scale : (double)NAN});
    b->location = ag_graph_slot(b->graph, z, 1);
    b->scale = ag_graph_slot(b->graph, z, 2);
    return z;
}

/* Each condition becomes a channel that is the same in every row. */
static ag_ref with_conditions(const mixer_build *b, ag_ref z)
{
    const ag_patchtsmixer *c = b->config;
    if (!c->num_conditions) return z;
    ag_ref x = ag_graph_input(b->graph, "conditions", ag_shape_of(c->num_conditions));
    x = ag_graph_apply1(b->graph, &ag_op_repeat, "conditions", x, &(ag_repeat){0, c->context_length});
    return ag_concat2(b->graph, z, x, 1);
}

static void check(const mixer_build *b)
{
    const ag_patchtsmixer *c = b->config;
    ag_graph *g = b->graph;
    if (c->context_length <= c->patch_length)
        ag_graph_refuse(g, "context_length %lld must be greater than patch_length %lld", (long long)c->context_length,
                        (long long)c->patch_length);
    if (c->num_patches && c->num_patches != b->patches)
        ag_graph_refuse(g, "num_patches is %lld, but this context, patch length and stride give %lld",
                        (long long)c->num_patches, (long long)b->patches);
    if (c->use_positional_encoding && c->positional_encoding_type == 0 && c->d_model % 2)
        ag_graph_refuse(g, "d_model %lld must be even for positional_encoding_type sincos", (long long)c->d_model);
    if (c->self_attn && (c->self_attn_heads < 1 || c->d_model % c->self_attn_heads))
        ag_graph_refuse(g, "d_model %lld is not divisible by self_attn_heads %lld", (long long)c->d_model,
                        (long long)c->self_attn_heads);
    if (c->num_conditions && c->task != AG_MIXER_HEATMAP && c->task != AG_MIXER_PRETRAINING)
        ag_graph_refuse(g, "num_conditions is for the tasks heatmap and pretraining");
    if (c->task == AG_MIXER_BACKBONE && b->building->loss)
        ag_graph_refuse(g, "task backbone has no head, so it has no loss");
}

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    static ag_ref (*const heads[])(mixer_build *, ag_ref) = {
        [AG_MIXER_FORECAST] = ag_mixer_forecast,
        [AG_MIXER_REGRESSION] = ag_mixer_regression,
        [AG_MIXER_CLASSIFICATION] = ag_mixer_classification,
        [AG_MIXER_PRETRAINING] = ag_mixer_pretraining,
        [AG_MIXER_HEATMAP] = ag_mixer_heatmap,
    };
    const ag_patchtsmixer *c = configuration;
    mixer_build b = {.graph = graph,
                     .config = c,
                     .building = building,
                     .patches = ag_patch_count(c->context_length, c->patch_length, c->patch_stride),
                     .channels = c->num_input_channels + c->num_conditions};
    check(&b);
    ag_shape series = ag_shape_of(c->context_length, c->num_input_channels);
    ag_ref x = ag_graph_input(graph, "past_values", series);
    bool maskable = c->task != AG_MIXER_REGRESSION && c->task != AG_MIXER_CLASSIFICATION;
    ag_ref observed = maskable ? ag_graph_optional_input(graph, "observed_mask", series) : AG_NO_REF;
    ag_ref z = with_conditions(&b, scaled(&b, x, observed));
    ag_ref patches =
        ag_graph_apply1(graph, &ag_op_patchify, "patchify", z, &(ag_patchify){c->patch_length, c->patch_stride});
    if (c->task == AG_MIXER_PRETRAINING) patches = ag_mixer_hide(&b, patches);
    ag_ref hidden = encoder(&b, patches);
    if (c->task != AG_MIXER_BACKBONE) hidden = heads[c->task](&b, hidden);
    ag_graph_output(graph, "last_hidden_state", hidden);
    ag_graph_output(graph, "loc", b.location);
    ag_graph_output(graph, "scale", b.scale);
}

static ag_predictive predictive(const void *configuration)
{
    static const ag_distribution *const distributions[] = {&ag_distribution_student_t, &ag_distribution_normal,
                                                           &ag_distribution_negative_binomial};
    const ag_patchtsmixer *c = configuration;
    bool forecast = c->task == AG_MIXER_FORECAST;
    if (c->loss != AG_MIXER_NLL || (!forecast && c->task != AG_MIXER_REGRESSION)) return (ag_predictive){0};
    return (ag_predictive){.distribution = distributions[c->distribution_output],
                           .outputs = forecast ? "prediction_outputs" : "regression_outputs",
                           .scaled = forecast && c->distribution_output != AG_MIXER_NEGATIVE_BINOMIAL,
                           .samples = c->num_parallel_samples};
}

const ag_architecture ag_architecture_patchtsmixer = {
    .name = "patchtsmixer",
    .doc = "mixes patches, channels and features of a multichannel series",
    .configuration = &ag_patchtsmixer_description,
    .build = build,
    .predictive = predictive,
};
