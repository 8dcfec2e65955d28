// SPDX-License-Identifier: Apache-2.0
/* examples_simulated.c: simulated holes beside the data's own: few real tools and labels that labellers gave teach
 * little of where exactly a point lies; many tools whose truth is exact do. They are made anew by every training, in
 * seconds, from numbers of the configuration, so that there is nothing to keep, to lose or to mix up (the tracks of a
 * thousand would take tens of megabytes beside each run); the digest covers
 * their bytes, and a training that a changed simulator would change is not resumed. A hole goes the way of a file: it
 * is written and read again. They stand behind the others in the set, where nobody looks who validates, calibrates or
 * scores. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"
#include "learn/drilling/examples_parts.h"

enum { MAX_FILE = 64 << 20 };

typedef struct made {
    ag_example example;
    ag_prepared record;
    ag_arena *arena; /* of its track: threads share none */
    ag_sha256 digest;
} made;

typedef struct making {
    ag_sim_options options;
    made *items;
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

static int make_example(made *m, const ag_sim_plan *plan, const ag_buf *bytes, ag_arena *scratch, ag_err *err)
{
    ag_hole *hole = NULL;
    ag_example *e = &m->example;
    ag_hole_source source = {.name = "simulated.xls", .bytes = {bytes->data, bytes->size}};
    int rc = ag_sha256_of(bytes->data, bytes->size, &m->digest, err);
    if (rc >= 0) rc = ag_hole_read(&source, scratch, &hole, err);
    if (rc >= 0) rc = ag_drilled_make_shapeless(hole, scratch, &e->drilled, err);
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
    ag_sim_plan plan;
    ag_buf bytes;
    ag_buf_init(&bytes, MAX_FILE);
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_sim_hole(&all->options, index, &plan, NULL, &bytes, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = make_example(&all->items[index], &plan, &bytes, scratch, err);
    ag_arena_free(scratch);
    ag_buf_deinit(&bytes);
    ag_progress_add(all->progress, 1, 0);
    return rc < 0 ? ag_err_prefix(err, "simulated hole %zu", index) : rc;
}

/* ---- all of them ---- */

/* Those that can be learned from, behind the others, in the order of their numbers. */
static int gather(ag_example_set *set, const making *all, size_t count, ag_arena *arena, ag_err *err)
{
    ag_hasher *hasher = NULL;
    ag_example *items = ag_arena_array(arena, set->count + count + 1, sizeof *items);
    int rc = items ? ag_hasher_new(&hasher, err) : ag_fail_memory(err, count * sizeof *items);
    if (rc >= 0) rc = ag_hasher_add(hasher, set->digest.bytes, sizeof set->digest.bytes, err);
    if (rc >= 0) memcpy(items, set->items, set->count * sizeof *items);
    size_t kept = set->count;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = ag_hasher_add(hasher, all->items[i].digest.bytes, sizeof all->items[i].digest.bytes, err);
        if (rc < 0 || all->items[i].example.known.weight == 0) continue;
        items[kept] = all->items[i].example;
        rc = ag_examples_keep(arena, &items[kept++].drilled.track, err);
    }
    if (rc >= 0) rc = ag_hasher_finish(hasher, &set->digest, err);
    ag_hasher_free(hasher);
    if (rc < 0) return rc;
    set->items = items;
    set->simulated = kept - set->count;
    return 0;
}

int ag_examples_simulate(ag_example_set *set, const ag_drilling_data *data, ag_pool *pool, ag_progress *progress,
                         ag_cancel *cancel, ag_arena *arena, ag_err *err)
{
    size_t count = (size_t)data->simulated.holes;
    unsigned tool_holes = (unsigned)data->simulated.tool_holes;
    set->own_share = data->simulated.own_share;
    if (count == 0) return 0;
    making all = {.options = {.seed = (uint64_t)data->simulated.seed,
                              .series = tool_holes ? tool_holes : AG_SIM_LIFE,
                              .burr = data->simulated.burr},
                  .items = ag_calloc(count, sizeof *all.items),
                  .progress = progress};
    if (!all.items) return ag_fail_memory(err, count * sizeof *all.items);
    ag_progress_total(progress, count);
    int rc = 0;
    if (pool)
        rc = ag_pool_for(pool, count, make_one, &all, cancel, err);
    else
        for (size_t i = 0; i < count && rc >= 0; i++) rc = make_one(&all, i, err);
    if (rc >= 0) rc = gather(set, &all, count, arena, err);
    for (size_t i = 0; i < count; i++) ag_arena_free(all.items[i].arena);
    ag_free(all.items);
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
