// SPDX-License-Identifier: Apache-2.0
#pragma once
/* train.h: training a model. One call runs epochs of steps over samples, validates, stops when it is time, and leaves
 * the model with its final weights. Everything that decides a bit stands in the options; threads, interruptions and
 * checkpoints do not: a training that was killed and resumed ends with the same bits as one that was not. Any number of
 * trainings may run at once (one per fold, say), each with a model of its own; each is one thread that uses the pool,
 * and allocates nothing inside a step. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/sys/cancel.h"
#include "core/sys/thread.h"
#include "learn/nn/checkpoint/config.h"
#include "learn/nn/device.h"
#include "learn/nn/model.h"
#include "learn/nn/optim.h"
#include "learn/nn/optim/plateau.h"
#include "learn/nn/samples.h"

#define AG_TRAIN_METRIC_LOSS "val_loss"
#define AG_TRAIN_METRIC_TRAIN "train_loss"

typedef struct ag_train_group { /* parameters whose names match learn at another rate or decay otherwise */
    const char *pattern;
    double rate_factor, weight_decay;
} ag_train_group;

typedef struct ag_train_options {
    uint64_t seed;      /* of the order of samples, dropout and augmentation */
    int64_t epochs;     /* at most; required */
    int64_t batch_size; /* samples of one run; required */
    int64_t accumulate; /* runs per step of the optimiser; 0: 1 */
    bool keep_order;    /* samples are not shuffled */
    bool drop_last;     /* an incomplete last step of an epoch is left out */
    ag_optim_options optim;
    const ag_schedule *schedule; /* NULL: constant */
    int64_t warmup;              /* steps */
    double final_factor;
    ag_plateau plateau; /* factor 0: none. Its state is taken as it stands */
    ag_early early;     /* patience 0: never stops. Likewise */
    const char *metric; /* what early, plateau and best look at; less is better; NULL: val_loss, or train_loss when
                           nothing validates */
    bool restore_best;  /* the model ends with the weights of the best epoch, else with the last ones */
    double ema_decay;   /* > 0: a moving average of the weights is validated, kept and given back */
    const char *const *freeze; /* patterns, ended by NULL; may be NULL */
    const ag_train_group *groups;
    size_t groups_count;
    int64_t chunk, lanes; /* of the plan; `lanes` decides bits */
} ag_train_options;

/* ---- looking on ---- */

/* What whoever resumes another training is told to do. */
#define AG_TRAIN_ANOTHER_HINT                                                                                          \
    "resume with the data and the configuration it was begun with, or begin anew in another directory"

typedef struct ag_train_progress {
    int64_t epoch, epochs;               /* this one from 0 */
    int64_t step, steps;                 /* taken in all, and how many there will be at most */
    int64_t sample, samples;             /* of the epoch */
    double loss;                         /* of the last step in which a sample counted */
    double epoch_loss;                   /* of the epoch so far */
    double learning_rate, gradient_norm; /* NaN: the loop does not say (that of another program) */
    double samples_per_second;           /* smoothed; 0: not known */
    double elapsed, remaining;           /* seconds of this process; remaining < 0: not known */
} ag_train_progress;

enum { AG_TRAIN_MAX_METRICS = 16 };

typedef struct ag_train_metric {
    const char *name; /* outlives the training */
    double value;
} ag_train_metric;

typedef struct ag_train_epoch {
    int64_t epoch; /* from 0 */
    int64_t step;  /* taken until its end */
    double train_loss;
    double val_loss;                     /* NaN: nothing validates */
    double learning_rate, gradient_norm; /* of its last step; the mean norm of its steps */
    double seconds;
    bool best; /* the best one so far */
    int metrics_count;
    ag_train_metric metrics[AG_TRAIN_MAX_METRICS]; /* of the hook */
} ag_train_epoch;

/* Called by the training's own thread; all are optional. A monitor that fails (< 0) stops the training with it. */
typedef struct ag_train_monitor {
    void *context;
    int (*step)(void *context, const ag_train_progress *now, ag_err *err);
    int (*epoch)(void *context, const ag_train_epoch *epoch, const ag_train_progress *now, ag_err *err);
    void (*validating)(void *context, int64_t done, int64_t count);
    void (*saving)(void *context); /* a checkpoint comes: what was told before it is not told again after a kill */
    void (*saved)(void *context, const char *directory, int64_t step);
    void (*resumed)(void *context, const char *path, const ag_train_epoch *epochs, size_t count, int64_t step);
    void (*remark)(void *context, const char *text); /* a broken checkpoint that was passed over, ... */
} ag_train_monitor;

/* More to judge by than the loss: fills up to AG_TRAIN_MAX_METRICS metrics of a model with these values. */
typedef struct ag_train_judge {
    void *context;
    int (*judge)(void *context, const ag_real *values, ag_train_metric *metrics, int *count, ag_err *err);
} ag_train_judge;

/* ---- checkpoints ---- */

typedef struct ag_train_checkpoints {
    const char *directory;         /* NULL: none are written */
    const ag_model_config *config; /* of the model; required with a directory */
    bool resume;                   /* go on from the newest whole one, if there is any */
    const char *first;             /* the weights it begins with, by a hash; NULL: those of the seed */
    int64_t interval;              /* microseconds after which the next one is due, also inside an epoch */
    int64_t every_steps;           /* and after so many steps; 0: by time only */
    int keep_last;                 /* 0: 3 */
} ag_train_checkpoints;

/* The digest of the samples (samples.h) that the newest checkpoint below `directory` was made of, in the arena; NULL:
 * there is none, or it does not say. */
const char *ag_train_data_of(const char *directory, ag_arena *arena);

typedef struct ag_train_job {
    const char *name;             /* for messages, "fold 3"; may be NULL */
    ag_model *model;              /* whose graph has a loss; its values are where training begins, and ends */
    const ag_samples *training;   /* required */
    const ag_samples *validation; /* NULL: none */
    const ag_train_judge *judge;  /* NULL: none */
    const ag_device *device;      /* NULL: the CPU */
    ag_pool *pool;                /* NULL: one thread */
    const ag_train_options *options;
    const ag_train_checkpoints *checkpoints; /* NULL: none */
    const ag_train_monitor *monitor;         /* NULL: nobody looks on */
    ag_cancel *cancel;                       /* may be NULL */
} ag_train_job;

typedef struct ag_train_result {
    int64_t epochs, steps;
    int64_t best_epoch; /* from 0; -1: none was judged */
    double best_metric; /* NaN: likewise */
    bool stopped_early;
    bool resumed;
    int64_t samples;               /* seen by this process */
    double seconds;                /* of this process */
    const ag_train_epoch *history; /* of the whole training, in the arena */
    size_t history_count;
} ag_train_result;

/* Fails with AG_ECANCELLED or AG_ETIMEOUT after it has written a checkpoint (when it has a directory); with
 * AG_EDIVERGED, naming sample or layer, when a number stops being finite: then the model is as it was before that step,
 * and no checkpoint has been touched; with AG_EINVAL when a sample has such a number. The result is filled on success
 * only. */
int ag_train(const ag_train_job *job, ag_arena *arena, ag_train_result *result, ag_err *err);

/* The loss over all samples, in double, in their order. `values`: parameters as of the graph. */
typedef struct ag_evaluation ag_evaluation;
int ag_evaluation_new(const ag_graph *graph, ag_real *values, const ag_samples *samples, int64_t batch_size,
                      const ag_device *device, ag_pool *pool, ag_evaluation **out, ag_err *err);
void ag_evaluation_free(ag_evaluation *evaluation);
int ag_evaluation_run(ag_evaluation *evaluation, const ag_train_monitor *monitor, ag_cancel *cancel, double *loss,
                      ag_err *err);
