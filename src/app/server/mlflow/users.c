// SPDX-License-Identifier: Apache-2.0
/* users.c: MLflow's routes of people. As there, they exist only while the server asks for a name. */
#include "ledger/user.h"

#include "app/server/mlflow/group.h"

/* ---- messages ---- */

typedef struct user_create {
    const char *username, *password;
} user_create;
static const ag_field user_create_fields[] = {
    AG_TEXT_NEEDED(user_create, username, "The name."),
    AG_TEXT_NEEDED(user_create, password, "The password, at least 12 characters."),
};
static const ag_description create_message = AG_MESSAGE(user_create, "A new user.");

typedef struct user_name {
    const char *username;
} user_name;
static const ag_field user_name_fields[] = {AG_TEXT_NEEDED(user_name, username, "The user.")};
static const ag_description name_message = AG_MESSAGE(user_name, "One user.");

typedef struct user_password {
    const char *username, *password, *current_password;
} user_password;
static const ag_field user_password_fields[] = {
    AG_TEXT_NEEDED(user_password, username, "The user."),
    AG_TEXT_NEEDED(user_password, password, "The new password."),
    AG_TEXT_FIELD(user_password, current_password, "The password until now, when it is one's own."),
};
static const ag_description password_message = AG_MESSAGE(user_password, "A new password.");

typedef struct user_admin {
    const char *username;
    bool is_admin;
} user_admin;
static const ag_field user_admin_fields[] = {
    AG_TEXT_NEEDED(user_admin, username, "The user."),
    {.name = "is_admin",
     .type = AG_FIELD_BOOL,
     .offset = offsetof(user_admin, is_admin),
     .required = true,
     .doc = "Whether they administer this server."},
};
static const ag_description admin_message = AG_MESSAGE(user_admin, "Who administers.");

/* ---- handlers ---- */

static void put_permissions(ag_json *json, const char *name, const char *id_name, const ag_user *user,
                            const ag_permission *items, size_t count)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, id_name, items[i].id);
        ag_json_put_int(json, "user_id", user->id);
        ag_json_put_text(json, "permission", ag_mlflow_role_name(items[i].role));
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

static int put_user(const ag_request *request, ag_json *json, const ag_user *user, bool with_permissions, ag_err *err)
{
    const ag_permission *experiments = NULL, *models = NULL;
    size_t experiment_count = 0, model_count = 0;
    ag_str name = ag_str_of(user->name), none = {"", 0};
    int rc = AG_OK;
    if (with_permissions) {
        rc = ag_permission_list(request->ledger, name, AG_RESOURCE_EXPERIMENT, none, request->arena, &experiments,
                                &experiment_count, err);
        if (rc >= 0) {
            rc = ag_permission_list(request->ledger, name, AG_RESOURCE_MODEL, none, request->arena, &models,
                                    &model_count, err);
        }
        if (rc < 0) return rc;
    }
    ag_json_begin_object(json);
    ag_json_put_int(json, "id", user->id);
    ag_json_put_text(json, "username", user->name);
    ag_json_put_bool(json, "is_admin", user->admin);
    if (with_permissions) {
        put_permissions(json, "experiment_permissions", "experiment_id", user, experiments, experiment_count);
        put_permissions(json, "registered_model_permissions", "name", user, models, model_count);
    }
    ag_json_end_object(json);
    return AG_OK;
}

static int answer(const ag_request *request, ag_response *response, const ag_user *user, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "user");
    int rc = put_user(request, json, user, true, err);
    return rc < 0 ? rc : ag_mlflow_end(response, json, err);
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    user_create message;
    ag_user user;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) {
        rc = ag_user_create(request->ledger, &request->actor, ag_str_of(message.username), ag_str_of(message.password),
                            false, request->arena, &user, err);
    }
    return rc < 0 ? rc : answer(request, response, &user, err);
}

static bool is_self(const ag_request *request, const char *name)
{
    return request->who.name && strcmp(request->who.name, name) == 0;
}

static int expect_self_or_admin(const ag_request *request, const char *name, ag_err *err)
{
    if (request->who.admin || is_self(request, name)) return AG_OK;
    return ag_fail(err, AG_EDENIED, "Permission denied");
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    user_name message;
    ag_user user;
    int rc = ag_message_read(request, &name_message, &message, err);
    if (rc >= 0) rc = expect_self_or_admin(request, message.username, err);
    if (rc >= 0) rc = ag_user_get(request->ledger, ag_str_of(message.username), request->arena, &user, err);
    return rc < 0 ? rc : answer(request, response, &user, err);
}

static int current(ag_request *request, ag_response *response, ag_err *err)
{
    ag_user user = {.id = request->who.id, .name = request->who.name, .admin = request->who.admin};
    if (!user.name) return ag_fail(err, AG_EAUTH, "Nobody has shown who they are");
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "user");
    int rc = put_user(request, json, &user, false, err);
    ag_json_put_bool(json, "is_basic_auth", true);
    return rc < 0 ? rc : ag_mlflow_end(response, json, err);
}

static int list(ag_request *request, ag_response *response, ag_err *err)
{
    const ag_user *users;
    size_t count;
    int rc = ag_user_list(request->ledger, request->arena, &users, &count, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "users");
    ag_json_begin_array(json);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = put_user(request, json, &users[i], false, err);
    ag_json_end_array(json);
    return rc < 0 ? rc : ag_mlflow_end(response, json, err);
}

/* One's own password needs the old one, so that a browser left open cannot give it away. */
static int check_current(const ag_request *request, const user_password *message, ag_err *err)
{
    ag_user user;
    ag_err ignored = {0};
    if (!is_self(request, message->username)) return expect_self_or_admin(request, message->username, err);
    if (!message->current_password || !*message->current_password) {
        return ag_fail(err, AG_EINVAL, "Current password is required when changing your own password.");
    }
    int rc = ag_user_check_password(request->ledger, ag_str_of(message->username), ag_str_of(message->current_password),
                                    request->arena, &user, &ignored);
    if (rc == AG_EAUTH) return ag_fail(err, AG_EINVAL, "Current password does not match.");
    if (rc < 0) {
        if (err) *err = ignored;
        return rc;
    }
    if (strcmp(message->password, message->current_password) != 0) return AG_OK;
    return ag_fail(err, AG_EINVAL, "New password must differ from the current password.");
}

static int set_password(ag_request *request, ag_response *response, ag_err *err)
{
    user_password message;
    int rc = ag_message_read(request, &password_message, &message, err);
    if (rc >= 0) rc = check_current(request, &message, err);
    if (rc >= 0) {
        rc = ag_user_set_password(request->ledger, &request->actor, ag_str_of(message.username),
                                  ag_str_of(message.password), err);
    }
    if (rc < 0) return rc;
    if (request->server) ag_server_forget(request->server, ag_str_of(message.username));
    return ag_mlflow_empty(response, err);
}

static int set_admin(ag_request *request, ag_response *response, ag_err *err)
{
    user_admin message;
    int rc = ag_message_read(request, &admin_message, &message, err);
    if (rc >= 0) {
        rc = ag_user_set_admin(request->ledger, &request->actor, ag_str_of(message.username), message.is_admin, err);
    }
    if (rc < 0) return rc;
    if (request->server) ag_server_forget(request->server, ag_str_of(message.username));
    return ag_mlflow_empty(response, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    user_name message;
    int rc = ag_message_read(request, &name_message, &message, err);
    if (rc >= 0) rc = ag_user_delete(request->ledger, &request->actor, ag_str_of(message.username), err);
    if (rc < 0) return rc;
    if (request->server) ag_server_forget(request->server, ag_str_of(message.username));
    return ag_mlflow_empty(response, err);
}

/* ---- routes ---- */

static bool asks_for_a_name(const ag_server *server)
{
    return ag_server_settings(server)->authenticate;
}

static const ag_route routes[] = {
    {AG_METHOD_POST, "/users/create", AG_ADMIN_ONLY, AG_BODY_JSON, .summary = "Make a user",
     .describes = &create_message, .handle = create},
    {AG_METHOD_GET, "/users/get", AG_ANY_USER, AG_BODY_NONE, .summary = "Tell about a user",
     .doc = "About oneself; an administrator about everybody.", .describes = &name_message, .handle = get},
    {AG_METHOD_GET, "/users/current", AG_ANY_USER, AG_BODY_NONE, .summary = "Tell who asks", .handle = current},
    {AG_METHOD_GET, "/users/list", AG_ADMIN_ONLY, AG_BODY_NONE, .summary = "List the users", .handle = list},
    {AG_METHOD_PATCH, "/users/update-password", AG_ANY_USER, AG_BODY_JSON, .summary = "Set a password",
     .doc = "One's own, with the old one; an administrator everybody's.", .describes = &password_message,
     .handle = set_password},
    {AG_METHOD_PATCH, "/users/update-admin", AG_ADMIN_ONLY, AG_BODY_JSON, .summary = "Set who administers",
     .describes = &admin_message, .handle = set_admin},
    {AG_METHOD_DELETE, "/users/delete", AG_ADMIN_ONLY, AG_BODY_JSON, .summary = "Delete a user",
     .describes = &name_message, .handle = remove_one},
};

const ag_route_group ag_route_group_mlflow_users = {
    .name = "MLflow users",
    .doc = "People and their passwords, while the server asks for names.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
    .enabled = asks_for_a_name,
};
