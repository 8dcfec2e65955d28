// SPDX-License-Identifier: Apache-2.0
#pragma once
/* evaluate.h: how good the automatic labels are: against the truth of simulated holes, and by how well real holes that
 * repeat each other agree. The two are never merged: the first knows the truth but only simulated physics, the second
 * real physics but no truth. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/doc/json.h"
#include "core/show/table.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "data/label/agreement.h"
#include "data/unread.h"

enum { AG_EVAL_ENTRY, AG_EVAL_TRANSITION, AG_EVAL_EXIT, AG_EVAL_DEPTHS }; /* as ag_agree_names */

typedef struct ag_eval_options {
    uint64_t holes, seed;  /* simulated, over all regimes in turn; 0 holes: none */
    const char *real;      /* a folder of drilling files; NULL: none */
    unsigned threads;      /* 0: all processors */
    unsigned tool_holes;   /* of simulated holes in a row; 0: as usual */
    double burr;           /* of simulated holes, mm for an ampere of thrust */
    double high, medium;   /* confidence of a category; 0: 0.9 and 0.7 */
    ag_cancel *cancel;     /* may be NULL */
    ag_progress *progress; /* may be NULL */
} ag_eval_options;

/* Labels of one category on simulated holes that were cut. */
typedef struct ag_eval_category {
    size_t count, right; /* right: all depths within 0.25 mm */
} ag_eval_category;

/* Of one regime, or of all together. A failure: another number of events than there are, or a depth off by more than
 * a millimetre. */
typedef struct ag_eval_truth {
    const char *name;
    size_t holes, cut, failures;
    size_t false_numbers; /* a number for air, or an exit of a seized tool */
    ag_agree_stats depth[AG_EVAL_DEPTHS];
    ag_eval_category category[3];   /* high, medium, low */
    double *errors[AG_EVAL_DEPTHS]; /* [depth[k].count], found less true */
} ag_eval_truth;

/* Real holes of one folder whose thickness is alike: neighbours within half a millimetre. */
typedef struct ag_eval_group {
    const char *folder, *program; /* "several" */
    size_t holes;
    double thickness;         /* median */
    double spread;            /* robust deviation of thickness: 1.4826 times the median distance from the median */
    double low, high;         /* of it, 95 %, by bootstrap over holes */
    double slope;             /* of thickness per hole of the tool's life (Theil and Sen); NaN: too few */
    double about_slope;       /* robust deviation about that line */
    double transition_spread; /* of first transition less entry; NaN: none */
    double known;             /* what a naive estimator reached on more holes of this group; NaN: not known */
    double *thicknesses;      /* [holes] */
} ag_eval_group;

typedef struct ag_eval {
    ag_eval_options options;
    ag_eval_truth all, *regimes; /* of simulated holes */
    size_t regime_count;
    ag_eval_group *groups; /* of four holes and more */
    size_t group_count;
    size_t files, used, alone; /* real: read; valid, cut and labelled; of those in no group */
    ag_unread unread;          /* real */
    size_t real_category[3];
    size_t real_false_numbers;
} ag_eval;

int ag_evaluate(const ag_eval_options *options, ag_arena *arena, ag_eval *out, ag_err *err);

/* Of simulated holes (evaluate_truth.c) and of real ones (evaluate_real.c); for ag_evaluate(). */
int ag_evaluate_truth(ag_arena *arena, ag_eval *eval, ag_err *err);
int ag_evaluate_real(ag_arena *arena, ag_eval *eval, ag_err *err);
/* The robust deviation of thickness, mm, that a naive estimator reached in a long series of real holes of this folder
 * and about this thickness; NaN: not known. */
double ag_evaluate_naive(const char *folder, double thickness);
/* 0 high, 1 medium, 2 low. */
size_t ag_evaluate_category(const ag_eval_options *options, double confidence);

/* Tables for the terminal and the page; the caller frees them, also after a failure. */
int ag_evaluate_truth_table(const ag_eval *eval, ag_table **out, ag_err *err);
int ag_evaluate_real_table(const ag_eval *eval, ag_table **out, ag_err *err);
/* The page for people, and the object for programs. */
int ag_evaluate_html(const ag_eval *eval, ag_buf *out, ag_err *err);
void ag_evaluate_json(const ag_eval *eval, ag_json *json);
