// SPDX-License-Identifier: Apache-2.0
/* distribution.c: see distribution.h. Quantiles of Student's t solve for the tail's probability by Newton steps that a
 * bracket keeps from leaving; those of whole numbers are found by halving. A negative binomial draws by its quantile.
 */
#include "learn/nn/distribution.h"

#include <math.h>
#include <stdint.h>

#include "learn/nn/ops/special.h"

/* ---- normal ---- */

static double normal_mean(const double *p)
{
    return p[0];
}

static double normal_quantile(const double *p, double q)
{
    return p[0] + p[1] * ag_normal_quantile(q);
}

static double normal_draw(const double *p, ag_rng *rng)
{
    return p[0] + p[1] * ag_rng_normal(rng);
}

/* ---- Student's t ---- */

#define LIKE_NORMAL 1e8 /* degrees of freedom from which its quantiles are those of a normal to the last digits */

/* Probability of more than t > 0. */
static double tail(double v, double t)
{
    return 0.5 * ag_incomplete_beta(0.5 * v, 0.5, v / (v + t * t));
}

static double density(double v, double t)
{
    return exp(ag_log_gamma(0.5 * (v + 1.0)) - ag_log_gamma(0.5 * v) - 0.5 * (v + 1.0) * log1p(t * t / v)) /
           sqrt(v * M_PI);
}

static double standard_quantile(double v, double q)
{
    double wanted = q < 0.5 ? q : 1.0 - q, below = 0.0, above = 1.0, t = -ag_normal_quantile(wanted);
    if (!(v < LIKE_NORMAL)) return ag_normal_quantile(q);
    while (tail(v, above) > wanted && above < 1e300) {
        below = above;
        above *= 2.0;
    }
    for (int i = 0; i < 100 && above - below > 1e-15 * above; i++) {
        if (!(t > below && t < above)) t = 0.5 * (below + above);
        double excess = tail(v, t) - wanted, next = t + excess / density(v, t);
        *(excess > 0.0 ? &below : &above) = t;
        if (fabs(next - t) <= 1e-15 * fabs(t)) break;
        t = next;
    }
    return q < 0.5 ? -t : t;
}

static double student_mean(const double *p)
{
    return p[1];
}

static double student_quantile(const double *p, double q)
{
    return p[1] + p[2] * standard_quantile(p[0], q);
}

/* Of shape a >= 1 (Marsaglia and Tsang). */
static double draw_gamma(double a, ag_rng *rng)
{
    double d = a - 1.0 / 3.0, c = 1.0 / sqrt(9.0 * d);
    for (;;) {
        double x = ag_rng_normal(rng), u = ag_rng_double(rng), v = 1.0 + c * x;
        if (v <= 0.0 || u <= 0.0) continue;
        v = v * v * v;
        if (log(u) < 0.5 * x * x + d - d * v + d * log(v)) return d * v;
    }
}

/* The degrees of freedom that models give are 2 or more; a NaN gives a NaN. */
static double student_draw(const double *p, ag_rng *rng)
{
    if (!(p[0] >= 2.0)) return NAN;
    double z = ag_rng_normal(rng);
    return p[1] + p[2] * (p[0] < LIKE_NORMAL ? z * sqrt(0.5 * p[0] / draw_gamma(0.5 * p[0], rng)) : z);
}

/* ---- negative binomial ---- */

#define MOST 0x1p53 /* counts beyond it are not whole any more */

static double count_mean(const double *p)
{
    return p[0] * exp(p[1]);
}

static double count_quantile(const double *p, double q)
{
    double failure = 1.0 / (1.0 + exp(p[1])), below = -1.0;
    double above = floor(fmin(fmax(count_mean(p), 1.0), MOST));
    if (!(p[0] > 0.0) || isnan(p[1])) return NAN;
    while (above < MOST && ag_incomplete_beta(p[0], above + 1.0, failure) < q) {
        below = above;
        above *= 2.0;
    }
    while (above - below > 1.0) {
        double middle = floor(0.5 * (below + above));
        *(ag_incomplete_beta(p[0], middle + 1.0, failure) < q ? &below : &above) = middle;
    }
    return above;
}

static double count_draw(const double *p, ag_rng *rng)
{
    return count_quantile(p, ag_rng_double(rng));
}

const ag_distribution ag_distribution_student_t = {
    .name = "student_t", .parameters = 3, .mean = student_mean, .quantile = student_quantile, .draw = student_draw};
const ag_distribution ag_distribution_normal = {
    .name = "normal", .parameters = 2, .mean = normal_mean, .quantile = normal_quantile, .draw = normal_draw};
const ag_distribution ag_distribution_negative_binomial = {
    .name = "negative_binomial", .parameters = 2, .mean = count_mean, .quantile = count_quantile, .draw = count_draw};
