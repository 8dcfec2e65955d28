// SPDX-License-Identifier: Apache-2.0
/* ensemble_voting.c: the strategy "ensemble_voting": several architectures, each with a model for each fold of the
 * labelled holes, which vote. */
#include "learn/drilling/folding.h"
#include "learn/strategies/list.h"

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    static const char *const architectures[] = {"patchtsmixer", "patch_transformer", "cnn_lstm", NULL};
    return ag_folding_prepare(state, task, architectures, err);
}

const ag_strategy ag_strategy_ensemble_voting = {
    .name = "ensemble_voting",
    .doc = "several architectures vote: a mixer, a transformer and a recurrent model, or those of ensemble.members",
    .data = &ag_drilling_data_description,
    .state_size = sizeof(ag_folding),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .architecture = "patchtsmixer",
    .any_architecture = true,
    .tells_phases = true,
    .prepare = prepare,
    .train = ag_folding_train,
    .validate = ag_folding_validate,
    .export = ag_folding_export,
    .close = ag_folding_close,
};
