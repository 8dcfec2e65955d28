// SPDX-License-Identifier: Apache-2.0
/* models_list.c: the registered models. */
#include "app/cli/ledger.h"
#include "app/server/mlflow/write.h"

static const ag_option options[] = {AG_OPTION_OF_FILTER, AG_OPTION_OF_ORDER, AG_OPTION_OF_LIMIT, AG_OPTION_OF_CSV,
                                    AG_OPTION_OF_DATABASE};
static const ag_example examples[] = {
    {"models list", "The registered models"},
    {"models list --filter \"name LIKE 'drill%'\" --json", "Some of them, for a program"},
    {NULL, NULL},
};

static const char *latest_of(ag_arena *arena, const ag_registered_model *model)
{
    int64_t latest = 0;
    for (size_t i = 0; i < model->latest_count; i++) {
        if (model->latest[i].number > latest) latest = model->latest[i].number;
    }
    return latest ? ag_arena_printf(arena, "%lld", (long long)latest) : NULL;
}

/* "Production 3, Staging 4". */
static const char *stages_of(ag_arena *arena, const ag_registered_model *model)
{
    const char *text = "";
    for (size_t i = 0; i < model->latest_count && text; i++) {
        const ag_version *version = &model->latest[i];
        if (version->stage == AG_STAGE_NONE) continue;
        text = ag_arena_printf(arena, "%s%s%s %lld", text, *text ? ", " : "", ag_stage_name(version->stage),
                               (long long)version->number);
    }
    return text;
}

static const char *aliases_of(ag_arena *arena, const ag_registered_model *model)
{
    const char *text = "";
    for (size_t i = 0; i < model->alias_count && text; i++) {
        text = ag_arena_printf(arena, "%s%s@%s %lld", text, *text ? ", " : "", model->aliases[i].name,
                               (long long)model->aliases[i].version);
    }
    return text;
}

static int print_table(ag_invocation *invocation, const ag_models *found, ag_err *err)
{
    static const ag_column columns[] = {
        {"model", AG_ALIGN_LEFT, 0, 12},  {"newest", AG_ALIGN_RIGHT, 0, 0}, {"stages", AG_ALIGN_LEFT, 1, 12},
        {"aliases", AG_ALIGN_LEFT, 1, 8}, {"changed", AG_ALIGN_LEFT, 2, 0}, {"description", AG_ALIGN_LEFT, 3, 16},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = invocation->arena;
    const char **cells = ag_arena_array(arena, found->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->count);
    for (size_t i = 0; i < found->count; i++) {
        const ag_registered_model *one = &found->items[i];
        const char *row[] = {one->name,
                             latest_of(arena, one),
                             stages_of(arena, one),
                             aliases_of(arena, one),
                             ag_cli_time(arena, one->updated_at),
                             one->description};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, found->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static void write_model(ag_json *json, const void *model)
{
    ag_write_model(json, model);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_page_request page;
    ag_models found;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_page(invocation, &page, err);
    if (rc >= 0) {
        rc = ag_cli_explain(invocation, ag_model_search(ledger, &page, invocation->arena, &found, err), err);
    }
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? ag_cli_print_things(invocation, "registered_models", write_model, found.items,
                                                             sizeof(*found.items), found.count, err)
                                       : print_table(invocation, &found, err);
    }
    if (rc >= 0 && found.next) ag_note(invocation, "there are more; --limit shows them");
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_models_list = {
    .path = "models list",
    .summary = "List registered models",
    .doc = "Lists the registered models by name, with their newest version, what is in which stage, and the aliases. A "
           "filter is written in the search language: name and tags.NAME.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
