// SPDX-License-Identifier: Apache-2.0
/* train_state.c: the state of a training as a checkpoint keeps it: arrays and position by checkpoint/training.h, the
 * rest as JSON in "more": sums of the epoch, early stopping, plateau, the history, and the options that decide bits. A
 * checkpoint that was made with other options is refused by the name of the first that differs: going on from it would
 * be neither the old training nor the new one. */
#include <math.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"
#include "learn/nn/checkpoint/training_parts.h"
#include "learn/nn/train_parts.h"

enum { MAX_MORE = 8 << 20 };

/* ---- writing ---- */

/* The model's configuration by its hash: shapes alone would not tell another dropout. */
static void put_model(ag_json *json, const ag_model_config *config)
{
    char hex[65];
    ag_sha256 digest;
    ag_buf text;
    ag_buf_init(&text, MAX_MORE);
    if (ag_model_config_write(config, &text, NULL) >= 0 && ag_sha256_of(text.data, text.size, &digest, NULL) >= 0) {
        ag_sha256_format(&digest, hex);
        hex[12] = '\0';
        ag_json_put_text(json, "model_config", hex);
    }
    ag_buf_deinit(&text);
}

static void options_json(ag_json *json, const ag_train_loop *loop)
{
    const ag_train_options *o = loop->options;
    const ag_samples *validation = loop->job->validation;
    char seed[24];
    ag_format(seed, sizeof seed, "%llu", (unsigned long long)o->seed);
    const char *schedule = o->schedule ? o->schedule->name : "constant";
    ag_json_begin_object(json);
    ag_json_put_text(json, "seed", seed);
    ag_json_put_int(json, "samples", loop->job->training->count);
    ag_json_put_text(json, "data", loop->job->training->digest);
    ag_json_put_int(json, "validation samples", validation ? validation->count : 0);
    put_model(json, loop->job->checkpoints->config);
    if (loop->job->checkpoints->first) ag_json_put_text(json, "first weights", loop->job->checkpoints->first);
    ag_json_put_int(json, "batch_size", o->batch_size);
    ag_json_put_int(json, "accumulate", o->accumulate > 0 ? o->accumulate : 1);
    ag_json_put_bool(json, "keep_order", o->keep_order);
    ag_json_put_bool(json, "drop_last", o->drop_last);
    ag_json_put_int(json, "lanes", o->lanes);
    ag_json_put_real(json, "learning_rate", o->optim.learning_rate);
    ag_json_put_real(json, "weight_decay", o->optim.weight_decay);
    ag_json_put_real(json, "momentum", o->optim.momentum);
    ag_json_put_real(json, "beta1", o->optim.beta1);
    ag_json_put_real(json, "beta2", o->optim.beta2);
    ag_json_put_real(json, "epsilon", o->optim.epsilon);
    ag_json_put_real(json, "clip_norm", o->optim.clip_norm);
    ag_json_put_bool(json, "decay_biases", o->optim.decay_biases);
    ag_json_put_text(json, "schedule", schedule);
    ag_json_put_int(json, "warmup", o->warmup);
    ag_json_put_real(json, "final_factor", o->final_factor);
    /* A constant rate does not know its end: such a training may be made longer. */
    ag_json_put_int(json, "steps", strcmp(schedule, "constant") == 0 ? 0 : loop->steps);
    ag_json_put_real(json, "plateau factor", o->plateau.factor);
    ag_json_put_int(json, "plateau patience", o->plateau.patience);
    ag_json_put_real(json, "ema_decay", o->ema_decay);
    ag_json_put_text(json, "metric", o->metric);
    ag_json_put_bool(json, "restore_best", o->restore_best);
    ag_json_name(json, "freeze");
    ag_json_begin_array(json);
    for (const char *const *p = o->freeze; p && *p; p++) ag_json_text(json, *p);
    ag_json_end_array(json);
    ag_json_name(json, "groups");
    ag_json_begin_array(json);
    for (size_t i = 0; i < o->groups_count; i++) {
        ag_json_begin_array(json);
        ag_json_text(json, o->groups[i].pattern);
        ag_json_real(json, o->groups[i].rate_factor);
        ag_json_real(json, o->groups[i].weight_decay);
        ag_json_end_array(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static void epoch_json(ag_json *json, const ag_train_epoch *epoch)
{
    ag_json_begin_object(json);
    ag_json_put_int(json, "epoch", epoch->epoch);
    ag_json_put_int(json, "step", epoch->step);
    ag_json_put_real(json, "train_loss", epoch->train_loss);
    ag_json_put_real(json, "val_loss", epoch->val_loss);
    ag_json_put_real(json, "learning_rate", epoch->learning_rate);
    ag_json_put_real(json, "gradient_norm", epoch->gradient_norm);
    ag_json_put_real(json, "seconds", epoch->seconds);
    ag_json_put_bool(json, "best", epoch->best);
    ag_json_name(json, "metrics");
    ag_json_begin_object(json);
    for (int i = 0; i < epoch->metrics_count; i++)
        ag_json_put_real(json, epoch->metrics[i].name, epoch->metrics[i].value);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static void judges_json(ag_json *json, const ag_plateau *plateau, const ag_early *early)
{
    ag_json_name(json, "plateau");
    ag_json_begin_object(json);
    ag_json_put_bool(json, "begun", plateau->begun);
    ag_json_put_real(json, "best", plateau->best);
    ag_json_put_real(json, "dropped", plateau->dropped);
    ag_json_put_int(json, "bad", plateau->bad);
    ag_json_put_int(json, "resting", plateau->resting);
    ag_json_end_object(json);
    ag_json_name(json, "early");
    ag_json_begin_object(json);
    ag_json_put_bool(json, "begun", early->begun);
    ag_json_put_real(json, "best", early->best);
    ag_json_put_int(json, "epoch", early->epoch);
    ag_json_put_int(json, "best_epoch", early->best_epoch);
    ag_json_end_object(json);
}

static void more_json(ag_json *json, const ag_train_loop *loop, double epoch_seconds)
{
    ag_json_begin_object(json);
    ag_json_name(json, "options");
    options_json(json, loop);
    ag_json_put_real(json, "loss_sum", loop->loss_sum);
    ag_json_put_real(json, "loss_weight", loop->loss_weight);
    ag_json_put_real(json, "norm_sum", loop->norm_sum);
    ag_json_put_int(json, "epoch_steps", loop->epoch_steps);
    ag_json_put_real(json, "epoch_seconds", epoch_seconds);
    ag_json_put_real(json, "learning_rate", loop->learning_rate);
    ag_json_put_int(json, "average_updates", loop->ema ? ag_ema_updates(loop->ema) : 0);
    ag_json_put_bool(json, "done", loop->done);
    ag_json_put_bool(json, "stopped", loop->stopped);
    judges_json(json, &loop->plateau, &loop->early);
    ag_json_name(json, "history");
    ag_json_begin_array(json);
    for (size_t i = 0; i < loop->history.count; i++) epoch_json(json, ag_vec_at(&loop->history, i));
    ag_json_end_array(json);
    ag_json_end_object(json);
}

/* What `more` holds now, as a tree in the arena. */
static int more_of(const ag_train_loop *loop, ag_arena *arena, const ag_value **out, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_MORE);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_options options = {.nonfinite = AG_JSON_NONFINITE_WORDS};
    more_json(&json, loop, loop->epoch_seconds + (double)(ag_monotonic() - loop->epoch_begun) / 1e6);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&text), &options, out, err);
    ag_buf_deinit(&text);
    return rc;
}

static ag_training_state state_of(const ag_train_loop *loop)
{
    const ag_model *model = loop->job->model;
    ag_training_state state = {.graph = model->graph,
                               .values = model->values,
                               .average = loop->ema ? ag_ema_values(loop->ema) : NULL,
                               .best = loop->best,
                               .best_known = loop->best_known,
                               .optimizer = loop->options->optim.optimizer->name,
                               .moments = loop->options->optim.optimizer->moments,
                               .optimizer_steps = ag_optim_steps(loop->optim),
                               .step = loop->step,
                               .epoch = loop->epoch,
                               .sample = loop->sample,
                               .rng = {.seed = loop->options->seed},
                               .score = (double)NAN};
    for (int i = 0; i < state.moments; i++) state.moment[i] = ag_optim_moment(loop->optim, i);
    return state;
}

int ag_train_save(ag_train_loop *loop, ag_err *err)
{
    const ag_train_checkpoints *c = loop->job->checkpoints;
    ag_arena *arena = ag_arena_new(0);
    ag_training_state state = state_of(loop);
    ag_training_keep keep = {.last = c->keep_last};
    if (loop->history.count) {
        const ag_train_epoch *last = ag_vec_at(&loop->history, loop->history.count - 1);
        if (loop->sample == 0 && last->step == loop->step) state.score = last->val_loss;
    }
    int rc = arena ? more_of(loop, arena, &state.more, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_training_save(c->directory, c->config, &state, &keep, err);
    ag_arena_free(arena);
    return rc;
}

/* ---- reading ---- */

static bool take_real(const ag_value *from, const char *path, double *out)
{
    return ag_value_real(ag_value_at(from, path), out);
}

static bool take_int(const ag_value *from, const char *path, int64_t *out)
{
    return ag_value_int(ag_value_at(from, path), out);
}

static bool take_bool(const ag_value *from, const char *path, bool *out)
{
    return ag_value_bool(ag_value_at(from, path), out);
}

static bool take_judges(const ag_value *more, ag_plateau *plateau, ag_early *early)
{
    return take_bool(more, "plateau.begun", &plateau->begun) && take_real(more, "plateau.best", &plateau->best) &&
           take_real(more, "plateau.dropped", &plateau->dropped) && take_int(more, "plateau.bad", &plateau->bad) &&
           take_int(more, "plateau.resting", &plateau->resting) && take_bool(more, "early.begun", &early->begun) &&
           take_real(more, "early.best", &early->best) && take_int(more, "early.epoch", &early->epoch) &&
           take_int(more, "early.best_epoch", &early->best_epoch);
}

static bool take_sums(const ag_value *more, ag_train_loop *loop, int64_t *updates)
{
    return take_real(more, "loss_sum", &loop->loss_sum) && take_real(more, "loss_weight", &loop->loss_weight) &&
           take_real(more, "norm_sum", &loop->norm_sum) && take_int(more, "epoch_steps", &loop->epoch_steps) &&
           take_real(more, "epoch_seconds", &loop->epoch_seconds) &&
           take_real(more, "learning_rate", &loop->learning_rate) && take_int(more, "average_updates", updates) &&
           take_bool(more, "done", &loop->done) && take_bool(more, "stopped", &loop->stopped);
}

static int take_epoch(const ag_value *from, ag_arena *arena, ag_train_epoch *out, bool *good, ag_err *err)
{
    const ag_value *metrics = ag_value_get(from, "metrics");
    *good = take_int(from, "epoch", &out->epoch) && take_int(from, "step", &out->step) &&
            take_real(from, "train_loss", &out->train_loss) && take_real(from, "val_loss", &out->val_loss) &&
            take_real(from, "learning_rate", &out->learning_rate) &&
            take_real(from, "gradient_norm", &out->gradient_norm) && take_real(from, "seconds", &out->seconds) &&
            take_bool(from, "best", &out->best) && metrics && metrics->kind == AG_OBJECT &&
            metrics->object.count <= AG_TRAIN_MAX_METRICS;
    for (size_t i = 0; *good && i < metrics->object.count; i++) {
        const ag_member *member = &metrics->object.members[i];
        ag_train_metric *metric = &out->metrics[out->metrics_count++];
        *good = ag_value_real(&member->value, &metric->value);
        if (!(metric->name = ag_arena_strndup(arena, member->name.data, member->name.size)))
            return ag_fail_memory(err, member->name.size);
    }
    return 0;
}

static int take_history(const ag_value *more, ag_train_loop *loop, bool *good, ag_err *err)
{
    const ag_value *history = ag_value_get(more, "history");
    *good = history && history->kind == AG_ARRAY;
    for (size_t i = 0; *good && i < history->array.count; i++) {
        ag_train_epoch epoch = {0};
        int rc = take_epoch(&history->array.items[i], loop->arena, &epoch, good, err);
        if (rc >= 0 && *good) rc = ag_vec_push(&loop->history, &epoch, err);
        if (rc < 0) return rc;
    }
    return 0;
}

static void add_value(ag_buf *out, const ag_value *value)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_value(&json, value);
}

static const char another[] = "the checkpoint belongs to another training";

static int hint_another(ag_err *err)
{
    return ag_err_hint(err, "%s", AG_TRAIN_ANOTHER_HINT);
}

static int refuse_option(const ag_member *now, const ag_value *then, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 1024);
    ag_buf_addf(&text, "it has %.*s ", AG_STR_ARG(now->name));
    add_value(&text, then);
    ag_buf_add_text(&text, ", this training ");
    add_value(&text, &now->value);
    ag_fail(err, AG_EINVAL, "%s: %s", another, text.data ? text.data : "");
    ag_buf_deinit(&text);
    return hint_another(err);
}

/* Every option that decides bits is as it was. */
static int check_options(const ag_train_loop *loop, const ag_value *more, ag_arena *arena, ag_err *err)
{
    static const ag_value none = {.kind = AG_NULL};
    const ag_value *now = NULL, *then = ag_value_get(more, "options");
    int rc = more_of(loop, arena, &now, err);
    if (rc < 0) return rc;
    now = ag_value_get(now, "options");
    for (size_t i = 0; i < now->object.count; i++) {
        const ag_member *member = &now->object.members[i];
        const ag_value *old = NULL;
        for (size_t k = 0; then && then->kind == AG_OBJECT && k < then->object.count && !old; k++)
            if (ag_str_equal(then->object.members[k].name, member->name)) old = &then->object.members[k].value;
        if (!old) old = &none;
        if (!ag_value_equal(old, &member->value)) return refuse_option(member, old, err);
    }
    return 0;
}

static int take_more(ag_train_loop *loop, const ag_training_state *state, ag_arena *arena, ag_err *err)
{
    int64_t updates = 0;
    bool good = true;
    int rc = state->more ? check_options(loop, state->more, arena, err) : 0;
    if (rc < 0) return rc;
    good =
        state->more && take_sums(state->more, loop, &updates) && take_judges(state->more, &loop->plateau, &loop->early);
    if (good && (rc = take_history(state->more, loop, &good, err)) < 0) return rc;
    if (!good) return ag_fail(err, AG_ECORRUPT, "the checkpoint lacks the state of the training loop");
    if (loop->ema) ag_ema_set_updates(loop->ema, updates);
    ag_optim_set_steps(loop->optim, state->optimizer_steps);
    loop->step = loop->saved_step = state->step;
    loop->epoch = state->epoch;
    loop->sample = state->sample;
    loop->best_known = state->best_known;
    /* It ended, but may go on: there are more epochs now. */
    if (loop->done && !loop->stopped && loop->epoch < loop->options->epochs) loop->done = false;
    if (loop->epoch < 0 || loop->epoch_steps < 0 || loop->epoch_steps > loop->steps_per_epoch || loop->sample < 0 ||
        loop->sample > loop->job->training->count)
        return ag_fail(err, AG_ECORRUPT, "the checkpoint has an impossible place in the samples");
    return 0;
}

static void tell(const ag_train_loop *loop, const char *path, const ag_vec *passed_over)
{
    const ag_train_monitor *monitor = loop->job->monitor;
    if (!monitor) return;
    for (size_t i = 0; i < passed_over->count && monitor->remark; i++)
        monitor->remark(monitor->context, *(const char *const *)ag_vec_at(passed_over, i));
    if (monitor->resumed)
        monitor->resumed(monitor->context, path, loop->history.items, loop->history.count, loop->step);
}

int ag_train_resume(ag_train_loop *loop, ag_err *err)
{
    const char *path = NULL, *directory = loop->job->checkpoints->directory;
    ag_training_state state = state_of(loop);
    ag_vec passed_over;
    ag_vec_init(&passed_over, sizeof(const char *));
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_training_resume(arena, directory, &state, &path, &passed_over, err) : ag_fail_memory(err, 64);
    if (rc == AG_EINVAL) { /* weights of another model do not fit, which is found before its options are read */
        ag_err_prefix(err, "%s", another);
        hint_another(err);
    }
    if (rc > 0) {
        int taken = take_more(loop, &state, arena, err);
        if (taken >= 0) taken = ag_exec_changed(loop->exec, err);
        if (taken >= 0)
            tell(loop, path, &passed_over);
        else if (err)
            ag_err_place(err, path, 0, 0);
        if (taken < 0) rc = taken;
    }
    ag_vec_deinit(&passed_over);
    ag_arena_free(arena);
    return rc;
}

const char *ag_train_data_of(const char *directory, ag_arena *arena)
{
    ag_str data;
    ag_vec found;
    const ag_value *state = NULL;
    ag_vec_init(&found, sizeof(ag_training_found));
    int rc = ag_training_list(arena, directory, &found, NULL);
    const ag_training_found *newest = rc >= 0 && found.count ? ag_vec_at(&found, found.count - 1) : NULL;
    rc = newest ? ag_training_read_json(arena, newest->path, AG_TRAINING_STATE, &state, NULL) : -1;
    ag_vec_deinit(&found);
    if (rc < 0 || !ag_value_string(ag_value_at(state, "more.options.data"), &data)) return NULL;
    return ag_arena_strndup(arena, data.data, data.size);
}
