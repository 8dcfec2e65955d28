// SPDX-License-Identifier: Apache-2.0
/* answerer.c: the three kinds of those who can be asked. */
#include "learn/drilling/answerer.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "data/validator.h"
#include "learn/drilling/known.h"
#include "learn/drilling/run.h"
#include "learn/strategies/exec_predict.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy.h"
#include "learn/strategy_made.h"

/* ---- the labellers ---- */

typedef struct labellers {
    ag_limits limits;
    ag_label_settings settings;
} labellers;

static int ask_labellers(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
                         ag_prediction *out, ag_err *err)
{
    const labellers *l = context;
    int rc = AG_OK;
    (void)arena;
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        ag_verdict verdict;
        ag_label label;
        if ((rc = ag_cancel_check(cancel, err)) < 0) break;
        ag_arena *scratch = ag_arena_new(0);
        rc = scratch ? ag_validate(holes[i], &l->limits, scratch, &verdict, err) : ag_fail_memory(err, 1);
        if (rc == AG_OK) rc = ag_label_hole(holes[i], &verdict, scratch, &label, err);
        if (rc == AG_OK) out[i] = ag_prediction_of_label(&label, &l->settings);
        if (rc == AG_OK) out[i].path = holes[i]->file;
        ag_arena_free(scratch);
    }
    return rc;
}

int ag_answerer_auto(ag_answerer *out, ag_err *err)
{
    labellers *l = ag_alloc(sizeof *l);
    if (!l) return ag_fail_memory(err, sizeof *l);
    int rc = ag_limits_default(&l->limits, err);
    if (rc == AG_OK) rc = ag_label_settings_default(&l->settings, err);
    if (rc == AG_OK)
        *out = (ag_answerer){.name = "auto", .context = l, .ask = ask_labellers, .close = ag_free};
    else
        ag_free(l);
    return rc;
}

/* ---- the old pipeline ---- */

static int ask_legacy(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
                      ag_prediction *out, ag_err *err)
{
    return ag_legacy_ask(context, holes, count, arena, cancel, out, err);
}

static void close_legacy(void *context)
{
    ag_legacy_free(context);
}

/* ---- models ---- */

static int ask_predictor(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_cancel *cancel,
                         ag_prediction *out, ag_err *err)
{
    return ag_predictor_ask(context, holes, count, arena, cancel, out, err);
}

static void close_predictor(void *context)
{
    ag_predictor_free(context);
}

int ag_answerer_legacy(const char *model_dir, const ag_device *device, ag_answerer *out, ag_err *err)
{
    ag_legacy *legacy = NULL;
    const char *model = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? AG_OK : ag_fail_memory(err, 1);
    if (rc == AG_OK && model_dir) rc = ag_drilling_find(model_dir, arena, &model, err);
    if (rc == AG_OK) rc = ag_legacy_open(model, NULL, device, &legacy, err);
    ag_arena_free(arena);
    if (rc < 0) return rc;
    *out = (ag_answerer){.name = "legacy",
                         .context = legacy,
                         .ask = ask_legacy,
                         .close = close_legacy,
                         .silent = model_dir ? 0 : 1U << AG_POINT_EXIT};
    return AG_OK;
}

int ag_answerer_fits(const char *dir, bool *out, ag_err *err)
{
    const char *model = NULL, *name = NULL;
    size_t count;
    const ag_strategy *const *all = ag_strategy_all(&count);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_drilling_find(dir, arena, &model, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_drilling_maker(model, arena, &name, err);
    if (rc == AG_OK) {
        bool known = !*name || strcmp(name, ag_strategy_plugin.name) == 0, scored = false;
        for (size_t i = 0; i < count; i++) {
            if (strcmp(all[i]->name, name) != 0) continue;
            known = true;
            scored = all[i]->evaluate;
        }
        if (known)
            *out = !scored;
        else
            rc = ag_fail(err, AG_EUNSUPPORTED, "%s/" AG_STRATEGY_FILE ": this version has no strategy '%.100s'", model,
                         name);
    }
    ag_arena_free(arena);
    return rc;
}

static int open_exec(const char *model, const ag_settings *named, ag_answerer *out, ag_err *err)
{
    if (named) return ag_exec_answerer(named, model, out, err);
    ag_fail(err, AG_EUNSUPPORTED,
            "the model was made by a program, and no configuration was named that says how to ask it");
    return ag_err_hint(err, "a model never runs a program by itself: --config FILE, with data_config.predict");
}

static int open_plugin(const char *model, const ag_settings *named, ag_answerer *out, ag_err *err)
{
    if (named) return ag_plugin_answerer(named->strategy, model, out, err);
    ag_fail(err, AG_EUNSUPPORTED, "the model was made by a plug-in, which was not named");
    return ag_err_hint(err, "a model never loads code by itself: --strategy ./libNAME.so");
}

int ag_answerer_open(const char *dir, const ag_device *device, ag_pool *pool, ag_answerer *out, ag_err *err)
{
    return ag_answerer_open_by(dir, NULL, device, pool, out, err);
}

int ag_answerer_open_by(const char *dir, const ag_settings *named, const ag_device *device, ag_pool *pool,
                        ag_answerer *out, ag_err *err)
{
    const char *model = NULL, *strategy = NULL;
    ag_predictor *predictor = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_drilling_find(dir, arena, &model, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = ag_drilling_maker(model, arena, &strategy, err);
    if (rc == AG_OK && strcmp(strategy, "exec") == 0) {
        rc = open_exec(model, named, out, err);
    } else if (rc == AG_OK && strcmp(strategy, ag_strategy_plugin.name) == 0) {
        rc = open_plugin(model, named, out, err);
    } else if (rc == AG_OK) {
        rc = ag_predictor_open(model, device, pool, &predictor, err);
        if (rc == AG_OK)
            *out = (ag_answerer){.name = ag_predictor_strategy(predictor),
                                 .context = predictor,
                                 .ask = ask_predictor,
                                 .close = close_predictor};
    }
    ag_arena_free(arena);
    return rc;
}

/* ---- all ---- */

void ag_answerer_close(ag_answerer *answerer)
{
    if (answerer->close) answerer->close(answerer->context);
    *answerer = (ag_answerer){0};
}

int ag_answerer_ask(const ag_answerer *answerer, const ag_hole *const *holes, size_t count, ag_arena *arena,
                    ag_cancel *cancel, ag_prediction *out, ag_err *err)
{
    return answerer->ask(answerer->context, holes, count, arena, cancel, out, err);
}
