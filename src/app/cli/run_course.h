// SPDX-License-Identifier: Apache-2.0
#pragma once
/* run_course.h: the course of a metric over a run. A run that consists of several trainings has the means of theirs. */
#include "core/base/arena.h"
#include "core/base/err.h"
#include "ledger/run.h"

typedef struct ag_run_course {
    const double *step, *value; /* in the arena */
    size_t count;
    size_t trainings; /* whose mean it is; 0: the run's own */
} ag_run_course;

/* At most about `points` of them. None: count 0. */
int ag_run_course_of(ag_ledger *ledger, const ag_run *run, const char *key, uint32_t points, ag_arena *arena,
                     ag_run_course *out, ag_err *err);
