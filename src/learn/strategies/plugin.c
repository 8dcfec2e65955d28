// SPDX-License-Identifier: Apache-2.0
/* plugin.c: the strategy "plugin": a shared object prepares, trains, validates and exports. What it sees
 * of us is plugin_host.c's. */
#include "learn/strategies/plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/made.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/folder.h"
#include "learn/strategies/plugin_job.h"
#include "learn/strategy_made.h"
#include "learn/strategy_tools.h"

enum { MAX_TEXT = 64 << 20 };

typedef struct plugin {
    ag_plugin opened;
    auger_job job;
    void *state;
    ag_sha256 digest; /* of the data */
    bool prepared;
    int made; /* directories for checkpoints that go with a training that does not begin */
} plugin;

/* ---- phases ---- */

static int see_data(plugin *p, ag_strategy_task *task, ag_err *err)
{
    char *path = NULL;
    int rc = ag_path_absolute(task->arena, task->data_dir, &path, err);
    if (rc >= 0) rc = ag_folder_read(path, task->cancel, task->arena, NULL, &p->digest, err);
    if (rc >= 0) rc = ag_strategy_tell_links(task, err);
    if (rc < 0) return rc;
    ag_str name = ag_path_name(ag_str_of(path));
    ag_strategy_dataset dataset = {.name = ag_arena_strndup(task->arena, name.data, name.size),
                                   .path = path,
                                   .context = "training",
                                   .digest = p->digest};
    p->job.data_dir = path;
    return dataset.name ? ag_strategy_dataset_seen(task, &dataset, err) : ag_fail_memory(err, name.size);
}

static int open_plugin(plugin *p, ag_strategy_task *task, ag_err *err)
{
    const char *path = NULL;
    const char *name = task->plugin ? task->plugin : task->settings->strategy;
    int rc = ag_plugin_find(name, getenv(AG_PLUGIN_SEARCH), task->arena, &path, err);
    if (rc >= 0 && !path) rc = ag_fail(err, AG_ENOTFOUND, "there is no plug-in %s in $" AG_PLUGIN_SEARCH, name);
    if (rc >= 0) rc = ag_plugin_open(path, task->arena, &p->opened, err);
    if (rc < 0) return rc;
    ag_strategy_remark(task, "plug-in %s %s, %s", p->opened.face.name,
                       p->opened.face.version ? p->opened.face.version : "", p->opened.path);
    return 0;
}

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    plugin *p = state;
    int rc = open_plugin(p, task, err);
    if (rc < 0) return rc;
    void *keys = ag_arena_alloc(task->arena, p->opened.keys->size);
    p->job = (auger_job){.task = task,
                         .plugin = &p->opened,
                         .best = NAN,
                         .best_epoch = -1,
                         .checkpoint_dir = ag_path_join(task->arena, task->output_dir, "checkpoints")};
    ag_epochs_init(&p->job.history);
    if (!keys || !p->job.checkpoint_dir) return ag_fail_memory(err, p->opened.keys->size);
    rc = ag_settings_data(task->settings, p->opened.keys, task->arena, keys, err);
    if (rc >= 0 && !task->settings->save_checkpoints) p->job.checkpoint_dir = NULL;
    if (rc >= 0 && p->job.checkpoint_dir) {
        p->made = ag_dir_missing(p->job.checkpoint_dir);
        rc = ag_dir_make(p->job.checkpoint_dir, err);
    }
    if (rc >= 0) rc = see_data(p, task, err);
    if (rc < 0) return rc;
    p->job.keys = task->data = keys;
    task->described = p->opened.keys;
    p->prepared = true;
    return ag_plugin_answered(&p->job, "prepare", p->opened.face.prepare(&p->job, &ag_plugin_host, &p->state), err);
}

static int write_configuration(plugin *p, const ag_strategy_task *task, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, MAX_TEXT);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_NONFINITE_WORDS);
    ag_json_value(&json, task->effective);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0 && !(p->job.configuration = ag_arena_strndup(task->arena, text.data, text.size)))
        rc = ag_fail_memory(err, text.size);
    ag_buf_deinit(&text);
    return rc;
}

static int give_result(plugin *p, ag_strategy_task *task, ag_arena *arena, ag_err *err)
{
    const auger_job *job = &p->job;
    size_t bytes = job->history.kept.count * sizeof(ag_train_epoch);
    ag_train_epoch *history = ag_arena_alloc(arena, bytes + 1);
    if (!history) return ag_fail_memory(err, bytes);
    if (bytes) memcpy(history, job->history.kept.items, bytes);
    ag_strategy_training done = {.name = "model",
                                 .result = {.epochs = job->history.seen,
                                            .steps = job->steps,
                                            .best_epoch = job->best_epoch,
                                            .best_metric = job->best,
                                            .resumed = task->resume,
                                            .seconds = (double)(ag_monotonic() - job->begun) / 1e6,
                                            .history = history,
                                            .history_count = job->history.kept.count}};
    return ag_strategy_training_end(task, &done, err);
}

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    plugin *p = state;
    ag_arena *arena = NULL;
    p->made = 0;
    int rc = write_configuration(p, task, err);
    if (rc >= 0) rc = ag_strategy_training_begin(task, "model", 0, 1, &arena, &p->job.monitor, err);
    if (rc < 0) return rc;
    p->job.begun = p->job.epoch_begun = ag_monotonic();
    rc = ag_plugin_answered(&p->job, "train", p->opened.face.train(&p->job, &ag_plugin_host, p->state), err);
    ag_progress_free(p->job.progress);
    p->job.progress = NULL;
    p->job.monitor = (ag_train_monitor){0};
    return rc < 0 ? rc : give_result(p, task, arena, err);
}

static int validate(void *state, ag_strategy_task *task, ag_err *err)
{
    plugin *p = state;
    (void)task;
    if (!p->opened.face.validate) return 0;
    return ag_plugin_answered(&p->job, "validate", p->opened.face.validate(&p->job, &ag_plugin_host, p->state), err);
}

typedef struct saving {
    plugin *plugin;
    const ag_strategy_task *task;
} saving;

static void describe(void *context, ag_json *json)
{
    char data[65], object[65];
    const saving *s = context;
    const ag_plugin *opened = &s->plugin->opened;
    ag_sha256_format(&s->plugin->digest, data);
    ag_sha256_format(&opened->digest, object);
    ag_json_begin_object(json);
    ag_json_put_int(json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(json, "strategy", "plugin");
    ag_json_put_text(json, "plugin", opened->face.name);
    ag_json_put_text(json, "plugin_version", opened->face.version);
    ag_json_put_text(json, "plugin_sha256", object);
    ag_json_put_text(json, "data_sha256", data);
    ag_strategy_describe(json, s->task);
    ag_json_end_object(json);
}

static int save_files(void *context, const char *directory, ag_err *err)
{
    const saving *s = context;
    plugin *p = s->plugin;
    int rc = p->opened.face.export_model(&p->job, &ag_plugin_host, p->state, directory);
    return ag_plugin_answered(&p->job, "export_model", rc, err);
}

static int export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    plugin *p = state;
    saving s = {p, task};
    const char *maker = ag_arena_printf(task->arena, "plug-in %s", p->opened.face.name);
    const ag_strategy_saving how = {.maker = maker, .context = &s, .save = save_files, .describe = describe};
    return maker ? ag_strategy_save(directory, &how, err) : ag_fail_memory(err, 64);
}

static void close_all(void *state)
{
    plugin *p = state;
    if (p->prepared) p->opened.face.close(p->state);
    if (p->made) ag_dir_unmake(p->job.checkpoint_dir, p->made);
    ag_epochs_deinit(&p->job.history);
    ag_plugin_close(&p->opened);
}

/* ---- evaluating ---- */

static int evaluate_with(const ag_plugin *opened, ag_strategy_evaluation *e, ag_err *err)
{
    ag_str made = {0};
    (void)ag_value_string(ag_value_get(e->description, "plugin"), &made);
    if (!ag_str_is(made, opened->face.name))
        return ag_fail(err, AG_EINVAL, "the model was made by plug-in %.*s, and %s is %s", AG_STR_ARG(made),
                       opened->path, opened->face.name);
    if (!opened->face.evaluate) return ag_fail(err, AG_EUNSUPPORTED, "plug-in %s does not evaluate", opened->face.name);
    auger_job job = {.evaluation = e, .plugin = opened, .data_dir = e->data, .model_dir = e->model_dir};
    e->evaluated = "all rows";
    return ag_plugin_answered(&job, "evaluate", opened->face.evaluate(&job, &ag_plugin_host), err);
}

static int evaluate(ag_strategy_evaluation *e, ag_err *err)
{
    ag_plugin opened = {0};
    ag_str made = {0};
    const char *path = NULL;
    (void)ag_value_string(ag_value_get(e->description, "plugin"), &made);
    int rc = e->plugin ? ag_plugin_find(e->plugin, getenv(AG_PLUGIN_SEARCH), e->arena, &path, err) : 0;
    if (rc < 0) return rc;
    if (!path) {
        ag_fail(err, AG_EUNSUPPORTED, "the model was made by plug-in %.*s, which was not named", AG_STR_ARG(made));
        return ag_err_hint(err, "a model never loads code by itself: name it, --strategy ./lib%.*s.so",
                           AG_STR_ARG(made));
    }
    rc = ag_plugin_open(path, e->arena, &opened, err);
    if (rc >= 0) rc = evaluate_with(&opened, e, err);
    ag_plugin_close(&opened);
    return rc;
}

static const ag_description no_keys = {
    .name = "data_config (plugin)", .doc = "The plug-in's own.", .size = AG_PLUGIN_CELL};

const ag_strategy ag_strategy_plugin = {
    .name = "plugin",
    .doc = "a shared object",
    .data = &no_keys,
    .state_size = sizeof(plugin),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .own_loop = true,
    .prepare = prepare,
    .train = train,
    .validate = validate,
    .export = export,
    .close = close_all,
    .evaluate = evaluate,
};
