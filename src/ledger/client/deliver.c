// SPDX-License-Identifier: Apache-2.0
/* deliver.c: first the queues that dead processes have left, then our own, window by window.
 * A window is kept until all of it is delivered or refused, with notes of how far each run in it has come; a transient
 * failure pauses and goes on there. Then the segment's head learns how far it is delivered, and only then do contents
 * of files and whole segments go: a process that dies anywhere in between delivers some things twice, which changes
 * nothing. A record that is not safe to send twice without looking is marked in the head before it is sent.
 * Around a refusal the batch is halved until the one thing that is refused stands alone; it goes to failed.jsonl.
 * Threads: all but the functions at the end runs in the one thread; `lock` guards what the others see. */
#include "ledger/client/deliver.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "ledger/client/window.h"

#define FIRST_PAUSE (AG_SECOND / 4)
#define LONGEST_PAUSE (60 * AG_SECOND)
enum { TRIES_OF_STRANGE = 6, MAX_LINES = 256 << 20, PATH_SIZE = 4096 };

struct ag_delivery {
    ag_delivery_options options;
    ag_spool_window window;
    ag_spool_batch room;
    ag_refusals failed;
    ag_map *lost; /* run -> why its start was refused, an ag_err in `kept`; others look under the lock */
    ag_arena *kept;
    ag_rng jitter;
    unsigned failures; /* in a row */
    ag_outbox *queue;  /* that is being delivered */
    bool own;          /* it is the spool's */
    pthread_t thread;
    bool has_thread, has_conditions;

    pthread_mutex_t lock;
    pthread_cond_t done; /* something was delivered, or a version is known */
    pthread_cond_t wake; /* ends a pause */
    bool stopping, urged;
    bool counted, adopted; /* the queues of others are: `orphans` is known; they are delivered */
    uint64_t orphans;      /* records in queues of others that are not delivered */
    uint64_t carried;      /* records of our own that are */
    ag_delivery_status status;
    ag_version_wait *waits;
};

static void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline)
{
    struct timespec when = {.tv_sec = (time_t)(deadline / AG_SECOND), .tv_nsec = (deadline % AG_SECOND) * 1000};
    if (deadline == INT64_MAX)
        pthread_cond_wait(condition, lock);
    else
        (void)pthread_cond_timedwait(condition, lock, &when);
}

static bool is_stopping(ag_delivery *d)
{
    pthread_mutex_lock(&d->lock);
    bool stopping = d->stopping;
    pthread_mutex_unlock(&d->lock);
    return stopping;
}

/* ---- failures ---- */

static bool is_transient(const ag_delivery *d, int code)
{
    switch (code) {
    case AG_EUNAVAILABLE:
    case AG_ETIMEOUT:
    case AG_EIO:
    case AG_ENOMEM:
    case AG_EFULL:
    case AG_EAUTH:
    case AG_ECANCELLED: return true;
    case AG_EINTERNAL:
    case AG_ECORRUPT: return d->failures < TRIES_OF_STRANGE;
    default: return false;
    }
}

static void note_error(ag_delivery *d, const ag_err *err, bool away)
{
    pthread_mutex_lock(&d->lock);
    (void)ag_err_format(err, d->status.last_error, sizeof(d->status.last_error));
    d->status.away = away;
    pthread_mutex_unlock(&d->lock);
}

/* Longer each time, half of it by chance, so that many clients do not come back at once. */
static void pause_delivery(ag_delivery *d)
{
    int64_t pause = FIRST_PAUSE;
    for (unsigned i = 0; i < d->failures && pause < LONGEST_PAUSE; i++) pause *= 2;
    if (pause > LONGEST_PAUSE) pause = LONGEST_PAUSE;
    d->failures++;
    int64_t until = ag_monotonic() + pause / 2 + (int64_t)ag_rng_below(&d->jitter, (uint64_t)pause / 2);
    pthread_mutex_lock(&d->lock);
    while (!d->stopping && !d->urged && ag_monotonic() < until) wait_until(&d->wake, &d->lock, until);
    d->urged = false;
    pthread_mutex_unlock(&d->lock);
}

static void count_refusals(ag_delivery *d, uint64_t count, const ag_err *why)
{
    pthread_mutex_lock(&d->lock);
    d->status.refused += count;
    (void)ag_err_format(why, d->status.last_error, sizeof(d->status.last_error));
    pthread_mutex_unlock(&d->lock);
}

/* ---- what is logged ---- */

static int refuse_items(ag_delivery *d, ag_spool_window_run *run, size_t count, const ag_err *why, ag_err *err)
{
    for (size_t i = 0; i < count; i++)
        ag_refusals_item(&d->failed, run->run, ag_vec_at(&run->items, run->next + i), why);
    int rc = ag_refusals_write(&d->failed, err);
    if (rc < 0) {
        ag_buf_clear(&d->failed.lines);
        return rc;
    }
    run->next += count;
    count_refusals(d, count, why);
    return AG_OK;
}

static int deliver_batch(ag_delivery *d, ag_spool_window_run *run, ag_err *err)
{
    ag_run_batch batch;
    ag_err why = {0};
    size_t count = ag_spool_window_batch(run, &d->room, &batch);
    int rc = d->options.target->log(d->options.state, run->run, &batch, &why);
    if (rc >= 0) {
        run->next += count;
        run->limit = run->limit > SIZE_MAX / 2 ? SIZE_MAX : run->limit * 2;
        d->failures = 0;
        return AG_OK;
    }
    bool transient = is_transient(d, rc);
    if (!transient && count > 1) {
        ag_err gone = {0};
        int checked = d->options.target->check(d->options.state, run->run, &gone);
        if (checked < 0 && !is_transient(d, checked))
            return refuse_items(d, run, run->items.count - run->next, &gone, err);
        if (checked < 0) why = gone;
        transient = checked < 0;
    }
    if (transient) {
        if (err) *err = why;
        return why.code;
    }
    if (count == 1) return refuse_items(d, run, 1, &why, err);
    run->limit = count / 2;
    return AG_OK;
}

static int deliver_run(ag_delivery *d, ag_spool_window_run *run, ag_err *err)
{
    int rc = AG_OK;
    const ag_err *lost = ag_map_get(d->lost, run->run);
    if (lost && run->next < run->items.count) return refuse_items(d, run, run->items.count - run->next, lost, err);
    while (run->next < run->items.count && rc >= 0) {
        if (is_stopping(d)) return ag_fail(err, AG_ECANCELLED, "the client is being closed");
        rc = deliver_batch(d, run, err);
    }
    return rc;
}

/* ---- everything else ---- */

/* Where the content of a refused file is kept, beside failed.jsonl. */
static bool kept_path(const ag_delivery *d, const char *file, char kept[PATH_SIZE])
{
    return ag_format(kept, PATH_SIZE, "%s/failed/%s-%.*s", d->options.directory, d->queue->id,
                     AG_STR_ARG(ag_path_name(ag_str_of(file))));
}

static const char *keep_content(ag_delivery *d, const char *file, char kept[PATH_SIZE])
{
    char directory[PATH_SIZE];
    if (!ag_format(directory, sizeof(directory), "%s/failed", d->options.directory)) return NULL;
    if (ag_str_starts(ag_str_of(file), ag_str_of(directory))) /* it lies there already */
        return ag_format(kept, PATH_SIZE, "%s", file) ? kept : NULL;
    if (!kept_path(d, file, kept)) return NULL;
    bool moved = ag_dir_make(directory, NULL) >= 0 && ag_file_rename(file, kept, NULL) >= 0;
    return moved ? kept : NULL;
}

/* A process that died between keeping a content and telling of it has moved it. */
static int find_content(const ag_delivery *d, const ag_entry *record, char file[PATH_SIZE], ag_err *err)
{
    char kept[PATH_SIZE];
    int rc = ag_outbox_file(d->queue, record->artifact.file, file, PATH_SIZE, err);
    if (rc >= 0 && !ag_file_exists(file) && kept_path(d, file, kept) && ag_file_exists(kept))
        ag_format(file, PATH_SIZE, "%s", kept);
    return rc;
}

static int remember_lost(ag_delivery *d, ag_str run, const ag_err *why, ag_err *err)
{
    ag_err *copy = ag_arena_alloc(d->kept, sizeof(*copy));
    if (!copy) return ag_fail_memory(err, sizeof(*copy));
    *copy = *why;
    ag_err_prefix(copy, "its run was refused");
    pthread_mutex_lock(&d->lock);
    int rc = ag_map_put(d->lost, run, copy, NULL, err);
    pthread_mutex_unlock(&d->lock);
    return rc;
}

static int refuse_record(ag_delivery *d, const ag_entry *record, const char *file, const ag_err *why, ag_err *err)
{
    char kept[PATH_SIZE];
    int rc = AG_OK;
    if (record->kind == AG_ENTRY_START) rc = remember_lost(d, record->run, why, err);
    const char *content = record->kind == AG_ENTRY_ARTIFACT ? keep_content(d, file, kept) : NULL;
    ag_refusals_record(&d->failed, record, content, why);
    if (rc >= 0) rc = ag_refusals_write(&d->failed, err);
    if (rc < 0) {
        ag_buf_clear(&d->failed.lines);
        return rc;
    }
    count_refusals(d, 1, why);
    return AG_OK;
}

static void answer_wait(ag_delivery *d, const ag_entry *record, int rc, const ag_err *why, int64_t number)
{
    pthread_mutex_lock(&d->lock);
    for (ag_version_wait *wait = d->waits; wait; wait = wait->next) {
        if (!ag_str_is(record->version.operation, wait->operation)) continue;
        wait->done = true;
        wait->rc = rc;
        wait->err = *why;
        wait->number = number;
    }
    pthread_cond_broadcast(&d->done);
    pthread_mutex_unlock(&d->lock);
}

static int send_record(ag_delivery *d, const ag_entry *record, const char *file, int64_t *number, ag_err *err)
{
    const ag_client_target *target = d->options.target;
    void *state = d->options.state;
    const ag_err *lost = record->kind == AG_ENTRY_START ? NULL : ag_map_get(d->lost, record->run);
    if (lost) {
        *err = *lost;
        return lost->code;
    }
    switch (record->kind) {
    case AG_ENTRY_START: return target->start(state, record, d->window.again, err);
    case AG_ENTRY_FINISH: return target->finish(state, record, err);
    case AG_ENTRY_ARTIFACT:
        if (!ag_file_exists(file))
            return ag_fail(err, AG_ENOTFOUND, "the content of '%.*s' is gone from the spool ('%s')",
                           AG_STR_ARG(record->artifact.path), file);
        return target->artifact(state, record, file, err);
    case AG_ENTRY_INPUT: return target->input(state, record, err);
    case AG_ENTRY_VERSION: return target->version(state, record, number, err);
    case AG_ENTRY_LOG: break;
    }
    return ag_fail(err, AG_EINTERNAL, "a log is not sent like this");
}

static int deliver_other(ag_delivery *d, ag_err *err)
{
    ag_spool_window *window = &d->window;
    char file[PATH_SIZE] = "";
    ag_err why = {0};
    int64_t number = 0;
    int rc = AG_OK;
    if (window->other.kind == AG_ENTRY_ARTIFACT) rc = find_content(d, &window->other, file, err);
    if (rc < 0) return rc;
    ag_spool_segment_set_attempted(window->from_other.segment, window->from_other.offset);
    rc = send_record(d, &window->other, file, &number, &why);
    window->again = true;
    if (rc < 0 && is_transient(d, rc)) {
        if (err) *err = why;
        return rc;
    }
    int sent = rc;
    if (sent < 0) rc = refuse_record(d, &window->other, file, &why, err);
    if (rc < 0) return rc;
    if (window->other.kind == AG_ENTRY_VERSION) answer_wait(d, &window->other, sent, &why, number);
    d->failures = 0;
    window->has_other = false;
    return AG_OK;
}

/* ---- windows ---- */

/* Goes on where the last attempt has failed. */
static int deliver_window(ag_delivery *d, ag_err *err)
{
    ag_spool_window *window = &d->window;
    int rc = AG_OK;
    if (window->damaged) {
        ag_err why = {0};
        ag_fail(&why, AG_ECORRUPT, "%llu bytes of the spool are damaged", (unsigned long long)window->damaged);
        ag_refusals_damage(&d->failed, window->damaged_in, window->damaged);
        if ((rc = ag_refusals_write(&d->failed, err)) < 0) {
            ag_buf_clear(&d->failed.lines);
            return rc;
        }
        count_refusals(d, 1, &why);
        window->damaged = 0;
    }
    for (size_t i = 0; i < window->runs.count && rc >= 0; i++)
        rc = deliver_run(d, *(ag_spool_window_run **)ag_vec_at(&window->runs, i), err);
    if (rc >= 0 && window->has_other) rc = deliver_other(d, err);
    return rc;
}

/* The window is done: notes it, and lets go of what it used. */
static void finish_window(ag_delivery *d, const ag_entry *other)
{
    char file[PATH_SIZE];
    ag_spool_place end = d->window.end;
    for (ag_spool_segment *s = d->queue->first; s != end.segment; s = s->next)
        ag_spool_segment_set_delivered(s, s->tail);
    ag_spool_segment_set_delivered(end.segment, end.offset);
    if (other && other->kind == AG_ENTRY_ARTIFACT) {
        if (ag_outbox_file(d->queue, other->artifact.file, file, sizeof(file), NULL) >= 0) (void)unlink(file);
        if (d->own) ag_spool_release(d->options.spool, other->artifact.size);
    }
    if (d->own) ag_spool_drop_before(d->options.spool, end.segment);
    pthread_mutex_lock(&d->lock);
    d->status.delivered += d->window.records;
    d->status.delivered_at = ag_now();
    d->status.away = false;
    if (d->own)
        d->carried += d->window.records;
    else
        d->orphans -= d->window.records < d->orphans ? d->window.records : d->orphans;
    pthread_cond_broadcast(&d->done);
    pthread_mutex_unlock(&d->lock);
}

/* Tries until it is done. False when the client is being closed. */
static bool carry_window(ag_delivery *d)
{
    ag_err err = {0};
    ag_entry other = d->window.other;
    bool has_other = d->window.has_other;
    while (deliver_window(d, &err) < 0) {
        if (is_stopping(d)) return false;
        note_error(d, &err, true);
        pause_delivery(d);
        if (is_stopping(d)) return false;
    }
    finish_window(d, has_other ? &other : NULL);
    return true;
}

/* From *at to `end`. False when the client is being closed. */
static bool carry(ag_delivery *d, ag_spool_place *at, ag_spool_place end)
{
    for (;;) {
        ag_err err = {0};
        int rc = ag_spool_window_fill(&d->window, *at, end, &err);
        if (rc < 0) {
            note_error(d, &err, true);
            pause_delivery(d);
        } else if (rc == 0) {
            *at = d->window.end;
            return true;
        } else if (carry_window(d)) {
            *at = d->window.end;
        }
        if (is_stopping(d)) return false;
    }
}

static ag_spool_place beginning_of(const ag_outbox *queue)
{
    return (ag_spool_place){queue->first, queue->first ? ag_spool_segment_delivered(queue->first) : 0};
}

/* ---- queues ---- */

static uint64_t count_records(const ag_outbox *queue)
{
    uint64_t count = 0, damaged = 0;
    for (const ag_spool_segment *s = queue->first; s; s = s->next) {
        size_t offset = ag_spool_segment_delivered(s), size;
        while ((size = ag_spool_segment_next(s->map, s->tail, &offset, &damaged))) {
            offset += size;
            count++;
        }
    }
    return count;
}

static void carry_orphans(ag_delivery *d)
{
    ag_vec queues;
    ag_err err = {0}, failed = {0};
    ag_vec_init(&queues, sizeof(ag_outbox *));
    if (ag_outbox_adopt(d->options.directory, d->options.name, &queues, &failed, &err) < 0) note_error(d, &err, false);
    if (failed.code) note_error(d, &failed, false);
    uint64_t records = 0;
    for (size_t i = 0; i < queues.count; i++) records += count_records(*(ag_outbox **)ag_vec_at(&queues, i));
    pthread_mutex_lock(&d->lock);
    d->orphans = records;
    d->counted = true;
    pthread_cond_broadcast(&d->done);
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < queues.count; i++) {
        d->queue = *(ag_outbox **)ag_vec_at(&queues, i);
        d->own = false;
        ag_spool_place at = beginning_of(d->queue);
        bool done = !is_stopping(d) && carry(d, &at, (ag_spool_place){0});
        ag_outbox_free(d->queue, done);
    }
    ag_vec_deinit(&queues);
    pthread_mutex_lock(&d->lock);
    d->adopted = true;
    pthread_cond_broadcast(&d->done);
    pthread_mutex_unlock(&d->lock);
}

static void *deliver(void *context)
{
    ag_delivery *d = context;
    ag_thread_name("auger-deliver");
    carry_orphans(d);
    d->queue = ag_spool_outbox(d->options.spool);
    d->own = true;
    ag_spool_place at = beginning_of(d->queue);
    uint64_t seen = 0;
    while (!is_stopping(d)) {
        ag_spool_wait(d->options.spool, seen, d->options.flush, 0);
        ag_spool_end end = ag_spool_end_read(d->options.spool);
        seen = end.records;
        if (!carry(d, &at, (ag_spool_place){end.segment, end.offset})) break;
    }
    return NULL;
}

/* ---- for the other threads ---- */

static int init_conditions(ag_delivery *d, ag_err *err)
{
    pthread_condattr_t monotonic;
    if (pthread_mutex_init(&d->lock, NULL) != 0 || pthread_condattr_init(&monotonic) != 0)
        return ag_fail_memory(err, sizeof(d->lock));
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&d->done, &monotonic) | pthread_cond_init(&d->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    d->has_conditions = !failed;
    return failed ? ag_fail_memory(err, sizeof(d->done)) : AG_OK;
}

int ag_delivery_start(const ag_delivery_options *options, ag_delivery **out, ag_err *err)
{
    ag_delivery *d = ag_calloc(1, sizeof(*d));
    if (!d) {
        options->target->close(options->state);
        return ag_fail_memory(err, sizeof(*d));
    }
    d->options = *options;
    d->room.max = options->target->batch_max;
    d->failed = (ag_refusals){.directory = options->directory, .target = options->name};
    ag_buf_init(&d->failed.lines, MAX_LINES);
    uint64_t seed = 0;
    int rc = init_conditions(d, err);
    if (rc >= 0) rc = ag_random_bytes(&seed, sizeof(seed), err);
    d->jitter = ag_rng_stream(seed, "pause");
    if (rc >= 0) rc = ag_spool_window_init(&d->window, err);
    d->room.metrics = ag_alloc_array(d->room.max, sizeof(*d->room.metrics));
    d->lost = ag_map_new();
    d->kept = ag_arena_new(0);
    if (rc >= 0 && (!d->room.metrics || !d->lost || !d->kept)) rc = ag_fail_memory(err, d->room.max);
    if (rc >= 0 && (ag_fault(AG_FAULT_ALLOC) || pthread_create(&d->thread, NULL, deliver, d) != 0))
        rc = ag_fail(err, AG_EIO, "cannot start a thread that delivers");
    if (rc < 0) {
        ag_delivery_stop(d);
    } else {
        d->has_thread = true;
        *out = d;
    }
    return rc;
}

void ag_delivery_stop(ag_delivery *d)
{
    if (!d) return;
    if (d->has_thread) {
        pthread_mutex_lock(&d->lock);
        d->stopping = true;
        pthread_cond_broadcast(&d->wake);
        pthread_mutex_unlock(&d->lock);
        if (d->options.cancel) ag_cancel_request(d->options.cancel);
        ag_spool_urge(d->options.spool);
        pthread_join(d->thread, NULL);
    }
    d->options.target->close(d->options.state);
    ag_spool_window_deinit(&d->window);
    ag_buf_deinit(&d->failed.lines);
    ag_free(d->room.metrics);
    ag_map_free(d->lost);
    ag_arena_free(d->kept);
    if (d->has_conditions) {
        pthread_cond_destroy(&d->done);
        pthread_cond_destroy(&d->wake);
        pthread_mutex_destroy(&d->lock);
    }
    ag_free(d);
}

static int64_t deadline_of(int64_t wait)
{
    int64_t now = ag_monotonic();
    return wait < 0 || wait > INT64_MAX - now - 1 ? INT64_MAX : now + wait;
}

/* What others left behind is counted first thing, on the disk of this machine: worth waiting for, to say a true number.
 * Under the lock. */
static uint64_t left_of(ag_delivery *d, uint64_t records)
{
    while (!d->counted) wait_until(&d->done, &d->lock, INT64_MAX);
    return (records > d->carried ? records - d->carried : 0) + d->orphans;
}

int ag_delivery_sync(ag_delivery *d, int64_t wait, ag_err *err)
{
    int rc = AG_OK;
    int64_t deadline = deadline_of(wait);
    uint64_t wanted = ag_spool_records(d->options.spool);
    pthread_mutex_lock(&d->lock);
    d->urged = true;
    pthread_cond_broadcast(&d->wake);
    pthread_mutex_unlock(&d->lock);
    ag_spool_urge(d->options.spool);
    pthread_mutex_lock(&d->lock);
    while ((!d->adopted || d->carried < wanted) && ag_monotonic() < deadline) wait_until(&d->done, &d->lock, deadline);
    if (!d->adopted || d->carried < wanted) {
        uint64_t left = left_of(d, wanted);
        rc = ag_fail(err, AG_ETIMEOUT, "%" PRIu64 " call%s in the spool to be delivered%s%.300s", left,
                     left == 1 ? " waits" : "s wait", d->status.away ? "; the last attempt: " : "",
                     d->status.away ? d->status.last_error : "");
        ag_err_hint(err, "they stay in '%.180s' until the ledger can be reached", d->options.directory);
    }
    pthread_mutex_unlock(&d->lock);
    return rc;
}

bool ag_delivery_lost(ag_delivery *d, const char *run)
{
    pthread_mutex_lock(&d->lock);
    bool lost = ag_map_has(d->lost, ag_str_of(run));
    pthread_mutex_unlock(&d->lock);
    return lost;
}

void ag_delivery_status_read(ag_delivery *d, ag_delivery_status *out)
{
    uint64_t records = ag_spool_records(d->options.spool);
    pthread_mutex_lock(&d->lock);
    uint64_t left = left_of(d, records);
    *out = d->status;
    out->pending = left;
    pthread_mutex_unlock(&d->lock);
}

void ag_delivery_expect(ag_delivery *d, ag_version_wait *wait)
{
    pthread_mutex_lock(&d->lock);
    wait->next = d->waits;
    d->waits = wait;
    pthread_mutex_unlock(&d->lock);
}

void ag_delivery_await(ag_delivery *d, ag_version_wait *wait, int64_t wait_for)
{
    int64_t deadline = deadline_of(wait_for);
    if (wait_for) ag_spool_urge(d->options.spool);
    pthread_mutex_lock(&d->lock);
    while (!wait->done && ag_monotonic() < deadline) wait_until(&d->done, &d->lock, deadline);
    ag_version_wait **at = &d->waits;
    while (*at != wait) at = &(*at)->next;
    *at = wait->next;
    pthread_mutex_unlock(&d->lock);
}
