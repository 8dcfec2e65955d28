// SPDX-License-Identifier: Apache-2.0
#pragma once
/* list.h: every strategy; strategy.c makes the table. */
#include "learn/strategy.h"

extern const ag_strategy ag_strategy_forecast;
extern const ag_strategy ag_strategy_patchtsmixer_single;
