// SPDX-License-Identifier: Apache-2.0
#include "learn/drilling/tip.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "frame/test.h"
#include "learn/drilling/told.h"

enum { NODES = 2000 };

/* A tool goes down through one layer at a constant feed; what it feels is smoothed as the firmware does it. */
typedef struct drilled {
    double begin, end; /* mm, of the layer */
    double point, chisel;
    double feed, rate; /* mm/s; samples per second */
    double thrust, noise;
    uint64_t seed;
} drilled;

typedef struct bench {
    ag_track track;
    double depth[NODES], torque[NODES], thrust[NODES], spread[NODES], time[NODES], samples[NODES];
    unsigned step[NODES];
    bool joined[NODES];
} bench;

static double part_of(double x, double length)
{
    return x <= 0 ? 0 : x >= length ? 1 : x / length;
}

static double pushed(const drilled *d, double x)
{
    return 0.45 * part_of(x, d->chisel) + 0.55 * part_of(x, d->point);
}

/* The firmware takes 100 samples a second, whatever of them is recorded. */
static void drill(bench *b, const drilled *d)
{
    const double follows = 0.01 / (0.01 + ag_track_lag);
    ag_rng rng = ag_rng_stream(d->seed, "thrust");
    double felt = 0;
    size_t every = (size_t)lround(100 / d->rate), count = 0;
    for (size_t i = 0; count < NODES; i++) {
        double x = d->feed * 0.01 * (double)i;
        if (x > d->end + 3) break;
        double thrust = d->thrust * (pushed(d, x - d->begin) - pushed(d, x - d->end));
        felt += follows * (thrust + d->noise * ag_rng_normal(&rng) - felt);
        if (i % every) continue;
        b->depth[count] = x - ag_track_lag * d->feed;
        b->thrust[count] = felt;
        b->time[count] = 0.01 * (double)i;
        b->samples[count] = 1;
        b->joined[count] = count > 0;
        count++;
    }
    b->track = (ag_track){.count = count,
                          .depth = b->depth,
                          .torque = b->torque,
                          .thrust = b->thrust,
                          .spread = b->spread,
                          .time = b->time,
                          .samples = b->samples,
                          .step = b->step,
                          .joined = b->joined,
                          .end = b->depth[count - 1],
                          .steps = 1};
}

static const drilled titanium = {
    .begin = 5, .end = 9, .point = 1.6, .chisel = 0.16, .feed = 0.75, .rate = 100, .thrust = 1, .noise = 0.02};

AG_TEST(test_tip__is_found_with_its_length_from_wherever_one_begins_to_look)
{
    static bench b;
    for (int i = 0; i < 12; i++) {
        drilled d = titanium;
        d.chisel = 0.08 + 0.06 * (i % 4);
        d.seed = (uint64_t)i;
        drill(&b, &d);
        double from = 0.03 * (i % 3 - 1);
        ag_tip in = ag_tip_find(&b.track, d.begin + from, 1.6, 1), out = ag_tip_find(&b.track, d.end + from, 1.6, -1);
        assert_float_equal(from + in.away, 0, 0.012);
        assert_float_equal(from + out.away, 0, 0.012);
        assert_float_equal(in.chisel, d.chisel, 0.03);
        assert_float_equal(out.chisel, d.chisel, 0.03);
        assert_true(in.unsure < 0.01 && out.unsure < 0.01);
    }
}

AG_TEST(test_tip__half_of_the_samples_tell_nearly_as_much)
{
    static bench b;
    drilled d = titanium;
    drill(&b, &d);
    ag_tip all = ag_tip_find(&b.track, d.end + 0.02, 1.6, -1);
    d.rate = 50;
    drill(&b, &d);
    ag_tip half = ag_tip_find(&b.track, d.end + 0.02, 1.6, -1);
    assert_float_equal(half.away, all.away, 0.008);
    assert_float_equal(half.chisel, all.chisel, 0.03);
}

AG_TEST(test_tip__knows_how_little_a_fast_feed_and_noise_leave)
{
    static bench b;
    drilled d = titanium;
    drill(&b, &d);
    double slow = ag_tip_find(&b.track, d.begin, 1.6, 1).unsure;
    d.feed = 4.35;
    d.thrust = 0.1;
    drill(&b, &d);
    double fast = ag_tip_find(&b.track, d.begin, 1.6, 1).unsure;
    assert_true(fast > 3 * slow);
    double squares = 0, usual = 0;
    for (int i = 0; i < 100; i++) { /* errors are as large as it says */
        d.seed = (uint64_t)i;
        drill(&b, &d);
        ag_tip tip = ag_tip_find(&b.track, d.begin, 1.6, 1);
        squares += tip.away * tip.away / 100;
        usual += tip.unsure * tip.unsure / 100;
    }
    assert_true(squares < usual && squares > 0.1 * usual);
}

AG_TEST(test_tip__says_nothing_where_nothing_is_to_be_seen)
{
    static bench b;
    drilled d = titanium;
    drill(&b, &d);
    const double places[] = {2, 7, 30}; /* air, the middle of the layer, behind the last sample */
    for (size_t i = 0; i < 3; i++) {
        ag_tip tip = ag_tip_find(&b.track, places[i], 1.6, 0);
        assert_true(fabs(tip.away) < tip.unsure && tip.unsure > 0.025);
    }
    ag_tip none = ag_tip_find(&(ag_track){0}, 5, 1.6, 1);
    assert_float_equal(none.away, 0, 0);
    assert_float_equal(none.chisel, 0.16, 1e-12);
    /* A step up is no way out. */
    assert_true(ag_tip_find(&b.track, d.begin, 1.6, -1).unsure > 2 * ag_tip_find(&b.track, d.begin, 1.6, 1).unsure);
}

AG_TEST(test_tip__does_not_fall_over_a_restart_or_samples_that_stand_still)
{
    static bench b;
    drilled d = titanium;
    d.feed = 0.1; /* several samples in each of its bins */
    d.begin = 1;
    d.end = 3;
    drill(&b, &d);
    for (size_t i = 0; i < b.track.count; i++) b.samples[i] = 1 + (double)(i % 3);
    ag_tip tip = ag_tip_find(&b.track, d.begin + 0.02, 1.6, 1);
    assert_float_equal(tip.away, -0.02, 0.01);
    drill(&b, &titanium);
    for (size_t i = 0; i < b.track.count; i++) /* nothing is believed before the step's middle */
        if (b.depth[i] < 5.05) b.joined[i] = false;
    tip = ag_tip_find(&b.track, 5.01, 1.6, 1);
    assert_true(isfinite(tip.away) && isfinite(tip.unsure) && fabs(tip.away) < 0.04);
}

/* ---- what a calibration makes of it ---- */

enum { HOLES = 120 };

static double *copy(ag_arena *arena, const double *values, size_t count)
{
    double *out = ag_arena_array(arena, count, sizeof *out);
    memcpy(out, values, count * sizeof *out);
    return out;
}

/* Heaps and shapes are off by some hundredths of a millimetre. */
static told_holes *open_told(uint64_t seed)
{
    static bench b;
    told_holes *t = new_told();
    ag_rng rng = ag_rng_stream(seed, "holes");
    for (size_t i = 0; i < HOLES; i++) {
        drilled d = titanium;
        d.begin += ag_rng_double(&rng);
        d.end = d.begin + 2;
        d.chisel = 0.09 + 0.15 * ag_rng_double(&rng);
        d.seed = seed + i;
        drill(&b, &d);
        ag_track *track = &t->drilled[i].track;
        size_t count = b.track.count;
        *track = b.track;
        track->depth = copy(t->arena, b.depth, count);
        track->torque = copy(t->arena, b.torque, count);
        track->thrust = copy(t->arena, b.thrust, count);
        track->time = copy(t->arena, b.time, count);
        track->samples = copy(t->arena, b.samples, count);
        track->joined = ag_arena_array(t->arena, count, sizeof *track->joined);
        memcpy(track->joined, b.joined, count * sizeof *track->joined);
        add_told(t, i);
        memcpy(t->known[i].mm, (double[]){d.begin, (double)NAN, d.end}, sizeof t->known[i].mm);
        t->drilled[i].shape = (ag_label){.outcome = AG_LABEL_FOUND,
                                         .entry = d.begin + 0.03 * ag_rng_normal(&rng),
                                         .exit = d.end + 0.03 * ag_rng_normal(&rng),
                                         .point = 1.6,
                                         .uncertainty = 0.1};
        t->readings[i].none[AG_POINT_TRANSITION] = 1;
        for (int k = 0; k < AG_POINTS; k++) {
            t->readings[i].mm[k] = t->known[i].mm[k] + 0.03 * ag_rng_normal(&rng);
            t->readings[i].spread[k] = 0.08;
            t->readings[i].mass[k] = 0.98;
        }
    }
    return t;
}

typedef struct judged {
    double error, covered;
} judged;

static judged judge(const told_holes *t, bool refine)
{
    ag_err err = {0};
    ag_calibration c;
    judged j = {0};
    AG_EXPECT_OK(
        ag_calibration_fit(&(ag_calibration_told){t->holes, t->readings, t->all, NULL, HOLES, refine, NULL}, &c, &err));
    told_holes *other = open_told(900);
    for (size_t i = 0; i < HOLES; i++) {
        ag_prediction p;
        ag_calibration_answer(&c, &grip, other->holes[i], &other->readings[i], &p);
        const ag_point *exit = &p.points[AG_POINT_EXIT];
        double truth = other->known[i].mm[AG_POINT_EXIT];
        j.error += fabs(exit->mm - truth) / HOLES;
        j.covered += (exit->low <= truth && truth <= exit->high) / (double)HOLES;
    }
    ag_arena_free(other->arena);
    return j;
}

AG_TEST(test_tip__is_believed_where_it_is_clear)
{
    told_holes *t = open_told(1);
    judged with = judge(t, true), without = judge(t, false);
    assert_true(without.error > 0.015);
    assert_true(with.error < 0.5 * without.error);
    assert_true(with.covered > 0.8);
    ag_arena_free(t->arena);
}
