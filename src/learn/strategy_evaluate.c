// SPDX-License-Identifier: Apache-2.0
/* strategy_evaluate.c: trained models and the strategies that made them: reading what a model says of itself, and
 * scoring it by its own strategy. */
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy.h"

enum { MAX_TEXT = 16 << 20 };

static const ag_strategy *by_name(ag_str name)
{
    size_t count;
    const ag_strategy *const *all = ag_strategy_all(&count);
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(name, all[i]->name)) return all[i];
    return ag_str_is(name, ag_strategy_plugin.name) ? &ag_strategy_plugin : NULL;
}

int ag_strategy_format_check(const ag_value *description, const char *file, ag_err *err)
{
    int64_t format;
    if (!ag_value_int(ag_value_get(description, "format"), &format) || format < 1)
        return ag_fail_at(err, AG_EPARSE, file, 0, 0, "format is missing or wrong: no description of a model");
    if (format <= AG_STRATEGY_FORMAT) return 0;
    ag_fail_at(err, AG_EUNSUPPORTED, file, 0, 0, "format %lld is newer than this program, which knows %d",
               (long long)format, AG_STRATEGY_FORMAT);
    return ag_err_hint(err, "update Auger, or train the model again with this version ('auger version')");
}

static int find_directory(const char *dir, ag_arena *arena, const char **out, const char **path, ag_err *err)
{
    const char *inside = ag_path_join(arena, dir, "model");
    if (!inside) return ag_fail_memory(err, strlen(dir));
    *out = dir;
    *path = ag_path_join(arena, inside, AG_STRATEGY_FILE);
    if (*path && ag_file_exists(*path)) *out = inside; /* the output directory of a training was named */
    *path = ag_path_join(arena, *out, AG_STRATEGY_FILE);
    if (!*path) return ag_fail_memory(err, strlen(dir));
    if (ag_file_exists(*path)) return 0;
    ag_fail(err, AG_ENOTFOUND, "there is no " AG_STRATEGY_FILE " in %s", dir);
    return ag_err_hint(err, "name the model directory that 'auger train' made");
}

int ag_strategy_made_by(const char *dir, ag_arena *arena, ag_strategy_made *out, ag_err *err)
{
    ag_strategy_made made = {0};
    const char *path = NULL;
    ag_str name = {0};
    ag_buf text;
    int rc = find_directory(dir, arena, &made.model_dir, &path, err);
    if (rc < 0) return rc;
    ag_json_options options = {.file = path};
    ag_buf_init(&text, MAX_TEXT);
    rc = ag_file_read(path, MAX_TEXT, &text, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&text), &options, &made.description, err);
    ag_buf_deinit(&text);
    if (rc >= 0) rc = ag_strategy_format_check(made.description, path, err);
    if (rc < 0) return rc;
    (void)ag_value_string(ag_value_get(made.description, "strategy"), &name);
    if (!(made.strategy = by_name(name)))
        return ag_fail_at(err, AG_EUNSUPPORTED, path, 0, 0, "this version has no strategy '%.*s'", AG_STR_ARG(name));
    *out = made;
    return 0;
}

int ag_strategy_evaluate(ag_strategy_evaluation *e, const char *device, unsigned jobs, ag_err *err)
{
    ag_strategy_made made = {0};
    ag_vec_init(&e->scores, sizeof(ag_strategy_score));
    int rc = ag_strategy_made_by(e->model_dir, e->arena, &made, err);
    if (rc < 0) return rc;
    e->model_dir = made.model_dir;
    e->description = made.description;
    if (!made.strategy->evaluate)
        return ag_fail(err, AG_EUNSUPPORTED, "models of strategy %s cannot be evaluated", made.strategy->name);
    rc = ag_device_find(device, &e->device, err);
    if (rc >= 0 && jobs > 1) rc = ag_pool_new(jobs, &e->pool, err);
    if (rc >= 0) rc = made.strategy->evaluate(e, err);
    ag_pool_free(e->pool);
    e->pool = NULL;
    return rc;
}
