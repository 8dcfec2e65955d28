// SPDX-License-Identifier: Apache-2.0
/* training_bench.c: a cross-validation of drilling models as a whole, beside the same training in PyTorch.
 *
 *     bench-training                             bench/training.py in its short form, beside PyTorch
 *     bench-training windows CONFIG DATA OUTPUT  what a training by this configuration would see, for bench/training.py
 *
 * OUTPUT/values.npy [windows, cells, channels] and targets.npy [windows, cells, points] hold every window of the holes
 * that are learned from, as they are without augmentation; folds.npy [windows] the fold that each is in, from 0;
 * nodes.npy [windows, columns, nodes] and places.npy [windows, columns] what they are made of, so that whoever varies
 * them can do so (columns: node_columns and place_columns; padded with the last node); first/ the first weights of the
 * first model; standard output a line of JSON with what the settings say of the training and of the windows. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/doc/json.h"
#include "core/io/npy.h"
#include "learn/drilling/folding.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/optim.h"
#include "learn/strategy_tools.h"

enum { AT_ONCE = 32 };

enum { NODE_COLUMNS = 8, PLACE_COLUMNS = 10 };
static const char *const node_columns[NODE_COLUMNS] = {"depth", "torque",  "thrust", "spread",
                                                       "time",  "samples", "step",   "joined"};
static const char *const place_columns[PLACE_COLUMNS] = {"count", "start", "cell_mm",    "end",  "peak",
                                                         "steps", "entry", "transition", "exit", "weight"};

typedef struct dump {
    ag_npy_writer *values, *targets, *folds, *nodes, *places;
    ag_real *value_rows, *target_rows;
    float *node_rows; /* [NODE_COLUMNS * most] */
    size_t most;      /* nodes of a hole */
} dump;

static int open_array(const char *directory, const char *name, ag_npy_type type, const uint64_t *shape,
                      size_t dimensions, ag_npy_writer **out, ag_err *err)
{
    char path[1024];
    ag_format(path, sizeof path, "%s/%s.npy", directory, name);
    return ag_npy_writer_open(path, type, shape, dimensions, out, err);
}

static int open_dump(dump *d, const ag_folding *f, const char *directory, ag_err *err)
{
    const ag_view *view = &f->run.view;
    for (size_t i = 0; i < f->chosen_count; i++) {
        size_t nodes = f->run.set.items[f->chosen[i]].drilled.track.count;
        d->most = nodes > d->most ? nodes : d->most;
    }
    const uint64_t values[] = {(uint64_t)view->cells, view->channel_count}, targets[] = {values[0], AG_POINTS};
    const uint64_t nodes[] = {NODE_COLUMNS, d->most}, places[] = {PLACE_COLUMNS};
    int rc = open_array(directory, "values", AG_NPY_FLOAT32, values, 2, &d->values, err);
    if (rc >= 0) rc = open_array(directory, "targets", AG_NPY_FLOAT32, targets, 2, &d->targets, err);
    if (rc >= 0) rc = open_array(directory, "folds", AG_NPY_INT64, NULL, 0, &d->folds, err);
    if (rc >= 0) rc = open_array(directory, "nodes", AG_NPY_FLOAT32, nodes, 2, &d->nodes, err);
    if (rc >= 0) rc = open_array(directory, "places", AG_NPY_FLOAT32, places, 1, &d->places, err);
    d->node_rows = ag_alloc_array(NODE_COLUMNS * d->most + 1, sizeof(float));
    d->value_rows = ag_alloc_array(AT_ONCE * values[0] * values[1], sizeof(ag_real));
    d->target_rows = ag_alloc_array(AT_ONCE * values[0] * AG_POINTS, sizeof(ag_real));
    if (rc >= 0 && (!d->value_rows || !d->target_rows || !d->node_rows))
        rc = ag_fail_memory(err, AT_ONCE * values[0] * values[1]);
    return rc;
}

static void close_dump(dump *d)
{
    ag_npy_writer_free(d->values);
    ag_npy_writer_free(d->targets);
    ag_npy_writer_free(d->folds);
    ag_npy_writer_free(d->nodes);
    ag_npy_writer_free(d->places);
    ag_free(d->node_rows);
    ag_free(d->value_rows);
    ag_free(d->target_rows);
}

static int write_windows(dump *d, const ag_samples *samples, int64_t fold, ag_err *err)
{
    int64_t index[AT_ONCE], folds[AT_ONCE];
    ag_real *into[AG_SAMPLE_PORTS] = {[AG_SAMPLE_VALUES] = d->value_rows, [AG_SAMPLE_TARGET] = d->target_rows};
    int rc = 0;
    for (int64_t at = 0; at < samples->count && rc >= 0; at += AT_ONCE) {
        ag_batch batch = {.index = index, .into = into};
        for (; batch.count < AT_ONCE && at + batch.count < samples->count; batch.count++) {
            index[batch.count] = at + batch.count;
            folds[batch.count] = fold;
        }
        rc = samples->fill(samples->state, &batch, err);
        if (rc >= 0) rc = ag_npy_writer_add(d->values, d->value_rows, (uint64_t)batch.count, err);
        if (rc >= 0) rc = ag_npy_writer_add(d->targets, d->target_rows, (uint64_t)batch.count, err);
        if (rc >= 0) rc = ag_npy_writer_add(d->folds, folds, (uint64_t)batch.count, err);
    }
    return rc;
}

static void spread_nodes(const ag_track *t, size_t most, float *into)
{
    for (size_t i = 0; i < most && t->count > 0; i++) {
        size_t k = i < t->count ? i : t->count - 1;
        const double row[NODE_COLUMNS] = {t->depth[k], t->torque[k],  t->thrust[k],       t->spread[k],
                                          t->time[k],  t->samples[k], (double)t->step[k], t->joined[k] && i == k};
        for (size_t c = 0; c < NODE_COLUMNS; c++) into[c * most + i] = (float)row[c];
    }
}

/* In the order of a sample's windows. */
static int write_tracks(dump *d, const ag_folding *f, const size_t *chosen, size_t count, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const ag_example *e = &f->run.set.items[chosen[i]];
        const ag_track *t = &e->drilled.track;
        ag_view_windows windows;
        ag_view_cut(&f->run.view, t, &windows);
        memset(d->node_rows, 0, NODE_COLUMNS * d->most * sizeof *d->node_rows);
        spread_nodes(t, d->most, d->node_rows);
        for (size_t w = 0; w < windows.count && rc >= 0; w++) {
            const double row[PLACE_COLUMNS] = {(double)t->count,
                                               windows.start[w],
                                               windows.cell_mm,
                                               t->end,
                                               t->peak,
                                               (double)t->steps,
                                               e->known.mm[AG_POINT_ENTRY],
                                               e->known.mm[AG_POINT_TRANSITION],
                                               e->known.mm[AG_POINT_EXIT],
                                               e->known.outcome == AG_LABEL_NONE ? 0 : e->known.weight};
            float place[PLACE_COLUMNS];
            for (size_t c = 0; c < PLACE_COLUMNS; c++) place[c] = (float)row[c];
            rc = ag_npy_writer_add(d->nodes, d->node_rows, 1, err);
            if (rc >= 0) rc = ag_npy_writer_add(d->places, place, 1, err);
        }
    }
    return rc;
}

static int write_fold(dump *d, const ag_folding *f, size_t fold, ag_arena *arena, ag_err *err)
{
    ag_drilling_samples samples;
    size_t count = 0, *chosen = ag_arena_array(arena, f->chosen_count + 1, sizeof *chosen);
    if (!chosen) return ag_fail_memory(err, f->chosen_count * sizeof *chosen);
    for (size_t i = 0; i < f->chosen_count; i++)
        if (f->part[i] == fold) chosen[count++] = f->chosen[i];
    int rc = ag_drilling_samples_init(&samples, "a fold", &f->run.view, &f->run.data, &f->run.set, chosen, count, arena,
                                      err);
    if (rc >= 0) rc = write_windows(d, &samples.samples, (int64_t)fold, err);
    return rc < 0 ? rc : write_tracks(d, f, chosen, count, err);
}

static int write_all(const ag_folding *f, const char *directory, ag_err *err)
{
    dump d = {0};
    int rc = open_dump(&d, f, directory, err);
    for (size_t fold = 0; fold < f->folds && rc >= 0; fold++) rc = write_fold(&d, f, fold, f->arena, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.values, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.targets, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.folds, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.nodes, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.places, err);
    close_dump(&d);
    return rc;
}

static int write_first(const ag_folding *f, const ag_strategy_task *task, const char *directory, ag_err *err)
{
    const ag_building building = {.loss = true};
    const ag_model_config *config = &f->kinds[0].config;
    char path[1024];
    ag_model *model = NULL;
    ag_format(path, sizeof path, "%s/first", directory);
    (void)mkdir(path, 0777); /* what cannot be made cannot be written to either */
    int rc = ag_strategy_model_of(task, config, &building, (uint64_t)task->settings->seed, NULL, &model, err);
    if (rc >= 0) rc = ag_pretrained_save(path, config, model, err);
    ag_model_free(model);
    return rc;
}

static void write_names(ag_json *json, const char *name, const char *const *names, size_t count)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) ag_json_text(json, names[i]);
    ag_json_end_array(json);
}

/* How windows are made and varied. */
static void write_seeing(ag_json *json, const ag_folding *f)
{
    const ag_view *view = &f->run.view;
    const ag_drilling_augmentation *a = &f->run.data.preprocessing.augmentation;
    ag_json_name(json, "view");
    ag_view_write(view, json);
    ag_json_name(json, "knees");
    ag_json_begin_array(json);
    for (size_t c = 0; c < view->channel_count; c++) ag_json_real(json, view->channels[c]->knee);
    ag_json_end_array(json);
    ag_json_put_real(json, "target_mm", f->run.data.target_mm);
    ag_json_name(json, "augmentation");
    ag_json_begin_object(json);
    ag_json_put_real(json, "noise_injection", a->noise_injection);
    ag_json_put_real(json, "time_warping", a->time_warping);
    ag_json_put_real(json, "gain", a->gain);
    ag_json_put_real(json, "offset", a->offset);
    ag_json_put_real(json, "edge_shape", a->edge_shape);
    ag_json_put_real(json, "sample_dropout", a->sample_dropout);
    ag_json_put_real(json, "setup_shift", a->setup_shift);
    ag_json_end_object(json);
    write_names(json, "node_columns", node_columns, NODE_COLUMNS);
    write_names(json, "place_columns", place_columns, PLACE_COLUMNS);
}

static int print_settings(const ag_folding *f, const ag_settings *s, ag_err *err)
{
    const ag_optimizer *adamw = ag_optimizer_find(s->optimizer.name);
    double decay = s->optimizer.weight_decay >= 0 || !adamw ? s->optimizer.weight_decay : adamw->weight_decay;
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "folds", (int64_t)f->folds);
    ag_json_put_int(&json, "holes", (int64_t)f->chosen_count);
    ag_json_put_int(&json, "epochs", s->training.epochs);
    ag_json_put_int(&json, "batch_size", s->training.batch_size);
    ag_json_put_real(&json, "learning_rate", s->training.learning_rate);
    ag_json_put_real(&json, "clip_norm", s->training.clip_norm);
    ag_json_put_real(&json, "weight_decay", decay);
    ag_json_put_text(&json, "optimizer", s->optimizer.name);
    write_seeing(&json, f);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0) puts(text.data);
    ag_buf_deinit(&text);
    return rc;
}

static int windows(const char *config, const char *data, const char *directory, ag_err *err)
{
    static const char *const architectures[] = {"patchtsmixer", NULL};
    ag_settings settings;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    ag_strategy_task task = {
        .settings = &settings, .data_dir = data, .output_dir = directory, .jobs = 1, .arena = arena};
    ag_folding folding = {0};
    int rc = ag_settings_read(arena, config, NULL, 0, &settings, err);
    if (rc >= 0) rc = ag_folding_prepare(&folding, &task, architectures, err);
    if (rc >= 0) rc = write_all(&folding, directory, err);
    if (rc >= 0) rc = write_first(&folding, &task, directory, err);
    if (rc >= 0) rc = print_settings(&folding, &settings, err);
    ag_folding_close(&folding);
    ag_arena_free(arena);
    return rc;
}

int main(int argc, char **argv)
{
    ag_err err = {0};
    if (argc == 5 && strcmp(argv[1], "windows") == 0) {
        if (windows(argv[2], argv[3], argv[4], &err) >= 0) return 0;
        fprintf(stderr, "bench-training: %s\n", err.text);
        return 1;
    }
    if (argc > 1) {
        fputs("bench-training: say nothing, or windows CONFIG DATA OUTPUT\n", stderr);
        return 2;
    }
    return execl("/bin/sh", "sh", "-c",
                 "python=$(scripts/test-venv bench-engine bench/engine_requirements.txt) && exec \"$python\" "
                 "bench/training.py --slice",
                 (char *)NULL);
}
