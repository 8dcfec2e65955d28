// SPDX-License-Identifier: Apache-2.0
#pragma once
/* strategy_swap.h: a configuration that was written for one strategy, trained with another that is named beside it
 * (`--strategy X`): what the other one cannot take from the file is set aside, and told of in one remark. A file that
 * contradicts itself stays an error, and so does what was said on the command line too. */
#include "learn/strategy.h"

/* `settings` itself when no strategy was named over the file; else a copy in the arena without
 *   - model_config.architecture, when the strategy trains one of its own: that one's name stands there instead
 *   - keys of model_config that only other architectures know, or whose value only others take
 *   - keys of data_config that only other strategies know
 *   - sections that the strategy does nothing with.
 * *remark names them (in the arena), and is NULL when there are none. */
int ag_strategy_swap(const ag_strategy *strategy, const ag_settings *settings, ag_arena *arena, const ag_settings **out,
                     const char **remark, ag_err *err);
/* The same with task->settings, and remarks on that and on a file that says nothing. */
int ag_strategy_settle(const ag_strategy *strategy, ag_strategy_task *task, ag_err *err);
