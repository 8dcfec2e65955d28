// SPDX-License-Identifier: Apache-2.0
/* Weights in several files: what Hugging Face writes with a small max_shard_size, and what an enemy would. */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/path.h"
#include "frame/test.h"
#include "learn/nn/checkpoint/pretrained.h"

static const char json[] =
    "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,\"patch_stride\":4,"
    "\"num_input_channels\":2,\"d_model\":4,\"num_layers\":1,\"prediction_length\":3}";

typedef struct fixture {
    ag_arena *arena;
    ag_model *model;
    ag_vec sources;
    ag_buf index; /* of all tensors, the first half in a file of its own */
    const char *root;
} fixture;

static const char *in(const fixture *f, const char *name)
{
    return ag_path_join(f->arena, f->root, name);
}

static void write_index(const fixture *f, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(in(f, AG_INDEX_FILE), text, strlen(text), &err));
}

static void write_shard(const fixture *f, const char *name, size_t from, size_t to)
{
    ag_err err = {0};
    ag_safetensors_writing writing = {.tensors = (ag_tensor_source *)f->sources.items + from, .count = to - from};
    AG_EXPECT_OK(ag_safetensors_write(in(f, name), &writing, &err));
}

static fixture make(void)
{
    static const ag_building forward;
    ag_err err = {0};
    ag_graph *graph = NULL;
    ag_model_config config = {0};
    fixture f = {.arena = ag_arena_new(0), .root = ag_test_dir()};
    ag_vec_init(&f.sources, sizeof(ag_tensor_source));
    ag_buf_init(&f.index, 1 << 20);
    AG_EXPECT_OK(ag_model_config_read(f.arena, ag_str_of(json), NULL, NULL, &config, &err));
    AG_EXPECT_OK(ag_architecture_graph(config.architecture, config.values, &forward, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &f.model, &err));
    ag_model_initialise(f.model, 7);
    AG_EXPECT_OK(ag_file_replace(in(&f, AG_CONFIG_FILE), json, strlen(json), &err));
    AG_EXPECT_OK(ag_tensors_describe(f.arena, f.model->graph, "", f.model->values, false, &f.sources, &err));
    size_t half = f.sources.count / 2;
    write_shard(&f, "one.safetensors", 0, half);
    write_shard(&f, "two.safetensors", half, f.sources.count);
    ag_buf_addf(&f.index, "{\"metadata\":{\"total_size\":1},\"weight_map\":{");
    for (size_t i = 0; i < f.sources.count; i++)
        ag_buf_addf(&f.index, "%s\"%s\":\"%s.safetensors\"", i ? "," : "",
                    ((ag_tensor_source *)f.sources.items)[i].name, i < half ? "one" : "two");
    ag_buf_addf(&f.index, "}}");
    write_index(&f, f.index.data);
    return f;
}

static void drop(fixture *f)
{
    ag_model_free(f->model);
    ag_vec_deinit(&f->sources);
    ag_buf_deinit(&f->index);
    ag_arena_free(f->arena);
}

AG_TEST(test_shards__two_files_are_one_model)
{
    ag_err err = {0};
    ag_pretrained *loaded = NULL;
    fixture f = make();
    AG_EXPECT_OK(ag_pretrained_load(f.root, NULL, &loaded, &err));
    for (int32_t i = 0; i < ag_graph_parameters(f.model->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(f.model->graph, i);
        for (int64_t k = 0; k < row->size; k++)
            assert_true((float)loaded->model->values[row->offset + k] == (float)f.model->values[row->offset + k]);
    }
    assert_non_null(strstr(loaded->weights, AG_INDEX_FILE));
    assert_true(loaded->file_size > 500);
    ag_pretrained_free(loaded);
    drop(&f);
}

static const char *changed(const fixture *f, const char *from, const char *to)
{
    char *at = strstr(f->index.data, from);
    assert_non_null(at);
    return ag_arena_printf(f->arena, "%.*s%s%s", (int)(at - f->index.data), f->index.data, to, at + strlen(from));
}

static void expect_refused(const fixture *f, const char *index, ag_code code, const char *part)
{
    ag_err err = {0};
    ag_pretrained *loaded = NULL;
    write_index(f, index);
    AG_EXPECT_ERROR(ag_pretrained_load(f->root, NULL, &loaded, &err), code, part);
}

AG_TEST(test_shards__an_index_that_lies_is_refused)
{
    fixture f = make();
    const char *first = ((ag_tensor_source *)f.sources.items)[0].name;
    expect_refused(&f, "[]", AG_EPARSE, "no object 'weight_map'");
    expect_refused(&f, "{\"weight_map\":{}}", AG_EPARSE, "no object 'weight_map'");
    expect_refused(&f, "{\"weight_map\":{\"a\":1}}", AG_EPARSE, "tensor 'a': its file is not a text");
    expect_refused(&f, "{\"weight_map\":{\"a\":\"../one.safetensors\"}}", AG_EPARSE,
                   "not the name of a file beside it");
    expect_refused(&f, "{\"weight_map\":{\"a\":\"/etc/passwd\"}}", AG_EPARSE, "not the name of a file beside it");
    expect_refused(&f, "{\"weight_map\":{\"a\":\"b/one.safetensors\"}}", AG_EPARSE, "not the name of a file beside it");
    expect_refused(&f, "{\"weight_map\":{\"a\":\"three.safetensors\"}}", AG_ENOTFOUND, "three.safetensors");
    expect_refused(&f, changed(&f, first, "nobody"), AG_EPARSE, "tensor 'nobody' is not in 'one.safetensors'");
    expect_refused(&f, changed(&f, "\"one.s", "\"two.s"), AG_EPARSE, "is not in 'two.safetensors', as it says");
    const char *entry = ag_arena_printf(f.arena, "\"%s\":\"one.safetensors\",", first);
    expect_refused(&f, changed(&f, entry, ""), AG_EPARSE, "tensors, but its files have");
    write_shard(&f, "two.safetensors", 1, 3);
    expect_refused(&f, f.index.data, AG_EPARSE, "is not in 'two.safetensors'");
    drop(&f);
}

static int load(void *context, ag_err *err)
{
    ag_pretrained *loaded = NULL;
    int rc = ag_pretrained_load(((const fixture *)context)->root, NULL, &loaded, err);
    ag_pretrained_free(loaded);
    return rc;
}

AG_TEST(test_shards__every_failing_call_is_reported)
{
    if (!ag_fault_available()) ag_test_skip("built without fault injection");
    fixture f = make();
    assert_true(ag_test_fail_at_n(AG_FAULT_FILE, load, NULL, &f) > 3);
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, load, NULL, &f) > 3);
    drop(&f);
}
