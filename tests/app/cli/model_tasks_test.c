// SPDX-License-Identifier: Apache-2.0
/* `model inspect`, `diff` and `predict` on every task of PatchTSMixer, and the results that are computed from outputs.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/cli/program.h"
#include "app/cli/sample.h"
#include "core/base/rng.h"
#include "core/io/npy.h"
#include "frame/test.h"
#include "learn/nn/checkpoint/pretrained.h"

enum { WINDOWS = 5, IN = 16 * 2, MOST = 4000 };

static ag_output out, err_out;
static char root[512];
static float got[MOST], other[MOST];

static int call_of(const char *const *words)
{
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
    ag_output_init(&out, -1, "standard output");
    ag_output_init(&err_out, -1, "standard error");
    ag_program program = {.commands = ag_commands(),
                          .profile = "test",
                          .environment = sample_no_environment,
                          .out = &out,
                          .err = &err_out};
    return ag_program_run(&program, sample_count(words), words);
}
#define AUGER(...) call_of(SAMPLE_WORDS(__VA_ARGS__))

static const char *in_root(const char *name)
{
    static char path[8][600];
    static int next;
    char *to = path[next++ % 8];
    snprintf(to, sizeof path[0], "%s/%s", root, name);
    return to;
}

/* A model with these keys as "m", and windows as "x.npy". */
static void make(const char *keys)
{
    static const ag_building forward;
    char json[1024];
    ag_err err = {0};
    ag_model_config config = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_npy_writer *writer = NULL;
    float x[WINDOWS * IN];
    ag_arena *arena = ag_arena_new(0);
    snprintf(root, sizeof root, "%s", ag_test_dir());
    snprintf(
        json, sizeof json,
        "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,\"patch_stride\":4,\"d_model\":4,"
        "\"num_layers\":1,\"prediction_length\":3,\"num_input_channels\":2,\"architectures\":[\"PatchTSMixer%s}",
        keys);
    AG_EXPECT_OK(ag_model_config_read(arena, ag_str_of(json), NULL, NULL, &config, &err));
    AG_EXPECT_OK(ag_architecture_graph(config.architecture, config.values, &forward, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 3);
    AG_EXPECT_OK(ag_pretrained_save(in_root("m"), &config, model, &err));
    ag_model_free(model);
    ag_arena_free(arena);
    ag_rng rng = ag_rng_stream(1, "x");
    for (int i = 0; i < WINDOWS * IN; i++) x[i] = (float)(2 + ag_rng_normal(&rng));
    AG_EXPECT_OK(ag_npy_writer_open(in_root("x.npy"), AG_NPY_FLOAT32, (const uint64_t[]){16, 2}, 2, &writer, &err));
    AG_EXPECT_OK(ag_npy_writer_add(writer, x, WINDOWS, &err));
    AG_EXPECT_OK(ag_npy_writer_commit(writer, &err));
    ag_npy_writer_free(writer);
}

/* The result into `to`; how many numbers it has for a window. */
static size_t predict(const char *result, const char *batch, const char *seed, float *to)
{
    ag_err err = {0};
    ag_npy_file file;
    int rc = result ? AUGER("model", "predict", in_root("m"), "-i", in_root("x.npy"), "-o", in_root("y.npy"), "--batch",
                            batch, "--seed", seed, "--result", result)
                    : AUGER("model", "predict", in_root("m"), "-i", in_root("x.npy"), "-o", in_root("y.npy"));
    if (rc != 0) fail_msg("%s", ag_buf_str(&err_out.buf).data);
    AG_EXPECT_OK(ag_npy_open(in_root("y.npy"), &file, &err));
    assert_true(file.array.count <= MOST && file.array.shape[0] == WINDOWS);
    AG_EXPECT_OK(ag_npy_to_float(&file.array, 0, file.array.count, to, &err));
    size_t each = (size_t)(file.array.count / WINDOWS);
    ag_npy_close(&file);
    return each;
}

static bool printed(const char *part)
{
    return strstr(ag_buf_str(&out.buf).data, part) != NULL;
}

static void inspect(const char *part)
{
    assert_int_equal(AUGER("model", "inspect", in_root("m")), 0);
    if (!printed(part)) fail_msg("no '%s' in:\n%s", part, ag_buf_str(&out.buf).data);
    assert_int_equal(AUGER("model", "inspect", in_root("m"), "--json"), 0);
    assert_int_equal(AUGER("model", "diff", in_root("m"), in_root("m")), 0);
}

AG_TEST(test_model_tasks__a_likelihood_gives_mean_quantiles_and_samples)
{
    make("ForPrediction\"],\"loss\":\"nll\",\"num_parallel_samples\":11");
    inspect("computed    mean, quantile:Q, samples:N of student_t");
    assert_int_equal(predict(NULL, NULL, NULL, got), 6);
    assert_int_equal(predict("quantile:0.5", "2", "0", other), 6);
    for (int i = 0; i < WINDOWS * 6; i++) assert_true(fabsf(got[i] - other[i]) < 1e-5F);
    predict("quantile:0.95", "2", "0", other);
    for (int i = 0; i < WINDOWS * 6; i++) assert_true(other[i] > got[i]);
    assert_int_equal(predict("samples", "5", "4", got), 66);
    assert_int_equal(predict("samples", "2", "4", other), 66);
    assert_memory_equal(got, other, sizeof(float) * WINDOWS * 66);
    predict("samples", "2", "5", other);
    assert_memory_not_equal(got, other, sizeof(float) * WINDOWS * 66);
    assert_int_equal(AUGER("model", "predict", in_root("m"), "-i", in_root("x.npy"), "-o", in_root("y.npy"), "--result",
                           "quantile:7"),
                     2);
    assert_non_null(strstr(ag_buf_str(&err_out.buf).data, "a quantile stands between 0 and 1"));
}

AG_TEST(test_model_tasks__a_classification_gives_logits_or_probabilities)
{
    make("ForTimeSeriesClassification\"],\"num_targets\":4,\"norm_mlp\":\"BatchNorm\"");
    inspect("probabilities [4]");
    assert_int_equal(predict(NULL, NULL, NULL, got), 4);
    assert_int_equal(predict("probabilities", "3", "0", other), 4);
    for (int i = 0; i < WINDOWS; i++) {
        const float *p = other + 4 * i;
        assert_true(fabsf(p[0] + p[1] + p[2] + p[3] - 1) < 1e-6F && p[0] > 0 && got[4 * i] != p[0]);
    }
    assert_int_equal(
        AUGER("model", "predict", in_root("m"), "-i", in_root("x.npy"), "-o", in_root("y.npy"), "--result", "mean"), 1);
    assert_non_null(strstr(ag_buf_str(&err_out.buf).data, "the model has no output 'mean'"));
}

AG_TEST(test_model_tasks__regression_pretraining_and_the_bare_model)
{
    make("ForRegression\"],\"output_range\":[0,1]");
    inspect("regression_outputs [3]");
    assert_int_equal(predict(NULL, NULL, NULL, got), 3);
    for (int i = 0; i < WINDOWS * 3; i++) assert_true(got[i] > 0 && got[i] < 1);
    make("ForPretraining\"]");
    inspect("mask [2, 4] (optional)");
    assert_int_equal(predict("mask", "5", "1", got), 8);
    predict("mask", "2", "1", other);
    assert_memory_equal(got, other, sizeof(float) * WINDOWS * 8);
    predict("mask", "2", "2", other);
    assert_memory_not_equal(got, other, sizeof(float) * WINDOWS * 8);
    make("Model\"]");
    inspect("last_hidden_state [2, 4, 4]");
    assert_int_equal(predict(NULL, NULL, NULL, got), 32);
}
