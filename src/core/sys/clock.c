// SPDX-License-Identifier: Apache-2.0
/* clock.c: reading the clocks, and the arithmetic between instants and calendar dates. Pure functions of their
 * arguments but for the three that ask the system. The calendar is proleptic Gregorian and computed by eras of 400
 * years from the first of March, which needs neither tables nor loops. Every int64 instant has a date; a date beyond
 * the instants gives the nearest one. */
#include "core/sys/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define DAY_SECONDS INT64_C(86400)

static int64_t read_clock(clockid_t which)
{
    struct timespec now;
    clock_gettime(which, &now);
    return (int64_t)now.tv_sec * AG_SECOND + now.tv_nsec / 1000;
}

int64_t ag_now(void)
{
    const char *pinned = getenv("AUGER_NOW");
    int64_t instant;
    if (pinned && ag_instant_parse(ag_str_of(pinned), &instant, NULL) == AG_OK) return instant;
    return read_clock(CLOCK_REALTIME);
}

int64_t ag_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void ag_sleep(int64_t microseconds)
{
    if (microseconds <= 0) return;
    int64_t now = ag_monotonic();
    int64_t until = microseconds > INT64_MAX - now ? INT64_MAX : now + microseconds;
    struct timespec when = {.tv_sec = (time_t)(until / AG_SECOND), .tv_nsec = (until % AG_SECOND) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL) == EINTR) continue;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    year += floor_div(month - 1, 12);
    month = month - 1 - floor_div(month - 1, 12) * 12; /* from 0 */
    if (month < 2) year--;
    int64_t era = floor_div(year, 400);
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((month + 10) % 12) + 2) / 5 + day - 1; /* from the first of March */
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

ag_date ag_date_utc(int64_t instant)
{
    int64_t seconds = floor_div(instant, AG_SECOND);
    int64_t days = floor_div(seconds, DAY_SECONDS);
    int64_t second = seconds - days * DAY_SECONDS;
    days += 719468;
    int64_t era = floor_div(days, 146097);
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153; /* from March */
    ag_date date = {.day = (int8_t)(of_year - (153 * month + 2) / 5 + 1),
                    .month = (int8_t)(month < 10 ? month + 3 : month - 9),
                    .hour = (int8_t)(second / 3600),
                    .minute = (int8_t)(second / 60 % 60),
                    .second = (int8_t)(second % 60),
                    .microsecond = (int32_t)((instant % AG_SECOND + AG_SECOND) % AG_SECOND)};
    date.year = (int32_t)(year + era * 400 + (date.month <= 2));
    return date;
}

int64_t ag_date_instant(const ag_date *date)
{
    int64_t second = date->second > 59 ? 59 : date->second;
    int64_t seconds = days_of(date->year, date->month, date->day) * DAY_SECONDS + date->hour * INT64_C(3600) +
                      date->minute * INT64_C(60) + second - date->offset_minutes * INT64_C(60);
    int64_t part = date->microsecond;
    if (seconds < 0 && part > 0) { /* so that the earliest instants do not overflow on the way */
        seconds++;
        part -= AG_SECOND;
    }
    int64_t instant;
    if (__builtin_mul_overflow(seconds, AG_SECOND, &instant) || __builtin_add_overflow(instant, part, &instant))
        return seconds < 0 ? INT64_MIN : INT64_MAX;
    return instant;
}

int ag_date_weekday(const ag_date *date)
{
    int64_t days = days_of(date->year, date->month, date->day) + 3; /* 1970-01-01 was a Thursday */
    return (int)(days - floor_div(days, 7) * 7);
}
