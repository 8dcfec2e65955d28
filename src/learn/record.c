// SPDX-License-Identifier: Apache-2.0
/* record.c: see record.h.
 * Owns a buffer of metrics and the ids of its run, nothing of the ledger. A metric costs a lock and a copy; whoever
 * fills the buffer, or comes a second after the last writing, writes all of it in one batch. Keys of metrics are kept
 * once; a program that makes up MAX_KEYS of them has the first MAX_KEYS recorded, and is told so. The first failure of
 * such a batch is remembered and ends the writing of metrics: a training of hours is worth more than its curve. Only a
 * spool that is full because its server is away (AG_EFULL) is tried again after a while: what came in between is
 * missing in the curve. Where the run is kept is the target's (record_place.h).
 */
#include "learn/record.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/base/vec.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/record_place.h"
#include "ledger/client/client.h"
#include "ledger/system.h"

enum { BATCH = 900, MAX_KEYS = 4096, PAUSE = 10 * AG_SECOND, EPOCH_PAUSE = AG_SECOND / 2 };

struct ag_record {
    const ag_record_target *target;
    ag_record_place place;
    ag_arena *arena;
    const char *known_as;
    pthread_mutex_t lock; /* of all below */
    ag_metric metrics[BATCH];
    size_t count;
    ag_map *keys; /* of metrics, to themselves in the arena */
    int64_t written_at;
    int64_t epoch_at; /* before, the end of an epoch writes nothing */
    int64_t again_at; /* before, metrics are dropped */
    bool failed;
    char trouble[900];
};

/* ---- opening ---- */

static int add_tags(ag_record *record, const ag_record_options *options, ag_vec *tags, ag_err *err)
{
    ag_pairs system;
    ag_system_options what = {
        .argc = options->argc, .argv = options->argv, .directory = options->directory, .entry = options->entry};
    int rc = ag_system_tags(&what, record->arena, &system, err);
    for (size_t i = 0; rc >= 0 && i < system.count; i++) rc = ag_vec_push(tags, &system.items[i], err);
    if (rc < 0 || !options->parent) return rc;
    ag_pair parent = {AG_STR("mlflow.parentRunId"), ag_str_of(options->parent)};
    return ag_vec_push(tags, &parent, err);
}

int ag_record_named(const ag_record_options *options, const char *run, const char *experiment, ag_err *err)
{
    return options->named ? options->named(options->context, run, experiment, err) : 0;
}

int ag_record_open(const ag_tracker *tracker, const ag_record_options *options, ag_record **out, ag_err *err)
{
    ag_vec tags;
    ag_record *record = ag_calloc(1, sizeof *record);
    if (!record) return ag_fail_memory(err, sizeof *record);
    pthread_mutex_init(&record->lock, NULL);
    ag_vec_init(&tags, sizeof(ag_pair));
    record->target = tracker->client ? &ag_record_on_server : &ag_record_here;
    record->written_at = ag_monotonic();
    record->arena = ag_arena_new(0);
    record->keys = ag_map_new();
    record->place = (ag_record_place){.tracker = *tracker, .arena = record->arena};
    int rc = record->arena && record->keys ? add_tags(record, options, &tags, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = record->target->open(&record->place, options, (ag_pairs){tags.items, tags.count}, err);
    ag_vec_deinit(&tags);
    if (rc >= 0)
        *out = record;
    else
        ag_record_free(record);
    return rc;
}

void ag_record_free(ag_record *record)
{
    if (!record) return;
    if (record->count) ag_record_flush(record);
    record->target->close(&record->place);
    ag_map_free(record->keys);
    pthread_mutex_destroy(&record->lock);
    ag_arena_free(record->arena);
    ag_free(record);
}

const char *ag_record_run(const ag_record *record)
{
    return record->place.run_id;
}

const char *ag_record_experiment(const ag_record *record)
{
    return record->place.experiment_id;
}

const char *ag_record_trouble(const ag_record *record)
{
    return *record->trouble ? record->trouble : NULL;
}

/* ---- parameters and tags ---- */

static int flatten(ag_arena *arena, const char *path, const ag_value *value, ag_vec *pairs, ag_err *err)
{
    if (value->kind == AG_OBJECT && value->object.count) {
        for (size_t i = 0; i < value->object.count; i++) {
            const ag_member *member = &value->object.members[i];
            const char *below = ag_arena_printf(arena, "%s%s%.*s", path, *path ? "." : "", AG_STR_ARG(member->name));
            int rc = below ? flatten(arena, below, &member->value, pairs, err) : ag_fail_memory(err, 64);
            if (rc < 0) return rc;
        }
        return 0;
    }
    if (value->kind == AG_NULL || !*path) return 0;
    ag_pair pair = {.key = ag_str_of(path), .value = value->kind == AG_STRING ? value->string : AG_STR("")};
    ag_buf text;
    ag_buf_init(&text, (size_t)1 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    if (value->kind != AG_STRING) {
        ag_json_value(&json, value);
        const char *copy = text.data ? ag_arena_strndup(arena, text.data, text.size) : NULL;
        if (copy) pair.value = (ag_str){copy, text.size};
    }
    ag_buf_deinit(&text);
    if (pair.value.size > AG_MAX_PARAM_VALUE) pair.value.size = ag_utf8_cut(pair.value, AG_MAX_PARAM_VALUE);
    return pair.value.data ? ag_vec_push(pairs, &pair, err) : ag_fail_memory(err, 64);
}

int ag_record_parameters(ag_record *record, const ag_value *tree, ag_err *err)
{
    ag_vec pairs;
    ag_vec_init(&pairs, sizeof(ag_pair));
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? flatten(arena, "", tree, &pairs, err) : ag_fail_memory(err, 64);
    for (size_t at = 0; at < pairs.count && rc >= 0; at += AG_MAX_BATCH_PARAMS) {
        size_t count = pairs.count - at < AG_MAX_BATCH_PARAMS ? pairs.count - at : AG_MAX_BATCH_PARAMS;
        ag_run_batch batch = {.params = {(const ag_pair *)pairs.items + at, count}};
        rc = record->target->log(&record->place, &batch, err);
        if (rc == AG_EINVAL && strstr(err ? err->text : "", "already logged")) rc = 0; /* resumed with other words */
    }
    ag_vec_deinit(&pairs);
    ag_arena_free(arena);
    return rc;
}

int ag_record_tag(ag_record *record, const char *key, const char *value, ag_err *err)
{
    ag_pair pair = {ag_str_of(key), ag_str_of(value)};
    if (pair.value.size > AG_MAX_TAG_VALUE) pair.value.size = ag_utf8_cut(pair.value, AG_MAX_TAG_VALUE);
    ag_run_batch batch = {.tags = {&pair, 1}};
    return record->target->log(&record->place, &batch, err);
}

int ag_record_dataset(ag_record *record, const char *name, const char *source, const char *context,
                      const ag_sha256 *digest, ag_err *err)
{
    char hex[65], shorter[AG_MAX_DATASET_DIGEST + 1];
    ag_sha256_format(digest, hex);
    ag_format(shorter, sizeof shorter, "%.*s", 32, hex);
    const ag_pair tag = {AG_STR("mlflow.data.context"), ag_str_of(context)};
    const ag_run_input input = {
        .name = name, .digest = shorter, .source_type = "local", .source = source, .tags = {&tag, 1}};
    int rc = ag_record_input(record, &input, err);
    return rc < 0 ? rc : ag_record_tag(record, "auger.data.sha256", hex, err);
}

int ag_record_input(ag_record *record, const ag_run_input *input, ag_err *err)
{
    return record->target->input(&record->place, input, err);
}

/* ---- metrics ---- */

/* The key in the arena; NULL when there is no memory, or too many. With the lock held. */
static const char *keep_key(ag_record *record, const char *key)
{
    char *known = ag_map_get(record->keys, ag_str_of(key));
    if (known) return known;
    if (ag_map_count(record->keys) == MAX_KEYS) {
        if (!*record->trouble)
            ag_format(record->trouble, sizeof record->trouble,
                      "there are more than %d different metrics: '%.80s' and those that came later are not recorded",
                      MAX_KEYS, key);
        return NULL;
    }
    known = ag_arena_strdup(record->arena, key);
    return known && ag_map_put(record->keys, ag_str_of(key), known, NULL, NULL) >= 0 ? known : NULL;
}

/* With the lock held. */
static void write_metrics(ag_record *record)
{
    ag_err err = {0};
    ag_run_batch batch = {.metrics = record->metrics, .metric_count = record->count};
    record->written_at = ag_monotonic();
    if (record->count == 0 || record->failed) return;
    if (record->written_at < record->again_at) {
        record->count = 0;
        return;
    }
    int rc = record->target->log(&record->place, &batch, &err);
    record->count = 0;
    if (rc >= 0) return;
    record->failed = rc != AG_EFULL || !record->place.run;
    record->again_at = record->written_at + PAUSE;
    (void)ag_err_format(&err, record->trouble, sizeof record->trouble);
}

void ag_record_metric(ag_record *record, const char *key, double value, int64_t step)
{
    pthread_mutex_lock(&record->lock);
    const char *kept = record->failed ? NULL : keep_key(record, key);
    if (kept) {
        record->metrics[record->count++] = (ag_metric){.key = kept, .value = value, .at = ag_now(), .step = step};
        if (record->count == BATCH || ag_monotonic() - record->written_at > AG_SECOND) write_metrics(record);
    }
    pthread_mutex_unlock(&record->lock);
}

void ag_record_flush(ag_record *record)
{
    pthread_mutex_lock(&record->lock);
    write_metrics(record);
    pthread_mutex_unlock(&record->lock);
}

void ag_record_flush_epoch(ag_record *record)
{
    pthread_mutex_lock(&record->lock);
    int64_t now = ag_monotonic();
    if (now >= record->epoch_at || !record->target->waits) {
        record->epoch_at = now + EPOCH_PAUSE;
        write_metrics(record);
    }
    pthread_mutex_unlock(&record->lock);
}

/* ---- files ---- */

int ag_record_file(ag_record *record, const char *path, const char *name, ag_err *err)
{
    return record->target->file(&record->place, path, name, err);
}

typedef struct filing {
    ag_record *record;
    ag_arena *arena;
    const char *directory, *prefix;
} filing;

static int file_one(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    const filing *f = context;
    (void)info;
    const char *path = ag_path_join(f->arena, f->directory, relative);
    const char *name = *f->prefix ? ag_path_join(f->arena, f->prefix, relative) : relative;
    return path && name ? ag_record_file(f->record, path, name, err) : ag_fail_memory(err, 64);
}

int ag_record_files(ag_record *record, const char *directory, const char *prefix, ag_err *err)
{
    filing f = {record, ag_arena_new(0), directory, prefix};
    int rc = f.arena ? ag_dir_walk(directory, file_one, &f, err) : ag_fail_memory(err, 64);
    ag_arena_free(f.arena);
    return rc;
}

int ag_record_finish(ag_record *record, ag_record_end end, ag_err *err)
{
    static const ag_run_status statuses[] = {AG_RUN_FINISHED, AG_RUN_FAILED, AG_RUN_KILLED};
    ag_record_flush(record);
    return record->target->end(&record->place, statuses[end], ag_now(), err);
}

int ag_record_register(ag_record *record, const ag_settings *settings, ag_arena *arena, const char **name, ag_err *err)
{
    return record->target->version(&record->place, settings, arena, name, err);
}

bool ag_record_lost(const ag_record *record)
{
    return record->place.run && ag_client_run_lost(record->place.run);
}

const char *ag_record_known_as(ag_record *record)
{
    char name[300];
    const char *ours = record->place.run_id;
    if (!record->place.run || record->known_as) return record->known_as ? record->known_as : ours;
    if (ag_client_run_name(record->place.run, name, sizeof name, NULL) < 0 || strcmp(name, ours) == 0) return ours;
    record->known_as = ag_arena_strdup(record->arena, name);
    return record->known_as ? record->known_as : ours;
}
