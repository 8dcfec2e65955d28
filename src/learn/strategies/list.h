// SPDX-License-Identifier: Apache-2.0
#pragma once
/* list.h: every strategy; strategy.c makes the table. */
#include "learn/strategy.h"

extern const ag_strategy ag_strategy_exec;
extern const ag_strategy ag_strategy_forecast;
extern const ag_strategy ag_strategy_legacy_patchtsmixer;
extern const ag_strategy ag_strategy_patchtsmixer_24cv, ag_strategy_transformer_attention, ag_strategy_cnn_lstm,
    ag_strategy_neural_ode, ag_strategy_ensemble_voting;
extern const ag_strategy ag_strategy_patchtsmixer_single;
