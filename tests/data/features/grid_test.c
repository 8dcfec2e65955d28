// SPDX-License-Identifier: Apache-2.0
#include "data/features/grid.h"

#include "data/features/holes.h"

enum { ROWS = 600, CELLS = 512 };

typedef struct bench {
    ag_arena *arena;
    ag_track track;
    ag_grid grid;
} bench;

static void lay(bench *b, const ag_hole *hole, double start, double cell, size_t count)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_track_make(hole, b->arena, &b->track, &err));
    AG_EXPECT_OK(ag_grid_new(count, b->arena, &b->grid, &err));
    ag_grid_lay(&b->track, start, cell, &b->grid);
}

static void fill_ramp(made_row *rows, double feed)
{
    for (size_t i = 0; i < ROWS; i++) {
        double depth = 1 + feed * (double)i;
        rows[i] = (made_row){depth, 2 * depth, 0.1 * depth, 1, 0};
    }
}

AG_TEST(test_grid__a_cell_holds_the_mean_of_the_line)
{
    const double feeds[] = {0.002, 0.03, 0.13};
    for (size_t f = 0; f < 3; f++) {
        made_row rows[ROWS];
        bench b = {.arena = ag_arena_new(0)};
        fill_ramp(rows, feeds[f]);
        lay(&b, made_hole(rows, ROWS, 100, b.arena), 0, 0.08, CELLS);
        double lag = 0.65 * feeds[f], end = b.track.end;
        assert_int_equal(b.grid.first, (size_t)((1 - lag) / 0.08));
        for (size_t i = b.grid.first + 2; i + 2 < b.grid.last; i++) {
            double middle = ag_grid_depth(&b.grid, (double)i + 0.5);
            assert_true(b.grid.observed[i]);
            assert_true(fabs(b.grid.torque[i] - 2 * (middle + lag)) < 0.02);
            assert_true(fabs(b.grid.velocity[i] - 100 * feeds[f]) < 8 * feeds[f]);
            assert_true(b.grid.seen[i] > 0.9);
        }
        for (size_t i = b.grid.last; i < CELLS; i++) {
            assert_false(b.grid.observed[i]);
            assert_true(b.grid.seen[i] == 0 && ag_grid_depth(&b.grid, (double)i) > end - 1e-9);
        }
        ag_arena_free(b.arena);
    }
}

AG_TEST(test_grid__a_gap_is_not_observed_and_drawn_straight)
{
    made_row rows[ROWS];
    bench b = {.arena = ag_arena_new(0)};
    for (size_t i = 0; i < ROWS; i++) {
        double depth = 1 + 0.03 * (double)(i + (i >= 300 ? 40 : 0));
        rows[i] = (made_row){depth, i < 300 ? 2 : 4, 0.1, 1, 0};
    }
    lay(&b, made_hole(rows, ROWS, 100, b.arena), 0, 0.08, CELLS);
    size_t hidden = 0;
    for (size_t i = b.grid.first; i < b.grid.last; i++) {
        hidden += !b.grid.observed[i];
        assert_true(b.grid.torque[i] > 1.9 && b.grid.torque[i] < 4.1);
        if (i > b.grid.first) assert_true(b.grid.torque[i] >= b.grid.torque[i - 1] - 1e-9);
    }
    assert_true(hidden >= 13 && hidden <= 17);
    ag_arena_free(b.arena);
}

/* A window of the same hole elsewhere, and with wider cells. */
AG_TEST(test_grid__windows_agree_where_they_overlap)
{
    ag_sim_plan plan;
    bench b = {.arena = ag_arena_new(0)};
    ag_err err = {0};
    ag_grid other;
    lay(&b, simulated_hole("cfrp-gap-cfrp", 3, 0, 1, b.arena, &plan), 0, 0.08, CELLS);
    AG_EXPECT_OK(ag_grid_new(200, b.arena, &other, &err));
    ag_grid_lay(&b.track, 8, 0.08, &other);
    for (size_t i = 1; i < 199; i++) {
        assert_true(fabs(other.torque[i] - b.grid.torque[i + 100]) < 1e-9);
        assert_true(fabs(other.work[i] - b.grid.work[i + 100]) < 0.3 + 0.02 * other.work[i]);
        assert_true(other.step[i] == b.grid.step[i + 100]);
    }
    ag_grid_lay(&b.track, 0, 10, &other); /* most of it lies behind the recording */
    assert_true(other.last < 10 && other.first == 0);
    ag_grid_lay(&b.track, 500, 0.08, &other);
    assert_true(other.first >= other.last || other.last == 0);
    ag_arena_free(b.arena);
}

AG_TEST(test_grid__half_the_samples_give_the_same_curve)
{
    static const char *const regimes[] = {"cfrp-ti-stroke", "cfrp-al-stroke", "cfrp-ti-peck", "cfrp-ti-event"};
    for (size_t r = 0; r < 4; r++) {
        ag_sim_plan plan;
        bench whole = {.arena = ag_arena_new(0)}, half = {.arena = whole.arena};
        lay(&whole, simulated_hole(regimes[r], 3, r, 1, whole.arena, &plan), 0, 0.08, CELLS);
        lay(&half, simulated_hole(regimes[r], 3, r, 2, whole.arena, &plan), 0, 0.08, CELLS);
        double away = 0, size = 0;
        for (size_t i = whole.grid.first; i < whole.grid.last; i++) {
            if (!whole.grid.observed[i] || !half.grid.observed[i]) continue;
            away += fabs(whole.grid.torque[i] - half.grid.torque[i]);
            size += fabs(whole.grid.torque[i]);
        }
        assert_true(away < 0.02 * size);
        ag_arena_free(whole.arena);
    }
}

AG_TEST(test_grid__of_an_empty_track_has_nothing_inside)
{
    bench b = {.arena = ag_arena_new(0)};
    ag_hole hole = {.arena = b.arena};
    lay(&b, &hole, 0, 0.08, 16);
    assert_true(b.grid.first == 0 && b.grid.last == 0);
    for (size_t i = 0; i < 16; i++) assert_true(!b.grid.observed[i] && b.grid.torque[i] == 0);
    ag_arena_free(b.arena);
}
