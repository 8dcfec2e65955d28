// SPDX-License-Identifier: Apache-2.0
/* team.c: see team.h.
 * Each of `at_once` threads of the pool takes the next model that nobody has taken, trains it to its end, and takes
 * another. Inside, a training may use threads that have nothing else to do (the last models of a team are not left to
 * one thread each); a model's bits do not depend on that. The first failure asks the others to stop through a request
 * of the team's own, so that what they return, AG_ECANCELLED, is never mistaken for the user's.
 *
 * The estimate trains a few steps of throw-away models with nothing written and nobody looking on. */
#include "learn/team.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "core/sys/cancel.h"
#include "core/sys/clock.h"
#include "learn/nn/plan.h"

enum { SLICE_STEPS = 12 };
#define SLICE_TIME (2 * AG_SECOND)

/* ---- memory ---- */

static uint64_t free_memory(void)
{
    ag_buf text;
    uint64_t kibibytes = 0;
    ag_buf_init(&text, 1 << 16);
    if (ag_file_read("/proc/meminfo", 1 << 16, &text, NULL) >= 0) {
        ag_str all = ag_buf_str(&text), name = AG_STR("MemAvailable:");
        size_t at = ag_str_find(all, name, 0);
        for (at = at == SIZE_MAX ? all.size : at + name.size; at < all.size && all.data[at] == ' ';) at++;
        for (; at < all.size && all.data[at] >= '0' && all.data[at] <= '9' && kibibytes < UINT64_MAX >> 16; at++)
            kibibytes = kibibytes * 10 + (uint64_t)(all.data[at] - '0');
    }
    ag_buf_deinit(&text);
    return kibibytes << 10;
}

/* What a model in training holds: its plan, its weights with gradient, moments, average and best, and its batches. */
static int memory_of(const ag_strategy_task *task, const ag_team_sample *work, uint64_t *out, ag_err *err)
{
    const ag_settings_training *t = &task->settings->training;
    const ag_plan_options options = {.gradients = true, .training = true, .loss = true, .max_samples = t->batch_size};
    ag_plan *plan = NULL;
    int rc = ag_plan_new(work->model->graph, &options, &plan, err);
    if (rc < 0) return rc;
    uint64_t weights = (uint64_t)ag_graph_flat_size(work->model->graph) * sizeof(ag_real), ports = 0;
    for (int i = 0; i < work->training->ports_count; i++) ports += (uint64_t)work->training->ports[i].size;
    *out = (uint64_t)ag_plan_bytes(plan, 1) * 2 + 6 * weights + 2 * ports * (uint64_t)t->batch_size * sizeof(ag_real);
    ag_plan_free(plan);
    return 0;
}

/* ---- estimating ---- */

typedef struct slice {
    ag_strategy_task *task;
    const ag_team_slice *team;
    int64_t begun, steps; /* the clock behind the first step, and steps behind that */
    double each;          /* seconds of a step */
    ag_cancel *cancel;
} slice;

static int on_slice_step(void *context, const ag_train_progress *now, ag_err *err)
{
    slice *s = context;
    (void)err;
    int64_t clock = ag_monotonic();
    if (now->step == 1) s->begun = clock;
    s->steps = now->step - 1;
    if (s->steps) s->each = (double)(clock - s->begun) / 1e6 / (double)s->steps;
    if (s->steps >= SLICE_STEPS || clock - s->begun > SLICE_TIME) ag_cancel_request(s->cancel);
    return 0;
}

static int train_slice(slice *s, const ag_team_sample *sample, ag_err *err)
{
    ag_train_options options = {0};
    ag_train_result result;
    ag_err own = {0};
    ag_arena *arena = ag_arena_new(0);
    const ag_train_monitor monitor = {.context = s, .step = on_slice_step};
    int rc = arena ? ag_settings_options(s->task->settings, sample->training->count, arena, &options, &own)
                   : ag_fail_memory(&own, 64);
    const ag_train_job job = {.name = sample->name,
                              .model = sample->model,
                              .training = sample->training,
                              .device = s->task->device,
                              .pool = s->task->pool,
                              .options = &options,
                              .monitor = &monitor,
                              .cancel = s->cancel};
    options.metric = NULL;
    if (rc >= 0) rc = ag_train(&job, arena, &result, &own);
    ag_arena_free(arena);
    if (rc >= 0 || (rc == AG_ECANCELLED && !ag_cancelled(s->task->cancel))) return 0;
    /* Nothing was lost with a slice: its own words would say so. */
    if (ag_was_stopped(rc) && ag_cancelled(s->task->cancel)) return ag_cancel_check(s->task->cancel, err);
    if (err) *err = own;
    return rc;
}

static int run_slice(void *context, size_t index, ag_err *err)
{
    slice *s = (slice *)context + index;
    ag_team_sample sample = {0};
    int rc = s->team->open(s->team->context, (int64_t)index, &sample, err);
    if (rc >= 0) rc = ag_cancel_new(s->task->cancel, &s->cancel, err);
    if (rc >= 0) rc = train_slice(s, &sample, err);
    ag_cancel_free(s->cancel);
    s->team->close(s->team->context, (int64_t)index, &sample);
    return rc;
}

/* Models that fit into memory and have a thread; all steps of a team, those of validations counted by what they cost.
 */
static int count_up(ag_strategy_task *task, const ag_team_slice *team, ag_team_estimate *out, ag_err *err)
{
    const ag_settings_training *t = &task->settings->training;
    int64_t each = t->batch_size * t->accumulate, most = (int64_t)task->jobs;
    ag_team_sample sample = {0};
    int rc = team->open(team->context, 0, &sample, err);
    if (rc >= 0) rc = memory_of(task, &sample, &out->model_bytes, err);
    if (rc >= 0) {
        /* A forward pass is a third of a step. */
        int64_t judged = sample.validation ? sample.validation->count / 3 : 0;
        out->steps = (sample.training->count + judged + each - 1) / each * t->epochs * team->count;
    }
    team->close(team->context, 0, &sample);
    if (rc < 0) return rc;
    out->free_bytes = free_memory();
    if (out->free_bytes && out->model_bytes) {
        uint64_t fit = out->free_bytes / 4 * 3 / out->model_bytes;
        if (fit < (uint64_t)most) most = fit ? (int64_t)fit : 1;
    }
    out->at_once = most < team->count ? most : team->count;
    return 0;
}

int ag_team_estimate_of(ag_strategy_task *task, const ag_team_slice *team, ag_team_estimate *out, ag_err *err)
{
    ag_team_estimate e = {.seconds = (double)NAN, .step_seconds = (double)NAN};
    int rc = count_up(task, team, &e, err);
    if (rc < 0) return rc;
    slice *slices = ag_alloc_array((size_t)e.at_once, sizeof *slices);
    if (!slices) return ag_fail_memory(err, (size_t)e.at_once * sizeof *slices);
    for (int64_t i = 0; i < e.at_once; i++) slices[i] = (slice){.task = task, .team = team};
    rc = ag_pool_for(task->pool, (size_t)e.at_once, run_slice, slices, task->cancel, err);
    double sum = 0.0;
    int64_t known = 0;
    for (int64_t i = 0; i < e.at_once && rc >= 0; i++) {
        sum += slices[i].each;
        known += slices[i].each > 0.0;
    }
    ag_free(slices);
    if (rc < 0) return rc;
    if (known) {
        e.step_seconds = sum / (double)known;
        /* Rounds are whole: five models, four at once, take as long as eight. */
        int64_t rounds = (team->count + e.at_once - 1) / e.at_once;
        e.seconds = e.step_seconds * (double)e.steps / (double)team->count * (double)rounds;
    }
    *out = e;
    return 0;
}

/* ---- training ---- */

typedef struct crew {
    const ag_team *team;
    ag_cancel *cancel; /* of the team: by the user, or because one failed */
    atomic_llong next;
    pthread_mutex_t lock; /* of what follows */
    int rc;               /* of the first model that failed by itself */
    int64_t failed;
    ag_err err;
} crew;

static void note_failure(crew *c, int64_t member, int rc, const ag_err *err)
{
    pthread_mutex_lock(&c->lock);
    /* A failure of its own counts more than having been stopped, and the first member more than others. */
    bool better = c->rc >= 0 || (ag_was_stopped(c->rc) && !ag_was_stopped(rc)) ||
                  (ag_was_stopped(c->rc) == ag_was_stopped(rc) && member < c->failed);
    if (better) {
        c->rc = rc;
        c->failed = member;
        c->err = *err;
    }
    pthread_mutex_unlock(&c->lock);
    ag_cancel_request(c->cancel);
}

static int work(void *context, size_t seat, ag_err *err)
{
    crew *c = context;
    (void)seat, (void)err;
    for (;;) {
        int64_t member = (int64_t)atomic_fetch_add(&c->next, 1);
        ag_err own = {0};
        if (member >= c->team->count) return 0;
        int rc = ag_cancel_check(c->cancel, &own);
        if (rc >= 0) rc = c->team->train(c->team->context, member, &own);
        if (rc >= 0) continue;
        note_failure(c, member, rc, &own);
        return 0; /* the crew's own error is the one that is told */
    }
}

int ag_team_train(ag_strategy_task *task, const ag_team *team, int64_t at_once, ag_err *err)
{
    crew c = {.team = team};
    ag_cancel *outer = task->cancel;
    int rc = ag_cancel_new(outer, &c.cancel, err);
    if (rc < 0) return rc;
    pthread_mutex_init(&c.lock, NULL);
    atomic_init(&c.next, 0);
    task->cancel = c.cancel;
    rc = ag_pool_for(task->pool, (size_t)(at_once > 0 ? at_once : 1), work, &c, NULL, err);
    task->cancel = outer;
    if (rc >= 0 && c.rc < 0) {
        if (err) *err = c.err;
        rc = c.rc;
    }
    pthread_mutex_destroy(&c.lock);
    ag_cancel_free(c.cancel);
    return rc;
}
