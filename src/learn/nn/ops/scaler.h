// SPDX-License-Identifier: Apache-2.0
#pragma once
/* scaler.h: brings every channel of every sample to a common scale, with an optional mask of what was observed. */
#include "learn/nn/ops/ops.h"

typedef enum ag_scaler_kind { AG_SCALER_NONE, AG_SCALER_STD, AG_SCALER_MEAN } ag_scaler_kind;

/* Inputs: x [rows, channels] and, optionally, observed [rows, channels] of 0 and 1. Outputs: z [rows, channels],
 * location [channels], scale [channels]: z = (x - location) / scale. */
typedef struct ag_scaler {
    ag_scaler_kind kind;
    double minimum;       /* std: added to the variance; mean: least scale */
    double default_scale; /* mean: of a channel without an observation; NaN: that of the whole batch */
} ag_scaler;
