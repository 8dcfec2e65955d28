// SPDX-License-Identifier: Apache-2.0
/* fields.c: header values: ranges, codings, tags, dates, credentials, hosts. Each takes hostile text and answers with
 * the harmless reading when it makes no sense of it. */
#include "app/server/fields.h"

#include "core/hash/encode.h"
#include "core/sys/clock.h"

/* Digits only: ag_str_to_uint() also takes a sign. */
static bool to_number(ag_str text, uint64_t *out)
{
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] < '0' || text.data[i] > '9') return false;
    return ag_str_to_uint(text, out);
}

/* ---- ranges, codings, tags ---- */

ag_range_kind ag_range_parse(ag_str value, uint64_t size, uint64_t *offset, uint64_t *count)
{
    if (!ag_str_starts(value, AG_STR("bytes="))) return AG_RANGE_WHOLE;
    value = ag_str_trim(ag_str_slice(value, 6, value.size));
    size_t dash = ag_str_find_char(value, '-', 0);
    if (dash == SIZE_MAX || ag_str_find_char(value, ',', 0) != SIZE_MAX) return AG_RANGE_WHOLE;
    ag_str from = ag_str_slice(value, 0, dash), to = ag_str_slice(value, dash + 1, value.size);
    uint64_t first = 0, last = UINT64_MAX;
    if (from.size == 0) { /* "-n": the last n */
        if (!to_number(to, &last)) return AG_RANGE_WHOLE;
        if (last == 0 || size == 0) return AG_RANGE_OUTSIDE;
        *count = last < size ? last : size;
        *offset = size - *count;
        return AG_RANGE_PART;
    }
    if (!to_number(from, &first)) return AG_RANGE_WHOLE;
    if (to.size && (!to_number(to, &last) || last < first)) return AG_RANGE_WHOLE;
    if (first >= size) return AG_RANGE_OUTSIDE;
    *offset = first;
    *count = (last < size ? last + 1 : size) - first;
    return AG_RANGE_PART;
}

/* The q of "gzip;q=0.5" is not zero. */
static bool wanted(ag_str parameters)
{
    ag_str part;
    while (ag_str_next(&parameters, ';', &part)) {
        part = ag_str_trim(part);
        double q;
        if (part.size > 2 && (part.data[0] == 'q' || part.data[0] == 'Q') && part.data[1] == '=')
            return ag_str_to_double(ag_str_slice(part, 2, part.size), &q) && q > 0;
    }
    return true;
}

bool ag_accepts_coding(ag_str value, const char *coding)
{
    ag_str part;
    bool any = false;
    if (!value.data) return false;
    while (ag_str_next(&value, ',', &part)) {
        ag_str name = ag_str_trim(part), parameters = {"", 0};
        size_t mark = ag_str_find_char(name, ';', 0);
        if (mark != SIZE_MAX) {
            parameters = ag_str_slice(name, mark + 1, name.size);
            name = ag_str_trim(ag_str_slice(name, 0, mark));
        }
        if (ag_str_equal_nocase(name, ag_str_of(coding))) return wanted(parameters);
        if (ag_str_is(name, "*")) any = wanted(parameters);
    }
    return any;
}

bool ag_etag_matches(ag_str value, const char *etag, bool weakly)
{
    ag_str part;
    if (!value.data || !etag) return false;
    if (ag_str_is(ag_str_trim(value), "*")) return true;
    while (ag_str_next(&value, ',', &part)) {
        part = ag_str_trim(part);
        if (ag_str_starts(part, AG_STR("W/"))) {
            if (!weakly) continue;
            part = ag_str_slice(part, 2, part.size);
        }
        if (ag_str_is(part, etag)) return true;
    }
    return false;
}

/* ---- dates ---- */

static const char days[7][4] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void ag_http_date_format(int64_t instant, char out[32])
{
    ag_date date = ag_date_utc(instant);
    ag_format(out, 32, "%s, %02d %s %04d %02d:%02d:%02d GMT", days[ag_date_weekday(&date)], date.day,
              months[date.month - 1], date.year, date.hour, date.minute, date.second);
}

static bool two_digits(ag_str value, size_t at, int8_t *out)
{
    int64_t number;
    if (!ag_str_to_int(ag_str_slice(value, at, 2), &number) || number < 0) return false;
    *out = (int8_t)number;
    return true;
}

bool ag_http_date_parse(ag_str value, int64_t *out)
{
    if (value.size != 29 || !ag_str_ends(value, AG_STR(" GMT"))) return false;
    ag_date date = {0};
    int64_t year;
    for (int8_t i = 0; i < 12; i++)
        if (ag_str_is(ag_str_slice(value, 8, 3), months[i])) date.month = (int8_t)(i + 1);
    if (!date.month || !two_digits(value, 5, &date.day) || !two_digits(value, 17, &date.hour)) return false;
    if (!two_digits(value, 20, &date.minute) || !two_digits(value, 23, &date.second)) return false;
    if (!ag_str_to_int(ag_str_slice(value, 12, 4), &year) || year < 1601) return false;
    if (date.day < 1 || date.day > 31 || date.hour > 23 || date.minute > 59 || date.second > 60) return false;
    date.year = (int32_t)year;
    *out = ag_date_instant(&date);
    return true;
}

/* ---- credentials ---- */

ag_scheme ag_authorization_parse(ag_str value, ag_arena *arena, ag_str *name, ag_str *secret)
{
    if (!value.data) return AG_SCHEME_NONE;
    size_t blank = ag_str_find_char(value, ' ', 0);
    if (blank == SIZE_MAX) return AG_SCHEME_OTHER;
    ag_str scheme = ag_str_slice(value, 0, blank), rest = ag_str_trim(ag_str_slice(value, blank, value.size));
    if (rest.size == 0) return AG_SCHEME_OTHER;
    if (ag_str_equal_nocase(scheme, AG_STR("bearer"))) {
        *secret = rest;
        return AG_SCHEME_BEARER;
    }
    if (!ag_str_equal_nocase(scheme, AG_STR("basic"))) return AG_SCHEME_OTHER;
    ag_buf plain;
    ag_buf_init(&plain, 4096);
    ag_scheme result = AG_SCHEME_OTHER;
    size_t colon = SIZE_MAX;
    if (ag_unbase64(rest, &plain, NULL) == AG_OK) colon = ag_str_find_char(ag_buf_str(&plain), ':', 0);
    char *text = colon == SIZE_MAX ? NULL : ag_arena_strndup(arena, plain.data, plain.size);
    if (text) {
        *name = (ag_str){text, colon};
        *secret = (ag_str){text + colon + 1, plain.size - colon - 1};
        bool clean = ag_utf8_valid(*name) && ag_utf8_valid(*secret) && !memchr(text, 0, plain.size);
        result = clean ? AG_SCHEME_BASIC : AG_SCHEME_OTHER;
    }
    ag_buf_deinit(&plain);
    return result;
}

/* ---- hosts ---- */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool ag_pattern_matches(ag_str pattern, ag_str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, from = 0;
    while (t < text.size) {
        if (p < pattern.size && pattern.data[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.size && lower(pattern.data[p]) == lower(text.data[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.size && pattern.data[p] == '*') p++;
    return p == pattern.size;
}

/* "a:80" gives "a", "[::1]:80" gives "[::1]"; the port's digits are checked. */
static ag_str without_port(ag_str host)
{
    size_t end = host.size;
    while (end > 0 && host.data[end - 1] >= '0' && host.data[end - 1] <= '9') end--;
    if (end == 0 || host.data[end - 1] != ':' || end == host.size) return host;
    ag_str name = ag_str_slice(host, 0, end - 1);
    bool plain = ag_str_find_char(name, ':', 0) == SIZE_MAX;
    return plain || (name.size && name.data[0] == '[' && name.data[name.size - 1] == ']') ? name : host;
}

bool ag_host_matches(ag_str host, const char *const *patterns)
{
    ag_str name = without_port(host);
    for (size_t i = 0; patterns && patterns[i]; i++) {
        ag_str pattern = ag_str_of(patterns[i]);
        if (ag_pattern_matches(pattern, host) || ag_pattern_matches(pattern, name)) return true;
    }
    return false;
}

/* Four numbers; names like "10.evil.com" are none. */
static bool parse_ipv4(ag_str name, uint8_t out[4])
{
    ag_str part;
    int count = 0;
    while (ag_str_next(&name, '.', &part)) {
        uint64_t number;
        if (count == 4 || part.size > 3 || !to_number(part, &number) || number > 255) return false;
        out[count++] = (uint8_t)number;
    }
    return count == 4;
}

bool ag_host_is_loopback(ag_str host)
{
    ag_str name = without_port(host);
    uint8_t number[4];
    if (name.data && parse_ipv4(name, number)) return number[0] == 127;
    return ag_str_equal_nocase(name, AG_STR("localhost")) || ag_str_is(name, "[::1]") || ag_str_is(host, "::1");
}

bool ag_host_is_near(ag_str host)
{
    if (ag_host_is_loopback(host)) return true;
    uint8_t number[4];
    ag_str name = without_port(host);
    if (!name.data || !parse_ipv4(name, number)) return ag_str_is(name, "[::]");
    return number[0] == 10 || (number[0] == 172 && number[1] >= 16 && number[1] <= 31) ||
           (number[0] == 192 && number[1] == 168) || ag_str_is(name, "0.0.0.0");
}
