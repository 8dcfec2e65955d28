// SPDX-License-Identifier: Apache-2.0
/* replace.c: atomic replace. The bytes go to a temporary file beside the target, are synced, and take the target's name
 * in one rename; then the directory is synced.
 * Invariants: until the rename the target is untouched; whoever opens it sees the old bytes or the new, never a
 * mixture. The directory is opened at the start, and every step names files relative to it, so that a directory that is
 * renamed or swapped for a link meanwhile does not lead the bytes elsewhere. An existing file passes its permissions
 * on. A symbolic link as the target is itself replaced, not what it points to; but what is no file (a device, a pipe, a
 * socket, or a link to one: /dev/stdout) is refused, since a rename over it would take it away from everybody. A killed
 * process leaves a temporary file with a name that ag_file_is_temporary() knows; not an unnamed file (O_TMPFILE),
 * because linkat() cannot replace an existing name. Threads: one ag_replace belongs to one. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/hash/encode.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/io/syscall.h"

#define PREFIX ".auger-"
#define SUFFIX ".tmp"
#define RANDOM_BYTES 8
#define NAME_SIZE (sizeof(PREFIX) - 1 + RANDOM_BYTES * 2 + sizeof(SUFFIX))

struct ag_replace {
    char *path;       /* as the caller gave it, for messages */
    const char *name; /* the last part of `path` */
    int directory;
    int fd;
    bool made; /* the temporary file exists under `temporary` */
    char temporary[NAME_SIZE];
};

bool ag_file_is_temporary(const char *name)
{
    ag_str text = ag_path_name(ag_str_of(name));
    if (text.size != NAME_SIZE - 1 || !ag_str_starts(text, AG_STR(PREFIX)) || !ag_str_ends(text, AG_STR(SUFFIX)))
        return false;
    return strspn(text.data + sizeof(PREFIX) - 1, "0123456789abcdef") == (size_t)RANDOM_BYTES * 2;
}

static int open_directory(ag_replace *replace, ag_err *err)
{
    ag_str parent = ag_path_parent(ag_str_of(replace->path));
    char *text = ag_strndup(parent.data, parent.size);
    if (!text) return ag_fail_memory(err, parent.size + 1);
    replace->directory = ag_sys_open(AT_FDCWD, text, O_RDONLY | O_DIRECTORY, 0);
    int rc = AG_OK;
    if (replace->directory < 0)
        rc = ag_fail_errno(err, errno, "cannot write '%s': its directory '%s' cannot be opened", replace->path, text);
    ag_free(text);
    return rc;
}

static int make_temporary(ag_replace *replace, ag_err *err)
{
    uint8_t random[RANDOM_BYTES];
    char hex[RANDOM_BYTES * 2 + 1];
    for (int attempt = 0; attempt < 8; attempt++) {
        int rc = ag_random_bytes(random, sizeof(random), err);
        if (rc < 0) return rc;
        ag_hex(random, sizeof(random), hex);
        snprintf(replace->temporary, sizeof(replace->temporary), PREFIX "%s" SUFFIX, hex);
        replace->fd = ag_sys_open(replace->directory, replace->temporary, O_WRONLY | O_CREAT | O_EXCL, 0666);
        if (replace->fd >= 0) {
            replace->made = true;
            return AG_OK;
        }
        if (errno != EEXIST) break;
    }
    return ag_fail_errno(err, errno, "cannot write '%s': no file can be made in its directory", replace->path);
}

/* The name may be free, a file, or a link to a file or to nothing. */
static int check_target(const ag_replace *replace, ag_err *err)
{
    struct stat old;
    if (fstatat(replace->directory, replace->name, &old, 0) < 0 || S_ISREG(old.st_mode) || S_ISDIR(old.st_mode))
        return AG_OK;
    ag_fail(err, AG_EINVAL, "cannot write '%s': it is a device or a pipe, which a file would replace", replace->path);
    return ag_err_hint(err, "name a file");
}

/* The permissions of the file that will be replaced, when there is one. */
static int copy_mode(ag_replace *replace, ag_err *err)
{
    struct stat old;
    if (fstatat(replace->directory, replace->name, &old, AT_SYMLINK_NOFOLLOW) < 0 || S_ISLNK(old.st_mode)) return AG_OK;
    if (S_ISDIR(old.st_mode)) return ag_fail(err, AG_EINVAL, "cannot write '%s': it is a directory", replace->path);
    if (ag_sys_fault() || fchmod(replace->fd, old.st_mode & 0777) < 0)
        return ag_fail_errno(err, errno, "cannot give '%s' its permissions", replace->path);
    return AG_OK;
}

int ag_replace_open(const char *path, ag_replace **out, ag_err *err)
{
    int rc;
    ag_replace *replace = ag_calloc(1, sizeof(*replace));
    if (!replace) return ag_fail_memory(err, sizeof(*replace));
    replace->directory = replace->fd = -1;
    if (!(replace->path = ag_strdup(path))) {
        rc = ag_fail_memory(err, strlen(path) + 1);
        goto out;
    }
    replace->name = ag_path_name(ag_str_of(replace->path)).data;
    if (!*replace->name || !strcmp(replace->name, ".") || !strcmp(replace->name, "..")) {
        rc = ag_fail(err, AG_EINVAL, "cannot write '%s': it does not name a file", path);
        goto out;
    }
    if ((rc = open_directory(replace, err)) < 0) goto out;
    if ((rc = check_target(replace, err)) < 0) goto out;
    if ((rc = make_temporary(replace, err)) < 0) goto out;
    if ((rc = copy_mode(replace, err)) < 0) goto out;
    *out = replace;
    replace = NULL;
out:
    ag_replace_free(replace);
    return rc;
}

int ag_replace_check(const char *path, ag_err *err)
{
    ag_replace *replace = NULL;
    int rc = ag_replace_open(path, &replace, err);
    ag_replace_free(replace);
    return rc;
}

int ag_replace_write(ag_replace *replace, const void *bytes, size_t size, ag_err *err)
{
    if (replace->fd < 0) return ag_fail(err, AG_ECONFLICT, "'%s' has already been committed", replace->path);
    if (size == 0) return AG_OK;
    if (ag_sys_write(replace->fd, bytes, size) < 0)
        return ag_fail_errno(err, errno, "cannot write '%s'", replace->path);
    return AG_OK;
}

int ag_replace_write_at(ag_replace *replace, uint64_t offset, const void *bytes, size_t size, ag_err *err)
{
    if (replace->fd < 0) return ag_fail(err, AG_ECONFLICT, "'%s' has already been committed", replace->path);
    if (ag_sys_fault() || lseek(replace->fd, (off_t)offset, SEEK_SET) < 0 ||
        ag_sys_write(replace->fd, bytes, size) < 0 || lseek(replace->fd, 0, SEEK_END) < 0)
        return ag_fail_errno(err, errno, "cannot write '%s'", replace->path);
    return AG_OK;
}

int ag_replace_commit(ag_replace *replace, ag_err *err)
{
    if (replace->fd < 0) return ag_fail(err, AG_ECONFLICT, "'%s' has already been committed", replace->path);
    int rc = AG_OK;
    if (ag_sys_sync(replace->fd) < 0) rc = ag_fail_errno(err, errno, "cannot write '%s' to the disk", replace->path);
    /* Network file systems and quotas report some failures of writing only here. */
    int fd = replace->fd;
    replace->fd = -1;
    int closed = close(fd);
    if (rc < 0) return rc;
    if (ag_sys_fault() || (closed < 0 && errno != EINTR))
        return ag_fail_errno(err, errno, "cannot write '%s'", replace->path);
    if (ag_sys_fault() || renameat(replace->directory, replace->temporary, replace->directory, replace->name) < 0)
        return ag_fail_errno(err, errno, "cannot replace '%s'", replace->path);
    replace->made = false;
    if (ag_sys_sync_dir(replace->directory) < 0)
        return ag_fail_errno(err, errno, "'%s' is written, but may not survive a power failure", replace->path);
    return AG_OK;
}

void ag_replace_free(ag_replace *replace)
{
    if (!replace) return;
    ag_sys_close(replace->fd);
    if (replace->made) unlinkat(replace->directory, replace->temporary, 0);
    ag_sys_close(replace->directory);
    ag_free(replace->path);
    ag_free(replace);
}

int ag_file_replace(const char *path, const void *bytes, size_t size, ag_err *err)
{
    ag_replace *replace = NULL;
    int rc = ag_replace_open(path, &replace, err);
    if (rc >= 0) rc = ag_replace_write(replace, bytes, size, err);
    if (rc >= 0) rc = ag_replace_commit(replace, err);
    ag_replace_free(replace);
    return rc;
}
