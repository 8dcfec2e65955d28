// SPDX-License-Identifier: Apache-2.0
/* examples_split.c: examples into parts. What belongs together stays together: copies, and what group_by says. Tools
 * are the one grouping that nobody has to ask for, so it gives way where it cannot be kept: a folder of a single tool
 * must be trained on, too. */
#include "core/io/path.h"
#include "learn/drilling/examples.h"

static ag_str group_of(const ag_prepared *hole, int group_by)
{
    switch (group_by) {
    case AG_GROUP_HEAD: return ag_str_of(hole->head);
    case AG_GROUP_MACHINE: return ag_str_of(hole->machine);
    case AG_GROUP_PROGRAM: return ag_str_of(hole->program);
    case AG_GROUP_FOLDER: return ag_path_parent(ag_str_of(hole->path));
    default: return (ag_str){"", 0};
    }
}

/* Rows to be split; `tool` NULL: tools do not tie. */
static int make_rows(const ag_example_set *set, int group_by, const uint32_t *tool, const size_t *chosen, size_t count,
                     ag_arena *arena, ag_split_row **out, ag_err *err)
{
    ag_split_row *rows = ag_arena_array(arena, count + 1, sizeof *rows);
    if (!rows) return ag_fail_memory(err, count * sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        const ag_prepared *hole = set->items[chosen[i]].hole;
        const char *stratum = ag_arena_printf(arena, "%s %s", hole->program ? hole->program : "",
                                              hole->class_name ? hole->class_name : "");
        const char *name = tool ? ag_arena_printf(arena, "%u", (unsigned)tool[chosen[i]]) : NULL;
        if (!stratum || (tool && !name)) return ag_fail_memory(err, 64);
        rows[i] = (ag_split_row){.id = ag_str_of(hole->path),
                                 .group = name ? ag_str_of(name) : group_of(hole, group_by),
                                 .twins = {ag_str_of(hole->sha256), ag_str_of(hole->trace_sha256)},
                                 .stratum = ag_str_of(stratum)};
    }
    *out = rows;
    return 0;
}

int ag_examples_split(const ag_example_set *set, const ag_drilling_data *data, const size_t *chosen, size_t count,
                      const uint32_t *shares, size_t parts, uint64_t seed, ag_arena *arena, uint32_t **part,
                      ag_err *err)
{
    ag_split split;
    const ag_split_options options = {.seed = seed, .shares = shares, .parts = parts};
    ag_split_row *rows = NULL;
    uint32_t *tool = NULL;
    size_t tools = 0;
    int rc = data->group_by == AG_GROUP_TOOL ? ag_examples_tools(set, arena, &tool, &tools, err) : 0;
    if (rc >= 0) rc = make_rows(set, data->group_by, tool, chosen, count, arena, &rows, err);
    if (rc < 0) return rc;
    rc = ag_split_make(rows, count, &options, arena, &split, err);
    for (size_t i = 0; i < count && rc == AG_EINVAL && tool; i++) rows[i].group = AG_STR("");
    if (rc == AG_EINVAL && tool) rc = ag_split_make(rows, count, &options, arena, &split, err);
    if (rc < 0) return ag_err_hint(err, "fewer parts, or more holes that differ, would do");
    *part = split.part;
    return 0;
}

int ag_examples_split_tools(const ag_example_set *set, const size_t *chosen, size_t count, size_t most, size_t least,
                            uint64_t seed, ag_arena *arena, uint32_t **part, size_t *parts, ag_err *err)
{
    ag_split split;
    ag_split_row *rows = NULL;
    uint32_t *tool, *shares = ag_arena_array(arena, most + 1, sizeof *shares);
    size_t tools;
    if (!shares) return ag_fail_memory(err, most * sizeof *shares);
    for (size_t i = 0; i < most; i++) shares[i] = 1;
    *parts = 0;
    int rc = ag_examples_tools(set, arena, &tool, &tools, err);
    if (rc >= 0) rc = make_rows(set, AG_GROUP_NONE, tool, chosen, count, arena, &rows, err);
    if (rc < 0) return rc;
    for (size_t p = tools < most ? tools : most; p >= least && p >= 2; p--) { /* copies may tie tools together */
        ag_err ignored = {0};
        const ag_split_options options = {.seed = seed, .shares = shares, .parts = p};
        rc = ag_split_make(rows, count, &options, arena, &split, &ignored);
        if (rc == AG_EINVAL) continue;
        if (rc < 0) return ag_fail(err, (ag_code)rc, "%s", ignored.text);
        *part = split.part;
        *parts = p;
        return 0;
    }
    return 0;
}
