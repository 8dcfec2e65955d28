// SPDX-License-Identifier: Apache-2.0
#include "core/base/elementary.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "frame/test.h"

enum { COUNT = 4001 }; /* not a whole number of vectors */

typedef void (*each)(float *x, size_t count);
typedef double (*one)(double x);

static void half_power(float *x, size_t count)
{
    ag_each_power(x, count, 0.5F);
}

/* The greatest difference from the C library, in parts of the value or of `least` where that is larger. */
static double worst_of(each ours, one theirs, double from, double to, bool even, double least)
{
    float x[COUNT], y[COUNT];
    double worst = 0;
    ag_rng rng = ag_rng_stream(3, "elementary");
    for (size_t i = 0; i < COUNT; i++) {
        double part = ag_rng_double(&rng);
        x[i] = (float)(even ? from + (to - from) * part : from * pow(to / from, part));
        if (ours == ag_each_asinh && ag_rng_u32(&rng) % 2) x[i] = -x[i];
    }
    memcpy(y, x, sizeof x);
    ours(y, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        double right = theirs((double)x[i]), off = fabs((double)y[i] - right) / fmax(least, fabs(right));
        worst = off > worst ? off : worst;
    }
    return worst;
}

AG_TEST(test_elementary__functions_are_what_they_are_called)
{
    assert_true(worst_of(ag_each_asinh, asinh, 1e-12, 1e17, false, 0) < 3e-7);
    assert_true(worst_of(ag_each_asinh, asinh, 0, 30, true, 0) < 3e-7);
    assert_true(worst_of(ag_each_asinh, asinh, 0, 1, true, 0) < 3e-7);
    assert_true(worst_of(ag_each_log, log, 1e-29, 1e30, false, 1) < 2e-7);
    assert_true(worst_of(ag_each_log, log, 0.5, 2, true, 0) < 2e-7);
    assert_true(worst_of(ag_each_sine, sin, -7, 7, true, 1) < 2e-7);
    assert_true(worst_of(ag_each_sine, sin, -100, 100, true, 1) < 2e-7);
    assert_true(worst_of(half_power, sqrt, 1e-29, 1e30, false, 0) < 1e-5);
    assert_true(worst_of(half_power, sqrt, 0.001, 10, true, 0) < 1e-6);
}

AG_TEST(test_elementary__zero_and_small_numbers_keep_their_sign)
{
    float x[] = {0, -0.0F, 1e-20F, -1e-20F, 1e-38F, -3}, y[6], z[6];
    memcpy(y, x, sizeof x);
    memcpy(z, x, sizeof x);
    ag_each_asinh(y, 6);
    ag_each_sine(z, 6);
    for (size_t i = 0; i < 5; i++) {
        assert_true(y[i] == x[i] && signbit(y[i]) == signbit(x[i]));
        assert_true(z[i] == x[i]);
    }
    assert_true(y[5] < -1.8F && z[5] < 0);
}

AG_TEST(test_elementary__what_is_out_of_range_stays_bounded_and_what_is_no_number_stays_none)
{
    const float wild[] = {(float)NAN, (float)INFINITY, -(float)INFINITY, 3e38F, -3e38F, 1e17F, 0, -7, 1e-44F};
    enum { WILD = sizeof wild / sizeof *wild };
    for (size_t i = 0; i < WILD; i++) {
        float a = wild[i], b = a, c = a, d = a;
        ag_each_asinh(&a, 1);
        ag_each_log(&b, 1);
        ag_each_sine(&c, 1);
        ag_each_power(&d, 1, 0.9F);
        if (i < 3)
            assert_true(!isfinite(a) && !isfinite(b) && !isfinite(c) && !isfinite(d));
        else
            assert_true(fabsf(a) < 43 && fabsf(b) < 90 && fabsf(c) <= 1 + 1e-6F && d >= 0);
    }
    float few[] = {0, -7, 1e-44F, 1e-30F};
    ag_each_log(few, 4);
    for (int i = 0; i < 3; i++) assert_true(few[i] == few[3]);
    ag_each_log(few, 0);
}

AG_TEST(test_elementary__bits_do_not_depend_on_the_width_nor_on_the_place)
{
    float many[4][61], alone[4][61]; /* no whole number of vectors */
    ag_rng rng = ag_rng_stream(8, "places");
    for (size_t i = 0; i < 61; i++) many[0][i] = alone[0][i] = (float)(100 * ag_rng_double(&rng));
    for (int k = 1; k < 4; k++) {
        memcpy(many[k], many[0], sizeof many[0]);
        memcpy(alone[k], many[0], sizeof many[0]);
    }
    ag_each_asinh(many[0], 61);
    ag_each_sine(many[1], 61);
    ag_each_log(many[2], 61);
    ag_each_power(many[3], 61, 1.2F);
    for (size_t i = 0; i < 61; i++) { /* what is left behind whole vectors is computed one by one */
        ag_each_asinh(&alone[0][i], 1);
        ag_each_sine(&alone[1][i], 1);
        ag_each_log(&alone[2][i], 1);
        ag_each_power(&alone[3][i], 1, 1.2F);
    }
    assert_memory_equal(many, alone, sizeof many);
    float known[] = {0.5F, 3, 40}; /* on any machine and by any compiler */
    ag_each_asinh(known, 3);
    assert_true(known[0] == 0x1.ecc2ccp-2F && known[1] == 0x1.d185b4p+0F && known[2] == 0x1.1875bp+2F);
}
