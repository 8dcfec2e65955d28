// SPDX-License-Identifier: Apache-2.0
/* runs_artifacts.c: which files a run has left. */
#include "app/cli/ledger.h"
#include "core/show/text.h"
#include "ledger/artifact.h"

static const ag_option options[] = {AG_OPTION_OF_CSV, AG_OPTION_OF_DATABASE};
static const ag_option positionals[] = {
    AG_POSITIONAL_OF_RUN,
    {.name = "PATH", .type = AG_OPTION_TEXT, .doc = "A directory among its artifacts"},
};
static const ag_example examples[] = {
    {"runs artifacts 4f2a91", "The files of a run"},
    {NULL, NULL},
};

static const char *size_of(ag_arena *arena, const ag_tree_entry *entry, bool plain)
{
    ag_buf text;
    if (entry->is_directory) return NULL;
    if (plain) return ag_arena_printf(arena, "%llu", (unsigned long long)entry->size);
    ag_buf_init(&text, 64);
    ag_show_bytes(&text, (double)entry->size);
    const char *kept = ag_cli_str(arena, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return kept;
}

static int print_table(ag_invocation *invocation, const ag_vec *entries, ag_err *err)
{
    static const ag_column columns[] = {
        {"name", AG_ALIGN_LEFT, 0, 16}, {"size", AG_ALIGN_RIGHT, 0, 0}, {"changed", AG_ALIGN_LEFT, 1, 0}};
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = invocation->arena;
    bool csv = ag_option_flag(invocation, "csv");
    const char **cells = ag_arena_array(arena, entries->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, entries->count);
    for (size_t i = 0; i < entries->count; i++) {
        const ag_tree_entry *one = ag_vec_at(entries, i);
        const char *row[] = {ag_arena_printf(arena, "%s%s", one->name, one->is_directory ? "/" : ""),
                             size_of(arena, one, csv), ag_cli_time(arena, one->modified)};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, entries->count};
    return ag_cli_print_list(invocation, &list, csv, err);
}

static void write_entry(ag_json *json, const void *thing)
{
    const ag_tree_entry *entry = thing;
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", entry->name);
    ag_json_put_bool(json, "is_dir", entry->is_directory);
    if (!entry->is_directory) ag_json_put_int(json, "file_size", (int64_t)entry->size);
    ag_json_end_object(json);
}

static int list(ag_invocation *invocation, ag_ledger *ledger, const ag_run *run, ag_vec *entries, ag_err *err)
{
    const char *path = ag_option_text(invocation, "PATH");
    ag_artifact_place place;
    int rc =
        ag_artifact_resolve(ledger, run->artifact_uri, ag_str_of(path ? path : ""), invocation->arena, &place, err);
    if (rc < 0) return rc;
    rc = ag_tree_list(place.tree, place.path, invocation->arena, entries, err);
    return rc == AG_ENOTFOUND && !path ? AG_OK : rc; /* a run that has left nothing has no directory */
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_str id;
    ag_run found;
    ag_vec entries;
    ag_vec_init(&entries, sizeof(ag_tree_entry));
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_run(invocation, ledger, ag_option_text(invocation, "RUN"), &id, err);
    if (rc >= 0) rc = ag_run_get(ledger, id, invocation->arena, &found, err);
    if (rc >= 0) rc = list(invocation, ledger, &found, &entries, err);
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? ag_cli_print_things(invocation, "files", write_entry, entries.items,
                                                             sizeof(ag_tree_entry), entries.count, err)
                                       : print_table(invocation, &entries, err);
    }
    ag_vec_deinit(&entries);
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_runs_artifacts = {
    .path = "runs artifacts",
    .summary = "List the artifacts of a run",
    .doc = "Lists the files and directories that a run has left, or what is in one of the directories.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
