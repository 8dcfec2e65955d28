// SPDX-License-Identifier: Apache-2.0
#pragma once
/* special.h: functions that likelihoods and distributions need, in double; safe for threads. */

double ag_log_gamma(double x);       /* ln Gamma(x), x > 0 */
double ag_digamma(double x);         /* its derivative; relative error below 1e-12 away from its root */
double ag_normal_quantile(double q); /* of the standard normal distribution, q in (0, 1) */
/* The regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1]. */
double ag_incomplete_beta(double a, double b, double x);
