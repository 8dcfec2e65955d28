// SPDX-License-Identifier: Apache-2.0
/* strategy_made.c: a model directory read back (it is written by strategy_save.c): what the model says of itself, and
 * the strategy that made it. */
#include "learn/strategy_made.h"

#include <string.h>

#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/strategies/plugin.h"

int ag_strategy_description_find(const char *dir, ag_arena *arena, const char **model_dir, const char **file,
                                 ag_err *err)
{
    const char *inside = ag_path_join(arena, dir, "model"), *itself = ag_arena_strdup(arena, dir);
    const char *of_output = inside ? ag_path_join(arena, inside, AG_STRATEGY_FILE) : NULL;
    const char *of_model = ag_path_join(arena, dir, AG_STRATEGY_FILE);
    if (!itself || !of_output || !of_model) return ag_fail_memory(err, strlen(dir));
    if (ag_file_exists(of_output)) { /* the output directory of a training was named */
        *model_dir = inside;
        *file = of_output;
        return 0;
    }
    if (ag_file_exists(of_model)) {
        *model_dir = itself;
        *file = of_model;
        return 0;
    }
    ag_fail(err, AG_ENOTFOUND, "there is no " AG_STRATEGY_FILE " in %s", dir);
    return ag_err_hint(err, "name the model directory that 'auger train' made");
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

int ag_strategy_description_read(const char *file, ag_arena *arena, const ag_value **out, ag_err *err)
{
    const ag_value *description = NULL;
    int rc = ag_json_file_read(arena, file, NULL, &description, err);
    if (rc >= 0) rc = ag_strategy_format_check(description, file, err);
    if (rc >= 0) *out = description;
    return rc;
}

static const ag_strategy *by_name(ag_str name)
{
    size_t count;
    const ag_strategy *const *all = ag_strategy_all(&count);
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(name, all[i]->name)) return all[i];
    return ag_str_is(name, ag_strategy_plugin.name) ? &ag_strategy_plugin : NULL;
}

int ag_strategy_made_by(const char *dir, ag_arena *arena, ag_strategy_made *out, ag_err *err)
{
    ag_strategy_made made = {0};
    const char *file = NULL;
    ag_str name = {0};
    int rc = ag_strategy_description_find(dir, arena, &made.model_dir, &file, err);
    if (rc >= 0) rc = ag_strategy_description_read(file, arena, &made.description, err);
    if (rc < 0) return rc;
    (void)ag_value_string(ag_value_get(made.description, "strategy"), &name);
    if (!(made.strategy = by_name(name)))
        return ag_fail_at(err, AG_EUNSUPPORTED, file, 0, 0, "this version has no strategy '%.*s'", AG_STR_ARG(name));
    *out = made;
    return 0;
}
