// SPDX-License-Identifier: Apache-2.0
/* Architectures with shared heads: each with every task by finite differences, from its configuration as it stands in
 * config.json; saved and loaded again; refusals. */
#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/io/path.h"
#include "learn/nn/check.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/models/heads.h"

#define SERIES "\"context_length\":12,\"num_input_channels\":2,\"prediction_length\":3,\"num_targets\":3"

typedef struct model_case {
    const char *json;
    const char *classes; /* when target_values is a class */
    bool maps;           /* when it is heat maps */
    bool table;          /* columns 2 and 3 are categories of 3 and 4 values */
} model_case;

#define TRANSFORMER                                                                                                    \
    "{\"model_type\":\"patch_transformer\"," SERIES ",\"patch_length\":4,\"patch_stride\":3,\"d_model\":4,"            \
    "\"num_heads\":1,\"num_layers\":1,\"ffn_dim\":6,\"dropout\":0.2,\"attention_dropout\":0.1,\"head_dropout\":0.1,"
#define LSTM "{\"model_type\":\"lstm\"," SERIES ",\"hidden_size\":4,\"dropout\":0.2,"
#define CONV "{\"model_type\":\"cnn_lstm\"," SERIES ",\"hidden_size\":4,\"conv_channels\":[3,4],\"kernel_size\":3,"
#define TABLE                                                                                                          \
    "{\"model_type\":\"tabularnet\",\"num_numeric\":2,\"category_counts\":[3,4],\"hidden_size\":6,\"num_layers\":2,"

#define ODE                                                                                                            \
    "{\"model_type\":\"neural_ode\"," SERIES                                                                           \
    ",\"segment_length\":3,\"segment_size\":4,\"latent_size\":3,\"ode_hidden_size\":5,"

static const model_case cases[] = {
    {.json = TRANSFORMER "\"task\":\"forecast\"}"},
    {.json = TRANSFORMER "\"task\":\"forecast\",\"loss\":\"quantile\",\"channels\":\"mixed\"}"},
    {.json = TRANSFORMER "\"task\":\"regression\",\"pre_norm\":false,\"positional_encoding\":\"rotary\"}"},
    {.json = TRANSFORMER "\"task\":\"classification\",\"positional_encoding\":\"sincos\"}", .classes = "yes"},
    {.json = TRANSFORMER "\"task\":\"heatmap\",\"channels\":\"mixed\",\"positional_encoding\":\"none\"}", .maps = true},
    {.json = TRANSFORMER "\"task\":\"heatmap\",\"loss\":\"focal\",\"scaling\":\"none\"}", .maps = true},
    {.json = LSTM "\"task\":\"forecast\",\"loss\":\"huber\"}"},
    {.json = LSTM "\"task\":\"regression\",\"loss\":\"normal\",\"cell\":\"gru\",\"num_layers\":2}"},
    {.json = LSTM "\"task\":\"regression\",\"loss\":\"quantile\",\"quantiles\":[0.2,0.8],\"output_range\":[-3,3]}"},
    {.json = LSTM "\"task\":\"heatmap\",\"bidirectional\":true}", .maps = true},
    {.json = CONV "\"task\":\"forecast\",\"scaling\":\"mean\"}"},
    {.json = CONV "\"task\":\"classification\",\"bidirectional\":true}", .classes = "yes"},
    {.json = CONV "\"task\":\"heatmap\",\"loss\":\"bce\"}", .maps = true},
    {.json = ODE "\"task\":\"forecast\",\"ode_steps\":2}"},
    {.json = ODE "\"task\":\"heatmap\",\"driven\":false}", .maps = true},
    {.json = ODE "\"task\":\"regression\",\"solver\":\"dopri5\",\"ode_steps\":99,\"relative_tolerance\":1e-9,"
                 "\"absolute_tolerance\":1e-9}"},
    {.json = TABLE "\"task\":\"regression\",\"loss\":\"mae\"}", .table = true},
    {.json = TABLE "\"task\":\"classification\",\"embedding_dim\":2}", .table = true, .classes = "yes"},
};

typedef struct loaded {
    ag_arena *arena;
    ag_model_config config;
} loaded;

static loaded read_config(const char *json)
{
    ag_err err = {0};
    loaded l = {.arena = ag_arena_new(0)};
    assert_non_null(l.arena);
    AG_EXPECT_OK(ag_model_config_read(l.arena, ag_str_of(json), "config.json", NULL, &l.config, &err));
    assert_int_equal(l.config.unknown_count, 0);
    return l;
}

static void build(ag_graph *graph, const void *config)
{
    const ag_model_config *c = config;
    c->architecture->build(graph, c->values, &(ag_building){.loss = true});
}

static const model_case *current; /* what fill() is for */

static void fill(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    bool target = strcmp(input, "target_values") == 0, past = strcmp(input, "past_values") == 0;
    for (int64_t i = 0; i < samples * size; i++) {
        if (strcmp(input, "observed_mask") == 0) values[i] = i % 5 != 3;
        if (target && current->classes) values[i] = (ag_real)(i % 3);
        if (target && current->maps) values[i] = i % 7 == 2 ? 1 : ag_exp(-ag_fabs(values[i]) - AG_R(0.1));
        if (past && current->table && i % 4 >= 2) values[i] = (ag_real)((i / 4 + i) % 3);
    }
}

AG_TEST(test_architectures__gradients_of_every_task_agree_with_differences)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        loaded l = read_config(cases[i].json);
        current = &cases[i];
        bool fixed = current->classes || current->maps;
        ag_check_graph(&(ag_check){.build = build,
                                   .config = &l.config,
                                   .fill = fill,
                                   .constant = fixed ? "target_values" : "observed_mask",
                                   .no_input_gradients = fixed || current->table,
                                   .samples = 3,
                                   .most = 3,
                                   .tolerance = 1e-5,
                                   .float_tolerance = 2e-3});
        ag_arena_free(l.arena);
    }
}

/* Outputs of all samples, one behind the other. */
static size_t outputs_of(const ag_model *model, ag_real *out, size_t room)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    ag_real past[2 * 24];
    size_t used = 0;
    for (int i = 0; i < 48; i++) past[i] = (ag_real)(i * 5 % 3);
    ag_plan_options options = {.outputs = true, .max_samples = 2};
    AG_EXPECT_OK(ag_exec_new(model->graph, &options, model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", past, &err));
    for (int32_t i = 0; i < ag_graph_outputs(model->graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(model->graph, i);
        assert_true(used + 2 * (size_t)port->size <= room);
        AG_EXPECT_OK(ag_exec_output(exec, port->name, out + used, &err));
        used += 2 * (size_t)port->size;
    }
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = 2, .check_finite = true}, &err));
    ag_exec_free(exec);
    return used;
}

AG_TEST(test_architectures__saved_and_loaded_they_compute_the_same)
{
    const char *directory = ag_test_dir();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_err err = {0};
        ag_graph *graph = NULL;
        ag_model *model = NULL;
        ag_pretrained *again = NULL;
        ag_real before[512] = {0}, after[512] = {0};
        loaded l = read_config(cases[i].json);
        AG_EXPECT_OK(ag_architecture_graph(l.config.architecture, l.config.values, &(ag_building){0}, &graph, &err));
        AG_EXPECT_OK(ag_model_new(graph, &model, &err));
        ag_model_initialise(model, 5);
        for (int64_t k = 0; k < ag_graph_flat_size(graph); k++)
            model->values[k] = (ag_real)(float)model->values[k]; /* as a checkpoint holds them */
        AG_EXPECT_OK(ag_pretrained_save(directory, &l.config, model, &err));
        AG_EXPECT_OK(ag_pretrained_load(directory, NULL, &again, &err));
        size_t count = outputs_of(model, before, 512);
        assert_int_equal(outputs_of(again->model, after, 512), count);
        assert_memory_equal(before, after, count * sizeof *before);
        ag_pretrained_free(again);
        ag_model_free(model);
        ag_arena_free(l.arena);
    }
}

/* A step of training with the first allocation armed to fail: it must not come. */
static void train_armed(const ag_graph *graph, ag_real *values)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    ag_real room[2 * 64], *gradient = ag_calloc((size_t)ag_graph_flat_size(graph) + 1, sizeof *gradient);
    for (int i = 0; i < 128; i++) room[i] = (ag_real)(i % 3);
    ag_plan_options options = {.gradients = true, .training = true, .loss = true, .max_samples = 2};
    AG_EXPECT_OK(ag_exec_new(graph, &options, values, NULL, NULL, &exec, &err));
    for (int32_t i = 0; i < ag_graph_inputs(graph); i++) {
        assert_true(ag_graph_input_at(graph, i)->size <= 64);
        AG_EXPECT_OK(ag_exec_input(exec, ag_graph_input_at(graph, i)->name, room, &err));
    }
    ag_fault_arm(1, AG_FAULT_ANY);
    int rc = ag_exec_run(exec, &(ag_device_run){.samples = 2, .gradient = gradient}, &err);
    bool fired = ag_fault_fired();
    ag_fault_arm(0, AG_FAULT_ANY);
    AG_EXPECT_OK(rc);
    assert_false(fired);
    ag_exec_free(exec);
    ag_free(gradient);
}

AG_TEST(test_architectures__a_step_allocates_nothing)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_err err = {0};
        ag_graph *graph = NULL;
        ag_model *model = NULL;
        loaded l = read_config(cases[i].json);
        AG_EXPECT_OK(
            ag_architecture_graph(l.config.architecture, l.config.values, &(ag_building){.loss = true}, &graph, &err));
        AG_EXPECT_OK(ag_model_new(graph, &model, &err));
        ag_model_initialise(model, 5);
        train_armed(graph, model->values);
        ag_model_free(model);
        ag_arena_free(l.arena);
    }
}

static void expect_refused(const char *json, const char *part)
{
    loaded l = read_config(json);
    ag_check_refused(build, &l.config, part);
    ag_arena_free(l.arena);
}

AG_TEST(test_architectures__what_cannot_be_built_is_refused)
{
    expect_refused(TRANSFORMER "\"loss\":\"focal\"}", "loss focal does not fit the task forecast");
    expect_refused(LSTM "\"task\":\"heatmap\",\"loss\":\"quantile\"}", "loss quantile does not fit the task heatmap");
    expect_refused(LSTM "\"task\":\"regression\",\"output_range\":[2,1]}",
                   "output_range must be a least and a greatest");
    expect_refused(LSTM "\"loss\":\"quantile\",\"quantiles\":[0.5,1.5]}", "loss: level 1.5 is not in (0, 1)");
    expect_refused("{\"model_type\":\"patch_transformer\",\"d_model\":6,\"num_heads\":4}",
                   "encoder.layers.0.self_attn: a width of 6 cannot be shared by 4 heads");
    expect_refused("{\"model_type\":\"patch_transformer\",\"context_length\":8}", "patchify: 8 rows give no patch");
    expect_refused("{\"model_type\":\"cnn_lstm\",\"conv_channels\":[4,0]}", "conv_channels holds 0");
    expect_refused("{\"model_type\":\"tabularnet\"}", "a table needs columns");
    expect_refused(TABLE "\"task\":\"forecast\"}", "task forecast needs a series");
    expect_refused("{\"model_type\":\"tabularnet\",\"category_counts\":[3,-1]}", "category_counts holds -1");
}

AG_TEST(test_architectures__descriptions_are_sound_and_defaults_can_be_built)
{
    size_t count;
    ag_err err = {0};
    const ag_architecture *const *all = ag_architecture_all(&count);
    for (size_t i = 0; i < count; i++) {
        AG_EXPECT_OK(ag_describe_verify(all[i]->configuration, &err));
        if (i) assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
    }
}

static int load_again(void *context, ag_err *err)
{
    ag_pretrained *loaded_model = NULL;
    int rc = ag_pretrained_load(context, NULL, &loaded_model, err);
    if (rc < 0) return rc;
    ag_exec *exec = NULL;
    ag_plan_options options = {.outputs = true, .max_samples = 2};
    rc = ag_exec_new(loaded_model->model->graph, &options, loaded_model->model->values, NULL, NULL, &exec, err);
    ag_exec_free(exec);
    ag_pretrained_free(loaded_model);
    return rc;
}

AG_TEST(test_architectures__every_failure_of_memory_or_file_is_clean)
{
    static const size_t picked[] = {1, 9, 11, 13, 16};
    const char *directory = ag_test_dir();
    for (size_t i = 0; i < sizeof picked / sizeof *picked; i++) {
        ag_err err = {0};
        ag_graph *graph = NULL;
        ag_model *model = NULL;
        loaded l = read_config(cases[picked[i]].json);
        AG_EXPECT_OK(ag_architecture_graph(l.config.architecture, l.config.values, &(ag_building){0}, &graph, &err));
        AG_EXPECT_OK(ag_model_new(graph, &model, &err));
        AG_EXPECT_OK(ag_pretrained_save(directory, &l.config, model, &err));
        ag_model_free(model);
        ag_arena_free(l.arena);
        ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, load_again, NULL, (void *)(uintptr_t)directory);
    }
}
