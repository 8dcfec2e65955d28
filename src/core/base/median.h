// SPDX-License-Identifier: Apache-2.0
#pragma once
/* median.h: numbers in order, the one in the middle, and other percentiles. No NaN. */
#include <stddef.h>

/* For qsort() and the like: two doubles, the smaller one first. */
int ag_by_size(const void *a, const void *b);
/* Of one and more, which are in order afterwards; of an even count the mean of both in the middle. */
double ag_median(double *values, size_t count);
/* Below which the part `q` of them lies, between two of them by straight line (as numpy does): 0 gives the smallest,
 * 0.5 the median, 1 the largest. `sorted`: in order. NaN of none. */
double ag_percentile(const double *sorted, size_t count, double q);
