// SPDX-License-Identifier: Apache-2.0
/* predictor.c: the predictor of drilling models: a directory opened, and asked by any number of threads. Each call
 * borrows an asker (buffers and executables of all members) and gives it back; as many are made as calls run at once,
 * and a call of few holes takes a small one. Holes are made ready by the pool, models run on it. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/drilling/legacy.h"
#include "learn/drilling/prediction.h"
#include "learn/drilling/run.h"

enum { MOST_IDLE = 16 };

struct ag_predictor {
    ag_drilling_model *model; /* or */
    ag_legacy *legacy;        /* the old pipeline */
    const ag_device *device;
    ag_pool *pool;
    pthread_mutex_t lock; /* of what follows */
    ag_asker *idle[MOST_IDLE];
    size_t idle_count;
};

static int open_model(ag_predictor *p, const char *model_dir, ag_err *err)
{
    const char *model = NULL, *strategy = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_drilling_find(model_dir, arena, &model, err) : ag_fail_memory(err, 64);
    if (rc >= 0 && ag_drilling_maker(model, arena, &strategy, NULL) < 0) strategy = "?"; /* loading says why */
    if (rc >= 0 && (!*strategy || strcmp(strategy, AG_LEGACY_STRATEGY) == 0))
        rc = ag_legacy_open(model, NULL, p->device, &p->legacy, err);
    else if (rc >= 0)
        rc = ag_drilling_load(model, &p->model, err);
    ag_arena_free(arena);
    return rc;
}

int ag_predictor_open(const char *model_dir, const ag_device *device, ag_pool *pool, ag_predictor **out, ag_err *err)
{
    ag_predictor *p = ag_calloc(1, sizeof *p);
    if (!p) return ag_fail_memory(err, sizeof *p);
    p->device = device;
    p->pool = pool;
    pthread_mutex_init(&p->lock, NULL);
    int rc = open_model(p, model_dir, err);
    if (rc >= 0)
        *out = p;
    else
        ag_predictor_free(p);
    return rc;
}

void ag_predictor_free(ag_predictor *p)
{
    if (!p) return;
    for (size_t i = 0; i < p->idle_count; i++) ag_asker_free(p->idle[i]);
    ag_drilling_model_free(p->model);
    ag_legacy_free(p->legacy);
    pthread_mutex_destroy(&p->lock);
    ag_free(p);
}

const char *ag_predictor_strategy(const ag_predictor *predictor)
{
    return predictor->legacy ? "legacy" : predictor->model->strategy;
}

static int borrow(ag_predictor *p, ag_asker **out, ag_err *err)
{
    const ag_drilling_model *m = p->model;
    *out = NULL;
    pthread_mutex_lock(&p->lock);
    if (p->idle_count) *out = p->idle[--p->idle_count];
    pthread_mutex_unlock(&p->lock);
    if (*out) return 0;
    ag_asking asking = {.view = &m->view,
                        .models = m->models,
                        .weights = m->weights,
                        .model_count = m->member_count,
                        .fusion = m->fusion,
                        .device = p->device,
                        .pool = p->pool};
    return ag_asker_new(&asking, AG_ASKER_WINDOWS, out, err);
}

static void give_back(ag_predictor *p, ag_asker *asker)
{
    pthread_mutex_lock(&p->lock);
    if (asker && p->idle_count < MOST_IDLE) {
        p->idle[p->idle_count++] = asker;
        asker = NULL;
    }
    pthread_mutex_unlock(&p->lock);
    ag_asker_free(asker);
}

typedef struct making {
    const ag_hole *const *holes;
    ag_drilled *drilled;
    ag_arena **arenas;
    ag_cancel *cancel;
} making;

static int make_one(void *context, size_t index, ag_err *err)
{
    const making *m = context;
    int rc = ag_cancel_check(m->cancel, err);
    if (rc < 0) return rc;
    if (!(m->arenas[index] = ag_arena_new(0))) return ag_fail_memory(err, 1);
    return ag_drilled_make(m->holes[index], NULL, m->arenas[index], &m->drilled[index], err);
}

static int make_all(ag_predictor *p, making *m, size_t count, ag_err *err)
{
    int rc = 0;
    if (p->pool) return ag_pool_for(p->pool, count, make_one, m, m->cancel, err);
    for (size_t i = 0; i < count && rc >= 0; i++) rc = make_one(m, i, err);
    return rc;
}

static int copy_texts(const ag_hole *hole, ag_arena *arena, ag_prediction *out, ag_err *err)
{
    if (hole->file && !(out->path = ag_arena_strdup(arena, hole->file))) return ag_fail_memory(err, strlen(hole->file));
    if (out->reason && !(out->reason = ag_arena_strdup(arena, out->reason))) return ag_fail_memory(err, 64);
    return 0;
}

static int answer_all(ag_predictor *p, const making *m, size_t count, ag_arena *arena, ag_prediction *out, ag_err *err)
{
    ag_asker *asker = NULL;
    const ag_drilled **holes = ag_alloc_array(count + 1, sizeof *holes);
    ag_reading *readings = ag_calloc(count + 1, sizeof *readings);
    int rc = holes && readings ? 0 : ag_fail_memory(err, count * sizeof *readings);
    for (size_t i = 0; i < count && rc >= 0; i++) holes[i] = &m->drilled[i];
    if (rc >= 0) rc = borrow(p, &asker, err);
    if (rc >= 0) rc = ag_asker_ask(asker, holes, count, m->cancel, readings, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        ag_calibration_answer(&p->model->calibration, &p->model->grip, holes[i], &readings[i], &out[i]);
        rc = copy_texts(m->holes[i], arena, &out[i], err);
    }
    if (asker) give_back(p, asker);
    ag_free(holes);
    ag_free(readings);
    return rc;
}

int ag_predictor_ask(const ag_predictor *predictor, const ag_hole *const *holes, size_t count, ag_arena *arena,
                     ag_cancel *cancel, ag_prediction *out, ag_err *err)
{
    ag_predictor *p = (ag_predictor *)predictor; /* only the store of idle askers changes, under its lock */
    if (p->legacy) return ag_legacy_ask(p->legacy, holes, count, arena, cancel, out, err);
    making m = {.holes = holes,
                .drilled = ag_calloc(count + 1, sizeof *m.drilled),
                .arenas = ag_calloc(count + 1, sizeof(ag_arena *)),
                .cancel = cancel};
    int rc = m.drilled && m.arenas ? make_all(p, &m, count, err) : ag_fail_memory(err, count * sizeof *m.drilled);
    if (rc >= 0) rc = answer_all(p, &m, count, arena, out, err);
    for (size_t i = 0; m.arenas && i < count; i++) ag_arena_free(m.arenas[i]);
    ag_free(m.arenas);
    ag_free(m.drilled);
    return rc;
}
