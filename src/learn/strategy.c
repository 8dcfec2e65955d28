// SPDX-License-Identifier: Apache-2.0
/* strategy.c: the list of strategies, and running one: its phases in order, and the files that every training leaves.
 * The configuration is written before anything is trained, so that a training that was killed can be told from its
 * directory; metrics and the model at the end. */
#include "learn/strategy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/doc/json_file.h"
#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "core/io/made.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/strategies/list.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy_keys.h"
#include "learn/strategy_made.h"
#include "learn/strategy_resume.h"
#include "learn/strategy_swap.h"
#include "learn/strategy_tools.h"

static const ag_strategy *const strategies[] = {
    &ag_strategy_patchtsmixer_24cv,
    &ag_strategy_patchtsmixer_single,
    &ag_strategy_legacy_patchtsmixer,
    &ag_strategy_transformer_attention,
    &ag_strategy_cnn_lstm,
    &ag_strategy_neural_ode,
    &ag_strategy_ensemble_voting,
    &ag_strategy_forecast,
    &ag_strategy_exec,
};

enum { COUNT = sizeof strategies / sizeof *strategies, MAX_TEXT = 16 << 20, MAX_HISTORY = 1 << 30 };

const ag_strategy *const *ag_strategy_all(size_t *count)
{
    *count = COUNT;
    return strategies;
}

static bool is_plugin(const char *strategy)
{
    const char *path = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_plugin_find(strategy, getenv(AG_PLUGIN_SEARCH), arena, &path, NULL) : -1;
    ag_arena_free(arena);
    return rc >= 0 && path;
}

int ag_strategy_find(const ag_settings *settings, const ag_strategy **out, ag_err *err)
{
    const char *names[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        names[i] = strategies[i]->name;
        if (strcmp(names[i], settings->strategy) == 0) return *out = strategies[i], 0;
    }
    if (is_plugin(settings->strategy)) return *out = &ag_strategy_plugin, 0;
    ag_fail(err, AG_EINVAL, "there is no strategy '%s'", settings->strategy);
    (void)ag_settings_place(settings, "strategy", err);
    return ag_nearest_hint(err, ag_str_of(settings->strategy), names, COUNT);
}

int ag_strategy_verify(const ag_strategy *s, ag_err *err)
{
    if (!s->name || !s->doc || !s->data || !s->prepare || !s->train || !s->validate || !s->export || !s->close)
        return ag_fail(err, AG_EINTERNAL, "strategy %s is not complete", s->name ? s->name : "?");
    return ag_describe_verify(s->data, err);
}

/* ---- files ---- */

static int write_text(const ag_strategy_task *task, const char *name, const ag_buf *text, ag_err *err)
{
    const char *path = ag_path_join(task->arena, task->output_dir, name);
    return path ? ag_file_replace(path, text->data, text->size, err) : ag_fail_memory(err, strlen(name));
}

static int write_configuration(ag_strategy_task *task, const ag_strategy *strategy, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_TEXT);
    int rc =
        ag_settings_effective(task->settings, &task->model_config, task->described ? task->described : strategy->data,
                              task->data, task->arena, &task->effective, err);
    if (rc >= 0) rc = ag_strategy_leave_out(strategy, task, err);
    if (rc >= 0) rc = ag_strategy_check_resumed(strategy, task, err);
    if (rc >= 0) rc = ag_yaml_write(task->effective, &text, err);
    if (rc >= 0 && task->watch && task->watch->configured) /* may refuse it: only then it is written */
        rc = task->watch->configured(task->watch->context, task->effective, task->parameters, err);
    if (rc >= 0) rc = write_text(task, "config.yaml", &text, err);
    ag_buf_deinit(&text);
    return rc;
}

static int write_metrics(const ag_strategy_task *task, ag_err *err)
{
    ag_buf text;
    const char *path = ag_path_join(task->arena, task->output_dir, "metrics.json");
    if (!path) return ag_fail_memory(err, strlen(task->output_dir));
    ag_buf_init(&text, MAX_TEXT);
    ag_json json = ag_json_writer(&text, 2, AG_JSON_NONFINITE_NULL);
    ag_findings_write(&task->metrics, &json);
    int rc = ag_json_file_write(&json, path, err);
    ag_buf_deinit(&text);
    return rc;
}

static void put_number(ag_buf *text, double value)
{
    char number[32];
    ag_double_format(value, number);
    ag_buf_addf(text, ",%s", isnan(value) ? "" : number);
}

static int write_history(const ag_strategy_task *task, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_HISTORY);
    ag_buf_add_text(&text, "training,epoch,step,train_loss,val_loss,learning_rate,gradient_norm,best\n");
    for (size_t i = 0; i < task->trainings.count; i++) {
        const ag_strategy_training *training = ag_vec_at(&task->trainings, i);
        for (size_t k = 0; k < training->result.history_count; k++) {
            const ag_train_epoch *e = &training->result.history[k];
            ag_buf_addf(&text, "%s,%lld,%lld", training->name, (long long)e->epoch + 1, (long long)e->step);
            put_number(&text, e->train_loss);
            put_number(&text, e->val_loss);
            put_number(&text, e->learning_rate);
            put_number(&text, e->gradient_norm);
            ag_buf_addf(&text, ",%d\n", e->best);
        }
    }
    int rc = ag_buf_check(&text, "the history", err);
    if (rc >= 0) rc = write_text(task, "history.csv", &text, err);
    ag_buf_deinit(&text);
    return rc;
}

/* ---- running ---- */

/* Within max_time. */
static int open_cancel(ag_strategy_task *task, ag_cancel **out, ag_err *err)
{
    int64_t most = task->settings->training.max_time;
    if (most <= 0) return 0;
    int rc = ag_cancel_new(task->cancel, out, err);
    if (rc < 0) return rc;
    ag_cancel_deadline(*out, ag_monotonic() + most);
    task->cancel = *out;
    return 0;
}

/* A directory that is filled at the end of the work; made for a moment, because only that tells whether it can be. */
static int check_directory(const ag_strategy_task *task, const char *name, const char *file, ag_err *err)
{
    const char *path = ag_path_join(task->arena, task->output_dir, name);
    const char *first = path ? ag_path_join(task->arena, path, file) : NULL;
    if (!first) return ag_fail_memory(err, strlen(task->output_dir));
    int missing = ag_dir_missing(path);
    int rc = ag_dir_make(path, err);
    if (rc >= 0) rc = ag_replace_check(first, err);
    ag_dir_unmake(path, missing);
    return rc;
}

/* All that the training will write, hours later. */
static int check_output(const ag_strategy_task *task, ag_err *err)
{
    static const char *const files[] = {"config.yaml", "metrics.json", "history.csv"};
    int rc = 0;
    for (size_t i = 0; i < sizeof files / sizeof *files && rc >= 0; i++) {
        const char *path = ag_path_join(task->arena, task->output_dir, files[i]);
        rc = path ? ag_replace_check(path, err) : ag_fail_memory(err, strlen(task->output_dir));
    }
    if (rc >= 0) rc = check_directory(task, "model", AG_STRATEGY_FILE, err);
    if (rc >= 0 && task->settings->save_checkpoints) rc = check_directory(task, "checkpoints", "probe", err);
    if (rc < 0 && rc != AG_ENOMEM && err && !*err->hint)
        (void)ag_err_hint(err, "what is in its place must go, or the training into another directory");
    return rc;
}

/* The directory, which must take files (reading all the data first would be in vain) from this training alone: of two
 * at once, the files of one would lie beside the model of the other. */
static int open_output(ag_strategy_task *task, ag_err *err)
{
    int rc = ag_dir_make(task->output_dir, err);
    if (rc >= 0) rc = ag_lock_directory(task->output_dir, &task->hold, err);
    if (rc >= 0) rc = check_output(task, err);
    if (rc != AG_ECONFLICT || task->hold) return rc;
    ag_fail(err, AG_ECONFLICT, "another training writes into '%s'", task->output_dir);
    return ag_err_hint(err, "wait until it has ended, or name another directory");
}

static int open_machines(ag_strategy_task *task, ag_err *err)
{
    int rc = ag_device_find(task->settings->device, &task->device, err);
    if (rc < 0) {
        ag_err_prefix(err, "device");
        return ag_settings_place(task->settings, "device", err);
    }
    if (task->jobs < 1) task->jobs = 1;
    if (task->jobs > 1) rc = ag_pool_new(task->jobs, &task->pool, err);
    return rc;
}

static int by_index(const void *a, const void *b)
{
    const ag_strategy_training *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* All that can refuse a training. */
static int begin(const ag_strategy *strategy, void *state, ag_strategy_task *task, ag_err *err)
{
    int rc = open_output(task, err);
    if (rc < 0) return rc;
    ag_strategy_phase(task, "data");
    rc = strategy->prepare(state, task, err);
    return rc < 0 ? rc : write_configuration(task, strategy, err);
}

static int run_phases(const ag_strategy *strategy, void *state, ag_strategy_task *task, ag_err *err)
{
    int rc;
    const char *model = ag_path_join(task->arena, task->output_dir, "model");
    if (!model) return ag_fail_memory(err, strlen(task->output_dir));
    if (!strategy->tells_phases) ag_strategy_phase(task, "training");
    if ((rc = strategy->train(state, task, err)) < 0) return rc;
    ag_vec_sort(&task->trainings, by_index); /* they end in any order */
    ag_strategy_phase(task, "validation");
    if ((rc = strategy->validate(state, task, err)) < 0) return rc;
    ag_strategy_phase(task, "export");
    if ((rc = strategy->export(state, task, model, err)) < 0) return rc;
    if ((rc = write_history(task, err)) < 0) return rc;
    return write_metrics(task, err);
}

int ag_strategy_run(const ag_strategy *strategy, ag_strategy_task *task, ag_err *err)
{
    void *state = ag_arena_alloc(task->arena, strategy->state_size);
    if (!state) return ag_fail_memory(err, strategy->state_size);
    ag_vec_init(&task->trainings, sizeof(ag_strategy_training));
    ag_vec_init(&task->arenas, sizeof(ag_arena *));
    pthread_mutex_init(&task->lock, NULL);
    ag_cancel *outer = task->cancel, *own = NULL;
    int missing = ag_dir_missing(task->output_dir);
    int rc = ag_strategy_settle(strategy, task, err);
    if (rc >= 0) rc = ag_strategy_check_keys(strategy, task->settings, err);
    if (rc >= 0) ag_strategy_tell_idle(strategy, task);
    if (rc >= 0) rc = open_machines(task, err);
    if (rc >= 0) rc = open_cancel(task, &own, err);
    if (rc >= 0) rc = begin(strategy, state, task, err);
    bool begun = rc >= 0;
    if (begun) rc = run_phases(strategy, state, task, err);
    if (ag_was_stopped(rc) && err && !*err->hint) ag_err_hint(err, "the same command with --resume goes on from there");
    if (rc == AG_EFULL && begun && task->settings->save_checkpoints && err && !*err->hint)
        ag_err_hint(err, "free space there; the same command with --resume then goes on");
    strategy->close(state);
    /* What was refused leaves nothing behind; but an empty directory may be that of a training that has just begun. */
    bool anothers = rc == AG_ECONFLICT && !task->hold;
    if (!begun && !anothers) ag_dir_unmake(task->output_dir, missing);
    ag_pool_free(task->pool);
    task->pool = NULL;
    ag_lock_release(task->hold);
    task->hold = NULL;
    task->cancel = outer;
    ag_cancel_free(own);
    pthread_mutex_destroy(&task->lock);
    return rc;
}

void ag_strategy_task_deinit(ag_strategy_task *task)
{
    for (size_t i = 0; i < task->arenas.count; i++) ag_arena_free(*(ag_arena **)ag_vec_at(&task->arenas, i));
    ag_vec_deinit(&task->arenas);
    ag_findings_deinit(&task->metrics);
    ag_vec_deinit(&task->trainings);
}
