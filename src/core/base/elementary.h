// SPDX-License-Identifier: Apache-2.0
#pragma once
/* elementary.h: elementary functions of whole arrays, in place, for what is computed of every sample in every epoch.
 * Their bits are the same on every machine and with every compiler, which those of the C library are not, and they are
 * many at once where the processor can. Within 1e-15 of the true value, relative to it where it is not said otherwise.
 * NaN gives NaN. */
#include <stddef.h>

void ag_each_asinh(double *x, size_t count); /* beyond 1e150 it grows no more */
void ag_each_log(double *x, size_t count);   /* of what is at least 1e-300; smaller numbers count as that */
void ag_each_sine(double *x, size_t count);  /* within 1e-14 absolute up to 1e5; beyond only bounded */
void ag_each_power(double *x, size_t count, double exponent); /* within 1e-13, of 1e-300 < x < 1e300 as log has it */
