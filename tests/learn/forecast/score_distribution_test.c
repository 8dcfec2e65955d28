// SPDX-License-Identifier: Apache-2.0
/* Forecasts that are distributions are scored by their mean. */
#include <math.h>

#include "core/base/mem.h"
#include "frame/test.h"
#include "learn/forecast/score.h"
#include "learn/nn/checkpoint/config.h"
#include "learn/nn/results.h"

enum { ROWS = 60, CONTEXT = 16, HORIZON = 3, CHANNELS = 2, OUT = HORIZON * CHANNELS };

static const char json[] = "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,"
                           "\"patch_stride\":4,\"d_model\":4,\"num_layers\":1,\"prediction_length\":3,"
                           "\"num_input_channels\":2,\"loss\":\"nll\"}";

/* Squared error of one window's mean. */
static double error_of(ag_results *results, ag_exec *exec, const ag_real *past, ag_real *mean)
{
    ag_err err = {0};
    double sum = 0;
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", past, &err));
    AG_EXPECT_OK(ag_results_run(results, &(ag_device_run){.samples = 1}, &err));
    for (int i = 0; i < OUT; i++) {
        double d = (double)mean[i] - (double)past[CONTEXT * CHANNELS + i];
        sum += d * d / OUT;
    }
    return sum;
}

AG_TEST(test_score__a_distribution_by_its_mean)
{
    static const ag_building forward;
    static ag_real values[ROWS * CHANNELS], mean[OUT];
    ag_err err = {0};
    ag_model_config config = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_exec *exec = NULL;
    ag_results *results = NULL;
    ag_windows windows;
    ag_arena *arena = ag_arena_new(0);
    for (int i = 0; i < ROWS * CHANNELS; i++) values[i] = (ag_real)(2 + sin(0.3 * i));
    AG_EXPECT_OK(ag_model_config_read(arena, ag_str_of(json), NULL, NULL, &config, &err));
    AG_EXPECT_OK(ag_architecture_graph(config.architecture, config.values, &forward, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 5);
    ag_windows_init(&windows, "the windows", values, CHANNELS, 0, ROWS, CONTEXT, HORIZON, 1);
    ag_predictive predictive = ag_predictive_of(config.architecture, config.values);
    AG_EXPECT_OK(ag_exec_new(graph, &(ag_plan_options){.outputs = true, .max_samples = 1}, model->values, NULL, NULL,
                             &exec, &err));
    AG_EXPECT_OK(ag_results_new(graph, &predictive, exec, &results, &err));
    AG_EXPECT_OK(ag_results_bind(results, "mean", mean, &err));
    double expected = 0;
    for (int64_t i = 0; i < windows.samples.count; i++)
        expected += error_of(results, exec, values + i * CHANNELS, mean) / (double)windows.samples.count;
    for (int64_t batch = 3; batch < 100; batch += 90) {
        ag_forecast_score score;
        ag_forecast_scoring scoring = {.windows = &windows, .predictive = predictive, .batch_size = batch};
        AG_EXPECT_OK(ag_forecast_score_model(&scoring, model, arena, &score, &err));
        assert_true(score.windows == windows.samples.count && fabs(score.mse - expected) < 1e-6 * expected);
    }
    ag_forecast_score none;
    ag_forecast_scoring scoring = {.windows = &windows, .batch_size = 3};
    AG_EXPECT_ERROR(ag_forecast_score_model(&scoring, model, arena, &none, &err), AG_EINVAL, "it is no forecaster");
    ag_results_free(results);
    ag_exec_free(exec);
    ag_model_free(model);
    ag_arena_free(arena);
}
