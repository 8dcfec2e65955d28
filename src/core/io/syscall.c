// SPDX-License-Identifier: Apache-2.0
/* syscall.c: see the header. A failed fsync is never tried again: the kernel may have dropped the dirty pages with the
 * first report, so that the second call would succeed for data that is gone. close() is not repeated after EINTR: on
 * Linux the descriptor is free already, and a repeated call could close somebody else's. Threads: any. */
#include "core/io/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "core/base/fault.h"

/* Linux moves at most about 2 GiB in one call and reports a short count; asking for less makes it the same anywhere. */
#define MAX_PIECE ((size_t)1 << 30)

bool ag_sys_fault(void)
{
    if (!ag_fault(AG_FAULT_FILE)) return false;
    errno = EIO;
    return true;
}

int ag_sys_open(int directory, const char *path, int flags, mode_t mode)
{
    if (ag_sys_fault()) return -1;
    int fd;
    do fd = openat(directory, path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

/* True when the call is worth repeating: a signal came in between, or a non-blocking descriptor has become ready. */
static bool try_again(int fd, short events)
{
    if (errno == EINTR) return true;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
    struct pollfd wait = {.fd = fd, .events = events};
    return poll(&wait, 1, -1) >= 0 || errno == EINTR;
}

ptrdiff_t ag_sys_read(int fd, void *into, size_t size)
{
    if (ag_sys_fault()) return -1;
    if (size > MAX_PIECE) size = MAX_PIECE;
    ssize_t count;
    do count = read(fd, into, size);
    while (count < 0 && try_again(fd, POLLIN));
    return count;
}

int ag_sys_write(int fd, const void *bytes, size_t size)
{
    if (ag_sys_fault()) return -1;
    const char *at = bytes;
    while (size > 0) {
        ssize_t count = write(fd, at, size < MAX_PIECE ? size : MAX_PIECE);
        if (count < 0) {
            if (try_again(fd, POLLOUT)) continue;
            return -1;
        }
        if (count == 0) { /* not for files on Linux; an endless loop would be the worse answer */
            errno = EIO;
            return -1;
        }
        at += count;
        size -= (size_t)count;
    }
    return 0;
}

int ag_sys_sync(int fd)
{
    return ag_sys_fault() ? -1 : fsync(fd);
}

int ag_sys_sync_dir(int fd)
{
    if (ag_sys_fault()) return -1;
    if (fsync(fd) == 0) return 0;
    return errno == EINVAL || errno == ENOTSUP ? 0 : -1;
}

int ag_sys_stat(int fd, struct stat *out)
{
    return ag_sys_fault() ? -1 : fstat(fd, out);
}

void ag_sys_close(int fd)
{
    int saved = errno;
    if (fd >= 0) close(fd);
    errno = saved;
}
