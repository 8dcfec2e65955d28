// SPDX-License-Identifier: Apache-2.0
#pragma once
/* adam_step.h: what Adam and AdamW share. */
#include "learn/nn/optim.h"

/* `decay` is added to the gradient per value, `keep` multiplies the values first. */
void ag_adam_update(const ag_update *update, double decay, double keep);
