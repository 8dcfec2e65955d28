// SPDX-License-Identifier: Apache-2.0
/* events.c: a hub. Publishing formats the event once and appends it to the buffer of each listener whom it concerns; a
 * full buffer loses it and counts. `lock` guards the list and all buffers; a listener waits on its own condition.
 * `count` is also read without the lock, so that nobody pays when nobody listens. */
#include "app/server/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/sys/clock.h"

enum { LISTENERS = 64, PENDING = 256 * 1024, EVENT = 8192 };

typedef struct listener {
    ag_reader reader;
    ag_events *events;
    struct listener *next;
    char *experiment_id, *run_id;
    int64_t quiet;
    ag_buf pending;
    size_t taken; /* of pending */
    uint64_t lost;
    bool greeted;
    pthread_cond_t news;
} listener;

struct ag_events {
    pthread_mutex_t lock;
    listener *first;
    atomic_size_t count;
    bool stopped;
};

int ag_events_new(ag_events **out, ag_err *err)
{
    ag_events *events = ag_calloc(1, sizeof(*events));
    if (!events) return ag_fail_memory(err, sizeof(*events));
    pthread_mutex_init(&events->lock, NULL);
    *out = events;
    return AG_OK;
}

void ag_events_free(ag_events *events)
{
    if (!events) return;
    pthread_mutex_destroy(&events->lock);
    ag_free(events);
}

bool ag_events_wanted(ag_events *events)
{
    return events && atomic_load_explicit(&events->count, memory_order_relaxed) > 0;
}

static const char *const names[] = {"run.created", "run.updated", "metric"};

static int format_event(const ag_event *event, ag_buf *out)
{
    ag_buf_addf(out, "event: %s\ndata: ", names[event->kind]);
    ag_json json = ag_json_writer(out, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    if (event->experiment_id.size) {
        ag_json_name(&json, "experiment_id");
        ag_json_str(&json, event->experiment_id);
    }
    ag_json_name(&json, "run_id");
    ag_json_str(&json, event->run_id);
    if (event->status.size) {
        ag_json_name(&json, "status");
        ag_json_str(&json, event->status);
    }
    if (event->kind == AG_EVENT_METRIC) {
        ag_json_name(&json, "key");
        ag_json_str(&json, event->key);
        ag_json_put_real(&json, "value", event->value);
        ag_json_put_int(&json, "step", event->step);
        ag_json_put_int(&json, "timestamp", event->at / 1000);
    }
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, NULL);
    ag_buf_add(out, "\n\n", 2);
    return rc < 0 ? rc : ag_buf_check(out, "an event", NULL);
}

static bool concerns(const listener *one, const ag_event *event)
{
    if (one->run_id[0] && !ag_str_is(event->run_id, one->run_id)) return false;
    return !one->experiment_id[0] || ag_str_is(event->experiment_id, one->experiment_id);
}

/* Under the lock. */
static void deliver(listener *one, ag_str text)
{
    if (one->pending.failed || one->pending.size + text.size + 64 > PENDING) {
        one->lost++;
        return;
    }
    if (one->lost) ag_buf_addf(&one->pending, "event: lost\ndata: {\"count\":%llu}\n\n", (unsigned long long)one->lost);
    one->lost = 0;
    ag_buf_add_str(&one->pending, text);
    pthread_cond_signal(&one->news);
}

void ag_events_publish(ag_events *events, const ag_event *event)
{
    if (!ag_events_wanted(events)) return;
    ag_buf text;
    ag_buf_init(&text, EVENT);
    bool whole = format_event(event, &text) >= 0;
    pthread_mutex_lock(&events->lock);
    for (listener *one = events->first; one; one = one->next) {
        if (!concerns(one, event)) continue;
        if (whole)
            deliver(one, ag_buf_str(&text));
        else
            one->lost++;
    }
    pthread_mutex_unlock(&events->lock);
    ag_buf_deinit(&text);
}

void ag_events_stop(ag_events *events)
{
    pthread_mutex_lock(&events->lock);
    events->stopped = true;
    for (listener *one = events->first; one; one = one->next) pthread_cond_signal(&one->news);
    pthread_mutex_unlock(&events->lock);
}

/* ---- listening ---- */

/* Under the lock: until there is news. False: nothing for a while. */
static bool wait_for_news(listener *one)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(one->quiet / AG_SECOND);
    until.tv_nsec += (long)(one->quiet % AG_SECOND) * 1000;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    while (!one->pending.size && !one->events->stopped)
        if (pthread_cond_timedwait(&one->news, &one->events->lock, &until) == ETIMEDOUT) break;
    return one->pending.size > 0;
}

static ptrdiff_t read_news(ag_reader *self, void *into, size_t size, ag_err *err)
{
    listener *one = (listener *)(void *)self;
    ag_events *events = one->events;
    ptrdiff_t got = 0;
    (void)err;
    if (!one->greeted && size >= 8) { /* so that the client sees at once that it is connected */
        one->greeted = true;
        memcpy(into, ": hello\n", 8);
        return 8;
    }
    pthread_mutex_lock(&events->lock);
    if (wait_for_news(one)) {
        size_t there = one->pending.size - one->taken;
        got = (ptrdiff_t)(there < size ? there : size);
        memcpy(into, one->pending.data + one->taken, (size_t)got);
        one->taken += (size_t)got;
        if (one->taken == one->pending.size) {
            ag_buf_clear(&one->pending);
            one->taken = 0;
        }
    } else if (!events->stopped && size >= 2) {
        memcpy(into, ":\n", 2);
        got = 2;
    }
    pthread_mutex_unlock(&events->lock);
    return got;
}

static void leave(ag_reader *self)
{
    listener *one = (listener *)(void *)self;
    ag_events *events = one->events;
    pthread_mutex_lock(&events->lock);
    listener **link = &events->first;
    while (*link && *link != one) link = &(*link)->next;
    if (*link) {
        *link = one->next;
        atomic_fetch_sub(&events->count, 1);
    }
    pthread_mutex_unlock(&events->lock);
    pthread_cond_destroy(&one->news);
    ag_buf_deinit(&one->pending);
    ag_free(one->experiment_id);
    ag_free(one->run_id);
    ag_free(one);
}

static bool join(ag_events *events, listener *one)
{
    pthread_mutex_lock(&events->lock);
    bool room = atomic_load(&events->count) < LISTENERS;
    if (room) {
        one->next = events->first;
        events->first = one;
        atomic_fetch_add(&events->count, 1);
    }
    pthread_mutex_unlock(&events->lock);
    return room;
}

int ag_events_listen(ag_events *events, ag_str experiment_id, ag_str run_id, int64_t quiet, ag_reader **out,
                     ag_err *err)
{
    listener *one = ag_calloc(1, sizeof(*one));
    if (!one) return ag_fail_memory(err, sizeof(*one));
    one->reader = (ag_reader){.read = read_news, .close = leave};
    one->events = events;
    one->quiet = quiet;
    ag_buf_init(&one->pending, PENDING);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&one->news, &attributes);
    pthread_condattr_destroy(&attributes);
    one->experiment_id = ag_strndup(experiment_id.data ? experiment_id.data : "", experiment_id.size);
    one->run_id = ag_strndup(run_id.data ? run_id.data : "", run_id.size);
    int rc = AG_OK;
    if (!one->experiment_id || !one->run_id)
        rc = ag_fail_memory(err, experiment_id.size + run_id.size);
    else if (!join(events, one))
        rc = ag_fail(err, AG_EUNAVAILABLE, "%d programs listen already", LISTENERS);
    if (rc < 0)
        leave(&one->reader);
    else
        *out = &one->reader;
    return rc;
}
