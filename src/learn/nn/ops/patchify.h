// SPDX-License-Identifier: Apache-2.0
#pragma once
/* patchify.h: cuts a series into patches per channel. */
#include "learn/nn/ops/ops.h"

typedef struct ag_patchify {
    int64_t length, stride;
} ag_patchify;

/* How many patches fit into `rows` rows, the last one ending with the last row. */
int64_t ag_patch_count(int64_t rows, int64_t length, int64_t stride);
