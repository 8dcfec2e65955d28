// SPDX-License-Identifier: Apache-2.0
/* strategy_evaluate.c: a trained model scored by the strategy that made it. */
#include "learn/strategy.h"
#include "learn/strategy_made.h"

int ag_strategy_evaluate(ag_strategy_evaluation *e, const char *device, unsigned jobs, ag_err *err)
{
    ag_strategy_made made = {0};
    ag_vec_init(&e->scores, sizeof(ag_strategy_score));
    int rc = ag_strategy_made_by(e->model_dir, e->arena, &made, err);
    if (rc < 0) return rc;
    e->model_dir = made.model_dir;
    e->description = made.description;
    if (!made.strategy->evaluate)
        return ag_fail(err, AG_EUNSUPPORTED, "models of strategy %s cannot be evaluated", made.strategy->name);
    rc = ag_device_find(device, &e->device, err);
    if (rc >= 0 && jobs > 1) rc = ag_pool_new(jobs, &e->pool, err);
    if (rc >= 0) rc = made.strategy->evaluate(e, err);
    ag_pool_free(e->pool);
    e->pool = NULL;
    return rc;
}
