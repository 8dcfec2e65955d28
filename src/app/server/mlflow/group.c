// SPDX-License-Identifier: Apache-2.0
/* group.c: what the groups of MLflow's routes share.
 * One table maps an ag_code to the error codes and statuses of MLflow's protocol. Its clients try again after 408, 429
 * and 500 to 504, for minutes: so no mistake of a client may have such a status, but for INVALID_STATE, where MLflow's
 * own server answers 500. */
#include "app/server/mlflow/group.h"

const char *const ag_mlflow_prefixes[] = {"/api/2.0/mlflow", "/ajax-api/2.0/mlflow", NULL};

typedef struct row {
    ag_code code;
    int status;
    const char *name;
} row;

static const row rows[] = {
    {AG_EINVAL, 400, "INVALID_PARAMETER_VALUE"},
    {AG_EPARSE, 400, "BAD_REQUEST"},
    {AG_ELIMIT, 400, "INVALID_PARAMETER_VALUE"},
    {AG_EEXISTS, 400, "RESOURCE_ALREADY_EXISTS"},
    {AG_EAUTH, 401, "UNAUTHENTICATED"},
    {AG_EDENIED, 403, "PERMISSION_DENIED"},
    {AG_ENOTFOUND, 404, "RESOURCE_DOES_NOT_EXIST"},
    {AG_ECANCELLED, 499, "CANCELLED"},
    {AG_ECONFLICT, 500, "INVALID_STATE"},
    {AG_ECORRUPT, 500, "DATA_LOSS"},
    {AG_EIO, 500, "INTERNAL_ERROR"},
    {AG_EINTERNAL, 500, "INTERNAL_ERROR"},
    {AG_EUNSUPPORTED, 501, "NOT_IMPLEMENTED"},
    {AG_EUNAVAILABLE, 503, "TEMPORARILY_UNAVAILABLE"},
    {AG_ENOMEM, 503, "TEMPORARILY_UNAVAILABLE"},
    {AG_ETIMEOUT, 504, "DEADLINE_EXCEEDED"},
    {AG_EFULL, 507, "RESOURCE_EXHAUSTED"}, /* a disk is not emptier after a second: not a status to try again on */
};

static const row *find(ag_code code)
{
    static const row unknown = {AG_EINTERNAL, 500, "INTERNAL_ERROR"};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (rows[i].code == code) return &rows[i];
    }
    return &unknown;
}

/* What the server itself refuses, before a handler, has statuses of its own. */
static bool is_servers(int status)
{
    return status == 405 || status == 411 || status == 413 || status == 414 || status == 415 || status == 431;
}

void ag_mlflow_fail(const ag_request *request, const ag_err *err, ag_response *response)
{
    (void)request;
    const row *found = find(err->code);
    char message[sizeof(err->text) + sizeof(err->hint) + 64];
    ag_format(message, sizeof(message), "%s%s%s", err->text, *err->hint ? " " : "", err->hint);
    if (!is_servers(response->status)) response->status = found->status;
    ag_json *json = ag_response_json(response);
    ag_json_begin_object(json);
    ag_json_put_text(json, "error_code", found->name);
    ag_json_put_text(json, "message", message);
    ag_json_end_object(json);
    (void)ag_response_json_end(response, NULL);
}

ag_json *ag_mlflow_begin(ag_response *response)
{
    ag_json *json = ag_response_json(response);
    ag_json_begin_object(json);
    return json;
}

int ag_mlflow_end(ag_response *response, ag_json *json, ag_err *err)
{
    ag_json_end_object(json);
    return ag_response_json_end(response, err);
}

int ag_mlflow_empty(ag_response *response, ag_err *err)
{
    return ag_mlflow_end(response, ag_mlflow_begin(response), err);
}

/* ---- who asks ---- */

const char *ag_mlflow_reader(const ag_request *request)
{
    return request->who.admin ? NULL : request->who.name ? request->who.name : "";
}

int ag_mlflow_may(const ag_request *request, const ag_scope *scope, const char *value, ag_role role, ag_err *err)
{
    ag_resource kind;
    ag_str id;
    if (request->who.admin) return AG_OK;
    int rc = scope->find(request, ag_message_str(value), &kind, &id, err);
    return rc < 0 ? rc : ag_request_may(request, kind, id, role, err);
}

int ag_mlflow_keep_readable(const ag_request *request, ag_str *ids, size_t *count, ag_err *err)
{
    size_t kept = 0;
    if (request->who.admin) return AG_OK;
    for (size_t i = 0; i < *count; i++) {
        int rc = ag_request_may(request, AG_RESOURCE_EXPERIMENT, ids[i], AG_ROLE_READER, err);
        if (rc >= 0)
            ids[kept++] = ids[i];
        else if (rc != AG_EDENIED && rc != AG_ENOTFOUND)
            return rc;
    }
    *count = kept;
    return AG_OK;
}

int ag_mlflow_own(const ag_request *request, ag_resource kind, ag_str id, ag_err *err)
{
    if (!request->who.known || !request->who.name) return AG_OK;
    return ag_permission_set(request->ledger, &request->actor, ag_str_of(request->who.name), kind, id, AG_ROLE_MANAGER,
                             err);
}

int ag_mlflow_page(const ag_request *request, const char *filter, ag_list order_by, int64_t max_results,
                   const char *token, ag_page_request *out, ag_err *err)
{
    ag_str *order;
    int rc = ag_message_page(request, max_results, err);
    if (rc >= 0) rc = ag_message_texts(request->arena, order_by, &order, err);
    if (rc < 0) return rc;
    *out = (ag_page_request){.filter = ag_message_str(filter),
                             .order_by = order,
                             .order_count = order_by.count,
                             .max_results = max_results > UINT32_MAX ? UINT32_MAX : (uint32_t)max_results,
                             .token = ag_message_str(token),
                             .reader = ag_mlflow_reader(request)};
    return AG_OK;
}
