// SPDX-License-Identifier: Apache-2.0
#pragma once
/* pool1d.h: the greatest or the mean of windows of rows, channel by channel: x [rows, ..] -> [rows', ..]. */
#include "learn/nn/ops/ops.h"

typedef enum ag_pooling { AG_POOL_MAX, AG_POOL_AVERAGE } ag_pooling;

/* As PyTorch: windows of `length` rows, `stride` apart (0: length), of the series with `padding` rows at either end:
 * zeros that count for an average, and never the greatest. Or `windows` > 0: adaptive, that many windows which cover
 * the series evenly; the rest is not read then. */
typedef struct ag_pool1d {
    ag_pooling kind;
    int64_t length, stride, padding;
    int64_t windows;
} ag_pool1d;
