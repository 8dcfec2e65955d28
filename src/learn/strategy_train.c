// SPDX-License-Identifier: Apache-2.0
/* strategy_train.c: the models of a strategy, and their trainings by the loop of learn/nn/train.h: with the checkpoints
 * of OUTPUT, and whoever looks on. Trainings may run at once, so each has an arena of its own; what they share in the
 * task is touched with its lock held. */
#include "learn/strategy_tools.h"

#include <string.h>

#include "learn/nn/checkpoint/pretrained.h"
#include "learn/strategy_keys.h"

/* Weights of another model, where name and shape fit. */
static int take_weights(const ag_strategy_task *task, const char *path, ag_model *model, ag_err *err)
{
    ag_pretrained *from = NULL;
    int64_t taken = 0, all = ag_graph_parameters(model->graph);
    int rc = ag_pretrained_load(path, NULL, &from, err);
    if (rc < 0) return ag_err_prefix(err, "init_from");
    for (int32_t i = 0; i < all; i++) {
        const ag_parameter *row = ag_graph_parameter_at(model->graph, i);
        int32_t at = ag_graph_parameter_find(from->model->graph, row->name);
        if (at < 0) continue;
        const ag_parameter *old = ag_graph_parameter_at(from->model->graph, at);
        if (!ag_shape_equal(&old->shape, &row->shape)) continue;
        memcpy(model->values + row->offset, from->model->values + old->offset, (size_t)row->size * sizeof(ag_real));
        taken++;
    }
    if (taken == 0)
        rc = ag_fail(err, AG_EINVAL, "init_from: %s has no tensor whose name and shape fit this model", path);
    else
        ag_strategy_remark(task, "%lld of %lld tensors begin as in %s", (long long)taken, (long long)all, path);
    ag_pretrained_free(from);
    return rc;
}

int ag_strategy_model_of(const ag_strategy_task *task, const ag_model_config *config, const ag_building *building,
                         uint64_t seed, const char *init_from, ag_model **out, ag_err *err)
{
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    int rc = ag_architecture_graph(config->architecture, config->values, building, &graph, err);
    if (rc < 0) return ag_settings_refuse_model(task->settings, err);
    if ((rc = ag_model_new(graph, &model, err)) < 0) return rc;
    ag_model_initialise(model, seed);
    if (init_from) rc = take_weights(task, init_from, model, err);
    if (rc >= 0)
        *out = model;
    else
        ag_model_free(model);
    return rc;
}

int ag_strategy_model(const ag_strategy_task *task, bool loss, ag_model **out, ag_err *err)
{
    const ag_building building = {.loss = loss};
    return ag_strategy_model_of(task, &task->model_config, &building, (uint64_t)task->settings->seed,
                                task->settings->init_from, out, err);
}

int ag_strategy_training_begin(ag_strategy_task *task, const char *name, int64_t index, int64_t count, ag_arena **arena,
                               ag_train_monitor *monitor, ag_err *err)
{
    const ag_strategy_watch *watch = task->watch;
    ag_arena *own = ag_arena_new(0);
    if (!own) return ag_fail_memory(err, 64);
    pthread_mutex_lock(&task->lock);
    int rc = ag_vec_push(&task->arenas, &own, err);
    if (rc < 0)
        ag_arena_free(own);
    else
        *arena = own;
    if (rc >= 0 && watch && watch->training) rc = watch->training(watch->context, name, index, count, monitor, err);
    pthread_mutex_unlock(&task->lock);
    return rc;
}

int ag_strategy_training_end(ag_strategy_task *task, const ag_strategy_training *done, ag_err *err)
{
    const ag_strategy_watch *watch = task->watch;
    pthread_mutex_lock(&task->lock);
    int rc = ag_vec_push(&task->trainings, done, err);
    if (rc >= 0 && watch && watch->trained) rc = watch->trained(watch->context, done->index, &done->result, err);
    pthread_mutex_unlock(&task->lock);
    return rc;
}

/* A checkpoint goes with the weights that the training began with: pretrained otherwise, it is another training. */
static int hash_weights(const ag_model *model, ag_arena *arena, const char **out, ag_err *err)
{
    enum { DIGITS = 12 };
    ag_sha256 digest;
    char hex[65];
    const size_t count = (size_t)ag_graph_flat_size(model->graph);
    int rc = ag_sha256_of(model->values, count * sizeof(ag_real), &digest, err);
    if (rc < 0) return rc;
    ag_sha256_format(&digest, hex);
    *out = ag_arena_strndup(arena, hex, DIGITS);
    return *out ? 0 : ag_fail_memory(err, DIGITS);
}

int ag_strategy_train_job(ag_strategy_task *task, const ag_strategy_job *job, ag_train_result *result, ag_err *err)
{
    const ag_settings *settings = job->settings ? job->settings : task->settings;
    ag_arena *arena = NULL;
    ag_train_options options;
    ag_train_monitor monitor = {0};
    int rc = ag_strategy_training_begin(task, job->name, job->index, job->count, &arena, &monitor, err);
    if (rc < 0) return rc;
    ag_strategy_training done = {.index = job->index, .name = ag_arena_strdup(arena, job->name)};
    const char *checkpoints = ag_arena_printf(arena, "%s/checkpoints/%s", task->output_dir, job->name);
    if (!checkpoints || !done.name) return ag_fail_memory(err, strlen(task->output_dir));
    if ((rc = ag_strategy_check_metric(settings, job, err)) < 0) return rc;
    if ((rc = ag_settings_options(settings, job->training->count, arena, &options, err)) < 0) return rc;
    ag_train_checkpoints where = {.directory = settings->save_checkpoints ? checkpoints : NULL,
                                  .config = job->config ? job->config : &task->model_config,
                                  .resume = task->resume,
                                  .interval = settings->checkpoint_interval};
    if (job->pretrained || settings->init_from) rc = hash_weights(job->model, arena, &where.first, err);
    if (rc < 0) return rc;
    ag_train_job training = {.name = job->count > 1 ? job->name : NULL,
                             .model = job->model,
                             .training = job->training,
                             .validation = job->validation,
                             .judge = job->judge,
                             .device = task->device,
                             .pool = task->pool,
                             .options = &options,
                             .checkpoints = &where,
                             .monitor = &monitor,
                             .cancel = job->cancel ? job->cancel : task->cancel};
    rc = ag_train(&training, arena, &done.result, err);
    if (rc >= 0 && result) *result = done.result;
    return rc < 0 ? rc : ag_strategy_training_end(task, &done, err);
}

int ag_strategy_train_model(ag_strategy_task *task, const char *name, int64_t index, int64_t count, ag_model *model,
                            const ag_samples *training, const ag_samples *validation, const ag_train_judge *judge,
                            ag_err *err)
{
    const ag_strategy_job job = {.name = name,
                                 .index = index,
                                 .count = count,
                                 .model = model,
                                 .training = training,
                                 .validation = validation,
                                 .judge = judge};
    return ag_strategy_train_job(task, &job, NULL, err);
}
