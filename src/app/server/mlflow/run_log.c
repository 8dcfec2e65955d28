// SPDX-License-Identifier: Apache-2.0
/* run_log.c: what a run logs, one by one or in a batch. Values of parameters and tags that are too long are cut, as
 * MLflow's server does by default. Inputs, outputs and models are in run_io.c. */
#include "app/server/mlflow/run_log.h"

#include "app/server/mlflow/group.h"

enum { MAX_BATCH_BYTES = 1000000 };

/* ---- messages ---- */

#define METRIC_FIELDS(s)                                                                                               \
    AG_TEXT_NEEDED(s, key, "The metric's name."),                                                                      \
        {.name = "value",                                                                                              \
         .type = AG_FIELD_REAL,                                                                                        \
         .offset = offsetof(s, value),                                                                                 \
         .required = true,                                                                                             \
         .doc = "The point; also \"NaN\", \"Infinity\" and \"-Infinity\"."},                                           \
        AG_INT_NEEDED(s, timestamp, "When, in milliseconds since 1970."),                                              \
        AG_INT_FIELD(s, step, "Where on the run's way; 0 when absent."),                                               \
        AG_TEXT_FIELD(s, model_id, "A logged model that the point is also about."),                                    \
        AG_TEXT_FIELD(s, dataset_name, "The data set that it was measured on."),                                       \
        AG_TEXT_FIELD(s, dataset_digest, "That data set's digest.")

typedef struct point {
    const char *key, *model_id, *dataset_name, *dataset_digest;
    double value;
    int64_t timestamp, step;
} point;
static const ag_field point_fields[] = {METRIC_FIELDS(point)};
static const ag_description point_message = AG_MESSAGE(point, "A point of a metric.");

typedef struct log_metric {
    const char *run_id, *key, *model_id, *dataset_name, *dataset_digest;
    double value;
    int64_t timestamp, step;
} log_metric;
static const ag_field log_metric_fields[] = {AG_RUN_ID(log_metric), METRIC_FIELDS(log_metric)};
const ag_description ag_log_metric_message = AG_MESSAGE(log_metric, "A point of a run's metric.");

typedef struct log_pair {
    const char *run_id, *key, *value;
} log_pair;
static const ag_field log_pair_fields[] = {
    AG_RUN_ID(log_pair),
    AG_TEXT_NEEDED(log_pair, key, "Its name."),
    AG_TEXT_FIELD(log_pair, value, "Its value."),
};
const ag_description ag_log_pair_message = AG_MESSAGE(log_pair, "A parameter or tag of a run.");

typedef struct log_key {
    const char *run_id, *key;
} log_key;
static const ag_field log_key_fields[] = {AG_RUN_ID(log_key), AG_TEXT_NEEDED(log_key, key, "The tag's name.")};
const ag_description ag_log_key_message = AG_MESSAGE(log_key, "The name of a run's tag.");

typedef struct log_batch {
    const char *run_id;
    ag_list metrics, params, tags;
} log_batch;
static const ag_field log_batch_fields[] = {
    AG_RUN_ID(log_batch),
    AG_LIST_FIELD(log_batch, metrics, &point_message, "At most 1,000 points; 1,000 of everything together."),
    AG_LIST_FIELD(log_batch, params, &ag_message_pair_description, "At most 100 parameters."),
    AG_LIST_FIELD(log_batch, tags, &ag_message_pair_description, "At most 100 tags."),
};
const ag_description ag_log_batch_message = AG_MESSAGE(log_batch, "Many things of a run.");

/* ---- metrics ---- */

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static int take_point(const point *from, const char *prefix, size_t index, ag_metric *out, ag_err *err)
{
    char path[48] = "timestamp";
    if (prefix) ag_format(path, sizeof(path), "%s[%zu].timestamp", prefix, index);
    if (from->timestamp < 0) {
        return ag_fail(err, AG_EINVAL,
                       "Invalid value %lld for parameter '%s' supplied: metric '%.100s' (value=%g). Timestamp must "
                       "be a nonnegative long (64-bit integer)",
                       (long long)from->timestamp, path, from->key, from->value);
    }
    if (prefix) {
        ag_format(path, sizeof(path), "%s[%zu].name", prefix, index);
        int rc = ag_key_check(ag_str_of(from->key), path, err);
        if (rc < 0) return rc;
        ag_format(path, sizeof(path), "%s[%zu].timestamp", prefix, index);
    }
    *out = (ag_metric){.key = from->key,
                       .value = from->value,
                       .step = from->step,
                       .model_id = or_null(from->model_id),
                       .dataset_name = or_null(from->dataset_name),
                       .dataset_digest = or_null(from->dataset_digest)};
    return ag_message_time(path, from->timestamp, &out->at, err);
}

int ag_log_metric(ag_request *request, ag_response *response, ag_err *err)
{
    log_metric message;
    ag_metric metric;
    int rc = ag_message_read(request, &ag_log_metric_message, &message, err);
    if (rc < 0) return rc;
    point one = {message.key,   message.model_id,  message.dataset_name, message.dataset_digest,
                 message.value, message.timestamp, message.step};
    rc = take_point(&one, NULL, 0, &metric, err);
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1};
    if (rc >= 0) rc = ag_run_log(request->ledger, ag_str_of(message.run_id), &batch, err);
    if (rc < 0) return rc;
    ag_notice_metrics(request, message.run_id, &metric, 1);
    return ag_mlflow_empty(response, err);
}

/* ---- parameters and tags ---- */

static int read_pair(ag_request *request, size_t longest, log_pair *message, ag_pair *out, ag_err *err)
{
    ag_pairs pairs;
    int rc = ag_message_read(request, &ag_log_pair_message, message, err);
    if (rc < 0) return rc;
    ag_message_pair pair = {message->key, message->value};
    rc = ag_message_pairs(request->arena, (ag_list){&pair, 1}, longest, &pairs, err);
    if (rc >= 0) *out = pairs.items[0];
    return rc;
}

int ag_log_param(ag_request *request, ag_response *response, ag_err *err)
{
    log_pair message;
    ag_pair param;
    int rc = read_pair(request, AG_MAX_PARAM_VALUE, &message, &param, err);
    if (rc >= 0) rc = ag_run_log_param(request->ledger, ag_str_of(message.run_id), param, err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

int ag_log_tag(ag_request *request, ag_response *response, ag_err *err)
{
    log_pair message;
    ag_pair tag;
    int rc = read_pair(request, AG_MAX_TAG_VALUE, &message, &tag, err);
    ag_run_batch batch = {.tags = {&tag, 1}};
    if (rc >= 0) rc = ag_run_log(request->ledger, ag_str_of(message.run_id), &batch, err);
    if (rc < 0) return rc;
    ag_notice_run_id(request, AG_EVENT_RUN_UPDATED, message.run_id);
    return ag_mlflow_empty(response, err);
}

int ag_log_delete_tag(ag_request *request, ag_response *response, ag_err *err)
{
    log_key message;
    int rc = ag_message_read(request, &ag_log_key_message, &message, err);
    if (rc >= 0) rc = ag_run_delete_tag(request->ledger, ag_str_of(message.run_id), ag_str_of(message.key), err);
    if (rc < 0) return rc;
    ag_notice_run_id(request, AG_EVENT_RUN_UPDATED, message.run_id);
    return ag_mlflow_empty(response, err);
}

/* ---- batches ---- */

static int check_count(const char *what, size_t count, size_t limit, ag_err *err)
{
    if (count <= limit) return AG_OK;
    return ag_fail(err, AG_EINVAL,
                   "A batch logging request can contain at most %zu %s. Got %zu %s. Please split up %s across "
                   "multiple requests and try again.",
                   limit, what, count, what, what);
}

static int check_batch(const ag_request *request, const log_batch *message, ag_err *err)
{
    size_t all = message->metrics.count + message->params.count + message->tags.count;
    if (request->body.size > MAX_BATCH_BYTES) {
        return ag_fail(err, AG_EINVAL,
                       "Batched logging API requests must be at most %d bytes, got a request of size %zu.",
                       MAX_BATCH_BYTES, request->body.size);
    }
    int rc = check_count("metrics", message->metrics.count, AG_MAX_BATCH_METRICS, err);
    if (rc >= 0) rc = check_count("params", message->params.count, AG_MAX_BATCH_PARAMS, err);
    if (rc >= 0) rc = check_count("tags", message->tags.count, AG_MAX_BATCH_TAGS, err);
    if (rc >= 0) rc = check_count("metrics, params, and tags", all, AG_MAX_BATCH_ENTITIES, err);
    return rc;
}

int ag_log_batch(ag_request *request, ag_response *response, ag_err *err)
{
    log_batch message;
    ag_run_batch batch = {0};
    ag_metric *metrics = NULL;
    int rc = ag_message_read(request, &ag_log_batch_message, &message, err);
    if (rc >= 0) rc = check_batch(request, &message, err);
    if (rc < 0) return rc;
    size_t count = message.metrics.count;
    if (!(metrics = ag_arena_array(request->arena, count + 1, sizeof(*metrics)))) return ag_fail_memory(err, count);
    for (size_t i = 0; i < count; i++) {
        rc = take_point((const point *)message.metrics.items + i, "metrics", i, &metrics[i], err);
        if (rc < 0) return rc;
    }
    batch.metrics = metrics;
    batch.metric_count = count;
    rc = ag_message_pairs(request->arena, message.params, AG_MAX_PARAM_VALUE, &batch.params, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.tags, AG_MAX_TAG_VALUE, &batch.tags, err);
    if (rc >= 0) rc = ag_run_log(request->ledger, ag_str_of(message.run_id), &batch, err);
    if (rc < 0) return rc;
    ag_notice_metrics(request, message.run_id, metrics, count);
    if (batch.params.count + batch.tags.count) ag_notice_run_id(request, AG_EVENT_RUN_UPDATED, message.run_id);
    return ag_mlflow_empty(response, err);
}
