// SPDX-License-Identifier: Apache-2.0
#pragma once
/* calibration_parts.h: what the files of the calibration share: what a fit and an answer are made of. */
#include "learn/drilling/calibration.h"

#define AG_CALIBRATION_RIGHT 0.25    /* mm: within it an answer is right */
#define AG_CALIBRATION_FAR 0.6       /* mm: beyond it a shape is of another point */
#define AG_CALIBRATION_LABELLER 0.04 /* mm: what labellers are off by on simulated holes */
#define AG_CALIBRATION_FLOOR 0.001   /* mm: of errors, under their logarithm */

typedef struct ag_witness { /* of one point of one hole */
    double heap, shape;     /* mm; shape NaN: says nothing near */
    double word;            /* mm, what the labeller says of this point, near or far; NaN: nothing, or of another one */
    double spread, apart;   /* mm, of the heap; of the models' heaps from each other, NaN: there is one model */
    double x[AG_CALIBRATION_TERMS];            /* what the blend is made of */
    double z[AG_CALIBRATION_TERMS];            /* what the usual error is made of */
    double signs[AG_CALIBRATION_SIGNS], noise; /* logarithms, of how unlike others the hole is; NaN: silent */
    double truth;
    size_t tool; /* number below that of the tools */
} ag_witness;

/* `refine`: the shape is looked at. truth is NaN. */
ag_witness ag_witness_of(const ag_drilled *drilled, const ag_reading *reading, int point, bool refine);
/* mm: from the heap as far as the blend says. */
double ag_witness_blended(const double blend[AG_CALIBRATION_TERMS], const ag_witness *witness);
/* mm */
double ag_witness_usual_error(const double scale[AG_CALIBRATION_TERMS], const ag_witness *witness);

/* ---- calibration_unlike.c ---- */

/* Gives signs and noise to a witness whose heap, spread and word are there. */
void ag_witness_signs(const ag_drilled *drilled, const ag_reading *reading, int point, ag_witness *w);
/* `room` [count]. A sign that none of them gives: `out` stays as it is. */
void ag_signs_fit(const ag_witness *all, size_t count, double *room, ag_usual_signs *out);
/* The chance that a hole is of another kind than those that the calibration was fitted on; 0 where nobody knows those.
 * The heap of a point that is not there is NaN. */
double ag_calibration_unlike(const ag_calibration *calibration, const ag_witness witnesses[AG_POINTS]);
/* What is said of a point of which the calibration says nothing, for that or another reason. Nothing is said where the
 * labeller is silent and the models are far from each other. */
bool ag_witness_silent_elsewhere(const ag_witness *witness);
typedef struct ag_elsewhere {
    double mm, half; /* half of the interval, mm */
    double right;    /* the chance that it is right */
    bool another;    /* place than the heap's: a mean of both would be neither */
} ag_elsewhere;
ag_elsewhere ag_witness_elsewhere(const ag_witness *witness);

static inline double ag_witness_product(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < AG_CALIBRATION_TERMS; i++) sum += a[i] * b[i];
    return sum;
}
