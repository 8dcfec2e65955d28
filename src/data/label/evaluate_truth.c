// SPDX-License-Identifier: Apache-2.0
/* evaluate_truth.c: simulated holes, written as files and read back, labelled and held against their plan. Each hole is
 * a function of the seed and its number, so the numbers do not depend on threads. */
#include <math.h>
#include <string.h>

#include "core/sys/thread.h"
#include "data/label/evaluate.h"
#include "data/reader.h"
#include "data/simulate/simulate.h"

enum { FILE_BYTES = 64 << 20 };
static const double failure_mm = 1.0, right_mm = 0.25;

typedef struct outcome { /* of one hole */
    const ag_sim_regime *regime;
    ag_label label;
    double entry, exit, transition[AG_SIM_LAYERS];
    size_t transition_count;
} outcome;

typedef struct work {
    const ag_eval_options *options;
    ag_limits limits;
    outcome *outcomes;
} work;

static int judge_hole(work *w, uint64_t number, ag_buf *file, ag_arena *arena, ag_err *err)
{
    outcome *o = &w->outcomes[number];
    ag_sim_options simulate = {.seed = w->options->seed, .series = w->options->tool_holes, .burr = w->options->burr};
    ag_sim_plan plan;
    ag_hole *hole;
    ag_verdict verdict;
    int rc = ag_sim_hole(&simulate, number, &plan, NULL, file, err);
    ag_hole_source source = {.bytes = ag_buf_str(file)};
    if (rc == AG_OK) rc = ag_hole_read(&source, arena, &hole, err);
    if (rc == AG_OK) rc = ag_validate(hole, &w->limits, arena, &verdict, err);
    if (rc == AG_OK) rc = ag_label_hole(hole, &verdict, arena, &o->label, err);
    if (rc != AG_OK) return rc;
    o->regime = plan.regime;
    o->entry = plan.entry;
    o->exit = plan.exit;
    o->transition_count = plan.transition_count;
    memcpy(o->transition, plan.transition, sizeof(o->transition));
    ag_progress_add(w->options->progress, 1, file->size);
    return AG_OK;
}

static int do_hole(void *context, size_t number, ag_err *err)
{
    ag_buf file;
    ag_buf_init(&file, FILE_BYTES);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? judge_hole(context, number, &file, arena, err) : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    ag_buf_deinit(&file);
    return rc;
}

typedef struct score {
    double *found[AG_EVAL_DEPTHS], *true_one[AG_EVAL_DEPTHS];
    bool right, good;
} score;

static void add_depth(ag_eval_truth *truth, score *s, size_t depth, double found, double true_one)
{
    if (isnan(true_one)) {
        s->good &= isnan(found);
        s->right &= isnan(found);
        return;
    }
    double error = fabs(found - true_one);
    if (!(error <= right_mm)) s->right = false;
    if (!(error <= failure_mm)) {
        s->good = false;
        return;
    }
    size_t at = truth->depth[depth].count++;
    s->found[depth][at] = found;
    s->true_one[depth][at] = true_one;
}

static void add_outcome(const ag_eval_options *options, const outcome *o, ag_eval_truth *truth, score *s)
{
    const ag_label *label = &o->label;
    truth->holes++;
    if (o->regime->outcome == AG_SIM_AIR)
        truth->false_numbers += !isnan(label->entry) || !isnan(label->exit) || label->transition_count > 0;
    if (o->regime->outcome == AG_SIM_SEIZED) truth->false_numbers += !isnan(label->exit) || !isnan(label->full_exit);
    if (o->regime->outcome != AG_SIM_CUT) return;
    truth->cut++;
    s->good = s->right = label->transition_count == o->transition_count;
    add_depth(truth, s, AG_EVAL_ENTRY, label->entry, o->entry);
    add_depth(truth, s, AG_EVAL_EXIT, label->exit, o->exit);
    for (size_t k = 0; label->transition_count == o->transition_count && k < o->transition_count; k++)
        add_depth(truth, s, AG_EVAL_TRANSITION, label->transition[k], o->transition[k]);
    truth->failures += !s->good;
    ag_eval_category *category = &truth->category[ag_evaluate_category(options, label->confidence)];
    category->count++;
    category->right += s->right;
}

static int sum_up(const work *w, const ag_sim_regime *only, ag_arena *arena, ag_eval_truth *truth, ag_err *err)
{
    score s = {.good = true};
    size_t most = (size_t)w->options->holes * AG_SIM_LAYERS + 1;
    for (size_t k = 0; k < AG_EVAL_DEPTHS; k++) {
        s.found[k] = ag_arena_array(arena, most, sizeof(double));
        s.true_one[k] = ag_arena_array(arena, most, sizeof(double));
        if (!s.found[k] || !s.true_one[k]) return ag_fail_memory(err, most * sizeof(double));
    }
    for (uint64_t i = 0; i < w->options->holes; i++)
        if (!only || w->outcomes[i].regime == only) add_outcome(w->options, &w->outcomes[i], truth, &s);
    int rc = AG_OK;
    for (size_t k = 0; rc == AG_OK && k < AG_EVAL_DEPTHS; k++) {
        size_t count = truth->depth[k].count;
        rc = ag_agree_measure(s.true_one[k], s.found[k], count, &truth->depth[k], err);
        for (size_t i = 0; i < count; i++) s.found[k][i] -= s.true_one[k][i];
        truth->errors[k] = s.found[k];
    }
    return rc;
}

int ag_evaluate_truth(ag_arena *arena, ag_eval *eval, ag_err *err)
{
    const ag_eval_options *options = &eval->options;
    work w = {.options = options};
    ag_pool *pool = NULL;
    int rc = ag_limits_default(&w.limits, err);
    w.outcomes = ag_arena_array(arena, (size_t)options->holes + 1, sizeof(*w.outcomes));
    eval->regimes = ag_arena_array(arena, ag_sim_regime_count, sizeof(*eval->regimes));
    if (rc == AG_OK && (!w.outcomes || !eval->regimes)) rc = ag_fail_memory(err, options->holes * sizeof(*w.outcomes));
    if (rc == AG_OK) rc = ag_pool_new(options->threads, &pool, err);
    ag_progress_stage(options->progress, "simulated holes");
    ag_progress_total(options->progress, options->holes);
    if (rc == AG_OK) rc = ag_pool_for(pool, options->holes, do_hole, &w, options->cancel, err);
    ag_pool_free(pool);
    eval->all.name = "all";
    if (rc == AG_OK) rc = sum_up(&w, NULL, arena, &eval->all, err);
    for (size_t r = 0; rc == AG_OK && r < ag_sim_regime_count; r++) {
        ag_eval_truth *truth = &eval->regimes[eval->regime_count];
        truth->name = ag_sim_regimes[r].name;
        ag_arena *scratch = ag_arena_new(0);
        rc = scratch ? sum_up(&w, &ag_sim_regimes[r], scratch, truth, err) : ag_fail_memory(err, 1);
        for (size_t k = 0; k < AG_EVAL_DEPTHS; k++) truth->errors[k] = NULL; /* those of all are kept */
        ag_arena_free(scratch);
        eval->regime_count += truth->holes > 0;
    }
    return rc;
}
