// SPDX-License-Identifier: Apache-2.0
/* legacy_patchtsmixer.c: the strategy "legacy_patchtsmixer": the pipeline that the others are to beat. With
 * data_config.model it takes an existing checkpoint as it is; else it trains one by the old recipe. What the old model
 * was trained on is not known; here the target is designed so that the old inference reads it rightly: over the 512
 * rows of a window each torque column is a bump at the row where the tip leaves the stack and 0 elsewhere, and the two
 * constant columns are themselves. Holes whose exit does not lie in step 2, or is not known, cannot be learned from. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/known.h"
#include "learn/drilling/legacy_settings.h"
#include "learn/drilling/score.h"
#include "learn/strategies/list.h"

#define NAME "legacy_patchtsmixer"
enum { SIZE = AG_LEGACY_WINDOW * AG_LEGACY_CHANNELS, PAST = 0, FUTURE = 1 };

typedef struct lesson { /* a hole to learn from, or to be judged by */
    const ag_known_hole *hole;
    ag_legacy_table table;
    double exit; /* row of the table */
} lesson;

typedef struct legacy {
    ag_legacy_data data;
    ag_legacy_settings settings;
    ag_known_set set;
    ag_pretrained *loaded; /* of data_config.model */
    ag_model *model;       /* trained here */
    lesson *lessons[2];    /* to train, to validate */
    size_t counts[2];
    ag_samples samples[2];
    const struct part *parts;
    char digest[65]; /* of what is known of the holes */
} legacy;

typedef struct part { /* what samples are made of */
    const legacy *legacy;
    int which;
} part;

/* ---- lessons ---- */

/* The row where the position reaches the exit, between rows; NaN: not in step 2. */
static double row_of(const ag_legacy_table *table, double exit)
{
    size_t first = AG_LEGACY_PAD + 2, end = AG_LEGACY_PAD + table->samples; /* two rows of delay have no position */
    for (size_t row = first + 1; row < end; row++) {
        double before = (double)table->x[row - 1], here = (double)table->x[row];
        if (here < exit || before > exit) continue;
        return (double)(row - 1) + (here > before ? (exit - before) / (here - before) : 0.0);
    }
    return NAN;
}

static int make_lesson(const legacy *l, const ag_known_hole *hole, ag_arena *keep, lesson *out, bool *fits, ag_err *err)
{
    ag_hole *samples = NULL;
    ag_legacy_trace trace;
    ag_err why = {0};
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? ag_known_samples(&l->set, hole, scratch, &samples, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) {
        rc = ag_legacy_trace_of(samples, scratch, &trace, &why);
        if (rc == AG_OK) rc = ag_legacy_table_of(&trace, &l->settings, keep, &out->table, &why);
        if (rc < 0 && rc != AG_ENOTFOUND && err) *err = why;
        *fits = rc == AG_OK;
        if (rc == AG_ENOTFOUND) rc = AG_OK;
    }
    ag_arena_free(scratch);
    if (rc < 0 || !*fits) return rc;
    out->hole = hole;
    out->exit = row_of(&out->table, hole->known.mm[AG_POINT_EXIT]);
    *fits = !isnan(out->exit);
    return AG_OK;
}

/* By content, so that it does not depend on what else lies there. */
static bool validates(const ag_known_hole *hole, double share)
{
    uint32_t word = 0;
    for (int i = 0; i < 8 && hole->record->sha256[i]; i++) {
        char c = hole->record->sha256[i];
        word = word * 16 + (uint32_t)(c >= 'a' ? c - 'a' + 10 : c - '0');
    }
    return (double)word / 4294967296.0 < share;
}

static int make_lessons(legacy *l, ag_strategy_task *task, ag_err *err)
{
    double share = task->settings->training.validation_split;
    size_t left_out = 0;
    for (int k = 0; k < 2; k++)
        if (!(l->lessons[k] = ag_arena_array(task->arena, l->set.count + 1, sizeof(lesson))))
            return ag_fail_memory(err, l->set.count * sizeof(lesson));
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < l->set.count; i++) {
        const ag_known_hole *hole = &l->set.holes[i];
        lesson one = {0};
        bool fits = false;
        if (hole->known.outcome != AG_LABEL_FOUND) continue;
        if ((rc = ag_cancel_check(task->cancel, err)) < 0) break;
        rc = make_lesson(l, hole, task->arena, &one, &fits, err);
        int k = validates(hole, share);
        if (rc == AG_OK && fits) l->lessons[k][l->counts[k]++] = one;
        left_out += rc == AG_OK && !fits;
    }
    if (rc < 0) return rc;
    ag_strategy_remark(task, "%zu holes to train, %zu to validate; %zu have no exit in their step 2", l->counts[0],
                       l->counts[1], left_out);
    if (l->counts[0] > 0) return AG_OK;
    ag_fail(err, AG_EINVAL, "there is no hole to learn from in '%s': none has a known exit in its step 2",
            task->data_dir);
    return ag_err_hint(err, "prepare it with --auto-label, or say data_config.truth");
}

/* ---- samples ---- */

static void fill_target(const legacy *l, const lesson *one, size_t first, const float *from, ag_real *into)
{
    double width = l->data.target_rows;
    for (size_t row = 0; row < AG_LEGACY_WINDOW; row++) {
        double away = ((double)(first + row) - one->exit) / width;
        double heat = l->data.target_height * exp(-0.5 * away * away);
        for (size_t c = 0; c < AG_LEGACY_CHANNELS; c++)
            into[row * AG_LEGACY_CHANNELS + c] =
                c < AG_LEGACY_TORQUES ? (ag_real)heat : (ag_real)from[row * AG_LEGACY_CHANNELS + c];
    }
}

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const part *p = state;
    const legacy *l = p->legacy;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        int64_t hole = batch->index[i] / l->data.windows, number = batch->index[i] % l->data.windows;
        const lesson *one = &l->lessons[p->which][hole];
        size_t first = ag_legacy_window(&one->table, (size_t)(number * AG_LEGACY_WINDOWS / l->data.windows));
        const float *from = one->table.values + first * AG_LEGACY_CHANNELS;
        ag_real *past = batch->into[PAST], *future = batch->into[FUTURE];
        for (size_t k = 0; past && k < SIZE; k++) past[(size_t)i * SIZE + k] = (ag_real)from[k];
        if (future) fill_target(l, one, first, from, future + (size_t)i * SIZE);
    }
    return AG_OK;
}

static int make_samples(legacy *l, ag_strategy_task *task, ag_err *err)
{
    static const ag_samples_port ports[] = {{"past_values", SIZE}, {"future_values", SIZE}};
    static const char *const names[] = {"the training holes", "the validation holes"};
    part *parts = ag_arena_array(task->arena, 2, sizeof *parts);
    if (!parts) return ag_fail_memory(err, 2 * sizeof *parts);
    l->parts = parts;
    for (int k = 0; k < 2; k++) {
        parts[k] = (part){l, k};
        l->samples[k] = (ag_samples){.name = names[k],
                                     .ports = ports,
                                     .ports_count = 2,
                                     .count = (int64_t)l->counts[k] * l->data.windows,
                                     .fill = fill,
                                     .state = &parts[k],
                                     .digest = l->digest};
    }
    return AG_OK;
}

/* ---- the strategy ---- */

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
    return rc;
}

static int take_model(legacy *l, ag_strategy_task *task, ag_err *err)
{
    ag_legacy *pipeline = NULL;
    int rc = ag_pretrained_load(l->data.model, NULL, &l->loaded, err);
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
    if (rc >= 0) rc = make_lessons(l, task, err);
    return rc < 0 ? rc : make_samples(l, task, err);
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

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    legacy *l = state;
    if (l->loaded) {
        ag_strategy_remark(task, "%s is taken as it is: nothing is trained", l->data.model);
        return AG_OK;
    }
    return ag_strategy_train_model(task, "model", 0, 1, l->model, &l->samples[0], l->counts[1] ? &l->samples[1] : NULL,
                                   NULL, err);
}

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

/* Answers of the whole pipeline to the holes that were not trained on; of a model that was taken as it is: to all. */
static int validate(void *state, ag_strategy_task *task, ag_err *err)
{
    legacy *l = state;
    ag_legacy *pipeline = NULL;
    ag_score score;
    size_t count = 0;
    const ag_model *model = l->loaded ? l->loaded->model : l->model;
    double share = task->settings->training.validation_split;
    ag_score_case *cases = ag_arena_array(task->arena, l->set.count + 1, sizeof *cases);
    const ag_score_case **list = ag_arena_array(task->arena, l->set.count + 1, sizeof *list);
    if (!cases || !list) return ag_fail_memory(err, l->set.count * sizeof *cases);
    int rc = ag_legacy_borrow(&task->model_config, model, &l->settings, task->device, &pipeline, err);
    for (size_t i = 0; rc == AG_OK && i < l->set.count; i++) {
        const ag_known_hole *hole = &l->set.holes[i];
        ag_hole *samples = NULL;
        if (hole->known.outcome == AG_LABEL_NONE || (!l->loaded && !validates(hole, share))) continue;
        ag_arena *scratch = ag_arena_new(0);
        cases[count] = ag_known_case(hole);
        list[count] = &cases[count];
        rc = scratch ? ag_cancel_check(task->cancel, err) : ag_fail_memory(err, 1);
        if (rc == AG_OK) rc = ag_known_samples(&l->set, hole, scratch, &samples, err);
        if (rc == AG_OK)
            rc = ag_legacy_ask(pipeline, (const ag_hole *[]){samples}, 1, task->arena, task->cancel,
                               &cases[count++].said, err);
        ag_arena_free(scratch);
    }
    ag_legacy_free(pipeline);
    if (rc == AG_OK) rc = ag_score_make(list, count, NULL, task->arena, &score, err);
    return rc == AG_OK && count > 0 ? add_metrics(task, &score, err) : rc;
}

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
