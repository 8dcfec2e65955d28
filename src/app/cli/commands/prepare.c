// SPDX-License-Identifier: Apache-2.0
/* prepare.c: the command: settings from a file and the command line, progress, and a summary in words. The work is
 * data/prepare.h. */
#include "data/prepare.h"

#include <string.h>

#include "app/cli/computing.h"
#include "app/cli/named_data.h"
#include "core/base/mem.h"
#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "core/show/table.h"
#include "core/sys/clock.h"
#include "data/label/label.h"

static const ag_option options[] = {
    {.name = "input-dir",
     .letter = 'i',
     .type = AG_OPTION_PATH,
     .required = true,
     .doc = "The folder of files, subfolders too; or a version of a data set with such (NAME@v3)"},
    {.name = "output-dir", .letter = 'o', .type = AG_OPTION_PATH, .required = true, .doc = "Where the dataset goes"},
    {.name = "validate", .type = AG_OPTION_FLAG, .doc = "Judge every file by the rules"},
    {.name = "auto-label", .type = AG_OPTION_FLAG, .doc = "Find where each hole begins, changes material and ends"},
    {.name = "config",
     .letter = 'c',
     .type = AG_OPTION_PATH,
     .doc = "YAML with the sections validation, reader and label"},
    {.name = "set", .type = AG_OPTION_PAIR, .repeated = true, .doc = "One setting, as in validation.min_rows=50"},
    AG_OPTION_OF_JOBS,
    AG_OPTIONS_OF_NAMED_DATA,
};

static const ag_example examples[] = {
    {"prepare --input-dir holes --output-dir prepared --validate --auto-label",
     "Read, judge and label a folder of drilling files"},
    {"prepare -i holes -o prepared --validate --set validation.torque_limit=60", "Be stricter about the torque"},
    {NULL, NULL},
};

typedef struct settings {
    ag_limits validation;
    ag_reader_options reader;
    ag_label_settings label;
} settings;

static const ag_field fields[] = {
    {.name = "validation",
     .type = AG_FIELD_STRUCT,
     .offset = offsetof(settings, validation),
     .inner = &ag_limits_description,
     .doc = "Thresholds of the rules."},
    {.name = "reader",
     .type = AG_FIELD_STRUCT,
     .offset = offsetof(settings, reader),
     .inner = &ag_reader_options_description,
     .doc = "How files are read."},
    {.name = "label",
     .type = AG_FIELD_STRUCT,
     .offset = offsetof(settings, label),
     .inner = &ag_label_settings_description,
     .doc = "How labels are called."},
};
static const ag_description description = {
    .name = "prepare",
    .doc = "Settings of auger prepare.",
    .size = sizeof(settings),
    .fields = fields,
    .count = sizeof(fields) / sizeof(fields[0]),
};

enum { CONFIG_BYTES = 1 << 20 };

static int read_config(ag_invocation *invocation, const char *path, const ag_value **out, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, CONFIG_BYTES);
    int rc = ag_file_read(path, CONFIG_BYTES, &text, err);
    ag_yaml_options yaml = {.file = path};
    if (rc == AG_OK) rc = ag_describe_parse(invocation->arena, ag_buf_str(&text), &yaml, out, err);
    ag_buf_deinit(&text);
    return rc;
}

static int read_settings(ag_invocation *invocation, settings *out, ag_err *err)
{
    const char *path = ag_option_text(invocation, "config");
    const ag_value *root = NULL;
    int rc = path ? read_config(invocation, path, &root, err) : AG_OK;
    size_t count;
    const ag_option_value *values = ag_option_values(invocation, "set", &count);
    for (size_t i = 0; rc == AG_OK && i < count; i++)
        rc = ag_describe_override(&description, invocation->arena, root, ag_str_of(values[i].text), &root, err);
    return rc == AG_OK ? ag_describe_read(&description, invocation->arena, root, path, out, err) : rc;
}

static int print_json(ag_invocation *invocation, const ag_prepare_summary *summary, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "files", (int64_t)summary->count);
    for (int i = 0; i < AG_PREPARED_STATUS_COUNT; i++)
        ag_json_put_int(&json, ag_prepared_status_names[i], (int64_t)summary->by_status[i]);
    ag_json_put_int(&json, "duplicates", (int64_t)summary->duplicates);
    ag_json_put_int(&json, "same_traces", (int64_t)summary->same_traces);
    ag_json_put_int(&json, "samples", (int64_t)summary->rows);
    ag_json_put_int(&json, "bytes", (int64_t)summary->bytes);
    ag_json_put_int(&json, "parts", (int64_t)summary->parts);
    ag_json_put_int(&json, "parts_taken_up", (int64_t)summary->parts_reused);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

/* The rejected files, the first ones of them. */
static int print_rejected(ag_invocation *invocation, const ag_prepare_summary *summary, ag_err *err)
{
    enum { SHOWN = 20 };
    static const ag_column columns[] = {
        {.title = "file", .min_width = 20}, {.title = "rules", .min_width = 8}, {.title = "why", .min_width = 20}};
    ag_table *table = NULL;
    size_t shown = 0, all = 0;
    int rc = ag_table_new(columns, 3, &table, err);
    for (size_t i = 0; rc == AG_OK && i < summary->count; i++) {
        const ag_prepared *hole = &summary->holes[i];
        if (hole->status != AG_PREPARED_REJECTED && hole->status != AG_PREPARED_ERROR) continue;
        if (++all > SHOWN) continue;
        shown++;
        rc = ag_table_add(table, AG_STYLE_PLAIN, hole->path, err);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_BAD, hole->failed_rules, err);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_PLAIN, hole->reason, err);
    }
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 20);
    unsigned width = invocation->out->is_terminal ? (unsigned)invocation->out->columns : 0;
    if (rc == AG_OK && shown > 0)
        rc = ag_table_write(table, AG_TABLE_TERMINAL, width, invocation->out->color, &buf, err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&buf));
    if (rc == AG_OK && all > shown) ag_print(invocation, "... and %zu more in holes.csv\n", all - shown);
    ag_buf_deinit(&buf);
    ag_table_free(table);
    return rc;
}

static void print_others(ag_invocation *invocation, size_t messages, size_t files)
{
    if (!messages && !files) return;
    ag_print(invocation, "beside them ");
    if (messages)
        ag_print(invocation, "%zu message%s to a hole", messages, messages == 1 ? " that belongs" : "s that belong");
    if (files)
        ag_print(invocation, "%s%zu file%s no drilling data", messages ? ", and " : "", files,
                 files == 1 ? " that is" : "s that are");
    ag_print(invocation, "\n");
}

static int print_text(ag_invocation *invocation, const ag_prepare_summary *summary, const char *output, bool validated,
                      ag_err *err)
{
    const size_t *by = summary->by_status;
    int rc = validated ? print_rejected(invocation, summary, err) : AG_OK;
    if (rc < 0) return rc;
    size_t holes = by[AG_PREPARED_SUCCESS] + by[AG_PREPARED_REJECTED] + by[AG_PREPARED_ERROR];
    ag_print(invocation, "%zu holes: %zu %s", holes, by[AG_PREPARED_SUCCESS], validated ? "valid" : "read");
    if (holes > 0) ag_print(invocation, " (%.2f %%)", 100.0 * (double)by[AG_PREPARED_SUCCESS] / (double)holes);
    ag_print(invocation, ", %zu rejected, %zu errors; %zu duplicates, %zu more with the same samples\n",
             by[AG_PREPARED_REJECTED], by[AG_PREPARED_ERROR], summary->duplicates, summary->same_traces);
    print_others(invocation, by[AG_PREPARED_COMPANION], by[AG_PREPARED_IGNORED]);
    ag_print(invocation, "%s/holes.csv, signals/, manifest.json; the report is %s/quality.html\n", output, output);
    return AG_OK;
}

/* All is told and written by then; but nobody can go on with it. */
static int check_any(const ag_prepare_summary *summary, const char *output, ag_err *err)
{
    const ag_prepared *first = NULL;
    for (size_t i = 0; i < summary->count; i++) {
        const ag_prepared *hole = &summary->holes[i];
        if (hole->rows > 0) return AG_OK;
        if (!first && hole->reason && *hole->reason) first = hole;
    }
    ag_fail(err, AG_ENOTFOUND, "none of the %zu holes could be read%s%s%s%s", summary->count, first ? ": " : "",
            first ? first->path : "", first ? ": " : "", first ? first->reason : "");
    return ag_err_hint(err, "%s/quality.html tells why of each", output);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    settings chosen;
    ag_prepare_summary summary = {0};
    int rc = read_settings(invocation, &chosen, err);
    if (rc < 0) return rc;
    ag_named_data input;
    if ((rc = ag_named_data_option(invocation, "input-dir", &input, err)) < 0) return rc;
    ag_prepare_options prepare = {.input_dir = input.path,
                                  .output_dir = ag_option_text(invocation, "output-dir"),
                                  .validate = ag_option_flag(invocation, "validate"),
                                  .auto_label = ag_option_flag(invocation, "auto-label"),
                                  .label = &chosen.label,
                                  .jobs = (unsigned)ag_option_int(invocation, "jobs"),
                                  .limits = &chosen.validation,
                                  .reader = &chosen.reader,
                                  .cancel = invocation->cancel,
                                  .progress = ag_begin_progress(invocation, "files", 0)};
    int64_t start = ag_monotonic();
    rc = ag_prepare(&prepare, invocation->arena, &summary, err);
    double seconds = (double)(ag_monotonic() - start) / 1e6;
    ag_progress_free(prepare.progress);
    if (rc < 0) ag_data_name_in_error(&input.called, err);
    if (rc < 0) return rc;
    rc = ag_wants_json(invocation) ? print_json(invocation, &summary, err)
                                   : print_text(invocation, &summary, prepare.output_dir, prepare.validate, err);
    if (rc == AG_OK && summary.parts_reused)
        ag_note(invocation, "%.2f s: %zu of %zu parts taken up from an earlier call", seconds, summary.parts_reused,
                summary.parts);
    return rc == AG_OK ? check_any(&summary, prepare.output_dir, err) : rc;
}

const ag_command ag_command_prepare = {
    .path = "prepare",
    .summary = "Turn a folder of drilling files into a dataset, judged file by file",
    .doc =
        "Reads every drilling file below a folder (Setitec .xls of all versions, MQTT messages as JSON, tables as "
        "CSV), "
        "and writes a dataset that NumPy, pandas and DuckDB open: holes.csv with a row per file, signals/part-N.npy "
        "with the samples as thousandths, manifest.json with hashes, and a report as quality.json and quality.html.\n"
        "\n"
        "With --validate each file is judged by five validators, whose thresholds are settings. A bad file never stops "
        "the others: it is a row with the rules that it breaks. Duplicates are found by their bytes and by their "
        "samples. A folder in which no file is a drilling file, or none can be read, is refused.\n"
        "\n"
        "Killed at any moment, the same command takes up what is done and gives the same bytes.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
