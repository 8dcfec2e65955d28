// SPDX-License-Identifier: Apache-2.0
#pragma once
/* simd_neon.h: the vector of 4 floats that vector_kernels.h is written in, for 64-bit ARM. */
#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define LANES 4
#define MICRO_VECTORS 3 /* widest microkernel; and the rows that each width may have: 24 sums in 32 registers */
#define MICRO_DEPTH 4   /* steps of k at once when it is one vector wide; half of it else */
#define MICRO_ROWS_1 24
#define MICRO_ROWS_2 12
#define MICRO_ROWS_3 8
/* clang-format off */
#define EACH_MICRO_1(M) M(1, 1) M(2, 1) M(3, 1) M(4, 1) M(5, 1) M(6, 1) M(7, 1) M(8, 1) M(9, 1) M(10, 1) M(11, 1) \
    M(12, 1) M(13, 1) M(14, 1) M(15, 1) M(16, 1) M(17, 1) M(18, 1) M(19, 1) M(20, 1) M(21, 1) M(22, 1) M(23, 1) \
    M(24, 1)
#define EACH_MICRO_2(M) M(1, 2) M(2, 2) M(3, 2) M(4, 2) M(5, 2) M(6, 2) M(7, 2) M(8, 2) M(9, 2) M(10, 2) M(11, 2) \
    M(12, 2)
#define EACH_MICRO_3(M) M(1, 3) M(2, 3) M(3, 3) M(4, 3) M(5, 3) M(6, 3) M(7, 3) M(8, 3)
/* clang-format on */
#define DOT_ROWS 4
#define DOT_COLUMNS 4

typedef float32x4_t vec;

static inline vec load(const float *p)
{
    return vld1q_f32(p);
}
static inline void store(float *p, vec v)
{
    vst1q_f32(p, v);
}
static inline vec load_some(const float *p, int64_t count)
{
    float lanes[4] = {0};
    for (int64_t i = 0; i < count && i < 4; i++) lanes[i] = p[i];
    return vld1q_f32(lanes);
}
static inline void store_some(float *p, vec v, int64_t count)
{
    float lanes[4];
    vst1q_f32(lanes, v);
    for (int64_t i = 0; i < count && i < 4; i++) p[i] = lanes[i];
}
static inline vec set(float x)
{
    return vdupq_n_f32(x);
}
static inline vec add(vec a, vec b)
{
    return vaddq_f32(a, b);
}
static inline vec sub(vec a, vec b)
{
    return vsubq_f32(a, b);
}
static inline vec mul(vec a, vec b)
{
    return vmulq_f32(a, b);
}
static inline vec divide(vec a, vec b)
{
    return vdivq_f32(a, b);
}
static inline vec square_root(vec a)
{
    return vsqrtq_f32(a);
}
static inline vec fma_(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
static inline vec fnma_(vec a, vec b, vec c)
{
    return vfmsq_f32(c, a, b);
}
/* As the other machines do it: b when either is NaN. */
static inline vec max_(vec a, vec b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}
static inline vec min_(vec a, vec b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}
static inline vec absolute(vec a)
{
    return vabsq_f32(a);
}
static inline vec nearest(vec a)
{
    return vrndnq_f32(a);
}
/* In two steps, so that results below the least normal number are rounded once. */
static inline vec scale_power(vec p, vec n)
{
    int32x4_t whole = vcvtq_s32_f32(n), half = vshrq_n_s32(whole, 1), bias = vdupq_n_s32(127);
    int32x4_t rest = vsubq_s32(whole, half);
    p = vmulq_f32(p, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(half, bias), 23)));
    return vmulq_f32(p, vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(rest, bias), 23)));
}
static inline vec power_of_two(vec shifted)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vreinterpretq_s32_f32(shifted), 23));
}
static inline vec choose_less(vec a, vec b, vec x, vec y)
{
    return vbslq_f32(vcltq_f32(a, b), x, y);
}
static inline vec choose_negative(vec a, vec x, vec y)
{
    return vbslq_f32(vcltzq_s32(vreinterpretq_s32_f32(a)), x, y);
}
static inline vec keep_nan(vec a, vec x)
{
    return vbslq_f32(vceqq_f32(a, a), x, a);
}
static inline vec with_sign(vec magnitude, vec sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude);
}
static inline float sum_of(vec a)
{
    float32x2_t halves = vadd_f32(vget_low_f32(a), vget_high_f32(a)); /* the order of sum_down() */
    return vget_lane_f32(halves, 0) + vget_lane_f32(halves, 1);
}
static inline float max_of(vec a)
{
    return vmaxvq_f32(a);
}

/* Philox: see simd_avx512.h; two blocks. */
#define PHILOX_BLOCKS 2

typedef uint64x2_t words;

static inline words philox_counters(uint64_t block)
{
    return vcombine_u64(vcreate_u64(block), vcreate_u64(block + 1));
}
static inline words words_of(uint64_t x)
{
    return vdupq_n_u64(x);
}
static inline words words_high(words a)
{
    return vshrq_n_u64(a, 32);
}
static inline words words_product(words a, uint32_t factor)
{
    return vmull_u32(vmovn_u64(a), vdup_n_u32(factor));
}
static inline words words_xor(words a, words b, words c)
{
    return veorq_u64(veorq_u64(a, b), c);
}
static inline words words_join(words low, words high)
{
    return vsliq_n_u64(low, high, 32);
}
static inline words words_even(words a, words b)
{
    return vzip1q_u64(a, b);
}
static inline words words_odd(words a, words b)
{
    return vzip2q_u64(a, b);
}
static inline void keep_bits(words a, uint32_t keep, uint8_t *bits)
{
    static const uint8_t each[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    uint32x4_t word = vreinterpretq_u32_u64(a);
    uint32x4_t by_one = vsliq_n_u32(vshrq_n_u32(word, 8), word, 24);
    uint32x4_t by_two = vreinterpretq_u32_u16(vrev32q_u16(vreinterpretq_u16_u32(word)));
    uint8x16_t number = vreinterpretq_u8_u32(word), second = vreinterpretq_u8_u32(veorq_u32(by_one, by_two));
    uint8x16_t most = vdupq_n_u8((uint8_t)(keep >> 8)), least = vdupq_n_u8((uint8_t)(keep & 255));
    uint8x16_t tie = vandq_u8(vceqq_u8(number, most), vcltq_u8(second, least));
    uint8x16_t kept = vandq_u8(vorrq_u8(vcltq_u8(number, most), tie), vld1q_u8(each));
    bits[0] = vaddv_u8(vget_low_u8(kept));
    bits[1] = vaddv_u8(vget_high_u8(kept));
}
static inline vec keep_where(uint32_t bits, vec x)
{
    static const uint32_t each[4] = {1, 2, 4, 8};
    uint32x4_t kept = vtstq_u32(vdupq_n_u32(bits), vld1q_u32(each));
    return vreinterpretq_f32_u32(vandq_u32(kept, vreinterpretq_u32_f32(x)));
}
