// SPDX-License-Identifier: Apache-2.0
/* crew.c: see crew.h.
 * One thread leads: it opens step after step by writing a ticket (step, parts, next part), takes parts of it like
 * everybody, and waits until those that others took have ended. The others take parts by raising the ticket; one that
 * is out of date cannot be raised, because its step is another one. Nobody waits for a thread that has taken nothing,
 * so a crew never depends on how many came, and nested calls cannot lock each other out.
 *
 * Waiting is awake: for a step of microseconds going to sleep would take longer. It is bounded: who saw no new step for
 * PATIENCE looks goes home until the next run, and the leader gives its core away between looks, since whom it waits
 * for may have lost its own. */
#include "learn/nn/devices/crew.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { PATIENCE = 4096, BRIEF = 256 }; /* looks; about 100 and 6 microseconds */

typedef struct crewing {
    const ag_crew *crew;
    _Alignas(64) _Atomic uint64_t ticket; /* step << 32 | parts << 16 | next part */
    _Alignas(64) atomic_int left;         /* parts of the open step that have not ended */
    _Alignas(64) atomic_bool over;
} crewing;

static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* Takes parts of whatever step is open until it has none; whether it took any. */
static bool take_parts(crewing *c, int member)
{
    bool any = false;
    for (;;) {
        uint64_t ticket = atomic_load_explicit(&c->ticket, memory_order_acquire);
        int step = (int)(ticket >> 32), parts = (int)(ticket >> 16 & 0xffff), part = (int)(ticket & 0xffff);
        if (part >= parts) return any;
        if (!atomic_compare_exchange_weak_explicit(&c->ticket, &ticket, ticket + 1, memory_order_acquire,
                                                   memory_order_relaxed))
            continue;
        c->crew->run(c->crew->context, step, part, parts, member);
        atomic_fetch_sub_explicit(&c->left, 1, memory_order_release);
        any = true;
    }
}

static void lead(crewing *c)
{
    for (int step = 0; step < c->crew->steps; step++) {
        int parts = c->crew->parts(c->crew->context, step);
        if (parts == 1) {
            c->crew->run(c->crew->context, step, 0, 1, 0);
            continue;
        }
        atomic_store_explicit(&c->left, parts, memory_order_relaxed);
        atomic_store_explicit(&c->ticket, (uint64_t)step << 32 | (uint64_t)parts << 16, memory_order_release);
        take_parts(c, 0);
        for (int looks = 0; atomic_load_explicit(&c->left, memory_order_acquire) > 0; looks++) {
            relax();
            if (looks >= BRIEF) sched_yield();
        }
    }
    atomic_store_explicit(&c->over, true, memory_order_release);
}

static int join(void *context, size_t index, ag_err *err)
{
    (void)err;
    crewing *c = context;
    if (index == 0) {
        lead(c);
        return 0;
    }
    for (int looks = 0; looks < PATIENCE && !atomic_load_explicit(&c->over, memory_order_acquire); looks++) {
        if (take_parts(c, (int)index)) looks = 0;
        relax();
    }
    return 0;
}

void ag_crew_run(ag_pool *pool, const ag_crew *crew)
{
    crewing c = {.crew = crew};
    atomic_init(&c.ticket, 0);
    atomic_init(&c.left, 0);
    atomic_init(&c.over, false);
    (void)ag_pool_for(pool, ag_pool_threads(pool), join, &c, NULL, NULL); /* nothing in it can fail */
}
