// SPDX-License-Identifier: Apache-2.0
/* loop.c: who waits for whom.
 * One poller thread accepts, and collects the heads of requests (and small bodies) of all connections without blocking;
 * a connection that has a whole one goes to a worker, which serves it in plain blocking style. So a client that sends
 * slowly or not at all costs a descriptor and a small buffer, never a thread, and handlers may block: 64 of them that
 * wait for one fsync are 64 threads, which is what group commit wants. Workers are started when all are busy, up to a
 * bound, and leave after some idle seconds. A worker that has answered stays with its connection for a moment: a busy
 * client's next request is served without any hand-over. Why not one thread per connection: idle ones would cost
 * stacks. Why not libmicrohttpd: docs/decisions/0005-http-by-hand.md.
 *
 * Invariants: a connection is in the poller's hands or a worker's (`with_worker`, under the lock). Only its holder
 * touches it, except that a stop may shut its socket down (under the lock, under which it is also taken off the list
 * before its descriptor is closed). The event queue reports each connection once per arming (EPOLLONESHOT), so no event
 * can be waiting for a connection that a worker holds. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app/server/head.h"
#include "app/server/peer.h"
#include "app/server/private.h"
#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core/sys/log.h"
#include "core/sys/thread.h"

#define LOOK_EVERY 500      /* milliseconds between looks at the deadlines */
#define AWAY AG_SECOND      /* a look that comes so much later than it should was kept from coming */
#define LINGER (100 * 1000) /* microseconds a worker stays with a connection */
#define WORKER_IDLE 10      /* seconds a worker waits for work before it leaves */
#define WORKER_STACK (2 << 20)
#define FIRST_BUFFER 2048
#define ACCEPT_ROUND 64

/* ---- collecting ---- */

void ag_connection_consume(ag_connection *connection, size_t size)
{
    connection->at += size;
    connection->scanned = connection->head_size = connection->need = 0;
    ag_connection_next(connection);
}

void ag_connection_next(ag_connection *connection)
{
    connection->began = 0;
    if (connection->at == connection->size)
        connection->at = connection->size = 0;
    else
        connection->began = ag_monotonic(); /* it has begun to come */
}

/* Can a worker begin? */
static bool is_ready(const ag_server *server, ag_connection *connection)
{
    if (connection->malformed) return true;
    if (!connection->head_size) {
        if (!connection->scanned)
            connection->at +=
                ag_head_skip((ag_str){connection->data + connection->at, connection->size - connection->at});
        ag_str bytes = {connection->data + connection->at, connection->size - connection->at};
        ptrdiff_t end = bytes.size ? ag_head_end(bytes, &connection->scanned) : 0;
        if (end > 0)
            connection->head_size = (size_t)end;
        else if (end < 0 || bytes.size >= server->options.header_bytes)
            connection->malformed = true;
    }
    if (connection->malformed) return true;
    return connection->head_size && connection->size - connection->at >= connection->need;
}

static bool make_room(ag_connection *connection)
{
    if (connection->size < connection->capacity) return true;
    if (connection->at > 0) {
        connection->size -= connection->at;
        memmove(connection->data, connection->data + connection->at, connection->size);
        connection->at = 0;
        return true;
    }
    size_t wanted =
        connection->capacity ? connection->capacity * 2 : FIRST_BUFFER; /* bounded by header_bytes or need */
    char *grown = ag_realloc_array(connection->data, wanted, 1);
    if (!grown) return false;
    connection->data = grown;
    connection->capacity = wanted;
    return true;
}

ag_gathered ag_connection_gather(const ag_server *server, ag_connection *connection)
{
    for (;;) {
        if (connection->size > connection->at && is_ready(server, connection)) return AG_GATHER_READY;
        if (!make_room(connection)) return AG_GATHER_GONE;
        ptrdiff_t got = ag_link_read(&connection->link, connection->data + connection->size,
                                     connection->capacity - connection->size);
        if (got == AG_LINK_AGAIN) return AG_GATHER_MORE;
        if (got <= 0) return AG_GATHER_GONE;
        if (!connection->began) connection->began = ag_monotonic();
        connection->size += (size_t)got;
    }
}

/* ---- connections ---- */

/* Its holder has done with it. */
static void drop(ag_server *server, ag_connection *connection)
{
    pthread_mutex_lock(&server->lock);
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        server->all = connection->next;
    if (connection->next) connection->next->previous = connection->previous;
    server->connection_count--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
    ag_link_close(&connection->link);
    ag_free(connection->data);
    ag_free(connection);
}

static void set_deadline(const ag_server *server, ag_connection *connection)
{
    const ag_server_options *options = &server->options;
    if (connection->need)
        connection->deadline = connection->began + options->header_time + options->stall_time;
    else if (connection->began)
        connection->deadline = connection->began + options->header_time;
    else
        connection->deadline = ag_monotonic() + options->idle_time;
}

static bool arm(ag_server *server, ag_connection *connection)
{
    short wants = connection->link.wants;
    struct epoll_event event = {.events = EPOLLONESHOT | (wants == POLLOUT ? EPOLLOUT : EPOLLIN),
                                .data.ptr = connection};
    int how = connection->armed ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    connection->armed = true;
    return epoll_ctl(server->epoll, how, connection->link.fd, &event) == 0;
}

/* ---- workers ---- */

static void hand_back(ag_server *server, ag_connection *connection)
{
    if (connection->size == 0) {
        ag_free(connection->data);
        connection->data = NULL;
        connection->capacity = 0;
    }
    pthread_mutex_lock(&server->lock);
    bool first = !server->returned;
    connection->with_worker = false;
    connection->queued = server->returned;
    server->returned = connection;
    pthread_mutex_unlock(&server->lock);
    if (first) ag_loop_wake(server);
}

/* Stays with a connection for a moment. */
static ag_gathered linger(ag_server *server, ag_connection *connection)
{
    ag_gathered state = ag_connection_gather(server, connection);
    if (state != AG_GATHER_MORE) return state;
    pthread_mutex_lock(&server->lock);
    unsigned free_workers = server->options.threads - server->workers + server->idle_workers;
    bool crowded = server->ready_count > 0 && free_workers == 0;
    bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    if (crowded || stopping) return AG_GATHER_MORE;
    int64_t until = ag_monotonic() + (free_workers > server->options.threads / 2 ? LINGER : LINGER / 10);
    while (state == AG_GATHER_MORE && ag_link_wait(&connection->link, until) > 0)
        state = ag_connection_gather(server, connection);
    return state;
}

static void serve(ag_worker *worker, ag_connection *connection)
{
    ag_server *server = worker->server;
    for (;;) {
        ag_after after = ag_exchange(worker, connection);
        ag_gathered state = AG_GATHER_GONE;
        if (after != AG_AFTER_CLOSE) state = linger(server, connection);
        if (state == AG_GATHER_GONE) {
            drop(server, connection);
            return;
        }
        if (state == AG_GATHER_MORE) {
            hand_back(server, connection);
            return;
        }
    }
}

/* Under the lock: the next connection, waiting for one; NULL when this worker is to leave. */
static ag_connection *take_work(ag_server *server)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += WORKER_IDLE;
    while (!server->ready_first) {
        if (server->stopping && server->connection_count == 0) return NULL;
        server->idle_workers++;
        int error = pthread_cond_timedwait(&server->work, &server->lock, &until);
        server->idle_workers--;
        if (error == ETIMEDOUT && !server->ready_first) return NULL;
    }
    ag_connection *connection = server->ready_first;
    server->ready_first = connection->queued;
    if (!server->ready_first) server->ready_last = NULL;
    server->ready_count--;
    connection->queued = NULL;
    return connection;
}

/* What a worker needs for its requests; asked again before each one until there was memory for it. */
static bool equip(ag_worker *worker)
{
    if (!worker->arena) worker->arena = ag_arena_new(0);
    if (worker->arena && !worker->cancel) ag_cancel_new(worker->server->cancel, &worker->cancel, NULL);
    return worker->arena && worker->cancel;
}

static void *work(void *context)
{
    ag_worker worker = {.server = context};
    ag_server *server = context;
    ag_thread_name("auger-http");
    ag_buf_init(&worker.head, 1 << 20);
    pthread_mutex_lock(&server->lock);
    ag_connection *connection;
    while ((connection = take_work(server))) {
        pthread_mutex_unlock(&server->lock);
        if (equip(&worker))
            serve(&worker, connection);
        else
            drop(server, connection);
        pthread_mutex_lock(&server->lock);
    }
    pthread_mutex_unlock(&server->lock);
    ag_buf_deinit(&worker.head);
    ag_buf_deinit(&worker.answer);
    ag_buf_deinit(&worker.body);
    ag_arena_free(worker.arena);
    ag_cancel_free(worker.cancel);
    pthread_mutex_lock(&server->lock);
    server->workers--;
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

/* Signals are the main thread's; SIGPIPE would come from writes inside OpenSSL. */
static int start_thread(pthread_t *thread, bool detached, void *(*run)(void *), void *context)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_attr_t attributes;
    int error = ag_fault(AG_FAULT_ALLOC) ? EAGAIN : pthread_attr_init(&attributes);
    if (error) return error;
    pthread_attr_setstacksize(&attributes, WORKER_STACK);
    if (detached) pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_BLOCK, &all, &old);
    error = pthread_create(thread, &attributes, run, context);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attributes);
    return error;
}

static void hand_to_worker(ag_server *server, ag_connection *connection)
{
    pthread_mutex_lock(&server->lock);
    connection->with_worker = true;
    connection->queued = NULL;
    if (server->ready_last)
        server->ready_last->queued = connection;
    else
        server->ready_first = connection;
    server->ready_last = connection;
    server->ready_count++;
    bool start = server->ready_count > server->idle_workers && server->workers < server->options.threads;
    if (start) server->workers++;
    pthread_cond_signal(&server->work);
    pthread_mutex_unlock(&server->lock);
    pthread_t thread;
    if (!start || start_thread(&thread, true, work, server) == 0) return;
    pthread_mutex_lock(&server->lock);
    server->workers--; /* those that are there will come to it */
    bool alone = server->workers == 0;
    if (alone) {
        server->ready_first = server->ready_last = NULL; /* it was the only one: others had a worker */
        server->ready_count = 0;
    }
    pthread_cond_broadcast(&server->quiet);
    pthread_mutex_unlock(&server->lock);
    if (alone) drop(server, connection);
}

/* ---- the poller ---- */

static void look_at(ag_server *server, ag_connection *connection)
{
    ag_gathered state = ag_connection_gather(server, connection);
    if (state == AG_GATHER_READY) {
        hand_to_worker(server, connection);
        return;
    }
    set_deadline(server, connection);
    if (state == AG_GATHER_GONE || !arm(server, connection)) drop(server, connection);
}

static void take_back(ag_server *server)
{
    uint64_t count;
    while (read(server->wake, &count, sizeof(count)) > 0) {
    }
    pthread_mutex_lock(&server->lock);
    ag_connection *connection = server->returned;
    server->returned = NULL;
    pthread_mutex_unlock(&server->lock);
    while (connection) {
        ag_connection *next = connection->queued;
        connection->queued = NULL;
        look_at(server, connection);
        connection = next;
    }
}

static void adopt(ag_server *server, int fd, const struct sockaddr_storage *address)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    ag_connection *connection = ag_calloc(1, sizeof(*connection));
    if (!connection) {
        close(fd);
        return;
    }
    connection->link.fd = fd;
    ag_peer_format((const struct sockaddr *)address, connection->peer, sizeof(connection->peer), &connection->local);
    pthread_mutex_lock(&server->lock);
    connection->next = server->all;
    if (server->all) server->all->previous = connection;
    server->all = connection;
    server->connection_count++;
    pthread_mutex_unlock(&server->lock);
    connection->link.tls = server->tls ? ag_tls_open(server->tls, fd) : NULL;
    connection->began = server->tls ? ag_monotonic() : 0; /* the handshake counts as part of the first head */
    set_deadline(server, connection);
    if ((server->tls && !connection->link.tls) || !arm(server, connection)) drop(server, connection);
}

static size_t count_connections(ag_server *server)
{
    pthread_mutex_lock(&server->lock);
    size_t count = server->connection_count;
    pthread_mutex_unlock(&server->lock);
    return count;
}

/* Room for a newcomer: the kept connection that has waited longest goes. False when all are at work. */
static bool evict(ag_server *server)
{
    ag_connection *oldest = NULL;
    pthread_mutex_lock(&server->lock);
    for (ag_connection *one = server->all; one; one = one->next) {
        bool waiting = !one->with_worker && !one->began && one->armed;
        for (ag_connection *back = server->returned; waiting && back; back = back->queued) waiting = back != one;
        if (waiting && (!oldest || one->deadline < oldest->deadline)) oldest = one;
    }
    pthread_mutex_unlock(&server->lock);
    if (!oldest) return false;
    drop(server, oldest);
    return true;
}

/* False: no more can be taken now, so the listener rests until the next look. */
static bool accept_some(ag_server *server)
{
    for (int i = 0; i < ACCEPT_ROUND; i++) {
        if (count_connections(server) >= server->options.connections && !evict(server)) return false;
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof(address);
        int fd = ag_fault(AG_FAULT_NET)
                     ? (errno = EMFILE, -1)
                     : accept4(server->listener, (struct sockaddr *)&address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            adopt(server, fd, &address);
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            return evict(server);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return true;
        } /* else: that one has gone already */
    }
    return true;
}

static void say_late(ag_connection *connection)
{
    static const char text[] = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    if (!connection->link.tls)
        ag_link_write(&connection->link, (ag_link_piece){text, sizeof(text) - 1}, (ag_link_piece){0});
}

/* Cuts off those whose time has come; when stopping, also those that wait for nothing in particular. */
static void sweep(ag_server *server, bool stopping)
{
    int64_t now = ag_monotonic();
    for (;;) {
        ag_connection *late = NULL;
        pthread_mutex_lock(&server->lock);
        for (ag_connection *one = server->all; one && !late; one = one->next) {
            if (one->with_worker) continue; /* nothing else of it may be looked at */
            bool idle = !one->began && one->size == one->at;
            if (one->deadline > now && !(stopping && idle)) continue;
            late = one;
            for (ag_connection *back = server->returned; late && back; back = back->queued)
                if (back == one) late = NULL;
        }
        pthread_mutex_unlock(&server->lock);
        if (!late) return;
        if (late->began) say_late(late);
        drop(server, late);
    }
}

/* The poller has been away (stopped, a machine that slept): that time is not the clients'. */
static void forgive(ag_server *server, int64_t away)
{
    pthread_mutex_lock(&server->lock);
    for (ag_connection *one = server->all; one; one = one->next) {
        if (one->with_worker) continue;
        one->deadline += away;
        if (one->began) one->began += away;
    }
    pthread_mutex_unlock(&server->lock);
}

static void set_listening(ag_server *server, bool on)
{
    struct epoll_event event = {.events = on ? EPOLLIN : 0, .data.ptr = &server->listener};
    epoll_ctl(server->epoll, EPOLL_CTL_MOD, server->listener, &event);
}

bool ag_server_is_stopping(ag_server *server)
{
    pthread_mutex_lock(&server->lock);
    bool stopping = server->stopping;
    pthread_mutex_unlock(&server->lock);
    return stopping;
}

/* One round; true when new connections wait. Nothing is dropped but what the event is about, so that no later event of
 * the batch is about something gone. */
static bool poll_round(ag_server *server, int timeout)
{
    struct epoll_event events[128];
    int count = epoll_wait(server->epoll, events, sizeof(events) / sizeof(events[0]), timeout);
    bool newcomers = false, back = false;
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == &server->listener)
            newcomers = true;
        else if (events[i].data.ptr == &server->wake)
            back = true;
        else
            look_at(server, events[i].data.ptr);
    }
    if (back) take_back(server);
    return newcomers;
}

static void *poll_all(void *context)
{
    ag_server *server = context;
    ag_thread_name("auger-poll");
    bool listening = true;
    int64_t swept = ag_monotonic(), here = swept;
    for (;;) {
        size_t count = count_connections(server);
        bool stopping = ag_server_is_stopping(server);
        if (stopping && listening) set_listening(server, listening = false);
        if (stopping && count == 0) break;
        bool newcomers = poll_round(server, count || !listening ? (stopping ? 20 : LOOK_EVERY) : -1);
        if (newcomers && listening && !accept_some(server)) set_listening(server, listening = false);
        int64_t now = ag_monotonic();
        if (count && now - here > LOOK_EVERY * 1000 + AWAY) forgive(server, now - here);
        here = now;
        if (now - swept >= LOOK_EVERY * 1000 || stopping) {
            sweep(server, stopping);
            if (!listening && !stopping) set_listening(server, listening = true);
            swept = now;
        }
    }
    return NULL;
}

void ag_loop_wake(ag_server *server)
{
    uint64_t one = 1;
    ssize_t put = write(server->wake, &one, sizeof(one)); /* a full counter wakes as well */
    (void)put;
}

int ag_loop_start(ag_server *server, ag_err *err)
{
    if ((server->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return ag_fail_errno(err, errno, "cannot make an event queue");
    if ((server->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
        return ag_fail_errno(err, errno, "cannot make an eventfd");
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = &server->wake};
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->wake, &event) < 0)
        return ag_fail_errno(err, errno, "cannot watch the eventfd");
    event.data.ptr = &server->listener;
    if (epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) < 0)
        return ag_fail_errno(err, errno, "cannot watch the listener");
    int error = start_thread(&server->poller, false, poll_all, server);
    if (error) return ag_fail_errno(err, error, "cannot start a thread");
    server->poller_runs = true;
    return AG_OK;
}
