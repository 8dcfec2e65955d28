// SPDX-License-Identifier: Apache-2.0
#pragma once
/* unscale.h: from scaled rows per channel back to a series in the units of the input. */
#include "learn/nn/ops/ops.h"

typedef struct ag_unscale {
    const int64_t *channels; /* which, in this order; NULL: all. Lives as long as the graph */
    int64_t count;
} ag_unscale;
