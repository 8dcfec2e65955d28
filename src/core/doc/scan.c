// SPDX-License-Identifier: Apache-2.0
/* scan.c: UTF-8 sequences and exact decimals.
 * A decimal becomes a double without the C library where that is exact by construction. First, when digits and power of
 * ten are both doubles without error, one multiplication or division rounds once and so correctly. Second, the power is
 * an integer of at most 64 bits: the 128-bit product, or the quotient of the digits shifted to 127 bits with the
 * remainder as a sticky bit, is rounded to 53 bits by hand. That covers what programs print; the rest (long tails,
 * extreme exponents, subnormals) is rare and goes to strtod. No tables of 128-bit powers for that reason. */
#include "core/doc/scan.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

__extension__ typedef unsigned __int128 wide;

static bool continues(const char *text, size_t size, size_t at)
{
    return at < size && ((unsigned char)text[at] & 0xC0) == 0x80;
}

size_t ag_scan_utf8(const char *text, size_t size, size_t *bad)
{
    unsigned char c = (unsigned char)text[0];
    *bad = 1;
    if (c < 0x80) return 1;
    if (c < 0xC2 || c > 0xF4) return 0;
    if (!continues(text, size, 1)) return 0;
    if (c < 0xE0) return 2;
    /* The second byte rules out long forms, surrogates and what lies above U+10FFFF. */
    unsigned char d = (unsigned char)text[1];
    if ((c == 0xE0 && d < 0xA0) || (c == 0xED && d > 0x9F) || (c == 0xF0 && d < 0x90) || (c == 0xF4 && d > 0x8F))
        return 0;
    *bad = 2;
    if (!continues(text, size, 2)) return 0;
    if (c < 0xF0) return 3;
    *bad = 3;
    return continues(text, size, 3) ? 4 : 0;
}

static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static uint64_t integer_power(int64_t exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0) power *= 10;
    return power;
}

static int leading_zeros(wide value)
{
    uint64_t high = (uint64_t)(value >> 64);
    return high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)value);
}

/* 2^exponent for the small exponents that occur here; never subnormal. */
static double two_to(int exponent)
{
    uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* value * 2^exponent to 53 bits, ties to even; `sticky`: a little more than that. value > 0. */
static double round_wide(wide value, bool sticky, int exponent)
{
    int shift = 128 - leading_zeros(value) - 53;
    if (shift <= 0) return (double)(uint64_t)value * two_to(exponent);
    uint64_t top = (uint64_t)(value >> shift);
    wide rest = value & (((wide)1 << shift) - 1), half = (wide)1 << (shift - 1);
    if (rest > half || (rest == half && (sticky || (top & 1)))) top++;
    return (double)top * two_to(shift + exponent);
}

bool ag_decimal_exact(const ag_decimal *decimal, double *out)
{
    uint64_t digits = decimal->digits;
    int64_t exponent = decimal->exponent;
    double value;
    if (decimal->truncated) return false;
    if (digits == 0) {
        value = 0.0;
    } else if (digits <= (UINT64_C(1) << 53) && exponent >= -22 && exponent <= 22) {
        value = exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    } else if (exponent >= 0 && exponent <= 19) {
        value = round_wide((wide)digits * integer_power(exponent), false, 0);
    } else if (exponent < 0 && exponent >= -19) {
        int shift = leading_zeros(digits) - 1; /* at least 63: the quotient then has 63 bits or more */
        uint64_t divisor = integer_power(-exponent);
        wide dividend = (wide)digits << shift;
        value = round_wide(dividend / divisor, dividend % divisor != 0, -shift);
    } else {
        return false;
    }
    *out = decimal->negative ? -value : value;
    return true;
}

bool ag_decimal_library(const char *text, const char *end, double *out)
{
    /* For "C" glibc hands out a constant: no allocation, and the host's locale may be any. */
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) return false;
    char *stop = NULL;
    double value = strtod_l(text, &stop, c_locale);
    freelocale(c_locale);
    if (stop != end || !isfinite(value)) return false;
    *out = value;
    return true;
}
