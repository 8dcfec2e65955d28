// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_norms.h: the layer norm and its gradient, for vector_kernels.h. LANES rows are taken at a time. Of the widths
 * that models of holes have, a vector is kept in registers, and a vector and a half has loops of known lengths. */
#include "learn/nn/kernels/tables.h"
#include "learn/nn/kernels/vector_functions.h"

/* Up to LANES rows. */
INLINE void layer_norm_some(const float *x, const float *gain, const float *shift, float epsilon, float *y,
                            float *moments, int64_t rows, const int64_t columns)
{
    const int64_t whole = columns / LANES * LANES, rest = columns - whole;
    vec each[LANES], share = set(1.0F / (float)columns);
    float mean[LANES], rate[LANES];
    for (int64_t r = 0; r < rows; r++) {
        each[r] = rest ? load_some(x + r * columns + whole, rest) : set(0);
        for (int64_t c = 0; c < whole; c += LANES) each[r] = add(each[r], load(x + r * columns + c));
    }
    store(mean, mul(down_to(each, rows, false), share));
    for (int64_t r = 0; r < rows; r++) {
        each[r] = set(0);
        for (int64_t c = 0; c < whole; c += LANES) {
            vec d = sub(load(x + r * columns + c), set(mean[r]));
            each[r] = fma_(d, d, each[r]);
        }
        if (!rest) continue;
        vec d = keep_first(rest, sub(load_some(x + r * columns + whole, rest), set(mean[r])));
        each[r] = fma_(d, d, each[r]);
    }
    store(rate, divide(set(1.0F), square_root(fma_(down_to(each, rows, false), share, set(epsilon)))));
    for (int64_t c = 0; c < columns; c += LANES) {
        const int64_t some = columns - c;
        vec by = load_some(gain + c, some), more = load_some(shift + c, some);
        for (int64_t r = 0; r < rows; r++) {
            vec row = some < LANES ? load_some(x + r * columns + c, some) : load(x + r * columns + c);
            vec to = fma_(mul(sub(row, set(mean[r])), set(rate[r])), by, more);
            if (some < LANES)
                store_some(y + r * columns + c, to, some);
            else
                store(y + r * columns + c, to);
        }
    }
    for (int64_t r = 0; moments && r < rows; r++) {
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
    int64_t r = 0;
    for (; columns == 3 * LANES / 2 && r + LANES <= rows; r += LANES)
        layer_norm_some(x + r * columns, gain, shift, epsilon, y + r * columns, moments ? moments + 2 * r : NULL, LANES,
                        3 * LANES / 2);
    for (; r < rows; r += LANES)
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
    for (int64_t c = 0; c < columns; c += LANES) {
        const int64_t some = columns - c;
        by = load_some(gain + c, some);
        more = load_some(shift + c, some);
        for (int64_t r = 0; r < rows; r++) {
            int64_t at = r * columns + c;
            store_some(y + at, norm_by(load_some(x + at, some), moments + 2 * r, by, more), some);
        }
    }
}

/* Up to LANES rows; dx, dgain and dshift may be NULL. */
INLINE void layer_norm_gradient_some(const float *x, const float *gain, const float *moments, const float *dy,
                                     const float *base, float *dx, float *dgain, float *dshift, int64_t rows,
                                     const int64_t columns)
{
    vec sums[LANES], products[LANES], share = set(1.0F / (float)columns);
    float from_sum[LANES], from_product[LANES];
    for (int64_t r = 0; r < rows; r++) sums[r] = products[r] = set(0);
    for (int64_t c = 0; c < columns; c += LANES) {
        const int64_t some = columns - c;
        vec by = load_some(gain + c, some), to_gain = dgain ? load_some(dgain + c, some) : set(0);
        vec to_shift = dshift ? load_some(dshift + c, some) : set(0);
        for (int64_t r = 0; r < rows; r++) {
            int64_t at = r * columns + c;
            vec slope = load_some(dy + at, some), scaled = mul(slope, by);
            vec normalised = mul(sub(load_some(x + at, some), set(moments[2 * r])), set(moments[2 * r + 1]));
            sums[r] = add(sums[r], scaled);
            products[r] = fma_(scaled, normalised, products[r]);
            to_shift = add(to_shift, slope);
            to_gain = fma_(slope, normalised, to_gain);
        }
        if (dgain) store_some(dgain + c, to_gain, some);
        if (dshift) store_some(dshift + c, to_shift, some);
    }
    store(from_sum, mul(down_to(sums, rows, false), share));
    store(from_product, mul(down_to(products, rows, false), share));
    for (int64_t c = 0; dx && c < columns; c += LANES) {
        const int64_t some = columns - c;
        vec by = load_some(gain + c, some);
        for (int64_t r = 0; r < rows; r++) {
            int64_t at = r * columns + c;
            vec rate = set(moments[2 * r + 1]), normalised = sub(load_some(x + at, some), set(moments[2 * r]));
            normalised = mul(normalised, rate);
            vec slope = sub(mul(load_some(dy + at, some), by), set(from_sum[r]));
            slope = mul(fnma_(normalised, set(from_product[r]), slope), rate);
            store_some(dx + at, base ? add(load_some(base + at, some), slope) : slope, some);
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
        int64_t r = 0;
        for (; columns == 3 * LANES / 2 && dx && r + LANES <= rows; r += LANES)
            layer_norm_gradient_some(x + r * columns, gain, moments + 2 * r, dy + r * columns,
                                     base ? base + r * columns : NULL, dx + r * columns, dgain, dshift, LANES,
                                     3 * LANES / 2);
        for (; r < rows; r += LANES)
            layer_norm_gradient_some(x + r * columns, gain, moments + 2 * r, dy + r * columns,
                                     base ? base + r * columns : NULL, dx ? dx + r * columns : NULL, dgain, dshift,
                                     rows - r < LANES ? rows - r : LANES, columns);
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
