// SPDX-License-Identifier: Apache-2.0
/* folding.c: see folding.h. Phases: data (prepare), pretraining, folds, ensemble (all train()), validation, export.
 * Models of all members stay in memory from their training to the export: a few megabytes each. What a member says of
 * its own fold is asked as soon as it is trained, by the thread that trained it. A resumed task goes through the same
 * phases; a member that had ended is read from its last checkpoint. */
#include "learn/drilling/folding.h"

#include <math.h>
#include <string.h>

#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "learn/strategy_tools.h"
#include "learn/team.h"

/* ---- preparing ---- */

/* The configuration of one architecture of the ensemble. */
static int configure_kind(ag_folding *f, ag_strategy_task *task, const ag_value *said, const char *architecture,
                          ag_err *err)
{
    const ag_settings *outer = task->settings;
    ag_settings own = *outer;
    ag_folding_kind *kind = &f->kinds[f->kind_count];
    if (said) own.model_config = said;
    f->run.architecture = architecture;
    task->settings = &own;
    int rc = ag_drilling_configure(&f->run, task, err);
    task->settings = outer;
    if (rc < 0) return rc;
    *kind = (ag_folding_kind){.config = task->model_config, .name = task->model_config.architecture->name};
    for (size_t i = 0; i < f->kind_count; i++)
        if (strcmp(f->kinds[i].name, kind->name) == 0) {
            kind->name = ag_arena_printf(f->arena, "%s-%zu", kind->name, f->kind_count + 1);
            if (!kind->name) return ag_fail_memory(err, 64);
            break;
        }
    f->kind_count++;
    return 0;
}

/* The model_config of an architecture that nobody described: as many cells as the first one sees. */
static const ag_value *usual_config(const ag_folding *f, ag_err *err)
{
    ag_value *config = ag_arena_alloc(f->arena, sizeof *config);
    ag_member *member = ag_arena_alloc(f->arena, sizeof *member);
    if (!config || !member) {
        ag_fail_memory(err, sizeof *member);
        return NULL;
    }
    *member = (ag_member){.name = AG_STR("context_length"), .value = {.kind = AG_INT, .integer = f->run.view.cells}};
    *config = (ag_value){.kind = AG_OBJECT};
    config->object.members = member;
    config->object.count = 1;
    return config;
}

/* Of ensemble_voting: the members that were said, else model_config for the first architecture and what is usual for
 * the others. */
static int configure_several(ag_folding *f, ag_strategy_task *task, const char *const *architectures, ag_err *err)
{
    const ag_list *members = &task->settings->ensemble.members;
    const ag_value *const *items = members->items;
    size_t count = members->count;
    int64_t cells = 0;
    int rc = 0;
    if (count > AG_FOLDING_KINDS)
        return ag_fail(err, AG_EINVAL, "ensemble.members: at most %d architectures vote", AG_FOLDING_KINDS);
    for (size_t i = 0; (count ? i < count : architectures[i] != NULL) && rc >= 0; i++) {
        const ag_value *said = count ? items[i] : i ? usual_config(f, err) : NULL;
        if (!count && i && !said) return AG_ENOMEM;
        rc = configure_kind(f, task, said, architectures[count ? 0 : i], err);
        if (rc < 0) return ag_err_prefix(err, "ensemble.members[%zu]", i);
        if (i && f->run.view.cells != cells)
            return ag_fail(err, AG_EINVAL,
                           "ensemble.members[%zu] sees %lld cells, the first one %lld: all must see as many", i,
                           (long long)f->run.view.cells, (long long)cells);
        cells = f->run.view.cells;
    }
    return rc;
}

static int check_settings(const ag_folding *f, const ag_strategy_task *task, const char *only, ag_err *err)
{
    const ag_settings *s = task->settings;
    if (only && strcmp(f->kinds[0].name, only) != 0) {
        ag_fail(err, AG_EINVAL, "strategy %s trains the architecture %s, not %s", s->strategy, only, f->kinds[0].name);
        return ag_err_hint(err, "leave model_config.architecture out, or take ensemble_voting, which takes any");
    }
    if (s->ensemble.members.count && only)
        return ag_fail(err, AG_EINVAL, "ensemble.members is for the strategy ensemble_voting");
    if (s->ensemble.voting == AG_VOTE_STACKED && f->kind_count < 2) {
        ag_fail(err, AG_EINVAL, "voting stacked weighs architectures against each other, and there is only one");
        return ag_err_hint(err, "take ensemble.voting: weighted, or the strategy ensemble_voting");
    }
    if (!s->pretrain.enabled) return 0;
    for (size_t i = 0; i < f->kind_count; i++)
        if (ag_folding_lessons(s, f->kinds[i].config.architecture)) return 0;
    ag_fail(err, AG_EINVAL, "only PatchTSMixer can be pretrained on hidden patches and shapes, not %s",
            f->kinds[0].name);
    return ag_err_hint(err, "set pretrain.method: simulated, pretrain.enabled: false, or take the strategy "
                            "patchtsmixer_24cv");
}

static int64_t count_trainings(const ag_folding *f, const ag_settings *settings)
{
    int64_t count = (int64_t)f->member_count;
    for (size_t i = 0; i < f->kind_count; i++) count += ag_folding_lessons(settings, f->kinds[i].config.architecture);
    return count;
}

/* One view for all members, as the documents have it: what a channel's mean is tells nothing of labels. Pretraining
 * sees all holes, so they count too: a few labelled ones may be of one material. */
static int fit_view(ag_folding *f, bool all, ag_err *err)
{
    const ag_example_set *set = &f->run.set;
    size_t count = f->chosen_count, *cut = f->chosen;
    const size_t *lesson;
    if (all) {
        if (!(cut = ag_arena_array(f->arena, set->count + 1, sizeof *cut)))
            return ag_fail_memory(err, set->count * sizeof *cut);
        count = 0;
        for (size_t i = 0; i < set->count; i++)
            if (!ag_drilled_silent(&set->items[i].drilled)) cut[count++] = i;
    }
    int rc = ag_examples_lesson(set, cut, count, false, f->arena, &lesson, &count, err);
    return rc < 0 ? rc : ag_view_fit(&f->run.view, set, lesson, count, err);
}

int ag_folding_prepare(ag_folding *f, ag_strategy_task *task, const char *const *architectures, ag_err *err)
{
    bool several = architectures[1] != NULL;
    f->arena = task->arena;
    f->run.task = task;
    int rc = ag_settings_data(task->settings, &ag_drilling_data_description, task->arena, &f->run.data, err);
    task->data = &f->run.data;
    if (rc >= 0)
        rc = several ? configure_several(f, task, architectures, err)
                     : configure_kind(f, task, NULL, architectures[0], err);
    if (rc >= 0) rc = check_settings(f, task, several ? NULL : architectures[0], err);
    if (rc >= 0) rc = ag_folding_count(f, task, err);
    if (rc < 0) return rc;
    task->model_config = f->kinds[0].config;
    if ((rc = ag_drilling_read(&f->run, task, err)) < 0) return rc;
    if ((rc = ag_folding_deal(f, task, err)) < 0) return rc;
    if ((rc = ag_drilling_simulate(&f->run, task, err)) < 0) return rc;
    if ((rc = fit_view(f, task->settings->pretrain.enabled, err)) < 0) return rc;
    f->trainings = count_trainings(f, task->settings);
    return 0;
}

/* ---- one member ---- */

static int open_model(const ag_folding *f, const ag_folding_member *m, ag_model **out, ag_err *err)
{
    const ag_strategy_task *task = f->run.task;
    const ag_strategy_task quiet = {.settings = task->settings}; /* weights that are taken are told of once */
    const ag_building building = {.loss = true};
    const char *from = f->kinds[m->kind].pretrained;
    /* Of the fold, not of the place among those that are trained now: --folds 3 trains the third model of the whole. */
    uint64_t seed = (uint64_t)task->settings->seed + m->fold * f->kind_count + m->kind;
    return ag_strategy_model_of(m == f->members ? task : &quiet, &f->kinds[m->kind].config, &building, seed,
                                from ? from : task->settings->init_from, out, err);
}

static int open_samples(const ag_folding *f, const size_t *chosen, size_t count, const char *name, ag_arena *arena,
                        ag_drilling_samples *out, ag_err *err)
{
    const ag_drilling_run *run = &f->run;
    int rc = ag_drilling_samples_init(out, name, &run->view, &run->data, &run->set, chosen, count, arena, err);
    out->pool = run->task->pool;
    return rc;
}

/* What a member learns from and what judges it. */
static int open_lesson(const ag_folding *f, const ag_folding_member *m, ag_arena *arena, ag_drilling_samples *training,
                       ag_drilling_samples *validation, ag_err *err)
{
    const size_t *lesson;
    size_t count;
    int rc = ag_examples_lesson(&f->run.set, m->training, m->training_count, true, arena, &lesson, &count, err);
    if (rc >= 0) rc = open_samples(f, lesson, count, "the training holes", arena, training, err);
    if (rc < 0) return rc;
    return open_samples(f, m->validation, m->validation_count, "the validation holes", arena, validation, err);
}

static int train_member(const ag_folding *f, ag_folding_member *m, ag_arena *arena, ag_err *err)
{
    ag_drilling_samples training, validation;
    int rc = open_lesson(f, m, arena, &training, &validation, err);
    if (rc >= 0) rc = open_model(f, m, &m->model, err);
    if (rc < 0) return rc;
    const ag_strategy_job job = {.name = m->name,
                                 .index = m - f->members,
                                 .count = f->trainings,
                                 .model = m->model,
                                 .config = &f->kinds[m->kind].config,
                                 .training = &training.samples,
                                 .validation = m->validation_count ? &validation.samples : NULL,
                                 .pretrained = f->kinds[m->kind].pretrained != NULL};
    return ag_strategy_train_job(f->run.task, &job, NULL, err);
}

static int fusion_of(const ag_strategy_task *task)
{
    return task->settings->ensemble.voting == AG_VOTE_MEDIAN ? AG_FUSE_MEDIAN : AG_FUSE_MEAN;
}

static int open_asking(const ag_folding *f, const ag_folding_member *const *members, size_t count, ag_arena *arena,
                       ag_asking *out, ag_err *err)
{
    const ag_strategy_task *task = f->run.task;
    ag_model **models = ag_arena_array(arena, count, sizeof(ag_model *));
    double *weights = ag_arena_array(arena, count, sizeof *weights);
    if (!models || !weights) return ag_fail_memory(err, count * sizeof *weights);
    for (size_t i = 0; i < count; i++) {
        models[i] = members[i]->model;
        weights[i] = members[i]->weight;
    }
    *out = (ag_asking){.view = &f->run.view,
                       .models = models,
                       .weights = weights,
                       .model_count = count,
                       .fusion = fusion_of(task),
                       .device = task->device,
                       .pool = task->pool,
                       .cancel = task->cancel};
    return 0;
}

/* Models about holes that none of them saw. */
static int ask_models(const ag_folding *f, const ag_folding_member *const *members, size_t count, const size_t *chosen,
                      size_t holes_count, ag_reading *readings, ag_arena *arena, ag_err *err)
{
    ag_asking asking;
    const ag_drilled **holes = ag_arena_array(arena, holes_count + 1, sizeof *holes);
    if (!holes) return ag_fail_memory(err, holes_count * sizeof *holes);
    int rc = open_asking(f, members, count, arena, &asking, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < holes_count; i++) {
        holes[i] = &f->run.set.items[chosen[i]].drilled;
        readings[i] = (ag_reading){0};
    }
    return ag_drilling_ask(&asking, holes, holes_count, readings, err);
}

static int work_on(void *context, int64_t index, ag_err *err)
{
    ag_folding *f = context;
    ag_folding_member *m = &f->members[index];
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? train_member(f, m, arena, err) : ag_fail_memory(err, 64);
    m->trained = rc >= 0;
    const ag_folding_member *alone = m;
    if (rc >= 0) rc = ask_models(f, &alone, 1, m->validation, m->validation_count, m->readings, arena, err);
    ag_arena_free(arena);
    return rc;
}

/* ---- how long it will take ---- */

typedef struct slice {
    ag_arena *arena;
    ag_drilling_samples training, validation;
} slice;

static int open_slice(void *context, int64_t member, ag_team_sample *sample, ag_err *err)
{
    const ag_folding *f = context;
    const ag_folding_member *m = &f->members[member];
    ag_arena *arena = ag_arena_new(0);
    slice *s = arena ? ag_arena_alloc(arena, sizeof *s) : NULL;
    if (!s) {
        ag_arena_free(arena);
        return ag_fail_memory(err, sizeof *s);
    }
    s->arena = arena;
    sample->own = s;
    sample->name = f->trainings > 1 ? m->name : NULL;
    int rc = open_lesson(f, m, arena, &s->training, &s->validation, err);
    if (rc >= 0) rc = open_model(f, m, &sample->model, err);
    sample->training = &s->training.samples;
    sample->validation = m->validation_count ? &s->validation.samples : NULL;
    return rc;
}

static void close_slice(void *context, int64_t member, ag_team_sample *sample)
{
    slice *s = sample->own;
    (void)context, (void)member;
    ag_model_free(sample->model);
    if (s) ag_arena_free(s->arena);
}

static int estimate(ag_folding *f, ag_strategy_task *task, int64_t *at_once, ag_err *err)
{
    char took[32];
    ag_team_estimate e;
    const ag_team_slice team = {f, (int64_t)f->member_count, open_slice, close_slice};
    int rc = ag_team_estimate_of(task, &team, &e, err);
    if (rc < 0) return rc;
    ag_duration_format((int64_t)(e.seconds * 1e6), took);
    ag_strategy_remark(task, "%zu models, at most %lld epochs, %lld at once (%.0f MB each): at most %s",
                       f->member_count, (long long)task->settings->training.epochs, (long long)e.at_once,
                       (double)e.model_bytes / 1e6, isnan(e.seconds) ? "a moment" : took);
    *at_once = e.at_once;
    return 0;
}

/* ---- training ---- */

/* What a stopped team leaves, in one sentence instead of that of the model that was stopped first. */
static int tell_stopped(const ag_folding *f, const ag_strategy_task *task, int rc, ag_err *err)
{
    size_t trained = 0;
    for (size_t i = 0; i < f->member_count; i++) trained += f->members[i].trained;
    const char *why = rc == AG_ETIMEOUT ? "its time was over" : "stopped as asked";
    if (!task->settings->save_checkpoints) {
        ag_fail(err, (ag_code)rc, "%s: %zu of %zu models were trained", why, trained, f->member_count);
        return ag_err_hint(err, "no checkpoints were asked for, so what was trained is lost");
    }
    ag_fail(err, (ag_code)rc, "%s: %zu of %zu models are trained; their checkpoints are in %s/checkpoints", why,
            trained, f->member_count, task->output_dir);
    return ag_err_hint(err, "the same command with --resume goes on from there");
}

/* How good each architecture is alone. */
static int tell_kinds(const ag_folding *f, ag_strategy_task *task, ag_err *err)
{
    int rc = 0;
    for (size_t k = 0; k < f->kind_count && f->kind_count > 1 && rc >= 0; k++) {
        double sum = 0.0;
        char name[96];
        for (size_t i = k; i < f->member_count; i += f->kind_count) sum += f->members[i].error;
        ag_format(name, sizeof name, "val_error_mm_%s", f->kinds[k].name);
        if (!isnan(sum))
            rc = ag_strategy_metric_found(task, name, sum * (double)f->kind_count / (double)f->member_count, err);
    }
    return rc;
}

/* The models that never saw a part answer together for its holes. */
static int ask_part(const ag_folding *f, size_t part, ag_arena *arena, ag_err *err)
{
    const ag_folding_member **members = ag_arena_array(arena, f->member_count + 1, sizeof *members);
    size_t *holes = ag_arena_array(arena, 2 * f->chosen_count + 1, sizeof *holes), *places = holes + f->chosen_count;
    ag_reading *readings = ag_arena_array(arena, f->chosen_count + 1, sizeof *readings);
    size_t voices = 0, count = 0;
    if (!members || !holes || !readings) return ag_fail_memory(err, f->chosen_count * sizeof *readings);
    for (size_t i = 0; i < f->member_count; i++)
        if (!ag_folding_sees(f, &f->members[i], part)) members[voices++] = &f->members[i];
    for (size_t i = 0; i < f->chosen_count; i++) {
        if (f->part[i] != part) continue;
        holes[count] = f->chosen[i];
        places[count++] = i;
    }
    if (voices == 0 || count == 0) return 0;
    int rc = ask_models(f, members, voices, holes, count, readings, arena, err);
    for (size_t i = 0; i < count && rc >= 0; i++) f->readings[places[i]] = readings[i];
    return rc;
}

static int ask_unseen(ag_folding *f, ag_err *err)
{
    int rc = 0;
    f->readings = ag_arena_array(f->arena, f->chosen_count + 1, sizeof *f->readings);
    if (!f->readings) return ag_fail_memory(err, f->chosen_count * sizeof *f->readings);
    for (size_t i = 0; i < f->chosen_count; i++) f->readings[i] = (ag_reading){0};
    for (size_t part = 0; part < f->parts && rc >= 0; part++) {
        ag_arena *arena = ag_arena_new(0);
        rc = arena ? ask_part(f, part, arena, err) : ag_fail_memory(err, 64);
        ag_arena_free(arena);
    }
    return rc;
}

/* All models are asked together, as they will answer. */
static int measure_usual(ag_folding *f, ag_calibration_usual *out, const ag_calibration_usual **usual, ag_err *err)
{
    ag_asking asking;
    const ag_folding_member **all = ag_arena_array(f->arena, f->member_count + 1, sizeof *all);
    if (!all) return ag_fail_memory(err, f->member_count * sizeof *all);
    for (size_t i = 0; i < f->member_count; i++) all[i] = &f->members[i];
    int rc = open_asking(f, all, f->member_count, f->arena, &asking, err);
    return rc < 0 ? rc : ag_drilling_usual(&f->run, &asking, out, usual, err);
}

/* The holes that the models never saw give the calibration of all. */
static int calibrate(ag_folding *f, ag_err *err)
{
    size_t count = 0;
    ag_calibration_usual of_these;
    const ag_calibration_usual *usual = NULL;
    const ag_example **examples = NULL;
    ag_reading *readings = NULL;
    ag_calibration_default(f->run.data.refine, &f->calibration);
    int rc = ag_folding_unseen(f, f->arena, &examples, &readings, &count, err);
    const ag_drilled **holes = ag_arena_array(f->arena, count + 1, sizeof *holes);
    const ag_known **known = ag_arena_array(f->arena, count + 1, sizeof *known);
    uint32_t *tools = ag_arena_array(f->arena, count + 1, sizeof *tools), *of_all;
    size_t tool_count;
    if (rc >= 0 && (!holes || !known || !tools)) rc = ag_fail_memory(err, count * sizeof *holes);
    if (rc >= 0) rc = ag_examples_tools(&f->run.set, f->arena, &of_all, &tool_count, err);
    if (rc < 0 || count == 0) return rc;
    for (size_t i = 0; i < count; i++) {
        holes[i] = &examples[i]->drilled;
        known[i] = &examples[i]->known;
        tools[i] = of_all[examples[i] - f->run.set.items];
    }
    if (ag_calibration_can_fit(known, count) && (rc = measure_usual(f, &of_these, &usual, err)) < 0) return rc;
    const ag_calibration_told told = {holes, readings, known, tools, count, f->run.data.refine, usual};
    rc = ag_calibration_fit(&told, &f->calibration, err);
    return rc < 0 ? rc : ag_drilling_by_repeats(&f->run, examples, readings, count, &f->calibration, err);
}

int ag_folding_train(void *state, ag_strategy_task *task, ag_err *err)
{
    ag_folding *f = state;
    int64_t at_once = 1;
    int rc = 0;
    if (task->settings->pretrain.enabled) {
        ag_strategy_phase(task, "pretraining");
        if ((rc = ag_folding_pretrain(f, task, err)) < 0) return rc;
    }
    ag_strategy_phase(task, "folds");
    if ((rc = estimate(f, task, &at_once, err)) < 0) return rc;
    const ag_team team = {f, (int64_t)f->member_count, work_on};
    rc = ag_team_train(task, &team, at_once, err);
    if (ag_was_stopped(rc)) return tell_stopped(f, task, rc, err);
    if (rc < 0) return rc;
    ag_strategy_phase(task, "ensemble");
    rc = ag_folding_weigh(f, task, err);
    if (rc >= 0) rc = tell_kinds(f, task, err);
    if (rc >= 0) rc = ask_unseen(f, err);
    return rc < 0 ? rc : calibrate(f, err);
}

/* ---- validating ---- */

int ag_folding_unseen(const ag_folding *f, ag_arena *arena, const ag_example ***examples, ag_reading **readings,
                      size_t *count, ag_err *err)
{
    size_t used = 0;
    *examples = ag_arena_array(arena, f->chosen_count + 1, sizeof **examples);
    *readings = ag_arena_array(arena, f->chosen_count + 1, sizeof **readings);
    if (!*examples || !*readings) return ag_fail_memory(err, f->chosen_count * sizeof **readings);
    for (size_t i = 0; i < f->chosen_count && f->readings; i++) {
        const ag_example *e = &f->run.set.items[f->chosen[i]];
        if (!f->readings[i].voices) continue;
        (*examples)[used] = e;
        (*readings)[used++] = f->readings[i];
    }
    *count = used;
    return 0;
}

int ag_folding_validate(void *state, ag_strategy_task *task, ag_err *err)
{
    const ag_folding *f = state;
    const ag_grip grip = {f->run.data.grip_pitch, f->run.data.grip_tolerance, f->run.data.grip_codes};
    size_t count = 0;
    const ag_example **examples = NULL;
    ag_reading *readings = NULL;
    int rc = ag_folding_unseen(f, task->arena, &examples, &readings, &count, err);
    if (rc < 0) return rc;
    if (count == 0) {
        ag_strategy_remark(task, "nothing validates: intervals and confidence are guesses");
        return 0;
    }
    ag_prediction *answers = ag_arena_array(task->arena, count, sizeof *answers);
    const ag_known **known = ag_arena_array(task->arena, count, sizeof *known);
    if (!answers || !known) return ag_fail_memory(err, count * sizeof *answers);
    for (size_t i = 0; i < count; i++) {
        known[i] = &examples[i]->known;
        ag_calibration_answer(&f->calibration, &grip, &examples[i]->drilled, &readings[i], &answers[i]);
    }
    rc = ag_drilling_score(task, "val_", answers, known, count, err);
    return rc < 0 ? rc : ag_folding_table(f, task, err);
}

/* ---- export ---- */

int ag_folding_export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    const ag_folding *f = state;
    bool alone = f->member_count == 1 && !task->settings->training.folds.enabled;
    ag_drilling_member *members = ag_arena_array(f->arena, f->member_count, sizeof *members);
    if (!members) return ag_fail_memory(err, f->member_count * sizeof *members);
    for (size_t i = 0; i < f->member_count; i++) {
        const ag_folding_member *m = &f->members[i];
        const char *path = alone ? "." : ag_arena_printf(f->arena, "members/%s", m->name);
        if (!path) return ag_fail_memory(err, strlen(m->name));
        members[i] = (ag_drilling_member){
            .path = path, .weight = m->weight, .model = m->model, .config = &f->kinds[m->kind].config};
    }
    const ag_drilling_export what = {.strategy = task->settings->strategy,
                                     .run = &f->run,
                                     .members = members,
                                     .member_count = f->member_count,
                                     .fusion = fusion_of(task),
                                     .calibration = &f->calibration};
    return ag_drilling_save(directory, &what, err);
}

void ag_folding_close(void *state)
{
    ag_folding *f = state;
    for (size_t i = 0; i < f->member_count; i++) ag_model_free(f->members[i].model);
}
