// SPDX-License-Identifier: Apache-2.0
#pragma once
/* simd_avx2.h: the vector of 8 floats that vector_kernels.h is written in, for AVX2 with FMA. */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LANES 8
#define MICRO_VECTORS 3 /* widest microkernel; and the rows that each width may have: 12 sums in 16 registers */
#define MICRO_DEPTH 2   /* steps of k at once when it is one vector wide; half of it else */
#define MICRO_ROWS_1 12
#define MICRO_ROWS_2 6
#define MICRO_ROWS_3 4
/* clang-format off */
#define EACH_MICRO_1(M) M(1, 1) M(2, 1) M(3, 1) M(4, 1) M(5, 1) M(6, 1) M(7, 1) M(8, 1) M(9, 1) M(10, 1) M(11, 1) \
    M(12, 1)
#define EACH_MICRO_2(M) M(1, 2) M(2, 2) M(3, 2) M(4, 2) M(5, 2) M(6, 2)
#define EACH_MICRO_3(M) M(1, 3) M(2, 3) M(3, 3) M(4, 3)
/* clang-format on */
#define DOT_ROWS 3 /* 12 sums, three vectors of A and one of B */
#define DOT_COLUMNS 4
#define EACH_DOT(M) M(1, 1) M(1, 2) M(1, 3) M(1, 4) M(2, 1) M(2, 2) M(2, 3) M(2, 4) M(3, 1) M(3, 2) M(3, 3) M(3, 4)

typedef __m256 vec;

static inline __m256i first(int64_t count)
{
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)(count > 8 ? 8 : count)), lane);
}
static inline vec load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void store(float *p, vec v)
{
    _mm256_storeu_ps(p, v);
}
static inline vec load_some(const float *p, int64_t count)
{
    return _mm256_maskload_ps(p, first(count));
}
/* By halves: one masked store takes as long as a dozen others. */
static inline void store_some(float *p, vec v, int64_t count)
{
    if (count >= 8) {
        _mm256_storeu_ps(p, v);
        return;
    }
    __m128 rest = _mm256_castps256_ps128(v);
    if (count & 4) {
        _mm_storeu_ps(p, rest);
        rest = _mm256_extractf128_ps(v, 1);
        p += 4;
    }
    if (count & 2) {
        _mm_storel_pi((__m64 *)p, rest);
        rest = _mm_movehl_ps(rest, rest);
        p += 2;
    }
    if (count & 1) _mm_store_ss(p, rest);
}
static inline vec set(float x)
{
    return _mm256_set1_ps(x);
}
#define HAS_SET_HERE
/* In a register: four sums side by side would else read it from memory four times, and loads are as scarce as sums. */
static inline vec set_here(float x)
{
    vec constant = _mm256_set1_ps(x);
    __asm__("" : "+x"(constant));
    return constant;
}
static inline vec add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}
static inline vec sub(vec a, vec b)
{
    return _mm256_sub_ps(a, b);
}
static inline vec mul(vec a, vec b)
{
    return _mm256_mul_ps(a, b);
}
static inline vec divide(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}
static inline vec square_root(vec a)
{
    return _mm256_sqrt_ps(a);
}
static inline vec fma_(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vec fnma_(vec a, vec b, vec c)
{
    return _mm256_fnmadd_ps(a, b, c);
}
static inline vec max_(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}
static inline vec min_(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}
static inline vec absolute(vec a)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0F), a);
}
static inline vec nearest(vec a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}
/* In two steps, so that results below the least normal number are rounded once. */
static inline vec scale_power(vec p, vec n)
{
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    __m256i rest = _mm256_sub_epi32(whole, half);
    p = _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23)));
    return _mm256_mul_ps(p, _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23)));
}
/* 2^n from n + 127 in a number's last bits; 0 for n = -127. */
static inline vec power_of_two(vec shifted)
{
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(shifted), 23));
}
static inline vec choose_less(vec a, vec b, vec x, vec y)
{
    return _mm256_blendv_ps(y, x, _mm256_cmp_ps(a, b, _CMP_LT_OQ));
}
/* x where a has the sign bit, else y. */
static inline vec choose_negative(vec a, vec x, vec y)
{
    return _mm256_blendv_ps(y, x, a);
}
static inline vec keep_nan(vec a, vec x)
{
    return _mm256_blendv_ps(x, a, _mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
static inline vec with_sign(vec magnitude, vec sign)
{
    __m256 bit = _mm256_set1_ps(-0.0F);
    return _mm256_or_ps(_mm256_andnot_ps(bit, magnitude), _mm256_and_ps(bit, sign));
}
static inline float sum_of(vec a)
{
    __m128 x = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_add_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_add_ss(x, _mm_movehdup_ps(x)));
}
static inline float max_of(vec a)
{
    __m128 x = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    x = _mm_max_ps(x, _mm_movehl_ps(x, x));
    return _mm_cvtss_f32(_mm_max_ss(x, _mm_movehdup_ps(x)));
}

#define HAS_MERGED_SUMS
static inline __attribute__((always_inline)) vec put(vec a, vec b, bool largest)
{
    return largest ? _mm256_max_ps(a, b) : _mm256_add_ps(a, b);
}

/* Lane i of the result: the sum (or largest) of all lanes of v[i], in the order of sum_of(). Each step takes two
 * vectors to one; halves need one shuffle of the two, since a blend is none. */
static inline __attribute__((always_inline)) vec merge(const vec *v, bool largest)
{
    vec t[4], u[2];
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) t[i] =
        put(_mm256_blend_ps(v[i], v[i + 4], 0xf0), _mm256_permute2f128_ps(v[i], v[i + 4], 0x21), largest);
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) u[i] =
        put(_mm256_unpacklo_ps(t[2 * i], t[2 * i + 1]), _mm256_unpackhi_ps(t[2 * i], t[2 * i + 1]), largest);
    return put(_mm256_shuffle_ps(u[0], u[1], 0x44), _mm256_shuffle_ps(u[0], u[1], 0xee), largest);
}

static inline __attribute__((always_inline)) vec sums_of(const vec *v)
{
    return merge(v, false);
}
static inline __attribute__((always_inline)) vec tops_of(const vec *v)
{
    return merge(v, true);
}

#define HAS_TURN
/* to[c][r] = from[r][c]; rows and columns are multiples of 4. */
static inline void turn(const float *from, int64_t from_row, float *to, int64_t to_row, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r += 4)
        for (int64_t c = 0; c < columns; c += 4) {
            const float *corner = from + r * from_row + c;
            float *turned = to + c * to_row + r;
            __m128 a = _mm_loadu_ps(corner), b = _mm_loadu_ps(corner + from_row);
            __m128 d = _mm_loadu_ps(corner + 2 * from_row), e = _mm_loadu_ps(corner + 3 * from_row);
            _MM_TRANSPOSE4_PS(a, b, d, e);
            _mm_storeu_ps(turned, a);
            _mm_storeu_ps(turned + to_row, b);
            _mm_storeu_ps(turned + 2 * to_row, d);
            _mm_storeu_ps(turned + 3 * to_row, e);
        }
}

/* The same, 8 x 8. Halves change places while they are loaded, which is no shuffle. */
static inline void turn_square(const float *from, int64_t from_row, float *to, int64_t to_row)
{
    _Pragma("GCC unroll 2") for (int half = 0; half < 8; half += 4, from += 4, to += 4 * to_row)
    {
        vec row[4];
        _Pragma("GCC unroll 4") for (int r = 0; r < 4; r++) row[r] = _mm256_insertf128_ps(
            _mm256_castps128_ps256(_mm_loadu_ps(from + r * from_row)), _mm_loadu_ps(from + (r + 4) * from_row), 1);
        vec low = _mm256_unpacklo_ps(row[0], row[1]), high = _mm256_unpackhi_ps(row[0], row[1]);
        vec low2 = _mm256_unpacklo_ps(row[2], row[3]), high2 = _mm256_unpackhi_ps(row[2], row[3]);
        store(to, _mm256_shuffle_ps(low, low2, 0x44));
        store(to + to_row, _mm256_shuffle_ps(low, low2, 0xee));
        store(to + 2 * to_row, _mm256_shuffle_ps(high, high2, 0x44));
        store(to + 3 * to_row, _mm256_shuffle_ps(high, high2, 0xee));
    }
}

/* Philox: see simd_avx512.h; four blocks. */
#define PHILOX_BLOCKS 4
#define DRAWN_AHEAD 2048

typedef __m256i words;

static inline words philox_counters(uint64_t block)
{
    return _mm256_add_epi64(_mm256_set1_epi64x((long long)block), _mm256_setr_epi64x(0, 2, 1, 3));
}
static inline words words_of(uint64_t x)
{
    return _mm256_set1_epi64x((long long)x);
}
static inline words words_high(words a)
{
    return _mm256_srli_epi64(a, 32);
}
static inline words words_product(words a, uint32_t factor)
{
    return _mm256_mul_epu32(a, _mm256_set1_epi64x(factor));
}
/* b and c are there before a is, and compilers would begin with a: a tenth of the time of a round. */
static inline words words_xor(words a, words b, words c)
{
    words earlier = _mm256_xor_si256(b, c);
    __asm__("" : "+x"(earlier));
    return _mm256_xor_si256(a, earlier);
}
#define HAS_WORDS_HELD
/* Compilers that may order the rounds of several blocks as they like need more registers than there are. */
static inline void hold_words(words *a, words *b, words *c, words *d)
{
    __asm__ volatile("" : "+x"(*a), "+x"(*b), "+x"(*c), "+x"(*d));
}
static inline words words_even(words a, words b) /* 32-bit numbers of each half of a, and of b */
{
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0x88));
}
static inline words words_odd(words a, words b)
{
    return _mm256_castps_si256(_mm256_shuffle_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b), 0xdd));
}
static inline words words_join(words low, words high)
{
    return words_even(low, high); /* a shift and a blend less: where each number lies is for the next two to know */
}
/* What a saturating difference leaves is not 0 where the second number is the smaller one. */
static inline void keep_bits(words a, uint32_t keep, uint8_t *bits)
{
    const __m256i by_one =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12));
    __m256i most = _mm256_set1_epi8((char)(keep >> 8)), least = _mm256_set1_epi8((char)(keep & 255));
    __m256i next = _mm256_shuffle_epi8(a, by_one), second = _mm256_xor_si256(next, _mm256_shuffle_epi8(next, by_one));
    __m256i tie = _mm256_and_si256(_mm256_cmpeq_epi8(a, most), _mm256_subs_epu8(least, second));
    __m256i kept = _mm256_or_si256(_mm256_subs_epu8(most, a), tie);
    uint32_t mask = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(kept, _mm256_setzero_si256()));
    memcpy(bits, &mask, sizeof mask);
}
static inline vec keep_where(uint32_t bits, vec x)
{
    const __m256i each = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
    __m256i kept = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi8((char)bits), each), each);
    return _mm256_and_ps(_mm256_castsi256_ps(kept), x);
}

#define HAS_KEEP_PART
/* The same with bits 8 v to 8 v + 7 of 32: four vectors share what one load spreads. */
static inline vec keep_part(const uint8_t *bits, const int v, vec x)
{
    const __m256i each = _mm256_slli_epi32(_mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1), 8 * v);
    int32_t word;
    memcpy(&word, bits, sizeof word);
    __m256i kept = _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(word), each), each);
    return _mm256_and_ps(_mm256_castsi256_ps(kept), x);
}
