// SPDX-License-Identifier: Apache-2.0
/* samples.c: a batch is filled sample by sample from a stream that is named by seed, epoch and the sample's number, so
 * that it can be had again by any thread in any order, also by several at once: the last models of a training, or the
 * only one, leave threads idle. A label that is less than certain counts in that share of the
 * epochs: its target is left empty in the others, and an empty target costs nothing. Room to work in is taken from a
 * pool of rooms, one per thread that fills at the same time; all are made before the first step. */
#include "learn/drilling/samples.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"

struct ag_sample_place {
    size_t example;
    double start, cell_mm;
};

/* ---- targets ---- */

static const double reach = 6; /* deviations; beyond there is less than a float beside 1 holds */

static double normal_below(double x)
{
    return 0.5 * erfc(-x * 0.70710678118654752440);
}

static void place_target(double mm, double sd, const ag_grid *grid, int point, ag_real *into)
{
    double total = 0, from = (mm - reach * sd - grid->start) / grid->cell;
    double until = (mm + reach * sd - grid->start) / grid->cell, count = (double)grid->count;
    size_t first = from > 1 ? (size_t)fmin(from, count) : 1, end = until > 0 ? (size_t)fmin(until + 1, count) : 0;
    double below = first < end ? normal_below((ag_grid_depth(grid, (double)first) - mm) / sd) : 0;
    for (size_t i = first; i < end; i++) {
        double above = normal_below((ag_grid_depth(grid, (double)i + 1) - mm) / sd), part = above - below;
        into[i * AG_POINTS + (size_t)point] = (ag_real)part;
        total += part;
        below = above;
    }
    /* What lies outside the window is not here. */
    into[point] = (ag_real)fmax(0, 1 - total);
}

void ag_target_fill(const ag_known *known, double target_mm, const ag_grid *grid, ag_real *into)
{
    memset(into, 0, grid->count * AG_POINTS * sizeof *into);
    if (known->outcome == AG_LABEL_NONE) return;
    for (int k = 0; k < AG_POINTS; k++) {
        if (isnan(known->mm[k]))
            into[k] = 1;
        else
            place_target(known->mm[k], target_mm, grid, k, into);
    }
}

/* ---- rooms ---- */

typedef struct room {
    ag_viewer *viewer;
    ag_augment_room *augment;
} room;

struct ag_sample_rooms {
    pthread_mutex_t lock;
    pthread_cond_t back;
    room items[AG_SAMPLE_ROOMS];
    room *idle[AG_SAMPLE_ROOMS];
    size_t idle_count;
};

static room *borrow(struct ag_sample_rooms *rooms)
{
    pthread_mutex_lock(&rooms->lock);
    while (rooms->idle_count == 0) pthread_cond_wait(&rooms->back, &rooms->lock);
    room *r = rooms->idle[--rooms->idle_count];
    pthread_mutex_unlock(&rooms->lock);
    return r;
}

static void give_back(struct ag_sample_rooms *rooms, room *r)
{
    pthread_mutex_lock(&rooms->lock);
    rooms->idle[rooms->idle_count++] = r;
    pthread_cond_signal(&rooms->back);
    pthread_mutex_unlock(&rooms->lock);
}

static int make_rooms(ag_drilling_samples *s, size_t most_nodes, ag_arena *arena, ag_err *err)
{
    struct ag_sample_rooms *rooms = ag_arena_alloc(arena, sizeof *rooms);
    if (!rooms) return ag_fail_memory(err, sizeof *rooms);
    int rc = 0;
    pthread_mutex_init(&rooms->lock, NULL);
    pthread_cond_init(&rooms->back, NULL);
    for (size_t i = 0; i < AG_SAMPLE_ROOMS && rc >= 0; i++) {
        room *r = &rooms->items[i];
        rc = ag_viewer_new(s->view, arena, &r->viewer, err);
        if (rc >= 0) rc = ag_augment_room_new(most_nodes, arena, &r->augment, err);
        if (rc >= 0) rooms->idle[rooms->idle_count++] = r;
    }
    s->rooms = rooms;
    return rc;
}

/* ---- filling ---- */

static void fill_one(const ag_drilling_samples *s, const ag_batch *batch, int64_t i, room *r)
{
    const struct ag_sample_place *place = &s->places[batch->index[i]];
    const ag_example *e = &s->set->items[place->example];
    ag_augmented a = {.track = e->drilled.track, .known = e->known};
    double start = place->start;
    size_t cells = (size_t)s->view->cells, wide = cells * s->view->channel_count;
    ag_real *values = batch->into[AG_SAMPLE_VALUES], *observed = batch->into[AG_SAMPLE_OBSERVED];
    bool wanted = s->samples.ports_count > AG_SAMPLE_CONDITIONS;
    ag_real *conditions = wanted ? batch->into[AG_SAMPLE_CONDITIONS] : NULL, *target = batch->into[AG_SAMPLE_TARGET];
    if (batch->training) {
        ag_rng rng = ag_rng_stream(batch->seed, "augmentation");
        rng = ag_rng_child(&rng, (uint64_t)batch->epoch);
        rng = ag_rng_child(&rng, (uint64_t)batch->index[i]);
        if (ag_rng_double(&rng) >= a.known.weight) a.known.outcome = AG_LABEL_NONE;
        ag_augment(&s->data->preprocessing.augmentation, &e->drilled.track, &a.known, &rng, r->augment, &a);
        if (s->multiple) start += s->view->cell_mm * (double)s->view->cells * 0.25 * (ag_rng_double(&rng) - 0.5);
    }
    const ag_grid *grid = ag_viewer_look(r->viewer, &a.track, start, place->cell_mm, values + (size_t)i * wide,
                                         observed ? observed + (size_t)i * wide : NULL);
    if (conditions)
        ag_view_conditions(s->view, e->drilled.conditions, conditions + (size_t)i * s->view->condition_count);
    if (target) ag_target_fill(&a.known, s->data->target_mm, grid, target + (size_t)i * cells * AG_POINTS);
}

enum { TOGETHER = 4 }; /* samples of a batch that one thread fills */

typedef struct filling {
    const ag_drilling_samples *samples;
    const ag_batch *batch;
} filling;

static int fill_some(void *context, size_t index, ag_err *err)
{
    const filling *f = context;
    int64_t from = (int64_t)index * TOGETHER, to = from + TOGETHER;
    (void)err;
    room *r = borrow(f->samples->rooms);
    for (int64_t i = from; i < to && i < f->batch->count; i++) fill_one(f->samples, f->batch, i, r);
    give_back(f->samples->rooms, r);
    return 0;
}

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    filling f = {state, batch};
    return ag_pool_for(f.samples->pool, (size_t)(batch->count + TOGETHER - 1) / TOGETHER, fill_some, &f, NULL, err);
}

/* ---- making ---- */

static int place_all(ag_drilling_samples *s, const size_t *chosen, size_t count, ag_arena *arena, size_t *most_nodes,
                     ag_err *err)
{
    size_t places = 0;
    ag_view_windows windows;
    for (size_t i = 0; i < count; i++) {
        const ag_track *track = &s->set->items[chosen[i]].drilled.track;
        ag_view_cut(s->view, track, &windows);
        places += windows.count;
        *most_nodes = track->count > *most_nodes ? track->count : *most_nodes;
        s->multiple |= windows.count > 1;
    }
    s->places = ag_arena_array(arena, places + 1, sizeof *s->places);
    if (!s->places) return ag_fail_memory(err, places * sizeof *s->places);
    for (size_t i = 0; i < count; i++) {
        ag_view_cut(s->view, &s->set->items[chosen[i]].drilled.track, &windows);
        for (size_t w = 0; w < windows.count; w++)
            s->places[s->samples.count++] = (struct ag_sample_place){chosen[i], windows.start[w], windows.cell_mm};
    }
    return 0;
}

int ag_drilling_samples_init(ag_drilling_samples *s, const char *name, const ag_view *view,
                             const ag_drilling_data *data, const ag_example_set *set, const size_t *chosen,
                             size_t count, ag_arena *arena, ag_err *err)
{
    int64_t wide = view->cells * (int64_t)view->channel_count;
    size_t most_nodes = 0;
    *s = (ag_drilling_samples){.view = view, .set = set, .data = data};
    s->ports[AG_SAMPLE_VALUES] = (ag_samples_port){"past_values", wide};
    s->ports[AG_SAMPLE_OBSERVED] = (ag_samples_port){"observed_mask", wide};
    s->ports[AG_SAMPLE_TARGET] = (ag_samples_port){"target_values", view->cells * AG_POINTS};
    s->ports[AG_SAMPLE_CONDITIONS] = (ag_samples_port){"conditions", (int64_t)view->condition_count};
    s->samples = (ag_samples){.name = name,
                              .ports = s->ports,
                              .ports_count = view->condition_count ? AG_SAMPLE_PORTS : AG_SAMPLE_PORTS - 1,
                              .fill = fill,
                              .state = s,
                              .digest = s->digest};
    ag_sha256_format(&set->digest, s->digest);
    int rc = place_all(s, chosen, count, arena, &most_nodes, err);
    return rc < 0 ? rc : make_rooms(s, most_nodes, arena, err);
}
