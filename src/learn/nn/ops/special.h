// SPDX-License-Identifier: Apache-2.0
#pragma once
/* special.h: functions that likelihoods need, in double; safe for threads. */

double ag_log_gamma(double x); /* ln Gamma(x), x > 0 */
double ag_digamma(double x);   /* its derivative; relative error below 1e-12 away from its root */
