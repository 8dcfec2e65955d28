// SPDX-License-Identifier: Apache-2.0
/* training_bench.c: a cross-validation of drilling models as a whole, beside the same training in PyTorch.
 *
 *     bench-training                             bench/training.py in its short form, beside PyTorch
 *     bench-training windows CONFIG DATA OUTPUT  what a training by this configuration would see, for bench/training.py
 *
 * OUTPUT/values.npy [windows, cells, channels] and targets.npy [windows, cells, points] hold every window of the holes
 * that are learned from, as they are without augmentation; folds.npy [windows] the fold that each is in, from 0; first/
 * the first weights of the first model; standard output a line of JSON with what the settings say of the training. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/npy.h"
#include "learn/drilling/folding.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/optim.h"

enum { AT_ONCE = 32 };

typedef struct dump {
    ag_npy_writer *values, *targets, *folds;
    ag_real *value_rows, *target_rows;
} dump;

static int open_array(const char *directory, const char *name, ag_npy_type type, const uint64_t *shape,
                      size_t dimensions, ag_npy_writer **out, ag_err *err)
{
    char path[1024];
    ag_format(path, sizeof path, "%s/%s.npy", directory, name);
    return ag_npy_writer_open(path, type, shape, dimensions, out, err);
}

static int open_dump(dump *d, const ag_view *view, const char *directory, ag_err *err)
{
    const uint64_t values[] = {(uint64_t)view->cells, view->channel_count}, targets[] = {values[0], AG_POINTS};
    int rc = open_array(directory, "values", AG_NPY_FLOAT32, values, 2, &d->values, err);
    if (rc >= 0) rc = open_array(directory, "targets", AG_NPY_FLOAT32, targets, 2, &d->targets, err);
    if (rc >= 0) rc = open_array(directory, "folds", AG_NPY_INT64, NULL, 0, &d->folds, err);
    d->value_rows = ag_alloc_array(AT_ONCE * values[0] * values[1], sizeof(ag_real));
    d->target_rows = ag_alloc_array(AT_ONCE * values[0] * AG_POINTS, sizeof(ag_real));
    if (rc >= 0 && (!d->value_rows || !d->target_rows)) rc = ag_fail_memory(err, AT_ONCE * values[0] * values[1]);
    return rc;
}

static void close_dump(dump *d)
{
    ag_npy_writer_free(d->values);
    ag_npy_writer_free(d->targets);
    ag_npy_writer_free(d->folds);
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

static int write_fold(dump *d, const ag_folding *f, size_t fold, ag_arena *arena, ag_err *err)
{
    ag_drilling_samples samples;
    size_t count = 0, *chosen = ag_arena_array(arena, f->chosen_count + 1, sizeof *chosen);
    if (!chosen) return ag_fail_memory(err, f->chosen_count * sizeof *chosen);
    for (size_t i = 0; i < f->chosen_count; i++)
        if (f->part[i] == fold) chosen[count++] = f->chosen[i];
    int rc = ag_drilling_samples_init(&samples, "a fold", &f->run.view, &f->run.data, &f->run.set, chosen, count, arena,
                                      err);
    return rc < 0 ? rc : write_windows(d, &samples.samples, (int64_t)fold, err);
}

static int write_all(const ag_folding *f, const char *directory, ag_err *err)
{
    dump d = {0};
    int rc = open_dump(&d, &f->run.view, directory, err);
    for (size_t fold = 0; fold < f->folds && rc >= 0; fold++) rc = write_fold(&d, f, fold, f->arena, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.values, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.targets, err);
    if (rc >= 0) rc = ag_npy_writer_commit(d.folds, err);
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

static void print_settings(const ag_folding *f, const ag_settings *s)
{
    const ag_optimizer *adamw = ag_optimizer_find(s->optimizer.name);
    double decay = s->optimizer.weight_decay >= 0 || !adamw ? s->optimizer.weight_decay : adamw->weight_decay;
    printf("{\"folds\": %zu, \"holes\": %zu, \"epochs\": %lld, \"batch_size\": %lld, \"learning_rate\": %.17g, "
           "\"clip_norm\": %.17g, \"weight_decay\": %.17g, \"optimizer\": \"%s\", \"channels\": %zu}\n",
           f->folds, f->chosen_count, (long long)s->training.epochs, (long long)s->training.batch_size,
           s->training.learning_rate, s->training.clip_norm, decay, s->optimizer.name, f->run.view.channel_count);
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
    if (rc >= 0) print_settings(&folding, &settings);
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
