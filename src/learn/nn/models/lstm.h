// SPDX-License-Identifier: Apache-2.0
#pragma once
/* lstm.h: the configuration of the recurrent model. */
#include "learn/nn/models/heads.h"

typedef struct ag_lstm {
    ag_series_config series;
    ag_head_config head;
    int cell; /* ag_cell */
    int64_t hidden_size, num_layers;
    bool bidirectional;
    double dropout;
} ag_lstm;

extern const ag_description ag_lstm_description;
extern const ag_architecture ag_architecture_lstm;
