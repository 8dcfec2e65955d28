// SPDX-License-Identifier: Apache-2.0
#pragma once
/* zone_data.h: the inside of a time zone, for zone*.c and their tests. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/sys/clock.h"

typedef enum ag_day_kind {
    AG_DAY_OF_YEAR,  /* n: 0..365, the 29th of February counted */
    AG_DAY_NO_LEAP,  /* Jn: 1..365, the 29th of February never counted */
    AG_DAY_OF_MONTH, /* Mm.w.d: the w-th weekday d (0 Sunday) of month m, w 5 the last */
} ag_day_kind;

typedef struct ag_rule_day {
    ag_day_kind kind;
    int32_t month, week, day;
    int32_t time; /* seconds of the local time in force before; may be negative or beyond a day */
} ag_rule_day;

/* A POSIX TZ rule: what holds after the last transition of a file. Offsets are seconds east of UTC. */
typedef struct ag_zone_rule {
    bool present;
    bool has_summer;
    int32_t standard, summer;
    ag_rule_day start, end; /* of summer time */
} ag_zone_rule;

struct ag_zone {
    ag_zone_rule rule;
    size_t count;    /* transitions */
    int64_t *at;     /* [count] seconds since 1970, ascending */
    int32_t *offset; /* [count] in force from at[i] on */
    int32_t before;  /* in force before the first */
};

/* A zone from the bytes of a TZif file (versions 1 to 4). */
int ag_zone_parse(const void *bytes, size_t size, ag_zone **out, ag_err *err);
/* "CET-1CEST,M3.5.0,M10.5.0/3". */
int ag_zone_rule_parse(ag_str text, ag_zone_rule *out, ag_err *err);
/* Seconds east of UTC at an instant in seconds. */
int32_t ag_zone_rule_offset(const ag_zone_rule *rule, int64_t seconds);
int32_t ag_zone_offset(const ag_zone *zone, int64_t seconds);
/* True when the name can be looked up below the system's folder: letters, digits, '_', '-' and '+' in parts that are
 * joined by '/'. */
bool ag_zone_name_valid(const char *name);
