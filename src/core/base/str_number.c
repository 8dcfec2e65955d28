// SPDX-License-Identifier: Apache-2.0
/* str_number.c: text to numbers and back. Locale-independent: the process never sets one for numbers, and a decimal
 * point is checked before strtod sees the text. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/str.h"

static bool digits_to_uint(ag_str text, uint64_t *out)
{
    if (text.size == 0) return false;
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)(text.data[i] - '0');
        if (digit > 9 || __builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, digit, &value)) {
            return false;
        }
    }
    *out = value;
    return true;
}

bool ag_str_to_uint(ag_str text, uint64_t *out)
{
    return digits_to_uint(text, out);
}

bool ag_str_to_int(ag_str text, int64_t *out)
{
    bool negative = text.size && text.data[0] == '-';
    if (text.size && (negative || text.data[0] == '+')) text = ag_str_slice(text, 1, SIZE_MAX);
    uint64_t size;
    if (!digits_to_uint(text, &size) || size > (uint64_t)INT64_MAX + negative) return false;
    *out = negative ? (int64_t)(0 - size) : (int64_t)size;
    return true;
}

static bool is_word(ag_str text, double *out)
{
    bool negative = text.size && text.data[0] == '-';
    if (text.size && (negative || text.data[0] == '+')) text = ag_str_slice(text, 1, SIZE_MAX);
    if (ag_str_equal_nocase(text, AG_STR("nan"))) {
        *out = NAN;
    } else if (ag_str_equal_nocase(text, AG_STR("inf")) || ag_str_equal_nocase(text, AG_STR("infinity"))) {
        *out = negative ? -INFINITY : INFINITY;
    } else {
        return false;
    }
    return true;
}

/* [sign] digits [. digits] [e [sign] digits], with a digit on at least one side of the point. */
static bool is_decimal(ag_str text)
{
    size_t i = 0, digits = 0;
    if (i < text.size && (text.data[i] == '-' || text.data[i] == '+')) i++;
    for (; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) digits++;
    if (i < text.size && text.data[i] == '.') {
        for (i++; i < text.size && text.data[i] >= '0' && text.data[i] <= '9'; i++) digits++;
    }
    if (digits == 0) return false;
    if (i < text.size && (text.data[i] == 'e' || text.data[i] == 'E')) {
        i++;
        if (i < text.size && (text.data[i] == '-' || text.data[i] == '+')) i++;
        size_t before = i;
        while (i < text.size && text.data[i] >= '0' && text.data[i] <= '9') i++;
        if (i == before) return false;
    }
    return i == text.size;
}

bool ag_str_to_double(ag_str text, double *out)
{
    if (is_word(text, out)) return true;
    char copy[512]; /* longer than any number that is meant; strtod needs a NUL */
    if (text.size >= sizeof(copy) || !is_decimal(text)) return false;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    double value = strtod(copy, NULL);
    if (isinf(value)) return false;
    *out = value;
    return true;
}

typedef struct unit {
    const char *name;
    uint64_t scale;
} unit;

/* Splits "12.5MB" or "12.5 MB" into the number and the scale of its unit. */
static bool number_with_unit(ag_str text, const unit *units, size_t count, double *number, uint64_t *scale)
{
    size_t digits = 0;
    while (digits < text.size && ((text.data[digits] >= '0' && text.data[digits] <= '9') || text.data[digits] == '.')) {
        digits++;
    }
    if (!ag_str_to_double(ag_str_slice(text, 0, digits), number)) return false;
    size_t blanks = digits;
    while (blanks < text.size && text.data[blanks] == ' ') blanks++;
    if (blanks > digits && blanks == text.size) return false;
    ag_str name = ag_str_slice(text, blanks, SIZE_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!ag_str_equal_nocase(name, ag_str_of(units[i].name))) continue;
        *scale = units[i].scale;
        return true;
    }
    return false;
}

bool ag_str_to_bytes(ag_str text, uint64_t *out)
{
    static const unit units[] = {
        {"", 1},
        {"B", 1},
        {"k", 1ull << 10},
        {"kB", 1ull << 10},
        {"KiB", 1ull << 10},
        {"M", 1ull << 20},
        {"MB", 1ull << 20},
        {"MiB", 1ull << 20},
        {"G", 1ull << 30},
        {"GB", 1ull << 30},
        {"GiB", 1ull << 30},
        {"T", 1ull << 40},
        {"TB", 1ull << 40},
        {"TiB", 1ull << 40},
    };
    double number;
    uint64_t scale;
    if (ag_str_to_uint(text, out)) return true;
    if (!number_with_unit(text, units, sizeof(units) / sizeof(units[0]), &number, &scale)) return false;
    double bytes = number * (double)scale;
    if (!(bytes < 18446744073709551616.0) || bytes != floor(bytes)) return false;
    *out = (uint64_t)bytes;
    return true;
}

bool ag_str_to_duration(ag_str text, int64_t *out)
{
    static const unit units[] = {
        {"", 1000000},   {"us", 1},         {"ms", 1000},         {"s", 1000000},
        {"m", 60000000}, {"min", 60000000}, {"h", 3600000000ull}, {"d", 86400000000ull},
    };
    double number;
    uint64_t scale;
    if (!number_with_unit(text, units, sizeof(units) / sizeof(units[0]), &number, &scale)) return false;
    double microseconds = number * (double)scale;
    if (!(microseconds < 9.2e18)) return false;
    *out = (int64_t)llround(microseconds);
    return true;
}

/* The decimals that people write, without the C library's big numbers: the least number of places at which an integer
 * of at most 15 digits, divided by the power of ten, is the value again. That division rounds once, as reading does,
 * and 15 digits are unambiguous, so the text is the one that "%.15g" would give. 0: not such a number. */
static int short_decimal(double value, char *out)
{
    double magnitude = fabs(value);
    uint64_t power = 1; /* up to 10^18, which is exact as a double too */
    if (!(magnitude >= 1e-4 && magnitude < 1e15)) return 0;
    for (int places = 0; places <= 18; places++, power *= 10) {
        double scaled = nearbyint(magnitude * (double)power);
        if (scaled >= 1e15) return 0;
        if (scaled / (double)power != magnitude) continue;
        int64_t whole = (int64_t)scaled, scale = (int64_t)power;
        int length = snprintf(out, 32, "%s%lld", value < 0 ? "-" : "", (long long)(whole / scale));
        int64_t rest = whole % scale;
        out[length] = places ? '.' : '\0';
        for (int at = places; at > 0; at--, rest /= 10) out[length + at] = (char)('0' + rest % 10);
        if (places) length += places + 1;
        out[length] = '\0';
        return length;
    }
    return 0;
}

__extension__ typedef unsigned __int128 wide;

/* m * 10^places / 2^shift, to the nearest, ties to even. */
static uint64_t scaled_decimal(wide numerator, unsigned shift, uint64_t divisor)
{
    wide whole = (wide)divisor << shift, quotient = numerator / whole, rest = numerator % whole;
    bool up = rest > whole - rest || (rest == whole - rest && (quotient & 1));
    return (uint64_t)quotient + up;
}

/* The rest of the numbers between 0.001 and 10^15, which have 16 or 17 digits, exactly and in 128 bits: a double there
 * is m / 2^shift, so that all 17 digits before the point are m * 10^places / 2^shift. 16 are enough when they lie
 * nearer to m than half a step of m. The text is that of "%.16g" or "%.17g". 0: not such a number. */
static int long_decimal(double value, char *out)
{
    int exponent, places = 17;
    double magnitude = fabs(value);
    uint64_t edge = 1, power = 100000000000000000u; /* 10^17 */
    if (!(magnitude >= 1e-3 && magnitude < 1e15)) return 0;
    for (; magnitude >= (double)edge; edge *= 10, places--) power /= 10; /* edges are exact up to 10^15 */
    places += (magnitude < 0.1) + (magnitude < 0.01);                    /* 0.00123: more places, at most 19 */
    uint64_t m = (uint64_t)ldexp(frexp(magnitude, &exponent), 53);
    unsigned shift = (unsigned)(53 - exponent);
    wide ten = places > 17 ? (wide)100000000000000000u * (places == 18 ? 10 : 100) : power, numerator = (wide)m * ten;
    uint64_t digits = scaled_decimal(numerator, shift, 10) * 10;
    wide there = (wide)digits << shift, off = there > numerator ? there - numerator : numerator - there;
    wide half = m == UINT64_C(1) << 52 ? ten / 4 : ten / 2; /* below a power of two the steps are half as long */
    if (off >= half) digits = scaled_decimal(numerator, shift, 1);
    for (; places && digits % 10 == 0; digits /= 10) places--;
    char text[24];
    int size = 0, length = 0;
    for (; digits || size <= places; digits /= 10) text[size++] = (char)('0' + digits % 10);
    if (value < 0) out[length++] = '-';
    for (; size; out[length++] = text[--size])
        if (size == places) out[length++] = '.';
    out[length] = '\0';
    return length;
}

size_t ag_double_format(double value, char out[32])
{
    if (isnan(value)) return (size_t)snprintf(out, 32, "nan");
    if (isinf(value)) return (size_t)snprintf(out, 32, value < 0 ? "-inf" : "inf");
    if (value == floor(value) && fabs(value) < 1e15) {
        return (size_t)snprintf(out, 32, "%s%.0f", value == 0 && signbit(value) ? "-" : "",
                                fabs(value) == 0 ? 0.0 : value);
    }
    int size = short_decimal(value, out);
    if (!size) size = long_decimal(value, out);
    if (size) return (size_t)size;
    for (int digits = 15; digits <= 17; digits++) { /* 15 always survive the way there and back, 17 always suffice */
        size = snprintf(out, 32, "%.*g", digits, value);
        if (strtod(out, NULL) == value) break;
    }
    return (size_t)size;
}
