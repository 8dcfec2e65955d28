// SPDX-License-Identifier: Apache-2.0
/* monitor.c: see monitor.h. A training that is stalled, diverges or has a loss that is no number gets a bit and a
 * remark when that begins; the first two are taken back, with a remark, when they end. The limits:
 *   stalled       silent for 20 times its usual pace, at least 30 s
 *   diverging     two epochs in a row whose training loss is more than twice the lowest so far
 * Time that is left is that of the steps not taken, at the speed of this process so far; of a training that has not
 * ended as many steps are expected as those that have ended took on average, since they stop early. */
#include "learn/monitor/monitor.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/sys/clock.h"

enum { MAX_TRAININGS = 100000, MAX_REMARKS = 10000, MAX_POINTS = 2048 };
#define STALL_LEAST (30 * AG_SECOND)
#define STALL_FACTOR 20

int ag_monitor_init(ag_monitor *m, int64_t at, ag_err *err)
{
    *m = (ag_monitor){.begun = at, .trained_since = -1, .point_every = 1};
    ag_vec_init(&m->trainings, sizeof(ag_monitor_training *));
    ag_vec_init(&m->remarks, sizeof(ag_monitor_remark));
    ag_vec_init(&m->points, sizeof(ag_monitor_point));
    m->arena = ag_arena_new((size_t)64 << 20);
    return m->arena ? 0 : ag_fail_memory(err, 64);
}

void ag_monitor_deinit(ag_monitor *m)
{
    for (size_t i = 0; i < m->trainings.count; i++) {
        ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (t) ag_epochs_deinit(&t->epochs);
        ag_free(t);
    }
    ag_vec_deinit(&m->trainings);
    ag_vec_deinit(&m->remarks);
    ag_findings_deinit(&m->values);
    ag_vec_deinit(&m->points);
    ag_arena_free(m->arena);
    *m = (ag_monitor){0};
}

ag_monitor_training *ag_monitor_training_at(const ag_monitor *m, int64_t index)
{
    ag_monitor_training *const *at = index < 0 ? NULL : ag_vec_at(&m->trainings, (size_t)index);
    return at ? *at : NULL;
}

/* ---- remarks ---- */

static void remark(ag_monitor *m, int64_t at, ag_monitor_level level, unsigned alarm, int64_t index, const char *text)
{
    const char *kept = m->remarks.count < MAX_REMARKS ? ag_arena_strdup(m->arena, text) : NULL;
    ag_monitor_remark r = {.at = at, .level = level, .alarm = alarm, .index = index, .text = kept};
    if (kept) (void)ag_vec_push(&m->remarks, &r, NULL);
}

/* "fold 3: what happened"; the name only when there are several. */
static void say(ag_monitor *m, int64_t at, ag_monitor_level level, unsigned alarm, int64_t index, const char *what)
{
    char text[400];
    const ag_monitor_training *t = ag_monitor_training_at(m, index);
    bool named = m->count > 1 && t && t->name;
    ag_format(text, sizeof text, "%s%s%s", named ? t->name : "", named ? ": " : "", what);
    remark(m, at, level, alarm, index, text);
}

const ag_monitor_remark *ag_monitor_next_remark(ag_monitor *m)
{
    return m->told < m->remarks.count ? ag_vec_at(&m->remarks, m->told++) : NULL;
}

void ag_monitor_note(ag_monitor *m, int64_t at, const char *text)
{
    remark(m, at, AG_MONITOR_NOTE, 0, -1, text);
}

/* ---- alarms ---- */

static void raise_alarm(ag_monitor *m, int64_t at, int64_t index, unsigned alarm, const char *text)
{
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (t->alarms & alarm) return;
    t->alarms |= alarm;
    say(m, at, AG_MONITOR_ALARM, alarm, index, text);
}

/* A sign of life. */
static void hear(ag_monitor *m, int64_t at, int64_t index)
{
    char text[80], took[32];
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    int64_t silent = at - t->heard;
    if (t->alarms & AG_MONITOR_STALLED) {
        t->alarms &= ~(unsigned)AG_MONITOR_STALLED;
        ag_duration_format(silent / AG_SECOND * AG_SECOND, took);
        ag_format(text, sizeof text, "goes on after %s", took);
        say(m, at, AG_MONITOR_GOOD, AG_MONITOR_STALLED, index, text);
    } else if (silent > 0) {
        t->pace = t->pace ? (t->pace * 7 + silent) / 8 : silent;
    }
    t->heard = at;
}

void ag_monitor_slept(ag_monitor *m, int64_t at, int64_t span)
{
    for (size_t i = 0; i < m->trainings.count; i++) {
        ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (!t || t->state != AG_MONITOR_RUNNING) continue;
        t->heard = t->heard < at - span ? t->heard + span : at; /* one that was quicker than us was heard again */
    }
}

void ag_monitor_tick(ag_monitor *m, int64_t at)
{
    for (size_t i = 0; i < m->trainings.count; i++) {
        char text[80], took[32];
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (!t || t->state != AG_MONITOR_RUNNING) continue;
        int64_t silent = at - t->heard, limit = t->pace * STALL_FACTOR;
        if (silent < (limit > STALL_LEAST ? limit : STALL_LEAST)) continue;
        ag_duration_format(silent / AG_SECOND * AG_SECOND, took);
        ag_format(text, sizeof text, "stalled: nothing was heard for %s", took);
        raise_alarm(m, at, (int64_t)i, AG_MONITOR_STALLED, text);
    }
}

static void look_at_numbers(ag_monitor *m, int64_t at, int64_t index, const ag_train_progress *now)
{
    char text[120];
    /* A norm that is NaN was not said; the loop that makes one stops by itself. */
    const char *what = !isfinite(now->loss) ? "the loss" : isinf(now->gradient_norm) ? "the gradient" : NULL;
    if (!what) return;
    ag_format(text, sizeof text, "%s is not a finite number at step %lld", what, (long long)now->step);
    raise_alarm(m, at, index, AG_MONITOR_NOT_FINITE, text);
}

static void look_at_course(ag_monitor *m, int64_t at, int64_t index, const ag_train_epoch *e)
{
    char text[160];
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    bool high = isfinite(t->lowest_loss) && !(e->train_loss <= t->lowest_loss + fabs(t->lowest_loss));
    t->rising = high ? t->rising + 1 : 0;
    if (t->rising >= 2) {
        ag_format(text, sizeof text, "diverging: train_loss %.4g in epoch %lld, after %.4g", e->train_loss,
                  (long long)e->epoch + 1, t->lowest_loss);
        raise_alarm(m, at, index, AG_MONITOR_DIVERGING, text);
    } else if (!high && (t->alarms & AG_MONITOR_DIVERGING)) {
        t->alarms &= ~(unsigned)AG_MONITOR_DIVERGING;
        say(m, at, AG_MONITOR_GOOD, AG_MONITOR_DIVERGING, index, "has come back");
    }
    if (e->train_loss < t->lowest_loss) t->lowest_loss = e->train_loss;
}

/* ---- events ---- */

void ag_monitor_phase(ag_monitor *m, const char *phase)
{
    m->phase = ag_arena_strdup(m->arena, phase);
    m->working = false;
}

void ag_monitor_work(ag_monitor *m, const ag_progress_state *state)
{
    m->work = *state;
    m->working = !state->finished;
}

void ag_monitor_value_found(ag_monitor *m, const char *name, double value)
{
    (void)ag_findings_put(&m->values, m->arena, name, value, NULL);
}

static ag_monitor_training *seat(ag_monitor *m, int64_t index)
{
    if (index < 0 || index >= MAX_TRAININGS) return NULL;
    while (m->trainings.count <= (size_t)index)
        if (!ag_vec_add(&m->trainings)) return NULL;
    ag_monitor_training **at = ag_vec_at(&m->trainings, (size_t)index);
    if (!*at && (*at = ag_calloc(1, sizeof **at))) ag_epochs_init(&(*at)->epochs);
    return *at;
}

void ag_monitor_begin(ag_monitor *m, int64_t at, const char *name, int64_t index, int64_t count)
{
    m->count = count;
    if (m->trained_since < 0) m->trained_since = at;
    ag_monitor_training *t = seat(m, index);
    if (!t) return;
    ag_epochs_clear(&t->epochs);
    *t = (ag_monitor_training){.name = ag_arena_strdup(m->arena, name),
                               .state = AG_MONITOR_RUNNING,
                               .epochs = t->epochs,
                               .begun = at,
                               .heard = at,
                               .best_epoch = -1,
                               .best_metric = NAN,
                               .lowest_loss = INFINITY};
}

void ag_monitor_step(ag_monitor *m, int64_t at, int64_t index, const ag_train_progress *now)
{
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (!t) return;
    hear(m, at, index);
    t->now = *now;
    t->moving = true;
    t->steps = now->step;
    look_at_numbers(m, at, index, now);
}

void ag_monitor_epoch(ag_monitor *m, int64_t at, int64_t index, const ag_train_epoch *epoch,
                      const ag_train_progress *now)
{
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (!t) return;
    hear(m, at, index);
    t->now = *now;
    t->moving = true;
    t->steps = epoch->step;
    (void)ag_epochs_add(&t->epochs, epoch, NULL);
    look_at_course(m, at, index, epoch);
    if (!epoch->best) return;
    t->best_epoch = epoch->epoch;
    t->best_metric = isnan(epoch->val_loss) ? epoch->train_loss : epoch->val_loss;
}

void ag_monitor_alive(ag_monitor *m, int64_t at, int64_t index)
{
    if (ag_monitor_training_at(m, index)) hear(m, at, index);
}

void ag_monitor_resumed(ag_monitor *m, int64_t at, int64_t index, const ag_train_epoch *epochs, size_t count,
                        int64_t step)
{
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (!t) return;
    hear(m, at, index);
    t->first_step = t->steps = step;
    for (size_t i = 0; i < count; i++) {
        (void)ag_epochs_add(&t->epochs, &epochs[i], NULL);
        if (epochs[i].train_loss < t->lowest_loss) t->lowest_loss = epochs[i].train_loss;
        if (!epochs[i].best) continue;
        t->best_epoch = epochs[i].epoch;
        t->best_metric = isnan(epochs[i].val_loss) ? epochs[i].train_loss : epochs[i].val_loss;
    }
}

void ag_monitor_done(ag_monitor *m, int64_t at, int64_t index, const ag_train_result *result)
{
    ag_monitor_training *t = ag_monitor_training_at(m, index);
    if (!t) return;
    hear(m, at, index);
    t->state = AG_MONITOR_DONE;
    t->ended = at;
    t->steps = result->steps;
    t->best_epoch = result->best_epoch;
    t->best_metric = result->best_metric;
    t->stopped_early = result->stopped_early;
    t->moving = false;
}

/* Every second point goes when there are too many, and from then on only every second one comes. */
static void thin_points(ag_monitor *m)
{
    ag_monitor_point *points = m->points.items;
    if (m->points.count < MAX_POINTS) return;
    for (size_t i = 0; i < m->points.count / 2; i++) points[i] = points[i * 2];
    m->points.count /= 2;
    m->point_every *= 2;
}

void ag_monitor_usage(ag_monitor *m, int64_t at, const ag_usage *usage)
{
    m->usage = *usage;
    m->measured = true;
    if (m->point_skipped++ % m->point_every) return;
    ag_monitor_point point = {at, usage->process_cpu, usage->process_memory,
                              usage->gpu_count ? usage->gpus[0].utilization : NAN};
    thin_points(m);
    (void)ag_vec_push(&m->points, &point, NULL);
}

void ag_monitor_end(ag_monitor *m, int64_t at)
{
    m->working = false;
    for (size_t i = 0; i < m->trainings.count; i++) {
        ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (!t || t->state != AG_MONITOR_RUNNING) continue;
        t->state = AG_MONITOR_FAILED;
        t->ended = at;
        t->moving = false;
    }
}

/* ---- reading ---- */

/* Steps of a training that has not ended, by those that have. */
static double expected_steps(const ag_monitor *m)
{
    double sum = 0.0, most = 0.0;
    int ended = 0;
    for (size_t i = 0; i < m->trainings.count; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (t && t->state == AG_MONITOR_DONE) sum += (double)t->steps, ended++;
        if (t) most = fmax(most, (double)t->now.steps);
    }
    return ended ? sum / ended : most;
}

static void count_training(const ag_monitor_training *t, double usual, ag_monitor_summary *s)
{
    double most = t->moving && t->now.steps > 0 ? (double)t->now.steps : usual;
    s->steps += (double)t->steps;
    s->steps_per_second += (double)(t->steps - t->first_step);
    if (t->state == AG_MONITOR_RUNNING) {
        s->running++;
        s->samples_per_second += t->moving ? t->now.samples_per_second : 0.0;
        s->expected += fmax(fmin(usual, most), (double)t->steps);
    } else {
        s->expected += (double)t->steps;
        *(t->state == AG_MONITOR_DONE ? &s->done : &s->failed) += 1;
    }
}

ag_monitor_summary ag_monitor_summarise(const ag_monitor *m, int64_t at)
{
    ag_monitor_summary s = {.count = m->count, .remaining = -1.0, .best = -1};
    double usual = expected_steps(m), best = INFINITY;
    for (size_t i = 0; i < m->trainings.count; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (!t) continue;
        count_training(t, usual, &s);
        if (t->best_metric < best) best = t->best_metric, s.best = (int64_t)i;
    }
    s.waiting = s.count - s.running - s.done - s.failed;
    if (s.waiting < 0) s.waiting = 0;
    s.expected += (double)s.waiting * usual;
    s.elapsed = (double)(at - m->begun) / 1e6;
    double trained = m->trained_since >= 0 ? (double)(at - m->trained_since) / 1e6 : 0.0;
    s.steps_per_second = trained > 0.0 ? s.steps_per_second / trained : 0.0;
    if (s.steps_per_second > 0.0) s.remaining = (s.expected - s.steps) / s.steps_per_second;
    return s;
}

void ag_monitor_course_init(ag_monitor_course *course)
{
    ag_vec_init(&course->epoch, sizeof(double));
    ag_vec_init(&course->train, sizeof(double));
    ag_vec_init(&course->validation, sizeof(double));
}

void ag_monitor_course_deinit(ag_monitor_course *course)
{
    ag_vec_deinit(&course->epoch);
    ag_vec_deinit(&course->train);
    ag_vec_deinit(&course->validation);
}

/* Of the epochs at one place; `number` is that of the first of them. */
static void mean_of_epoch(const ag_monitor *m, size_t place, double *number, double *train, double *validation)
{
    double sums[2] = {0.0, 0.0};
    int counts[2] = {0, 0};
    *number = NAN;
    for (size_t i = 0; i < m->trainings.count; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        const ag_train_epoch *e = t ? ag_vec_at(&t->epochs.kept, place) : NULL;
        if (e && isnan(*number)) *number = (double)e->epoch + 1.0;
        if (e && isfinite(e->train_loss)) sums[0] += e->train_loss, counts[0]++;
        if (e && isfinite(e->val_loss)) sums[1] += e->val_loss, counts[1]++;
    }
    *train = counts[0] ? sums[0] / counts[0] : NAN;
    *validation = counts[1] ? sums[1] / counts[1] : NAN;
}

void ag_monitor_course_of(const ag_monitor *m, ag_monitor_course *out)
{
    size_t most = 0;
    for (size_t i = 0; i < m->trainings.count; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (t && t->epochs.kept.count > most) most = t->epochs.kept.count;
    }
    for (size_t e = 0; e < most; e++) {
        double number, train, validation;
        mean_of_epoch(m, e, &number, &train, &validation);
        if (ag_vec_push(&out->epoch, &number, NULL) < 0 || ag_vec_push(&out->validation, &validation, NULL) < 0) return;
        if (ag_vec_push(&out->train, &train, NULL) < 0) return; /* the last: its count is the others' */
    }
}
