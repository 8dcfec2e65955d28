// SPDX-License-Identifier: Apache-2.0
/* mlflow_files.c: runs of MLflow's file store with their histories. A directory that was moved since (from a cluster,
 * from another machine) still names its old place as that of the artifacts: then those beside the run are taken. */
#include "core/io/file.h"
#include "core/io/path.h"
#include "ledger/exchange/mlflow_directory.h"

enum { AT_ONCE = 100, PIECE = 5000, LARGEST_LINE = 4096, READ_AT_ONCE = 1 << 16 };

static bool is_run(const char *name)
{
    return strcmp(name, "datasets") != 0 && strcmp(name, "models") != 0 && strcmp(name, "tags") != 0 &&
           strcmp(name, "traces") != 0;
}

/* ---- what a run read ---- */

static int read_dataset(ag_mlflow_dir *d, const char *experiment, const ag_value *link, ag_run_input *out, ag_err *err)
{
    const char *id;
    const ag_value *meta;
    int rc = ag_mlruns_text(d->arena, link, "source_id", &id, err);
    if (rc < 0 || !id || strchr(id, '/')) return rc;
    const char *path = ag_arena_printf(d->arena, "%s/datasets/%s", experiment, id);
    if (!path) return ag_fail_memory(err, strlen(experiment));
    rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0) return rc;
    rc = ag_mlruns_dataset(d->arena, meta, out, err);
    if (rc >= 0) rc = ag_mlruns_tags(d->arena, link, &out->tags, err);
    return rc < 0 ? rc : 1;
}

static int read_inputs(ag_mlflow_dir *d, const char *experiment, const char *run, ag_run *into, ag_err *err)
{
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    const char *folder = ag_path_join(d->arena, run, "inputs");
    int rc = folder ? ag_mlflow_folders(folder, d->arena, &names, err) : ag_fail_memory(err, 1);
    ag_run_input *inputs = ag_arena_array(d->arena, names.count + 1, sizeof(*inputs));
    if (rc >= 0 && !inputs) rc = ag_fail_memory(err, names.count);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const ag_value *link;
        const char *path = ag_path_join(d->arena, folder, *(const char **)ag_vec_at(&names, i));
        rc = path ? ag_mlflow_read_meta(d, path, &link, err) : ag_fail_memory(err, 1);
        if (rc <= 0) continue;
        rc = read_dataset(d, experiment, link, &inputs[into->input_count], err);
        into->input_count += rc > 0;
    }
    into->inputs = inputs;
    ag_vec_deinit(&names);
    return rc < 0 ? rc : AG_OK;
}

/* ---- runs ---- */

static int find_files(ag_mlflow_dir *d, const char *path, ag_intake_run *run, ag_err *err)
{
    const char *why, *beside = ag_path_join(d->arena, path, "artifacts");
    const char *uri = run->run.artifact_uri ? run->run.artifact_uri : "";
    const char *named = ag_intake_address(d->intake, d->arena, uri, &why);
    if (!beside) return ag_fail_memory(err, 1);
    if ((!named || !ag_file_exists(named)) && ag_file_exists(beside)) run->files = beside;
    return AG_OK;
}

/* 1 taken into *out, 0 skipped. */
static int read_run(ag_mlflow_dir *d, const char *experiment, const char *path, const char *experiment_id,
                    ag_intake_run *out, ag_err *err)
{
    const ag_value *meta;
    ag_err why = {0};
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0) return rc;
    rc = ag_mlruns_run(d->arena, meta, out, &why);
    out->run.experiment_id = experiment_id;
    if (rc >= 0) rc = read_inputs(d, experiment, path, &out->run, &why);
    if (rc == AG_ENOMEM) return ag_fail_memory(err, 1);
    if (rc < 0) {
        ag_intake_skip(d->intake, path, "%s", why.text);
        return 0;
    }
    rc = ag_mlflow_read_pairs(d, path, "params", "param", &out->run.params, err);
    if (rc >= 0) rc = ag_mlflow_read_pairs(d, path, "tags", "tag", &out->run.tags, err);
    for (size_t i = 0; rc >= 0 && !*out->run.name && i < out->run.tags.count; i++) {
        if (ag_str_is(out->run.tags.items[i].key, "mlflow.runName")) out->run.name = out->run.tags.items[i].value.data;
    }
    if (rc >= 0) rc = find_files(d, path, out, err);
    return rc < 0 ? rc : 1;
}

/* The id that the experiment's own meta.yaml says: directories can be renamed. */
static int experiment_id_of(ag_mlflow_dir *d, const char *path, ag_arena *keep, const char **out, ag_err *err)
{
    const ag_value *meta;
    const char *id = NULL;
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc > 0) rc = ag_mlruns_text(d->arena, meta, "experiment_id", &id, err);
    *out = ag_arena_strdup(keep, id ? id : "");
    return rc < 0 ? rc : *out ? AG_OK : ag_fail_memory(err, 1);
}

int ag_mlflow_directory_runs(ag_mlflow_dir *d, const char *experiment, ag_err *err)
{
    ag_vec names;
    const char *id = NULL;
    ag_arena *keep = ag_arena_new(0);
    ag_intake_run *runs = keep ? ag_arena_array(keep, AT_ONCE, sizeof(*runs)) : NULL;
    ag_vec_init(&names, sizeof(const char *));
    int rc = runs ? experiment_id_of(d, experiment, keep, &id, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_mlflow_folders(experiment, keep, &names, err);
    size_t count = 0;
    for (size_t i = 0; i <= names.count && rc >= 0; i++) {
        bool end = i == names.count;
        const char *name = end ? NULL : *(const char **)ag_vec_at(&names, i);
        const char *path = end ? NULL : ag_path_join(keep, experiment, name);
        if (path && is_run(name)) {
            rc = read_run(d, experiment, path, id, &runs[count], err);
            count += rc > 0;
        }
        if (rc >= 0 && (count == AT_ONCE || (end && count))) {
            rc = ag_intake_runs(d->intake, runs, count, err);
            count = 0;
            ag_arena_reset(d->arena);
        }
    }
    ag_vec_deinit(&names);
    ag_arena_free(keep);
    return rc < 0 ? rc : AG_OK;
}

/* ---- histories ---- */

typedef struct history {
    ag_mlflow_dir *d;
    const char *folder;
    ag_str run;
    ag_vec points;
} history;

static int flush(history *h, ag_err *err)
{
    int rc = ag_intake_points(h->d->intake, h->run, h->points.items, h->points.count, err);
    ag_vec_clear(&h->points);
    return rc;
}

static int take_line(history *h, ag_str line, const char *key, uint64_t *bad, ag_err *err)
{
    ag_metric point;
    ag_str more;
    if (ag_str_trim(line).size == 0) return AG_OK;
    if (!ag_mlruns_point(line, &point, &more)) {
        ++*bad;
        return AG_OK;
    }
    point.key = key;
    int rc = ag_vec_push(&h->points, &point, err);
    return rc < 0 || h->points.count < PIECE ? rc : flush(h, err);
}

/* Line by line in constant memory, however long the file. */
static int read_lines(history *h, ag_reader *reader, const char *key, uint64_t *bad, ag_err *err)
{
    ag_buf held;
    int rc = AG_OK;
    bool end = false;
    ag_buf_init(&held, READ_AT_ONCE + LARGEST_LINE);
    while (!end && rc >= 0) {
        char *room = ag_buf_reserve(&held, READ_AT_ONCE);
        ptrdiff_t got = room ? ag_read(reader, room, READ_AT_ONCE, err) : ag_fail_memory(err, READ_AT_ONCE);
        if (got < 0) rc = (int)got;
        if (rc < 0) break;
        held.size += (size_t)got;
        end = got == 0;
        size_t from = 0, to;
        while (rc >= 0 && (to = ag_str_find_char(ag_buf_str(&held), '\n', from)) != SIZE_MAX) {
            rc = take_line(h, ag_str_slice(ag_buf_str(&held), from, to - from), key, bad, err);
            from = to + 1;
        }
        size_t left = held.size - from;
        if (rc >= 0 && end && left) rc = take_line(h, ag_str_slice(ag_buf_str(&held), from, left), key, bad, err);
        if (left > LARGEST_LINE) {
            ++*bad;
            left = 0;
        }
        if (held.size) memmove(held.data, held.data + held.size - left, left);
        held.size = left;
    }
    ag_buf_deinit(&held);
    return rc;
}

static int read_history(void *context, const char *relative, const ag_file_info *info, ag_err *err)
{
    history *h = context;
    uint64_t bad = 0;
    ag_err why = {0};
    ag_reader *reader = NULL;
    (void)info;
    const char *file = ag_path_join(h->d->arena, h->folder, relative);
    const char *key = ag_arena_strdup(h->d->arena, relative);
    if (!file || !key) return ag_fail_memory(err, strlen(relative));
    if (ag_key_check(ag_str_of(relative), "metric", &why) < 0) {
        ag_intake_skip(h->d->intake, file, "%s", why.text);
        return AG_OK;
    }
    int rc = ag_reader_of_file(file, &reader, err);
    if (rc >= 0) rc = read_lines(h, reader, key, &bad, err);
    ag_reader_close(reader);
    if (bad) ag_intake_skip(h->d->intake, file, "%llu lines are no points", (unsigned long long)bad);
    return rc;
}

/* The models that a run read or made: a folder per edge. */
static int read_edges(ag_mlflow_dir *d, const char *run, ag_str id, const char *folder, ag_err *err)
{
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    const char *path = ag_path_join(d->arena, run, folder);
    int rc = path ? ag_mlflow_folders(path, d->arena, &names, err) : ag_fail_memory(err, 1);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const ag_value *link;
        const char *kind = NULL, *one = ag_path_join(d->arena, path, *(const char **)ag_vec_at(&names, i));
        ag_run_model edge = {0};
        rc = one ? ag_mlflow_read_meta(d, one, &link, err) : ag_fail_memory(err, 1);
        if (rc <= 0) continue;
        rc = ag_mlruns_text(d->arena, link, "destination_type", &kind, err);
        if (rc >= 0) rc = ag_mlruns_text(d->arena, link, "destination_id", &edge.model_id, err);
        if (rc < 0 || !kind || !edge.model_id || strncmp(kind, "MODEL", 5) != 0) continue;
        ag_value_int(ag_value_get(link, "step"), &edge.step);
        rc = ag_intake_edges(d->intake, id, &edge, 1, strcmp(folder, "outputs") == 0, err);
    }
    ag_vec_deinit(&names);
    return rc < 0 ? rc : AG_OK;
}

/* Lines say nothing about which points are new: the ledger is asked before and after. */
static int take_histories(history *h, ag_err *err)
{
    ag_intake *intake = h->d->intake;
    uint64_t before = 0, after = 0, given = intake->result.points.added;
    if (!ag_file_exists(h->folder)) return AG_OK;
    int rc = ag_intake_points_there(intake, h->run, &before, err);
    if (rc >= 0) rc = ag_dir_walk(h->folder, read_history, h, err);
    if (rc >= 0) rc = flush(h, err);
    if (rc >= 0) rc = ag_intake_points_there(intake, h->run, &after, err);
    if (rc < 0 || intake->options.dry_run) return rc;
    given = intake->result.points.added - given;
    intake->result.points.added -= given - (after - before);
    intake->result.points.there += given - (after - before);
    return rc;
}

static int take_run(ag_mlflow_dir *d, const char *path, ag_err *err)
{
    const ag_value *meta;
    ag_intake_run run;
    ag_err ignored;
    int rc = ag_mlflow_read_meta(d, path, &meta, err);
    if (rc <= 0 || ag_mlruns_run(d->arena, meta, &run, &ignored) < 0) return rc;
    if (!ag_map_has(d->intake->places, ag_str_of(run.run.id))) return AG_OK;
    history h = {.d = d, .folder = ag_path_join(d->arena, path, "metrics"), .run = ag_str_of(run.run.id)};
    if (!h.folder) return ag_fail_memory(err, strlen(path));
    ag_vec_init(&h.points, sizeof(ag_metric));
    rc = take_histories(&h, err);
    ag_vec_deinit(&h.points);
    if (rc >= 0) rc = read_edges(d, path, h.run, "inputs", err);
    return rc < 0 ? rc : read_edges(d, path, h.run, "outputs", err);
}

int ag_mlflow_directory_histories(ag_mlflow_dir *d, const char *experiment, ag_err *err)
{
    ag_vec names;
    ag_arena *keep = ag_arena_new(0);
    if (!keep) return ag_fail_memory(err, 1);
    ag_vec_init(&names, sizeof(const char *));
    int rc = ag_mlflow_folders(experiment, keep, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        const char *name = *(const char **)ag_vec_at(&names, i), *path = ag_path_join(keep, experiment, name);
        if (!path) rc = ag_fail_memory(err, 1);
        if (path && is_run(name)) rc = take_run(d, path, err);
        ag_arena_reset(d->arena);
    }
    ag_vec_deinit(&names);
    ag_arena_free(keep);
    return rc < 0 ? rc : AG_OK;
}
