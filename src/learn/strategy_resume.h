// SPDX-License-Identifier: Apache-2.0
#pragma once
/* strategy_resume.h: whether what lies in a directory is the training that --resume means. */
#include "learn/strategy.h"

/* Refuses to go on with what OUTPUT holds when its configuration or its data make another training, before its run, or
 * anything else of it, is touched. */
int ag_strategy_check_resumed(const ag_strategy *strategy, const ag_strategy_task *task, ag_err *err);
