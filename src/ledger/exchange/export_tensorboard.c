// SPDX-License-Identifier: Apache-2.0
/* export_tensorboard.c: event files: DIR/EXPERIMENT/RUN/events.out.tfevents.TIME.auger.
 * A file is a series of records: length and bytes, each with a masked CRC32C behind it; the bytes are tensorflow.Event
 * messages, of which only scalars (simple_value) and the two summaries of the hparams plugin are used. TensorBoard
 * keeps scalars as 32-bit floats: that is what a double becomes here. */
#include <math.h>

#include "core/doc/protobuf.h"
#include "core/hash/crc.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "ledger/exchange/export.h"

/* Fields of tensorflow.Event, Summary, Summary.Value, SummaryMetadata and its PluginData. */
enum { EVENT_TIME = 1, EVENT_STEP = 2, EVENT_VERSION = 3, EVENT_SUMMARY = 5 };
enum { SUMMARY_VALUE = 1, VALUE_TAG = 1, VALUE_SIMPLE = 2, VALUE_METADATA = 9 };
enum { METADATA_PLUGIN = 1, PLUGIN_NAME = 1, PLUGIN_CONTENT = 2 };
/* Of the hparams plugin's data, its SessionStartInfo and SessionEndInfo, and google.protobuf.Value in a map. */
enum { HPARAMS_VERSION = 1, HPARAMS_START = 3, HPARAMS_END = 4 };
enum { START_HPARAMS = 1, START_GROUP = 4, START_TIME = 5, END_STATUS = 1, END_TIME = 2 };
enum { MAP_KEY = 1, MAP_VALUE = 2, VALUE_NUMBER = 2, VALUE_STRING = 3 };
enum { STATUS_SUCCESS = 1, STATUS_FAILURE = 2, STATUS_RUNNING = 3 };

typedef struct events {
    ag_replace *file;
    const char *key;
    ag_buf event, summary, value, part, record;
} events;

static uint32_t masked(const void *bytes, size_t size)
{
    uint32_t crc = ag_crc32c(0, bytes, size);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void add_little(ag_buf *out, uint64_t value, size_t size)
{
    for (size_t i = 0; i < size; i++) ag_buf_add_char(out, (char)(value >> (8 * i)));
}

/* The event under way becomes a record. */
static int write_event(events *w, ag_err *err)
{
    ag_buf_clear(&w->record);
    add_little(&w->record, w->event.size, 8);
    add_little(&w->record, masked(w->record.data, 8), 4);
    ag_buf_add_str(&w->record, ag_buf_str(&w->event));
    add_little(&w->record, masked(ag_buf_str(&w->event).data, w->event.size), 4);
    int rc = ag_buf_check(&w->event, "an event", err);
    if (rc >= 0) rc = ag_buf_check(&w->record, "an event", err);
    if (rc >= 0) rc = ag_replace_write(w->file, w->record.data, w->record.size, err);
    ag_buf_clear(&w->event);
    return rc;
}

static double seconds(int64_t at)
{
    return (double)at / 1e6;
}

static int write_scalars(void *context, const ag_metric *points, size_t count, ag_err *err)
{
    events *w = context;
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_proto_double(&w->event, EVENT_TIME, seconds(points[i].at));
        ag_proto_varint(&w->event, EVENT_STEP, (uint64_t)points[i].step);
        ag_proto_text(&w->value, VALUE_TAG, w->key);
        ag_proto_float(&w->value, VALUE_SIMPLE, (float)points[i].value);
        ag_proto_message(&w->summary, SUMMARY_VALUE, &w->value);
        ag_proto_message(&w->event, EVENT_SUMMARY, &w->summary);
        rc = write_event(w, err);
    }
    return rc;
}

/* ---- hyperparameters ---- */

/* What is in w->part, as the plugin's data, in an event of its own. */
static int write_hparams(events *w, const char *tag, uint32_t field, int64_t at, ag_err *err)
{
    ag_proto_varint(&w->value, HPARAMS_VERSION, 0);
    ag_proto_message(&w->value, field, &w->part);
    ag_proto_text(&w->part, PLUGIN_NAME, "hparams");
    ag_proto_message(&w->part, PLUGIN_CONTENT, &w->value);
    ag_proto_message(&w->summary, METADATA_PLUGIN, &w->part);
    ag_proto_text(&w->value, VALUE_TAG, tag);
    ag_proto_message(&w->value, VALUE_METADATA, &w->summary);
    ag_proto_message(&w->summary, SUMMARY_VALUE, &w->value);
    ag_proto_double(&w->event, EVENT_TIME, seconds(at));
    ag_proto_message(&w->event, EVENT_SUMMARY, &w->summary);
    return write_event(w, err);
}

static void add_hparam(events *w, ag_pair param)
{
    double number;
    if (ag_str_to_double(param.value, &number) && isfinite(number))
        ag_proto_double(&w->value, VALUE_NUMBER, number);
    else
        ag_proto_bytes(&w->value, VALUE_STRING, param.value);
    ag_proto_bytes(&w->summary, MAP_KEY, param.key);
    ag_proto_message(&w->summary, MAP_VALUE, &w->value);
    ag_proto_message(&w->part, START_HPARAMS, &w->summary);
}

static int write_start(events *w, const ag_run *run, ag_err *err)
{
    for (size_t i = 0; i < run->params.count; i++) add_hparam(w, run->params.items[i]);
    ag_proto_text(&w->part, START_GROUP, run->name && *run->name ? run->name : run->id);
    ag_proto_double(&w->part, START_TIME, seconds(run->started_at));
    return write_hparams(w, "_hparams_/session_start_info", HPARAMS_START, run->started_at, err);
}

static int write_end(events *w, const ag_run *run, ag_err *err)
{
    unsigned status = run->status == AG_RUN_FINISHED ? STATUS_SUCCESS : run->ended_at ? STATUS_FAILURE : STATUS_RUNNING;
    ag_proto_varint(&w->part, END_STATUS, status);
    ag_proto_double(&w->part, END_TIME, seconds(run->ended_at));
    return write_hparams(w, "_hparams_/session_end_info", HPARAMS_END, run->ended_at, err);
}

/* ---- runs ---- */

static int write_all(ag_export *e, events *w, const ag_run *run, ag_err *err)
{
    ag_proto_double(&w->event, EVENT_TIME, seconds(run->started_at));
    ag_proto_text(&w->event, EVENT_VERSION, "brain.Event:2");
    int rc = write_event(w, err);
    if (rc >= 0 && run->params.count) rc = write_start(w, run, err);
    for (size_t i = 0; i < run->metric_count && rc >= 0; i++) {
        w->key = run->metrics[i].key;
        rc = ag_export_points(e, run->id, w->key, write_scalars, w, err);
    }
    if (rc >= 0 && run->params.count) rc = write_end(w, run, err);
    return rc;
}

static int write_run(ag_export *e, const ag_experiment *experiment, const ag_run *run, ag_err *err)
{
    events w = {0};
    ag_buf *const buffers[] = {&w.event, &w.summary, &w.value, &w.part, &w.record};
    const char *group = ag_export_file_name(e->piece, experiment->name);
    const char *name = ag_export_file_name(e->piece, run->name && *run->name ? run->name : "run");
    if (!group || !name) return ag_fail_memory(err, 1);
    /* Names need not be unique: the id's beginning is part of it. */
    const char *folder = ag_arena_printf(e->piece, "%s/%s/%s-%.8s", e->directory, group, name, run->id);
    const char *path = folder ? ag_arena_printf(e->piece, "%s/events.out.tfevents.%lld.auger", folder,
                                                (long long)(run->started_at / AG_SECOND))
                              : NULL;
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) ag_buf_init(buffers[i], 64 << 20);
    int rc = path ? ag_dir_make(folder, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_replace_open(path, &w.file, err);
    if (rc >= 0) rc = write_all(e, &w, run, err);
    if (rc >= 0) rc = ag_replace_commit(w.file, err);
    ag_replace_free(w.file);
    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) ag_buf_deinit(buffers[i]);
    return rc;
}

int ag_export_tensorboard(ag_ledger *ledger, const char *directory, const ag_export_options *options,
                          ag_export_result *out, ag_err *err)
{
    static const ag_export_format format = {.run = write_run};
    return ag_export_run(ledger, directory, options, &format, out, err);
}
