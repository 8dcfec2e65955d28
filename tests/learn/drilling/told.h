// SPDX-License-Identifier: Apache-2.0
#pragma once
/* told.h: holes side by side, as a calibration is told of them; what they are like is each test's own. */
#include <math.h>

#include "learn/drilling/calibration.h"

enum { MOST_TOLD = 2000 };

typedef struct told_holes { /* lies in its arena */
    ag_arena *arena;
    ag_drilled drilled[MOST_TOLD];
    const ag_drilled *holes[MOST_TOLD];
    ag_reading readings[MOST_TOLD];
    ag_known known[MOST_TOLD];
    const ag_known *all[MOST_TOLD];
    ag_calibration calibration;
} told_holes;

static const ag_grip grip = {1.5875, 0, 25};

static inline told_holes *new_told(void)
{
    ag_arena *arena = ag_arena_new(0);
    told_holes *told = ag_arena_alloc(arena, sizeof *told);
    *told = (told_holes){.arena = arena};
    return told;
}

/* Hole i was found by one model and is known; depths are to be filled in. */
static inline void add_told(told_holes *told, size_t i)
{
    told->readings[i] = (ag_reading){.voices = 1, .apart = {(double)NAN, (double)NAN, (double)NAN}};
    told->known[i] = (ag_known){.outcome = AG_LABEL_FOUND, .weight = 1};
    told->holes[i] = &told->drilled[i];
    told->all[i] = &told->known[i];
}
