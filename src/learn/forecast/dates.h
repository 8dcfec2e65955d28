// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dates.h: how far apart the rows of a series are, by a column of dates as people write them. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/str.h"

enum { AG_DATE_ORDERS = 2 }; /* 3/4/2020 may be in March or in April */

/* Zeroed: nothing was seen yet. */
typedef struct ag_dates {
    int64_t rows;
    struct {
        bool useless; /* unreadable in this order, or not at even distances */
        bool months;  /* distances are those of months */
        int64_t last, step;
    } orders[AG_DATE_ORDERS];
} ag_dates;

/* Whether it is written like a date; a number is none. */
bool ag_date_like(ag_str text);
/* Microseconds since 1970, with day and month in one of the orders; false when it is no date in it. */
bool ag_date_read(ag_str text, int order, int64_t *out);
void ag_dates_add(ag_dates *dates, ag_str text);
/* Microseconds between rows; months count as 30 days. 0: not known, or not always the same. */
int64_t ag_dates_interval(const ag_dates *dates);
/* Of times that grow: the one `steps` further on, at the distance of the last rows: of calendar months when all of them
 * have the same day (or are the last of their months), else of the microseconds that lie between all of them. False
 * when the distances differ. At least 2 times; `steps` from 1. */
bool ag_dates_go_on(const int64_t *times, int64_t count, int64_t steps, int64_t *out);
