// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tables.h: the tables of kernels that this build may have; see kernels.h. */
#include "learn/nn/kernels/kernels.h"

extern const ag_kernels ag_kernels_plain;
#ifndef AG_REAL_DOUBLE
#if defined(__x86_64__)
extern const ag_kernels ag_kernels_avx512, ag_kernels_avx2;
#elif defined(__aarch64__)
extern const ag_kernels ag_kernels_neon;
#endif
#endif
