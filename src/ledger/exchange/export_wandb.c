// SPDX-License-Identifier: Apache-2.0
/* export_wandb.c: W&B's offline runs: DIR/offline-run-TIME-ID/run-ID.wandb, which `wandb sync DIR/...` takes.
 * The file begins with ":W&B" and then follows LevelDB's log: blocks of 32 KiB, records of at most a block's rest, each
 * with a CRC32 over its kind and its bytes; a record that does not fit goes on as FIRST, MIDDLE..., LAST. Its bytes are
 * wandb_internal.Record messages: the run with its configuration, the history step by step, the summary, the exit.
 * A history wants its steps in order and once, with all values of a step together: points are gathered and sorted by
 * step. A second value of one metric at one step (repeated logging) becomes a row of its own. */
#include <math.h>
#include <stdlib.h>

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/doc/json.h"
#include "core/doc/protobuf.h"
#include "core/hash/crc.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "ledger/exchange/export.h"

enum { BLOCK = 32768, HEAD = 7 };
enum { FULL = 1, FIRST = 2, MIDDLE = 3, LAST = 4 };
/* Fields of wandb_internal.proto. */
enum { RECORD_NUM = 1, RECORD_HISTORY = 2, RECORD_SUMMARY = 3, RECORD_RUN = 17, RECORD_EXIT = 18, RECORD_HEADER = 21 };
enum { RUN_ID = 1, RUN_PROJECT = 3, RUN_CONFIG = 4, RUN_NAME = 8, RUN_NOTES = 9, RUN_TAGS = 10, RUN_START = 17 };
enum { ITEM_UPDATE = 1, ITEM_KEY = 1, ITEM_JSON = 16, HISTORY_ITEM = 1, HISTORY_STEP = 2, STEP_NUM = 1 };
enum { EXIT_CODE = 1, EXIT_RUNTIME = 2, VERSION_INFO = 1, VERSION_PRODUCER = 1, VERSION_CONSUMER = 2 };
enum { TIME_SECONDS = 1, TIME_NANOS = 2 };

typedef struct point {
    int64_t step, at;
    double value;
    uint32_t key; /* number of the metric */
} point;

typedef struct journal {
    ag_replace *file;
    uint64_t at;     /* bytes written */
    uint64_t number; /* of the last record */
    ag_buf record, body, item, text, piece;
    ag_vec points; /* of one run */
    uint32_t key;
} journal;

/* ---- the file ---- */

static void add_little(ag_buf *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) ag_buf_add_char(out, (char)(value >> (8 * i)));
}

static int put(journal *w, ag_str bytes, ag_err *err)
{
    w->at += bytes.size;
    return ag_replace_write(w->file, bytes.data, bytes.size, err);
}

static int write_piece(journal *w, unsigned kind, ag_str bytes, ag_err *err)
{
    uint8_t byte = (uint8_t)kind;
    uint32_t crc = ag_crc32(ag_crc32(0, &byte, 1), bytes.data, bytes.size);
    ag_buf_clear(&w->piece);
    add_little(&w->piece, crc, 4);
    add_little(&w->piece, bytes.size, 2);
    ag_buf_add_char(&w->piece, (char)byte);
    ag_buf_add_str(&w->piece, bytes);
    int rc = ag_buf_check(&w->piece, "a record", err);
    return rc < 0 ? rc : put(w, ag_buf_str(&w->piece), err);
}

/* The record under way, cut where blocks end. */
static int write_record(journal *w, uint32_t field, ag_err *err)
{
    static const char zeros[HEAD];
    ag_proto_varint(&w->record, RECORD_NUM, ++w->number);
    ag_proto_message(&w->record, field, &w->body);
    int rc = ag_buf_check(&w->record, "a record", err);
    ag_str rest = ag_buf_str(&w->record);
    bool first = true;
    while (rc >= 0 && (first || rest.size)) {
        size_t left = BLOCK - (size_t)(w->at % BLOCK);
        if (left < HEAD) {
            rc = put(w, (ag_str){zeros, left}, err);
            continue;
        }
        size_t size = rest.size < left - HEAD ? rest.size : left - HEAD;
        bool last = size == rest.size;
        rc = write_piece(w, first ? (last ? FULL : FIRST) : (last ? LAST : MIDDLE), ag_str_slice(rest, 0, size), err);
        rest = ag_str_slice(rest, size, rest.size);
        first = false;
    }
    ag_buf_clear(&w->record);
    return rc;
}

static int write_header(journal *w, ag_err *err)
{
    int rc = put(w, (ag_str){":W&B\xe1\xbe\x00", 7}, err);
    ag_proto_text(&w->item, VERSION_PRODUCER, "0.19.11");
    ag_proto_text(&w->item, VERSION_CONSUMER, "0.19.11");
    ag_proto_message(&w->body, VERSION_INFO, &w->item);
    return rc < 0 ? rc : write_record(w, RECORD_HEADER, err);
}

/* ---- items ---- */

/* A key with a value that is JSON already (in w->text), as field `field` of what is in `into`. */
static void add_item(journal *w, ag_buf *into, uint32_t field, const char *key)
{
    ag_proto_text(&w->item, ITEM_KEY, key);
    ag_proto_bytes(&w->item, ITEM_JSON, ag_buf_str(&w->text));
    ag_proto_message(into, field, &w->item);
    ag_buf_clear(&w->text);
}

static void set_number(journal *w, double value)
{
    ag_json json = ag_json_writer(&w->text, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_real(&json, value);
}

/* Numbers are numbers in W&B's configuration: else its plots cannot use them. */
static void set_param(journal *w, ag_str value)
{
    double number;
    int64_t whole;
    ag_json json = ag_json_writer(&w->text, 0, AG_JSON_NONFINITE_TEXT);
    if (ag_str_to_int(value, &whole))
        ag_json_int(&json, whole);
    else if (ag_str_to_double(value, &number) && isfinite(number))
        ag_json_real(&json, number);
    else
        ag_json_str(&json, value);
}

/* ---- records ---- */

static int write_run_record(ag_export *e, journal *w, const ag_experiment *experiment, const ag_run *run, ag_err *err)
{
    ag_buf config;
    ag_buf_init(&config, 64 << 20);
    ag_proto_text(&w->body, RUN_ID, run->id);
    ag_proto_text(&w->body, RUN_PROJECT, e->options->project ? e->options->project : experiment->name);
    for (size_t i = 0; i < run->params.count; i++) {
        const char *key = ag_arena_strndup(e->piece, run->params.items[i].key.data, run->params.items[i].key.size);
        set_param(w, run->params.items[i].value);
        add_item(w, &config, ITEM_UPDATE, key ? key : "");
    }
    ag_proto_message(&w->body, RUN_CONFIG, &config);
    ag_buf_deinit(&config);
    ag_proto_text(&w->body, RUN_NAME, run->name);
    for (size_t i = 0; i < run->tags.count; i++) {
        if (ag_str_is(run->tags.items[i].key, "mlflow.note.content")) {
            ag_proto_bytes(&w->body, RUN_NOTES, run->tags.items[i].value);
        } else if (!ag_str_starts(run->tags.items[i].key, AG_STR("mlflow."))) {
            const char *tag = ag_arena_printf(e->piece, "%.*s=%.*s", AG_STR_ARG(run->tags.items[i].key),
                                              AG_STR_ARG(ag_str_slice(run->tags.items[i].value, 0, 40)));
            ag_str text = ag_str_of(tag ? tag : "");
            ag_proto_bytes(&w->body, RUN_TAGS, ag_str_slice(text, 0, ag_utf8_cut(text, 64)));
        }
    }
    ag_proto_varint(&w->item, TIME_SECONDS, (uint64_t)(run->started_at / AG_SECOND));
    ag_proto_varint(&w->item, TIME_NANOS, (uint64_t)(run->started_at % AG_SECOND * 1000));
    ag_proto_message(&w->body, RUN_START, &w->item);
    return write_record(w, RECORD_RUN, err);
}

static int keep_points(void *context, const ag_metric *points, size_t count, ag_err *err)
{
    journal *w = context;
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        point one = {points[i].step, points[i].at, points[i].value, w->key};
        rc = ag_vec_push(&w->points, &one, err);
    }
    return rc;
}

static int compare(const void *a, const void *b)
{
    const point *x = a, *y = b;
    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return (x->key > y->key) - (x->key < y->key);
}

static int end_row(journal *w, const ag_run *run, int64_t row, const point *last, ag_err *err)
{
    ag_json json = ag_json_writer(&w->text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_int(&json, row);
    add_item(w, &w->body, HISTORY_ITEM, "_step");
    set_number(w, (double)last->at / 1e6);
    add_item(w, &w->body, HISTORY_ITEM, "_timestamp");
    set_number(w, last->at > run->started_at ? (double)(last->at - run->started_at) / 1e6 : 0);
    add_item(w, &w->body, HISTORY_ITEM, "_runtime");
    json = ag_json_writer(&w->text, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_int(&json, last->step);
    add_item(w, &w->body, HISTORY_ITEM, "step"); /* as it was logged: W&B's own only grows */
    ag_proto_varint(&w->item, STEP_NUM, (uint64_t)row);
    ag_proto_message(&w->body, HISTORY_STEP, &w->item);
    return write_record(w, RECORD_HISTORY, err);
}

/* Rows of points that share a step; one that repeats a metric begins the next. */
static int write_history(journal *w, const ag_run *run, ag_err *err)
{
    const point *points = w->points.items;
    size_t count = w->points.count;
    bool *seen = ag_calloc(run->metric_count + 1, sizeof(*seen));
    int rc = seen ? AG_OK : ag_fail_memory(err, run->metric_count);
    int64_t row = 0;
    if (seen && count) qsort(w->points.items, count, sizeof(point), compare);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        seen[points[i].key] = true;
        set_number(w, points[i].value);
        add_item(w, &w->body, HISTORY_ITEM, run->metrics[points[i].key].key);
        bool more = i + 1 < count && points[i + 1].step == points[i].step && !seen[points[i + 1].key];
        if (more) continue;
        rc = end_row(w, run, row++, &points[i], err);
        memset(seen, 0, run->metric_count * sizeof(*seen));
    }
    ag_free(seen);
    return rc;
}

static int write_end(journal *w, const ag_run *run, ag_err *err)
{
    for (size_t i = 0; i < run->metric_count; i++) {
        set_number(w, run->metrics[i].value);
        add_item(w, &w->body, ITEM_UPDATE, run->metrics[i].key);
    }
    int rc = write_record(w, RECORD_SUMMARY, err);
    int64_t took = run->ended_at > run->started_at ? (run->ended_at - run->started_at) / AG_SECOND : 0;
    ag_proto_varint(&w->body, EXIT_CODE, run->status == AG_RUN_FAILED || run->status == AG_RUN_KILLED);
    ag_proto_varint(&w->body, EXIT_RUNTIME, (uint64_t)took);
    return rc < 0 ? rc : write_record(w, RECORD_EXIT, err);
}

static int write_all(ag_export *e, journal *w, const ag_experiment *experiment, const ag_run *run, ag_err *err)
{
    int rc = write_header(w, err);
    if (rc >= 0) rc = write_run_record(e, w, experiment, run, err);
    for (size_t i = 0; i < run->metric_count && rc >= 0; i++) {
        w->key = (uint32_t)i;
        rc = ag_export_points(e, run->id, run->metrics[i].key, keep_points, w, err);
    }
    if (rc >= 0) rc = write_history(w, run, err);
    return rc < 0 ? rc : write_end(w, run, err);
}

static int write_run(ag_export *e, const ag_experiment *experiment, const ag_run *run, ag_err *err)
{
    journal w = {0};
    ag_buf *const buffers[] = {&w.record, &w.body, &w.item, &w.text, &w.piece};
    ag_date at = ag_date_utc(run->started_at);
    const char *folder = ag_arena_printf(e->piece, "%s/offline-run-%04d%02d%02d_%02d%02d%02d-%s", e->directory,
                                         (int)at.year, at.month, at.day, at.hour, at.minute, at.second, run->id);
    const char *path = folder ? ag_arena_printf(e->piece, "%s/run-%s.wandb", folder, run->id) : NULL;
    const char *files = folder ? ag_arena_printf(e->piece, "%s/files", folder) : NULL;
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) ag_buf_init(buffers[i], 64 << 20);
    ag_vec_init(&w.points, sizeof(point));
    int rc = path && files ? ag_dir_make(files, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_replace_open(path, &w.file, err);
    if (rc >= 0) rc = write_all(e, &w, experiment, run, err);
    if (rc >= 0) rc = ag_replace_commit(w.file, err);
    ag_replace_free(w.file);
    ag_vec_deinit(&w.points);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) ag_buf_deinit(buffers[i]);
    return rc < 0 ? rc : ag_export_files(e, run->id, run->artifact_uri, files, err);
}

int ag_export_wandb(ag_ledger *ledger, const char *directory, const ag_export_options *options, ag_export_result *out,
                    ag_err *err)
{
    static const ag_export_format format = {.run = write_run};
    return ag_export_run(ledger, directory, options, &format, out, err);
}
