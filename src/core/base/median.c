// SPDX-License-Identifier: Apache-2.0
/* median.c: see median.h. No state, any thread. */
#include "core/base/median.h"

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
