// SPDX-License-Identifier: Apache-2.0
#pragma once
/* repeat.h: how well an answerer agrees with itself on real holes, whose truth nobody knows: on holes that repeat each
 * other, on a file and the same hole from MQTT, on a recording and the same at half its rate.
 *
 * A repeat group is what lies in one folder and, by its automatic labels, is alike in thickness (neighbours within half
 * a millimetre). The groups do not depend on who is asked; what spreads in them is what he says. A spread is robust:
 * 1.4826 times the median distance from the median. Thickness is looked at, not depth, because set-ups shift. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/map.h"
#include "core/doc/json.h"
#include "core/show/table.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "data/unread.h"
#include "learn/drilling/answerer.h"

typedef struct ag_repeat_options {
    const char *dir;        /* a folder of drilling files */
    const ag_answerer *who; /* required */
    ag_pool *pool;          /* may be NULL */
    ag_cancel *cancel;      /* may be NULL */
    ag_progress *progress;  /* may be NULL */
    uint64_t seed;          /* of the intervals */
    const char *said;       /* out_of_fold.csv: its answers count, and nobody is asked; NULL: `who` is asked */
} ag_repeat_options;

/* Of four holes and more. NaN where there is none. */
typedef struct ag_repeat_group {
    const char *folder, *program; /* "several" */
    size_t holes, answered;       /* with a thickness */
    size_t outliers;              /* more than a millimetre from the group's median */
    double thickness;             /* median, mm */
    double spread, low, high;     /* mm; 95 % of it by bootstrap over holes */
    double automatic;             /* the spread of the automatic labels */
    double naive;                 /* what a naive estimator reached on more holes of this group */
    double ratio;                 /* spread / naive */
    double transition;            /* spread of transition less entry */
    double *values;               /* [answered] thickness */
} ag_repeat_group;

/* Two answers to one hole. Differences in mm. */
typedef struct ag_repeat_pair {
    const char *a, *b; /* paths; b NULL: a at half its rate */
    bool same_outcome;
    bool unlike;            /* another outcome, or a point that only one has */
    double away[AG_POINTS]; /* NaN: not both have it */
} ag_repeat_pair;

typedef struct ag_repeat_pairs {
    ag_repeat_pair *items;
    size_t count, unlike; /* pairs with another outcome, or a point that only one has */
    double median[AG_POINTS], p95[AG_POINTS], most[AG_POINTS]; /* of absolute differences */
} ag_repeat_pairs;

typedef struct ag_repeat {
    const char *who, *dir;
    size_t files, answered, alone; /* holes that could be read; with an answer; valid ones in no group */
    ag_unread unread;
    ag_repeat_group *groups;
    size_t group_count;
    ag_repeat_pairs twins; /* the same samples in two files, of which one may be a message */
    ag_repeat_pairs rates; /* every second sample left out */
} ag_repeat;

/* The pairs that somebody should look at: unlike ones, and those with a point more than AG_REPEAT_APART mm away,
 * farthest first. Returns how many there are; `out` gets as many as it has room for. */
#define AG_REPEAT_APART 0.25
size_t ag_repeat_apart(const ag_repeat *repeat, const ag_repeat_pair **out, size_t room);

/* All of it lies in the arena. */
int ag_repeat_run(const ag_repeat_options *options, ag_arena *arena, ag_repeat *out, ag_err *err);

/* repeat_said.c: answers from a table that has sha256 and, for every point, POINT_predicted_mm. */
typedef struct ag_repeat_answer {
    ag_label_outcome outcome;
    double mm[AG_POINTS];
} ag_repeat_answer;
int ag_repeat_said(const char *path, ag_arena *arena, ag_map *by_content, ag_err *err);

/* Every second sample of a hole, in the arena. */
int ag_repeat_halve(const ag_hole *hole, ag_arena *arena, ag_hole **out, ag_err *err);

/* Tables; the caller frees them, also after a failure. */
int ag_repeat_table_groups(const ag_repeat *repeat, ag_table **out, ag_err *err);
int ag_repeat_table_pairs(const ag_repeat *repeat, ag_table **out, ag_err *err);
int ag_repeat_table_apart(const ag_repeat *repeat, ag_table **out, ag_err *err); /* no rows: all are near */
void ag_repeat_json(const ag_repeat *repeat, ag_json *json);
/* Sections of a page that is open. */
int ag_repeat_html(const ag_repeat *repeat, ag_buf *out, ag_err *err);
