// SPDX-License-Identifier: Apache-2.0
#pragma once
/* heads.h: what stands behind a backbone, and is the same for every architecture: outputs, targets and losses. Names
 * that training and tools rely on:
 *   task       output                                              target
 *   forecast   "prediction_outputs" [prediction_length, channels]  "future_values", the same shape */
#include "core/doc/describe.h"
#include "learn/nn/architecture.h"

typedef enum ag_head_loss { AG_HEAD_MSE, AG_HEAD_MAE, AG_HEAD_HUBER } ag_head_loss;
extern const char *const ag_head_losses[]; /* the choices of a key "loss", ended by NULL */

/* y [prediction_length, channels], in the units of the series. */
void ag_head_forecast(ag_graph *graph, ag_ref y, ag_head_loss loss, const ag_building *building);
