// SPDX-License-Identifier: Apache-2.0
/* pretrained.c: finding the files, and the order of work: configuration, graph, tensors against the graph's table, and
 * only then memory for the values. Pickled weights are named and never opened: a pickle is code. */
#include "learn/nn/checkpoint/pretrained.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/io/path.h"

/* ---- finding and opening ---- */

static int hint_at_pickle(ag_err *err)
{
    return ag_err_hint(err, "load it in transformers and save it with safe_serialization=True");
}

static bool is_pickle(ag_str path)
{
    static const char *const endings[] = {".bin", ".pt", ".pth", ".ckpt", ".pkl"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ag_str_ends(path, ag_str_of(endings[i]))) return true;
    return false;
}

static int no_weights(ag_arena *arena, const char *directory, ag_err *err)
{
    static const char *const pickles[] = {"pytorch_model.bin", "pytorch_model.bin.index.json"};
    for (size_t i = 0; i < sizeof pickles / sizeof *pickles; i++) {
        const char *path = ag_path_join(arena, directory, pickles[i]);
        if (!path || !ag_file_exists(path)) continue;
        ag_fail(err, AG_EUNSUPPORTED, "%s: its weights are a pickle, which is a program and is not run here",
                directory);
        return hint_at_pickle(err);
    }
    return ag_fail(err, AG_ENOTFOUND, "%s has no " AG_WEIGHTS_FILE, directory);
}

/* model.safetensors, or its index where there is no such file. */
static int open_weights(ag_arena *arena, const char *directory, ag_model_files *files, ag_err *err)
{
    const char *index = ag_path_join(arena, directory, AG_INDEX_FILE);
    files->weights = ag_path_join(arena, directory, AG_WEIGHTS_FILE);
    if (!index || !files->weights) return ag_fail_memory(err, strlen(directory));
    if (ag_file_exists(files->weights)) return ag_safetensors_open(files->weights, &files->tensors, err);
    if (!ag_file_exists(index)) return no_weights(arena, directory, err);
    files->weights = index;
    return ag_safetensors_open_index(index, &files->tensors, err);
}

static int read_config_file(ag_arena *arena, const char *path, ag_model_files *files, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, AG_CONFIG_MAX_BYTES);
    if (!(files->described = ag_arena_strdup(arena, path))) return ag_fail_memory(err, strlen(path));
    int rc = ag_file_read(path, AG_CONFIG_MAX_BYTES, &buf, err);
    if (rc >= 0) rc = ag_model_config_read(arena, ag_buf_str(&buf), path, files->tensors, &files->config, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int no_config(ag_arena *arena, const char *directory, ag_err *err)
{
    static const char *const places[] = {"members", "model/members"};
    ag_fail(err, AG_ENOTFOUND, "%s has no " AG_CONFIG_FILE, directory);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        const char *path = ag_path_join(arena, directory, places[i]);
        if (path && ag_file_exists(path))
            return ag_err_hint(err, "it holds several models: name one of those in %s", path);
    }
    return ag_err_hint(err, "a model is a directory with " AG_CONFIG_FILE " and " AG_WEIGHTS_FILE);
}

/* A model's directory, or that of a training with the model in it. */
static int open_directory(ag_arena *arena, const char *path, ag_model_files *files, ag_err *err)
{
    const char *config = ag_path_join(arena, path, AG_CONFIG_FILE);
    const char *inside = ag_path_join(arena, path, "model");
    const char *trained = inside ? ag_path_join(arena, inside, AG_CONFIG_FILE) : NULL;
    if (!config || !trained) return ag_fail_memory(err, strlen(path));
    if (!ag_file_exists(config)) {
        if (!ag_file_exists(trained)) return no_config(arena, path, err);
        path = inside;
        config = trained;
    }
    int rc = open_weights(arena, path, files, err);
    return rc < 0 ? rc : read_config_file(arena, config, files, err);
}

static int open_file(ag_arena *arena, const char *path, ag_model_files *files, ag_err *err)
{
    ag_str parent = ag_path_parent(ag_str_of(path));
    const char *beside = ag_arena_printf(arena, "%.*s/" AG_CONFIG_FILE, AG_STR_ARG(parent));
    files->weights = files->described = ag_arena_strdup(arena, path);
    if (!beside || !files->weights) return ag_fail_memory(err, strlen(path));
    int rc = ag_safetensors_open(path, &files->tensors, err);
    if ((rc == AG_EPARSE || rc == AG_ELIMIT) && is_pickle(ag_str_of(path))) return hint_at_pickle(err);
    if (rc < 0) return rc;
    const char *inside = ag_safetensors_metadata(files->tensors, "config");
    if (inside) return ag_model_config_read(arena, ag_str_of(inside), path, files->tensors, &files->config, err);
    if (ag_file_exists(beside)) return read_config_file(arena, beside, files, err);
    ag_fail(err, AG_ENOTFOUND, "%s carries no configuration, and there is no " AG_CONFIG_FILE " beside it", path);
    return (int)err->code;
}

int ag_model_files_open(ag_arena *arena, const char *path, ag_model_files *out, ag_err *err)
{
    ag_file_info info;
    ag_model_files files = {0};
    ag_err local = {0};
    if (!err) err = &local;
    int rc = ag_file_stat(path, &info, err);
    if (rc < 0) return rc;
    rc = info.is_directory ? open_directory(arena, path, &files, err) : open_file(arena, path, &files, err);
    if (rc < 0) {
        ag_model_files_close(&files);
        return rc;
    }
    files.size = files.tensors->mapping.size;
    for (size_t i = 0; i < files.tensors->shard_count; i++) files.size += files.tensors->shards[i]->mapping.size;
    *out = files;
    return 0;
}

void ag_model_files_close(ag_model_files *files)
{
    ag_safetensors_free(files->tensors);
    files->tensors = NULL;
}

int ag_model_files_graph(const ag_model_files *files, const ag_building *building, ag_graph **out, ag_err *err)
{
    static const char *const none[] = {""};
    ag_graph *graph = NULL;
    int rc = ag_architecture_graph(files->config.architecture, files->config.values, building, &graph, err);
    if (rc < 0) {
        (void)ag_err_place(err, files->described, 0, 0);
        return rc;
    }
    if ((rc = ag_tensors_match(files->tensors, graph, none, 1, err)) < 0) {
        (void)ag_err_place(err, files->weights, 0, 0);
        ag_graph_free(graph);
        return rc;
    }
    *out = graph;
    return 0;
}

/* ---- loading ---- */

static int build_model(const ag_model_files *files, const ag_building *building, ag_model **out, ag_err *err)
{
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    int rc = ag_model_files_graph(files, building, &graph, err);
    if (rc < 0) return rc;
    if ((rc = ag_model_new(graph, &model, err)) < 0) return rc;
    ag_tensors_load(files->tensors, model->graph, "", model->values);
    if ((rc = ag_tensors_check_finite(model->graph, model->values, err)) < 0) {
        ag_err_place(err, files->weights, 0, 0);
        ag_model_free(model);
        return rc;
    }
    *out = model;
    return 0;
}

int ag_pretrained_load(const char *path, const ag_building *building, ag_pretrained **out, ag_err *err)
{
    static const ag_building forward_only = {.constant = true};
    ag_model_files files = {0};
    ag_pretrained *pretrained = ag_calloc(1, sizeof *pretrained);
    if (!pretrained) return ag_fail_memory(err, sizeof *pretrained);
    int rc = 0;
    if (!(pretrained->arena = ag_arena_new(0))) {
        rc = ag_fail_memory(err, 64);
        goto out;
    }
    if ((rc = ag_model_files_open(pretrained->arena, path, &files, err)) < 0) goto out;
    if ((rc = build_model(&files, building ? building : &forward_only, &pretrained->model, err)) < 0) goto out;
    pretrained->config = files.config;
    pretrained->weights = files.weights;
    pretrained->file_size = files.size;
    *out = pretrained;
    pretrained = NULL;
out:
    ag_model_files_close(&files);
    ag_pretrained_free(pretrained);
    return rc;
}

void ag_pretrained_free(ag_pretrained *pretrained)
{
    if (!pretrained) return;
    ag_model_free(pretrained->model);
    ag_arena_free(pretrained->arena);
    ag_free(pretrained);
}

/* ---- saving ---- */

static int write_tensors(const char *path, const ag_model *model, const char *config, ag_err *err)
{
    const char *metadata[] = {config ? "config" : "format", config ? config : "pt", config ? "format" : NULL, "pt",
                              NULL};
    ag_vec sources;
    ag_vec_init(&sources, sizeof(ag_tensor_source));
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_tensors_describe(arena, model->graph, "", model->values, false, &sources, err)
                   : ag_fail_memory(err, 64);
    if (rc >= 0) {
        ag_safetensors_writing writing = {.tensors = sources.items, .count = sources.count, .metadata = metadata};
        rc = ag_safetensors_write(path, &writing, err);
    }
    ag_vec_deinit(&sources);
    ag_arena_free(arena);
    return rc;
}

int ag_pretrained_save(const char *directory, const ag_model_config *config, const ag_model *model, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, AG_CONFIG_MAX_BYTES);
    ag_arena *arena = ag_arena_new(0);
    const char *weights = arena ? ag_path_join(arena, directory, AG_WEIGHTS_FILE) : NULL;
    const char *text = arena ? ag_path_join(arena, directory, AG_CONFIG_FILE) : NULL;
    int rc = weights && text ? ag_model_config_write(config, &buf, err) : ag_fail_memory(err, strlen(directory));
    if (rc >= 0) rc = ag_dir_make(directory, err);
    if (rc >= 0) rc = write_tensors(weights, model, NULL, err);
    if (rc >= 0) rc = ag_file_replace(text, buf.data, buf.size, err);
    ag_buf_deinit(&buf);
    ag_arena_free(arena);
    return rc;
}

int ag_pretrained_save_file(const char *path, const ag_model_config *config, const ag_model *model, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, AG_CONFIG_MAX_BYTES);
    int rc = ag_model_config_write(config, &buf, err);
    if (rc >= 0) rc = write_tensors(path, model, buf.data, err);
    ag_buf_deinit(&buf);
    return rc;
}
