// SPDX-License-Identifier: Apache-2.0
/* folding_pretrain.c: before the folds a model learns from more than their holes; the models of the folds then begin
 * with its weights. What it learns (pretrain.method): from all holes, labelled or not, to find hidden patches, and then
 * to say what the change-point labeller says, which is a physical rule and knows no label; or from simulated holes,
 * where their points are. What people or a table know of the data plays no part, so a fold may well have been among the
 * holes. One training per architecture of the ensemble and lesson, with checkpoints of its own; what it leaves is a
 * model directory, from which the weights are taken whose name and shape fit. */
#include <math.h>
#include <string.h>

#include "core/sys/clock.h"
#include "learn/drilling/folding.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/strategy_tools.h"
#include "learn/team.h"

/* The training's settings with those of the pretraining in their place. */
static ag_settings settings_of(const ag_settings *settings)
{
    const ag_settings_pretrain *p = &settings->pretrain;
    ag_settings own = *settings;
    own.training.epochs = p->epochs;
    own.training.early_stopping.patience = p->patience;
    own.training.early_stopping.metric = NULL;
    if (p->batch_size) own.training.batch_size = p->batch_size;
    if (p->learning_rate > 0.0) own.training.learning_rate = p->learning_rate;
    own.freeze = (ag_list){0};
    own.optimizer.groups = (ag_list){0};
    return own;
}

typedef enum lesson { HIDDEN_PATCHES, SHAPES, SIMULATED } lesson;
static const char *const suffixes[] = {"", "-shapes", "-simulated"}; /* of their directories */

static int configure(const ag_folding *f, const ag_model_config *from, double ratio, ag_model_config *out, ag_err *err)
{
    ag_patchtsmixer *values = ag_arena_alloc(f->arena, sizeof *values);
    if (!values) return ag_fail_memory(err, sizeof *values);
    *values = *(const ag_patchtsmixer *)from->values;
    values->task = AG_MIXER_PRETRAINING;
    values->loss = AG_MIXER_MSE;
    values->mask_type = 0;
    values->random_mask_ratio = ratio;
    values->masked_loss = true;
    *out = *from;
    out->values = values;
    return 0;
}

typedef struct pretraining {
    ag_folding *folding;
    ag_strategy_task *task;
    const ag_settings *settings;
    ag_model_config config;
    uint64_t seed;
    const char *from;   /* directory of the lesson before; NULL: none */
    const char *name;   /* of its training */
    ag_example_set set; /* the holes, with what the lesson knows of them */
    ag_drilling_samples training, validation;
} pretraining;

/* A labeller's word instead of what is known. */
static void know_shape(ag_example *e, double min_confidence)
{
    const ag_label *l = &e->drilled.shape;
    double first = l->transition_count ? l->transition[0] : (double)NAN;
    bool sure = l->outcome != AG_LABEL_NONE && l->confidence >= min_confidence;
    e->known = (ag_known){.outcome = sure ? l->outcome : AG_LABEL_NONE,
                          .mm = {l->entry, first, l->exit},
                          .source = l->source,
                          .weight = sure ? l->confidence : 0};
}

/* The set of those holes of which the labeller is sure. */
static int learn_shapes(pretraining *p, ag_err *err)
{
    const ag_folding *f = p->folding;
    ag_example *items = ag_arena_array(f->arena, p->set.count + 1, sizeof *items);
    if (!items) return ag_fail_memory(err, p->set.count * sizeof *items);
    size_t count = 0;
    for (size_t i = 0; i < p->set.count; i++) {
        items[count] = p->set.items[i];
        know_shape(&items[count], f->run.data.min_confidence);
        count += items[count].known.weight > 0 && !ag_drilled_silent(&items[count].drilled);
    }
    p->set.items = items;
    p->set.count = count;
    if (count >= AG_DRILLING_FEWEST) return 0;
    ag_fail(err, AG_EINVAL, "pretrain: the change-point labeller is sure of only %zu holes", count);
    return ag_err_hint(err, "set pretrain.method: masked, or lower data_config.min_confidence");
}

/* The simulated holes alone. */
static int learn_simulated(pretraining *p, ag_err *err)
{
    p->set.items += p->set.count;
    p->set.count = p->set.simulated;
    p->set.simulated = 0;
    if (p->set.count >= AG_DRILLING_FEWEST) return 0;
    ag_fail(err, AG_EINVAL, "pretrain.method: simulated learns from simulated holes, and there are only %zu",
            p->set.count);
    return ag_err_hint(err, "set data_config.simulated.holes, to 1000 for example");
}

/* Which of these holes judge, a tenth when it is enough. Simulated ones follow each other by tools: when the last of
 * them do, at most one tool is on both sides. */
static int divide(const pretraining *p, lesson what, const size_t *all, size_t count, uint32_t **part, ag_err *err)
{
    const ag_folding *f = p->folding;
    static const uint32_t shares[] = {9, 1};
    if (what != SIMULATED)
        return ag_examples_split(&p->set, &f->run.data, all, count, shares, 2, (uint64_t)p->settings->seed, f->arena,
                                 part, err);
    if (!(*part = ag_arena_array(f->arena, count + 1, sizeof **part)))
        return ag_fail_memory(err, count * sizeof **part);
    for (size_t i = 0; i < count; i++) (*part)[i] = i >= count - count / 10;
    return 0;
}

static int gather(pretraining *p, lesson what, ag_err *err)
{
    const ag_folding *f = p->folding;
    const ag_example_set *set = &p->set;
    size_t count = 0, counts[2] = {0};
    size_t *all = ag_arena_array(f->arena, 3 * set->count + 1, sizeof *all), *chosen[2];
    uint32_t *part = NULL;
    if (!all) return ag_fail_memory(err, 3 * set->count * sizeof *all);
    for (size_t i = 0; i < set->count; i++)
        if (!ag_drilled_silent(&set->items[i].drilled)) all[count++] = i;
    chosen[0] = all + set->count;
    chosen[1] = all + 2 * set->count;
    int rc = divide(p, what, all, count, &part, err);
    for (size_t i = 0; i < count && rc >= 0; i++) chosen[part[i]][counts[part[i]]++] = all[i];
    if (rc >= 0)
        rc = ag_drilling_samples_init(&p->training, "the holes to pretrain on", &f->run.view, &f->run.data, set,
                                      chosen[0], counts[0], f->arena, err);
    if (rc >= 0)
        rc = ag_drilling_samples_init(&p->validation, "the holes that judge the pretraining", &f->run.view,
                                      &f->run.data, set, chosen[1], counts[1], f->arena, err);
    p->training.pool = p->validation.pool = f->run.task->pool;
    return rc < 0 ? ag_err_prefix(err, "pretrain") : 0;
}

static int open_model(const pretraining *p, ag_model **out, ag_err *err)
{
    const ag_building building = {.loss = true};
    return ag_strategy_model_of(p->task, &p->config, &building, p->seed, p->from ? p->from : p->settings->init_from,
                                out, err);
}

static int open_sample(void *context, int64_t member, ag_team_sample *sample, ag_err *err)
{
    pretraining *p = context;
    (void)member;
    sample->name = p->name;
    sample->training = &p->training.samples;
    sample->validation = &p->validation.samples;
    return open_model(p, &sample->model, err);
}

static void close_sample(void *context, int64_t member, ag_team_sample *sample)
{
    (void)context, (void)member;
    ag_model_free(sample->model);
}

static int tell_estimate(pretraining *p, ag_err *err)
{
    char took[32];
    ag_team_estimate e;
    const ag_team_slice slice = {p, 1, open_sample, close_sample};
    const ag_settings *outer = p->task->settings;
    p->task->settings = p->settings; /* epochs and batches are those of the pretraining */
    int rc = ag_team_estimate_of(p->task, &slice, &e, err);
    p->task->settings = outer;
    if (rc < 0) return rc;
    ag_duration_format((int64_t)(e.seconds * 1e6), took);
    ag_strategy_remark(p->task, "pretraining on %lld windows: at most %s", (long long)p->training.samples.count, took);
    return 0;
}

static int open_lesson(pretraining *p, size_t kind, lesson what, ag_err *err)
{
    const ag_folding *f = p->folding;
    p->set = f->run.set;
    p->from = f->kinds[kind].pretrained;
    p->config = f->kinds[kind].config;
    int rc = what == SHAPES ? learn_shapes(p, err)
             : what == SIMULATED
                 ? learn_simulated(p, err)
                 : configure(f, &f->kinds[kind].config, p->settings->pretrain.mask_ratio, &p->config, err);
    return rc < 0 ? rc : gather(p, what, err);
}

static int pretrain_kind(ag_folding *f, ag_strategy_task *task, size_t kind, lesson what, int64_t index, ag_err *err)
{
    const ag_settings own = settings_of(task->settings);
    pretraining p = {.folding = f, .task = task, .settings = &own, .seed = (uint64_t)own.seed};
    ag_model *model = NULL;
    const char *name = ag_arena_printf(f->arena, "pretraining%s%s%s", suffixes[what], f->kind_count > 1 ? "-" : "",
                                       f->kind_count > 1 ? f->kinds[kind].name : "");
    const char *directory = ag_arena_printf(f->arena, "%s/%s", task->output_dir, name ? name : "");
    if (!name || !directory) return ag_fail_memory(err, 64);
    p.name = name;
    int rc = open_lesson(&p, kind, what, err);
    if (rc >= 0 && !task->resume) rc = tell_estimate(&p, err);
    if (rc >= 0) rc = open_model(&p, &model, err);
    if (rc < 0) return rc;
    const ag_strategy_job job = {.name = name,
                                 .index = index,
                                 .count = f->trainings,
                                 .model = model,
                                 .config = &p.config,
                                 .training = &p.training.samples,
                                 .validation = p.validation.samples.count ? &p.validation.samples : NULL,
                                 .settings = &own,
                                 .pretrained = p.from != NULL};
    rc = ag_strategy_train_job(task, &job, NULL, err);
    if (rc >= 0) rc = ag_pretrained_save(directory, &p.config, model, err);
    ag_model_free(model);
    f->kinds[kind].pretrained = directory;
    return rc;
}

/* Hidden patches are for mixers alone, and so is what comes behind them; any architecture finds points. */
int64_t ag_folding_lessons(const ag_settings *settings, const ag_architecture *of)
{
    int method = settings->pretrain.method;
    if (!settings->pretrain.enabled) return 0;
    if (method == AG_PRETRAIN_SIMULATED) return 1;
    if (of != &ag_architecture_patchtsmixer) return 0;
    return method == AG_PRETRAIN_BOTH ? 2 : 1;
}

int ag_folding_pretrain(ag_folding *f, ag_strategy_task *task, ag_err *err)
{
    static const lesson first[] = {[AG_PRETRAIN_MASKED] = HIDDEN_PATCHES,
                                   [AG_PRETRAIN_SHAPES] = SHAPES,
                                   [AG_PRETRAIN_BOTH] = HIDDEN_PATCHES,
                                   [AG_PRETRAIN_SIMULATED] = SIMULATED};
    int64_t index = (int64_t)f->member_count;
    int rc = 0;
    for (size_t k = 0; k < f->kind_count && rc >= 0; k++) {
        int64_t lessons = ag_folding_lessons(task->settings, f->kinds[k].config.architecture);
        if (lessons > 0) rc = pretrain_kind(f, task, k, first[task->settings->pretrain.method], index++, err);
        if (lessons > 1 && rc >= 0) rc = pretrain_kind(f, task, k, SHAPES, index++, err);
    }
    return rc;
}
