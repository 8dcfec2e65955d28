// SPDX-License-Identifier: Apache-2.0
/* legacy_model.c: the old pipeline from end to end. The model is loaded once; what a run needs beside it (an exec, the
 * windows of one hole, their heat maps) is lent to one thread at a time and kept for the next one, so that asking
 * allocates only what belongs to the hole. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/drilling/legacy.h"
#include "learn/drilling/legacy_settings.h"
#include "learn/nn/exec.h"
#include "learn/nn/models/patchtsmixer.h"
#include "learn/strategy.h"

typedef struct bench { /* what one thread works with */
    ag_exec *exec;
    ag_real *in, *out; /* [40][512][channels] */
    struct bench *next;
} bench;

struct ag_legacy {
    ag_legacy_settings settings;
    ag_label_settings grip;
    ag_pretrained *loaded;
    const ag_model *model; /* of it, or the caller's; NULL: rules alone */
    const ag_device *device;
    size_t channels;
    pthread_mutex_t lock; /* of `free` */
    bench *free;
};

static void free_bench(bench *b)
{
    if (!b) return;
    ag_exec_free(b->exec);
    ag_free(b->in);
    ag_free(b->out);
    ag_free(b);
}

void ag_legacy_free(ag_legacy *legacy)
{
    if (!legacy) return;
    for (bench *b = legacy->free, *next; b; b = next) {
        next = b->next;
        free_bench(b);
    }
    ag_pretrained_free(legacy->loaded);
    pthread_mutex_destroy(&legacy->lock);
    ag_free(legacy);
}

bool ag_legacy_has_model(const ag_legacy *legacy)
{
    return legacy->model != NULL;
}

/* ---- opening ---- */

static int check_model(ag_legacy *legacy, const ag_model_config *config, const char *dir, ag_err *err)
{
    const ag_patchtsmixer *mixer = config->values;
    if (config->architecture != &ag_architecture_patchtsmixer || mixer->task != AG_MIXER_FORECAST)
        return ag_fail(err, AG_EINVAL, "%s: the old pipeline's models are PatchTSMixer for prediction, not %s", dir,
                       config->architecture->name);
    if (mixer->loss == AG_MIXER_NLL)
        return ag_fail(err, AG_EINVAL, "%s: a likelihood model (loss nll) gives no heat map", dir);
    legacy->channels = (size_t)mixer->num_input_channels;
    bool fits = mixer->context_length == AG_LEGACY_WINDOW && mixer->prediction_length == AG_LEGACY_WINDOW &&
                (mixer->num_input_channels == AG_LEGACY_CHANNELS || mixer->num_input_channels == AG_LEGACY_TORQUES) &&
                mixer->prediction_channel_indices.count == 0;
    if (fits) return AG_OK;
    return ag_fail(err, AG_EINVAL,
                   "%s: the old pipeline's models map 512 rows of 17 (or 15) channels to as many, not %lld of %lld to "
                   "%lld",
                   dir, (long long)mixer->context_length, (long long)mixer->num_input_channels,
                   (long long)mixer->prediction_length);
}

static int open_model(ag_legacy *legacy, const char *dir, const ag_legacy_settings *settings, ag_err *err)
{
    int rc = ag_pretrained_load(dir, NULL, &legacy->loaded, err);
    if (rc >= 0) rc = check_model(legacy, &legacy->loaded->config, dir, err);
    if (rc >= 0) legacy->model = legacy->loaded->model;
    if (rc >= 0 && !settings) rc = ag_legacy_settings_load(dir, &legacy->settings, err);
    return rc < 0 ? rc : AG_OK;
}

static int new_legacy(const ag_legacy_settings *settings, const ag_device *device, ag_legacy **out, ag_err *err)
{
    ag_legacy *legacy = ag_calloc(1, sizeof *legacy);
    if (!legacy) return ag_fail_memory(err, sizeof *legacy);
    pthread_mutex_init(&legacy->lock, NULL);
    legacy->device = device;
    legacy->settings = settings ? *settings : (ag_legacy_settings){.predrilled = true};
    *out = legacy;
    return ag_label_settings_default(&legacy->grip, err);
}

int ag_legacy_open(const char *model_dir, const ag_legacy_settings *settings, const ag_device *device, ag_legacy **out,
                   ag_err *err)
{
    ag_legacy *legacy = NULL;
    int rc = new_legacy(settings, device, &legacy, err);
    if (rc == AG_OK && model_dir) rc = open_model(legacy, model_dir, settings, err);
    if (rc == AG_OK)
        *out = legacy;
    else
        ag_legacy_free(legacy);
    return rc;
}

int ag_legacy_borrow(const ag_model_config *config, const ag_model *model, const ag_legacy_settings *settings,
                     const ag_device *device, ag_legacy **out, ag_err *err)
{
    ag_legacy *legacy = NULL;
    int rc = new_legacy(settings, device, &legacy, err);
    if (rc == AG_OK) rc = check_model(legacy, config, "the model", err);
    if (rc == AG_OK) legacy->model = model;
    if (rc == AG_OK)
        *out = legacy;
    else
        ag_legacy_free(legacy);
    return rc;
}

/* ---- the exit ---- */

static int new_bench(const ag_legacy *legacy, bench **out, ag_err *err)
{
    const ag_model *model = legacy->model;
    size_t size = (size_t)AG_LEGACY_WINDOWS * AG_LEGACY_WINDOW * legacy->channels;
    ag_plan_options plan = {.outputs = true, .max_samples = AG_LEGACY_WINDOWS};
    bench *b = ag_calloc(1, sizeof *b);
    if (!b) return ag_fail_memory(err, sizeof *b);
    b->in = ag_alloc_array(size, sizeof *b->in);
    b->out = ag_alloc_array(size, sizeof *b->out);
    int rc = b->in && b->out ? AG_OK : ag_fail_memory(err, 2 * size * sizeof *b->in);
    if (rc == AG_OK) rc = ag_exec_new(model->graph, &plan, model->values, legacy->device, NULL, &b->exec, err);
    if (rc >= 0) rc = ag_exec_input(b->exec, "past_values", b->in, err);
    if (rc >= 0) rc = ag_exec_output(b->exec, "prediction_outputs", b->out, err);
    if (rc >= 0)
        *out = b;
    else
        free_bench(b);
    return rc < 0 ? rc : AG_OK;
}

static int take_bench(ag_legacy *legacy, bench **out, ag_err *err)
{
    pthread_mutex_lock(&legacy->lock);
    bench *b = legacy->free;
    if (b) legacy->free = b->next;
    pthread_mutex_unlock(&legacy->lock);
    *out = b;
    return b ? AG_OK : new_bench(legacy, out, err);
}

static void give_bench(ag_legacy *legacy, bench *b)
{
    pthread_mutex_lock(&legacy->lock);
    b->next = legacy->free;
    legacy->free = b;
    pthread_mutex_unlock(&legacy->lock);
}

static void fill_windows(const ag_legacy_table *table, size_t channels, ag_real *in)
{
    for (size_t j = 0; j < AG_LEGACY_WINDOWS; j++)
        for (size_t row = 0; row < AG_LEGACY_WINDOW; row++) {
            const float *from = table->values + (ag_legacy_window(table, j) + row) * AG_LEGACY_CHANNELS;
            for (size_t c = 0; c < channels; c++) in[(j * AG_LEGACY_WINDOW + row) * channels + c] = (ag_real)from[c];
        }
}

static int find_exit(ag_legacy *legacy, const ag_legacy_table *table, double *out, ag_err *err)
{
    bench *b = NULL;
    ag_device_run run = {.samples = AG_LEGACY_WINDOWS};
    int rc = take_bench(legacy, &b, err);
    if (rc < 0) return rc;
    fill_windows(table, legacy->channels, b->in);
    rc = ag_exec_run(b->exec, &run, err);
    double sum = 0;
    for (size_t j = 0; rc >= 0 && j < AG_LEGACY_WINDOWS; j++)
        sum += ag_legacy_peak(table, j, b->out + j * AG_LEGACY_WINDOW * legacy->channels, legacy->channels);
    give_bench(legacy, b);
    if (rc >= 0) *out = sum / AG_LEGACY_WINDOWS;
    return rc < 0 ? rc : AG_OK;
}

/* ---- asking ---- */

static bool one_step_only(const ag_legacy_trace *trace)
{
    for (size_t i = 1; i < trace->rows; i++)
        if (trace->step[i] != trace->step[0]) return false;
    return true;
}

/* `mm` is filled as far as it comes. */
static int estimate(ag_legacy *legacy, const ag_hole *hole, ag_arena *scratch, double *mm, ag_err *err)
{
    ag_legacy_trace trace;
    ag_legacy_table table;
    ag_legacy_settings settings = legacy->settings;
    double number = ag_hole_number(hole, AG_HEADER_HEAD_GLOBAL_COUNTER);
    if (hole->reader && strcmp(hole->reader, "mqtt_json") == 0 && !isnan(number)) settings.local = number;
    int rc = ag_legacy_trace_of(hole, scratch, &trace, err);
    if (rc == AG_OK && one_step_only(&trace))
        rc = ag_fail(err, AG_ENOTFOUND, "not enough steps to estimate key points");
    if (rc == AG_OK) rc = ag_legacy_entry(&trace, &mm[AG_POINT_ENTRY], err);
    if (rc == AG_OK) rc = ag_legacy_transition(&trace, scratch, &mm[AG_POINT_TRANSITION], err);
    if (rc < 0 || !legacy->model) return rc;
    rc = ag_legacy_table_of(&trace, &settings, scratch, &table, err);
    return rc == AG_OK ? find_exit(legacy, &table, &mm[AG_POINT_EXIT], err) : rc;
}

static void answer(const ag_legacy *legacy, const double *mm, ag_prediction *out)
{
    bool backwards = mm[AG_POINT_TRANSITION] < mm[AG_POINT_ENTRY] || mm[AG_POINT_EXIT] < mm[AG_POINT_TRANSITION];
    if (backwards) {
        out->reason = "a layer came out negative, for which it published nothing";
        return;
    }
    out->outcome = AG_LABEL_FOUND;
    for (int p = 0; p < AG_POINTS; p++) out->points[p].mm = mm[p];
    out->grip_code = ag_label_grip(mm[AG_POINT_EXIT] - mm[AG_POINT_ENTRY], &legacy->grip);
}

int ag_legacy_ask(const ag_legacy *legacy, const ag_hole *const *holes, size_t count, ag_arena *arena,
                  ag_cancel *cancel, ag_prediction *out, ag_err *err)
{
    ag_legacy *self = (ag_legacy *)(uintptr_t)legacy; /* the benches are lent under its lock */
    ag_arena *scratch = ag_arena_new(0);
    int rc = scratch ? AG_OK : ag_fail_memory(err, 1);
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        double mm[AG_POINTS] = {NAN, NAN, NAN};
        ag_err why = {0};
        if ((rc = ag_cancel_check(cancel, err)) < 0) break;
        out[i] = (ag_prediction){.path = holes[i]->file, .confidence = NAN, .voices = 1, .spread = NAN};
        for (int p = 0; p < AG_POINTS; p++) out[i].points[p] = (ag_point){NAN, NAN, NAN, NAN};
        rc = estimate(self, holes[i], scratch, mm, &why);
        if (rc == AG_OK)
            answer(legacy, mm, &out[i]);
        else if (rc != AG_ENOTFOUND && err)
            *err = why;
        if (rc != AG_ENOTFOUND) continue;
        rc = (out[i].reason = ag_arena_strdup(arena, why.text)) ? AG_OK : ag_fail_memory(err, sizeof why.text);
        ag_arena_reset(scratch);
    }
    ag_arena_free(scratch);
    return rc;
}
