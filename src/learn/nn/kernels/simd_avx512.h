// SPDX-License-Identifier: Apache-2.0
#pragma once
/* simd_avx512.h: the vector of 16 floats that vector_kernels.h is written in, for AVX-512 (F, BW, DQ, VL). */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define MICRO_VECTORS                                                                                                  \
    3 /* widest microkernel, in vectors; and the rows that each width may have: 24 sums in 32 registers */
#define MICRO_DEPTH 4 /* steps of k at once when it is one vector wide; half of it else */
#define MICRO_ROWS_1 24
#define MICRO_ROWS_2 12
#define MICRO_ROWS_3 8
/* clang-format off */
#define EACH_MICRO_1(M) M(1, 1) M(2, 1) M(3, 1) M(4, 1) M(5, 1) M(6, 1) M(7, 1) M(8, 1) M(9, 1) M(10, 1) M(11, 1) \
    M(12, 1) M(13, 1) M(14, 1) M(15, 1) M(16, 1) M(17, 1) M(18, 1) M(19, 1) M(20, 1) M(21, 1) M(22, 1) M(23, 1) M(24, 1)
#define EACH_MICRO_2(M) M(1, 2) M(2, 2) M(3, 2) M(4, 2) M(5, 2) M(6, 2) M(7, 2) M(8, 2) M(9, 2) M(10, 2) M(11, 2) \
    M(12, 2)
#define EACH_MICRO_3(M) M(1, 3) M(2, 3) M(3, 3) M(4, 3) M(5, 3) M(6, 3) M(7, 3) M(8, 3)
/* clang-format on */
#define HELD_STEPS 17 /* of k, whose vectors of B stay in registers beside the sums of up to HELD_ROWS + 1 rows */
#define HELD_ROWS 8
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

/* ---- Philox: see vector_dropout.h; eight blocks, each in a 64-bit lane of several vectors ---- */

#define PHILOX_BLOCKS 8

typedef __m512i words;

/* Blocks in the order in which words_even() and words_odd() put them right. */
static inline words philox_counters(uint64_t block)
{
    return _mm512_add_epi64(_mm512_set1_epi64((long long)block), _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7));
}
static inline words words_of(uint64_t x)
{
    return _mm512_set1_epi64((long long)x);
}
static inline words words_high(words a)
{
    return _mm512_srli_epi64(a, 32);
}
static inline words words_product(words a, uint32_t factor) /* of the low halves */
{
    return _mm512_mul_epu32(a, _mm512_set1_epi64(factor));
}
static inline words words_xor(words a, words b, words c)
{
    return _mm512_ternarylogic_epi32(a, b, c, 0x96);
}
static inline words words_join(words low, words high) /* their low halves */
{
    return _mm512_mask_shuffle_epi32(low, 0xaaaa, high, _MM_PERM_CCAA);
}
static inline words words_even(words a, words b)
{
    return _mm512_unpacklo_epi64(a, b);
}
static inline words words_odd(words a, words b)
{
    return _mm512_unpackhi_epi64(a, b);
}
/* The bits of the 64 elements that these words serve; see ag_dropout. keep is 1 to 65535. */
static inline void keep_bits(words a, uint32_t keep, uint8_t *bits)
{
    __m512i most = _mm512_set1_epi8((char)(keep >> 8)), least = _mm512_set1_epi8((char)(keep & 255));
    __m512i second = _mm512_xor_si512(_mm512_ror_epi32(a, 8), _mm512_ror_epi32(a, 16));
    __mmask64 tie = _mm512_mask_cmplt_epu8_mask(_mm512_cmpeq_epi8_mask(a, most), second, least);
    __mmask64 kept = _mm512_cmplt_epu8_mask(a, most) | tie;
    memcpy(bits, &kept, sizeof kept);
}
/* x where the bit is set, else 0. */
static inline vec keep_where(uint32_t bits, vec x)
{
    return _mm512_maskz_mov_ps((__mmask16)bits, x);
}

/* ---- reductions and turning of sixteen vectors ---- */

#define HAS_MERGED_SUMS
static inline __attribute__((always_inline)) vec put(vec a, vec b, bool largest)
{
    return largest ? _mm512_max_ps(a, b) : _mm512_add_ps(a, b);
}

/* Lane i of the result: the sum (or largest) of all lanes of v[i]. Halves, quarters, pairs: each step takes two vectors
 * to one, and the order in which they are taken makes the lanes come out in order. */
static inline __attribute__((always_inline)) vec merge(const vec *v, bool largest)
{
    static const int order[16] = {0, 2, 1, 3, 8, 10, 9, 11, 4, 6, 5, 7, 12, 14, 13, 15};
    vec t[8], u[4], w[2];
    _Pragma("GCC unroll 8") for (int i = 0; i < 8; i++)
    {
        vec a = v[order[i]], b = v[order[i + 8]];
        t[i] = put(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee), largest);
    }
    _Pragma("GCC unroll 4") for (int i = 0; i < 4; i++) u[i] =
        put(_mm512_shuffle_f32x4(t[i], t[i + 4], 0x88), _mm512_shuffle_f32x4(t[i], t[i + 4], 0xdd), largest);
    _Pragma("GCC unroll 2") for (int i = 0; i < 2; i++) w[i] =
        put(_mm512_unpacklo_ps(u[i], u[i + 2]), _mm512_unpackhi_ps(u[i], u[i + 2]), largest);
    return put(_mm512_shuffle_ps(w[0], w[1], 0x44), _mm512_shuffle_ps(w[0], w[1], 0xee), largest);
}

static inline __attribute__((always_inline)) vec sums_of(const vec *v)
{
    return merge(v, false);
}
static inline __attribute__((always_inline)) vec tops_of(const vec *v)
{
    return merge(v, true);
}

#define HAS_FOURS
/* Lanes 4 i + j of the result: the sum (or largest) of all lanes of v[j]. */
static inline __attribute__((always_inline)) vec four_of(const vec *v, bool largest)
{
    vec a = put(_mm512_unpacklo_ps(v[0], v[1]), _mm512_unpackhi_ps(v[0], v[1]), largest);
    vec b = put(_mm512_unpacklo_ps(v[2], v[3]), _mm512_unpackhi_ps(v[2], v[3]), largest);
    vec c = put(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee), largest);
    c = put(c, _mm512_shuffle_f32x4(c, c, 0x4e), largest);
    return put(c, _mm512_shuffle_f32x4(c, c, 0xb1), largest);
}
/* All lanes of to[j] become lane j of what that gave. */
static inline __attribute__((always_inline)) void spread_four(vec v, vec *to)
{
    to[0] = _mm512_permute_ps(v, 0x00);
    to[1] = _mm512_permute_ps(v, 0x55);
    to[2] = _mm512_permute_ps(v, 0xaa);
    to[3] = _mm512_permute_ps(v, 0xff);
}

#define HAS_TURN
/* Four numbers from p on and from three places behind it, one below the other in the vector's quarters. */
static inline __attribute__((always_inline)) vec quarters(const float *p, const int64_t *behind)
{
    vec v = _mm512_castps128_ps512(_mm_loadu_ps(p));
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + behind[0]), 1);
    v = _mm512_insertf32x4(v, _mm_loadu_ps(p + behind[1]), 2);
    return _mm512_insertf32x4(v, _mm_loadu_ps(p + behind[2]), 3);
}

/* to[c][r] = from[r][c]; rows and columns are 4, 8, 12 or 16. Rows that there are not are read from the first ones. */
static inline __attribute__((always_inline)) void turn(const float *from, int64_t from_row, float *to, int64_t to_row,
                                                       int64_t rows, int64_t columns)
{
    const int64_t behind[] = {rows > 4 ? 4 * from_row : 0, rows > 8 ? 8 * from_row : 0, rows > 12 ? 12 * from_row : 0};
    _Pragma("GCC unroll 4") for (int64_t c = 0; c < columns; c += 4, from += 4, to += 4 * to_row)
    { /* every quarter is turned in itself */
        vec a = quarters(from, behind), b = quarters(from + from_row, behind);
        vec d = quarters(from + 2 * from_row, behind), e = quarters(from + 3 * from_row, behind);
        vec low = _mm512_unpacklo_ps(a, b), high = _mm512_unpackhi_ps(a, b);
        vec low2 = _mm512_unpacklo_ps(d, e), high2 = _mm512_unpackhi_ps(d, e);
        store_some(to, _mm512_shuffle_ps(low, low2, 0x44), rows);
        store_some(to + to_row, _mm512_shuffle_ps(low, low2, 0xee), rows);
        store_some(to + 2 * to_row, _mm512_shuffle_ps(high, high2, 0x44), rows);
        store_some(to + 3 * to_row, _mm512_shuffle_ps(high, high2, 0xee), rows);
    }
}

/* Two vectors exchange every second group of `half` lanes: a's odd ones against b's even ones. Only one of the three
 * instructions is a shuffle, of which there is one a cycle. */
static inline __attribute__((always_inline)) void exchange(vec *a, vec *b, const int half)
{
    const __mmask16 odd = half == 8 ? 0xff00 : half == 4 ? 0xf0f0 : half == 2 ? 0xcccc : 0xaaaa;
    vec x = *a, y = *b, crossed;
    if (half == 8)
        crossed = _mm512_shuffle_f32x4(x, y, 0x4e);
    else if (half == 4)
        crossed = _mm512_castpd_ps(_mm512_permutex2var_pd(
            _mm512_castps_pd(x), _mm512_setr_epi64(2, 3, 8, 9, 6, 7, 12, 13), _mm512_castps_pd(y)));
    else if (half == 2)
        crossed = _mm512_shuffle_ps(x, y, 0x4e);
    else
        crossed = _mm512_permute_ps(_mm512_mask_blend_ps(odd, y, x), 0xb1);
    *a = _mm512_mask_blend_ps(odd, x, crossed);
    *b = _mm512_mask_blend_ps(odd, crossed, y);
}

/* to[c][r] = from[r][c], 16 x 16. */
static inline void turn_square(const float *from, int64_t from_row, float *to, int64_t to_row)
{
    vec row[16];
    _Pragma("GCC unroll 16") for (int r = 0; r < 16; r++) row[r] = load(from + r * from_row);
    _Pragma("GCC unroll 4") for (int half = 8; half > 0; half /= 2)
    {
        _Pragma("GCC unroll 16") for (int r = 0; r < 16; r++)
        {
            if (!(r & half)) exchange(&row[r], &row[r | half], half);
        }
    }
    _Pragma("GCC unroll 16") for (int c = 0; c < 16; c++) store(to + c * to_row, row[c]);
}

/* ---- functions by table: a register holds 16 entries, two hold 32 ---- */

#define HAS_TABLES

static const float sixteenths[16] = {1.0F,        1.04427373F, 1.09050775F, 1.13878858F, 1.18920708F, 1.24185777F,
                                     1.29683959F, 1.35425556F, 1.41421354F, 1.47682619F, 1.54221082F, 1.61049032F,
                                     1.68179286F, 1.75625217F, 1.8340081F,  1.91520655F};

/* 2^(n/16) * exp(r), |r| <= ln 2 / 32: the sixteenth from a table, exp(r) by its series to r^3 / 6 (the next term is
 * below 1e-8). Error at most 2 ulp; gradual underflow; NaN stays. */
static inline vec exp_by_table(vec x)
{
    const vec magic = set(12582912.0F); /* 1.5 * 2^23: the sum's last bits are the nearest integer */
    vec clamped = _mm512_max_ps(set(-104.0F), _mm512_min_ps(set(89.0F), x));
    vec shifted = _mm512_fmadd_ps(clamped, set(23.08312065F), magic), n = _mm512_sub_ps(shifted, magic);
    vec r = _mm512_fnmadd_ps(n, set(0.0433197021484F), clamped);
    r = _mm512_fnmadd_ps(n, set(1.99663656e-06F), r);
    vec t = _mm512_permutexvar_ps(_mm512_castps_si512(shifted), load(sixteenths));
    vec p = _mm512_fmadd_ps(r, set(1.66666667e-1F), set(0.5F));
    p = _mm512_fmadd_ps(_mm512_mul_ps(p, r), r, r);
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, t, t), _mm512_mul_ps(n, set(0.0625F)));
}

/* 2^x of x below some thousands, in the same way: what x has behind its sixteenths is exact. */
static inline vec power_by_table(vec x)
{
    const vec magic = set(786432.0F); /* 1.5 * 2^19: the sum's last bits are sixteenths */
    vec shifted = _mm512_add_ps(x, magic), r = _mm512_reduce_ps(x, 4 << 4 | 8);
    vec t = _mm512_permutexvar_ps(_mm512_castps_si512(shifted), load(sixteenths));
    vec p = _mm512_fmadd_ps(r, set(0.0555041087F), set(0.240226507F));
    p = _mm512_mul_ps(_mm512_fmadd_ps(p, r, set(0.693147181F)), r);
    return _mm512_scalef_ps(_mm512_fmadd_ps(p, t, t), _mm512_sub_ps(shifted, magic)); /* by 2 to the integer below */
}

/* G(a) = a * P(normal > a), by polynomials in a / 0.1875 - i around its 32 multiples i (through six Chebyshev nodes of
 * each interval; beyond the last it is below 2e-8): row k has the factors of the k-th power. Error 2e-8, of the
 * derivative 1.1e-7. */
static const float gelu_table[6][32] = {
    {3.28691544e-12F, 0.0798064321F,   0.132686332F,    0.161374331F,    0.169970512F,    0.163360044F,
     0.146581337F,    0.124261916F,    0.100210801F,    0.0772092417F,   0.056993179F,    0.0403839126F,
     0.0275050625F,   0.0180243552F,   0.0113726771F,   0.00691284705F,  0.00404969417F,  0.00228716596F,
     0.00124563975F,  0.000654324191F, 0.000331564836F, 0.000162096898F, 7.64640499e-05F, 3.48059475e-05F,
     1.528953e-05F,   6.48193918e-06F, 2.6522066e-06F,  1.0474165e-06F,  3.99260557e-07F, 1.46903233e-07F,
     5.21741441e-08F, 1.78870039e-08F},
    {0.09375F,         0.066025503F,     0.0401971079F,    0.017872205F,     0.000145177182F,  -0.012516764F,
     -0.0202625077F,   -0.0237380266F,   -0.0239004735F,   -0.0218156539F,   -0.0184833575F,   -0.014718717F,
     -0.0110980766F,   -0.00796102267F,  -0.00545034884F,  -0.00356942392F,  -0.00223980891F,  -0.00134835998F,
     -0.000779474562F, -0.000433041161F, -0.0002313406F,   -0.000118900847F, -5.88173643e-05F, -2.80131117e-05F,
     -1.28492184e-05F, -5.67750249e-06F, -2.41709586e-06F, -9.91664365e-07F, -3.92137082e-07F, -1.49476577e-07F,
     -5.49316788e-08F, -1.94640997e-08F},
    {-0.0140253035F,  -0.0135386735F,   -0.0121538248F,  -0.0100788986F,  -0.00760931149F, -0.00506609352F,
     -0.00273511233F, -0.000821932452F, 0.000569161668F, 0.00143133209F,  0.0018325923F,   0.00188406021F,
     0.00170864363F,  0.00141701603F,   0.00109387538F,  0.000793988176F, 0.000545326271F, 0.000355903176F,
     0.000221378024F, 0.000131526453F,  7.47627855e-05F, 4.07107436e-05F, 2.12581763e-05F, 1.06535381e-05F,
     5.12750285e-06F, 2.37140807e-06F,  1.05438789e-06F, 4.50882141e-07F, 1.85500113e-07F, 7.34469481e-08F,
     2.79939982e-08F, 1.0273582e-08F},
    {-9.43100389e-08F, 0.000320151274F,  0.000591253804F,  0.000775263994F,  0.000852944679F,  0.000826396397F,
     0.000716054696F,  0.00055363134F,   0.000373517658F,  0.000205224293F,  6.86341009e-05F,  -2.7359094e-05F,
     -8.33615122e-05F, -0.000106331943F, -0.000106072752F, -9.23381594e-05F, -7.30347165e-05F, -5.35248291e-05F,
     -3.6751524e-05F,  -2.38069697e-05F, -1.46172906e-05F, -8.53488928e-06F, -4.75067054e-06F, -2.52547943e-06F,
     -1.28408806e-06F, -6.25189273e-07F, -2.91745266e-07F, -1.3059018e-07F,  -5.61068028e-08F, -2.31504451e-08F,
     -9.17799614e-09F, -3.50394225e-09F},
    {8.25436291e-05F,  7.56609297e-05F,  5.8034082e-05F,   3.30386829e-05F,  5.91557318e-06F,  -1.81799605e-05F,
     -3.54344593e-05F, -4.40971489e-05F, -4.45257901e-05F, -3.86629217e-05F, -2.92128716e-05F, -1.88264985e-05F,
     -9.52315895e-06F, -2.44391299e-06F, 2.09872678e-06F,  4.38702818e-06F,  5.00848455e-06F,  4.60796855e-06F,
     3.72928594e-06F,  2.7490139e-06F,   1.87854846e-06F,  1.20234586e-06F,  7.25535926e-07F,  4.14638151e-07F,
     2.2514871e-07F,   1.16442969e-07F,  5.74662948e-08F,  2.7102649e-08F,   1.22300285e-08F,  5.2855027e-09F,
     2.18949103e-09F,  8.36770098e-10F},
    {-6.48128889e-07F, -2.49502909e-06F, -4.42728515e-06F, -5.39868461e-06F, -5.28171404e-06F, -4.23236497e-06F,
     -2.61348168e-06F, -8.64893082e-07F, 6.2856526e-07F,   1.62747426e-06F,  2.06600316e-06F,  2.02331898e-06F,
     1.66183668e-06F,  1.16073443e-06F,  6.66338792e-07F,  2.6857245e-07F,   1.11148568e-09F,  -1.43760985e-07F,
     -1.95720816e-07F, -1.89784004e-07F, -1.55873749e-07F, -1.14581773e-07F, -7.73016495e-08F, -4.85250347e-08F,
     -2.8583818e-08F,  -1.58890305e-08F, -8.3680165e-09F,  -4.1876187e-09F,  -1.99572803e-09F, -9.07373288e-10F,
     -3.94122679e-10F, -2.03763173e-10F},
};

static inline vec gelu_factor(int k, __m512i i)
{
    return _mm512_permutex2var_ps(load(gelu_table[k]), i, load(gelu_table[k] + 16));
}

/* gelu(x) = max(x, 0) - G(|x|); its derivative is G'(|x|) below 0 and 1 - G'(|x|) above. */
static inline vec gelu_by_table(vec x, vec *slope)
{
    const vec magic = set(12582912.0F);
    vec scaled = _mm512_range_ps(_mm512_mul_ps(x, set(5.33333333F)), set(31.0F), 2 | 8); /* the smaller size */
    vec t = _mm512_reduce_ps(scaled, 8); /* behind the nearest integer */
    __m512i i = _mm512_castps_si512(_mm512_add_ps(scaled, magic));
    vec q = gelu_factor(5, i), p = _mm512_fmadd_ps(q, t, gelu_factor(4, i));
    q = _mm512_fmadd_ps(q, t, p);
    p = _mm512_fmadd_ps(p, t, gelu_factor(3, i));
    q = _mm512_fmadd_ps(q, t, p);
    p = _mm512_fmadd_ps(p, t, gelu_factor(2, i));
    q = _mm512_fmadd_ps(q, t, p);
    p = _mm512_fmadd_ps(p, t, gelu_factor(1, i));
    q = _mm512_fmadd_ps(q, t, p);
    p = _mm512_fmadd_ps(p, t, gelu_factor(0, i));
    vec steep = _mm512_mul_ps(q, set(5.33333333F));
    *slope = _mm512_mask_sub_ps(steep, _mm512_cmp_ps_mask(x, set(0), _CMP_GT_OQ), set(1.0F), steep);
    return _mm512_sub_ps(_mm512_max_ps(_mm512_setzero_ps(), x), p);
}
