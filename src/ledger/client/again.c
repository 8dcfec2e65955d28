// SPDX-License-Identifier: Apache-2.0
/* again.c: see again.h. A line becomes a record of its own: metrics, parameters and tags from what the line says, all
 * else from the bytes of the call that stand in it. Contents of files are linked into the queue, so that they are in
 * both places until the exchange is decided. All of the queue is marked as one that may have been sent: what a server
 * has done before it refused is looked for and not done twice. What cannot be sent again stays, byte by byte.
 * Threads: any; the lock is between processes, too. */
#include "ledger/client/again.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/hash/encode.h"
#include "core/io/path.h"
#include "core/io/syscall.h"
#include "core/sys/clock.h"
#include "ledger/client/entry.h"
#include "ledger/client/outbox.h"

#define LINES "failed.jsonl"
#define NEXT "failed.next"
#define MAKING "again-"
enum { SEGMENT = 4 << 20, PATH_SIZE = 4096, MAX_LINE = 8 << 20 };

typedef struct exchange {
    const char *spool, *target;
    ag_arena *arena, *scratch; /* of all of it; of a line */
    ag_outbox queue;           /* in the making */
    ag_spool_segment *segment; /* that is being filled */
    size_t room;               /* of a segment: a record is never larger than its line */
    uint64_t files;
    ag_buf next, record, bytes;
    size_t taken, kept;
} exchange;

static int path_of(char out[PATH_SIZE], const char *directory, const char *name, ag_err *err)
{
    if (ag_format(out, PATH_SIZE, "%s/%s", directory, name)) return AG_OK;
    return ag_fail(err, AG_ELIMIT, "the path of the spool is too long: %.200s...", directory);
}

/* ---- lines ---- */

static bool text_of(const ag_value *line, const char *name, ag_str *out)
{
    return ag_value_string(ag_value_get(line, name), out);
}

/* *out is NULL for what is no line of ours. */
static int parse_line(ag_str line, ag_arena *scratch, const ag_value **out, ag_err *err)
{
    static const ag_json_options texts = {.nonfinite = AG_JSON_NONFINITE_TEXT};
    ag_err why = {0};
    *out = NULL;
    ag_arena_reset(scratch);
    if (!line.size || line.size > MAX_LINE) return AG_OK;
    int rc = ag_json_parse(scratch, line, &texts, out, &why);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, line.size);
    if (rc < 0 || (*out)->kind != AG_OBJECT) *out = NULL;
    return AG_OK;
}

/* The name of a file in SPOOL/failed/, whatever directory the line says: it is only a text in a file. */
static bool content_of(const ag_value *line, char out[256])
{
    ag_str path;
    if (!text_of(line, "content", &path)) return false;
    ag_str name = ag_path_name(path);
    return name.size && ag_format(out, 256, "failed/%.*s", AG_STR_ARG(name));
}

static bool number_of(const ag_value *value, double *out)
{
    ag_str word;
    if (ag_value_real(value, out)) return true;
    if (!ag_value_string(value, &word)) return false;
    bool infinite = ag_str_is(word, "Infinity") || ag_str_is(word, "-Infinity");
    *out = infinite ? (word.data[0] == '-' ? -(double)INFINITY : (double)INFINITY) : (double)NAN;
    return infinite || ag_str_is(word, "NaN");
}

/* 1: there it is, 0: it is no such line. */
static int metric_of(exchange *x, const ag_value *line, ag_metric *out, ag_err *err)
{
    ag_str key;
    int64_t at;
    *out = (ag_metric){0};
    if (!text_of(line, "key", &key) || !number_of(ag_value_get(line, "value"), &out->value) ||
        !ag_value_int(ag_value_get(line, "step"), &out->step) || !ag_value_int(ag_value_get(line, "timestamp"), &at))
        return 0;
    if (at > INT64_MAX / 1000 || at < INT64_MIN / 1000) return 0;
    out->at = at * 1000;
    return (out->key = ag_arena_strndup(x->scratch, key.data, key.size)) ? 1 : ag_fail_memory(err, key.size);
}

static bool is_run(ag_str run)
{
    uint8_t bytes[AG_ENTRY_ID / 2];
    return ag_unhex(run, bytes, sizeof bytes, NULL) >= 0;
}

/* What was logged of a line; 0 when it is no such line. */
static int log_of(exchange *x, const ag_value *line, ag_entry *out, ag_metric *metric, ag_pair *pair, ag_err *err)
{
    ag_str kind;
    *out = (ag_entry){.kind = AG_ENTRY_LOG};
    if (!text_of(line, "kind", &kind) || !text_of(line, "run", &out->run) || !is_run(out->run)) return 0;
    if (ag_str_is(kind, "metric")) {
        out->log = (ag_run_batch){.metrics = metric, .metric_count = 1};
        return metric_of(x, line, metric, err);
    }
    if (!ag_str_is(kind, "parameter") && !ag_str_is(kind, "tag")) return 0;
    *(ag_str_is(kind, "tag") ? &out->log.tags : &out->log.params) = (ag_pairs){pair, 1};
    return text_of(line, "key", &pair->key) && text_of(line, "value", &pair->value);
}

/* Any other call of a line: its bytes stand there. 0: they do not. */
static int call_of(exchange *x, const ag_value *line, ag_entry *out, ag_err *err)
{
    ag_str text;
    ag_err why = {0};
    ag_buf_clear(&x->bytes);
    if (!text_of(line, "record", &text)) return 0;
    int rc = ag_unbase64(text, &x->bytes, &why);
    ag_str bytes = ag_buf_str(&x->bytes);
    if (rc >= 0 && ag_entry_at((const uint8_t *)bytes.data, bytes.size) != bytes.size) return 0;
    if (rc >= 0) rc = ag_entry_read((const uint8_t *)bytes.data, bytes.size, x->scratch, out, &why);
    if (rc != AG_ENOMEM) return rc >= 0 && out->kind != AG_ENTRY_LOG;
    *err = why;
    return rc;
}

/* ---- the queue ---- */

static int open_queue(exchange *x, ag_err *err)
{
    char path[PATH_SIZE];
    if (x->queue.directory) return AG_OK;
    int rc = ag_id_new(x->queue.id, err);
    const char *directory = rc < 0 ? NULL : ag_arena_printf(x->arena, "%s/" MAKING "%s", x->spool, x->queue.id);
    if (rc >= 0 && !directory) rc = ag_fail_memory(err, PATH_SIZE);
    if (rc >= 0) rc = ag_dir_make(directory, err);
    if (rc < 0) return rc;
    x->queue.directory = (char *)(uintptr_t)directory; /* ag_outbox_free() is for those that own theirs */
    rc = path_of(path, directory, "target", err);
    return rc < 0 ? rc : ag_file_replace(path, x->target, strlen(x->target), err);
}

/* The segment is full, or the last: durable, and marked. */
static int close_segment(exchange *x, ag_err *err)
{
    if (!x->segment) return AG_OK;
    ag_spool_segment_set_attempted(x->segment, x->segment->tail);
    int rc = ag_spool_segment_sync(x->segment, err);
    ag_spool_segment_close(x->segment);
    x->segment = NULL;
    return rc;
}

static int add_record(exchange *x, const ag_entry *record, ag_err *err)
{
    size_t size = ag_entry_size(record);
    int rc = open_queue(x, err);
    if (rc < 0) return rc;
    ag_buf_clear(&x->record);
    uint8_t *bytes = (uint8_t *)ag_buf_reserve(&x->record, size);
    if (!bytes) return ag_fail_memory(err, size);
    ag_entry_write(record, bytes);
    if (x->segment && ag_spool_segment_append(x->segment, bytes, size)) return AG_OK;
    rc = close_segment(x, err);
    if (rc >= 0) rc = ag_outbox_segment(&x->queue, ++x->queue.segments_made, x->room, &x->segment, err);
    if (rc >= 0 && !ag_spool_segment_append(x->segment, bytes, size))
        rc = ag_fail(err, AG_EINTERNAL, "a record of %zu bytes has no room in a segment", size);
    return rc;
}

static int copy_file(const char *from, const char *to, ag_err *err)
{
    ag_mapping map = {0};
    int rc = ag_map_file(from, &map, err);
    if (rc < 0) return rc;
    rc = ag_file_replace(to, map.data, map.size, err);
    ag_unmap_file(&map);
    return rc;
}

/* The content of a refused file into the queue, under a number of its own. 0: it is gone. */
static int take_content(exchange *x, const ag_value *line, ag_entry *record, ag_err *err)
{
    char name[256], from[PATH_SIZE], to[PATH_SIZE];
    ag_file_info info;
    if (!content_of(line, name)) return 0;
    int rc = open_queue(x, err);
    if (rc >= 0) rc = path_of(from, x->spool, name, err);
    if (rc >= 0) rc = ag_outbox_file(&x->queue, ++x->files, to, sizeof to, err);
    if (rc < 0) return rc;
    rc = ag_file_stat(from, &info, err);
    if (rc == AG_ENOTFOUND || (rc >= 0 && !info.is_regular)) return 0;
    if (rc >= 0 && (ag_sys_fault() || link(from, to) < 0)) rc = copy_file(from, to, err); /* not every disk has links */
    record->artifact.file = x->files;
    record->artifact.size = info.size;
    return rc < 0 ? rc : 1;
}

/* 1: the line is in the queue, 0: it stays. */
static int take_line(exchange *x, const ag_value *line, ag_err *err)
{
    ag_entry record;
    ag_metric metric;
    ag_pair pair;
    int rc = log_of(x, line, &record, &metric, &pair, err);
    if (rc == 0) rc = call_of(x, line, &record, err);
    if (rc > 0 && record.kind == AG_ENTRY_ARTIFACT) rc = take_content(x, line, &record, err);
    if (rc > 0 && ag_entry_size(&record) > AG_ENTRY_MAX) return 0;
    if (rc <= 0) return rc;
    rc = add_record(x, &record, err);
    return rc < 0 ? rc : 1;
}

static int keep_line(exchange *x, ag_str line, ag_err *err)
{
    ag_buf_add_str(&x->next, line);
    ag_buf_add_char(&x->next, '\n');
    return ag_buf_check(&x->next, "the refusals that stay", err);
}

static int sort_lines(exchange *x, ag_str all, ag_err *err)
{
    ag_str line, target;
    int rc = AG_OK;
    while (rc >= 0 && ag_str_next(&all, '\n', &line)) {
        if (!line.size) continue;
        const ag_value *value;
        if ((rc = parse_line(line, x->scratch, &value, err)) < 0) break;
        bool ours = value && text_of(value, "target", &target) && ag_str_is(target, x->target);
        rc = ours ? take_line(x, value, err) : 0;
        x->taken += rc > 0;
        x->kept += rc == 0 && ours;
        if (rc == 0) rc = keep_line(x, line, err);
    }
    return rc;
}

/* ---- whose lines ---- */

static int find_target(ag_str all, const char *spool, ag_arena *scratch, ag_arena *arena, const char **out, ag_err *err)
{
    ag_str line, target;
    while (ag_str_next(&all, '\n', &line)) {
        const ag_value *value;
        int rc = parse_line(line, scratch, &value, err);
        if (rc < 0) return rc;
        if (!value || !text_of(value, "target", &target) || (*out && ag_str_is(target, *out))) continue;
        if (*out) {
            ag_fail(err, AG_EINVAL, "'%s' and '%.*s' have refused what stands in '%s/" LINES "'", *out,
                    AG_STR_ARG(ag_str_slice(target, 0, 100)), spool);
            return ag_err_hint(err, "say whose is sent again: --tracking %s", *out);
        }
        if (!(*out = ag_arena_strndup(arena, target.data, target.size))) return ag_fail_memory(err, target.size);
    }
    return AG_OK;
}

/* ---- the exchange ---- */

/* again-ID: `keep` makes queue-ID of it, else it goes. */
static int settle_queues(const char *spool, bool keep, ag_arena *arena, ag_err *err)
{
    ag_vec names;
    char from[PATH_SIZE], to[PATH_SIZE], queue[64];
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_dir_list(spool, arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        if (!ag_str_starts(ag_str_of(name), AG_STR(MAKING))) continue;
        if (!ag_format(queue, sizeof queue, "queue-%s", name + sizeof MAKING - 1)) continue; /* not ours */
        rc = path_of(from, spool, name, err);
        if (rc >= 0) rc = path_of(to, spool, queue, err);
        if (rc >= 0) rc = keep ? ag_file_rename(from, to, err) : ag_dir_remove(from, err);
    }
    ag_vec_deinit(&names);
    return rc;
}

/* Contents that a line of `all` names, into a map. */
static int list_contents(ag_str all, ag_arena *scratch, ag_map *into, ag_err *err)
{
    ag_str line;
    char name[256];
    int rc = AG_OK;
    while (rc >= 0 && ag_str_next(&all, '\n', &line)) {
        const ag_value *value;
        rc = parse_line(line, scratch, &value, err);
        if (value && content_of(value, name)) rc = ag_map_put(into, ag_str_of(name), into, NULL, err);
    }
    return rc;
}

/* Contents go that are in the queue now: those of lines that do not stay. */
static int drop_contents(const char *spool, ag_str before, ag_str after, ag_arena *scratch, ag_err *err)
{
    size_t at = 0;
    ag_str name;
    void *ignored;
    char path[PATH_SIZE];
    ag_map *all = ag_map_new(), *kept = ag_map_new();
    int rc = all && kept ? list_contents(before, scratch, all, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = list_contents(after, scratch, kept, err);
    while (rc >= 0 && ag_map_next(all, &at, &name, &ignored))
        if (!ag_map_has(kept, name) && ag_format(path, sizeof path, "%s/%.*s", spool, AG_STR_ARG(name)))
            (void)unlink(path);
    ag_map_free(all);
    ag_map_free(kept);
    return rc;
}

/* Under the lock: what was decided is done. */
static int finish(const char *spool, ag_err *err)
{
    char next[PATH_SIZE], lines[PATH_SIZE];
    ag_mapping before = {0}, after = {0};
    int rc = path_of(next, spool, NEXT, err);
    if (rc < 0 || !ag_file_exists(next)) return rc;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    rc = path_of(lines, spool, LINES, err);
    if (rc >= 0) rc = settle_queues(spool, true, arena, err);
    if (rc >= 0) rc = ag_map_file(next, &after, err);
    if (rc >= 0 && ag_file_exists(lines)) rc = ag_map_file(lines, &before, err);
    if (rc >= 0 && before.data)
        rc = drop_contents(spool, (ag_str){before.data, before.size}, (ag_str){after.data, after.size}, arena, err);
    bool empty = after.size == 0;
    if (before.data) ag_unmap_file(&before);
    if (after.data) ag_unmap_file(&after);
    if (rc >= 0) rc = ag_file_rename(next, lines, err);
    if (rc >= 0 && empty) (void)unlink(lines);
    ag_arena_free(arena);
    return rc;
}

int ag_again_lock(const char *spool, ag_lock **out, ag_err *err)
{
    char path[PATH_SIZE];
    ag_lock *lock = NULL;
    int rc = path_of(path, spool, "failed.lock", err);
    if (rc >= 0) rc = ag_lock_take(path, 10 * AG_SECOND, &lock, err);
    if (rc == AG_ECONFLICT) rc = ag_fail(err, AG_ETIMEOUT, "'%s' is held by another program", path);
    if (rc >= 0) rc = finish(spool, err);
    if (rc >= 0)
        *out = lock;
    else
        ag_lock_release(lock);
    return rc;
}

static int queue_lines(exchange *x, ag_str all, ag_err *err)
{
    char next[PATH_SIZE];
    int rc = settle_queues(x->spool, false, x->arena, err); /* of one that died before it was decided */
    if (rc >= 0) rc = sort_lines(x, all, err);
    if (rc >= 0) rc = close_segment(x, err);
    if (rc >= 0 && x->taken && (rc = ag_dir_sync(x->queue.directory, err)) >= 0) {
        rc = path_of(next, x->spool, NEXT, err);
        if (rc >= 0) rc = ag_file_replace(next, x->next.data ? x->next.data : "", x->next.size, err);
        if (rc >= 0) rc = finish(x->spool, err);
    } else if (x->queue.directory) {
        (void)ag_dir_remove(x->queue.directory, NULL);
    }
    ag_spool_segment_close(x->segment);
    return rc;
}

static int exchange_lines(const char *spool, const char *lines, ag_arena *arena, ag_again *out, ag_err *err)
{
    ag_mapping map = {0};
    int rc = ag_map_file(lines, &map, err);
    if (rc < 0) return rc;
    ag_str all = {map.data, map.size};
    exchange x = {.spool = spool, .target = out->target, .arena = arena, .scratch = ag_arena_new(0)};
    x.room = all.size < SEGMENT - AG_SPOOL_SEGMENT_LEAST ? (all.size & ~(size_t)7) + AG_SPOOL_SEGMENT_LEAST : SEGMENT;
    ag_buf_init(&x.next, SIZE_MAX / 2);
    ag_buf_init(&x.record, AG_ENTRY_MAX);
    ag_buf_init(&x.bytes, AG_ENTRY_MAX);
    if (!x.scratch) rc = ag_fail_memory(err, 64);
    if (rc >= 0 && !x.target) rc = find_target(all, spool, x.scratch, arena, &x.target, err);
    if (rc >= 0 && x.target) rc = queue_lines(&x, all, err);
    ag_buf_deinit(&x.next);
    ag_buf_deinit(&x.record);
    ag_buf_deinit(&x.bytes);
    ag_arena_free(x.scratch);
    ag_unmap_file(&map);
    if (rc >= 0) *out = (ag_again){x.taken ? x.target : NULL, x.taken, x.kept};
    return rc;
}

int ag_again_queue(const char *spool, const char *target, ag_arena *arena, ag_again *out, ag_err *err)
{
    char lines[PATH_SIZE];
    ag_err ignored;
    ag_lock *lock = NULL;
    ag_again result = {.target = target};
    if (!err) err = &ignored;
    int rc = path_of(lines, spool, LINES, err);
    if (rc < 0) return rc;
    if (!ag_file_exists(spool)) return *out = (ag_again){0}, AG_OK;
    rc = ag_again_lock(spool, &lock, err);
    if (rc >= 0 && ag_file_exists(lines))
        rc = exchange_lines(spool, lines, arena, &result, err);
    else if (rc >= 0)
        result.target = NULL;
    ag_lock_release(lock);
    if (rc >= 0) *out = result;
    return rc;
}
