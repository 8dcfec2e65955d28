// SPDX-License-Identifier: Apache-2.0
/* Adapted models: which parameters learn, that they begin as the plain model, gradients, and that merging keeps what
 * they compute. */
#include "learn/nn/lora.h"

#include <string.h>

#include "learn/nn/check.h"
#include "learn/nn/layers.h"
#include "learn/nn/models/patch_transformer.h"

static const char *const layers[] = {"*self_attn.?_proj", NULL};
static const char *const trained[] = {"head.*", NULL};
static const ag_adaptation adaptation = {2, 4.0, 0.0, layers, trained};
static const ag_patch_transformer config = {
    .series = {.context_length = 12, .num_input_channels = 2, .scaling = 1},
    .head = {.prediction_length = 3, .num_targets = 2},
    .patch_length = 4,
    .patch_stride = 4,
    .d_model = 4,
    .num_layers = 1,
    .num_heads = 2,
    .ffn_dim = 5,
    .norm_eps = 1e-5,
    .positional_encoding = 2,
    .pre_norm = true,
};

static ag_model *model_of(const ag_adaptation *with, uint64_t seed)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_building building = {.loss = true, .adaptation = with};
    AG_EXPECT_OK(ag_architecture_graph(&ag_architecture_patch_transformer, &config, &building, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, seed);
    return model;
}

static void compute(const ag_model *model, ag_real *out)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    ag_real past[24];
    for (int i = 0; i < 24; i++) past[i] = (ag_real)(i * 7 % 5) - AG_R(1.5);
    ag_plan_options options = {.outputs = true, .max_samples = 1};
    AG_EXPECT_OK(ag_exec_new(model->graph, &options, model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", past, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "prediction_outputs", out, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = 1}, &err));
    ag_exec_free(exec);
}

AG_TEST(test_lora__begins_as_the_plain_model_and_merges_into_one)
{
    ag_err err = {0};
    ag_model *plain = model_of(NULL, 1), *adapted = model_of(&adaptation, 2), *merged = model_of(NULL, 3);
    ag_real first[6], second[6], third[6];
    AG_EXPECT_OK(ag_lora_begin(plain, adapted, &err));
    compute(plain, first);
    compute(adapted, second);
    for (int i = 0; i < 6; i++) ag_check_near((double)second[i], (double)first[i], 1e-6, "before");
    ag_real *b = ag_model_parameter(adapted, "encoder.layers.0.self_attn.v_proj.lora_B.weight");
    assert_non_null(b);
    for (int i = 0; i < 8; i++) b[i] = (ag_real)(i - 3) / 4;
    AG_EXPECT_OK(ag_lora_merge(adapted, &adaptation, merged, &err));
    compute(adapted, second);
    compute(merged, third);
    assert_true(memcmp(first, second, sizeof first) != 0);
    for (int i = 0; i < 6; i++) ag_check_near((double)third[i], (double)second[i], 1e-5, "merged");
    ag_model_free(plain);
    ag_model_free(adapted);
    ag_model_free(merged);
}

AG_TEST(test_lora__only_what_is_named_learns)
{
    ag_model *adapted = model_of(&adaptation, 2);
    for (int32_t i = 0; i < ag_graph_parameters(adapted->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(adapted->graph, i);
        bool learns = strstr(row->name, "lora_") || strncmp(row->name, "head.", 5) == 0;
        if (row->trainable != learns) fail_msg("%s %s", row->name, row->trainable ? "learns" : "is frozen");
    }
    assert_int_equal(ag_model_count(adapted, true), 3 * (2 * 4 + 4 * 2) + 12 * 3 + 3);
    ag_model_free(adapted);
}

static void build_transformer(ag_graph *graph, const void *unused)
{
    (void)unused;
    ag_graph_adapt(graph, &adaptation);
    ag_architecture_patch_transformer.build(graph, &config, &(ag_building){.loss = true});
}

static void build_mix(ag_graph *graph, const void *along)
{
    static const char *const all[] = {"*", NULL};
    static const ag_adaptation every = {1, 2.0, 0.2, all, NULL};
    ag_graph_adapt(graph, &every);
    ag_ref x = ag_graph_input(graph, "x", ag_shape_of(3, 4, 5));
    ag_graph_output(graph, "y", ag_layer_mix(graph, x, "mixer", *(const int *)along, 6, (ag_layer_init){0}));
}

AG_TEST(test_lora__gradients_along_any_axis)
{
    ag_check_graph(&(ag_check){
        .build = build_transformer, .constant = "observed_mask", .no_input_gradients = true, .float_tolerance = 1e-3});
    for (int axis = 0; axis < 3; axis++) ag_check_graph(&(ag_check){.build = build_mix, .config = &axis});
}

AG_TEST(test_lora__another_model_is_refused_by_name)
{
    ag_err err = {0};
    ag_patch_transformer other = config;
    ag_graph *graph = NULL;
    ag_model *plain = NULL, *adapted = model_of(&adaptation, 1);
    other.ffn_dim = 6;
    AG_EXPECT_OK(ag_architecture_graph(&ag_architecture_patch_transformer, &other, &(ag_building){0}, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &plain, &err));
    AG_EXPECT_ERROR(ag_lora_begin(plain, adapted, &err), AG_EINVAL,
                    "parameter 'encoder.layers.0.linear1.weight' has shape [6, 4] here and [5, 4] in the other model");
    AG_EXPECT_ERROR(ag_lora_begin(adapted, plain, &err), AG_EINVAL, "the other model has no parameter");
    ag_model_free(plain);
    ag_model_free(adapted);
}
