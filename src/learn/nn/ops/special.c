// SPDX-License-Identifier: Apache-2.0
/* special.c: see special.h. The digamma function climbs by psi(x) = psi(x + 1) - 1/x to where its asymptotic series in
 * 1/x^2 is exact to the last digits. */
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
