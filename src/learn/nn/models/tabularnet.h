// SPDX-License-Identifier: Apache-2.0
#pragma once
/* tabularnet.h: the configuration of the network for tables. */
#include "learn/nn/models/heads.h"

typedef struct ag_tabularnet {
    ag_head_config head;
    int64_t num_numeric;
    ag_list category_counts; /* int64_t: how many values each category has */
    int64_t embedding_dim;   /* 0: half of the values, 50 at most */
    int64_t hidden_size, num_layers, expansion_factor;
    double dropout;
    int norm; /* 0 layer, 1 batch */
} ag_tabularnet;

extern const ag_description ag_tabularnet_description;
extern const ag_architecture ag_architecture_tabularnet;
