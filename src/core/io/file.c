// SPDX-License-Identifier: Apache-2.0
/* file.c: single files: read whole, map, ask about, remove, rename. Replacing is in replace.c, locks in lock.c,
 * directories in dir.c. Owns nothing. Threads: any.
 * A map does not guard against another process that truncates the file meanwhile (SIGBUS): files that Auger maps are
 * its own, and it replaces them, never shortens them; files that others still write are read as streams. */
#include "core/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/path.h"
#include "core/io/syscall.h"

#define FIRST_PIECE ((size_t)16 << 10)

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How much to ask for at first: a regular file's size and one more, so that the end is seen without growing. */
static size_t first_piece(int fd)
{
    struct stat info;
    if (fstat(fd, &info) < 0 || !S_ISREG(info.st_mode) || info.st_size <= 0) return FIRST_PIECE;
    return (uint64_t)info.st_size < SIZE_MAX / 2 ? (size_t)info.st_size + 1 : FIRST_PIECE;
}

/* Moves the rest of the descriptor into `out`, `max` bytes at most. */
static int read_rest(int fd, const char *path, size_t max, ag_buf *out, ag_err *err)
{
    size_t piece = first_piece(fd);
    size_t total = 0;
    for (;;) {
        char extra;
        size_t want = smaller(smaller(max - total, out->max - out->size), piece);
        char *to = want ? ag_buf_reserve(out, want) : &extra;
        if (!to) return ag_buf_check(out, path, err);
        ptrdiff_t got = ag_sys_read(fd, to, want ? want : 1);
        if (got < 0) return ag_fail_errno(err, errno, "cannot read '%s'", path);
        if (got == 0) return AG_OK;
        if (!want) return ag_fail(err, AG_ELIMIT, "'%s' is larger than %zu bytes", path, total);
        out->size += (size_t)got;
        out->data[out->size] = '\0';
        total += (size_t)got;
        piece = FIRST_PIECE + total / 2;
    }
}

/* 0: it is no link. */
static int fail_as_link(ag_err *err, const char *path)
{
    char to[PATH_MAX];
    ssize_t size = readlink(path, to, sizeof to - 1);
    if (size < 0) return AG_OK;
    to[size] = '\0';
    return ag_fail(err, AG_ENOTFOUND, "'%s' is a link to '%s', which leads nowhere: mend or remove it", path, to);
}

int ag_fail_broken_link(ag_err *err, const char *path)
{
    struct stat info;
    return stat(path, &info) < 0 && errno == ENOENT ? fail_as_link(err, path) : AG_OK;
}

int ag_fail_open(ag_err *err, int error_number, const char *path)
{
    int rc = error_number == ENOENT || error_number == ELOOP ? fail_as_link(err, path) : AG_OK;
    return rc < 0 ? rc : ag_fail_errno(err, error_number, "cannot open '%s'", path);
}

int ag_file_read(const char *path, size_t max, ag_buf *out, ag_err *err)
{
    if (ag_buf_check(out, path, err) < 0) return out->failed;
    size_t before = out->size;
    int fd = ag_sys_open(AT_FDCWD, path, O_RDONLY, 0);
    if (fd < 0) return ag_fail_open(err, errno, path);
    int rc = read_rest(fd, path, max, out, err);
    if (rc < 0 && out->data) {
        out->size = before;
        out->data[before] = '\0';
    }
    ag_sys_close(fd);
    return rc;
}

int ag_map_file(const char *path, ag_mapping *out, ag_err *err)
{
    int rc = AG_OK;
    struct stat info;
    int fd = ag_sys_open(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0); /* a pipe must not make us wait for its writer */
    if (fd < 0) return ag_fail_open(err, errno, path);
    if (ag_sys_stat(fd, &info) < 0) {
        rc = ag_fail_errno(err, errno, "cannot look at '%s'", path);
        goto out;
    }
    if (!S_ISREG(info.st_mode)) {
        rc = ag_fail(err, AG_EINVAL, "'%s' is %s", path,
                     S_ISDIR(info.st_mode) ? "a directory, not a file" : "not a regular file");
        goto out;
    }
    if ((uint64_t)info.st_size > PTRDIFF_MAX) {
        rc = ag_fail(err, AG_ELIMIT, "'%s' is too large to be mapped", path);
        goto out;
    }
    if (info.st_size == 0) {
        *out = (ag_mapping){"", 0};
        goto out;
    }
    void *data = ag_sys_fault() ? MAP_FAILED : mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        rc = ag_fail_errno(err, errno, "cannot map '%s'", path);
        goto out;
    }
    *out = (ag_mapping){data, (size_t)info.st_size};
out:
    ag_sys_close(fd);
    return rc;
}

void ag_unmap_file(ag_mapping *mapping)
{
    if (mapping->size > 0) munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (ag_mapping){NULL, 0};
}

void ag_mapping_passed(const ag_mapping *mapping, size_t from, size_t to)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (to > mapping->size) to = mapping->size;
    from -= from % page; /* its beginning was read with what came before */
    to -= to % page;
    if (from < to) (void)madvise((void *)(uintptr_t)(mapping->data + from), to - from, MADV_DONTNEED); /* only a wish */
}

int ag_file_stat(const char *path, ag_file_info *out, ag_err *err)
{
    struct stat own, target;
    if (ag_sys_fault() || lstat(path, &own) < 0) return ag_fail_errno(err, errno, "cannot look at '%s'", path);
    target = own;
    if (S_ISLNK(own.st_mode) && (ag_sys_fault() || stat(path, &target) < 0))
        return errno == ENOENT ? ag_fail_open(err, errno, path)
                               : ag_fail_errno(err, errno, "cannot look at what '%s' links to", path);
    *out = (ag_file_info){
        .size = (uint64_t)target.st_size,
        .modified = (int64_t)target.st_mtim.tv_sec * 1000000 + target.st_mtim.tv_nsec / 1000,
        .is_directory = S_ISDIR(target.st_mode),
        .is_regular = S_ISREG(target.st_mode),
        .is_link = S_ISLNK(own.st_mode),
    };
    return AG_OK;
}

bool ag_file_exists(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0) return true;
    return errno == EACCES || errno == ELOOP || errno == EIO || errno == ESTALE;
}

int ag_file_remove(const char *path, ag_err *err)
{
    if (ag_sys_fault() || unlink(path) < 0) return ag_fail_errno(err, errno, "cannot remove '%s'", path);
    return AG_OK;
}

/* fsync of the directory that holds `path`. */
static int sync_parent(const char *path, ag_err *err)
{
    ag_str parent = ag_path_parent(ag_str_of(path));
    char *name = ag_strndup(parent.data, parent.size);
    if (!name) return ag_fail_memory(err, parent.size + 1);
    int rc = ag_dir_sync(name, err);
    ag_free(name);
    return rc;
}

int ag_file_rename(const char *from, const char *to, ag_err *err)
{
    if (ag_sys_fault() || rename(from, to) < 0)
        return ag_fail_errno(err, errno, "cannot rename '%s' to '%s'", from, to);
    int rc = sync_parent(to, err);
    return rc < 0 ? rc : sync_parent(from, err);
}

int ag_disk_free(const char *path, uint64_t *out, ag_err *err)
{
    struct statvfs info;
    if (ag_sys_fault() || statvfs(path, &info) < 0)
        return ag_fail_errno(err, errno, "cannot ask for the free space at '%s'", path);
    *out = (uint64_t)info.f_bavail * info.f_frsize;
    return AG_OK;
}
