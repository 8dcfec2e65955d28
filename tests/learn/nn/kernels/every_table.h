// SPDX-License-Identifier: Apache-2.0
#pragma once
/* every_table.h: what the tests of kernels share: a test of each table that this processor can use, and numbers. */
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "learn/nn/check.h"

typedef void each_table(const ag_kernels *kernels);

static inline void with_every_table(each_table *test)
{
    size_t count = 0;
    const ag_kernels *const *tables = ag_kernels_all(&count);
    for (size_t i = 0; i < count; i++)
        if (tables[i]->usable()) test(tables[i]);
}

/* The caller frees them; the same for the same name. */
static inline ag_real *numbers(int64_t count, const char *name)
{
    ag_rng rng = ag_rng_stream(1, name);
    ag_real *x = ag_alloc_array((size_t)count + 1, sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = (ag_real)ag_rng_normal(&rng);
    return x;
}
