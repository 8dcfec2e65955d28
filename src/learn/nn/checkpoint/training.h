// SPDX-License-Identifier: Apache-2.0
#pragma once
/* training.h: what a training needs to go on exactly where it was: weights, the optimiser's state, the moving average,
 * the random numbers, the position in the data, and whatever else the trainer keeps. One directory per checkpoint below
 * the training's own, each whole or not there, whenever the process is killed:
 *
 *     DIR/step-000000001200/  config.json, model.safetensors   (so that it is a model that anything can load)
 *                             optimizer.safetensors, average.safetensors, best.safetensors, state.json
 *                             manifest.json                    (size and SHA-256 of each of the others)
 *
 * One process at a time saves into a directory (AG_ECONFLICT for a second one); any number may read. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/rng.h"
#include "core/base/vec.h"
#include "learn/nn/checkpoint/config.h"
#include "learn/nn/graph.h"
#include "learn/nn/optim.h"

/* Arrays are flat, as the graph's parameters, and belong to the caller. Saving reads them; loading fills them, and
 * refuses a checkpoint that has others than these. */
typedef struct ag_training_state {
    const ag_graph *graph;
    ag_real *values;
    ag_real *average; /* NULL: none is kept */
    ag_real *best;    /* the best weights so far; NULL: none are kept */
    bool best_known;  /* `best` holds some: else nothing is saved, and nothing was loaded */
    const char *optimizer;
    int moments;
    ag_real *moment[AG_MAX_MOMENTS];
    int64_t optimizer_steps;
    int64_t step, epoch, sample; /* of the training; `sample`: the next one in the order of the epoch */
    ag_rng rng;
    double score; /* of the validation, lower is better; NaN: none yet */
    const ag_value
        *more; /* the trainer's own (schedule, early stopping, history), NULL: nothing; loaded: in the arena */
} ag_training_state;

typedef struct ag_training_keep {
    int last; /* newest ones that stay; 0: 3 */
    int best; /* and the best ones by score; 0: 1 */
} ag_training_keep;

/* Durable when it returns; then removes what is no longer kept. `keep` may be NULL. */
int ag_training_save(const char *directory, const ag_model_config *config, const ag_training_state *state,
                     const ag_training_keep *keep, ag_err *err);

/* A whole checkpoint and what is known of it. Everything lies in the arena. */
typedef struct ag_training_found {
    const char *path;
    int64_t step;
    double score;
} ag_training_found;

/* The checkpoints of a directory, oldest first, as ag_training_found items. Only their names and scores are looked at.
 */
int ag_training_list(ag_arena *arena, const char *directory, ag_vec *found, ag_err *err);
/* Every file of the checkpoint is there and has its size and hash. */
int ag_training_verify(const char *path, ag_err *err);
/* Verifies, then fills. */
int ag_training_load(ag_arena *arena, const char *path, ag_training_state *state, ag_err *err);
/* Loads the newest whole one: 1 with its path, 0 when the directory has none. Broken ones are passed over and told, as
 * const char * texts in `passed_over` (may be NULL); AG_ECORRUPT when there are only broken ones. One that is whole but
 * does not fit `state` is a failure. */
int ag_training_resume(ag_arena *arena, const char *directory, ag_training_state *state, const char **path,
                       ag_vec *passed_over, ag_err *err);
