// SPDX-License-Identifier: Apache-2.0
#pragma once
/* model_private.h: what the files of the registry share. */
#include "ledger/ledger_private.h"
#include "ledger/model.h"

typedef struct ag_model_row { /* a model with its key */
    int64_t id;
    ag_registered_model model;
} ag_model_row;

typedef struct ag_version_row { /* a version with its keys */
    int64_t model_id, id;
    ag_version version;
} ag_version_row;

/* The bare row; AG_ENOTFOUND "Registered Model with name=X not found". */
int ag_model_find(ag_tx *tx, ag_str name, ag_arena *arena, ag_model_row *out, ag_err *err);
/* The columns that the version statements share. */
int ag_version_take(ag_rows *rows, ag_arena *arena, void *row, ag_err *err);
int ag_version_find(ag_tx *tx, ag_str model, int64_t number, ag_arena *arena, ag_version_row *out, ag_err *err);
/* Tags and aliases of many versions. */
int ag_version_fill(ag_tx *tx, ag_arena *arena, ag_version_row *rows, size_t count, ag_err *err);
/* The versions without their keys, in the arena. */
int ag_version_strip(ag_arena *arena, const ag_version_row *rows, size_t count, const ag_version **out, ag_err *err);

int ag_model_tag_check(ag_pair tag, size_t max_value, ag_err *err);

int ag_model_put_tag(ag_tx *tx, int64_t id, ag_pair tag, ag_err *err);
int ag_model_touch(ag_tx *tx, int64_t id, ag_err *err);

/* Prompts are models and versions with a tag; they are left out of searches unless the filter speaks of that tag. */
bool ag_model_asks_for_prompts(ag_str filter);
