// SPDX-License-Identifier: Apache-2.0
/* neon.c: the kernels for NEON. Every 64-bit ARM has it. */
#include "learn/nn/kernels/tables.h"

#if defined(__aarch64__) && !defined(AG_REAL_DOUBLE)

#include "learn/nn/kernels/simd_neon.h"
#include "learn/nn/kernels/vector_attention.h"
#include "learn/nn/kernels/vector_table.h"

static bool usable(void)
{
    return true;
}

const ag_kernels ag_kernels_neon = {.name = "neon", VECTOR_KERNELS, .gelu_drop_slopes = gelu_drop_slopes};

#endif
