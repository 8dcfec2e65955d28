// SPDX-License-Identifier: Apache-2.0
#pragma once
/* grid.h: a track laid on cells of equal width in mm. A cell holds the mean over its width of the line through the
 * nodes, so a slow feed is averaged, a fast one is interpolated, and 50 samples per second give what 100 do. Cells that
 * nobody saw are not observed and hold what lies between their neighbours; cells outside the recording hold what its
 * nearest end has, and no position is ever read from them. */
#include <stdbool.h>
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "data/features/track.h"

typedef struct ag_grid {
    double start; /* mm, where cell 0 begins */
    double cell;  /* mm */
    size_t count;
    size_t first, last; /* cells [first, last) lie inside the recording */
    double end;         /* mm, the deepest position of the recording */
    size_t steps;       /* of the whole track */
    bool *observed;     /* [count], as all that follows */
    double *torque, *thrust;
    double *spread;   /* A: deviation of torque inside the cell, of samples and of the line */
    double *velocity; /* mm/s */
    double *samples;  /* per mm */
    double *step;     /* 0, 1, 2 ... */
    double *seen;     /* share of the cell that was seen, 0 to 1 */
    double *work;     /* A mm: torque over the way from the track's beginning to here */
} ag_grid;

/* Room for so many cells; ag_grid_lay() may be called on it again and again and allocates nothing. */
int ag_grid_new(size_t count, ag_arena *arena, ag_grid *out, ag_err *err);
void ag_grid_lay(const ag_track *track, double start, double cell, ag_grid *grid);

static inline double ag_grid_depth(const ag_grid *grid, double position) /* 0.5 is the middle of cell 0 */
{
    return grid->start + grid->cell * position;
}
