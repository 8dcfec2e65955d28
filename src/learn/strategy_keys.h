// SPDX-License-Identifier: Apache-2.0
#pragma once
/* strategy_keys.h: keys that one strategy takes and another would pass over: refused, told, and left out of the
 * effective configuration, so that nobody believes that they did something. */
#include "learn/strategy_tools.h"

/* Refuses what the strategy does nothing with, and a metric that no training of it knows. */
int ag_strategy_check_keys(const ag_strategy *strategy, const ag_settings *settings, ag_err *err);
/* Refuses a metric that this training will not have. */
int ag_strategy_check_metric(const ag_settings *settings, const ag_strategy_job *job, ag_err *err);
/* Remarks on keys that another one keeps from having an effect. */
void ag_strategy_tell_idle(const ag_strategy *strategy, const ag_strategy_task *task);
/* What would be refused or told is not in the effective configuration, which can be trained from again. */
int ag_strategy_leave_out(const ag_strategy *strategy, ag_strategy_task *task, ag_err *err);
