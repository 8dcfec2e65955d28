// SPDX-License-Identifier: Apache-2.0
#pragma once
/* scan.h: the inner loops of the JSON reader and writer: how far text may be copied as it is, one UTF-8 sequence, and
 * decimal digits into a double. Inline, because strings are short and a call would cost as much as the work. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

/* The number of bytes before the first quote, backslash, control byte or byte of a multi-byte sequence. The plain twin
 * of ag_scan_plain(), and its tail. */
static inline size_t ag_scan_plain_slow(const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        unsigned char c = (unsigned char)text[at];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
        at++;
    }
    return at;
}

/* A high bit for each byte of `x` that is special. A byte may be marked wrongly only above a rightly marked one, so the
 * lowest mark is exact. */
static inline uint64_t ag_scan_special8(uint64_t x)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    uint64_t quote = x ^ (ones * '"'), backslash = x ^ (ones * '\\');
    return ((quote - ones) | (backslash - ones) | (x - ones * 0x20) | x) & highs;
}

static inline size_t ag_scan_plain(const char *text, size_t size)
{
    size_t at = 0;
#if defined(__SSE2__)
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(0x20);
    for (; size - at >= 16; at += 16) {
        __m128i x = _mm_loadu_si128((const __m128i *)(const void *)(text + at));
        /* Signed: bytes from 0x80 are negative and so below the blank as well. */
        __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(x, quote), _mm_cmpeq_epi8(x, backslash)),
                                       _mm_cmplt_epi8(x, blank));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (mask) return at + (size_t)__builtin_ctz(mask);
    }
#endif
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; size - at >= 8; at += 8) {
        uint64_t x;
        memcpy(&x, text + at, 8);
        uint64_t special = ag_scan_special8(x);
        if (special) return at + (size_t)__builtin_ctzll(special) / 8;
    }
#endif
    return at + ag_scan_plain_slow(text + at, size - at);
}

/* The length (1 to 4) of the UTF-8 sequence at `text`; 0 when there is none, with *bad the bytes to skip: the longest
 * beginning of a sequence that stands there, at least 1. `size` > 0. */
size_t ag_scan_utf8(const char *text, size_t size, size_t *bad);

/* A decimal number as it was read: digits * 10^exponent, unless `truncated` (there were more digits, not all zero). */
typedef struct ag_decimal {
    uint64_t digits;
    int64_t exponent;
    bool negative;
    bool truncated;
} ag_decimal;

/* Adds the digits at `at` (up to the first byte that is none) and returns where they end. */
static inline const char *ag_decimal_scan(ag_decimal *decimal, const char *at, bool fraction)
{
    for (; *at >= '0' && *at <= '9'; at++) {
        if (decimal->digits <= (UINT64_MAX - 9) / 10) {
            decimal->digits = decimal->digits * 10 + (uint64_t)(*at - '0');
            decimal->exponent -= fraction;
        } else {
            decimal->truncated |= *at != '0';
            decimal->exponent += !fraction;
        }
    }
    return at;
}

/* The nearest double (ties to even) when it can be had with exact arithmetic: up to 19 digits and exponents from -19 to
 * 19, or up to 2^53 and -22 to 22. False otherwise: the caller asks the C library. */
bool ag_decimal_exact(const ag_decimal *decimal, double *out);

/* The same for any decimal text (JSON's notation, also ".5" and "5."), by the C library, in the C locale: `text` must
 * be followed by a byte that cannot go on with a number. False when it does not end at `end` or is too large. */
bool ag_decimal_library(const char *text, const char *end, double *out);
