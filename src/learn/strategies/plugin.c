// SPDX-License-Identifier: Apache-2.0
/* plugin.c: the strategy "plugin": a shared object prepares, trains, validates and exports. It sees an opaque job and
 * the table of functions below; no struct of ours crosses the border. Nothing of the plug-in is trusted further than
 * its process: texts it gives are cut to size, a code that is none of ours becomes AG_EINTERNAL, and one that fails
 * without a text is told so by the name of its function. */
#include "learn/strategies/plugin.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/folder.h"

#define SEARCH "AUGER_PLUGIN_PATH"

enum { MAX_TEXT = 64 << 20, PARTS = 1000, CELL = 8 };

struct auger_job {
    ag_strategy_task *task; /* of a training */
    ag_strategy_evaluation *evaluation;
    const ag_plugin *plugin;
    const void *keys; /* data_config as read; NULL: not yet */
    const char *data_dir, *model_dir, *checkpoint_dir, *configuration;
    ag_train_monitor monitor;
    ag_vec history; /* ag_train_epoch */
    ag_progress *progress;
    double share, best;
    int64_t best_epoch, steps, begun, epoch_begun;
    ag_err failure; /* what fail() was told, or a function of ours found */
};

typedef struct plugin {
    ag_plugin opened;
    auger_job job;
    void *state;
    ag_sha256 digest; /* of the data */
    bool prepared;
} plugin;

/* ---- what a plug-in may call ---- */

static const char *host_data_dir(const auger_job *job)
{
    return job->data_dir;
}

static const char *host_model_dir(const auger_job *job)
{
    return job->model_dir;
}

static const char *host_checkpoint_dir(const auger_job *job)
{
    return job->checkpoint_dir;
}

static const char *host_configuration(const auger_job *job)
{
    return job->configuration;
}

static int host_resume(const auger_job *job)
{
    return job->task && job->task->resume;
}

static unsigned host_jobs(const auger_job *job)
{
    return job->task && job->task->jobs ? job->task->jobs : 1;
}

static uint64_t host_seed(const auger_job *job)
{
    return job->task ? (uint64_t)job->task->settings->seed : 0;
}

static int64_t host_epochs(const auger_job *job)
{
    return job->task ? job->task->settings->training.epochs : 0;
}

/* The cell of a key of this type; NULL when there is none. */
static const void *cell_of(const auger_job *job, const char *name, auger_key_type *type)
{
    const auger_plugin *face = &job->plugin->face;
    for (size_t i = 0; job->keys && name && i < face->key_count; i++) {
        if (strcmp(face->keys[i].name, name) != 0) continue;
        *type = face->keys[i].type;
        return (const char *)job->keys + i * CELL;
    }
    return NULL;
}

static const char *host_text(const auger_job *job, const char *key)
{
    auger_key_type type;
    const void *cell = cell_of(job, key, &type);
    return cell && type == AUGER_KEY_TEXT ? *(const char *const *)cell : NULL;
}

static double host_number(const auger_job *job, const char *key)
{
    auger_key_type type;
    const void *cell = cell_of(job, key, &type);
    if (!cell || type == AUGER_KEY_TEXT) return NAN;
    if (type == AUGER_KEY_REAL) return *(const double *)cell;
    return type == AUGER_KEY_INT ? (double)*(const int64_t *)cell : (double)*(const bool *)cell;
}

static int host_cancelled(const auger_job *job)
{
    return ag_cancelled(job->task ? job->task->cancel : job->evaluation->cancel);
}

static void host_remark(auger_job *job, const char *text)
{
    if (job->task && text) ag_strategy_remark(job->task, "%s", text);
}

static void host_progress(auger_job *job, double share)
{
    if (!job->task || !(share > job->share) || share > 1.0) return;
    if (!job->progress) job->progress = ag_strategy_progress(job->task, "thousandths", PARTS);
    ag_progress_add(job->progress, (uint64_t)(share * PARTS) - (uint64_t)(job->share * PARTS), 0);
    job->share = share;
}

static int host_fail(auger_job *job, int code, const char *text, const char *hint)
{
    bool known = code <= AG_ENOMEM && code >= AG_EINTERNAL;
    ag_fail(&job->failure, known ? (ag_code)code : AG_EINTERNAL, "%s", text && *text ? text : "the plug-in failed");
    if (hint && *hint) ag_err_hint(&job->failure, "%s", hint);
    return job->failure.code;
}

static ag_train_progress progress_of(const auger_job *job, int64_t epoch, int64_t step, double loss)
{
    double elapsed = (double)(ag_monotonic() - job->begun) / 1e6;
    return (ag_train_progress){.epoch = epoch,
                               .epochs = job->task->settings->training.epochs,
                               .step = step,
                               .loss = loss,
                               .epoch_loss = loss,
                               .learning_rate = NAN,
                               .gradient_norm = NAN,
                               .elapsed = elapsed,
                               .remaining = job->share > 0.0 ? elapsed / job->share * (1.0 - job->share) : -1.0};
}

static int host_step(auger_job *job, int64_t step, double loss)
{
    if (!job->task || step < 0)
        return host_fail(job, AG_EINVAL, "a step is told while training, and counts from 0", NULL);
    ag_train_progress now = progress_of(job, (int64_t)job->history.count, step, loss);
    job->steps = step;
    return job->monitor.step ? job->monitor.step(job->monitor.context, &now, &job->failure) : 0;
}

static int host_epoch(auger_job *job, const auger_epoch *given)
{
    auger_epoch e = {.val_loss = NAN, .learning_rate = NAN, .gradient_norm = NAN};
    if (!job->task || !given || given->size < offsetof(auger_epoch, val_loss))
        return host_fail(job, AG_EINVAL, "an epoch is told while training, with its size", NULL);
    memcpy(&e, given, given->size < sizeof e ? given->size : sizeof e);
    if (e.epoch < 1) return host_fail(job, AG_EINVAL, "epochs count from 1", NULL);
    double judged = isnan(e.val_loss) ? e.train_loss : e.val_loss;
    ag_train_epoch epoch = {.epoch = e.epoch - 1,
                            .step = e.step,
                            .train_loss = e.train_loss,
                            .val_loss = e.val_loss,
                            .learning_rate = e.learning_rate,
                            .gradient_norm = e.gradient_norm,
                            .seconds = (double)(ag_monotonic() - job->epoch_begun) / 1e6,
                            .best = isnan(job->best) || judged < job->best};
    job->epoch_begun = ag_monotonic();
    if (epoch.best && !isnan(judged)) {
        job->best = judged;
        job->best_epoch = epoch.epoch;
    }
    job->steps = e.step;
    ag_train_progress now = progress_of(job, e.epoch, e.step, e.train_loss);
    int rc = ag_vec_push(&job->history, &epoch, &job->failure);
    if (rc < 0 || !job->monitor.epoch) return rc;
    return job->monitor.epoch(job->monitor.context, &epoch, &now, &job->failure);
}

/* Of an evaluation: a score. */
static int add_score(ag_strategy_evaluation *e, const char *name, double value, ag_err *err)
{
    ag_strategy_score score = {.group = "metric", .name = ag_arena_strdup(e->arena, name), .count = 1};
    score.values[0] = (ag_strategy_metric){.name = "value", .value = value};
    return score.name ? ag_vec_push(&e->scores, &score, err) : ag_fail_memory(err, strlen(name));
}

static int host_metric(auger_job *job, const char *name, double value, int64_t step)
{
    if (!name || !*name) return host_fail(job, AG_EINVAL, "a metric needs a name", NULL);
    if (!job->task) return add_score(job->evaluation, name, value, &job->failure);
    return step > 0 ? ag_strategy_metric_at(job->task, name, value, step, &job->failure)
                    : ag_strategy_metric_found(job->task, name, value, &job->failure);
}

static const auger_host host = {.size = sizeof host,
                                .abi = AUGER_PLUGIN_ABI,
                                .data_dir = host_data_dir,
                                .model_dir = host_model_dir,
                                .checkpoint_dir = host_checkpoint_dir,
                                .configuration = host_configuration,
                                .resume = host_resume,
                                .jobs = host_jobs,
                                .seed = host_seed,
                                .epochs = host_epochs,
                                .text = host_text,
                                .number = host_number,
                                .cancelled = host_cancelled,
                                .remark = host_remark,
                                .progress = host_progress,
                                .step = host_step,
                                .epoch = host_epoch,
                                .metric = host_metric,
                                .fail = host_fail};

/* What one of its functions has answered. A monitor's failure, which the plug-in may have swallowed, counts too. */
static int answer(auger_job *job, const char *function, int rc, ag_err *err)
{
    if (rc >= 0 && job->failure.code == AG_OK) return 0;
    if (job->failure.code == AG_OK) {
        if (rc == AG_ECANCELLED || rc == AG_ETIMEOUT)
            (void)ag_fail(&job->failure, (ag_code)rc, "stopped as asked");
        else
            (void)host_fail(job, rc, NULL, NULL);
    }
    int code = job->failure.code;
    if (err) *err = job->failure;
    job->failure = (ag_err){0};
    if (code == AG_ECANCELLED || code == AG_ETIMEOUT) return code;
    return ag_err_prefix(err, "plug-in %s, %s()", job->plugin->face.name, function), code;
}

/* ---- phases ---- */

static int see_data(plugin *p, ag_strategy_task *task, ag_err *err)
{
    char *path = NULL;
    int rc = ag_path_absolute(task->arena, task->data_dir, &path, err);
    if (rc >= 0) rc = ag_folder_read(path, task->cancel, task->arena, NULL, &p->digest, err);
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
    const char *name = task->settings->strategy;
    int rc = ag_plugin_find(name, getenv(SEARCH), task->arena, &path, err);
    if (rc >= 0 && !path) rc = ag_fail(err, AG_ENOTFOUND, "there is no plug-in %s in $" SEARCH, name);
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
    ag_vec_init(&p->job.history, sizeof(ag_train_epoch));
    if (!keys || !p->job.checkpoint_dir) return ag_fail_memory(err, p->opened.keys->size);
    rc = ag_settings_data(task->settings, p->opened.keys, task->arena, keys, err);
    if (rc >= 0 && !task->settings->save_checkpoints) p->job.checkpoint_dir = NULL;
    if (rc >= 0 && p->job.checkpoint_dir) rc = ag_dir_make(p->job.checkpoint_dir, err);
    if (rc >= 0) rc = see_data(p, task, err);
    if (rc < 0) return rc;
    p->job.keys = task->data = keys;
    task->described = p->opened.keys;
    p->prepared = true;
    return answer(&p->job, "prepare", p->opened.face.prepare(&p->job, &host, &p->state), err);
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
    size_t bytes = job->history.count * sizeof(ag_train_epoch);
    ag_train_epoch *history = ag_arena_alloc(arena, bytes + 1);
    if (!history) return ag_fail_memory(err, bytes);
    if (bytes) memcpy(history, job->history.items, bytes);
    ag_strategy_training done = {.name = "model",
                                 .result = {.epochs = (int64_t)job->history.count,
                                            .steps = job->steps,
                                            .best_epoch = job->best_epoch,
                                            .best_metric = job->best,
                                            .resumed = task->resume,
                                            .seconds = (double)(ag_monotonic() - job->begun) / 1e6,
                                            .history = history,
                                            .history_count = job->history.count}};
    return ag_strategy_training_end(task, &done, err);
}

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    plugin *p = state;
    ag_arena *arena = NULL;
    int rc = write_configuration(p, task, err);
    if (rc >= 0) rc = ag_strategy_training_begin(task, "model", 0, 1, &arena, &p->job.monitor, err);
    if (rc < 0) return rc;
    p->job.begun = p->job.epoch_begun = ag_monotonic();
    rc = answer(&p->job, "train", p->opened.face.train(&p->job, &host, p->state), err);
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
    return answer(&p->job, "validate", p->opened.face.validate(&p->job, &host, p->state), err);
}

static int describe(const plugin *p, const ag_strategy_task *task, ag_buf *text, ag_err *err)
{
    char data[65], object[65];
    ag_json json = ag_json_writer(text, 2, AG_JSON_NONFINITE_NULL);
    ag_sha256_format(&p->digest, data);
    ag_sha256_format(&p->opened.digest, object);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(&json, "strategy", "plugin");
    ag_json_put_text(&json, "plugin", p->opened.face.name);
    ag_json_put_text(&json, "plugin_version", p->opened.face.version);
    ag_json_put_text(&json, "plugin_sha256", object);
    ag_json_put_text(&json, "data_sha256", data);
    ag_strategy_describe(&json, task);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    ag_buf_add_char(text, '\n');
    return rc;
}

/* The description goes first and comes last: a directory that describes itself is whole. */
static int export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    plugin *p = state;
    ag_buf text;
    const char *path = ag_path_join(task->arena, directory, AG_STRATEGY_FILE);
    if (!path) return ag_fail_memory(err, strlen(directory));
    int rc = ag_dir_make(directory, err);
    if (rc >= 0 && ag_file_exists(path)) rc = ag_file_remove(path, err);
    if (rc >= 0)
        rc = answer(&p->job, "export_model", p->opened.face.export_model(&p->job, &host, p->state, directory), err);
    if (rc < 0) return rc;
    if (ag_file_exists(path))
        return ag_fail(err, AG_EEXISTS, "plug-in %s left a file " AG_STRATEGY_FILE ": this name is ours",
                       p->opened.face.name);
    ag_buf_init(&text, MAX_TEXT);
    rc = describe(p, task, &text, err);
    if (rc >= 0) rc = ag_file_replace(path, text.data, text.size, err);
    ag_buf_deinit(&text);
    return rc;
}

static void close_all(void *state)
{
    plugin *p = state;
    if (p->prepared) p->opened.face.close(p->state);
    ag_vec_deinit(&p->job.history);
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
    return answer(&job, "evaluate", opened->face.evaluate(&job, &host), err);
}

static int evaluate(ag_strategy_evaluation *e, ag_err *err)
{
    ag_plugin opened = {0};
    ag_str made = {0};
    const char *path = NULL;
    (void)ag_value_string(ag_value_get(e->description, "plugin"), &made);
    int rc = e->plugin ? ag_plugin_find(e->plugin, getenv(SEARCH), e->arena, &path, err) : 0;
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

static const ag_description no_keys = {.name = "data_config (plugin)", .doc = "The plug-in's own.", .size = CELL};

const ag_strategy ag_strategy_plugin = {
    .name = "plugin",
    .doc = "a shared object",
    .data = &no_keys,
    .state_size = sizeof(plugin),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .prepare = prepare,
    .train = train,
    .validate = validate,
    .export = export,
    .close = close_all,
    .evaluate = evaluate,
};
