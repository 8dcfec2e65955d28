// SPDX-License-Identifier: Apache-2.0
/* special.c: see special.h. The digamma function climbs by psi(x) = psi(x + 1) - 1/x to where its asymptotic series in
 * 1/x^2 is exact to the last digits. The normal quantile begins with a rational guess (good to 5e-4) and takes Halley's
 * steps, each of which triples the digits. The incomplete beta function is Lentz's evaluation of its continued
 * fraction, on the side where that converges fast. */
#include "learn/nn/ops/special.h"

#include <math.h>

double ag_log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign); /* lgamma() writes a global */
}

double ag_digamma(double x)
{
    double below = 0.0;
    if (!(x > 0.0)) return NAN;
    while (x < 10.0) {
        below += 1.0 / x;
        x += 1.0;
    }
    double q = 1.0 / (x * x);
    double series =
        q * (1.0 / 12 - q * (1.0 / 120 - q * (1.0 / 252 - q * (1.0 / 240 - q * (1.0 / 132 - q * 691.0 / 32760)))));
    return log(x) - 0.5 / x - series - below;
}

double ag_normal_quantile(double q)
{
    double p = q < 0.5 ? q : 1.0 - q;
    if (!(q > 0.0 && q < 1.0)) return q == 0.0 ? (double)-INFINITY : q == 1.0 ? (double)INFINITY : (double)NAN;
    double t = sqrt(-2.0 * log(p));
    double z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
    for (int i = 0; i < 3; i++) {
        double u = (p - 0.5 * erfc(z * M_SQRT1_2)) * sqrt(2.0 * M_PI) * exp(0.5 * z * z);
        z -= u / (1.0 + 0.5 * z * u);
    }
    return q < 0.5 ? -z : z;
}

static double away_from_zero(double x)
{
    return fabs(x) < 1e-300 ? 1e-300 : x;
}

/* One step of Lentz's method: the fraction's next coefficient. */
static void take(double coefficient, double *c, double *d, double *value)
{
    *d = 1.0 / away_from_zero(1.0 + coefficient * *d);
    *c = away_from_zero(1.0 + coefficient / *c);
    *value *= *c * *d;
}

static double beta_fraction(double a, double b, double x)
{
    double c = 1.0, d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0)), value = d;
    for (int i = 1; i < 1000000; i++) { /* about the root of the larger one is enough */
        double m = i, before = value;
        take(m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)), &c, &d, &value);
        take(-(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)), &c, &d, &value);
        if (fabs(value - before) <= 2e-16 * fabs(value)) break;
    }
    return value;
}

double ag_incomplete_beta(double a, double b, double x)
{
    if (!(a > 0.0 && b > 0.0 && x >= 0.0 && x <= 1.0)) return NAN;
    if (x == 0.0 || x == 1.0) return x;
    double front = exp(ag_log_gamma(a + b) - ag_log_gamma(a) - ag_log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
    return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}
