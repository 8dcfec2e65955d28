// SPDX-License-Identifier: Apache-2.0
/* drift.c: the population stability index and the two-sample Kolmogorov-Smirnov distance of sorted samples. An empty
 * bin counts as half a value, so that one new value does not make the index infinite. */
#include <math.h>

#include "data/dataset/stats.h"

enum { BINS = 10, FEWEST = 20, TERMS = 100 };

const char *ag_drift_words(ag_drift_verdict verdict)
{
    static const char *const words[] = {[AG_DRIFT_TOO_FEW] = "too few to tell",
                                        [AG_DRIFT_NONE] = "as before",
                                        [AG_DRIFT_SOME] = "somewhat moved",
                                        [AG_DRIFT_CLEAR] = "clearly moved"};
    return words[verdict];
}

/* How many values are at most `limit`. */
static size_t rank_of(const double *values, size_t count, double limit)
{
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (values[middle] <= limit)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static double share(size_t part, size_t whole)
{
    return (part ? (double)part : 0.5) / (double)whole;
}

static double stability(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double sum = 0;
    size_t a_before = 0, b_before = 0;
    for (size_t bin = 1; bin <= BINS; bin++) {
        double edge = bin == BINS ? INFINITY : a[a_count * bin / BINS];
        size_t a_now = rank_of(a, a_count, edge), b_now = rank_of(b, b_count, edge);
        if (a_now == a_before && b_now == b_before) continue; /* many equal values: the bin before holds them all */
        double expected = share(a_now - a_before, a_count), found = share(b_now - b_before, b_count);
        sum += (found - expected) * log(found / expected);
        a_before = a_now;
        b_before = b_now;
    }
    return sum;
}

static double distance(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double most = 0;
    for (size_t i = 0, k = 0; i < a_count && k < b_count;) {
        double at = a[i] < b[k] ? a[i] : b[k];
        while (i < a_count && a[i] <= at) i++;
        while (k < b_count && b[k] <= at) k++;
        double here = fabs((double)i / (double)a_count - (double)k / (double)b_count);
        if (here > most) most = here;
    }
    return most;
}

/* Kolmogorov's series. */
static double chance(double ks, double a_count, double b_count)
{
    double n = sqrt(a_count * b_count / (a_count + b_count)), x = (n + 0.12 + 0.11 / n) * ks, sum = 0;
    if (x < 0.2) return 1;
    for (int k = 1; k <= TERMS; k++) sum += (k % 2 ? 2 : -2) * exp(-2.0 * k * k * x * x);
    return sum < 0 ? 0 : sum > 1 ? 1 : sum;
}

ag_drift ag_drift_of(const double *a, size_t a_count, const double *b, size_t b_count)
{
    ag_drift drift = {.psi = NAN, .ks = NAN, .p_value = NAN};
    if (a_count < FEWEST || b_count < FEWEST) return drift;
    drift.psi = stability(a, a_count, b, b_count);
    drift.ks = distance(a, a_count, b, b_count);
    drift.p_value = chance(drift.ks, (double)a_count, (double)b_count);
    if (drift.psi < 0.1 || drift.p_value > 0.01)
        drift.verdict = AG_DRIFT_NONE;
    else
        drift.verdict = drift.psi < 0.25 ? AG_DRIFT_SOME : AG_DRIFT_CLEAR;
    return drift;
}
