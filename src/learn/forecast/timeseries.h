// SPDX-License-Identifier: Apache-2.0
#pragma once
/* timeseries.h: a multivariate series at equal distances in time: rows are moments, columns are channels. Read from a
 * CSV file (with or without a column of dates) or from an NPY array [rows, columns]. Holes in it are refused by place,
 * unless the caller says how to fill them. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "core/base/str.h"
#include "core/hash/hash.h"

typedef enum ag_missing {
    AG_MISSING_REFUSE,
    AG_MISSING_PREVIOUS,
    AG_MISSING_LINEAR,
    AG_MISSING_KEEP, /* a missing number is NaN */
} ag_missing;

typedef struct ag_timeseries_options {
    const char *date_column;    /* its name; NULL: the first column when its cells are no numbers */
    const char *const *columns; /* to take, in this order; NULL: all but the dates */
    size_t column_count;
    ag_missing missing;
    char delimiter; /* 0: guessed */
    bool decimal_comma;
} ag_timeseries_options;

typedef struct ag_timeseries {
    int64_t rows, columns;
    const char *const *names;           /* of the columns: "c0", "c1" ... for an array */
    const double *values;               /* row by row; all finite, but for AG_MISSING_KEEP */
    int64_t filled;                     /* numbers that were missing and have been filled in */
    bool counted;                       /* a first column without a name counts the rows, and was not taken */
    const char *first_date, *last_date; /* as written; NULL: there are no dates */
    int64_t interval;                   /* microseconds between rows, months as 30 days; 0: not known, or uneven */
    const int64_t *times;               /* of the rows, since 1970; NULL: there are none, or some could not be read */
    ag_sha256 digest;                   /* of the file */
} ag_timeseries;

/* By the ending of the path: .npy, else CSV. Everything lies in the arena. */
int ag_timeseries_read(const char *path, const ag_timeseries_options *options, ag_arena *arena, ag_timeseries *out,
                       ag_err *err);
/* A CSV in memory; `name` is for messages. */
int ag_timeseries_parse(ag_str bytes, const char *name, const ag_timeseries_options *options, ag_arena *arena,
                        ag_timeseries *out, ag_err *err);
