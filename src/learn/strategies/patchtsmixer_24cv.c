// SPDX-License-Identifier: Apache-2.0
/* patchtsmixer_24cv.c: the strategy "patchtsmixer_24cv": a mixer for each of 24 folds of the labelled holes, which
 * answer together. */
#include "learn/drilling/folding.h"
#include "learn/strategies/list.h"

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    static const char *const architectures[] = {"patchtsmixer", NULL};
    return ag_folding_prepare(state, task, architectures, err);
}

const ag_strategy ag_strategy_patchtsmixer_24cv = {
    .name = "patchtsmixer_24cv",
    .doc = "finds entry, transition and exit of drilled holes: a PatchTSMixer per fold, which answer together",
    .data = &ag_drilling_data_description,
    .state_size = sizeof(ag_folding),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .architecture = "patchtsmixer",
    .tells_phases = true,
    .prepare = prepare,
    .train = ag_folding_train,
    .validate = ag_folding_validate,
    .export = ag_folding_export,
    .close = ag_folding_close,
};
