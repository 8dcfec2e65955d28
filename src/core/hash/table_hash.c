// SPDX-License-Identifier: Apache-2.0
/* table_hash.c: hashes for tables in memory. Both read little-endian words whatever the machine is, and are stable for
 * ever (the tests pin values). Neither is for trust. Threads: any; no state.
 *
 * ag_hash_keyed() is SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012; one compression round
 * per word, three at the end).
 *
 * ag_hash_fast() is built from two known parts; P[i] is word i of SplitMix64 started at 0, "fold" the exclusive or of
 * the halves of the 128-bit product, and final() the last two multiplications of SplitMix64. up to 16 bytes    two
 * words a, b that cover all bytes (they may overlap); x = a ^ P0 ^ seed, y = b ^ P1 ^ size * P2; final(fold(x, y) + (x
 * ^ rotate(y, 29))). The sum keeps y when x is 0, where the product is blind. up to 128 bytes   a chain h = fold(a ^
 * P[i], b ^ h) + rotate(h, 23) over 16-byte blocks, the last of which overlaps. longer            the accumulation of
 * XXH3 (Collet): eight lanes, 64-byte stripes; lane i adds the product of the 32-bit halves of (word ^ key) and its
 * neighbour's lane adds the word itself, so that a zero half loses nothing; keys slide by one word per stripe; every 16
 * stripes the lanes are scrambled. Lanes do not depend on each other: a compiler makes SIMD of it on its own. */
#include <string.h>

#include "core/hash/hash.h"

__extension__ typedef unsigned __int128 u128;

static uint64_t load64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint32_t load32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap32(value);
#endif
    return value;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
    return value << bits | value >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[0] = rotate(v[0], 32);
    v[2] += v[3];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[2] = rotate(v[2], 32);
}

uint64_t ag_hash_keyed(const void *bytes, size_t size, uint64_t key0, uint64_t key1)
{
    uint64_t v[4] = {key0 ^ 0x736f6d6570736575, key1 ^ 0x646f72616e646f6d, key0 ^ 0x6c7967656e657261,
                     key1 ^ 0x7465646279746573};
    const uint8_t *at = bytes;
    for (size_t left = size; left >= 8; left -= 8, at += 8) {
        uint64_t word = load64(at);
        v[3] ^= word;
        sip_round(v);
        v[0] ^= word;
    }
    uint64_t last = (uint64_t)size << 56;
    for (size_t i = 0; i < size % 8; i++) last |= (uint64_t)at[i] << (8 * i);
    v[3] ^= last;
    sip_round(v);
    v[0] ^= last;
    v[2] ^= 0xff;
    for (int i = 0; i < 3; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

#define LANES 8
#define STRIPE (LANES * sizeof(uint64_t))
#define BLOCK_STRIPES 16
#define KEYS (LANES + BLOCK_STRIPES)

static const uint64_t key[KEYS] = {
    0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec, 0x1b39896a51a8749b,
    0x53cb9f0c747ea2ea, 0x2c829abe1f4532e1, 0xc584133ac916ab3c, 0x3ee5789041c98ac3, 0xf3b8488c368cb0a6,
    0x657eecdd3cb13d09, 0xc2d326e0055bdef6, 0x8621a03fe0bbdb7b, 0x8e1f7555983aa92f, 0xb54e0f1600cc4d19,
    0x84bb3f97971d80ab, 0x7d29825c75521255, 0xc3cf17102b7f7f86, 0x3466e9a083914f64, 0xd81a8d2b5a4485ac,
    0xdb01602b100b9ed7, 0xa9038a921825f10d, 0xedf5f1d90dca2f6a, 0x54496ad67bd2634c,
};

static uint64_t fold(uint64_t a, uint64_t b)
{
    u128 product = (u128)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t final(uint64_t h)
{
    h = (h ^ h >> 30) * 0xbf58476d1ce4e5b9;
    h = (h ^ h >> 27) * 0x94d049bb133111eb;
    return h ^ h >> 31;
}

static uint64_t hash_short(const uint8_t *at, size_t size, uint64_t seed)
{
    uint64_t a = 0, b = 0;
    if (size >= 8) {
        a = load64(at);
        b = load64(at + size - 8);
    } else if (size >= 4) {
        a = load32(at);
        b = load32(at + size - 4);
    } else if (size > 0) {
        a = (uint64_t)at[0] << 16 | (uint64_t)at[size / 2] << 8 | at[size - 1];
    }
    uint64_t x = a ^ key[0] ^ seed;
    uint64_t y = b ^ key[1] ^ (uint64_t)size * key[2];
    return final(fold(x, y) + (x ^ rotate(y, 29)));
}

static uint64_t hash_middle(const uint8_t *at, size_t size, uint64_t seed)
{
    uint64_t h = seed ^ (uint64_t)size * key[2];
    size_t blocks = (size - 1) / 16;
    for (size_t i = 0; i < blocks; i++)
        h = fold(load64(at + 16 * i) ^ key[3 + i], load64(at + 16 * i + 8) ^ h) + rotate(h, 23);
    const uint8_t *last = at + size - 16;
    h = fold(load64(last) ^ key[0], load64(last + 8) ^ h) + rotate(h, 23);
    return final(h);
}

static void add_stripe(uint64_t lane[LANES], const uint8_t *at, const uint64_t *keys)
{
    for (size_t i = 0; i < LANES; i++) {
        uint64_t word = load64(at + 8 * i);
        uint64_t mixed = word ^ keys[i];
        lane[i ^ 1] += word;
        lane[i] += (mixed & 0xffffffff) * (mixed >> 32);
    }
}

static uint64_t hash_long(const uint8_t *at, size_t size, uint64_t seed)
{
    uint64_t keys[KEYS], lane[LANES];
    for (size_t i = 0; i < KEYS; i++) keys[i] = i % 2 ? key[i] - seed : key[i] + seed;
    memcpy(lane, keys, sizeof(lane));
    size_t stripes = (size - 1) / STRIPE;
    for (size_t i = 0; i < stripes; i++) {
        add_stripe(lane, at + i * STRIPE, keys + i % BLOCK_STRIPES);
        if (i % BLOCK_STRIPES < BLOCK_STRIPES - 1) continue;
        for (size_t k = 0; k < LANES; k++) lane[k] = (lane[k] ^ lane[k] >> 47 ^ keys[BLOCK_STRIPES + k]) * 0x9e3779b1;
    }
    add_stripe(lane, at + size - STRIPE, keys + BLOCK_STRIPES); /* the rest, overlapping what came before */
    uint64_t h = (uint64_t)size * key[2];
    for (size_t i = 0; i < LANES; i += 2) h += fold(lane[i] ^ keys[i + 3], lane[i + 1] ^ keys[i + 4]);
    return final(h);
}

uint64_t ag_hash_fast(const void *bytes, size_t size, uint64_t seed)
{
    if (size <= 16) return hash_short(bytes, size, seed);
    return size <= 128 ? hash_middle(bytes, size, seed) : hash_long(bytes, size, seed);
}
