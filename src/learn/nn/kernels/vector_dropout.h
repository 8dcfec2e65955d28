// SPDX-License-Identifier: Apache-2.0
#pragma once
/* vector_dropout.h: dropout, alone and behind gelu, for vector_kernels.h. Bits are drawn DRAWN elements at a time and
 * then read vector by vector, as they are when they were kept. */
#include "learn/nn/kernels/tables.h"
#include "learn/nn/kernels/vector_functions.h"

#define PHILOX_PAIRS 2                                          /* side by side: a round waits for its products */
#define DRAWN (PHILOX_PAIRS * PHILOX_BLOCKS * AG_DROPOUT_BLOCK) /* elements drawn at once */
#define DRAWS (2 * PHILOX_PAIRS)                                /* vectors of words that they need */

/* Elements whose bits are drawn before the first is read. With AVX2 a walk that only draws and one that only reads take
 * a tenth less time than one that does both. */
#ifndef DRAWN_AHEAD
#define DRAWN_AHEAD DRAWN
#endif

typedef struct draw { /* the random numbers of a dropout, in order */
    uint64_t seed, stream, block;
    uint32_t keep;
} draw;

INLINE draw begin_draw(const ag_dropout *drop, uint64_t block)
{
    return (draw){drop->seed, drop->stream, block, drop->keep};
}

#ifndef HAS_WORDS_HELD
INLINE void hold_words(words *a, words *b, words *c, words *d)
{
    (void)a, (void)b, (void)c, (void)d;
}
#endif

/* What decides about the next DRAWN elements, in their order. In a 64-bit lane lies what belongs to one block: the low
 * halves of a, b, c and d are its four words. High halves hold what the products left there: nobody reads them.
 * Meanwhile, since each round waits for the one before, the bits of the draw `before`, if there is one. */
INLINE void draw_words(draw *next, words drawn[DRAWS], const words *before, uint8_t *bits)
{
    words a[PHILOX_PAIRS], b[PHILOX_PAIRS], c[PHILOX_PAIRS], d[PHILOX_PAIRS];
    uint32_t key0 = (uint32_t)next->seed, key1 = (uint32_t)(next->seed >> 32);
    UNROLL for (int i = 0; i < PHILOX_PAIRS; i++, next->block += PHILOX_BLOCKS)
    {
        a[i] = philox_counters(next->block);
        b[i] = words_high(a[i]);
        c[i] = words_of(next->stream);
        d[i] = words_of(next->stream >> 32);
    }
    UNROLL for (int r = 0; r < 10; r++, key0 += 0x9E3779B9U, key1 += 0xBB67AE85U)
    {
        UNROLL for (int i = 0; i < PHILOX_PAIRS; i++)
        {
            words left = words_product(a[i], 0xD2511F53U), right = words_product(c[i], 0xCD9E8D57U);
            a[i] = words_xor(words_high(right), b[i], words_of(key0));
            c[i] = words_xor(words_high(left), d[i], words_of(key1));
            b[i] = right;
            d[i] = left;
            hold_words(a + i, b + i, c + i, d + i);
        }
        if (before && r >= 3 && r - 3 < DRAWS) keep_bits(before[r - 3], next->keep, bits + (r - 3) * DRAWN / 8 / DRAWS);
    }
    UNROLL for (int i = 0; i < PHILOX_PAIRS; i++)
    {
        words first_half = words_join(a[i], b[i]), second_half = words_join(c[i], d[i]);
        drawn[2 * i] = words_even(first_half, second_half);
        drawn[2 * i + 1] = words_odd(first_half, second_half);
    }
}

/* The bits of the LANES elements from number i on, a multiple of LANES; higher ones may be anything. */
INLINE uint32_t bits_at(const uint8_t *bits, int64_t i)
{
    uint32_t word = 0;
    memcpy(&word, bits + i / 8, LANES < 8 ? 1 : LANES / 8);
    return LANES < 8 ? word >> i % 8 : word;
}

/* To where they are kept, if they are: those of `some` elements, which nearly always is all. */
INLINE void give_bits(const uint8_t bits[DRAWN_AHEAD / 8], uint8_t *kept, int64_t i, int64_t some)
{
    if (kept && some == DRAWN_AHEAD)
        memcpy(kept + i / 8, bits, DRAWN_AHEAD / 8);
    else if (kept)
        memcpy(kept + i / 8, bits, (size_t)(some + 7) / 8);
}

#define FOUR_VECTORS (4 * LANES)

/* x, which is vector v of four from element i on (a multiple of their size), where it is kept; 0 elsewhere. */
INLINE vec keep_of(const uint8_t *bits, int64_t i, const int v, vec x)
{
#ifdef HAS_KEEP_PART
    return keep_part(bits + i / 8, v, x);
#else
    return keep_where(bits_at(bits, i + v * LANES), x);
#endif
}

/* The same bits as the plain one: the same numbers, and one rounded product. */
INLINE void drop_by(const uint8_t *bits, vec scale, const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + FOUR_VECTORS <= count; i += FOUR_VECTORS) {
        UNROLL for (int v = 0; v < 4; v++)
        {
            int64_t at = i + v * LANES;
            store(y + at, keep_of(bits, i, v, mul(load(x + at), scale)));
        }
    }
    for (; i + LANES <= count; i += LANES) store(y + i, keep_where(bits_at(bits, i), mul(load(x + i), scale)));
    if (i < count) store_some(y + i, keep_where(bits_at(bits, i), mul(load_some(x + i, count - i), scale)), count - i);
}

/* Which of the next `some` elements, up to DRAWN_AHEAD, are kept, a bit each; to where that is kept, too. */
static void draw_ahead(draw *numbers, uint8_t bits[DRAWN_AHEAD / 8], uint8_t *kept, int64_t i, int64_t some)
{
    draw next = *numbers; /* which no store can change */
    words before[DRAWS], drawn[DRAWS];
    int64_t at = 0;
    draw_words(&next, before, NULL, NULL);
    for (; at + DRAWN < some; at += DRAWN) {
        draw_words(&next, drawn, before, bits + at / 8);
        memcpy(before, drawn, sizeof before);
    }
    UNROLL for (int v = 0; v < DRAWS; v++) keep_bits(before[v], next.keep, bits + (at + v * DRAWN / DRAWS) / 8);
    numbers->block = next.block;
    give_bits(bits, kept, i, some);
}

static void dropout_at(const ag_dropout *drop, uint64_t block, const float *x, float *y, uint8_t *kept, int64_t size)
{
    if (drop->keep >= 65536) return;
    draw numbers = begin_draw(drop, block);
    for (int64_t i = 0; i < size; i += DRAWN_AHEAD) {
        uint8_t bits[DRAWN_AHEAD / 8];
        int64_t some = size - i < DRAWN_AHEAD ? size - i : DRAWN_AHEAD;
        draw_ahead(&numbers, bits, kept, i, some);
        if (some == DRAWN_AHEAD)
            drop_by(bits, set(drop->scale), x + i, y + i, DRAWN_AHEAD);
        else
            drop_by(bits, set(drop->scale), x + i, y + i, some);
    }
}

static void dropout(const ag_dropout *drop, int64_t sample, float *x, int64_t size)
{
    dropout_at(drop, (uint64_t)(sample * AG_DROPOUT_BLOCKS(size)), x, x, NULL, size);
}

static void dropout_again(const uint8_t *kept, float scale, const float *x, float *y, int64_t size)
{
    drop_by(kept, set(scale), x, y, size);
}

/* ---- gelu with dropout, for training ---- */

INLINE void gelu_drop_by(const uint8_t *bits, vec scale, const float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + FOUR_VECTORS <= count; i += FOUR_VECTORS) {
        vec g[4];
        UNROLL for (int v = 0; v < 4; v++) g[v] = load(x + i + v * LANES);
        UNROLL for (int v = 0; v < 4; v += BESIDE) gelus_of(g + v, NULL, BESIDE);
        UNROLL for (int v = 0; v < 4; v++) store(y + i + v * LANES, keep_of(bits, i, v, mul(g[v], scale)));
    }
    for (; i < count; i += LANES) {
        vec g = load_some(x + i, count - i);
        gelus_of(&g, NULL, 1);
        store_some(y + i, keep_where(bits_at(bits, i), mul(g, scale)), count - i);
    }
}

static void gelu_drop(const ag_dropout *drop, uint64_t block, const float *x, float *y, uint8_t *kept, int64_t size)
{
    if (drop->keep >= 65536) {
        each_gelu(x, y, size);
        return;
    }
    draw numbers = begin_draw(drop, block);
    for (int64_t i = 0; i < size; i += DRAWN_AHEAD) {
        uint8_t bits[DRAWN_AHEAD / 8];
        int64_t some = size - i < DRAWN_AHEAD ? size - i : DRAWN_AHEAD;
        draw_ahead(&numbers, bits, kept, i, some);
        if (some == DRAWN_AHEAD)
            gelu_drop_by(bits, set(drop->scale), x + i, y + i, DRAWN_AHEAD);
        else
            gelu_drop_by(bits, set(drop->scale), x + i, y + i, some);
    }
}

#ifndef HAS_TABLES
INLINE void gelu_slopes_by(const uint8_t *bits, vec scale, float *x, float *y, int64_t count)
{
    int64_t i = 0;
    for (; i + FOUR_VECTORS <= count; i += FOUR_VECTORS) {
        vec g[4], slope[4];
        UNROLL for (int v = 0; v < 4; v++) g[v] = load(x + i + v * LANES);
        UNROLL for (int v = 0; v < 4; v += BESIDE) gelus_of(g + v, slope + v, BESIDE);
        UNROLL for (int v = 0; v < 4; v++)
        {
            int64_t at = i + v * LANES;
            store(y + at, keep_of(bits, i, v, mul(g[v], scale)));
            store(x + at, keep_of(bits, i, v, mul(slope[v], scale)));
        }
    }
    for (; i < count; i += LANES) {
        uint32_t kept = bits_at(bits, i);
        vec g = load_some(x + i, count - i), slope;
        gelus_of(&g, &slope, 1);
        store_some(y + i, keep_where(kept, mul(g, scale)), count - i);
        store_some(x + i, keep_where(kept, mul(slope, scale)), count - i);
    }
}

static void gelu_drop_slopes(const ag_dropout *drop, uint64_t block, float *x, float *y, int64_t size)
{
    uint8_t bits[DRAWN_AHEAD / 8];
    draw numbers = begin_draw(drop, block);
    bool drops = drop->keep < 65536;
    if (!drops) memset(bits, 255, sizeof bits);
    for (int64_t i = 0; i < size; i += DRAWN_AHEAD) {
        int64_t some = size - i < DRAWN_AHEAD ? size - i : DRAWN_AHEAD;
        if (drops) draw_ahead(&numbers, bits, NULL, i, some);
        if (some == DRAWN_AHEAD)
            gelu_slopes_by(bits, set(drop->scale), x + i, y + i, DRAWN_AHEAD);
        else
            gelu_slopes_by(bits, set(drop->scale), x + i, y + i, some);
    }
}
#endif

static void gelu_drop_gradient(const uint8_t *kept, float scale, const float *x, float *y, float *d, int64_t size)
{
    const uint8_t all[] = {255, 255, 255, 255, 255, 255, 255, 255};
    vec factor = set(scale);
    int64_t i = 0;
    for (; i + FOUR_VECTORS <= size; i += FOUR_VECTORS) {
        const uint8_t *bits = kept ? kept + i / 8 : all;
        vec g[4], slope[4];
        UNROLL for (int v = 0; v < 4; v++) g[v] = load(x + i + v * LANES);
        UNROLL for (int v = 0; v < 4; v += BESIDE) gelus_of(g + v, slope + v, BESIDE);
        UNROLL for (int v = 0; v < 4; v++)
        {
            int64_t at = i + v * LANES;
            store(y + at, keep_of(bits, 0, v, mul(g[v], factor)));
            store(d + at, keep_of(bits, 0, v, mul(mul(slope[v], factor), load(d + at))));
        }
    }
    for (; i < size; i += LANES) {
        uint32_t bits = kept ? bits_at(kept, i) : UINT32_MAX;
        vec g = load_some(x + i, size - i), slope;
        gelus_of(&g, &slope, 1);
        store_some(y + i, keep_where(bits, mul(g, factor)), size - i);
        store_some(d + i, keep_where(bits, mul(mul(slope, factor), load_some(d + i, size - i))), size - i);
    }
}
