// SPDX-License-Identifier: Apache-2.0
#pragma once
/* simd_avx512.h: the vector of 16 floats that vector_kernels.h is written in, for AVX-512 (F, BW, DQ, VL). */
#include <immintrin.h>
#include <stdint.h>

#define LANES 16
#define MICRO_VECTORS 3 /* columns of a microkernel, in vectors, and its rows: 24 sums in 32 registers */
#define MICRO_ROWS 8
#define MICRO_ROWS_NARROW 14 /* rows when it is one vector wide */
#define DOT_ROWS 4
#define DOT_COLUMNS 4

typedef __m512 vec;

static inline __mmask16 first(int64_t count)
{
    return (__mmask16)(count >= 16 ? 0xffff : (1u << count) - 1);
}
static inline vec load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void store(float *p, vec v)
{
    _mm512_storeu_ps(p, v);
}
/* The first `count` lanes; the others are zero, and are not touched in memory. */
static inline vec load_some(const float *p, int64_t count)
{
    return _mm512_maskz_loadu_ps(first(count), p);
}
static inline void store_some(float *p, vec v, int64_t count)
{
    _mm512_mask_storeu_ps(p, first(count), v);
}
static inline vec set(float x)
{
    return _mm512_set1_ps(x);
}
static inline vec add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
static inline vec sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}
static inline vec mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}
static inline vec divide(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
static inline vec square_root(vec a)
{
    return _mm512_sqrt_ps(a);
}
static inline vec fma_(vec a, vec b, vec c) /* a * b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vec fnma_(vec a, vec b, vec c) /* c - a * b */
{
    return _mm512_fnmadd_ps(a, b, c);
}
static inline vec max_(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}
static inline vec min_(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}
static inline vec absolute(vec a)
{
    return _mm512_abs_ps(a);
}
static inline vec nearest(vec a)
{
    return _mm512_roundscale_ps(a, 8);
}
/* p * 2^n for integral n, with gradual underflow. */
static inline vec scale_power(vec p, vec n)
{
    return _mm512_scalef_ps(p, n);
}
/* a < b ? x : y */
static inline vec choose_less(vec a, vec b, vec x, vec y)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, b, _CMP_LT_OQ), y, x);
}
/* x where a is not NaN, else a. */
static inline vec keep_nan(vec a, vec x)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q), x, a);
}
/* |magnitude| with the sign of `sign`. */
static inline vec with_sign(vec magnitude, vec sign)
{
    __m512i bit = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign), _mm512_castps_si512(magnitude), 0xca));
}
static inline float sum_of(vec a)
{
    return _mm512_reduce_add_ps(a);
}
static inline float max_of(vec a)
{
    return _mm512_reduce_max_ps(a);
}

/* Philox: a block lies as its four words in a 128-bit lane, so a round is one product, one reversal and one shift, and
 * the words come out as the 16-bit numbers of 2 * LANES elements in order. */
#define PHILOX_BLOCKS 4

typedef __m512i words;

static inline words philox_counter(uint64_t block, uint64_t stream)
{
    const __m512i each = _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0);
    __m512i one = _mm512_broadcast_i32x4(_mm_set_epi64x((long long)stream, (long long)block));
    return _mm512_add_epi64(one, each);
}
static inline words philox_key(uint32_t key0, uint32_t key1)
{
    return _mm512_broadcast_i32x4(_mm_set_epi32(0, (int)key1, 0, (int)key0));
}
static inline words philox_round(words state, words key)
{
    const __m512i factors = _mm512_broadcast_i32x4(_mm_set_epi32(0, (int)0xCD9E8D57u, 0, (int)0xD2511F53u));
    __m512i turned = _mm512_shuffle_epi32(_mm512_mul_epu32(state, factors), _MM_PERM_ABCD);
    return _mm512_ternarylogic_epi32(turned, _mm512_srli_epi64(state, 32), key, 0x96);
}
/* x where the number is below `keep`, else 0; half 0 has the first LANES numbers. */
static inline vec keep_below(words numbers, int half, uint32_t keep, vec x)
{
    __mmask32 kept = _mm512_cmplt_epu16_mask(numbers, _mm512_set1_epi16((short)(uint16_t)keep));
    return _mm512_maskz_mov_ps((__mmask16)(kept >> (half ? 16 : 0)), x);
}
