// SPDX-License-Identifier: Apache-2.0
#pragma once
/* select.h: some entries of the last axis. */
#include "learn/nn/ops/ops.h"

typedef struct ag_select {
    const int64_t *index; /* in this order; lives as long as the graph */
    int64_t count;
} ag_select;
