// SPDX-License-Identifier: Apache-2.0
/* logged_models.c: MLflow 3's routes of logged models. Their files are in artifacts.c. */
#include "ledger/logged_model.h"

#include "app/server/mlflow/group.h"

/* ---- messages ---- */

typedef struct logged_create {
    const char *experiment_id, *name, *model_type, *source_run_id;
    ag_list params, tags;
} logged_create;
static const ag_field logged_create_fields[] = {
    AG_TEXT_NEEDED(logged_create, experiment_id, "Where it belongs."),
    AG_TEXT_FIELD(logged_create, name, "Its name; absent: one is made up."),
    AG_TEXT_FIELD(logged_create, model_type, "What kind of model."),
    AG_TEXT_FIELD(logged_create, source_run_id, "The run that makes it."),
    AG_LIST_FIELD(logged_create, params, &ag_message_pair_description, "Its parameters."),
    AG_LIST_FIELD(logged_create, tags, &ag_message_pair_description, "Tags to begin with."),
};
static const ag_description create_message = AG_MESSAGE(logged_create, "A new logged model.");

typedef struct logged_id {
    const char *model_id;
} logged_id;
static const ag_field logged_id_fields[] = {AG_TEXT_NEEDED(logged_id, model_id, "The logged model.")};
static const ag_description id_message = AG_MESSAGE(logged_id, "One logged model.");

/* In the order of the protocol's numbers, from 1. */
static const char *const statuses[] = {"LOGGED_MODEL_PENDING", "LOGGED_MODEL_READY", "LOGGED_MODEL_UPLOAD_FAILED",
                                       NULL};
typedef struct logged_finish {
    const char *model_id, *status;
} logged_finish;
static const ag_field logged_finish_fields[] = {
    AG_TEXT_NEEDED(logged_finish, model_id, "The logged model."),
    {.name = "status",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(logged_finish, status),
     .required = true,
     .choices = statuses,
     .doc = "What has become of it."},
};
static const ag_description finish_message = AG_MESSAGE(logged_finish, "The end of making a logged model.");

typedef struct logged_tags {
    const char *model_id;
    ag_list tags;
} logged_tags;
static const ag_field logged_tags_fields[] = {
    AG_TEXT_NEEDED(logged_tags, model_id, "The logged model."),
    AG_LIST_FIELD(logged_tags, tags, &ag_message_pair_description, "Tags to set."),
};
static const ag_description tags_message = AG_MESSAGE(logged_tags, "Tags of a logged model.");

typedef struct logged_params {
    const char *model_id;
    ag_list params;
} logged_params;
static const ag_field logged_params_fields[] = {
    AG_TEXT_NEEDED(logged_params, model_id, "The logged model."),
    AG_LIST_FIELD(logged_params, params, &ag_message_pair_description, "Parameters to add."),
};
static const ag_description params_message = AG_MESSAGE(logged_params, "Parameters of a logged model.");

typedef struct logged_key {
    const char *model_id, *tag_key;
} logged_key;
static const ag_field logged_key_fields[] = {
    AG_TEXT_NEEDED(logged_key, model_id, "The logged model."),
    AG_TEXT_NEEDED(logged_key, tag_key, "The tag's name."),
};
static const ag_description key_message = AG_MESSAGE(logged_key, "A tag's name.");

typedef struct logged_dataset {
    const char *dataset_name, *dataset_digest;
} logged_dataset;
static const ag_field logged_dataset_fields[] = {
    AG_TEXT_NEEDED(logged_dataset, dataset_name, "Its name."),
    AG_TEXT_FIELD(logged_dataset, dataset_digest, "Its digest; absent: any."),
};
static const ag_description dataset_message = AG_MESSAGE(logged_dataset, "A data set that metrics are about.");

typedef struct logged_order {
    const char *field_name, *dataset_name, *dataset_digest;
    bool ascending;
} logged_order;
static const ag_field logged_order_fields[] = {
    AG_TEXT_NEEDED(logged_order, field_name, "What to sort by."),
    {.name = "ascending",
     .type = AG_FIELD_BOOL,
     .offset = offsetof(logged_order, ascending),
     .fallback = "true",
     .doc = "From small to large."},
    AG_TEXT_FIELD(logged_order, dataset_name, "For metrics: on which data set."),
    AG_TEXT_FIELD(logged_order, dataset_digest, "And its digest."),
};
static const ag_description order_message = AG_MESSAGE(logged_order, "What to sort by.");

typedef struct logged_search {
    ag_list experiment_ids, datasets, order_by;
    const char *filter, *page_token;
    int64_t max_results;
} logged_search;
static const ag_field logged_search_fields[] = {
    {.name = "experiment_ids",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_TEXT,
     .offset = offsetof(logged_search, experiment_ids),
     .required = true,
     .doc = "Where to look."},
    AG_FILTER(logged_search),
    AG_LIST_FIELD(logged_search, datasets, &dataset_message, "Only models with metrics on one of these."),
    AG_INT_FIELD(logged_search, max_results, "The most models that the answer holds, at most 1,000; 50 when absent."),
    AG_LIST_FIELD(logged_search, order_by, &order_message, "What to sort by."),
    AG_PAGE_TOKEN(logged_search),
};
static const ag_description search_message = AG_MESSAGE(logged_search, "Logged models by a filter, page by page.");

/* ---- handlers ---- */

static int answer(ag_response *response, const ag_logged_model *model, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "model");
    ag_write_logged_model(json, model);
    return ag_mlflow_end(response, json, err);
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    logged_create message;
    ag_logged_model_new wanted = {0};
    ag_logged_model model;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.params, AG_MAX_PARAM_VALUE, &wanted.params, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.tags, AG_MAX_TAG_VALUE, &wanted.tags, err);
    if (rc < 0) return rc;
    wanted.experiment_id = ag_str_of(message.experiment_id);
    wanted.name = ag_message_str(message.name);
    wanted.model_type = ag_message_str(message.model_type);
    wanted.run_id = ag_message_str(message.source_run_id);
    rc = ag_logged_model_create(request->ledger, &request->actor, &wanted, request->arena, &model, err);
    return rc < 0 ? rc : answer(response, &model, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    logged_id message;
    ag_logged_model model;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_logged_model_get(request->ledger, ag_str_of(message.model_id), request->arena, &model, err);
    return rc < 0 ? rc : answer(response, &model, err);
}

static int finish(ag_request *request, ag_response *response, ag_err *err)
{
    logged_finish message;
    ag_logged_model model;
    int rc = ag_message_read(request, &finish_message, &message, err);
    if (rc < 0) return rc;
    ag_logged_status status = AG_LOGGED_PENDING;
    while (message.status != statuses[status - 1]) status++;
    rc = ag_logged_model_finish(request->ledger, &request->actor, ag_str_of(message.model_id), status, request->arena,
                                &model, err);
    return rc < 0 ? rc : answer(response, &model, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    logged_id message;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) rc = ag_logged_model_delete(request->ledger, &request->actor, ag_str_of(message.model_id), err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int set_tags(ag_request *request, ag_response *response, ag_err *err)
{
    logged_tags message;
    ag_pairs tags;
    ag_logged_model model;
    int rc = ag_message_read(request, &tags_message, &message, err);
    if (rc < 0) return rc;
    ag_str id = ag_str_of(message.model_id);
    rc = ag_message_pairs(request->arena, message.tags, AG_MAX_TAG_VALUE, &tags, err);
    if (rc >= 0) rc = ag_logged_model_set_tags(request->ledger, &request->actor, id, tags, err);
    if (rc >= 0) rc = ag_logged_model_get(request->ledger, id, request->arena, &model, err);
    return rc < 0 ? rc : answer(response, &model, err);
}

static int delete_tag(ag_request *request, ag_response *response, ag_err *err)
{
    logged_key message;
    int rc = ag_message_read(request, &key_message, &message, err);
    if (rc >= 0) {
        rc = ag_logged_model_delete_tag(request->ledger, &request->actor, ag_str_of(message.model_id),
                                        ag_str_of(message.tag_key), err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int log_params(ag_request *request, ag_response *response, ag_err *err)
{
    logged_params message;
    ag_pairs params;
    int rc = ag_message_read(request, &params_message, &message, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.params, AG_MAX_PARAM_VALUE, &params, err);
    if (rc >= 0) {
        rc = ag_logged_model_log_params(request->ledger, &request->actor, ag_str_of(message.model_id), params, err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

/* ---- searching ---- */

/* "metrics.my metric" becomes "metrics.`my metric` DESC": the search language has one form of order. */
static int order_text(ag_arena *arena, const logged_order *from, ag_str *out, ag_err *err)
{
    const char *dot = strchr(from->field_name, '.'), *way = from->ascending ? "ASC" : "DESC";
    bool quoted = strpbrk(from->field_name, "`\"") != NULL;
    const char *text = dot && !quoted ? ag_arena_printf(arena, "%.*s.`%s` %s", (int)(dot - from->field_name),
                                                        from->field_name, dot + 1, way)
                                      : ag_arena_printf(arena, "%s %s", from->field_name, way);
    if (!text) return ag_fail_memory(err, strlen(from->field_name));
    *out = ag_str_of(text);
    return AG_OK;
}

static int make_page(const ag_request *request, const logged_search *message, ag_page_request *page, ag_err *err)
{
    size_t count = message->order_by.count;
    ag_str *order = ag_arena_array(request->arena, count + 1, sizeof(*order));
    ag_pair *datasets = ag_arena_array(request->arena, count + 1, sizeof(*datasets));
    if (!order || !datasets) return ag_fail_memory(err, count);
    int rc =
        ag_mlflow_page(request, message->filter, (ag_list){0}, message->max_results, message->page_token, page, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const logged_order *from = (const logged_order *)message->order_by.items + i;
        datasets[i] = (ag_pair){ag_message_str(from->dataset_name), ag_message_str(from->dataset_digest)};
        rc = order_text(request->arena, from, &order[i], err);
    }
    page->order_datasets = datasets;
    page->order_by = order;
    page->order_count = count;
    return rc;
}

static int make_datasets(const ag_request *request, ag_list list, ag_pair **out, ag_err *err)
{
    const logged_dataset *from = list.items;
    ag_pair *pairs = ag_arena_array(request->arena, list.count + 1, sizeof(*pairs));
    if (!pairs) return ag_fail_memory(err, list.count);
    for (size_t i = 0; i < list.count; i++) {
        pairs[i] = (ag_pair){ag_str_of(from[i].dataset_name), ag_message_str(from[i].dataset_digest)};
    }
    *out = pairs;
    return AG_OK;
}

static int search(ag_request *request, ag_response *response, ag_err *err)
{
    logged_search message;
    ag_page_request page;
    ag_str *ids = NULL;
    ag_pair *datasets = NULL;
    ag_logged_models found;
    int rc = ag_message_read(request, &search_message, &message, err);
    size_t count = message.experiment_ids.count;
    if (rc >= 0) rc = make_page(request, &message, &page, err);
    if (rc >= 0) rc = make_datasets(request, message.datasets, &datasets, err);
    if (rc >= 0) rc = ag_message_texts(request->arena, message.experiment_ids, &ids, err);
    if (rc >= 0) rc = ag_mlflow_keep_readable(request, ids, &count, err);
    if (rc >= 0) {
        rc = ag_logged_model_search(request->ledger, ids, count, datasets, message.datasets.count, &page,
                                    request->arena, &found, err);
    }
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "models");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_logged_model(json, &found.items[i]);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

/* ---- routes ---- */

#define NEEDS(role) AG_NEEDS(role, logged_model, "model_id")

static const ag_route routes[] = {
    {AG_METHOD_POST, "/logged-models", AG_NEEDS(EDITOR, experiment, "experiment_id"), AG_BODY_JSON,
     .summary = "Begin a logged model", .describes = &create_message, .handle = create},
    {AG_METHOD_POST, "/logged-models/search", AG_ANY_USER, AG_BODY_JSON, .summary = "Find logged models",
     .describes = &search_message, .handle = search},
    {AG_METHOD_GET, "/logged-models/{model_id}", NEEDS(READER), AG_BODY_NONE, .summary = "Tell about a logged model",
     .handle = get},
    {AG_METHOD_PATCH, "/logged-models/{model_id}", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Finish a logged model",
     .describes = &finish_message, .handle = finish},
    {AG_METHOD_DELETE, "/logged-models/{model_id}", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Delete a logged model",
     .handle = remove_one},
    {AG_METHOD_PATCH, "/logged-models/{model_id}/tags", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Set tags of a logged model", .describes = &tags_message, .handle = set_tags},
    {AG_METHOD_DELETE, "/logged-models/{model_id}/tags/{tag_key}", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Delete a tag of a logged model", .handle = delete_tag},
    {AG_METHOD_POST, "/logged-models/{model_id}/params", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Add parameters to a logged model", .describes = &params_message, .handle = log_params},
};

const ag_route_group ag_route_group_mlflow_logged_models = {
    .name = "MLflow logged models",
    .doc = "Models that runs make, between a run and the registry.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
