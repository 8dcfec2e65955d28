// SPDX-License-Identifier: Apache-2.0
#pragma once
/* track.h: what the tool felt on its way down: the samples of a hole as nodes whose depth only grows, whatever the
 * machine did in between (micro-pecks, retracts, restarts, held rows, another sample rate). Read-only once made. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/hole.h"

typedef struct ag_track {
    size_t count;    /* nodes */
    double *depth;   /* mm of the tip, growing strictly; what the firmware's smoothing lags behind is taken back */
    double *torque;  /* A above idle; the mean of the node's samples */
    double *thrust;  /* A above idle */
    double *spread;  /* A^2: variance of torque among the node's samples */
    double *time;    /* s of drilling since the first node; stops between steps do not count */
    double *samples; /* how many stand behind the node */
    unsigned *step;  /* 0, 1, 2 ...: the steps that ran, in their order */
    bool *joined;    /* the way from the node before to this one was seen: no restart, no lost samples */
    double end;      /* mm, the deepest position */
    size_t steps;    /* that ran */
    double peak;     /* A, greatest torque */
} ag_track;

extern const double ag_track_lag; /* s by which the firmware's smoothing lags */

/* A hole without samples gives a track of no nodes. Everything lies in the arena. */
int ag_track_make(const ag_hole *hole, ag_arena *arena, ag_track *out, ag_err *err);
