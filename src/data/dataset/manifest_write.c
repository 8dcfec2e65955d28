// SPDX-License-Identifier: Apache-2.0
/* manifest_write.c: lines of a manifest. Two tables say which members there are and in which order; the reader walks
 * the same ones. Integral numbers are written without a point, others as the shortest text that reads back the same. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "data/dataset/manifest_parts.h"

#define TEXT(key, member) {key, offsetof(ag_dataset_hole, member), true}
#define NUMBER(key, member) {key, offsetof(ag_dataset_hole, member), false}
static const manifest_member hole_members[] = {
    TEXT("hole", path),
    TEXT("sha256", sha256),
    TEXT("status", status),
    TEXT("reader", reader),
    TEXT("format_version", format_version),
    TEXT("firmware", firmware),
    TEXT("date", date),
    TEXT("machine", machine),
    TEXT("head", head),
    TEXT("program", program),
    TEXT("class", class_name),
    TEXT("failed_rules", failed_rules),
    TEXT("trace_sha256", trace_sha256),
    NUMBER("rows", rows),
    NUMBER("sample_rate_hz", sample_rate),
    NUMBER("head_counter", head_counter),
    NUMBER("tool_counter", tool_counter),
    NUMBER("peak_torque_a", peak_torque),
    NUMBER("peak_thrust_a", peak_thrust),
    NUMBER("max_depth_mm", max_depth),
    NUMBER("part", part),
    NUMBER("first_row", first_row),
};
static const manifest_member label_members[] = {
    TEXT("outcome", label.outcome),
    NUMBER("entry_mm", label.entry),
    NUMBER("exit_mm", label.exit),
    NUMBER("full_exit_mm", label.full_exit),
    NUMBER("confidence", label.confidence),
    TEXT("category", label.category),
    TEXT("source", label.source),
    TEXT("author", label.author),
    TEXT("at", label.at),
};
const manifest_member_table manifest_hole_members = {hole_members, sizeof(hole_members) / sizeof(hole_members[0])};
const manifest_member_table manifest_label_members = {label_members, sizeof(label_members) / sizeof(label_members[0])};

/* ---- numbers of a hole ---- */

static double of_rows(const ag_dataset_hole *hole)
{
    return hole->rows;
}

static double of_rate(const ag_dataset_hole *hole)
{
    return hole->sample_rate;
}

static double of_head_counter(const ag_dataset_hole *hole)
{
    return hole->head_counter;
}

static double of_tool_counter(const ag_dataset_hole *hole)
{
    return hole->tool_counter;
}

static double of_peak_torque(const ag_dataset_hole *hole)
{
    return hole->peak_torque;
}

static double of_peak_thrust(const ag_dataset_hole *hole)
{
    return hole->peak_thrust;
}

static double of_max_depth(const ag_dataset_hole *hole)
{
    return hole->max_depth;
}

static double of_entry(const ag_dataset_hole *hole)
{
    return hole->label.entry;
}

static double of_exit(const ag_dataset_hole *hole)
{
    return hole->label.exit;
}

static double of_full_exit(const ag_dataset_hole *hole)
{
    return hole->label.full_exit;
}

static double of_confidence(const ag_dataset_hole *hole)
{
    return hole->label.confidence;
}

static double of_transition(const ag_dataset_hole *hole)
{
    return hole->label.transition_count ? hole->label.transition[0] : NAN;
}

static double of_thickness(const ag_dataset_hole *hole)
{
    return round((hole->label.exit - hole->label.entry) * 1e6) / 1e6; /* of decimal numbers: without noise */
}

const ag_dataset_number ag_dataset_numbers[] = {
    {"rows", of_rows},
    {"sample_rate_hz", of_rate},
    {"head_counter", of_head_counter},
    {"tool_counter", of_tool_counter},
    {"peak_torque_a", of_peak_torque},
    {"peak_thrust_a", of_peak_thrust},
    {"max_depth_mm", of_max_depth},
    {"entry_mm", of_entry},
    {"transition_mm", of_transition},
    {"exit_mm", of_exit},
    {"full_exit_mm", of_full_exit},
    {"thickness_mm", of_thickness},
    {"confidence", of_confidence},
};
const size_t ag_dataset_number_count = sizeof(ag_dataset_numbers) / sizeof(ag_dataset_numbers[0]);

void ag_dataset_hole_clear(ag_dataset_hole *hole)
{
    *hole = (ag_dataset_hole){0};
    for (size_t i = 0; i < manifest_hole_members.count; i++)
        if (!hole_members[i].is_text) *manifest_number(hole, &hole_members[i]) = NAN;
    for (size_t i = 0; i < manifest_label_members.count; i++)
        if (!label_members[i].is_text) *manifest_number(hole, &label_members[i]) = NAN;
}

static bool same_number(double a, double b)
{
    return a == b || (isnan(a) && isnan(b));
}

static bool same_text(const char *a, const char *b)
{
    return strcmp(a ? a : "", b ? b : "") == 0;
}

bool ag_dataset_label_equal(const ag_dataset_hole *a, const ag_dataset_hole *b)
{
    const ag_dataset_label *x = &a->label, *y = &b->label;
    if (a->labelled != b->labelled) return false;
    if (!a->labelled) return true;
    if (x->transition_count != y->transition_count || !same_text(x->outcome, y->outcome)) return false;
    for (size_t i = 0; i < x->transition_count; i++)
        if (!same_number(x->transition[i], y->transition[i])) return false;
    return same_number(x->entry, y->entry) && same_number(x->exit, y->exit) && same_number(x->full_exit, y->full_exit);
}

/* ---- lines ---- */

static void put_number(ag_json *json, double value)
{
    if (fabs(value) < 9007199254740992.0 && value == floor(value))
        ag_json_int(json, (int64_t)value);
    else
        ag_json_real(json, value);
}

static void put_member(ag_json *json, const ag_dataset_hole *hole, const manifest_member *member)
{
    if (member->is_text) {
        const char *text = *manifest_text((ag_dataset_hole *)(uintptr_t)hole, member);
        if (text && *text) ag_json_put_text(json, member->name, text);
        return;
    }
    double value = *manifest_number((ag_dataset_hole *)(uintptr_t)hole, member);
    if (isnan(value)) return;
    ag_json_name(json, member->name);
    put_number(json, value);
}

static int end_line(ag_json *json, ag_err *err)
{
    int rc = ag_json_end_document(json, err);
    if (rc < 0) return ag_err_prefix(err, "a line of a manifest");
    ag_buf_add_char(json->out, '\n');
    return ag_buf_check(json->out, "a manifest", err);
}

static int check_text(const char *what, const char *text, ag_err *err)
{
    if (ag_utf8_valid(ag_str_of(text))) return AG_OK;
    return ag_fail(err, AG_EINVAL, "the %s '%s' is not valid UTF-8", what, text);
}

int ag_manifest_put_head(ag_buf *out, ag_err *err)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "format", MANIFEST_FORMAT);
    ag_json_put_int(&json, "version", MANIFEST_VERSION);
    ag_json_end_object(&json);
    return end_line(&json, err);
}

int ag_manifest_put_file(ag_buf *out, const ag_dataset_file *file, ag_err *err)
{
    char hex[65];
    int rc = check_text("path", file->path, err);
    if (rc < 0) return rc;
    ag_sha256_format(&file->sha256, hex);
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "file", file->path);
    ag_json_put_text(&json, "sha256", hex);
    ag_json_put_int(&json, "bytes", (int64_t)file->bytes);
    if (file->rows >= 0) ag_json_put_int(&json, "rows", file->rows);
    ag_json_end_object(&json);
    return end_line(&json, err);
}

static void put_label(ag_json *json, const ag_dataset_hole *hole)
{
    ag_json_name(json, "label");
    ag_json_begin_object(json);
    for (size_t i = 0; i < manifest_label_members.count; i++) put_member(json, hole, &label_members[i]);
    if (hole->label.transition_count) {
        ag_json_name(json, "transition_mm");
        ag_json_begin_array(json);
        for (size_t i = 0; i < hole->label.transition_count; i++) put_number(json, hole->label.transition[i]);
        ag_json_end_array(json);
    }
    ag_json_end_object(json);
}

int ag_manifest_put_hole(ag_buf *out, const ag_dataset_hole *hole, ag_err *err)
{
    for (size_t i = 0; i < manifest_hole_members.count + manifest_label_members.count; i++) {
        const manifest_member *member =
            i < manifest_hole_members.count ? &hole_members[i] : &label_members[i - manifest_hole_members.count];
        const char *text = member->is_text ? *manifest_text((ag_dataset_hole *)(uintptr_t)hole, member) : NULL;
        int rc = text ? check_text(member->name, text, err) : AG_OK;
        if (rc < 0) return rc;
    }
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    for (size_t i = 0; i < manifest_hole_members.count; i++) put_member(&json, hole, &hole_members[i]);
    if (hole->labelled) put_label(&json, hole);
    ag_json_end_object(&json);
    return end_line(&json, err);
}

int ag_manifest_put_totals(ag_buf *out, const ag_dataset_totals *totals, ag_err *err)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "totals");
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "files", (int64_t)totals->files);
    ag_json_put_int(&json, "bytes", (int64_t)totals->bytes);
    ag_json_put_int(&json, "holes", (int64_t)totals->holes);
    ag_json_put_int(&json, "labelled", (int64_t)totals->labelled);
    ag_json_put_int(&json, "rows", (int64_t)totals->rows);
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    return end_line(&json, err);
}
