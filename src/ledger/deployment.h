// SPDX-License-Identifier: Apache-2.0
#pragma once
/* deployment.h: the record of which version served under which name, and when. What routes requests is on a higher
 * floor and writes here. A record is never changed but for its end. */
#include "ledger/ledger.h"

typedef struct ag_deployment {
    int64_t id;
    const char *target; /* the name that requests go to */
    const char *model;
    int64_t version;
    const char *mode; /* "replace" "shadow" "ab" */
    int64_t percent;
    const char *user_id; /* may be NULL */
    int64_t started_at;
    int64_t ended_at; /* 0: serves now */
} ag_deployment;

typedef struct ag_deployment_new {
    ag_str target, model, mode;
    int64_t version, percent;
} ag_deployment_new;

/* Mode "replace" ends what served under that target. *id may be NULL. */
int ag_deployment_start(ag_ledger *ledger, const ag_actor *actor, const ag_deployment_new *deployment, int64_t *id,
                        ag_err *err);
int ag_deployment_end(ag_ledger *ledger, const ag_actor *actor, int64_t id, ag_err *err); /* again: fine */
/* Newest first. `target` empty: of all. */
int ag_deployment_list(ag_ledger *ledger, ag_str target, bool only_current, ag_arena *arena, const ag_deployment **out,
                       size_t *count, ag_err *err);
