// SPDX-License-Identifier: Apache-2.0
/* runs.c: MLflow's routes of a run's life, and of finding runs. What a run logs is in run_log.c. */
#include "ledger/run.h"

#include "app/server/mlflow/group.h"
#include "app/server/mlflow/run_log.h"

enum { LARGEST_PAGE = 50000 };

/* ---- messages ---- */

typedef struct run_create {
    const char *experiment_id, *user_id, *run_name, *run_id;
    int64_t start_time;
    ag_list tags;
} run_create;
static const ag_field run_create_fields[] = {
    AG_TEXT_FIELD(run_create, experiment_id, "Where it belongs; absent: the experiment \"0\"."),
    AG_TEXT_FIELD(run_create, user_id, "Who runs it."),
    AG_TEXT_FIELD(run_create, run_name, "Its name; absent: one is made up."),
    AG_TEXT_FIELD(run_create, run_id, "Ours: the id it shall have, 32 hex digits, so that asking twice makes one run."),
    AG_INT_FIELD(run_create, start_time, "When it began, in milliseconds since 1970; absent: now."),
    AG_LIST_FIELD(run_create, tags, &ag_message_pair_description, "Tags to begin with."),
};
static const ag_description create_message = AG_MESSAGE(run_create, "A new run.");

static const char *const statuses[] = {"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", NULL};

typedef struct run_update {
    const char *run_id, *status, *run_name;
    int64_t end_time;
} run_update;
static const ag_field run_update_fields[] = {
    AG_RUN_ID(run_update),
    AG_ONE_OF(run_update, status, statuses, "What has become of it."),
    AG_TEXT_FIELD(run_update, run_name, "Its new name."),
    AG_INT_FIELD(run_update, end_time, "When it ended, in milliseconds since 1970."),
};
static const ag_description update_message = AG_MESSAGE(run_update, "What has changed about a run.");

typedef struct run_id {
    const char *run_id;
} run_id;
static const ag_field run_id_fields[] = {AG_RUN_ID(run_id)};
static const ag_description id_message = AG_MESSAGE(run_id, "One run.");

typedef struct run_search {
    ag_list experiment_ids, order_by;
    const char *filter, *run_view_type, *page_token;
    int64_t max_results;
} run_search;
static const ag_field run_search_fields[] = {
    AG_TEXTS_FIELD(run_search, experiment_ids, "Where to look."),
    AG_FILTER(run_search),
    AG_ONE_OF(run_search, run_view_type, ag_message_views, "Which: active ones, deleted ones or all."),
    AG_PAGE_SIZE(run_search, max_results, LARGEST_PAGE),
    AG_ORDER_BY(run_search),
    AG_PAGE_TOKEN(run_search),
};
static const ag_description search_message = AG_MESSAGE(run_search, "Runs by a filter, page by page.");

/* ---- handlers ---- */

static int answer(ag_response *response, const ag_run *run, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "run");
    ag_write_run(json, run);
    return ag_mlflow_end(response, json, err);
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    run_create message;
    ag_run_new wanted = {0};
    ag_run run;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.tags, AG_MAX_TAG_VALUE, &wanted.tags, err);
    if (rc >= 0) rc = ag_message_time("start_time", message.start_time, &wanted.started_at, err);
    if (rc < 0) return rc;
    bool has_user = message.user_id && *message.user_id;
    wanted.experiment_id = ag_str_of(message.experiment_id && *message.experiment_id ? message.experiment_id : "0");
    wanted.id = ag_message_str(message.run_id);
    wanted.name = ag_message_str(message.run_name);
    wanted.user_id = ag_message_str(has_user ? message.user_id : request->who.name);
    rc = ag_run_create(request->ledger, &wanted, request->arena, &run, err);
    if (rc < 0) return rc;
    ag_notice_run(request, AG_EVENT_RUN_CREATED, &run);
    return answer(response, &run, err);
}

static int update(ag_request *request, ag_response *response, ag_err *err)
{
    run_update message;
    ag_run_status status;
    int64_t ended_at;
    ag_run run;
    ag_run_change change = {0};
    int rc = ag_message_read(request, &update_message, &message, err);
    if (rc >= 0) rc = ag_message_time("end_time", message.end_time, &ended_at, err);
    if (rc < 0) return rc;
    ag_str name = ag_message_str(message.run_name);
    if (message.status && ag_run_status_parse(ag_str_of(message.status), &status)) change.status = &status;
    if (message.end_time) change.ended_at = &ended_at;
    if (name.size) change.name = &name;
    rc = ag_run_update(request->ledger, ag_str_of(message.run_id), &change, request->arena, &run, err);
    if (rc < 0) return rc;
    ag_notice_run(request, AG_EVENT_RUN_UPDATED, &run);
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "run_info");
    ag_write_run_info(json, &run);
    return ag_mlflow_end(response, json, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    run_id message;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_run_delete(request->ledger, &request->actor, ag_str_of(message.run_id), err);
    if (rc < 0) return rc;
    ag_notice_run_id(request, AG_EVENT_RUN_DELETED, message.run_id);
    return ag_mlflow_empty(response, err);
}

static int restore(ag_request *request, ag_response *response, ag_err *err)
{
    run_id message;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_run_restore(request->ledger, &request->actor, ag_str_of(message.run_id), err);
    if (rc < 0) return rc;
    ag_notice_run_id(request, AG_EVENT_RUN_RESTORED, message.run_id);
    return ag_mlflow_empty(response, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    run_id message;
    ag_run run;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_run_get(request->ledger, ag_str_of(message.run_id), request->arena, &run, err);
    return rc < 0 ? rc : answer(response, &run, err);
}

static int search(ag_request *request, ag_response *response, ag_err *err)
{
    run_search message;
    ag_page_request page;
    ag_str *ids = NULL;
    ag_runs found;
    int rc = ag_message_read(request, &search_message, &message, err);
    size_t count = message.experiment_ids.count;
    if (rc >= 0) rc = ag_message_texts(request->arena, message.experiment_ids, &ids, err);
    if (rc >= 0) rc = ag_mlflow_keep_readable(request, ids, &count, err);
    if (rc >= 0) {
        rc = ag_mlflow_page(request, message.filter, message.order_by, message.max_results, message.page_token, &page,
                            err);
    }
    if (rc >= 0) {
        rc = ag_run_search(request->ledger, ids, count, ag_message_view(message.run_view_type), &page, request->arena,
                           &found, err);
    }
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "runs");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_run(json, &found.items[i]);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

/* ---- routes ---- */

#define RUN "run_id|run_uuid"

static const ag_route routes[] = {
    {AG_METHOD_POST,
     "/runs/create",
     {.may = AG_MAY_ROLE,
      .role = AG_ROLE_EDITOR,
      .scope = &ag_scope_experiment,
      .field = "experiment_id",
      .absent = "0"},
     AG_BODY_JSON,
     .summary = "Begin a run",
     .describes = &create_message,
     .handle = create},
    {AG_METHOD_POST, "/runs/update", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON,
     .summary = "Set a run's status, end or name", .describes = &update_message, .handle = update},
    {AG_METHOD_POST, "/runs/delete", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON,
     .summary = "Delete a run, so that it can be restored", .describes = &id_message, .handle = remove_one},
    {AG_METHOD_POST, "/runs/restore", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON, .summary = "Restore a deleted run",
     .describes = &id_message, .handle = restore},
    {AG_METHOD_GET, "/runs/get", AG_NEEDS(READER, run, RUN), AG_BODY_NONE,
     .summary = "Tell all about a run but its histories", .describes = &id_message, .handle = get},
    {AG_METHOD_POST, "/runs/search", AG_ANY_USER, AG_BODY_JSON, .summary = "Find runs", .describes = &search_message,
     .handle = search},
    {AG_METHOD_POST, "/runs/log-metric", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON, .summary = "Log a point of a metric",
     .describes = &ag_log_metric_message, .handle = ag_log_metric},
    {AG_METHOD_POST, "/runs/log-parameter", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON, .summary = "Log a parameter",
     .doc = "A parameter keeps its value: the same again is fine, another is refused.",
     .describes = &ag_log_pair_message, .handle = ag_log_param},
    {AG_METHOD_POST, "/runs/set-tag", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON, .summary = "Set a tag of a run",
     .describes = &ag_log_pair_message, .handle = ag_log_tag},
    {AG_METHOD_POST, "/runs/delete-tag", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON, .summary = "Delete a tag of a run",
     .describes = &ag_log_key_message, .handle = ag_log_delete_tag},
    {AG_METHOD_POST, "/runs/log-batch", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON,
     .summary = "Log metrics, parameters and tags at once", .doc = "All of them or none.",
     .describes = &ag_log_batch_message, .handle = ag_log_batch},
    {AG_METHOD_POST, "/runs/log-inputs", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON,
     .summary = "Log the data sets and models that a run reads", .describes = &ag_log_inputs_message,
     .handle = ag_log_inputs},
    {AG_METHOD_POST, "/runs/outputs", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON,
     .summary = "Log the models that a run makes", .describes = &ag_log_outputs_message, .handle = ag_log_outputs},
    {AG_METHOD_POST, "/runs/log-model", AG_NEEDS(EDITOR, run, RUN), AG_BODY_JSON,
     .summary = "Log a model, as clients before MLflow 3 do", .describes = &ag_log_model_message,
     .handle = ag_log_model},
};

const ag_route_group ag_route_group_mlflow_runs = {
    .name = "MLflow runs",
    .doc = "Executions: their parameters, metrics, tags, inputs and outputs.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
