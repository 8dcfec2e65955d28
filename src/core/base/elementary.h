// SPDX-License-Identifier: Apache-2.0
#pragma once
/* elementary.h: elementary functions of whole arrays, in place, for what is computed of every sample in every epoch.
 * Their bits are the same on every machine and with every compiler, which those of the C library are not, and they are
 * many at once where the processor can. Relative to the true value, as far as it is not said otherwise; NaN gives NaN.
 */
#include <stddef.h>

void ag_each_asinh(float *x, size_t count); /* within 3e-7; beyond 1e18 it grows no more */
void ag_each_log(float *x, size_t count);   /* within 2e-7, near 0 absolutely, of 1e-30 and more; less counts as that */
void ag_each_sine(float *x, size_t count);  /* within 2e-7 absolute up to 100; beyond only bounded */
void ag_each_power(float *x, size_t count, float exponent); /* within 1e-5, of x as log has it */
