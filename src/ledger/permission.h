// SPDX-License-Identifier: Apache-2.0
#pragma once
/* permission.h: what the rooms of the floor tell the permissions, in the same unit as their own change. Private to the
 * floor. */
#include "ledger/ledger_private.h"
#include "ledger/user.h"

/* Who makes a thing manages it. Nothing for an actor who is no user. */
int ag_permission_grant_maker(ag_tx *tx, const ag_actor *actor, ag_resource kind, ag_str id, ag_err *err);
/* A renamed thing keeps its permissions and its project; a deleted one must not leave them to whoever takes its name.
 */
int ag_permission_move(ag_tx *tx, ag_resource kind, ag_str from, ag_str to, ag_err *err);
int ag_permission_forget(ag_tx *tx, ag_resource kind, ag_str id, ag_err *err);

/* The condition under which `reader` (NULL: everybody) sees a row whose id is the SQL expression `id`. */
int ag_visible_rule(ag_tx *tx, const ag_ledger *ledger, const char *reader, ag_resource kind, const char *id,
                    ag_arena *arena, const char **rule, ag_err *err);
