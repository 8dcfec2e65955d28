// SPDX-License-Identifier: Apache-2.0
/* Which witness is believed where nobody knows the truth: made-up readings and labels of holes that repeat each other.
 */
#include <math.h>

#include "core/base/rng.h"
#include "frame/test.h"
#include "learn/drilling/calibration.h"

enum { HOLES = 120, FOLDERS = 6 };

typedef struct bench {
    ag_prepared records[HOLES];
    ag_example examples[HOLES];
    const ag_example *all[HOLES];
    ag_reading readings[HOLES];
    char paths[HOLES][32];
    ag_calibration calibration;
    size_t grouped;
    uint64_t draw;
} bench;

/* How far heap and label scatter at both ends, and the heap says so; it is also off by a constant, which must not
 * matter. One heap of three is so many times as unsure, and as far off. */
static void fill_mixed(bench *b, const double heap[2], const double label[2], double unsure)
{
    ag_rng rng = ag_rng_stream(4 + b->draw, "repeats");
    for (int i = 0; i < HOLES; i++) {
        double times = i / FOLDERS % 3 ? 1 : unsure;
        double entry = 6 + ag_rng_double(&rng), exit = entry + 10 + 2 * (i % FOLDERS);
        ag_format(b->paths[i], sizeof b->paths[i], "f%d/h%d.xls", i % FOLDERS, i);
        b->records[i] = (ag_prepared){.path = b->paths[i]};
        b->examples[i] = (ag_example){.hole = &b->records[i]};
        b->examples[i].drilled.shape = (ag_label){.outcome = AG_LABEL_FOUND,
                                                  .entry = entry + label[0] * ag_rng_normal(&rng),
                                                  .exit = exit + label[1] * ag_rng_normal(&rng)};
        b->readings[i] = (ag_reading){.mm = {entry + 0.1 + times * heap[0] * ag_rng_normal(&rng), (double)NAN,
                                             exit + 0.05 + times * heap[1] * ag_rng_normal(&rng)},
                                      .spread = {times * heap[0], 10, times * heap[1]},
                                      .none = {0, 1, 0}};
        b->all[i] = &b->examples[i];
    }
    ag_calibration_default(true, &b->calibration);
}

static void fill(bench *b, const double heap[2], const double label[2])
{
    fill_mixed(b, heap, label, 1);
}

/* Of the way from a heap of this spread to the labeller's depth. */
static double way(const bench *b, int point, double spread)
{
    return ag_calibration_way(b->calibration.point[point].labeller, spread);
}

static void run(bench *b, size_t count)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_calibration_by_repeats(b->all, b->readings, count, &b->calibration, &b->grouped, &err));
}

AG_TEST(test_calibration_repeats__believes_the_witness_that_repeats_itself)
{
    static const double sharp[2] = {0.01, 0.01}, dull[2] = {0.08, 0.08}, mixed[2] = {0.08, 0.01},
                        other[2] = {0.01, 0.08};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    b->draw = 0;
    fill(b, dull, sharp);
    run(b, HOLES);
    assert_int_equal(b->grouped, HOLES);
    assert_true(way(b, AG_POINT_ENTRY, 0.08) > 0.8);
    assert_true(way(b, AG_POINT_EXIT, 0.08) > 0.8);
    fill(b, sharp, dull);
    run(b, HOLES);
    assert_true(way(b, AG_POINT_ENTRY, 0.01) < 0.2);
    assert_true(way(b, AG_POINT_TRANSITION, 0.01) < 0.2);
    fill(b, mixed, other); /* each end by itself */
    run(b, HOLES);
    assert_true(way(b, AG_POINT_ENTRY, 0.08) > 0.8);
    assert_true(way(b, AG_POINT_EXIT, 0.01) < 0.2);
    fill(b, dull, dull);
    run(b, HOLES);
    assert_true(fabs(way(b, AG_POINT_EXIT, 0.08) - 0.5) < 0.25);
    ag_arena_free(arena);
}

/* Mean distance of the answers' thickness from what it is, when each hole's heap is asked by itself. */
static double thickness_error(const bench *b)
{
    static const ag_grip grip = {1.5875, 0, 25};
    double sum = 0;
    for (int i = 0; i < HOLES; i++) {
        ag_prediction p;
        ag_calibration_answer(&b->calibration, &grip, &b->examples[i].drilled, &b->readings[i], &p);
        double thickness = p.points[AG_POINT_EXIT].mm - p.points[AG_POINT_ENTRY].mm;
        sum += fabs(thickness - 10 - 2 * (i % FOLDERS));
    }
    return sum / HOLES;
}

AG_TEST(test_calibration_repeats__a_heap_that_hardly_knows_has_hardly_a_say)
{
    static const double sharp[2] = {0.03, 0.03}, label[2] = {0.04, 0.04};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    b->draw = 0;
    fill_mixed(b, sharp, label, 8);
    run(b, HOLES);
    double told = b->calibration.point[AG_POINT_EXIT].labeller, by_repeats = thickness_error(b);
    assert_int_equal(b->grouped, HOLES);
    assert_true(told > 0.01 && told < 0.1);
    assert_true(way(b, AG_POINT_EXIT, 0.24) > way(b, AG_POINT_EXIT, 0.03) + 0.1);
    for (int k = 0; k < AG_POINTS; k++) b->calibration.point[k].labeller = (double)NAN; /* half of the way */
    assert_true(by_repeats < 0.8 * thickness_error(b));
    ag_arena_free(arena);
}

/* 36 holes hardly tell 0.02 from 0.08 mm: what is said must not jump about with the draw (0 to 0.15 mm, were the pair
 * taken with which they scatter least). */
AG_TEST(test_calibration_repeats__say_nothing_of_heaps_that_are_alone)
{
    static const ag_grip grip = {1.5875, 0, 25};
    static const double dull[2] = {0.08, 0.08}, sharp[2] = {0.02, 0.02};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    ag_label *shape = &b->examples[0].drilled.shape;
    ag_reading *reading = &b->readings[0];
    ag_prediction both, alone, apart;
    b->draw = 0;
    fill(b, dull, sharp);
    run(b, HOLES);
    reading->apart[AG_POINT_EXIT] = 0.1;
    ag_calibration_answer(&b->calibration, &grip, &b->examples[0].drilled, reading, &both);
    shape->outcome = AG_LABEL_NO_EXIT;
    shape->exit = NAN;
    ag_calibration_answer(&b->calibration, &grip, &b->examples[0].drilled, reading, &alone);
    const ag_point *p = &both.points[AG_POINT_EXIT], *q = &alone.points[AG_POINT_EXIT];
    assert_true(q->high - q->low > 1.5 && q->high - q->low > 2 * (p->high - p->low) && q->confidence < 0.5);
    assert_memory_equal(&both.points[AG_POINT_ENTRY], &alone.points[AG_POINT_ENTRY], sizeof *p);
    reading->apart[AG_POINT_EXIT] = 1.5;
    ag_calibration_answer(&b->calibration, &grip, &b->examples[0].drilled, reading, &apart);
    assert_int_equal(apart.outcome, AG_LABEL_NO_EXIT);
    ag_arena_free(arena);
}

AG_TEST(test_calibration_repeats__few_holes_do_not_decide_by_chance)
{
    static const double alike[2] = {0.04, 0.04};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    b->draw = 0;
    double least = INFINITY, most = 0;
    for (b->draw = 0; b->draw < 20; b->draw++) {
        fill(b, alike, alike);
        run(b, 36);
        double told = b->calibration.point[AG_POINT_EXIT].labeller;
        least = fmin(least, told);
        most = fmax(most, told);
    }
    assert_true(least > 0.012 && most < 0.1);
    ag_arena_free(arena);
}

AG_TEST(test_calibration_repeats__changes_nothing_where_it_has_no_say)
{
    static const double sharp[2] = {0.01, 0.01}, dull[2] = {0.08, 0.08};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    b->draw = 0;
    fill(b, dull, sharp);
    run(b, 20); /* too few */
    assert_true(b->grouped == 0 && isnan(b->calibration.point[0].labeller));
    run(b, 0);
    assert_int_equal(b->grouped, 0);
    b->calibration.point[AG_POINT_EXIT].count = 100; /* somebody knew */
    run(b, HOLES);
    assert_true(b->grouped == 0 && isnan(b->calibration.point[0].labeller));
    fill(b, dull, sharp);
    b->calibration.refine = false;
    run(b, HOLES);
    assert_int_equal(b->grouped, 0);
    fill(b, dull, sharp);
    for (int i = 0; i < HOLES; i++) b->paths[i][0] = (char)('a' + i / FOLDERS); /* nobody repeats anybody */
    run(b, HOLES);
    assert_int_equal(b->grouped, 0);
    fill(b, dull, sharp);
    for (int i = 0; i < HOLES; i += 2) b->readings[i].mm[AG_POINT_EXIT] = NAN;
    for (int i = 1; i < HOLES; i += 2) b->examples[i].drilled.shape.exit += 3; /* far: not the same point */
    run(b, HOLES);
    assert_int_equal(b->grouped, HOLES / 2);
    ag_arena_free(arena);
}

static int fit(void *context, ag_err *err)
{
    bench *b = context;
    return ag_calibration_by_repeats(b->all, b->readings, HOLES, &b->calibration, &b->grouped, err);
}

AG_TEST(test_calibration_repeats__is_whole_or_not_at_all_when_memory_fails)
{
    static const double sharp[2] = {0.01, 0.01}, dull[2] = {0.08, 0.08};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    b->draw = 0;
    fill(b, dull, sharp);
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, fit, NULL, b) >= 1);
    ag_arena_free(arena);
}
