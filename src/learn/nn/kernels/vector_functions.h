// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_functions.h: exp, erf, tanh, sigmoid and gelu of a vector, for vector_kernels.h.
 *
 * exp: 2^n * polynomial, error at most 2 ulp, gradual underflow. The normal distribution's tail is exp(-x^2/2) times a
 * polynomial in 1/(1 + x/4) (relative error 2e-8 before rounding), from which erf beyond 1 follows; absolute errors at
 * most 3e-7 times max(1, |result|), of 1 - exp(-x) 3e-7 times the result. What is asked for most, softmax's powers and
 * gelu, has a shorter way each. Where a register can be a table (AVX-512), exp and gelu are looked up: see
 * simd_avx512.h. */
#include "learn/nn/kernels/tables.h"

/* Vectors whose gelu is computed side by side, step by step: each step waits for the one before, and processors do not
 * look far enough ahead to find enough other work in the vectors behind. Look-ups have few steps. */
#ifdef HAS_TABLES
#define BESIDE 1
#else
#define BESIDE 4
#endif
#define EACH_BESIDE(i, count) UNROLL for (int i = 0; (i) < (count); (i)++)

#ifndef HAS_SET_HERE
#define set_here(x) set(x)
#endif

/* A step of a polynomial of each: p = p x + next. */
INLINE void step_beside(vec *p, const vec *x, float next, const int count)
{
    const vec constant = count > 1 ? set_here(next) : set(next);
    EACH_BESIDE(i, count) p[i] = fma_(p[i], x[i], constant);
}

#ifdef HAS_TABLES
INLINE vec exp_of(vec x)
{
    return exp_by_table(x);
}
#else
INLINE vec exp_of(vec x)
{
    vec clamped = min_(max_(x, set(-104.0F)), set(89.0F));
    vec n = nearest(mul(clamped, set(1.44269504088896341F)));
    vec r = fnma_(n, set(-2.12194440e-4F), fnma_(n, set(0.693359375F), clamped));
    vec p = set(1.9875691500e-4F);
    p = fma_(p, r, set(1.3981999507e-3F));
    p = fma_(p, r, set(8.3334519073e-3F));
    p = fma_(p, r, set(4.1665795894e-2F));
    p = fma_(p, r, set(1.6666665459e-1F));
    p = fma_(p, r, set(5.0000001201e-1F));
    p = add(fma_(mul(p, r), r, r), set(1.0F));
    return keep_nan(x, scale_power(p, n));
}
#endif

/* For softmax: exp(x) = power_of(x * POWER_UNIT), x <= 0. */
#define POWER_UNIT 1.44269504F
#ifdef HAS_TABLES
INLINE void powers_of(vec *x, const int count)
{
    EACH_BESIDE(i, count) x[i] = power_by_table(x[i]);
}
#else
/* Added to a number of that size, leaves the nearest integer n in the last bits, and n + 127, the exponent of 2^n,
 * where power_of_two() looks for it. */
#define POWER_MAGIC 12583039.0F /* 1.5 * 2^23 + 127 */

/* 2^(n + r) of n in [-127, 0], added to POWER_MAGIC, and |r| <= 1/2: 2^r - 1 by a polynomial, relative error 1e-7
 * before rounding, 2e-7 after. 2^-127, which is 0 here, makes all of it 0. */
INLINE void powers_near(const vec *shifted, const vec *r, vec *power, const int count)
{
    vec whole[BESIDE], p[BESIDE];
    EACH_BESIDE(i, count) whole[i] = power_of_two(shifted[i]);
    EACH_BESIDE(i, count) p[i] = set(0.00132647273F);
    step_beside(p, r, 0.00967151299F, count);
    step_beside(p, r, 0.0555073358F, count);
    step_beside(p, r, 0.240222424F, count);
    step_beside(p, r, 0.693147004F, count);
    EACH_BESIDE(i, count) power[i] = fma_(p[i], mul(r[i], whole[i]), whole[i]);
}

/* x becomes 2^x, x <= 0, of up to BESIDE vectors; 0 below -126.5. No scaling in two steps, and no NaN is lost: of
 * max_() it is the second that stays. */
INLINE void powers_of(vec *x, const int count)
{
    vec shifted[BESIDE];
    EACH_BESIDE(i, count) x[i] = max_(set(-127.0F), x[i]);
    EACH_BESIDE(i, count) shifted[i] = add(x[i], set(POWER_MAGIC));
    EACH_BESIDE(i, count) x[i] = sub(x[i], sub(shifted[i], set(POWER_MAGIC)));
    powers_near(shifted, x, x, count);
}
#endif

INLINE vec power_of(vec x)
{
    powers_of(&x, 1);
    return x;
}

/* exp(x^2/2) times the normal distribution's tail beyond x, for x >= 0. */
INLINE vec tail_ratio(vec x)
{
    vec t = divide(set(1.0F), fma_(x, set(0.25F), set(1.0F)));
    vec p = set(0.0334258374F);
    p = fma_(p, t, set(-0.193379657F));
    p = fma_(p, t, set(0.388492441F));
    p = fma_(p, t, set(-0.324873946F));
    p = fma_(p, t, set(0.297399014F));
    p = fma_(p, t, set(-0.0166049165F));
    p = fma_(p, t, set(0.120266882F));
    p = fma_(p, t, set(0.0950988344F));
    p = fma_(p, t, set(0.100195358F));
    return fma_(p, t, set(-1.98551763e-05F));
}

INLINE vec erf_of(vec x)
{
    vec size = absolute(x), z = mul(x, x), p = set(7.853861353153693e-5F);
    p = fma_(p, z, set(-8.010193625184903e-4F));
    p = fma_(p, z, set(5.188327685732524e-3F));
    p = fma_(p, z, set(-2.685381193529856e-2F));
    p = fma_(p, z, set(1.128358514861418e-1F));
    p = fma_(p, z, set(-3.761262582423300e-1F));
    p = mul(fma_(p, z, set(1.128379165726710F)), x);
    vec tail = mul(exp_of(sub(set(0), z)), tail_ratio(min_(mul(size, set(1.41421356237F)), set(15.0F))));
    vec outer = with_sign(fnma_(set(2.0F), tail, set(1.0F)), x);
    return keep_nan(x, choose_less(size, set(1.0F), p, outer));
}

INLINE vec tanh_of(vec x)
{
    vec size = absolute(x), z = mul(x, x), p = set(-5.70498872745e-3F);
    p = fma_(p, z, set(2.06390887954e-2F));
    p = fma_(p, z, set(-5.37397155531e-2F));
    p = fma_(p, z, set(1.33314422036e-1F));
    p = fma_(p, z, set(-3.33332819422e-1F));
    p = fma_(mul(p, z), x, x);
    vec e = exp_of(add(size, size));
    vec outer = with_sign(sub(set(1.0F), divide(set(2.0F), add(e, set(1.0F)))), x);
    return keep_nan(x, choose_less(size, set(0.625F), p, outer));
}

INLINE vec sigmoid_of(vec x)
{
    vec e = exp_of(sub(set(0), absolute(x)));
    vec top = choose_less(x, set(0), e, set(1.0F));
    return divide(top, add(e, set(1.0F)));
}

/* For x >= 0: by its series below 1/2, where the difference would lose digits. */
INLINE vec one_minus_exp_of(vec x)
{
    vec p = set(-2.4801587e-5F);
    p = fma_(p, x, set(1.9841270e-4F));
    p = fma_(p, x, set(-1.3888889e-3F));
    p = fma_(p, x, set(8.3333333e-3F));
    p = fma_(p, x, set(-4.1666667e-2F));
    p = fma_(p, x, set(1.6666667e-1F));
    p = fma_(p, x, set(-0.5F));
    p = fma_(mul(p, x), x, x);
    return keep_nan(x, choose_less(x, set(0.5F), p, sub(set(1.0F), exp_of(sub(set(0), x)))));
}

/* Of up to BESIDE vectors: x becomes its gelu, slopes (may be NULL) gets the derivative. */
#ifdef HAS_TABLES
INLINE void gelus_of(vec *x, vec *slopes, const int count)
{
    vec slope;
    EACH_BESIDE(i, count) x[i] = gelu_by_table(x[i], slopes ? slopes + i : &slope);
}
#else
/* The normal distribution's tail beyond `size`, 0 to 6: its logarithm to base 2 is a polynomial of degree 6, since it
 * is nearly a parabola. Error 1e-7 / size: gelu multiplies by it. No quotient, and one power for gelu and its slope. */
INLINE void tails_of(const vec *size, vec *tail, const int count)
{
    const float magic = POWER_MAGIC - 1.0F; /* beyond 0 lies a half */
    vec p[BESIDE], shifted[BESIDE], r[BESIDE];
    EACH_BESIDE(i, count) p[i] = set(-2.99241328e-05F);
    step_beside(p, size, 0.000739873736F, count);
    step_beside(p, size, -0.00797746144F, count);
    step_beside(p, size, 0.0532381833F, count);
    step_beside(p, size, 0.458915681F, count);
    step_beside(p, size, 1.15114713F, count);
    EACH_BESIDE(i, count) shifted[i] = fnma_(p[i], size[i], set(magic));
    EACH_BESIDE(i, count) r[i] = fnma_(p[i], size[i], sub(set(magic), shifted[i]));
    powers_near(shifted, r, tail, count);
}

/* D = tail - size * density, for x = size. D / tail is a polynomial of degree 8. */
INLINE void slopes_of(const vec *x, const vec *size, const vec *tail, vec *slope, const int count)
{
    vec p[BESIDE];
    EACH_BESIDE(i, count) p[i] = set(-1.94614731e-05F);
    step_beside(p, size, 0.000229402838F, count);
    step_beside(p, size, -0.000935449731F, count);
    step_beside(p, size, -0.000110347319F, count);
    step_beside(p, size, 0.0191025212F, count);
    step_beside(p, size, -0.108793736F, count);
    step_beside(p, size, -0.636745036F, count);
    step_beside(p, size, -0.797862887F, count);
    EACH_BESIDE(i, count) p[i] = mul(fma_(p[i], size[i], set(1.0F)), tail[i]);
    EACH_BESIDE(i, count) slope[i] = choose_negative(x[i], p[i], sub(set(1.0F), p[i]));
}

/* gelu(x) = max(x, 0) - |x| tail(|x|), error 1.5e-7. Its derivative is D below 0 and 1 - D above, error 2e-7. Beyond 6
 * both have ended. */
INLINE void gelus_of(vec *x, vec *slopes, const int count)
{
    vec size[BESIDE], tail[BESIDE];
    EACH_BESIDE(i, count) size[i] = min_(set(6.0F), absolute(x[i]));
    tails_of(size, tail, count);
    if (slopes) slopes_of(x, size, tail, slopes, count);
    EACH_BESIDE(i, count) x[i] = fnma_(size[i], tail[i], max_(set(0), x[i]));
}
#endif

#define EACH(name, function)                                                                                           \
    static void name(const float *x, float *y, int64_t count)                                                          \
    {                                                                                                                  \
        int64_t i = 0;                                                                                                 \
        for (; i + LANES <= count; i += LANES) store(y + i, function(load(x + i)));                                    \
        if (i < count) store_some(y + i, function(load_some(x + i, count - i)), count - i);                            \
    }

EACH(each_exp, exp_of)
EACH(each_erf, erf_of)
EACH(each_tanh, tanh_of)
EACH(each_sigmoid, sigmoid_of)
EACH(each_one_minus_exp, one_minus_exp_of)

static void each_gelu(const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + BESIDE * LANES <= count; i += BESIDE * LANES) {
        vec v[BESIDE];
        EACH_BESIDE(k, BESIDE) v[k] = load(x + i + k * LANES);
        gelus_of(v, NULL, BESIDE);
        EACH_BESIDE(k, BESIDE) store(y + i + k * LANES, v[k]);
    }
    for (; i < count; i += LANES) {
        vec v = load_some(x + i, count - i);
        gelus_of(&v, NULL, 1);
        store_some(y + i, v, count - i);
    }
}

static void gelu_gradient(const float *x, const float *dy, float *dx, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t some = count - i;
        vec v = load_some(x + i, some), given = load_some(dy + i, some), slope;
        gelus_of(&v, &slope, 1);
        store_some(dx + i, mul(given, slope), some);
        if (y) store_some(y + i, v, some);
    }
}
