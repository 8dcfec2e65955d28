// SPDX-License-Identifier: Apache-2.0
#pragma once
/* clock.h: time. Instants are microseconds since 1970-01-01T00:00:00Z (int64); durations are microseconds. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"

#define AG_SECOND INT64_C(1000000)

int64_t ag_now(void);       /* wall clock. $AUGER_NOW (an instant in ISO form) pins it, for reproducible outputs */
int64_t ag_monotonic(void); /* microseconds that never go back */
void ag_sleep(int64_t microseconds); /* whole, across signals; for one that can be cut short see ag_cancel_sleep() */

/* A calendar time in some zone, proleptic Gregorian. */
typedef struct ag_date {
    int32_t year;
    int8_t month, day;           /* from 1 */
    int8_t hour, minute, second; /* second 60 is read as 59 */
    int32_t microsecond;
    int32_t offset_minutes; /* east of UTC */
} ag_date;

ag_date ag_date_utc(int64_t instant);
int64_t ag_date_instant(const ag_date *date); /* honours offset_minutes */
int ag_date_weekday(const ag_date *date);     /* 0 Monday ... 6 Sunday */

/* "2026-11-21T09:30:00.250000Z"; with digits 0, 3 or 6 of the second. Needs 40 bytes. */
void ag_instant_format(int64_t instant, int digits, char out[40]);
/* RFC 3339 with T or blank, any number of fraction digits, Z or an offset or nothing (UTC); also a date alone. */
int ag_instant_parse(ag_str text, int64_t *out, ag_err *err);
/* "3 s", "2 min 05 s", "1 h 12 min": for people. Needs 32 bytes. */
void ag_duration_format(int64_t duration, char out[32]);

/* A named time zone ("Europe/Berlin", "UTC", "local") from the system's tzdata, with its whole history. */
typedef struct ag_zone ag_zone;
int ag_zone_open(const char *name, ag_zone **out, ag_err *err);
void ag_zone_free(ag_zone *zone);
ag_date ag_zone_date(const ag_zone *zone, int64_t instant);
/* The instant of a local time; in a gap the time after it (as far behind the gap as it stands inside: 02:30 becomes
 * 03:30), in an overlap the first. offset_minutes is ignored. */
int64_t ag_zone_instant(const ag_zone *zone, const ag_date *local);
