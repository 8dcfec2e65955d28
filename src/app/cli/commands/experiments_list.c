// SPDX-License-Identifier: Apache-2.0
/* experiments_list.c: the experiments of a ledger. */
#include "app/cli/ledger.h"
#include "app/server/mlflow/write.h"

static const ag_option options[] = {AG_OPTION_OF_FILTER, AG_OPTION_OF_ORDER, AG_OPTION_OF_LIMIT,
                                    AG_OPTION_OF_VIEW,   AG_OPTION_OF_CSV,   AG_OPTION_OF_DATABASE};

static const ag_example examples[] = {
    {"experiments list", "The newest experiments"},
    {"experiments list --filter \"name LIKE 'drill%'\" --order-by name --json", "Some of them, for a program"},
    {NULL, NULL},
};

static int print_table(ag_invocation *invocation, const ag_experiments *found, ag_err *err)
{
    static const ag_column columns[] = {
        {"id", AG_ALIGN_RIGHT, 0, 0},     {"name", AG_ALIGN_LEFT, 0, 12},      {"state", AG_ALIGN_LEFT, 2, 0},
        {"created", AG_ALIGN_LEFT, 3, 0}, {"artifacts", AG_ALIGN_LEFT, 4, 16},
    };
    enum { COLUMNS = sizeof(columns) / sizeof(columns[0]) };
    ag_arena *arena = invocation->arena;
    const char **cells = ag_arena_array(arena, found->count + 1, COLUMNS * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, found->count);
    for (size_t i = 0; i < found->count; i++) {
        const ag_experiment *one = &found->items[i];
        const char *row[] = {one->id, one->name, one->deleted ? "deleted" : "active",
                             ag_cli_time(arena, one->created_at), one->artifact_location};
        memcpy(cells + i * COLUMNS, row, sizeof(row));
    }
    ag_cli_list list = {columns, COLUMNS, cells, found->count};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int print_json(ag_invocation *invocation, const ag_experiments *found, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)256 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, "experiments");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < found->count; i++) ag_write_experiment(&json, &found->items[i]);
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    ag_page_request page;
    ag_experiments found;
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    if (rc >= 0) rc = ag_cli_page(invocation, &page, err);
    if (rc >= 0) {
        ag_view view = (ag_view)ag_option_choice(invocation, "view");
        rc = ag_cli_explain(invocation, ag_experiment_search(ledger, view, &page, invocation->arena, &found, err), err);
    }
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? print_json(invocation, &found, err) : print_table(invocation, &found, err);
    }
    if (rc >= 0 && found.next) ag_note(invocation, "there are more; --limit shows them");
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_experiments_list = {
    .path = "experiments list",
    .summary = "List experiments",
    .doc = "Lists the experiments of a ledger, the newest first. A filter is written in the search language: names in "
           "quotes, AND, OR, parentheses, LIKE; keys are name, creation_time, last_update_time and tags.NAME.\n\n"
           "With --json each is printed as MLflow's protocol has it.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
