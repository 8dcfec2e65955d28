// SPDX-License-Identifier: Apache-2.0
/* collect.c: removing what no version and no split needs: bytes that a killed or cancelled add has left. What is needed
 * is told by every manifest in the ledger; one that cannot be read stops the collection, since what it names is not
 * known then.
 *
 * Safe beside adds: what is put is younger than the add's lock file, or was made young by it, and the lock files are
 * looked at before the versions are listed. So an object is either named by a listed version, or younger than the
 * oldest lock that is held, or belongs to nobody. Ages are those of the file system, whose clock is asked by writing a
 * file. Adds from other machines to the same store are protected by the grace period alone.
 *
 * The store is taken to hold data sets only. Whoever puts other things there must be marked in mark_all(). */
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "data/dataset/dataset.h"

typedef struct collecting {
    const ag_dataset_place *place;
    ag_arena *arena;
    ag_map *needed;       /* dry: ids */
    ag_blob_marks *marks; /* else */
    ag_dataset_garbage *out;
} collecting;

static int mark(collecting *c, const ag_sha256 *id, ag_err *err)
{
    if (c->marks) return ag_blob_mark(c->marks, id, err);
    return ag_map_put(c->needed, (ag_str){(const char *)id->bytes, sizeof(id->bytes)}, c, NULL, err);
}

static int mark_text(collecting *c, const char *digest, ag_err *err)
{
    ag_sha256 id;
    if (!ag_sha256_parse(ag_str_of(digest), &id))
        return ag_fail(err, AG_ECORRUPT, "the ledger says '%s' where a digest should be", digest);
    return mark(c, &id, err);
}

static int mark_version(collecting *c, const ag_dataset_version *version, ag_err *err)
{
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    const ag_dataset_split *splits;
    size_t count;
    int rc = mark_text(c, version->digest, err);
    if (rc >= 0) rc = ag_dataset_open(c->place, version, &manifest, err);
    while (rc >= 0 && (rc = ag_manifest_next(manifest, &entry, err)) > 0) {
        rc = ag_cancel_check(c->place->cancel, err);
        if (rc >= 0 && entry.kind == AG_MANIFEST_FILE) rc = mark(c, &entry.file.sha256, err);
    }
    ag_manifest_close(manifest);
    if (rc >= 0) rc = ag_dataset_splits(c->place->ledger, version, AG_STR(""), c->arena, &splits, &count, err);
    for (size_t i = 0; rc >= 0 && i < count; i++) rc = mark_text(c, splits[i].digest, err);
    return rc;
}

static int mark_all(void *context, ag_blob_marks *marks, ag_err *err)
{
    collecting *c = context;
    ag_dataset_versions all;
    c->marks = marks;
    int rc = ag_dataset_list(c->place->ledger, AG_STR(""), c->arena, &all, err);
    for (size_t i = 0; rc >= 0 && i < all.count; i++) {
        rc = mark_version(c, &all.items[i], err);
        if (rc < 0) ag_err_prefix(err, "nothing was collected, since not all that is needed is known");
    }
    return rc;
}

static int count_object(void *context, const ag_sha256 *id, ag_err *err)
{
    collecting *c = context;
    uint64_t size;
    if (ag_map_has(c->needed, (ag_str){(const char *)id->bytes, sizeof(id->bytes)})) {
        c->out->kept++;
        return AG_OK;
    }
    int rc = ag_blob_stat(c->place->blobs, id, &size, err);
    if (rc == AG_ENOTFOUND) return AG_OK; /* gone meanwhile */
    if (rc < 0) return rc;
    c->out->objects++;
    c->out->bytes += size;
    return AG_OK;
}

/* What nothing needs, counted by the name of each object. */
static int count_garbage(collecting *c, ag_err *err)
{
    c->needed = ag_map_new();
    int rc = c->needed ? mark_all(c, NULL, err) : ag_fail_memory(err, 4096);
    if (rc >= 0) rc = ag_blob_list(c->place->blobs, count_object, c, err);
    ag_map_free(c->needed);
    return rc;
}

/* ---- adds under way ---- */

/* Now, by the clock that gives files their times. */
static int file_clock(collecting *c, const char *folder, int64_t *out, ag_err *err)
{
    ag_file_info info;
    char *path = ag_path_join(c->arena, folder, "clock");
    if (!path) return ag_fail_memory(err, 4096);
    int rc = ag_file_replace(path, "", 0, err);
    if (rc >= 0) rc = ag_file_stat(path, &info, err);
    if (rc >= 0) *out = info.modified;
    return rc;
}

/* A lock that nobody holds was left by a killed add, with what it was writing. */
static int remove_leftovers(collecting *c, const char *folder, const char *name, ag_err *err)
{
    static const char *const endings[] = {"files", "holes", "lock"};
    size_t size = strlen(name) - strlen("lock");
    for (size_t i = 0; i < 3; i++) {
        char *path = ag_arena_printf(c->arena, "%s/%.*s%s", folder, (int)size, name, endings[i]);
        if (!path) return ag_fail_memory(err, 4096);
        int rc = ag_file_remove(path, err);
        if (rc < 0 && rc != AG_ENOTFOUND) return rc;
    }
    return AG_OK;
}

static int look_at_lock(collecting *c, const char *folder, const char *name, bool dry, int64_t *oldest, ag_err *err)
{
    ag_lock *lock = NULL;
    ag_file_info info;
    ag_err why = {0};
    char *path = ag_path_join(c->arena, folder, name);
    if (!path) return ag_fail_memory(err, 4096);
    int rc = ag_file_stat(path, &info, &why);
    if (rc == AG_ENOTFOUND) return AG_OK; /* that add has just ended */
    if (rc >= 0) rc = ag_lock_take(path, 0, &lock, &why);
    if (rc == AG_ECONFLICT) {
        c->out->adds++;
        if (info.modified < *oldest) *oldest = info.modified;
        return AG_OK;
    }
    if (rc < 0) {
        if (err) *err = why;
        return rc;
    }
    /* An add that is just beginning has made its lock and not taken it yet: it is young. */
    if (!dry && *oldest - info.modified > 3600 * AG_SECOND) rc = remove_leftovers(c, folder, name, err);
    ag_lock_release(lock);
    return rc;
}

/* The grace period, made long enough for every add under way. */
static int spare_adds(collecting *c, bool dry, int64_t *grace, ag_err *err)
{
    ag_vec names;
    int64_t now = 0;
    const char *folder = ag_path_join(c->arena, c->place->home, "adding");
    if (!folder) return ag_fail_memory(err, 4096);
    int rc = ag_dir_make(folder, err);
    if (rc >= 0) rc = file_clock(c, folder, &now, err);
    int64_t oldest = now;
    ag_vec_init(&names, sizeof(const char *));
    if (rc >= 0) rc = ag_dir_list(folder, c->arena, &names, err);
    for (size_t i = 0; rc >= 0 && i < names.count; i++) {
        const char *name = *(const char *const *)ag_vec_at(&names, i);
        if (ag_str_ends(ag_str_of(name), AG_STR(".lock"))) rc = look_at_lock(c, folder, name, dry, &oldest, err);
    }
    ag_vec_deinit(&names);
    int64_t longest = now - oldest + (c->out->adds ? 2 * AG_SECOND : 0);
    if (*grace < longest) *grace = longest;
    return rc;
}

int ag_dataset_gc(const ag_dataset_place *place, bool dry, int64_t grace, ag_dataset_garbage *out, ag_err *err)
{
    ag_dataset_garbage garbage = {0};
    ag_blob_swept swept;
    collecting c = {.place = place, .arena = ag_arena_new(0), .out = &garbage};
    if (!c.arena) return ag_fail_memory(err, 4096);
    int rc = spare_adds(&c, dry, &grace, err);
    if (rc >= 0 && dry) {
        rc = count_garbage(&c, err);
    } else if (rc >= 0) {
        rc = ag_blob_gc(place->blobs, grace, mark_all, &c, &swept, err);
        if (rc >= 0) {
            garbage.objects = swept.objects;
            garbage.kept = swept.kept;
            garbage.freed = swept.bytes;
        }
    }
    ag_arena_free(c.arena);
    if (rc >= 0 && out) *out = garbage;
    return rc < 0 ? rc : AG_OK;
}
