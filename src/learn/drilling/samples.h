// SPDX-License-Identifier: Apache-2.0
#pragma once
/* samples.h: holes as samples of a training: a window of a hole each, augmented by (seed, epoch, number), with its heat
 * maps. Targets are soft: a normal distribution in mm around the depth. Cell 0 of a window stands for "not here": it
 * carries the whole target of a point that the hole does not have, or that lies in another window. Ports: past_values
 * [cells, channels], observed_mask (the same), conditions, target_values [cells, 3]. */
#include "learn/drilling/view.h"
#include "learn/nn/samples.h"

/* The target of one window: into[cells * AG_POINTS]; all zeros when nothing is known. */
void ag_target_fill(const ag_known *known, double target_mm, const ag_grid *grid, ag_real *into);

/* A track changed as another day might have changed it, and its depths with it; a pure function of the generator. The
 * copy lives in `room`. */
typedef struct ag_augmented {
    ag_track track;
    ag_known known;
} ag_augmented;
typedef struct ag_augment_room ag_augment_room;
int ag_augment_room_new(size_t most_nodes, ag_arena *arena, ag_augment_room **out, ag_err *err);
void ag_augment(const ag_drilling_augmentation *how, const ag_track *track, const ag_known *known, ag_rng *rng,
                ag_augment_room *room, ag_augmented *out);

enum { AG_SAMPLE_VALUES, AG_SAMPLE_OBSERVED, AG_SAMPLE_TARGET, AG_SAMPLE_CONDITIONS, AG_SAMPLE_PORTS };
enum { AG_SAMPLE_ROOMS = 8 }; /* threads that fill at the same time; more wait for each other */

typedef struct ag_drilling_samples {
    ag_samples samples; /* state points to this struct: do not move it */
    ag_samples_port ports[AG_SAMPLE_PORTS];
    const ag_view *view;
    const ag_example_set *set;
    const ag_drilling_data *data;
    struct ag_sample_place *places; /* a hole and a window of it */
    struct ag_sample_rooms *rooms;
    bool multiple; /* some hole has several windows */
    ag_pool *pool; /* whose idle threads help with a batch; NULL: none */
    char digest[65];
} ag_drilling_samples;

/* Of these examples, in this order; those that nothing is known of have no targets (for pretraining). `name` for
 * messages. All lies in the arena. The pool is NULL; it may be set behind this. */
int ag_drilling_samples_init(ag_drilling_samples *samples, const char *name, const ag_view *view,
                             const ag_drilling_data *data, const ag_example_set *set, const size_t *chosen,
                             size_t count, ag_arena *arena, ag_err *err);
