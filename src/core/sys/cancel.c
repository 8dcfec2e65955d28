// SPDX-License-Identifier: Apache-2.0
/* cancel.c: asking work to stop, as a tree whose state is pushed down, so that looking is one load.
 *
 * `state` of a node is what its holder must obey: NEVER, REQUESTED, or the nearest deadline of the node and its
 * parents. Requests and deadlines are rare and looking is frequent, so a change walks the subtree below it and stores
 * the new state in each node. The tree is guarded by one lock that lies in its root, which by contract outlives all
 * below it; a sleeper waits on its own node's condition, which every change of the node's state signals.
 *
 * Signals: the handler may do next to nothing, so it writes to an eventfd and a thread of ours, which waits for that
 * without reading it, does the request. The descriptor therefore stays readable for everybody who polls it. System
 * calls are restarted (SA_RESTART): stopping is asked for, never forced into the middle of a write. A terminal that
 * goes away says so several times over (the shell and the kernel each do), so that SIGHUP never counts as the second
 * signal; where it is ignored already (nohup), it stays so. Process-wide state: the `signals` struct below, as the
 * header says.
 */
#include "core/sys/cancel.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"

#define NEVER INT64_MAX
#define REQUESTED INT64_MIN

struct ag_cancel {
    _Atomic int64_t state;    /* NEVER, REQUESTED or a monotonic time; see above */
    _Atomic int64_t deadline; /* its own, NEVER when none */
    bool requested;           /* itself, not by a parent */
    ag_cancel *root;
    ag_cancel *parent;
    ag_cancel *first_child;
    ag_cancel *next; /* sibling */
    pthread_cond_t changed;
    pthread_mutex_t lock; /* used in the root only */
};

static int64_t state_of(const ag_cancel *cancel)
{
    return atomic_load_explicit(&cancel->state, memory_order_acquire);
}

/* Under the lock: computes the state of one node from its own wishes and its parent's state. */
static void refresh_one(ag_cancel *cancel)
{
    int64_t state = cancel->requested ? REQUESTED : atomic_load(&cancel->deadline);
    if (cancel->parent && state_of(cancel->parent) < state) state = state_of(cancel->parent);
    if (state == state_of(cancel)) return;
    atomic_store_explicit(&cancel->state, state, memory_order_release);
    pthread_cond_broadcast(&cancel->changed);
}

/* Under the lock: the node and all below it, parents first. Without recursion: nobody bounds the depth. */
static void refresh(ag_cancel *top)
{
    ag_cancel *at = top;
    for (;;) {
        refresh_one(at);
        if (at->first_child) {
            at = at->first_child;
            continue;
        }
        while (at != top && !at->next) at = at->parent;
        if (at == top) return;
        at = at->next;
    }
}

static int init_condition(pthread_cond_t *condition)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    if (error) return error;
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    if (!error) error = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return error;
}

int ag_cancel_new(ag_cancel *parent, ag_cancel **out, ag_err *err)
{
    ag_cancel *cancel = ag_calloc(1, sizeof(*cancel));
    if (!cancel) return ag_fail_memory(err, sizeof(*cancel));
    int error = init_condition(&cancel->changed);
    if (error) {
        ag_free(cancel);
        return ag_fail_errno(err, error, "cannot make a condition variable");
    }
    pthread_mutex_init(&cancel->lock, NULL);
    atomic_init(&cancel->state, NEVER);
    atomic_init(&cancel->deadline, NEVER);
    cancel->parent = parent;
    cancel->root = parent ? parent->root : cancel;
    if (parent) {
        pthread_mutex_lock(&cancel->root->lock);
        cancel->next = parent->first_child;
        parent->first_child = cancel;
        refresh_one(cancel);
        pthread_mutex_unlock(&cancel->root->lock);
    }
    *out = cancel;
    return AG_OK;
}

void ag_cancel_free(ag_cancel *cancel)
{
    if (!cancel) return;
    if (cancel->parent) {
        pthread_mutex_lock(&cancel->root->lock);
        ag_cancel **link = &cancel->parent->first_child;
        while (*link != cancel) link = &(*link)->next;
        *link = cancel->next;
        pthread_mutex_unlock(&cancel->root->lock);
    }
    pthread_cond_destroy(&cancel->changed);
    pthread_mutex_destroy(&cancel->lock);
    ag_free(cancel);
}

void ag_cancel_request(ag_cancel *cancel)
{
    if (!cancel) return;
    pthread_mutex_lock(&cancel->root->lock);
    cancel->requested = true;
    refresh(cancel);
    pthread_mutex_unlock(&cancel->root->lock);
}

void ag_cancel_deadline(ag_cancel *cancel, int64_t monotonic)
{
    if (!cancel) return;
    if (monotonic == 0) monotonic = NEVER;
    if (monotonic == REQUESTED) monotonic = REQUESTED + 1;
    pthread_mutex_lock(&cancel->root->lock);
    atomic_store(&cancel->deadline, monotonic);
    refresh(cancel);
    pthread_mutex_unlock(&cancel->root->lock);
}

bool ag_cancelled(const ag_cancel *cancel)
{
    if (!cancel) return false;
    int64_t state = state_of(cancel);
    if (state == NEVER) return false;
    return state == REQUESTED || ag_monotonic() >= state;
}

int ag_cancel_check(const ag_cancel *cancel, ag_err *err)
{
    if (!cancel) return AG_OK;
    int64_t state = state_of(cancel);
    if (state == NEVER) return AG_OK;
    if (state == REQUESTED) return ag_fail(err, AG_ECANCELLED, "stopped as asked");
    return ag_monotonic() >= state ? ag_fail(err, AG_ETIMEOUT, "stopped: the time allowed for it is over") : AG_OK;
}

static struct timespec timespec_of(int64_t monotonic)
{
    if (monotonic < 0) monotonic = 0;
    return (struct timespec){.tv_sec = (time_t)(monotonic / AG_SECOND), .tv_nsec = (monotonic % AG_SECOND) * 1000};
}

int ag_cancel_sleep(ag_cancel *cancel, int64_t microseconds, ag_err *err)
{
    if (!cancel) {
        ag_sleep(microseconds);
        return AG_OK;
    }
    int64_t now = ag_monotonic();
    int64_t until = microseconds > NEVER - now ? NEVER : now + microseconds;
    pthread_mutex_lock(&cancel->root->lock);
    while (!ag_cancelled(cancel) && ag_monotonic() < until) {
        int64_t wake = state_of(cancel) < until ? state_of(cancel) : until;
        struct timespec when = timespec_of(wake);
        pthread_cond_timedwait(&cancel->changed, &cancel->root->lock, &when);
    }
    pthread_mutex_unlock(&cancel->root->lock);
    return ag_cancel_check(cancel, err);
}

int64_t ag_cancel_remaining(const ag_cancel *cancel)
{
    int64_t nearest = NEVER;
    for (; cancel; cancel = cancel->parent) {
        int64_t deadline = atomic_load(&cancel->deadline);
        if (deadline < nearest) nearest = deadline;
    }
    if (nearest == NEVER) return INT64_MAX;
    int64_t now = ag_monotonic();
    return nearest > now ? nearest - now : 0;
}

static struct {
    pthread_mutex_t lock; /* of installing */
    _Atomic(ag_cancel *) cancel;
    atomic_int fd;
    atomic_int seen; /* signals that came */
} signals = {.lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1};

/* Async-signal-safe calls only. The second signal takes the default action, which the kernel carries out as soon as the
 * handler returns. */
static void on_signal(int number)
{
    int saved = errno;
    if (number != SIGHUP && atomic_fetch_add(&signals.seen, 1) > 0) {
        signal(number, SIG_DFL);
        raise(number);
    }
    uint64_t one = 1;
    ssize_t written = write(atomic_load(&signals.fd), &one, sizeof(one));
    (void)written; /* only a full counter can fail, which is readable */
    errno = saved;
}

static void *watch_signals(void *context)
{
    (void)context;
    ag_thread_name("ag-signals");
    struct pollfd wait = {.fd = atomic_load(&signals.fd), .events = POLLIN};
    while (poll(&wait, 1, -1) < 0 && errno == EINTR) continue;
    ag_cancel_request(atomic_load(&signals.cancel));
    return NULL;
}

/* The watcher blocks every signal, so that a handler never runs in it. */
static int start_watcher(ag_err *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    int error = pthread_create(&thread, NULL, watch_signals, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error) return ag_fail_errno(err, error, "cannot start the thread that watches for signals");
    pthread_detach(thread);
    return AG_OK;
}

static int install_signals(ag_err *err)
{
    ag_cancel *cancel = NULL;
    int rc = ag_cancel_new(NULL, &cancel, err);
    if (rc < 0) return rc;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0) {
        rc = ag_fail_errno(err, errno, "cannot make an eventfd");
        goto out;
    }
    atomic_store(&signals.fd, fd);
    atomic_store(&signals.cancel, cancel);
    if ((rc = start_watcher(err)) < 0) goto out;
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, NULL);
    return AG_OK;
out:
    atomic_store(&signals.cancel, NULL);
    atomic_store(&signals.fd, -1);
    if (fd >= 0) close(fd);
    ag_cancel_free(cancel);
    return rc;
}

int ag_cancel_on_signals(ag_err *err)
{
    pthread_mutex_lock(&signals.lock);
    int rc = atomic_load(&signals.cancel) ? AG_OK : install_signals(err);
    pthread_mutex_unlock(&signals.lock);
    return rc;
}

ag_cancel *ag_cancel_process(void)
{
    return atomic_load(&signals.cancel);
}

int ag_cancel_signal_fd(void)
{
    return atomic_load(&signals.fd);
}
