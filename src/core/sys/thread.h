// SPDX-License-Identifier: Apache-2.0
#pragma once
/* thread.h: threads and a pool that sleeps when it has nothing to do (it never spins). Mutexes and condition variables
 * are used as pthread's own. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/sys/cancel.h"

/* Processors this process may use (affinity and cgroup quota counted in), at least 1. $AUGER_THREADS overrides. */
unsigned ag_cpu_count(void);
/* At most 15 bytes are kept; shown by top and debuggers. */
void ag_thread_name(const char *name);

typedef struct ag_pool ag_pool;

/* `threads`: how many work on one ag_pool_for() at once, its caller counted in. 0: ag_cpu_count(). */
int ag_pool_new(unsigned threads, ag_pool **out, ag_err *err);
/* Finishes what was submitted, then joins. NULL is fine. */
void ag_pool_free(ag_pool *pool);
unsigned ag_pool_threads(const ag_pool *pool);

/* Runs work(context, i) for i in [0, count), spread over the pool and the calling thread; returns when all are done.
 * Each index runs exactly once; a result must not depend on which thread ran it. The first failure (by lowest index
 * among those that failed) is returned and stops indices that have not begun, as does `cancel` (may be NULL) with
 * AG_ECANCELLED. May be called from inside work (nested calls run on the same threads without deadlock). */
typedef int (*ag_for_fn)(void *context, size_t index, ag_err *err);
int ag_pool_for(ag_pool *pool, size_t count, ag_for_fn work, void *context, ag_cancel *cancel, ag_err *err);

/* Starts one task; it runs some time later. AG_ENOMEM is the only failure. */
int ag_pool_submit(ag_pool *pool, void (*work)(void *context), void *context, ag_err *err);
/* Waits until everything submitted so far has ended. */
void ag_pool_wait(ag_pool *pool);
