// SPDX-License-Identifier: Apache-2.0
#pragma once
/* heat.h: from heat maps to depths. A window's map is a distribution over its cells, of which cell 0 says "not here".
 * Windows of a hole are laid over each other by position; maps of several models are averaged. */
#include "learn/drilling/prediction.h"
#include "learn/drilling/view.h"

/* Of a whole hole: a distribution over cells and "nowhere" per point. */
typedef struct ag_heat {
    size_t cells;
    double start, cell; /* mm */
    double *map[AG_POINTS];
    double none[AG_POINTS];
} ag_heat;

/* What the maps say of a hole, before any calibration. */
typedef struct ag_reading {
    double mm[AG_POINTS];     /* the centre of the highest heap; there whether or not none is likely */
    double none[AG_POINTS];   /* the chance that there is no such point */
    double mass[AG_POINTS];   /* share of the heap in what is somewhere */
    double spread[AG_POINTS]; /* mm, deviation of the heap */
    double apart[AG_POINTS];  /* mm, deviation among the models; NaN: one model */
    int voices;
} ag_reading;

/* Windows [count] of `cells` x AG_POINTS probabilities, as the model gives them. */
int ag_heat_fuse(const ag_view *view, const ag_track *track, const ag_view_windows *windows, const ag_real *maps,
                 ag_arena *arena, ag_heat *out, ag_err *err);
/* Adds `weight` times a model's heat to the sum of others of the same hole. */
void ag_heat_add(ag_heat *sum, const ag_heat *heat, double weight);
/* What the labeller says is evidence of its own: what lies near its depths gains weight by how clearly it saw them, and
 * so does "nowhere" for what it did not see. Near is as good as at: where exactly the heap lies stays as it is. */
void ag_heat_weigh(ag_heat *heat, const ag_label *shape);
/* Entry before transition before exit. */
void ag_heat_read(const ag_heat *heat, ag_reading *out);
