// SPDX-License-Identifier: Apache-2.0
#pragma once
/* fit.h: the shapes that a cone makes of torque and thrust where it enters, changes or leaves a material, laid over a
 * profile by least squares. Amplitudes are found by the fit; where, how long the point is and how wide the gap, by
 * trying. */
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/label/profile.h"

#define AG_FIT_CHISEL 0.10 /* of the point's length: the chisel edge at the very tip, of usual tools */

typedef enum ag_fit_kind { AG_FIT_ENTRY, AG_FIT_TRANSITION, AG_FIT_EXIT } ag_fit_kind;

typedef struct ag_fit {
    double depth;       /* mm, of the tip */
    double gap;         /* mm of air before it, of a transition */
    double cost;        /* mean squared deviation in units of what is usual */
    double uncertainty; /* mm */
} ag_fit;

/* Room to work with, for one profile and one thread. */
typedef struct ag_fitter ag_fitter;
int ag_fitter_new(const ag_profile *profile, ag_arena *arena, ag_fitter **out, ag_err *err);

/* Tries depths within `reach` of `near`, for a point of this length and a gap of this width. The window of samples goes
 * no deeper than `limit`. cost is INFINITY when nothing fits. */
ag_fit ag_fit_try(ag_fitter *fitter, ag_fit_kind kind, double near, double reach, double point, double gap,
                  double limit);
