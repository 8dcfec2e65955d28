// SPDX-License-Identifier: Apache-2.0
#pragma once
/* crew.h: threads that go through a list of short steps together, each step cut into parts. For one sample on several
 * cores: a step takes microseconds, so threads wait for the next one awake, though not for long. */
#include "core/sys/thread.h"

typedef struct ag_crew {
    void *context;
    int steps;
    int (*parts)(void *context, int step); /* 1 .. 32767 */
    /* `member`: which thread, 0 .. ag_pool_threads() - 1. No step begins before the one before it has ended. */
    void (*run)(void *context, int step, int part, int parts, int member);
} ag_crew;

/* Threads of the pool that are free join in and may leave again; this thread, or whichever comes first, does what
 * nobody else does. So it ends whether any other thread comes or not. */
void ag_crew_run(ag_pool *pool, const ag_crew *crew);
