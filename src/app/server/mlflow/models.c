// SPDX-License-Identifier: Apache-2.0
/* models.c: MLflow's routes of registered models and their aliases. */
#include "ledger/model.h"

#include "app/server/mlflow/group.h"

enum { LARGEST_PAGE = 1000 };

/* ---- messages ---- */

typedef struct model_create {
    const char *name, *description;
    ag_list tags;
} model_create;
static const ag_field model_create_fields[] = {
    AG_TEXT_NEEDED(model_create, name, "Its name; no two have the same."),
    AG_TEXT_FIELD(model_create, description, "What it is for."),
    AG_LIST_FIELD(model_create, tags, &ag_message_pair_description, "Tags to begin with."),
};
static const ag_description create_message = AG_MESSAGE(model_create, "A new registered model.");

typedef struct model_name {
    const char *name;
} model_name;
static const ag_field model_name_fields[] = {AG_TEXT_NEEDED(model_name, name, "The model.")};
static const ag_description name_message = AG_MESSAGE(model_name, "One registered model.");

typedef struct model_rename {
    const char *name, *new_name;
} model_rename;
static const ag_field model_rename_fields[] = {
    AG_TEXT_NEEDED(model_rename, name, "The model."),
    AG_TEXT_NEEDED(model_rename, new_name, "Its new name."),
};
static const ag_description rename_message = AG_MESSAGE(model_rename, "A new name.");

typedef struct model_update {
    const char *name, *description;
} model_update;
static const ag_field model_update_fields[] = {
    AG_TEXT_NEEDED(model_update, name, "The model."),
    AG_TEXT_FIELD(model_update, description, "What it is for."),
};
static const ag_description update_message = AG_MESSAGE(model_update, "A new description.");

typedef struct model_search {
    const char *filter, *page_token;
    int64_t max_results;
    ag_list order_by;
} model_search;
static const ag_field model_search_fields[] = {
    AG_FILTER(model_search),
    AG_PAGE_SIZE(model_search, max_results, LARGEST_PAGE),
    AG_ORDER_BY(model_search),
    AG_PAGE_TOKEN(model_search),
};
static const ag_description search_message = AG_MESSAGE(model_search, "Models by a filter, page by page.");

typedef struct model_latest {
    const char *name;
    ag_list stages;
} model_latest;
static const ag_field model_latest_fields[] = {
    AG_TEXT_NEEDED(model_latest, name, "The model."),
    AG_TEXTS_FIELD(model_latest, stages, "Of which stages; absent: of all."),
};
static const ag_description latest_message = AG_MESSAGE(model_latest, "The newest versions of a model.");

typedef struct model_tag {
    const char *name, *key, *value;
} model_tag;
static const ag_field model_tag_fields[] = {
    AG_TEXT_NEEDED(model_tag, name, "The model."),
    AG_TEXT_NEEDED(model_tag, key, "The tag's name."),
    AG_TEXT_FIELD(model_tag, value, "The tag's value."),
};
static const ag_description tag_message = AG_MESSAGE(model_tag, "A tag of a model.");

typedef struct model_alias {
    const char *name, *alias, *version;
} model_alias;
static const ag_field model_alias_fields[] = {
    AG_TEXT_NEEDED(model_alias, name, "The model."),
    AG_TEXT_NEEDED(model_alias, alias, "The alias."),
    AG_TEXT_NEEDED(model_alias, version, "The version that it stands for."),
};
static const ag_description alias_message = AG_MESSAGE(model_alias, "An alias of a version.");

typedef struct alias_name {
    const char *name, *alias;
} alias_name;
static const ag_field alias_name_fields[] = {
    AG_TEXT_NEEDED(alias_name, name, "The model."),
    AG_TEXT_NEEDED(alias_name, alias, "The alias."),
};
static const ag_description alias_name_message = AG_MESSAGE(alias_name, "One alias of a model.");

/* ---- handlers ---- */

static int answer(ag_response *response, const ag_registered_model *model, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "registered_model");
    ag_write_model(json, model);
    return ag_mlflow_end(response, json, err);
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    model_create message;
    ag_pairs tags;
    ag_registered_model model;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.tags, 0, &tags, err);
    if (rc >= 0) {
        rc = ag_model_create(request->ledger, &request->actor, ag_str_of(message.name),
                             ag_message_str(message.description), tags, request->arena, &model, err);
    }
    if (rc >= 0) rc = ag_mlflow_own(request, AG_RESOURCE_MODEL, ag_str_of(model.name), err);
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_MODEL,
                                             .what = "created",
                                             .name = model.name,
                                             .description = message.description,
                                             .tags = tags});
    return answer(response, &model, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    model_name message;
    ag_registered_model model;
    int rc = ag_message_read(request, &name_message, &message, err);
    if (rc >= 0) rc = ag_model_get(request->ledger, ag_str_of(message.name), request->arena, &model, err);
    return rc < 0 ? rc : answer(response, &model, err);
}

static int rename_one(ag_request *request, ag_response *response, ag_err *err)
{
    model_rename message;
    ag_registered_model model;
    int rc = ag_message_read(request, &rename_message, &message, err);
    if (rc >= 0) {
        rc = ag_model_rename(request->ledger, &request->actor, ag_str_of(message.name), ag_str_of(message.new_name),
                             request->arena, &model, err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_MODEL, .what = "updated", .name = model.name});
    return answer(response, &model, err);
}

static int update(ag_request *request, ag_response *response, ag_err *err)
{
    model_update message;
    ag_registered_model model;
    int rc = ag_message_read(request, &update_message, &message, err);
    if (rc >= 0) {
        rc = ag_model_describe(request->ledger, &request->actor, ag_str_of(message.name),
                               ag_message_str(message.description), request->arena, &model, err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_MODEL, .what = "updated", .name = message.name});
    return answer(response, &model, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    model_name message;
    int rc = ag_message_read(request, &name_message, &message, err);
    if (rc >= 0) rc = ag_model_delete(request->ledger, &request->actor, ag_str_of(message.name), err);
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_MODEL, .what = "deleted", .name = message.name});
    return ag_mlflow_empty(response, err);
}

static int search(ag_request *request, ag_response *response, ag_err *err)
{
    model_search message;
    ag_page_request page;
    ag_models found;
    int rc = ag_message_read(request, &search_message, &message, err);
    if (rc >= 0) {
        rc = ag_mlflow_page(request, message.filter, message.order_by, message.max_results, message.page_token, &page,
                            err);
    }
    if (rc >= 0) rc = ag_model_search(request->ledger, &page, request->arena, &found, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "registered_models");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_model(json, &found.items[i]);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

static int read_stages(const ag_request *request, ag_list list, ag_stage **out, ag_err *err)
{
    const char *const *names = list.items;
    ag_stage *stages = ag_arena_array(request->arena, list.count + 1, sizeof(*stages));
    if (!stages) return ag_fail_memory(err, list.count);
    for (size_t i = 0; i < list.count; i++) {
        if (ag_stage_parse(ag_str_of(names[i]), &stages[i])) continue;
        return ag_fail(err, AG_EINVAL,
                       "Invalid Model Version stage: %.100s. Value must be one of None, Staging, Production, Archived.",
                       names[i]);
    }
    *out = stages;
    return AG_OK;
}

static int latest(ag_request *request, ag_response *response, ag_err *err)
{
    model_latest message;
    ag_stage *stages = NULL;
    ag_versions found;
    int rc = ag_message_read(request, &latest_message, &message, err);
    if (rc >= 0) rc = read_stages(request, message.stages, &stages, err);
    if (rc >= 0) {
        rc = ag_model_latest(request->ledger, ag_str_of(message.name), stages, message.stages.count, request->arena,
                             &found, err);
    }
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "model_versions");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_version(json, &found.items[i]);
        ag_json_end_array(json);
    }
    return ag_mlflow_end(response, json, err);
}

static int set_tag(ag_request *request, ag_response *response, ag_err *err)
{
    model_tag message;
    int rc = ag_message_read(request, &tag_message, &message, err);
    if (rc < 0) return rc;
    ag_pair tag = {ag_str_of(message.key), ag_message_str(message.value)};
    rc = ag_model_set_tag(request->ledger, &request->actor, ag_str_of(message.name), tag, err);
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_MODEL_TAG,
                                             .what = "set",
                                             .name = message.name,
                                             .key = message.key,
                                             .value = message.value});
    return ag_mlflow_empty(response, err);
}

static int delete_tag(ag_request *request, ag_response *response, ag_err *err)
{
    model_tag message;
    int rc = ag_message_read(request, &tag_message, &message, err);
    if (rc >= 0) {
        rc =
            ag_model_delete_tag(request->ledger, &request->actor, ag_str_of(message.name), ag_str_of(message.key), err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(
        request, &(ag_notice){.of = AG_NOTICE_MODEL_TAG, .what = "deleted", .name = message.name, .key = message.key});
    return ag_mlflow_empty(response, err);
}

/* ---- aliases ---- */

static int set_alias(ag_request *request, ag_response *response, ag_err *err)
{
    model_alias message;
    int64_t version;
    int rc = ag_message_read(request, &alias_message, &message, err);
    if (rc >= 0) rc = ag_message_number("version", message.version, &version, err);
    if (rc >= 0) {
        rc = ag_alias_set(request->ledger, &request->actor, ag_str_of(message.name), ag_str_of(message.alias), version,
                          err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_ALIAS,
                                             .what = "created",
                                             .name = message.name,
                                             .version = message.version,
                                             .alias = message.alias});
    return ag_mlflow_empty(response, err);
}

static int delete_alias(ag_request *request, ag_response *response, ag_err *err)
{
    alias_name message;
    int rc = ag_message_read(request, &alias_name_message, &message, err);
    if (rc >= 0) {
        rc = ag_alias_delete(request->ledger, &request->actor, ag_str_of(message.name), ag_str_of(message.alias), err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(
        request, &(ag_notice){.of = AG_NOTICE_ALIAS, .what = "deleted", .name = message.name, .alias = message.alias});
    return ag_mlflow_empty(response, err);
}

static int get_alias(ag_request *request, ag_response *response, ag_err *err)
{
    alias_name message;
    ag_version version;
    int rc = ag_message_read(request, &alias_name_message, &message, err);
    if (rc >= 0) {
        rc = ag_alias_get(request->ledger, ag_str_of(message.name), ag_str_of(message.alias), request->arena, &version,
                          err);
    }
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "model_version");
    ag_write_version(json, &version);
    return ag_mlflow_end(response, json, err);
}

/* ---- routes ---- */

#define NEEDS(role) AG_NEEDS(role, model, "name")

static const ag_route routes[] = {
    {AG_METHOD_POST, "/registered-models/create", AG_ANY_USER, AG_BODY_JSON, .summary = "Register a model's name",
     .describes = &create_message, .handle = create},
    {AG_METHOD_GET, "/registered-models/get", NEEDS(READER), AG_BODY_NONE, .summary = "Tell about a registered model",
     .describes = &name_message, .handle = get},
    {AG_METHOD_POST, "/registered-models/rename", NEEDS(MANAGER), AG_BODY_JSON, .summary = "Rename a registered model",
     .doc = "It keeps its versions, tags and aliases.", .describes = &rename_message, .handle = rename_one},
    {AG_METHOD_PATCH, "/registered-models/update", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Describe a registered model", .describes = &update_message, .handle = update},
    {AG_METHOD_DELETE, "/registered-models/delete", NEEDS(MANAGER), AG_BODY_JSON,
     .summary = "Delete a registered model with its versions", .describes = &name_message, .handle = remove_one},
    {AG_METHOD_GET, "/registered-models/search", AG_ANY_USER, AG_BODY_NONE, .summary = "Find registered models",
     .describes = &search_message, .handle = search},
    {AG_METHOD_POST, "/registered-models/get-latest-versions", NEEDS(READER), AG_BODY_JSON,
     .summary = "List the newest version of each stage", .describes = &latest_message, .handle = latest},
    {AG_METHOD_GET, "/registered-models/get-latest-versions", NEEDS(READER), AG_BODY_NONE,
     .summary = "List the newest version of each stage", .describes = &latest_message, .handle = latest},
    {AG_METHOD_POST, "/registered-models/set-tag", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Set a tag of a registered model", .describes = &tag_message, .handle = set_tag},
    {AG_METHOD_DELETE, "/registered-models/delete-tag", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Delete a tag of a registered model", .describes = &tag_message, .handle = delete_tag},
    {AG_METHOD_POST, "/registered-models/alias", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Point an alias at a version",
     .describes = &alias_message, .handle = set_alias},
    {AG_METHOD_DELETE, "/registered-models/alias", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Delete an alias",
     .describes = &alias_name_message, .handle = delete_alias},
    {AG_METHOD_GET, "/registered-models/alias", NEEDS(READER), AG_BODY_NONE,
     .summary = "Tell which version an alias stands for", .describes = &alias_name_message, .handle = get_alias},
};

const ag_route_group ag_route_group_mlflow_models = {
    .name = "MLflow registered models",
    .doc = "Models by name, and their aliases.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
