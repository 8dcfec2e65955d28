// SPDX-License-Identifier: Apache-2.0
/* neural_ode.c: the strategy "neural_ode": a latent differential equation for each fold of the labelled holes, which
 * answer together. */
#include "learn/drilling/folding.h"
#include "learn/strategies/list.h"

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    static const char *const architectures[] = {"neural_ode", NULL};
    return ag_folding_prepare(state, task, architectures, err);
}

const ag_strategy ag_strategy_neural_ode = {
    .name = "neural_ode",
    .doc = "the same with a latent differential equation",
    .data = &ag_drilling_data_description,
    .state_size = sizeof(ag_folding),
    .takes = AG_TAKES_SPLIT | AG_TAKES_FOLDS | AG_TAKES_PRETRAIN | AG_TAKES_ENSEMBLE,
    .architecture = "neural_ode",
    .tells_phases = true,
    .prepare = prepare,
    .train = ag_folding_train,
    .validate = ag_folding_validate,
    .export = ag_folding_export,
    .close = ag_folding_close,
};
