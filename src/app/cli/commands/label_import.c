// SPDX-License-Identifier: Apache-2.0
/* label_import.c: the command: labels of people from a table or from Label Studio. */
#include "app/cli/labels.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

static const ag_option options[] = {
    AG_OPTION_OF_PREPARED,
    {.name = "format",
     .letter = 'f',
     .type = AG_OPTION_CHOICE,
     .choices = ag_label_format_names,
     .doc = "csv or label-studio; by the file's ending when not given"},
    {.name = "author",
     .letter = 'a',
     .type = AG_OPTION_TEXT,
     .environment = "AUGER_AUTHOR",
     .doc = "Whose the labels are that name nobody"},
    AG_OPTION_OF_ANNOTATORS,
    {.name = "skip-unknown", .type = AG_OPTION_FLAG, .doc = "Leave out labels of holes that the dataset does not have"},
    {.name = "dry-run", .type = AG_OPTION_FLAG, .doc = "Check everything and change nothing"},
};
static const ag_option positionals[] = {
    {.name = "FILE", .type = AG_OPTION_PATH, .required = true, .doc = "What was exported"},
};
static const ag_example examples[] = {
    {"label import -d prepared export.json --annotator 7=anna --dry-run",
     "See what an export of Label Studio would add"},
    {"label import -d prepared measured.csv --author gauge", "Take measured depths from a table"},
    {NULL, NULL},
};

enum { MOST_BYTES = 1 << 30 };

typedef struct imported {
    ag_exchange_rows rows;
    ag_label_event *events;
    size_t count, unknown, added;
} imported;

static const ag_label_format *format_of(ag_invocation *invocation, const char *path)
{
    const char *name = ag_option_text(invocation, "format");
    if (!name) name = ag_str_ends(ag_str_of(path), AG_STR(".json")) ? "label-studio" : "csv";
    return ag_label_format_find(name);
}

static int read_file(ag_invocation *invocation, const char *path, imported *in, ag_err *err)
{
    ag_mapping map = {0};
    ag_exchange_options exchange = {.author = ag_option_text(invocation, "author"), .time = ag_now()};
    int rc = ag_cli_annotators(invocation, &exchange, err);
    if (rc == AG_OK) rc = ag_map_file(path, &map, err);
    if (rc != AG_OK) return rc;
    if (map.size > MOST_BYTES)
        rc = ag_fail(err, AG_ELIMIT, "'%s' is larger than a gigabyte", path);
    else
        rc = format_of(invocation, path)
                 ->read((ag_str){map.data, map.size}, path, &exchange, invocation->arena, &in->rows, err);
    ag_unmap_file(&map);
    return rc;
}

static int print_outcome(ag_invocation *invocation, const imported *in, bool dry, ag_err *err)
{
    size_t same = in->count - in->added;
    if (!ag_wants_json(invocation)) {
        ag_print(invocation, "%zu labels %s, %zu were there already, %zu of unknown holes, %zu others passed over\n",
                 in->added, dry ? "would be added" : "added", same, in->unknown, in->rows.skipped);
        return AG_OK;
    }
    ag_buf buf;
    ag_buf_init(&buf, 4096);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "added", (int64_t)in->added);
    ag_json_put_int(&json, "same", (int64_t)same);
    ag_json_put_int(&json, "unknown", (int64_t)in->unknown);
    ag_json_put_int(&json, "passed_over", (int64_t)in->rows.skipped);
    ag_json_put_bool(&json, "dry_run", dry);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_labelled_set set;
    imported in = {.count = 0};
    bool dry = ag_option_flag(invocation, "dry-run");
    ag_vec_init(&in.rows.rows, sizeof(ag_exchange_row));
    int rc = ag_cli_labelled_to_change(invocation, &set, err);
    if (rc == AG_OK) rc = read_file(invocation, ag_option_text(invocation, "FILE"), &in, err);
    if (rc == AG_OK)
        rc = ag_exchange_bind(&set, &in.rows, ag_option_flag(invocation, "skip-unknown"), invocation->arena, &in.events,
                              &in.count, &in.unknown, err);
    if (rc == AG_OK) rc = ag_labelled_add(set.prepared.dir, in.events, in.count, dry, &in.added, err);
    if (rc == AG_OK) rc = print_outcome(invocation, &in, dry, err);
    ag_vec_deinit(&in.rows.rows);
    return rc;
}

const ag_command ag_command_label_import = {
    .path = "label import",
    .summary = "Take people's labels from a table or from Label Studio",
    .doc =
        "A table needs the column path or sha256 and the depths entry_mm, transitions_mm (separated by '|'), exit_mm; "
        "outcome, full_exit_mm, author, time and comment are taken too. Of Label Studio the exports JSON and JSON_MIN "
        "are "
        "read; numbers and addresses of annotators become authors by --annotator.\n"
        "\n"
        "All labels are added or none. What an author has said already is not added again; predictions, automatic rows "
        "and cancelled annotations are passed over.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
