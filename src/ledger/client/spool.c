// SPDX-License-Identifier: Apache-2.0
/* spool.c: appending to the spool, in a few dozen nanoseconds and without a system call.
 * One mutex guards tail, list and counts; under it a record is copied, no more. A full segment is followed by one that
 * a thread of its own has made beforehand, because making a file has no bound in time; who finds none ready waits for
 * it, as long as it says. Invariants: `used` is what segments and files take, and never more than `max`, except that
 * two segments are always allowed; a record is never divided between segments; `next` and `tail` of a segment that has
 * a follower do not change any more, so the delivering thread walks them without the mutex. The delivering thread is
 * woken when the first record arrives, which lets it wait for company, and when there is much; in between nobody is
 * signalled. */
#include "ledger/client/spool.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "ledger/client/entry.h"

enum { LARGEST_SEGMENT = 4 << 20, MUCH = 4096 };

struct ag_spool {
    pthread_mutex_t lock;
    pthread_cond_t work; /* something was appended, or somebody urges */
    pthread_cond_t room; /* a segment is ready, or bytes were given back, or making one has failed */
    pthread_cond_t make; /* a segment is wanted */
    pthread_t maker;
    bool has_conditions, has_maker, stopping, urged;
    ag_outbox *queue;
    ag_spool_segment *ready; /* the next one; NULL: not there yet */
    bool failed;             /* the last attempt to make one */
    ag_err failure;
    uint64_t attempts; /* to make one, and how many were asked for */
    uint64_t wanted;
    size_t segment_size;
    uint64_t used, max, files;
    uint64_t records, seen; /* appended; and what the delivering thread has seen of them */
    int64_t block;
    int64_t first_at; /* when the first unseen one came: ag_monotonic(); 0: none */
};

static void wait_until(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t deadline)
{
    if (!deadline) {
        pthread_cond_wait(condition, lock);
        return;
    }
    struct timespec when = {.tv_sec = (time_t)(deadline / AG_SECOND), .tv_nsec = (deadline % AG_SECOND) * 1000};
    (void)pthread_cond_timedwait(condition, lock, &when);
}

/* ---- making segments ---- */

static bool is_room_for_segment(const ag_spool *spool)
{
    return spool->used + spool->segment_size <= spool->max || spool->queue->first == spool->queue->last;
}

static void make_one(ag_spool *spool)
{
    ag_spool_segment *made = NULL;
    ag_err err = {0};
    uint64_t number = ++spool->queue->segments_made;
    spool->attempts = spool->wanted;
    spool->failed = false;
    spool->used += spool->segment_size;
    pthread_mutex_unlock(&spool->lock);
    int rc = ag_outbox_segment(spool->queue, number, spool->segment_size, &made, &err);
    pthread_mutex_lock(&spool->lock);
    if (rc < 0) spool->used -= spool->segment_size;
    spool->failed = rc < 0;
    spool->failure = err;
    spool->ready = made;
    pthread_cond_broadcast(&spool->room);
}

static void *make_segments(void *context)
{
    ag_spool *spool = context;
    ag_thread_name("auger-spool");
    pthread_mutex_lock(&spool->lock);
    while (!spool->stopping) {
        if (!spool->ready && spool->attempts != spool->wanted && is_room_for_segment(spool))
            make_one(spool);
        else
            wait_until(&spool->make, &spool->lock, 0);
    }
    pthread_mutex_unlock(&spool->lock);
    return NULL;
}

static void want_segment(ag_spool *spool)
{
    spool->wanted++;
    pthread_cond_signal(&spool->make);
}

/* ---- opening and closing ---- */

static int init_conditions(ag_spool *spool, ag_err *err)
{
    pthread_condattr_t monotonic;
    if (pthread_mutex_init(&spool->lock, NULL) != 0) return ag_fail_memory(err, sizeof(spool->lock));
    if (pthread_condattr_init(&monotonic) != 0) return ag_fail_memory(err, sizeof(monotonic));
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(&spool->work, &monotonic) | pthread_cond_init(&spool->room, &monotonic) |
                 pthread_cond_init(&spool->make, &monotonic);
    pthread_condattr_destroy(&monotonic);
    spool->has_conditions = !failed;
    return failed ? ag_fail_memory(err, sizeof(spool->work)) : AG_OK;
}

int ag_spool_open(const ag_spool_options *options, ag_spool **out, ag_err *err)
{
    ag_spool *spool = ag_calloc(1, sizeof(*spool));
    ag_spool_segment *first = NULL;
    if (!spool) return ag_fail_memory(err, sizeof(*spool));
    uint64_t eighth = options->max_bytes / 8 & ~(uint64_t)4095;
    spool->segment_size = eighth > LARGEST_SEGMENT ? LARGEST_SEGMENT : (size_t)eighth;
    if (spool->segment_size < AG_SPOOL_SEGMENT_LEAST) spool->segment_size = AG_SPOOL_SEGMENT_LEAST;
    spool->max = options->max_bytes;
    spool->block = options->block;
    int rc = init_conditions(spool, err);
    if (rc >= 0) rc = ag_outbox_make(options->directory, options->target, &spool->queue, err);
    if (rc >= 0) rc = ag_outbox_segment(spool->queue, ++spool->queue->segments_made, spool->segment_size, &first, err);
    if (rc >= 0) {
        ag_outbox_link(spool->queue, first);
        spool->used = spool->segment_size;
        spool->wanted = 1;
        if (ag_fault(AG_FAULT_ALLOC) || pthread_create(&spool->maker, NULL, make_segments, spool) != 0)
            rc = ag_fail(err, AG_EIO, "cannot start a thread for the spool");
        else
            spool->has_maker = true;
    }
    if (rc >= 0) {
        *out = spool;
    } else {
        ag_spool_close(spool);
    }
    return rc;
}

static bool is_delivered(const ag_outbox *queue)
{
    return queue->first == queue->last &&
           (!queue->first || ag_spool_segment_delivered(queue->first) == queue->first->tail);
}

void ag_spool_close(ag_spool *spool)
{
    if (!spool) return;
    if (spool->has_maker) {
        pthread_mutex_lock(&spool->lock);
        spool->stopping = true;
        pthread_cond_signal(&spool->make);
        pthread_mutex_unlock(&spool->lock);
        pthread_join(spool->maker, NULL);
    }
    if (spool->ready) (void)unlink(spool->ready->path);
    ag_spool_segment_close(spool->ready);
    if (spool->queue) ag_outbox_free(spool->queue, is_delivered(spool->queue));
    if (spool->has_conditions) {
        pthread_cond_destroy(&spool->work);
        pthread_cond_destroy(&spool->room);
        pthread_cond_destroy(&spool->make);
        pthread_mutex_destroy(&spool->lock);
    }
    ag_free(spool);
}

/* ---- appending ---- */

static int fail_full(const ag_spool *spool, ag_err *err)
{
    ag_fail(err, AG_EFULL, "the spool is full: %llu bytes wait in '%s' to be delivered",
            (unsigned long long)spool->used, spool->queue->directory);
    return ag_err_hint(err, "the ledger is away or slower than what is logged; more room: spool_bytes");
}

static int fail_making(const ag_spool *spool, ag_err *err)
{
    if (!spool->failed) return fail_full(spool, err);
    if (err) *err = spool->failure;
    return spool->failure.code;
}

/* Goes on to the next segment, waiting for it when need be. An attempt that failed before this call is made again. */
static int change_segment(ag_spool *spool, int64_t deadline, ag_err *err)
{
    uint64_t mine = 0; /* the attempt that this call has asked for */
    const ag_spool_segment *full = spool->queue->last;
    while (!spool->ready) {
        if (spool->queue->last != full) return AG_OK; /* another thread has gone on */
        if (!mine) {
            if (spool->attempts == spool->wanted) want_segment(spool);
            mine = spool->wanted;
        } else if (spool->failed && spool->attempts >= mine) {
            return fail_making(spool, err);
        }
        if (ag_monotonic() >= deadline) return fail_making(spool, err);
        wait_until(&spool->room, &spool->lock, deadline);
    }
    ag_outbox_link(spool->queue, spool->ready);
    spool->ready = NULL;
    want_segment(spool);
    pthread_cond_broadcast(&spool->room);
    return AG_OK;
}

static void note_append(ag_spool *spool)
{
    spool->records++;
    uint64_t waiting = spool->records - spool->seen;
    if (waiting == 1) spool->first_at = ag_monotonic();
    if (waiting == 1 || waiting % MUCH == 0) pthread_cond_signal(&spool->work);
}

int ag_spool_append(ag_spool *spool, const uint8_t *record, size_t size, ag_err *err)
{
    if (size > AG_ENTRY_MAX || size > spool->segment_size - AG_SPOOL_SEGMENT_HEAD) {
        return ag_fail(err, AG_ELIMIT, "%zu bytes in one call are more than the spool takes (%zu)", size,
                       spool->segment_size - AG_SPOOL_SEGMENT_HEAD);
    }
    int rc = AG_OK;
    int64_t deadline = 0; /* asked for when first needed: reading the clock takes as long as the rest */
    pthread_mutex_lock(&spool->lock);
    while (!ag_spool_segment_append(spool->queue->last, record, size)) {
        if (!deadline) deadline = ag_monotonic() + spool->block;
        if ((rc = change_segment(spool, deadline, err)) < 0) break;
    }
    if (rc >= 0) note_append(spool);
    pthread_mutex_unlock(&spool->lock);
    return rc;
}

int ag_spool_reserve(ag_spool *spool, uint64_t bytes, uint64_t *number, ag_err *err)
{
    int rc = AG_OK;
    int64_t deadline = ag_monotonic() + spool->block;
    pthread_mutex_lock(&spool->lock);
    uint64_t most = spool->max > 2 * spool->segment_size ? spool->max - 2 * spool->segment_size : 0;
    if (bytes > most) {
        rc = ag_fail(err, AG_ELIMIT, "a file of %llu bytes is more than the spool may hold (%llu)",
                     (unsigned long long)bytes, (unsigned long long)most);
        ag_err_hint(err, "give the ledger more room when opening it: spool_bytes");
    }
    while (rc >= 0 && spool->used + bytes > spool->max) {
        if (ag_monotonic() >= deadline)
            rc = fail_full(spool, err);
        else
            wait_until(&spool->room, &spool->lock, deadline);
    }
    if (rc >= 0) {
        spool->used += bytes;
        *number = ++spool->files;
    }
    pthread_mutex_unlock(&spool->lock);
    return rc;
}

void ag_spool_release(ag_spool *spool, uint64_t bytes)
{
    pthread_mutex_lock(&spool->lock);
    spool->used -= bytes < spool->used ? bytes : spool->used;
    pthread_cond_broadcast(&spool->room);
    pthread_cond_signal(&spool->make);
    pthread_mutex_unlock(&spool->lock);
}

/* ---- delivering ---- */

static bool is_time(const ag_spool *spool, int64_t flush, int64_t *until)
{
    uint64_t waiting = spool->records - spool->seen;
    if (spool->urged || spool->stopping || waiting >= MUCH) return true;
    int64_t ripe = waiting ? spool->first_at + flush : 0;
    if (ripe && ag_monotonic() >= ripe) return true;
    if (ripe && (!*until || ripe < *until)) *until = ripe;
    return false;
}

void ag_spool_wait(ag_spool *spool, uint64_t seen, int64_t flush, int64_t deadline)
{
    pthread_mutex_lock(&spool->lock);
    spool->seen = seen;
    if (spool->records > seen && !spool->first_at) spool->first_at = ag_monotonic();
    for (;;) {
        int64_t until = deadline;
        if (is_time(spool, flush, &until)) break;
        if (deadline && ag_monotonic() >= deadline) break;
        wait_until(&spool->work, &spool->lock, until);
    }
    spool->urged = false;
    pthread_mutex_unlock(&spool->lock);
}

void ag_spool_urge(ag_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    spool->urged = true;
    pthread_cond_signal(&spool->work);
    pthread_mutex_unlock(&spool->lock);
}

ag_spool_end ag_spool_end_read(ag_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    ag_spool_end end = {.segment = spool->queue->last, .offset = spool->queue->last->tail, .records = spool->records};
    spool->seen = spool->records;
    spool->first_at = 0;
    pthread_mutex_unlock(&spool->lock);
    return end;
}

uint64_t ag_spool_used(ag_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    uint64_t used = spool->used;
    pthread_mutex_unlock(&spool->lock);
    return used;
}

uint64_t ag_spool_records(ag_spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    uint64_t records = spool->records;
    pthread_mutex_unlock(&spool->lock);
    return records;
}

ag_outbox *ag_spool_outbox(ag_spool *spool)
{
    return spool->queue;
}

void ag_spool_drop_before(ag_spool *spool, const ag_spool_segment *segment)
{
    pthread_mutex_lock(&spool->lock);
    while (spool->queue->first != segment && spool->queue->first != spool->queue->last) {
        ag_spool_segment *done = spool->queue->first;
        spool->queue->first = done->next;
        spool->used -= done->size;
        (void)unlink(done->path);
        ag_spool_segment_close(done);
    }
    pthread_cond_broadcast(&spool->room);
    pthread_cond_signal(&spool->make);
    pthread_mutex_unlock(&spool->lock);
}
