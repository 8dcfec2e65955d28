// SPDX-License-Identifier: Apache-2.0
/* The commands `model inspect`, `model diff` and `model predict`, on a model that transformers saved. */
#include "frame/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli/program.h"
#include "app/cli/sample.h"
#include "core/doc/json.h"
#include "core/io/npy.h"
#include "learn/nn/checkpoint/pretrained.h"

static ag_output out, err_out;
static ag_arena *arena;

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

static void expect_printed(const char *part)
{
    if (!strstr(ag_buf_str(&out.buf).data, part)) fail_msg("no '%s' in:\n%s", part, ag_buf_str(&out.buf).data);
}

static void expect_remark(const char *part)
{
    if (!strstr(ag_buf_str(&err_out.buf).data, part)) fail_msg("no '%s' in:\n%s", part, ag_buf_str(&err_out.buf).data);
}

static const char *fixture(const char *name)
{
    if (!arena) arena = ag_arena_new(0);
    const char *source = getenv("AUGER_SOURCE");
    return ag_arena_printf(arena, "%s/tests/fixtures/huggingface%s", source ? source : ".", name);
}

static const char *scratch(const char *name)
{
    static char directory[512]; /* one for all */
    if (!*directory) ag_format(directory, sizeof directory, "%s", ag_test_dir());
    if (!arena) arena = ag_arena_new(0);
    return ag_arena_printf(arena, "%s/%s", directory, name);
}

static const ag_value *document(void)
{
    ag_err err = {0};
    const ag_value *value = NULL;
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out.buf), NULL, &value, &err));
    return value;
}

static int64_t integer_at(const ag_value *value, const char *path)
{
    int64_t number = -1;
    if (!ag_value_int(ag_value_at(value, path), &number)) fail_msg("no integer at %s", path);
    return number;
}

/* The fixture with one number changed, one key changed and, if wanted, a tensor less. */
static const char *changed(const char *name)
{
    ag_err err = {0};
    ag_pretrained *model = NULL;
    const char *path = scratch(name);
    AG_EXPECT_OK(ag_pretrained_load(fixture(""), NULL, &model, &err));
    ag_model_parameter(model->model, "model.encoder.patcher.bias")[1] += 0.5f;
    AG_EXPECT_OK(ag_pretrained_save(path, &model->config, model->model, &err));
    ag_pretrained_free(model);
    return path;
}

AG_TEST(test_model_inspect__shows_blocks_work_and_memory)
{
    assert_int_equal(AUGER("model", "inspect", fixture("")), 0);
    expect_printed("patchtsmixer");
    expect_printed("past_values [26, 3]");
    expect_printed("prediction_outputs [10, 2]");
    expect_printed("mlp_mixer_encoder.mixers.1.patch_mixer");
    expect_printed("training with batch 32");
    assert_int_equal(AUGER("model", "inspect", fixture(""), "--all"), 0);
    expect_printed("mixers.1.patch_mixer.mlp.fc1");
    expect_printed("model.encoder.positional_encoder.position_enc");
}

AG_TEST(test_model_inspect__json_counts_what_is_in_the_file)
{
    assert_int_equal(AUGER("model", "inspect", fixture(""), "--json"), 0);
    const ag_value *seen = document();
    ag_safetensors *file = NULL;
    ag_err err = {0};
    AG_EXPECT_OK(ag_safetensors_open(fixture("/model.safetensors"), &file, &err));
    int64_t total = 0, parameters = 0;
    for (size_t i = 0; i < file->count; i++) total += file->tensors[i].count;
    assert_int_equal(integer_at(seen, "parameters"), total);
    assert_int_equal(integer_at(seen, "trainable"), total - 6 * 4);
    assert_int_equal(ag_value_get(seen, "tensors")->array.count, file->count);
    const ag_value *layers = ag_value_get(seen, "layers");
    for (size_t i = 0; i < layers->array.count; i++) parameters += integer_at(&layers->array.items[i], "parameters");
    assert_int_equal(parameters, total);
    assert_true(integer_at(seen, "forward_bytes") > 0 && integer_at(seen, "training_bytes") > 0);
    ag_safetensors_free(file);
}

AG_TEST(test_model_inspect__a_file_without_a_configuration)
{
    ag_err err = {0};
    ag_mapping bytes;
    AG_EXPECT_OK(ag_map_file(fixture("/model.safetensors"), &bytes, &err));
    const char *alone = scratch("alone.safetensors");
    AG_EXPECT_OK(ag_file_replace(alone, bytes.data, bytes.size, &err));
    AG_EXPECT_OK(ag_file_replace(scratch("cut.safetensors"), bytes.data, bytes.size - 1, &err));
    ag_unmap_file(&bytes);
    assert_int_equal(AUGER("model", "inspect", alone), 0);
    expect_remark("only the tensors");
    expect_printed("head.base_forecast_block.weight");
    assert_int_equal(AUGER("model", "inspect", alone, "--json"), 0);
    assert_null(ag_value_get(document(), "layers"));
    assert_int_equal(AUGER("model", "inspect", scratch("cut.safetensors")), 1);
    expect_remark("cut.safetensors");
    assert_int_equal(AUGER("model", "inspect", scratch("nowhere")), 1);
    assert_int_equal(AUGER("model", "inspect", ag_test_dir()), 1);
    expect_remark("config.json");
}

AG_TEST(test_model_diff__finds_the_number_that_differs)
{
    const char *other = changed("other");
    assert_int_equal(AUGER("model", "diff", fixture(""), fixture(""), "--exit-code"), 0);
    expect_printed("the same");
    assert_int_equal(AUGER("model", "diff", fixture(""), other), 0);
    expect_printed("model.encoder.patcher.bias");
    expect_printed("0.5");
    expect_printed("0 keys and 1 tensors differ");
    assert_int_equal(AUGER("model", "diff", fixture(""), other, "--exit-code", "--json"), 1);
    const ag_value *seen = document();
    const ag_value *tensors = ag_value_get(seen, "tensors");
    size_t differing = 0;
    for (size_t i = 0; i < tensors->array.count; i++) {
        double most = 0.0;
        ag_value_real(ag_value_get(&tensors->array.items[i], "max_absolute"), &most);
        if (most > 0.0) assert_true(fabs(most - 0.5) < 1e-6);
        differing += most > 0.0;
    }
    assert_int_equal(differing, 1);
}

AG_TEST(test_model_diff__keys_shapes_and_missing_tensors)
{
    ag_err err = {0};
    static const float values[8];
    static const ag_tensor_source a[] = {{"x", AG_DTYPE_F32, {1, {4}}, values}, {"y", AG_DTYPE_F32, {1, {2}}, values}};
    static const ag_tensor_source b[] = {{"x", AG_DTYPE_F32, {2, {2, 2}}, values}, {"z", AG_DTYPE_F64, {0}, values}};
    AG_EXPECT_OK(
        ag_safetensors_write(scratch("a.safetensors"), &(ag_safetensors_writing){.tensors = a, .count = 2}, &err));
    AG_EXPECT_OK(
        ag_safetensors_write(scratch("b.safetensors"), &(ag_safetensors_writing){.tensors = b, .count = 2}, &err));
    assert_int_equal(AUGER("model", "diff", scratch("a.safetensors"), scratch("b.safetensors")), 0);
    expect_printed("[4] / [2, 2]");
    expect_printed("only in A");
    expect_printed("only in B");
    expect_printed("0 keys and 3 tensors differ");
    const char *other = changed("keys");
    static const char config[] = "{\"model_type\":\"patchtsmixer\",\"context_length\":26,\"patch_length\":4,"
                                 "\"patch_stride\":4,\"num_input_channels\":3,\"d_model\":4,\"num_layers\":2,"
                                 "\"prediction_length\":10,\"dropout\":0.5,\"mode\":\"mix_channel\",\"self_attn\":true,"
                                 "\"self_attn_heads\":2,\"use_positional_encoding\":true}";
    AG_EXPECT_OK(ag_file_replace(ag_arena_printf(arena, "%s/config.json", other), config, strlen(config), &err));
    assert_int_equal(AUGER("model", "diff", fixture(""), other), 0);
    expect_printed("dropout");
    expect_printed("prediction_channel_indices");
}

static void expect_near(const char *path, const char *wanted)
{
    ag_err err = {0};
    ag_npy_file a, b;
    AG_EXPECT_OK(ag_npy_open(path, &a, &err));
    AG_EXPECT_OK(ag_npy_open(wanted, &b, &err));
    assert_int_equal(a.array.count, b.array.count);
    assert_int_equal(a.array.dimensions, 3);
    for (size_t i = 0; i < a.array.count; i++) {
        double x, y;
        AG_EXPECT_OK(ag_npy_to_double(&a.array, i, 1, &x, &err));
        AG_EXPECT_OK(ag_npy_to_double(&b.array, i, 1, &y, &err));
        if (fabs(x - y) > 1e-5 * fmax(1.0, fabs(y))) fail_msg("number %zu is %.9g, PyTorch says %.9g", i, x, y);
    }
    ag_npy_close(&a);
    ag_npy_close(&b);
}

AG_TEST(test_model_predict__agrees_with_pytorch_in_any_batch)
{
    static const char *const batches[] = {"1", "3", "100"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", scratch("y.npy"),
                               "--batch", batches[i], "--threads", batches[i == 1]),
                         0);
        expect_printed("4 windows, [10, 2] each");
        expect_near(scratch("y.npy"), fixture("/y.npy"));
    }
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", scratch("loc.npy"), "--json",
                           "--result", "scale"),
                     0);
    assert_int_equal(integer_at(document(), "windows"), 4);
}

AG_TEST(test_model_predict__says_what_does_not_fit)
{
    ag_err err = {0};
    static const float values[26 * 3];
    AG_EXPECT_OK(ag_npy_write(scratch("one.npy"), AG_NPY_FLOAT32, (uint64_t[]){26, 3}, 2, values, &err));
    AG_EXPECT_OK(ag_npy_write(scratch("thin.npy"), AG_NPY_FLOAT32, (uint64_t[]){1, 26, 2}, 3, values, &err));
    AG_EXPECT_OK(ag_npy_write(scratch("none.npy"), AG_NPY_FLOAT32, (uint64_t[]){0, 26, 3}, 3, values, &err));
    const char *y = scratch("never.npy");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", scratch("one.npy"), "-o", y), 2);
    expect_remark("x[None]");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", scratch("thin.npy"), "-o", y), 2);
    expect_remark("has shape [1, 26, 2], but input 'past_values' wants [26, 3]");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", y, "--result", "r"), 1);
    expect_remark("no output 'r'");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", y, "--device", "d"), 1);
    expect_remark("no device 'd'");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", y, "--bind",
                           ag_arena_printf(arena, "observed_mask=%s", scratch("none.npy"))),
                     2);
    expect_remark("has 0 windows, but the input has 4");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", y, "--bind", "m=x.npy"), 1);
    expect_remark("no input 'm'");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", scratch("none.npy"), "-o", scratch("none.npy")), 2);
    expect_remark("is an input, which would be lost");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", "-"), 2);
    expect_remark("--output - would be standard output");
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", "-", "-o", y), 1);
    expect_remark("standard input and pipes are not read");
    assert_false(ag_file_exists(y));
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", scratch("none.npy"), "-o", y), 0);
    assert_int_equal(mkfifo(scratch("pipe"), 0600), 0);
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", scratch("pipe"), "-o", y), 2);
    expect_remark("standard input and pipes are not read");
    assert_true(ag_file_exists(y));
}

/* A slip of the pen must not cost a model its weights; memory is for the windows that there are. */
AG_TEST(test_model_predict__writes_over_arrays_only_and_asks_for_no_more_memory_than_windows)
{
    ag_err err = {0};
    const char *precious = scratch("model.safetensors"), *y = scratch("over.npy");
    AG_EXPECT_OK(ag_file_replace(precious, "weights", 7, &err));
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", precious), 1);
    expect_remark("is there and is no .npy file: it would be lost");
    AG_EXPECT_OK(ag_file_replace(y, "", 0, &err));
    for (int i = 0; i < 2; i++)
        assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", y, "--json"), 0);
    int64_t small = integer_at(document(), "memory_bytes");
    assert_int_equal(
        AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", y, "--json", "--batch", "1000000"), 0);
    assert_int_equal(integer_at(document(), "memory_bytes"), small);
}

AG_TEST(test_model_predict__a_mask_changes_the_result)
{
    ag_err err = {0};
    float mask[4 * 26 * 3];
    for (int i = 0; i < 4 * 26 * 3; i++) mask[i] = i % 5 ? 1.0f : 0.0f;
    AG_EXPECT_OK(ag_npy_write(scratch("mask.npy"), AG_NPY_FLOAT32, (uint64_t[]){4, 26, 3}, 3, mask, &err));
    assert_int_equal(AUGER("model", "predict", fixture(""), "-i", fixture("/x.npy"), "-o", scratch("masked.npy"),
                           "--bind", ag_arena_printf(arena, "observed_mask=%s", scratch("mask.npy"))),
                     0);
    ag_npy_file a, b;
    AG_EXPECT_OK(ag_npy_open(scratch("masked.npy"), &a, &err));
    AG_EXPECT_OK(ag_npy_open(fixture("/y.npy"), &b, &err));
    double x, y;
    AG_EXPECT_OK(ag_npy_to_double(&a.array, 0, 1, &x, &err));
    AG_EXPECT_OK(ag_npy_to_double(&b.array, 0, 1, &y, &err));
    assert_true(fabs(x - y) > 1e-4);
    ag_npy_close(&a);
    ag_npy_close(&b);
    ag_output_deinit(&out);
    ag_output_deinit(&err_out);
    ag_arena_free(arena);
    arena = NULL;
}
