// SPDX-License-Identifier: Apache-2.0
#pragma once
/* nlinear.h: the configuration of NLinear. */
#include "core/doc/describe.h"
#include "learn/nn/architecture.h"

typedef struct ag_nlinear {
    int64_t context_length, prediction_length, num_input_channels;
    bool individual;
    int loss; /* ag_head_loss */
} ag_nlinear;

extern const ag_description ag_nlinear_description;
extern const ag_architecture ag_architecture_nlinear;
