// SPDX-License-Identifier: Apache-2.0
#pragma once
/* logged_model_private.h: what the files about logged models and their neighbours share. */
#include "ledger/ledger_private.h"
#include "ledger/logged_model.h"

/* One row into *out; nothing that lies in other tables. */
int ag_logged_model_take(ag_rows *rows, ag_arena *arena, ag_logged_model *out, ag_err *err);
/* Parameters, tags and metrics of many, in a fixed number of queries. */
int ag_logged_model_fill(ag_tx *tx, ag_arena *arena, ag_logged_model *models, size_t count, ag_err *err);
/* AG_ENOTFOUND when absent or deleted. */
int ag_logged_model_find(ag_tx *tx, ag_str id, ag_arena *arena, ag_logged_model *out, ag_err *err);
/* Adds the version to the model's tag mlflow.modelVersions. */
int ag_logged_model_register(ag_tx *tx, ag_str id, ag_str model, int64_t number, ag_arena *arena, ag_err *err);
