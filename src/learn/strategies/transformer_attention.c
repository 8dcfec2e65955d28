// SPDX-License-Identifier: Apache-2.0
/* transformer_attention.c: the strategy "transformer_attention": a transformer over patches for each fold of the
 * labelled holes, which answer together. */
#include "learn/drilling/folding.h"
#include "learn/strategies/list.h"

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    static const char *const architectures[] = {"patch_transformer", NULL};
    return ag_folding_prepare(state, task, architectures, err);
}

const ag_strategy ag_strategy_transformer_attention = {
    .name = "transformer_attention",
    .doc = "the same with a transformer over patches",
    .data = &ag_drilling_data_description,
    .state_size = sizeof(ag_folding),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .architecture = "patch_transformer",
    .tells_phases = true,
    .prepare = prepare,
    .train = ag_folding_train,
    .validate = ag_folding_validate,
    .export = ag_folding_export,
    .close = ag_folding_close,
};
