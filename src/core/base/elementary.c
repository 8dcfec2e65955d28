// SPDX-License-Identifier: Apache-2.0
/* elementary.c: see elementary.h. Series whose lengths follow from the reduced range, in + - * and /, which IEEE 754
 * rounds in one way, with contraction to fused operations off. Nothing branches or calls (the library's sqrt might set
 * errno): a loop over such a function is made of vectors by the compiler, once for each width that x86-64 may have;
 * how wide they are changes no bit. */
#include "core/base/elementary.h"

#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define EACH static inline __attribute__((always_inline))

static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33; /* the high part has 32 bits */
static const double pi_high = 0x1.921fb544p1, pi_low = 0x1.0b4611a626331p-33;    /* likewise */
static const double magic = 0x1.8p52; /* added, it rounds to a whole number */

EACH uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

EACH double of_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Eight coefficients, in pairs: less to wait for than one after the other. */
EACH double series(const double c[8], double x)
{
    double x2 = x * x, low = (c[0] + c[1] * x) + (c[2] + c[3] * x) * x2,
           high = (c[4] + c[5] * x) + (c[6] + c[7] * x) * x2;
    return low + high * (x2 * x2);
}

/* Of a normal number: k ln 2 + 2 atanh(s), where 2 atanh(s) is the logarithm of what lies between the square roots of
 * 1/2 and 2. */
EACH double log_of(double x)
{
    static const double c[] = {0.3333333333333333,  0.2000000000000044,  0.14285714285401757, 0.1111111119586796,
                               0.09090897818890864, 0.07693119915348971, 0.06634384856934405, 0.06543330981767055};
    const uint64_t half_root = UINT64_C(0x3fe6a09e667f3bcd), one = UINT64_C(0x3ff0000000000000);
    uint64_t bits = bits_of(x), exponent = (bits + (one - half_root)) >> 52; /* of x, 1023 more */
    double k = of_bits(exponent | bits_of(magic)) - (magic + 1023);
    double f = of_bits(bits - ((exponent << 52) - one)) - 1, s = f / (2 + f), square = s * s;
    return k * ln2_high + (2 * s + (2 * s * square * series(c, square) + k * ln2_low));
}

EACH double exp_of(double x)
{
    static const double c[] = {0.0013888888917219482,
                               0.00019841269863058052,
                               2.480152128699544e-05,
                               2.7557268453107527e-06,
                               2.7620092706650667e-07,
                               2.5100388772450645e-08,
                               0,
                               0};
    double y = x > 700 ? 700 : x;
    y = y < -700 ? -700 : y;
    double shifted = y * 1.4426950408889634 + magic, k = shifted - magic;
    double r = (y - k * ln2_high) - k * ln2_low, square = r * r;
    double sum = (0.5 + r * 0.16666666666666669) + square * (0.041666666666624115 + r * 0.008333333333330062);
    double fraction = 1 + (r + square * (sum + square * square * series(c, r)));
    return of_bits(bits_of(fraction) + (bits_of(shifted) << 52));
}

/* Of a normal number; a first guess within 4 % by its bits, then Newton, who doubles the digits. */
EACH double root_of(double x)
{
    double y = of_bits(UINT64_C(0x5fe6eb50c7b537a9) - (bits_of(x) >> 1)), half = 0.5 * x;
    y = y * (1.5 - half * y * y);
    y = y * (1.5 - half * y * y);
    y = y * (1.5 - half * y * y);
    y = y * (1.5 - half * y * y);
    return x * y;
}

/* x - x is 0, and NaN where x is not finite. */
EACH double asinh_of(double x)
{
    double a = of_bits(bits_of(x) & (UINT64_MAX >> 1)), b = a > 1e150 ? 1e150 : a;
    double out = log_of(b + root_of(1 + b * b)) + (x - x);
    out = a < 1e-8 ? a : out;
    return of_bits(bits_of(out) | (bits_of(x) & ~(UINT64_MAX >> 1)));
}

EACH double log_from_least(double x)
{
    return log_of(x < 1e-300 ? 1e-300 : x) + (x - x);
}

EACH double power_of(double x, double exponent)
{
    return exp_of(exponent * log_of(x < 1e-300 ? 1e-300 : x)) + (x - x);
}

EACH double sine_of(double x)
{
    static const double c[] = {-0.16666666666666666,   0.008333333333333316,    -0.00019841269841254971,
                               2.7557319219162273e-06, -2.5052107616873647e-08, 1.6058977304519656e-10,
                               -7.643970043159376e-13, 2.731441604451164e-15};
    double shifted = x * 0.31830988618379067 + magic, k = shifted - magic; /* halves of a turn */
    double r = (x - k * pi_high) - k * pi_low;
    r = r > 1.6 ? 1.6 : r;
    r = r < -1.6 ? -1.6 : r;
    double square = r * r, out = r + r * square * series(c, square);
    return of_bits(bits_of(out) ^ (bits_of(shifted) << 63)) + (x - x);
}

EACH void all_asinh(double *x, size_t count, double unused)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) x[i] = asinh_of(x[i]);
}

EACH void all_log(double *x, size_t count, double unused)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) x[i] = log_from_least(x[i]);
}

EACH void all_sine(double *x, size_t count, double unused)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) x[i] = sine_of(x[i]);
}

EACH void all_power(double *x, size_t count, double exponent)
{
    for (size_t i = 0; i < count; i++) x[i] = power_of(x[i], exponent);
}

/* ---- by width ---- */

#if defined(__x86_64__)
#define IN_WIDTHS(name)                                                                                                \
    __attribute__((target("avx512f,avx512dq,avx512vl"))) static void name##_eight(double *x, size_t n, double more)    \
    {                                                                                                                  \
        name(x, n, more);                                                                                              \
    }                                                                                                                  \
    __attribute__((target("avx2"))) static void name##_four(double *x, size_t n, double more)                          \
    {                                                                                                                  \
        name(x, n, more);                                                                                              \
    }                                                                                                                  \
    static void name##_here(double *x, size_t n, double more)                                                          \
    {                                                                                                                  \
        if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))                                  \
            name##_eight(x, n, more);                                                                                  \
        else if (__builtin_cpu_supports("avx2"))                                                                       \
            name##_four(x, n, more);                                                                                   \
        else                                                                                                           \
            name(x, n, more);                                                                                          \
    }
#else
#define IN_WIDTHS(name)                                                                                                \
    static void name##_here(double *x, size_t n, double more)                                                          \
    {                                                                                                                  \
        name(x, n, more);                                                                                              \
    }
#endif

IN_WIDTHS(all_asinh)
IN_WIDTHS(all_log)
IN_WIDTHS(all_sine)
IN_WIDTHS(all_power)

void ag_each_asinh(double *x, size_t count)
{
    all_asinh_here(x, count, 0);
}

void ag_each_log(double *x, size_t count)
{
    all_log_here(x, count, 0);
}

void ag_each_sine(double *x, size_t count)
{
    all_sine_here(x, count, 0);
}

void ag_each_power(double *x, size_t count, double exponent)
{
    all_power_here(x, count, exponent);
}
