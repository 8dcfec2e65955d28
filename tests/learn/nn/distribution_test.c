// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/distribution.h"

#include <math.h>

#include "frame/test.h"
#include "learn/nn/ops/special.h"

static void near(double is, double should, double tolerance)
{
    if (!(fabs(is - should) <= tolerance * fmax(1.0, fabs(should)))) fail_msg("%.17g is not %.17g", is, should);
}

static double quantile_of_t(double freedom, double q)
{
    return ag_distribution_student_t.quantile((double[]){freedom, 0, 1}, q);
}

AG_TEST(test_distribution__normal_quantiles)
{
    near(ag_normal_quantile(0.975), 1.959963984540054, 1e-15);
    near(ag_normal_quantile(0.001), -3.090232306167813, 1e-15);
    near(ag_normal_quantile(1e-10), -6.361340902404056, 1e-14);
    near(ag_normal_quantile(0.5), 0, 1e-15);
    assert_true(isinf(ag_normal_quantile(0)) && isinf(ag_normal_quantile(1)) && isnan(ag_normal_quantile(1.5)));
    near(ag_distribution_normal.quantile((double[]){3, 2}, 0.975), 3 + 2 * 1.959963984540054, 1e-15);
    near(ag_distribution_normal.mean((double[]){3, 2}), 3, 0);
}

AG_TEST(test_distribution__student_quantiles)
{
    near(quantile_of_t(3, 0.975), 3.182446305283707, 1e-13);
    near(quantile_of_t(10, 0.99), 2.763769458112696, 1e-13);
    for (int i = 0; i < 73; i++) { /* with 2 and with 4 degrees of freedom there is a formula */
        double q = 1e-6 + 0.0137 * i, a = 4 * q * (1 - q), c = cos(acos(sqrt(a)) / 3) / sqrt(a);
        near(quantile_of_t(2, q), (2 * q - 1) / sqrt(0.5 * a), 1e-11);
        near(quantile_of_t(4, q), (q < 0.5 ? -2 : 2) * sqrt(fmax(c - 1, 0)), 1e-7);
    }
    near(quantile_of_t(1e7, 0.9), ag_normal_quantile(0.9), 1e-6);
    near(quantile_of_t(1e12, 0.9), ag_normal_quantile(0.9), 1e-15);
    near(quantile_of_t(2.0001, 1e-30) / quantile_of_t(2, 1e-30), 1, 1e-2); /* far out */
    near(ag_distribution_student_t.quantile((double[]){3, 5, 2}, 0.025), 5 - 2 * 3.182446305283707, 1e-13);
}

AG_TEST(test_distribution__counts)
{
    double odds = log(0.7 / 0.3); /* 0.7 a success */
    for (int i = 0; i < 58; i++) {
        double q = 0.01 + 0.0173 * i;
        double one = ceil(log(1 - q) / log(0.7)) - 1; /* of one failure: geometric */
        near(ag_distribution_negative_binomial.quantile((double[]){1, odds}, q), one, 0);
        double r = 2.5, term = pow(0.3, r), sum = term, k = 0;
        while (sum < q) {
            term *= 0.7 * (r + k) / (k + 1);
            sum += term;
            k++;
        }
        near(ag_distribution_negative_binomial.quantile((double[]){r, odds}, q), k, 0);
    }
    near(ag_distribution_negative_binomial.mean((double[]){2.5, odds}), 2.5 * 0.7 / 0.3, 1e-14);
    near(ag_distribution_negative_binomial.quantile((double[]){1e-9, -3}, 0.999), 0, 0);
    assert_true(ag_distribution_negative_binomial.quantile((double[]){5, 700}, 0.5) >= 0x1p53); /* not for ever */
    assert_true(isnan(ag_distribution_negative_binomial.quantile((double[]){5, NAN}, 0.5)));
}

/* Mean and variance of many draws. */
static void measure(const ag_distribution *d, const double *p, double *mean, double *variance)
{
    enum { DRAWS = 40000 };
    ag_rng rng = ag_rng_stream(3, d->name);
    double sum = 0, square = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = d->draw(p, &rng);
        sum += x;
        square += x * x;
    }
    *mean = sum / DRAWS;
    *variance = square / DRAWS - *mean * *mean;
}

AG_TEST(test_distribution__draws_have_its_mean_and_variance)
{
    double mean, variance;
    measure(&ag_distribution_normal, (double[]){3, 2}, &mean, &variance);
    near(mean, 3, 0.02);
    near(variance, 4, 0.03);
    measure(&ag_distribution_student_t, (double[]){8, 3, 2}, &mean, &variance);
    near(mean, 3, 0.02);
    near(variance, 4 * 8.0 / 6.0, 0.05);
    measure(&ag_distribution_student_t, (double[]){1e9, 3, 2}, &mean, &variance);
    near(variance, 4, 0.03);
    measure(&ag_distribution_negative_binomial, (double[]){2.5, 0.5}, &mean, &variance);
    near(mean, 2.5 * exp(0.5), 0.03);
    near(variance, 2.5 * exp(0.5) * (1 + exp(0.5)), 0.05);
    ag_rng rng = ag_rng_stream(1, "none");
    assert_true(isnan(ag_distribution_student_t.draw((double[]){NAN, 0, 1}, &rng)));
}

AG_TEST(test_distribution__incomplete_beta)
{
    near(ag_incomplete_beta(1, 1, 0.3), 0.3, 1e-15);
    near(ag_incomplete_beta(2, 3, 0.4), 0.5248, 1e-14);
    near(ag_incomplete_beta(0.5, 0.5, 0.5), 0.5, 1e-14);
    near(ag_incomplete_beta(1e5, 1e5, 0.5), 0.5, 1e-9);
    assert_true(ag_incomplete_beta(2, 3, 0) == 0 && ag_incomplete_beta(2, 3, 1) == 1);
    assert_true(isnan(ag_incomplete_beta(0, 3, 0.5)) && isnan(ag_incomplete_beta(1, 3, -0.5)));
}
