// SPDX-License-Identifier: Apache-2.0
#pragma once
/* training_parts.h: what writing and reading of training checkpoints share: names, and the manifest. */
#include "learn/nn/checkpoint/training.h"

#define AG_TRAINING_STEP "step-"
#define AG_TRAINING_OPTIMIZER "optimizer.safetensors"
#define AG_TRAINING_AVERAGE "average.safetensors"
#define AG_TRAINING_BEST "best.safetensors"
#define AG_TRAINING_STATE "state.json"
#define AG_TRAINING_MANIFEST "manifest.json"
#define AG_TRAINING_MAX_TEXT ((size_t)16 << 20) /* of state.json */
#define AG_TRAINING_FORMAT 1

enum { AG_TRAINING_FILES = 6 };

/* The prefix of moment `index` in the names of tensors. */
static inline const char *ag_training_prefix(int index)
{
    static const char *const prefixes[AG_MAX_MOMENTS] = {"moment0.", "moment1.", "moment2."};
    return index >= 0 && index < AG_MAX_MOMENTS ? prefixes[index] : "";
}

/* A JSON file of the directory as a tree in the arena. */
int ag_training_read_json(ag_arena *arena, const char *directory, const char *name, const ag_value **out, ag_err *err);
