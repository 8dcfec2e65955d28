// SPDX-License-Identifier: Apache-2.0
#include "core/base/elementary.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"
#include "frame/test.h"

enum { COUNT = 4001 }; /* not a whole number of vectors */

typedef void (*each)(double *x, size_t count);
typedef double (*one)(double x);

static void half_power(double *x, size_t count)
{
    ag_each_power(x, count, 0.5);
}

/* The greatest difference from the C library, in parts of the value or of 1 where that is larger. */
static double worst_of(each ours, one theirs, double from, double to, bool even)
{
    double x[COUNT], y[COUNT], worst = 0;
    ag_rng rng = ag_rng_stream(3, "elementary");
    for (size_t i = 0; i < COUNT; i++) {
        double part = ag_rng_double(&rng);
        x[i] = even ? from + (to - from) * part : from * pow(to / from, part);
        if (ours == ag_each_asinh && ag_rng_u32(&rng) % 2) x[i] = -x[i];
    }
    memcpy(y, x, sizeof x);
    ours(y, COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        double right = theirs(x[i]), off = fabs(y[i] - right) / fmax(1, fabs(right));
        worst = off > worst ? off : worst;
    }
    return worst;
}

AG_TEST(test_elementary__functions_are_what_they_are_called)
{
    assert_true(worst_of(ag_each_asinh, asinh, 1e-12, 1e140, false) < 2e-15);
    assert_true(worst_of(ag_each_asinh, asinh, 0, 30, true) < 2e-15);
    assert_true(worst_of(ag_each_log, log, 1e-299, 1e300, false) < 2e-15);
    assert_true(worst_of(ag_each_log, log, 0.5, 2, true) < 2e-15);
    assert_true(worst_of(ag_each_sine, sin, -100, 100, true) < 1e-14);
    assert_true(worst_of(ag_each_sine, sin, -1e5, 1e5, true) < 1e-14);
    assert_true(worst_of(half_power, sqrt, 1e-290, 1e290, false) < 1e-13);
    assert_true(worst_of(half_power, sqrt, 0.001, 10, true) < 2e-15);
}

AG_TEST(test_elementary__zero_and_small_numbers_keep_their_sign)
{
    double x[] = {0, -0.0, 1e-20, -1e-20, 5e-324, -3};
    double y[6], z[6];
    memcpy(y, x, sizeof x);
    memcpy(z, x, sizeof x);
    ag_each_asinh(y, 6);
    ag_each_sine(z, 6);
    for (size_t i = 0; i < 5; i++) {
        assert_true(y[i] == x[i] && signbit(y[i]) == signbit(x[i]));
        assert_true(z[i] == x[i]);
    }
    assert_true(y[5] < -1.8 && z[5] < 0);
}

AG_TEST(test_elementary__what_is_out_of_range_stays_bounded_and_what_is_no_number_stays_none)
{
    const double wild[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, 1e300, -1e300, 1e17, 0, -7, 1e-310};
    enum { WILD = sizeof wild / sizeof *wild };
    for (size_t i = 0; i < WILD; i++) {
        double a = wild[i], b = a, c = a, d = a;
        ag_each_asinh(&a, 1);
        ag_each_log(&b, 1);
        ag_each_sine(&c, 1);
        ag_each_power(&d, 1, 1.2);
        if (i < 3)
            assert_true(!isfinite(a) && !isfinite(b) && !isfinite(c) && !isfinite(d));
        else
            assert_true(fabs(a) < 347 && fabs(b) < 691 && fabs(c) <= 1 + 1e-15 && d >= 0);
    }
    double least[] = {0, -7, 1e-310, 1e-300};
    ag_each_log(least, 4);
    for (int i = 0; i < 3; i++) assert_true(least[i] == least[3]);
    ag_each_log(least, 0);
}

AG_TEST(test_elementary__bits_do_not_depend_on_the_width_nor_on_the_place)
{
    double many[64], alone[64];
    ag_rng rng = ag_rng_stream(8, "places");
    for (size_t i = 0; i < 64; i++) many[i] = alone[i] = 100 * ag_rng_double(&rng);
    ag_each_asinh(many, 64);
    ag_each_sine(many, 64);
    for (size_t i = 0; i < 64; i++) {
        ag_each_asinh(&alone[i], 1); /* what is left behind whole vectors is computed one by one */
        ag_each_sine(&alone[i], 1);
    }
    assert_memory_equal(many, alone, sizeof many);
    double known[] = {0.5, 3, 40}; /* on any machine and by any compiler */
    ag_each_asinh(known, 3);
    assert_true(known[0] == 0x1.ecc2caec5160ap-2 && known[1] == 0x1.d185b507edc0ep+0 &&
                known[2] == 0x1.1875af0c62241p+2);
}
