// SPDX-License-Identifier: Apache-2.0
/* examples_simulated.c: simulated holes beside the data's own: few real tools and labels that labellers gave teach
 * little of where exactly a point lies; many tools whose truth is exact do. They are made anew by every training, in
 * seconds, from numbers of the configuration, so that there is nothing to keep, to lose or to mix up (the tracks of a
 * thousand would take tens of megabytes beside each run); the digest covers their bytes, and a training that a changed
 * simulator would change is not resumed. A hole goes the way of a file: it is written and read again. They stand behind
 * the others in the set, where nobody looks who validates, calibrates or scores.
 *
 * Others, of a seed of their own, are made when all is trained, and asked about: they are in no set and no digest. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"
#include "learn/drilling/examples_parts.h"

enum { MAX_FILE = 64 << 20 };
#define OTHERS (UINT64_C(1) << 60) /* in a seed: beyond all that may be configured */

typedef struct made {
    ag_example example;
    ag_prepared record;
    ag_arena *arena; /* of its track: threads share none */
    ag_sha256 digest;
} made;

typedef struct making {
    ag_sim_options options;
    bool asked; /* they will be asked about: their shapes are looked at, and every second has no burr */
    made *items;
    size_t count;
    ag_progress *progress;
} making;

/* ---- one hole ---- */

static ag_known truth_of(const ag_sim_plan *plan)
{
    ag_known known = {.outcome = isnan(plan->exit) ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND,
                      .mm = {plan->entry, plan->transition_count ? plan->transition[0] : (double)NAN, plan->exit},
                      .source = "truth",
                      .weight = 1};
    if (isnan(plan->entry)) known.outcome = AG_LABEL_EMPTY;
    return known;
}

static int make_example(made *m, const ag_sim_plan *plan, bool asked, const ag_buf *bytes, ag_arena *scratch,
                        ag_err *err)
{
    ag_hole *hole = NULL;
    ag_example *e = &m->example;
    ag_hole_source source = {.name = "simulated.xls", .bytes = {bytes->data, bytes->size}};
    int rc = ag_sha256_of(bytes->data, bytes->size, &m->digest, err);
    if (rc >= 0) rc = ag_hole_read(&source, scratch, &hole, err);
    if (rc >= 0)
        rc = asked ? ag_drilled_make(hole, NULL, scratch, &e->drilled, err)
                   : ag_drilled_make_shapeless(hole, scratch, &e->drilled, err);
    if (rc < 0) return rc;
    e->known = truth_of(plan);
    if (e->drilled.unusable || isnan(plan->entry) || !ag_examples_sensible(e)) e->known.weight = 0;
    if (e->known.weight == 0) return 0;
    m->arena = ag_arena_new(0);
    return m->arena ? ag_examples_keep(m->arena, &e->drilled.track, err) : ag_fail_memory(err, 1);
}

static int make_one(void *context, size_t index, ag_err *err)
{
    const making *all = context;
    ag_sim_options options = all->options;
    ag_sim_plan plan;
    ag_buf bytes;
    if (all->asked && index % 2) options.burr = 0;
    ag_buf_init(&bytes, MAX_FILE);
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_sim_hole(&options, index, &plan, NULL, &bytes, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = make_example(&all->items[index], &plan, all->asked, &bytes, scratch, err);
    ag_arena_free(scratch);
    ag_buf_deinit(&bytes);
    ag_progress_add(all->progress, 1, 0);
    return rc < 0 ? ag_err_prefix(err, "simulated hole %zu", index) : rc;
}

/* ---- all of them ---- */

static int make_all(making *all, ag_pool *pool, ag_cancel *cancel, ag_err *err)
{
    all->items = ag_calloc(all->count + 1, sizeof *all->items);
    if (!all->items) return ag_fail_memory(err, all->count * sizeof *all->items);
    ag_progress_total(all->progress, all->count);
    int rc = 0;
    if (pool) return ag_pool_for(pool, all->count, make_one, all, cancel, err);
    for (size_t i = 0; i < all->count && rc >= 0; i++) rc = make_one(all, i, err);
    return rc;
}

static void free_all(making *all)
{
    for (size_t i = 0; i < all->count && all->items; i++) ag_arena_free(all->items[i].arena);
    ag_free(all->items);
}

/* Those that can be learned from, in the order of their numbers. `items` has room for all. */
static int gather(const making *all, ag_arena *arena, ag_example *items, size_t *kept, ag_err *err)
{
    int rc = 0;
    *kept = 0;
    for (size_t i = 0; i < all->count && rc >= 0; i++) {
        if (all->items[i].example.known.weight == 0) continue;
        items[*kept] = all->items[i].example;
        rc = ag_examples_keep(arena, &items[(*kept)++].drilled.track, err);
    }
    return rc;
}

static int digest_all(const making *all, ag_sha256 *digest, ag_err *err)
{
    ag_hasher *hasher = NULL;
    int rc = ag_hasher_new(&hasher, err);
    if (rc >= 0) rc = ag_hasher_add(hasher, digest->bytes, sizeof digest->bytes, err);
    for (size_t i = 0; i < all->count && rc >= 0; i++)
        rc = ag_hasher_add(hasher, all->items[i].digest.bytes, sizeof all->items[i].digest.bytes, err);
    if (rc >= 0) rc = ag_hasher_finish(hasher, digest, err);
    ag_hasher_free(hasher);
    return rc;
}

int ag_examples_simulate(ag_example_set *set, const ag_drilling_data *data, ag_pool *pool, ag_progress *progress,
                         ag_cancel *cancel, ag_arena *arena, ag_err *err)
{
    unsigned tool_holes = (unsigned)data->simulated.tool_holes;
    making all = {.options = {.seed = (uint64_t)data->simulated.seed,
                              .series = tool_holes ? tool_holes : AG_SIM_LIFE,
                              .burr = data->simulated.burr},
                  .count = (size_t)data->simulated.holes,
                  .progress = progress};
    set->own_share = data->simulated.own_share;
    if (all.count == 0) return 0;
    int rc = make_all(&all, pool, cancel, err);
    ag_example *items = ag_arena_array(arena, set->count + all.count + 1, sizeof *items);
    if (rc >= 0 && !items) rc = ag_fail_memory(err, all.count * sizeof *items);
    if (rc >= 0) memcpy(items, set->items, set->count * sizeof *items);
    if (rc >= 0) rc = gather(&all, arena, items + set->count, &set->simulated, err);
    if (rc >= 0) rc = digest_all(&all, &set->digest, err);
    if (rc >= 0) set->items = items;
    free_all(&all);
    return rc;
}

int ag_examples_simulate_others(const ag_drilling_simulated *simulated, ag_pool *pool, ag_progress *progress,
                                ag_cancel *cancel, ag_arena *arena, ag_example **out, size_t *count, ag_err *err)
{
    making all = {.options = {.seed = OTHERS | (uint64_t)simulated->seed, .series = 1, .burr = simulated->burr},
                  .asked = true,
                  .count = (size_t)simulated->calibrate,
                  .progress = progress};
    int rc = make_all(&all, pool, cancel, err);
    *out = ag_arena_array(arena, all.count + 1, sizeof **out);
    if (rc >= 0 && !*out) rc = ag_fail_memory(err, all.count * sizeof **out);
    if (rc >= 0) rc = gather(&all, arena, *out, count, err);
    free_all(&all);
    return rc;
}

/* ---- lessons ---- */

/* How often holes must come to be their share beside so many others. */
static size_t times(size_t own, size_t others, double share)
{
    if (own == 0 || others == 0) return 1;
    double wanted = ceil(share / (1 - share) * (double)others / (double)own - 1e-9);
    return wanted > 1 ? (size_t)wanted : 1;
}

int ag_examples_lesson(const ag_example_set *set, const size_t *own, size_t own_count, bool repeated, ag_arena *arena,
                       const size_t **out, size_t *count, ag_err *err)
{
    size_t others = repeated && set->own_share >= 1 ? 0 : set->simulated, n = 0;
    size_t rounds = repeated ? times(own_count, others, set->own_share) : 1;
    size_t *lesson = ag_arena_array(arena, rounds * own_count + others + 1, sizeof *lesson);
    if (!lesson) return ag_fail_memory(err, own_count * rounds * sizeof *lesson);
    for (size_t round = 0; round < rounds; round++)
        for (size_t i = 0; i < own_count; i++) lesson[n++] = own[i];
    for (size_t i = 0; i < others; i++) lesson[n++] = set->count + i;
    *out = lesson;
    *count = n;
    return 0;
}
