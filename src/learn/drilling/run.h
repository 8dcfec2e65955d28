// SPDX-License-Identifier: Apache-2.0
#pragma once
/* run.h: what drilling strategies share: reading the data, the model's configuration, training one model on a set of
 * holes, asking it about others, and the model directory:
 *
 *   model/auger.json      {"format": 1, "strategy": ..., "view": {...}, "members": [{"path": ".", "weight": 1.0}],
 *                          "fusion": "mean", "calibration": {...}, "grip": {...}, "metrics": {...},
 *                          "data_sha256": ..., "configuration": {...}}
 *   model/config.json, model.safetensors                    a single model: its member's path is "."
 *   model/members/NAME/config.json, model.safetensors       an ensemble: "members/NAME"
 *
 * auger.json is written last and removed first, so that a directory that has one is whole. */
#include "learn/drilling/asker.h"
#include "learn/drilling/calibration.h"
#include "learn/drilling/samples.h"
#include "learn/strategy.h"

/* What all models of a training share: read-only once prepared. */
typedef struct ag_drilling_run {
    ag_strategy_task *task;
    const char *architecture; /* given: what model_config.architecture is when absent */
    ag_drilling_data data;
    ag_example_set set;
    ag_view view;
    char digest[65];
} ag_drilling_run;

/* Reads data_config (already described into run->data by the caller, who may have more keys), the holes and the model's
 * configuration: fills task->model_config, task->parameters and task->data. Keys of the drilling documents
 * (input_channels, sequence_length, patch_length, num_classes) are those of any architecture with the task heatmap. The
 * view is fitted by ag_view_fit(), which the strategy calls with the holes that it trains on. */
int ag_drilling_prepare(ag_drilling_run *run, ag_strategy_task *task, ag_err *err);
/* Its two halves, for strategies of several architectures: task->model_config and run->view from the settings; then
 * task->parameters and the data's own holes. */
int ag_drilling_configure(ag_drilling_run *run, ag_strategy_task *task, ag_err *err);
int ag_drilling_read(ag_drilling_run *run, ag_strategy_task *task, ag_err *err);
/* The simulated holes beside them, and the digest of all. Behind ag_drilling_prepare() and all that may refuse the
 * data's own holes, since thousands take minutes. */
int ag_drilling_simulate(ag_drilling_run *run, ag_strategy_task *task, ag_err *err);
enum { AG_DRILLING_FEWEST = 10 };
/* Numbers of the examples with a weight that models are asked about (no air), in the arena. AG_EINVAL when they are
 * fewer than AG_DRILLING_FEWEST. */
int ag_drilling_trainable(const ag_drilling_run *run, ag_arena *arena, size_t **out, size_t *count, ag_err *err);

/* One training: numbers of the examples to learn from, and of those that decide when to stop (none: NULL, 0). Models
 * begin with weights of task->settings->seed + index. Several threads may call it at once. `name` is that of the
 * checkpoints, unique in the task; the only training of a strategy is "model". */
typedef struct ag_drilling_fold {
    const char *name;
    int64_t index, count; /* of all trainings of the task */
    const size_t *training, *validation;
    size_t training_count, validation_count;
    const char *init_from; /* a model directory (of a pretraining); NULL: as the settings say */
} ag_drilling_fold;
int ag_drilling_train(const ag_drilling_run *run, const ag_drilling_fold *fold, ag_model **out, ag_err *err);

/* What is usual of these models' errors, by run->data.simulated.calibrate holes that none of them saw, with a remark;
 * *out stays as it is, and *usual NULL, where none are asked for. */
int ag_drilling_usual(const ag_drilling_run *run, const ag_asking *asking, ag_calibration_usual *out,
                      const ag_calibration_usual **usual, ag_err *err);
/* ag_calibration_by_repeats(), and remarks on what it found and how many tools the intervals rest on. */
int ag_drilling_by_repeats(const ag_drilling_run *run, const ag_example *const *examples, const ag_reading *readings,
                           size_t count, ag_calibration *calibration, ag_err *err);

/* Scores of answers against what is known: mae_mm_entry, p95_mm_..., failures, ... as metrics of the task, each name
 * with the prefix ("val_"). */
int ag_drilling_score(ag_strategy_task *task, const char *prefix, const ag_prediction *answers,
                      const ag_known *const *known, size_t count, ag_err *err);

/* confusion.c: what was taken for what, as metrics and as OUTPUT/confusion.csv; ag_drilling_score() does it. */
struct ag_score_confusion;
int ag_drilling_confusion(ag_strategy_task *task, const char *prefix, const struct ag_score_confusion *confusion,
                          ag_err *err);

/* ---- the model directory ---- */

typedef struct ag_drilling_member {
    const char *path; /* relative to the directory: ".", "members/fold-03" */
    double weight;
    const ag_model *model;
    const ag_model_config *config; /* NULL: the task's */
} ag_drilling_member;

typedef struct ag_drilling_export {
    const char *strategy;
    const ag_drilling_run *run;
    const ag_drilling_member *members;
    size_t member_count;
    int fusion; /* ag_fusion */
    const ag_calibration *calibration;
} ag_drilling_export;
int ag_drilling_save(const char *directory, const ag_drilling_export *what, ag_err *err);

/* The directory of a model: the one that is named, or model/ below it. */
int ag_drilling_find(const char *dir, ag_arena *arena, const char **out, ag_err *err);
/* Which strategy made it; "" when none did: a checkpoint of the old pipeline. */
int ag_drilling_maker(const char *dir, ag_arena *arena, const char **out, ag_err *err);

/* A model directory read back, with all its members. */
typedef struct ag_drilling_model {
    const char *directory, *strategy;
    ag_view view;
    ag_calibration calibration;
    ag_grip grip;
    int fusion;
    size_t member_count;
    ag_model **models;
    double *weights;
    ag_arena *arena;               /* of all of it but the models */
    struct ag_pretrained **loaded; /* who own the models */
} ag_drilling_model;
/* `directory`: the model directory, or the output directory of a training that holds it. */
int ag_drilling_load(const char *directory, ag_drilling_model **out, ag_err *err);
void ag_drilling_model_free(ag_drilling_model *model); /* NULL is fine */
