// SPDX-License-Identifier: Apache-2.0
/* result_predict.c: holes asked about through a result: files, samples, and samples that come in pieces. Each call has
 * an arena of its own and asks whoever the result's model is asked by, which any number of threads may do at once. A
 * stream keeps what has come so far and asks about all of it; what a model says of half a hole is what it says of a
 * hole that ends there, but for an exit, which the torque must show as well. */
#include <math.h>
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "data/reader.h"
#include "learn/api/training.h"

enum { CHANNELS = 4, DEFAULT_RATE = 100, MAX_ROWS = 50000000, MAX_STEP = 100000 };

struct auger_stream {
    auger_result *result;
    double rate;
    ag_vec depth, torque, thrust; /* double */
    ag_vec step;                  /* int32_t */
};

/* ---- answers ---- */

static auger_depth depth_of(const ag_point *point)
{
    return (auger_depth){.mm = point->mm, .low = point->low, .high = point->high, .confidence = point->confidence};
}

static auger_answer answer_of(const ag_prediction *p)
{
    static const auger_outcome outcomes[] = {[AG_LABEL_NONE] = AUGER_OUTCOME_UNKNOWN,
                                             [AG_LABEL_FOUND] = AUGER_OUTCOME_FOUND,
                                             [AG_LABEL_NO_EXIT] = AUGER_OUTCOME_NO_EXIT,
                                             [AG_LABEL_EMPTY] = AUGER_OUTCOME_EMPTY};
    auger_answer answer = {.outcome = outcomes[p->outcome],
                           .entry = depth_of(&p->points[AG_POINT_ENTRY]),
                           .transition = depth_of(&p->points[AG_POINT_TRANSITION]),
                           .exit = depth_of(&p->points[AG_POINT_EXIT]),
                           .confidence = p->confidence,
                           .grip_code = p->grip_code};
    ag_format(answer.reason, sizeof answer.reason, "%s", p->reason ? p->reason : "");
    return answer;
}

static auger_answer unknown(const char *reason)
{
    const auger_depth none = {NAN, NAN, NAN, 0.0};
    auger_answer answer = {.entry = none, .transition = none, .exit = none};
    ag_format(answer.reason, sizeof answer.reason, "%s", reason);
    return answer;
}

/* Those that are holes are asked about together; `refused` tells why of the others. */
static int ask(auger_result *result, const ag_hole *const *holes, size_t count, ag_arena *arena, auger_answer *answers,
               ag_err *err)
{
    const ag_answerer *who = NULL;
    const ag_hole **there = ag_arena_array(arena, count + 1, sizeof *there);
    ag_prediction *predictions = ag_arena_array(arena, count + 1, sizeof *predictions);
    size_t found = 0;
    if (!there || !predictions) return ag_fail_memory(err, count * sizeof *predictions);
    for (size_t i = 0; i < count; i++)
        if (holes[i]) there[found++] = holes[i];
    int rc = ag_result_answerer(result, &who, err);
    if (rc >= 0 && found) rc = ag_answerer_ask(who, there, found, arena, NULL, predictions, err);
    for (size_t i = 0, k = 0; i < count && rc >= 0; i++)
        if (holes[i]) answers[i] = answer_of(&predictions[k++]);
    return rc;
}

/* ---- holes out of samples ---- */

static bool fits(double value)
{
    return fabs(value * 1000.0) < (double)INT32_MAX; /* NaN does not */
}

static int check_rate(double rate, ag_err *err)
{
    return rate >= 0.0 && rate < 1e6 ? 0 : ag_fail(err, AG_EINVAL, "a hole has a rate of samples");
}

static int put_values(int32_t *out, const double *from, size_t count, double factor, const char *what, ag_err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (!fits(from[i]))
            return ag_fail(err, AG_EINVAL, "sample %zu of %s is no number that a hole can have", i, what);
        out[i] = (int32_t)lrint(from[i] * factor);
    }
    return 0;
}

static int put_steps(int32_t *out, const int32_t *from, size_t count, ag_err *err)
{
    for (size_t i = 0; i < count; i++) {
        int32_t step = from ? from[i] : 1;
        if (step < 0 || step > MAX_STEP) return ag_fail(err, AG_EINVAL, "sample %zu has no step of a program", i);
        out[i] = step * 1000;
    }
    return 0;
}

static int make_hole(const auger_hole_samples *s, bool running, ag_arena *arena, const ag_hole **out, ag_err *err)
{
    static const ag_channel_id ids[CHANNELS] = {AG_CHANNEL_POSITION, AG_CHANNEL_TORQUE, AG_CHANNEL_THRUST,
                                                AG_CHANNEL_STEP};
    ag_hole *hole = ag_arena_alloc(arena, sizeof *hole);
    ag_channel *channels = ag_arena_array(arena, CHANNELS, sizeof *channels);
    if (!hole || !channels) return ag_fail_memory(err, sizeof *hole);
    if (s->count == 0 || s->count > MAX_ROWS || !s->depth || !s->torque || !s->thrust)
        return ag_fail(err, AG_EINVAL, "a hole has samples of depth, torque and thrust");
    if (check_rate(s->rate, err) < 0) return AG_EINVAL;
    for (size_t i = 0; i < CHANNELS; i++) {
        channels[i].id = ids[i];
        channels[i].values = ag_arena_array(arena, s->count, sizeof(int32_t));
        if (!channels[i].values) return ag_fail_memory(err, s->count * sizeof(int32_t));
    }
    *hole = (ag_hole){
        .arena = arena,
        .reader = "samples",
        .running = running,
        .signal = {
            .rate = s->rate > 0.0 ? s->rate : DEFAULT_RATE, .rows = s->count, .channels = channels, .count = CHANNELS}};
    int rc = put_values(channels[0].values, s->depth, s->count, -1000.0, "depth", err);
    if (rc >= 0) rc = put_values(channels[1].values, s->torque, s->count, 1000.0, "torque", err);
    if (rc >= 0) rc = put_values(channels[2].values, s->thrust, s->count, 1000.0, "thrust", err);
    if (rc >= 0) rc = put_steps(channels[3].values, s->step, s->count, err);
    if (rc >= 0) rc = ag_hole_finish(hole, err);
    if (rc >= 0) *out = hole;
    return rc;
}

/* ---- one and many ---- */

typedef struct batch {
    auger_result *result;
    const char *const *paths; /* or */
    const auger_hole_samples *samples;
    size_t count;
    bool strict;  /* one that cannot be read is a failure */
    bool running; /* more samples may come */
    auger_answer *answers;
} batch;

static int read_one(const batch *b, size_t index, ag_arena *arena, const ag_hole **out, ag_err *err)
{
    ag_hole *hole = NULL;
    if (b->samples) return make_hole(&b->samples[index], b->running, arena, out, err);
    if (!b->paths[index]) return ag_fail(err, AG_EINVAL, "no path was given");
    int rc = ag_hole_read_file(b->paths[index], NULL, arena, &hole, NULL, err);
    *out = hole;
    return rc;
}

static int run_batch(const batch *b, ag_arena *arena, ag_err *err)
{
    const ag_hole **holes = ag_arena_array(arena, b->count + 1, sizeof(*holes));
    if (!holes) return ag_fail_memory(err, b->count * sizeof(*holes));
    for (size_t i = 0; i < b->count; i++) {
        ag_err why = {0};
        char text[600];
        int rc = read_one(b, i, arena, &holes[i], &why);
        if (rc >= 0) continue;
        if (b->strict || rc == AG_ENOMEM) {
            *err = why;
            return rc;
        }
        holes[i] = NULL;
        (void)ag_err_format(&why, text, sizeof text);
        b->answers[i] = unknown(text);
    }
    return ask(b->result, holes, b->count, arena, b->answers, err);
}

/* Told of the model, before it seems to be the file's fault. */
static int check_kind(const auger_result *result, ag_err *err)
{
    const char *strategy = result->facts.strategy;
    if (!strategy || strcmp(strategy, "forecast") != 0) return 0;
    ag_fail(err, AG_EINVAL, "a model of the strategy forecast does not answer for holes");
    return ag_err_hint(err, "auger_result_forecast() tells how a series goes on");
}

static int predict(const batch *b, auger_error *error)
{
    ag_err err = {0};
    ag_arena *arena = NULL;
    int rc = 0;
    if (!b->result || (b->count && (!b->answers || (!b->paths && !b->samples))))
        rc = ag_fail(&err, AG_EINVAL, "a result, holes, and room for their answers are wanted");
    if (rc >= 0 && !(arena = ag_arena_new(0))) rc = ag_fail_memory(&err, 64);
    if (rc >= 0) rc = check_kind(b->result, &err);
    if (rc >= 0) rc = run_batch(b, arena, &err);
    ag_arena_free(arena);
    return ag_answer(rc, &err, error);
}

int auger_result_predict_file(auger_result *result, const char *path, auger_answer *answer, auger_error *error)
{
    const batch b = {.result = result, .paths = &path, .count = 1, .strict = true, .answers = answer};
    return predict(&b, error);
}

int auger_result_predict(auger_result *result, const auger_hole_samples *hole, auger_answer *answer, auger_error *error)
{
    const batch b = {.result = result, .samples = hole, .count = 1, .strict = true, .answers = answer};
    return predict(&b, error);
}

int auger_result_predict_files(auger_result *result, const char *const *paths, size_t count, auger_answer *answers,
                               auger_error *error)
{
    const batch b = {.result = result, .paths = paths, .count = count, .answers = answers};
    return predict(&b, error);
}

int auger_result_predict_batch(auger_result *result, const auger_hole_samples *holes, size_t count,
                               auger_answer *answers, auger_error *error)
{
    const batch b = {.result = result, .samples = holes, .count = count, .answers = answers};
    return predict(&b, error);
}

/* ---- streams ---- */

static int no_stream(auger_error *error)
{
    ag_err err = {0};
    return ag_answer(ag_fail(&err, AG_EINVAL, "no stream was given"), &err, error);
}

int auger_stream_open(auger_result *result, double rate, auger_stream **out, auger_error *error)
{
    ag_err err = {0};
    int rc = result && out ? check_rate(rate, &err) : ag_fail(&err, AG_EINVAL, "a result and room are wanted");
    if (rc >= 0) rc = check_kind(result, &err);
    if (rc < 0) return ag_answer(rc, &err, error);
    auger_stream *stream = ag_calloc(1, sizeof *stream);
    if (!stream) return ag_answer(ag_fail_memory(&err, sizeof *stream), &err, error);
    *stream = (auger_stream){.result = result, .rate = rate};
    ag_vec_init(&stream->depth, sizeof(double));
    ag_vec_init(&stream->torque, sizeof(double));
    ag_vec_init(&stream->thrust, sizeof(double));
    ag_vec_init(&stream->step, sizeof(int32_t));
    *out = stream;
    return ag_answer(0, &err, error);
}

void auger_stream_free(auger_stream *stream)
{
    if (!stream) return;
    ag_vec_deinit(&stream->depth);
    ag_vec_deinit(&stream->torque);
    ag_vec_deinit(&stream->thrust);
    ag_vec_deinit(&stream->step);
    ag_free(stream);
}

void auger_stream_reset(auger_stream *stream)
{
    if (!stream) return;
    ag_vec_clear(&stream->depth);
    ag_vec_clear(&stream->torque);
    ag_vec_clear(&stream->thrust);
    ag_vec_clear(&stream->step);
}

/* All of a piece or nothing of it: room first. */
static int make_room(auger_stream *stream, size_t more, ag_err *err)
{
    size_t count = stream->depth.count;
    if (more > MAX_ROWS - count) return ag_fail(err, AG_ELIMIT, "more than %d samples of one hole", MAX_ROWS);
    int rc = ag_vec_reserve(&stream->depth, count + more, err);
    if (rc >= 0) rc = ag_vec_reserve(&stream->torque, count + more, err);
    if (rc >= 0) rc = ag_vec_reserve(&stream->thrust, count + more, err);
    return rc < 0 ? rc : ag_vec_reserve(&stream->step, count + more, err);
}

/* What no answer could take back: the samples before it stay good. */
static int check_piece(const auger_hole_samples *more, ag_err *err)
{
    for (size_t i = 0; i < more->count; i++) {
        if (!fits(more->depth[i]) || !fits(more->torque[i]) || !fits(more->thrust[i]))
            return ag_fail(err, AG_EINVAL, "sample %zu of the piece is no number that a hole can have", i);
        if (more->step && (more->step[i] < 0 || more->step[i] > MAX_STEP))
            return ag_fail(err, AG_EINVAL, "sample %zu of the piece has no step of a program", i);
    }
    return 0;
}

int auger_stream_add(auger_stream *stream, const auger_hole_samples *more, auger_error *error)
{
    ag_err err = {0};
    if (!stream) return no_stream(error);
    int rc = more && (!more->count || (more->depth && more->torque && more->thrust))
                 ? make_room(stream, more->count, &err)
                 : ag_fail(&err, AG_EINVAL, "a piece has samples of depth, torque and thrust");
    if (rc >= 0) rc = check_piece(more, &err);
    for (size_t i = 0; rc >= 0 && i < more->count; i++) {
        int32_t step = more->step ? more->step[i] : 1;
        (void)ag_vec_push(&stream->depth, &more->depth[i], NULL);
        (void)ag_vec_push(&stream->torque, &more->torque[i], NULL);
        (void)ag_vec_push(&stream->thrust, &more->thrust[i], NULL);
        (void)ag_vec_push(&stream->step, &step, NULL);
    }
    return ag_answer(rc, &err, error);
}

int auger_stream_answer(auger_stream *stream, auger_answer *answer, auger_error *error)
{
    if (!stream) return no_stream(error);
    const auger_hole_samples all = {.count = stream->depth.count,
                                    .rate = stream->rate,
                                    .depth = stream->depth.items,
                                    .torque = stream->torque.items,
                                    .thrust = stream->thrust.items,
                                    .step = stream->step.items};
    const batch b = {
        .result = stream->result, .samples = &all, .count = 1, .strict = true, .running = true, .answers = answer};
    if (all.count) return predict(&b, error);
    if (answer) *answer = unknown("there are no samples yet");
    return ag_answer(0, NULL, error);
}
