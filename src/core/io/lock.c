// SPDX-License-Identifier: Apache-2.0
/* lock.c: advisory locks between processes, and between two holders in one process. flock() because it belongs to the
 * open file: POSIX record locks are lost when any part of the process closes the same file. There is no flock() with a
 * time limit, so waiting polls, slower and slower. The file is never removed on release: a process that waits on the
 * removed one would hold a lock that nobody else can see; one removed by others is noticed and made again.
 * Threads: any; a lock may be released by another thread than took it. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/syscall.h"
#include "core/sys/clock.h"

#define FIRST_PAUSE 500
#define LONGEST_PAUSE 50000

struct ag_lock {
    int fd;
};

static int try_lock(int fd)
{
    if (ag_sys_fault()) return -1;
    int rc;
    do rc = flock(fd, LOCK_EX | LOCK_NB);
    while (rc < 0 && errno == EINTR);
    return rc;
}

/* True while `path` still names the file that is open as `fd`. */
static bool is_current(int fd, const char *path)
{
    struct stat open_file, named;
    return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

/* 1: locked, 0: held elsewhere (or the file was swapped), < 0: failure. */
static int attempt(ag_lock *lock, const char *path, ag_err *err)
{
    if (lock->fd < 0) lock->fd = ag_sys_open(AT_FDCWD, path, O_RDWR | O_CREAT, 0666);
    if (lock->fd < 0) return ag_fail_errno(err, errno, "cannot open the lock file '%s'", path);
    if (try_lock(lock->fd) < 0) {
        if (errno == EWOULDBLOCK) return 0;
        return ag_fail_errno(err, errno, "cannot lock '%s'", path);
    }
    if (is_current(lock->fd, path)) return 1;
    ag_sys_close(lock->fd);
    lock->fd = -1;
    return 0;
}

int ag_lock_take(const char *path, int64_t wait, ag_lock **out, ag_err *err)
{
    ag_lock *lock = ag_calloc(1, sizeof(*lock));
    if (!lock) return ag_fail_memory(err, sizeof(*lock));
    lock->fd = -1;
    int64_t start = ag_monotonic();
    int64_t pause = FIRST_PAUSE;
    int rc;
    while ((rc = attempt(lock, path, err)) == 0) {
        if (lock->fd < 0) continue; /* the file was swapped: the new one may be free */
        int64_t left = wait - (ag_monotonic() - start);
        if (left <= 0) {
            rc = ag_fail(err, AG_ECONFLICT, "'%s' is locked by another process", path);
            break;
        }
        ag_sleep(pause < left ? pause : left);
        if (pause < LONGEST_PAUSE) pause *= 2;
    }
    if (rc < 0) {
        ag_lock_release(lock);
        return rc;
    }
    *out = lock;
    return AG_OK;
}

int ag_lock_directory(const char *path, ag_lock **out, ag_err *err)
{
    ag_lock *lock = ag_calloc(1, sizeof(*lock));
    int rc = AG_OK;
    if (!lock) return ag_fail_memory(err, sizeof(*lock));
    lock->fd = ag_sys_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0);
    if (lock->fd < 0)
        rc = ag_fail_errno(err, errno, "cannot open the directory '%s'", path);
    else if (try_lock(lock->fd) < 0 && errno == EWOULDBLOCK)
        rc = ag_fail(err, AG_ECONFLICT, "'%s' is in use by another process", path);
    if (rc < 0) {
        ag_lock_release(lock);
        return rc;
    }
    *out = lock;
    return AG_OK;
}

void ag_lock_release(ag_lock *lock)
{
    if (!lock) return;
    ag_sys_close(lock->fd);
    ag_free(lock);
}
