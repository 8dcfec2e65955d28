// SPDX-License-Identifier: Apache-2.0
/* slots.c: waiters stand in a list, each with its own condition, and a slot that comes back goes to the first of them,
 * so that nobody is overtaken. Invariant: taken + idle <= most; there are waiters only while nothing is idle and all
 * slots are taken. Waiting looks at its cancel every 20 ms, since a cancel cannot wake a condition. */
#include "core/db/slots.h"

#include <pthread.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/sys/clock.h"

#define LOOK_EVERY 20000

typedef struct waiter {
    struct waiter *next;
    pthread_cond_t wake;
    bool served;
    void *item;
} waiter;

struct ag_slots {
    pthread_mutex_t mutex;
    const char *what;
    unsigned most;
    unsigned taken;
    unsigned idle_count;
    waiter *first, *last;
    void *idle[]; /* a stack: the warmest connection is used again */
};

static int condition_init(pthread_cond_t *condition, ag_err *err)
{
    pthread_condattr_t attributes;
    int rc = pthread_condattr_init(&attributes);
    if (rc != 0) return ag_fail_errno(err, rc, "cannot make a condition variable");
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    rc = pthread_cond_init(condition, &attributes);
    pthread_condattr_destroy(&attributes);
    return rc == 0 ? AG_OK : ag_fail_errno(err, rc, "cannot make a condition variable");
}

static void condition_wait(pthread_cond_t *condition, pthread_mutex_t *mutex, int64_t microseconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(microseconds / AG_SECOND);
    until.tv_nsec += (long)(microseconds % AG_SECOND) * 1000;
    if (until.tv_nsec >= 1000000000L) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000L;
    }
    pthread_cond_timedwait(condition, mutex, &until);
}

int ag_slots_new(unsigned most, const char *what, ag_slots **out, ag_err *err)
{
    ag_slots *slots = ag_calloc(1, sizeof(*slots) + most * sizeof(void *));
    if (!slots) return ag_fail_memory(err, sizeof(*slots));
    pthread_mutex_init(&slots->mutex, NULL);
    slots->most = most;
    slots->what = what;
    *out = slots;
    return AG_OK;
}

void ag_slots_free(ag_slots *slots, void (*drop)(void *item))
{
    if (!slots) return;
    while (slots->idle_count > 0) drop(slots->idle[--slots->idle_count]);
    pthread_mutex_destroy(&slots->mutex);
    ag_free(slots);
}

static void leave_queue(ag_slots *slots, waiter *self)
{
    waiter **at = &slots->first, *before = NULL;
    while (*at && *at != self) {
        before = *at;
        at = &(*at)->next;
    }
    if (!*at) return;
    *at = self->next;
    if (slots->last == self) slots->last = before;
}

static int wait_for_slot(ag_slots *slots, int64_t wait, ag_cancel *cancel, void **out, ag_err *err)
{
    waiter self = {0};
    int rc = condition_init(&self.wake, err);
    if (rc < 0) return rc;
    if (slots->last) {
        slots->last->next = &self;
    } else {
        slots->first = &self;
    }
    slots->last = &self;
    int64_t until = ag_monotonic() + wait;
    for (int64_t left = wait; !self.served && left > 0; left = until - ag_monotonic()) {
        if ((rc = ag_cancel_check(cancel, err)) < 0) break;
        condition_wait(&self.wake, &slots->mutex, left < LOOK_EVERY ? left : LOOK_EVERY);
    }
    if (self.served) {
        *out = self.item;
        rc = AG_OK;
    } else {
        leave_queue(slots, &self);
        if (rc == AG_OK) {
            ag_fail(err, AG_ETIMEOUT, "all %u of %s were in use for %lld s", slots->most, slots->what,
                    (long long)(wait / AG_SECOND));
            rc = ag_err_hint(err, "allow more connections, or look for work that holds one for long");
        }
    }
    pthread_cond_destroy(&self.wake);
    return rc;
}

int ag_slots_take(ag_slots *slots, int64_t wait, ag_cancel *cancel, void **out, ag_err *err)
{
    int rc = AG_OK;
    pthread_mutex_lock(&slots->mutex);
    if (slots->idle_count > 0) {
        *out = slots->idle[--slots->idle_count];
        slots->taken++;
    } else if (slots->taken < slots->most) {
        *out = NULL;
        slots->taken++;
    } else {
        rc = wait_for_slot(slots, wait, cancel, out, err);
    }
    pthread_mutex_unlock(&slots->mutex);
    return rc;
}

unsigned ag_slots_waiting(ag_slots *slots)
{
    unsigned count = 0;
    pthread_mutex_lock(&slots->mutex);
    for (const waiter *one = slots->first; one; one = one->next) count++;
    pthread_mutex_unlock(&slots->mutex);
    return count;
}

void ag_slots_give(ag_slots *slots, void *item)
{
    pthread_mutex_lock(&slots->mutex);
    waiter *first = slots->first;
    if (first) {
        slots->first = first->next;
        if (!slots->first) slots->last = NULL;
        first->item = item;
        first->served = true;
        pthread_cond_signal(&first->wake);
    } else {
        slots->taken--;
        if (item) slots->idle[slots->idle_count++] = item;
    }
    pthread_mutex_unlock(&slots->mutex);
}
