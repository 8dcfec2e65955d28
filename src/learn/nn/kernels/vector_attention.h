// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_attention.h: attention in terms of `vec`, with vector_kernels.h. With four vectors of keys, four queries at a
 * time: their sixteen sums are a block of registers. What would wait within a block, for sums along its rows, is done
 * in a walk of its own behind all blocks, which then do not wait for each other: in one walk everything takes half as
 * long again. */
#include <string.h>

#include "learn/nn/kernels/vector_kernels.h"
/* After the products that it calls. */
#include "learn/nn/kernels/attend_any.h"

#ifdef HAS_FOURS
#define FOUR 4 /* queries of a block, and vectors of keys */

INLINE bool in_fours(const ag_attend *at)
{
    return at->keys == FOUR * LANES && at->queries % FOUR == 0;
}

INLINE void four_steps(const float *const *row, int at, const float *b, vec sum[FOUR][FOUR])
{
    vec right[FOUR];
    UNROLL for (int v = 0; v < FOUR; v++) right[v] = load(b + v * LANES);
    UNROLL for (int r = 0; r < FOUR; r++)
    {
        vec left = set(row[r][at]);
        UNROLL for (int v = 0; v < FOUR; v++) sum[r][v] = fma_(left, right[v], sum[r][v]);
    }
}

/* sum = a b for four rows of a; b [depth, keys]. */
INLINE void four_products(const float *a, int64_t a_row, const float *b, int64_t depth, vec sum[FOUR][FOUR])
{
    const float *row[FOUR];
    UNROLL for (int r = 0; r < FOUR; r++)
    {
        row[r] = a;
        NEXT(a, a_row);
        UNROLL for (int v = 0; v < FOUR; v++) sum[r][v] = set(0);
    }
    int64_t d = 0;
    for (; d + FOUR <= depth; d += FOUR, b += FOUR * FOUR * LANES) {
        UNROLL for (int i = 0; i < FOUR; i++) four_steps(row, i, b + i * FOUR * LANES, sum);
        UNROLL for (int r = 0; r < FOUR; r++) NEXT(row[r], FOUR);
    }
    for (; d < depth; d++, b += FOUR * LANES) {
        four_steps(row, 0, b, sum);
        UNROLL for (int r = 0; r < FOUR; r++) NEXT(row[r], 1);
    }
}

INLINE void four_scores(const ag_attend *at, int64_t r0, bool again)
{
    vec x[FOUR][FOUR], top[FOUR];
    float *to = at->weights + r0 * at->keys;
    four_products(at->q + r0 * at->q_row, at->q_row, at->turned, at->depth, x);
    UNROLL for (int r = 0; r < FOUR; r++)
    {
        UNROLL for (int v = 0; v < FOUR; v++) store(to + (r * FOUR + v) * LANES, x[r][v]);
        top[r] = max_(max_(x[r][0], x[r][1]), max_(x[r][2], x[r][3]));
    }
    if (!again) store_some(at->moments + r0, four_of(top, true), FOUR);
}

/* exp(factor * (x - top)) of a row. */
INLINE void row_powers(const ag_attend *at, int64_t r, vec x[FOUR])
{
    vec top = set(at->moments[r]), factor = set(POWER_UNIT * at->factor);
    UNROLL for (int v = 0; v < FOUR; v++) x[v] =
        power_of(mul(sub(load(at->weights + r * at->keys + v * LANES), top), factor));
}

INLINE void four_sums(const ag_attend *at, int64_t r0)
{
    vec sum[FOUR];
    UNROLL for (int r = 0; r < FOUR; r++)
    {
        vec x[FOUR];
        row_powers(at, r0 + r, x);
        UNROLL for (int v = 0; v < FOUR; v++) store(at->weights + (r0 + r) * at->keys + v * LANES, x[v]);
        sum[r] = add(add(x[0], x[1]), add(x[2], x[3]));
    }
    store_some(at->moments + at->queries + r0, divide(set(1.0F), four_of(sum, false)), FOUR);
}

/* A copy of the call is what no store can change: the compiler keeps what it reads of it. */
static void attend_fours(const ag_attend *call)
{
    const ag_attend at = *call;
    for (int64_t r = 0; r < at.queries; r += FOUR) four_scores(&at, r, false);
    for (int64_t r = 0; r < at.queries; r += FOUR) four_sums(&at, r);
}

/* ---- backward ---- */

INLINE uint64_t row_bits(const ag_attend_gradient *g, int64_t r)
{
    uint64_t bits = UINT64_MAX;
    if (g->kept) memcpy(&bits, g->kept + (g->first_bit + r * FOUR * LANES) / 8, sizeof bits);
    return bits;
}

/* Weights from scores; slopes gets them as they were before dropout. */
INLINE void row_weights(const ag_attend_gradient *g, int64_t r, vec scale)
{
    const ag_attend *at = &g->of;
    vec x[FOUR], rate = set(at->moments[at->queries + r]);
    uint64_t bits = row_bits(g, r);
    int64_t to = r * at->keys;
    row_powers(at, r, x);
    UNROLL for (int v = 0; v < FOUR; v++)
    {
        vec weight = mul(x[v], rate);
        store(g->slopes + to + v * LANES, weight);
        store(at->weights + to + v * LANES, keep_where((uint32_t)(bits >> (v * LANES)), mul(weight, scale)));
    }
}

/* The sums of d * heads along four rows, times the factor. */
INLINE void four_means(const ag_attend_gradient *g, int64_t r0, vec mean[FOUR])
{
    vec each[FOUR];
    UNROLL for (int r = 0; r < FOUR; r++)
    {
        const float *d = g->d + (r0 + r) * g->d_row, *heads = g->heads + (r0 + r) * g->d_row;
        each[r] = set(0);
        for (int64_t i = 0; i < g->of.depth; i += LANES)
            each[r] = fma_(load_some(d + i, g->of.depth - i), load_some(heads + i, g->of.depth - i), each[r]);
    }
    spread_four(mul(four_of(each, false), set(g->of.factor)), mean);
}

INLINE void four_slopes(const ag_attend_gradient *g, int64_t r0, vec scale)
{
    vec x[FOUR][FOUR], mean[FOUR];
    four_means(g, r0, mean);
    four_products(g->d + r0 * g->d_row, g->d_row, g->values_turned, g->of.depth, x);
    UNROLL for (int r = 0; r < FOUR; r++)
    {
        uint64_t bits = row_bits(g, r0 + r);
        UNROLL for (int v = 0; v < FOUR; v++)
        {
            float *slope = g->slopes + (r0 + r) * g->of.keys + v * LANES;
            vec given = keep_where((uint32_t)(bits >> (v * LANES)), mul(x[r][v], scale));
            store(slope, mul(load(slope), sub(given, mean[r])));
        }
    }
}

static void gradient_fours(const ag_attend_gradient *call)
{
    const ag_attend_gradient g = *call;
    int64_t queries = g.of.queries;
    vec scale = set(g.kept ? g.scale : 1.0F), both = mul(scale, set(g.of.factor));
    for (int64_t r = 0; r < queries; r += FOUR) four_scores(&g.of, r, true);
    for (int64_t r = 0; r < queries; r++) row_weights(&g, r, scale);
    for (int64_t r = 0; r < queries; r += FOUR) four_slopes(&g, r, both);
}
#endif

static void find_top(const float *x, int64_t count, float *top)
{
    vec tops = set(x[0]);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) tops = max_(tops, load(x + i));
    *top = max_of(tops);
    for (; i < count; i++) *top = x[i] > *top ? x[i] : *top;
}

static void weigh(float *x, int64_t count, float factor, bool again, float *top, float *rate)
{
    if (!again) find_top(x, count, top);
    vec most = set(*top), by = set(factor * POWER_UNIT), sum = set(0), share = set(again ? *rate : 1.0F);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        vec e = power_of(mul(sub(load(x + i), most), by));
        sum = add(sum, e);
        store(x + i, mul(e, share));
    }
    if (i < count) store_some(x + i, mul(power_of(mul(sub(load_some(x + i, count - i), most), by)), share), count - i);
    if (again) return;
    float total = sum_of(sum);
    for (; i < count; i++) total += x[i];
    *rate = 1.0F / total;
}

/* ---- rows of whole vectors ---- */

#define OFTEN 64 /* keys: the patches of models of holes have loops of known lengths */

/* LANES rows or fewer: their largest ones, and then their powers, which wait for no other row. */
INLINE void weigh_some(const ag_attend *at, int64_t r0, int64_t rows, const int64_t keys)
{
    float *from = at->weights + r0 * keys, *tops = at->moments + r0;
    vec each[LANES], by = set(POWER_UNIT * at->factor);
    for (int64_t r = 0; r < rows; r++) {
        each[r] = load(from + r * keys);
        for (int64_t c = LANES; c < keys; c += LANES) each[r] = max_(each[r], load(from + r * keys + c));
    }
    store_some(tops, down_to(each, rows, true), rows);
    for (int64_t r = 0; r < rows; r++, from += keys) {
        vec top = set(tops[r]), sum = set(0);
        for (int64_t c = 0; c < keys; c += LANES) {
            vec e = power_of(mul(sub(load(from + c), top), by));
            sum = add(sum, e);
            store(from + c, e);
        }
        each[r] = sum;
    }
    store_some(tops + at->queries, divide(set(1.0F), down_to(each, rows, false)), rows);
}

static void attend_whole(const ag_attend *call)
{
    const ag_attend at = *call;
    int64_t r = 0;
    attend_product(&at, at.q, at.q_row, at.turned, at.weights);
    for (; at.keys == OFTEN && r + LANES <= at.queries; r += LANES) weigh_some(&at, r, LANES, OFTEN);
    for (; r < at.queries; r += LANES) weigh_some(&at, r, at.queries - r < LANES ? at.queries - r : LANES, at.keys);
}

/* As attend_row_gradient(), from scores, with the signs turned; bits NULL: nothing was dropped. */
INLINE void whole_row_gradient(const ag_attend_gradient *g, int64_t r, const int64_t keys, const int beside, vec mean,
                               const uint8_t *bits)
{
    const ag_attend *at = &g->of;
    float *weights = at->weights + r * keys, *slopes = g->slopes + r * keys;
    const float share = at->moments[at->queries + r];
    vec top = set(at->moments[r]), by = set(POWER_UNIT * at->factor), to_slope = set(-share * at->factor);
    vec scale = set(g->scale), scaled = set(share * g->scale);
    for (int64_t c = 0; c < keys; c += beside * LANES) {
        vec power[BESIDE];
        EACH_BESIDE(i, beside) power[i] = mul(sub(load(weights + c + i * LANES), top), by);
        powers_of(power, beside);
        EACH_BESIDE(i, beside)
        {
            int64_t at_key = c + i * LANES;
            vec used = set(share), slope;
            if (bits) {
                used = beside > 1 ? keep_of(bits, c, i, scaled) : keep_where(bits_at(bits, c), scaled);
                vec given = beside > 1 ? keep_of(bits, c, i, scale) : keep_where(bits_at(bits, c), scale);
                slope = fnma_(load(slopes + at_key), given, mean);
            } else {
                slope = sub(mean, load(slopes + at_key));
            }
            store(slopes + at_key, mul(mul(power[i], to_slope), slope));
            store(weights + at_key, mul(power[i], used));
        }
    }
}

/* LANES rows or fewer. */
INLINE void whole_rows_gradient(const ag_attend_gradient *g, int64_t r0, int64_t rows, const int64_t keys,
                                const int beside)
{
    const int64_t depth = g->of.depth;
    vec each[LANES];
    float mean[LANES];
    for (int64_t r = 0; r < rows; r++) {
        const float *d = g->d + (r0 + r) * g->d_row, *heads = g->heads + (r0 + r) * g->d_row;
        int64_t i = 0;
        each[r] = set(0);
        for (; i + LANES <= depth; i += LANES) each[r] = fma_(load(d + i), load(heads + i), each[r]);
        if (i < depth) each[r] = fma_(load_some(d + i, depth - i), load_some(heads + i, depth - i), each[r]);
    }
    store(mean, down_to(each, rows, false));
    for (int64_t r = 0; r < rows; r++) {
        if (g->kept)
            whole_row_gradient(g, r0 + r, keys, beside, set(mean[r]), g->kept + (g->first_bit + (r0 + r) * keys) / 8);
        else
            whole_row_gradient(g, r0 + r, keys, beside, set(mean[r]), NULL);
    }
}

static void gradient_whole(const ag_attend_gradient *call)
{
    const ag_attend_gradient g = *call;
    int64_t r = 0, queries = g.of.queries;
    attend_product(&g.of, g.of.q, g.of.q_row, g.of.turned, g.of.weights);
    attend_product(&g.of, g.d, g.d_row, g.values_turned, g.slopes);
    for (; g.of.keys == OFTEN && r + LANES <= queries; r += LANES) whole_rows_gradient(&g, r, LANES, OFTEN, BESIDE);
    for (; r < queries; r += LANES) whole_rows_gradient(&g, r, queries - r < LANES ? queries - r : LANES, g.of.keys, 1);
}

static void attend(const ag_attend *at)
{
#ifdef HAS_FOURS
    if (in_fours(at)) {
        attend_fours(at);
        return;
    }
#endif
    if (at->keys % LANES == 0)
        attend_whole(at);
    else
        attend_any(at, false, weigh);
}

static void attend_gradient(const ag_attend_gradient *g)
{
#ifdef HAS_FOURS
    if (in_fours(&g->of) && g->first_bit % 8 == 0) {
        gradient_fours(g);
        return;
    }
#endif
    if (g->of.keys % 8 == 0 && g->of.keys % LANES == 0 && g->first_bit % 8 == 0)
        gradient_whole(g);
    else
        attend_gradient_any(g, weigh, attend_row_gradient);
}
