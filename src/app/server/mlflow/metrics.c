// SPDX-License-Identifier: Apache-2.0
/* metrics.c: MLflow's routes of histories. */
#include "ledger/metric.h"

#include "app/server/mlflow/group.h"

enum { MOST_RUNS = 100, MOST_INTERVAL = 2500, MOST_BULK = 25000 };

/* ---- messages ---- */

typedef struct metric_history {
    const char *run_id, *metric_key, *page_token;
    int64_t max_results;
} metric_history;
static const ag_field metric_history_fields[] = {
    AG_RUN_ID(metric_history),
    AG_TEXT_NEEDED(metric_history, metric_key, "The metric's name."),
    AG_PAGE_TOKEN(metric_history),
    AG_INT_FIELD(metric_history, max_results, "The most points that the answer holds; absent: all."),
};
static const ag_description history_message = AG_MESSAGE(metric_history, "The points of a metric.");

typedef struct metric_bulk {
    ag_list run_id;
    const char *metric_key;
    int64_t max_results;
} metric_bulk;
static const ag_field metric_bulk_fields[] = {
    AG_TEXTS_FIELD(metric_bulk, run_id, "1 to 100 runs."),
    AG_TEXT_FIELD(metric_bulk, metric_key, "The metric's name."),
    AG_INT_FIELD(metric_bulk, max_results, "The most points that the answer holds, at most 25,000."),
};
static const ag_description bulk_message = AG_MESSAGE(metric_bulk, "The points of a metric of many runs.");

typedef struct metric_interval {
    ag_list run_ids;
    const char *metric_key;
    int64_t start_step, end_step, max_results;
} metric_interval;
static const ag_field metric_interval_fields[] = {
    {.name = "run_ids",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     .offset = offsetof(metric_interval, run_ids),
     .required = true,
     .doc = "1 to 100 runs."},
    AG_TEXT_NEEDED(metric_interval, metric_key, "The metric's name."),
    AG_INT_FIELD(metric_interval, start_step, "The first step; with end_step or not at all."),
    AG_INT_FIELD(metric_interval, end_step, "The last step."),
    AG_INT_FIELD(metric_interval, max_results, "The most steps per run, 1 to 2,500."),
};
static const ag_description interval_message =
    AG_MESSAGE(metric_interval, "The points of a metric of many runs at evenly spaced steps.");

/* ---- handlers ---- */

static int history(ag_request *request, ag_response *response, ag_err *err)
{
    metric_history message;
    ag_points found;
    int rc = ag_message_read(request, &history_message, &message, err);
    if (rc >= 0) rc = ag_message_page(request, message.max_results, err);
    if (rc < 0) return rc;
    uint32_t most = message.max_results > UINT32_MAX ? UINT32_MAX : (uint32_t)message.max_results;
    rc = ag_metric_history(request->ledger, ag_str_of(message.run_id), ag_str_of(message.metric_key), most,
                           ag_message_str(message.page_token), request->arena, &found, err);
    if (rc == AG_ENOTFOUND) { /* a run that is not there has no points, as MLflow sees it */
        found = (ag_points){0};
        rc = AG_OK;
    }
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "metrics");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_metric(json, &found.items[i], NULL);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

static int answer(ag_response *response, const ag_run_points *runs, size_t count, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "metrics");
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < runs[i].count; k++) ag_write_metric(json, &runs[i].items[k], runs[i].run_id);
    }
    ag_json_end_array(json);
    return ag_mlflow_end(response, json, err);
}

/* The ids, once the asker may read each of them. */
static int readable_runs(const ag_request *request, ag_list list, ag_str **ids, ag_err *err)
{
    int rc = ag_message_texts(request->arena, list, ids, err);
    for (size_t i = 0; i < list.count && rc >= 0; i++) {
        rc = ag_mlflow_may(request, &ag_scope_run, (*ids)[i].data, AG_ROLE_READER, err);
    }
    return rc;
}

static int check_runs(const char *what, size_t count, ag_err *err)
{
    if (count == 0) return ag_fail(err, AG_EINVAL, "%s request must specify at least one run_id.", what);
    if (count <= MOST_RUNS) return AG_OK;
    return ag_fail(err, AG_EINVAL, "%s request cannot specify more than %d run_ids. Received %zu run_ids.", what,
                   MOST_RUNS, count);
}

static int bulk(ag_request *request, ag_response *response, ag_err *err)
{
    metric_bulk message;
    ag_str *ids = NULL;
    ag_run_points *found;
    size_t count;
    int rc = ag_message_read(request, &bulk_message, &message, err);
    if (rc >= 0) rc = check_runs("GetMetricHistoryBulk", message.run_id.count, err);
    if (rc >= 0) rc = ag_message_page(request, message.max_results, err);
    if (rc >= 0 && (!message.metric_key || !*message.metric_key)) {
        rc = ag_fail(err, AG_EINVAL, "GetMetricHistoryBulk request must specify a metric_key.");
    }
    if (rc >= 0) rc = readable_runs(request, message.run_id, &ids, err);
    if (rc < 0) return rc;
    uint32_t most = message.max_results > MOST_BULK ? MOST_BULK : (uint32_t)message.max_results;
    rc = ag_metric_history_bulk(request->ledger, ids, message.run_id.count, ag_str_of(message.metric_key), most,
                                request->arena, &found, &count, err);
    return rc < 0 ? rc : answer(response, found, count, err);
}

static int interval(ag_request *request, ag_response *response, ag_err *err)
{
    metric_interval message;
    ag_str *ids = NULL;
    ag_run_points *found;
    size_t count;
    int rc = ag_message_read(request, &interval_message, &message, err);
    if (rc >= 0 && message.run_ids.count > MOST_RUNS) {
        rc = ag_fail(err, AG_EINVAL,
                     "GetMetricHistoryBulkInterval request must specify at most %d run_ids. Received %zu run_ids. See "
                     "the API docs for more information about request parameters.",
                     MOST_RUNS, message.run_ids.count);
    }
    bool sized = ag_request_query(request, "max_results").size > 0;
    if (rc >= 0 && sized && (message.max_results < 1 || message.max_results > MOST_INTERVAL)) {
        rc = ag_fail(err, AG_EINVAL,
                     "max_results must be between 1 and %d. See the API docs for more information about request "
                     "parameters.",
                     MOST_INTERVAL);
    }
    if (rc >= 0) rc = readable_runs(request, message.run_ids, &ids, err);
    if (rc < 0) return rc;
    const int64_t *first = ag_request_query(request, "start_step").data ? &message.start_step : NULL;
    const int64_t *last = ag_request_query(request, "end_step").data ? &message.end_step : NULL;
    rc = ag_metric_history_interval(request->ledger, ids, message.run_ids.count, ag_str_of(message.metric_key), first,
                                    last, (uint32_t)message.max_results, request->arena, &found, &count, err);
    return rc < 0 ? rc : answer(response, found, count, err);
}

/* ---- routes ---- */

static const ag_route routes[] = {
    {AG_METHOD_GET, "/metrics/get-history", AG_NEEDS(READER, run, "run_id|run_uuid"), AG_BODY_NONE,
     .summary = "List the points of a metric", .describes = &history_message, .handle = history},
    {AG_METHOD_GET, "/metrics/get-history-bulk", AG_ANY_USER, AG_BODY_NONE,
     .summary = "List the points of a metric of many runs", .describes = &bulk_message, .handle = bulk},
    {AG_METHOD_GET, "/metrics/get-history-bulk-interval", AG_ANY_USER, AG_BODY_NONE,
     .summary = "List the points of a metric of many runs, thinned to steps", .describes = &interval_message,
     .handle = interval},
};

const ag_route_group ag_route_group_mlflow_metrics = {
    .name = "MLflow metrics",
    .doc = "Histories of metrics.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
