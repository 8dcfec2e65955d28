// SPDX-License-Identifier: Apache-2.0
/* server_info.c: what MLflow 3's clients ask a server about itself. */
#include "app/server/mlflow/group.h"

static int server_info(ag_request *request, ag_response *response, ag_err *err)
{
    (void)request;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_put_text(json, "store_type", "SqlStore");
    ag_json_put_bool(json, "workspaces_enabled", false);
    return ag_mlflow_end(response, json, err);
}

static const ag_route routes[] = {
    {AG_METHOD_GET, "/server-info", AG_PUBLIC, AG_BODY_NONE, .summary = "Tell what this server can do",
     .handle = server_info},
};

static const char *const prefixes[] = {"/api/3.0/mlflow", "/ajax-api/3.0/mlflow", NULL};

const ag_route_group ag_route_group_mlflow_server = {
    .name = "MLflow server",
    .doc = "What MLflow 3's clients ask a server about itself.",
    .prefixes = prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
