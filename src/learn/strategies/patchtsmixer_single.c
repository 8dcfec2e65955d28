// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_single.c: the strategy "patchtsmixer_single": one model that finds entry, transition and exit in the
 * holes of a prepared directory. A part of the holes is kept aside (near-twins on one side): it decides when training
 * stops, and calibrates what the model says. Any architecture with the task heatmap can stand in for PatchTSMixer. */
#include <math.h>

#include "core/base/mem.h"
#include "learn/drilling/run.h"
#include "learn/strategies/list.h"
#include "learn/strategy_tools.h"

#define NAME "patchtsmixer_single"

typedef struct single {
    ag_drilling_run run;
    size_t *training, *validation;
    const size_t *lesson; /* the training holes and the simulated ones */
    size_t training_count, validation_count, lesson_count;
    ag_model *model;
    ag_calibration calibration;
} single;

/* ---- data ---- */

static int split(single *s, ag_strategy_task *task, ag_err *err)
{
    size_t *chosen, count;
    uint32_t *part;
    int rc = ag_drilling_trainable(&s->run, task->arena, &chosen, &count, err);
    if (rc < 0) return rc;
    double share = task->settings->training.validation_split;
    const uint32_t shares[] = {(uint32_t)lround(1000 * (1 - share)), (uint32_t)lround(1000 * share)};
    s->training = ag_arena_array(task->arena, count + 1, sizeof *s->training);
    s->validation = ag_arena_array(task->arena, count + 1, sizeof *s->validation);
    if (!s->training || !s->validation) return ag_fail_memory(err, count * sizeof *s->training);
    if (shares[1] > 0) {
        rc = ag_examples_split(&s->run.set, &s->run.data, chosen, count, shares, 2, (uint64_t)task->settings->seed,
                               task->arena, &part, err);
        if (rc < 0) return rc;
    }
    for (size_t i = 0; i < count; i++)
        if (shares[1] > 0 && part[i] == 1)
            s->validation[s->validation_count++] = chosen[i];
        else
            s->training[s->training_count++] = chosen[i];
    ag_strategy_remark(task, "%zu holes to train, %zu to validate", s->training_count, s->validation_count);
    return 0;
}

/* Of the view each hole counts once; in an epoch own holes may come several times. */
static int fit_view(single *s, ag_strategy_task *task, ag_err *err)
{
    const ag_example_set *set = &s->run.set;
    const size_t *all;
    size_t count;
    int rc = ag_examples_lesson(set, s->training, s->training_count, false, task->arena, &all, &count, err);
    if (rc >= 0) rc = ag_view_fit(&s->run.view, set, all, count, err);
    return rc < 0 ? rc
                  : ag_examples_lesson(set, s->training, s->training_count, true, task->arena, &s->lesson,
                                       &s->lesson_count, err);
}

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    single *s = state;
    s->run.architecture = "PatchTSMixer";
    int rc = ag_settings_data(task->settings, &ag_drilling_data_description, task->arena, &s->run.data, err);
    if (rc >= 0) rc = ag_drilling_prepare(&s->run, task, err);
    if (rc >= 0) rc = split(s, task, err);
    if (rc >= 0) rc = ag_drilling_simulate(&s->run, task, err);
    if (rc >= 0) rc = fit_view(s, task, err);
    task->data = &s->run.data;
    return rc;
}

/* ---- training and scores ---- */

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    single *s = state;
    (void)task;
    ag_drilling_fold fold = {.name = "model",
                             .count = 1,
                             .training = s->lesson,
                             .validation = s->validation,
                             .training_count = s->lesson_count,
                             .validation_count = s->validation_count};
    return ag_drilling_train(&s->run, &fold, &s->model, err);
}

typedef struct judging {
    const ag_example **examples;
    const ag_drilled **holes;
    const ag_known **known;
    uint32_t *tools;
    ag_reading *readings;
    ag_prediction *answers;
} judging;

static int judge(single *s, ag_strategy_task *task, const size_t *chosen, size_t count, judging *j, ag_err *err)
{
    const ag_drilling_data *data = &s->run.data;
    ag_asking asking = {.view = &s->run.view,
                        .models = &s->model,
                        .model_count = 1,
                        .device = task->device,
                        .pool = task->pool,
                        .cancel = task->cancel};
    ag_grip grip = {data->grip_pitch, data->grip_tolerance, data->grip_codes};
    ag_calibration_usual of_this;
    const ag_calibration_usual *usual = NULL;
    uint32_t *tools;
    size_t tool_count;
    int rc = ag_examples_tools(&s->run.set, task->arena, &tools, &tool_count, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < count; i++) {
        j->examples[i] = &s->run.set.items[chosen[i]];
        j->tools[i] = tools[chosen[i]];
        j->holes[i] = &s->run.set.items[chosen[i]].drilled;
        j->known[i] = &s->run.set.items[chosen[i]].known;
    }
    rc = ag_drilling_ask(&asking, j->holes, count, j->readings, err);
    if (rc >= 0 && ag_calibration_can_fit(j->known, count))
        rc = ag_drilling_usual(&s->run, &asking, &of_this, &usual, err);
    const ag_calibration_told told = {j->holes, j->readings, j->known, j->tools, count, data->refine, usual};
    if (rc >= 0) rc = ag_calibration_fit(&told, &s->calibration, err);
    if (rc >= 0) rc = ag_drilling_by_repeats(&s->run, j->examples, j->readings, count, &s->calibration, err);
    for (size_t i = 0; i < count && rc >= 0; i++)
        ag_calibration_answer(&s->calibration, &grip, j->holes[i], &j->readings[i], &j->answers[i]);
    return rc < 0 ? rc : ag_drilling_score(task, "val_", j->answers, j->known, count, err);
}

static int validate(void *state, ag_strategy_task *task, ag_err *err)
{
    single *s = state;
    bool kept = s->validation_count > 0;
    const size_t *chosen = kept ? s->validation : s->training;
    size_t count = kept ? s->validation_count : s->training_count;
    if (!kept)
        ag_strategy_remark(task, "nothing validates: intervals and confidence come from the holes of the training, and "
                                 "are too good");
    judging j = {.examples = ag_alloc_array(count + 1, sizeof *j.examples),
                 .holes = ag_alloc_array(count + 1, sizeof *j.holes),
                 .known = ag_alloc_array(count + 1, sizeof *j.known),
                 .tools = ag_alloc_array(count + 1, sizeof *j.tools),
                 .readings = ag_calloc(count + 1, sizeof *j.readings),
                 .answers = ag_calloc(count + 1, sizeof *j.answers)};
    bool room = j.examples && j.holes && j.known && j.tools && j.readings && j.answers;
    int rc = room ? judge(s, task, chosen, count, &j, err) : ag_fail_memory(err, count * sizeof *j.readings);
    ag_free(j.examples);
    ag_free(j.holes);
    ag_free(j.known);
    ag_free(j.tools);
    ag_free(j.readings);
    ag_free(j.answers);
    return rc;
}

/* ---- export ---- */

static int export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    const single *s = state;
    (void)task;
    ag_drilling_member member = {.path = ".", .weight = 1, .model = s->model};
    ag_drilling_export what = {
        .strategy = NAME, .run = &s->run, .members = &member, .member_count = 1, .calibration = &s->calibration};
    return ag_drilling_save(directory, &what, err);
}

static void close_all(void *state)
{
    single *s = state;
    ag_model_free(s->model);
}

const ag_strategy ag_strategy_patchtsmixer_single = {
    .name = NAME,
    .doc = "one model that finds entry, transition and exit of drilled holes",
    .data = &ag_drilling_data_description,
    .state_size = sizeof(single),
    .takes = AG_TAKES_SPLIT,
    .architecture = "patchtsmixer",
    .any_architecture = true,
    .prepare = prepare,
    .train = train,
    .validate = validate,
    .export = export,
    .close = close_all,
};
