// SPDX-License-Identifier: Apache-2.0
#pragma once
/* median.h: numbers in order, and the one in the middle. No NaN. */
#include <stddef.h>

/* For qsort() and the like: two doubles, the smaller one first. */
int ag_by_size(const void *a, const void *b);
/* Of one and more, which are in order afterwards; of an even count the mean of both in the middle. */
double ag_median(double *values, size_t count);
