// SPDX-License-Identifier: Apache-2.0
/* progress.c: counters that many threads add to, and a report now and then. Adding is two relaxed additions and a clock
 * read; whoever finds that 100 ms have passed since the last report and gets the lock without waiting makes the next
 * one. So the sink is called by one thread at a time, and no work ever waits for it. The rate is an exponential mean
 * with a time constant of 3 s over the reports, started with the mean so far; the last report carries the mean over the
 * whole time. */
#include "core/sys/progress.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"

#define REPORT_EVERY (AG_SECOND / 10)
#define TIME_CONSTANT 3.0 /* seconds */

struct ag_progress {
    _Atomic(const char *) what;
    ag_progress_fn sink;
    void *context;
    _Atomic int64_t started;
    _Atomic(const char *) stage;
    _Atomic uint64_t done, total, bytes;
    _Atomic int64_t reported; /* when, monotonic */
    _Atomic double rate, bytes_rate;
    atomic_bool finished;
    pthread_mutex_t reporting; /* guards what follows, and the calls of the sink */
    uint64_t done_then, bytes_then;
    int64_t then;
};

ag_progress *ag_progress_new(const char *what, uint64_t total, ag_progress_fn sink, void *context)
{
    ag_progress *progress = ag_calloc(1, sizeof(*progress));
    if (!progress) return NULL;
    atomic_init(&progress->what, what);
    progress->sink = sink;
    progress->context = context;
    progress->started = progress->then = ag_monotonic();
    atomic_init(&progress->total, total);
    atomic_init(&progress->reported, progress->started);
    pthread_mutex_init(&progress->reporting, NULL);
    return progress;
}

void ag_progress_free(ag_progress *progress)
{
    if (!progress) return;
    ag_progress_finish(progress);
    pthread_mutex_destroy(&progress->reporting);
    ag_free(progress);
}

static double per_second(uint64_t count, int64_t microseconds)
{
    return microseconds > 0 ? (double)count * 1e6 / (double)microseconds : 0;
}

static double smooth(double old, double now, int64_t elapsed, bool first)
{
    if (first) return now;
    return old + (now - old) * -expm1(-(double)elapsed / 1e6 / TIME_CONSTANT);
}

/* Under `reporting`. */
static void update_rates(ag_progress *progress, int64_t now)
{
    uint64_t done = atomic_load(&progress->done), bytes = atomic_load(&progress->bytes);
    int64_t elapsed = now - progress->then;
    if (elapsed <= 0) return;
    bool first = progress->then == progress->started;
    atomic_store(&progress->rate,
                 smooth(atomic_load(&progress->rate), per_second(done - progress->done_then, elapsed), elapsed, first));
    atomic_store(&progress->bytes_rate, smooth(atomic_load(&progress->bytes_rate),
                                               per_second(bytes - progress->bytes_then, elapsed), elapsed, first));
    progress->done_then = done;
    progress->bytes_then = bytes;
    progress->then = now;
}

static void report(ag_progress *progress)
{
    if (!progress->sink) return;
    ag_progress_state state = ag_progress_read(progress);
    progress->sink(progress->context, &state);
}

/* The same clock, some milliseconds coarse and many times cheaper to read. */
static int64_t about_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (int64_t)now.tv_sec * AG_SECOND + now.tv_nsec / 1000;
}

static void report_when_due(ag_progress *progress)
{
    int64_t now = about_now();
    if (now - atomic_load_explicit(&progress->reported, memory_order_relaxed) < REPORT_EVERY) return;
    if (pthread_mutex_trylock(&progress->reporting) != 0) return;
    if (now - atomic_load(&progress->reported) >= REPORT_EVERY && !atomic_load(&progress->finished)) {
        atomic_store(&progress->reported, now);
        update_rates(progress, now);
        report(progress);
    }
    pthread_mutex_unlock(&progress->reporting);
}

void ag_progress_stage(ag_progress *progress, const char *stage)
{
    if (progress) atomic_store(&progress->stage, stage);
}

void ag_progress_total(ag_progress *progress, uint64_t total)
{
    if (progress) atomic_store(&progress->total, total);
}

void ag_progress_next(ag_progress *progress, const char *what, const char *stage, uint64_t total)
{
    if (!progress) return;
    pthread_mutex_lock(&progress->reporting);
    atomic_store(&progress->what, what);
    atomic_store(&progress->stage, stage);
    atomic_store(&progress->total, total);
    atomic_store(&progress->done, 0);
    atomic_store(&progress->bytes, 0);
    atomic_store(&progress->rate, 0);
    atomic_store(&progress->bytes_rate, 0);
    progress->done_then = progress->bytes_then = 0;
    progress->then = ag_monotonic();
    atomic_store(&progress->started, progress->then);
    pthread_mutex_unlock(&progress->reporting);
}

void ag_progress_add(ag_progress *progress, uint64_t items, uint64_t bytes)
{
    if (!progress) return;
    if (items) atomic_fetch_add_explicit(&progress->done, items, memory_order_relaxed);
    if (bytes) atomic_fetch_add_explicit(&progress->bytes, bytes, memory_order_relaxed);
    report_when_due(progress);
}

void ag_progress_finish(ag_progress *progress)
{
    if (!progress) return;
    pthread_mutex_lock(&progress->reporting);
    if (!atomic_load(&progress->finished)) {
        int64_t elapsed = ag_monotonic() - progress->started;
        atomic_store(&progress->rate, per_second(atomic_load(&progress->done), elapsed));
        atomic_store(&progress->bytes_rate, per_second(atomic_load(&progress->bytes), elapsed));
        atomic_store(&progress->finished, true);
        report(progress);
    }
    pthread_mutex_unlock(&progress->reporting);
}

static int64_t remaining_of(const ag_progress_state *state)
{
    if (state->finished) return 0;
    if (state->total == 0 || state->rate <= 0) return -1;
    if (state->done >= state->total) return 0;
    double left = (double)(state->total - state->done) / state->rate * 1e6;
    return left < 1e18 ? (int64_t)left : -1;
}

ag_progress_state ag_progress_read(const ag_progress *progress)
{
    ag_progress_state state = {.what = "", .remaining = -1};
    if (!progress) return state;
    state.what = progress->what;
    state.stage = atomic_load(&progress->stage);
    state.done = atomic_load(&progress->done);
    state.total = atomic_load(&progress->total);
    state.bytes = atomic_load(&progress->bytes);
    state.elapsed = ag_monotonic() - progress->started;
    state.rate = atomic_load(&progress->rate);
    state.bytes_rate = atomic_load(&progress->bytes_rate);
    state.finished = atomic_load(&progress->finished);
    state.remaining = remaining_of(&state);
    return state;
}
