// SPDX-License-Identifier: Apache-2.0
#pragma once
/* user.h: people and programs, their secrets (argon2id; never stored, never returned), tokens and what they may do. */
#include "ledger/ledger.h"

const char *ag_role_name(ag_role role);
bool ag_role_parse(ag_str name, ag_role *out); /* also MLflow's READ, USE, EDIT, MANAGE, NO_PERMISSIONS */

typedef struct ag_user {
    int64_t id;
    const char *name;
    bool admin;
    bool disabled;
    int64_t created_at;
} ag_user;

enum { AG_MIN_PASSWORD = 12, AG_MAX_PASSWORD = 1024, AG_MAX_USER_NAME = 255 };

/* `password` empty: only tokens. AG_EEXISTS "User (username=X) already exists." */
int ag_user_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str password, bool admin, ag_arena *arena,
                   ag_user *out, ag_err *err);
int ag_user_get(ag_ledger *ledger, ag_str name, ag_arena *arena, ag_user *out, ag_err *err);
int ag_user_list(ag_ledger *ledger, ag_arena *arena, const ag_user **out, size_t *count, ag_err *err);
int ag_user_set_password(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_str password, ag_err *err);
int ag_user_set_admin(ag_ledger *ledger, const ag_actor *actor, ag_str name, bool admin, ag_err *err);
int ag_user_set_disabled(ag_ledger *ledger, const ag_actor *actor, ag_str name, bool disabled, ag_err *err);
int ag_user_delete(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err);
/* AG_EAUTH with the same text and in the same time whatever was wrong. */
int ag_user_check_password(ag_ledger *ledger, ag_str name, ag_str password, ag_arena *arena, ag_user *out, ag_err *err);

/* A token "agr_" + 43 characters, shown once; kept as its SHA-256. expires_at 0: never. */
int ag_token_create(ag_ledger *ledger, const ag_actor *actor, ag_str user, ag_str label, int64_t expires_at,
                    ag_arena *arena, const char **token, ag_err *err);
int ag_token_check(ag_ledger *ledger, ag_str token, ag_arena *arena, ag_user *out, ag_err *err); /* AG_EAUTH */
typedef struct ag_token {
    int64_t id;
    const char *label;
    int64_t created_at, expires_at; /* 0: never */
} ag_token;
int ag_token_list(ag_ledger *ledger, ag_str user, ag_arena *arena, const ag_token **out, size_t *count, ag_err *err);
int ag_token_revoke(ag_ledger *ledger, const ag_actor *actor, ag_str user, int64_t id, ag_err *err);

typedef enum ag_resource { AG_RESOURCE_EXPERIMENT, AG_RESOURCE_MODEL, AG_RESOURCE_PROJECT } ag_resource;
int ag_permission_set(ag_ledger *ledger, const ag_actor *actor, ag_str user, ag_resource kind, ag_str id, ag_role role,
                      ag_err *err);
int ag_permission_delete(ag_ledger *ledger, const ag_actor *actor, ag_str user, ag_resource kind, ag_str id,
                         ag_err *err);
/* The role that counts: ADMIN for an admin, else the user's own, else that of the project that holds it, else the
 * ledger's default. A disabled user has AG_ROLE_NONE. AG_ENOTFOUND for an unknown user. */
int ag_permission_get(ag_ledger *ledger, ag_str user, ag_resource kind, ag_str id, ag_role *out, ag_err *err);

typedef struct ag_permission {
    const char *user;
    ag_resource kind;
    const char *id;
    ag_role role;
} ag_permission;
/* Given ones, of one user (`user` empty: all) and, unless `id` is empty, on one thing. */
int ag_permission_list(ag_ledger *ledger, ag_str user, ag_resource kind, ag_str id, ag_arena *arena,
                       const ag_permission **out, size_t *count, ag_err *err);

/* Projects: folders of experiments and models with permissions of their own. A thing is in one project at most. */
int ag_project_create(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err);
int ag_project_delete(ag_ledger *ledger, const ag_actor *actor, ag_str name, ag_err *err); /* what it held stays */
int ag_project_list(ag_ledger *ledger, ag_arena *arena, const char *const **out, size_t *count, ag_err *err);
/* Moves it here from wherever it was; `project` empty: into none. */
int ag_project_put(ag_ledger *ledger, const ag_actor *actor, ag_str project, ag_resource kind, ag_str id, ag_err *err);
typedef struct ag_project_member {
    ag_resource kind;
    const char *id;
} ag_project_member;
int ag_project_members(ag_ledger *ledger, ag_str project, ag_arena *arena, const ag_project_member **out, size_t *count,
                       ag_err *err);
