// SPDX-License-Identifier: Apache-2.0
/* folder.c: see folder.h. Files are read one after the other, and again when they are copied: data that change
 * meanwhile are found by their hash later, not here. */
#include "learn/folder.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/buf.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/stream.h"

typedef struct walk {
    const char *root;
    ag_cancel *cancel;
    ag_arena *arena;
    ag_vec *files;
    const char *to; /* of a copy */
} walk;

/* ---- what it holds ---- */

static int note_file(walk *w, const char *path, const char *name, ag_err *err)
{
    ag_folder_file file = {.path = ag_arena_strdup(w->arena, name)};
    int rc = ag_cancel_check(w->cancel, err);
    if (rc < 0) return rc;
    if (!path || !file.path) return ag_fail_memory(err, strlen(name));
    rc = ag_sha256_of_file(path, &file.digest, &file.size, err);
    return rc < 0 ? rc : ag_vec_push(w->files, &file, err);
}

static int visit(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    walk *w = context;
    (void)info;
    return note_file(w, ag_path_join(w->arena, w->root, relative), relative, err);
}

static int digest_of(const ag_vec *files, bool single, ag_sha256 *out, ag_err *err)
{
    char hex[65];
    ag_buf list;
    ag_buf_init(&list, (size_t)1 << 30);
    if (single) return *out = ((const ag_folder_file *)ag_vec_at(files, 0))->digest, 0;
    for (size_t i = 0; i < files->count; i++) {
        const ag_folder_file *file = ag_vec_at(files, i);
        ag_sha256_format(&file->digest, hex);
        ag_buf_addf(&list, "%s  %s\n", hex, file->path);
    }
    int rc = ag_buf_check(&list, "the list of files", err);
    if (rc >= 0) rc = ag_sha256_of(list.data, list.size, out, err);
    ag_buf_deinit(&list);
    return rc;
}

int ag_folder_read(const char *path, ag_cancel *cancel, ag_arena *arena, ag_vec *files, ag_sha256 *digest, ag_err *err)
{
    ag_file_info info;
    ag_vec own;
    walk w = {.root = path, .cancel = cancel, .arena = arena, .files = files ? files : &own};
    ag_vec_init(&own, sizeof(ag_folder_file));
    int rc = ag_file_stat(path, &info, err);
    if (rc >= 0 && info.is_directory) {
        rc = ag_dir_walk(path, visit, &w, err);
    } else if (rc >= 0) {
        ag_str name = ag_path_name(ag_str_of(path));
        const char *copy = ag_arena_strndup(arena, name.data, name.size);
        rc = copy ? note_file(&w, path, copy, err) : ag_fail_memory(err, name.size);
    }
    if (rc >= 0 && w.files->count == 0) rc = ag_fail(err, AG_ENOTFOUND, "there is no file in %s", path);
    if (rc >= 0 && digest) rc = digest_of(w.files, !info.is_directory, digest, err);
    ag_vec_deinit(&own);
    return rc < 0 ? rc : 0;
}

/* ---- a copy ---- */

static int copy_file(const char *from, const char *to, ag_err *err)
{
    ag_reader *reader = NULL;
    ag_writer *writer = NULL;
    int rc = ag_reader_of_file(from, &reader, err);
    if (rc >= 0) rc = ag_writer_to_file(to, &writer, err);
    if (rc >= 0) rc = ag_copy(reader, writer, NULL, err);
    if (rc >= 0) rc = ag_finish(writer, err);
    ag_reader_close(reader);
    ag_writer_close(writer);
    if (rc >= 0 && chmod(to, 0444) < 0) rc = ag_fail_errno(err, errno, "cannot protect %s", to);
    return rc;
}

static int copy_one(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    walk *w = context;
    (void)info;
    int rc = ag_cancel_check(w->cancel, err);
    if (rc < 0) return rc;
    const char *from = ag_path_join(w->arena, w->root, relative), *to = ag_path_join(w->arena, w->to, relative);
    if (!from || !to) return ag_fail_memory(err, strlen(relative));
    ag_str parent = ag_path_parent(ag_str_of(to));
    const char *directory = ag_arena_strndup(w->arena, parent.data, parent.size);
    rc = directory ? ag_dir_make(directory, err) : ag_fail_memory(err, parent.size);
    return rc < 0 ? rc : copy_file(from, to, err);
}

int ag_folder_copy(const char *from, const char *to, ag_cancel *cancel, ag_err *err)
{
    ag_file_info info;
    walk w = {.root = from, .to = to, .cancel = cancel, .arena = ag_arena_new(0)};
    if (!w.arena) return ag_fail_memory(err, 64);
    int rc = ag_file_stat(from, &info, err);
    if (rc >= 0) rc = ag_dir_make(to, err);
    if (rc >= 0 && info.is_directory) {
        rc = ag_dir_walk(from, copy_one, &w, err);
    } else if (rc >= 0) {
        ag_str name = ag_path_name(ag_str_of(from));
        const char *copy = ag_arena_strndup(w.arena, name.data, name.size);
        const char *target = copy ? ag_path_join(w.arena, to, copy) : NULL;
        rc = target ? copy_file(from, target, err) : ag_fail_memory(err, name.size);
    }
    ag_arena_free(w.arena);
    return rc < 0 ? rc : 0;
}
