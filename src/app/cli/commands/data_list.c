// SPDX-License-Identifier: Apache-2.0
/* data_list.c: data sets and their versions. */
#include "app/cli/data.h"

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE, AG_OPTION_OF_BLOBS};
static const ag_option positionals[] = {
    {.name = "NAME", .type = AG_OPTION_TEXT, .doc = "Only the versions of this data set"},
};
static const ag_example examples[] = {
    {"data list", "Every version of every data set"},
    {"data list drilling --json", "Those of one, for a program"},
    {NULL, NULL},
};

static const char *number(ag_arena *arena, int64_t value)
{
    return value ? ag_arena_printf(arena, "%lld", (long long)value) : NULL;
}

static int print_table(ag_invocation *invocation, const ag_dataset_versions *found, ag_err *err)
{
    static const ag_column columns[] = {
        {"version", AG_ALIGN_LEFT, 0, 0},   {"digest", AG_ALIGN_LEFT, 3, 0},   {"tags", AG_ALIGN_LEFT, 0, 0},
        {"files", AG_ALIGN_RIGHT, 1, 0},    {"size", AG_ALIGN_RIGHT, 1, 0},    {"holes", AG_ALIGN_RIGHT, 0, 0},
        {"labelled", AG_ALIGN_RIGHT, 0, 0}, {"rows", AG_ALIGN_RIGHT, 2, 0},    {"added", AG_ALIGN_LEFT, 2, 0},
        {"by", AG_ALIGN_LEFT, 4, 0},        {"message", AG_ALIGN_LEFT, 0, 10},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = invocation->arena;
    const char **cells = ag_arena_array(arena, found->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->count);
    for (size_t i = 0; i < found->count; i++) {
        const ag_dataset_version *v = &found->items[i];
        const char *row[] = {ag_cli_data_name(arena, v),
                             ag_cli_data_short(arena, v),
                             ag_cli_data_tags(arena, v),
                             number(arena, v->files),
                             ag_cli_data_bytes(arena, (double)v->bytes),
                             number(arena, v->holes),
                             number(arena, v->labelled),
                             number(arena, v->rows),
                             ag_cli_time(arena, v->created_at),
                             v->author,
                             v->message};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, found->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int print_json(ag_invocation *invocation, const ag_dataset_versions *found, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)256 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "versions");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < found->count; i++) ag_cli_data_write(&json, &found->items[i]);
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_cli_data data;
    ag_dataset_versions found;
    ag_dataset_version any;
    const char *name = ag_option_text(invocation, "NAME");
    int rc = ag_cli_data_open(invocation, false, &data, err);
    if (rc >= 0 && name) rc = ag_dataset_find(data.ledger, ag_str_of(name), invocation->arena, &any, err);
    if (rc >= 0) {
        ag_str only = name ? ag_str_of(any.name) : AG_STR("");
        rc = ag_dataset_list(data.ledger, only, invocation->arena, &found, err);
    }
    if (rc >= 0)
        rc = ag_wants_json(invocation) ? print_json(invocation, &found, err) : print_table(invocation, &found, err);
    ag_cli_data_close(&data);
    return rc;
}

const ag_command ag_command_data_list = {
    .path = "data list",
    .summary = "List data sets and their versions",
    .doc = "Every version with its tags, size, holes, labels and message, by name and number.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
