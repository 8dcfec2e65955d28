// SPDX-License-Identifier: Apache-2.0
/* What is computed from a model's outputs: means, quantiles, samples, probabilities. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "auger/model.h"
#include "core/base/rng.h"
#include "frame/test.h"
#include "learn/nn/checkpoint/pretrained.h"

enum { SAMPLES = 9, IN = 24 * 3, ROWS = 5, OUT = ROWS * 2, DRAWS = 7 };
static float input[SAMPLES * IN];

/* Loads a model that has these keys. */
static auger_model *make(const char *keys)
{
    char json[1024], path[512];
    static const ag_building forward;
    ag_err err = {0};
    auger_error error;
    ag_model_config config = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    auger_model *loaded = NULL;
    ag_arena *arena = ag_arena_new(0);
    snprintf(json, sizeof json,
             "{\"model_type\":\"patchtsmixer\",\"context_length\":24,\"patch_length\":4,\"patch_stride\":4,"
             "\"num_input_channels\":3,\"d_model\":4,\"num_layers\":1,\"prediction_length\":5,%s}",
             keys);
    AG_EXPECT_OK(ag_model_config_read(arena, ag_str_of(json), NULL, NULL, &config, &err));
    AG_EXPECT_OK(ag_architecture_graph(config.architecture, config.values, &forward, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 11);
    snprintf(path, sizeof path, "%s/model", ag_test_dir());
    AG_EXPECT_OK(ag_pretrained_save(path, &config, model, &err));
    ag_model_free(model);
    ag_arena_free(arena);
    ag_rng rng = ag_rng_stream(1, "series");
    for (int i = 0; i < SAMPLES * IN; i++) input[i] = (float)(3 + ag_rng_normal(&rng));
    if (auger_model_load(path, &loaded, &error) < 0) fail_msg("%s", error.text);
    return loaded;
}

static void predict(auger_model *model, const char *result, int64_t samples, uint64_t seed, float *output)
{
    auger_error error;
    auger_context *context = NULL;
    auger_context_options options = {.max_samples = samples, .threads = 2, .result = result, .seed = seed};
    if (auger_context_new(model, &options, &context, &error) < 0) fail_msg("%s", error.text);
    if (auger_predict(context, input, SAMPLES, output, &error) < 0) fail_msg("%s", error.text);
    auger_context_free(context);
}

#define FORECAST                                                                                                       \
    "\"architectures\":[\"PatchTSMixerForPrediction\"],\"loss\":\"nll\",\"prediction_channel_indices\":[0,2]"

AG_TEST(test_results__mean_and_quantiles_in_the_series_units)
{
    static float df[SAMPLES * OUT], at[SAMPLES * OUT], wide[SAMPLES * OUT], loc[SAMPLES * 2], scale[SAMPLES * 2];
    static float mean[SAMPLES * OUT], middle[SAMPLES * OUT], high[SAMPLES * OUT];
    auger_model *model = make(FORECAST);
    assert_string_equal(auger_model_output(model, 0)->name, "mean");
    assert_int_equal(auger_model_output(model, 0)->size, OUT);
    assert_string_equal(auger_model_output(model, 1)->name, "prediction_outputs.0");
    predict(model, "prediction_outputs.0", 4, 0, df);
    predict(model, "prediction_outputs.1", 4, 0, at);
    predict(model, "prediction_outputs.2", 4, 0, wide);
    predict(model, "loc", 4, 0, loc);
    predict(model, "scale", 4, 0, scale);
    predict(model, NULL, 4, 0, mean);
    predict(model, "quantile:0.5", 4, 0, middle);
    predict(model, "quantile:0.9", 4, 0, high);
    for (int i = 0; i < SAMPLES * OUT; i++) {
        int channel = i / OUT * 2 + i % 2;
        float expected = loc[channel] + scale[channel] * at[i];
        assert_true(fabsf(mean[i] - expected) <= 1e-5F * fabsf(expected) && fabsf(middle[i] - mean[i]) < 1e-5F);
        float above = (high[i] - mean[i]) / (scale[channel] * wide[i]); /* t quantiles: 1.8856 for 2, 1.28 for many */
        assert_true(df[i] > 2 && above > 1.28F && above < 1.8857F);
    }
    auger_model_free(model);
}

AG_TEST(test_results__samples_do_not_depend_on_pieces)
{
    static float one[SAMPLES * DRAWS * OUT], other[SAMPLES * DRAWS * OUT];
    static const char *const keys[] = {FORECAST, FORECAST ",\"distribution_output\":\"normal\"",
                                       FORECAST ",\"distribution_output\":\"negative_binomial\""};
    for (int i = 0; i < 3; i++) {
        auger_model *model = make(keys[i]);
        predict(model, "samples:7", 9, 5, one);
        predict(model, "samples:7", 2, 5, other);
        assert_memory_equal(one, other, sizeof one);
        predict(model, "samples:7", 2, 6, other);
        assert_memory_not_equal(one, other, sizeof one);
        assert_memory_not_equal(one, one + OUT, OUT * sizeof *one); /* two draws of one window */
        for (int k = 0; i == 2 && k < SAMPLES * DRAWS * OUT; k++) assert_true(one[k] >= 0 && one[k] == floorf(one[k]));
        auger_model_free(model);
    }
}

AG_TEST(test_results__several_at_a_time_and_bound_by_name)
{
    static float mean[SAMPLES * OUT], low[SAMPLES * OUT], raw[SAMPLES * OUT], again[SAMPLES * OUT];
    char name[32];
    auger_error error;
    auger_context *context = NULL;
    auger_model *model = make(FORECAST);
    predict(model, "mean", 9, 0, again);
    assert_int_equal(auger_context_new(model, NULL, &context, &error), 0);
    assert_string_equal(auger_context_result(context)->name, "mean");
    assert_int_equal(auger_bind_input(context, "past_values", input, &error), 0);
    snprintf(name, sizeof name, "quantile:0.1");
    assert_int_equal(auger_bind_output(context, name, low, &error), 0);
    memset(name, 'x', sizeof name); /* the name need not live on */
    assert_int_equal(auger_bind_output(context, "mean", mean, &error), 0);
    assert_int_equal(auger_bind_output(context, "prediction_outputs.1", raw, &error), 0);
    assert_int_equal(auger_run(context, SAMPLES, &error), 0);
    assert_memory_equal(mean, again, sizeof mean);
    for (int i = 0; i < SAMPLES * OUT; i++) assert_true(low[i] < mean[i] && raw[i] != 0);
    assert_int_equal(auger_bind_output(context, "quantile:0.1", NULL, &error), 0);
    assert_int_equal(auger_bind_output(context, "prediction_outputs.1", NULL, &error), 0);
    memset(low, 0, sizeof low);
    memset(raw, 0, sizeof raw);
    assert_int_equal(auger_run(context, SAMPLES, &error), 0);
    assert_true(low[0] == 0 && raw[0] == 0);
    assert_memory_equal(mean, again, sizeof mean);
    for (int i = 0; i < 15; i++) {
        snprintf(name, sizeof name, "quantile:0.%d", i + 10);
        assert_int_equal(auger_bind_output(context, name, low, &error), 0);
    }
    assert_true(auger_bind_output(context, "samples", low, &error) < 0);
    assert_non_null(strstr(error.text, "more than 16 computed results"));
    auger_context_free(context);
    auger_model_free(model);
}

AG_TEST(test_results__names_that_are_none)
{
    static const char *const wrong[] = {
        "quantile:0", "quantile:1",      "quantile:x", "quantile:",
        "samples:0",  "samples:1000001", "samplesx",   "quantile:0.90000000000000000000000000000000001"};
    auger_error error;
    auger_context *context = NULL;
    auger_model *model = make(FORECAST);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        auger_context_options options = {.result = wrong[i]};
        assert_true(auger_context_new(model, &options, &context, &error) < 0);
    }
    auger_model_free(model);
    model = make("\"architectures\":[\"PatchTSMixerForPrediction\"]");
    assert_true(auger_context_new(model, &(auger_context_options){.result = "mean"}, &context, &error) < 0);
    assert_non_null(strstr(error.text, "the model has no output 'mean'"));
    auger_model_free(model);
}

AG_TEST(test_results__regression_is_not_scaled)
{
    static float mean[SAMPLES * 3], at[SAMPLES * 3];
    auger_model *model = make("\"architectures\":[\"PatchTSMixerForRegression\"],\"loss\":\"nll\","
                              "\"distribution_output\":\"normal\"");
    predict(model, NULL, 4, 0, mean);
    predict(model, "regression_outputs.0", 4, 0, at);
    assert_memory_equal(mean, at, sizeof mean);
    auger_model_free(model);
}

AG_TEST(test_results__probabilities)
{
    static float logits[SAMPLES * 3], chances[SAMPLES * 3];
    auger_model *model = make("\"architectures\":[\"PatchTSMixerForTimeSeriesClassification\"]");
    predict(model, NULL, 4, 0, logits);
    predict(model, "probabilities", 4, 0, chances);
    for (int i = 0; i < SAMPLES; i++) {
        const float *p = chances + 3 * i, *y = logits + 3 * i;
        assert_true(fabsf(p[0] + p[1] + p[2] - 1) < 1e-6F);
        assert_true(fabsf(logf(p[0] / p[1]) - (y[0] - y[1])) < 1e-5F);
    }
    auger_model_free(model);
}

AG_TEST(test_results__a_seed_decides_what_is_hidden)
{
    static float one[SAMPLES * 18], other[SAMPLES * 18];
    auger_model *model = make("\"architectures\":[\"PatchTSMixerForPretraining\"]");
    predict(model, "mask", 9, 1, one);
    predict(model, "mask", 2, 1, other);
    assert_memory_equal(one, other, sizeof one);
    predict(model, "mask", 2, 2, other);
    assert_memory_not_equal(one, other, sizeof one);
    auger_model_free(model);
}
