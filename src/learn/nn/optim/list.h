// SPDX-License-Identifier: Apache-2.0
#pragma once
/* list.h: every optimiser and schedule; list.c makes the tables. */
#include "learn/nn/optim.h"

extern const ag_optimizer ag_optimizer_sgd, ag_optimizer_adam, ag_optimizer_adamw, ag_optimizer_lion;
extern const ag_schedule ag_schedule_constant, ag_schedule_linear, ag_schedule_cosine, ag_schedule_one_cycle;
