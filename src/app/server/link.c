// SPDX-License-Identifier: Apache-2.0
/* link.c: non-blocking reads and writes of a socket, with or without TLS. Try first, then wait: TLS may hold bytes that
 * poll() knows nothing of. Each call asks the fault injector as a network call. */
#include "app/server/link.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/sys/clock.h"

ptrdiff_t ag_link_read(ag_link *link, void *into, size_t size)
{
    if (ag_fault(AG_FAULT_NET)) return AG_EIO;
    if (link->tls) return ag_tls_read(link->tls, into, size, &link->wants);
    for (;;) {
        ssize_t got = recv(link->fd, into, size, 0);
        if (got >= 0) return got;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return AG_EIO;
        link->wants = POLLIN;
        return AG_LINK_AGAIN;
    }
}

ptrdiff_t ag_link_write(ag_link *link, ag_link_piece first, ag_link_piece second)
{
    if (ag_fault(AG_FAULT_NET)) return AG_EIO;
    if (link->tls) {
        if (!first.size) first = second;
        return ag_tls_write(link->tls, first.data, first.size, &link->wants);
    }
    struct iovec pieces[2] = {{(void *)(uintptr_t)first.data, first.size},
                              {(void *)(uintptr_t)second.data, second.size}};
    struct msghdr message = {.msg_iov = pieces + (first.size ? 0 : 1), .msg_iovlen = 1 + (first.size && second.size)};
    for (;;) {
        ssize_t put = sendmsg(link->fd, &message, MSG_NOSIGNAL);
        if (put >= 0) return put;
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) return AG_EIO;
        link->wants = POLLOUT;
        return AG_LINK_AGAIN;
    }
}

int ag_link_wait(const ag_link *link, int64_t until)
{
    struct pollfd one = {.fd = link->fd, .events = link->wants ? link->wants : POLLIN};
    for (;;) {
        int64_t left = until - ag_monotonic();
        if (left <= 0) return 0;
        int64_t milliseconds = left > 60 * AG_SECOND ? 60000 : (left + 999) / 1000;
        int ready = poll(&one, 1, (int)milliseconds);
        if (ready > 0) return 1;
        if (ready < 0 && errno != EINTR) return AG_EIO;
    }
}

int64_t ag_patience_end(const ag_patience *patience, int64_t began, uint64_t bytes)
{
    uint64_t seconds = patience->slowest ? bytes / patience->slowest : 0;
    if (seconds > 1000000) seconds = 1000000;
    return began + patience->stall + (int64_t)seconds * AG_SECOND;
}

int ag_link_write_all(ag_link *link, ag_link_piece first, ag_link_piece second, const ag_patience *patience,
                      ag_err *err)
{
    int64_t began = 0, moved = 0; /* the clock is read only when the first try does not take all */
    uint64_t done = 0;
    while (first.size || second.size) {
        ptrdiff_t put = ag_link_write(link, first, second);
        if (put == AG_LINK_AGAIN) {
            int64_t now = ag_monotonic();
            if (!began) began = moved = now;
            int64_t until = ag_patience_end(patience, began, done);
            if (moved + patience->stall < until) until = moved + patience->stall;
            int ready = ag_link_wait(link, until);
            if (ready == 0) return ag_fail(err, AG_ETIMEOUT, "the client takes the answer too slowly");
            if (ready < 0) return ag_fail(err, AG_EIO, "the connection cannot be waited for");
            moved = ag_monotonic();
            continue;
        }
        if (put < 0) return ag_fail(err, AG_EIO, "the client has gone away");
        done += (uint64_t)put;
        size_t of_first = (size_t)put < first.size ? (size_t)put : first.size;
        first = (ag_link_piece){(const char *)first.data + of_first, first.size - of_first};
        size_t of_second = (size_t)put - of_first;
        if (of_second) second = (ag_link_piece){(const char *)second.data + of_second, second.size - of_second};
    }
    return AG_OK;
}

void ag_link_close(ag_link *link)
{
    ag_tls_close(link->tls);
    link->tls = NULL;
    if (link->fd >= 0) close(link->fd);
    link->fd = -1;
}
