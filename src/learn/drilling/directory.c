// SPDX-License-Identifier: Apache-2.0
/* directory.c: what strategies of holes keep in a model directory (learn/strategy_made.h): the members of the ensemble
 * with their weights, and in the description the view, the fusion, the calibration and the grip. */
#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/run.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/strategy_made.h"

enum { MOST_MEMBERS = 1000 };

/* ---- writing ---- */

static void describe_members(ag_json *json, const ag_drilling_export *what)
{
    ag_json_name(json, "members");
    ag_json_begin_array(json);
    for (size_t i = 0; i < what->member_count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "path", what->members[i].path);
        ag_json_put_real(json, "weight", what->members[i].weight);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_put_text(json, "fusion", ag_fusion_names[what->fusion]);
}

static void describe(void *context, ag_json *json)
{
    const ag_drilling_export *what = context;
    const ag_drilling_run *run = what->run;
    ag_json_begin_object(json);
    ag_json_put_int(json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(json, "strategy", what->strategy);
    ag_json_put_text(json, "predictor", "drilling");
    ag_json_put_text(json, "data_sha256", run->digest);
    ag_json_name(json, "view");
    ag_view_write(&run->view, json);
    describe_members(json, what);
    ag_json_name(json, "calibration");
    ag_calibration_write(what->calibration, json);
    ag_json_name(json, "grip");
    ag_json_begin_object(json);
    ag_json_put_real(json, "pitch", run->data.grip_pitch);
    ag_json_put_real(json, "tolerance", run->data.grip_tolerance);
    ag_json_put_int(json, "codes", run->data.grip_codes);
    ag_json_end_object(json);
    ag_strategy_describe(json, run->task);
    ag_json_end_object(json);
}

static int save_members(void *context, const char *directory, ag_err *err)
{
    const ag_drilling_export *what = context;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? 0 : ag_fail_memory(err, 64);
    for (size_t i = 0; i < what->member_count && rc >= 0; i++) {
        const ag_drilling_member *m = &what->members[i];
        bool alone = strcmp(m->path, ".") == 0;
        const char *where = alone ? directory : ag_path_join(arena, directory, m->path);
        const ag_model_config *config = m->config ? m->config : &what->run->task->model_config;
        rc = where ? ag_pretrained_save(where, config, m->model, err) : ag_fail_memory(err, strlen(m->path));
    }
    ag_arena_free(arena);
    return rc;
}

int ag_drilling_save(const char *directory, const ag_drilling_export *what, ag_err *err)
{
    ag_drilling_export copy = *what;
    const ag_strategy_saving how = {
        .maker = what->strategy, .context = &copy, .save = save_members, .describe = describe};
    return ag_strategy_save(directory, &how, err);
}

/* ---- reading ---- */

int ag_drilling_find(const char *dir, ag_arena *arena, const char **out, ag_err *err)
{
    const char *inner = ag_path_join(arena, dir, "model");
    const char *strategy = ag_path_join(arena, dir, AG_STRATEGY_FILE),
               *config = ag_path_join(arena, dir, "config.json");
    if (!inner || !strategy || !config) return ag_fail_memory(err, strlen(dir));
    if (!ag_file_exists(dir))
        return ag_fail_broken_link(err, dir) < 0 ? AG_ENOTFOUND
                                                 : ag_fail(err, AG_ENOTFOUND, "there is no model '%s'", dir);
    *out = dir;
    if (ag_file_exists(strategy) || ag_file_exists(config)) return AG_OK;
    if (ag_file_exists(inner)) {
        *out = inner;
        return AG_OK;
    }
    ag_fail(err, AG_ENOTFOUND, "there is no " AG_STRATEGY_FILE " and no config.json in '%s'", dir);
    return ag_err_hint(err, "give the output directory of 'auger train', or its model/");
}

int ag_drilling_maker(const char *dir, ag_arena *arena, const char **out, ag_err *err)
{
    const ag_value *root = NULL;
    ag_str name;
    const char *path = ag_path_join(arena, dir, AG_STRATEGY_FILE);
    if (!path) return ag_fail_memory(err, strlen(dir));
    *out = "";
    if (!ag_file_exists(path)) return AG_OK;
    int rc = ag_strategy_description_read(path, arena, &root, err);
    if (rc < 0) return rc;
    if (!ag_value_string(ag_value_get(root, "strategy"), &name))
        return ag_fail_at(err, AG_EPARSE, path, 0, 0, "it names no strategy");
    *out = ag_arena_strndup(arena, name.data, name.size);
    return *out ? AG_OK : ag_fail_memory(err, name.size);
}

static int lacks(const char *file, const char *what, ag_err *err)
{
    return ag_fail_at(err, AG_EPARSE, file, 0, 0, "%s is missing or wrong", what);
}

static int read_head(const ag_value *root, const char *file, ag_drilling_model *m, ag_err *err)
{
    ag_str text, fusion;
    const ag_value *grip = ag_value_get(root, "grip");
    if (!ag_value_string(ag_value_get(root, "strategy"), &text)) return lacks(file, "strategy", err);
    if (!(m->strategy = ag_arena_strndup(m->arena, text.data, text.size))) return ag_fail_memory(err, text.size);
    if (!ag_value_get(root, "view") && !ag_value_get(root, "fusion")) {
        ag_fail_at(err, AG_EINVAL, file, 0, 0, "a model of the strategy %s does not answer for holes", m->strategy);
        return ag_err_hint(
            err,
            "a forecaster tells with 'auger predict', and from C with auger_result_forecast(), how a series goes on");
    }
    if (!ag_value_string(ag_value_get(root, "fusion"), &fusion)) return lacks(file, "fusion", err);
    while (ag_fusion_names[m->fusion] && !ag_str_is(fusion, ag_fusion_names[m->fusion])) m->fusion++;
    if (!ag_fusion_names[m->fusion]) return lacks(file, "fusion", err);
    if (!ag_value_real(ag_value_get(grip, "pitch"), &m->grip.pitch) || !(m->grip.pitch > 0) ||
        !ag_value_real(ag_value_get(grip, "tolerance"), &m->grip.tolerance) ||
        !ag_value_int(ag_value_get(grip, "codes"), &m->grip.codes))
        return lacks(file, "grip", err);
    int rc = ag_view_read(ag_value_get(root, "view"), file, &m->view, err);
    return rc < 0 ? rc : ag_calibration_read(ag_value_get(root, "calibration"), file, &m->calibration, err);
}

static int load_member(const ag_value *value, const char *file, ag_drilling_model *m, size_t i, ag_err *err)
{
    ag_str path;
    char *where = NULL;
    if (!ag_value_string(ag_value_get(value, "path"), &path) ||
        !ag_value_real(ag_value_get(value, "weight"), &m->weights[i]) || !(m->weights[i] >= 0))
        return lacks(file, "members", err);
    bool alone = ag_str_is(path, ".");
    int rc = alone ? 0 : ag_path_under(m->arena, m->directory, path, &where, err);
    if (rc >= 0) rc = ag_pretrained_load(alone ? m->directory : where, NULL, &m->loaded[i], err);
    if (rc >= 0) m->models[i] = m->loaded[i]->model;
    return rc;
}

static int load_members(const ag_value *root, const char *file, ag_drilling_model *m, ag_err *err)
{
    const ag_value *list = ag_value_get(root, "members");
    double total = 0;
    int rc = 0;
    if (!list || list->kind != AG_ARRAY || !list->array.count || list->array.count > MOST_MEMBERS)
        return lacks(file, "members", err);
    size_t count = list->array.count;
    m->models = ag_arena_array(m->arena, count, sizeof *m->models);
    m->weights = ag_arena_array(m->arena, count, sizeof *m->weights);
    m->loaded = ag_arena_array(m->arena, count, sizeof(ag_pretrained *));
    if (!m->models || !m->weights || !m->loaded) return ag_fail_memory(err, count * sizeof(ag_pretrained *));
    m->member_count = count;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = load_member(&list->array.items[i], file, m, i, err);
        total += m->weights[i];
    }
    return rc >= 0 && !(total > 0) ? lacks(file, "members: a weight above 0", err) : rc;
}

int ag_drilling_load(const char *directory, ag_drilling_model **out, ag_err *err)
{
    const char *file = NULL;
    const ag_value *root = NULL;
    ag_arena *arena = ag_arena_new(0);
    ag_drilling_model *m = arena ? ag_arena_alloc(arena, sizeof *m) : NULL;
    if (!m) {
        ag_arena_free(arena);
        return ag_fail_memory(err, sizeof *m);
    }
    m->arena = arena;
    int rc = ag_strategy_description_find(directory, arena, &m->directory, &file, err);
    if (rc >= 0) rc = ag_strategy_description_read(file, arena, &root, err);
    if (rc >= 0) rc = read_head(root, file, m, err);
    if (rc >= 0) rc = load_members(root, file, m, err);
    if (rc >= 0)
        *out = m;
    else
        ag_drilling_model_free(m);
    return rc;
}

void ag_drilling_model_free(ag_drilling_model *m)
{
    if (!m) return;
    for (size_t i = 0; i < m->member_count; i++) ag_pretrained_free(m->loaded[i]);
    ag_arena_free(m->arena);
}
