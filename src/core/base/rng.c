// SPDX-License-Identifier: Apache-2.0
/* rng.c: Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011).
 *
 * Layout, stable for ever: key = (seed low, seed high); counter = (block low, block high, stream low, stream high);
 * word i of a stream is word i % 4 of block i / 4. No cache, so that a generator is three numbers and a copy is a copy.
 * The stream of a name is FNV-1a (64 bits) of its bytes, then the finalizer of MurmurHash3, which spreads short names
 * over all bits. A child's stream is the first two words of Philox with the key "child" (0x6368696c64), the parent's
 * stream and the child's number as block.
 *
 * The normal is the inverse of the distribution function (Wichura's AS 241, PPND16, relative error about 1e-16). One
 * bit of the four words chooses the side; the other 127 are the probability of the tail, so that even far tails have
 * their right weight. Only + - * / and sqrt are used, all of which IEEE 754 rounds in one way: the logarithm is our own
 * and contraction to fused operations is off, so a normal is the same on every machine. */
#include "core/base/rng.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/random.h>

#include "core/base/fault.h"

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#endif

__extension__ typedef unsigned __int128 wide;

void ag_philox4x32(uint64_t seed, uint64_t stream, uint64_t block, uint32_t out[4])
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)block, c1 = (uint32_t)(block >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t product0 = (uint64_t)c0 * 0xD2511F53u;
        uint64_t product1 = (uint64_t)c2 * 0xCD9E8D57u;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ key0;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ key1;
        c1 = (uint32_t)product1;
        c3 = (uint32_t)product0;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static uint64_t spread(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdu;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53u;
    return x ^ x >> 33;
}

ag_rng ag_rng_stream(uint64_t seed, const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return (ag_rng){.seed = seed, .stream = spread(hash)};
}

ag_rng ag_rng_child(const ag_rng *rng, uint64_t number)
{
    uint32_t words[4];
    ag_philox4x32(0x6368696c64u, rng->stream, number, words);
    return (ag_rng){.seed = rng->seed, .stream = (uint64_t)words[1] << 32 | words[0]};
}

/* The next `count` words (at most 4), which may lie in two blocks. */
static void take_words(ag_rng *rng, int count, uint32_t *out)
{
    uint32_t block[4];
    for (int i = 0; i < count; i++, rng->index++) {
        if (i == 0 || rng->index % 4 == 0) ag_philox4x32(rng->seed, rng->stream, rng->index / 4, block);
        out[i] = block[rng->index % 4];
    }
}

uint32_t ag_rng_u32(ag_rng *rng)
{
    uint32_t word;
    take_words(rng, 1, &word);
    return word;
}

/* AT_ONCE blocks side by side: each loop is a few instructions on vectors. */
enum { AT_ONCE = 8 };

static inline __attribute__((always_inline)) void draw_blocks(uint64_t seed, uint64_t stream, uint64_t block,
                                                              uint32_t *out)
{
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    uint32_t c0[AT_ONCE], c1[AT_ONCE], c2[AT_ONCE], c3[AT_ONCE];
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        c0[i] = (uint32_t)(block + i);
        c1[i] = (uint32_t)((block + i) >> 32);
        c2[i] = (uint32_t)stream;
        c3[i] = (uint32_t)(stream >> 32);
    }
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < AT_ONCE; i++) {
            uint64_t product0 = (uint64_t)c0[i] * 0xD2511F53u, product1 = (uint64_t)c2[i] * 0xCD9E8D57u;
            c0[i] = (uint32_t)(product1 >> 32) ^ c1[i] ^ key0;
            c2[i] = (uint32_t)(product0 >> 32) ^ c3[i] ^ key1;
            c1[i] = (uint32_t)product1;
            c3[i] = (uint32_t)product0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    for (int i = 0; i < AT_ONCE; i++) {
        out[4 * i] = c0[i];
        out[4 * i + 1] = c1[i];
        out[4 * i + 2] = c2[i];
        out[4 * i + 3] = c3[i];
    }
}

#if defined(__x86_64__)
enum { GROUPS = 2 }; /* of four blocks, side by side: a round waits for its products */

/* A block lies in a 64-bit lane of four vectors, whose high halves hold what the products left there: nobody reads
 * them. Compilers make a fifth of this speed of draw_blocks(): they pack and unpack both halves of each product. */
__attribute__((target("avx2"))) static void draw_wide(const ag_rng *rng, uint64_t block, uint32_t *out)
{
    const __m256i factor0 = _mm256_set1_epi64x(0xD2511F53), factor1 = _mm256_set1_epi64x(0xCD9E8D57);
    __m256i a[GROUPS], b[GROUPS], c[GROUPS], d[GROUPS];
    uint32_t key0 = (uint32_t)rng->seed, key1 = (uint32_t)(rng->seed >> 32);
    for (int i = 0; i < GROUPS; i++) {
        a[i] = _mm256_add_epi64(_mm256_set1_epi64x((long long)block + 4 * i), _mm256_setr_epi64x(0, 1, 2, 3));
        b[i] = _mm256_srli_epi64(a[i], 32);
        c[i] = _mm256_set1_epi64x((long long)rng->stream);
        d[i] = _mm256_set1_epi64x((long long)(rng->stream >> 32));
    }
    for (int round = 0; round < 10; round++, key0 += 0x9E3779B9u, key1 += 0xBB67AE85u) {
        const __m256i keys0 = _mm256_set1_epi64x(key0), keys1 = _mm256_set1_epi64x(key1);
        for (int i = 0; i < GROUPS; i++) {
            __m256i left = _mm256_mul_epu32(a[i], factor0), right = _mm256_mul_epu32(c[i], factor1);
            a[i] = _mm256_xor_si256(_mm256_srli_epi64(right, 32), _mm256_xor_si256(b[i], keys0));
            c[i] = _mm256_xor_si256(_mm256_srli_epi64(left, 32), _mm256_xor_si256(d[i], keys1));
            b[i] = right;
            d[i] = left;
        }
    }
    for (int i = 0; i < GROUPS; i++) {
        __m256i first = _mm256_blend_epi32(a[i], _mm256_slli_epi64(b[i], 32), 0xaa);
        __m256i second = _mm256_blend_epi32(c[i], _mm256_slli_epi64(d[i], 32), 0xaa);
        __m256i even = _mm256_unpacklo_epi64(first, second), odd = _mm256_unpackhi_epi64(first, second);
        _mm256_storeu_si256((__m256i *)(out + 16 * i), _mm256_permute2x128_si256(even, odd, 0x20));
        _mm256_storeu_si256((__m256i *)(out + 16 * i + 8), _mm256_permute2x128_si256(even, odd, 0x31));
    }
}
#endif

static void draw_many(const ag_rng *rng, uint64_t block, uint32_t *out)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) {
        draw_wide(rng, block, out);
        return;
    }
#endif
    draw_blocks(rng->seed, rng->stream, block, out);
}

void ag_rng_words(ag_rng *rng, uint32_t *out, size_t count)
{
    for (; count > 0 && rng->index % 4; count--) *out++ = ag_rng_u32(rng);
    for (; count >= 4 * AT_ONCE; count -= 4 * AT_ONCE, out += 4 * AT_ONCE, rng->index += 4 * AT_ONCE)
        draw_many(rng, rng->index / 4, out);
    for (; count >= 4; count -= 4, out += 4, rng->index += 4)
        ag_philox4x32(rng->seed, rng->stream, rng->index / 4, out);
    for (; count > 0; count--) *out++ = ag_rng_u32(rng);
}

uint64_t ag_rng_u64(ag_rng *rng)
{
    uint32_t words[2];
    take_words(rng, 2, words);
    return (uint64_t)words[1] << 32 | words[0];
}

/* Lemire's multiplication with rejection: almost always one draw, and no division but for tiny remainders. */
uint64_t ag_rng_below(ag_rng *rng, uint64_t bound)
{
    wide product = (wide)ag_rng_u64(rng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t least = (0 - bound) % bound;
        while ((uint64_t)product < least) product = (wide)ag_rng_u64(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

double ag_rng_double(ag_rng *rng)
{
    return (double)(ag_rng_u64(rng) >> 11) * 0x1p-53;
}

float ag_rng_float(ag_rng *rng)
{
    return (float)(ag_rng_u32(rng) >> 8) * 0x1p-24f;
}

/* log(x) for 0 < x < 1 by the series of atanh around 1; within 2 units of the last place. */
static double log_of(double x)
{
    int exponent;
    double mantissa = frexp(x, &exponent); /* exact */
    if (mantissa < 0.70710678118654752) {
        mantissa *= 2;
        exponent--;
    }
    double s = (mantissa - 1) / (mantissa + 1), square = s * s, sum = 0;
    for (int k = 23; k >= 3; k -= 2) sum = sum * square + 1.0 / k;
    return exponent * 0.69314718055994531 + (2 * s + 2 * s * square * sum);
}

static double ratio(const double a[8], const double b[7], double r)
{
    double above = a[7], below = b[6];
    for (int i = 6; i >= 0; i--) above = above * r + a[i];
    for (int i = 5; i >= 0; i--) below = below * r + b[i];
    return above / (below * r + 1);
}

/* How many deviations beyond the mean a tail of weight `tail` in (0, 0.5] begins. */
static double deviations_of(double tail)
{
    static const double centre_a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3,
                                       1.3731693765509461125e+4, 4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                       3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double centre_b[7] = {4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3,
                                       2.1213794301586595867e+4, 3.9307895800092710610e+4, 2.8729085735721942674e+4,
                                       5.2264952788528545610e+3};
    static const double near_a[8] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                                     3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                                     2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double near_b[7] = {2.05319162663775882187e0,  1.67638483018380384940e0,  6.89767334985100004550e-1,
                                     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
                                     1.05075007164441684324e-9};
    static const double far_a[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                                    2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                    2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double far_b[7] = {5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
                                    7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7,
                                    2.04426310338993978564e-15};
    double from_middle = 0.5 - tail;
    if (from_middle <= 0.425) return from_middle * ratio(centre_a, centre_b, 0.180625 - from_middle * from_middle);
    double r = sqrt(-log_of(tail));
    return r <= 5 ? ratio(near_a, near_b, r - 1.6) : ratio(far_a, far_b, r - 5);
}

double ag_rng_normal(ag_rng *rng)
{
    uint32_t words[4];
    take_words(rng, 4, words);
    uint64_t high = (uint64_t)words[1] << 32 | words[0], low = (uint64_t)words[3] << 32 | words[2];
    double tail = ((double)(high >> 1) + ((double)low + 0.5) * 0x1p-64) * 0x1p-64; /* (0, 0.5] */
    double deviations = deviations_of(tail);
    return high & 1 ? deviations : -deviations;
}

static void swap_items(char *a, char *b, size_t size)
{
    char piece[64];
    for (size_t done = 0; done < size; done += sizeof(piece)) {
        size_t part = size - done < sizeof(piece) ? size - done : sizeof(piece);
        memcpy(piece, a + done, part);
        memcpy(a + done, b + done, part);
        memcpy(b + done, piece, part);
    }
}

void ag_rng_shuffle(ag_rng *rng, void *items, size_t count, size_t item_size)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)ag_rng_below(rng, i);
        if (other != i - 1)
            swap_items((char *)items + (i - 1) * item_size, (char *)items + other * item_size, item_size);
    }
}

int ag_random_bytes(void *out, size_t size, ag_err *err)
{
    if (ag_fault(AG_FAULT_FILE)) return ag_fail_errno(err, EIO, "cannot get random bytes from the system");
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)out + done, size - done, 0);
        if (got < 0 && errno != EINTR) return ag_fail_errno(err, errno, "cannot get random bytes from the system");
        if (got > 0) done += (size_t)got;
    }
    return AG_OK;
}
