// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/golden.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"

ag_patchtsmixer golden_small(void)
{
    return (ag_patchtsmixer){.head = 1,
                             .context_length = 24,
                             .patch_length = 4,
                             .patch_stride = 4,
                             .num_input_channels = 3,
                             .d_model = 4,
                             .expansion_factor = 2,
                             .num_layers = 2,
                             .mode = 1,
                             .gated_attn = true,
                             .norm_mlp = "LayerNorm",
                             .norm_eps = 1e-5,
                             .self_attn = true,
                             .self_attn_heads = 2,
                             .use_positional_encoding = true,
                             .scaling = AG_MIXER_STD,
                             .default_scale = NAN,
                             .prediction_length = 10,
                             .num_targets = 3,
                             .head_aggregation = 2,
                             .masked_loss = true};
}

ag_patchtsmixer golden_drilling(void)
{
    ag_patchtsmixer c = golden_small();
    c.context_length = c.prediction_length = 512;
    c.patch_length = c.patch_stride = 8;
    c.num_input_channels = 17;
    c.d_model = 16;
    c.num_layers = 8;
    c.self_attn_heads = 1;
    return c;
}

double golden_number(uint64_t j, uint64_t k)
{
    uint64_t z = ((j << 32) + k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (double)((z ^ z >> 31) >> 11) * 0x1p-52 - 1.0;
}

typedef struct filler {
    ag_model *model;
    char path[200];
    uint64_t tensor;
} filler;

static void fill_tensor(filler *f, const char *name, bool norm)
{
    char full[300];
    snprintf(full, sizeof full, "%s%s", f->path, name);
    int32_t at = ag_graph_parameter_find(f->model->graph, full);
    if (at < 0) fail_msg("there is no parameter '%s'", full);
    const ag_parameter *row = ag_graph_parameter_at(f->model->graph, at);
    bool weight = strcmp(full + strlen(full) - 7, ".weight") == 0;
    for (int64_t k = 0; k < row->size; k++) {
        double r = golden_number(f->tensor, (uint64_t)k), v = 0.1 * r;
        if (row->shape.axes == 2) v = r * (1.0 / sqrt((double)row->shape.at[1]));
        if (weight && norm) v = 1.0 + 0.1 * r;
        f->model->values[row->offset + k] = (ag_real)v;
    }
    f->tensor++;
}

static void fill_pair(filler *f, const char *name, bool norm)
{
    char full[160];
    snprintf(full, sizeof full, "%s.weight", name);
    fill_tensor(f, full, norm);
    snprintf(full, sizeof full, "%s.bias", name);
    fill_tensor(f, full, norm);
}

static void fill_mixer(filler *f, const char *name, bool gated)
{
    static const char *const parts[] = {"mlp.fc1", "mlp.fc2", "gating_block.attn_layer"};
    char full[100];
    snprintf(full, sizeof full, "%s.norm.norm", name);
    fill_pair(f, full, true);
    for (int i = 0; i < (gated ? 3 : 2); i++) {
        snprintf(full, sizeof full, "%s.%s", name, parts[i]);
        fill_pair(f, full, false);
    }
}

static void fill_layer(filler *f, const ag_patchtsmixer *c)
{
    static const char *const parts[] = {"k_proj", "v_proj", "q_proj", "out_proj"};
    char full[100];
    fill_mixer(f, "patch_mixer", c->gated_attn);
    for (int i = 0; c->self_attn && i < 4; i++) {
        snprintf(full, sizeof full, "patch_mixer.self_attn_layer.%s", parts[i]);
        fill_pair(f, full, false);
    }
    if (c->self_attn) fill_pair(f, "patch_mixer.norm_attn.norm", true);
    fill_mixer(f, "feature_mixer", c->gated_attn);
    if (c->mode == 1) fill_mixer(f, "channel_feature_mixer", c->gated_attn);
}

static void fill_head(filler *f, const ag_patchtsmixer *c)
{
    static const char *const stacked[] = {"head.base_forecast_block", "head.base_forecast_block1",
                                          "head.base_forecast_block2"};
    static const char *const linear[] = {"head.projection", "inject_scale.inverse_trans_expansion",
                                         "inject_scale.inverse_trans_compression", "inject_scale.map_scale_expansion",
                                         "inject_scale.map_scale_compression"};
    char full[100];
    if (c->task == AG_MIXER_PRETRAINING) fill_pair(f, "head.base_pt_block", false);
    for (int i = 0; c->task == AG_MIXER_FORECAST && c->loss == AG_MIXER_NLL && i < 3; i++) {
        snprintf(full, sizeof full, "head.base_forecast_block.proj.%d", i);
        fill_pair(f, full, false);
    }
    for (int i = 0; c->task == AG_MIXER_FORECAST && c->loss != AG_MIXER_NLL && i < (c->head ? 3 : 1); i++)
        fill_pair(f, stacked[i], false);
    for (int i = 0; (c->task == AG_MIXER_REGRESSION || c->task == AG_MIXER_CLASSIFICATION) && i < 5; i++)
        fill_pair(f, linear[i], false);
}

ag_model *golden_model(const ag_patchtsmixer *c, bool loss, bool plain)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    filler f = {.path = ""};
    AG_EXPECT_OK(ag_architecture_graph(&ag_architecture_patchtsmixer, c, &(ag_building){.loss = loss, .plain = plain},
                                       &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &f.model, &err));
    ag_model_initialise(f.model, 1);
    fill_pair(&f, "model.encoder.patcher", false);
    for (int64_t i = 0; i < c->num_layers; i++) {
        snprintf(f.path, sizeof f.path, "model.encoder.mlp_mixer_encoder.mixers.%d.", (int)i);
        fill_layer(&f, c);
    }
    f.path[0] = '\0';
    fill_head(&f, c);
    return f.model;
}

ag_real *golden_series(const ag_patchtsmixer *c)
{
    int64_t channels = c->num_input_channels;
    ag_real *x = ag_alloc_array((size_t)(c->context_length * channels), sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < c->context_length * channels; i++) {
        double t = (double)(i / channels), h = (double)(i % channels);
        x[i] = (ag_real)(sin(0.05 * t * (1.0 + h / 10.0)) + 0.3 * sin(0.71 * t + h) + 0.1 * h);
        if (i % channels == 15) x[i] = AG_R(-1.7);
        if (i % channels == 16) x[i] = AG_R(0.69);
    }
    return x;
}

ag_real *golden_target(const ag_patchtsmixer *c)
{
    int64_t channels = c->num_input_channels;
    ag_real *y = ag_alloc_array((size_t)(c->prediction_length * channels), sizeof *y);
    double steps = (double)c->prediction_length;
    assert_non_null(y);
    for (int64_t i = 0; i < c->prediction_length * channels; i++) {
        double d = ((double)(i / channels) - 0.6 * steps) / (0.1 * steps);
        y[i] = (ag_real)(exp(-0.5 * d * d) * (1.0 + 0.1 * (double)(i % channels)));
    }
    return y;
}

static void bind_inputs(ag_exec *exec, const ag_graph *graph, const golden_input *inputs)
{
    ag_err err = {0};
    for (; inputs && inputs->name; inputs++)
        if (ag_graph_input_find(graph, inputs->name) >= 0)
            AG_EXPECT_OK(ag_exec_input(exec, inputs->name, inputs->values, &err));
}

golden_run golden_compute(const ag_patchtsmixer *config, bool gradients, bool plain, const golden_input *inputs)
{
    ag_err err = {0};
    golden_run run = {.model = golden_model(config, gradients, plain)};
    const ag_graph *graph = run.model->graph;
    ag_exec *exec = NULL;
    ag_plan_options options = {.gradients = gradients, .outputs = true, .max_samples = 1};
    AG_EXPECT_OK(ag_exec_new(graph, &options, run.model->values, NULL, NULL, &exec, &err));
    ag_real *x = golden_series(config), *target = golden_target(config);
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", x, &err));
    if (ag_graph_input_find(graph, "future_values") >= 0)
        AG_EXPECT_OK(ag_exec_input(exec, "future_values", target, &err));
    bind_inputs(exec, graph, inputs);
    for (int32_t i = 0; i < ag_graph_outputs(graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(graph, i);
        assert_non_null(run.outputs[i] = ag_calloc((size_t)port->size, sizeof(ag_real)));
        AG_EXPECT_OK(ag_exec_output(exec, port->name, run.outputs[i], &err));
    }
    assert_non_null(run.gradient = ag_calloc((size_t)ag_graph_flat_size(graph), sizeof(ag_real)));
    ag_device_run once = {.samples = 1, .gradient = gradients ? run.gradient : NULL, .check_finite = true};
    AG_EXPECT_OK(ag_exec_run(exec, &once, &err));
    run.loss = once.loss_sum / once.loss_weight;
    for (int64_t i = 0; gradients && i < ag_graph_flat_size(graph); i++) run.gradient[i] /= (ag_real)once.loss_weight;
    ag_exec_free(exec);
    ag_free(x);
    ag_free(target);
    return run;
}

void golden_run_free(golden_run *run)
{
    for (int i = 0; i < 8; i++) ag_free(run->outputs[i]);
    ag_free(run->gradient);
    ag_model_free(run->model);
}

const ag_real *golden_output(const golden_run *run, const char *name)
{
    int32_t at = ag_graph_output_find(run->model->graph, name);
    if (at < 0) fail_msg("there is no output '%s'", name);
    return run->outputs[at];
}

double golden_slope(const golden_run *run, const char *parameter, int64_t element)
{
    int32_t at = ag_graph_parameter_find(run->model->graph, parameter);
    if (at < 0) fail_msg("there is no parameter '%s'", parameter);
    return (double)run->gradient[ag_graph_parameter_at(run->model->graph, at)->offset + element];
}

void golden_expect(const ag_real *is, int count, const double *should, double tolerance, const char *what)
{
    double top = 0.0;
    for (int i = 0; i < count; i++) top = fmax(top, fabs(should[i]));
    for (int i = 0; i < count; i++)
        if (!(fabs((double)is[i] - should[i]) <= tolerance * top))
            fail_msg("%s[%d]: %.12g is not %.12g (within %g of %g)", what, i, (double)is[i], should[i], tolerance, top);
}
