// SPDX-License-Identifier: Apache-2.0
/* ops.c: the list of operations as a table. */
#include "learn/nn/ops/ops.h"

#include <string.h>

static const ag_op *const operations[] = {
#define AG_OP(name) &ag_op_##name,
#include "learn/nn/ops/ops.list"
#undef AG_OP
};

const ag_op *const *ag_op_all(size_t *count)
{
    *count = sizeof operations / sizeof *operations;
    return operations;
}

const ag_op *ag_op_find(const char *name)
{
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (strcmp(operations[i]->name, name) == 0) return operations[i];
    return NULL;
}
