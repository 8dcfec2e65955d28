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
} bench;

/* How far heap and label scatter at both ends; the heap is also off by a constant, which must not matter. */
static void fill(bench *b, const double heap[2], const double label[2])
{
    ag_rng rng = ag_rng_stream(4, "repeats");
    for (int i = 0; i < HOLES; i++) {
        double entry = 6 + ag_rng_double(&rng), exit = entry + 10 + 2 * (i % FOLDERS);
        ag_format(b->paths[i], sizeof b->paths[i], "f%d/h%d.xls", i % FOLDERS, i);
        b->records[i] = (ag_prepared){.path = b->paths[i]};
        b->examples[i] = (ag_example){.hole = &b->records[i]};
        b->examples[i].drilled.shape = (ag_label){.outcome = AG_LABEL_FOUND,
                                                  .entry = entry + label[0] * ag_rng_normal(&rng),
                                                  .exit = exit + label[1] * ag_rng_normal(&rng)};
        b->readings[i] = (ag_reading){.mm = {entry + 0.1 + heap[0] * ag_rng_normal(&rng), (double)NAN,
                                             exit + 0.05 + heap[1] * ag_rng_normal(&rng)},
                                      .none = {0, 1, 0}};
        b->all[i] = &b->examples[i];
    }
    ag_calibration_default(true, &b->calibration);
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
    fill(b, dull, sharp);
    run(b, HOLES);
    assert_int_equal(b->grouped, HOLES);
    assert_true(b->calibration.point[AG_POINT_ENTRY].blend[1] > 0.8);
    assert_true(b->calibration.point[AG_POINT_EXIT].blend[1] > 0.8);
    fill(b, sharp, dull);
    run(b, HOLES);
    assert_true(b->calibration.point[AG_POINT_ENTRY].blend[1] < 0.2);
    assert_true(b->calibration.point[AG_POINT_TRANSITION].blend[1] < 0.2);
    fill(b, mixed, other); /* each end by itself */
    run(b, HOLES);
    assert_true(b->calibration.point[AG_POINT_ENTRY].blend[1] > 0.8);
    assert_true(b->calibration.point[AG_POINT_EXIT].blend[1] < 0.2);
    fill(b, dull, dull);
    run(b, HOLES);
    assert_true(fabs(b->calibration.point[AG_POINT_EXIT].blend[1] - 0.5) < 0.25);
    ag_arena_free(arena);
}

AG_TEST(test_calibration_repeats__changes_nothing_where_it_has_no_say)
{
    static const double sharp[2] = {0.01, 0.01}, dull[2] = {0.08, 0.08};
    ag_arena *arena = ag_arena_new(0);
    bench *b = ag_arena_alloc(arena, sizeof *b);
    fill(b, dull, sharp);
    run(b, 20); /* too few */
    assert_true(b->grouped == 0 && b->calibration.point[0].blend[1] == 0.5);
    run(b, 0);
    assert_int_equal(b->grouped, 0);
    b->calibration.point[AG_POINT_EXIT].count = 100; /* somebody knew */
    run(b, HOLES);
    assert_true(b->grouped == 0 && b->calibration.point[0].blend[1] == 0.5);
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
    fill(b, dull, sharp);
    assert_true(ag_test_fail_at_n(AG_FAULT_ALLOC, fit, NULL, b) >= 1);
    ag_arena_free(arena);
}
