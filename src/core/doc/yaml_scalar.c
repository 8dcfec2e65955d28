// SPDX-License-Identifier: Apache-2.0
/* yaml_scalar.c: the core schema. null ~ true false, decimal, 0o and 0x integers, decimals with point or exponent, .inf
 * and .nan; nothing else. Of YAML 1.1 no octal "010", no "1_000", no "12:30:00", no yes/no: those are strings (or, for
 * 010, ten), as 1.2 says. The writer is stricter than the reader, so that 1.1 readers agree with us. */
#include "core/doc/yaml_scalar.h"

#include <math.h>

#include "core/doc/scan.h"

static bool is_one_of(ag_str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ag_str_is(text, words[i])) return true;
    return false;
}

#define IS_ONE_OF(text, words) is_one_of((text), (words), sizeof(words) / sizeof *(words))

static bool resolve_word(ag_str text, ag_value *out)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
    static const char *const trues[] = {"true", "True", "TRUE"};
    static const char *const falses[] = {"false", "False", "FALSE"};
    static const char *const infinities[] = {".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"};
    static const char *const negatives[] = {"-.inf", "-.Inf", "-.INF"};
    static const char *const nans[] = {".nan", ".NaN", ".NAN"};
    if (IS_ONE_OF(text, nulls)) {
        out->kind = AG_NULL;
    } else if (IS_ONE_OF(text, trues) || IS_ONE_OF(text, falses)) {
        out->kind = AG_BOOL;
        out->boolean = text.data[0] == 't' || text.data[0] == 'T';
    } else if (IS_ONE_OF(text, infinities) || IS_ONE_OF(text, negatives)) {
        out->kind = AG_REAL;
        out->real = text.data[0] == '-' ? -INFINITY : INFINITY;
    } else if (IS_ONE_OF(text, nans)) {
        out->kind = AG_REAL;
        out->real = NAN;
    } else {
        return false;
    }
    return true;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return 99;
}

/* 0o17 and 0x1F. What does not fit an int64 becomes a real, as long decimals do. */
static bool resolve_radix(ag_str text, ag_value *out)
{
    if (text.size < 3 || text.data[0] != '0' || (text.data[1] != 'o' && text.data[1] != 'x')) return false;
    int radix = text.data[1] == 'o' ? 8 : 16;
    double real = 0.0;
    uint64_t integer = 0;
    for (size_t i = 2; i < text.size; i++) {
        int digit = digit_of(text.data[i]);
        if (digit >= radix) return false;
        real = real * radix + digit;
        if (integer <= INT64_MAX) integer = integer * (uint64_t)radix + (uint64_t)digit;
    }
    if (integer <= INT64_MAX) {
        out->kind = AG_INT;
        out->integer = (int64_t)integer;
    } else {
        out->kind = AG_REAL;
        out->real = real;
    }
    return true;
}

/* [-+]? (digits [. digits?] | . digits) ([eE] [-+]? digits)?; the end of the number, or NULL when it is none. */
static const char *scan_decimal(const char *at, ag_decimal *decimal, bool *whole)
{
    decimal->negative = *at == '-';
    if (*at == '-' || *at == '+') at++;
    const char *digits = at;
    at = ag_decimal_scan(decimal, at, false);
    size_t count = (size_t)(at - digits);
    *whole = true;
    if (*at == '.') {
        digits = ++at;
        at = ag_decimal_scan(decimal, at, true);
        count += (size_t)(at - digits);
        *whole = false;
    }
    if (count == 0) return NULL;
    if (*at == 'e' || *at == 'E') {
        int64_t exponent = 0;
        at++;
        bool negative = *at == '-';
        if (*at == '-' || *at == '+') at++;
        if (*at < '0' || *at > '9') return NULL;
        for (; *at >= '0' && *at <= '9'; at++)
            if (exponent < 1000000) exponent = exponent * 10 + (*at - '0');
        decimal->exponent += negative ? -exponent : exponent;
        *whole = false;
    }
    return at;
}

bool ag_yaml_resolve(ag_str text, ag_value *out)
{
    ag_decimal decimal = {0};
    bool whole;
    out->kind = AG_STRING;
    if (resolve_word(text, out) || resolve_radix(text, out)) return true;
    out->kind = AG_STRING;
    if (scan_decimal(text.data, &decimal, &whole) != text.data + text.size) return true;
    if (whole && !decimal.truncated && decimal.exponent == 0 &&
        decimal.digits <= (uint64_t)INT64_MAX + decimal.negative) {
        out->kind = AG_INT;
        out->integer = (int64_t)(decimal.negative ? 0 - decimal.digits : decimal.digits);
        return true;
    }
    out->kind = AG_REAL;
    return ag_decimal_exact(&decimal, &out->real) || ag_decimal_library(text.data, text.data + text.size, &out->real);
}

static bool is_word_byte(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '/') return true;
    return !first && ((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == ' ' || c == '@' || c == '=' ||
                      c == '(' || c == ')' || c == ';');
}

bool ag_yaml_needs_quotes(ag_str text)
{
    static const char *const reserved[] = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"};
    if (text.size == 0 || text.size > 1000 || text.data[text.size - 1] == ' ') return true;
    for (size_t i = 0; i < text.size; i++)
        if (!is_word_byte(text.data[i], i == 0)) return true;
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (ag_str_equal_nocase(text, ag_str_of(reserved[i]))) return true;
    return false;
}
