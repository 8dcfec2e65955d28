// SPDX-License-Identifier: Apache-2.0
/* checkout.c: a version as files again. First everything that is in the way is looked at, so that a refusal leaves the
 * directory as it was; then each file comes whole under its name or not at all, so that a call that was cut short is
 * simply made again. Paths were checked by the manifest's reader, and no link below the directory may lead out of it.
 * Files go in windows, a few at a time, since each waits for the disk. Threads: its own pool. */
#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/thread.h"
#include "data/dataset/dataset.h"

enum { WINDOW = 128 };

typedef struct target {   /* a file on its way */
    ag_dataset_file file; /* the path in `arena` */
    ag_arena *arena;
    bool written;
} target;

typedef struct checkout {
    const ag_dataset_place *place;
    const ag_dataset_version *version;
    const char *directory;
    ag_pool *pool;
    target window[WINDOW];
    size_t count;
    int (*visit)(const struct checkout *c, target *t, ag_err *err); /* what is done with each: looked at, or written */
    ag_dataset_checked_out *out;
} checkout;

/* 1: the very bytes are there; 0: nothing is. */
static int look(const checkout *c, const target *t, char **path, ag_err *err)
{
    ag_file_info info;
    ag_sha256 digest;
    ag_err why = {0};
    int rc = ag_path_under(t->arena, c->directory, ag_str_of(t->file.path), path, err);
    if (rc < 0) return rc;
    rc = ag_file_stat(*path, &info, &why);
    if (rc == AG_ENOTFOUND) return 0;
    if (rc >= 0 && info.is_regular && info.size == t->file.bytes) {
        if ((rc = ag_sha256_of_file(*path, &digest, NULL, err)) < 0) return rc;
        if (ag_sha256_equal(&digest, &t->file.sha256)) return 1;
    }
    if (rc < 0) {
        if (err) *err = why;
        return rc;
    }
    ag_fail(err, AG_EEXISTS, "'%s' is there and is not what the version has", *path);
    return ag_err_hint(err, "nothing was written; check out into an empty directory, or move the file away");
}

static int look_first(const checkout *c, target *t, ag_err *err)
{
    char *path;
    int rc = look(c, t, &path, err);
    return rc < 0 ? rc : AG_OK;
}

static int make_parent(const target *t, const char *path, ag_err *err)
{
    ag_str parent = ag_path_parent(ag_str_of(path));
    char *folder = ag_arena_strndup(t->arena, parent.data, parent.size);
    return folder ? ag_dir_make(folder, err) : ag_fail_memory(err, parent.size);
}

static int write_file(const checkout *c, target *t, ag_err *err)
{
    char *path;
    ag_reader *source = NULL;
    ag_writer *sink = NULL;
    int rc = look(c, t, &path, err);
    if (rc == 0) {
        rc = make_parent(t, path, err);
        if (rc >= 0) rc = ag_blob_get(c->place->blobs, &t->file.sha256, &source, err);
        if (rc >= 0) rc = ag_writer_to_file(path, &sink, err);
        if (rc >= 0) rc = ag_copy(source, sink, NULL, err);
        if (rc >= 0) rc = ag_finish(sink, err);
        if (rc < 0) ag_err_prefix(err, "'%s'", t->file.path);
        ag_writer_close(sink);
        ag_reader_close(source);
        t->written = rc >= 0;
    }
    if (rc >= 0) ag_progress_add(c->place->progress, 1, t->file.bytes);
    return rc < 0 ? rc : AG_OK;
}

/* ---- windows ---- */

static int visit_one(void *context, size_t index, ag_err *err)
{
    checkout *c = context;
    return c->visit(c, &c->window[index], err);
}

static int flush(checkout *c, ag_err *err)
{
    int rc = ag_pool_for(c->pool, c->count, visit_one, c, c->place->cancel, err);
    for (size_t i = 0; i < c->count; i++) {
        const target *t = &c->window[i];
        if (rc >= 0 && c->visit == write_file) {
            c->out->written += t->written;
            c->out->kept += !t->written;
            c->out->bytes += t->written ? t->file.bytes : 0;
        }
        ag_arena_free(t->arena);
    }
    c->count = 0;
    return rc;
}

static int take(checkout *c, const ag_dataset_file *file, ag_err *err)
{
    target t = {.file = *file, .arena = ag_arena_new(0)};
    if (!t.arena) return ag_fail_memory(err, 4096);
    c->window[c->count++] = t;
    char *path = ag_arena_strdup(t.arena, file->path);
    c->window[c->count - 1].file.path = path;
    if (!path) return ag_fail_memory(err, 4096);
    return c->count == WINDOW ? flush(c, err) : AG_OK;
}

static int each_file(checkout *c, int (*visit)(const checkout *, target *, ag_err *), ag_err *err)
{
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    c->visit = visit;
    int rc = ag_dataset_open(c->place, c->version, &manifest, err);
    while (rc >= 0 && (rc = ag_manifest_next(manifest, &entry, err)) > 0 && entry.kind == AG_MANIFEST_FILE)
        rc = take(c, &entry.file, err);
    if (rc >= 0) rc = flush(c, err);
    for (size_t i = 0; i < c->count; i++) ag_arena_free(c->window[i].arena);
    c->count = 0;
    ag_manifest_close(manifest);
    return rc < 0 ? rc : AG_OK;
}

int ag_dataset_checkout(const ag_dataset_place *place, const ag_dataset_version *version, const char *directory,
                        ag_dataset_checked_out *out, ag_err *err)
{
    ag_dataset_checked_out done = {0};
    checkout *c = ag_calloc(1, sizeof(*c));
    if (!c) return ag_fail_memory(err, sizeof(*c));
    *c = (checkout){.place = place, .version = version, .directory = directory, .out = &done};
    ag_progress_total(place->progress, (uint64_t)version->files);
    int rc = ag_dir_make(directory, err);
    if (rc >= 0) rc = ag_pool_new(0, &c->pool, err);
    ag_progress_stage(place->progress, "looking");
    if (rc >= 0) rc = each_file(c, look_first, err);
    ag_progress_stage(place->progress, "checking out"); /* which may find that all is there */
    if (rc >= 0) rc = each_file(c, write_file, err);
    ag_pool_free(c->pool);
    ag_free(c);
    if (rc >= 0 && out) *out = done;
    return rc;
}
