// SPDX-License-Identifier: Apache-2.0
/* legacy_patchtsmixer.c: the strategy "legacy_patchtsmixer": the pipeline that the others are to beat. With
 * data_config.model it takes an existing checkpoint as it is; else it trains one by the old recipe, on what
 * drilling/legacy_lessons.h tells. */
#include <math.h>
#include <string.h>

#include "core/sys/clock.h"
#include "learn/drilling/known.h"
#include "learn/drilling/legacy_lessons.h"
#include "learn/drilling/score.h"
#include "learn/strategies/list.h"
#include "learn/strategy_made.h"
#include "learn/strategy_tools.h"
#include "learn/team.h"

#define NAME "legacy_patchtsmixer"

typedef struct legacy {
    ag_legacy_data data;
    ag_legacy_settings settings;
    ag_known_set set;
    ag_pretrained *loaded; /* of data_config.model */
    ag_model *model;       /* trained here */
    ag_legacy_lessons lessons;
    ag_samples samples[AG_LEGACY_PARTS];
    char digest[65]; /* of what is known of the holes */
} legacy;

/* ---- data ---- */

static int make_lessons(legacy *l, ag_strategy_task *task, ag_err *err)
{
    const ag_settings *settings = task->settings;
    const ag_legacy_course course = {.set = &l->set,
                                     .data = &l->data,
                                     .share = settings->training.validation_split,
                                     .seed = (uint64_t)settings->seed,
                                     .cancel = task->cancel};
    int rc = ag_legacy_lessons_make(&course, &l->settings, task->arena, &l->lessons, err);
    if (rc < 0) return rc;
    ag_strategy_remark(task, "%zu holes to train, %zu to validate; %zu have no exit in their step 2",
                       l->lessons.counts[AG_LEGACY_TRAINING], l->lessons.counts[AG_LEGACY_VALIDATION],
                       l->lessons.left_out);
    for (int k = 0; rc == AG_OK && k < AG_LEGACY_PARTS; k++)
        rc = ag_legacy_samples(&l->lessons, (ag_legacy_part)k, l->digest, task->arena, &l->samples[k], err);
    if (rc < 0 || l->lessons.counts[AG_LEGACY_TRAINING] > 0) return rc;
    ag_fail(err, AG_EINVAL, "there is no hole to learn from in '%s': none has a known exit in its step 2",
            task->data_dir);
    return ag_err_hint(err, "prepare it with --auto-label, or say data_config.truth");
}

/* Content and what is known, so that a training is not resumed with other data. */
static int note_data(legacy *l, ag_strategy_task *task, ag_err *err)
{
    ag_hasher *hasher = NULL;
    ag_strategy_dataset dataset = {.name = "holes", .path = task->data_dir, .context = "training"};
    int rc = ag_hasher_new(&hasher, err);
    for (size_t i = 0; rc >= 0 && i < l->set.count; i++) {
        const ag_known_hole *hole = &l->set.holes[i];
        char text[128];
        ag_format(text, sizeof text, "%s %d %.6f\n", hole->record->sha256, (int)hole->known.outcome,
                  hole->known.mm[AG_POINT_EXIT]);
        rc = ag_hasher_add(hasher, text, strlen(text), err);
    }
    if (rc >= 0) rc = ag_hasher_finish(hasher, &dataset.digest, err);
    ag_hasher_free(hasher);
    if (rc < 0) return rc;
    ag_sha256_format(&dataset.digest, l->digest);
    return ag_strategy_dataset_seen(task, &dataset, err);
}

static int load_known(legacy *l, ag_strategy_task *task, ag_err *err)
{
    ag_known_options options = {.truth = l->data.truth, .automatic = true};
    int rc = ag_known_load(task->data_dir, &options, task->arena, &l->set, err);
    if (rc == AG_OK)
        ag_strategy_remark(task, "%zu holes: %zu with a truth, %zu labelled by experts, %zu automatically",
                           l->set.count, l->set.truths, l->set.experts, l->set.automatic);
    return rc < 0 ? rc : ag_strategy_tell_links(task, err);
}

/* Its own scaling, unless another was said. */
static int take_reference(legacy *l, ag_err *err)
{
    ag_legacy_settings stored = {0};
    const ag_legacy_reference_keys *said = &l->data.reference;
    if (said->file || said->rows > 0) return AG_OK;
    int rc = ag_legacy_settings_load(l->data.model, &stored, err);
    l->settings.reference = stored.reference;
    return rc;
}

static int take_model(legacy *l, ag_strategy_task *task, ag_err *err)
{
    ag_legacy *pipeline = NULL;
    int rc = ag_pretrained_load(l->data.model, NULL, &l->loaded, err);
    if (rc >= 0) rc = take_reference(l, err);
    if (rc >= 0)
        rc = ag_legacy_borrow(&l->loaded->config, l->loaded->model, &l->settings, task->device, &pipeline, err);
    ag_legacy_free(pipeline);
    if (rc < 0) return ag_err_prefix(err, "data_config.model");
    task->model_config = l->loaded->config;
    task->parameters = ag_model_count(l->loaded->model, false);
    return AG_OK;
}

static int make_model(legacy *l, ag_strategy_task *task, ag_err *err)
{
    static const char *const why = "it is what the old pipeline asks";
    static const ag_model_fact facts[] = {{"context_length", AG_LEGACY_WINDOW, why},
                                          {"prediction_length", AG_LEGACY_WINDOW, why},
                                          {"num_input_channels", AG_LEGACY_CHANNELS, why}};
    ag_legacy *pipeline = NULL;
    int rc =
        ag_settings_model(task->settings, facts, sizeof facts / sizeof *facts, task->arena, &task->model_config, err);
    if (rc >= 0) rc = ag_strategy_model(task, true, &l->model, err);
    if (rc >= 0) rc = ag_legacy_borrow(&task->model_config, l->model, &l->settings, task->device, &pipeline, err);
    ag_legacy_free(pipeline);
    if (rc >= 0) task->parameters = ag_model_count(l->model, false);
    return rc < 0 ? rc : make_lessons(l, task, err);
}

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    legacy *l = state;
    int rc = ag_settings_data(task->settings, &ag_legacy_data_description, task->arena, &l->data, err);
    task->data = &l->data;
    if (rc >= 0) rc = ag_legacy_settings_of(&l->data, &l->settings, err);
    if (rc >= 0 && l->data.model) rc = take_model(l, task, err);
    if (rc >= 0) rc = load_known(l, task, err);
    if (rc >= 0) rc = note_data(l, task, err);
    if (rc >= 0 && !l->data.model) rc = make_model(l, task, err);
    return rc;
}

/* ---- training ---- */

typedef struct slice { /* what the estimate is measured on */
    const legacy *legacy;
    const ag_strategy_task *task;
} slice;

static int open_slice(void *context, int64_t member, ag_team_sample *sample, ag_err *err)
{
    const slice *s = context;
    (void)member;
    sample->training = &s->legacy->samples[AG_LEGACY_TRAINING];
    sample->validation =
        s->legacy->lessons.counts[AG_LEGACY_VALIDATION] ? &s->legacy->samples[AG_LEGACY_VALIDATION] : NULL;
    return ag_strategy_model(s->task, true, &sample->model, err);
}

static void close_slice(void *context, int64_t member, ag_team_sample *sample)
{
    (void)context, (void)member;
    ag_model_free(sample->model);
}

static int tell_estimate(const legacy *l, ag_strategy_task *task, ag_err *err)
{
    char took[32];
    ag_team_estimate e;
    slice s = {l, task};
    const ag_team_slice team = {&s, 1, open_slice, close_slice};
    int rc = ag_team_estimate_of(task, &team, &e, err);
    if (rc < 0) return rc;
    ag_duration_format((int64_t)(e.seconds * 1e6), took);
    ag_strategy_remark(task, "%lld windows, at most %lld epochs (%.0f MB): at most %s",
                       (long long)l->samples[AG_LEGACY_TRAINING].count, (long long)task->settings->training.epochs,
                       (double)e.model_bytes / 1e6, isnan(e.seconds) ? "a moment" : took);
    return AG_OK;
}

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    legacy *l = state;
    if (l->loaded) {
        ag_strategy_remark(task, "%s is taken as it is: nothing is trained", l->data.model);
        return AG_OK;
    }
    int rc = task->resume ? AG_OK : tell_estimate(l, task, err);
    if (rc < 0) return rc;
    return ag_strategy_train_model(task, "model", 0, 1, l->model, &l->samples[AG_LEGACY_TRAINING],
                                   l->lessons.counts[AG_LEGACY_VALIDATION] ? &l->samples[AG_LEGACY_VALIDATION] : NULL,
                                   NULL, err);
}

/* ---- validation ---- */

static int add_metrics(ag_strategy_task *task, const ag_score *score, ag_err *err)
{
    static const ag_score_measure measures[] = {AG_SCORE_ENTRY, AG_SCORE_TRANSITION, AG_SCORE_EXIT, AG_SCORE_THICKNESS};
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < sizeof measures / sizeof *measures; i++) {
        char name[48];
        if (score->error[measures[i]].count == 0) continue;
        ag_format(name, sizeof name, "val_mae_%s_mm", ag_score_measure_names[measures[i]]);
        rc = ag_strategy_metric_found(task, name, score->error[measures[i]].mae, err);
    }
    if (rc == AG_OK) rc = ag_strategy_metric_found(task, "val_failures", (double)score->failed, err);
    return rc == AG_OK ? ag_strategy_metric_found(task, "val_abstained", (double)score->abstained, err) : rc;
}

/* Whom the whole pipeline is asked about: the holes that validate; of a model that was taken as it is, all. */
static int choose(const legacy *l, ag_arena *arena, const ag_known_hole ***out, size_t *count, ag_err *err)
{
    const ag_legacy_lessons *lessons = &l->lessons;
    size_t most = l->loaded ? l->set.count : lessons->counts[AG_LEGACY_VALIDATION];
    *out = ag_arena_array(arena, most + 1, sizeof **out);
    *count = 0;
    if (!*out) return ag_fail_memory(err, most * sizeof **out);
    for (size_t i = 0; i < most; i++) {
        const ag_known_hole *hole = l->loaded ? &l->set.holes[i] : lessons->items[AG_LEGACY_VALIDATION][i].hole;
        if (hole->known.outcome != AG_LABEL_NONE) (*out)[(*count)++] = hole;
    }
    return AG_OK;
}

static int ask(const ag_legacy *pipeline, const ag_known_set *set, const ag_known_hole *hole, ag_strategy_task *task,
               ag_score_case *out, ag_err *err)
{
    ag_hole *samples = NULL;
    ag_arena *scratch = ag_arena_new(0);
    *out = ag_known_case(hole);
    int rc = scratch ? ag_cancel_check(task->cancel, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_known_samples(set, hole, scratch, &samples, err);
    if (rc == AG_OK)
        rc = ag_legacy_ask(pipeline, (const ag_hole *[]){samples}, 1, task->arena, task->cancel, &out->said, err);
    ag_arena_free(scratch);
    return rc;
}

static int validate(void *state, ag_strategy_task *task, ag_err *err)
{
    legacy *l = state;
    ag_legacy *pipeline = NULL;
    ag_score score;
    const ag_known_hole **holes = NULL;
    size_t count = 0;
    int rc = choose(l, task->arena, &holes, &count, err);
    if (rc < 0 || count == 0) return rc;
    ag_score_case *cases = ag_arena_array(task->arena, count, sizeof *cases);
    const ag_score_case **list = ag_arena_array(task->arena, count, sizeof *list);
    if (!cases || !list) return ag_fail_memory(err, count * sizeof *cases);
    rc = ag_legacy_borrow(&task->model_config, l->loaded ? l->loaded->model : l->model, &l->settings, task->device,
                          &pipeline, err);
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        list[i] = &cases[i];
        rc = ask(pipeline, &l->set, holes[i], task, &cases[i], err);
    }
    ag_legacy_free(pipeline);
    if (rc == AG_OK) rc = ag_score_make(list, count, NULL, task->arena, &score, err);
    return rc == AG_OK ? add_metrics(task, &score, err) : rc;
}

/* ---- export ---- */

typedef struct saving {
    const legacy *legacy;
    const ag_strategy_task *task;
} saving;

static void describe_model(void *context, ag_json *json)
{
    const saving *s = context;
    ag_json_begin_object(json);
    ag_json_put_int(json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(json, "strategy", NAME);
    ag_json_name(json, "legacy");
    ag_legacy_settings_write(&s->legacy->settings, json);
    ag_strategy_describe(json, s->task);
    ag_json_end_object(json);
}

static int save_files(void *context, const char *directory, ag_err *err)
{
    const saving *s = context;
    const ag_model *model = s->legacy->loaded ? s->legacy->loaded->model : s->legacy->model;
    return ag_pretrained_save(directory, &s->task->model_config, model, err);
}

static int export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    saving s = {state, task};
    const ag_strategy_saving how = {.maker = NAME, .context = &s, .save = save_files, .describe = describe_model};
    return ag_strategy_save(directory, &how, err);
}

static void close_all(void *state)
{
    legacy *l = state;
    ag_pretrained_free(l->loaded);
    ag_model_free(l->model);
}

const ag_strategy ag_strategy_legacy_patchtsmixer = {
    .name = NAME,
    .doc =
        "the old three-point pipeline as a baseline: rules for entry and transition, heat maps of samples for the exit",
    .data = &ag_legacy_data_description,
    .state_size = sizeof(legacy),
    .takes = AG_TAKES_SPLIT,
    .architecture = "patchtsmixer",
    .prepare = prepare,
    .train = train,
    .validate = validate,
    .export = export,
    .close = close_all,
};
