// SPDX-License-Identifier: Apache-2.0
/* cnn_lstm.c: the strategy "cnn_lstm": convolutions with a recurrent model behind them, one for each fold of the
 * labelled holes, which answer together. */
#include "learn/drilling/folding.h"
#include "learn/strategies/list.h"

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    static const char *const architectures[] = {"cnn_lstm", NULL};
    return ag_folding_prepare(state, task, architectures, err);
}

const ag_strategy ag_strategy_cnn_lstm = {
    .name = "cnn_lstm",
    .doc = "the same with convolutions and a recurrent model",
    .data = &ag_drilling_data_description,
    .state_size = sizeof(ag_folding),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .architecture = "cnn_lstm",
    .tells_phases = true,
    .prepare = prepare,
    .train = ag_folding_train,
    .validate = ag_folding_validate,
    .export = ag_folding_export,
    .close = ag_folding_close,
};
