// SPDX-License-Identifier: Apache-2.0
/* inspect.c: the command: one drilling file on the terminal: who drilled, what the program was, what happened, whether
 * it is valid, and torque and thrust over depth. */
#include <math.h>
#include <string.h>

#include "app/cli/named_data.h"
#include "core/show/spark.h"
#include "core/show/table.h"
#include "data/reader.h"
#include "data/reference.h"
#include "data/validator.h"

static const ag_option positionals[] = {
    {.name = "FILE",
     .type = AG_OPTION_PATH,
     .repeated = true,
     .doc = "Drilling files; or of a data set (NAME@v3/FILE)"},
};
static const ag_option options[] = {
    {.name = "header", .type = AG_OPTION_FLAG, .doc = "Show every field of the header"},
    {.name = "rules", .type = AG_OPTION_FLAG, .doc = "Print all names, rules and thresholds as Markdown instead"},
    AG_OPTIONS_OF_NAMED_DATA,
};
static const ag_example examples[] = {
    {"inspect hole.xls", "Look at one hole"},
    {"inspect --header --json hole.xls", "All that its header says, for a program"},
    {NULL, NULL},
};

static void print_summary(ag_invocation *invocation, const ag_hole *hole)
{
    ag_output_style(invocation->out, AG_STYLE_STRONG, hole->file);
    ag_print(invocation, "\n%s", hole->reader);
    if (hole->version) ag_print(invocation, " version %d", hole->version);
    static const ag_header_id shown[] = {AG_HEADER_FIRMWARE, AG_HEADER_DATE, AG_HEADER_MOTOR_NAME, AG_HEADER_HEAD_NAME,
                                         AG_HEADER_HEAD_GLOBAL_COUNTER};
    for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++) {
        ag_str text = ag_hole_text(hole, shown[i]);
        if (text.size > 0) ag_print(invocation, ", %s %.*s", ag_header_names[shown[i]].id, AG_STR_ARG(text));
    }
    ag_print(invocation, "\n%zu samples at %g Hz, down to %.3f mm\n", hole->signal.rows, hole->signal.rate,
             hole->signal.rows ? ag_signal_depth(&hole->signal, hole->signal.rows - 1) : 0);
}

static void print_fields(ag_invocation *invocation, const ag_hole *hole)
{
    for (size_t i = 0; i < hole->field_count; i++) {
        const ag_header_field *field = &hole->fields[i];
        ag_print(invocation, "  %-22s %-34.*s %.*s\n",
                 field->id < AG_HEADER_COUNT ? ag_header_names[field->id].id : "-", AG_STR_ARG(field->name),
                 AG_STR_ARG(field->text));
    }
}

static void print_steps(ag_invocation *invocation, const ag_hole *hole)
{
    for (size_t i = 0; i < hole->step_count; i++) {
        const ag_step_run *run = &hole->steps[i];
        ag_buf code;
        ag_buf_init(&code, 400);
        ag_stop_describe(run->stop_code, &code);
        ag_print(invocation, "  step %d: %.3f to %.3f mm in %zu samples", (int)run->number,
                 ag_signal_depth(&hole->signal, run->begin), ag_signal_depth(&hole->signal, run->end - 1),
                 run->end - run->begin);
        if (run->program)
            ag_print(invocation, ", %g rpm, %g mm/s", run->program->value[AG_PROGRAM_RPM],
                     run->program->value[AG_PROGRAM_FEED]);
        ag_print(invocation, ", ended by %.*s\n", AG_STR_ARG(ag_buf_str(&code)));
        ag_buf_deinit(&code);
    }
}

static void print_verdict(ag_invocation *invocation, const ag_verdict *verdict)
{
    static const ag_style styles[] = {AG_STYLE_DIM, AG_STYLE_WARN, AG_STYLE_BAD};
    char classes[64];
    ag_class_format(verdict->classes, classes);
    ag_output_style(invocation->out, verdict->valid ? AG_STYLE_GOOD : AG_STYLE_BAD,
                    verdict->valid ? "valid" : "not valid");
    ag_print(invocation, ", %s\n", classes);
    for (const ag_flaw *flaw = verdict->flaws.first; flaw; flaw = flaw->next) {
        ag_print(invocation, "  ");
        ag_output_style(invocation->out, styles[flaw->severity], flaw->rule);
        ag_print(invocation, " %s\n", flaw->text);
    }
}

static int draw(ag_invocation *invocation, const ag_hole *hole, ag_err *err)
{
    size_t rows = hole->signal.rows;
    double *depth = ag_arena_array(invocation->arena, rows + 1, 3 * sizeof(double));
    if (!depth) return ag_fail_memory(err, rows * 3 * sizeof(double));
    double *torque = depth + rows, *thrust = torque + rows;
    for (size_t i = 0; i < rows; i++) {
        depth[i] = ag_signal_depth(&hole->signal, i);
        torque[i] = ag_signal_value(&hole->signal, AG_CHANNEL_TORQUE, i);
        thrust[i] = ag_signal_value(&hole->signal, AG_CHANNEL_THRUST, i);
    }
    ag_plot plot = {.title = "torque and thrust over depth, A over mm"};
    const ag_series series[] = {{.name = "torque", .x = depth, .y = torque, .count = rows},
                                {.name = "thrust", .x = depth, .y = thrust, .count = rows}};
    ag_buf picture;
    ag_buf_init(&picture, (size_t)1 << 20);
    int rc =
        ag_spark_plot(&picture, &plot, series, 2, (unsigned)invocation->out->columns, 18, invocation->out->color, err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&picture));
    ag_buf_deinit(&picture);
    return rc;
}

static void write_flaws(ag_json *json, const ag_verdict *verdict)
{
    static const char *const severities[] = {"note", "warn", "fail"};
    ag_json_name(json, "flaws");
    ag_json_begin_array(json);
    for (const ag_flaw *flaw = verdict->flaws.first; flaw; flaw = flaw->next) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "rule", flaw->rule);
        ag_json_put_text(json, "severity", severities[flaw->severity]);
        ag_json_put_text(json, "text", flaw->text);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void write_values(ag_json *json, const ag_name *names, size_t count, const double *values)
{
    ag_json_begin_object(json);
    for (size_t i = 0; i < count; i++)
        if (!isnan(values[i])) ag_json_put_real(json, names[i].id, values[i]);
    ag_json_end_object(json);
}

static void write_header(ag_json *json, const ag_hole *hole)
{
    ag_json_name(json, "header");
    ag_json_begin_array(json);
    for (size_t i = 0; i < hole->field_count; i++) {
        const ag_header_field *field = &hole->fields[i];
        ag_json_begin_object(json);
        ag_json_put_text(json, "section", ag_section_title(field->section));
        ag_json_name(json, "name");
        ag_json_str(json, field->name);
        ag_json_put_text(json, "id", field->id < AG_HEADER_COUNT ? ag_header_names[field->id].id : NULL);
        ag_json_name(json, "text");
        ag_json_str(json, field->text);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_name(json, "program");
    ag_json_begin_array(json);
    for (size_t i = 0; i < hole->program_count; i++)
        write_values(json, ag_program_names, AG_PROGRAM_COUNT, hole->program[i].value);
    ag_json_end_array(json);
    ag_json_name(json, "step_results");
    ag_json_begin_array(json);
    for (size_t i = 0; i < hole->result_count; i++)
        write_values(json, ag_result_names, AG_RESULT_COUNT, hole->results[i].value);
    ag_json_end_array(json);
}

static void write_hole(ag_json *json, const ag_hole *hole, const ag_verdict *verdict, bool header)
{
    char classes[64];
    ag_class_format(verdict->classes, classes);
    ag_json_begin_object(json);
    ag_json_put_text(json, "file", hole->file);
    ag_json_put_text(json, "reader", hole->reader);
    ag_json_put_int(json, "version", hole->version);
    ag_json_put_int(json, "samples", (int64_t)hole->signal.rows);
    ag_json_put_real(json, "sample_rate_hz", hole->signal.rate);
    ag_json_put_bool(json, "valid", verdict->valid);
    ag_json_put_text(json, "class", classes);
    write_flaws(json, verdict);
    ag_json_name(json, "steps");
    ag_json_begin_array(json);
    for (size_t i = 0; i < hole->step_count; i++) {
        const ag_step_run *run = &hole->steps[i];
        ag_json_begin_object(json);
        ag_json_put_int(json, "step", run->number);
        ag_json_put_int(json, "samples", (int64_t)(run->end - run->begin));
        ag_json_put_int(json, "stop_code", run->stop_code);
        ag_json_put_real(json, "from_mm", ag_signal_depth(&hole->signal, run->begin));
        ag_json_put_real(json, "to_mm", ag_signal_depth(&hole->signal, run->end - 1));
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    if (header) write_header(json, hole);
    ag_json_end_object(json);
}

static int print_json(ag_invocation *invocation, const ag_hole *hole, const ag_verdict *verdict, bool header,
                      ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)16 << 20);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_TEXT);
    write_hole(&json, hole, verdict, header);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int show(ag_invocation *invocation, const char *said, const ag_limits *limits, ag_err *err)
{
    ag_named_data file;
    ag_hole *hole = NULL;
    ag_verdict verdict;
    bool header = ag_option_flag(invocation, "header");
    int rc = ag_named_data_file(invocation, said, &file, err);
    if (rc < 0) return rc;
    rc = ag_hole_read_file(file.path, NULL, invocation->arena, &hole, NULL, err);
    if (rc < 0) ag_data_name_in_error(&file.called, err);
    if (rc == AG_OK) rc = ag_named_data_tell(&file, invocation->arena, &hole->file, err);
    if (rc == AG_OK) rc = ag_validate(hole, limits, invocation->arena, &verdict, err);
    if (rc != AG_OK) return rc;
    if (ag_wants_json(invocation)) return print_json(invocation, hole, &verdict, header, err);
    print_summary(invocation, hole);
    if (header) print_fields(invocation, hole);
    print_steps(invocation, hole);
    print_verdict(invocation, &verdict);
    return draw(invocation, hole, err);
}

static int print_rules(ag_invocation *invocation, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)4 << 20);
    ag_drilling_reference(&buf);
    int rc = ag_buf_check(&buf, "reference", err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&buf));
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    size_t count;
    const ag_option_value *files = ag_option_values(invocation, "FILE", &count);
    ag_limits limits;
    if (ag_option_flag(invocation, "rules")) return print_rules(invocation, err);
    if (count == 0) {
        ag_fail(err, AG_EINVAL, "no file is named");
        return ag_err_hint(err, "auger inspect hole.xls");
    }
    int rc = ag_limits_default(&limits, err);
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        rc = ag_cancel_check(invocation->cancel, err);
        if (rc == AG_OK) rc = show(invocation, files[i].text, &limits, err);
    }
    return rc;
}

const ag_command ag_command_inspect = {
    .path = "inspect",
    .summary = "Show a drilling file: header, steps, rules, torque and thrust over depth",
    .doc = "Reads one or more drilling files and shows who drilled, what the program was, how each step ended, which "
           "rules "
           "are broken, and torque and thrust over depth as a plot of characters.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
