// SPDX-License-Identifier: Apache-2.0
/* to_server.c: delivery by MLflow's REST. Auger's server takes the client's id of a run, so that asking twice finds it;
 * another server chooses one, and what it chose is appended to a file of the spool, by which later processes find it,
 * before the start counts as delivered. Between the two a run is found by its tag.
 * Where a server says that artifacts lie on a disk or in a bucket, the client puts them there itself, as MLflow's does,
 * but on a disk only for a server of the same machine: nobody else's word shall choose where this process writes. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/mem.h"
#include "core/blob/tree.h"
#include "core/io/file.h"
#include "core/io/syscall.h"
#include "core/io/uri.h"
#include "ledger/client/rest.h"

enum { MAX_BODY = 16 << 20, MAX_RUNS_FILE = 256 << 20, SERVER_BATCH = AG_MAX_BATCH_ENTITIES };

typedef struct server_run {
    char *id;           /* the server's */
    char *artifact_uri; /* NULL: not asked yet */
} server_run;

typedef struct server {
    ag_rest rest;
    ag_map *experiments; /* name -> id, from ag_alloc */
    ag_map *runs;        /* the client's id -> server_run, from ag_alloc */
    char *runs_path;
    ag_buf body;
} server;

static void free_run(server_run *run)
{
    if (!run) return;
    ag_free(run->id);
    ag_free(run->artifact_uri);
    ag_free(run);
}

static void close_server(void *state)
{
    server *self = state;
    size_t at = 0;
    ag_str key;
    void *value;
    if (!self) return;
    while (self->experiments && ag_map_next(self->experiments, &at, &key, &value)) ag_free(value);
    for (at = 0; self->runs && ag_map_next(self->runs, &at, &key, &value);) free_run(value);
    ag_map_free(self->experiments);
    ag_map_free(self->runs);
    ag_rest_close(&self->rest);
    ag_buf_deinit(&self->body);
    ag_free(self->runs_path);
    ag_free(self);
}

int ag_client_target_server_open(const ag_client_target_server_options *options, void **state, ag_err *err)
{
    server *self = ag_calloc(1, sizeof(*self));
    if (!self) return ag_fail_memory(err, sizeof(*self));
    ag_buf_init(&self->body, MAX_BODY);
    self->experiments = ag_map_new();
    self->runs = ag_map_new();
    self->runs_path = ag_strdup(options->runs);
    int rc = self->experiments && self->runs && self->runs_path ? AG_OK : ag_fail_memory(err, sizeof(*self));
    if (rc >= 0) rc = ag_rest_open(options, &self->rest, err);
    if (rc < 0)
        close_server(self);
    else
        *state = self;
    return rc;
}

/* ---- messages ---- */

static ag_json begin(server *self)
{
    ag_buf_clear(&self->body);
    ag_json json = ag_json_writer(&self->body, 0, AG_JSON_NONFINITE_TEXT);
    ag_json_begin_object(&json);
    return json;
}

static void put_str(ag_json *json, const char *name, ag_str value)
{
    ag_json_name(json, name);
    ag_json_str(json, value);
}

static void put_pair(ag_json *json, ag_str key, ag_str value)
{
    ag_json_begin_object(json);
    put_str(json, "key", key);
    put_str(json, "value", value);
    ag_json_end_object(json);
}

static void put_pairs(ag_json *json, const char *name, ag_pairs pairs)
{
    if (!pairs.count) return;
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < pairs.count; i++) put_pair(json, pairs.items[i].key, pairs.items[i].value);
    ag_json_end_array(json);
}

static int post(server *self, ag_json *json, const char *path, const ag_value **out, ag_err *err)
{
    ag_json_end_object(json);
    int rc = ag_json_end_document(json, err);
    return rc < 0 ? rc : ag_rest_ask(&self->rest, "POST", path, &self->body, out, err);
}

static int get(server *self, const char *path, const char *name, ag_str value, const ag_value **out, ag_err *err)
{
    ag_buf target;
    ag_buf_init(&target, MAX_BODY);
    ag_buf_addf(&target, "%s?%s=", path, name);
    ag_percent_encode(&target, value, "");
    int rc = ag_buf_check(&target, "an address", err);
    if (rc >= 0) rc = ag_rest_ask(&self->rest, "GET", target.data, NULL, out, err);
    ag_buf_deinit(&target);
    return rc;
}

/* ---- experiments ---- */

static int ask_experiment(server *self, ag_str name, ag_str *id, ag_err *err)
{
    const ag_value *answer;
    ag_str stage;
    int rc = get(self, "experiments/get-by-name", "experiment_name", name, &answer, err);
    if (rc >= 0) rc = ag_rest_text(answer, "experiment.experiment_id", id, err);
    if (rc >= 0 && ag_value_string(ag_value_at(answer, "experiment.lifecycle_stage"), &stage) &&
        ag_str_is(stage, "deleted"))
        rc = ag_fail(err, AG_ECONFLICT, "the experiment '%.*s' is deleted", AG_STR_ARG(name));
    return rc;
}

/* Many clients may make the same one at once: who comes second asks again. */
static int ensure_experiment(server *self, ag_str name, const char **id, ag_err *err)
{
    const ag_value *answer;
    ag_str found;
    if ((*id = ag_map_get(self->experiments, name))) return AG_OK;
    int rc = ask_experiment(self, name, &found, err);
    if (rc == AG_ENOTFOUND) {
        ag_json json = begin(self);
        put_str(&json, "name", name);
        rc = post(self, &json, "experiments/create", &answer, err);
        if (rc >= 0) rc = ag_rest_text(answer, "experiment_id", &found, err);
        if (rc == AG_EEXISTS) rc = ask_experiment(self, name, &found, err);
    }
    if (rc < 0) return rc;
    char *copy = ag_strndup(found.data, found.size);
    rc = copy ? ag_map_put(self->experiments, name, copy, NULL, err) : ag_fail_memory(err, found.size);
    if (rc < 0) ag_free(copy);
    if (rc >= 0) *id = copy;
    return rc;
}

static void forget_experiment(server *self, ag_str name)
{
    ag_free(ag_map_remove(self->experiments, name));
}

/* ---- runs ---- */

static int keep_run(server *self, ag_str client, ag_str id, ag_str artifact_uri, server_run **out, ag_err *err)
{
    server_run *run = ag_calloc(1, sizeof(*run));
    void *old = NULL;
    if (!run) return ag_fail_memory(err, sizeof(*run));
    run->id = ag_strndup(id.data, id.size);
    run->artifact_uri = artifact_uri.size ? ag_strndup(artifact_uri.data, artifact_uri.size) : NULL;
    int rc = run->id && (run->artifact_uri || !artifact_uri.size) ? AG_OK : ag_fail_memory(err, id.size);
    if (rc >= 0) rc = ag_map_put(self->runs, client, run, &old, err);
    if (rc < 0)
        free_run(run);
    else
        *out = run;
    free_run(old);
    return rc;
}

/* Run.info of an answer. */
static int keep_answer(server *self, ag_str client, const ag_value *info, server_run **out, ag_err *err)
{
    ag_str id, uri = {0};
    int rc = ag_rest_text(info, "run_id", &id, err);
    (void)ag_value_string(ag_value_get(info, "artifact_uri"), &uri);
    return rc < 0 ? rc : keep_run(self, client, id, uri, out, err);
}

/* "CLIENT SERVER\n" at the end of the file. */
static int note_run(server *self, ag_str client, const char *id, ag_err *err)
{
    char line[400];
    if (!ag_format(line, sizeof(line), "%.*s %s\n", AG_STR_ARG(client), id))
        return ag_fail(err, AG_ELIMIT, "the server's id of a run is too long");
    int fd = ag_sys_open(AT_FDCWD, self->runs_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0) return ag_fail_errno(err, errno, "cannot write '%s'", self->runs_path);
    int rc = ag_sys_write(fd, line, strlen(line)) < 0 ? ag_fail_errno(err, errno, "cannot write '%s'", self->runs_path)
                                                      : AG_OK;
    ag_sys_close(fd);
    return rc;
}

/* 1 with the id that a server gave this run earlier. */
static int noted_run(server *self, ag_str client, server_run **out, ag_err *err)
{
    ag_buf text;
    ag_str line;
    ag_buf_init(&text, MAX_RUNS_FILE);
    int rc = ag_file_read(self->runs_path, MAX_RUNS_FILE, &text, err);
    if (rc == AG_ENOTFOUND) rc = AG_OK;
    ag_str rest = ag_buf_str(&text), id = {0};
    while (rc >= 0 && ag_str_next(&rest, '\n', &line)) {
        bool found = line.size > client.size + 1 && line.data[client.size] == ' ' && ag_str_starts(line, client);
        if (found && rest.data) id = ag_str_slice(line, client.size + 1, line.size);
    }
    if (rc >= 0 && id.size && (rc = keep_run(self, client, id, (ag_str){0}, out, err)) >= 0) rc = 1;
    ag_buf_deinit(&text);
    return rc;
}

/* What the server calls a run that was started. */
static int find_run(server *self, ag_str client, server_run **out, ag_err *err)
{
    const ag_value *answer;
    if ((*out = ag_map_get(self->runs, client))) return AG_OK;
    int rc = noted_run(self, client, out, err);
    if (rc != 0) return rc < 0 ? rc : AG_OK;
    rc = get(self, "runs/get", "run_id", client, &answer, err);
    return rc < 0 ? rc : keep_answer(self, client, ag_value_at(answer, "run.info"), out, err);
}

/* 1: a run that an earlier attempt has made. */
static int search_run(server *self, ag_str client, const char *experiment, server_run **out, ag_err *err)
{
    const ag_value *answer;
    ag_json json = begin(self);
    ag_json_name(&json, "experiment_ids");
    ag_json_begin_array(&json);
    ag_json_text(&json, experiment);
    ag_json_end_array(&json);
    const char *filter = ag_arena_printf(self->rest.arena, "tags.`" AG_CLIENT_RUN_TAG "` = '%.*s'", AG_STR_ARG(client));
    ag_json_put_text(&json, "filter", filter);
    ag_json_put_text(&json, "run_view_type", "ALL");
    ag_json_put_int(&json, "max_results", 1);
    int rc = post(self, &json, "runs/search", &answer, err);
    if (rc < 0) return rc;
    const ag_value *info = ag_value_at(answer, "runs[0].info");
    if (!info) return 0;
    rc = keep_answer(self, client, info, out, err);
    return rc < 0 ? rc : 1;
}

static int create_run(server *self, const ag_entry *record, const char *experiment, const char *parent,
                      server_run **out, ag_err *err)
{
    const ag_value *answer;
    ag_json json = begin(self);
    ag_json_put_text(&json, "experiment_id", experiment);
    put_str(&json, "run_id", record->run);
    ag_json_put_int(&json, "start_time", record->start.at / 1000);
    if (record->start.name.size) put_str(&json, "run_name", record->start.name);
    for (size_t i = 0; i < record->start.tags.count; i++) {
        if (ag_str_is(record->start.tags.items[i].key, "mlflow.user"))
            put_str(&json, "user_id", record->start.tags.items[i].value);
    }
    ag_json_name(&json, "tags");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < record->start.tags.count; i++)
        put_pair(&json, record->start.tags.items[i].key, record->start.tags.items[i].value);
    put_pair(&json, AG_STR(AG_CLIENT_RUN_TAG), record->run);
    if (parent) put_pair(&json, AG_STR(AG_PARENT_TAG), ag_str_of(parent));
    ag_json_end_array(&json);
    self->rest.once = true;
    int rc = post(self, &json, "runs/create", &answer, err);
    if (rc == AG_EEXISTS) return keep_run(self, record->run, record->run, (ag_str){0}, out, err);
    return rc < 0 ? rc : keep_answer(self, record->run, ag_value_at(answer, "run.info"), out, err);
}

static int start(void *state, const ag_entry *record, bool again, ag_err *err)
{
    server *self = state;
    server_run *run = NULL, *parent = NULL;
    const char *experiment;
    ag_arena_reset(self->rest.arena);
    int rc = noted_run(self, record->run, &run, err);
    if (rc != 0) return rc < 0 ? rc : AG_OK; /* its caller was killed, and starts it again */
    rc = ensure_experiment(self, record->start.experiment, &experiment, err);
    if (rc >= 0 && record->start.parent.size) rc = find_run(self, record->start.parent, &parent, err);
    if (rc < 0) return rc;
    rc = again ? search_run(self, record->run, experiment, &run, err) : 0;
    if (rc == 0) rc = create_run(self, record, experiment, parent ? parent->id : NULL, &run, err);
    if (rc < 0) {
        forget_experiment(self, record->start.experiment); /* it may have been deleted */
        return rc;
    }
    return ag_str_is(record->run, run->id) ? AG_OK : note_run(self, record->run, run->id, err);
}

/* ---- what runs log ---- */

static int log_batch(void *state, ag_str client, const ag_run_batch *batch, ag_err *err)
{
    server *self = state;
    server_run *run;
    ag_arena_reset(self->rest.arena);
    int rc = find_run(self, client, &run, err);
    if (rc < 0) return rc;
    ag_json json = begin(self);
    ag_json_put_text(&json, "run_id", run->id);
    ag_json_name(&json, "metrics");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < batch->metric_count; i++) {
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "key", batch->metrics[i].key);
        ag_json_put_real(&json, "value", batch->metrics[i].value);
        ag_json_put_int(&json, "timestamp", batch->metrics[i].at / 1000);
        ag_json_put_int(&json, "step", batch->metrics[i].step);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    put_pairs(&json, "params", batch->params);
    put_pairs(&json, "tags", batch->tags);
    return post(self, &json, "runs/log-batch", NULL, err);
}

static int ask_run(server *self, ag_str client, const ag_value **answer, ag_err *err)
{
    server_run *run;
    int rc = find_run(self, client, &run, err);
    return rc < 0 ? rc : get(self, "runs/get", "run_id", ag_str_of(run->id), answer, err);
}

static int check(void *state, ag_str client, ag_err *err)
{
    server *self = state;
    const ag_value *answer;
    ag_str stage;
    ag_arena_reset(self->rest.arena);
    int rc = ask_run(self, client, &answer, err);
    if (rc < 0) return rc;
    bool deleted =
        ag_value_string(ag_value_at(answer, "run.info.lifecycle_stage"), &stage) && ag_str_is(stage, "deleted");
    return deleted ? ag_fail(err, AG_ECONFLICT, "the run %.*s is deleted", AG_STR_ARG(client)) : AG_OK;
}

static int finish(void *state, const ag_entry *record, ag_err *err)
{
    server *self = state;
    server_run *run;
    ag_arena_reset(self->rest.arena);
    int rc = find_run(self, record->run, &run, err);
    if (rc < 0) return rc;
    ag_json json = begin(self);
    ag_json_put_text(&json, "run_id", run->id);
    ag_json_put_text(&json, "status", ag_run_status_name(record->finish.status));
    if (record->finish.status != AG_RUN_RUNNING) ag_json_put_int(&json, "end_time", record->finish.at / 1000);
    return post(self, &json, "runs/update", NULL, err);
}

static int put_input(void *state, const ag_entry *record, ag_err *err)
{
    server *self = state;
    server_run *run;
    const ag_run_input *input = &record->input;
    ag_arena_reset(self->rest.arena);
    int rc = find_run(self, record->run, &run, err);
    if (rc < 0) return rc;
    ag_json json = begin(self);
    ag_json_put_text(&json, "run_id", run->id);
    ag_json_name(&json, "datasets");
    ag_json_begin_array(&json);
    ag_json_begin_object(&json);
    put_pairs(&json, "tags", input->tags);
    ag_json_name(&json, "dataset");
    ag_json_begin_object(&json);
    ag_json_put_text(&json, "name", input->name);
    ag_json_put_text(&json, "digest", input->digest);
    ag_json_put_text(&json, "source_type", input->source_type);
    ag_json_put_text(&json, "source", input->source);
    if (input->schema) ag_json_put_text(&json, "schema", input->schema);
    if (input->profile) ag_json_put_text(&json, "profile", input->profile);
    ag_json_end_object(&json);
    ag_json_end_object(&json);
    ag_json_end_array(&json);
    return post(self, &json, "runs/log-inputs", NULL, err);
}

/* ---- artifacts ---- */

/* Where the server keeps the run's artifacts, asked once. */
static int artifact_uri(server *self, ag_str client, const char **out, ag_err *err)
{
    server_run *run;
    const ag_value *answer;
    int rc = find_run(self, client, &run, err);
    if (rc >= 0 && !run->artifact_uri) {
        ag_str uri;
        rc = ask_run(self, client, &answer, err);
        if (rc >= 0) rc = ag_rest_text(answer, "run.info.artifact_uri", &uri, err);
        if (rc >= 0 && !(run->artifact_uri = ag_strndup(uri.data, uri.size))) rc = ag_fail_memory(err, uri.size);
    }
    if (rc >= 0) *out = run->artifact_uri;
    return rc;
}

static bool is_this_machine(const server *self)
{
    ag_uri uri;
    if (ag_uri_parse(self->rest.arena, ag_str_of(self->rest.url), NULL, &uri, NULL) < 0) return false;
    return ag_str_is(uri.host, "localhost") || ag_str_is(uri.host, "::1") || ag_str_starts(uri.host, AG_STR("127."));
}

static int put_proxied(server *self, const char *base, ag_str below, const ag_entry *record, const char *file,
                       ag_err *err)
{
    ag_buf url;
    ag_buf_init(&url, MAX_BODY);
    while (ag_str_starts(below, AG_STR("/"))) below = ag_str_slice(below, 1, below.size);
    ag_buf_add_text(&url, base);
    ag_percent_encode(&url, below, "/");
    ag_buf_add_char(&url, '/');
    ag_percent_encode(&url, record->artifact.path, "/");
    int rc = ag_buf_check(&url, "an address", err);
    if (rc >= 0) rc = ag_rest_put(&self->rest, url.data, file, record->artifact.size, err);
    ag_buf_deinit(&url);
    return rc;
}

/* On a disk of this machine, or in a bucket. */
static int put_directly(server *self, const char *uri, const ag_entry *record, const char *file, ag_err *err)
{
    ag_tree *tree = NULL;
    ag_reader *reader = NULL;
    bool bucket = ag_str_starts(ag_str_of(uri), AG_STR("s3://"));
    bool disk = uri[0] == '/' || ag_str_starts(ag_str_of(uri), AG_STR("file:"));
    if (!bucket && !disk)
        return ag_fail(err, AG_EUNSUPPORTED, "the server keeps artifacts at '%.200s', which this client cannot reach",
                       uri);
    if (disk && !is_this_machine(self)) {
        ag_fail(err, AG_EDENIED, "the server keeps artifacts on a disk ('%.200s'), but is not on this machine", uri);
        return ag_err_hint(err, "let the server take them: mlflow server --serve-artifacts");
    }
    const char *path = ag_arena_strndup(self->rest.arena, record->artifact.path.data, record->artifact.path.size);
    int rc = path ? ag_tree_open(uri, self->rest.cancel, &tree, err) : ag_fail_memory(err, record->artifact.path.size);
    if (rc >= 0) rc = ag_reader_of_file(file, &reader, err);
    if (rc >= 0) rc = ag_tree_put(tree, path, reader, NULL, err);
    ag_reader_close(reader);
    ag_tree_close(tree);
    return rc;
}

static int put_artifact(void *state, const ag_entry *record, const char *file, ag_err *err)
{
    server *self = state;
    const char *uri;
    ag_arena_reset(self->rest.arena);
    int rc = artifact_uri(self, record->run, &uri, err);
    if (rc < 0) return rc;
    ag_str text = ag_str_of(uri);
    if (!ag_str_starts(text, AG_STR("mlflow-artifacts:"))) return put_directly(self, uri, record, file, err);
    ag_str below = ag_str_slice(text, strlen("mlflow-artifacts:"), text.size);
    if (ag_str_starts(below, AG_STR("//")) && !ag_str_starts(below, AG_STR("///")))
        return ag_fail(err, AG_EUNSUPPORTED, "the server keeps artifacts on another one: '%.200s'", uri);
    const char *base = ag_arena_printf(self->rest.arena, "%s/api/2.0/mlflow-artifacts/artifacts/", self->rest.url);
    return base ? put_proxied(self, base, below, record, file, err) : ag_fail_memory(err, text.size);
}

/* ---- versions ---- */

static int number_of(const ag_value *version, int64_t *number, ag_err *err)
{
    ag_str text = {0};
    const ag_value *value = ag_value_get(version, "version");
    if (ag_value_int(value, number) || (ag_value_string(value, &text) && ag_str_to_int(text, number))) return AG_OK;
    return ag_fail(err, AG_EUNAVAILABLE, "the server's answer has no number of a version");
}

static int find_version(server *self, const ag_entry *record, int64_t *number, ag_err *err)
{
    const ag_value *answer;
    const char *filter = ag_arena_printf(self->rest.arena, "tags.`" AG_CLIENT_OPERATION_TAG "` = '%.*s'",
                                         AG_STR_ARG(record->version.operation));
    int rc = filter ? get(self, "model-versions/search", "filter", ag_str_of(filter), &answer, err)
                    : ag_fail_memory(err, 100);
    const ag_value *found = rc >= 0 ? ag_value_at(answer, "model_versions[0]") : NULL;
    if (rc >= 0 && found) rc = number_of(found, number, err);
    return rc < 0 ? rc : found != NULL;
}

static int make_version(server *self, const ag_entry *record, int64_t *number, ag_err *err)
{
    server_run *run;
    const char *uri;
    const ag_value *answer;
    int rc = artifact_uri(self, record->run, &uri, err);
    if (rc < 0) return rc;
    if ((rc = find_run(self, record->run, &run, err)) < 0) return rc;
    ag_json json = begin(self);
    put_str(&json, "name", record->version.model);
    rc = post(self, &json, "registered-models/create", NULL, err);
    if (rc < 0 && rc != AG_EEXISTS) return rc;
    json = begin(self);
    put_str(&json, "name", record->version.model);
    if (record->version.description.size) put_str(&json, "description", record->version.description);
    const char *source = ag_arena_printf(self->rest.arena, "%s/%.*s", uri, AG_STR_ARG(record->version.path));
    ag_json_put_text(&json, "source", source);
    ag_json_put_text(&json, "run_id", run->id);
    ag_json_name(&json, "tags");
    ag_json_begin_array(&json);
    put_pair(&json, AG_STR(AG_CLIENT_OPERATION_TAG), record->version.operation);
    for (size_t i = 0; i < record->version.tags.count; i++)
        put_pair(&json, record->version.tags.items[i].key, record->version.tags.items[i].value);
    ag_json_end_array(&json);
    self->rest.once = true;
    rc = post(self, &json, "model-versions/create", &answer, err);
    return rc < 0 ? rc : number_of(ag_value_get(answer, "model_version"), number, err);
}

/* Both may come a second time and change nothing then. */
static int dress_version(server *self, const ag_entry *record, int64_t number, ag_err *err)
{
    int rc = AG_OK;
    char text[32];
    ag_format(text, sizeof(text), "%lld", (long long)number);
    if (record->version.stage.size) {
        ag_json json = begin(self);
        put_str(&json, "name", record->version.model);
        ag_json_put_text(&json, "version", text);
        put_str(&json, "stage", record->version.stage);
        ag_json_put_bool(&json, "archive_existing_versions", false);
        rc = post(self, &json, "model-versions/transition-stage", NULL, err);
    }
    if (rc >= 0 && record->version.alias.size) {
        ag_json json = begin(self);
        put_str(&json, "name", record->version.model);
        put_str(&json, "alias", record->version.alias);
        ag_json_put_text(&json, "version", text);
        rc = post(self, &json, "registered-models/alias", NULL, err);
    }
    return rc;
}

/* It is looked for in any case: a caller that was killed asks again with the same operation. */
static int version(void *state, const ag_entry *record, int64_t *number, ag_err *err)
{
    server *self = state;
    ag_arena_reset(self->rest.arena);
    int rc = find_version(self, record, number, err);
    if (rc == 0) rc = make_version(self, record, number, err);
    return rc < 0 ? rc : dress_version(self, record, *number, err);
}

const ag_client_target ag_client_target_server = {
    .batch_max = SERVER_BATCH,
    .start = start,
    .log = log_batch,
    .check = check,
    .finish = finish,
    .artifact = put_artifact,
    .input = put_input,
    .version = version,
    .close = close_server,
};
