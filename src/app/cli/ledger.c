// SPDX-License-Identifier: Apache-2.0
/* ledger.c: what the commands on the ledger share. They work on the database itself, beside a server that runs: both
 * see one another's work. */
#include "app/cli/ledger.h"

#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "ledger/search/search.h"

enum { MOST_EXPERIMENTS = 1000, RUN_ID = 32, SHORTEST_ID = 4 };

int ag_cli_open_ledger(ag_invocation *invocation, bool make, ag_ledger **out, ag_err *err)
{
    ag_ledger_options options = {.home = ag_home(invocation),
                                 .database = ag_option_text(invocation, "db"),
                                 .artifact_root = "mlflow-artifacts:/",
                                 .db.must_exist = !make};
    if (!make && !options.database) {
        const char *file = ag_path_join(invocation->arena, options.home, "auger.db");
        if (!file) return ag_fail_memory(err, strlen(options.home));
        if (!ag_file_exists(file)) {
            ag_fail(err, AG_ENOTFOUND, "there is no ledger in '%s'", options.home);
            return ag_err_hint(err, "name its directory with --home, or begin one with 'auger serve'");
        }
    }
    return ag_ledger_open(&options, out, err);
}

ag_actor ag_cli_actor(void)
{
    return (ag_actor){.name = "command line"};
}

/* ---- names ---- */

int ag_cli_experiment(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_experiment *out, ag_err *err)
{
    ag_str name = ag_str_of(text);
    int64_t number;
    int rc = AG_ENOTFOUND;
    if (ag_str_to_int(name, &number)) rc = ag_experiment_get(ledger, name, invocation->arena, out, err);
    if (rc == AG_ENOTFOUND) rc = ag_experiment_by_name(ledger, name, invocation->arena, out, err);
    if (rc != AG_ENOTFOUND) return rc;
    ag_fail(err, AG_ENOTFOUND, "there is no experiment '%s', neither by id nor by name", text);
    return ag_err_hint(err, "see them with 'auger experiments list'");
}

static int all_experiments(ag_invocation *invocation, ag_ledger *ledger, ag_view view, ag_str **ids, size_t *count,
                           ag_err *err)
{
    ag_page_request page = {.max_results = MOST_EXPERIMENTS};
    ag_experiments found;
    int rc = ag_experiment_search(ledger, view, &page, invocation->arena, &found, err);
    if (rc < 0) return rc;
    if (!(*ids = ag_arena_array(invocation->arena, found.count + 1, sizeof(**ids)))) return ag_fail_memory(err, 1);
    for (size_t i = 0; i < found.count; i++) (*ids)[i] = ag_str_of(found.items[i].id);
    *count = found.count;
    return AG_OK;
}

int ag_cli_experiments(ag_invocation *invocation, ag_ledger *ledger, const char *option, ag_str **ids, size_t *count,
                       ag_err *err)
{
    const ag_option_value *values = ag_option_values(invocation, option, count);
    if (*count == 0) return all_experiments(invocation, ledger, AG_VIEW_ACTIVE, ids, count, err);
    if (!(*ids = ag_arena_array(invocation->arena, *count, sizeof(**ids)))) return ag_fail_memory(err, *count);
    for (size_t i = 0; i < *count; i++) {
        ag_experiment found;
        int rc = ag_cli_experiment(invocation, ledger, values[i].text, &found, err);
        if (rc < 0) return rc;
        (*ids)[i] = ag_str_of(found.id);
    }
    return AG_OK;
}

static bool is_hex(ag_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (!strchr("0123456789abcdef", text.data[i])) return false;
    }
    return text.size > 0;
}

int ag_cli_run(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_str *id, ag_err *err)
{
    ag_str *experiments = NULL;
    size_t count = 0;
    ag_runs found;
    *id = ag_str_of(text);
    if (id->size >= RUN_ID || id->size < SHORTEST_ID || !is_hex(*id)) return AG_OK; /* the ledger says what it is not */
    char filter[80];
    ag_format(filter, sizeof(filter), "run_id LIKE '%s%%'", text);
    ag_page_request page = {.filter = ag_str_of(filter), .max_results = 2};
    int rc = all_experiments(invocation, ledger, AG_VIEW_ALL, &experiments, &count, err);
    if (rc >= 0) rc = ag_run_search(ledger, experiments, count, AG_VIEW_ALL, &page, invocation->arena, &found, err);
    if (rc < 0 || found.count == 0) return rc;
    if (found.count > 1) {
        ag_fail(err, AG_EINVAL, "the ids of several runs begin with '%s'", text);
        return ag_err_hint(err, "write more of it: %s or %s", found.items[0].id, found.items[1].id);
    }
    *id = ag_str_of(found.items[0].id);
    return AG_OK;
}

/* ---- searching ---- */

int ag_cli_page(ag_invocation *invocation, ag_page_request *out, ag_err *err)
{
    size_t count;
    const char *filter = ag_option_text(invocation, "filter");
    const ag_option_value *values = ag_option_values(invocation, "order-by", &count);
    ag_str *order = ag_arena_array(invocation->arena, count + 1, sizeof(*order));
    if (!order) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count; i++) order[i] = ag_str_of(values[i].text);
    *out = (ag_page_request){.filter = ag_str_of(filter),
                             .order_by = order,
                             .order_count = count,
                             .max_results = (uint32_t)ag_option_int(invocation, "limit")};
    return AG_OK;
}

int ag_cli_explain(ag_invocation *invocation, int rc, const ag_err *err)
{
    const char *filter = ag_option_text(invocation, "filter");
    ag_buf picture;
    if (rc != AG_EINVAL || !filter || !err || !err->column) return rc;
    ag_buf_init(&picture, 64 << 10);
    ag_search_caret(ag_str_of(filter), err, &picture);
    if (!picture.failed) ag_output_add(invocation->err, ag_buf_str(&picture));
    ag_buf_deinit(&picture);
    return rc;
}

/* ---- lists ---- */

static int write_csv(const ag_cli_list *list, ag_buf *out, ag_err *err)
{
    ag_writer *sink = NULL;
    ag_csv_writer *csv = NULL;
    ag_csv_format format = {0};
    int rc = ag_writer_to_buf(out, &sink, err);
    if (rc >= 0) rc = ag_csv_writer_new(sink, &format, &csv, err);
    for (size_t c = 0; c < list->column_count && rc >= 0; c++)
        rc = ag_csv_add(csv, ag_str_of(list->columns[c].title), err);
    if (rc >= 0) rc = ag_csv_end_row(csv, err);
    for (size_t r = 0; r < list->row_count && rc >= 0; r++) {
        const char **row = list->cells + r * list->column_count;
        for (size_t c = 0; c < list->column_count && rc >= 0; c++) {
            rc = ag_csv_add(csv, row[c] ? ag_str_of(row[c]) : AG_STR(""), err);
        }
        if (rc >= 0) rc = ag_csv_end_row(csv, err);
    }
    if (rc >= 0) rc = ag_csv_flush(csv, err);
    ag_csv_writer_free(csv);
    ag_writer_close(sink);
    return rc;
}

static int write_table(const ag_invocation *invocation, const ag_cli_list *list, ag_buf *out, ag_err *err)
{
    const ag_output *to = invocation->out;
    ag_table *table = NULL;
    int rc = ag_table_new(list->columns, list->column_count, &table, err);
    for (size_t i = 0; i < list->row_count * list->column_count && rc >= 0; i++) {
        rc = ag_table_add(table, AG_STYLE_PLAIN, list->cells[i], err);
    }
    if (rc >= 0) {
        rc = ag_table_write(table, AG_TABLE_TERMINAL, to->is_terminal ? (unsigned)to->columns : 0, to->color, out, err);
    }
    ag_table_free(table);
    return rc;
}

int ag_cli_print_list(ag_invocation *invocation, const ag_cli_list *list, bool csv, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)256 << 20);
    int rc = csv ? write_csv(list, &text, err) : write_table(invocation, list, &text, err);
    if (rc >= 0) ag_print_str(invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

/* ---- cells ---- */

const char *ag_cli_time(ag_arena *arena, int64_t at)
{
    char text[40];
    if (!at) return NULL;
    ag_instant_format(at, 0, text);
    text[10] = ' ';
    return ag_arena_strndup(arena, text, 16);
}

const char *ag_cli_duration(ag_arena *arena, int64_t from, int64_t to)
{
    char text[32];
    if (!from || to < from) return NULL;
    ag_duration_format(to - from, text);
    return ag_arena_strdup(arena, text);
}

const char *ag_cli_number(ag_arena *arena, double value)
{
    return ag_arena_printf(arena, "%.6g", value);
}

const char *ag_cli_str(ag_arena *arena, ag_str text)
{
    return ag_arena_strndup(arena, text.data ? text.data : "", text.size);
}
