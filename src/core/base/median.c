// SPDX-License-Identifier: Apache-2.0
/* median.c: see median.h. No state, any thread. */
#include "core/base/median.h"

#include <math.h>
#include <stdlib.h>

int ag_by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ag_median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, ag_by_size);
    return count % 2 ? values[count / 2] : 0.5 * (values[count / 2 - 1] + values[count / 2]);
}

double ag_percentile(const double *sorted, size_t count, double q)
{
    if (count == 0) return (double)NAN;
    double place = q * (double)(count - 1);
    size_t below = (size_t)place;
    if (below + 1 >= count) return sorted[count - 1];
    return sorted[below] + (place - (double)below) * (sorted[below + 1] - sorted[below]);
}
