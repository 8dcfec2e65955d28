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
INLINE vec power_of(vec x)
{
    return power_by_table(x);
}
#else
/* Added to a number of that size, leaves the nearest integer n in the last bits, and n + 127, the exponent of 2^n,
 * where power_of_two() looks for it. */
#define POWER_MAGIC 12583039.0F /* 1.5 * 2^23 + 127 */

/* 2^(n + r) of n in [-127, 0], added to POWER_MAGIC, and |r| <= 1/2: 2^r - 1 by a polynomial, relative error 1e-7
 * before rounding, 2e-7 after. 2^-127, which is 0 here, makes all of it 0. */
INLINE vec power_near(vec shifted, vec r)
{
    vec whole = power_of_two(shifted), p = set(0.00132647273F);
    p = fma_(p, r, set(0.00967151299F));
    p = fma_(p, r, set(0.0555073358F));
    p = fma_(p, r, set(0.240222424F));
    p = fma_(p, r, set(0.693147004F));
    return fma_(p, mul(r, whole), whole);
}

/* 2^x of x <= 0; 0 below -126.5. No scaling in two steps, and no NaN is lost: of max_() it is the second that stays. */
INLINE vec power_of(vec x)
{
    vec bounded = max_(set(-127.0F), x), shifted = add(bounded, set(POWER_MAGIC));
    return power_near(shifted, sub(bounded, sub(shifted, set(POWER_MAGIC))));
}
#endif

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

typedef struct gelu_both { /* gelu and its derivative */
    vec value, slope;
} gelu_both;

#ifdef HAS_TABLES
INLINE gelu_both gelu_both_of(vec x)
{
    gelu_both both;
    both.value = gelu_by_table(x, &both.slope);
    return both;
}
#else
/* The normal distribution's tail beyond `size`, 0 to 6: its logarithm to base 2 is a polynomial of degree 6, since it
 * is nearly a parabola. Error 1e-7 / size: gelu multiplies by it. No quotient, and one power for gelu and its slope. */
INLINE vec tail_of(vec size)
{
    const float magic = POWER_MAGIC - 1.0F; /* beyond 0 lies a half */
    vec p = set(-2.99241328e-05F);
    p = fma_(p, size, set(0.000739873736F));
    p = fma_(p, size, set(-0.00797746144F));
    p = fma_(p, size, set(0.0532381833F));
    p = fma_(p, size, set(0.458915681F));
    p = fma_(p, size, set(1.15114713F));
    vec shifted = fnma_(p, size, set(magic));
    return power_near(shifted, fnma_(p, size, sub(set(magic), shifted)));
}

/* gelu(x) = max(x, 0) - |x| tail(|x|), error 1.5e-7. Its derivative is D below 0 and 1 - D above, D = tail - |x|
 * density = tail * (1 - |x| density / tail): the bracket is a polynomial of degree 8. Error 2e-7. Beyond 6 both have
 * ended. */
INLINE gelu_both gelu_both_of(vec x)
{
    vec size = min_(set(6.0F), absolute(x)), tail = tail_of(size), p = set(-1.94614731e-05F);
    p = fma_(p, size, set(0.000229402838F));
    p = fma_(p, size, set(-0.000935449731F));
    p = fma_(p, size, set(-0.000110347319F));
    p = fma_(p, size, set(0.0191025212F));
    p = fma_(p, size, set(-0.108793736F));
    p = fma_(p, size, set(-0.636745036F));
    p = fma_(p, size, set(-0.797862887F));
    vec steep = mul(fma_(p, size, set(1.0F)), tail);
    return (gelu_both){fnma_(size, tail, max_(set(0), x)), choose_negative(x, steep, sub(set(1.0F), steep))};
}
#endif

INLINE vec gelu_of(vec x)
{
    return gelu_both_of(x).value;
}

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
EACH(each_gelu, gelu_of)

static void gelu_gradient(const float *x, const float *dy, float *dx, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t some = count - i;
        vec v = load_some(x + i, some), slope = load_some(dy + i, some);
        gelu_both both = gelu_both_of(v);
        store_some(dx + i, mul(slope, both.slope), some);
        if (y) store_some(y + i, both.value, some);
    }
}
