// SPDX-License-Identifier: Apache-2.0
/* ledger.c: what the commands on the ledger share. They work on the database itself, beside a server that runs: both
 * see one another's work. */
#include "app/cli/ledger.h"

#include "core/doc/json_file.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/spark.h"
#include "core/sys/clock.h"
#include "learn/journal.h"
#include "ledger/artifact.h"
#include "ledger/search/search.h"

enum { MOST_EXPERIMENTS = 1000, RUN_ID = 32, SHORTEST_ID = 4, SAMPLES = 256, MOST_PICTURE = 4096 };
enum { MOST_NAME = 500, MOST_RUN_FILE = 1 << 20 };

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

int ag_cli_each(ag_invocation *invocation, const char *option, ag_cli_named_fn act, ag_err *err)
{
    ag_ledger *ledger = NULL;
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, option, &count);
    int rc = ag_cli_open_ledger(invocation, false, &ledger, err);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = act(invocation, ledger, values[i].text, err);
    ag_ledger_close(ledger);
    return rc;
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

/* The one run that the filter finds: 1, or 0 when it finds none. */
static int only_run(ag_invocation *invocation, ag_ledger *ledger, ag_str filter, const char *text, ag_str *id,
                    ag_err *err)
{
    ag_str *experiments = NULL;
    size_t count = 0;
    ag_runs found;
    ag_page_request page = {.filter = filter, .max_results = 2};
    int rc = all_experiments(invocation, ledger, AG_VIEW_ALL, &experiments, &count, err);
    if (rc >= 0) rc = ag_run_search(ledger, experiments, count, AG_VIEW_ALL, &page, invocation->arena, &found, err);
    if (rc < 0 || found.count == 0) return rc;
    if (found.count > 1) {
        ag_fail(err, AG_EINVAL, "several runs are meant by '%s'", text);
        return ag_err_hint(err, "write their ids, or more of them: %s, %s", found.items[0].id, found.items[1].id);
    }
    *id = ag_str_of(found.items[0].id);
    return 1;
}

static int run_by_prefix(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_str *id, ag_err *err)
{
    char filter[80];
    ag_str said = ag_str_of(text);
    if (said.size >= RUN_ID || said.size < SHORTEST_ID || !is_hex(said)) return 0;
    ag_format(filter, sizeof(filter), "run_id LIKE '%s%%'", text);
    return only_run(invocation, ledger, ag_str_of(filter), text, id, err);
}

static int run_by_name(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_str *id, ag_err *err)
{
    const char quote = strchr(text, '\'') ? '"' : '\'';
    if (strchr(text, quote) || strlen(text) > MOST_NAME) return 0; /* such a name has an id, too */
    const char *filter = ag_arena_printf(invocation->arena, "run_name = %c%s%c", quote, text, quote);
    if (!filter) return ag_fail_memory(err, strlen(text));
    return only_run(invocation, ledger, ag_str_of(filter), text, id, err);
}

/* What `auger train` has left in its output directory. */
static int run_by_directory(ag_invocation *invocation, const char *text, ag_str *id, ag_err *err)
{
    const ag_value *root = NULL;
    const ag_json_options options = {.max_bytes = MOST_RUN_FILE};
    const char *path = ag_path_join(invocation->arena, text, AG_JOURNAL_RUN);
    if (!path) return ag_fail_memory(err, strlen(text));
    if (!ag_file_exists(path)) return 0;
    int rc = ag_json_file_read(invocation->arena, path, &options, &root, err);
    ag_str said;
    const bool there = rc >= 0 && ag_value_string(ag_value_get(root, "run_id"), &said);
    const char *copy = there ? ag_cli_str(invocation->arena, said) : NULL;
    if (rc < 0) return rc;
    if (there && !copy) return ag_fail_memory(err, RUN_ID);
    if (copy) *id = ag_str_of(copy);
    return copy ? 1 : 0;
}

int ag_cli_run(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_str *id, ag_err *err)
{
    ag_str said = ag_str_of(text);
    *id = said;
    if (said.size == RUN_ID && is_hex(said)) return AG_OK; /* the ledger says whether there is one */
    int found = run_by_prefix(invocation, ledger, text, id, err);
    if (found == 0) found = run_by_name(invocation, ledger, text, id, err);
    if (found == 0) found = run_by_directory(invocation, text, id, err);
    if (found != 0) return found < 0 ? found : AG_OK;
    ag_fail(err, AG_ENOTFOUND, "there is no run '%s', neither by id nor by name", text);
    return ag_err_hint(err, "see them with 'auger runs list'");
}

/* "NAME/3": 1 with *number set, else 0. A name itself has no '/'. */
static int read_number(ag_str text, ag_str *name, int64_t *number)
{
    size_t slash = ag_str_find_char(text, '/', 0);
    if (slash == SIZE_MAX) return 0;
    *name = ag_str_slice(text, 0, slash);
    return ag_str_to_int(ag_str_slice(text, slash + 1, text.size), number) && *number > 0;
}

static int newest_version(ag_invocation *invocation, ag_ledger *ledger, ag_str name, ag_version *out, ag_err *err)
{
    ag_versions found;
    int rc = ag_model_latest(ledger, name, NULL, 0, invocation->arena, &found, err);
    if (rc < 0) return rc;
    if (!found.count) {
        ag_fail(err, AG_ENOTFOUND, "the model '%.*s' has no version", AG_STR_ARG(name));
        return ag_err_hint(err, "add one with 'auger models register'");
    }
    *out = found.items[0];
    for (size_t i = 1; i < found.count; i++) {
        if (found.items[i].number > out->number) *out = found.items[i];
    }
    return AG_OK;
}

int ag_cli_version(ag_invocation *invocation, ag_ledger *ledger, const char *text, ag_version *out, ag_err *err)
{
    ag_str whole = ag_str_of(text), name = whole;
    int64_t number;
    size_t at = ag_str_find_char(whole, '@', 0);
    if (read_number(whole, &name, &number)) {
        return ag_version_get(ledger, name, number, invocation->arena, out, err);
    }
    if (at == SIZE_MAX) return newest_version(invocation, ledger, whole, out, err);
    ag_str alias = ag_str_slice(whole, at + 1, whole.size);
    return ag_alias_get(ledger, ag_str_slice(whole, 0, at), alias, invocation->arena, out, err);
}

int ag_cli_pairs(ag_invocation *invocation, const char *option, ag_pairs *out, ag_err *err)
{
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, option, &count);
    ag_pair *pairs = ag_arena_array(invocation->arena, count + 1, sizeof(*pairs));
    if (!pairs) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count; i++) pairs[i] = (ag_pair){values[i].key, ag_str_of(values[i].pair_value)};
    *out = (ag_pairs){pairs, count};
    return AG_OK;
}

/* ---- files ---- */

static void write_copy(ag_json *json, const void *thing)
{
    const ag_tree_copy *copy = thing;
    ag_json_begin_object(json);
    ag_json_put_int(json, "files", (int64_t)copy->files);
    ag_json_put_int(json, "bytes", (int64_t)copy->bytes);
    ag_json_put_int(json, "kept", (int64_t)copy->kept);
    ag_json_end_object(json);
}

int ag_cli_download(ag_invocation *invocation, ag_ledger *ledger, const char *uri, ag_str relative,
                    const char *directory, ag_err *err)
{
    ag_tree *to = NULL;
    ag_artifact_place place;
    ag_tree_copy copy = {.cancel = invocation->cancel};
    int rc = ag_artifact_resolve(ledger, uri, relative, invocation->arena, &place, err);
    if (rc >= 0) rc = ag_tree_open(directory, invocation->cancel, &to, err);
    if (rc >= 0) {
        ag_str name = ag_path_name(ag_str_of(place.path));
        ag_tree_entry entry;
        ag_err ignored;
        bool file = ag_tree_stat(place.tree, place.path, &entry, &ignored) >= 0 && !entry.is_directory;
        const char *target = file ? ag_cli_str(invocation->arena, name) : "";
        copy.progress = ag_begin_progress(invocation, "files", 0);
        ag_progress_stage(copy.progress, "downloading");
        rc = target ? ag_tree_copy_all(&copy, place.tree, place.path, to, target, err) : ag_fail_memory(err, 1);
        ag_progress_free(copy.progress);
    }
    ag_tree_close(to);
    if (rc < 0) return rc;
    if (ag_wants_json(invocation)) return ag_cli_print_thing(invocation, "downloaded", write_copy, &copy, err);
    ag_print(invocation, "%s\n", directory);
    ag_note(invocation, "%llu files came, %llu were there already", (unsigned long long)copy.files,
            (unsigned long long)copy.kept);
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
    ag_csv_writer *csv = NULL;
    int rc = ag_csv_writer_to_buf(out, NULL, &csv, err);
    for (size_t c = 0; c < list->column_count && rc >= 0; c++)
        rc = ag_csv_add(csv, ag_str_of(list->columns[c].title), err);
    if (rc >= 0) rc = ag_csv_end_row(csv, err);
    for (size_t r = 0; r < list->row_count && rc >= 0; r++) {
        const char *const *row = list->cells + r * list->column_count;
        rc = ag_csv_add_texts(csv, row, list->column_count, err);
        if (rc >= 0) rc = ag_csv_end_row(csv, err);
    }
    if (rc >= 0) rc = ag_csv_finish(csv, err);
    ag_csv_writer_free(csv);
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

static int print_json(ag_invocation *invocation, const char *name, ag_cli_write_fn write, const char *items,
                      size_t size, size_t count, bool many, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 30);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    ag_json_name(&json, name);
    if (many) ag_json_begin_array(&json);
    for (size_t i = 0; i < count; i++) write(&json, items + i * size);
    if (many) ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &text, err);
    ag_buf_deinit(&text);
    return rc;
}

int ag_cli_print_thing(ag_invocation *invocation, const char *name, ag_cli_write_fn write, const void *thing,
                       ag_err *err)
{
    return print_json(invocation, name, write, thing, 0, 1, false, err);
}

int ag_cli_print_things(ag_invocation *invocation, const char *name, ag_cli_write_fn write, const void *items,
                        size_t size, size_t count, ag_err *err)
{
    return print_json(invocation, name, write, items, size, count, true, err);
}

int ag_cli_print_pairs(ag_invocation *invocation, const char *title, ag_pairs pairs, ag_err *err)
{
    const ag_column columns[] = {{title, AG_ALIGN_LEFT, 0, 8}, {"value", AG_ALIGN_LEFT, 0, 20}};
    if (!pairs.count) return AG_OK;
    const char **cells = ag_arena_array(invocation->arena, pairs.count, 2 * sizeof(*cells));
    if (!cells) return ag_fail_memory(err, pairs.count);
    for (size_t i = 0; i < pairs.count; i++) {
        cells[2 * i] = ag_cli_str(invocation->arena, pairs.items[i].key);
        cells[2 * i + 1] = ag_cli_str(invocation->arena, pairs.items[i].value);
    }
    ag_print(invocation, "\n");
    ag_cli_list list = {columns, 2, cells, pairs.count};
    return ag_cli_print_list(invocation, &list, false, err);
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

int ag_cli_curve(ag_ledger *ledger, ag_arena *arena, const char *run, const char *key, unsigned cells, const char **out,
                 ag_err *err)
{
    ag_points points;
    ag_buf line;
    int rc = ag_metric_sample(ledger, ag_str_of(run), ag_str_of(key), SAMPLES, arena, &points, err);
    if (rc < 0) return rc;
    double *values = ag_arena_array(arena, points.count + 1, sizeof(*values));
    if (!values) return ag_fail_memory(err, points.count * sizeof(*values));
    for (size_t i = 0; i < points.count; i++) values[i] = points.items[i].value;
    ag_buf_init(&line, MOST_PICTURE);
    if (points.count > 1) ag_spark_line(&line, values, points.count, cells);
    *out = ag_arena_strndup(arena, ag_buf_str(&line).data, line.size);
    ag_buf_deinit(&line);
    return *out ? AG_OK : ag_fail_memory(err, MOST_PICTURE);
}
