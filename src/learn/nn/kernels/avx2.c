// SPDX-License-Identifier: Apache-2.0
/* avx2.c: the kernels for AVX2 with FMA. The whole file is compiled for that instruction set by a pragma, whatever the
 * rest of the program is compiled for; nothing of it runs unless usable() said yes. */
#include "learn/nn/kernels/tables.h"

#if defined(__x86_64__) && !defined(AG_REAL_DOUBLE)

#include <immintrin.h>
#include <math.h>
#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((no_sanitize("undefined"))), apply_to = function)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#include "learn/nn/kernels/simd_avx2.h"
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
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

const ag_kernels ag_kernels_avx2 = {.name = "avx2", VECTOR_KERNELS, .gelu_drop_slopes = gelu_drop_slopes};

#endif
