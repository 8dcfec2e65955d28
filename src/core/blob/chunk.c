// SPDX-License-Identifier: Apache-2.0
/* chunk.c: where to cut a large content, by its bytes, so that an insertion moves the cuts with it and all chunks
 * behind are found again. FastCDC's ideas: a gear hash that sees the last 64 bytes, a strict mask before the normal
 * size and a loose one behind, which keeps sizes near 1 MiB. The table is a fixed function (splitmix64): it decides
 * what is shared between versions and must never change. */
#include "core/blob/store.h"

#define STRICT_BITS (CHUNK_NORMAL_BITS + 2)
#define LOOSE_BITS (CHUNK_NORMAL_BITS - 2)

void chunk_gear(uint64_t gear[256])
{
    uint64_t state = 0;
    for (int i = 0; i < 256; i++) {
        uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        gear[i] = z ^ z >> 31;
    }
}

size_t chunk_cut(const uint64_t gear[256], ag_str bytes)
{
    const uint64_t strict = ~UINT64_C(0) << (64 - STRICT_BITS), loose = ~UINT64_C(0) << (64 - LOOSE_BITS);
    const size_t normal = (size_t)1 << CHUNK_NORMAL_BITS;
    size_t end = bytes.size < CHUNK_MAX ? bytes.size : CHUNK_MAX;
    if (end <= CHUNK_MIN) return end;
    uint64_t hash = 0;
    size_t at = CHUNK_MIN - 64;
    for (; at < CHUNK_MIN; at++) hash = (hash << 1) + gear[(uint8_t)bytes.data[at]];
    for (; at < end; at++) {
        hash = (hash << 1) + gear[(uint8_t)bytes.data[at]];
        if (!(hash & (at < normal ? strict : loose))) return at + 1;
    }
    return end;
}
