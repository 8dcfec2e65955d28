// SPDX-License-Identifier: Apache-2.0
#pragma once
/* cnn_lstm.h: the configuration of convolutions with a recurrent model behind them. */
#include "learn/nn/models/heads.h"
#include "learn/nn/models/recurrence.h"

typedef struct ag_cnn_lstm {
    ag_series_config series;
    ag_head_config head;
    ag_list conv_channels; /* int64_t */
    int64_t kernel_size, conv_stride;
    double conv_dropout;
    ag_recurrence recurrence;
} ag_cnn_lstm;

extern const ag_description ag_cnn_lstm_description;
extern const ag_architecture ag_architecture_cnn_lstm;
