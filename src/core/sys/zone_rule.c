// SPDX-License-Identifier: Apache-2.0
/* zone_rule.c: the POSIX TZ rule (with RFC 8536's extension: times from -167 to 167 hours). At an instant, the changes
 * of the year before, this year and the next are computed and the last one that has passed decides; so rules whose
 * summer crosses the new year, is negative (Ireland) or lasts all year need no case of their own. */
#include <string.h>

#include "core/sys/zone_data.h"

#define DAY 86400

typedef struct cursor {
    ag_str text;
    size_t at;
} cursor;

static char peek(const cursor *in)
{
    return in->at < in->text.size ? in->text.data[in->at] : '\0';
}

static bool take(cursor *in, char c)
{
    if (c == '\0' || peek(in) != c) return false;
    in->at++;
    return true;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "CET" or "<+03>"; three characters at least, 31 at most. */
static bool take_name(cursor *in)
{
    size_t from = in->at;
    if (take(in, '<')) {
        while (is_letter(peek(in)) || is_digit(peek(in)) || peek(in) == '+' || peek(in) == '-') in->at++;
        return in->at - from >= 4 && in->at - from <= 32 && take(in, '>');
    }
    while (is_letter(peek(in))) in->at++;
    return in->at - from >= 3 && in->at - from <= 31;
}

static bool take_number(cursor *in, int32_t least, int32_t most, int32_t *out)
{
    int32_t value = 0;
    size_t from = in->at;
    while (is_digit(peek(in)) && in->at - from < 4) value = value * 10 + (in->text.data[in->at++] - '0');
    *out = value;
    return in->at > from && value >= least && value <= most;
}

/* [+-]hh[:mm[:ss]] in seconds. */
static bool take_time(cursor *in, int32_t most_hours, int32_t *out)
{
    int32_t hours, minutes = 0, seconds = 0;
    bool minus = take(in, '-');
    if (!minus) take(in, '+');
    if (!take_number(in, 0, most_hours, &hours)) return false;
    if (take(in, ':')) {
        if (!take_number(in, 0, 59, &minutes)) return false;
        if (take(in, ':') && !take_number(in, 0, 59, &seconds)) return false;
    }
    *out = (hours * 3600 + minutes * 60 + seconds) * (minus ? -1 : 1);
    return true;
}

static bool take_day(cursor *in, ag_rule_day *day)
{
    *day = (ag_rule_day){.time = 2 * 3600};
    bool good;
    if (take(in, 'J')) {
        day->kind = AG_DAY_NO_LEAP;
        good = take_number(in, 1, 365, &day->day);
    } else if (take(in, 'M')) {
        day->kind = AG_DAY_OF_MONTH;
        good = take_number(in, 1, 12, &day->month) && take(in, '.') && take_number(in, 1, 5, &day->week) &&
               take(in, '.') && take_number(in, 0, 6, &day->day);
    } else {
        day->kind = AG_DAY_OF_YEAR;
        good = take_number(in, 0, 365, &day->day);
    }
    return good && (!take(in, '/') || take_time(in, 167, &day->time));
}

static bool take_rule(cursor *in, ag_zone_rule *rule)
{
    int32_t west;
    if (!take_name(in) || !take_time(in, 24, &west)) return false;
    *rule = (ag_zone_rule){.present = true, .standard = -west, .summer = -west + 3600};
    if (in->at == in->text.size) return true;
    rule->has_summer = true;
    if (!take_name(in)) return false;
    if (in->at < in->text.size && peek(in) != ',') {
        if (!take_time(in, 24, &west)) return false;
        rule->summer = -west;
    }
    if (in->at == in->text.size) { /* the usual default: the rule of the United States */
        rule->start = (ag_rule_day){AG_DAY_OF_MONTH, 3, 2, 0, 2 * 3600};
        rule->end = (ag_rule_day){AG_DAY_OF_MONTH, 11, 1, 0, 2 * 3600};
        return true;
    }
    return take(in, ',') && take_day(in, &rule->start) && take(in, ',') && take_day(in, &rule->end);
}

int ag_zone_rule_parse(ag_str text, ag_zone_rule *out, ag_err *err)
{
    cursor in = {.text = text};
    ag_zone_rule rule = {0};
    if (!take_rule(&in, &rule) || in.at != text.size)
        return ag_fail(err, AG_EPARSE, "a time zone rule is wrong at character %zu", in.at + 1);
    *out = rule;
    return AG_OK;
}

static int64_t day_number(int64_t year, int month, int day)
{
    ag_date date = {.year = (int32_t)year, .month = (int8_t)month, .day = (int8_t)day};
    return ag_date_instant(&date) / (DAY * AG_SECOND);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* The local time of a change in `year`, in seconds as if local time were UTC. */
static int64_t change_in(const ag_rule_day *rule, int64_t year)
{
    int64_t day = day_number(year, 1, 1);
    switch (rule->kind) {
    case AG_DAY_OF_YEAR: day += rule->day; break;
    case AG_DAY_NO_LEAP: day += rule->day - 1 + (is_leap(year) && rule->day > 59); break;
    case AG_DAY_OF_MONTH: {
        day = day_number(year, rule->month, 1);
        ag_date first = {.year = (int32_t)year, .month = (int8_t)rule->month, .day = 1};
        int64_t weekday = (ag_date_weekday(&first) + 1) % 7; /* from Sunday */
        int64_t next = rule->month == 12 ? day_number(year + 1, 1, 1) : day_number(year, rule->month + 1, 1);
        day += (rule->day - weekday + 7) % 7 + (rule->week - 1) * INT64_C(7);
        if (day >= next) day -= 7;
        break;
    }
    }
    return day * DAY + rule->time;
}

int32_t ag_zone_rule_offset(const ag_zone_rule *rule, int64_t seconds)
{
    if (!rule->has_summer) return rule->standard;
    /* Outside the range of instants the calendar cannot be asked; nobody can either. */
    if (seconds > INT64_MAX / AG_SECOND - 2 * 366 * DAY || seconds < INT64_MIN / AG_SECOND + 2 * 366 * DAY)
        return rule->standard;
    int64_t year = ag_date_utc((seconds + rule->standard) * AG_SECOND).year;
    int64_t latest = INT64_MIN;
    int32_t offset = rule->standard;
    for (int64_t at_year = year - 1; at_year <= year + 1; at_year++) {
        int64_t starts = change_in(&rule->start, at_year) - rule->standard;
        int64_t ends = change_in(&rule->end, at_year) - rule->summer;
        if (ends <= seconds && ends > latest) {
            latest = ends;
            offset = rule->standard;
        }
        if (starts <= seconds && starts >= latest) { /* at the same instant summer wins: it lasts all year */
            latest = starts;
            offset = rule->summer;
        }
    }
    return offset;
}
