// SPDX-License-Identifier: Apache-2.0
#pragma once
/* stats.h: what is in a version, in numbers: how many of what, how the numbers are spread, and whether they have moved
 * against another version. One pass, in memory that does not grow with the data: of each column at most
 * AG_SAMPLE_MOST values are kept, drawn evenly and the same every time; count, mean, least and most are of all. */
#include "data/dataset/dataset.h"

enum { AG_SAMPLE_MOST = 65536, AG_DISTINCT_MOST = 1000 };

typedef struct ag_tally { /* of one value */
    const char *value;
    uint64_t count;
} ag_tally;

typedef struct ag_tallies { /* of a text: machines, programs, layers; a column of a table */
    const char *name;
    const ag_tally *items; /* the most frequent first */
    size_t count;
    uint64_t others; /* with further values, when there are more than AG_DISTINCT_MOST */
} ag_tallies;

typedef struct ag_spread { /* of a number */
    const char *name;
    uint64_t count, missing;
    double mean, least, most;
    const double *sample; /* sorted */
    size_t sample_count;
} ag_spread;

typedef struct ag_dataset_stats {
    ag_dataset_totals totals;
    const ag_tallies *tallies;
    size_t tally_count;
    const ag_spread *spreads;
    size_t spread_count;
} ag_dataset_stats;

/* Of holes their header, class and label; where there are none, of tables every column (a number when nine cells of ten
 * are; tables with the same columns together); of files their endings. */
int ag_dataset_statistics(const ag_dataset_place *place, const ag_dataset_version *version, ag_arena *arena,
                          ag_dataset_stats *out, ag_err *err);
double ag_spread_quantile(const ag_spread *spread, double q);
const ag_spread *ag_dataset_spread(const ag_dataset_stats *stats, const char *name); /* NULL when absent */

/* How far a number has moved. PSI: sum over ten equal shares of the first sample of (b - a) ln (b / a). KS: the largest
 * distance between the two distribution functions, and how often chance alone makes one so large. */
typedef enum ag_drift_verdict { AG_DRIFT_TOO_FEW, AG_DRIFT_NONE, AG_DRIFT_SOME, AG_DRIFT_CLEAR } ag_drift_verdict;
typedef struct ag_drift {
    double psi, ks, p_value;
    ag_drift_verdict verdict;
} ag_drift;
/* Sorted samples. Fewer than 20 on a side: too few to tell. Some: PSI from 0.1 on, clear: from 0.25 on; but none when
 * chance makes such a distance more than once in a hundred times. */
ag_drift ag_drift_of(const double *a, size_t a_count, const double *b, size_t b_count);
const char *ag_drift_words(ag_drift_verdict verdict); /* "clearly moved" */
