// SPDX-License-Identifier: Apache-2.0
/* examples.c: holes.csv with its samples and labels become examples. A hole's label is the first that there is in the
 * order of trust; what a person or the simulator says counts fully, what the labellers say by their confidence. Copies
 * of a file are left out: they would count twice. The digest covers what decides a training (traces and labels), in the
 * order of the rows. Holes are read and looked at by all threads; each writes its own example only. */
#include "learn/drilling/examples.h"

#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/io/path.h"
#include "data/validator.h"
#include "learn/drilling/examples_parts.h"

/* ---- one hole ---- */

static int make(const ag_hole *hole, const double *conditions, bool shape, ag_arena *keep, ag_drilled *out, ag_err *err)
{
    ag_drilled d = {0};
    ag_limits limits;
    ag_verdict verdict;
    if (conditions)
        memcpy(d.conditions, conditions, sizeof d.conditions);
    else
        ag_conditions_of(hole, d.conditions);
    if (hole->signal.rows < AG_DRILLED_LEAST_ROWS) {
        d.unusable = "there are hardly any samples";
        *out = d;
        return 0;
    }
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_limits_default(&limits, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_validate(hole, &limits, scratch, &verdict, err);
    if (rc >= 0 && shape) rc = ag_label_by(ag_labeller_find("change-points"), hole, &verdict, scratch, &d.shape, err);
    if (rc >= 0) rc = ag_track_make(hole, keep, &d.track, err);
    if (rc >= 0) d.classes = verdict.classes;
    d.breaks_off = ag_hole_breaks_off(hole);
    d.running = hole->running;
    if (rc >= 0 && d.track.count < AG_DRILLED_LEAST_ROWS) d.unusable = "the tool hardly moved";
    ag_arena_free(scratch);
    if (rc >= 0) *out = d;
    return rc;
}

int ag_drilled_make(const ag_hole *hole, const double *conditions, ag_arena *keep, ag_drilled *out, ag_err *err)
{
    return make(hole, conditions, true, keep, out, err);
}

int ag_drilled_make_shapeless(const ag_hole *hole, ag_arena *keep, ag_drilled *out, ag_err *err)
{
    return make(hole, NULL, false, keep, out, err);
}

/* ---- all holes of a directory ---- */

typedef struct loading {
    const ag_prepared_set *prepared;
    ag_example *items;
    ag_arena **arenas; /* of each item: threads share none */
    ag_progress *progress;
} loading;

int ag_examples_keep(ag_arena *arena, ag_track *track, ag_err *err)
{
    double **arrays[] = {&track->depth, &track->torque, &track->thrust, &track->spread, &track->time, &track->samples};
    size_t size = track->count * sizeof(double);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        double *copy = ag_arena_alloc(arena, size + 1);
        if (!copy) return ag_fail_memory(err, size);
        *arrays[i] = memcpy(copy, *arrays[i], size);
    }
    unsigned *step = ag_arena_alloc(arena, track->count * sizeof *step + 1);
    bool *joined = ag_arena_alloc(arena, track->count * sizeof *joined + 1);
    if (!step || !joined) return ag_fail_memory(err, size);
    track->step = memcpy(step, track->step, track->count * sizeof *step);
    track->joined = memcpy(joined, track->joined, track->count * sizeof *joined);
    return 0;
}

/* The samples lie in an arena of their own, which dies here: a track is smaller. */
static int load_one(void *context, size_t index, ag_err *err)
{
    const loading *l = context;
    ag_example *item = &l->items[index];
    ag_hole *hole = NULL;
    double conditions[AG_CONDITIONS];
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_prepared_samples(l->prepared, item->hole, scratch, &hole, err) : ag_fail_memory(err, 1);
    ag_conditions_read(item->hole->program, item->hole->tool_counter, item->hole->path, conditions);
    if (rc >= 0) rc = ag_drilled_make(hole, conditions, scratch, &item->drilled, err);
    if (rc >= 0 && !item->drilled.unusable) {
        l->arenas[index] = ag_arena_new(0);
        rc = l->arenas[index] ? ag_examples_keep(l->arenas[index], &item->drilled.track, err) : ag_fail_memory(err, 1);
    }
    ag_arena_free(scratch);
    ag_progress_add(l->progress, 1, 0);
    return rc;
}

/* Tracks move into the caller's arena, one after the other. */
static int gather_tracks(const loading *l, size_t count, ag_arena *arena, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count; i++) {
        if (l->arenas[i] && rc >= 0) rc = ag_examples_keep(arena, &l->items[i].drilled.track, err);
        ag_arena_free(l->arenas[i]);
        l->arenas[i] = NULL;
    }
    return rc;
}

static bool is_empty(const char *text)
{
    return !text || !*text;
}

static int choose(const ag_prepared_set *prepared, ag_arena *arena, ag_example_set *set, ag_err *err)
{
    set->items = ag_arena_array(arena, prepared->count + 1, sizeof *set->items);
    if (!set->items) return ag_fail_memory(err, prepared->count * sizeof *set->items);
    for (size_t i = 0; i < prepared->count; i++) {
        const ag_prepared *hole = &prepared->holes[i];
        bool usable = hole->part >= 0 && hole->rows > 0 && is_empty(hole->duplicate_of) &&
                      (hole->status == AG_PREPARED_SUCCESS || hole->status == AG_PREPARED_REJECTED);
        if (usable)
            set->items[set->count++].hole = hole;
        else
            set->left_out++;
    }
    return 0;
}

/* Holes that came out unusable leave the set. */
static void tidy(ag_example_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++)
        if (!set->items[i].drilled.unusable) set->items[kept++] = set->items[i];
    set->left_out += set->count - kept;
    set->count = kept;
}

static int digest_of(ag_example_set *set, ag_err *err)
{
    ag_hasher *hasher = NULL;
    int rc = ag_hasher_new(&hasher, err);
    for (size_t i = 0; i < set->count && rc >= 0; i++) {
        const ag_example *e = &set->items[i];
        char text[256];
        ag_format(text, sizeof text, "%s %d %.4f %.4f %.4f %.6f\n", e->hole->trace_sha256 ? e->hole->trace_sha256 : "",
                  (int)e->known.outcome, e->known.mm[0], e->known.mm[1], e->known.mm[2], e->known.weight);
        rc = ag_hasher_add(hasher, text, strlen(text), err);
    }
    if (rc >= 0) rc = ag_hasher_finish(hasher, &set->digest, err);
    ag_hasher_free(hasher);
    return rc;
}

static int load_all(const ag_prepared_set *prepared, ag_pool *pool, ag_progress *progress, ag_cancel *cancel,
                    ag_arena *arena, ag_example_set *set, ag_err *err)
{
    loading l = {.prepared = prepared, .items = set->items, .progress = progress};
    int rc = 0;
    l.arenas = ag_arena_array(arena, set->count + 1, sizeof(ag_arena *));
    if (!l.arenas) return ag_fail_memory(err, set->count * sizeof(ag_arena *));
    ag_progress_total(progress, set->count);
    if (pool)
        rc = ag_pool_for(pool, set->count, load_one, &l, cancel, err);
    else
        for (size_t i = 0; i < set->count && rc >= 0; i++) rc = load_one(&l, i, err);
    ag_err ignored;
    int moved = gather_tracks(&l, set->count, arena, rc >= 0 ? err : &ignored);
    return rc < 0 ? rc : moved;
}

int ag_examples_load(const char *dir, const ag_drilling_data *data, ag_pool *pool, ag_progress *progress,
                     ag_cancel *cancel, ag_arena *arena, ag_example_set *out, ag_err *err)
{
    ag_labelled_set labelled;
    ag_example_set set = {.dir = ag_arena_strdup(arena, dir)};
    int rc = set.dir ? ag_labelled_load(dir, arena, &labelled, err) : ag_fail_memory(err, strlen(dir));
    if (rc >= 0) rc = choose(&labelled.prepared, arena, &set, err);
    if (rc >= 0 && set.count == 0) {
        ag_fail(err, AG_EINVAL, "'%s' has no hole that could be read", dir);
        rc = ag_err_hint(err, "look at its quality.html, or prepare another folder");
    }
    if (rc >= 0) rc = load_all(&labelled.prepared, pool, progress, cancel, arena, &set, err);
    if (rc >= 0) tidy(&set);
    if (rc >= 0) rc = ag_examples_label(&set, &labelled, data, arena, err);
    if (rc >= 0) rc = digest_of(&set, err);
    if (rc >= 0) *out = set;
    return rc;
}
