// SPDX-License-Identifier: Apache-2.0
/* door.c: the ledger's people as the server's door, and the scope of logged models. */
#include "app/server/server.h"
#include "ledger/logged_model.h"

static int find_logged_model(const ag_request *request, ag_str value, ag_resource *kind, ag_str *id, ag_err *err)
{
    ag_logged_model model;
    int rc = ag_logged_model_get(request->ledger, value, request->arena, &model, err);
    if (rc < 0) return rc;
    return ag_scope_experiment.find(request, ag_str_of(model.experiment_id), kind, id, err);
}

const ag_scope ag_scope_logged_model = {"logged model", find_logged_model};

static int check_password(void *context, ag_str name, ag_str password, ag_arena *arena, ag_user *out, ag_err *err)
{
    return ag_user_check_password(context, name, password, arena, out, err);
}

static int check_token(void *context, ag_str token, ag_arena *arena, ag_user *out, ag_err *err)
{
    return ag_token_check(context, token, arena, out, err);
}

static int permission(void *context, ag_str user, ag_resource kind, ag_str id, ag_role *out, ag_err *err)
{
    return ag_permission_get(context, user, kind, id, out, err);
}

const ag_door ag_door_of_ledger = {check_password, check_token, permission};
