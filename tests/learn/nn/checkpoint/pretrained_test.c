// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/checkpoint/pretrained.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/path.h"
#include "learn/nn/check.h"
#include "learn/nn/models/patchtsmixer.h"

static const char small[] =
    "{\"model_type\":\"patchtsmixer\",\"context_length\":24,\"patch_length\":4,\"patch_stride\":4,\"num_patches\":6,"
    "\"num_input_channels\":3,\"d_model\":4,\"num_layers\":2,\"mode\":\"mix_channel\",\"self_attn\":true,"
    "\"self_attn_heads\":2,\"use_positional_encoding\":true,\"prediction_length\":10,\"note\":\"kept\"}";

static ag_arena *arena;

/* A model with first values under `directory`; the configuration may be changed by `change`. */
static ag_model_config make(const char *directory, void (*change)(ag_patchtsmixer *config))
{
    static const ag_building forward;
    ag_err err = {0};
    ag_model_config config = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_arena_free(arena);
    arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_model_config_read(arena, ag_str_of(small), NULL, NULL, &config, &err));
    if (change) change(config.values);
    AG_EXPECT_OK(ag_architecture_graph(config.architecture, config.values, &forward, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 7);
    AG_EXPECT_OK(ag_pretrained_save(directory, &config, model, &err));
    AG_EXPECT_OK(ag_pretrained_save_file(ag_path_join(arena, directory, "one.safetensors"), &config, model, &err));
    ag_model_free(model);
    return config;
}

static const char *in(const char *directory, const char *name)
{
    return ag_path_join(arena, directory, name);
}

static void expect_same_bytes(const char *a, const char *b)
{
    ag_err err = {0};
    ag_sha256 x, y;
    AG_EXPECT_OK(ag_sha256_of_file(a, &x, NULL, &err));
    AG_EXPECT_OK(ag_sha256_of_file(b, &y, NULL, &err));
    if (!ag_sha256_equal(&x, &y)) fail_msg("%s differs from %s", a, b);
}

AG_TEST(test_pretrained__saved_loaded_and_saved_again_is_the_same)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, NULL);
    const char *again = in(root, "again"), *third = in(root, "third");
    ag_pretrained *directory = NULL, *file = NULL;
    AG_EXPECT_OK(ag_pretrained_load(root, NULL, &directory, &err));
    assert_int_equal(((const ag_patchtsmixer *)directory->config.values)->head, 0);
    AG_EXPECT_OK(ag_pretrained_save(again, &directory->config, directory->model, &err));
    expect_same_bytes(in(root, "model.safetensors"), in(again, "model.safetensors"));
    expect_same_bytes(in(root, "config.json"), in(again, "config.json"));
    AG_EXPECT_OK(ag_pretrained_load(in(root, "one.safetensors"), NULL, &file, &err));
    assert_int_equal(file->config.unknown_count, 1);
    AG_EXPECT_OK(ag_pretrained_save(third, &file->config, file->model, &err));
    expect_same_bytes(in(root, "model.safetensors"), in(third, "model.safetensors"));
    expect_same_bytes(in(root, "config.json"), in(third, "config.json"));
    ag_pretrained_free(directory);
    ag_pretrained_free(file);
}

static void stack(ag_patchtsmixer *config)
{
    config->head = 1;
    config->loss = AG_MIXER_FOCAL;
}

AG_TEST(test_pretrained__the_stacked_head_is_seen_in_the_tensors)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, stack);
    ag_pretrained *loaded = NULL;
    AG_EXPECT_OK(ag_pretrained_load(root, NULL, &loaded, &err));
    const ag_patchtsmixer *c = loaded->config.values;
    assert_int_equal(c->head, 1);
    assert_int_equal(c->loss, AG_MIXER_FOCAL);
    assert_non_null(ag_model_parameter(loaded->model, "head.base_forecast_block2.bias"));
    ag_pretrained_free(loaded);
}

static int count_nodes(const ag_pretrained *loaded, const ag_op *op)
{
    int count = 0;
    for (int32_t i = 0; i < ag_graph_nodes(loaded->model->graph); i++)
        count += ag_graph_node(loaded->model->graph, i)->op == op;
    return count;
}

enum { INPUTS = 24 * 3, OUTPUTS = 10 * 3 };

static ag_real *predict(const ag_pretrained *loaded)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    ag_real x[INPUTS], *y = ag_calloc(OUTPUTS, sizeof *y);
    assert_non_null(y);
    for (int i = 0; i < INPUTS; i++) x[i] = (ag_real)sin(0.7 * i);
    AG_EXPECT_OK(ag_exec_new(loaded->model->graph, &(ag_plan_options){.outputs = true, .max_samples = 1},
                             loaded->model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "past_values", x, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "prediction_outputs", y, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = 1}, &err));
    ag_exec_free(exec);
    return y;
}

/* Its three maps are one for who only predicts, and the answers those of the three. */
AG_TEST(test_pretrained__the_stacked_head_is_joined_for_predictions)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, stack);
    ag_pretrained *joined = NULL, *apart = NULL;
    AG_EXPECT_OK(ag_pretrained_load(root, NULL, &joined, &err));
    AG_EXPECT_OK(ag_pretrained_load(root, &(ag_building){0}, &apart, &err));
    assert_int_equal(count_nodes(joined, &ag_op_linear_chain), 1);
    assert_int_equal(count_nodes(apart, &ag_op_linear_chain), 0);
    assert_int_equal(count_nodes(apart, &ag_op_linear), count_nodes(joined, &ag_op_linear) + 3);
    ag_real *one = predict(joined), *three = predict(apart);
    for (int i = 0; i < OUTPUTS; i++) ag_check_near((double)one[i], (double)three[i], 1e-5, "a forecast");
    ag_free(one);
    ag_free(three);
    ag_pretrained_free(joined);
    ag_pretrained_free(apart);
}

AG_TEST(test_pretrained__weights_alone_take_the_configuration_beside_them)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, NULL);
    ag_pretrained *loaded = NULL;
    AG_EXPECT_OK(ag_pretrained_load(in(root, "model.safetensors"), NULL, &loaded, &err));
    ag_pretrained_free(loaded);
    AG_EXPECT_OK(ag_file_remove(in(root, "config.json"), &err));
    AG_EXPECT_ERROR(ag_pretrained_load(in(root, "model.safetensors"), NULL, &loaded, &err), AG_ENOTFOUND,
                    "carries no configuration");
    AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_ENOTFOUND, "no config.json");
}

AG_TEST(test_pretrained__the_directory_of_a_training_has_its_model_inside)
{
    ag_err err = {0};
    ag_pretrained *loaded = NULL;
    const char *root = ag_test_dir();
    char model[600];
    ag_format(model, sizeof model, "%s/model", root);
    make(model, NULL);
    const char *members = in(model, "members");
    AG_EXPECT_OK(ag_pretrained_load(root, NULL, &loaded, &err));
    ag_pretrained_free(loaded);
    AG_EXPECT_OK(ag_file_remove(in(model, "config.json"), &err));
    AG_EXPECT_OK(ag_dir_make(members, &err));
    AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_ENOTFOUND, "no config.json");
    assert_non_null(strstr(err.hint, "holds several models"));
    AG_EXPECT_ERROR(ag_pretrained_load(model, NULL, &loaded, &err), AG_ENOTFOUND, "no config.json");
    assert_non_null(strstr(err.hint, "holds several models"));
}

AG_TEST(test_pretrained__says_what_it_cannot_read)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, NULL);
    ag_pretrained *loaded = NULL;
    AG_EXPECT_OK(ag_file_remove(in(root, "model.safetensors"), &err));
    AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_ENOTFOUND, "no model.safetensors");
    AG_EXPECT_OK(ag_file_replace(in(root, "pytorch_model.bin"), "x", 1, &err));
    AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_EUNSUPPORTED, "pickle");
    AG_EXPECT_OK(ag_file_replace(in(root, "pytorch_model.bin"), "PK\3\4 and so on", 14, &err));
    AG_EXPECT_ERROR(ag_pretrained_load(in(root, "pytorch_model.bin"), NULL, &loaded, &err), AG_ELIMIT,
                    "no safetensors file");
    assert_non_null(strstr(err.hint, "safe_serialization"));
    AG_EXPECT_OK(ag_file_replace(in(root, "model.safetensors.index.json"), "{}", 2, &err));
    AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_EPARSE, "no object 'weight_map'");
    AG_EXPECT_ERROR(ag_pretrained_load(in(root, "nowhere"), NULL, &loaded, &err), AG_ENOTFOUND, "nowhere");
}

AG_TEST(test_pretrained__a_configuration_that_cannot_be_is_told_with_its_file)
{
    ag_err err = {0};
    char text[1000], whole[900];
    const char *root = ag_test_dir();
    make(root, NULL);
    ag_pretrained *loaded = NULL;
    ag_format(text, sizeof text, "%s", small);
    memcpy(strstr(text, "24,"), "4, ", 3);
    memcpy(strstr(text, "\"num_patches\":6"), "\"num_patches\":0", 15);
    AG_EXPECT_OK(ag_file_replace(in(root, "config.json"), text, strlen(text), &err));
    AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_EINVAL, "context_length 4 must be greater");
    (void)ag_err_format(&err, whole, sizeof whole);
    assert_non_null(strstr(whole, in(root, "config.json")));
}

/* Writes the weights again with one tensor changed by `edit`, which returns how many there are then. */
typedef size_t (*editing)(ag_tensor_source *sources, size_t count);

static int load_edited(const char *root, editing edit, ag_err *out)
{
    ag_err err = {0};
    ag_pretrained *loaded = NULL;
    ag_vec sources;
    ag_vec_init(&sources, sizeof(ag_tensor_source));
    int rc = ag_pretrained_load(root, NULL, &loaded, &err);
    if (rc < 0) fail_msg("%s", err.text);
    AG_EXPECT_OK(
        ag_tensors_describe(loaded->arena, loaded->model->graph, "", loaded->model->values, false, &sources, &err));
    assert_int_equal(ag_vec_reserve(&sources, sources.count + 1, &err), 0);
    ag_safetensors_writing writing = {.tensors = sources.items, .count = edit(sources.items, sources.count)};
    const char *edited = in(root, "edited");
    AG_EXPECT_OK(ag_dir_make(edited, &err));
    AG_EXPECT_OK(ag_safetensors_write(in(edited, "model.safetensors"), &writing, &err));
    AG_EXPECT_OK(ag_file_replace(in(edited, "config.json"), small, strlen(small), &err));
    ag_vec_deinit(&sources);
    ag_pretrained_free(loaded);
    loaded = NULL;
    rc = ag_pretrained_load(edited, NULL, &loaded, out);
    ag_pretrained_free(loaded);
    return rc;
}

static size_t drop_last(ag_tensor_source *sources, size_t count)
{
    (void)sources;
    return count - 1;
}

static size_t rename_first(ag_tensor_source *sources, size_t count)
{
    sources[0].name = "model.encoder.positional_encoder.position_encs";
    return count;
}

static const ag_real one_number[1];

static size_t add_one(ag_tensor_source *sources, size_t count)
{
    sources[count] = (ag_tensor_source){"model.encoder.patcher.weights", AG_DTYPE_F32, ag_shape_of(1), one_number};
    return count + 1;
}

static size_t reshape_first(ag_tensor_source *sources, size_t count)
{
    int64_t rows = sources[0].shape.at[0];
    sources[0].shape.at[0] = sources[0].shape.at[1];
    sources[0].shape.at[1] = rows;
    return count;
}

static size_t make_whole(ag_tensor_source *sources, size_t count)
{
    sources[0].dtype = AG_DTYPE_I64;
    return count;
}

static size_t make_double(ag_tensor_source *sources, size_t count)
{
    for (size_t i = 0; i < count; i++) sources[i].dtype = AG_DTYPE_F64;
    return count;
}

AG_TEST(test_pretrained__tensors_must_fit_by_name_shape_and_type)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, NULL);
    AG_EXPECT_ERROR(load_edited(root, drop_last, &err), AG_EINVAL, "'head.base_forecast_block.bias' is missing");
    assert_non_null(strstr(err.file, "edited/model.safetensors"));
    AG_EXPECT_ERROR(load_edited(root, rename_first, &err), AG_EINVAL,
                    "'model.encoder.positional_encoder.position_enc' is missing");
    assert_non_null(strstr(err.hint, "position_encs"));
    AG_EXPECT_ERROR(load_edited(root, add_one, &err), AG_EINVAL, "no tensor 'model.encoder.patcher.weights'");
    assert_non_null(strstr(err.hint, "'model.encoder.patcher.weight'"));
    AG_EXPECT_ERROR(load_edited(root, reshape_first, &err), AG_EINVAL,
                    "has shape [4, 6], but the configuration makes it [6, 4]");
    AG_EXPECT_ERROR(load_edited(root, make_whole, &err), AG_EINVAL, "holds I64, but real numbers are wanted");
    AG_EXPECT_OK(load_edited(root, make_double, &err));
}

/* The number at `from` of the last tensor of the file is replaced. */
static void spoil(const char *path, size_t from, float value)
{
    ag_err err = {0};
    ag_buf bytes;
    ag_buf_init(&bytes, 1 << 24);
    AG_EXPECT_OK(ag_file_read(path, 1 << 24, &bytes, &err));
    memcpy(bytes.data + bytes.size - sizeof value * (1 + from), &value, sizeof value);
    AG_EXPECT_OK(ag_file_replace(path, bytes.data, bytes.size, &err));
    ag_buf_deinit(&bytes);
}

AG_TEST(test_pretrained__weights_that_are_no_numbers_are_refused_by_tensor)
{
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    const char *root = ag_test_dir();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ag_err err = {0};
        ag_pretrained *loaded = NULL;
        ag_safetensors *file = NULL;
        make(root, NULL);
        spoil(in(root, "model.safetensors"), 0, bad[i]);
        AG_EXPECT_OK(ag_safetensors_open(in(root, "model.safetensors"), &file, &err));
        AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_EINVAL, "1 of ");
        assert_non_null(strstr(err.text, file->tensors[file->count - 1].name));
        assert_non_null(strstr(err.file, "model.safetensors"));
        assert_non_null(strstr(err.hint, "model inspect"));
        assert_null(loaded);
        spoil(in(root, "model.safetensors"), (size_t)file->data_size / sizeof(float) - 1, bad[i]);
        AG_EXPECT_ERROR(ag_pretrained_load(root, NULL, &loaded, &err), AG_EINVAL, "and some of 1 more tensors");
        ag_safetensors_free(file);
        spoil(in(root, "one.safetensors"), 0, bad[i]);
        AG_EXPECT_ERROR(ag_pretrained_load(in(root, "one.safetensors"), NULL, &loaded, &err), AG_EINVAL, "not finite");
    }
}

AG_TEST(test_pretrained__a_large_configuration_with_small_weights_takes_no_memory)
{
    ag_err err = {0};
    const char *root = ag_test_dir();
    make(root, NULL);
    static const char large[] = "{\"model_type\":\"patchtsmixer\",\"context_length\":100000,\"patch_length\":1000,"
                                "\"patch_stride\":10,\"d_model\":20000,\"prediction_length\":50,\"num_layers\":1}";
    AG_EXPECT_OK(ag_file_replace(in(root, "config.json"), large, strlen(large), &err));
    ag_pretrained *loaded = NULL;
    assert_true(ag_pretrained_load(root, NULL, &loaded, &err) < 0);
    assert_null(loaded);
}

static int load_and_save(void *context, ag_err *err)
{
    const char *root = context;
    ag_pretrained *loaded = NULL;
    int rc = ag_pretrained_load(root, NULL, &loaded, err);
    if (rc >= 0) rc = ag_pretrained_save(in(root, "copy"), &loaded->config, loaded->model, err);
    ag_pretrained_free(loaded);
    return rc;
}

AG_TEST(test_pretrained__every_failing_call_is_reported)
{
    if (ag_fault_available()) {
        const char *root = ag_test_dir();
        make(root, NULL);
        assert_true(ag_test_fail_at_n(AG_FAULT_FILE, load_and_save, NULL, ag_arena_strdup(arena, root)) > 5);
    }
    ag_arena_free(arena);
    arena = NULL;
}
