// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "core/doc/json.h"
#include "frame/test.h"
#include "learn/drilling/calibration_parts.h"
#include "learn/drilling/told.h"

enum { HOLES = 400 };

/* Holes whose heaps are sharp and right, and whose shapes are 0.03 mm off. */
typedef told_holes bench;

static void make_hole(bench *b, size_t i, ag_rng *rng)
{
    const double truth[AG_POINTS] = {6, 16, 20};
    double told[AG_POINTS];
    add_told(b, i);
    for (int k = 0; k < AG_POINTS; k++) {
        b->known[i].mm[k] = truth[k] + ag_rng_normal(rng);
        b->readings[i].mm[k] = b->known[i].mm[k] + 0.01 * ag_rng_normal(rng);
        b->readings[i].spread[k] = 0.07 * exp(0.1 * ag_rng_normal(rng));
        b->readings[i].mass[k] = 1;
        told[k] = b->known[i].mm[k] + 0.03 * ag_rng_normal(rng);
    }
    b->drilled[i].shape = (ag_label){.outcome = AG_LABEL_FOUND,
                                     .uncertainty = 0.05 * exp(0.3 * ag_rng_normal(rng)),
                                     .entry = told[0],
                                     .transition = {told[1]},
                                     .transition_count = 1,
                                     .exit = told[2]};
}

static bench *open_bench(uint64_t seed, bool refine)
{
    ag_err err = {0};
    bench *b = new_told();
    ag_rng rng = ag_rng_stream(seed, "holes");
    for (size_t i = 0; i < HOLES; i++) make_hole(b, i, &rng);
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, refine, NULL},
                                    &b->calibration, &err));
    return b;
}

/* As models of simulated holes are on real ones: heaps beside what the shape says, wider, and a labeller in doubt. */
static void estrange(bench *b, size_t i, double away, double spread, double doubt)
{
    for (int k = 0; k < AG_POINTS; k++) {
        b->readings[i].mm[k] = b->known[i].mm[k] + away;
        b->readings[i].spread[k] = spread;
        b->readings[i].mass[k] = 0.95;
    }
    b->drilled[i].shape.uncertainty = doubt;
}

static ag_prediction answer(const bench *b, const ag_calibration *c, size_t i)
{
    ag_prediction said;
    ag_calibration_answer(c, &grip, b->holes[i], &b->readings[i], &said);
    return said;
}

/* The same calibration, without what it knows of signs. */
static ag_calibration without_signs(const ag_calibration *c)
{
    ag_calibration blind = *c;
    for (int k = 0; k < AG_POINTS; k++) blind.point[k].signs.noise = (double)NAN;
    return blind;
}

AG_TEST(test_unlike__holes_like_the_others_are_answered_as_before)
{
    bench *b = open_bench(1, true);
    ag_calibration blind = without_signs(&b->calibration);
    double moved = 0, wider = 0;
    for (size_t i = 0; i < HOLES; i++) {
        ag_prediction said = answer(b, &b->calibration, i), before = answer(b, &blind, i);
        assert_null(said.reason);
        for (int k = 0; k < AG_POINTS; k++) {
            moved += fabs(said.points[k].mm - before.points[k].mm) / (HOLES * AG_POINTS);
            wider += (said.points[k].high - said.points[k].low) / (before.points[k].high - before.points[k].low) /
                     (HOLES * AG_POINTS);
        }
    }
    print_message("moved by %.5f mm, wider by %.3f\n", moved, wider);
    assert_true(moved < 0.001 && wider < 1.1);
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__of_another_kind_the_labeller_is_believed_and_the_interval_is_wide)
{
    bench *b = open_bench(2, true);
    ag_calibration blind = without_signs(&b->calibration);
    for (size_t i = 0; i < 20; i++) {
        estrange(b, i, i % 2 ? 0.25 : -0.25, 0.13, 0.2);
        ag_prediction said = answer(b, &b->calibration, i), before = answer(b, &blind, i);
        assert_string_equal(said.reason, "unlike the holes that the model knows");
        assert_int_equal(said.outcome, AG_LABEL_FOUND);
        for (int k = 0; k < AG_POINTS; k++) {
            const ag_point *p = &said.points[k], *q = &before.points[k];
            const ag_label *shape = &b->drilled[i].shape;
            const double told[AG_POINTS] = {shape->entry, shape->transition[0], shape->exit};
            assert_true(fabs(p->mm - told[k]) < 0.02); /* and not the heap, 0.25 mm away */
            assert_true(p->high - p->low > 0.3 && p->high - p->low < 0.6);
            assert_true(p->low < b->known[i].mm[k] && p->high > b->known[i].mm[k]);
            assert_true(p->confidence > 0.5 && p->confidence < 0.99);
            assert_true(p->high - p->low > 1.5 * (q->high - q->low));
        }
    }
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__one_odd_point_is_no_other_kind)
{
    bench *b = open_bench(3, true);
    b->drilled[0].shape.entry += 0.12; /* the labeller is off, as he sometimes is */
    ag_prediction said = answer(b, &b->calibration, 0);
    assert_null(said.reason);
    assert_true(fabs(said.points[AG_POINT_ENTRY].mm - b->known[0].mm[AG_POINT_ENTRY]) < 0.06);
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__far_from_each_other_one_of_both_is_taken)
{
    bench *b = open_bench(4, true);
    estrange(b, 0, 0.25, 0.13, 0.2);
    b->readings[0].mm[AG_POINT_EXIT] = b->drilled[0].shape.exit + 0.9;
    ag_prediction said = answer(b, &b->calibration, 0);
    assert_true(fabs(said.points[AG_POINT_EXIT].mm - b->drilled[0].shape.exit) < 1e-9);
    b->readings[1].mm[AG_POINT_EXIT] = b->drilled[1].shape.exit + 0.9; /* where all else is as usual, the heap */
    said = answer(b, &b->calibration, 1);
    assert_true(fabs(said.points[AG_POINT_EXIT].mm - b->readings[1].mm[AG_POINT_EXIT]) < 0.2);
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__where_the_labeller_is_silent_or_not_asked_nothing_is_drawn_to_him)
{
    bench *b = open_bench(5, true), *alone = open_bench(5, false);
    estrange(b, 0, 0.25, 0.3, 0.2);
    b->drilled[0].shape = (ag_label){.outcome = AG_LABEL_NONE, .entry = NAN, .exit = NAN, .point = NAN};
    ag_prediction said = answer(b, &b->calibration, 0);
    assert_true(fabs(said.points[AG_POINT_ENTRY].mm - b->readings[0].mm[AG_POINT_ENTRY]) < 0.1);
    estrange(alone, 0, 0.25, 0.13, 0.2);
    assert_null(answer(alone, &alone->calibration, 0).reason);
    ag_arena_free(b->arena);
    ag_arena_free(alone->arena);
}

AG_TEST(test_unlike__an_exit_that_only_models_see_is_in_doubt_and_none_where_they_are_apart)
{
    bench *b = open_bench(10, true);
    estrange(b, 0, 0.25, 0.13, 0.2);
    b->drilled[0].shape.outcome = AG_LABEL_NO_EXIT;
    b->drilled[0].shape.exit = NAN;
    b->readings[0].apart[AG_POINT_EXIT] = 0.02;
    ag_point one = answer(b, &b->calibration, 0).points[AG_POINT_EXIT];
    assert_true(fabs(one.mm - b->readings[0].mm[AG_POINT_EXIT]) < 0.1);
    assert_true(one.high - one.low > 1.5 && one.confidence < 0.5);
    b->readings[0].apart[AG_POINT_EXIT] = 0.5;
    ag_point doubted = answer(b, &b->calibration, 0).points[AG_POINT_EXIT];
    assert_true(doubted.high - doubted.low > 1.3 * (one.high - one.low) && doubted.confidence < one.confidence);
    b->readings[0].apart[AG_POINT_EXIT] = 2;
    ag_prediction said = answer(b, &b->calibration, 0);
    assert_int_equal(said.outcome, AG_LABEL_NO_EXIT);
    assert_string_equal(said.reason, "no exit can be seen");
    assert_true(said.unlike && isnan(said.points[AG_POINT_EXIT].mm) && !isnan(said.points[AG_POINT_ENTRY].mm));
    b->readings[1].apart[AG_POINT_EXIT] = 2; /* in holes like the others the calibration knows what that means */
    b->drilled[1].shape.exit = NAN;
    assert_int_equal(answer(b, &b->calibration, 1).outcome, AG_LABEL_FOUND);
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__of_one_transition_the_labeller_is_believed_of_several_the_heap_says_which)
{
    bench *b = open_bench(11, true);
    estrange(b, 0, 0.25, 0.13, 0.2);
    ag_label *shape = &b->drilled[0].shape;
    double heap = shape->transition[0] + 0.9;
    b->readings[0].mm[AG_POINT_TRANSITION] = heap;
    assert_true(fabs(answer(b, &b->calibration, 0).points[AG_POINT_TRANSITION].mm - shape->transition[0]) < 1e-9);
    shape->transition[1] = shape->transition[0] - 3;
    shape->transition_count = 2;
    assert_true(fabs(answer(b, &b->calibration, 0).points[AG_POINT_TRANSITION].mm - heap) < 0.1);
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__what_own_holes_are_like_is_not_unlike)
{
    bench *b = open_bench(6, true);
    ag_err err = {0};
    size_t unlike = 0;
    for (size_t i = 0; i < HOLES; i++) estrange(b, i, i % 2 ? 0.2 : -0.2, 0.13, 0.2);
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL},
                                    &b->calibration, &err));
    for (size_t i = 0; i < HOLES; i++) unlike += answer(b, &b->calibration, i).reason != NULL;
    assert_int_equal(unlike, 0);
    ag_arena_free(b->arena);
}

/* As it is stored, with `from` replaced by `to` where it is first. */
static int store_and_read(const ag_calibration *c, const char *from, const char *to, ag_calibration *out, ag_err *error)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    const ag_value *tree;
    ag_buf text, changed;
    ag_buf_init(&text, 1 << 20);
    ag_buf_init(&changed, 1 << 20);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_calibration_write(c, &json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
    ag_str all = ag_buf_str(&text);
    const char *copy = ag_arena_strndup(arena, all.data, all.size);
    const char *at = from ? strstr(copy, from) : NULL, *rest = copy;
    if (from) {
        assert_non_null(at);
        ag_buf_addf(&changed, "%.*s%s", (int)(at - copy), copy, to);
        rest = at + strlen(from);
    }
    ag_buf_add_text(&changed, rest);
    int rc = ag_json_parse(arena, ag_buf_str(&changed), NULL, &tree, &err);
    if (rc >= 0) rc = ag_calibration_read(tree, "auger.json", out, error);
    ag_buf_deinit(&changed);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_unlike__is_the_same_when_read_back)
{
    ag_err err = {0};
    ag_calibration again;
    bench *b = open_bench(7, true);
    estrange(b, 0, 0.25, 0.13, 0.2);
    AG_EXPECT_OK(store_and_read(&b->calibration, NULL, NULL, &again, &err));
    ag_prediction said = answer(b, &b->calibration, 0), same = answer(b, &again, 0);
    assert_memory_equal(&said.points, &same.points, sizeof said.points);
    ag_arena_free(b->arena);
}

/* Torque that jumps up and down by this share of itself. */
enum { NODES = 40 };
typedef struct rough {
    double torque[NODES], depth[NODES], time[NODES], thrust[NODES], samples[NODES];
    bool joined[NODES];
} rough;

static void roughen(rough *r, double share, ag_track *track)
{
    for (size_t i = 0; i < NODES; i++) {
        r->torque[i] = 10 * (i % 2 ? 1 + share / 2 : 1 - share / 2);
        r->depth[i] = 0.5 * (double)i;
        r->time[i] = 0.1 * (double)i;
        r->samples[i] = 1;
        r->joined[i] = i > 0;
    }
    *track = (ag_track){.count = NODES,
                        .depth = r->depth,
                        .torque = r->torque,
                        .thrust = r->thrust,
                        .time = r->time,
                        .samples = r->samples,
                        .joined = r->joined,
                        .end = 20,
                        .peak = 11};
}

AG_TEST(test_unlike__what_noise_explains_is_no_other_kind)
{
    static rough smooth, noisy;
    ag_err err = {0};
    bench *b = open_bench(9, true);
    size_t unlike[2] = {0, 0};
    for (size_t i = 0; i < HOLES; i++) { /* one in twenty is of a noisy machine, and all signs show it */
        roughen(&smooth, 0.01, &b->drilled[i].track);
        if (i % 20) continue;
        roughen(&noisy, 0.2, &b->drilled[i].track);
        estrange(b, i, 0, 0.11, 0.15);
        b->drilled[i].shape.entry += i % 40 ? 0.15 : -0.15;
        b->drilled[i].shape.exit += i % 40 ? 0.15 : -0.15;
    }
    AG_EXPECT_OK(ag_calibration_fit(&(ag_calibration_told){b->holes, b->readings, b->all, NULL, HOLES, true, NULL},
                                    &b->calibration, &err));
    for (int quiet = 0; quiet < 2; quiet++)
        for (size_t i = 0; i < HOLES; i += 20) {
            if (quiet) roughen(&smooth, 0.01, &b->drilled[i].track);
            unlike[quiet] += answer(b, &b->calibration, i).unlike;
        }
    print_message("of %d unlike: %zu noisy, %zu as quiet as others\n", HOLES / 20, unlike[0], unlike[1]);
    assert_true(unlike[0] == 0 && unlike[1] > HOLES / 20 * 3 / 4);
    ag_arena_free(b->arena);
}

AG_TEST(test_unlike__half_of_what_is_usual_is_refused)
{
    ag_err err = {0};
    ag_calibration again;
    bench *b = open_bench(8, true);
    ag_usual_signs *usual = &b->calibration.point[AG_POINT_ENTRY].signs;
    usual->sign[0].middle = -2.5;
    usual->sign[0].deviation = 0.25;
    usual->sign[0].slope = 0.5;
    usual->noise = -5;
    usual->least_noise = -6;
    usual->most_noise = -4;
    static const char *const wrong[][2] = {{"[-2.5,0.25,0.5,", "[-2.5,0.25,"}, {"[-2.5,0.25,", "[-2.5,0,"},
                                           {"[-2.5,", "[\"wide\","},           {"[-5.0,-6.0,-4.0]", "[-5,-6]"},
                                           {"[-5.0,-6.0,-4.0]", "[-5,-4,-6]"}, {"\"usual_noise\"", "\"nothing\""}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        AG_EXPECT_ERROR(store_and_read(&b->calibration, wrong[i][0], wrong[i][1], &again, &err), AG_EPARSE,
                        "calibration.entry");
    ag_arena_free(b->arena);
}
