// SPDX-License-Identifier: Apache-2.0
/* patch_transformer.c: a transformer over patches of a series, after PatchTST (Nie et al. 2023): channels apart with
 * the same weights, or mixed into one token per patch. Norms stand before attention and MLP (pre-norm), or behind the
 * residuals as in the first transformer. */
#include "learn/nn/models/patch_transformer.h"

#include "learn/nn/layers.h"
#include "learn/nn/ops/arrange.h"
#include "learn/nn/ops/attention.h"
#include "learn/nn/ops/dropout.h"
#include "learn/nn/ops/patchify.h"
#include "learn/nn/ops/reshape.h"
#include "learn/nn/ops/rotary.h"

static const char *const mixings[] = {"independent", "mixed", NULL};
static const char *const encodings[] = {"none", "sincos", "learned", "rotary", NULL};
enum { ROTARY = 3 };

#define AT(member) offsetof(ag_patch_transformer, member)

static const ag_field fields[] = {
    AG_SERIES_FIELDS(ag_patch_transformer, series),
    AG_HEAD_FIELDS(ag_patch_transformer, head, "forecast"),
    {.name = "patch_length",
     .type = AG_FIELD_INT,
     .offset = AT(patch_length),
     .fallback = "16",
     .min = 1,
     .max = 1e6,
     .doc = "Rows of a patch."},
    {.name = "patch_stride",
     .type = AG_FIELD_INT,
     .offset = AT(patch_stride),
     .fallback = "8",
     .min = 1,
     .max = 1e6,
     .doc = "Rows from the beginning of a patch to the next."},
    {.name = "d_model",
     .type = AG_FIELD_INT,
     .offset = AT(d_model),
     .fallback = "64",
     .min = 1,
     .max = 1e5,
     .doc = "Features of a token."},
    {.name = "num_layers",
     .type = AG_FIELD_INT,
     .offset = AT(num_layers),
     .fallback = "3",
     .min = 1,
     .max = 1000,
     .doc = "Layers of attention and MLP."},
    {.name = "num_heads",
     .type = AG_FIELD_INT,
     .offset = AT(num_heads),
     .fallback = "4",
     .min = 1,
     .max = 1024,
     .doc = "Heads of the attention."},
    {.name = "ffn_dim",
     .type = AG_FIELD_INT,
     .offset = AT(ffn_dim),
     .fallback = "128",
     .min = 1,
     .max = 1e6,
     .doc = "Width of the hidden layer of each MLP."},
    {.name = "dropout",
     .type = AG_FIELD_REAL,
     .offset = AT(dropout),
     .fallback = "0.1",
     .min = 0,
     .max = 0.999,
     .doc = "Dropout behind attention and MLP, in training."},
    {.name = "attention_dropout",
     .type = AG_FIELD_REAL,
     .offset = AT(attention_dropout),
     .fallback = "0",
     .min = 0,
     .max = 0.999,
     .doc = "Dropout of the weights of the attention, in training."},
    {.name = "norm_eps",
     .type = AG_FIELD_REAL,
     .offset = AT(norm_eps),
     .fallback = "1e-5",
     .min = 0,
     .max = 1,
     .doc = "Added to variances in norms."},
    {.name = "channels",
     .type = AG_FIELD_CHOICE,
     .offset = AT(channels),
     .fallback = "independent",
     .choices = mixings,
     .doc = "Whether each channel is a series of its own, or a token holds all."},
    {.name = "positional_encoding",
     .type = AG_FIELD_CHOICE,
     .offset = AT(positional_encoding),
     .fallback = "learned",
     .choices = encodings,
     .doc = "How a token tells its place."},
    {.name = "pre_norm",
     .type = AG_FIELD_BOOL,
     .offset = AT(pre_norm),
     .fallback = "true",
     .doc = "Norms before attention and MLP instead of behind them."},
};

const ag_description ag_patch_transformer_description = {
    .name = "patch_transformer",
    .doc = "A patch transformer.",
    .size = sizeof(ag_patch_transformer),
    .fields = fields,
    .count = sizeof fields / sizeof *fields,
};

static ag_ref turned(ag_graph *g, const ag_patch_transformer *c, ag_ref x)
{
    return c->positional_encoding == ROTARY
               ? ag_graph_apply1(g, &ag_op_rotary, "rotary", x, &(ag_rotary){c->num_heads, 10000.0})
               : x;
}

static ag_ref attention(ag_graph *g, const ag_patch_transformer *c, ag_ref x)
{
    ag_graph_push(g, "self_attn");
    ag_ref q = turned(g, c, ag_layer_linear(g, x, "q_proj", c->d_model, (ag_layer_init){0}));
    ag_ref k = turned(g, c, ag_layer_linear(g, x, "k_proj", c->d_model, (ag_layer_init){0}));
    ag_ref v = ag_layer_linear(g, x, "v_proj", c->d_model, (ag_layer_init){0});
    ag_ref y = ag_graph_apply(g, &ag_op_attention, "", (ag_ref[]){q, k, v}, 3,
                              &(ag_attention){c->num_heads, c->attention_dropout, false});
    y = ag_layer_linear(g, y, "out_proj", c->d_model, (ag_layer_init){0});
    ag_graph_pop(g);
    return y;
}

static ag_ref mlp(ag_graph *g, const ag_patch_transformer *c, ag_ref x)
{
    ag_ref h = ag_layer_linear(g, x, "linear1", c->ffn_dim, (ag_layer_init){0});
    h = ag_drop(g, ag_graph_apply1(g, &ag_op_gelu, "gelu", h, NULL), c->dropout);
    return ag_layer_linear(g, h, "linear2", c->d_model, (ag_layer_init){0});
}

/* x + inside(x), with the norm on one side of it or the other. */
static ag_ref residual(ag_graph *g, const ag_patch_transformer *c, ag_ref x, const char *norm,
                       ag_ref (*inside)(ag_graph *, const ag_patch_transformer *, ag_ref))
{
    ag_ref y = inside(g, c, c->pre_norm ? ag_layer_norm_affine(g, x, norm, c->norm_eps) : x);
    y = ag_graph_apply2(g, &ag_op_add, "residual", ag_drop(g, y, c->dropout), x, NULL);
    return c->pre_norm ? y : ag_layer_norm_affine(g, y, norm, c->norm_eps);
}

static ag_ref encode(ag_graph *g, const ag_patch_transformer *c, ag_ref patches)
{
    ag_graph_push(g, "encoder");
    ag_ref x = ag_layer_linear(g, patches, "patcher", c->d_model, (ag_layer_init){0});
    if (c->positional_encoding != ROTARY) x = ag_layer_position(g, x, "position", (ag_position)c->positional_encoding);
    for (int64_t i = 0; i < c->num_layers; i++) {
        ag_graph_push(g, "layers.%d", (int)i);
        x = residual(g, c, x, "norm1", attention);
        x = residual(g, c, x, "norm2", mlp);
        ag_graph_pop(g);
    }
    if (c->pre_norm) x = ag_layer_norm_affine(g, x, "norm", c->norm_eps);
    ag_graph_pop(g);
    return x;
}

static void build(ag_graph *graph, const void *configuration, const ag_building *building)
{
    const ag_patch_transformer *c = configuration;
    ag_heading h = {.graph = graph, .series = &c->series, .config = &c->head, .building = building};
    ag_ref x = ag_graph_apply1(graph, &ag_op_patchify, "patchify", ag_heading_input(&h),
                               &(ag_patchify){c->patch_length, c->patch_stride});
    if (c->channels == 0) {
        ag_heading_finish_channels(&h, encode(graph, c, x));
        return;
    }
    int64_t patches = ag_patch_count(c->series.context_length, c->patch_length, c->patch_stride);
    ag_shape tokens = ag_shape_of(patches, c->series.num_input_channels * c->patch_length);
    x = encode(graph, c, ag_reshape(graph, ag_swap_axes(graph, x, 0, 1), tokens));
    ag_ref summary = c->head.task == AG_TASK_FORECAST
                         ? ag_reshape(graph, x, ag_shape_of(patches * c->d_model))
                         : ag_graph_apply1(graph, &ag_op_reduce, "mean", x, &(ag_reduce){0, AG_REDUCE_MEAN});
    ag_heading_finish(&h, x, summary);
}

const ag_architecture ag_architecture_patch_transformer = {
    .name = "patch_transformer",
    .doc = "attention over patches of a series, channels apart or mixed",
    .configuration = &ag_patch_transformer_description,
    .build = build,
};
