// SPDX-License-Identifier: Apache-2.0
/* blob_local.c: a content-addressed store in a directory. Pieces are files that appear by an atomic, durable replace;
 * the first two digits of an id are a folder of their own. A crash can leave temporary files only, which the sweep
 * knows by their name. Two processes: whoever relies on a piece touches it under a shared lock on ROOT/lock, whoever
 * removes looks at its age and removes under the exclusive one, so that a piece cannot go between the touch and its
 * use. Each holder opens the lock file anew, which makes it work between threads too. Held for microseconds. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/blob/blob_backend.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/stream.h"
#include "core/io/syscall.h"
#include "core/io/uri.h"

#define FORMAT "auger blob store 1\n"
#define PATH_SIZE 4200

typedef struct local {
    char *root;
    bool read_only;
} local;

static int path_of(const local *self, const char *key, char path[PATH_SIZE], ag_err *err)
{
    if (ag_format(path, PATH_SIZE, "%s/%s", self->root, key)) return 0;
    return ag_fail(err, AG_ELIMIT, "the path of the blob store '%s' is too long", self->root);
}

static int check_format(local *self, ag_err *err)
{
    char path[PATH_SIZE];
    ag_buf text;
    ag_buf_init(&text, 256);
    int rc = path_of(self, "format", path, err);
    if (rc < 0) return rc;
    rc = ag_file_read(path, 256, &text, err);
    if (rc == AG_ENOTFOUND && !self->read_only)
        rc = ag_file_replace(path, FORMAT, strlen(FORMAT), err);
    else if (rc == AG_ENOTFOUND)
        rc = ag_fail(err, AG_ENOTFOUND, "'%s' is no blob store", self->root);
    else if (rc >= 0 && !ag_str_is(ag_buf_str(&text), FORMAT))
        rc = ag_fail(err, AG_EUNSUPPORTED, "'%s' is no blob store of this version", self->root);
    ag_buf_deinit(&text);
    return rc;
}

static int make_folders(local *self, ag_err *err)
{
    static const char *const folders[] = {"objects", "chunks", "packs"};
    char path[PATH_SIZE];
    int rc = 0;
    for (size_t i = 0; i < 3 && rc >= 0; i++) {
        if ((rc = path_of(self, folders[i], path, err)) >= 0) rc = ag_dir_make(path, err);
    }
    return rc;
}

static int root_of(const char *address, char **out, ag_err *err)
{
    static const char *const schemes[] = {"file", NULL};
    if (!strstr(address, "://")) {
        *out = ag_strdup(address);
        return *out ? 0 : ag_fail_memory(err, strlen(address));
    }
    ag_uri uri;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    int rc = ag_uri_parse(arena, ag_str_of(address), schemes, &uri, err);
    if (rc >= 0 && (uri.host.size || uri.path.size == 0))
        rc = ag_fail(err, AG_EINVAL, "'%s' names another machine or no directory", address);
    if (rc >= 0 && !(*out = ag_strndup(uri.path.data, uri.path.size))) rc = ag_fail_memory(err, uri.path.size);
    ag_arena_free(arena);
    return rc;
}

static int local_open(void *state, const char *address, bool read_only, ag_cancel *cancel, ag_err *err)
{
    local *self = state;
    (void)cancel;
    self->read_only = read_only;
    int rc = root_of(address, &self->root, err);
    if (rc < 0) return rc;
    if (!self->root[0]) return ag_fail(err, AG_EINVAL, "the blob store needs a directory");
    if (!read_only && (rc = ag_dir_make(self->root, err)) < 0) return rc;
    if ((rc = check_format(self, err)) < 0 || read_only) return rc;
    return make_folders(self, err);
}

static void local_close(void *state)
{
    local *self = state;
    ag_free(self->root);
    self->root = NULL;
}

static int local_write(void *state, const char *key, ag_str bytes, ag_err *err)
{
    char path[PATH_SIZE];
    int rc = path_of(state, key, path, err);
    if (rc < 0) return rc;
    rc = ag_file_replace(path, bytes.data, bytes.size, err);
    if (rc != AG_ENOTFOUND) return rc;
    char folder[PATH_SIZE];
    ag_str parent = ag_path_parent(ag_str_of(path));
    ag_format(folder, sizeof(folder), "%.*s", AG_STR_ARG(parent));
    if ((rc = ag_dir_make(folder, err)) < 0) return rc;
    return ag_file_replace(path, bytes.data, bytes.size, err);
}

static int local_read(void *state, const char *key, uint64_t offset, uint64_t size, ag_buf *out, ag_err *err)
{
    char path[PATH_SIZE];
    int rc = path_of(state, key, path, err);
    if (rc < 0) return rc;
    if (offset == 0 && size == UINT64_MAX) return ag_file_read(path, out->max - out->size, out, err);
    ag_reader *reader = NULL;
    if ((rc = ag_reader_of_range(path, offset, size, &reader, err)) < 0) return rc;
    rc = ag_read_all(reader, out, err);
    ag_reader_close(reader);
    return rc;
}

static int local_stat(void *state, const char *key, ag_piece_info *out, ag_err *err)
{
    char path[PATH_SIZE];
    ag_file_info info;
    int rc = path_of(state, key, path, err);
    if (rc < 0 || (rc = ag_file_stat(path, &info, err)) < 0) return rc;
    *out = (ag_piece_info){info.size, info.modified};
    return 0;
}

static int take_lock(const local *self, int operation, int *fd, ag_err *err)
{
    char path[PATH_SIZE];
    int rc = path_of(self, "lock", path, err);
    if (rc < 0) return rc;
    *fd = ag_sys_open(AT_FDCWD, path, O_RDWR | O_CREAT, 0666);
    if (*fd < 0) return ag_fail_errno(err, errno, "cannot open '%s'", path);
    while (ag_sys_fault() || flock(*fd, operation) < 0) {
        if (errno == EINTR) continue;
        rc = ag_fail_errno(err, errno, "cannot lock '%s'", path);
        ag_sys_close(*fd);
        return rc;
    }
    return 0;
}

static int local_touch(void *state, const char *key, ag_err *err)
{
    char path[PATH_SIZE];
    int fd, rc = path_of(state, key, path, err);
    if (rc < 0 || (rc = take_lock(state, LOCK_SH, &fd, err)) < 0) return rc;
    if (ag_sys_fault() || utimensat(AT_FDCWD, path, NULL, 0) < 0)
        rc = ag_fail_errno(err, errno, "cannot touch '%s'", path);
    ag_sys_close(fd);
    return rc;
}

static int local_remove(void *state, const char *key, int64_t before, ag_err *err)
{
    char path[PATH_SIZE];
    ag_file_info info;
    int fd, rc = path_of(state, key, path, err);
    if (rc < 0 || (rc = take_lock(state, LOCK_EX, &fd, err)) < 0) return rc;
    rc = ag_file_stat(path, &info, err);
    if (rc >= 0 && info.modified <= before) {
        rc = ag_file_remove(path, err);
        if (rc >= 0) rc = 1;
    }
    ag_sys_close(fd);
    return rc;
}

typedef struct local_walk {
    const char *folder;
    ag_piece_visit_fn visit;
    void *context;
} local_walk;

static int visit_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    local_walk *walk = context;
    char key[PATH_SIZE];
    if (ag_file_is_temporary(relative)) return 0;
    ag_format(key, sizeof(key), "%s/%s", walk->folder, relative);
    ag_piece_info piece = {info->size, info->modified};
    return walk->visit(walk->context, key, &piece, err);
}

static int local_walk_folder(void *state, const char *folder, ag_piece_visit_fn visit, void *context, ag_err *err)
{
    char path[PATH_SIZE];
    local_walk walk = {folder, visit, context};
    int rc = path_of(state, folder, path, err);
    if (rc < 0) return rc;
    rc = ag_dir_walk(path, visit_file, &walk, err);
    return rc == AG_ENOTFOUND ? 0 : rc;
}

typedef struct local_sweep {
    const local *self;
    int64_t before;
    uint64_t *bytes;
} local_sweep;

static int sweep_file(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    local_sweep *sweep = context;
    char path[PATH_SIZE];
    if (!ag_file_is_temporary(relative) || info->modified > sweep->before) return 0;
    int rc = path_of(sweep->self, relative, path, err);
    if (rc < 0) return rc;
    rc = ag_file_remove(path, err);
    if (rc >= 0) *sweep->bytes += info->size;
    return rc == AG_ENOTFOUND ? 0 : rc;
}

static int local_sweep_leftovers(void *state, int64_t before, uint64_t *bytes, ag_err *err)
{
    local *self = state;
    local_sweep sweep = {self, before, bytes};
    return ag_dir_walk(self->root, sweep_file, &sweep, err);
}

const ag_blob_backend ag_blob_backend_local = {
    .scheme = "file",
    .state_size = sizeof(local),
    .open = local_open,
    .close = local_close,
    .write = local_write,
    .read = local_read,
    .stat = local_stat,
    .touch = local_touch,
    .remove = local_remove,
    .walk = local_walk_folder,
    .sweep = local_sweep_leftovers,
};
