// SPDX-License-Identifier: Apache-2.0
/* instant.c: instants and durations as text. Written by hand, not with printf, because logs and tables print many, and
 * because no locale may change them. Years outside 0..9999 carry a sign and six digits, and are read back so. */
#include <string.h>

#include "core/sys/clock.h"

/* Writes `value` with at least `width` digits; returns the end. */
static char *put_digits(char *at, uint64_t value, int width)
{
    char digits[20];
    int count = 0;
    do digits[count++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (count < width) digits[count++] = '0';
    while (count > 0) *at++ = digits[--count];
    return at;
}

static char *put_pair(char *at, char before, int value)
{
    *at++ = before;
    return put_digits(at, (uint64_t)value, 2);
}

void ag_instant_format(int64_t instant, int digits, char out[40])
{
    ag_date date = ag_date_utc(instant);
    char *at = out;
    bool plain = date.year >= 0 && date.year <= 9999;
    if (!plain) *at++ = date.year < 0 ? '-' : '+';
    at = put_digits(at, (uint64_t)(date.year < 0 ? -(int64_t)date.year : date.year), plain ? 4 : 6);
    at = put_pair(at, '-', date.month);
    at = put_pair(at, '-', date.day);
    at = put_pair(at, 'T', date.hour);
    at = put_pair(at, ':', date.minute);
    at = put_pair(at, ':', date.second);
    if (digits > 0) {
        *at++ = '.';
        at = digits <= 3 ? put_digits(at, (uint64_t)date.microsecond / 1000, 3)
                         : put_digits(at, (uint64_t)date.microsecond, 6);
    }
    *at++ = 'Z';
    *at = '\0';
}

typedef struct cursor {
    ag_str text;
    size_t at;
} cursor;

static bool take(cursor *in, char c)
{
    if (in->at >= in->text.size || in->text.data[in->at] != c) return false;
    in->at++;
    return true;
}

static bool peek_digit(const cursor *in)
{
    return in->at < in->text.size && in->text.data[in->at] >= '0' && in->text.data[in->at] <= '9';
}

/* Exactly `count` digits with a value within limits. */
static bool take_number(cursor *in, int count, int32_t least, int32_t most, int32_t *out)
{
    int32_t value = 0;
    for (int i = 0; i < count; i++) {
        if (!peek_digit(in)) return false;
        value = value * 10 + (in->text.data[in->at++] - '0');
    }
    *out = value;
    return value >= least && value <= most;
}

static bool take_date(cursor *in, ag_date *date)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int32_t year, month, day;
    bool minus = take(in, '-');
    bool wide = minus || take(in, '+');
    if (!take_number(in, wide ? 6 : 4, 0, 999999, &year) || !take(in, '-')) return false;
    if (!take_number(in, 2, 1, 12, &month) || !take(in, '-') || !take_number(in, 2, 1, 31, &day)) return false;
    if (minus) year = -year;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > days[month - 1] + (month == 2 && leap)) return false;
    date->year = year;
    date->month = (int8_t)month;
    date->day = (int8_t)day;
    return true;
}

static bool take_time(cursor *in, ag_date *date)
{
    int32_t hour, minute, second = 0;
    if (!take_number(in, 2, 0, 23, &hour) || !take(in, ':') || !take_number(in, 2, 0, 59, &minute)) return false;
    if (take(in, ':')) {
        if (!take_number(in, 2, 0, 60, &second)) return false;
        if (take(in, '.')) {
            if (!peek_digit(in)) return false;
            for (int32_t unit = 100000; peek_digit(in); unit /= 10, in->at++)
                date->microsecond += (in->text.data[in->at] - '0') * unit;
        }
    }
    date->hour = (int8_t)hour;
    date->minute = (int8_t)minute;
    date->second = (int8_t)(second > 59 ? 59 : second);
    return true;
}

/* "Z", "+01:00", "+0100", "+01" or nothing. */
static bool take_offset(cursor *in, ag_date *date)
{
    if (take(in, 'Z') || take(in, 'z')) return true;
    bool minus = take(in, '-');
    if (!minus && !take(in, '+')) return true;
    int32_t hours, minutes = 0;
    if (!take_number(in, 2, 0, 23, &hours)) return false;
    if ((take(in, ':') || peek_digit(in)) && !take_number(in, 2, 0, 59, &minutes)) return false;
    date->offset_minutes = (hours * 60 + minutes) * (minus ? -1 : 1);
    return true;
}

int ag_instant_parse(ag_str text, int64_t *out, ag_err *err)
{
    cursor in = {.text = text};
    ag_date date = {0};
    bool good = take_date(&in, &date);
    if (good && in.at < text.size)
        good = (take(&in, 'T') || take(&in, 't') || take(&in, ' ')) && take_time(&in, &date) && take_offset(&in, &date);
    if (!good || in.at != text.size) {
        ag_fail(err, AG_EPARSE, "'%.*s' is not a time (character %zu)", (int)(text.size < 80 ? text.size : 80),
                text.data ? text.data : "", in.at + 1);
        return err ? ag_err_hint(err, "write it as 2026-11-21T09:30:00Z, or the date alone") : AG_EPARSE;
    }
    int64_t instant = ag_date_instant(&date);
    if (instant == INT64_MAX || instant == INT64_MIN)
        return ag_fail(err, AG_EPARSE, "the year of '%.*s' is out of range", AG_STR_ARG(text));
    *out = instant;
    return AG_OK;
}

static char *put_unit(char *at, const char *unit)
{
    size_t size = strlen(unit);
    memcpy(at, unit, size);
    return at + size;
}

/* Two units at most, the second with two digits, so that a changing duration keeps its width. */
void ag_duration_format(int64_t duration, char out[32])
{
    static const struct {
        uint64_t from, large, small, modulus; /* of microseconds; small 0: one unit is enough */
        const char *large_name, *small_name;
    } scale[] = {
        {86400000000, 86400000000, 3600000000, 24, " d ", " h"},
        {3600000000, 3600000000, 60000000, 60, " h ", " min"},
        {60000000, 60000000, 1000000, 60, " min ", " s"},
        {1000000, 1000000, 0, 0, " s", ""},
        {1000, 1000, 0, 0, " ms", ""},
        {1, 1, 0, 0, " us", ""},
        {0, 1, 0, 0, " s", ""},
    };
    uint64_t left = duration < 0 ? 0 - (uint64_t)duration : (uint64_t)duration;
    size_t i = 0;
    while (left < scale[i].from) i++;
    char *at = out;
    if (duration < 0) *at++ = '-';
    at = put_unit(put_digits(at, left / scale[i].large, 1), scale[i].large_name);
    if (scale[i].small) at = put_unit(put_digits(at, left / scale[i].small % scale[i].modulus, 2), scale[i].small_name);
    *at = '\0';
}
