// SPDX-License-Identifier: Apache-2.0
/* prepare_record.c: the row of a hole: one table drives holes.csv, the record of a part that a later call takes up, and
 * the documentation. */
#include <string.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/doc/json_file.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "data/prepare_parts.h"

const char *const ag_prepared_status_names[AG_PREPARED_STATUS_COUNT + 1] = {"success",   "rejected", "error",
                                                                            "companion", "ignored",  NULL};

bool ag_prepared_is_unread(const ag_prepared *record)
{
    return record->part < 0 && (record->status == AG_PREPARED_ERROR || record->status == AG_PREPARED_REJECTED);
}

#define ROW(key, kind, text)                                                                                           \
    {.name = #key, .type = (kind), .offset = offsetof(ag_prepared, key), .nullable = true, .doc = (text)}
static const ag_field fields[] = {
    ROW(path, AG_FIELD_TEXT, "The file, relative to the input directory."),
    ROW(sha256, AG_FIELD_TEXT, "SHA-256 of the file."),
    {.name = "status",
     .type = AG_FIELD_CHOICE,
     .offset = offsetof(ag_prepared, status),
     .choices = ag_prepared_status_names,
     .doc = "What became of it; rejected: a rule of severity fail is broken."},
    ROW(reader, AG_FIELD_TEXT, "The reader: setitec, mqtt_json or csv."),
    ROW(format_version, AG_FIELD_TEXT, "Version of the format."),
    ROW(firmware, AG_FIELD_TEXT, "Firmware of the control box."),
    ROW(rows, AG_FIELD_INT, "Samples."),
    ROW(sample_rate_hz, AG_FIELD_REAL, "Samples per second."),
    ROW(steps, AG_FIELD_TEXT, "Step numbers in the order they ran, separated by '|'."),
    ROW(stop_codes, AG_FIELD_TEXT, "Their stop codes."),
    ROW(valid, AG_FIELD_BOOL, "1 when no rule of severity fail is broken."),
    {.name = "class",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(ag_prepared, class_name),
     .nullable = true,
     .doc = "cut, or air, seized, micro-peck, single-step, weak, joined by '+'."},
    ROW(failed_rules, AG_FIELD_TEXT, "Ids of the broken rules of severity fail."),
    ROW(warnings, AG_FIELD_TEXT, "Ids of the other broken rules."),
    ROW(entry_mm, AG_FIELD_TEXT, "Depth where the tip enters."),
    ROW(transition_mm, AG_FIELD_TEXT, "Depths where the tip meets the next material."),
    ROW(exit_mm, AG_FIELD_TEXT, "Depth where the tip leaves."),
    ROW(full_exit_mm, AG_FIELD_TEXT, "Depth where the tool's full width leaves."),
    ROW(confidence, AG_FIELD_TEXT, "Of the label, 0 to 1."),
    ROW(category, AG_FIELD_TEXT, "high, medium or low."),
    ROW(label_source, AG_FIELD_TEXT, "Who labelled."),
    ROW(label_outcome, AG_FIELD_TEXT, "found, no exit, empty (nothing was cut) or none; empty: not asked."),
    ROW(uncertainty_mm, AG_FIELD_TEXT, "Of the least certain of its depths."),
    ROW(clarity, AG_FIELD_TEXT, "How clearly torque and thrust change there, 0 to 1; first factor of the confidence."),
    ROW(signal_quality, AG_FIELD_TEXT, "Quality of the samples, 0 to 1; second factor."),
    ROW(consistency, AG_FIELD_TEXT, "With holes of the same program and machine, 0 to 1; third factor."),
    ROW(disagreement_mm, AG_FIELD_TEXT, "How far the labellers are apart, where two of them have a number."),
    ROW(reason, AG_FIELD_TEXT, "Why it is rejected or an error, in words."),
    ROW(date, AG_FIELD_TEXT, "Start of the cycle, as the machine writes it."),
    ROW(machine, AG_FIELD_TEXT, "Serial number of the motor, else of the control box."),
    ROW(head, AG_FIELD_TEXT, "Tag of the head, else its name."),
    ROW(head_counter, AG_FIELD_TEXT, "Holes of the head in all its life."),
    ROW(tool_counter, AG_FIELD_TEXT, "Holes of the cutting tool."),
    ROW(peak_torque_a, AG_FIELD_REAL, "Highest net torque, A."),
    ROW(peak_thrust_a, AG_FIELD_REAL, "Highest net thrust, A."),
    ROW(max_depth_mm, AG_FIELD_REAL, "Deepest position."),
    ROW(program, AG_FIELD_TEXT, "stroke@rpm/feed of the enabled steps: equal for holes of one program."),
    ROW(bytes, AG_FIELD_INT, "Size of the file."),
    ROW(trace_sha256, AG_FIELD_TEXT, "SHA-256 of position, torque, thrust and step."),
    ROW(part, AG_FIELD_INT, "Which signals/part-N.npy holds its samples; -1: none."),
    ROW(first_row, AG_FIELD_INT, "Where in the part they begin."),
    ROW(duplicate_of, AG_FIELD_TEXT, "The first file with the same bytes."),
    ROW(same_trace_as, AG_FIELD_TEXT, "The first file with the same samples under another header."),
};
const ag_description ag_prepared_description = {
    .name = "holes",
    .doc = "The columns of holes.csv.",
    .size = sizeof(ag_prepared),
    .fields = fields,
    .count = sizeof(fields) / sizeof(fields[0]),
};

typedef struct part_record {
    const char *fingerprint;
    ag_list holes;
} part_record;
static const ag_field part_fields[] = {
    {.name = "fingerprint",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(part_record, fingerprint),
     .doc = "Of the files, the settings and the program."},
    {.name = "holes",
     .type = AG_FIELD_LIST,
     .offset = offsetof(part_record, holes),
     .item = AG_FIELD_STRUCT,
     .inner = &ag_prepared_description,
     .doc = "The rows."},
};
static const ag_description part_description = {
    .name = "part",
    .doc = "What is done of a dataset.",
    .size = sizeof(part_record),
    .fields = part_fields,
    .count = sizeof(part_fields) / sizeof(part_fields[0]),
};

enum { PART_BYTES = 256 << 20 };

int ag_prepare_save_part(const char *path, const char *fingerprint, const ag_prepared *records, size_t count,
                         ag_err *err)
{
    part_record part = {.fingerprint = fingerprint, .holes = {records, count}};
    ag_buf buf;
    ag_buf_init(&buf, PART_BYTES);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    int rc = ag_describe_write(&part_description, &part, &json);
    if (rc == AG_OK)
        rc = ag_json_end_document(&json, err);
    else
        ag_fail(err, (ag_code)rc, "the record of a part cannot be written");
    if (rc == AG_OK) rc = ag_file_replace(path, buf.data, buf.size, err);
    ag_buf_deinit(&buf);
    return rc;
}

bool ag_prepare_load_part(const char *path, const char *fingerprint, ag_arena *arena, ag_prepared *records,
                          size_t count)
{
    ag_json_options options = {.max_bytes = PART_BYTES};
    const ag_value *root;
    part_record part;
    bool good = ag_json_file_read(arena, path, &options, &root, NULL) == AG_OK &&
                ag_describe_read(&part_description, arena, root, path, &part, NULL) == AG_OK && part.fingerprint &&
                strcmp(part.fingerprint, fingerprint) == 0 && part.holes.count == count;
    if (good) memcpy(records, part.holes.items, count * sizeof(*records));
    return good;
}

static int add_cell(ag_csv_writer *csv, const ag_field *field, const void *record, ag_err *err)
{
    const char *at = (const char *)record + field->offset;
    const char *text;
    switch (field->type) {
    case AG_FIELD_INT: return ag_csv_add_int(csv, *(const int64_t *)(const void *)at, err);
    case AG_FIELD_REAL: return ag_csv_add_double(csv, *(const double *)(const void *)at, err);
    case AG_FIELD_BOOL: return ag_csv_add_int(csv, *(const bool *)at, err);
    case AG_FIELD_CHOICE: return ag_csv_add(csv, ag_str_of(field->choices[*(const int *)(const void *)at]), err);
    default: memcpy(&text, at, sizeof(text)); return ag_csv_add(csv, ag_str_of(text), err);
    }
}

static int write_row(ag_csv_writer *csv, const ag_prepared *record, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < ag_prepared_description.count; i++) {
        rc = record ? add_cell(csv, &fields[i], record, err) : ag_csv_add(csv, ag_str_of(fields[i].name), err);
    }
    return rc == AG_OK ? ag_csv_end_row(csv, err) : rc;
}

int ag_prepare_write_holes(const char *path, const ag_prepare_summary *summary, ag_err *err)
{
    ag_csv_writer *csv = NULL;
    int rc = ag_csv_writer_to_file(path, NULL, &csv, err);
    if (rc == AG_OK) rc = write_row(csv, NULL, err);
    for (size_t row = 0; rc == AG_OK && row < summary->count; row++) rc = write_row(csv, &summary->holes[row], err);
    if (rc == AG_OK) rc = ag_csv_finish(csv, err);
    ag_csv_writer_free(csv);
    return rc;
}
