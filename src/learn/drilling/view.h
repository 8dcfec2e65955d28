// SPDX-License-Identifier: Apache-2.0
#pragma once
/* view.h: how a model sees a hole: which channels, on which grid, scaled by which frozen numbers. Made once by a
 * training, stored with the model, and the same for all members of an ensemble. Read-only once made. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/doc/json.h"
#include "learn/drilling/data.h"
#include "learn/drilling/examples.h"
#include "learn/nn/real.h"

enum { AG_VIEW_CHANNELS = 32, AG_VIEW_WINDOWS = 64 };

typedef struct ag_view {
    int64_t cells; /* of a window */
    double cell_mm;
    bool sliding; /* longer holes are seen in several windows; else in one with wider cells */
    bool refine;  /* maps are read in the light of what the shapes of the tool's point say */
    size_t channel_count, condition_count;
    const ag_feature *channels[AG_VIEW_CHANNELS];
    int conditions[AG_CONDITIONS]; /* ag_condition_id */
    ag_feature_options options;
    double mean[AG_VIEW_CHANNELS], deviation[AG_VIEW_CHANNELS];
} ag_view;

/* By configuration; mean 0 and deviation 1 until ag_view_fit(). Unknown names are refused with the nearest. */
int ag_view_init(const ag_drilling_data *data, int64_t cells, ag_view *out, ag_err *err);
/* Mean and deviation of every channel over the observed cells of these examples. */
int ag_view_fit(ag_view *view, const ag_example_set *set, const size_t *chosen, size_t count, ag_err *err);
void ag_view_write(const ag_view *view, ag_json *json); /* an object */
int ag_view_read(const ag_value *value, const char *file, ag_view *out, ag_err *err);

/* Where the windows of a hole begin, and the width of their cells. */
typedef struct ag_view_windows {
    size_t count;
    double cell_mm, start[AG_VIEW_WINDOWS]; /* mm */
} ag_view_windows;
void ag_view_cut(const ag_view *view, const ag_track *track, ag_view_windows *out);

/* Room to work with, one per thread. */
typedef struct ag_viewer ag_viewer;
int ag_viewer_new(const ag_view *view, ag_arena *arena, ag_viewer **out, ag_err *err);
/* A window as the model's input [cells, channels], scaled, zero outside the recording; `observed` [cells, channels] may
 * be NULL. The grid stays until the next call. */
const ag_grid *ag_viewer_look(ag_viewer *viewer, const ag_track *track, double start, double cell_mm, ag_real *values,
                              ag_real *observed);
/* conditions [condition_count], scaled, 0 where not known. */
void ag_view_conditions(const ag_view *view, const double *conditions, ag_real *out);
