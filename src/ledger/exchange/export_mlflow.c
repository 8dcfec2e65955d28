// SPDX-License-Identifier: Apache-2.0
/* export_mlflow.c: a directory as MLflow's file store has it, with absolute addresses in it: mlflow_directory.c reads
 * the same. Values in meta.yaml are written as JSON, which every YAML reader takes for what it is. Identities that
 * MLflow makes up (of data sets and inputs) are hashes, so that the same ledger gives the same bytes. A key that is
 * both a name and a folder ("a" and "a/b") cannot be kept by files, and is told. */
#include "core/doc/json.h"
#include "core/hash/hash.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/exchange/export.h"
#include "ledger/logged_model.h"
#include "ledger/model.h"

enum { PAGE = 1000, MOST_LOGGED = 50 };

/* ---- writing ---- */

typedef struct meta { /* a meta.yaml under way */
    ag_buf text;
} meta;

static void begin(meta *m)
{
    ag_buf_init(&m->text, 64 << 20);
}

static void put_str(meta *m, const char *name, ag_str value)
{
    ag_buf_addf(&m->text, "%s: ", name);
    ag_json json = ag_json_writer(&m->text, 0, AG_JSON_NONFINITE_NULL);
    if (value.data)
        ag_json_str(&json, value);
    else
        ag_json_null(&json);
    ag_buf_add_char(&m->text, '\n');
}

static void put_text(meta *m, const char *name, const char *value)
{
    put_str(m, name, ag_str_of(value));
}

static void put_int(meta *m, const char *name, int64_t value)
{
    ag_buf_addf(&m->text, "%s: %lld\n", name, (long long)value);
}

static void put_time(meta *m, const char *name, int64_t at) /* 0: null */
{
    if (at)
        put_int(m, name, at / 1000);
    else
        put_text(m, name, NULL);
}

static void put_tags(meta *m, ag_pairs tags)
{
    ag_buf_add_text(&m->text, "tags: ");
    ag_json json = ag_json_writer(&m->text, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    for (size_t i = 0; i < tags.count; i++) {
        ag_json_name_str(&json, tags.items[i].key);
        ag_json_str(&json, tags.items[i].value.data ? tags.items[i].value : AG_STR(""));
    }
    ag_json_end_object(&json);
    ag_buf_add_char(&m->text, '\n');
}

static int write_file(ag_export *e, const char *folder, const char *name, ag_str content, ag_err *err)
{
    const char *path = ag_path_join(e->piece, folder, name);
    if (!path) return ag_fail_memory(err, strlen(folder));
    ag_str parent = ag_path_parent(ag_str_of(path));
    const char *above = ag_arena_strndup(e->piece, parent.data, parent.size);
    int rc = above ? ag_dir_make(above, err) : ag_fail_memory(err, parent.size);
    return rc < 0 ? rc : ag_file_replace(path, content.data ? content.data : "", content.size, err);
}

static int end(ag_export *e, meta *m, const char *folder, ag_err *err)
{
    int rc = ag_buf_check(&m->text, "meta.yaml", err);
    if (rc >= 0) rc = write_file(e, folder, "meta.yaml", ag_buf_str(&m->text), err);
    ag_buf_deinit(&m->text);
    return rc;
}

/* A key that cannot be a file beside the others is told and left out. */
static int write_value(ag_export *e, const char *id, const char *folder, ag_str key, ag_str value, ag_err *err)
{
    ag_err why = {0};
    const char *name = ag_arena_strndup(e->piece, key.data, key.size);
    if (!name) return ag_fail_memory(err, key.size);
    int rc = write_file(e, folder, name, value, &why);
    if (rc >= 0) return AG_OK;
    if (rc != AG_EIO && rc != AG_EEXISTS && rc != AG_ENOTFOUND && rc != AG_EINVAL) {
        if (err) *err = why;
        return rc;
    }
    ag_export_skip(e, id, "'%s' is also the name of a folder of keys, or too long for a file", name);
    return AG_OK;
}

static int write_pairs(ag_export *e, const char *id, const char *folder, const char *kind, ag_pairs pairs, ag_err *err)
{
    const char *place = ag_path_join(e->piece, folder, kind);
    int rc = place ? ag_dir_make(place, err) : ag_fail_memory(err, strlen(folder));
    for (size_t i = 0; i < pairs.count && rc >= 0; i++) {
        rc = write_value(e, id, place, pairs.items[i].key, pairs.items[i].value, err);
    }
    return rc;
}

/* 32 hex digits that stand for some texts. */
static int name_of(ag_arena *arena, const char *a, const char *b, const char **out, ag_err *err)
{
    ag_sha256 digest;
    char hex[65];
    const char *both = ag_arena_printf(arena, "%s\n%s", a, b);
    int rc = both ? ag_sha256_of(both, strlen(both), &digest, err) : ag_fail_memory(err, strlen(a));
    if (rc < 0) return rc;
    ag_sha256_format(&digest, hex);
    *out = ag_arena_strndup(arena, hex, 32);
    return *out ? AG_OK : ag_fail_memory(err, 33);
}

/* ---- experiments ---- */

/* Below the directory under way and, with `final`, below where it will be. */
static const char *folder_of(const ag_export *e, ag_arena *arena, const ag_experiment *experiment, bool final)
{
    return ag_arena_printf(arena, "%s/%s%s", final ? e->target : e->directory, experiment->deleted ? ".trash/" : "",
                           experiment->id);
}

static int write_logged(ag_export *e, const ag_experiment *experiment, ag_err *err);

static int write_experiment(ag_export *e, const ag_experiment *experiment, ag_err *err)
{
    meta m;
    const char *folder = folder_of(e, e->arena, experiment, false);
    const char *place = ag_arena_printf(e->arena, "file://%s/%s", e->target, experiment->id);
    if (!folder || !place) return ag_fail_memory(err, 1);
    begin(&m);
    put_text(&m, "artifact_location", place);
    put_time(&m, "creation_time", experiment->created_at);
    put_text(&m, "experiment_id", experiment->id);
    put_time(&m, "last_update_time", experiment->updated_at);
    put_text(&m, "lifecycle_stage", experiment->deleted ? "deleted" : "active");
    put_text(&m, "name", experiment->name);
    int rc = end(e, &m, folder, err);
    if (rc >= 0) rc = write_pairs(e, experiment->id, folder, "tags", experiment->tags, err);
    return rc < 0 ? rc : write_logged(e, experiment, err);
}

/* ---- runs ---- */

static int write_input(ag_export *e, const char *home, const char *folder, const ag_run *run, const ag_run_input *input,
                       ag_err *err)
{
    meta m;
    const char *id, *link;
    int rc = name_of(e->piece, input->name, input->digest, &id, err);
    if (rc >= 0) rc = name_of(e->piece, run->id, id, &link, err);
    if (rc < 0) return rc;
    const char *at = ag_arena_printf(e->piece, "%s/datasets/%s", home, id);
    const char *from = ag_arena_printf(e->piece, "%s/inputs/%s", folder, link);
    if (!at || !from) return ag_fail_memory(err, 1);
    begin(&m);
    put_text(&m, "digest", input->digest);
    put_text(&m, "name", input->name);
    put_text(&m, "profile", input->profile);
    put_text(&m, "schema", input->schema);
    put_text(&m, "source", input->source);
    put_text(&m, "source_type", input->source_type);
    if ((rc = end(e, &m, at, err)) < 0) return rc;
    begin(&m);
    put_text(&m, "destination_id", id);
    put_text(&m, "destination_type", "RUN");
    put_text(&m, "source_id", id);
    put_text(&m, "source_type", "DATASET");
    put_tags(&m, input->tags);
    return end(e, &m, from, err);
}

static int write_edge(ag_export *e, const char *folder, const ag_run_model *model, bool output, ag_err *err)
{
    meta m;
    const char *at = ag_arena_printf(e->piece, "%s/%s/%s", folder, output ? "outputs" : "inputs", model->model_id);
    if (!at) return ag_fail_memory(err, 1);
    begin(&m);
    put_text(&m, "destination_id", model->model_id);
    put_text(&m, "destination_type", output ? "MODEL_OUTPUT" : "MODEL_INPUT");
    put_text(&m, "source_id", model->model_id);
    put_text(&m, "source_type", output ? "RUN_OUTPUT" : "RUN_INPUT");
    put_int(&m, "step", model->step);
    put_tags(&m, (ag_pairs){0});
    return end(e, &m, at, err);
}

static int write_points(void *context, const ag_metric *points, size_t count, ag_err *err)
{
    ag_replace *file = context;
    char value[32], line[128];
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_double_format(points[i].value, value);
        ag_format(line, sizeof(line), "%lld %s %lld\n", (long long)(points[i].at / 1000), value,
                  (long long)points[i].step);
        rc = ag_replace_write(file, line, strlen(line), err);
    }
    return rc;
}

static int write_history(ag_export *e, const char *folder, const ag_run *run, const char *key, ag_err *err)
{
    ag_replace *file = NULL;
    ag_err why = {0};
    const char *path = ag_arena_printf(e->piece, "%s/metrics/%s", folder, key);
    if (!path) return ag_fail_memory(err, strlen(key));
    ag_str parent = ag_path_parent(ag_str_of(path));
    const char *above = ag_arena_strndup(e->piece, parent.data, parent.size);
    if (!above) return ag_fail_memory(err, parent.size);
    ag_file_info info;
    int rc = ag_file_stat(path, &info, &why) >= 0 && info.is_directory ? AG_EEXISTS : ag_dir_make(above, &why);
    if (rc < 0 && rc != AG_EFULL && rc != AG_EDENIED && rc != AG_ENOMEM) {
        ag_export_skip(e, run->id, "metric '%s' is also the name of a folder of metrics", key);
        return AG_OK;
    }
    if (rc >= 0) rc = ag_replace_open(path, &file, &why);
    if (rc < 0 && err) *err = why;
    if (rc >= 0) rc = ag_export_points(e, run->id, key, write_points, file, err);
    if (rc >= 0) rc = ag_replace_commit(file, err);
    ag_replace_free(file);
    return rc;
}

static int write_run_meta(ag_export *e, const ag_experiment *experiment, const ag_run *run, const char *folder,
                          ag_err *err)
{
    meta m;
    const char *files = ag_arena_printf(e->piece, "file://%s/%s/%s/artifacts", e->target, experiment->id, run->id);
    if (!files) return ag_fail_memory(err, 1);
    begin(&m);
    put_text(&m, "artifact_uri", files);
    if (run->deleted) put_time(&m, "deleted_time", run->ended_at ? run->ended_at : run->started_at);
    put_time(&m, "end_time", run->ended_at);
    put_text(&m, "entry_point_name", "");
    put_text(&m, "experiment_id", experiment->id);
    put_text(&m, "lifecycle_stage", run->deleted ? "deleted" : "active");
    put_text(&m, "run_id", run->id);
    put_text(&m, "run_uuid", run->id);
    put_text(&m, "run_name", run->name);
    put_text(&m, "source_name", "");
    put_int(&m, "source_type", 4);
    put_text(&m, "source_version", "");
    put_time(&m, "start_time", run->started_at);
    put_int(&m, "status", run->status);
    put_text(&m, "user_id", run->user_id ? run->user_id : "");
    ag_buf_add_text(&m.text, "tags: []\n");
    return end(e, &m, folder, err);
}

static int write_run(ag_export *e, const ag_experiment *experiment, const ag_run *run, ag_err *err)
{
    const char *home = folder_of(e, e->piece, experiment, false);
    const char *folder = home ? ag_path_join(e->piece, home, run->id) : NULL;
    const char *files = folder ? ag_path_join(e->piece, folder, "artifacts") : NULL;
    const char *metrics = folder ? ag_path_join(e->piece, folder, "metrics") : NULL;
    int rc = files && metrics ? ag_dir_make(files, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_dir_make(metrics, err);
    if (rc >= 0) rc = write_run_meta(e, experiment, run, folder, err);
    if (rc >= 0) rc = write_pairs(e, run->id, folder, "params", run->params, err);
    if (rc >= 0) rc = write_pairs(e, run->id, folder, "tags", run->tags, err);
    for (size_t i = 0; i < run->metric_count && rc >= 0; i++)
        rc = write_history(e, folder, run, run->metrics[i].key, err);
    for (size_t i = 0; i < run->input_count && rc >= 0; i++)
        rc = write_input(e, home, folder, run, &run->inputs[i], err);
    for (size_t i = 0; i < run->model_input_count && rc >= 0; i++) {
        rc = write_edge(e, folder, &run->model_inputs[i], false, err);
    }
    for (size_t i = 0; i < run->model_output_count && rc >= 0; i++) {
        rc = write_edge(e, folder, &run->model_outputs[i], true, err);
    }
    return rc < 0 ? rc : ag_export_files(e, run->id, run->artifact_uri, files, err);
}

/* ---- logged models ---- */

static int write_model_metric(ag_export *e, const char *folder, const ag_metric *m, ag_err *err)
{
    char value[32];
    ag_double_format(m->value, value);
    const char *line =
        ag_arena_printf(e->piece, "%lld %s %lld %s%s%s%s%s\n", (long long)(m->at / 1000), value, (long long)m->step,
                        m->run_id ? m->run_id : "", m->dataset_name ? " " : "", m->dataset_name ? m->dataset_name : "",
                        m->dataset_digest ? " " : "", m->dataset_digest ? m->dataset_digest : "");
    const char *place = ag_path_join(e->piece, folder, "metrics");
    if (!line || !place) return ag_fail_memory(err, 1);
    return write_value(e, folder, place, ag_str_of(m->key), ag_str_of(line), err);
}

static int write_logged_one(ag_export *e, const ag_experiment *experiment, const ag_logged_model *model, ag_err *err)
{
    meta m;
    const char *home = folder_of(e, e->piece, experiment, false);
    const char *folder = home ? ag_arena_printf(e->piece, "%s/models/%s", home, model->id) : NULL;
    const char *files = folder ? ag_path_join(e->piece, folder, "artifacts") : NULL;
    const char *place =
        ag_arena_printf(e->piece, "file://%s/%s/models/%s/artifacts", e->target, experiment->id, model->id);
    if (!files || !place) return ag_fail_memory(err, 1);
    begin(&m);
    put_text(&m, "artifact_location", place);
    put_time(&m, "creation_timestamp", model->created_at);
    put_text(&m, "experiment_id", experiment->id);
    put_time(&m, "last_updated_timestamp", model->updated_at);
    put_text(&m, "model_id", model->id);
    put_text(&m, "model_type", model->model_type);
    put_text(&m, "name", model->name);
    put_text(&m, "source_run_id", model->run_id);
    put_int(&m, "status", model->status);
    put_text(&m, "status_message", model->status_message);
    int rc = end(e, &m, folder, err);
    if (rc >= 0) rc = write_pairs(e, model->id, folder, "params", model->params, err);
    if (rc >= 0) rc = write_pairs(e, model->id, folder, "tags", model->tags, err);
    for (size_t i = 0; i < model->metric_count && rc >= 0; i++)
        rc = write_model_metric(e, folder, &model->metrics[i], err);
    if (rc >= 0) rc = ag_dir_make(files, err);
    return rc < 0 ? rc : ag_export_files(e, model->id, model->artifact_uri, files, err);
}

static int write_logged(ag_export *e, const ag_experiment *experiment, ag_err *err)
{
    ag_str id = ag_str_of(experiment->id), token = AG_STR("");
    int rc;
    do {
        ag_logged_models found = {0};
        ag_page_request page = {.max_results = MOST_LOGGED, .token = token};
        rc = ag_logged_model_search(e->ledger, &id, 1, NULL, 0, &page, e->arena, &found, err);
        for (size_t i = 0; i < found.count && rc >= 0; i++) {
            rc = write_logged_one(e, experiment, &found.items[i], err);
            ag_arena_reset(e->piece);
        }
        token = ag_str_of(found.next);
    } while (rc >= 0 && token.size);
    return rc;
}

/* ---- the registry ---- */

/* Where the files of a version are in the export: those of its logged model or of its run, if they are in it. */
static int find_storage(ag_export *e, const ag_version *version, const char **out, ag_err *err)
{
    ag_run run;
    ag_logged_model model;
    ag_err ignored;
    *out = version->storage ? version->storage : version->source;
    if (version->model_id &&
        ag_logged_model_get(e->ledger, ag_str_of(version->model_id), e->piece, &model, &ignored) >= 0 &&
        strcmp(*out, model.artifact_uri) == 0) {
        *out = ag_arena_printf(e->piece, "file://%s/%s/models/%s/artifacts", e->target, model.experiment_id, model.id);
    } else if (version->run_id && ag_run_get(e->ledger, ag_str_of(version->run_id), e->piece, &run, &ignored) >= 0) {
        size_t size = strlen(run.artifact_uri);
        if (strncmp(*out, run.artifact_uri, size) == 0 && (!(*out)[size] || (*out)[size] == '/')) {
            *out = ag_arena_printf(e->piece, "file://%s/%s/%s/artifacts%s", e->target, run.experiment_id, run.id,
                                   *out + size);
        }
    }
    return *out ? AG_OK : ag_fail_memory(err, 1);
}

static int write_version(ag_export *e, const char *home, const ag_version *version, ag_err *err)
{
    meta m;
    const char *storage;
    const char *folder = ag_arena_printf(e->piece, "%s/version-%lld", home, (long long)version->number);
    int rc = folder ? find_storage(e, version, &storage, err) : ag_fail_memory(err, 1);
    if (rc < 0) return rc;
    begin(&m);
    put_time(&m, "creation_timestamp", version->created_at);
    put_text(&m, "current_stage", ag_stage_name(version->stage));
    put_text(&m, "description", version->description);
    put_time(&m, "last_updated_timestamp", version->updated_at);
    put_text(&m, "model_id", version->model_id);
    put_text(&m, "name", version->model);
    put_text(&m, "run_id", version->run_id);
    put_text(&m, "run_link", version->run_link);
    put_text(&m, "source", version->source);
    put_text(&m, "status", "READY");
    put_text(&m, "status_message", NULL);
    put_text(&m, "storage_location", storage);
    put_text(&m, "user_id", version->user_id);
    put_int(&m, "version", version->number);
    rc = end(e, &m, folder, err);
    e->result.versions++;
    return rc < 0 ? rc : write_pairs(e, version->model, folder, "tags", version->tags, err);
}

static int write_versions(ag_export *e, const char *home, const ag_registered_model *model, ag_err *err)
{
    ag_str token = AG_STR("");
    const char *filter =
        ag_arena_printf(e->arena, strchr(model->name, '\'') ? "name = \"%s\"" : "name = '%s'", model->name);
    int rc = filter ? AG_OK : ag_fail_memory(err, 1);
    do {
        ag_versions found = {0};
        ag_page_request page = {.filter = ag_str_of(filter), .max_results = PAGE, .token = token};
        if (rc >= 0) rc = ag_version_search(e->ledger, &page, e->arena, &found, err);
        for (size_t i = 0; i < found.count && rc >= 0; i++) {
            rc = write_version(e, home, &found.items[i], err);
            ag_arena_reset(e->piece);
        }
        token = ag_str_of(found.next);
    } while (rc >= 0 && token.size);
    return rc;
}

static int write_model(ag_export *e, const ag_registered_model *model, ag_err *err)
{
    meta m;
    int rc = AG_OK;
    const char *home = ag_arena_printf(e->arena, "%s/models/%s", e->directory, model->name);
    const char *aliases = home ? ag_path_join(e->arena, home, "aliases") : NULL;
    if (!aliases) return ag_fail_memory(err, 1);
    if (strpbrk(model->name, "/:.%\"'")) {
        ag_export_skip(e, model->name, "a model in files cannot have this name");
        return AG_OK;
    }
    begin(&m);
    put_time(&m, "creation_timestamp", model->created_at);
    put_text(&m, "description", model->description);
    put_time(&m, "last_updated_timestamp", model->updated_at);
    put_text(&m, "name", model->name);
    ag_buf_add_text(&m.text, "aliases:");
    for (size_t i = 0; i < model->alias_count; i++) {
        ag_buf_addf(&m.text, "\n  \"%s\": \"%lld\"", model->aliases[i].name, (long long)model->aliases[i].version);
    }
    ag_buf_add_text(&m.text, model->alias_count ? "\n" : " {}\n");
    rc = end(e, &m, home, err);
    for (size_t i = 0; i < model->alias_count && rc >= 0; i++) {
        const char *number = ag_arena_printf(e->piece, "%lld", (long long)model->aliases[i].version);
        rc = number ? write_file(e, aliases, model->aliases[i].name, ag_str_of(number), err) : ag_fail_memory(err, 24);
    }
    if (rc >= 0) rc = write_pairs(e, model->name, home, "tags", model->tags, err);
    e->result.models++;
    return rc < 0 ? rc : write_versions(e, home, model, err);
}

static int write_registry(ag_export *e, ag_err *err)
{
    ag_str token = AG_STR("");
    int rc;
    do {
        ag_models found = {0};
        ag_page_request page = {.max_results = PAGE, .token = token};
        rc = ag_model_search(e->ledger, &page, e->arena, &found, err);
        for (size_t i = 0; i < found.count && rc >= 0; i++) rc = write_model(e, &found.items[i], err);
        token = ag_str_of(found.next);
    } while (rc >= 0 && token.size);
    return rc;
}

int ag_export_mlflow(ag_ledger *ledger, const char *directory, const ag_export_options *options, ag_export_result *out,
                     ag_err *err)
{
    static const ag_export_format format = {
        .deleted = true, .experiment = write_experiment, .run = write_run, .finish = write_registry};
    return ag_export_run(ledger, directory, options, &format, out, err);
}
