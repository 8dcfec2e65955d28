// SPDX-License-Identifier: Apache-2.0
/* multipart.c: large files in parts, as MLflow's clients send them when they are told to: create names an address per
 * part, the parts come in any order and at the same time, complete puts them together. Parts wait in the store itself,
 * below ".uploads/ID/", so that any server on it can take the next one; the file appears whole or not at all.
 *
 * Clients send parts without a name or password: the address is the permission. Its ID is 128 random bits, belongs to
 * one target that the asker of create may write, and is worth nothing after a day. What was begun and left is removed
 * when somebody begins the next. */
#include "app/server/mlflow/files.h"
#include "app/server/mlflow/group.h"
#include "core/hash/encode.h"
#include "core/sys/clock.h"

enum { MOST_PARTS = 10000, MOST_PATH = 8192 };
#define LIFE (86400 * AG_SECOND)

static const char store_root[] = "mlflow-artifacts:/";

/* ---- messages ---- */

typedef struct upload_create {
    const char *path;
    int64_t num_parts;
} upload_create;
static const ag_field upload_create_fields[] = {
    {.name = "path",
     .type = AG_FIELD_TEXT,
     .offset = offsetof(upload_create, path),
     .required = true,
     .doc = "The file's path at the client: its last part is the name in the directory."},
    {.name = "num_parts",
     .type = AG_FIELD_INT,
     .offset = offsetof(upload_create, num_parts),
     .min = 0,
     .max = MOST_PARTS,
     .doc = "In how many parts it comes; absent or 0: one."},
};
static const ag_description create_message = AG_MESSAGE(upload_create, "A file that will come in parts.");

typedef struct upload_part {
    int64_t part_number;
    const char *etag, *url;
} upload_part;
static const ag_field upload_part_fields[] = {
    AG_INT_NEEDED(upload_part, part_number, "Its number, from 1."),
    AG_TEXT_FIELD(upload_part, etag, "What its upload was answered with."),
    AG_TEXT_FIELD(upload_part, url, "Where it was sent."),
};
static const ag_description part_message = AG_MESSAGE(upload_part, "A part that was sent.");

typedef struct upload_complete {
    const char *path, *upload_id;
    ag_list parts;
} upload_complete;
static const ag_field upload_complete_fields[] = {
    AG_TEXT_NEEDED(upload_complete, path, "As it was created."),
    AG_TEXT_NEEDED(upload_complete, upload_id, "As create answered."),
    {.name = "parts",
     .type = AG_FIELD_LIST,
     .item = AG_FIELD_STRUCT,
     .inner = &part_message,
     .offset = offsetof(upload_complete, parts),
     .required = true,
     .doc = "All parts, in the order of their numbers."},
};
static const ag_description complete_message = AG_MESSAGE(upload_complete, "All parts are there.");

typedef struct upload_abort {
    const char *path, *upload_id;
} upload_abort;
static const ag_field upload_abort_fields[] = {
    AG_TEXT_NEEDED(upload_abort, path, "As it was created."),
    AG_TEXT_NEEDED(upload_abort, upload_id, "As create answered."),
};
static const ag_description abort_message = AG_MESSAGE(upload_abort, "The file will not come.");

/* ---- where things lie ---- */

static bool serves(ag_request *request, ag_response *response, int *rc, ag_err *err)
{
    if (!request->server || ag_server_settings(request->server)->serve_artifacts) return true;
    *rc = ag_response_text(response, 503, err, "Endpoint disabled: this server was started with --no-serve-artifacts");
    return false;
}

/* "1/RUN/artifacts/dir" and "C:\x\big.bin" make "1/RUN/artifacts/dir/big.bin". */
static int find_target(const ag_request *request, const char *path, ag_artifact_place *out, ag_err *err)
{
    ag_str folder = ag_request_capture(request, "artifact_path"), name = ag_str_of(path);
    for (size_t i = name.size; i > 0; i--) {
        if (name.data[i - 1] != '/' && name.data[i - 1] != '\\') continue;
        name = ag_str_slice(name, i, name.size);
        break;
    }
    if (!name.size || !folder.size) return ag_fail(err, AG_EINVAL, "Invalid path");
    const char *whole = ag_arena_printf(request->arena, "%.*s/%.*s", AG_STR_ARG(folder), AG_STR_ARG(name));
    if (!whole) return ag_fail_memory(err, folder.size + name.size);
    return ag_artifact_resolve(request->ledger, store_root, ag_str_of(whole), request->arena, out, err);
}

static int unknown_upload(ag_err *err)
{
    return ag_fail(err, AG_ENOTFOUND, "there is no such upload under way");
}

/* ".uploads/ID/name" of an id that is one of ours. */
static int find_piece(const ag_request *request, ag_str id, const char *name, ag_artifact_place *out, ag_err *err)
{
    bool good = id.size == 32;
    for (size_t i = 0; i < id.size && good; i++)
        good = (id.data[i] >= '0' && id.data[i] <= '9') || (id.data[i] >= 'a' && id.data[i] <= 'f');
    if (!good) return unknown_upload(err);
    const char *path = ag_arena_printf(request->arena, ".uploads/%.*s%s%s", AG_STR_ARG(id), *name ? "/" : "", name);
    if (!path) return ag_fail_memory(err, 64);
    return ag_artifact_resolve(request->ledger, store_root, ag_str_of(path), request->arena, out, err);
}

static const char *part_name(ag_arena *arena, int64_t number)
{
    return ag_arena_printf(arena, "part-%05lld", (long long)number);
}

/* The upload must be under way, and for this target when there is one. */
static int check_upload(const ag_request *request, ag_str id, const ag_artifact_place *target, ag_err *err)
{
    ag_artifact_place note;
    ag_tree_entry entry;
    ag_reader *reader = NULL;
    ag_buf text;
    int rc = find_piece(request, id, "target", &note, err);
    if (rc < 0) return rc;
    rc = ag_tree_stat(note.tree, note.path, &entry, err);
    if (rc == AG_ENOTFOUND || (rc >= 0 && entry.modified && entry.modified < ag_now() - LIFE))
        return unknown_upload(err);
    if (rc < 0) return ag_files_refuse(&note, rc, err);
    if (!target) return AG_OK;
    ag_buf_init(&text, MOST_PATH);
    rc = ag_tree_get(note.tree, note.path, 0, UINT64_MAX, &reader, err);
    if (rc >= 0) rc = ag_read_all(reader, &text, err);
    ag_reader_close(reader);
    bool same = rc >= 0 && ag_str_is(ag_buf_str(&text), target->path);
    ag_buf_deinit(&text);
    if (rc < 0) return ag_files_refuse(&note, rc, err);
    return same ? AG_OK : unknown_upload(err);
}

static int remove_upload(const ag_request *request, ag_str id, ag_err *err)
{
    ag_artifact_place folder;
    int rc = find_piece(request, id, "", &folder, err);
    if (rc < 0) return rc;
    rc = ag_tree_remove_all(folder.tree, folder.path, err);
    return rc < 0 ? ag_files_refuse(&folder, rc, err) : AG_OK;
}

/* What was begun more than a day ago and never ended. Nothing here can fail the request that happens to come by. */
static void remove_old(const ag_request *request)
{
    ag_artifact_place all;
    ag_vec names;
    ag_vec_init(&names, sizeof(ag_tree_entry));
    int rc = ag_artifact_resolve(request->ledger, store_root, AG_STR(".uploads"), request->arena, &all, NULL);
    if (rc >= 0) rc = ag_tree_list(all.tree, all.path, request->arena, &names, NULL);
    for (size_t i = 0; rc >= 0 && i < names.count; i++) {
        ag_str id = ag_str_of(((const ag_tree_entry *)names.items)[i].name);
        if (check_upload(request, id, NULL, NULL) == AG_ENOTFOUND) (void)remove_upload(request, id, NULL);
    }
    ag_vec_deinit(&names);
}

/* ---- create ---- */

static int write_note(const ag_artifact_place *note, const char *target, ag_err *err)
{
    ag_reader *reader = NULL;
    int rc = ag_reader_of_memory(target, strlen(target), &reader, err);
    if (rc >= 0) rc = ag_tree_put(note->tree, note->path, reader, NULL, err);
    ag_reader_close(reader);
    return rc < 0 ? ag_files_refuse(note, rc, err) : rc;
}

static void put_credential(ag_json *json, const ag_request *request, const char *id, int64_t number)
{
    char url[1024];
    ag_format(url, sizeof(url), "%s/api/2.0/mlflow-artifacts/mpu/part/%s/%lld", request->origin, id, (long long)number);
    ag_json_begin_object(json);
    ag_json_put_text(json, "url", url);
    ag_json_put_int(json, "part_number", number);
    ag_json_name(json, "headers");
    ag_json_begin_object(json);
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static int create(ag_request *request, ag_response *response, ag_err *err)
{
    upload_create message;
    ag_artifact_place target, note;
    char id[33];
    int rc;
    if (!serves(request, response, &rc, err)) return rc;
    rc = ag_message_read(request, &create_message, &message, err);
    if (rc >= 0) rc = find_target(request, message.path, &target, err);
    if (rc >= 0) rc = ag_id_new(id, err);
    if (rc >= 0) rc = find_piece(request, ag_str_of(id), "target", &note, err);
    if (rc < 0) return rc;
    remove_old(request);
    if ((rc = write_note(&note, target.path, err)) < 0) return rc;
    ag_json *json = ag_mlflow_begin(response);
    ag_json_put_text(json, "upload_id", id);
    ag_json_name(json, "credentials");
    ag_json_begin_array(json);
    for (int64_t i = 1; i <= (message.num_parts ? message.num_parts : 1); i++) put_credential(json, request, id, i);
    ag_json_end_array(json);
    return ag_mlflow_end(response, json, err);
}

/* ---- a part ---- */

static int take_part(ag_request *request, ag_response *response, ag_err *err)
{
    ag_artifact_place part;
    int64_t number;
    int rc;
    ag_str id = ag_request_capture(request, "upload_id");
    if (!serves(request, response, &rc, err)) return rc;
    if (!ag_str_to_int(ag_request_capture(request, "part_number"), &number) || number < 1 || number > MOST_PARTS)
        return ag_fail(err, AG_EINVAL, "a part's number is 1 to %d", MOST_PARTS);
    const char *name = part_name(request->arena, number);
    if (!name) return ag_fail_memory(err, 16);
    rc = find_piece(request, id, name, &part, err);
    if (rc >= 0) rc = check_upload(request, id, NULL, err);
    if (rc < 0) return rc;
    rc = ag_tree_put(part.tree, part.path, request->stream, NULL, err);
    if (rc < 0) return ag_files_refuse(&part, rc, err);
    rc = ag_response_header_addf(response, err, "ETag", "\"%lld\"", (long long)number);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

/* ---- complete ---- */

typedef struct chain { /* reads the parts one behind the other */
    ag_reader reader;
    ag_artifact_place *parts;
    size_t count, at;
    ag_reader *current;
} chain;

static ptrdiff_t read_chain(ag_reader *self, void *into, size_t size, ag_err *err)
{
    chain *c = (chain *)(void *)self;
    for (;;) {
        if (!c->current) {
            if (c->at == c->count) return 0;
            const ag_artifact_place *part = &c->parts[c->at++];
            int rc = ag_tree_get(part->tree, part->path, 0, UINT64_MAX, &c->current, err);
            if (rc < 0) return rc;
        }
        ptrdiff_t got = ag_read(c->current, into, size, err);
        if (got != 0) return got;
        ag_reader_close(c->current);
        c->current = NULL;
    }
}

static int find_parts(const ag_request *request, const upload_complete *message, ag_artifact_place **out, ag_err *err)
{
    const upload_part *from = message->parts.items;
    size_t count = message->parts.count;
    ag_tree_entry entry;
    ag_artifact_place *parts = ag_arena_array(request->arena, count + 1, sizeof(*parts));
    if (!parts) return ag_fail_memory(err, count);
    if (count == 0 || count > MOST_PARTS) return ag_fail(err, AG_EINVAL, "a file has 1 to %d parts", MOST_PARTS);
    for (size_t i = 0; i < count; i++) {
        if (from[i].part_number != (int64_t)i + 1)
            return ag_fail(err, AG_EINVAL, "the parts must be numbered from 1 on, in order, without a gap");
        const char *name = part_name(request->arena, from[i].part_number);
        int rc =
            name ? find_piece(request, ag_str_of(message->upload_id), name, &parts[i], err) : ag_fail_memory(err, 16);
        if (rc >= 0) rc = ag_tree_stat(parts[i].tree, parts[i].path, &entry, err);
        if (rc == AG_ENOTFOUND) return ag_fail(err, AG_EINVAL, "part %zu has not come", i + 1);
        if (rc < 0) return ag_files_refuse(&parts[i], rc, err);
    }
    *out = parts;
    return AG_OK;
}

static int complete(ag_request *request, ag_response *response, ag_err *err)
{
    upload_complete message;
    ag_artifact_place target;
    chain c = {.reader = {.read = read_chain}};
    int rc;
    if (!serves(request, response, &rc, err)) return rc;
    rc = ag_message_read(request, &complete_message, &message, err);
    if (rc >= 0) rc = find_target(request, message.path, &target, err);
    if (rc >= 0) rc = check_upload(request, ag_str_of(message.upload_id), &target, err);
    if (rc >= 0) rc = find_parts(request, &message, &c.parts, err);
    if (rc < 0) return rc;
    c.count = message.parts.count;
    rc = ag_tree_put(target.tree, target.path, &c.reader, NULL, err);
    ag_reader_close(c.current);
    if (rc < 0) return ag_files_refuse(&target, rc, err);
    (void)remove_upload(request, ag_str_of(message.upload_id), NULL); /* the file is there: the rest goes in a day */
    ag_notice_stored(request, ag_str_of(target.path));
    return ag_mlflow_empty(response, err);
}

static int abort_upload(ag_request *request, ag_response *response, ag_err *err)
{
    upload_abort message;
    ag_artifact_place target;
    int rc;
    if (!serves(request, response, &rc, err)) return rc;
    rc = ag_message_read(request, &abort_message, &message, err);
    if (rc >= 0) rc = find_target(request, message.path, &target, err);
    if (rc >= 0) rc = check_upload(request, ag_str_of(message.upload_id), &target, err);
    if (rc >= 0) rc = remove_upload(request, ag_str_of(message.upload_id), err);
    return rc < 0 ? rc : ag_mlflow_empty(response, err);
}

/* ---- routes ---- */

static const ag_route routes[] = {
    {AG_METHOD_POST, "/mpu/create/{artifact_path...}", AG_NEEDS(EDITOR, artifact, "artifact_path"), AG_BODY_JSON,
     .summary = "Begin a file that comes in parts", .doc = "The path is the directory that it goes to.",
     .describes = &create_message, .handle = create},
    {AG_METHOD_PUT, "/mpu/part/{upload_id}/{part_number}", AG_PUBLIC, AG_BODY_STREAM, .summary = "Send a part",
     .doc = "The address itself, which only create tells, is the permission; it is good for a day.",
     .handle = take_part},
    {AG_METHOD_POST, "/mpu/complete/{artifact_path...}", AG_NEEDS(EDITOR, artifact, "artifact_path"), AG_BODY_JSON,
     .summary = "Put the parts together", .describes = &complete_message, .handle = complete},
    {AG_METHOD_POST, "/mpu/abort/{artifact_path...}", AG_NEEDS(EDITOR, artifact, "artifact_path"), AG_BODY_JSON,
     .summary = "Forget a file that was begun", .describes = &abort_message, .handle = abort_upload},
};

static const char *const prefixes[] = {"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts", NULL};

const ag_route_group ag_route_group_mlflow_multipart = {
    .name = "MLflow multipart uploads",
    .doc = "Large files in parts that are sent at the same time.",
    .prefixes = prefixes,
    AG_GROUP_ROUTES(routes),
    .fail = ag_mlflow_fail,
};
