// SPDX-License-Identifier: Apache-2.0
#pragma once
/* strategy_tools.h: what strategies call from their phases: telling whoever looks on, finding the file of the data,
 * making a model and training it. Nobody else needs it. */
#include "learn/strategy.h"

/* ---- telling (strategy_tell.c) ---- */

void ag_strategy_phase(const ag_strategy_task *task, const char *phase);
void ag_strategy_remark(const ag_strategy_task *task, const char *format, ...) AG_PRINTF(2, 3);
/* Its digest is that of the strategy's samples: by it --resume tells other data. */
int ag_strategy_dataset_seen(ag_strategy_task *task, const ag_strategy_dataset *dataset, ag_err *err);
/* A result of the whole. One that was found before has the new value from now on. AG_ELIMIT: too many names. */
int ag_strategy_metric_found(ag_strategy_task *task, const char *name, double value, ag_err *err);
/* What the watch is told beside the results: a metric of a step. */
int ag_strategy_metric_at(const ag_strategy_task *task, const char *name, double value, int64_t step, ag_err *err);
/* Links in the data directory that lead nowhere are told, in one remark: nothing is read from them. */
int ag_strategy_tell_links(const ag_strategy_task *task, ag_err *err);
ag_progress *ag_strategy_progress(const ag_strategy_task *task, const char *what, uint64_t total);

/* ---- the data (strategy_data.c) ---- */

/* The file of the data: `file` below data_dir, or data_dir itself when it is a file, or the only file in it with one of
 * these endings. */
int ag_strategy_data_file(const ag_strategy_task *task, const char *file, const char *const *endings, char **out,
                          ag_err *err);

/* ---- models and their trainings (strategy_train.c) ---- */

/* A model of task->model_config with its first weights: by seed, then from init_from. `loss` builds what training
 * needs. */
int ag_strategy_model(const ag_strategy_task *task, bool loss, ag_model **out, ag_err *err);
/* The same of another configuration; `init_from` (may be NULL) as the key. */
int ag_strategy_model_of(const ag_strategy_task *task, const ag_model_config *config, const ag_building *building,
                         uint64_t seed, const char *init_from, ag_model **out, ag_err *err);

/* A training whose loop is not ag_train(): what the watch wants to see of it, and its end. The arena lives as long as
 * the task. */
int ag_strategy_training_begin(ag_strategy_task *task, const char *name, int64_t index, int64_t count, ag_arena **arena,
                               ag_train_monitor *monitor, ag_err *err);
int ag_strategy_training_end(ag_strategy_task *task, const ag_strategy_training *done, ag_err *err);

typedef struct ag_strategy_job {
    const char *name; /* of its directory and for people: "fold-03" */
    int64_t index, count;
    ag_model *model;
    const ag_model_config *config; /* NULL: the task's */
    const ag_samples *training, *validation;
    const ag_train_judge *judge;
    const ag_settings *settings; /* NULL: the task's */
    bool pretrained;             /* weights come from another training of this one; resuming asks for the same */
    ag_cancel *cancel;           /* NULL: the task's */
} ag_strategy_job;
/* Trains it, with checkpoints below OUTPUT/checkpoints/NAME and the watch looking on; notes the result, and gives it
 * when `result` is not NULL. Several threads may call it at once, with a model each. */
int ag_strategy_train_job(ag_strategy_task *task, const ag_strategy_job *job, ag_train_result *result, ag_err *err);
/* The same with the task's own settings. The only training of a strategy is named "model". */
int ag_strategy_train_model(ag_strategy_task *task, const char *name, int64_t index, int64_t count, ag_model *model,
                            const ag_samples *training, const ag_samples *validation, const ag_train_judge *judge,
                            ag_err *err);
