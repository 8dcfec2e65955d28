// SPDX-License-Identifier: Apache-2.0
#pragma once
/* user_private.h: what the files about people share. */
#include "ledger/ledger_private.h"
#include "ledger/user.h"

/* Columns id, name, admin, disabled, created_at of the current row. */
int ag_user_take(ag_rows *rows, ag_arena *arena, ag_user *out, ag_err *err);
extern const char ag_user_nobody[]; /* a hash of no password, of the cost of a real one */
/* AG_ENOTFOUND "User with username=X not found". *password, its hash, may be NULL. */
int ag_user_find(ag_tx *tx, ag_str name, ag_arena *arena, ag_user *out, const char **password, ag_err *err);
