// SPDX-License-Identifier: Apache-2.0
/* mlflow_file_models.c: logged models and the registry of MLflow's file store. */
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/exchange/mlflow_directory.h"

enum { LARGEST_METRIC = 16 << 20 };

/* ---- logged models ---- */

typedef struct metric_walk {
    ag_mlflow_dir *d;
    const char *folder;
    ag_vec metrics;
} metric_walk;

/* "TIMESTAMP VALUE STEP RUN [DATASET DIGEST]". */
static int read_metric(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    metric_walk *w = context;
    ag_arena *arena = w->d->arena;
    ag_buf text;
    (void)info;
    const char *file = ag_path_join(arena, w->folder, relative), *key = ag_arena_strdup(arena, relative);
    if (!file || !key) return ag_fail_memory(err, 1);
    ag_buf_init(&text, LARGEST_METRIC);
    int rc = ag_file_read(file, LARGEST_METRIC, &text, err);
    ag_str rest = ag_buf_str(&text), line, more, part[3] = {{0}};
    while (rc >= 0 && ag_str_next(&rest, '\n', &line)) {
        ag_metric point;
        if (!ag_mlruns_point(line, &point, &more)) continue;
        for (size_t i = 0; i < 3; i++) {
            part[i] = (ag_str){0};
            if (more.data) ag_str_next(&more, ' ', &part[i]);
        }
        point.key = key;
        point.run_id = ag_arena_strndup(arena, part[0].data ? part[0].data : "", part[0].size);
        if (part[1].size) point.dataset_name = ag_arena_strndup(arena, part[1].data, part[1].size);
        if (part[2].size) point.dataset_digest = ag_arena_strndup(arena, part[2].data, part[2].size);
        rc = point.run_id ? ag_vec_push(&w->metrics, &point, err) : ag_fail_memory(err, 1);
    }
    ag_buf_deinit(&text);
    return rc;
}

static int fill_logged(ag_mlflow_dir *d, const char *path, ag_logged_model *model, bool deleted, ag_err *err)
{
    metric_walk w = {.d = d, .folder = ag_path_join(d->arena, path, "metrics")};
    const char *why, *beside = ag_path_join(d->arena, path, "artifacts");
    const char *named = ag_intake_address(d->intake, d->arena, model->artifact_uri ? model->artifact_uri : "", &why);
    if (!w.folder || !beside) return ag_fail_memory(err, 1);
    bool moved = (!named || !ag_file_exists(named)) && ag_file_exists(beside);
    ag_vec_init(&w.metrics, sizeof(ag_metric));
    int rc = ag_mlflow_read_pairs(d, path, "params", "param", &model->params, err);
    if (rc >= 0) rc = ag_mlflow_read_pairs(d, path, "tags", "tag", &model->tags, err);
    if (rc >= 0 && ag_file_exists(w.folder)) rc = ag_dir_walk(w.folder, read_metric, &w, err);
    model->metrics = w.metrics.items;
    model->metric_count = w.metrics.count;
    if (rc >= 0) rc = ag_intake_logged_model(d->intake, model, deleted, moved ? beside : NULL, err);
    ag_vec_deinit(&w.metrics);
    return rc;
}

static int take_logged(ag_mlflow_dir *d, const char *path, ag_err *err)
{
    const ag_value *meta;
    ag_logged_model model;
    bool deleted = false;
    ag_err why = {0};
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0) return rc;
    rc = ag_mlruns_logged_model(d->arena, meta, &model, &deleted, &why);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    if (rc >= 0 && model.experiment_id) return fill_logged(d, path, &model, deleted, err);
    ag_intake_skip(d->intake, path, "%s", rc < 0 ? why.text : "'experiment_id' is missing");
    return AG_OK;
}

static int each_folder(ag_mlflow_dir *d, const char *path, int (*take)(ag_mlflow_dir *, const char *, ag_err *),
                       ag_err *err)
{
    ag_vec names;
    ag_arena *keep = ag_arena_new(0);
    if (!keep) return ag_fail_memory(err, 1);
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_mlflow_folders(path, keep, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *one = ag_path_join(keep, path, *(const char **)ag_vec_at(&names, i));
        rc = one ? take(d, one, err) : ag_fail_memory(err, 1);
        ag_arena_reset(d->arena);
    }
    ag_vec_deinit(&names);
    ag_arena_free(keep);
    return rc < 0 ? rc : AG_OK;
}

int ag_mlflow_directory_models(ag_mlflow_dir *d, const char *experiment, ag_err *err)
{
    ag_arena *keep = ag_arena_new(0);
    const char *path = keep ? ag_path_join(keep, experiment, "models") : NULL;
    int rc = path ? each_folder(d, path, take_logged, err) : ag_fail_memory(err, 1);
    ag_arena_free(keep);
    return rc;
}

/* ---- the registry ---- */

static int take_version(ag_mlflow_dir *d, const char *path, ag_err *err)
{
    const ag_value *meta;
    ag_version version;
    bool deleted = false;
    ag_err why = {0};
    if (!ag_str_starts(ag_path_name(ag_str_of(path)), AG_STR("version-"))) return AG_OK;
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0) return rc;
    rc = ag_mlruns_version(d->arena, meta, &version, &deleted, &why);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    if (rc < 0) {
        ag_intake_skip(d->intake, path, "%s", why.text);
        return AG_OK;
    }
    rc = ag_mlflow_read_pairs(d, path, "tags", "tag", &version.tags, err);
    return rc < 0 ? rc : ag_intake_version(d->intake, &version, deleted, err);
}

static int take_aliases(ag_mlflow_dir *d, const char *path, const char *model, ag_err *err)
{
    ag_pairs aliases;
    int rc = ag_mlflow_read_pairs(d, path, "aliases", "tag", &aliases, err);
    for (size_t i = 0; i < aliases.count && rc >= 0; i++) {
        int64_t number;
        if (!ag_str_to_int(ag_str_trim(aliases.items[i].value), &number)) continue;
        rc = ag_intake_alias(d->intake, ag_str_of(model), aliases.items[i].key, number, err);
    }
    return rc;
}

static int take_model(ag_mlflow_dir *d, const char *path, ag_err *err)
{
    const ag_value *meta;
    ag_registered_model model;
    ag_err why = {0};
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0) return rc;
    rc = ag_mlruns_model(d->arena, meta, &model, &why);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    if (rc < 0) {
        ag_intake_skip(d->intake, path, "%s", why.text);
        return AG_OK;
    }
    ag_arena *keep = ag_arena_new(0);
    const char *name = keep ? ag_arena_strdup(keep, model.name) : NULL;
    rc = name ? ag_mlflow_read_pairs(d, path, "tags", "tag", &model.tags, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_intake_model(d->intake, &model, err);
    if (rc >= 0) rc = each_folder(d, path, take_version, err);
    if (rc >= 0) rc = take_aliases(d, path, name, err);
    ag_arena_free(keep);
    return rc;
}

int ag_mlflow_directory_registry(ag_mlflow_dir *d, ag_err *err)
{
    ag_arena *keep = ag_arena_new(0);
    const char *path = keep ? ag_path_join(keep, d->root, "models") : NULL;
    ag_progress_stage(d->intake->options.progress, "registry");
    int rc = path ? each_folder(d, path, take_model, err) : ag_fail_memory(err, 1);
    ag_arena_free(keep);
    return rc;
}
