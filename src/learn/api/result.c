// SPDX-License-Identifier: Apache-2.0
/* result.c: the public face of what a training made. A result is a directory and the facts about it, which never change
 * after it was made; the predictor is opened when it is first wanted, under the lock, and is then asked without it. A
 * serialised result is that directory packed (learn/pack.h); read back, it lies in a new directory that goes with it.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/doc/json_file.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/api/training.h"
#include "learn/journal.h"
#include "learn/pack.h"
#include "learn/strategy.h"
#include "learn/strategy_made.h"

#define MAX_PACK ((size_t)8 << 30)

/* ---- making and freeing ---- */

int ag_result_new(const char *directory, auger_result **out, ag_err *err)
{
    auger_result *result = ag_calloc(1, sizeof *result);
    if (!result) return ag_fail_memory(err, sizeof *result);
    pthread_mutex_init(&result->lock, NULL);
    result->threads = 1;
    if ((result->arena = ag_arena_new(0))) {
        result->directory = ag_arena_strdup(result->arena, directory);
        result->model_dir = ag_path_join(result->arena, directory, "model");
    }
    if (result->model_dir && result->directory) return *out = result, 0;
    auger_result_free(result);
    return ag_fail_memory(err, strlen(directory));
}

void auger_result_free(auger_result *result)
{
    if (!result) return;
    ag_answerer_close(&result->who);
    ag_forecaster_close(&result->forecaster);
    ag_arena_free(result->forecaster_arena);
    ag_pool_free(result->pool);
    if (result->temporary) (void)ag_dir_remove(result->directory, NULL);
    ag_findings_deinit(&result->facts.metrics);
    pthread_mutex_destroy(&result->lock);
    ag_arena_free(result->arena);
    ag_free(result);
}

int ag_result_answerer(auger_result *result, const ag_answerer **out, ag_err *err)
{
    const ag_device *device = NULL;
    int rc = 0;
    pthread_mutex_lock(&result->lock);
    if (!result->who.ask) {
        rc = ag_device_find("auto", &device, err);
        if (rc >= 0 && result->threads > 1 && !result->pool) rc = ag_pool_new(result->threads, &result->pool, err);
        if (rc >= 0)
            rc = ag_answerer_open_by(result->model_dir, result->named, device, result->pool, &result->who, err);
    }
    *out = &result->who;
    pthread_mutex_unlock(&result->lock);
    return rc;
}

static int no_result(auger_error *error)
{
    ag_err err = {0};
    return ag_answer(ag_fail(&err, AG_EINVAL, "no result was given"), &err, error);
}

int auger_result_program(auger_result *result, const char *settings, auger_error *error)
{
    ag_err err = {0};
    if (!result) return no_result(error);
    int rc = settings ? 0 : ag_fail(&err, AG_EINVAL, "no settings were given");
    pthread_mutex_lock(&result->lock);
    ag_settings *named = rc >= 0 ? ag_arena_alloc(result->arena, sizeof *named) : NULL;
    const char *path = named ? ag_arena_strdup(result->arena, settings) : NULL;
    if (rc >= 0 && !path) rc = ag_fail_memory(&err, sizeof *named);
    if (rc >= 0) rc = ag_settings_read(result->arena, path, NULL, 0, named, &err);
    if (rc >= 0 && result->who.ask) rc = ag_fail(&err, AG_ECONFLICT, "the result has answered already");
    if (rc >= 0) result->named = named;
    pthread_mutex_unlock(&result->lock);
    return ag_answer(rc, &err, error);
}

/* ---- facts on disk ---- */

static int render(const ag_result_facts *facts, ag_buf *text, ag_err *err)
{
    ag_json json = ag_json_writer(text, 2, AG_JSON_NONFINITE_WORDS);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "format", 1);
    ag_json_put_text(&json, "strategy", facts->strategy);
    ag_json_put_text(&json, "experiment", facts->experiment);
    ag_json_put_text(&json, "run_id", facts->run);
    ag_json_put_text(&json, "data_sha256", facts->data_sha256);
    ag_json_put_text(&json, "model_version", facts->model_version);
    ag_json_put_text(&json, "checkpoint", facts->checkpoint);
    ag_json_put_int(&json, "parameters", facts->parameters);
    ag_json_name(&json, "metrics");
    ag_findings_write(&facts->metrics, &json);
    ag_json_put_text(&json, "settings", facts->settings);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    ag_buf_add_char(text, '\n');
    return rc;
}

int ag_result_write(const auger_result *result, const char *directory, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, AG_JSON_MAX_BYTES);
    ag_arena *arena = ag_arena_new(0);
    const char *path = arena ? ag_path_join(arena, directory, AG_RESULT_FILE) : NULL;
    int rc = path ? render(&result->facts, &text, err) : ag_fail_memory(err, strlen(directory));
    if (rc >= 0) rc = ag_file_replace(path, text.data, text.size, err);
    ag_arena_free(arena);
    ag_buf_deinit(&text);
    return rc;
}

/* A JSON file of the directory; *out is NULL when it is not there. */
static int read_json(const auger_result *result, const char *name, const ag_value **out, ag_err *err)
{
    const ag_json_options options = {.file = name, .max_depth = 16, .nonfinite = AG_JSON_NONFINITE_WORDS};
    const char *path = ag_path_join(result->arena, result->directory, name);
    *out = NULL;
    if (!path) return ag_fail_memory(err, strlen(name));
    return ag_file_exists(path) ? ag_json_file_read(result->arena, path, &options, out, err) : 0;
}

/* Text with a NUL inside is no text that C can give. */
static int take_text(const auger_result *result, const ag_value *from, const char *key, const char **out, ag_err *err)
{
    ag_str text;
    const ag_value *value = ag_value_get(from, key);
    if (!value || value->kind == AG_NULL) return 0;
    if (!ag_value_string(value, &text) || memchr(text.data, '\0', text.size))
        return ag_fail(err, AG_ECORRUPT, "%s of the result is no text", key);
    *out = ag_arena_strndup(result->arena, text.data, text.size);
    return *out ? 0 : ag_fail_memory(err, text.size);
}

static int take_metrics(auger_result *result, const ag_value *from, ag_err *err)
{
    if (!from) return 0;
    if (from->kind != AG_OBJECT || from->object.count > AG_FINDINGS_MOST)
        return ag_fail(err, AG_ECORRUPT, "the metrics of the result are none");
    int rc = 0;
    for (size_t i = 0; i < from->object.count && rc >= 0; i++) {
        const ag_member *m = &from->object.members[i];
        const char *name = ag_arena_strndup(result->arena, m->name.data, m->name.size);
        double value = NAN;
        if (!name) return ag_fail_memory(err, m->name.size);
        if (!ag_value_real(&m->value, &value) && m->value.kind != AG_NULL)
            return ag_fail(err, AG_ECORRUPT, "metric %s of the result is no number", name);
        rc = ag_findings_put(&result->facts.metrics, result->arena, name, value, err);
    }
    return rc;
}

static int take_facts(auger_result *result, const ag_value *from, ag_err *err)
{
    ag_result_facts *facts = &result->facts;
    int64_t format = 0;
    if (!ag_value_int(ag_value_get(from, "format"), &format) || format != 1)
        return ag_fail(err, AG_EUNSUPPORTED, AG_RESULT_FILE " is of no format that this version knows");
    int rc = take_text(result, from, "strategy", &facts->strategy, err);
    if (rc >= 0) rc = take_text(result, from, "experiment", &facts->experiment, err);
    if (rc >= 0) rc = take_text(result, from, "run_id", &facts->run, err);
    if (rc >= 0) rc = take_text(result, from, "data_sha256", &facts->data_sha256, err);
    if (rc >= 0) rc = take_text(result, from, "model_version", &facts->model_version, err);
    if (rc >= 0) rc = take_text(result, from, "checkpoint", &facts->checkpoint, err);
    if (rc >= 0) rc = take_text(result, from, "settings", &facts->settings, err);
    if (rc >= 0) (void)ag_value_int(ag_value_get(from, "parameters"), &facts->parameters);
    return rc < 0 ? rc : take_metrics(result, ag_value_get(from, "metrics"), err);
}

/* What `auger train` has left: its description of the model, its metrics and its run. */
static int gather_facts(auger_result *result, ag_err *err)
{
    const ag_value *model = NULL, *metrics = NULL, *run = NULL;
    ag_result_facts *facts = &result->facts;
    int rc = read_json(result, "model/" AG_STRATEGY_FILE, &model, err);
    if (rc >= 0 && !model)
        return ag_fail(err, AG_ENOTFOUND, "there is no result of a training in %s", result->directory);
    if (rc >= 0) rc = read_json(result, "metrics.json", &metrics, err);
    if (rc >= 0) rc = read_json(result, AG_JOURNAL_RUN, &run, err);
    if (rc >= 0) rc = take_text(result, model, "strategy", &facts->strategy, err);
    if (rc >= 0) rc = take_text(result, model, "data_sha256", &facts->data_sha256, err);
    if (rc >= 0) rc = take_text(result, run, "run_id", &facts->run, err);
    return rc < 0 ? rc : take_metrics(result, metrics, err);
}

int ag_result_read(auger_result *result, ag_err *err)
{
    const ag_value *facts = NULL;
    int rc = read_json(result, AG_RESULT_FILE, &facts, err);
    if (rc >= 0) rc = facts ? take_facts(result, facts, err) : gather_facts(result, err);
    if (rc < 0) return rc;
    if (ag_file_exists(result->model_dir)) return 0;
    return ag_fail(err, AG_ENOTFOUND, "there is no model in %s", result->directory);
}

/* ---- what it is ---- */

const char *auger_result_strategy(const auger_result *result)
{
    return result ? result->facts.strategy : NULL;
}

const char *auger_result_experiment(const auger_result *result)
{
    return result ? result->facts.experiment : NULL;
}

const char *auger_result_run(const auger_result *result)
{
    return result ? result->facts.run : NULL;
}

const char *auger_result_data_sha256(const auger_result *result)
{
    return result ? result->facts.data_sha256 : NULL;
}

const char *auger_result_model_version(const auger_result *result)
{
    return result ? result->facts.model_version : NULL;
}

const char *auger_result_checkpoint(const auger_result *result)
{
    return result ? result->facts.checkpoint : NULL;
}

const char *auger_result_model_dir(const auger_result *result)
{
    return result ? result->model_dir : NULL;
}

const char *auger_result_settings(const auger_result *result)
{
    return result ? result->facts.settings : NULL;
}

int64_t auger_result_parameters(const auger_result *result)
{
    return result ? result->facts.parameters : 0;
}

const char *auger_result_metric(const auger_result *result, size_t index, double *value)
{
    const ag_finding *metric = result ? ag_finding_at(&result->facts.metrics, index) : NULL;
    if (!metric) return NULL;
    if (value) *value = metric->value;
    return metric->name;
}

int auger_result_metric_by_name(const auger_result *result, const char *name, double *value)
{
    const ag_finding *metric = result && name ? ag_finding_named(&result->facts.metrics, name) : NULL;
    if (metric && value) *value = metric->value;
    return metric != NULL;
}

/* ---- keeping it ---- */

static int load(const char *directory, auger_result **out, ag_err *err)
{
    auger_result *result = NULL;
    char *absolute = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_path_absolute(arena, directory, &absolute, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_result_new(absolute, &result, err);
    ag_arena_free(arena);
    if (rc >= 0) rc = ag_result_read(result, err);
    if (rc >= 0)
        *out = result;
    else
        auger_result_free(result);
    return rc;
}

int auger_result_load(const char *directory, auger_result **out, auger_error *error)
{
    ag_err err = {0};
    int rc = directory && out ? load(directory, out, &err) : ag_fail(&err, AG_EINVAL, "no directory was given");
    return ag_answer(rc, &err, error);
}

typedef struct packing {
    const auger_result *result;
    ag_arena *arena;
    ag_buf *out;
    uint32_t count;
} packing;

static int pack_one(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    packing *p = context;
    (void)info;
    const char *name = ag_path_join(p->arena, "model", relative);
    const char *file = ag_path_join(p->arena, p->result->model_dir, relative);
    p->count++;
    return name && file ? ag_pack_add(p->out, name, file, err) : ag_fail_memory(err, strlen(relative));
}

/* The facts are packed from a file, so that there is one way to write them. */
static int pack_facts(packing *p, ag_err *err)
{
    char *directory = NULL;
    int rc = ag_dir_temporary("auger-result", &directory, err);
    if (rc < 0) return rc;
    const char *file = ag_path_join(p->arena, directory, AG_RESULT_FILE);
    rc = file ? ag_result_write(p->result, directory, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_pack_add(p->out, AG_RESULT_FILE, file, err);
    p->count++;
    (void)ag_dir_remove(directory, NULL);
    ag_free(directory);
    return rc;
}

static int pack(const auger_result *result, ag_buf *out, ag_err *err)
{
    packing p = {.result = result, .arena = ag_arena_new(0), .out = out};
    int rc = p.arena ? ag_pack_begin(out, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = pack_facts(&p, err);
    if (rc >= 0) rc = ag_dir_walk(result->model_dir, pack_one, &p, err);
    if (rc >= 0) rc = ag_pack_end(out, p.count, err);
    ag_arena_free(p.arena);
    return rc;
}

static int unpack(ag_str bytes, const char *directory, ag_err *err)
{
    ag_vec files;
    ag_vec_init(&files, sizeof(ag_pack_file));
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_pack_parse(bytes, arena, &files, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = ag_pack_write(&files, directory, arena, err);
    ag_vec_deinit(&files);
    ag_arena_free(arena);
    return rc;
}

/* A model that describes itself is one of ours: none of its files shall stay among the new ones. */
static int remove_old(const char *directory, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    const char *model = arena ? ag_path_join(arena, directory, "model") : NULL;
    const char *description = model ? ag_path_join(arena, model, AG_STRATEGY_FILE) : NULL;
    int rc = description ? 0 : ag_fail_memory(err, strlen(directory));
    if (rc >= 0 && ag_file_exists(description)) rc = ag_dir_remove(model, err);
    ag_arena_free(arena);
    return rc;
}

static int save(const auger_result *result, const char *directory, ag_err *err)
{
    ag_buf bytes;
    ag_buf_init(&bytes, MAX_PACK);
    int rc = pack(result, &bytes, err);
    if (rc >= 0) rc = remove_old(directory, err);
    if (rc >= 0) rc = unpack(ag_buf_str(&bytes), directory, err);
    ag_buf_deinit(&bytes);
    return rc;
}

int auger_result_save(const auger_result *result, const char *directory, auger_error *error)
{
    ag_err err = {0};
    if (!result) return no_result(error);
    int rc = directory ? save(result, directory, &err) : ag_fail(&err, AG_EINVAL, "no directory was given");
    return ag_answer(rc, &err, error);
}

int auger_result_serialise(const auger_result *result, void **bytes, size_t *size, auger_error *error)
{
    ag_err err = {0};
    ag_buf out;
    if (!result) return no_result(error);
    ag_buf_init(&out, MAX_PACK);
    int rc = bytes && size ? pack(result, &out, &err) : ag_fail(&err, AG_EINVAL, "nowhere to put the bytes");
    if (rc >= 0) {
        *size = out.size;
        *bytes = ag_buf_steal(&out);
    }
    ag_buf_deinit(&out);
    return ag_answer(rc, &err, error);
}

/* A new directory below `parent`; from ag_alloc. */
static int make_directory(const char *parent, char **out, ag_err *err)
{
    if (!parent) return ag_dir_temporary("auger-result", out, err);
    int rc = ag_dir_make(parent, err);
    ag_buf path;
    ag_buf_init(&path, 4096);
    if (rc >= 0) {
        ag_buf_addf(&path, "%s/auger-result-XXXXXX", parent);
        rc = ag_buf_check(&path, "a path", err);
    }
    if (rc >= 0 && !mkdtemp(path.data)) rc = ag_fail_errno(err, errno, "cannot make a directory in %s", parent);
    if (rc >= 0) *out = ag_buf_steal(&path);
    ag_buf_deinit(&path);
    return rc;
}

static int place(const ag_vec *files, const char *parent, ag_arena *arena, auger_result **out, ag_err *err)
{
    char *directory = NULL;
    auger_result *result = NULL;
    int rc = make_directory(parent, &directory, err);
    if (rc < 0) return rc;
    rc = ag_pack_write(files, directory, arena, err);
    if (rc >= 0) rc = load(directory, &result, err);
    if (rc >= 0) {
        result->temporary = true;
        *out = result;
    } else {
        (void)ag_dir_remove(directory, NULL);
    }
    ag_free(directory);
    return rc;
}

/* Nothing is made before all of the bytes have been looked at. */
static int deserialise(ag_str bytes, const char *parent, auger_result **out, ag_err *err)
{
    ag_vec files;
    ag_vec_init(&files, sizeof(ag_pack_file));
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_pack_parse(bytes, arena, &files, err) : ag_fail_memory(err, 64);
    if (rc >= 0) rc = place(&files, parent, arena, out, err);
    ag_vec_deinit(&files);
    ag_arena_free(arena);
    return rc;
}

int auger_result_deserialise(const void *bytes, size_t size, const char *directory, auger_result **out,
                             auger_error *error)
{
    ag_err err = {0};
    int rc = bytes && out ? deserialise((ag_str){bytes, size}, directory, out, &err)
                          : ag_fail(&err, AG_EINVAL, "no bytes were given");
    return ag_answer(rc, &err, error);
}

void auger_bytes_free(void *bytes)
{
    ag_free(bytes);
}
