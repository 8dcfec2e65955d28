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
#include "learn/strategies/exec_predict.h"
#include "learn/strategies/plugin.h"
#include "learn/strategy.h"

enum { MAX_FILE = 64 << 20 };

/* ---- the labellers ---- */

typedef struct labellers {
    ag_limits limits;
    ag_label_settings settings;
} labellers;

static int ask_labellers(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_prediction *out,
                         ag_err *err)
{
    const labellers *l = context;
    int rc = AG_OK;
    (void)arena;
    for (size_t i = 0; rc == AG_OK && i < count; i++) {
        ag_verdict verdict;
        ag_label label;
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

static int ask_legacy(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_prediction *out,
                      ag_err *err)
{
    return ag_legacy_ask(context, holes, count, arena, out, err);
}

static void close_legacy(void *context)
{
    ag_legacy_free(context);
}

/* ---- models ---- */

static int ask_predictor(void *context, const ag_hole *const *holes, size_t count, ag_arena *arena, ag_prediction *out,
                         ag_err *err)
{
    return ag_predictor_ask(context, holes, count, arena, out, err);
}

static void close_predictor(void *context)
{
    ag_predictor_free(context);
}

/* The directory itself, or model/ below it. */
static int model_of(const char *dir, ag_arena *arena, const char **out, ag_err *err)
{
    const char *inner = ag_path_join(arena, dir, "model");
    const char *strategy = ag_path_join(arena, dir, AG_STRATEGY_FILE),
               *config = ag_path_join(arena, dir, "config.json");
    if (!inner || !strategy || !config) return ag_fail_memory(err, strlen(dir));
    if (!ag_file_exists(dir)) return ag_fail(err, AG_ENOTFOUND, "there is no model '%s'", dir);
    *out = dir;
    if (ag_file_exists(strategy) || ag_file_exists(config)) return AG_OK;
    if (ag_file_exists(inner)) {
        *out = inner;
        return AG_OK;
    }
    ag_fail(err, AG_ENOTFOUND, "there is no " AG_STRATEGY_FILE " and no config.json in '%s'", dir);
    return ag_err_hint(err, "give the output directory of 'auger train', or its model/");
}

int ag_answerer_legacy(const char *model_dir, const ag_device *device, ag_answerer *out, ag_err *err)
{
    ag_legacy *legacy = NULL;
    const char *model = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? AG_OK : ag_fail_memory(err, 1);
    if (rc == AG_OK && model_dir) rc = model_of(model_dir, arena, &model, err);
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

/* "" when no strategy made it. */
static int strategy_of(const char *dir, ag_arena *arena, const char **out, ag_err *err)
{
    ag_buf text;
    const ag_value *root = NULL;
    ag_str name;
    const char *path = ag_path_join(arena, dir, AG_STRATEGY_FILE);
    if (!path) return ag_fail_memory(err, strlen(dir));
    *out = "";
    if (!ag_file_exists(path)) return AG_OK;
    ag_buf_init(&text, MAX_FILE);
    int rc = ag_file_read(path, MAX_FILE, &text, err);
    if (rc >= 0) rc = ag_json_parse(arena, ag_buf_str(&text), &(ag_json_options){.file = path}, &root, err);
    ag_buf_deinit(&text);
    if (rc < 0) return rc;
    if (!ag_value_string(ag_value_get(root, "strategy"), &name))
        return ag_fail_at(err, AG_EPARSE, path, 0, 0, "it names no strategy");
    *out = ag_arena_strndup(arena, name.data, name.size);
    return *out ? AG_OK : ag_fail_memory(err, name.size);
}

int ag_answerer_fits(const char *dir, bool *out, ag_err *err)
{
    const char *model = NULL, *name = NULL;
    size_t count;
    const ag_strategy *const *all = ag_strategy_all(&count);
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? model_of(dir, arena, &model, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = strategy_of(model, arena, &name, err);
    if (rc == AG_OK) {
        *out = true;
        for (size_t i = 0; i < count; i++)
            if (all[i]->evaluate && strcmp(all[i]->name, name) == 0) *out = false;
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
    int rc = arena ? model_of(dir, arena, &model, err) : ag_fail_memory(err, 1);
    if (rc == AG_OK) rc = strategy_of(model, arena, &strategy, err);
    if (rc == AG_OK && (!*strategy || strcmp(strategy, "legacy_patchtsmixer") == 0)) {
        rc = ag_answerer_legacy(model, device, out, err);
    } else if (rc == AG_OK && strcmp(strategy, "exec") == 0) {
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
                    ag_prediction *out, ag_err *err)
{
    return answerer->ask(answerer->context, holes, count, arena, out, err);
}
