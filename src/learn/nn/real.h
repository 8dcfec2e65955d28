// SPDX-License-Identifier: Apache-2.0
#pragma once
/* real.h: the number that the engine computes with: float. The whole folder is compiled a second time, for tests only,
 * with AG_REAL_DOUBLE: the same sources in double precision, in which finite differences can judge a gradient. Write
 * AG_R(0.5), never 0.5f; write ag_exp(), never expf(). */
#include <float.h>
#include <math.h>
#include <stdint.h>

#ifdef AG_REAL_DOUBLE
typedef double ag_real;
#define AG_R(x) (x)
#define AG_REAL_EPSILON DBL_EPSILON
#define AG_REAL_MAX DBL_MAX
#define AG_REAL_IS_DOUBLE 1
#define ag_exp exp
#define ag_expm1 expm1
#define ag_log log
#define ag_log1p log1p
#define ag_sqrt sqrt
#define ag_erf erf
#define ag_tanh tanh
#define ag_fabs fabs
#define ag_sin sin
#define ag_cos cos
#define ag_pow pow
#else
typedef float ag_real;
#define AG_R(x) (x##f)
#define AG_REAL_EPSILON FLT_EPSILON
#define AG_REAL_MAX FLT_MAX
#define AG_REAL_IS_DOUBLE 0
#define ag_exp expf
#define ag_expm1 expm1f
#define ag_log logf
#define ag_log1p log1pf
#define ag_sqrt sqrtf
#define ag_erf erff
#define ag_tanh tanhf
#define ag_fabs fabsf
#define ag_sin sinf
#define ag_cos cosf
#define ag_pow powf
#endif

/* Every buffer that is planned starts at a multiple of this many reals (64 bytes in float: a cache line, a vector). */
#define AG_REAL_ALIGN 16
