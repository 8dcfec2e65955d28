// SPDX-License-Identifier: Apache-2.0
/* NLinear and DLinear against their formulas, written out, and by finite differences. */
#include <math.h>
#include <stdio.h>

#include "learn/nn/check.h"
#include "learn/nn/models/dlinear.h"
#include "learn/nn/models/heads.h"
#include "learn/nn/models/nlinear.h"

enum { ROWS = 11, AHEAD = 5, CHANNELS = 3, SAMPLES = 2 };

typedef struct run {
    ag_model *model;
    ag_real past[SAMPLES * ROWS * CHANNELS], predicted[SAMPLES * AHEAD * CHANNELS];
} run;

static void compute(const ag_architecture *architecture, const void *config, run *r)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    ag_exec *exec = NULL;
    AG_EXPECT_OK(ag_architecture_graph(architecture, config, &(ag_building){0}, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &r->model, &err));
    ag_model_initialise(r->model, 3);
    for (int i = 0; i < SAMPLES * ROWS * CHANNELS; i++) r->past[i] = (ag_real)sin(0.37 * i + 0.01 * i * i);
    ag_plan_options options = {.outputs = true, .max_samples = SAMPLES};
    AG_EXPECT_OK(ag_exec_new(graph, &options, r->model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", r->past, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "prediction_outputs", r->predicted, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = SAMPLES}, &err));
    ag_exec_free(exec);
}

/* Row `out` of the map named so, applied to one channel of one sample, of which `part` gives row t. */
static double map(const run *r, const char *name, bool individual, int channel, int out,
                  double (*part)(const ag_real *x, int t), const ag_real *x)
{
    char text[64];
    snprintf(text, sizeof text, "%s.weight", name);
    const ag_real *weight = ag_model_parameter(r->model, text);
    snprintf(text, sizeof text, "%s.bias", name);
    const ag_real *bias = ag_model_parameter(r->model, text);
    int row = individual ? channel * AHEAD + out : out;
    double sum = (double)bias[row];
    for (int t = 0; t < ROWS; t++) sum += (double)weight[row * ROWS + t] * part(x, t);
    return sum;
}

static double level(const ag_real *x, int t)
{
    return (double)x[t * CHANNELS] - (double)x[(ROWS - 1) * CHANNELS];
}

static double trend(const ag_real *x, int t) /* of 5 rows */
{
    double sum = 0.0;
    for (int i = t - 2; i <= t + 2; i++) sum += (double)x[(i < 0 ? 0 : i >= ROWS ? ROWS - 1 : i) * CHANNELS];
    return sum / 5.0;
}

static double season(const ag_real *x, int t)
{
    return (double)x[t * CHANNELS] - trend(x, t);
}

static void check(const run *r, bool individual, bool decomposed)
{
    double near = AG_REAL_IS_DOUBLE ? 1e-12 : 1e-5;
    for (int s = 0; s < SAMPLES; s++)
        for (int h = 0; h < CHANNELS; h++)
            for (int k = 0; k < AHEAD; k++) {
                const ag_real *x = r->past + s * ROWS * CHANNELS + h;
                double y = decomposed ? map(r, "Linear_Seasonal", individual, h, k, season, x) +
                                            map(r, "Linear_Trend", individual, h, k, trend, x)
                                      : map(r, "Linear", individual, h, k, level, x) + (double)x[(ROWS - 1) * CHANNELS];
                ag_check_near((double)r->predicted[(s * AHEAD + k) * CHANNELS + h], y, near, "forecast");
            }
}

AG_TEST(test_linear_forecast__formulas)
{
    for (int individual = 0; individual < 2; individual++) {
        run r = {0};
        ag_nlinear n = {ROWS, AHEAD, CHANNELS, individual, AG_HEAD_MSE};
        compute(&ag_architecture_nlinear, &n, &r);
        check(&r, individual, false);
        ag_model_free(r.model);
        ag_dlinear d = {ROWS, AHEAD, CHANNELS, 5, individual, AG_HEAD_MSE};
        compute(&ag_architecture_dlinear, &d, &r);
        check(&r, individual, true);
        ag_model_free(r.model);
    }
}

static void build_nlinear(ag_graph *graph, const void *config)
{
    ag_architecture_nlinear.build(graph, config, &(ag_building){.loss = true});
}

static void build_dlinear(ag_graph *graph, const void *config)
{
    ag_architecture_dlinear.build(graph, config, &(ag_building){.loss = true});
}

AG_TEST(test_linear_forecast__gradients_agree_with_differences)
{
    for (int individual = 0; individual < 2; individual++)
        for (int loss = AG_HEAD_MSE; loss <= AG_HEAD_HUBER; loss++) {
            ag_nlinear n = {ROWS, AHEAD, CHANNELS, individual, loss};
            ag_check_graph(&(ag_check){.build = build_nlinear, .config = &n});
            ag_dlinear d = {ROWS, AHEAD, CHANNELS, 4, individual, loss};
            ag_check_graph(&(ag_check){.build = build_dlinear, .config = &d});
        }
}

static void build_wrong(ag_graph *graph, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(graph, "x", ag_shape_of(3, 4));
    ag_ref weight = ag_graph_parameter(graph, "weight", ag_shape_of(3, 5, 6), ag_init_constant(0));
    ag_graph_output(graph, "y", ag_graph_apply2(graph, &ag_op_linear_each, "each", x, weight, NULL));
}

AG_TEST(test_linear_forecast__a_wrong_shape_names_the_layer)
{
    ag_check_refused(build_wrong, NULL, "each: the weight has shape [3, 5, 6], but [3, 5, 4] is needed");
}

AG_TEST(test_linear_forecast__descriptions_are_sound)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_describe_verify(&ag_nlinear_description, &err));
    AG_EXPECT_OK(ag_describe_verify(&ag_dlinear_description, &err));
}
