// SPDX-License-Identifier: Apache-2.0
/* artifact_proxy.c: what "mlflow-artifacts:/" stands for, over HTTP: list, get, put, delete. Content streams both ways;
 * an upload that breaks off leaves nothing. */
#include "app/server/mlflow/files.h"
#include "app/server/mlflow/group.h"

static const char store_root[] = "mlflow-artifacts:/";

/* False when the server was told not to serve artifacts; the response says so. */
static bool serves(ag_request *request, ag_response *response, int *rc, ag_err *err)
{
    if (!request->server || ag_server_settings(request->server)->serve_artifacts) return true;
    *rc = ag_response_text(response, 503, err, "Endpoint disabled: this server was started with --no-serve-artifacts");
    return false;
}

static int resolve(ag_request *request, ag_str path, ag_artifact_place *out, ag_err *err)
{
    return ag_artifact_resolve(request->ledger, store_root, path, request->arena, out, err);
}

/* The root of the store is nobody's to replace or to remove. */
static int resolve_inside(ag_request *request, ag_artifact_place *out, ag_err *err)
{
    ag_str path = ag_request_capture(request, "path");
    if (!path.size) return ag_fail(err, AG_EINVAL, "Invalid path");
    return resolve(request, path, out, err);
}

static int list(ag_request *request, ag_response *response, ag_err *err)
{
    ag_artifact_place place;
    int rc;
    ag_str path = ag_request_query(request, "path");
    if (!serves(request, response, &rc, err)) return rc;
    rc = resolve(request, path.data ? path : AG_STR(""), &place, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    rc = ag_files_list(request, &place, NULL, json, err);
    return rc < 0 ? rc : ag_mlflow_end(response, json, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    ag_artifact_place place;
    int rc;
    if (!serves(request, response, &rc, err)) return rc;
    rc = resolve_inside(request, &place, err);
    return rc < 0 ? rc : ag_files_send(request, &place, response, err);
}

static int put(ag_request *request, ag_response *response, ag_err *err)
{
    ag_artifact_place place;
    int rc;
    if (!serves(request, response, &rc, err)) return rc;
    rc = resolve_inside(request, &place, err);
    if (rc < 0) return rc;
    rc = ag_tree_put(place.tree, place.path, request->stream, NULL, err);
    if (rc < 0) return ag_files_refuse(&place, rc, err);
    ag_notice_stored(request, ag_request_capture(request, "path"));
    return ag_mlflow_empty(response, err);
}

static int remove_all(ag_request *request, ag_response *response, ag_err *err)
{
    ag_artifact_place place;
    ag_tree_entry entry;
    int rc;
    if (!serves(request, response, &rc, err)) return rc;
    rc = resolve_inside(request, &place, err);
    if (rc < 0) return rc;
    rc = ag_tree_stat(place.tree, place.path, &entry, err);
    if (rc >= 0 && entry.is_directory)
        rc = ag_tree_remove_all(place.tree, place.path, err);
    else if (rc >= 0)
        rc = ag_tree_remove(place.tree, place.path, err);
    if (rc == AG_ENOTFOUND) rc = AG_OK;
    return rc < 0 ? ag_files_refuse(&place, rc, err) : ag_mlflow_empty(response, err);
}

/* ---- routes ---- */

static const ag_route_field list_fields[] = {
    {"path", "string", false, "A directory, from the root of the store."},
    {0},
};

static const ag_route routes[] = {
    {AG_METHOD_GET,
     "/artifacts",
     {.may = AG_MAY_ROLE, .role = AG_ROLE_READER, .scope = &ag_scope_artifact, .field = "path", .absent = ""},
     AG_BODY_NONE,
     .summary = "List a directory of the artifact store",
     .fields = list_fields,
     .handle = list},
    {AG_METHOD_GET, "/artifacts/{path...}", AG_NEEDS(READER, artifact, "path"), AG_BODY_NONE,
     .summary = "Download a file", .handle = get, .gives = AG_GIVES_BYTES},
    {AG_METHOD_PUT, "/artifacts/{path...}", AG_NEEDS(EDITOR, artifact, "path"), AG_BODY_STREAM,
     .summary = "Upload a file", .doc = "The body is the file.", .handle = put},
    {AG_METHOD_POST, "/artifacts/{path...}", AG_NEEDS(EDITOR, artifact, "path"), AG_BODY_STREAM,
     .summary = "Upload a file, as very old clients do", .handle = put},
    {AG_METHOD_DELETE, "/artifacts/{path...}", AG_NEEDS(EDITOR, artifact, "path"), AG_BODY_NONE,
     .summary = "Delete a file or a directory", .handle = remove_all},
};

static const char *const prefixes[] = {"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts", NULL};

const ag_route_group ag_route_group_mlflow_proxy = {
    .name = "MLflow artifact proxy",
    .doc = "Files of the artifact store by path, for clients that have no access to the store itself.",
    .prefixes = prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
