// SPDX-License-Identifier: Apache-2.0
/* kernels.c: which tables there are, and which one to use here. */
#include "learn/nn/kernels/kernels.h"

#include <stdlib.h>
#include <string.h>

#include "learn/nn/kernels/tables.h"

static const ag_kernels *const tables[] = {
/* best first */
#ifndef AG_REAL_DOUBLE
#if defined(__x86_64__)
    &ag_kernels_avx512,
    &ag_kernels_avx2,
#elif defined(__aarch64__)
    &ag_kernels_neon,
#endif
#endif
    &ag_kernels_plain,
};

const ag_kernels *const *ag_kernels_all(size_t *count)
{
    *count = sizeof tables / sizeof *tables;
    return tables;
}

const ag_kernels *ag_kernels_find(const char *name)
{
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(tables[i]->name, name) == 0) return tables[i]->usable() ? tables[i] : NULL;
    return NULL;
}

const ag_kernels *ag_kernels_best(void)
{
    const char *wish = getenv("AUGER_KERNELS");
    const ag_kernels *wished = wish ? ag_kernels_find(wish) : NULL;
    for (size_t i = 0; !wished && i < sizeof tables / sizeof *tables; i++)
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no entry is NULL */
        if (tables[i]->usable()) wished = tables[i];
    return wished ? wished : &ag_kernels_plain;
}

ag_dropout ag_dropout_make(uint64_t seed, uint64_t step, int32_t node, int32_t site, double probability)
{
    uint32_t keep = (uint32_t)((1.0 - probability) * 65536.0 + 0.5);
    if (keep < 1) keep = 1;
    uint64_t place = (uint64_t)(uint32_t)node << 8 | (uint64_t)(site & 0xff);
    uint64_t stream = (step + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ place * UINT64_C(0xd1342543de82ef95);
    return (ag_dropout){seed, stream, keep, (ag_real)(65536.0 / keep)};
}
