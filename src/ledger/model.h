// SPDX-License-Identifier: Apache-2.0
#pragma once
/* model.h: the registry: models by name, their numbered versions, stages and aliases. A version number is never used
 * twice. */
#include "ledger/ledger.h"

typedef enum ag_stage { AG_STAGE_NONE, AG_STAGE_STAGING, AG_STAGE_PRODUCTION, AG_STAGE_ARCHIVED } ag_stage;
const char *ag_stage_name(ag_stage stage);       /* "None" */
bool ag_stage_parse(ag_str name, ag_stage *out); /* any case */

typedef struct ag_version {
    const char *model;
    int64_t number;
    int64_t created_at, updated_at;
    const char *user_id, *description, *source, *run_id, *run_link, *model_id; /* each may be NULL but source */
    const char *storage;                                                       /* the resolved location for download */
    ag_stage stage;
    ag_pairs tags;
    const char *const *aliases;
    size_t alias_count;
} ag_version;

typedef struct ag_versions {
    const ag_version *items;
    size_t count;
    const char *next;
} ag_versions;

typedef struct ag_alias {
    const char *name;
    int64_t version;
} ag_alias;

typedef struct ag_registered_model {
    const char *name;
    int64_t created_at, updated_at;
    const char *user_id, *description; /* may be NULL */
    ag_pairs tags;
    const ag_alias *aliases;
    size_t alias_count;
    const ag_version *latest; /* the newest of each stage that has one */
    size_t latest_count;
} ag_registered_model;

typedef struct ag_models {
    const ag_registered_model *items;
    size_t count;
    const char *next;
} ag_models;

/* What no model and no alias can be called, here or on an MLflow server. */
int ag_model_name_check(ag_str name, ag_err *err);
int ag_alias_name_check(ag_str alias, ag_err *err);
int ag_model_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str description, ag_pairs tags,
                    ag_arena *arena, ag_registered_model *out, ag_err *err);
int ag_model_get(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_registered_model *out, ag_err *err);
int ag_model_rename(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str new_name, ag_arena *arena,
                    ag_registered_model *out, ag_err *err);
int ag_model_describe(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str description, ag_arena *arena,
                      ag_registered_model *out, ag_err *err);
int ag_model_delete(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err);
int ag_model_search(ag_ledger *ledger, const ag_page_request *page, ag_arena *arena, ag_models *out, ag_err *err);
int ag_model_set_tag(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_pair tag, ag_err *err);
int ag_model_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str key, ag_err *err);
/* Of the given stages (none: of every stage). */
int ag_model_latest(ag_ledger *ledger, ag_str name, const ag_stage *stages, size_t count, ag_arena *arena,
                    ag_versions *out, ag_err *err);

int ag_alias_set(ag_ledger *ledger, const ag_actor *actor, ag_str model, ag_str alias, int64_t version, ag_err *err);
int ag_alias_delete(ag_ledger *ledger, const ag_actor *actor, ag_str model, ag_str alias,
                    ag_err *err); /* absent: fine */
int ag_alias_get(ag_ledger *ledger, ag_str model, ag_str alias, ag_arena *arena, ag_version *out, ag_err *err);

typedef struct ag_version_new {
    ag_str model;
    ag_str source; /* checked: see the spec's rules for sources; storage is resolved from it */
    ag_str run_id, run_link, description, model_id; /* each may be empty */
    ag_pairs tags;
    int64_t number; /* 0: the next one; else exactly this, for imports: AG_EEXISTS when it was ever used */
    ag_stage stage; /* for imports */
} ag_version_new;
int ag_version_create(ag_ledger *ledger, const ag_actor *actor, const ag_version_new *new_version, ag_arena *arena,
                      ag_version *out, ag_err *err);
int ag_version_get(ag_ledger *ledger, ag_str model, int64_t number, ag_arena *arena, ag_version *out, ag_err *err);
int ag_version_describe(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_str description,
                        ag_arena *arena, ag_version *out, ag_err *err);
int ag_version_delete(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_err *err);
int ag_version_stage(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_stage stage,
                     bool archive_others, ag_arena *arena, ag_version *out, ag_err *err);
int ag_version_search(ag_ledger *ledger, const ag_page_request *page, ag_arena *arena, ag_versions *out, ag_err *err);
int ag_version_set_tag(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_pair tag,
                       ag_err *err);
int ag_version_delete_tag(ag_ledger *ledger, const ag_actor *actor, ag_str model, int64_t number, ag_str key,
                          ag_err *err);
