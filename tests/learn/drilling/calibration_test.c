// SPDX-License-Identifier: Apache-2.0
#include "learn/drilling/calibration_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rng.h"
#include "data/validator.h"
#include "frame/test.h"
#include "learn/drilling/told.h"

enum { HOLES = MOST_TOLD };

/* Holes whose heaps are off by what their spread says, and whose shapes are off by 0.05 mm to one side. */
typedef told_holes bench;

static bench *open_bench(uint64_t seed, double shape_bias, double shape_noise)
{
    static double nodes[] = {0.5, 30}, times[] = {0, 10}, torques[] = {4, 4};
    bench *b = new_told();
    ag_rng rng = ag_rng_stream(seed, "holes");
    for (size_t i = 0; i < HOLES; i++) {
        const double truth[AG_POINTS] = {6, 16, 20};
        add_told(b, i);
        b->drilled[i].track = (ag_track){.count = 2, .depth = nodes, .time = times, .torque = torques, .end = 30};
        for (int k = 0; k < AG_POINTS; k++) {
            double spread = 0.05 + 0.25 * ag_rng_double(&rng);
            b->known[i].mm[k] = truth[k] + ag_rng_normal(&rng);
            b->readings[i].mm[k] = b->known[i].mm[k] + 0.5 * spread * ag_rng_normal(&rng);
            b->readings[i].spread[k] = spread;
            b->readings[i].mass[k] = 0.98;
        }
        ag_label *shape = &b->drilled[i].shape;
        shape->outcome = AG_LABEL_FOUND;
        shape->uncertainty = 0.1;
        shape->entry = b->known[i].mm[0] + shape_bias + shape_noise * ag_rng_normal(&rng);
        shape->transition[0] = b->known[i].mm[1] + shape_bias + shape_noise * ag_rng_normal(&rng);
        shape->transition_count = 1;
        shape->exit = b->known[i].mm[2] + shape_bias + shape_noise * ag_rng_normal(&rng);
    }
    return b;
}

typedef struct judged {
    double mae, covered, low_right, high_right; /* of the least and the most confident half */
} judged;

static int by_confidence(const void *a, const void *b)
{
    double x = ((const double *)a)[0], y = ((const double *)b)[0];
    return (x > y) - (x < y);
}

static judged judge(const bench *b, const ag_calibration *c)
{
    judged j = {0};
    static double pairs[HOLES][2];
    for (size_t i = 0; i < HOLES; i++) {
        ag_prediction p;
        ag_calibration_answer(c, &grip, b->holes[i], &b->readings[i], &p);
        assert_int_equal(p.outcome, AG_LABEL_FOUND);
        double error = fabs(p.points[0].mm - b->known[i].mm[0]);
        j.mae += error / HOLES;
        j.covered += (p.points[0].low <= b->known[i].mm[0] && p.points[0].high >= b->known[i].mm[0]) / (double)HOLES;
        assert_true(p.points[0].confidence >= 0 && p.points[0].confidence <= 1);
        assert_true(p.confidence <= p.points[2].confidence && p.grip_code > 0);
        pairs[i][0] = p.points[0].confidence;
        pairs[i][1] = error <= 0.25;
    }
    qsort(pairs, HOLES, sizeof *pairs, by_confidence);
    for (size_t i = 0; i < HOLES; i++) *(i < HOLES / 2 ? &j.low_right : &j.high_right) += pairs[i][1] / (HOLES / 2.0);
    return j;
}

AG_TEST(test_calibration__intervals_hold_nine_of_ten_and_confidence_sorts)
{
    ag_err err = {0};
    ag_calibration c;
    bench *b = open_bench(1, 0, 10), *other = open_bench(2, 0, 10); /* shapes far away: nothing to refine by */
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL}, &c, &err));
    judged j = judge(other, &c);
    assert_true(j.covered > 0.87 && j.covered < 0.93);
    assert_true(j.high_right >= j.low_right);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

AG_TEST(test_calibration__a_better_witness_with_a_bias_is_believed_without_it)
{
    ag_err err = {0};
    ag_calibration with, without;
    bench *b = open_bench(3, 0.05, 0.01), *other = open_bench(4, 0.05, 0.01);
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL},
                                    &with, &err));
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, false, NULL},
                                    &without, &err));
    judged better = judge(other, &with), worse = judge(other, &without);
    assert_true(better.mae < 0.02 && worse.mae > 0.05);
    assert_true(better.covered > 0.87 && better.covered < 0.93);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

/* A labeller that takes the point for too long is off at both ends. */
AG_TEST(test_calibration__what_a_shape_is_off_by_at_one_end_tells_of_the_other)
{
    ag_err err = {0};
    ag_calibration c;
    double known = 0, unknown = 0;
    ag_rng rng = ag_rng_stream(60, "points");
    bench *b = open_bench(61, 0, 0);
    for (size_t i = 0; i < HOLES; i++) {
        double off = 0.1 * ag_rng_normal(&rng);
        b->drilled[i].shape.entry += off;
        b->drilled[i].shape.exit += off;
        b->readings[i].spread[AG_POINT_ENTRY] = 0.06; /* the models know the entry */
        b->readings[i].mm[AG_POINT_ENTRY] = b->known[i].mm[AG_POINT_ENTRY];
        b->readings[i].spread[AG_POINT_EXIT] = 0.3;
    }
    const ag_calibration_told told = {b->holes, b->readings, b->all, NULL, HOLES, true, NULL};
    AG_EXPECT_OK(ag_calibration_fit(&told, &c, &err));
    for (size_t i = 0; i < HOLES; i++) {
        ag_prediction p;
        ag_calibration_answer(&c, &grip, b->holes[i], &b->readings[i], &p);
        known += fabs(p.points[AG_POINT_EXIT].mm - b->known[i].mm[AG_POINT_EXIT]) / HOLES;
        b->readings[i].none[AG_POINT_ENTRY] = 0.51; /* then nothing can be said of it, nor by it */
        ag_witness w = ag_witness_of(b->holes[i], &b->readings[i], AG_POINT_EXIT, true);
        unknown += fabs(ag_witness_blended(c.point[AG_POINT_EXIT].blend, &w) - b->known[i].mm[AG_POINT_EXIT]) / HOLES;
    }
    assert_true(known < 0.5 * unknown);
    ag_arena_free(b->arena);
}

/* Every tool is off by something of its own, which no witness knows: the holes of a tool are one measurement. */
static void tool_biases(bench *b, uint64_t seed, size_t of_tool, uint32_t *tools)
{
    ag_rng rng = ag_rng_stream(seed, "tools");
    double bias = 0;
    for (size_t i = 0; i < HOLES; i++) {
        if (i % of_tool == 0) bias = 0.08 * ag_rng_normal(&rng);
        tools[i] = (uint32_t)(i / of_tool);
        for (int k = 0; k < AG_POINTS; k++) b->readings[i].mm[k] += bias;
    }
}

AG_TEST(test_calibration__intervals_hold_for_tools_that_nobody_has_seen)
{
    ag_err err = {0};
    static uint32_t tools[HOLES];
    double known = 0, blind = 0;
    ag_calibration c;
    bench *other = open_bench(50, 0, 10);
    tool_biases(other, 51, 1, tools);
    for (uint64_t draw = 0; draw < 10; draw++) { /* ten trainings of 20 tools each */
        bench *b = open_bench(60 + draw, 0, 10);
        tool_biases(b, 80 + draw, HOLES / 20, tools);
        AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, tools, HOLES, true, NULL},
                                        &c, &err));
        assert_true(c.point[0].tools == 20 && c.point[0].count == HOLES);
        known += judge(other, &c).covered / 10;
        AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL},
                                        &c, &err));
        blind += judge(other, &c).covered / 10;
        ag_arena_free(b->arena);
    }
    assert_true(known > 0.87 && known < 0.95);
    assert_true(known > blind);
    ag_arena_free(other->arena);
}

/* Heaps and shapes of every fifteenth hole are half a millimetre above the point, as where both took another layer. */
static void lead_astray(bench *b)
{
    for (size_t i = 0; i < HOLES; i += 15) b->known[i].mm[AG_POINT_ENTRY] -= 0.5;
}

AG_TEST(test_calibration__holes_gone_astray_do_not_bend_the_rest)
{
    ag_err err = {0};
    ag_calibration c, clean;
    bench *b = open_bench(3, 0.05, 0.01), *other = open_bench(4, 0.05, 0.01);
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL},
                                    &clean, &err));
    lead_astray(b);
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL}, &c, &err));
    assert_true(fabs(c.point[0].blend[0] - clean.point[0].blend[0]) < 0.005);
    judged bent = judge(other, &c), straight = judge(other, &clean);
    assert_true(bent.mae < 1.1 * straight.mae);
    assert_true(bent.covered > straight.covered); /* those that are astray must be held as well, as far as it goes */
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

/* Errors that are normal and of the same size everywhere; shapes say nothing. */
static void level(bench *b, uint64_t seed, double size)
{
    ag_rng rng = ag_rng_stream(seed, "level");
    for (size_t i = 0; i < HOLES; i++)
        for (int k = 0; k < AG_POINTS; k++) {
            b->readings[i].spread[k] = 0.15;
            b->readings[i].mm[k] = b->known[i].mm[k] + size * ag_rng_normal(&rng);
        }
}

/* A calibration by `count` holes of the bench, another lot in each draw. */
static void fit_lot(const bench *b, size_t draw, size_t count, ag_calibration *c)
{
    ag_err err = {0};
    size_t from = draw * count;
    AG_EXPECT_OK(ag_calibration_fit(
        &(ag_calibration_told){b->holes + from, b->readings + from, b->all + from, NULL, count, true, NULL}, c, &err));
}

/* The share of all points of `other` that lie in their intervals, by calibrations of 40 draws of 30 holes each. */
static double covered_by_few(bench *b, bench *other)
{
    ag_calibration c;
    double covered = 0;
    for (size_t draw = 0; draw < 40; draw++) {
        fit_lot(b, draw, 30, &c);
        covered += judge(other, &c).covered / 40;
    }
    return covered;
}

AG_TEST(test_calibration__what_few_tools_are_drawn_to_is_as_wide_as_normal_errors_are)
{
    static const double sizes[] = {0.012, 0.06};
    bench *b = open_bench(19, 0, 10), *other = open_bench(20, 0, 10);
    for (size_t s = 0; s < 2; s++) {
        level(b, 21, sizes[s]);
        level(other, 22, sizes[s]);
        double covered = covered_by_few(b, other);
        assert_true(covered > 0.87 && covered < 0.93);
    }
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

/* The same by calibrations that are drawn to `usual`: mean, and the mean distance from nine of ten. */
static double covered_beside(const bench *b, const bench *other, const ag_calibration_usual *usual, double *off)
{
    enum { DRAWS = 40, FEW = 30 };
    ag_err err = {0};
    ag_calibration c;
    double covered = 0;
    *off = 0;
    for (size_t from = 0; from < DRAWS * FEW; from += FEW) {
        ag_calibration_told told = {b->holes + from, b->readings + from, b->all + from, NULL, FEW, true, usual};
        AG_EXPECT_OK(ag_calibration_fit(&told, &c, &err));
        assert_int_equal(c.point[0].simulated, usual ? usual->tools : 0);
        double share = judge(other, &c).covered;
        covered += share / DRAWS;
        *off += fabs(share - 0.9) / DRAWS;
    }
    return covered;
}

AG_TEST(test_calibration__few_tools_are_drawn_to_what_the_ensemble_itself_does)
{
    ag_err err = {0};
    double off[2];
    ag_calibration_usual usual = {.tools = 77};
    bench *made = open_bench(41, 0.03, 0.2), *b = open_bench(42, 0.03, 0.2), *other = open_bench(43, 0.03, 0.2);
    AG_EXPECT_OK(ag_calibration_usual_of(
        &(ag_calibration_told){made->holes, made->readings, made->all, NULL, HOLES, true, NULL}, &usual, &err));
    assert_int_equal(usual.tools, HOLES);
    double without = covered_beside(b, other, NULL, &off[0]), with = covered_beside(b, other, &usual, &off[1]);
    print_message("without %.3f, off by %.3f; with %.3f, off by %.3f\n", without, off[0], with, off[1]);
    assert_true(with > 0.88 && with < 0.92);
    assert_true(off[1] < 0.7 * off[0]);
    ag_arena_free(made->arena);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

AG_TEST(test_calibration__simulated_tools_are_given_up_where_own_ones_contradict_them)
{
    ag_err err = {0};
    double off;
    ag_calibration_usual usual;
    bench *made = open_bench(44, 0, 10), *b = open_bench(45, 0, 10), *other = open_bench(46, 0, 10);
    level(made, 47, 0.02);
    level(b, 48, 0.08);
    level(other, 49, 0.08);
    AG_EXPECT_OK(ag_calibration_usual_of(
        &(ag_calibration_told){made->holes, made->readings, made->all, NULL, HOLES, true, NULL}, &usual, &err));
    double covered = covered_beside(b, other, &usual, &off);
    print_message("%.3f\n", covered);
    assert_true(covered > 0.86 && covered < 0.94);
    ag_arena_free(made->arena);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

AG_TEST(test_calibration__what_is_rarely_there_is_as_usual_elsewhere)
{
    ag_err err = {0};
    ag_calibration_usual usual, none;
    bench *made = open_bench(50, 0, 0.1);
    for (size_t i = 0; i < HOLES; i++)
        if (i >= 20) made->known[i].mm[AG_POINT_EXIT] = (double)NAN;
    const ag_calibration_told all = {made->holes, made->readings, made->all, NULL, HOLES, true, NULL};
    const ag_calibration_told few = {made->holes, made->readings, made->all, NULL, 20, true, NULL};
    AG_EXPECT_OK(ag_calibration_usual_of(&all, &usual, &err));
    AG_EXPECT_OK(ag_calibration_usual_of(&few, &none, &err));
    assert_int_equal(none.tools, 0);
    assert_memory_equal(usual.blend[AG_POINT_EXIT], none.blend[AG_POINT_EXIT], sizeof none.blend[0]);
    assert_memory_not_equal(usual.blend[AG_POINT_ENTRY], none.blend[AG_POINT_ENTRY], sizeof none.blend[0]);
    assert_true(ag_calibration_can_fit(made->all, HOLES) && !ag_calibration_can_fit(made->all, 20));
    for (size_t i = 0; i < HOLES; i++) made->known[i].source = "change-points";
    assert_false(ag_calibration_can_fit(made->all, HOLES));
    ag_arena_free(made->arena);
}

AG_TEST(test_calibration__larger_errors_than_usual_are_believed_to_few_tools)
{
    bench *b = open_bench(23, 0, 0.1), *other = open_bench(24, 0, 0.1); /* both witnesses speak; three times as usual */
    double covered = covered_by_few(b, other);
    assert_true(covered > 0.85 && covered < 0.93);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

AG_TEST(test_calibration__a_witness_that_is_off_here_loses_what_it_usually_has)
{
    ag_calibration c;
    double bent = 0, straight = 0;
    bench *b = open_bench(25, 0.25, 0.01), *other = open_bench(26, 0.25, 0.01); /* shapes: off to one side */
    for (size_t i = 0; i < HOLES; i++) { /* and heaps nearly right, as sharp as they are elsewhere */
        b->readings[i].spread[0] = other->readings[i].spread[0] = 0.1;
        b->readings[i].mm[0] = b->known[i].mm[0] + (i % 2 ? 0.01 : -0.01);
        other->readings[i].mm[0] = other->known[i].mm[0] + (i % 2 ? 0.01 : -0.01);
    }
    for (size_t draw = 0; draw < 20; draw++) {
        fit_lot(b, draw, 40, &c);
        bent += judge(other, &c).mae / 20;
        for (size_t i = draw * 40; i < draw * 40 + 40; i++) b->drilled[i].shape.entry -= 0.25;
        fit_lot(b, draw, 40, &c);
        for (size_t i = 0; i < HOLES; i++) other->drilled[i].shape.entry -= 0.25;
        straight += judge(other, &c).mae / 20;
        for (size_t i = 0; i < HOLES; i++) other->drilled[i].shape.entry += 0.25;
    }
    assert_true(bent < 0.02);
    assert_true(straight < 0.012);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

AG_TEST(test_calibration__says_how_much_its_intervals_may_be_trusted)
{
    ag_calibration c;
    ag_point_calibration p = {.count = 100, .tools = 100};
    double mean = 0, squares = 0;
    assert_float_equal(ag_calibration_give(&p), 0.03, 1e-12);
    p.tools = 25;
    assert_float_equal(ag_calibration_give(&p), 0.06, 1e-12);
    p.count = 24; /* nothing is fitted to so few */
    assert_true(isnan(ag_calibration_give(&p)));
    bench *b = open_bench(30, 0, 10), *other = open_bench(31, 0, 10);
    for (size_t draw = 0; draw < 20; draw++) { /* trainings of 100 tools do scatter by what is said */
        fit_lot(b, draw, 100, &c);
        double covered = judge(other, &c).covered;
        mean += covered / 20;
        squares += covered * covered / 20;
    }
    double scatter = sqrt(squares - mean * mean), said = ag_calibration_give(&c.point[0]);
    assert_true(scatter > 0.6 * said && scatter < 1.4 * said);
    ag_arena_free(b->arena);
    ag_arena_free(other->arena);
}

AG_TEST(test_calibration__a_single_tool_is_calibrated_by_its_holes)
{
    ag_err err = {0};
    static uint32_t tools[HOLES];
    ag_calibration one, none;
    bench *b = open_bench(9, 0, 10);
    for (size_t i = 0; i < HOLES; i++) tools[i] = 4000000; /* numbers need not be dense */
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, tools, HOLES, true, NULL},
                                    &one, &err));
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL},
                                    &none, &err));
    assert_memory_equal(&one.point[0], &none.point[0], sizeof one.point[0]);
    for (size_t i = 0; i < HOLES; i++) tools[i] = i % 2; /* two are a round each */
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, tools, HOLES, true, NULL},
                                    &one, &err));
    assert_true(one.point[0].tools == 2 && isfinite(one.point[0].width) && one.point[0].width > 0);
    ag_arena_free(b->arena);
}

AG_TEST(test_calibration__with_few_holes_the_default_stands)
{
    ag_err err = {0};
    ag_calibration c, usual;
    bench *b = open_bench(5, 0, 0.02);
    ag_calibration_default(true, &usual);
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, 10, true, NULL}, &c, &err));
    assert_memory_equal(c.point[0].blend, usual.point[0].blend, sizeof c.point[0].blend);
    assert_true(c.point[0].width == usual.point[0].width);
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){NULL, NULL, NULL, NULL, 0, true, NULL}, &c, &err));
    ag_arena_free(b->arena);
}

AG_TEST(test_calibration__a_labeller_does_not_bear_witness_for_itself)
{
    ag_err err = {0};
    ag_calibration c, usual;
    bench *b = open_bench(5, 0, 0);
    ag_calibration_default(true, &usual);
    for (size_t i = 0; i < HOLES; i++) b->known[i].source = i % 2 ? "change-points" : "step-codes";
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL}, &c, &err));
    assert_memory_equal(c.point[0].blend, usual.point[0].blend, sizeof c.point[0].blend);
    for (size_t i = 0; i < HOLES; i++) b->known[i].source = i % 2 ? "expert" : "truth";
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL}, &c, &err));
    assert_memory_not_equal(c.point[0].blend, usual.point[0].blend, sizeof c.point[0].blend);
    ag_arena_free(b->arena);
}

AG_TEST(test_calibration__air_and_seized_get_no_number_of_what_they_lack)
{
    ag_calibration c;
    ag_prediction p;
    bench *b = open_bench(6, 0, 0.02);
    ag_calibration_default(true, &c);
    b->drilled[0].classes = AG_CLASS_AIR;
    ag_calibration_answer(&c, &grip, b->holes[0], &b->readings[0], &p);
    assert_int_equal(p.outcome, AG_LABEL_EMPTY);
    for (int k = 0; k < AG_POINTS; k++) assert_true(isnan(p.points[k].mm) && isnan(p.points[k].low));
    assert_true(p.confidence == 1 && p.grip_code == 0);
    b->drilled[1].classes = AG_CLASS_SEIZED;
    ag_calibration_answer(&c, &grip, b->holes[1], &b->readings[1], &p);
    assert_int_equal(p.outcome, AG_LABEL_NO_EXIT);
    assert_true(isnan(p.points[AG_POINT_EXIT].mm) && !isnan(p.points[AG_POINT_ENTRY].mm) && p.grip_code == 0);
    assert_non_null(p.reason);
    b->drilled[5].classes = AG_CLASS_AIR;
    b->drilled[5].breaks_off = true; /* what would have come is not known */
    ag_calibration_answer(&c, &grip, b->holes[5], &b->readings[5], &p);
    assert_int_equal(p.outcome, AG_LABEL_NONE);
    assert_string_equal(p.reason, "the recording breaks off before anything is cut");
    b->drilled[6].breaks_off = true; /* behind the exit */
    ag_calibration_answer(&c, &grip, b->holes[6], &b->readings[6], &p);
    assert_int_equal(p.outcome, AG_LABEL_FOUND);
    b->drilled[6].shape.outcome = AG_LABEL_NO_EXIT; /* inside the stack, whatever the model says */
    ag_calibration_answer(&c, &grip, b->holes[6], &b->readings[6], &p);
    assert_int_equal(p.outcome, AG_LABEL_NO_EXIT);
    assert_true(isnan(p.points[AG_POINT_EXIT].mm) && !isnan(p.points[AG_POINT_ENTRY].mm) && p.grip_code == 0);
    assert_string_equal(p.reason, "the recording breaks off");
    b->drilled[6].breaks_off = false;
    b->drilled[6].running = true; /* a stream, likewise */
    ag_calibration_answer(&c, &grip, b->holes[6], &b->readings[6], &p);
    assert_true(p.outcome == AG_LABEL_NO_EXIT && isnan(p.points[AG_POINT_EXIT].mm));
    b->drilled[6].shape.outcome = AG_LABEL_FOUND;
    ag_calibration_answer(&c, &grip, b->holes[6], &b->readings[6], &p);
    assert_int_equal(p.outcome, AG_LABEL_FOUND);
    b->drilled[2].unusable = "there are hardly any samples";
    ag_calibration_answer(&c, &grip, b->holes[2], &b->readings[2], &p);
    assert_int_equal(p.outcome, AG_LABEL_NONE);
    assert_string_equal(p.reason, "there are hardly any samples");
    b->readings[3].none[AG_POINT_ENTRY] = 0.9;
    ag_calibration_answer(&c, &grip, b->holes[3], &b->readings[3], &p);
    assert_int_equal(p.outcome, AG_LABEL_NONE);
    assert_true(isnan(p.points[AG_POINT_EXIT].mm));
    b->readings[4].none[AG_POINT_TRANSITION] = 0.9;
    ag_calibration_answer(&c, &grip, b->holes[4], &b->readings[4], &p);
    assert_int_equal(p.outcome, AG_LABEL_FOUND);
    assert_true(isnan(p.points[AG_POINT_TRANSITION].mm) && fabs(p.points[AG_POINT_TRANSITION].confidence - 0.9) < 1e-9);
    ag_arena_free(b->arena);
}

AG_TEST(test_calibration__is_the_same_when_read_back)
{
    ag_err err = {0};
    ag_calibration c, again;
    const ag_value *tree;
    ag_buf text;
    bench *b = open_bench(7, 0.02, 0.05);
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, 500, true, NULL}, &c, &err));
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_calibration_write(&c, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_OK(ag_json_parse(b->arena, ag_buf_str(&text), NULL, &tree, &err));
    AG_EXPECT_OK(ag_calibration_read(tree, "auger.json", &again, &err));
    for (int i = 0; i < 50; i++) {
        ag_prediction p, q;
        ag_calibration_answer(&c, &grip, b->holes[i], &b->readings[i], &p);
        ag_calibration_answer(&again, &grip, b->holes[i], &b->readings[i], &q);
        assert_memory_equal(p.points, q.points, sizeof p.points);
    }
    AG_EXPECT_ERROR(ag_calibration_read(NULL, "x", &again, &err), AG_EPARSE, "refine");
    AG_EXPECT_OK(ag_json_parse(b->arena, AG_STR("{\"refine\": true, \"entry\": {\"blend\": [1]}}"), NULL, &tree, &err));
    AG_EXPECT_ERROR(ag_calibration_read(tree, "x", &again, &err), AG_EPARSE, "calibration.entry");
    ag_buf_deinit(&text);
    ag_arena_free(b->arena);
}

static int read_text(const bench *b, ag_str text, ag_calibration *out, ag_err *error)
{
    ag_err err = {0};
    const ag_value *tree;
    AG_EXPECT_OK(ag_json_parse(b->arena, text, NULL, &tree, &err));
    return ag_calibration_read(tree, "auger.json", out, error);
}

AG_TEST(test_calibration__models_of_before_had_fewer_terms)
{
#define OF(numbers)                                                                                                    \
    "{\"blend\": [" numbers "], \"scale\": [-3.5, 0.5, 0, 0, 0, 0], \"width\": 2, \"usual_error_mm\": [0.1], "         \
    "\"confidence\": [0.9]}"
#define ALL(numbers)                                                                                                   \
    AG_STR("{\"refine\": true, \"entry\": " OF(numbers) ", \"transition\": " OF(numbers) ", \"exit\": " OF(numbers) "}")
    ag_err err = {0};
    ag_calibration c;
    ag_prediction p;
    bench *b = open_bench(8, 0.1, 0);
    AG_EXPECT_OK(read_text(b, ALL("0, 0.5, 0, 0, 0, 0"), &c, &err));
    ag_calibration_answer(&c, &grip, b->holes[0], &b->readings[0], &p);
    assert_float_equal(p.points[0].mm, (b->readings[0].mm[0] + b->drilled[0].shape.entry) / 2, 1e-9);
    AG_EXPECT_ERROR(read_text(b, ALL("0, 0.5, 0, 0, 0"), &c, &err), AG_EPARSE, "calibration.entry");
    AG_EXPECT_ERROR(read_text(b, ALL("0, 0.5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"), &c, &err), AG_EPARSE,
                    "calibration.entry");
    ag_arena_free(b->arena);
#undef ALL
#undef OF
}

AG_TEST(test_calibration__what_repeats_told_is_kept_and_counts_by_the_spread_of_the_heap)
{
    ag_err err = {0};
    ag_calibration c, again;
    ag_prediction p;
    ag_buf text;
    bench *b = open_bench(9, 0.1, 0);
    ag_buf_init(&text, 1 << 20);
    ag_calibration_default(true, &c);
    for (int k = 0; k < AG_POINTS; k++) c.point[k].labeller = 0.05;
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_calibration_write(&c, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_OK(read_text(b, ag_buf_str(&text), &again, &err));
    for (int i = 0; i < 50; i++) {
        const ag_reading *r = &b->readings[i];
        double square = r->spread[2] * r->spread[2], away = b->drilled[i].shape.exit - r->mm[2];
        ag_calibration_answer(&again, &grip, b->holes[i], r, &p);
        assert_true(fabs(p.points[2].mm - r->mm[2] - away * square / (square + 0.05 * 0.05)) < 1e-9);
    }
    assert_true(ag_calibration_way(0, 0) == 1 && ag_calibration_way(0, 0.1) == 1 && ag_calibration_way(0.1, 0) == 0);
    b->drilled[0].shape.exit += 3; /* not the same point: one of them is wrong, and more often the heap */
    ag_calibration_answer(&again, &grip, b->holes[0], &b->readings[0], &p);
    assert_true(fabs(p.points[2].mm - b->drilled[0].shape.exit) < 1e-9);
    assert_true(p.points[2].high - p.points[2].low > 0.9 && p.points[2].confidence < 0.7);
    c.point[AG_POINT_ENTRY].labeller = -0.05;
    ag_buf_clear(&text);
    json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_calibration_write(&c, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    AG_EXPECT_ERROR(read_text(b, ag_buf_str(&text), &again, &err), AG_EPARSE, "calibration.entry");
    ag_buf_deinit(&text);
    ag_arena_free(b->arena);
}

static int fit(void *context, ag_err *err)
{
    const bench *b = context;
    ag_calibration c;
    return ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, 100, true, NULL}, &c, err);
}

AG_TEST(test_calibration__bears_failing_allocations)
{
    bench *b = open_bench(8, 0, 0.05);
    ag_test_fail_at_n(AG_FAULT_ALLOC, fit, NULL, b);
    ag_arena_free(b->arena);
}
