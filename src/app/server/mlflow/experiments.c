// SPDX-License-Identifier: Apache-2.0
/* experiments.c: MLflow's routes of experiments. */
#include "ledger/experiment.h"

#include "app/server/mlflow/group.h"

enum { LARGEST_PAGE = 50000 };

/* ---- messages ---- */

typedef struct experiment_create {
    const char *name, *artifact_location;
    ag_list tags;
} experiment_create;
static const ag_field experiment_create_fields[] = {
    AG_TEXT_NEEDED(experiment_create, name, "Its name; no two have the same."),
    AG_TEXT_FIELD(experiment_create, artifact_location, "Where its artifacts go; absent: below the server's root."),
    AG_LIST_FIELD(experiment_create, tags, &ag_message_pair_description, "Tags to begin with."),
};
static const ag_description create_message = AG_MESSAGE(experiment_create, "A new experiment.");

typedef struct experiment_id {
    const char *experiment_id;
} experiment_id;
static const ag_field experiment_id_fields[] = {
    AG_TEXT_NEEDED(experiment_id, experiment_id, "The experiment."),
};
static const ag_description id_message = AG_MESSAGE(experiment_id, "One experiment.");

typedef struct experiment_name {
    const char *experiment_name;
} experiment_name;
static const ag_field experiment_name_fields[] = {
    AG_TEXT_NEEDED(experiment_name, experiment_name, "The experiment's name."),
};
static const ag_description name_message = AG_MESSAGE(experiment_name, "One experiment by its name.");

typedef struct experiment_update {
    const char *experiment_id, *new_name;
} experiment_update;
static const ag_field experiment_update_fields[] = {
    AG_TEXT_NEEDED(experiment_update, experiment_id, "The experiment."),
    AG_TEXT_NEEDED(experiment_update, new_name, "Its new name."),
};
static const ag_description update_message = AG_MESSAGE(experiment_update, "A new name.");

typedef struct experiment_tag {
    const char *experiment_id, *key, *value;
} experiment_tag;
static const ag_field experiment_tag_fields[] = {
    AG_TEXT_NEEDED(experiment_tag, experiment_id, "The experiment."),
    AG_TEXT_NEEDED(experiment_tag, key, "The tag's name."),
    AG_TEXT_FIELD(experiment_tag, value, "The tag's value."),
};
static const ag_description tag_message = AG_MESSAGE(experiment_tag, "A tag of an experiment.");

typedef struct experiment_search {
    int64_t max_results;
    const char *page_token, *filter, *view_type;
    ag_list order_by;
} experiment_search;
static const ag_field experiment_search_fields[] = {
    AG_PAGE_SIZE(experiment_search, max_results, LARGEST_PAGE),
    AG_PAGE_TOKEN(experiment_search),
    AG_FILTER(experiment_search),
    AG_ORDER_BY(experiment_search),
    AG_ONE_OF(experiment_search, view_type, ag_message_views, "Which: active ones, deleted ones or all."),
};
static const ag_description search_message = AG_MESSAGE(experiment_search, "Experiments by a filter, page by page.");

typedef struct dataset_search {
    ag_list experiment_ids;
} dataset_search;
static const ag_field dataset_search_fields[] = {
    AG_TEXTS_FIELD(dataset_search, experiment_ids, "1 to 20 experiments."),
};
static const ag_description datasets_message = AG_MESSAGE(dataset_search, "The data sets that runs have read.");

/* ---- handlers ---- */

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_create message;
    ag_pairs tags;
    const char *id = NULL;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.tags, AG_MAX_EXPERIMENT_TAG_VALUE, &tags, err);
    if (rc >= 0) {
        rc = ag_experiment_create(request->ledger, &request->actor, ag_str_of(message.name),
                                  ag_message_str(message.artifact_location), tags, request->arena, &id, err);
    }
    if (rc >= 0) rc = ag_mlflow_own(request, AG_RESOURCE_EXPERIMENT, ag_str_of(id), err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_put_text(json, "experiment_id", id);
    return ag_mlflow_end(response, json, err);
}

static int answer(ag_response *response, const ag_experiment *experiment, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "experiment");
    ag_write_experiment(json, experiment);
    return ag_mlflow_end(response, json, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_id message;
    ag_experiment found;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) {
        rc = ag_experiment_get(request->ledger, ag_str_of(message.experiment_id), request->arena, &found, err);
    }
    return rc < 0 ? rc : answer(response, &found, err);
}

static int get_by_name(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_name message;
    ag_experiment found;
    int rc = ag_message_read(request, &name_message, &message, err);
    if (rc >= 0) {
        rc = ag_experiment_by_name(request->ledger, ag_str_of(message.experiment_name), request->arena, &found, err);
    }
    return rc < 0 ? rc : answer(response, &found, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_id message;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) {
        rc = ag_experiment_delete(request->ledger, &request->actor, ag_str_of(message.experiment_id), err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int restore(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_id message;
    int rc = ag_message_read(request, &id_message, &message, err);
    if (rc >= 0) {
        rc = ag_experiment_restore(request->ledger, &request->actor, ag_str_of(message.experiment_id), err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int update(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_update message;
    int rc = ag_message_read(request, &update_message, &message, err);
    if (rc >= 0) {
        rc = ag_experiment_rename(request->ledger, &request->actor, ag_str_of(message.experiment_id),
                                  ag_str_of(message.new_name), err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int set_tag(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_tag message;
    int rc = ag_message_read(request, &tag_message, &message, err);
    if (rc < 0) return rc;
    ag_pair tag = {ag_str_of(message.key), ag_message_str(message.value)};
    rc = ag_experiment_set_tag(request->ledger, &request->actor, ag_str_of(message.experiment_id), tag, err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int delete_tag(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_tag message;
    int rc = ag_message_read(request, &tag_message, &message, err);
    if (rc >= 0) {
        rc = ag_experiment_delete_tag(request->ledger, &request->actor, ag_str_of(message.experiment_id),
                                      ag_str_of(message.key), err);
    }
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

static int search(ag_request *request, ag_response *response, ag_err *err)
{
    experiment_search message;
    ag_page_request page;
    ag_experiments found;
    int rc = ag_message_read(request, &search_message, &message, err);
    if (rc >= 0) {
        rc = ag_mlflow_page(request, message.filter, message.order_by, message.max_results, message.page_token, &page,
                            err);
    }
    if (rc >= 0) {
        rc = ag_experiment_search(request->ledger, ag_message_view(message.view_type), &page, request->arena, &found,
                                  err);
    }
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "experiments");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_experiment(json, &found.items[i]);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

enum { MOST_DATASET_EXPERIMENTS = 20 };

static int find_datasets(ag_request *request, const dataset_search *message, const ag_dataset_summary **out,
                         size_t *count, ag_err *err)
{
    ag_str *ids = NULL;
    size_t id_count = message->experiment_ids.count;
    if (id_count == 0) {
        return ag_fail(err, AG_EINVAL, "SearchDatasets request must specify at least one experiment_id.");
    }
    if (id_count > MOST_DATASET_EXPERIMENTS) {
        return ag_fail(err, AG_EINVAL,
                       "SearchDatasets request cannot specify more than %d experiment_ids. Received %zu "
                       "experiment_ids.",
                       MOST_DATASET_EXPERIMENTS, id_count);
    }
    int rc = ag_message_texts(request->arena, message->experiment_ids, &ids, err);
    if (rc >= 0) rc = ag_mlflow_keep_readable(request, ids, &id_count, err);
    return rc < 0 ? rc : ag_run_search_datasets(request->ledger, ids, id_count, request->arena, out, count, err);
}

static int search_datasets(ag_request *request, ag_response *response, ag_err *err)
{
    dataset_search message;
    const ag_dataset_summary *found = NULL;
    size_t count = 0;
    int rc = ag_message_read(request, &datasets_message, &message, err);
    if (rc >= 0) rc = find_datasets(request, &message, &found, &count, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (count) {
        ag_json_name(json, "dataset_summaries");
        ag_json_begin_array(json);
        for (size_t i = 0; i < count; i++) {
            ag_json_begin_object(json);
            ag_json_put_text(json, "experiment_id", found[i].experiment_id);
            ag_json_put_text(json, "name", found[i].name);
            ag_json_put_text(json, "digest", found[i].digest);
            ag_write_text(json, "context", found[i].context);
            ag_json_end_object(json);
        }
        ag_json_end_array(json);
    }
    return ag_mlflow_end(response, json, err);
}

/* ---- routes ---- */

static const ag_route routes[] = {
    {AG_METHOD_POST, "/experiments/create", AG_ANY_USER, AG_BODY_JSON, .summary = "Make an experiment",
     .describes = &create_message, .handle = create},
    {AG_METHOD_POST, "/experiments/search", AG_ANY_USER, AG_BODY_JSON, .summary = "Find experiments",
     .describes = &search_message, .handle = search},
    {AG_METHOD_GET, "/experiments/search", AG_ANY_USER, AG_BODY_NONE, .summary = "Find experiments",
     .describes = &search_message, .handle = search},
    {AG_METHOD_GET, "/experiments/get", AG_NEEDS(READER, experiment, "experiment_id"), AG_BODY_NONE,
     .summary = "Tell about an experiment", .describes = &id_message, .handle = get},
    {AG_METHOD_GET, "/experiments/get-by-name", AG_NEEDS(READER, experiment_name, "experiment_name"), AG_BODY_NONE,
     .summary = "Tell about an experiment of a name, deleted or not", .describes = &name_message,
     .handle = get_by_name},
    {AG_METHOD_POST, "/experiments/delete", AG_NEEDS(MANAGER, experiment, "experiment_id"), AG_BODY_JSON,
     .summary = "Delete an experiment, so that it can be restored",
     .doc = "Its active runs go with it, and come back with it.", .describes = &id_message, .handle = remove_one},
    {AG_METHOD_POST, "/experiments/restore", AG_NEEDS(MANAGER, experiment, "experiment_id"), AG_BODY_JSON,
     .summary = "Restore a deleted experiment", .describes = &id_message, .handle = restore},
    {AG_METHOD_POST, "/experiments/update", AG_NEEDS(EDITOR, experiment, "experiment_id"), AG_BODY_JSON,
     .summary = "Rename an experiment", .describes = &update_message, .handle = update},
    {AG_METHOD_POST, "/experiments/set-experiment-tag", AG_NEEDS(EDITOR, experiment, "experiment_id"), AG_BODY_JSON,
     .summary = "Set a tag of an experiment", .describes = &tag_message, .handle = set_tag},
    {AG_METHOD_POST, "/experiments/delete-experiment-tag", AG_NEEDS(EDITOR, experiment, "experiment_id"), AG_BODY_JSON,
     .summary = "Delete a tag of an experiment", .describes = &tag_message, .handle = delete_tag},
    {AG_METHOD_POST, "/experiments/search-datasets", AG_ANY_USER, AG_BODY_JSON,
     .summary = "List the data sets that runs of some experiments have read", .describes = &datasets_message,
     .handle = search_datasets},
};

const ag_route_group ag_route_group_mlflow_experiments = {
    .name = "MLflow experiments",
    .doc = "Named groups of runs.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
