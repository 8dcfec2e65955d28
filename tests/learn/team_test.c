// SPDX-License-Identifier: Apache-2.0
#include "learn/strategy_tools.h"
#include "learn/team.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/sys/clock.h"
#include "frame/test.h"

enum { MODELS = 12 };

typedef struct bench {
    ag_arena *arena;
    ag_settings settings;
    ag_strategy_task task;
    /* of what is trained */
    atomic_int runs[MODELS], working, most, opened;
    int64_t fails, stops; /* members; -1: none */
    /* of the estimate */
    float series[64];
    ag_samples samples;
    ag_samples_port ports[2];
} bench;

static void open_bench(bench *b, unsigned jobs)
{
    static const char *const lines[] = {"model_config={architecture: nlinear}",
                                        "training_config={epochs: 7, batch_size: 8}"};
    static const ag_model_fact facts[] = {
        {"context_length", 8, ""}, {"prediction_length", 2, ""}, {"num_input_channels", 1, ""}};
    ag_err err = {0};
    const ag_str sets[] = {ag_str_of(lines[0]), ag_str_of(lines[1])};
    memset(b, 0, sizeof *b);
    b->arena = ag_arena_new(0);
    b->fails = b->stops = -1;
    AG_EXPECT_OK(ag_settings_read(b->arena, NULL, sets, 2, &b->settings, &err));
    b->task = (ag_strategy_task){.settings = &b->settings, .jobs = jobs, .arena = b->arena};
    AG_EXPECT_OK(ag_settings_model(&b->settings, facts, 3, b->arena, &b->task.model_config, &err));
    AG_EXPECT_OK(ag_cancel_new(NULL, &b->task.cancel, &err));
    if (jobs > 1) AG_EXPECT_OK(ag_pool_new(jobs, &b->task.pool, &err));
}

static void close_bench(bench *b)
{
    ag_pool_free(b->task.pool);
    ag_cancel_free(b->task.cancel);
    ag_arena_free(b->arena);
}

static int train(void *context, int64_t member, ag_err *err)
{
    bench *b = context;
    int now = atomic_fetch_add(&b->working, 1) + 1, most = atomic_load(&b->most);
    while (now > most && !atomic_compare_exchange_weak(&b->most, &most, now)) {
    }
    atomic_fetch_add(&b->runs[member], 1);
    int rc = 0;
    if (member == b->fails) {
        rc = ag_fail(err, AG_EINVAL, "model %d broke", (int)member);
    } else {
        if (member == b->stops) ag_cancel_request(b->task.cancel);
        /* Long enough that the others are there when one fails; cut short when it does. */
        rc = ag_cancel_sleep(b->task.cancel, b->fails >= 0 ? 10 * AG_SECOND : 2000, err);
    }
    atomic_fetch_sub(&b->working, 1);
    return rc;
}

AG_TEST(test_team__trains_every_model_once_and_no_more_at_once_than_asked)
{
    for (int64_t at_once = 0; at_once <= 4; at_once++) {
        bench b;
        ag_err err = {0};
        open_bench(&b, 4);
        const ag_team team = {&b, MODELS, train};
        ag_cancel *mine = b.task.cancel;
        AG_EXPECT_OK(ag_team_train(&b.task, &team, at_once, &err));
        for (int i = 0; i < MODELS; i++) assert_int_equal(b.runs[i], 1);
        assert_true(b.most >= 1 && b.most <= (at_once ? at_once : 1));
        assert_ptr_equal(b.task.cancel, mine);
        close_bench(&b);
    }
}

AG_TEST(test_team__one_failure_stops_the_others_and_is_what_is_told)
{
    bench b;
    ag_err err = {0};
    open_bench(&b, 4);
    b.fails = 2;
    const ag_team team = {&b, MODELS, train};
    AG_EXPECT_ERROR(ag_team_train(&b.task, &team, 4, &err), AG_EINVAL, "model 2 broke");
    assert_false(ag_cancelled(b.task.cancel)); /* nobody has asked the task itself */
    assert_true(b.runs[MODELS - 1] == 0);
    close_bench(&b);
}

AG_TEST(test_team__stops_when_it_is_asked_to)
{
    bench b;
    ag_err err = {0};
    open_bench(&b, 2);
    b.stops = 3;
    const ag_team team = {&b, MODELS, train};
    AG_EXPECT_ERROR(ag_team_train(&b.task, &team, 2, &err), AG_ECANCELLED, "");
    assert_true(b.runs[MODELS - 1] == 0);
    close_bench(&b);
}

/* ---- estimating ---- */

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const bench *b = state;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        memcpy(batch->into[0] + i * 8, b->series + batch->index[i], 8 * sizeof(float));
        if (batch->into[1]) memcpy(batch->into[1] + i * 2, b->series + batch->index[i] + 8, 2 * sizeof(float));
    }
    return 0;
}

static int open_sample(void *context, int64_t member, ag_team_sample *sample, ag_err *err)
{
    bench *b = context;
    atomic_fetch_add(&b->opened, 1);
    if (member == b->fails) return ag_fail(err, AG_EINVAL, "cannot open %d", (int)member);
    int rc = ag_strategy_model(&b->task, true, &sample->model, err);
    sample->training = sample->validation = &b->samples;
    return rc;
}

static void close_sample(void *context, int64_t member, ag_team_sample *sample)
{
    bench *b = context;
    (void)member;
    atomic_fetch_sub(&b->opened, 1);
    ag_model_free(sample->model);
}

static void make_samples(bench *b)
{
    for (int i = 0; i < 64; i++) b->series[i] = sinf((float)i);
    b->ports[0] = (ag_samples_port){"past_values", 8};
    b->ports[1] = (ag_samples_port){"future_values", 2};
    b->samples =
        (ag_samples){.name = "series", .ports = b->ports, .ports_count = 2, .count = 48, .fill = fill, .state = b};
}

AG_TEST(test_team__estimates_what_it_will_take)
{
    bench b;
    ag_err err = {0};
    ag_team_estimate e;
    open_bench(&b, 3);
    make_samples(&b);
    const ag_team_slice slice = {&b, MODELS, open_sample, close_sample};
    AG_EXPECT_OK(ag_team_estimate_of(&b.task, &slice, &e, &err));
    assert_true(e.at_once == 3 && b.opened == 0);
    assert_int_equal(e.steps, (48 + 16) / 8 * 7 * MODELS);
    assert_true(e.step_seconds > 0.0 && e.seconds > 0.0 && e.model_bytes > 100);
    b.fails = 1;
    AG_EXPECT_ERROR(ag_team_estimate_of(&b.task, &slice, &e, &err), AG_EINVAL, "cannot open 1");
    b.fails = -1;
    ag_cancel_request(b.task.cancel);
    AG_EXPECT_ERROR(ag_team_estimate_of(&b.task, &slice, &e, &err), AG_ECANCELLED, "");
    assert_int_equal(b.opened, 0);
    close_bench(&b);
}
