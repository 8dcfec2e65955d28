// SPDX-License-Identifier: Apache-2.0
#pragma once
/* config.h: config.json and a model's described configuration, in both directions. For PatchTSMixer the file is Hugging
 * Face's; any other architecture writes its own keys beside "model_type". */
#include <stddef.h>

#include "core/base/arena.h"
#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/doc/value.h"
#include "learn/nn/architecture.h"
#include "learn/nn/checkpoint/safetensors.h"

#define AG_CONFIG_MAX_BYTES ((size_t)1 << 20)

typedef struct ag_model_config {
    const ag_architecture *architecture;
    void *values;             /* the architecture's configuration struct */
    const ag_value *original; /* config.json as it was read; NULL: made here */
    const char **ignored;     /* keys that were understood to mean nothing, and ... */
    size_t ignored_count;
    const char **unknown; /* ... keys that were not understood; both are written back */
    size_t unknown_count;
} ag_model_config;

/* Everything lies in the arena. `tensors` (may be NULL) decides head, task and loss where it tells them; what
 * config.json says against it is refused. `file` is for messages. */
int ag_model_config_read(ag_arena *arena, ag_str json, const char *file, const ag_safetensors *tensors,
                         ag_model_config *out, ag_err *err);
/* A value of a key as the architecture's description wants it, where other programs write it otherwise (scaling: null);
 * for configurations of trainings, whose keys are those of config.json. */
ag_value ag_model_config_spelling(const ag_architecture *architecture, ag_arena *arena, const ag_field *field,
                                  const ag_value *value);
/* As Hugging Face writes it: keys sorted, two blanks of indentation, a newline at the end. */
int ag_model_config_write(const ag_model_config *config, ag_buf *out, ag_err *err);
