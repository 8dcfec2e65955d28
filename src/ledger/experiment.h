// SPDX-License-Identifier: Apache-2.0
#pragma once
/* experiment.h: a named group of runs, and where their artifacts go. */
#include "ledger/ledger.h"

typedef struct ag_experiment {
    const char *id;
    const char *name;
    const char *artifact_location;
    bool deleted;
    int64_t created_at;
    int64_t updated_at;
    ag_pairs tags;
} ag_experiment;

typedef struct ag_experiments {
    const ag_experiment *items;
    size_t count;
    const char *next; /* token of the next page, NULL: none */
} ag_experiments;

/* `artifact_location` empty: under the ledger's root. AG_EEXISTS for a name that is taken, also by a deleted one. */
int ag_experiment_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str artifact_location, ag_pairs tags,
                         ag_arena *arena, const char **id, ag_err *err);
/* Atomic create-or-get: many callers at once get the same one. A deleted one of that name is AG_ECONFLICT. */
int ag_experiment_ensure(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_arena *arena, const char **id,
                         ag_err *err);
int ag_experiment_get(ag_ledger *ledger, ag_str id, ag_arena *arena, ag_experiment *out, ag_err *err);
int ag_experiment_by_name(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_experiment *out, ag_err *err);
int ag_experiment_rename(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_str name, ag_err *err);
/* Its active runs go and come back with it. */
int ag_experiment_delete(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err);
int ag_experiment_restore(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_err *err);
int ag_experiment_set_tag(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_pair tag, ag_err *err);
int ag_experiment_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str id, ag_str key, ag_err *err);
int ag_experiment_search(ag_ledger *ledger, ag_view view, const ag_page_request *page, ag_arena *arena,
                         ag_experiments *out, ag_err *err);
