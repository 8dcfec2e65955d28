// SPDX-License-Identifier: Apache-2.0
/* folding_deal.c: the labelled holes into folds, and a member for each fold and architecture. What cannot be learned is
 * refused here, before anything is trained: in words of holes and labels. */
#include <math.h>
#include <string.h>

#include "learn/drilling/folding.h"
#include "learn/strategy_tools.h"

/* A hole is asked of so many models that never saw it; what a model does not see is at most one of so many parts. */
enum { VOICES = 3, LEAST_SHARE = 8, FEWEST_TOOLS = 5 };

/* Every point must be there in some hole; and of entry and exit enough that folds have one to learn from. */
static int check_classes(const ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    size_t seen[AG_POINTS] = {0};
    for (size_t i = 0; i < f->chosen_count; i++)
        for (int p = 0; p < AG_POINTS; p++) seen[p] += !isnan(f->run.set.items[f->chosen[i]].known.mm[p]);
    for (int p = 0; p < AG_POINTS; p++) {
        if (seen[p] >= 2) continue;
        if (p == AG_POINT_TRANSITION) {
            ag_strategy_remark(task, "hardly any hole has a transition (%zu of %zu), so the model will not find any",
                               seen[p], f->chosen_count);
            continue;
        }
        ag_fail(err, AG_EINVAL, "%zu of the %zu labelled holes have an %s: too few to learn it", seen[p],
                f->chosen_count, ag_point_names[p]);
        return ag_err_hint(err, "label more holes that were drilled through: auger label queue shows which");
    }
    return 0;
}

static int check_enough(const ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    if (f->folds > f->chosen_count) {
        ag_fail(err, AG_EINVAL, "there are %zu folds, but only %zu labelled holes", f->folds, f->chosen_count);
        return ag_err_hint(err, "set training_config.cross_validation.n_folds to %zu or less, or label more",
                           f->chosen_count / 2 < 2 ? (size_t)2 : f->chosen_count / 2);
    }
    return check_classes(f, task, err);
}

/* Tools in parts of their own, when there are enough of them. */
static int deal_tools(ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    int rc = ag_examples_split_tools(&f->run.set, f->chosen, f->chosen_count, f->folds, FEWEST_TOOLS,
                                     (uint64_t)task->settings->seed, f->arena, &f->part, &f->parts, err);
    if (rc < 0 || f->parts) return rc;
    ag_strategy_remark(task,
                       "fewer than %d tools drilled these holes: scores and intervals are those of tools that "
                       "were learned from",
                       FEWEST_TOOLS);
    return 0;
}

static int deal_parts(ag_folding *f, const ag_strategy_task *task, const ag_drilling_data *data, ag_err *err)
{
    const ag_settings_training *t = &task->settings->training;
    uint32_t *shares = ag_arena_array(f->arena, f->parts, sizeof *shares);
    if (!shares) return ag_fail_memory(err, f->parts * sizeof *shares);
    for (size_t i = 0; i < f->parts; i++) shares[i] = 1;
    if (!t->folds.enabled) {
        shares[0] = (uint32_t)lround(t->validation_split * 1000.0);
        shares[1] = 1000 - shares[0];
    }
    if (shares[0] == 0) { /* nobody validates */
        f->part = ag_arena_array(f->arena, f->chosen_count, sizeof *f->part);
        for (size_t i = 0; f->part && i < f->chosen_count; i++) f->part[i] = 1;
        return f->part ? 0 : ag_fail_memory(err, f->chosen_count * sizeof *f->part);
    }
    int rc = ag_examples_split(&f->run.set, data, f->chosen, f->chosen_count, shares, f->parts,
                               (uint64_t)task->settings->seed, f->arena, &f->part, err);
    if (rc >= 0) return 0;
    ag_err_prefix(err, "the %zu labelled holes cannot be dealt into %zu parts", f->chosen_count, f->parts);
    return ag_err_hint(err, "lower training_config.cross_validation.n_folds, or label holes of other machines, heads, "
                            "programs and folders");
}

static int deal(ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    const ag_settings_training *t = &task->settings->training;
    ag_drilling_data data = f->run.data;
    int rc = 0;
    if (t->folds.kind != AG_FOLDS_STRATIFIED) data.group_by = t->folds.kind;
    if (t->folds.enabled && data.group_by == AG_GROUP_TOOL) {
        rc = deal_tools(f, task, err);
        data.group_by = AG_GROUP_NONE;
    }
    if (rc >= 0 && !f->parts) {
        f->parts = t->folds.enabled ? f->folds : 2;
        rc = deal_parts(f, task, &data, err);
    }
    f->left_out = 1;
    if (!t->folds.enabled) return rc;
    f->left_out = f->folds ? f->parts * VOICES / f->folds : 1;
    if (f->left_out > f->parts / LEAST_SHARE) f->left_out = f->parts / LEAST_SHARE;
    if (f->left_out < 1) f->left_out = 1;
    return rc;
}

bool ag_folding_sees(const ag_folding *f, const ag_folding_member *m, size_t part)
{
    if (!f->run.task->settings->training.folds.enabled) return part != 0;
    return (part + f->parts - m->fold % f->parts) % f->parts >= f->left_out;
}

/* ---- members ---- */

static int fill_member(const ag_folding *f, ag_folding_member *m, ag_err *err)
{
    size_t *training = ag_arena_array(f->arena, f->chosen_count, sizeof *training);
    size_t *validation = ag_arena_array(f->arena, f->chosen_count, sizeof *validation);
    if (!training || !validation) return ag_fail_memory(err, f->chosen_count * sizeof *training);
    for (size_t i = 0; i < f->chosen_count; i++)
        if (f->part[i] == m->fold % f->parts)
            validation[m->validation_count++] = f->chosen[i];
        else if (ag_folding_sees(f, m, f->part[i]))
            training[m->training_count++] = f->chosen[i];
    m->training = training;
    m->validation = validation;
    m->weight = 1.0;
    m->error = (double)NAN;
    m->readings = ag_arena_array(f->arena, m->validation_count + 1, sizeof *m->readings);
    if (!m->readings) return ag_fail_memory(err, m->validation_count * sizeof *m->readings);
    for (size_t i = 0; i <= m->validation_count; i++) m->readings[i] = (ag_reading){0};
    return 0;
}

static const char *name_of(const ag_folding *f, const ag_settings_training *t, const ag_folding_member *m)
{
    const char *kind = f->kind_count > 1 ? f->kinds[m->kind].name : NULL;
    if (!t->folds.enabled) return kind ? ag_arena_strdup(f->arena, kind) : "model";
    return ag_arena_printf(f->arena, f->folds < 100 ? "fold-%02zu%s%s" : "fold-%03zu%s%s", m->fold + 1, kind ? "-" : "",
                           kind ? kind : "");
}

/* The folds that are trained, ascending, each once. */
static int wanted_folds(const ag_folding *f, const ag_strategy_task *task, bool *wanted, size_t *count, ag_err *err)
{
    const ag_list *list = &task->settings->training.folds.wanted;
    const int64_t *items = list->items;
    bool all = list->count == 0 || !task->settings->training.folds.enabled;
    *count = 0;
    for (size_t i = 0; i < f->folds; i++) wanted[i] = all;
    for (size_t i = 0; i < list->count && !all; i++) {
        if (items[i] < 1 || items[i] > (int64_t)f->folds) {
            ag_fail(err, AG_EINVAL, "there is no fold %lld: they go from 1 to %zu", (long long)items[i], f->folds);
            return ag_settings_place(task->settings, "training_config.cross_validation.folds", err);
        }
        wanted[items[i] - 1] = true;
    }
    for (size_t i = 0; i < f->folds; i++) *count += wanted[i];
    return 0;
}

int ag_folding_count(ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    const ag_settings_training *t = &task->settings->training;
    f->folds = t->folds.enabled ? (size_t)t->folds.count : 1;
    f->wanted = ag_arena_array(f->arena, f->folds, sizeof *f->wanted);
    return f->wanted ? wanted_folds(f, task, f->wanted, &f->wanted_count, err) : ag_fail_memory(err, f->folds);
}

static int make_members(ag_folding *f, const ag_strategy_task *task, ag_err *err)
{
    size_t count = f->wanted_count;
    int rc;
    f->members = ag_arena_array(f->arena, count * f->kind_count, sizeof *f->members);
    if (!f->members) return ag_fail_memory(err, count * sizeof *f->members);
    for (size_t fold = 0; fold < f->folds; fold++) {
        for (size_t kind = 0; kind < f->kind_count && f->wanted[fold]; kind++) {
            ag_folding_member *m = &f->members[f->member_count];
            *m = (ag_folding_member){.kind = kind, .fold = fold};
            m->name = name_of(f, &task->settings->training, m);
            if (!m->name) return ag_fail_memory(err, 32);
            if ((rc = fill_member(f, m, err)) < 0) return rc;
            f->member_count++;
        }
    }
    return 0;
}

int ag_folding_deal(ag_folding *f, ag_strategy_task *task, ag_err *err)
{
    const ag_settings_training *t = &task->settings->training;
    int rc = f->folds ? 0 : ag_folding_count(f, task, err);
    if (rc >= 0) rc = ag_drilling_trainable(&f->run, f->arena, &f->chosen, &f->chosen_count, err);
    if (rc >= 0) rc = check_enough(f, task, err);
    if (rc >= 0) rc = deal(f, task, err);
    if (rc >= 0) rc = make_members(f, task, err);
    if (rc < 0) return rc;
    if (t->folds.enabled)
        ag_strategy_remark(task, "%zu holes in %zu folds, %zu models", f->chosen_count, f->folds, f->member_count);
    else
        ag_strategy_remark(task, "%zu holes to train, %zu to validate", f->members[0].training_count,
                           f->members[0].validation_count);
    return 0;
}
