// SPDX-License-Identifier: Apache-2.0
/* plateau.c: see plateau.h. */
#include "learn/nn/optim/plateau.h"

double ag_plateau_step(ag_plateau *p, double metric)
{
    double present = 1.0 - p->dropped;
    bool better = p->begun ? metric < p->best * (1.0 - p->threshold) : metric == metric;
    if (better) {
        p->best = metric;
        p->begun = true;
        p->bad = 0;
    } else {
        p->bad++;
    }
    if (p->resting > 0) {
        p->resting--;
        p->bad = 0;
    }
    if (p->bad > p->patience) {
        present *= p->factor;
        if (present < p->least) present = p->least;
        p->dropped = 1.0 - present;
        p->resting = p->cooldown;
        p->bad = 0;
    }
    return present;
}

ag_early_says ag_early_step(ag_early *e, double metric)
{
    int64_t now = e->epoch++;
    if (e->begun ? metric < e->best - e->threshold : metric == metric) {
        e->begun = true;
        e->best = metric;
        e->best_epoch = now;
        return AG_EARLY_BEST;
    }
    return e->patience > 0 && now - e->best_epoch >= e->patience ? AG_EARLY_STOP : AG_EARLY_GO_ON;
}
