// SPDX-License-Identifier: Apache-2.0
#pragma once
/* legacy_lessons.h: what a model of the old pipeline is trained on. What the old one was trained on is not known; here
 * the target is designed so that the old inference reads it rightly: over the 512 rows of a window each torque column
 * is a bump at the row where the tip leaves the stack and 0 elsewhere, and the two constant columns are themselves.
 * Holes whose exit is not known, or does not lie in what their windows see of step 2, cannot be learned from. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/sys/cancel.h"
#include "learn/drilling/known.h"
#include "learn/drilling/legacy_settings.h"
#include "learn/nn/samples.h"

typedef enum ag_legacy_part { AG_LEGACY_TRAINING, AG_LEGACY_VALIDATION, AG_LEGACY_PARTS } ag_legacy_part;

typedef struct ag_legacy_lesson { /* a hole to learn from, or to be judged by */
    const ag_known_hole *hole;
    ag_legacy_table table;
    double exit; /* row of the table, between rows */
} ag_legacy_lesson;

typedef struct ag_legacy_lessons {
    ag_legacy_lesson *items[AG_LEGACY_PARTS];
    size_t counts[AG_LEGACY_PARTS];
    size_t left_out; /* with an exit that lies elsewhere */
    double target_height, target_rows;
    int64_t windows; /* of a hole in an epoch */
} ag_legacy_lessons;

typedef struct ag_legacy_course {
    const ag_known_set *set;
    const ag_legacy_data *data;
    double share; /* that validates */
    uint64_t seed;
    ag_cancel *cancel;
} ag_legacy_course;

/* Near-twins and what data->group_by says stay on one side. When the course names no reference (and does not want none)
 * the rows of the training holes become settings->reference. All of it lies in the arena. */
int ag_legacy_lessons_make(const ag_legacy_course *course, ag_legacy_settings *settings, ag_arena *arena,
                           ag_legacy_lessons *out, ag_err *err);

/* The heat map [512][17] of the window that begins at row `first`. */
void ag_legacy_target(const ag_legacy_lessons *lessons, const ag_legacy_lesson *lesson, size_t first, ag_real *into);

/* Windows with their heat maps. In training the window of a hole is another one in every epoch, so that all forty come.
 * `lessons` and `digest` must outlive it. */
int ag_legacy_samples(const ag_legacy_lessons *lessons, ag_legacy_part part, const char *digest, ag_arena *arena,
                      ag_samples *out, ag_err *err);
