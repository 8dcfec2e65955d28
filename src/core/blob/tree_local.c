// SPDX-License-Identifier: Apache-2.0
/* tree_local.c: an artifact tree in a directory. Every path goes through ag_path_under(), so that a symbolic link
 * inside the tree cannot lead out of it; one that does is as if it were not there in a listing and refused by name
 * elsewhere. Files appear by atomic replace. A reader holds the file open: a replacement meanwhile does not reach it.
 * Threads and processes: any; nothing is kept in memory. */
#include <string.h>

#include "core/base/mem.h"
#include "core/blob/tree.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/uri.h"

typedef struct tree_local {
    char *root;
    ag_cancel *cancel;
} tree_local;

static int root_of(const char *address, char **out, ag_err *err)
{
    static const char *const schemes[] = {"file", NULL};
    ag_uri uri;
    if (!strstr(address, "://")) {
        if (!address[0]) return ag_fail(err, AG_EINVAL, "the artifact store needs a directory");
        *out = ag_strdup(address);
        return *out ? 0 : ag_fail_memory(err, strlen(address));
    }
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    int rc = ag_uri_parse(arena, ag_str_of(address), schemes, &uri, err);
    if (rc >= 0 && (uri.host.size || uri.path.size == 0))
        rc = ag_fail(err, AG_EINVAL, "'%s' names another machine or no directory", address);
    if (rc >= 0 && !(*out = ag_strndup(uri.path.data, uri.path.size))) rc = ag_fail_memory(err, uri.path.size);
    ag_arena_free(arena);
    return rc;
}

static int open_local(void *state, const char *address, ag_cancel *cancel, ag_err *err)
{
    tree_local *self = state;
    self->cancel = cancel;
    int rc = root_of(address, &self->root, err);
    return rc < 0 ? rc : ag_dir_make(self->root, err);
}

static void close_local(void *state)
{
    tree_local *self = state;
    ag_free(self->root);
    self->root = NULL;
}

/* The place of `path` in the file system; *arena is the caller's to free, also after a failure. */
static int place(const tree_local *self, const char *path, ag_arena **arena, char **out, ag_err *err)
{
    if (!(*arena = ag_arena_new(0))) return ag_fail_memory(err, 64);
    if (path[0]) return ag_path_under(*arena, self->root, ag_str_of(path), out, err);
    return (*out = ag_arena_strdup(*arena, self->root)) ? 0 : ag_fail_memory(err, 64);
}

typedef struct watched { /* a reader that a cancellation stops */
    ag_reader base;
    ag_reader *from;
    ag_cancel *cancel;
} watched;

static ptrdiff_t watched_read(ag_reader *base, void *into, size_t size, ag_err *err)
{
    watched *self = (watched *)base;
    int rc = ag_cancel_check(self->cancel, err);
    return rc < 0 ? rc : ag_read(self->from, into, size, err);
}

static int put_local(void *state, const char *path, ag_reader *content, uint64_t *size, ag_err *err)
{
    tree_local *self = state;
    ag_arena *arena = NULL;
    ag_writer *writer = NULL;
    watched source = {{watched_read, NULL}, content, self->cancel};
    char *full = NULL;
    int rc = place(self, path, &arena, &full, err);
    if (rc < 0) goto out;
    ag_str parent = ag_path_parent(ag_str_of(full));
    char *folder = ag_arena_strndup(arena, parent.data, parent.size);
    if (!folder) {
        rc = ag_fail_memory(err, parent.size);
        goto out;
    }
    if ((rc = ag_dir_make(folder, err)) < 0) goto out;
    if ((rc = ag_writer_to_file(full, &writer, err)) < 0) goto out;
    if ((rc = ag_copy(&source.base, writer, size, err)) < 0) goto out;
    rc = ag_finish(writer, err);
out:
    ag_writer_close(writer);
    ag_arena_free(arena);
    return rc;
}

static int find_file(const char *full, const char *path, uint64_t *size, ag_err *err)
{
    ag_file_info info;
    int rc = ag_file_stat(full, &info, err);
    if (rc < 0) return rc;
    *size = info.size;
    return info.is_regular ? 0 : ag_fail(err, AG_EINVAL, "'%s' is no file", path);
}

static int get_local(void *state, const char *path, uint64_t offset, uint64_t size, ag_reader **out, ag_err *err)
{
    ag_arena *arena = NULL;
    char *full = NULL;
    uint64_t whole = 0;
    int rc = place(state, path, &arena, &full, err);
    if (rc >= 0) rc = find_file(full, path, &whole, err);
    if (offset > whole) offset = whole;
    if (size > whole - offset) size = whole - offset;
    if (rc >= 0 && offset == 0 && size == whole)
        rc = ag_reader_of_file(full, out, err);
    else if (rc >= 0)
        rc = ag_reader_of_range(full, offset, size, out, err);
    ag_arena_free(arena);
    return rc;
}

static int list_one(const tree_local *self, const char *path, const char *name, ag_arena *arena, ag_vec *entries,
                    ag_err *err)
{
    ag_file_info info;
    ag_arena *scratch = NULL;
    char *full = NULL;
    ag_tree_entry entry = {0};
    char *relative = path[0] ? ag_path_join(arena, path, name) : ag_arena_strdup(arena, name);
    if (!relative) return ag_fail_memory(err, strlen(name));
    int rc = place(self, relative, &scratch, &full, err);
    if (rc >= 0) rc = ag_file_stat(full, &info, err);
    ag_arena_free(scratch);
    /* gone meanwhile, a link to outside, a name that no path may have: not there for us */
    if (rc == AG_ENOTFOUND || rc == AG_EDENIED) return 0;
    if (rc < 0 || (!info.is_regular && !info.is_directory)) return rc < 0 ? rc : 0;
    entry = (ag_tree_entry){ag_arena_strdup(arena, name), info.is_directory ? 0 : info.size, info.modified,
                            info.is_directory};
    return entry.name ? ag_vec_push(entries, &entry, err) : ag_fail_memory(err, strlen(name));
}

static int list_local(void *state, const char *path, ag_arena *arena, ag_vec *entries, ag_err *err)
{
    ag_arena *scratch = NULL;
    ag_file_info info;
    char *full = NULL;
    ag_vec names;
    ag_vec_init(&names, sizeof(char *));
    int rc = place(state, path, &scratch, &full, err);
    if (rc >= 0) rc = ag_file_stat(full, &info, err);
    if (rc >= 0 && !info.is_directory) rc = ag_fail(err, AG_EINVAL, "'%s' is a file, no directory", path);
    if (rc >= 0) rc = ag_dir_list(full, scratch, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char **)ag_vec_at(&names, i);
        if (!ag_file_is_temporary(name)) rc = list_one(state, path, name, arena, entries, err);
    }
    ag_vec_deinit(&names);
    ag_arena_free(scratch);
    return rc;
}

static int stat_local(void *state, const char *path, ag_tree_entry *out, ag_err *err)
{
    ag_arena *arena = NULL;
    ag_file_info info;
    char *full = NULL;
    int rc = place(state, path, &arena, &full, err);
    if (rc >= 0) rc = ag_file_stat(full, &info, err);
    if (rc >= 0) *out = (ag_tree_entry){NULL, info.is_directory ? 0 : info.size, info.modified, info.is_directory};
    ag_arena_free(arena);
    return rc;
}

static int remove_local(void *state, const char *path, ag_err *err)
{
    ag_arena *arena = NULL;
    char *full = NULL;
    uint64_t size;
    int rc = place(state, path, &arena, &full, err);
    if (rc >= 0) rc = find_file(full, path, &size, err);
    if (rc >= 0) rc = ag_file_remove(full, err);
    ag_arena_free(arena);
    return rc;
}

static int remove_all_local(void *state, const char *path, ag_err *err)
{
    ag_arena *arena = NULL;
    char *full = NULL;
    int rc = place(state, path, &arena, &full, err);
    if (rc >= 0) rc = ag_dir_remove(full, err);
    ag_arena_free(arena);
    return rc;
}

typedef struct local_sweep {
    const tree_local *self;
    int64_t before;
    uint64_t *count;
} local_sweep;

static int sweep_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    local_sweep *sweep = context;
    if (!ag_file_is_temporary(relative) || info->modified > sweep->before) return 0;
    ag_arena *arena = ag_arena_new(0);
    char *full = arena ? ag_path_join(arena, sweep->self->root, relative) : NULL;
    int rc = full ? ag_file_remove(full, err) : ag_fail_memory(err, 64);
    ag_arena_free(arena);
    if (rc >= 0) ++*sweep->count;
    return rc == AG_ENOTFOUND ? 0 : rc;
}

static int sweep_local(void *state, int64_t before, uint64_t *count, ag_err *err)
{
    tree_local *self = state;
    local_sweep sweep = {self, before, count};
    return ag_dir_walk(self->root, sweep_file, &sweep, err);
}

const ag_tree_backend ag_tree_backend_local = {
    .scheme = "file",
    .state_size = sizeof(tree_local),
    .open = open_local,
    .close = close_local,
    .put = put_local,
    .get = get_local,
    .list = list_local,
    .stat = stat_local,
    .remove = remove_local,
    .remove_all = remove_all_local,
    .sweep = sweep_local,
};
