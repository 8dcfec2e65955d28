// SPDX-License-Identifier: Apache-2.0
/* artifacts.c: MLflow's routes of the files of runs, model versions and logged models. A path from outside is checked
 * in one place, ag_artifact_resolve(), after it was decoded once by the server; here nothing is joined or decoded. */
#include "ledger/artifact.h"

#include "app/server/mlflow/files.h"
#include "app/server/mlflow/group.h"

enum { MAX_UPLOAD = 10 * 1024 * 1024 };

/* ---- messages ---- */

typedef struct artifact_list {
    const char *run_id, *path, *page_token;
} artifact_list;
static const ag_field artifact_list_fields[] = {
    AG_RUN_ID(artifact_list),
    AG_TEXT_FIELD(artifact_list, path, "A directory, from the run's root."),
    AG_PAGE_TOKEN(artifact_list),
};
static const ag_description list_message = AG_MESSAGE(artifact_list, "A directory of a run's artifacts.");

typedef struct artifact_path {
    const char *run_id, *path;
} artifact_path;
static const ag_field artifact_path_fields[] = {
    AG_RUN_ID(artifact_path),
    AG_TEXT_NEEDED(artifact_path, path, "The file, from the run's root."),
};
static const ag_description path_message = AG_MESSAGE(artifact_path, "A file of a run's artifacts.");

typedef struct version_path {
    const char *name, *version, *path;
} version_path;
static const ag_field version_path_fields[] = {
    AG_TEXT_NEEDED(version_path, name, "The registered model."),
    AG_TEXT_NEEDED(version_path, version, "The version's number."),
    AG_TEXT_NEEDED(version_path, path, "The file, from the version's root."),
};
static const ag_description version_message = AG_MESSAGE(version_path, "A file of a model version.");

typedef struct logged_list {
    const char *model_id, *artifact_directory_path, *page_token;
} logged_list;
static const ag_field logged_list_fields[] = {
    AG_TEXT_NEEDED(logged_list, model_id, "The logged model."),
    AG_TEXT_FIELD(logged_list, artifact_directory_path, "A directory, from the model's root."),
    AG_PAGE_TOKEN(logged_list),
};
static const ag_description logged_list_message = AG_MESSAGE(logged_list, "A directory of a logged model.");

typedef struct logged_path {
    const char *model_id, *artifact_file_path;
} logged_path;
static const ag_field logged_path_fields[] = {
    AG_TEXT_NEEDED(logged_path, model_id, "The logged model."),
    AG_TEXT_NEEDED(logged_path, artifact_file_path, "The file, from the model's root."),
};
static const ag_description logged_path_message = AG_MESSAGE(logged_path, "A file of a logged model.");

/* ---- lists ---- */

static int answer_list(ag_request *request, ag_response *response, const char *uri, const char *path, ag_err *err)
{
    ag_artifact_place place;
    int rc = ag_artifact_resolve(request->ledger, uri, ag_message_str(path), request->arena, &place, err);
    if (rc < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_put_text(json, "root_uri", uri);
    rc = ag_files_list(request, &place, path ? path : "", json, err);
    return rc < 0 ? rc : ag_mlflow_end(response, json, err);
}

static int list(ag_request *request, ag_response *response, ag_err *err)
{
    artifact_list message;
    ag_run run;
    int rc = ag_message_read(request, &list_message, &message, err);
    if (rc >= 0) rc = ag_run_get(request->ledger, ag_str_of(message.run_id), request->arena, &run, err);
    return rc < 0 ? rc : answer_list(request, response, run.artifact_uri, message.path, err);
}

static int list_logged(ag_request *request, ag_response *response, ag_err *err)
{
    logged_list message;
    ag_logged_model model;
    int rc = ag_message_read(request, &logged_list_message, &message, err);
    if (rc >= 0) rc = ag_logged_model_get(request->ledger, ag_str_of(message.model_id), request->arena, &model, err);
    return rc < 0 ? rc : answer_list(request, response, model.artifact_uri, message.artifact_directory_path, err);
}

/* ---- contents ---- */

static int send_file(ag_request *request, ag_response *response, const char *uri, const char *path, ag_err *err)
{
    ag_artifact_place place;
    int rc = ag_artifact_resolve(request->ledger, uri, ag_str_of(path), request->arena, &place, err);
    return rc < 0 ? rc : ag_files_send(request, &place, response, err);
}

static int get(ag_request *request, ag_response *response, ag_err *err)
{
    artifact_path message;
    ag_run run;
    int rc = ag_message_read(request, &path_message, &message, err);
    if (rc >= 0) rc = ag_run_get(request->ledger, ag_str_of(message.run_id), request->arena, &run, err);
    return rc < 0 ? rc : send_file(request, response, run.artifact_uri, message.path, err);
}

static int get_version(ag_request *request, ag_response *response, ag_err *err)
{
    version_path message;
    int64_t number;
    ag_version version;
    int rc = ag_message_read(request, &version_message, &message, err);
    if (rc >= 0) rc = ag_message_number("version", message.version, &number, err);
    if (rc >= 0) rc = ag_version_get(request->ledger, ag_str_of(message.name), number, request->arena, &version, err);
    if (rc < 0) return rc;
    return send_file(request, response, version.storage ? version.storage : version.source, message.path, err);
}

static int get_logged(ag_request *request, ag_response *response, ag_err *err)
{
    logged_path message;
    ag_logged_model model;
    int rc = ag_message_read(request, &logged_path_message, &message, err);
    if (rc >= 0) rc = ag_logged_model_get(request->ledger, ag_str_of(message.model_id), request->arena, &model, err);
    return rc < 0 ? rc : send_file(request, response, model.artifact_uri, message.artifact_file_path, err);
}

/* ---- uploads of the browser ---- */

static int put_bytes(const ag_artifact_place *place, ag_str bytes, ag_err *err)
{
    ag_reader *reader = NULL;
    int rc = ag_reader_of_memory(bytes.data, bytes.size, &reader, err);
    if (rc >= 0) rc = ag_tree_put(place->tree, place->path, reader, NULL, err);
    ag_reader_close(reader);
    return rc < 0 ? ag_files_refuse(place, rc, err) : rc;
}

/* Read whole before it is stored: how large it is shows only then, when it comes in chunks. */
static int read_upload(ag_request *request, ag_buf *body, ag_err *err)
{
    int rc = request->body_size > MAX_UPLOAD ? AG_ELIMIT : ag_read_all(request->stream, body, err);
    if (rc == AG_ELIMIT) return ag_fail(err, AG_EINVAL, "Artifact size is too large. Max size is 10MB.");
    if (rc >= 0 && body->size == 0) return ag_fail(err, AG_EINVAL, "Request must specify data.");
    return rc;
}

static int upload(ag_request *request, ag_response *response, ag_err *err)
{
    ag_str run_id = ag_request_field(request, "run_uuid|run_id"), path = ag_request_query(request, "path");
    ag_run run;
    ag_artifact_place place;
    ag_buf body;
    if (!run_id.size) return ag_fail(err, AG_EINVAL, "Request must specify run_uuid.");
    if (!path.size) return ag_fail(err, AG_EINVAL, "Request must specify path.");
    ag_buf_init(&body, MAX_UPLOAD);
    int rc = ag_run_get(request->ledger, run_id, request->arena, &run, err);
    if (rc >= 0) rc = ag_artifact_resolve(request->ledger, run.artifact_uri, path, request->arena, &place, err);
    if (rc >= 0) rc = read_upload(request, &body, err);
    if (rc >= 0) rc = put_bytes(&place, ag_buf_str(&body), err);
    ag_buf_deinit(&body);
    if (rc < 0) return rc;
    ag_notice_artifact(request, &run, path);
    return ag_mlflow_empty(response, err);
}

/* ---- routes ---- */

#define RUN "run_id|run_uuid"

static const ag_route_field upload_fields[] = {
    {"run_uuid", "string", true, "The run."},
    {"path", "string", true, "Where the file goes, from the run's root."},
    {0},
};

static const ag_route routes[] = {
    {AG_METHOD_GET, "/artifacts/list", AG_NEEDS(READER, run, RUN), AG_BODY_NONE,
     .summary = "List a directory of a run's artifacts", .describes = &list_message, .handle = list},
    {AG_METHOD_GET, "/logged-models/{model_id}/artifacts/directories", AG_NEEDS(READER, logged_model, "model_id"),
     AG_BODY_NONE, .summary = "List a directory of a logged model", .describes = &logged_list_message,
     .handle = list_logged},
    {AG_METHOD_GET, "/logged-models/{model_id}/artifacts/files", AG_NEEDS(READER, logged_model, "model_id"),
     AG_BODY_NONE, .summary = "Download a file of a logged model", .describes = &logged_path_message,
     .handle = get_logged, .gives = AG_GIVES_BYTES},
    {AG_METHOD_POST, "/upload-artifact", AG_NEEDS(EDITOR, run, "run_uuid|run_id"), AG_BODY_STREAM,
     .summary = "Upload a file of at most 10 MiB to a run", .fields = upload_fields, .handle = upload},
};

const ag_route_group ag_route_group_mlflow_artifacts = {
    .name = "MLflow artifacts",
    .doc = "Files of runs and logged models.",
    .prefixes = ag_mlflow_prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};

static const ag_route file_routes[] = {
    {AG_METHOD_GET, "/get-artifact", AG_NEEDS(READER, run, RUN), AG_BODY_NONE, .summary = "Download a file of a run",
     .describes = &path_message, .handle = get, .gives = AG_GIVES_BYTES},
    {AG_METHOD_GET, "/model-versions/get-artifact", AG_NEEDS(READER, model, "name"), AG_BODY_NONE,
     .summary = "Download a file of a model version", .describes = &version_message, .handle = get_version,
     .gives = AG_GIVES_BYTES},
};

const ag_route_group ag_route_group_mlflow_files = {
    .name = "MLflow downloads",
    .doc = "Files of runs and model versions, as MLflow's pages ask for them.",
    AG_GROUP_ROUTES(file_routes),
    .fail = ag_mlflow_fail,
};
