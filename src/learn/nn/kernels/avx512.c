// SPDX-License-Identifier: Apache-2.0
/* avx512.c: the kernels for AVX-512. The whole file is compiled for that instruction set by a pragma, whatever the rest
 * of the program is compiled for; nothing of it runs unless usable() said yes. */
#include "learn/nn/kernels/tables.h"

#if defined(__x86_64__) && !defined(AG_REAL_DOUBLE)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"))),                   \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma")
#endif

#include "learn/nn/kernels/simd_avx512.h"
#include "learn/nn/kernels/vector_attention.h"
#include "learn/nn/kernels/vector_table.h"

#if defined(__clang__)
#pragma clang attribute pop
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

static bool usable(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma");
}

const ag_kernels ag_kernels_avx512 = {.name = "avx512", VECTOR_KERNELS};

#endif
