// SPDX-License-Identifier: Apache-2.0
/* events.c: a hub. An event is formatted once and kept in a ring with a number; a listener has the number that it wants
 * next, and copies what concerns it. So a slow listener costs nothing but what it misses, and one that comes back says
 * where it was. Numbers begin anew with the process, hence the mark before them: of another process, all is missed.
 *
 * `lock` guards everything; a listener waits on the hub's condition. `wanted_until` is also read without the lock, so
 * that nobody pays when nobody listens. */
#include "app/server/events.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/doc/json.h"
#include "core/sys/clock.h"

enum { LISTENERS = 64, KEPT = 8192, KEPT_BYTES = 4 << 20, EVENT = 16384, PIECE = 64 * 1024 };
#define LINGER (60 * AG_SECOND) /* how long events are kept when the last listener has gone */
#define FOR_EVER INT64_MAX

typedef struct kept { /* the texts lie behind it */
    ag_event_kind kind;
    ag_str experiment_id, run_id, model;
    ag_str text;
    size_t size; /* of the block */
} kept;

typedef struct listener {
    ag_reader reader;
    ag_events *events;
    char *experiment_id, *run_id, *model;
    int64_t quiet;
    uint64_t next;   /* the number that it wants to hear next */
    bool missed_all; /* it was at another process */
    ag_buf pending;  /* copied, not read yet; used by the listener's thread alone */
    size_t taken;
    bool greeted;
} listener;

struct ag_events {
    pthread_mutex_t lock;
    pthread_cond_t news;
    kept *ring[KEPT];
    uint64_t first, next; /* numbers of the oldest that is kept, and of the next to come */
    size_t bytes;
    size_t count; /* of listeners */
    atomic_llong wanted_until;
    uint32_t mark;
    bool stopped;
};

int ag_events_new(ag_events **out, ag_err *err)
{
    pthread_condattr_t attributes;
    ag_events *events = ag_calloc(1, sizeof(*events));
    if (!events) return ag_fail_memory(err, sizeof(*events));
    int rc = ag_random_bytes(&events->mark, sizeof(events->mark), err);
    if (rc < 0) {
        ag_free(events);
        return rc;
    }
    events->first = events->next = 1;
    pthread_mutex_init(&events->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&events->news, &attributes);
    pthread_condattr_destroy(&attributes);
    *out = events;
    return AG_OK;
}

/* Under the lock, or when nobody else is there. */
static void drop_oldest(ag_events *events)
{
    kept **slot = &events->ring[events->first++ % KEPT];
    if (*slot) events->bytes -= (*slot)->size;
    ag_free(*slot);
    *slot = NULL;
}

void ag_events_free(ag_events *events)
{
    if (!events) return;
    while (events->first < events->next) drop_oldest(events);
    pthread_cond_destroy(&events->news);
    pthread_mutex_destroy(&events->lock);
    ag_free(events);
}

bool ag_events_wanted(ag_events *events)
{
    int64_t until = events ? atomic_load_explicit(&events->wanted_until, memory_order_relaxed) : 0;
    return until == FOR_EVER || (until && ag_monotonic() < until);
}

/* ---- publishing ---- */

static const char *const names[] = {
    [AG_EVENT_RUN_CREATED] = "run.created",
    [AG_EVENT_RUN_UPDATED] = "run.updated",
    [AG_EVENT_RUN_DELETED] = "run.deleted",
    [AG_EVENT_RUN_RESTORED] = "run.restored",
    [AG_EVENT_METRIC] = "metric",
    [AG_EVENT_ARTIFACT] = "artifact",
    [AG_EVENT_MODEL] = "model",
    [AG_EVENT_VERSION] = "version",
};

static void put(ag_json *json, const char *name, ag_str text)
{
    if (!text.size) return;
    ag_json_name(json, name);
    ag_json_str(json, text);
}

static int format_event(const ag_event *event, ag_buf *out)
{
    ag_buf_addf(out, "event: %s\ndata: ", names[event->kind]);
    ag_json json = ag_json_writer(out, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    put(&json, "experiment_id", event->experiment_id);
    put(&json, "run_id", event->run_id);
    put(&json, "status", event->status);
    put(&json, "path", event->path);
    put(&json, "model", event->model);
    put(&json, "version", event->version);
    put(&json, "what", event->what);
    if (event->kind == AG_EVENT_METRIC) {
        put(&json, "key", event->key);
        ag_json_put_real(&json, "value", event->value);
        ag_json_put_int(&json, "step", event->step);
        ag_json_put_int(&json, "timestamp", event->at / 1000);
    }
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, NULL);
    ag_buf_add(out, "\n\n", 2);
    return rc < 0 ? rc : ag_buf_check(out, "an event", NULL);
}

static ag_str lay(char **at, ag_str text)
{
    ag_str out = {*at, text.size};
    if (text.size) memcpy(*at, text.data, text.size);
    *at += text.size;
    return out;
}

static kept *keep(const ag_event *event, ag_str text)
{
    size_t size = sizeof(kept) + event->experiment_id.size + event->run_id.size + event->model.size + text.size;
    kept *one = ag_alloc(size);
    if (!one) return NULL;
    char *at = (char *)(one + 1);
    *one = (kept){.kind = event->kind, .size = size};
    one->experiment_id = lay(&at, event->experiment_id);
    one->run_id = lay(&at, event->run_id);
    one->model = lay(&at, event->model);
    one->text = lay(&at, text);
    return one;
}

void ag_events_publish(ag_events *events, const ag_event *event)
{
    if (!ag_events_wanted(events)) return;
    ag_buf text;
    ag_buf_init(&text, EVENT);
    kept *one = format_event(event, &text) >= 0 ? keep(event, ag_buf_str(&text)) : NULL;
    ag_buf_deinit(&text);
    pthread_mutex_lock(&events->lock);
    while (events->next - events->first >= KEPT || (events->bytes > KEPT_BYTES && events->first < events->next))
        drop_oldest(events);
    events->ring[events->next++ % KEPT] = one; /* NULL: an event that is missing */
    if (one) events->bytes += one->size;
    pthread_cond_broadcast(&events->news);
    pthread_mutex_unlock(&events->lock);
}

void ag_events_stop(ag_events *events)
{
    pthread_mutex_lock(&events->lock);
    events->stopped = true;
    pthread_cond_broadcast(&events->news);
    pthread_mutex_unlock(&events->lock);
}

/* ---- listening ---- */

static bool concerns(const listener *one, const kept *event)
{
    if (one->run_id[0] && !ag_str_is(event->run_id, one->run_id)) return false;
    if (one->model[0] && !ag_str_is(event->model, one->model)) return false;
    return !one->experiment_id[0] || ag_str_is(event->experiment_id, one->experiment_id);
}

static void tell_missed(listener *one, uint64_t count)
{
    if (one->missed_all)
        ag_buf_add_text(&one->pending, "event: lost\ndata: {\"count\":null}\n\n");
    else
        ag_buf_addf(&one->pending, "event: lost\ndata: {\"count\":%llu}\n\n", (unsigned long long)count);
    one->missed_all = false;
}

/* Under the lock: copies what is there for this listener, as far as a piece holds it. */
static void copy_news(listener *one)
{
    ag_events *events = one->events;
    uint64_t missed = one->next < events->first ? events->first - one->next : 0;
    if (missed) one->next = events->first;
    if (missed || one->missed_all) tell_missed(one, missed);
    for (; one->next < events->next && one->pending.size < PIECE; one->next++) {
        const kept *event = events->ring[one->next % KEPT];
        if (!event) {
            tell_missed(one, 1);
        } else if (concerns(one, event)) {
            ag_buf_addf(&one->pending, "id: %08x-%llu\n", events->mark, (unsigned long long)one->next);
            ag_buf_add_str(&one->pending, event->text);
        }
    }
}

/* Under the lock: until there is news, for as long as it may be quiet. */
static void wait_for_news(listener *one)
{
    ag_events *events = one->events;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(one->quiet / AG_SECOND);
    until.tv_nsec += (long)(one->quiet % AG_SECOND) * 1000;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    for (copy_news(one); !one->pending.size && !events->stopped; copy_news(one))
        if (pthread_cond_timedwait(&events->news, &events->lock, &until) == ETIMEDOUT) break;
}

static ptrdiff_t read_news(ag_reader *self, void *into, size_t size, ag_err *err)
{
    listener *one = (listener *)(void *)self;
    if (!one->greeted) { /* so that the client sees at once that it is connected */
        one->greeted = true;
        ag_buf_add_text(&one->pending, "retry: 1000\n: hello\n\n");
    }
    if (!one->pending.size) {
        pthread_mutex_lock(&one->events->lock);
        wait_for_news(one);
        bool stopped = one->events->stopped;
        pthread_mutex_unlock(&one->events->lock);
        if (!one->pending.size && stopped) return 0;
        if (!one->pending.size) ag_buf_add_text(&one->pending, ":\n\n");
    }
    if (one->pending.failed) return ag_fail_memory(err, PIECE);
    size_t there = one->pending.size - one->taken, got = there < size ? there : size;
    memcpy(into, one->pending.data + one->taken, got);
    one->taken += got;
    if (one->taken == one->pending.size) {
        ag_buf_clear(&one->pending);
        one->taken = 0;
    }
    return (ptrdiff_t)got;
}

static void free_listener(listener *one)
{
    ag_buf_deinit(&one->pending);
    ag_free(one->experiment_id);
    ag_free(one->run_id);
    ag_free(one->model);
    ag_free(one);
}

static void leave(ag_reader *self)
{
    listener *one = (listener *)(void *)self;
    ag_events *events = one->events;
    pthread_mutex_lock(&events->lock);
    if (--events->count == 0) atomic_store(&events->wanted_until, ag_monotonic() + LINGER);
    pthread_mutex_unlock(&events->lock);
    free_listener(one);
}

/* "0badcafe-17": the number after it, when it is of this process and was given. */
static void go_on_after(listener *one, ag_str after)
{
    ag_events *events = one->events;
    char mark[12];
    uint64_t number;
    one->next = events->next;
    if (!after.size) return;
    ag_format(mark, sizeof(mark), "%08x-", events->mark);
    bool ours = ag_str_starts(after, ag_str_of(mark)) && ag_str_to_uint(ag_str_slice(after, 9, after.size), &number) &&
                number < events->next;
    if (ours)
        one->next = number + 1;
    else
        one->missed_all = true;
}

static int join(listener *one, ag_str after, ag_err *err)
{
    ag_events *events = one->events;
    pthread_mutex_lock(&events->lock);
    bool room = events->count < LISTENERS;
    if (room) {
        if (!ag_events_wanted(events)) { /* nothing was kept since the last had gone */
            while (events->first < events->next) drop_oldest(events);
            events->first = ++events->next;
        }
        events->count++;
        atomic_store(&events->wanted_until, FOR_EVER);
        go_on_after(one, after);
    }
    pthread_mutex_unlock(&events->lock);
    return room ? AG_OK : ag_fail(err, AG_EUNAVAILABLE, "%d programs listen already", LISTENERS);
}

static char *copy(ag_str text)
{
    return ag_strndup(text.data ? text.data : "", text.size);
}

int ag_events_listen(ag_events *events, const ag_events_wish *wish, ag_reader **out, ag_err *err)
{
    listener *one = ag_calloc(1, sizeof(*one));
    if (!one) return ag_fail_memory(err, sizeof(*one));
    one->reader = (ag_reader){.read = read_news, .close = leave};
    one->events = events;
    one->quiet = wish->quiet;
    ag_buf_init(&one->pending, PIECE + 2 * EVENT);
    one->experiment_id = copy(wish->experiment_id);
    one->run_id = copy(wish->run_id);
    one->model = copy(wish->model);
    int rc = one->experiment_id && one->run_id && one->model ? join(one, wish->after, err)
                                                             : ag_fail_memory(err, sizeof(*one));
    if (rc < 0)
        free_listener(one);
    else
        *out = &one->reader;
    return rc;
}
