// SPDX-License-Identifier: Apache-2.0
/* outbox.c: the directory of a client in the spool.
 * The lock is taken before the directory is made and given back after it is removed, and whoever takes a lock looks
 * whether the directory is there (still): so a queue that is being made is never taken for an orphan, and none has two
 * owners. The lock stands beside the directory, not in it, so that the directory can be removed under it.
 * Threads: one at a time, but for the list, which spool.c guards. */
#include "ledger/client/outbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/hash/encode.h"
#include "core/sys/clock.h"

enum { MAX_TARGET = 8192, PREFIX = sizeof("queue-") };

static const char lock_suffix[] = ".lock";

static char *print_path(const char *directory, const char *name, const char *suffix)
{
    size_t size = strlen(directory) + strlen(name) + strlen(suffix) + 2;
    char *path = ag_alloc(size);
    if (path) ag_format(path, size, "%s/%s%s", directory, name, suffix);
    return path;
}

/* `name`: "queue-ID". Takes the lock, waiting for it that long. */
static int take_queue(const char *spool, const char *name, int64_t wait, ag_outbox **out, ag_err *err)
{
    ag_outbox *queue = ag_calloc(1, sizeof(*queue));
    if (!queue) return ag_fail_memory(err, sizeof(*queue));
    ag_format(queue->id, sizeof(queue->id), "%s", name + PREFIX - 1);
    queue->directory = print_path(spool, name, "");
    queue->lock_path = print_path(spool, name, lock_suffix);
    int rc = queue->directory && queue->lock_path ? AG_OK : ag_fail_memory(err, strlen(spool) + sizeof(queue->id));
    if (rc >= 0) rc = ag_lock_take(queue->lock_path, wait, &queue->lock, err);
    if (rc >= 0)
        *out = queue;
    else
        ag_outbox_free(queue, false);
    return rc;
}

int ag_outbox_make(const char *spool, const char *target, ag_outbox **out, ag_err *err)
{
    char name[PREFIX + 32] = "queue-";
    ag_outbox *queue = NULL;
    char *path = NULL;
    int rc = ag_dir_make(spool, err);
    if (rc >= 0) rc = ag_id_new(name + PREFIX - 1, err);
    if (rc >= 0) rc = take_queue(spool, name, AG_SECOND, &queue, err);
    if (rc >= 0) rc = ag_dir_make(queue->directory, err);
    if (rc >= 0 && !(path = print_path(queue->directory, "target", ""))) rc = ag_fail_memory(err, MAX_TARGET);
    if (rc >= 0) rc = ag_file_replace(path, target, strlen(target), err);
    if (rc < 0) {
        ag_err_prefix(err, "cannot spool in '%s'", spool);
        ag_outbox_free(queue, true);
    } else {
        *out = queue;
    }
    ag_free(path);
    return rc;
}

int ag_outbox_segment(ag_outbox *queue, uint64_t number, size_t size, ag_spool_segment **out, ag_err *err)
{
    char name[32];
    uint8_t id[16] = {0};
    ag_format(name, sizeof(name), "%06llu.seg", (unsigned long long)number);
    int rc = ag_unhex(ag_str_of(queue->id), id, sizeof(id), err);
    if (rc < 0) return rc;
    char *path = print_path(queue->directory, name, "");
    rc = path ? ag_spool_segment_make(path, number, id, size, out, err) : ag_fail_memory(err, sizeof(name));
    ag_free(path);
    return rc;
}

void ag_outbox_link(ag_outbox *queue, ag_spool_segment *segment)
{
    if (queue->last)
        queue->last->next = segment;
    else
        queue->first = segment;
    queue->last = segment;
}

int ag_outbox_file(const ag_outbox *queue, uint64_t number, char *out, size_t size, ag_err *err)
{
    if (ag_format(out, size, "%s/file-%llu", queue->directory, (unsigned long long)number)) return AG_OK;
    return ag_fail(err, AG_ELIMIT, "the path of the spool is too long: %.200s...", queue->directory);
}

/* ---- what others have left ---- */

static int compare_numbers(const void *a, const void *b)
{
    const ag_spool_segment *x = *(ag_spool_segment *const *)a, *y = *(ag_spool_segment *const *)b;
    return (x->number > y->number) - (x->number < y->number);
}

static bool read_target(const char *directory, ag_buf *out)
{
    ag_buf_init(out, MAX_TARGET);
    char *path = print_path(directory, "target", "");
    bool read = path && ag_file_read(path, MAX_TARGET, out, NULL) >= 0;
    ag_free(path);
    return read;
}

static bool is_for(const ag_outbox *queue, const char *target)
{
    ag_buf text;
    bool same = read_target(queue->directory, &text) && ag_str_is(ag_buf_str(&text), target);
    ag_buf_deinit(&text);
    return same;
}

static int open_segment(ag_outbox *queue, const char *name, ag_vec *segments, ag_err *err)
{
    ag_spool_segment *segment = NULL;
    char *path = print_path(queue->directory, name, "");
    if (!path) return ag_fail_memory(err, strlen(name));
    int rc = ag_spool_segment_open(path, &segment, err);
    if (rc == AG_ENOTFOUND) {
        (void)unlink(path); /* its making was cut short */
        rc = AG_OK;
    } else if (rc >= 0) {
        segment->number = strtoull(name, NULL, 10); /* the head may be damaged */
        rc = ag_vec_push(segments, &segment, err);
        if (rc < 0) ag_spool_segment_close(segment);
    }
    ag_free(path);
    return rc;
}

static int open_segments(ag_outbox *queue, ag_arena *arena, ag_err *err)
{
    ag_vec names, segments;
    ag_vec_init(&names, sizeof(const char *));
    ag_vec_init(&segments, sizeof(ag_spool_segment *));
    int rc = ag_dir_list(queue->directory, arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        if (ag_str_ends(ag_str_of(name), AG_STR(".seg"))) rc = open_segment(queue, name, &segments, err);
    }
    ag_vec_sort(&segments, compare_numbers);
    for (size_t i = 0; i < segments.count; i++) ag_outbox_link(queue, *(ag_spool_segment **)ag_vec_at(&segments, i));
    ag_vec_deinit(&segments);
    ag_vec_deinit(&names);
    return rc;
}

/* Takes over one queue, if it is an orphan of this target. */
static int adopt_one(const char *spool, const char *name, const char *target, ag_arena *arena, ag_vec *out, ag_err *err)
{
    ag_outbox *queue = NULL;
    int rc = take_queue(spool, name, 0, &queue, err);
    if (rc == AG_ECONFLICT) return AG_OK; /* it is alive */
    if (rc < 0) return rc;
    ag_file_info info;
    if (ag_file_stat(queue->directory, &info, NULL) == AG_ENOTFOUND) {
        ag_outbox_free(queue, true); /* a lock that was left alone */
        return AG_OK;
    }
    if (!is_for(queue, target)) {
        ag_outbox_free(queue, false);
        return AG_OK;
    }
    rc = open_segments(queue, arena, err);
    if (rc >= 0) rc = ag_vec_push(out, &queue, err);
    if (rc < 0) ag_outbox_free(queue, false);
    return rc;
}

/* "queue-ID" of the name of a directory or a lock. */
static bool queue_name(const char *name, char out[PREFIX + 32])
{
    ag_str text = ag_str_of(name);
    if (!ag_str_starts(text, AG_STR("queue-"))) return false;
    if (ag_str_ends(text, AG_STR(".lock"))) text.size -= sizeof(lock_suffix) - 1;
    if (text.size != PREFIX - 1 + 32) return false;
    ag_format(out, PREFIX + 32, "%.*s", AG_STR_ARG(text));
    return true;
}

int ag_outbox_adopt(const char *spool, const char *target, ag_vec *out, ag_err *failed, ag_err *err)
{
    ag_vec names;
    char name[PREFIX + 32], before[PREFIX + 32] = "";
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_dir_list(spool, arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) { /* sorted: a lock follows its directory */
        if (!queue_name(*(const char *const *)ag_vec_at(&names, i), name) || strcmp(name, before) == 0) continue;
        ag_format(before, sizeof(before), "%s", name);
        ag_err one = {0};
        if (adopt_one(spool, name, target, arena, out, &one) < 0 && failed) *failed = one;
    }
    ag_vec_deinit(&names);
    ag_arena_free(arena);
    return rc;
}

/* A lock that was left alone is removed on the way. */
static int find_one(const char *spool, const char *name, ag_arena *arena, ag_vec *out, ag_err *err)
{
    ag_buf text;
    ag_outbox *queue = NULL;
    ag_outbox_found found = {0};
    char *directory = print_path(spool, name, "");
    if (!directory) return ag_fail_memory(err, strlen(spool));
    int rc = take_queue(spool, name, 0, &queue, err);
    found.alive = rc == AG_ECONFLICT;
    if (found.alive) rc = AG_OK;
    const bool there = ag_file_exists(directory);
    if (read_target(directory, &text) && rc >= 0) {
        found.target = ag_arena_strndup(arena, text.data, text.size);
        if (!found.target) rc = ag_fail_memory(err, text.size);
    }
    ag_buf_deinit(&text);
    if (rc >= 0 && there) rc = ag_vec_push(out, &found, err);
    ag_outbox_free(queue, !there);
    ag_free(directory);
    return rc;
}

int ag_outbox_list(const char *spool, ag_arena *arena, ag_vec *out, ag_err *err)
{
    ag_vec names;
    char name[PREFIX + 32], before[PREFIX + 32] = "";
    if (!ag_file_exists(spool)) return AG_OK;
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_dir_list(spool, arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) { /* sorted: a lock follows its directory */
        if (!queue_name(*(const char *const *)ag_vec_at(&names, i), name) || strcmp(name, before) == 0) continue;
        ag_format(before, sizeof(before), "%s", name);
        rc = find_one(spool, name, arena, out, err);
    }
    ag_vec_deinit(&names);
    return rc;
}

void ag_outbox_free(ag_outbox *queue, bool remove)
{
    if (!queue) return;
    for (ag_spool_segment *segment = queue->first; segment;) {
        ag_spool_segment *next = segment->next;
        ag_spool_segment_close(segment);
        segment = next;
    }
    if (remove && queue->lock) {
        (void)ag_dir_remove(queue->directory, NULL);
        if (!ag_file_exists(queue->directory)) (void)unlink(queue->lock_path);
    }
    ag_lock_release(queue->lock);
    ag_free(queue->directory);
    ag_free(queue->lock_path);
    ag_free(queue);
}
