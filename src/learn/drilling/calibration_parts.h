// SPDX-License-Identifier: Apache-2.0
#pragma once
/* calibration_parts.h: what the files of the calibration share: what a fit and an answer are made of. */
#include "learn/drilling/calibration.h"

#define AG_CALIBRATION_RIGHT 0.25  /* mm: within it an answer is right */
#define AG_CALIBRATION_FAR 0.6     /* mm: beyond it a shape is of another point */
#define AG_CALIBRATION_FLOOR 0.001 /* mm: of errors, under their logarithm */

typedef struct ag_witness {         /* of one point of one hole */
    double heap, shape;             /* mm; shape NaN: says nothing near */
    double spread;                  /* mm, of the heap */
    double x[AG_CALIBRATION_TERMS]; /* what the blend is made of */
    double z[AG_CALIBRATION_TERMS]; /* what the usual error is made of */
    double truth;
    size_t tool; /* number below that of the tools */
} ag_witness;

/* `refine`: the shape is looked at. truth is NaN. */
ag_witness ag_witness_of(const ag_drilled *drilled, const ag_reading *reading, int point, bool refine);
/* mm: from the heap as far as the blend says. */
double ag_witness_blended(const double blend[AG_CALIBRATION_TERMS], const ag_witness *witness);
/* mm */
double ag_witness_usual_error(const double scale[AG_CALIBRATION_TERMS], const ag_witness *witness);

static inline double ag_witness_product(const double *a, const double *b)
{
    double sum = 0;
    for (int i = 0; i < AG_CALIBRATION_TERMS; i++) sum += a[i] * b[i];
    return sum;
}
