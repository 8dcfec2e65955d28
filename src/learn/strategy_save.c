// SPDX-License-Identifier: Apache-2.0
/* strategy_save.c: a model directory written. The description (AG_STRATEGY_FILE) of older files goes first and the new
 * one comes last, so that whoever finds one finds files that belong to it. When the old one cannot be removed, nothing
 * is written: new weights must not lie beside it. */
#include "learn/strategy_made.h"

#include <string.h>

#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"

void ag_strategy_describe(ag_json *json, const ag_strategy_task *task)
{
    ag_json_name(json, "metrics");
    ag_findings_write(&task->metrics, json);
    ag_json_name(json, "configuration");
    if (task->effective)
        ag_json_value(json, task->effective);
    else
        ag_json_null(json);
}

static int write_description(const char *path, const ag_strategy_saving *saving, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, AG_JSON_MAX_BYTES); /* what is written can be read */
    ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_NULL);
    saving->describe(saving->context, &json);
    int rc = ag_json_file_write(&json, path, err);
    ag_buf_deinit(&text);
    return rc;
}

static int save(const char *directory, const char *path, const ag_strategy_saving *saving, ag_err *err)
{
    int rc = ag_dir_make(directory, err);
    if (rc >= 0 && ag_file_exists(path)) rc = ag_file_remove(path, err);
    if (rc >= 0) rc = saving->save(saving->context, directory, err);
    if (rc < 0) return rc;
    if (ag_file_exists(path))
        return ag_fail(err, AG_EEXISTS, "%s left a file " AG_STRATEGY_FILE ": this name is ours", saving->maker);
    return write_description(path, saving, err);
}

int ag_strategy_save(const char *directory, const ag_strategy_saving *saving, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    const char *path = arena ? ag_path_join(arena, directory, AG_STRATEGY_FILE) : NULL;
    int rc = path ? save(directory, path, saving, err) : ag_fail_memory(err, strlen(directory));
    ag_arena_free(arena);
    return rc;
}
