// SPDX-License-Identifier: Apache-2.0
/* plugin_predict.c: models of plug-ins as those who answer for holes. The object is opened once and stays open as long
 * as the answerer; its model too. Plug-ins need not be safe for threads: a lock lets one hole through after the other.
 * An answer is checked like that of a stranger. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/strategies/plugin_job.h"
#include "learn/strategy_made.h"

typedef struct answering {
    ag_arena *arena;
    ag_plugin opened;
    auger_job job;
    void *model; /* the plug-in's own */
    pthread_mutex_t lock;
} answering;

/* ---- a hole for it ---- */

/* NULL when it was not measured. */
static int channel(const ag_signal *signal, ag_channel_id id, double factor, ag_arena *arena, const double **out,
                   ag_err *err)
{
    const int32_t *values = signal->by_id[id];
    *out = NULL;
    if (!values) return 0;
    double *numbers = ag_arena_array(arena, signal->rows + 1, sizeof *numbers);
    if (!numbers) return ag_fail_memory(err, signal->rows * sizeof *numbers);
    for (size_t i = 0; i < signal->rows; i++)
        numbers[i] = values[i] == AG_SAMPLE_ABSENT ? NAN : (double)values[i] / 1000.0 * factor;
    *out = numbers;
    return 0;
}

static int face_of(const ag_hole *hole, ag_arena *arena, auger_plugin_hole *out, ag_err *err)
{
    const ag_signal *signal = &hole->signal;
    *out = (auger_plugin_hole){.size = sizeof *out, .file = hole->file, .rate = signal->rate, .count = signal->rows};
    int rc = channel(signal, AG_CHANNEL_POSITION, -1.0, arena, &out->depth, err);
    if (rc >= 0) rc = channel(signal, AG_CHANNEL_TORQUE, 1.0, arena, &out->torque, err);
    if (rc >= 0) rc = channel(signal, AG_CHANNEL_THRUST, 1.0, arena, &out->thrust, err);
    return rc < 0 ? rc : channel(signal, AG_CHANNEL_STEP, 1.0, arena, &out->step, err);
}

/* ---- its answer ---- */

static int take_point(const auger_plugin_point *from, const char *name, ag_point *out, ag_err *err)
{
    *out = (ag_point){.mm = NAN, .low = NAN, .high = NAN};
    if (isnan(from->mm)) return 0;
    const double low = isnan(from->low) ? from->mm : from->low, high = isnan(from->high) ? from->mm : from->high;
    if (!(fabs(from->mm) <= 1e4 && low >= -1e4 && low <= from->mm && high <= 1e4 && high >= from->mm))
        return ag_fail(err, AG_EINVAL,
                       "%s is %g in [%g, %g]: mm from -10000 to 10000, inside of their interval, are wanted", name,
                       from->mm, low, high);
    if (from->confidence < 0.0 || from->confidence > 1.0)
        return ag_fail(err, AG_EINVAL, "the confidence of %s is %g: from 0 to 1 is wanted", name, from->confidence);
    *out = (ag_point){from->mm, low, high, isnan(from->confidence) ? 0.5 : from->confidence};
    return 0;
}

static int take_answer(auger_plugin_answer *from, ag_arena *arena, ag_prediction *out, ag_err *err)
{
    const auger_plugin_point *points[AG_POINTS] = {&from->entry, &from->transition, &from->exit};
    *out = (ag_prediction){.voices = 1, .spread = NAN};
    if (from->outcome < AUGER_HOLE_UNKNOWN || from->outcome > AUGER_HOLE_EMPTY)
        return ag_fail(err, AG_EINVAL, "%d is no outcome", from->outcome);
    out->outcome = (ag_label_outcome)from->outcome;
    out->confidence = out->outcome == AG_LABEL_NONE ? 0.0 : 1.0;
    int rc = 0;
    for (int i = 0; i < AG_POINTS && rc >= 0; i++) {
        rc = take_point(points[i], ag_point_names[i], &out->points[i], err);
        if (!isnan(out->points[i].mm)) out->confidence = fmin(out->confidence, out->points[i].confidence);
    }
    if (rc < 0) return rc;
    if (from->confidence < 0.0 || from->confidence > 1.0 || from->grip_code < 0 || from->grip_code > 1000)
        return ag_fail(err, AG_EINVAL, "confidence is from 0 to 1, and a grip code from 0 to 1000");
    if (!isnan(from->confidence)) out->confidence = from->confidence;
    out->grip_code = from->grip_code;
    from->reason[sizeof from->reason - 1] = '\0';
    const ag_str reason = {from->reason, strlen(from->reason)};
    if (!reason.size) return 0;
    out->reason = ag_utf8_valid(reason) ? ag_arena_strdup(arena, from->reason) : "it gives a reason that is no text";
    return out->reason ? 0 : ag_fail_memory(err, reason.size);
}

static int ask_one(answering *a, const ag_hole *hole, ag_arena *scratch, ag_arena *arena, ag_prediction *out,
                   ag_err *err)
{
    const auger_plugin_point none = {NAN, NAN, NAN, NAN};
    auger_plugin_answer answer = {
        .size = sizeof answer, .entry = none, .transition = none, .exit = none, .confidence = NAN};
    auger_plugin_hole face;
    int rc = face_of(hole, scratch, &face, err);
    if (rc < 0) return rc;
    pthread_mutex_lock(&a->lock);
    rc = a->opened.face.predict(&a->job, &ag_plugin_host, a->model, &face, &answer);
    rc = ag_plugin_answered(&a->job, "predict", rc, err);
    pthread_mutex_unlock(&a->lock);
    if (rc < 0) return rc;
    rc = take_answer(&answer, arena, out, err);
    if (rc < 0)
        return ag_err_prefix(err, "plug-in %s, predict() of %s", a->opened.face.name,
                             hole->file ? hole->file : "a hole");
    if (hole->file && !(out->path = ag_arena_strdup(arena, hole->file))) return ag_fail_memory(err, 64);
    return 0;
}

static int ask(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
               ag_prediction *out, ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        if ((rc = ag_cancel_check(cancel, err)) < 0) break;
        ag_arena *scratch = ag_arena_new(0);
        rc = scratch ? ask_one(context, holes[i], scratch, arena, &out[i], err) : ag_fail_memory(err, 64);
        ag_arena_free(scratch);
    }
    return rc < 0 ? rc : 0;
}

/* ---- opening ---- */

static void close_answering(void *context)
{
    answering *a = context;
    if (a->model && a->opened.face.unload) a->opened.face.unload(a->model);
    ag_plugin_close(&a->opened);
    pthread_mutex_destroy(&a->lock);
    ag_arena_free(a->arena);
    ag_free(a);
}

static int open_object(const char *name, ag_arena *arena, ag_plugin *out, ag_err *err)
{
    const char *path = NULL;
    int rc = ag_plugin_find(name, getenv(AG_PLUGIN_SEARCH), arena, &path, err);
    if (rc >= 0 && !path) {
        rc = ag_fail(err, AG_ENOTFOUND, "there is no plug-in '%s'", name);
        (void)ag_err_hint(err, "name it by its path: --strategy ./lib%s.so", name);
    }
    return rc < 0 ? rc : ag_plugin_open(path, arena, out, err);
}

/* The name that stands in the model; "" when none does. */
static int read_maker(const char *model_dir, ag_arena *arena, ag_str *out, ag_err *err)
{
    const ag_value *root = NULL;
    const char *path = ag_path_join(arena, model_dir, AG_STRATEGY_FILE);
    if (!path) return ag_fail_memory(err, strlen(model_dir));
    int rc = ag_strategy_description_read(path, arena, &root, err);
    *out = AG_STR("");
    if (rc >= 0) (void)ag_value_string(ag_value_get(root, "plugin"), out);
    return rc;
}

static int check_maker(const answering *a, const char *model_dir, ag_err *err)
{
    ag_str made;
    const auger_plugin *face = &a->opened.face;
    int rc = read_maker(model_dir, a->arena, &made, err);
    if (rc < 0) return rc;
    if (!ag_str_is(made, face->name))
        return ag_fail(err, AG_EINVAL, "the model was made by plug-in %.*s, and %s is %s", AG_STR_ARG(made),
                       a->opened.path, face->name);
    if (face->predict) return 0;
    ag_fail(err, AG_EUNSUPPORTED, "plug-in %s %s does not answer for holes: it has no function predict", face->name,
            face->version ? face->version : "");
    return ag_err_hint(err,
                       "one that was built for an older auger/plugin.h has none; 'auger evaluate' asks its evaluate()");
}

static int open_answering(answering *a, const char *name, const char *model_dir, ag_err *err)
{
    char *absolute = NULL;
    int rc = open_object(name, a->arena, &a->opened, err);
    if (rc >= 0) rc = check_maker(a, model_dir, err);
    if (rc >= 0) rc = ag_path_absolute(a->arena, model_dir, &absolute, err);
    if (rc < 0) return rc;
    a->job = (auger_job){.plugin = &a->opened, .model_dir = absolute};
    if (!a->opened.face.load) return 0;
    return ag_plugin_answered(&a->job, "load", a->opened.face.load(&a->job, &ag_plugin_host, &a->model), err);
}

int ag_plugin_answerer(const char *name, const char *model_dir, ag_answerer *out, ag_err *err)
{
    answering *a = ag_calloc(1, sizeof *a);
    if (!a) return ag_fail_memory(err, sizeof *a);
    pthread_mutex_init(&a->lock, NULL);
    a->arena = ag_arena_new(0);
    int rc = a->arena ? open_answering(a, name, model_dir, err) : ag_fail_memory(err, 64);
    if (rc >= 0)
        *out = (ag_answerer){.name = a->opened.face.name, .context = a, .ask = ask, .close = close_answering};
    else
        close_answering(a);
    return rc < 0 ? rc : 0;
}

int ag_plugin_predicts(const char *name, bool *out, ag_err *err)
{
    ag_plugin opened = {0};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? open_object(name, arena, &opened, err) : ag_fail_memory(err, 64);
    if (rc >= 0) *out = opened.face.predict != NULL;
    ag_plugin_close(&opened);
    ag_arena_free(arena);
    return rc < 0 ? rc : 0;
}
