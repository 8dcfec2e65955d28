// SPDX-License-Identifier: Apache-2.0
#pragma once
/* score.h: how good predictions of holes are, as pure functions of arrays: what is known of each hole and what was
 * said of it. Nothing is read, nothing is random but the bootstrap, which is a function of its seed.
 *
 * What is counted, exactly:
 *   known        holes of which something is known; the others are in no number but `holes`
 *   abstained    outcome AG_LABEL_NONE was said. In no error, neither right nor failed
 *   answered     known and not abstained
 *   failed       answered, and one of: another outcome than the true one; a point that there is was not said; a point
 *                was said that there is none of; a point is more than failure_mm off
 *   right        answered, the outcome is the true one and every point is within right_mm, or rightly absent
 *   false number a depth of a hole that was drilled in air, or an exit of a tool that seized
 * Errors (said less true, mm) are of all points that are both there and said, failures included. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "learn/drilling/prediction.h"

typedef enum ag_score_measure {
    AG_SCORE_ENTRY,
    AG_SCORE_TRANSITION,
    AG_SCORE_EXIT,
    AG_SCORE_THICKNESS,   /* exit less entry: of the stack */
    AG_SCORE_FIRST_LAYER, /* transition less entry */
    AG_SCORE_LAST_LAYER,  /* exit less transition */
    AG_SCORE_MEASURES,
} ag_score_measure;
extern const char *const ag_score_measure_names[AG_SCORE_MEASURES + 1]; /* "first_layer"; ended by NULL */

typedef enum ag_score_attribute {
    AG_SCORE_BY_REGIME,
    AG_SCORE_BY_MATERIAL,
    AG_SCORE_BY_PROGRAM,
    AG_SCORE_BY_MACHINE,
    AG_SCORE_BY_TOOL_AGE, /* in four groups of about equal size */
    AG_SCORE_ATTRIBUTES,
} ag_score_attribute;
extern const char *const ag_score_attribute_names[AG_SCORE_ATTRIBUTES + 1]; /* "tool_age"; ended by NULL */

/* A hole to be judged. */
typedef struct ag_score_case {
    const char *name; /* of the hole, for people */
    ag_known known;
    ag_prediction said;
    const char *text[AG_SCORE_ATTRIBUTES]; /* regime, material, program, machine; NULL or empty: not known */
    double tool_age;                       /* holes; NaN: not known */
} ag_score_case;

typedef struct ag_score_options {
    double failure_mm, right_mm; /* 0: 1 and 0.25 */
    uint64_t seed;               /* of the bootstrap */
    size_t draws;                /* of it; 0: 2000 */
    unsigned silent;             /* of a baseline: bits of points that it never says and is not blamed for */
} ag_score_options;

/* Of said less true. NaN where there is none (r2: where all true values are the same, too). Percentiles lie between
 * neighbours as NumPy has them. */
typedef struct ag_score_error {
    size_t count;
    double bias, mae, rmse, r2, median, p95, most;
    double within[2]; /* share within 0.25 and 0.5 mm */
} ag_score_error;
extern const double ag_score_limits[2];

/* Of the intervals of points that are there and were said with one. */
typedef struct ag_score_interval {
    size_t count;
    double covered, width; /* share that holds the truth; mean width, mm */
} ag_score_interval;

enum { AG_SCORE_BINS = 10, AG_SCORE_DEPTHS = AG_SCORE_THICKNESS + 1 };

typedef struct ag_score_bin { /* confidence in (low, low + 0.1]; 0 belongs to the first */
    size_t count;
    double confidence, right; /* mean; share; NaN when empty */
} ag_score_bin;

typedef struct ag_score_calibration {
    size_t count;
    double confidence, right, ece, brier; /* means, expected calibration error, mean squared difference */
    ag_score_bin bins[AG_SCORE_BINS];
} ag_score_calibration;

enum { AG_SCORE_OUTCOMES = AG_LABEL_EMPTY + 1 };

/* Holes by what they are and by what was said of them: [true][said], both ag_label_outcome; said AG_LABEL_NONE:
 * abstained. `failed` are those of them that failed: all but those on the diagonal, and there those with a point too
 * many, too few or too far off. */
typedef struct ag_score_confusion {
    size_t holes[AG_SCORE_OUTCOMES][AG_SCORE_OUTCOMES], failed[AG_SCORE_OUTCOMES][AG_SCORE_OUTCOMES];
} ag_score_confusion;

typedef struct ag_score {
    const char *name; /* of the group; "all" */
    size_t holes, known, abstained, answered, failed, right, false_numbers;
    size_t wrong_outcome, missing, extra, far;   /* why failed: holes, then points */
    size_t air, air_right, seized, seized_right; /* known so, and said so without a false number */
    ag_score_confusion confusion;
    size_t grip, grip_right; /* answered holes whose true thickness has a code */
    ag_score_error error[AG_SCORE_MEASURES];
    ag_score_interval interval[AG_POINTS + 1]; /* the last: all points together */
    ag_score_calibration points, whole;        /* confidence of each point; of the whole answer */
} ag_score;

int ag_score_make(const ag_score_case *const *cases, size_t count, const ag_score_options *options, ag_arena *arena,
                  ag_score *out, ag_err *err);

/* The cases of one value of an attribute, in the order they were given. */
typedef struct ag_score_group {
    const char *name;
    const ag_score_case **cases;
    size_t count;
} ag_score_group;
/* Sorted by name (tool age: from young to old); cases whose attribute is not known come last as "not known". */
int ag_score_groups(const ag_score_case *const *cases, size_t count, ag_score_attribute attribute, ag_arena *arena,
                    ag_score_group **out, size_t *out_count, ag_err *err);

/* One answer of a case by itself: what ag_score_make() counts. */
typedef struct ag_score_verdict {
    bool known, answered, failed, right, false_number;
    double error[AG_SCORE_MEASURES]; /* NaN: none */
    double worst;                    /* the largest of the points' absolute errors; INFINITY: failed otherwise */
} ag_score_verdict;
/* What is known, as far as somebody who is silent about these points can be held to it. */
ag_known ag_score_without(const ag_known *known, unsigned silent);
void ag_score_judge(const ag_known *known, const ag_prediction *said, const ag_score_options *options,
                    ag_score_verdict *out);

/* ---- against a baseline, hole by hole ---- */

/* Of one depth, over the holes for which it is there and both have said it. */
typedef struct ag_score_paired {
    size_t pairs, better, worse; /* smaller error than the baseline's; larger */
    double mae, baseline;        /* mm */
    double gain, low, high;      /* baseline - mae, and 95 % of it by paired bootstrap over holes */
    double p;                    /* two-sided, that there is no difference; never 0 */
} ag_score_paired;

typedef struct ag_score_comparison {
    const char *name; /* of the group */
    size_t known;
    size_t failed, baseline_failed, abstained, baseline_abstained, false_numbers, baseline_false_numbers;
    ag_score_paired depth[AG_SCORE_DEPTHS]; /* entry, transition, exit, thickness */
} ag_score_comparison;

/* `baseline` says something of each case, in their order. */
int ag_score_compare(const ag_score_case *const *cases, const ag_prediction *const *baseline, size_t count,
                     const ag_score_options *options, ag_arena *arena, ag_score_comparison *out, ag_err *err);

/* The paired bootstrap alone: of mean(b - a). Deterministic: draw d, place i takes the same pair on every machine. */
int ag_score_bootstrap(const double *a, const double *b, size_t count, uint64_t seed, size_t draws,
                       ag_score_paired *out, ag_err *err);
