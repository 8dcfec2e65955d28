// SPDX-License-Identifier: Apache-2.0
/* label_studio.c: tasks for Label Studio's time series template: torque and thrust over depth on an even grid inside
 * the task, so that no server has to hand out files; the automatic label as a prediction, each person's as an
 * annotation. The horizontal axis is depth, so that what people mark is in mm at once. */
#include <math.h>

#include "core/base/version.h"
#include "core/doc/json.h"
#include "core/sys/clock.h"
#include "data/label/label_studio.h"
#include "data/label/profile.h"

enum { BINS = 2, TASK_BYTES = 64 << 20 }; /* bins of the profile per point: 0.04 mm */

const char ag_label_studio_config[] =
    "<View>\n"
    "  <Header value=\"$path\"/>\n"
    "  <TimeSeriesLabels name=\"label\" toName=\"ts\">\n"
    "    <Label value=\"Entry\" background=\"#1b9e77\"/>\n"
    "    <Label value=\"Transition\" background=\"#d95f02\"/>\n"
    "    <Label value=\"Exit\" background=\"#7570b3\"/>\n"
    "    <Label value=\"Full exit\" background=\"#e7298a\"/>\n"
    "  </TimeSeriesLabels>\n"
    "  <TimeSeries name=\"ts\" valueType=\"json\" value=\"$ts\" timeColumn=\"depth\" timeDisplayFormat=\",.3f\">\n"
    "    <Channel column=\"torque\" units=\"A\" displayFormat=\",.2f\" strokeColor=\"#1f77b4\"/>\n"
    "    <Channel column=\"thrust\" units=\"A\" displayFormat=\",.2f\" strokeColor=\"#ff7f0e\"/>\n"
    "  </TimeSeries>\n"
    "  <Choices name=\"outcome\" toName=\"ts\" choice=\"single\">\n"
    "    <Choice value=\"Empty\"/>\n"
    "    <Choice value=\"No exit\"/>\n"
    "  </Choices>\n"
    "  <TextArea name=\"comment\" toName=\"ts\" maxSubmissions=\"1\"/>\n"
    "</View>\n";

static double rounded(double value)
{
    return round(value * 1000) / 1000;
}

static void write_column(ag_json *json, const char *name, const ag_profile *p, const double *values)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i + BINS <= p->count; i += BINS) {
        double sum = 0;
        for (size_t k = 0; k < BINS; k++) sum += values ? values[i + k] : ag_profile_depth(p, (double)(i + k) + 0.5);
        ag_json_real(json, rounded(sum / BINS));
    }
    ag_json_end_array(json);
}

static void write_data(ag_json *json, const ag_labelled *item, const ag_profile *profile)
{
    const ag_prepared *hole = item->hole;
    ag_json_name(json, "data");
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", hole->path);
    ag_json_put_text(json, "sha256", hole->sha256);
    ag_json_put_text(json, "program", hole->program);
    ag_json_put_text(json, "machine", hole->machine);
    ag_json_put_text(json, "class", hole->class_name);
    ag_json_name(json, "ts");
    ag_json_begin_object(json);
    write_column(json, "depth", profile, NULL);
    write_column(json, "torque", profile, profile->torque);
    write_column(json, "thrust", profile, profile->thrust);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

typedef struct results {
    ag_json *json;
    const char *origin; /* "prediction", "manual" */
    unsigned number;
} results;

static void begin_result(results *r, const char *from, const char *type)
{
    char id[16];
    ag_format(id, sizeof(id), "auger%05u", r->number++);
    ag_json_begin_object(r->json);
    ag_json_put_text(r->json, "id", id);
    ag_json_put_text(r->json, "from_name", from);
    ag_json_put_text(r->json, "to_name", "ts");
    ag_json_put_text(r->json, "type", type);
    ag_json_put_text(r->json, "origin", r->origin);
    ag_json_name(r->json, "value");
    ag_json_begin_object(r->json);
}

static void end_result(results *r, const char *list, const char *text)
{
    ag_json_name(r->json, list);
    ag_json_begin_array(r->json);
    ag_json_text(r->json, text);
    ag_json_end_array(r->json);
    ag_json_end_object(r->json);
    ag_json_end_object(r->json);
}

static void write_mark(results *r, const char *label, double depth)
{
    if (isnan(depth)) return;
    begin_result(r, "label", "timeserieslabels");
    ag_json_put_real(r->json, "start", rounded(depth));
    ag_json_put_real(r->json, "end", rounded(depth));
    ag_json_put_bool(r->json, "instant", true);
    end_result(r, "timeserieslabels", label);
}

static void write_results(ag_json *json, const ag_label_event *event, const char *origin)
{
    results r = {.json = json, .origin = origin};
    ag_json_name(json, "result");
    ag_json_begin_array(json);
    write_mark(&r, AG_STUDIO_ENTRY, event->entry);
    for (size_t i = 0; i < event->transition_count; i++) write_mark(&r, AG_STUDIO_TRANSITION, event->transition[i]);
    write_mark(&r, AG_STUDIO_EXIT, event->exit);
    write_mark(&r, AG_STUDIO_FULL_EXIT, event->full_exit);
    if (event->outcome == AG_LABEL_EMPTY || event->outcome == AG_LABEL_NO_EXIT) {
        begin_result(&r, "outcome", "choices");
        end_result(&r, "choices", event->outcome == AG_LABEL_EMPTY ? AG_STUDIO_EMPTY : AG_STUDIO_NO_EXIT);
    }
    if (*event->comment) {
        begin_result(&r, "comment", "textarea");
        end_result(&r, "text", event->comment);
    }
    ag_json_end_array(json);
}

static void write_prediction(ag_json *json, const ag_label_event *event)
{
    char version[80];
    ag_json_name(json, "predictions");
    ag_json_begin_array(json);
    if (event->outcome != AG_LABEL_NONE) {
        ag_format(version, sizeof(version), "auger %s %.40s", AG_VERSION, event->author);
        ag_json_begin_object(json);
        ag_json_put_text(json, "model_version", version);
        ag_json_put_real(json, "score", isnan(event->confidence) ? 0 : event->confidence);
        write_results(json, event, "prediction");
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static void write_annotation(ag_json *json, const ag_label_event *event, const ag_exchange_options *options)
{
    char time[40];
    int64_t number;
    const char *theirs = ag_annotator_theirs(options, event->author);
    ag_instant_format(event->time, 6, time);
    ag_json_begin_object(json);
    ag_json_name(json, "completed_by");
    if (theirs != event->author && ag_str_to_int(ag_str_of(theirs), &number)) {
        ag_json_int(json, number);
    } else {
        ag_json_begin_object(json);
        ag_json_put_text(json, "email", theirs);
        ag_json_end_object(json);
    }
    ag_json_put_text(json, "created_at", time);
    ag_json_put_text(json, "updated_at", time);
    ag_json_put_bool(json, "was_cancelled", false);
    ag_json_put_bool(json, "ground_truth", false);
    write_results(json, event, "manual");
    ag_json_end_object(json);
}

static void write_annotations(ag_json *json, const ag_labelled *item, const ag_exchange_options *options)
{
    ag_json_name(json, "annotations");
    ag_json_begin_array(json);
    for (size_t i = 0; !options->leave_people_out && i < item->expert_count; i++)
        if (ag_labelled_of(item, item->experts[i]->author) == item->experts[i])
            write_annotation(json, item->experts[i], options);
    ag_json_end_array(json);
}

static int write_task(const ag_labelled_set *set, const ag_labelled *item, const ag_exchange_options *options,
                      ag_arena *arena, ag_buf *out, ag_err *err)
{
    ag_hole *hole;
    ag_profile profile;
    int rc = ag_prepared_samples(&set->prepared, item->hole, arena, &hole, err);
    if (rc == AG_OK) rc = ag_profile_make(hole, arena, &profile, err);
    if (rc != AG_OK) return rc;
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    write_data(&json, item, &profile);
    write_prediction(&json, &item->automatic);
    write_annotations(&json, item, options);
    ag_json_end_object(&json);
    return ag_json_end_document(&json, err);
}

static bool is_wanted(const ag_labelled *item, const ag_exchange_options *options)
{
    bool copy = item->hole->duplicate_of && *item->hole->duplicate_of;
    return item->hole->part >= 0 && (options->holes || !copy);
}

static int write(const ag_labelled_set *set, const ag_exchange_options *options, ag_writer *sink, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, TASK_BYTES);
    ag_arena *arena = ag_arena_new(0);
    size_t count = options->holes ? options->hole_count : set->prepared.count, written = 0;
    int rc = arena ? ag_write(sink, "[", 1, err) : ag_fail_memory(err, 1);
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        const ag_labelled *item = options->holes ? options->holes[i] : &set->items[i];
        if (!is_wanted(item, options)) continue;
        ag_arena_reset(arena);
        ag_buf_clear(&buf);
        ag_buf_add_text(&buf, written++ ? ",\n" : "\n");
        rc = write_task(set, item, options, arena, &buf, err);
        if (rc == AG_OK) rc = ag_write(sink, buf.data, buf.size, err);
    }
    if (rc == AG_OK) rc = ag_write(sink, "\n]\n", 3, err);
    ag_buf_deinit(&buf);
    ag_arena_free(arena);
    return rc;
}

const ag_label_format ag_label_format_label_studio = {
    .name = "label-studio",
    .doc = "Tasks of Label Studio's time series template, with predictions and annotations",
    .write = write,
    .read = ag_label_studio_read,
};
