// SPDX-License-Identifier: Apache-2.0
#pragma once
/* group.h: what the groups of MLflow's routes share: where they are mounted, how a failure is told, what one must ask
 * about the asker. Private to the room. */
#include "app/server/mlflow/message.h"
#include "app/server/mlflow/notice.h"
#include "app/server/mlflow/write.h"
#include "app/server/server.h"

extern const char *const ag_mlflow_prefixes[]; /* /api/2.0/mlflow and /ajax-api/2.0/mlflow */

/* {"error_code": NAME, "message": text} with the status that belongs to the name. */
void ag_mlflow_fail(const ag_request *request, const ag_err *err, ag_response *response);

/* {} */
int ag_mlflow_empty(ag_response *response, ag_err *err);
/* A writer inside the opened outermost object; closed and checked by ag_mlflow_end(). */
ag_json *ag_mlflow_begin(ag_response *response);
int ag_mlflow_end(ag_response *response, ag_json *json, ag_err *err);

/* Whose eyes a list is for: NULL when they may see all. */
const char *ag_mlflow_reader(const ag_request *request);
/* Has the asker this role on the run's (experiment's, logged model's, model's) resource? Costs nothing for an
 * administrator, and so without authentication. */
int ag_mlflow_may(const ag_request *request, const ag_scope *scope, const char *value, ag_role role, ag_err *err);
/* Those of the experiments that the asker may read, in place. */
int ag_mlflow_keep_readable(const ag_request *request, ag_str *ids, size_t *count, ag_err *err);
/* What somebody has made is theirs to manage. */
int ag_mlflow_own(const ag_request *request, ag_resource kind, ag_str id, ag_err *err);

/* A page request from the usual fields. */
int ag_mlflow_page(const ag_request *request, const char *filter, ag_list order_by, int64_t max_results,
                   const char *token, ag_page_request *out, ag_err *err);

/* A role in the words of MLflow: "READ". */
const char *ag_mlflow_role_name(ag_role role);

#define AG_GROUP_ROUTES(rows) .routes = (rows), .count = sizeof(rows) / sizeof((rows)[0])
