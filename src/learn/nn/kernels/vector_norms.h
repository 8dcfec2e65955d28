// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_norms.h: the layer norm and its gradient, for vector_kernels.h. Rows as wide as a vector, which the mixers of
 * the drilling model have, are taken LANES at a time in registers. */
#include "learn/nn/kernels/tables.h"
#include "learn/nn/kernels/vector_functions.h"

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

/* Numbers that the next lines read one by one, each into all lanes: loads do that for nothing, while compilers that see
 * the vector behind them shuffle it. */
#define FROM_MEMORY(array) __asm__("" : "+m"(array))

/* LANES rows of LANES columns, the same in registers; x and y may be one. */
INLINE void layer_norm_square(const float *x, vec gain, vec shift, float epsilon, float *y, float *moments)
{
    vec row[LANES], squares[LANES], share = set(1.0F / LANES);
    float mean[LANES], rate[LANES];
    UNROLL for (int r = 0; r < LANES; r++) row[r] = load(x + r * LANES);
    store(mean, mul(sums_of(row), share));
    FROM_MEMORY(mean);
    UNROLL for (int r = 0; r < LANES; r++)
    {
        row[r] = sub(row[r], set(mean[r]));
        squares[r] = mul(row[r], row[r]);
    }
    store(rate, divide(set(1.0F), square_root(fma_(sums_of(squares), share, set(epsilon)))));
    FROM_MEMORY(rate);
    UNROLL for (int r = 0; r < LANES; r++) store(y + r * LANES, fma_(mul(row[r], set(rate[r])), gain, shift));
    for (int r = 0; moments && r < LANES; r++) {
        moments[2 * r] = mean[r];
        moments[2 * r + 1] = rate[r];
    }
}

static void layer_norm_squares(const float *x, const float *gain, const float *shift, float epsilon, float *y,
                               float *moments, int64_t rows)
{
    float last[LANES * LANES] = {0}, last_moments[2 * LANES];
    vec by = load(gain), more = load(shift);
    int64_t r = 0;
    for (; r + LANES <= rows; r += LANES)
        layer_norm_square(x + r * LANES, by, more, epsilon, y + r * LANES, moments ? moments + 2 * r : NULL);
    if (r == rows) return;
    memcpy(last, x + r * LANES, (size_t)((rows - r) * LANES) * sizeof *x);
    layer_norm_square(last, by, more, epsilon, last, last_moments);
    memcpy(y + r * LANES, last, (size_t)((rows - r) * LANES) * sizeof *y);
    if (moments) memcpy(moments + 2 * r, last_moments, (size_t)(2 * (rows - r)) * sizeof *moments);
}

static void layer_norm(const float *x, const float *gain, const float *shift, float epsilon, float *y, float *moments,
                       int64_t rows, int64_t columns)
{
    if (columns == LANES) {
        layer_norm_squares(x, gain, shift, epsilon, y, moments, rows);
        return;
    }
    if (columns % LANES) {
        layer_norm_any(x, gain, shift, epsilon, y, moments, rows, columns);
        return;
    }
    for (int64_t r = 0; r < rows; r += LANES)
        layer_norm_some(x + r * columns, gain, shift, epsilon, y + r * columns, moments ? moments + 2 * r : NULL,
                        rows - r < LANES ? rows - r : LANES, columns);
}

INLINE vec norm_by(vec x, const float *moments, vec gain, vec shift)
{
    return fma_(mul(sub(x, set(moments[0])), set(moments[1])), gain, shift);
}

static void layer_norm_again(const float *x, const float *gain, const float *shift, const float *moments, float *y,
                             int64_t rows, int64_t columns)
{
    vec by = load_some(gain, columns), more = load_some(shift, columns);
    if (columns == LANES) {
        for (int64_t r = 0; r < rows; r++)
            store(y + r * LANES, norm_by(load(x + r * LANES), moments + 2 * r, by, more));
        return;
    }
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c += LANES) {
            int64_t at = r * columns + c, some = columns - c;
            by = load_some(gain + c, some);
            more = load_some(shift + c, some);
            store_some(y + at, norm_by(load_some(x + at, some), moments + 2 * r, by, more), some);
        }
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

typedef struct norm_back { /* what the gradients of all rows share */
    vec gain, dgain, dshift;
} norm_back;

/* LANES rows of LANES columns. */
INLINE void layer_norm_gradient_square(norm_back *all, const float *x, const float *moments, const float *dy,
                                       const float *base, float *dx)
{
    vec slopes[LANES], products[LANES], share = set(1.0F / LANES);
    float from_sum[LANES], from_product[LANES];
    UNROLL for (int r = 0; r < LANES; r++)
    {
        vec slope = load(dy + r * LANES);
        vec normalised = mul(sub(load(x + r * LANES), set(moments[2 * r])), set(moments[2 * r + 1]));
        all->dgain = fma_(slope, normalised, all->dgain);
        all->dshift = add(all->dshift, slope);
        slopes[r] = mul(slope, all->gain);
        products[r] = mul(slopes[r], normalised);
    }
    store(from_product, mul(sums_of(products), share));
    store(from_sum, mul(sums_of(slopes), share));
    FROM_MEMORY(from_product);
    FROM_MEMORY(from_sum);
    UNROLL for (int r = 0; r < LANES; r++)
    {
        vec rate = set(moments[2 * r + 1]), normalised = mul(sub(load(x + r * LANES), set(moments[2 * r])), rate);
        vec slope = fnma_(normalised, set(from_product[r]), sub(slopes[r], set(from_sum[r])));
        store(dx + r * LANES, fma_(slope, rate, base ? load(base + r * LANES) : set(0)));
    }
}

/* Rows that are left over, beside empty ones. */
static void layer_norm_gradient_last(norm_back *all, const float *x, const float *moments, const float *dy,
                                     const float *base, float *dx, int64_t rows)
{
    float own_x[LANES * LANES] = {0}, own_dy[LANES * LANES] = {0}, own_dx[LANES * LANES] = {0};
    float own_moments[2 * LANES] = {0};
    size_t size = (size_t)(rows * LANES) * sizeof *x;
    memcpy(own_x, x, size);
    memcpy(own_dy, dy, size);
    memcpy(own_moments, moments, (size_t)(2 * rows) * sizeof *moments);
    if (base) memcpy(own_dx, base, size);
    layer_norm_gradient_square(all, own_x, own_moments, own_dy, own_dx, own_dx);
    memcpy(dx, own_dx, size);
}

static void layer_norm_gradient(const float *x, const float *gain, const float *moments, const float *dy,
                                const float *base, float *dx, float *dgain, float *dshift, int64_t rows,
                                int64_t columns)
{
    if (columns != LANES || !dx || !dgain || !dshift) {
        layer_norm_gradient_any(x, gain, moments, dy, base, dx, dgain, dshift, rows, columns);
        return;
    }
    norm_back all = {load(gain), load(dgain), load(dshift)};
    int64_t r = 0;
    for (; r + LANES <= rows; r += LANES, x += LANES * LANES, dy += LANES * LANES, dx += LANES * LANES) {
        if (base)
            layer_norm_gradient_square(&all, x, moments + 2 * r, dy, base + r * LANES, dx);
        else
            layer_norm_gradient_square(&all, x, moments + 2 * r, dy, NULL, dx);
    }
    if (r < rows) layer_norm_gradient_last(&all, x, moments + 2 * r, dy, base ? base + r * LANES : NULL, dx, rows - r);
    store(dgain, all.dgain);
    store(dshift, all.dshift);
}
