// SPDX-License-Identifier: Apache-2.0
#pragma once
/* dlinear.h: the configuration of DLinear. */
#include "core/doc/describe.h"
#include "learn/nn/architecture.h"

typedef struct ag_dlinear {
    int64_t context_length, prediction_length, num_input_channels;
    int64_t kernel_size;
    bool individual;
    int loss; /* ag_head_loss */
} ag_dlinear;

extern const ag_description ag_dlinear_description;
extern const ag_architecture ag_architecture_dlinear;
