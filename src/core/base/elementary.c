// SPDX-License-Identifier: Apache-2.0
/* elementary.c: see elementary.h. Series whose lengths follow from the reduced range, in + - * and /, which IEEE 754
 * rounds in one way, with contraction to fused operations off. Nothing branches or calls (the library's sqrt might set
 * errno): a loop over such a function is made of vectors by the compiler, once for each width that x86-64 may have;
 * how wide they are changes no bit. */
#include "core/base/elementary.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

#define EACH static inline __attribute__((always_inline))

static const float ln2_high = 0x1.62e4p-1F, ln2_low = 0x1.7f7d1cp-20F; /* the high part has 15 bits */
static const float pi_high = 0x1.921fp1F, pi_low = 0x1.6a8886p-16F;    /* likewise */
static const float magic = 0x1.8p23F;                                  /* added, it rounds to a whole number */
static const float most = 1e18F, least = 1e-30F;

EACH uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

EACH float of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Chosen by bits: of a conditional GCC may make branches, and of these no vectors. */
EACH float choose(bool which, float a, float b)
{
    uint32_t mask = 0 - (uint32_t)which;
    return of_bits((bits_of(a) & mask) | (bits_of(b) & ~mask));
}

/* Of a normal number x: k ln 2 + 2 atanh(s), where 2 atanh(s) is the logarithm of what lies between the square roots of
 * 1/2 and 2. `above` is x - 1, perhaps with more digits than x has: they count where k is 0. */
EACH float log_of(float x, float above)
{
    const uint32_t half_root = UINT32_C(0x3f3504f3), one = UINT32_C(0x3f800000);
    uint32_t bits = bits_of(x), exponent = (bits + (one - half_root)) >> 23; /* 127 more */
    float k = of_bits(exponent | bits_of(magic)) - (magic + 127), f = of_bits(bits - ((exponent << 23) - one)) - 1;
    f = choose(exponent == 127, above, f);
    float s = f / (2 + f), square = s * s;
    float more = s * square * (0.66666776F + square * (0.39977538F + square * 0.29871842F));
    return k * ln2_high + (2 * s + (more + k * ln2_low));
}

EACH float exp_of(float x)
{
    float y = choose(x > 87, 87, x);
    y = choose(y < -87, -87, y);
    float shifted = y * 1.44269504F + magic, k = shifted - magic;
    float r = (y - k * ln2_high) - k * ln2_low, square = r * r;
    float sum = (0.50000001F + r * 0.16666519F) + square * ((0.04166621F + r * 0.00836889F) + square * 0.00139505F);
    return of_bits(bits_of(1 + (r + square * sum)) + (bits_of(shifted) << 23));
}

/* Of a normal number; a first guess within 4 % by its bits, then Newton, who doubles the digits. */
EACH float root_of(float x)
{
    float y = of_bits(UINT32_C(0x5f3759df) - (bits_of(x) >> 1)), half = 0.5F * x;
    y = y * (1.5F - half * y * y);
    y = y * (1.5F - half * y * y);
    y = y * (1.5F - half * y * y);
    return x * y;
}

/* The logarithm of b + root(1 + b^2), less 1 and 1 more. x - x is 0, and NaN where x is not finite. */
EACH float asinh_of(float x)
{
    uint32_t size = bits_of(x) & (UINT32_MAX >> 1), limit = bits_of(most);
    float b = of_bits(size < limit ? size : limit), square = b * b, above = b + square / (1 + root_of(1 + square));
    float out = log_of(1 + above, above) + (x - x);
    return of_bits(bits_of(out) | (bits_of(x) & ~(UINT32_MAX >> 1)));
}

EACH float log_from_least(float x)
{
    float y = choose(x < least, least, x);
    return log_of(y, y - 1);
}

EACH float finite_log_of(float x)
{
    return log_from_least(x) + (x - x);
}

EACH float power_of(float x, float exponent)
{
    return exp_of(exponent * log_from_least(x)) + (x - x);
}

EACH float sine_of(float x)
{
    float shifted = x * 0.318309886F + magic, k = shifted - magic; /* halves of a turn */
    float r = (x - k * pi_high) - k * pi_low;
    r = choose(r > 1.6F, 1.6F, r);
    r = choose(r < -1.6F, -1.6F, r);
    float square = r * r, series = (-0.166666563F + square * 0.00833299813F) +
                                   square * square * (-0.000198052344F + square * 2.59701165e-6F);
    return of_bits(bits_of(r + r * square * series) ^ (bits_of(shifted) << 31)) + (x - x);
}

EACH void all_asinh(float *x, size_t count, float unused)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) x[i] = asinh_of(x[i]);
}

EACH void all_log(float *x, size_t count, float unused)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) x[i] = finite_log_of(x[i]);
}

EACH void all_sine(float *x, size_t count, float unused)
{
    (void)unused;
    for (size_t i = 0; i < count; i++) x[i] = sine_of(x[i]);
}

EACH void all_power(float *x, size_t count, float exponent)
{
    for (size_t i = 0; i < count; i++) x[i] = power_of(x[i], exponent);
}

/* ---- by width ---- */

#if defined(__x86_64__)
#define IN_WIDTHS(name)                                                                                                \
    __attribute__((target("avx512f,avx512dq,avx512vl"))) static void name##_sixteen(float *x, size_t n, float more)    \
    {                                                                                                                  \
        name(x, n, more);                                                                                              \
    }                                                                                                                  \
    __attribute__((target("avx2"))) static void name##_eight(float *x, size_t n, float more)                           \
    {                                                                                                                  \
        name(x, n, more);                                                                                              \
    }                                                                                                                  \
    static void name##_here(float *x, size_t n, float more)                                                            \
    {                                                                                                                  \
        if (__builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))                                  \
            name##_sixteen(x, n, more);                                                                                \
        else if (__builtin_cpu_supports("avx2"))                                                                       \
            name##_eight(x, n, more);                                                                                  \
        else                                                                                                           \
            name(x, n, more);                                                                                          \
    }
#else
#define IN_WIDTHS(name)                                                                                                \
    static void name##_here(float *x, size_t n, float more)                                                            \
    {                                                                                                                  \
        name(x, n, more);                                                                                              \
    }
#endif

IN_WIDTHS(all_asinh)
IN_WIDTHS(all_log)
IN_WIDTHS(all_sine)
IN_WIDTHS(all_power)

void ag_each_asinh(float *x, size_t count)
{
    all_asinh_here(x, count, 0);
}

void ag_each_log(float *x, size_t count)
{
    all_log_here(x, count, 0);
}

void ag_each_sine(float *x, size_t count)
{
    all_sine_here(x, count, 0);
}

void ag_each_power(float *x, size_t count, float exponent)
{
    all_power_here(x, count, exponent);
}
