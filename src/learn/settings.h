// SPDX-License-Identifier: Apache-2.0
#pragma once
/* settings.h: the configuration of a training: a YAML file, overridden by "key=value" from the command line. The keys
 * that all strategies share are described here; model_config belongs to the architecture and data_config to the
 * strategy, whose own tables describe them. Nothing is ignored: a key that no table knows is refused with its place and
 * the nearest known one. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/doc/describe.h"
#include "learn/nn/checkpoint/config.h"
#include "learn/nn/train.h"

typedef struct ag_settings_group {
    const char *pattern;
    double rate_factor, weight_decay;
} ag_settings_group;

typedef struct ag_settings_optimizer {
    const char *name;
    double weight_decay, momentum, beta1, beta2, epsilon;
    bool decay_biases;
    ag_list groups; /* ag_settings_group */
} ag_settings_optimizer;

typedef struct ag_settings_scheduler {
    const char *name; /* of a schedule, or "plateau" */
    int64_t warmup_steps;
    double warmup_ratio, final_factor;
    double factor, threshold, min_factor; /* of plateau */
    int64_t patience, cooldown;
} ag_settings_scheduler;

typedef struct ag_settings_stopping {
    int64_t patience;
    const char *metric; /* NULL: val_loss, or train_loss when nothing validates */
    double min_delta;
    bool restore_best;
} ag_settings_stopping;

typedef enum ag_fold_kind {                      /* what lies in one fold as a whole, beside near-twins */
                            AG_FOLDS_STRATIFIED, /* nothing more; every fold has its share of each program */
                            AG_FOLDS_HEAD,
                            AG_FOLDS_MACHINE,
                            AG_FOLDS_PROGRAM,
                            AG_FOLDS_FOLDER,
} ag_fold_kind;

typedef struct ag_settings_folds {
    bool enabled;
    int64_t count;
    int kind;       /* ag_fold_kind */
    ag_list wanted; /* int64_t, from 1; empty: all */
} ag_settings_folds;

typedef struct ag_settings_training {
    int64_t epochs, batch_size, accumulate;
    double learning_rate, clip_norm, ema_decay;
    bool shuffle, drop_last;
    ag_settings_stopping early_stopping;
    ag_settings_folds folds; /* key cross_validation */
    double validation_split; /* without folds: the share that validates */
    int64_t max_time;        /* microseconds; 0: none */
} ag_settings_training;

typedef enum ag_pretrain_method {
    AG_PRETRAIN_MASKED,
    AG_PRETRAIN_SHAPES,
    AG_PRETRAIN_BOTH,
    AG_PRETRAIN_SIMULATED
} ag_pretrain_method;

typedef struct ag_settings_pretrain {
    bool enabled;
    int method;                           /* ag_pretrain_method */
    int64_t epochs, patience, batch_size; /* batch_size 0: as in training_config */
    double learning_rate;                 /* 0: likewise */
    double mask_ratio;
} ag_settings_pretrain;

typedef enum ag_voting { AG_VOTE_MEAN, AG_VOTE_MEDIAN, AG_VOTE_WEIGHTED, AG_VOTE_STACKED } ag_voting;

typedef struct ag_settings_ensemble {
    int voting;      /* ag_voting */
    ag_list members; /* const ag_value *: model_config of each; empty: model_config alone, or the strategy's own */
} ag_settings_ensemble;

typedef struct ag_settings_register {
    const char *name; /* NULL: the model is not registered */
    const char *description, *alias;
    const char *stage; /* "None" */
} ag_settings_register;

typedef struct ag_settings {
    const char *strategy;
    const ag_value *model_config, *data_config; /* NULL: absent */
    ag_settings_training training;
    ag_settings_optimizer optimizer;
    ag_settings_scheduler scheduler;
    int64_t seed;
    const char *device;
    int64_t num_workers;                    /* threads; 0: as many as there are processors */
    const char *experiment_name, *run_name; /* NULL: none was said */
    bool track_metrics, save_checkpoints;
    int64_t checkpoint_interval; /* microseconds */
    const char *init_from;       /* NULL: none */
    ag_list freeze;              /* const char * */
    ag_settings_pretrain pretrain;
    ag_settings_ensemble ensemble;
    ag_settings_register registration; /* key register */
    /* not keys */
    const char *file;     /* of the configuration, for messages; NULL: none */
    const ag_value *root; /* the tree with the overrides applied */
    bool strategy_named;  /* by an assignment, over what the file says */
    bool empty;           /* there is a file, and nothing stands in it */
} ag_settings;

extern const ag_description ag_settings_description;
/* Sections of it, in settings_folds.c. */
extern const ag_description ag_settings_folds_description, ag_settings_pretrain_description,
    ag_settings_ensemble_description, ag_settings_register_description;

/* `path` NULL: an empty configuration. `sets`: assignments "a.b=c". All lies in the arena. A name alone stands for a
 * mapping with this name ("optimizer: adamw"), and keys of the top that stand in training_config are taken from there.
 */
int ag_settings_read(ag_arena *arena, const char *path, const ag_str *sets, size_t set_count, ag_settings *out,
                     ag_err *err);

/* The same from a text; `name` stands for it in messages, and lives as long as the settings. */
int ag_settings_parse(ag_arena *arena, ag_str text, const char *name, const ag_str *sets, size_t set_count,
                      ag_settings *out, ag_err *err);

/* The same settings with another tree: `root` of `from`, changed. */
int ag_settings_again(const ag_settings *from, const ag_value *root, ag_arena *arena, ag_settings *out, ag_err *err);

/* data_config by the strategy's table. */
int ag_settings_data(const ag_settings *settings, const ag_description *description, ag_arena *arena, void *into,
                     ag_err *err);

/* What the data say about the model: a key of the architecture's table, if it has that key. When model_config has it
 * too, it must agree. */
typedef struct ag_model_fact {
    const char *key;
    int64_t value;
    const char *why; /* "the series has 7 columns": for the refusal */
} ag_model_fact;
int ag_settings_model(const ag_settings *settings, const ag_model_fact *facts, size_t count, ag_arena *arena,
                      ag_model_config *out, ag_err *err);
/* Puts before an error about numbers that contradict each other that they are model_config's, and where that stands. */
int ag_settings_refuse_model(const ag_settings *settings, ag_err *err);

/* Puts before an error without a place where in the file the key stands that it is about ("training_config.epochs").
 * An option may have said it (--device), which is not to be called --set. Returns the error's code. */
int ag_settings_place(const ag_settings *settings, const char *key, ag_err *err);

/* Options of the training loop for so many samples. */
int ag_settings_options(const ag_settings *settings, int64_t samples, ag_arena *arena, ag_train_options *out,
                        ag_err *err);

/* The effective configuration, every key with its value, as a tree in the arena. `data` was read by `description`. A
 * model without architecture leaves model_config as it was said. */
int ag_settings_effective(const ag_settings *settings, const ag_model_config *model, const ag_description *description,
                          const void *data, ag_arena *arena, const ag_value **out, ag_err *err);
