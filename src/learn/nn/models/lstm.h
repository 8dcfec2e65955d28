// SPDX-License-Identifier: Apache-2.0
#pragma once
/* lstm.h: the configuration of the recurrent model. */
#include "learn/nn/models/heads.h"
#include "learn/nn/models/recurrence.h"

typedef struct ag_lstm {
    ag_series_config series;
    ag_head_config head;
    ag_recurrence recurrence;
} ag_lstm;

extern const ag_description ag_lstm_description;
extern const ag_architecture ag_architecture_lstm;
