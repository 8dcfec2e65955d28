// SPDX-License-Identifier: Apache-2.0
/* comparison.c: runs or versions side by side: a column for each, a row for each thing that any of them has. */
#include "app/cli/comparison.h"

#include "app/cli/notable.h"

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
        if (!all && ag_notable_dull(row)) continue;
        const char **line = cells + rows++ * width;
        if (!(line[0] = ag_arena_printf(arena, "%s%s", kinds[row->kind], row->key))) return ag_fail_memory(err, 1);
        for (size_t c = 0; c < found->column_count; c++) line[c + 1] = row->values[c];
    }
    ag_cli_list list = {columns, width, cells, rows};
    return ag_cli_print_list(invocation, &list, ag_option_flag(invocation, "csv"), err);
}

static int print_json(ag_invocation *invocation, const char *columns, const ag_comparison *found, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)256 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, columns);
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

int ag_cli_print_comparison(ag_invocation *invocation, const char *columns, ag_comparison *found, ag_err *err)
{
    int rc = ag_notable_rows(found, invocation->arena, err);
    if (rc < 0) return rc;
    return ag_wants_json(invocation) ? print_json(invocation, columns, found, err)
                                     : print_table(invocation, found, err);
}
