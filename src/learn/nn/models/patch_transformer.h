// SPDX-License-Identifier: Apache-2.0
#pragma once
/* patch_transformer.h: the configuration of the patch transformer. */
#include "learn/nn/models/heads.h"

typedef struct ag_patch_transformer {
    ag_series_config series;
    ag_head_config head;
    int64_t patch_length, patch_stride, d_model, num_layers, num_heads, ffn_dim;
    double dropout, attention_dropout, norm_eps;
    int channels;            /* 0 independent, 1 mixed */
    int positional_encoding; /* 0 none, 1 sincos, 2 learned, 3 rotary */
    bool pre_norm;
} ag_patch_transformer;

extern const ag_description ag_patch_transformer_description;
extern const ag_architecture ag_architecture_patch_transformer;
