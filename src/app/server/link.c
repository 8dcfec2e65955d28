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

enum { SLICE = AG_SECOND / 4 };

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

/* -1: failed; the number of descriptors else. A signal is time that has passed. */
static int poll_for(const ag_link *link, int64_t microseconds)
{
    struct pollfd one = {.fd = link->fd, .events = link->wants ? link->wants : POLLIN};
    int ready = poll(&one, 1, microseconds > 0 ? (int)((microseconds + 999) / 1000) : 0);
    return ready < 0 && errno == EINTR ? 0 : ready;
}

int ag_link_wait(const ag_link *link, int64_t until)
{
    for (;;) {
        int64_t left = until - ag_monotonic();
        int ready = poll_for(link, left < 60 * AG_SECOND ? left : 60 * AG_SECOND);
        if (ready) return ready > 0 ? 1 : AG_EIO;
        if (left <= 0) return 0;
    }
}

/* What `bytes` allow beyond what has been waited. */
static int64_t left_of(const ag_patience *patience, uint64_t bytes)
{
    uint64_t seconds = patience->slowest ? bytes / patience->slowest : 0;
    if (seconds > 1000000) seconds = 1000000;
    return patience->stall + (int64_t)seconds * AG_SECOND - patience->waited;
}

/* In slices: a stop of this process (SIGSTOP, a machine that sleeps) costs its client a slice, however long it was. */
int ag_link_bear(const ag_link *link, ag_patience *patience, uint64_t bytes)
{
    int64_t left = left_of(patience, bytes);
    if (left > patience->stall) left = patience->stall;
    for (;;) {
        int64_t slice = left < SLICE ? left : SLICE, began = ag_monotonic();
        int ready = poll_for(link, slice);
        int64_t took = ag_monotonic() - began;
        if (took > slice && slice >= 0) took = slice;
        if (left > 0) patience->waited += took;
        if (ready) return ready > 0 ? 1 : AG_EIO;
        if (left <= 0) return 0;
        left -= took;
    }
}

int ag_link_write_all(ag_link *link, ag_link_piece first, ag_link_piece second, ag_patience patience, ag_err *err)
{
    uint64_t done = 0;
    while (first.size || second.size) {
        ptrdiff_t put = ag_link_write(link, first, second);
        if (put == AG_LINK_AGAIN) {
            int ready = ag_link_bear(link, &patience, done);
            if (ready == 0) return ag_fail(err, AG_ETIMEOUT, "the client takes the answer too slowly");
            if (ready < 0) return ag_fail(err, AG_EIO, "the connection cannot be waited for");
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
