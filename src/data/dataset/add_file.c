// SPDX-License-Identifier: Apache-2.0
/* add_file.c: one file on its way into the store: what it is (a drilling hole, a table, or just a file), and its bytes.
 * A file that was described and then stored as other bytes has changed meanwhile, which is refused: a version never
 * says of a file what is not so. Threads: any, each with its own item. */
#include <math.h>
#include <string.h>

#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/dataset/add_parts.h"
#include "data/prepare_parts.h"

enum { HOLE_BYTES = 64 << 20 }; /* no drilling file is larger; such a one is not mapped to be looked at */

double add_number(ag_str text)
{
    char copy[64];
    double value;
    text = ag_str_trim(text);
    if (text.size == 0 || text.size >= sizeof(copy)) return NAN;
    for (size_t i = 0; i < text.size; i++) copy[i] = (char)(text.data[i] == ',' ? '.' : text.data[i]);
    return ag_str_to_double((ag_str){copy, text.size}, &value) && isfinite(value) ? value : NAN;
}

static double known(double value)
{
    return isfinite(value) ? value : NAN;
}

static void take_record(const ag_prepared *record, ag_dataset_hole *hole)
{
    ag_dataset_hole_clear(hole);
    hole->sha256 = record->sha256;
    hole->status = ag_prepared_status_names[record->status];
    hole->reader = record->reader;
    hole->format_version = record->format_version;
    hole->firmware = record->firmware;
    hole->date = record->date;
    hole->machine = record->machine;
    hole->head = record->head;
    hole->program = record->program;
    hole->class_name = record->class_name;
    hole->failed_rules = record->failed_rules;
    hole->trace_sha256 = record->trace_sha256;
    hole->head_counter = add_number(ag_str_of(record->head_counter));
    hole->tool_counter = add_number(ag_str_of(record->tool_counter));
    if (record->rows == 0) return;
    hole->rows = (double)record->rows;
    hole->sample_rate = known(record->sample_rate_hz);
    hole->peak_torque = known(record->peak_torque_a);
    hole->peak_thrust = known(record->peak_thrust_a);
    hole->max_depth = known(record->max_depth_mm);
}

static int judge(const ag_limits *limits, add_item *item, ag_prepared *record, ag_err *err)
{
    ag_arena *work = ag_arena_new(0);
    ag_str parent = ag_path_parent(ag_str_of(item->disk)), name = ag_path_name(ag_str_of(item->disk));
    char *folder = ag_arena_strndup(item->arena, parent.data, parent.size);
    int32_t *samples;
    int rc = work && folder ? AG_OK : ag_fail_memory(err, 4096);
    if (rc >= 0) {
        ag_prepare_options options = {.input_dir = folder, .validate = true};
        ag_prepare_input input = {.path = name.data, .size = item->size};
        rc = ag_prepare_file(&options, limits, &input, work, item->arena, record, &samples, err);
    }
    ag_arena_free(work);
    return rc;
}

/* Judged as prepare does; a file that is no drilling data, or a message that belongs to another, is no hole. Trouble of
 * the machine must not become part of a version: what ends as an error is judged once more, and when the disk does not
 * give the file at all, storing it fails. */
static int describe_hole(const ag_limits *limits, add_item *item, ag_err *err)
{
    ag_prepared *record = ag_arena_alloc(item->arena, sizeof(*record));
    if (!record) return ag_fail_memory(err, sizeof(*record));
    int rc = judge(limits, item, record, err);
    if (rc >= 0 && record->status == AG_PREPARED_ERROR) rc = judge(limits, item, record, err);
    if (rc < 0 || record->status == AG_PREPARED_IGNORED || record->status == AG_PREPARED_COMPANION) return rc;
    if (!record->sha256) return ag_fail(err, AG_EIO, "'%s' cannot be read: %s", item->disk, record->reason);
    take_record(record, &item->hole);
    item->hole.path = item->path;
    item->is_hole = true;
    return AG_OK;
}

static bool ends_like_table(const char *path)
{
    ag_str ending = ag_path_extension(ag_str_of(path));
    return ag_str_equal_nocase(ending, AG_STR("csv")) || ag_str_equal_nocase(ending, AG_STR("tsv"));
}

/* The rows behind the line of names; -1 when it is no table. Only memory and the disk are failures. */
static int count_rows(add_item *item, ag_err *err)
{
    const ag_csv_options options = {.header = true};
    ag_err why = {0};
    ag_reader *source = NULL;
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t count;
    int64_t rows = 0;
    int rc = ag_reader_of_file(item->disk, &source, &why);
    if (rc >= 0) rc = ag_csv_open(source, &options, &csv, &why);
    while (rc >= 0 && (rc = ag_csv_next(csv, &cells, &count, &why)) > 0) rows++;
    if (rc >= 0) item->file.rows = rows;
    ag_csv_free(csv);
    ag_reader_close(source);
    if (rc >= 0 || rc == AG_EPARSE || rc == AG_ELIMIT || rc == AG_EINVAL) return AG_OK;
    if (err) *err = why;
    return rc;
}

static int store(ag_blob_batch *batch, add_item *item, ag_err *err)
{
    ag_reader *source = NULL;
    ag_blob_ref ref;
    char hex[65];
    int rc = ag_reader_of_file(item->disk, &source, err);
    if (rc >= 0) rc = ag_blob_batch_put(batch, source, &ref, err);
    ag_reader_close(source);
    if (rc < 0) return rc;
    item->file.path = item->path;
    item->file.sha256 = ref.sha256;
    item->file.bytes = ref.size;
    ag_sha256_format(&ref.sha256, hex);
    if (!item->is_hole || strcmp(hex, item->hole.sha256) == 0) return AG_OK;
    ag_fail(err, AG_ECONFLICT, "'%s' has changed while it was being added", item->disk);
    return ag_err_hint(err, "add it again when nobody writes to it");
}

int add_file(ag_blob_batch *batch, const ag_limits *limits, bool plain, add_item *item, ag_err *err)
{
    int rc = AG_OK;
    item->file.rows = -1;
    if (!plain && item->size <= HOLE_BYTES) rc = describe_hole(limits, item, err);
    if (rc >= 0 && !plain && !item->is_hole && ends_like_table(item->path)) rc = count_rows(item, err);
    return rc < 0 ? rc : store(batch, item, err);
}
