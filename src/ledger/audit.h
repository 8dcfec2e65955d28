// SPDX-License-Identifier: Apache-2.0
#pragma once
/* audit.h: who changed what, append-only, chained: every entry carries the SHA-256 of itself and of the entry before
 * it, so that an altered or missing row breaks the chain at a known place. Written in the same unit as the change.
 * Metrics, parameters and run tags are facts and not audited one by one; lives, names, stages, aliases, permissions and
 * deletions are. */
#include "ledger/ledger.h"

/* From here to its end this unit is alone among those that audit. For units that look before they change: whether a
 * name is free, who is the last admin. */
int ag_audit_begin(ag_tx *tx, ag_err *err);
/* Inside a unit of writing. `what` "experiment.rename", `subject` its id or name, `detail` JSON or NULL. */
int ag_audit_add(ag_tx *tx, const ag_actor *actor, const char *what, ag_str subject, const char *detail, ag_err *err);

/* {"name": "value"} as text; NULL when out of memory. */
const char *ag_audit_detail(ag_arena *arena, const char *name, ag_str value);

typedef struct ag_audit_entry {
    int64_t id;
    int64_t at;
    const char *actor, *request, *what, *subject, *detail; /* actor, request, detail may be NULL */
} ag_audit_entry;
/* From `after` (0: the first) on, at most `count`. */
int ag_audit_list(ag_ledger *ledger, int64_t after, size_t count, ag_arena *arena, const ag_audit_entry **out,
                  size_t *out_count, ag_err *err);
/* Reads the whole chain. AG_ECORRUPT names the first entry that does not fit. */
int ag_audit_verify(ag_ledger *ledger, uint64_t *entries, ag_err *err);
