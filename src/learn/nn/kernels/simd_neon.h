// SPDX-License-Identifier: Apache-2.0
#pragma once
/* simd_neon.h: the vector of 4 floats that vector_kernels.h is written in, for 64-bit ARM. */
#include <arm_neon.h>
#include <stdint.h>

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
static inline vec choose_less(vec a, vec b, vec x, vec y)
{
    return vbslq_f32(vcltq_f32(a, b), x, y);
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
    return vaddvq_f32(a);
}
static inline float max_of(vec a)
{
    return vmaxvq_f32(a);
}

/* Philox: see simd_avx512.h; one block to a vector. */
#define PHILOX_BLOCKS 1

typedef uint32x4_t words;

static inline words philox_counter(uint64_t block, uint64_t stream)
{
    return vreinterpretq_u32_u64(vcombine_u64(vcreate_u64(block), vcreate_u64(stream)));
}
static inline words philox_key(uint32_t key0, uint32_t key1)
{
    return vreinterpretq_u32_u64(vcombine_u64(vcreate_u64(key0), vcreate_u64(key1)));
}
static inline words philox_round(words state, words key)
{
    const uint32x2_t factors = vcreate_u32(UINT64_C(0xCD9E8D57D2511F53));
    uint64x2_t pairs = vreinterpretq_u64_u32(state);
    uint32x4_t swapped = vrev64q_u32(vreinterpretq_u32_u64(vmull_u32(vmovn_u64(pairs), factors)));
    uint32x4_t turned = vextq_u32(swapped, swapped, 2);
    return veorq_u32(veorq_u32(turned, vreinterpretq_u32_u64(vshrq_n_u64(pairs, 32))), key);
}
static inline uint32_t kept_of(words numbers, uint32_t keep)
{
    static const uint16_t each[8] = {1, 2, 4, 8, 16, 32, 64, 128};
    uint16x8_t kept = vcltq_u16(vreinterpretq_u16_u32(numbers), vdupq_n_u16((uint16_t)keep));
    return vaddvq_u16(vandq_u16(kept, vld1q_u16(each)));
}
static inline vec keep_where(uint32_t bits, vec x)
{
    static const uint32_t each[4] = {1, 2, 4, 8};
    uint32x4_t kept = vtstq_u32(vdupq_n_u32(bits), vld1q_u32(each));
    return vreinterpretq_f32_u32(vandq_u32(kept, vreinterpretq_u32_f32(x)));
}
