// SPDX-License-Identifier: Apache-2.0
/* versions.c: MLflow's routes of model versions. Where a version's files may come from is checked in the ledger. */
#include "app/server/mlflow/group.h"
#include "ledger/artifact.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"

enum { LARGEST_PAGE = 200000 };

/* ---- messages ---- */

typedef struct version_create {
    const char *name, *source, *run_id, *run_link, *description, *model_id;
    ag_list tags;
} version_create;
static const ag_field version_create_fields[] = {
    AG_TEXT_NEEDED(version_create, name, "The registered model."),
    AG_TEXT_NEEDED(version_create, source, "Where its files are; a local path must lie in the run's artifacts."),
    AG_TEXT_FIELD(version_create, run_id, "The run that made it."),
    AG_LIST_FIELD(version_create, tags, &ag_message_pair_description, "Tags to begin with."),
    AG_TEXT_FIELD(version_create, run_link, "An address of the run, for people."),
    AG_TEXT_FIELD(version_create, description, "What is special about it."),
    AG_TEXT_FIELD(version_create, model_id, "The logged model that it is."),
};
static const ag_description create_message = AG_MESSAGE(version_create, "A new version.");

typedef struct version_id {
    const char *name, *version;
} version_id;
static const ag_field version_id_fields[] = {
    AG_TEXT_NEEDED(version_id, name, "The registered model."),
    AG_TEXT_NEEDED(version_id, version, "The version's number."),
};
static const ag_description id_message = AG_MESSAGE(version_id, "One version.");

typedef struct version_update {
    const char *name, *version, *description;
} version_update;
static const ag_field version_update_fields[] = {
    AG_TEXT_NEEDED(version_update, name, "The registered model."),
    AG_TEXT_NEEDED(version_update, version, "The version's number."),
    AG_TEXT_FIELD(version_update, description, "What is special about it."),
};
static const ag_description update_message = AG_MESSAGE(version_update, "A new description.");

typedef struct version_stage {
    const char *name, *version, *stage;
    bool archive_existing_versions;
} version_stage;
static const ag_field version_stage_fields[] = {
    AG_TEXT_NEEDED(version_stage, name, "The registered model."),
    AG_TEXT_NEEDED(version_stage, version, "The version's number."),
    AG_TEXT_NEEDED(version_stage, stage, "None, Staging, Production or Archived, in any case."),
    AG_BOOL_FIELD(version_stage, archive_existing_versions, "Archive the others of that stage."),
};
static const ag_description stage_message = AG_MESSAGE(version_stage, "A new stage.");

typedef struct version_search {
    const char *filter, *page_token;
    int64_t max_results;
    ag_list order_by;
} version_search;
static const ag_field version_search_fields[] = {
    AG_FILTER(version_search),
    AG_PAGE_SIZE(version_search, max_results, LARGEST_PAGE),
    AG_ORDER_BY(version_search),
    AG_PAGE_TOKEN(version_search),
};
static const ag_description search_message = AG_MESSAGE(version_search, "Versions by a filter, page by page.");

typedef struct version_tag {
    const char *name, *version, *key, *value;
} version_tag;
static const ag_field version_tag_fields[] = {
    AG_TEXT_NEEDED(version_tag, name, "The registered model."),
    AG_TEXT_NEEDED(version_tag, version, "The version's number."),
    AG_TEXT_NEEDED(version_tag, key, "The tag's name."),
    AG_TEXT_FIELD(version_tag, value, "The tag's value."),
};
static const ag_description tag_message = AG_MESSAGE(version_tag, "A tag of a version.");

/* ---- handlers ---- */

static int answer(ag_response *response, const ag_version *version, ag_err *err)
{
    ag_json *json = ag_mlflow_begin(response);
    ag_json_name(json, "model_version");
    ag_write_version(json, version);
    return ag_mlflow_end(response, json, err);
}

/* An address of this server's own store, by whatever scheme, must be below an experiment that the asker may read. What
 * leads elsewhere is not ours to guard, and local paths are the ledger's to check: it wants them in the run. */
static int check_store(const ag_request *request, const version_create *message, ag_err *err)
{
    static const char proxy[] = "/api/2.0/mlflow-artifacts/artifacts/";
    ag_uri uri;
    ag_artifact_place place;
    ag_str path = ag_str_of(message->source);
    if (ag_str_starts(path, AG_STR("/")) || ag_str_find_char(path, ':', 0) == SIZE_MAX) return AG_OK;
    int rc = ag_uri_parse(request->arena, path, NULL, &uri, NULL);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, path.size);
    if (rc < 0) return ag_fail(err, AG_EDENIED, "Permission denied"); /* nobody can tell what that opens */
    path = uri.path;
    bool store = ag_str_is(uri.scheme, "mlflow-artifacts");
    if (ag_str_starts(path, ag_str_of(proxy))) {
        path = ag_str_slice(path, sizeof(proxy) - 1, path.size);
        store = true;
    }
    if (store) {
        while (path.size && path.data[0] == '/') path = ag_str_slice(path, 1, path.size);
        const char *text = ag_arena_strndup(request->arena, path.data ? path.data : "", path.size);
        return text ? ag_mlflow_may(request, &ag_scope_artifact, text, AG_ROLE_READER, err)
                    : ag_fail_memory(err, path.size);
    }
    if (!ag_str_is(uri.scheme, "s3")) return AG_OK;
    rc = ag_artifact_resolve(request->ledger, message->source, AG_STR(""), request->arena, &place, NULL);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, path.size);
    return rc < 0 ? AG_OK : ag_fail(err, AG_EDENIED, "Permission denied");
}

/* runs:/ID/path, models:/m-ID, models:/NAME/3, models:/NAME@alias: each opens what it names. */
static int check_source(const ag_request *request, const version_create *message, ag_err *err)
{
    ag_str source = ag_str_of(message->source);
    bool run = ag_str_starts(source, AG_STR("runs:/")), model = ag_str_starts(source, AG_STR("models:/"));
    if (request->who.admin) return AG_OK;
    if (!run && !model) return check_store(request, message, err);
    ag_str name = ag_str_slice(source, run ? 6 : 8, source.size);
    while (name.size && name.data[0] == '/') name = ag_str_slice(name, 1, name.size);
    bool logged = model && ag_str_starts(name, AG_STR("m-"));
    size_t end = 0;
    while (end < name.size && name.data[end] != '/' && !(model && !logged && name.data[end] == '@')) end++;
    const char *id = ag_arena_strndup(request->arena, name.data ? name.data : "", end);
    if (!id) return ag_fail_memory(err, end);
    const ag_scope *scope = run ? &ag_scope_run : logged ? &ag_scope_logged_model : &ag_scope_model;
    int rc = ag_mlflow_may(request, scope, id, AG_ROLE_READER, err);
    if (rc == AG_ENOTFOUND) return AG_OK; /* leads nowhere; the ledger says so in its own words */
    return rc;
}

/* What a version is made from must be the asker's to read, or a name would open what its run does not. */
static int check_origin(const ag_request *request, const version_create *message, ag_err *err)
{
    int rc = AG_OK;
    if (message->run_id && *message->run_id) {
        rc = ag_mlflow_may(request, &ag_scope_run, message->run_id, AG_ROLE_READER, err);
    }
    if (rc >= 0 && message->model_id && *message->model_id) {
        rc = ag_mlflow_may(request, &ag_scope_logged_model, message->model_id, AG_ROLE_READER, err);
    }
    return rc < 0 ? rc : check_source(request, message, err);
}

/* A version of a logged model comes from the run that made that, also when the client does not say so. */
static int find_run(const ag_request *request, ag_version_new *wanted, ag_err *err)
{
    static const ag_str scheme = {"models:/m-", 10};
    ag_logged_model model;
    ag_str id = wanted->model_id;
    if (wanted->run_id.size) return AG_OK;
    if (!id.size && ag_str_starts(wanted->source, scheme)) id = ag_str_slice(wanted->source, 8, wanted->source.size);
    if (!id.size) return AG_OK;
    int rc = ag_logged_model_get(request->ledger, id, request->arena, &model, err);
    if (rc >= 0) wanted->run_id = ag_message_str(model.run_id);
    return rc == AG_ENOTFOUND ? AG_OK : rc; /* the ledger says it in its own words */
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    version_create message;
    ag_version_new wanted = {0};
    ag_version version;
    int rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = check_origin(request, &message, err);
    if (rc >= 0) rc = ag_message_pairs(request->arena, message.tags, 0, &wanted.tags, err);
    if (rc < 0) return rc;
    wanted.model = ag_str_of(message.name);
    wanted.source = ag_str_of(message.source);
    wanted.run_id = ag_message_str(message.run_id);
    wanted.run_link = ag_message_str(message.run_link);
    wanted.description = ag_message_str(message.description);
    wanted.model_id = ag_message_str(message.model_id);
    rc = find_run(request, &wanted, err);
    if (rc < 0) return rc;
    rc = ag_version_create(request->ledger, &request->actor, &wanted, request->arena, &version, err);
    if (rc < 0) return rc;
    ag_notice_registry(request,
                       &(ag_notice){.of = AG_NOTICE_VERSION,
                                    .what = "created",
                                    .name = version.model,
                                    .version = ag_arena_printf(request->arena, "%lld", (long long)version.number),
                                    .source = version.source,
                                    .run_id = version.run_id,
                                    .description = message.description,
                                    .tags = wanted.tags});
    return answer(response, &version, err);
}

static int read_id(const ag_request *request, version_id *message, int64_t *number, ag_err *err)
{
    int rc = ag_message_read(request, &id_message, message, err);
    return rc < 0 ? rc : ag_message_number("version", message->version, number, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    version_id message;
    int64_t number;
    ag_version version;
    int rc = read_id(request, &message, &number, err);
    if (rc >= 0) rc = ag_version_get(request->ledger, ag_str_of(message.name), number, request->arena, &version, err);
    return rc < 0 ? rc : answer(response, &version, err);
}

static int download_uri(ag_request *request, ag_response *response, ag_err *err)
{
    version_id message;
    int64_t number;
    ag_version version;
    int rc = read_id(request, &message, &number, err);
    if (rc >= 0) rc = ag_version_get(request->ledger, ag_str_of(message.name), number, request->arena, &version, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_put_text(json, "artifact_uri", version.storage ? version.storage : version.source);
    return ag_mlflow_end(response, json, err);
}

static int remove_one(ag_request *request, ag_response *response, ag_err *err)
{
    version_id message;
    int64_t number;
    int rc = read_id(request, &message, &number, err);
    if (rc >= 0) rc = ag_version_delete(request->ledger, &request->actor, ag_str_of(message.name), number, err);
    if (rc < 0) return rc;
    ag_notice_registry(
        request,
        &(ag_notice){.of = AG_NOTICE_VERSION, .what = "deleted", .name = message.name, .version = message.version});
    return ag_mlflow_empty(response, err);
}

static int update(ag_request *request, ag_response *response, ag_err *err)
{
    version_update message;
    int64_t number;
    ag_version version;
    int rc = ag_message_read(request, &update_message, &message, err);
    if (rc >= 0) rc = ag_message_number("version", message.version, &number, err);
    if (rc >= 0) {
        rc = ag_version_describe(request->ledger, &request->actor, ag_str_of(message.name), number,
                                 ag_message_str(message.description), request->arena, &version, err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(
        request,
        &(ag_notice){.of = AG_NOTICE_VERSION, .what = "updated", .name = message.name, .version = message.version});
    return answer(response, &version, err);
}

static int transition(ag_request *request, ag_response *response, ag_err *err)
{
    version_stage message;
    int64_t number;
    ag_stage stage;
    ag_version version;
    int rc = ag_message_read(request, &stage_message, &message, err);
    if (rc >= 0) rc = ag_message_number("version", message.version, &number, err);
    if (rc < 0) return rc;
    if (!ag_stage_parse(ag_str_of(message.stage), &stage)) {
        return ag_fail(err, AG_EINVAL,
                       "Invalid Model Version stage: %.100s. Value must be one of None, Staging, Production, Archived.",
                       message.stage);
    }
    rc = ag_version_stage(request->ledger, &request->actor, ag_str_of(message.name), number, stage,
                          message.archive_existing_versions, request->arena, &version, err);
    if (rc < 0) return rc;
    ag_notice_registry(
        request,
        &(ag_notice){.of = AG_NOTICE_VERSION, .what = "updated", .name = message.name, .version = message.version});
    return answer(response, &version, err);
}

static int search(ag_request *request, ag_response *response, ag_err *err)
{
    version_search message;
    ag_page_request page;
    ag_versions found;
    int rc = ag_message_read(request, &search_message, &message, err);
    if (rc >= 0) {
        rc = ag_mlflow_page(request, message.filter, message.order_by, message.max_results, message.page_token, &page,
                            err);
    }
    if (rc >= 0) rc = ag_version_search(request->ledger, &page, request->arena, &found, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    if (found.count) {
        ag_json_name(json, "model_versions");
        ag_json_begin_array(json);
        for (size_t i = 0; i < found.count; i++) ag_write_version(json, &found.items[i]);
        ag_json_end_array(json);
    }
    ag_write_next(json, found.next);
    return ag_mlflow_end(response, json, err);
}

static int read_tag(const ag_request *request, version_tag *message, int64_t *number, ag_err *err)
{
    int rc = ag_message_read(request, &tag_message, message, err);
    return rc < 0 ? rc : ag_message_number("version", message->version, number, err);
}

static int set_tag(ag_request *request, ag_response *response, ag_err *err)
{
    version_tag message;
    int64_t number;
    int rc = read_tag(request, &message, &number, err);
    if (rc < 0) return rc;
    ag_pair tag = {ag_str_of(message.key), ag_message_str(message.value)};
    rc = ag_version_set_tag(request->ledger, &request->actor, ag_str_of(message.name), number, tag, err);
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_VERSION_TAG,
                                             .what = "set",
                                             .name = message.name,
                                             .version = message.version,
                                             .key = message.key,
                                             .value = message.value});
    return ag_mlflow_empty(response, err);
}

static int delete_tag(ag_request *request, ag_response *response, ag_err *err)
{
    version_tag message;
    int64_t number;
    int rc = read_tag(request, &message, &number, err);
    if (rc >= 0) {
        rc = ag_version_delete_tag(request->ledger, &request->actor, ag_str_of(message.name), number,
                                   ag_str_of(message.key), err);
    }
    if (rc < 0) return rc;
    ag_notice_registry(request, &(ag_notice){.of = AG_NOTICE_VERSION_TAG,
                                             .what = "deleted",
                                             .name = message.name,
                                             .version = message.version,
                                             .key = message.key});
    return ag_mlflow_empty(response, err);
}

/* ---- routes ---- */

#define NEEDS(role) AG_NEEDS(role, model, "name")

static const ag_route routes[] = {
    {AG_METHOD_POST, "/model-versions/create", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Add a version to a model",
     .describes = &create_message, .handle = create},
    {AG_METHOD_GET, "/model-versions/get", NEEDS(READER), AG_BODY_NONE, .summary = "Tell about a version",
     .describes = &id_message, .handle = get},
    {AG_METHOD_PATCH, "/model-versions/update", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Describe a version",
     .describes = &update_message, .handle = update},
    {AG_METHOD_POST, "/model-versions/transition-stage", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Move a version to a stage", .describes = &stage_message, .handle = transition},
    {AG_METHOD_DELETE, "/model-versions/delete", NEEDS(MANAGER), AG_BODY_JSON, .summary = "Delete a version",
     .doc = "Its number is not used again.", .describes = &id_message, .handle = remove_one},
    {AG_METHOD_GET, "/model-versions/search", AG_ANY_USER, AG_BODY_NONE, .summary = "Find versions",
     .describes = &search_message, .handle = search},
    {AG_METHOD_GET, "/model-versions/get-download-uri", NEEDS(READER), AG_BODY_NONE,
     .summary = "Tell where a version's files are", .describes = &id_message, .handle = download_uri},
    {AG_METHOD_POST, "/model-versions/set-tag", NEEDS(EDITOR), AG_BODY_JSON, .summary = "Set a tag of a version",
     .describes = &tag_message, .handle = set_tag},
    {AG_METHOD_DELETE, "/model-versions/delete-tag", NEEDS(EDITOR), AG_BODY_JSON,
     .summary = "Delete a tag of a version", .describes = &tag_message, .handle = delete_tag},
};

const ag_route_group ag_route_group_mlflow_versions = {
    .name = "MLflow model versions",
    .doc = "Numbered versions of registered models, their stages and tags.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
