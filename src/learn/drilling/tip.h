// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tip.h: the third witness of a depth. A grid of cells shows that thrust steps there, and the labeller assumes how long
 * the chisel edge is that makes the step; the samples themselves tell both, near a place that is already known. */
#include "data/features/track.h"

typedef struct ag_tip {
    double away;   /* mm from `near` to where the tip meets or leaves the layer: the mean over all that is likely */
    double unsure; /* mm, its deviation */
    double chisel; /* mm, length of the chisel edge along the axis */
} ag_tip;

/* `sign`: thrust steps up (1), down (-1), or nobody knows (0). `point`: length of the tool's point, in mm. Where there
 * are too few samples it says nothing: 0, and unsure by what is usual. */
ag_tip ag_tip_find(const ag_track *track, double near, double point, int sign);
