// SPDX-License-Identifier: Apache-2.0
/* checkout.c: a version as files again. First everything that is in the way is looked at, so that a refusal leaves the
 * directory as it was; then each file comes whole under its name or not at all, so that a call that was cut short is
 * simply made again. Paths were checked by the manifest's reader, and no link below the directory may lead out of it.
 * Threads: one. */
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/dataset/dataset.h"

typedef struct checkout {
    const ag_dataset_place *place;
    const ag_dataset_version *version;
    const char *directory;
    ag_arena *arena; /* of one file */
    ag_dataset_checked_out *out;
} checkout;

/* 1: the very bytes are there; 0: nothing is. */
static int look(const checkout *c, const ag_dataset_file *file, char **path, ag_err *err)
{
    ag_file_info info;
    ag_sha256 digest;
    ag_err why = {0};
    int rc = ag_path_under(c->arena, c->directory, ag_str_of(file->path), path, err);
    if (rc < 0) return rc;
    rc = ag_file_stat(*path, &info, &why);
    if (rc == AG_ENOTFOUND) return 0;
    if (rc >= 0 && info.is_regular && info.size == file->bytes) {
        if ((rc = ag_sha256_of_file(*path, &digest, NULL, err)) < 0) return rc;
        if (ag_sha256_equal(&digest, &file->sha256)) return 1;
    }
    if (rc < 0) {
        if (err) *err = why;
        return rc;
    }
    ag_fail(err, AG_EEXISTS, "'%s' is there and is not what the version has", *path);
    return ag_err_hint(err, "nothing was written; check out into an empty directory, or move the file away");
}

static int look_first(checkout *c, const ag_dataset_file *file, ag_err *err)
{
    char *path;
    int rc = look(c, file, &path, err);
    return rc < 0 ? rc : AG_OK;
}

static int make_parent(const checkout *c, const char *path, ag_err *err)
{
    ag_str parent = ag_path_parent(ag_str_of(path));
    char *folder = ag_arena_strndup(c->arena, parent.data, parent.size);
    return folder ? ag_dir_make(folder, err) : ag_fail_memory(err, parent.size);
}

static int write_file(checkout *c, const ag_dataset_file *file, ag_err *err)
{
    char *path;
    ag_reader *source = NULL;
    ag_writer *target = NULL;
    int rc = look(c, file, &path, err);
    if (rc > 0) c->out->kept++;
    if (rc == 0) {
        rc = make_parent(c, path, err);
        if (rc >= 0) rc = ag_blob_get(c->place->blobs, &file->sha256, &source, err);
        if (rc >= 0) rc = ag_writer_to_file(path, &target, err);
        if (rc >= 0) rc = ag_copy(source, target, NULL, err);
        if (rc >= 0) rc = ag_finish(target, err);
        if (rc < 0) ag_err_prefix(err, "'%s'", file->path);
        ag_writer_close(target);
        ag_reader_close(source);
        if (rc >= 0) {
            c->out->written++;
            c->out->bytes += file->bytes;
        }
    }
    ag_progress_add(c->place->progress, 1, file->bytes);
    return rc < 0 ? rc : AG_OK;
}

static int each_file(checkout *c, int (*visit)(checkout *, const ag_dataset_file *, ag_err *), ag_err *err)
{
    ag_manifest *manifest = NULL;
    ag_manifest_entry entry;
    int rc = ag_dataset_open(c->place, c->version, &manifest, err);
    while (rc >= 0 && (rc = ag_manifest_next(manifest, &entry, err)) > 0 && entry.kind == AG_MANIFEST_FILE) {
        ag_arena_reset(c->arena);
        rc = ag_cancel_check(c->place->cancel, err);
        if (rc >= 0) rc = visit(c, &entry.file, err);
        if (rc < 0) break;
    }
    ag_manifest_close(manifest);
    return rc < 0 ? rc : AG_OK;
}

int ag_dataset_checkout(const ag_dataset_place *place, const ag_dataset_version *version, const char *directory,
                        ag_dataset_checked_out *out, ag_err *err)
{
    ag_dataset_checked_out done = {0};
    checkout c = {.place = place, .version = version, .directory = directory, .arena = ag_arena_new(0), .out = &done};
    if (!c.arena) return ag_fail_memory(err, 4096);
    ag_progress_total(place->progress, (uint64_t)version->files);
    int rc = ag_dir_make(directory, err);
    ag_progress_stage(place->progress, "looking");
    if (rc >= 0) rc = each_file(&c, look_first, err);
    ag_progress_stage(place->progress, "writing");
    if (rc >= 0) rc = each_file(&c, write_file, err);
    ag_arena_free(c.arena);
    if (rc >= 0 && out) *out = done;
    return rc;
}
