// SPDX-License-Identifier: Apache-2.0
#pragma once
/* agreement.h: how far two sources of labels agree: two people, or a person and the labellers. Depth by depth, over
 * holes for which both have a number; outcomes (found, no exit, empty) by Cohen's kappa. */
#include <stddef.h>

#include "data/label/labelled.h"

typedef enum ag_agree_depth {
    AG_AGREE_ENTRY,
    AG_AGREE_TRANSITION,
    AG_AGREE_EXIT,
    AG_AGREE_THICKNESS, /* exit less entry: what set-ups do not shift */
    AG_AGREE_COUNT,
} ag_agree_depth;
extern const char *const ag_agree_names[AG_AGREE_COUNT];

/* Of b - a, in mm. NaN where there are too few. */
typedef struct ag_agree_stats {
    size_t count;
    double bias, mae, p95, most;
    double within[3]; /* share within 0.1, 0.25 and 0.5 mm */
    double low, high; /* Bland and Altman's limits: bias -+ 1.96 standard deviations */
    double icc;       /* intraclass correlation, two-way, absolute agreement, single measure: ICC(2,1) */
} ag_agree_stats;
extern const double ag_agree_limits[3];

typedef struct ag_agree_worst {
    const ag_labelled *hole;
    const char *what; /* "exit", "outcome", "transitions" */
    double a, b;      /* mm; NaN for an outcome */
    double away;      /* INFINITY for an outcome */
} ag_agree_worst;

typedef struct ag_agreement {
    const char *a, *b; /* authors; "automatic" for the labellers, "expert" for whoever labelled last */
    size_t holes;      /* that both have labelled */
    ag_agree_stats depth[AG_AGREE_COUNT];
    size_t table[3][3];        /* outcomes: found, no exit, empty; of a by rows, of b by columns */
    double kappa;              /* NaN when both always say the same one thing */
    size_t unlike_transitions; /* holes where both found another number of them */
    ag_agree_worst *worst;     /* the farthest first */
    size_t worst_count;
} ag_agreement;

#define AG_AGREE_AUTOMATIC "automatic"
#define AG_AGREE_EXPERT "expert"

/* `worst` of them at most are kept. */
int ag_agree(const ag_labelled_set *set, const char *a, const char *b, size_t worst, ag_arena *arena, ag_agreement *out,
             ag_err *err);

/* All authors of labels that stand, sorted. */
int ag_agree_authors(const ag_labelled_set *set, ag_arena *arena, const char ***out, size_t *count, ag_err *err);

/* The numbers of pairs of depths. Sorts nothing of the caller's. */
int ag_agree_measure(const double *a, const double *b, size_t count, ag_agree_stats *out, ag_err *err);
