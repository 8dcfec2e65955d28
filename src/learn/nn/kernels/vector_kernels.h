// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_kernels.h: the kernels in terms of `vec`, compiled once per instruction set: avx512.c, avx2.c and neon.c
 * include their simd_*.h and then this. It and the two files that it includes define static functions only.
 *
 * Norms and softmaxes of rows take as many rows at a time as a vector has lanes: the sums along these rows then are one
 * merged reduction (sums_of), and roots and quotients one instruction for all of them. A row that is left over goes
 * through the same code beside empty ones, so its bits do not depend on its neighbours. */
#include <stdbool.h>
#include <string.h>

#include "learn/nn/kernels/tables.h"

#if defined(__clang__)
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 32")
#endif
#define INLINE static inline __attribute__((always_inline))

/* clang-format off: the order matters */
#ifndef HAS_MERGED_SUMS
/* Lane i of the result: the sum (largest) of the lanes of v[i]. */
INLINE vec sums_of(const vec *v)
{
    float sums[LANES];
    for (int i = 0; i < LANES; i++) sums[i] = sum_of(v[i]);
    return load(sums);
}
INLINE vec tops_of(const vec *v)
{
    float tops[LANES];
    for (int i = 0; i < LANES; i++) tops[i] = max_of(v[i]);
    return load(tops);
}
#endif

#include "learn/nn/kernels/vector_functions.h"
#include "learn/nn/kernels/vector_products.h"
/* clang-format on */

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

INLINE vec down_to(const vec *v, int64_t rows, bool tops)
{
    vec padded[LANES];
    UNROLL for (int r = 0; r < LANES; r++) padded[r] = r < rows ? v[r] : set(0);
    return tops ? tops_of(padded) : sums_of(padded);
}

/* Up to LANES rows whose length is a multiple of LANES. */
static void softmax_some(const float *x, float *y, int64_t rows, int64_t columns)
{
    vec each[LANES];
    float top[LANES], factor[LANES];
    for (int64_t r = 0; r < rows; r++) {
        each[r] = load(x + r * columns);
        for (int64_t c = LANES; c < columns; c += LANES) each[r] = max_(each[r], load(x + r * columns + c));
    }
    store(top, down_to(each, rows, true));
    for (int64_t r = 0; r < rows; r++) {
        vec most = set(top[r]), sum = set(0);
        for (int64_t c = 0; c < columns; c += LANES) {
            vec e = exp_of(sub(load(x + r * columns + c), most));
            sum = add(sum, e);
            store(y + r * columns + c, e);
        }
        each[r] = sum;
    }
    store(factor, divide(set(1.0F), down_to(each, rows, false)));
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c += LANES)
            store(y + r * columns + c, mul(load(y + r * columns + c), set(factor[r])));
}

static void softmax_rows(const float *x, float *y, int64_t rows, int64_t columns)
{
    int64_t step = columns % LANES ? 1 : LANES;
    for (int64_t r = 0; r < rows; r += step) {
        if (step == 1)
            softmax_row(x + r * columns, y + r * columns, columns);
        else
            softmax_some(x + r * columns, y + r * columns, rows - r < LANES ? rows - r : LANES, columns);
    }
}

static void softmax_rows_gradient(const float *y, const float *dy, float *dx, int64_t rows, int64_t columns)
{
    for (int64_t r0 = 0; r0 < rows; r0 += LANES) {
        int64_t some = rows - r0 < LANES ? rows - r0 : LANES;
        vec each[LANES];
        float mean[LANES];
        for (int64_t r = 0; r < some; r++) {
            const float *left = y + (r0 + r) * columns, *right = dy + (r0 + r) * columns;
            vec sum = set(0);
            int64_t c = 0;
            for (; c + LANES <= columns; c += LANES) sum = fma_(load(left + c), load(right + c), sum);
            if (c < columns) sum = fma_(load_some(left + c, columns - c), load_some(right + c, columns - c), sum);
            each[r] = sum;
        }
        store(mean, down_to(each, some, false));
        for (int64_t r = 0; r < some; r++)
            for (int64_t c = 0; c < columns; c += LANES) {
                int64_t at = (r0 + r) * columns + c, left = columns - c;
                vec slope = sub(load_some(dy + at, left), set(mean[r]));
                store_some(dx + at, mul(load_some(y + at, left), slope), left);
            }
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

static void layer_norm_any(const float *x, const float *gain, const float *shift, float epsilon, float *y,
                           float *moments, int64_t rows, int64_t columns)
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

/* Up to LANES rows whose length is a multiple of LANES. */
static void layer_norm_some(const float *x, const float *gain, const float *shift, float epsilon, float *y,
                            float *moments, int64_t rows, int64_t columns)
{
    vec each[LANES], share = set(1.0F / (float)columns);
    float mean[LANES], rate[LANES];
    for (int64_t r = 0; r < rows; r++) {
        each[r] = load(x + r * columns);
        for (int64_t c = LANES; c < columns; c += LANES) each[r] = add(each[r], load(x + r * columns + c));
    }
    store(mean, mul(down_to(each, rows, false), share));
    for (int64_t r = 0; r < rows; r++) {
        each[r] = set(0);
        for (int64_t c = 0; c < columns; c += LANES) {
            vec d = sub(load(x + r * columns + c), set(mean[r]));
            each[r] = fma_(d, d, each[r]);
        }
    }
    store(rate, divide(set(1.0F), square_root(fma_(down_to(each, rows, false), share, set(epsilon)))));
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t c = 0; c < columns; c += LANES) {
            vec normalised = mul(sub(load(x + r * columns + c), set(mean[r])), set(rate[r]));
            store(y + r * columns + c, fma_(normalised, load(gain + c), load(shift + c)));
        }
        if (!moments) continue;
        moments[2 * r] = mean[r];
        moments[2 * r + 1] = rate[r];
    }
}

static void layer_norm(const float *x, const float *gain, const float *shift, float epsilon, float *y, float *moments,
                       int64_t rows, int64_t columns)
{
    if (columns % LANES) {
        layer_norm_any(x, gain, shift, epsilon, y, moments, rows, columns);
        return;
    }
    for (int64_t r = 0; r < rows; r += LANES)
        layer_norm_some(x + r * columns, gain, shift, epsilon, y + r * columns, moments ? moments + 2 * r : NULL,
                        rows - r < LANES ? rows - r : LANES, columns);
}

static void layer_norm_gradient_any(const float *x, const float *gain, const float *moments, const float *dy,
                                    const float *base, float *dx, float *dgain, float *dshift, int64_t rows,
                                    int64_t columns)
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
            if (base) slope = add(load_some(base + r * columns + c, some), slope);
            store_some(dx + r * columns + c, slope, some);
        }
    }
}

/* Up to LANES rows of LANES columns; the gradients of gain and shift stay in *dgain and *dshift. */
INLINE void layer_norm_gradient_some(const float *x, vec gain, const float *moments, const float *dy, const float *base,
                                     float *dx, vec *dgain, vec *dshift, int64_t rows)
{
    vec sums[LANES], products[LANES], share = set(1.0F / LANES);
    float from_sum[LANES], from_product[LANES];
    for (int64_t r = 0; r < rows; r++) {
        vec slope = load(dy + r * LANES);
        vec normalised = mul(sub(load(x + r * LANES), set(moments[2 * r])), set(moments[2 * r + 1]));
        *dgain = fma_(slope, normalised, *dgain);
        *dshift = add(*dshift, slope);
        sums[r] = mul(slope, gain);
        products[r] = mul(sums[r], normalised);
    }
    store(from_sum, mul(down_to(sums, rows, false), share));
    store(from_product, mul(down_to(products, rows, false), share));
    for (int64_t r = 0; r < rows; r++) {
        vec rate = set(moments[2 * r + 1]), normalised = mul(sub(load(x + r * LANES), set(moments[2 * r])), rate);
        vec slope = sub(sums[r], set(from_sum[r]));
        slope = fnma_(normalised, set(from_product[r]), slope);
        store(dx + r * LANES, fma_(slope, rate, base ? load(base + r * LANES) : set(0)));
    }
}

static void layer_norm_gradient(const float *x, const float *gain, const float *moments, const float *dy,
                                const float *base, float *dx, float *dgain, float *dshift, int64_t rows,
                                int64_t columns)
{
    if (columns != LANES || !dx || !dgain || !dshift) {
        layer_norm_gradient_any(x, gain, moments, dy, base, dx, dgain, dshift, rows, columns);
        return;
    }
    vec to_gain = load(dgain), to_shift = load(dshift);
    for (int64_t r = 0; r < rows; r += LANES)
        layer_norm_gradient_some(x + r * LANES, load(gain), moments + 2 * r, dy + r * LANES,
                                 base ? base + r * LANES : NULL, dx + r * LANES, &to_gain, &to_shift,
                                 rows - r < LANES ? rows - r : LANES);
    store(dgain, to_gain);
    store(dshift, to_shift);
}

/* ---- dropout ---- */

#define PHILOX_VECTORS 4  /* side by side: a round waits for its product */
#define DRAWN (2 * LANES) /* elements that one of them serves */

typedef struct draw { /* the random numbers of a dropout, in order */
    words key[10];
    uint64_t block, stream;
    uint32_t keep;
} draw;

INLINE draw begin_draw(const ag_dropout *drop, uint64_t at_block)
{
    draw d = {.block = at_block, .stream = drop->stream, .keep = drop->keep};
    for (uint32_t r = 0; r < 10; r++)
        d.key[r] = philox_key((uint32_t)drop->seed + r * 0x9E3779B9U, (uint32_t)(drop->seed >> 32) + r * 0xBB67AE85U);
    return d;
}

/* Which of the next PHILOX_VECTORS * DRAWN elements are kept, a bit each. */
INLINE void draw_bits(draw *d, uint32_t bits[PHILOX_VECTORS])
{
    words state[PHILOX_VECTORS];
    UNROLL for (int v = 0; v < PHILOX_VECTORS; v++, d->block += PHILOX_BLOCKS) state[v] =
        philox_counter(d->block, d->stream);
    for (int r = 0; r < 10; r++) {
        UNROLL for (int v = 0; v < PHILOX_VECTORS; v++) state[v] = philox_round(state[v], d->key[r]);
    }
    UNROLL for (int v = 0; v < PHILOX_VECTORS; v++) bits[v] = kept_of(state[v], d->keep);
}

INLINE void drop_one(uint32_t bits, vec scale, const float *x, float *y, int64_t count)
{
    if (count >= LANES)
        store(y, keep_where(bits, mul(load(x), scale)));
    else if (count > 0)
        store_some(y, keep_where(bits, mul(load_some(x, count), scale)), count);
}

/* The same bits as the plain one: the same numbers, and one rounded product. */
static void dropout_at(const ag_dropout *drop, uint64_t at_block, const float *x, float *y, uint8_t *kept, int64_t size)
{
    if (drop->keep >= 65536) return;
    draw numbers = begin_draw(drop, at_block);
    vec scale = set(drop->scale);
    for (int64_t i = 0; i < size;) {
        uint32_t bits[PHILOX_VECTORS];
        draw_bits(&numbers, bits);
        UNROLL for (int v = 0; v < PHILOX_VECTORS; v++, i += DRAWN)
        {
            drop_one(bits[v], scale, x + i, y + i, size - i);
            drop_one(bits[v] >> LANES, scale, x + i + LANES, y + i + LANES, size - i - LANES);
            if (kept && i < size) memcpy(kept + i / 8, &bits[v], DRAWN / 8);
        }
    }
}

static void dropout(const ag_dropout *drop, int64_t sample, float *x, int64_t size)
{
    dropout_at(drop, (uint64_t)(sample * ((size + 7) / 8)), x, x, NULL, size);
}

static void dropout_again(const uint8_t *kept, float scale, const float *x, float *y, int64_t size)
{
    for (int64_t i = 0; i < size; i += DRAWN) {
        uint32_t bits = 0;
        memcpy(&bits, kept + i / 8, DRAWN / 8);
        drop_one(bits, set(scale), x + i, y + i, size - i);
        drop_one(bits >> LANES, set(scale), x + i + LANES, y + i + LANES, size - i - LANES);
    }
}

/* ---- gelu with dropout, for training ---- */

INLINE void gelu_drop_one(uint32_t bits, vec scale, const float *x, float *y, int64_t count)
{
    if (count >= LANES)
        store(y, keep_where(bits, mul(gelu_of(load(x)), scale)));
    else if (count > 0)
        store_some(y, keep_where(bits, mul(gelu_of(load_some(x, count)), scale)), count);
}

static void gelu_drop(const ag_dropout *drop, uint64_t at_block, const float *x, float *y, uint8_t *kept, int64_t size)
{
    if (drop->keep >= 65536) {
        each_gelu(x, y, size);
        return;
    }
    draw numbers = begin_draw(drop, at_block);
    vec scale = set(drop->scale);
    for (int64_t i = 0; i < size;) {
        uint32_t bits[PHILOX_VECTORS];
        draw_bits(&numbers, bits);
        UNROLL for (int v = 0; v < PHILOX_VECTORS; v++, i += DRAWN)
        {
            gelu_drop_one(bits[v], scale, x + i, y + i, size - i);
            gelu_drop_one(bits[v] >> LANES, scale, x + i + LANES, y + i + LANES, size - i - LANES);
            if (kept && i < size) memcpy(kept + i / 8, &bits[v], DRAWN / 8);
        }
    }
}

INLINE void gelu_back_one(uint32_t bits, vec scale, const float *x, float *y, float *d, int64_t count)
{
    if (count <= 0) return;
    gelu_both both = gelu_both_of(load_some(x, count));
    store_some(y, keep_where(bits, mul(both.value, scale)), count);
    store_some(d, keep_where(bits, mul(mul(both.slope, scale), load_some(d, count))), count);
}

static void gelu_drop_gradient(const uint8_t *kept, float scale, const float *x, float *y, float *d, int64_t size)
{
    for (int64_t i = 0; i < size; i += DRAWN) {
        uint32_t bits = UINT32_MAX;
        if (kept) memcpy(&bits, kept + i / 8, DRAWN / 8);
        gelu_back_one(bits, set(scale), x + i, y + i, d + i, size - i);
        gelu_back_one(bits >> LANES, set(scale), x + i + LANES, y + i + LANES, d + i + LANES, size - i - LANES);
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

static void sum_up(const float *a, const float *b, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) store(y + i, add(load(a + i), load(b + i)));
    for (; i < count; i++) y[i] = a[i] + b[i];
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
