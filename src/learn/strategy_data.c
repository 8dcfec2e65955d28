// SPDX-License-Identifier: Apache-2.0
/* strategy_data.c: which file of a data directory is meant. */
#include "learn/strategy_tools.h"

#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"

static bool ends_right(const char *name, const char *const *endings)
{
    for (; *endings; endings++)
        if (ag_str_equal_nocase(ag_path_extension(ag_str_of(name)), ag_str_of(*endings))) return true;
    return false;
}

static int only_file(const ag_strategy_task *task, const char *const *endings, char **out, ag_err *err)
{
    ag_vec names;
    const char *found = NULL, *path, *broken = NULL;
    int count = 0;
    size_t passed = 0;
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_dir_list(task->data_dir, task->arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        if (!ends_right(name, endings)) continue;
        if (!(path = ag_path_join(task->arena, task->data_dir, name))) rc = ag_fail_memory(err, strlen(name));
        bool there = path && ag_file_exists(path); /* a link that leads nowhere is not */
        if (path && !there && passed++ == 0) broken = path;
        if (there && count++ == 0) found = name;
    }
    ag_vec_deinit(&names);
    if (rc < 0) return rc;
    if (passed) ag_strategy_remark(task, AG_DIR_BROKEN_LINKS, passed, broken);
    if (count == 0 && broken && ag_fail_broken_link(err, broken) < 0) return AG_ENOTFOUND;
    if (count == 0)
        return ag_fail(err, AG_ENOTFOUND, "there is no file in %s that ends in .%s", task->data_dir, endings[0]);
    if (count > 1) {
        ag_fail(err, AG_EINVAL, "there are %d files in %s", count, task->data_dir);
        return ag_err_hint(err, "say which: data_config.file, or --set data_config.file=%s", found);
    }
    *out = ag_path_join(task->arena, task->data_dir, found);
    return *out ? 0 : ag_fail_memory(err, strlen(found));
}

int ag_strategy_data_file(const ag_strategy_task *task, const char *file, const char *const *endings, char **out,
                          ag_err *err)
{
    ag_file_info info;
    int rc = ag_file_stat(task->data_dir, &info, err);
    if (rc < 0) return rc;
    if (!info.is_directory) {
        *out = ag_arena_strdup(task->arena, task->data_dir);
    } else if (!file) {
        return only_file(task, endings, out, err);
    } else {
        *out = ag_path_join(task->arena, task->data_dir, file);
        if (*out && !ag_file_exists(*out))
            return ag_fail_broken_link(err, *out) < 0
                       ? ag_err_prefix(err, "data_config.file")
                       : ag_fail(err, AG_ENOTFOUND, "there is no file %s (data_config.file)", *out);
    }
    return *out ? 0 : ag_fail_memory(err, strlen(task->data_dir));
}
