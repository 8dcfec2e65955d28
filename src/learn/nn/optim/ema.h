// SPDX-License-Identifier: Apache-2.0
#pragma once
/* ema.h: a moving average of a model's parameters: average = decay * average + (1 - decay) * value after every step,
 * starting as a copy. State parameters (running means) are copied, not averaged. */
#include "core/base/err.h"
#include "learn/nn/graph.h"

typedef struct ag_ema ag_ema;

int ag_ema_new(const ag_graph *graph, double decay, ag_ema **out, ag_err *err);
void ag_ema_free(ag_ema *ema);
void ag_ema_update(ag_ema *ema, const ag_real *values);
ag_real *ag_ema_values(ag_ema *ema); /* flat, as a model's: to evaluate or to save; also to restore */
int64_t ag_ema_updates(const ag_ema *ema);
void ag_ema_set_updates(ag_ema *ema, int64_t updates); /* for resuming */
