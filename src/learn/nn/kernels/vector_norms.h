// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_norms.h: the layer norm and its gradient, for vector_kernels.h. LANES rows are taken at a time, and what waits
 * for their sums is done in a walk of its own behind NORM_ROWS of them, while the first cache holds them: in one walk
 * everything takes twice as long. Columns go by strips of what registers hold beside a row, of lengths known to the
 * compiler; one vector a row is kept in registers. A row's bits do not depend on how many there are. */
#include "learn/nn/kernels/tables.h"
#include "learn/nn/kernels/vector_functions.h"

#define NORM_ROWS (8 * LANES)
#define STRIP 3 /* vectors */

/* How many are taken at a time: of long ones the first cache holds fewer, and they wait less. */
INLINE int64_t rows_at_once(int64_t columns)
{
    return columns <= 4 * LANES ? NORM_ROWS : LANES;
}

/* walk(..., width), the width as a constant where it is a usual one. */
#define WITH_WIDTH(width, walk, ...)                                                                                   \
    do {                                                                                                               \
        if ((width) == LANES)                                                                                          \
            walk(__VA_ARGS__, LANES);                                                                                  \
        else if ((width) == 3 * LANES / 2)                                                                             \
            walk(__VA_ARGS__, 3 * LANES / 2);                                                                          \
        else if ((width) == 2 * LANES)                                                                                 \
            walk(__VA_ARGS__, 2 * LANES);                                                                              \
        else if ((width) == 3 * LANES)                                                                                 \
            walk(__VA_ARGS__, 3 * LANES);                                                                              \
        else                                                                                                           \
            walk(__VA_ARGS__, width);                                                                                  \
    } while (0)

/* Vector v of a strip, which begins with its column c. */
#define EACH_OF_STRIP(v, c, width)                                                                                     \
    UNROLL for (int64_t v = 0, c = 0; (v) < STRIP; (v)++, (c) += LANES) if ((c) < (width))

INLINE int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

INLINE vec row_at(const float *row, int64_t c, const int64_t width)
{
    return width - c < LANES ? load_some(row + c, width - c) : load(row + c);
}

INLINE void put_row(float *row, int64_t c, vec x, const int64_t width)
{
    if (width - c < LANES)
        store_some(row + c, x, width - c);
    else
        store(row + c, x);
}

/* A strip of a row, which may be NULL: zeros. */
INLINE void read_strip(const float *row, vec strip[STRIP], const int64_t width)
{
    UNROLL for (int v = 0; v < STRIP; v++) strip[v] = set(0);
    if (!row) return;
    EACH_OF_STRIP(v, c, width) strip[v] = row_at(row, c, width);
}

INLINE void write_strip(float *row, const vec strip[STRIP], const int64_t width)
{
    EACH_OF_STRIP(v, c, width) put_row(row, c, strip[v], width);
}

INLINE vec means_of(const float *x, int64_t rows, const int64_t columns)
{
    const int64_t whole = columns / LANES * LANES;
    vec each[LANES];
    for (int64_t r = 0; r < rows; r++, x += columns) {
        each[r] = row_at(x, whole < columns ? whole : 0, columns);
        for (int64_t c = whole < columns ? 0 : LANES; c < whole; c += LANES) each[r] = add(each[r], load(x + c));
    }
    return mul(down_to(each, rows, false), set(1.0F / (float)columns));
}

INLINE vec rates_of(const float *x, const float *mean, float epsilon, int64_t rows, const int64_t columns)
{
    const int64_t whole = columns / LANES * LANES;
    vec each[LANES];
    for (int64_t r = 0; r < rows; r++, x += columns) {
        vec middle = set(mean[r]);
        each[r] = set(0);
        for (int64_t c = 0; c < whole; c += LANES) {
            vec d = sub(load(x + c), middle);
            each[r] = c ? fma_(d, d, each[r]) : mul(d, d);
        }
        if (whole == columns) continue;
        vec d = keep_first(columns - whole, sub(load_some(x + whole, columns - whole), middle));
        each[r] = fma_(d, d, each[r]);
    }
    vec variance = fma_(down_to(each, rows, false), set(1.0F / (float)columns), set(epsilon));
    return divide(set(1.0F), square_root(variance));
}

/* Of up to NORM_ROWS rows. */
INLINE void find_moments(const float *x, float epsilon, float *moments, int64_t rows, const int64_t columns)
{
    float mean[NORM_ROWS], rate[NORM_ROWS];
    int64_t r = 0;
    for (; r + LANES <= rows; r += LANES) store(mean + r, means_of(x + r * columns, LANES, columns));
    if (r < rows) store(mean + r, means_of(x + r * columns, rows - r, columns));
    for (r = 0; r + LANES <= rows; r += LANES)
        store(rate + r, rates_of(x + r * columns, mean + r, epsilon, LANES, columns));
    if (r < rows) store(rate + r, rates_of(x + r * columns, mean + r, epsilon, rows - r, columns));
    for (r = 0; r < rows; r++) {
        moments[2 * r] = mean[r];
        moments[2 * r + 1] = rate[r];
    }
}

INLINE vec norm_by(vec x, vec mean, vec rate, vec gain, vec shift)
{
    return fma_(mul(sub(x, mean), rate), gain, shift);
}

INLINE void norm_strip(const float *x, const float *gain, const float *shift, const float *moments, float *y,
                       int64_t rows, int64_t columns, const int64_t width)
{
    vec by[STRIP], more[STRIP];
    read_strip(gain, by, width);
    read_strip(shift, more, width);
    for (; rows > 0; rows--, x += columns, y += columns, moments += 2) {
        vec mean = set(moments[0]), rate = set(moments[1]); /* once: the stores could change them */
        EACH_OF_STRIP(v, c, width) put_row(y, c, norm_by(row_at(x, c, width), mean, rate, by[v], more[v]), width);
    }
}

static void layer_norm_again(const float *x, const float *gain, const float *shift, const float *moments, float *y,
                             int64_t rows, int64_t columns)
{
    for (int64_t c = 0; c < columns; c += STRIP * LANES) {
        const int64_t width = least_of(columns - c, STRIP * LANES);
        WITH_WIDTH(width, norm_strip, x + c, gain + c, shift + c, moments, y + c, rows, columns);
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
    float own[2 * NORM_ROWS];
    for (int64_t r = 0, step = rows_at_once(columns); r < rows; r += step) {
        const int64_t some = least_of(rows - r, step);
        float *to = moments ? moments + 2 * r : own;
        WITH_WIDTH(columns, find_moments, x + r * columns, epsilon, to, some);
        layer_norm_again(x + r * columns, gain, shift, to, y + r * columns, some, columns);
    }
}

/* ---- gradient ---- */

typedef struct norm_gradient { /* as layer_norm_gradient()'s arguments */
    const float *x, *gain, *moments, *dy, *base;
    float *dx, *dgain, *dshift;
    int64_t columns;
} norm_gradient;

#define SUMMED (4 * LANES) /* rows of which sums wait to be merged */

/* Of a row, the sums along it of dy * gain and of that times the normed x. */
typedef struct norm_sums {
    vec slopes[SUMMED], products[SUMMED];
} norm_sums;

/* Adds what the strip from `first` on has of up to SUMMED rows to their sums (the first strip begins them) and, row by
 * row, to dgain and dshift, which may be NULL. */
INLINE void add_strip(const norm_gradient *g, norm_sums *sums, int64_t first, int64_t r0, int64_t rows,
                      const int64_t width)
{
    const float *x = g->x + r0 * g->columns + first, *dy = g->dy + r0 * g->columns + first;
    const float *moments = g->moments + 2 * r0;
    vec by[STRIP], to_gain[STRIP], to_shift[STRIP];
    float *dgain = g->dgain ? g->dgain + first : NULL, *dshift = g->dshift ? g->dshift + first : NULL;
    read_strip(g->gain + first, by, width);
    read_strip(dgain, to_gain, width);
    read_strip(dshift, to_shift, width);
    for (int64_t r = 0; r < rows; r++, x += g->columns, dy += g->columns) {
        vec sum = first ? sums->slopes[r] : set(0), product = first ? sums->products[r] : set(0);
        EACH_OF_STRIP(v, c, width)
        {
            vec slope = row_at(dy, c, width), d = sub(row_at(x, c, width), set(moments[2 * r]));
            vec steep = mul(slope, mul(d, set(moments[2 * r + 1])));
            sum = fma_(slope, by[v], sum);
            product = fma_(steep, by[v], product);
            to_shift[v] = add(to_shift[v], slope);
            to_gain[v] = add(to_gain[v], steep);
        }
        sums->slopes[r] = sum;
        sums->products[r] = product;
    }
    if (dgain) write_strip(dgain, to_gain, width);
    if (dshift) write_strip(dshift, to_shift, width);
}

/* Of each row, the means of the same: dx = base + rate * (dy * gain - slope - normed x * product). */
typedef struct norm_means {
    float slope[NORM_ROWS], product[NORM_ROWS];
} norm_means;

/* Of up to SUMMED rows. */
INLINE void find_means(const norm_gradient *g, norm_means *means, int64_t r0, int64_t rows, const int64_t columns)
{
    norm_sums sums;
    vec share = set(1.0F / (float)columns);
    for (int64_t c = 0; c < columns; c += STRIP * LANES) {
        const int64_t width = least_of(columns - c, STRIP * LANES);
        WITH_WIDTH(width, add_strip, g, &sums, c, r0, rows);
    }
    for (int64_t r = rows; r % LANES; r++) sums.slopes[r] = sums.products[r] = set(0);
    for (int64_t r = 0; r < rows; r += LANES) {
        store(means->slope + r0 + r, mul(sums_of(sums.slopes + r), share));
        store(means->product + r0 + r, mul(sums_of(sums.products + r), share));
    }
}

INLINE void give_strip(const norm_gradient *g, const norm_means *means, int64_t first, int64_t rows,
                       const int64_t width)
{
    vec by[STRIP];
    read_strip(g->gain + first, by, width);
    for (int64_t r = 0, at = first; r < rows; r++, at += g->columns) {
        vec mean = set(g->moments[2 * r]), rate = set(g->moments[2 * r + 1]);
        vec product = mul(set(means->product[r]), rate), less = set(means->slope[r]);
        EACH_OF_STRIP(v, c, width)
        {
            vec slope = sub(mul(row_at(g->dy + at, c, width), by[v]), less);
            slope = fnma_(sub(row_at(g->x + at, c, width), mean), product, slope);
            slope = g->base ? fma_(slope, rate, row_at(g->base + at, c, width)) : mul(slope, rate);
            put_row(g->dx + at, c, slope, width);
        }
    }
}

/* Up to NORM_ROWS rows. A copy of the call is what no store can change: the compiler keeps what it reads of it. */
INLINE void norm_gradient_some(const norm_gradient *call, int64_t rows, const int64_t columns)
{
    norm_gradient g = *call;
    norm_means means;
    g.columns = columns;
    for (int64_t r = 0; r < rows; r += SUMMED) find_means(&g, &means, r, least_of(rows - r, SUMMED), columns);
    for (int64_t c = 0; g.dx && c < columns; c += STRIP * LANES) {
        const int64_t width = least_of(columns - c, STRIP * LANES);
        WITH_WIDTH(width, give_strip, &g, &means, c, rows);
    }
}

/* The widths that models of holes have, with loops of known lengths; and any. */
static void layer_norm_gradient_16(const norm_gradient *call, int64_t rows)
{
    norm_gradient_some(call, rows, 16);
}

static void layer_norm_gradient_24(const norm_gradient *call, int64_t rows)
{
    norm_gradient_some(call, rows, 24);
}

static void layer_norm_gradient_wide(const norm_gradient *call, int64_t rows)
{
    norm_gradient_some(call, rows, call->columns);
}

static void layer_norm_gradient_some(const norm_gradient *call, int64_t rows)
{
    if (call->columns == 16)
        layer_norm_gradient_16(call, rows);
    else if (call->columns == 24)
        layer_norm_gradient_24(call, rows);
    else
        layer_norm_gradient_wide(call, rows);
}

static void layer_norm_gradient_any(norm_gradient g, int64_t rows)
{
    const int64_t step = rows_at_once(g.columns), size = step * g.columns;
    for (; rows > step; rows -= step) {
        layer_norm_gradient_some(&g, step);
        g.x += size;
        g.dy += size;
        g.moments += 2 * step;
        if (g.base) g.base += size;
        if (g.dx) g.dx += size;
    }
    layer_norm_gradient_some(&g, rows);
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
        layer_norm_gradient_any((norm_gradient){x, gain, moments, dy, base, dx, dgain, dshift, columns}, rows);
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
