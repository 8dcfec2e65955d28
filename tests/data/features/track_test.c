// SPDX-License-Identifier: Apache-2.0
#include "data/features/track.h"

#include "data/features/holes.h"

enum { ROWS = 400 };

static ag_track track_of(const ag_hole *hole, ag_arena *arena)
{
    ag_err err = {0};
    ag_track track;
    AG_EXPECT_OK(ag_track_make(hole, arena, &track, &err));
    for (size_t i = 1; i < track.count; i++) {
        assert_true(track.depth[i] > track.depth[i - 1]);
        assert_true(track.step[i] >= track.step[i - 1]);
        assert_true(track.time[i] > track.time[i - 1]);
    }
    return track;
}

AG_TEST(test_track__of_an_even_feed_has_a_node_per_sample)
{
    ag_arena *arena = ag_arena_new(0);
    made_row rows[ROWS];
    for (size_t i = 0; i < ROWS; i++) rows[i] = (made_row){1 + 0.03 * (double)i, 2, 0.1, 1, 0};
    ag_track t = track_of(made_hole(rows, ROWS, 100, arena), arena);
    assert_true(t.count > ROWS - 8 && t.count <= ROWS);
    /* What the firmware lags behind is taken back: 6.5 ms at 3 mm/s. */
    assert_true(fabs(t.depth[100] - (1 + 3.0 - 0.0195)) < 2e-3);
    assert_true(fabs(t.time[100] - t.time[0] - 1.0) < 1e-9);
    for (size_t i = 1; i < t.count; i++) assert_true(t.joined[i]);
    assert_true(fabs(t.peak - 2) < 1e-9);
    ag_arena_free(arena);
}

AG_TEST(test_track__a_restart_runs_through_the_hole_that_is_there)
{
    ag_arena *arena = ag_arena_new(0);
    made_row rows[ROWS];
    for (size_t i = 0; i < ROWS / 2; i++) rows[i] = (made_row){1 + 0.03 * (double)i, 5, 0.1, 1, 0};
    double end = rows[ROWS / 2 - 1].depth;
    for (size_t i = ROWS / 2; i < ROWS; i++)
        rows[i] = (made_row){end - 0.3 + 0.03 * (double)(i - ROWS / 2), i < ROWS / 2 + 20 ? 0 : 5, 0.1, 2, 0};
    ag_track t = track_of(made_hole(rows, ROWS, 100, arena), arena);
    size_t gap = 0;
    for (size_t i = 0; i < t.count; i++) {
        assert_true(fabs(t.torque[i] - 5) < 1e-9); /* the run through air is in no node */
        if (i > 0 && !t.joined[i]) gap++;
    }
    assert_int_equal(gap, 1);
    assert_int_equal(t.step[0], 0);
    assert_int_equal(t.step[t.count - 1], 1);
    ag_arena_free(arena);
}

AG_TEST(test_track__a_slow_feed_and_a_retract_are_averaged)
{
    ag_arena *arena = ag_arena_new(0);
    made_row rows[ROWS];
    for (size_t i = 0; i < ROWS; i++) { /* forward three counts, back one, with a torque that swings */
        double way = 0.004 * (double)(i / 4 * 2 + (i % 4 == 3 ? 1 : i % 4));
        rows[i] = (made_row){2 + way, 4 + (i % 2 ? 1.0 : -1.0), 0.2, 1, 0};
    }
    ag_track t = track_of(made_hole(rows, ROWS, 100, arena), arena);
    double samples = 0;
    for (size_t i = 0; i < t.count; i++) samples += t.samples[i];
    assert_true(t.count < ROWS && samples > ROWS - 10);
    for (size_t i = 1; i < t.count; i++) assert_true(t.spread[i] >= 0 && t.joined[i]);
    ag_arena_free(arena);
}

AG_TEST(test_track__lost_samples_are_a_gap)
{
    ag_arena *arena = ag_arena_new(0);
    made_row rows[ROWS];
    for (size_t i = 0; i < ROWS; i++) rows[i] = (made_row){1 + 0.03 * (double)(i + (i >= 200 ? 6 : 0)), 2, 0.1, 1, 0};
    ag_track t = track_of(made_hole(rows, ROWS, 100, arena), arena);
    size_t gaps = 0;
    for (size_t i = 1; i < t.count; i++) gaps += !t.joined[i];
    assert_int_equal(gaps, 1);
    ag_arena_free(arena);
}

AG_TEST(test_track__of_nothing_is_empty)
{
    ag_arena *arena = ag_arena_new(0);
    ag_hole hole = {.arena = arena};
    ag_track t = track_of(&hole, arena);
    assert_int_equal(t.count, 0);
    assert_true(t.end == 0 && t.steps == 0);
    ag_arena_free(arena);
}

AG_TEST(test_track__of_every_regime_is_in_order)
{
    for (size_t r = 0; r < ag_sim_regime_count; r++) {
        ag_arena *arena = ag_arena_new(0);
        ag_sim_plan plan;
        ag_hole *hole = simulated_hole(ag_sim_regimes[r].name, 5, r, 1, arena, &plan);
        ag_track t = track_of(hole, arena);
        assert_true(t.count > 100);
        assert_true(t.steps == hole->step_count);
        if (!isnan(plan.exit)) assert_true(t.end > plan.exit);
        ag_arena_free(arena);
    }
}

typedef struct failing {
    const ag_hole *hole;
} failing;

static int make(void *context, ag_err *err)
{
    const failing *f = context;
    ag_track track;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_track_make(f->hole, arena, &track, err) : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_track__bears_failing_allocations)
{
    ag_arena *arena = ag_arena_new(0);
    ag_sim_plan plan;
    failing f = {simulated_hole("cfrp-ti-stroke", 1, 0, 1, arena, &plan)};
    ag_test_fail_at_n(AG_FAULT_ALLOC, make, NULL, &f);
    ag_arena_free(arena);
}
