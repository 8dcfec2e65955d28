// SPDX-License-Identifier: Apache-2.0
/* permissions.c: MLflow's routes of what a user may do with an experiment or a registered model. Two groups of four
 * routes that differ in a name. */
#include "app/server/mlflow/group.h"
#include "ledger/user.h"

typedef struct experiment_permission {
    const char *experiment_id, *username, *permission;
} experiment_permission;
static const ag_field experiment_permission_fields[] = {
    AG_TEXT_NEEDED(experiment_permission, experiment_id, "The experiment."),
    AG_TEXT_NEEDED(experiment_permission, username, "The user."),
    AG_TEXT_NEEDED(experiment_permission, permission, "READ, EDIT, MANAGE or NO_PERMISSIONS."),
};
static const ag_description experiment_message =
    AG_MESSAGE(experiment_permission, "What a user may do with an experiment.");
static const ag_description experiment_id_message = {.name = "experiment_permission_of",
                                                     .doc = "A user's permission on an experiment.",
                                                     .size = sizeof(experiment_permission),
                                                     .fields = experiment_permission_fields,
                                                     .count = 2};

typedef struct model_permission {
    const char *name, *username, *permission;
} model_permission;
static const ag_field model_permission_fields[] = {
    AG_TEXT_NEEDED(model_permission, name, "The registered model."),
    AG_TEXT_NEEDED(model_permission, username, "The user."),
    AG_TEXT_NEEDED(model_permission, permission, "READ, EDIT, MANAGE or NO_PERMISSIONS."),
};
static const ag_description model_message = AG_MESSAGE(model_permission, "What a user may do with a model.");
static const ag_description model_id_message = {.name = "model_permission_of",
                                                .doc = "A user's permission on a registered model.",
                                                .size = sizeof(model_permission),
                                                .fields = model_permission_fields,
                                                .count = 2};

typedef struct kind { /* what differs */
    ag_resource resource;
    const char *id_name, *answer_name, *label;
} kind;
static const kind experiments = {AG_RESOURCE_EXPERIMENT, "experiment_id", "experiment_permission", "Experiment"};
static const kind models = {AG_RESOURCE_MODEL, "name", "registered_model_permission", "Registered model"};

typedef struct ask { /* either struct, read */
    const kind *kind;
    const char *id, *user, *permission;
} ask;

static int read_ask(const ag_request *request, const kind *of, bool whole, ask *out, ag_err *err)
{
    experiment_permission experiment;
    model_permission model;
    bool is_model = of == &models;
    const ag_description *message = is_model ? (whole ? &model_message : &model_id_message)
                                             : (whole ? &experiment_message : &experiment_id_message);
    int rc = ag_message_read(request, message, is_model ? (void *)&model : (void *)&experiment, err);
    if (rc < 0) return rc;
    *out = is_model ? (ask){of, model.name, model.username, model.permission}
                    : (ask){of, experiment.experiment_id, experiment.username, experiment.permission};
    return AG_OK;
}

const char *ag_mlflow_role_name(ag_role role)
{
    static const char *const names[] = {"NO_PERMISSIONS", "READ", "EDIT", "MANAGE", "MANAGE"};
    return names[role];
}

/* 1 when something was given to that user on that thing, 0 when not. */
static int find(const ag_request *request, const ask *asked, ag_role *role, ag_err *err)
{
    const ag_permission *items;
    size_t count;
    int rc = ag_permission_list(request->ledger, ag_str_of(asked->user), asked->kind->resource, ag_str_of(asked->id),
                                request->arena, &items, &count, err);
    if (rc < 0 || !count) return rc < 0 ? rc : 0;
    *role = items[0].role;
    return 1;
}

static int missing(const ask *asked, ag_err *err)
{
    return ag_fail(err, AG_ENOTFOUND, "%s permission with %s=%s and username=%s not found", asked->kind->label,
                   asked->kind->id_name, asked->id, asked->user);
}

static int answer(const ag_request *request, ag_response *response, const ask *asked, ag_role role, ag_err *err)
{
    ag_user user;
    int rc = ag_user_get(request->ledger, ag_str_of(asked->user), request->arena, &user, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, asked->kind->answer_name);
    ag_json_begin_object(json);
    ag_json_put_text(json, asked->kind->id_name, asked->id);
    ag_json_put_int(json, "user_id", user.id);
    ag_json_put_text(json, "permission", ag_mlflow_role_name(role));
    ag_json_end_object(json);
    return ag_mlflow_end(response, json, err);
}

static int read_role(const ask *asked, ag_role *role, ag_err *err)
{
    if (ag_role_parse(ag_str_of(asked->permission), role)) return AG_OK;
    return ag_fail(err, AG_EINVAL,
                   "Invalid permission '%.60s'. Valid permissions are: ('READ', 'EDIT', 'MANAGE', 'NO_PERMISSIONS')",
                   asked->permission);
}

static int create(ag_request *request, ag_response *response, const kind *of, ag_err *err)
{
    ask asked;
    ag_role role = AG_ROLE_NONE, old;
    int rc = read_ask(request, of, true, &asked, err);
    if (rc >= 0) rc = read_role(&asked, &role, err);
    if (rc >= 0) rc = find(request, &asked, &old, err);
    if (rc > 0) {
        return ag_fail(err, AG_EEXISTS, "%s permission (%s=%s, username=%s) already exists.", of->label, of->id_name,
                       asked.id, asked.user);
    }
    if (rc >= 0) {
        rc = ag_permission_set(request->ledger, &request->actor, ag_str_of(asked.user), of->resource,
                               ag_str_of(asked.id), role, err);
    }
    if (rc < 0) return rc;
    if (request->server) ag_server_forget(request->server, ag_str_of(asked.user));
    return answer(request, response, &asked, role, err);
}

static int get(ag_request *request, ag_response *response, const kind *of, ag_err *err)
{
    ask asked;
    ag_role role = AG_ROLE_NONE;
    int rc = read_ask(request, of, false, &asked, err);
    if (rc >= 0) rc = find(request, &asked, &role, err);
    if (rc == 0) rc = missing(&asked, err);
    return rc < 0 ? rc : answer(request, response, &asked, role, err);
}

static int update(ag_request *request, ag_response *response, const kind *of, ag_err *err)
{
    ask asked;
    ag_role role = AG_ROLE_NONE, old;
    int rc = read_ask(request, of, true, &asked, err);
    if (rc >= 0) rc = read_role(&asked, &role, err);
    if (rc >= 0) rc = find(request, &asked, &old, err);
    if (rc == 0) rc = missing(&asked, err);
    if (rc >= 0) {
        rc = ag_permission_set(request->ledger, &request->actor, ag_str_of(asked.user), of->resource,
                               ag_str_of(asked.id), role, err);
    }
    if (rc < 0) return rc;
    if (request->server) ag_server_forget(request->server, ag_str_of(asked.user));
    return ag_mlflow_empty(response, err);
}

static int remove_one(ag_request *request, ag_response *response, const kind *of, ag_err *err)
{
    ask asked;
    ag_role old;
    int rc = read_ask(request, of, false, &asked, err);
    if (rc >= 0) rc = find(request, &asked, &old, err);
    if (rc == 0) rc = missing(&asked, err);
    if (rc >= 0) {
        rc = ag_permission_delete(request->ledger, &request->actor, ag_str_of(asked.user), of->resource,
                                  ag_str_of(asked.id), err);
    }
    if (rc < 0) return rc;
    if (request->server) ag_server_forget(request->server, ag_str_of(asked.user));
    return ag_mlflow_empty(response, err);
}

/* ---- routes ---- */

static int create_experiments(ag_request *request, ag_response *response, ag_err *err)
{
    return create(request, response, &experiments, err);
}

static int get_experiments(ag_request *request, ag_response *response, ag_err *err)
{
    return get(request, response, &experiments, err);
}

static int update_experiments(ag_request *request, ag_response *response, ag_err *err)
{
    return update(request, response, &experiments, err);
}

static int remove_one_experiments(ag_request *request, ag_response *response, ag_err *err)
{
    return remove_one(request, response, &experiments, err);
}

static int create_models(ag_request *request, ag_response *response, ag_err *err)
{
    return create(request, response, &models, err);
}

static int get_models(ag_request *request, ag_response *response, ag_err *err)
{
    return get(request, response, &models, err);
}

static int update_models(ag_request *request, ag_response *response, ag_err *err)
{
    return update(request, response, &models, err);
}

static int remove_one_models(ag_request *request, ag_response *response, ag_err *err)
{
    return remove_one(request, response, &models, err);
}

static bool asks_for_a_name(const ag_server *server)
{
    return ag_server_settings(server)->authenticate;
}

#define ON_EXPERIMENT AG_NEEDS(MANAGER, experiment, "experiment_id")
#define ON_MODEL AG_NEEDS(MANAGER, model, "name")

static const ag_route routes[] = {
    {AG_METHOD_POST, "/experiments/permissions/create", ON_EXPERIMENT, AG_BODY_JSON,
     .summary = "Give a user a permission on an experiment", .describes = &experiment_message,
     .handle = create_experiments},
    {AG_METHOD_GET, "/experiments/permissions/get", ON_EXPERIMENT, AG_BODY_NONE,
     .summary = "Tell a user's permission on an experiment", .describes = &experiment_id_message,
     .handle = get_experiments},
    {AG_METHOD_PATCH, "/experiments/permissions/update", ON_EXPERIMENT, AG_BODY_JSON,
     .summary = "Change a user's permission on an experiment", .describes = &experiment_message,
     .handle = update_experiments},
    {AG_METHOD_DELETE, "/experiments/permissions/delete", ON_EXPERIMENT, AG_BODY_JSON,
     .summary = "Take a user's permission on an experiment away", .describes = &experiment_id_message,
     .handle = remove_one_experiments},
    {AG_METHOD_POST, "/registered-models/permissions/create", ON_MODEL, AG_BODY_JSON,
     .summary = "Give a user a permission on a model", .describes = &model_message, .handle = create_models},
    {AG_METHOD_GET, "/registered-models/permissions/get", ON_MODEL, AG_BODY_NONE,
     .summary = "Tell a user's permission on a model", .describes = &model_id_message, .handle = get_models},
    {AG_METHOD_PATCH, "/registered-models/permissions/update", ON_MODEL, AG_BODY_JSON,
     .summary = "Change a user's permission on a model", .describes = &model_message, .handle = update_models},
    {AG_METHOD_DELETE, "/registered-models/permissions/delete", ON_MODEL, AG_BODY_JSON,
     .summary = "Take a user's permission on a model away", .describes = &model_id_message,
     .handle = remove_one_models},
};

const ag_route_group ag_route_group_mlflow_permissions = {
    .name = "MLflow permissions",
    .doc = "What users may do with experiments and models, while the server asks for names.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
    .enabled = asks_for_a_name,
};
