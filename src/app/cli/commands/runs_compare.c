// SPDX-License-Identifier: Apache-2.0
/* runs_compare.c: runs side by side. */
#include "app/cli/ledger.h"
#include "ledger/compare.h"

static const ag_option options[] = {
    {.name = "all", .letter = 'a', .type = AG_OPTION_FLAG, .doc = "also what is the same in all"},
    AG_OPTION_OF_CSV,
    AG_OPTION_OF_DATABASE,
};
static const ag_option positionals[] = {
    {.name = "RUN",
     .type = AG_OPTION_TEXT,
     .required = true,
     .repeated = true,
     .doc = "Ids, or the beginnings of them"},
};
static const ag_example examples[] = {
    {"runs compare 4f2a91 77b0c4", "What two runs differ in"},
    {NULL, NULL},
};

static const char *const kinds[] = {"", "params.", "metrics.", "tags."};

static int print_table(ag_invocation *invocation, const ag_comparison *found, ag_err *err)
{
    bool all = ag_option_flag(invocation, "all");
    size_t width = found->column_count + 1, rows = 0;
    ag_arena *arena = invocation->arena;
    ag_column *columns = ag_arena_array(arena, width, sizeof(*columns));
    const char **cells = ag_arena_array(arena, found->row_count + 1, width * sizeof(*cells));
    if (!columns || !cells) return ag_fail_memory(err, width);
    columns[0] = (ag_column){"what", AG_ALIGN_LEFT, 0, 12};
    for (size_t c = 0; c < found->column_count; c++)
        columns[c + 1] = (ag_column){found->columns[c], AG_ALIGN_LEFT, 0, 8};
    for (size_t r = 0; r < found->row_count; r++) {
        const ag_compare_row *row = &found->rows[r];
        if (!all && !row->differs) continue;
        const char **line = cells + rows++ * width;
        if (!(line[0] = ag_arena_printf(arena, "%s%s", kinds[row->kind], row->key))) return ag_fail_memory(err, 1);
        for (size_t c = 0; c < found->column_count; c++) line[c + 1] = row->values[c];
    }
    ag_cli_list list = {columns, width, cells, rows};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int print_json(ag_invocation *invocation, const ag_comparison *found, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)256 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, "runs");
    ag_json_begin_array(&json);
    for (size_t c = 0; c < found->column_count; c++) ag_json_text(&json, found->columns[c]);
    ag_json_end_array(&json);
    ag_json_name(&json, "rows");
    ag_json_begin_array(&json);
    for (size_t r = 0; r < found->row_count; r++) {
        const ag_compare_row *row = &found->rows[r];
        if (!row->differs && !ag_option_flag(invocation, "all")) continue;
        ag_json_begin_object(&json);
        ag_json_name(&json, "what");
        ag_json_text(&json, ag_arena_printf(invocation->arena, "%s%s", kinds[row->kind], row->key));
        ag_json_put_bool(&json, "differs", row->differs);
        ag_json_name(&json, "values");
        ag_json_begin_array(&json);
        for (size_t c = 0; c < found->column_count; c++) {
            if (row->numbers && row->values[c])
                ag_json_real(&json, row->numbers[c]);
            else
                ag_json_text(&json, row->values[c]);
        }
        ag_json_end_array(&json);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_ledger *ledger = NULL;
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "RUN", &count);
    ag_str *ids = ag_arena_array(invocation->arena, count + 1, sizeof(*ids));
    ag_comparison found;
    if (!ids) return ag_fail_memory(err, count);
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = ag_cli_run(invocation, ledger, values[i].text, &ids[i], err);
    if (rc >= 0) rc = ag_compare_runs(ledger, ids, count, invocation->arena, &found, err);
    if (rc >= 0) {
        rc = ag_wants_json(invocation) ? print_json(invocation, &found, err) : print_table(invocation, &found, err);
    }
    ag_ledger_close(ledger);
    return rc;
}

const ag_command ag_command_runs_compare = {
    .path = "runs compare",
    .summary = "Show runs side by side",
    .doc = "Shows facts, parameters, metrics and tags of up to 100 runs side by side: what differs, or with --all "
           "everything. What a run lacks is left empty.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
