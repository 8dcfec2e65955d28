// SPDX-License-Identifier: Apache-2.0
/* mlflow_directory.c: MLflow's file store: ROOT/EXPERIMENT/RUN/{meta.yaml, params, metrics, tags, inputs, outputs},
 * ROOT/EXPERIMENT/{datasets, models}, deleted experiments in ROOT/.trash, the registry in ROOT/models. Three rounds
 * over the experiments: runs, then logged models (which name runs), then histories and edges (which name both). A file
 * that cannot be read spoils nothing but itself. */
#include "ledger/exchange/mlflow_directory.h"

#include "core/io/file.h"
#include "core/io/path.h"

enum { LARGEST_META = 64 << 20, LARGEST_VALUE = 1 << 20 };

int ag_mlflow_read_meta(ag_mlflow_dir *d, const char *path, const ag_value **out, ag_err *err)
{
    ag_buf text;
    ag_err found = {0};
    const char *file = ag_path_join(d->arena, path, "meta.yaml");
    if (!file) return ag_fail_memory(err, strlen(path));
    ag_buf_init(&text, LARGEST_META);
    int rc = ag_file_read(file, LARGEST_META, &text, &found);
    if (rc >= 0) rc = ag_mlruns_meta(d->arena, ag_buf_str(&text), file, out, &found);
    ag_buf_deinit(&text);
    if (rc >= 0) return 1;
    if (rc == AG_ENOTFOUND) return 0;
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    ag_intake_skip(d->intake, path, "%s", found.text);
    return 0;
}

typedef struct pair_walk {
    ag_mlflow_dir *d;
    const char *folder, *what;
    ag_vec pairs;
} pair_walk;

static int read_pair(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    pair_walk *w = context;
    ag_buf text;
    ag_err why = {0};
    (void)info;
    const char *file = ag_path_join(w->d->arena, w->folder, relative);
    if (!file) return ag_fail_memory(err, strlen(relative));
    int rc = ag_key_check(ag_str_of(relative), w->what, &why);
    ag_buf_init(&text, LARGEST_VALUE);
    if (rc >= 0) rc = ag_file_read(file, LARGEST_VALUE, &text, &why);
    ag_str value = ag_buf_str(&text);
    if (rc >= 0 && (!ag_utf8_valid(value) || ag_str_find_char(value, '\0', 0) != SIZE_MAX)) {
        rc = ag_fail(&why, AG_EPARSE, "its value is not text");
    }
    ag_pair pair = {ag_str_of(ag_arena_strdup(w->d->arena, relative)),
                    ag_str_of(ag_arena_strndup(w->d->arena, value.data, value.size))};
    ag_buf_deinit(&text);
    if (!pair.key.data || !pair.value.data) return ag_fail_memory(err, value.size);
    if (rc >= 0) return ag_vec_push(&w->pairs, &pair, err);
    ag_intake_skip(w->d->intake, file, "%s", why.text);
    return AG_OK;
}

int ag_mlflow_read_pairs(ag_mlflow_dir *d, const char *path, const char *folder, const char *what, ag_pairs *out,
                         ag_err *err)
{
    pair_walk w = {.d = d, .folder = ag_path_join(d->arena, path, folder), .what = what};
    *out = (ag_pairs){0};
    if (!w.folder) return ag_fail_memory(err, strlen(path));
    ag_vec_init(&w.pairs, sizeof(ag_pair));
    int rc = ag_file_exists(w.folder) ? ag_dir_walk(w.folder, read_pair, &w, err) : AG_OK;
    ag_pair *kept = ag_arena_array(d->arena, w.pairs.count + 1, sizeof(*kept));
    if (rc >= 0 && !kept) rc = ag_fail_memory(err, w.pairs.count);
    if (rc >= 0 && w.pairs.count) memcpy(kept, w.pairs.items, w.pairs.count * sizeof(*kept));
    if (rc >= 0) *out = (ag_pairs){kept, w.pairs.count};
    ag_vec_deinit(&w.pairs);
    return rc;
}

int ag_mlflow_folders(const char *path, ag_arena *arena, ag_vec *names, ag_err *err)
{
    ag_vec all;
    ag_vec_init(&all, sizeof(const char *));
    int rc = ag_file_exists(path) ? ag_dir_list(path, arena, &all, err) : AG_OK;
    for (size_t i = 0; i < all.count && rc >= 0; i++) {
        const char *name = *(const char **)ag_vec_at(&all, i);
        ag_file_info info;
        ag_err ignored;
        const char *one = ag_path_join(arena, path, name);
        if (!one)
            rc = ag_fail_memory(err, strlen(path));
        else if (ag_file_stat(one, &info, &ignored) >= 0 && info.is_directory)
            rc = ag_vec_push(names, &name, err);
    }
    ag_vec_deinit(&all);
    return rc;
}

/* ---- experiments ---- */

static int take_experiment(ag_mlflow_dir *d, const char *path, bool trashed, ag_vec *taken, ag_arena *keep, ag_err *err)
{
    const ag_value *meta;
    ag_experiment experiment;
    ag_err why = {0};
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0) return rc;
    if ((rc = ag_mlruns_experiment(d->arena, meta, &experiment, &why)) < 0) {
        if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
        ag_intake_skip(d->intake, path, "%s", why.text);
        return AG_OK;
    }
    experiment.deleted = experiment.deleted || trashed;
    rc = ag_mlflow_read_pairs(d, path, "tags", "tag", &experiment.tags, err);
    if (rc >= 0) rc = ag_intake_experiment(d->intake, &experiment, err);
    const char *kept = rc >= 0 ? ag_arena_strdup(keep, path) : NULL;
    if (rc >= 0) rc = kept ? ag_vec_push(taken, &kept, err) : ag_fail_memory(err, strlen(path));
    return rc;
}

static int take_experiments(ag_mlflow_dir *d, const char *path, bool trashed, ag_vec *taken, ag_arena *keep,
                            ag_err *err)
{
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_mlflow_folders(path, keep, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char **)ag_vec_at(&names, i);
        if (strcmp(name, "models") == 0 || strcmp(name, ".trash") == 0) continue;
        const char *one = ag_path_join(keep, path, name);
        rc = one ? take_experiment(d, one, trashed, taken, keep, err) : ag_fail_memory(err, strlen(path));
        ag_arena_reset(d->arena);
    }
    ag_vec_deinit(&names);
    return rc;
}

static int each(ag_mlflow_dir *d, const ag_vec *experiments, const char *stage,
                int (*take)(ag_mlflow_dir *, const char *, ag_err *), ag_err *err)
{
    int rc = AG_OK;
    ag_progress_stage(d->intake->options.progress, stage);
    for (size_t i = 0; i < experiments->count && rc >= 0; i++) {
        rc = take(d, *(const char **)ag_vec_at(experiments, i), err);
        ag_arena_reset(d->arena);
    }
    return rc;
}

int ag_mlflow_import_directory(ag_intake *intake, const char *path, ag_err *err)
{
    ag_mlflow_dir d = {.intake = intake, .root = path, .arena = ag_arena_new(0)};
    ag_arena *keep = ag_arena_new(0);
    ag_vec experiments;
    ag_vec_init(&experiments, sizeof(const char *));
    const char *trash = keep ? ag_path_join(keep, path, ".trash") : NULL;
    int rc = d.arena && trash ? AG_OK : ag_fail_memory(err, 1);
    if (rc >= 0) rc = take_experiments(&d, path, false, &experiments, keep, err);
    if (rc >= 0) rc = take_experiments(&d, trash, true, &experiments, keep, err);
    if (rc >= 0 && !experiments.count) {
        rc = ag_fail(err, AG_ENOTFOUND, "there is no experiment of MLflow's file store in '%s'", path);
    }
    if (rc >= 0) rc = each(&d, &experiments, "runs", ag_mlflow_directory_runs, err);
    if (rc >= 0) rc = each(&d, &experiments, "models", ag_mlflow_directory_models, err);
    if (rc >= 0) rc = each(&d, &experiments, "histories", ag_mlflow_directory_histories, err);
    if (rc >= 0) rc = ag_mlflow_directory_registry(&d, err);
    ag_vec_deinit(&experiments);
    ag_arena_free(keep);
    ag_arena_free(d.arena);
    return rc;
}
