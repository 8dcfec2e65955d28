// SPDX-License-Identifier: Apache-2.0
#pragma once
/* label.h: where a hole begins, changes material and ends, found automatically. Depths are those of the tool's tip. A
 * labeller is one const struct and one line in label.c; no state, any thread; a hole is only read. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "data/hole.h"
#include "data/validator.h"

enum { AG_LABEL_TRANSITIONS = 4 };

typedef enum ag_label_outcome {
    AG_LABEL_NONE,    /* this labeller cannot tell */
    AG_LABEL_FOUND,   /* entry and exit, and the transitions there are */
    AG_LABEL_NO_EXIT, /* the tool seized or the recording ends inside the stack: entry and transitions at most */
    AG_LABEL_EMPTY,   /* nothing was cut: no number at all */
} ag_label_outcome;
const char *ag_label_outcome_name(ag_label_outcome outcome); /* "none", "found", "no exit", "empty" */

/* Depths are NaN where there is none. Factors and confidence are in [0, 1]. */
typedef struct ag_label {
    ag_label_outcome outcome;
    const char *source;            /* name of the labeller that told most of it */
    double entry, exit, full_exit; /* mm */
    double transition[AG_LABEL_TRANSITIONS];
    size_t transition_count;
    double point;        /* mm, length of the tool's point as the torque shows it */
    double uncertainty;  /* mm, of the least certain of the depths */
    double disagreement; /* mm by which labellers are apart; NaN when only one has a number */
    double clarity;      /* how clearly torque and thrust change there */
    double quality;      /* of the samples */
    double consistency;  /* with holes of the same program and machine; 1 until ag_label_compare() has looked */
    double confidence;   /* the product of the three */
} ag_label;

typedef struct ag_label_settings {
    double high, medium;   /* confidence from which a label is called so */
    double grip_pitch;     /* mm per grip code */
    double grip_tolerance; /* mm by which a depth may exceed its code's upper end */
    int64_t grip_codes;    /* 0 above this one */
} ag_label_settings;
extern const ag_description ag_label_settings_description;
int ag_label_settings_default(ag_label_settings *out, ag_err *err);

typedef struct ag_labeller {
    const char *name; /* "change-points" */
    const char *doc;
    /* Required. `out` has no depths yet and outcome AG_LABEL_NONE. `verdict` is that of the hole. */
    int (*label)(const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena, ag_label *out, ag_err *err);
} ag_labeller;

typedef struct ag_labeller_table {
    const ag_labeller *const *items;
    size_t count;
} ag_labeller_table;
ag_labeller_table ag_labellers(void);
const ag_labeller *ag_labeller_find(const char *name); /* NULL when absent */

/* The hole's label by all labellers together. */
int ag_label_hole(const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena, ag_label *out, ag_err *err);
/* By one of them. */
int ag_label_by(const ag_labeller *labeller, const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena,
                ag_label *out, ag_err *err);

/* Labels of holes of one program and machine: sets consistency, and confidence anew. Compared are thickness, the way
 * from the entry to the first transition, and the number of transitions; not depths, because set-ups shift. Fewer than
 * five that were found are not compared. */
int ag_label_compare(ag_label *const *labels, size_t count, ag_err *err);

/* "high", "medium", "low"; "empty" where nothing was cut. */
const char *ag_label_category(const ag_label *label, const ag_label_settings *settings);

/* The grip code of a thickness: the k for which it lies in (pitch (k - 1) + tolerance, pitch k + tolerance], the first
 * from 0 on; 0 when there is none. */
int ag_label_grip(double thickness, const ag_label_settings *settings);
