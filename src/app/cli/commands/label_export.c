// SPDX-License-Identifier: Apache-2.0
/* label_export.c: the command: labels for other programs. */
#include "app/cli/labels.h"
#include "core/io/file.h"
#include "data/label/queue.h"

static const ag_option options[] = {
    AG_OPTIONS_OF_PREPARED_TO_READ,
    {.name = "format",
     .letter = 'f',
     .type = AG_OPTION_CHOICE,
     .choices = ag_label_format_names,
     .fallback = "csv",
     .doc = "csv: a row per hole and source; label-studio: tasks with predictions and annotations"},
    {.name = "output", .letter = 'o', .type = AG_OPTION_PATH, .doc = "The file; standard output when not given"},
    {.name = "queue",
     .type = AG_OPTION_INT,
     .value_name = "N",
     .min = 1,
     .max = 1000000,
     .doc = "Only the N holes that are most worth a look, in that order"},
    {.name = "automatic-only", .type = AG_OPTION_FLAG, .doc = "Leave out what people said"},
    AG_OPTION_OF_ANNOTATORS,
    {.name = "print-config",
     .type = AG_OPTION_FLAG,
     .doc = "Print the labelling configuration that the Label Studio project needs, and nothing else"},
};
static const ag_option positionals[] = {
    {.name = "HOLE", .type = AG_OPTION_TEXT, .repeated = true, .doc = "Only these"},
};
static const ag_example examples[] = {
    {"label export -d prepared --format csv -o labels-all.csv", "All labels of all people as a table"},
    {"label export -d prepared --format label-studio --queue 50 -o tasks.json", "Fifty holes to be labelled elsewhere"},
    {"label export --print-config", "What to paste into Label Studio as the labelling interface"},
    {NULL, NULL},
};

static int choose_named(ag_invocation *invocation, const ag_labelled_set *set, const ag_labelled **into, size_t *count,
                        ag_err *err)
{
    size_t asked;
    const ag_option_value *values = ag_option_values(invocation, "HOLE", &asked);
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < asked; i++)
        rc = ag_labelled_find(set, values[i].text, &into[(*count)++], err);
    return rc;
}

static int choose(ag_invocation *invocation, const ag_labelled_set *set, ag_exchange_options *out, ag_err *err)
{
    size_t named, count = 0, wanted = (size_t)ag_option_int(invocation, "queue");
    bool queued = ag_option_given(invocation, "queue");
    ag_option_values(invocation, "HOLE", &named);
    if (!queued && named == 0) return AG_OK;
    const ag_labelled **holes = ag_arena_array(invocation->arena, wanted + named + 1, sizeof(*holes));
    if (!holes) return ag_fail_memory(err, wanted * sizeof(*holes));
    int rc = choose_named(invocation, set, holes, &count, err);
    ag_queue queue = {0};
    if (rc == AG_OK && queued) rc = ag_queue_make(set, invocation->arena, &queue, err);
    for (size_t i = 0; rc == AG_OK && i < queue.count && i < wanted; i++) holes[count++] = queue.items[i].hole;
    out->holes = holes;
    out->hole_count = count;
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_named_data data;
    ag_labelled_set set;
    ag_exchange_options exchange = {.leave_people_out = ag_option_flag(invocation, "automatic-only")};
    const char *output = ag_option_text(invocation, "output");
    const ag_label_format *format = ag_label_format_find(ag_option_text(invocation, "format"));
    ag_writer *sink = NULL;
    ag_buf text;
    if (ag_option_flag(invocation, "print-config")) {
        ag_print(invocation, "%s", ag_label_studio_config);
        return AG_OK;
    }
    ag_buf_init(&text, (size_t)1 << 31);
    int rc = ag_cli_labelled(invocation, &data, &set, err);
    if (rc == AG_OK) rc = ag_cli_annotators(invocation, &exchange, err);
    if (rc == AG_OK) rc = choose(invocation, &set, &exchange, err);
    if (rc == AG_OK) rc = output ? ag_writer_to_file(output, &sink, err) : ag_writer_to_buf(&text, &sink, err);
    if (rc == AG_OK) rc = format->write(&set, &exchange, sink, err);
    if (rc == AG_OK) rc = ag_finish(sink, err);
    if (rc == AG_OK && !output) ag_print_str(invocation, ag_buf_str(&text));
    if (rc == AG_OK && output)
        ag_note(invocation, "%s: %zu holes", output, exchange.holes ? exchange.hole_count : set.prepared.count);
    ag_writer_close(sink);
    ag_buf_deinit(&text);
    return rc;
}

const ag_command ag_command_label_export = {
    .path = "label export",
    .summary = "Write labels for other programs",
    .doc =
        "As a table: the automatic label of each hole and, in rows of their own, what each person says of it. For "
        "Label "
        "Studio: tasks of its time series template with torque and thrust over depth inside them, the automatic label "
        "as "
        "a prediction, each person's as an annotation. --print-config prints the labelling interface for the project.\n"
        "\n"
        "auger label import takes both back.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
