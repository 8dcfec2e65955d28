// SPDX-License-Identifier: Apache-2.0
#include "learn/drilling/heat.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"

enum { CELLS = 128 };

typedef struct bench {
    ag_arena *arena;
    ag_view view;
    double nodes[2];
    ag_track track;
    ag_real *maps; /* [8 windows] */
} bench;

static void open_bench(bench *b, double end)
{
    *b = (bench){.arena = ag_arena_new(0), .view = {.cells = CELLS, .cell_mm = 0.1, .sliding = true}};
    b->nodes[0] = 0.5;
    b->nodes[1] = end;
    b->track = (ag_track){.count = 2, .depth = b->nodes, .end = end};
    b->maps = ag_arena_array(b->arena, (size_t)8 * CELLS * AG_POINTS, sizeof *b->maps);
}

/* A heap of this deviation in a window that begins at `start`; the rest of its mass says "not here". */
static void put(bench *b, size_t window, double start, int point, double mm, double deviation, double mass)
{
    ag_real *map = b->maps + window * CELLS * AG_POINTS;
    double left = 1;
    for (size_t i = 1; i < CELLS; i++) {
        double low = (start + 0.1 * (double)i - mm) / deviation, high = low + 0.1 / deviation;
        double part = 0.5 * mass * (erf(high * M_SQRT1_2) - erf(low * M_SQRT1_2));
        map[i * AG_POINTS + (size_t)point] += (ag_real)part;
        left -= part;
    }
    map[point] += (ag_real)left;
}

static ag_reading read(bench *b, ag_heat *heat)
{
    ag_err err = {0};
    ag_view_windows windows;
    ag_reading out;
    ag_view_cut(&b->view, &b->track, &windows);
    AG_EXPECT_OK(ag_heat_fuse(&b->view, &b->track, &windows, b->maps, b->arena, heat, &err));
    ag_heat_read(heat, &out);
    return out;
}

AG_TEST(test_heat__a_heap_is_read_with_a_precision_below_its_cells)
{
    for (int i = 0; i < 20; i++) {
        bench b;
        ag_heat heat;
        open_bench(&b, 12);
        double mm = 5 + 0.013 * i;
        put(&b, 0, 0, AG_POINT_ENTRY, mm, 0.1, 1);
        put(&b, 0, 0, AG_POINT_TRANSITION, mm + 2, 0.06, 1);
        put(&b, 0, 0, AG_POINT_EXIT, mm + 4, 0.15, 1);
        ag_reading r = read(&b, &heat);
        assert_true(fabs(r.mm[0] - mm) < 0.004);
        assert_true(fabs(r.mm[1] - mm - 2) < 0.006);
        assert_true(fabs(r.mm[2] - mm - 4) < 0.004);
        assert_true(r.none[0] < 1e-6 && r.mass[0] > 0.99);
        assert_true(fabs(r.spread[0] - 0.1) < 0.02 && r.spread[2] > r.spread[0]);
        assert_true(isnan(r.apart[0]) && r.voices == 1);
        ag_arena_free(b.arena);
    }
}

AG_TEST(test_heat__the_higher_of_two_heaps_counts_and_the_mass_tells)
{
    bench b;
    ag_heat heat;
    open_bench(&b, 12);
    put(&b, 0, 0, AG_POINT_ENTRY, 3, 0.1, 0.3);
    put(&b, 0, 0, AG_POINT_ENTRY, 6, 0.1, 0.6);
    for (int k = 0; k < AG_POINTS; k++) b.maps[k] = (ag_real)(k ? 1 : 0.1);
    ag_reading r = read(&b, &heat);
    assert_true(fabs(r.mm[0] - 6) < 0.01 && fabs(r.mass[0] - 2.0 / 3) < 0.02);
    assert_true(r.none[1] == 1 && isnan(r.mm[1]) && r.none[2] == 1);
    ag_arena_free(b.arena);
}

AG_TEST(test_heat__padding_is_never_read)
{
    bench b;
    ag_heat heat;
    open_bench(&b, 6);
    put(&b, 0, 0, AG_POINT_EXIT, 9, 0.1, 0.9);
    put(&b, 0, 0, AG_POINT_EXIT, 4, 0.1, 0.1);
    ag_reading r = read(&b, &heat);
    assert_true(fabs(r.mm[2] - 4) < 0.01);
    for (size_t i = 61; i < heat.cells; i++) assert_true(heat.map[2][i] == 0);
    ag_arena_free(b.arena);
}

AG_TEST(test_heat__windows_are_laid_over_each_other_by_position)
{
    bench b;
    ag_heat heat;
    ag_view_windows w;
    open_bench(&b, 30);
    ag_view_cut(&b.view, &b.track, &w);
    assert_true(w.count >= 3 && w.count <= 8);
    const double mm[] = {4.2, 11.7, 27.9};
    for (size_t i = 0; i < w.count; i++)
        for (int k = 0; k < AG_POINTS; k++) put(&b, i, w.start[i], k, mm[k], 0.1, 1);
    ag_reading r = read(&b, &heat);
    for (int k = 0; k < AG_POINTS; k++) {
        assert_true(fabs(r.mm[k] - mm[k]) < 0.01);
        assert_true(r.none[k] < 0.02);
    }
    ag_arena_free(b.arena);
}

AG_TEST(test_heat__a_transition_lies_between_entry_and_exit)
{
    bench b;
    ag_heat heat;
    open_bench(&b, 12);
    put(&b, 0, 0, AG_POINT_ENTRY, 5, 0.1, 1);
    put(&b, 0, 0, AG_POINT_EXIT, 9, 0.1, 1);
    put(&b, 0, 0, AG_POINT_TRANSITION, 2, 0.1, 0.6);
    put(&b, 0, 0, AG_POINT_TRANSITION, 7, 0.1, 0.3);
    for (int k = 0; k < AG_POINTS; k++) b.maps[k] = 0;
    ag_reading r = read(&b, &heat);
    assert_true(fabs(r.mm[1] - 7) < 0.01);
    ag_arena_free(b.arena);
}

AG_TEST(test_heat__models_are_averaged)
{
    bench a, c;
    ag_heat first, second;
    open_bench(&a, 12);
    open_bench(&c, 12);
    put(&a, 0, 0, AG_POINT_ENTRY, 5.0, 0.1, 1);
    put(&c, 0, 0, AG_POINT_ENTRY, 5.1, 0.1, 1);
    (void)read(&a, &first);
    (void)read(&c, &second);
    ag_heat sum = first;
    ag_heat_add(&sum, &second, 1);
    ag_reading r;
    ag_heat_read(&sum, &r);
    assert_true(fabs(r.mm[0] - 5.05) < 0.01);
    ag_arena_free(a.arena);
    ag_arena_free(c.arena);
}

AG_TEST(test_heat__empty_maps_say_nothing)
{
    bench b;
    ag_heat heat;
    open_bench(&b, 12);
    ag_reading r = read(&b, &heat);
    for (int k = 0; k < AG_POINTS; k++) assert_true(r.none[k] > 0.99 && isnan(r.mm[k]));
    ag_arena_free(b.arena);
}
