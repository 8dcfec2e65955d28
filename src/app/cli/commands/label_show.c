// SPDX-License-Identifier: Apache-2.0
/* label_show.c: the command: one hole with its label: torque and thrust over depth with the marks, what the confidence
 * is made of, and who said what. */
#include <math.h>

#include "app/cli/labels.h"
#include "core/io/file.h"
#include "core/show/spark.h"
#include "core/show/svg.h"
#include "core/sys/clock.h"

static const ag_option options[] = {
    AG_OPTIONS_OF_PREPARED_TO_READ,
    {.name = "svg", .type = AG_OPTION_PATH, .doc = "Write the picture to this file as well"},
};
static const ag_option positionals[] = {
    {.name = "HOLE",
     .type = AG_OPTION_TEXT,
     .required = true,
     .doc = "Its path in holes.csv, the end of that, or the first 8 digits of its sha256"},
};
static const ag_example examples[] = {
    {"label show -d prepared V2_001.xls", "Look at a hole and its label"},
    {"label show -d prepared V2_001.xls --svg hole.svg", "Keep the picture"},
    {NULL, NULL},
};

enum { MOST_MARKS = AG_LABEL_TRANSITIONS + 3, PICTURE_BYTES = 64 << 20 };

typedef struct picture {
    ag_series series[2 + MOST_MARKS];
    size_t count;
    double marks[MOST_MARKS][2];
    double top[2];
} picture;

static void add_mark(picture *p, const char *name, double depth, unsigned colour)
{
    if (isnan(depth) || p->count == 2 + MOST_MARKS) return;
    double *x = p->marks[p->count - 2];
    x[0] = x[1] = depth;
    p->series[p->count++] =
        (ag_series){.name = name, .x = x, .y = p->top, .count = 2, .colour = colour, .dashed = true};
}

static int fill_picture(ag_arena *arena, const ag_hole *hole, const ag_label_event *label, picture *p, ag_err *err)
{
    size_t rows = hole->signal.rows;
    double *depth = ag_arena_array(arena, rows + 1, 3 * sizeof(double));
    if (!depth) return ag_fail_memory(err, rows * 3 * sizeof(double));
    double *torque = depth + rows, *thrust = torque + rows;
    *p = (picture){.count = 2};
    for (size_t i = 0; i < rows; i++) {
        depth[i] = ag_signal_depth(&hole->signal, i);
        torque[i] = ag_signal_value(&hole->signal, AG_CHANNEL_TORQUE, i);
        thrust[i] = ag_signal_value(&hole->signal, AG_CHANNEL_THRUST, i);
        p->top[1] = fmax(p->top[1], torque[i]);
    }
    p->series[0] = (ag_series){.name = "torque", .x = depth, .y = torque, .count = rows};
    p->series[1] = (ag_series){.name = "thrust", .x = depth, .y = thrust, .count = rows};
    add_mark(p, "entry", label->entry, 3);
    for (size_t i = 0; i < label->transition_count; i++) add_mark(p, i ? NULL : "transition", label->transition[i], 4);
    add_mark(p, "exit", label->exit, 5);
    add_mark(p, "full exit", label->full_exit, 6);
    return AG_OK;
}

static int write_svg(const char *path, const ag_plot *plot, const picture *p, ag_err *err)
{
    ag_buf svg;
    ag_buf_init(&svg, PICTURE_BYTES);
    int rc = ag_svg_plot(&svg, plot, p->series, p->count, err);
    if (rc == AG_OK) rc = ag_file_replace(path, svg.data, svg.size, err);
    ag_buf_deinit(&svg);
    return rc;
}

static int draw(ag_invocation *invocation, const ag_labelled_set *set, const ag_labelled *item, ag_err *err)
{
    ag_hole *hole;
    picture p;
    const char *svg = ag_option_text(invocation, "svg");
    int rc = ag_prepared_samples(&set->prepared, item->hole, invocation->arena, &hole, err);
    if (rc == AG_OK) rc = fill_picture(invocation->arena, hole, item->present, &p, err);
    if (rc != AG_OK) return rc;
    ag_plot plot = {.title = item->hole->path, .x_label = "depth, mm", .y_label = "A above idle"};
    if (svg) rc = write_svg(svg, &plot, &p, err);
    if (rc != AG_OK || ag_wants_json(invocation)) return rc;
    ag_buf text;
    ag_buf_init(&text, PICTURE_BYTES);
    plot.title = "torque and thrust over depth, A over mm";
    rc = ag_spark_plot(&text, &plot, p.series, p.count, (unsigned)invocation->out->columns, 20, invocation->out->color,
                       err);
    if (rc == AG_OK) ag_print_str(invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

static void print_label(ag_invocation *invocation, const ag_labelled *item)
{
    const ag_prepared *hole = item->hole;
    const ag_label_event *label = item->present;
    bool expert = ag_labelled_by_expert(item);
    ag_output_style(invocation->out, AG_STYLE_STRONG, ag_cli_label_words(invocation->arena, label));
    ag_print(invocation, " (%s)\n", label->author);
    if (!isnan(label->entry) && !isnan(label->exit))
        ag_print(invocation, "  thickness   %.3f mm\n", label->exit - label->entry);
    if (expert && item->automatic.outcome != AG_LABEL_NONE)
        ag_print(invocation, "  automatic   %s\n", ag_cli_label_words(invocation->arena, &item->automatic));
    if (item->automatic.outcome == AG_LABEL_NONE || isnan(item->automatic.confidence)) return;
    ag_print(invocation, "  confidence  %s (%s) = clarity %s x signal quality %s x consistency %s\n", hole->confidence,
             hole->category, hole->clarity, hole->signal_quality, hole->consistency);
    if (*hole->uncertainty_mm) ag_print(invocation, "  uncertain   by %s mm\n", hole->uncertainty_mm);
    if (hole->disagreement_mm && *hole->disagreement_mm)
        ag_print(invocation, "  labellers   are %s mm apart\n", hole->disagreement_mm);
}

static void print_hole(ag_invocation *invocation, const ag_labelled_set *set, const ag_labelled *item)
{
    const ag_prepared *hole = item->hole;
    char time[40];
    ag_output_style(invocation->out, AG_STYLE_STRONG, hole->path);
    ag_print(invocation, "\n%s, program %s, machine %s, steps %s ended by %s\n",
             hole->class_name && *hole->class_name ? hole->class_name : "not judged", hole->program, hole->machine,
             hole->steps, hole->stop_codes);
    if (hole->failed_rules && *hole->failed_rules)
        ag_print(invocation, "breaks %s: %s\n", hole->failed_rules, hole->reason);
    print_label(invocation, item);
    for (size_t i = 0; i < set->history.count; i++) {
        const ag_label_event *event = &set->history.events[i];
        if (!hole->sha256 || strcmp(event->sha256, hole->sha256) != 0) continue;
        ag_instant_format(event->time, 0, time);
        ag_print(invocation, "  %s  %s: %s%s%s\n", time, event->author, ag_cli_label_words(invocation->arena, event),
                 *event->comment ? "; " : "", event->comment);
    }
}

static int print_json(ag_invocation *invocation, const ag_labelled_set *set, const ag_labelled *item, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 26);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "hole");
    ag_describe_write(&ag_prepared_description, item->hole, &json);
    ag_json_name(&json, "label");
    ag_json_begin_object(&json);
    ag_cli_label_json(&json, item->present);
    ag_json_end_object(&json);
    ag_json_name(&json, "history");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < set->history.count; i++) {
        const ag_label_event *event = &set->history.events[i];
        if (!item->hole->sha256 || strcmp(event->sha256, item->hole->sha256) != 0) continue;
        ag_json_begin_object(&json);
        ag_cli_label_json(&json, event);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_named_data data;
    ag_labelled_set set;
    const ag_labelled *item;
    int rc = ag_cli_labelled(invocation, &data, &set, err);
    if (rc == AG_OK) rc = ag_labelled_find(&set, ag_option_text(invocation, "HOLE"), &item, err);
    if (rc == AG_OK) rc = draw(invocation, &set, item, err);
    if (rc < 0) ag_data_name_in_error(&data.called, err);
    if (rc != AG_OK) return rc;
    if (ag_wants_json(invocation)) return print_json(invocation, &set, item, err);
    print_hole(invocation, &set, item);
    return AG_OK;
}

const ag_command ag_command_label_show = {
    .path = "label show",
    .summary = "Show a hole with its label and who set it",
    .doc =
        "Draws torque and thrust over depth with the label's marks, and says what its confidence is made of: how "
        "clearly torque and thrust change there, how good the samples are, and how well the hole agrees with others of "
        "its program and machine. Below stands everything that anybody said of it.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
