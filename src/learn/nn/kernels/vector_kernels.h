// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_kernels.h: the kernels in terms of `vec`, compiled once per instruction set: avx512.c, avx2.c and neon.c
 * include their simd_*.h and then this. It defines static functions only.
 *
 * Products. A microkernel holds rows x vectors of C in registers and walks k once, so a sum has one order whatever the
 * shape around it. Its vectors may lie in different groups: sixteen features of three channels make one full-width
 * step, which is what keeps the mixers' narrow matrices fast. What is left over at the edges runs through the same code
 * with fewer rows and masked lanes.
 *
 * Functions. exp: 2^n * polynomial, error at most 2 ulp, gradual underflow. The normal distribution's tail is
 * exp(-x^2/2) times a polynomial in 1/(1 + x/4) (relative error 2e-8 before rounding), from which erf beyond 1, gelu
 * and its gradient follow; absolute errors at most 3e-7 times max(1, |result|). */
#include <stdbool.h>
#include <string.h>

#include "learn/nn/kernels/tables.h"

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
#define INLINE static inline __attribute__((always_inline))

/* ---- products ---- */

typedef struct block { /* a column block of C: where each of its vectors lies */
    const float *b[MICRO_VECTORS];
    float *c[MICRO_VECTORS];
    const float *bias[MICRO_VECTORS]; /* along n, or NULL */
    int64_t count[MICRO_VECTORS];     /* lanes of it */
} block;

INLINE vec load_lanes(const float *p, int64_t count, bool partial)
{
    return partial ? load_some(p, count) : load(p);
}

INLINE void micro(const ag_matmul *q, const block *at, int64_t m, const int rows, const int vectors, const bool partial)
{
    vec sum[MICRO_ROWS_NARROW][MICRO_VECTORS];
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            if (q->add) {
                sum[r][v] = load_lanes(at->c[v] + (m + r) * q->c_row, at->count[v], partial);
            } else {
                sum[r][v] = q->bias_n ? load_lanes(at->bias[v], at->count[v], partial) : set(0);
                if (q->bias_m) sum[r][v] = add(sum[r][v], set(q->bias_m[m + r]));
            }
        }
    }
    const float *a = q->a + m * q->a_row;
    const float *b[MICRO_VECTORS];
    UNROLL for (int v = 0; v < vectors; v++) b[v] = at->b[v];
    for (int64_t k = 0; k < q->k; k++) {
        vec right[MICRO_VECTORS];
        UNROLL for (int v = 0; v < vectors; v++)
        {
            right[v] = load_lanes(b[v], at->count[v], partial);
            b[v] += q->b_row;
        }
        UNROLL for (int r = 0; r < rows; r++)
        {
            vec left = set(a[r * q->a_row]);
            UNROLL for (int v = 0; v < vectors; v++) sum[r][v] = fma_(left, right[v], sum[r][v]);
        }
        a += q->a_column;
    }
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int v = 0; v < vectors; v++)
        {
            float *to = at->c[v] + (m + r) * q->c_row;
            if (partial)
                store_some(to, sum[r][v], at->count[v]);
            else
                store(to, sum[r][v]);
        }
    }
}

INLINE void rows_of(const ag_matmul *q, const block *at, const int most, const int vectors, const bool partial)
{
    int64_t m = 0;
    for (; m + most <= q->m; m += most) micro(q, at, m, most, vectors, partial);
    if (most > 8)
        for (; m + 8 <= q->m; m += 8) micro(q, at, m, 8, vectors, partial);
    if (most > 4)
        for (; m + 4 <= q->m; m += 4) micro(q, at, m, 4, vectors, partial);
    for (; m + 2 <= q->m; m += 2) micro(q, at, m, 2, vectors, partial);
    for (; m < q->m; m++) micro(q, at, m, 1, vectors, partial);
}

static void columns_full(const ag_matmul *q, const block *at, int vectors)
{
    if (vectors == 3)
        rows_of(q, at, MICRO_ROWS, 3, false);
    else if (vectors == 2)
        rows_of(q, at, MICRO_ROWS, 2, false);
    else
        rows_of(q, at, MICRO_ROWS_NARROW, 1, false);
}

static void columns_partial(const ag_matmul *q, const block *at, int vectors)
{
    if (vectors == 3)
        rows_of(q, at, MICRO_ROWS, 3, true);
    else if (vectors == 2)
        rows_of(q, at, MICRO_ROWS, 2, true);
    else
        rows_of(q, at, MICRO_ROWS_NARROW, 1, true);
}

/* All vectors of all groups (which share A), as many side by side as the registers hold. */
static void matmul_shared(const ag_matmul *q, int64_t groups)
{
    int64_t each = (q->n + LANES - 1) / LANES, total = groups * each;
    for (int64_t i = 0; i < total; i += MICRO_VECTORS) {
        block at;
        int vectors = (int)(total - i < MICRO_VECTORS ? total - i : MICRO_VECTORS);
        bool partial = false;
        for (int v = 0; v < vectors; v++) {
            int64_t group = (i + v) / each, n = (i + v) % each * LANES;
            at.b[v] = q->b + group * q->b_group + n;
            at.c[v] = q->c + group * q->c_group + n;
            at.bias[v] = q->bias_n ? q->bias_n + n : NULL;
            at.count[v] = q->n - n < LANES ? q->n - n : LANES;
            partial = partial || at.count[v] < LANES;
        }
        if (partial)
            columns_partial(q, &at, vectors);
        else
            columns_full(q, &at, vectors);
    }
}

static void matmul(const ag_matmul *q)
{
    int64_t groups = q->groups ? q->groups : 1;
    if (groups == 1 || (q->a_group == 0 && q->c_group != 0)) {
        matmul_shared(q, groups);
        return;
    }
    ag_matmul one = *q;
    for (int64_t g = 0; g < groups; g++) {
        matmul_shared(&one, 1);
        one.a += q->a_group;
        one.b += q->b_group;
        one.c += q->c_group;
    }
}

INLINE void dot_tile(const ag_matmul_nt *q, int64_t m, int64_t n, const int rows, const int columns)
{
    vec sum[DOT_ROWS][DOT_COLUMNS];
    int64_t groups = q->groups ? q->groups : 1;
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int c = 0; c < columns; c++) sum[r][c] = set(0);
    }
    for (int64_t g = 0; g < groups; g++) {
        const float *a = q->a + g * q->a_group + m * q->a_row, *b = q->b + g * q->b_group + n * q->b_row;
        for (int64_t k = 0; k < q->k; k += LANES) {
            vec right[DOT_COLUMNS];
            bool partial = q->k - k < LANES;
            UNROLL for (int c = 0; c < columns; c++) right[c] = load_lanes(b + c * q->b_row + k, q->k - k, partial);
            UNROLL for (int r = 0; r < rows; r++)
            {
                vec left = load_lanes(a + r * q->a_row + k, q->k - k, partial);
                UNROLL for (int c = 0; c < columns; c++) sum[r][c] = fma_(left, right[c], sum[r][c]);
            }
        }
    }
    UNROLL for (int r = 0; r < rows; r++)
    {
        UNROLL for (int c = 0; c < columns; c++) q->c[(m + r) * q->c_row + n + c] += sum_of(sum[r][c]);
    }
}

static void matmul_nt(const ag_matmul_nt *q)
{
    int64_t m = 0;
    for (; m + DOT_ROWS <= q->m; m += DOT_ROWS) {
        int64_t n = 0;
        for (; n + DOT_COLUMNS <= q->n; n += DOT_COLUMNS) dot_tile(q, m, n, DOT_ROWS, DOT_COLUMNS);
        for (; n < q->n; n++) dot_tile(q, m, n, DOT_ROWS, 1);
    }
    for (; m < q->m; m++) {
        int64_t n = 0;
        for (; n + DOT_COLUMNS <= q->n; n += DOT_COLUMNS) dot_tile(q, m, n, 1, DOT_COLUMNS);
        for (; n < q->n; n++) dot_tile(q, m, n, 1, 1);
    }
}

/* ---- functions ---- */

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

typedef struct normal { /* of the standard normal distribution */
    vec below, density; /* probability below x; density at x */
} normal;

INLINE normal normal_of(vec x)
{
    vec size = min_(absolute(x), set(15.0F));
    vec e = exp_of(mul(mul(size, size), set(-0.5F)));
    vec tail = mul(e, tail_ratio(size));
    vec below = choose_less(x, set(0), tail, sub(set(1.0F), tail));
    return (normal){keep_nan(x, below), mul(e, set(0.398942280401F))};
}

INLINE vec gelu_of(vec x)
{
    return mul(x, normal_of(x).below);
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
EACH(each_gelu, gelu_of)

static void gelu_gradient(const float *x, const float *dy, float *dx, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t some = count - i;
        vec v = load_some(x + i, some), slope = load_some(dy + i, some);
        normal n = normal_of(v);
        store_some(dx + i, mul(slope, fma_(v, n.density, n.below)), some);
        if (y) store_some(y + i, mul(v, n.below), some);
    }
}

/* ---- softmax ---- */

static void softmax_row(const float *x, float *y, int64_t columns)
{
    vec top = set(-INFINITY), sum = set(0);
    int64_t c = 0;
    for (; c + LANES <= columns; c += LANES) top = max_(top, load(x + c));
    float most = max_of(top);
    for (; c < columns; c++) most = x[c] > most ? x[c] : most;
    for (c = 0; c + LANES <= columns; c += LANES) {
        vec e = exp_of(sub(load(x + c), set(most)));
        sum = add(sum, e);
        store(y + c, e);
    }
    float total = sum_of(sum);
    if (c < columns) {
        store_some(y + c, exp_of(sub(load_some(x + c, columns - c), set(most))), columns - c);
        for (int64_t i = c; i < columns; i++) total += y[i];
    }
    vec factor = set(1.0F / total);
    for (c = 0; c < columns; c += LANES) store_some(y + c, mul(load_some(y + c, columns - c), factor), columns - c);
}

static void softmax_rows(const float *x, float *y, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++) softmax_row(x + r * columns, y + r * columns, columns);
}

static void softmax_rows_gradient(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns)
{
    for (int64_t at = 0; at < rows * columns; at += columns) {
        vec sum = set(0);
        for (int64_t c = 0; c < columns; c += LANES)
            sum = fma_(load_some(y + at + c, columns - c), load_some(dy + at + c, columns - c), sum);
        vec mean = set(sum_of(sum));
        for (int64_t c = 0; c < columns; c += LANES)
            store_some(dx + at + c,
                       mul(load_some(y + at + c, columns - c), sub(load_some(dy + at + c, columns - c), mean)),
                       columns - c);
    }
}

static void softmax_columns(const float *x, float *y, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t c = 0; c < columns; c += LANES) {
        int64_t some = columns - c;
        vec top = load_some(x + c, some), sum = set(0);
        for (int64_t r = 1; r < rows; r++) top = max_(top, load_some(x + r * stride + c, some));
        for (int64_t r = 0; r < rows; r++) {
            vec e = exp_of(sub(load_some(x + r * stride + c, some), top));
            sum = add(sum, e);
            store_some(y + r * stride + c, e, some);
        }
        vec factor = divide(set(1.0F), sum);
        for (int64_t r = 0; r < rows; r++)
            store_some(y + r * stride + c, mul(load_some(y + r * stride + c, some), factor), some);
    }
}

static void softmax_columns_gradient(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns,
                                     int64_t stride)
{
    for (int64_t c = 0; c < columns; c += LANES) {
        int64_t some = columns - c;
        vec sum = set(0);
        for (int64_t r = 0; r < rows; r++)
            sum = fma_(load_some(y + r * stride + c, some), load_some(dy + r * stride + c, some), sum);
        for (int64_t r = 0; r < rows; r++)
            store_some(dx + r * stride + c,
                       mul(load_some(y + r * stride + c, some), sub(load_some(dy + r * stride + c, some), sum)), some);
    }
}

/* ---- norms ---- */

static void layer_norm(const float *x, const float *gain, const float *shift, float epsilon, float *y, float *moments,
                       int64_t rows, int64_t columns)
{
    float share = 1.0F / (float)columns;
    for (int64_t r = 0; r < rows; r++, x += columns, y += columns) {
        vec sum = set(0), square = set(0);
        for (int64_t c = 0; c < columns; c += LANES) sum = add(sum, load_some(x + c, columns - c));
        float mean = sum_of(sum) * share;
        for (int64_t c = 0; c + LANES <= columns; c += LANES) {
            vec d = sub(load(x + c), set(mean));
            square = fma_(d, d, square);
        }
        float squares = sum_of(square);
        for (int64_t c = columns / LANES * LANES; c < columns; c++) squares += (x[c] - mean) * (x[c] - mean);
        float rate = 1.0F / sqrtf(squares * share + epsilon);
        for (int64_t c = 0; c < columns; c += LANES) {
            vec normalised = mul(sub(load_some(x + c, columns - c), set(mean)), set(rate));
            store_some(y + c, fma_(normalised, load_some(gain + c, columns - c), load_some(shift + c, columns - c)),
                       columns - c);
        }
        if (!moments) continue;
        moments[2 * r] = mean;
        moments[2 * r + 1] = rate;
    }
}

static void layer_norm_gradient(const float *x, const float *gain, const float *moments, const float *dy, float *dx,
                                float *dgain, float *dshift, int64_t rows, int64_t columns)
{
    float share = 1.0F / (float)columns;
    for (int64_t r = 0; r < rows; r++, x += columns, dy += columns) {
        vec mean = set(moments[2 * r]), rate = set(moments[2 * r + 1]), sum = set(0), product = set(0);
        for (int64_t c = 0; c < columns; c += LANES) {
            int64_t some = columns - c;
            vec slope = load_some(dy + c, some), scaled = mul(slope, load_some(gain + c, some));
            vec normalised = mul(sub(load_some(x + c, some), mean), rate);
            sum = add(sum, scaled);
            product = fma_(scaled, normalised, product);
            if (dgain) store_some(dgain + c, fma_(slope, normalised, load_some(dgain + c, some)), some);
            if (dshift) store_some(dshift + c, add(slope, load_some(dshift + c, some)), some);
        }
        vec from_sum = set(sum_of(sum) * share), from_product = set(sum_of(product) * share);
        for (int64_t c = 0; dx && c < columns; c += LANES) {
            int64_t some = columns - c;
            vec normalised = mul(sub(load_some(x + c, some), mean), rate);
            vec slope = sub(mul(load_some(dy + c, some), load_some(gain + c, some)), from_sum);
            slope = mul(fnma_(normalised, from_product, slope), rate);
            store_some(dx + r * columns + c, add(load_some(dx + r * columns + c, some), slope), some);
        }
    }
}

/* ---- dropout ---- */

#define PHILOX_VECTORS 4 /* side by side: a round waits for its product */

INLINE void drop_one(words numbers, int half, const ag_dropout *drop, float *x, int64_t count)
{
    if (count >= LANES)
        store(x, keep_below(numbers, half, drop->keep, mul(load(x), set(drop->scale))));
    else if (count > 0)
        store_some(x, keep_below(numbers, half, drop->keep, mul(load_some(x, count), set(drop->scale))), count);
}

/* The same bits as the plain one: the same numbers, and one rounded product. */
static void dropout(const ag_dropout *drop, int64_t sample, float *x, int64_t size)
{
    uint64_t at_block = (uint64_t)(sample * ((size + 7) / 8));
    words key[10];
    if (drop->keep >= 65536) return;
    for (uint32_t r = 0; r < 10; r++)
        key[r] = philox_key((uint32_t)drop->seed + r * 0x9E3779B9U, (uint32_t)(drop->seed >> 32) + r * 0xBB67AE85U);
    for (int64_t i = 0; i < size; i += (int64_t)PHILOX_VECTORS * 2 * LANES) {
        words state[PHILOX_VECTORS];
        UNROLL for (int v = 0; v < PHILOX_VECTORS; v++, at_block += PHILOX_BLOCKS) state[v] =
            philox_counter(at_block, drop->stream);
        for (int r = 0; r < 10; r++) {
            UNROLL for (int v = 0; v < PHILOX_VECTORS; v++) state[v] = philox_round(state[v], key[r]);
        }
        UNROLL for (int v = 0; v < PHILOX_VECTORS; v++)
        {
            int64_t at = i + (int64_t)v * 2 * LANES;
            drop_one(state[v], 0, drop, x + at, size - at);
            drop_one(state[v], 1, drop, x + at + LANES, size - at - LANES);
        }
    }
}

/* ---- optimiser ---- */

static void adam(const ag_adam_step *a)
{
    for (int64_t i = 0; i < a->count; i += LANES) {
        int64_t some = a->count - i;
        vec value = load_some(a->values + i, some);
        vec g = fma_(value, set(a->decay), mul(load_some(a->gradient + i, some), set(a->scale)));
        vec first_moment = fma_(load_some(a->first + i, some), set(a->beta1), mul(g, set(a->rest1)));
        vec second_moment = fma_(load_some(a->second + i, some), set(a->beta2), mul(mul(g, g), set(a->rest2)));
        vec root = fma_(square_root(second_moment), set(a->root), set(a->epsilon));
        store_some(a->first + i, first_moment, some);
        store_some(a->second + i, second_moment, some);
        vec change = divide(mul(first_moment, set(a->rate)), root);
        store_some(a->values + i, sub(mul(value, set(a->keep)), change), some);
    }
}

/* ---- element by element ---- */

static void add_to(const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, add(load(y + i), load(x + i)));
    for (; i < count; i++) y[i] += x[i];
}

static void multiply(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, mul(load(a + i), load(b + i)));
    for (; i < count; i++) y[i] = a[i] * b[i];
}

static void multiply_add(const float *a, const float *b, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES)
        store_some(y + i, fma_(load_some(a + i, count - i), load_some(b + i, count - i), load_some(y + i, count - i)),
                   count - i);
}

static void scale_add(float factor, const float *x, float *y, int64_t count)
{
    for (int64_t i = 0; i < count; i += LANES)
        store_some(y + i, fma_(set(factor), load_some(x + i, count - i), load_some(y + i, count - i)), count - i);
}

static void sum_rows(const float *x, float *y, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t c = 0; c < columns; c += LANES) {
        int64_t some = columns - c;
        vec sum = load_some(y + c, some);
        for (int64_t r = 0; r < rows; r++) sum = add(sum, load_some(x + r * stride + c, some));
        store_some(y + c, sum, some);
    }
}

static void sum_columns(const float *x, float *y, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t r = 0; r < rows; r++) {
        vec sum = set(0);
        for (int64_t c = 0; c < columns; c += LANES) sum = add(sum, load_some(x + r * stride + c, columns - c));
        y[r] += sum_of(sum);
    }
}

static void transpose(const float *from, int64_t from_row, float *to, int64_t to_row, int64_t rows, int64_t columns)
{
    for (int64_t r0 = 0; r0 < rows; r0 += 16)
        for (int64_t c = 0; c < columns; c++)
            for (int64_t r = r0; r < rows && r < r0 + 16; r++) to[c * to_row + r] = from[r * from_row + c];
}
