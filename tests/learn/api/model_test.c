// SPDX-License-Identifier: Apache-2.0
#include "auger/model.h"

#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "frame/test.h"
#include "learn/nn/checkpoint/pretrained.h"

static const char small[] =
    "{\"model_type\":\"patchtsmixer\",\"context_length\":24,\"patch_length\":4,\"patch_stride\":4,"
    "\"num_input_channels\":3,\"d_model\":4,\"num_layers\":2,\"mode\":\"mix_channel\",\"self_attn\":true,"
    "\"use_positional_encoding\":true,\"prediction_length\":10}";
static const char likely[] =
    "{\"model_type\":\"patchtsmixer\",\"context_length\":24,\"patch_length\":4,\"patch_stride\":4,"
    "\"num_input_channels\":3,\"d_model\":4,\"num_layers\":1,\"prediction_length\":10,\"loss\":\"nll\"}";

enum { SAMPLES = 23, IN = 24 * 3, OUT = 10 * 3 };
static float input[SAMPLES * IN], expected[SAMPLES * OUT];

/* A directory with a model, and the series that it is asked about. */
static const char *make_of(const char *json)
{
    static char path[512];
    static const ag_building forward;
    ag_err err = {0};
    ag_model_config config = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_model_config_read(arena, ag_str_of(json), NULL, NULL, &config, &err));
    AG_EXPECT_OK(ag_architecture_graph(config.architecture, config.values, &forward, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 11);
    ag_format(path, sizeof path, "%s/model", ag_test_dir());
    AG_EXPECT_OK(ag_pretrained_save(path, &config, model, &err));
    ag_model_free(model);
    ag_arena_free(arena);
    ag_rng rng = ag_rng_stream(1, "series");
    for (int i = 0; i < SAMPLES * IN; i++) input[i] = (float)ag_rng_normal(&rng);
    return path;
}

static const char *make(void)
{
    return make_of(small);
}

static auger_model *load(const char *path)
{
    auger_error error;
    auger_model *model = NULL;
    if (auger_model_load(path, &model, &error) < 0) fail_msg("%s", error.text);
    return model;
}

static auger_context *open_context(auger_model *model, int64_t samples, unsigned threads)
{
    auger_error error;
    auger_context *context = NULL;
    auger_context_options options = {.max_samples = samples, .threads = threads};
    if (auger_context_new(model, &options, &context, &error) < 0) fail_msg("%s", error.text);
    return context;
}

static void predict(auger_context *context, float *output)
{
    auger_error error;
    memset(output, 0, sizeof expected);
    if (auger_predict(context, input, SAMPLES, output, &error) < 0) fail_msg("%s", error.text);
}

AG_TEST(test_api__a_model_tells_what_goes_in_and_out)
{
    auger_model *model = load(make());
    const auger_port *in = auger_model_input(model, 0), *mask = auger_model_input(model, 1);
    assert_string_equal(in->name, "past_values");
    assert_true(in->axes == 2 && in->shape[0] == 24 && in->shape[1] == 3 && in->size == IN && !in->optional);
    assert_string_equal(mask->name, "observed_mask");
    assert_true(mask->optional);
    assert_null(auger_model_input(model, 2));
    const auger_port *out = auger_model_output(model, 0);
    assert_string_equal(out->name, "prediction_outputs");
    assert_true(out->size == OUT);
    assert_null(auger_model_output(model, 100));
    assert_string_equal(auger_model_type(model), "patchtsmixer");
    assert_true(auger_model_parameters(model) > 500);
    auger_model_free(model);
}

AG_TEST(test_api__the_same_bits_however_it_is_asked)
{
    static float other[SAMPLES * OUT];
    auger_model *model = load(make());
    auger_context *whole = open_context(model, 0, 1);
    predict(whole, expected);
    assert_true(expected[0] != 0.0f && expected[SAMPLES * OUT - 1] != 0.0f);
    for (unsigned threads = 1; threads <= 4; threads++) {
        auger_context *pieces = open_context(model, threads + 2, threads);
        assert_true(auger_context_bytes(pieces) > 0);
        predict(pieces, other);
        assert_memory_equal(other, expected, sizeof expected);
        auger_context_free(pieces);
    }
    auger_context_free(whole);
    auger_model_free(model);
}

AG_TEST(test_api__nothing_is_allocated_after_loading)
{
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    static float other[SAMPLES * OUT];
    auger_error error;
    auger_model *model = load(make());
    auger_context *one = open_context(model, 7, 1), *four = open_context(model, 7, 4);
    predict(one, expected);
    auger_context *contexts[] = {one, four};
    for (int i = 0; i < 2; i++) {
        ag_fault_arm(1, AG_FAULT_ALLOC | AG_FAULT_FILE); /* the very first allocation would fail and be told */
        int rc = auger_predict(contexts[i], input, SAMPLES, other, &error);
        int bound = auger_bind_input(contexts[i], "past_values", input, &error);
        int ran = auger_run(contexts[i], 3, &error);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        assert_true(rc == 0 && bound == 0 && ran == 0 && !fired);
        assert_memory_equal(other, expected, sizeof expected);
        auger_context_free(contexts[i]);
    }
    auger_model_free(model);
}

static void *predict_often(void *argument)
{
    auger_model *model = argument;
    static __thread float other[SAMPLES * OUT];
    auger_context *context = NULL;
    bool same = auger_context_new(model, NULL, &context, NULL) == 0;
    for (int i = 0; same && i < 20; i++) {
        same = auger_predict(context, input, SAMPLES, other, NULL) == 0;
        same = same && memcmp(other, expected, sizeof expected) == 0;
    }
    auger_context_free(context);
    return same ? argument : NULL;
}

AG_TEST(test_api__threads_share_a_model)
{
    auger_model *model = load(make());
    auger_context *context = open_context(model, 0, 1);
    predict(context, expected);
    auger_context_free(context);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, predict_often, model), 0);
    for (int i = 0; i < 4; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_non_null(result);
    }
    auger_model_free(model);
}

AG_TEST(test_api__a_context_keeps_its_model)
{
    static float other[SAMPLES * OUT];
    auger_model *model = load(make());
    auger_context *context = open_context(model, 0, 2);
    auger_model_free(model);
    predict(context, other);
    auger_context_free(context);
    auger_context_free(NULL);
    auger_model_free(NULL);
}

AG_TEST(test_api__other_inputs_move_on_with_the_first)
{
    static float mask[SAMPLES * IN], pieces[SAMPLES * OUT];
    auger_model *model = load(make());
    for (int i = 0; i < SAMPLES * IN; i++) mask[i] = i % 7 ? 1.0f : 0.0f;
    auger_context *whole = open_context(model, 0, 1), *some = open_context(model, 4, 1);
    assert_int_equal(auger_bind_input(whole, "observed_mask", mask, NULL), 0);
    assert_int_equal(auger_bind_input(some, "observed_mask", mask, NULL), 0);
    predict(whole, expected);
    predict(some, pieces);
    assert_memory_equal(pieces, expected, sizeof expected);
    assert_int_equal(auger_bind_input(whole, "observed_mask", NULL, NULL), 0);
    predict(whole, expected);
    assert_memory_not_equal(pieces, expected, sizeof expected);
    auger_context_free(whole);
    auger_context_free(some);
    auger_model_free(model);
}

/* The output is bound beside that of auger_predict(), which takes the samples in pieces. */
static void expect_to_move_on(auger_model *model, const char *name)
{
    static float whole[SAMPLES * OUT], pieces[SAMPLES * OUT], y[SAMPLES * OUT];
    auger_context *at_once = open_context(model, 0, 1), *some = open_context(model, 4, 1);
    memset(whole, 0, sizeof whole);
    assert_int_equal(auger_bind_output(at_once, name, whole, NULL), 0);
    assert_int_equal(auger_bind_output(some, name, pieces, NULL), 0);
    predict(at_once, expected);
    for (int round = 0; round < 2; round++) {
        memset(pieces, 0, sizeof pieces);
        predict(some, y);
        assert_memory_equal(pieces, whole, sizeof whole);
        assert_memory_equal(y, expected, sizeof expected);
    }
    auger_context_free(at_once);
    auger_context_free(some);
}

AG_TEST(test_api__other_outputs_move_on_too)
{
    auger_model *model = load(make()), *distribution;
    expect_to_move_on(model, "loc");
    auger_model_free(model);
    distribution = load(make_of(likely));
    expect_to_move_on(distribution, "loc"); /* of which the mean is made */
    expect_to_move_on(distribution, "prediction_outputs.1");
    expect_to_move_on(distribution, "quantile:0.9");
    auger_model_free(distribution);
}

AG_TEST(test_api__a_bound_result_stays_bound)
{
    static float mine[4 * OUT], y[SAMPLES * OUT];
    auger_model *model = load(make());
    auger_context *context = open_context(model, 4, 1);
    const char *name = auger_context_result(context)->name;
    assert_int_equal(auger_bind_output(context, name, mine, NULL), 0);
    predict(context, y);
    for (int i = 0; i < 4 * OUT; i++) assert_true(mine[i] == 0.0f);
    assert_int_equal(auger_bind_input(context, "past_values", input, NULL), 0);
    assert_int_equal(auger_run(context, 4, NULL), 0);
    assert_memory_equal(mine, y, sizeof mine);
    auger_context_free(context);
    auger_model_free(model);
}

AG_TEST(test_api__nothing_is_an_error)
{
    auger_error error;
    auger_model *model = load(make());
    auger_context *context = NULL;
    assert_int_equal(auger_context_new(NULL, NULL, &context, &error), AUGER_EINVAL);
    assert_string_equal(error.text, "no model was given");
    assert_int_equal(auger_model_save(NULL, "x", &error), AUGER_EINVAL);
    assert_int_equal(auger_run(NULL, 1, &error), AUGER_EINVAL);
    assert_string_equal(error.text, "no context was given");
    assert_int_equal(auger_predict(NULL, input, 1, expected, &error), AUGER_EINVAL);
    context = open_context(model, 0, 1);
    assert_int_equal(auger_bind_input(context, NULL, input, &error), AUGER_EINVAL);
    assert_int_equal(auger_bind_output(context, NULL, expected, &error), AUGER_EINVAL);
    auger_context_free(context);
    auger_model_free(model);
}

AG_TEST(test_api__errors_are_text)
{
    const char *path = make();
    auger_error error;
    auger_model *model = NULL;
    auger_context *context = NULL;
    assert_true(auger_model_load("/nowhere/at/all", &model, &error) < 0);
    assert_non_null(strstr(error.text, "/nowhere/at/all"));
    assert_true(error.code < 0);
    assert_true(auger_model_load(NULL, &model, NULL) < 0);
    model = load(path);
    auger_context_options options = {.device = "abacus"};
    assert_true(auger_context_new(model, &options, &context, &error) < 0);
    assert_non_null(strstr(error.text, "abacus"));
    options = (auger_context_options){.max_samples = -1};
    assert_true(auger_context_new(model, &options, &context, &error) < 0);
    context = open_context(model, 4, 1);
    assert_true(auger_run(context, 1, &error) < 0);
    assert_non_null(strstr(error.text, "'past_values' is not bound"));
    assert_true(auger_bind_input(context, "nothing", input, &error) < 0);
    assert_true(auger_bind_output(context, "nothing", expected, &error) < 0);
    assert_int_equal(auger_bind_input(context, "past_values", input, &error), 0);
    assert_int_equal(error.code, 0);
    assert_true(auger_run(context, 5, &error) < 0);
    assert_true(auger_run(context, 0, &error) < 0);
    assert_true(auger_predict(context, input, -1, expected, &error) < 0);
    assert_true(auger_predict(context, NULL, 1, expected, &error) < 0);
    assert_int_equal(auger_predict(context, NULL, 0, NULL, &error), 0);
    auger_context_free(context);
    auger_model_free(model);
}

AG_TEST(test_api__saved_it_is_the_same)
{
    char copy[600];
    const char *path = make();
    ag_format(copy, sizeof copy, "%s-copy", path);
    static float other[SAMPLES * OUT];
    auger_model *model = load(path);
    auger_error error;
    if (auger_model_save(model, copy, &error) < 0) fail_msg("%s", error.text);
    auger_model *again = load(copy);
    auger_context *a = open_context(model, 0, 1), *b = open_context(again, 0, 1);
    predict(a, expected);
    predict(b, other);
    assert_memory_equal(other, expected, sizeof expected);
    auger_context_free(a);
    auger_context_free(b);
    auger_model_free(model);
    auger_model_free(again);
}

static int load_and_predict(void *context, ag_err *err)
{
    static float other[SAMPLES * OUT];
    auger_error error = {0};
    auger_model *model = NULL;
    auger_context *opened = NULL;
    int rc = auger_model_load(context, &model, &error);
    if (rc >= 0) rc = auger_context_new(model, NULL, &opened, &error);
    if (rc >= 0) rc = auger_predict(opened, input, SAMPLES, other, &error);
    auger_context_free(opened);
    auger_model_free(model);
    return rc < 0 ? ag_fail(err, (ag_code)rc, "%s", error.text) : 0;
}

AG_TEST(test_api__every_failing_call_is_reported)
{
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    assert_true(ag_test_fail_at_n(AG_FAULT_FILE, load_and_predict, NULL, (void *)(uintptr_t)make()) > 3);
    ag_test_fail_at_n(AG_FAULT_ALLOC, load_and_predict, NULL, (void *)(uintptr_t)make());
}
