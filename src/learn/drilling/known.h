// SPDX-License-Identifier: Apache-2.0
#pragma once
/* known.h: the holes of a prepared dataset with what is known of each: measured or simulated truth (a table with path
 * or sha256 and depths: the simulator's truth.csv is one), else the latest word of a person, else (when asked for) the
 * automatic label. And what they can be told apart by: regime, material, program, machine, age of the tool. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/prepared.h"
#include "learn/drilling/prediction.h"
#include "learn/drilling/score.h"

#define AG_KNOWN_TRUTH_FILE "truth.csv"

typedef struct ag_known_options {
    const char *truth; /* a table; NULL: truth.csv in the dataset's directory, if there is one */
    bool automatic;    /* automatic labels count, too */
} ag_known_options;

typedef struct ag_known_hole {
    const ag_prepared *record;
    ag_known known;
    ag_prediction automatic;               /* the automatic label as a prediction; AG_LABEL_NONE: there is none */
    const char *text[AG_SCORE_ATTRIBUTES]; /* NULL: not known */
    double tool_age;                       /* NaN: not known */
} ag_known_hole;

typedef struct ag_known_set {
    ag_prepared_set prepared;
    ag_known_hole *holes; /* those with samples, without copies of others, in the order of paths */
    size_t count;
    size_t truths, experts, automatic; /* of the holes, where what is known comes from */
    size_t unmatched;                  /* rows of the truth that no hole has */
    size_t unread;                     /* drilling files without samples: they could not be read */
    const char *first_unread;          /* the path of one, NULL: none */
    const char *truth;                 /* the table that was read; NULL: none */
} ag_known_set;

/* All of it lies in the arena. `options` NULL: no table but the dataset's own, no automatic labels. */
int ag_known_load(const char *dir, const ag_known_options *options, ag_arena *arena, ag_known_set *out, ag_err *err);

/* The samples, with those fields of the header that holes.csv has kept (counters, machine, head, date). */
int ag_known_samples(const ag_known_set *set, const ag_known_hole *hole, ag_arena *arena, ag_hole **out, ag_err *err);

/* The same hole as a case to be judged, before anything has been said of it. */
ag_score_case ag_known_case(const ag_known_hole *hole);

/* An automatic label as a prediction: every point with the label's confidence and 1.645 times its uncertainty to either
 * side. */
ag_prediction ag_prediction_of_label(const ag_label *label, const ag_label_settings *settings);
