// SPDX-License-Identifier: Apache-2.0
#pragma once
/* strategy.h: how a model is prepared, trained, validated and exported. One const struct in a file of its own under
 * strategies/ and one line in strategy.c. A strategy says what its data_config holds, reads its data in prepare(), and
 * tells what happens to whoever looks on (a terminal, the ledger, both); it never prints and knows no ledger. What it
 * calls for all that: strategy_tools.h; for its model directory: strategy_made.h.
 *
 *     OUTPUT/config.yaml         the effective configuration, every key
 *     OUTPUT/checkpoints/        what --resume goes on from (one directory per training)
 *     OUTPUT/model/              what export() leaves: config.json, model.safetensors, auger.json
 *     OUTPUT/metrics.json        what validate() found
 *     OUTPUT/history.csv         epochs of every training */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/vec.h"
#include "core/doc/describe.h"
#include "core/hash/hash.h"
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "core/sys/thread.h"
#include "learn/findings.h"
#include "learn/nn/train.h"
#include "learn/settings.h"

typedef struct ag_strategy_dataset {   /* what a run reads */
    const char *name, *path, *context; /* "ETTh1", ".../ETTh1.csv", "training" */
    ag_sha256 digest;
} ag_strategy_dataset;

typedef struct ag_strategy_metric { /* what is told: a result ("test_mse"), or a number of a step */
    const char *name;
    double value;
    int64_t step; /* 0: of the whole */
} ag_strategy_metric;

/* Who looks on. All slots are optional. Calls of one training's monitor come from one thread; trainings may run at
 * once: training() and trained() are then called by several threads, one after the other. */
typedef struct ag_strategy_watch {
    void *context;
    void (*phase)(void *context, const char *phase); /* "data", "training", "validation", "export" */
    void (*remark)(void *context, const char *text); /* one line for people */
    int (*dataset)(void *context, const ag_strategy_dataset *dataset, ag_err *err);
    /* The effective configuration is known; the model has so many numbers. */
    int (*configured)(void *context, const ag_value *effective, int64_t parameters, ag_err *err);
    /* A training begins: `name` "fold 3", index of count; *monitor looks on until training_done(). */
    int (*training)(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                    ag_err *err);
    int (*trained)(void *context, int64_t index, const ag_train_result *result, ag_err *err);
    int (*metric)(void *context, const ag_strategy_metric *metric, ag_err *err);
    ag_progress *(*progress)(void *context, const char *what, uint64_t total); /* of a phase; the strategy frees it */
} ag_strategy_watch;

/* A training of a strategy, from its beginning to its end. */
typedef struct ag_strategy_task {
    /* given */
    const ag_settings *settings;
    const char *data_dir;   /* a directory, or one file */
    const char *output_dir; /* made when absent */
    bool resume;
    unsigned jobs;                  /* threads, at least 1 */
    const ag_strategy_watch *watch; /* may be NULL */
    ag_cancel *cancel;              /* may be NULL */
    ag_arena *arena;                /* of all results */
    const char *plugin;             /* where the object of the settings' strategy lies now; NULL: where they say */
    /* made by ag_strategy_run() */
    const ag_device *device;
    ag_pool *pool;        /* NULL with one job */
    pthread_mutex_t lock; /* of `trainings`, and of `arena` while trainings run at once */
    ag_vec arenas;        /* ag_arena *: one per training, freed with the task */
    struct ag_lock *hold; /* on output_dir, while it runs */
    /* filled by prepare() */
    ag_model_config model_config; /* no architecture: model_config is kept as it was said */
    int64_t parameters;
    const void *data;                /* data_config as read */
    const ag_description *described; /* of `data`, when its keys are not the strategy's own; else NULL */
    char data_digest[65];            /* of what was told with ag_strategy_dataset_seen(); "": nothing yet */
    /* filled on the way */
    ag_findings metrics;
    ag_vec trainings; /* ag_strategy_training; in the order of their indexes once train() has ended */
    const ag_value *effective;
} ag_strategy_task;

typedef struct ag_strategy_training {
    int64_t index;
    const char *name;
    ag_train_result result;
} ag_strategy_training;

enum { AG_STRATEGY_MAX_VALUES = 8 };

/* A line of a table of scores: of everything (group "", name ""), of a column, a step, a regime ... */
typedef struct ag_strategy_score {
    const char *group, *name;
    int count;
    ag_strategy_metric values[AG_STRATEGY_MAX_VALUES];
} ag_strategy_score;

/* A trained model looked at with other data. */
typedef struct ag_strategy_evaluation {
    const char *model_dir, *data; /* a directory or one file */
    const char *part;             /* "auto", "all", "train", "validation", "test" */
    const char *plugin;           /* the shared object that the user names; NULL: none. A model never names one */
    const ag_value *description;  /* of the model, read (strategy_made.h) */
    int64_t batch_size;
    double coverage; /* of the intervals that are judged; 0: what is usual */
    const ag_device *device;
    ag_pool *pool;
    const ag_strategy_watch *watch; /* may be NULL */
    ag_cancel *cancel;
    ag_arena *arena;
    ag_vec scores;         /* filled: ag_strategy_score */
    const char *evaluated; /* filled: what has been scored, in words */
} ag_strategy_evaluation;

typedef enum ag_strategy_takes {
    AG_TAKES_SPLIT = 1,    /* training_config.validation_split */
    AG_TAKES_FOLDS = 2,    /* training_config.cross_validation */
    AG_TAKES_PRETRAIN = 4, /* pretrain */
    AG_TAKES_ENSEMBLE = 8, /* ensemble */
} ag_strategy_takes;

typedef struct ag_strategy {
    const char *name; /* "forecast" */
    const char *doc;
    const ag_description *data; /* required: of data_config */
    size_t state_size;          /* the core allocates it, zeroed */
    unsigned takes;             /* ag_strategy_takes: keys that are not for every strategy, and are refused elsewhere */
    const char *architecture;   /* that model_config is of when it names none; NULL: the strategy has none of its own */
    bool any_architecture;      /* model_config may name another one */
    bool own_loop;              /* what it makes of training_config is its own affair: a program's, a plug-in's */
    bool tells_phases;          /* train() tells its phases itself; else it is all "training" */
    /* All are required. prepare() reads settings and data and refuses what is wrong before anything is trained; it
     * fills the task. close() is safe after a failed prepare(). */
    int (*prepare)(void *state, ag_strategy_task *task, ag_err *err);
    int (*train)(void *state, ag_strategy_task *task, ag_err *err);
    int (*validate)(void *state, ag_strategy_task *task, ag_err *err); /* adds metrics */
    int (*export)(void *state, ag_strategy_task *task, const char *directory, ag_err *err);
    void (*close)(void *state);
    int (*evaluate)(ag_strategy_evaluation *evaluation, ag_err *err); /* optional: NULL refuses */
} ag_strategy;

const ag_strategy *const *ag_strategy_all(size_t *count);
/* AG_EINVAL with the nearest name; `file`, `line` and `column` are where it was said. A path ("./libmine.so"), or the
 * name of an object in a directory of $AUGER_PLUGIN_PATH, is a plug-in (include/auger/plugin.h). */
int ag_strategy_find(const ag_settings *settings, const ag_strategy **out, ag_err *err);
/* That the struct is complete: for tests. */
int ag_strategy_verify(const ag_strategy *strategy, ag_err *err);

/* Everything, phase by phase, and the files of OUTPUT. */
int ag_strategy_run(const ag_strategy *strategy, ag_strategy_task *task, ag_err *err);
void ag_strategy_task_deinit(ag_strategy_task *task); /* safe on zeroed memory */

/* By the strategy that made the model. The caller gives model_dir (or the OUTPUT that holds it), data, part, jobs and
 * arena, and frees `scores`. */
int ag_strategy_evaluate(ag_strategy_evaluation *evaluation, const char *device, unsigned jobs, ag_err *err);
