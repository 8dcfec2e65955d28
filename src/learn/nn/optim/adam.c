// SPDX-License-Identifier: Apache-2.0
/* adam.c: Adam (Kingma and Ba) with bias correction; the weight decay is part of the gradient. */
#include <math.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/optim/adam_step.h"
#include "learn/nn/optim/list.h"

void ag_adam_update(const ag_update *u, double decay, double keep)
{
    double step = (double)u->step, first = 1.0 - pow(u->beta1, step), second = 1.0 - pow(u->beta2, step);
    u->kernels->adam(&(ag_adam_step){.count = u->count,
                                     .values = u->values,
                                     .first = u->moments[0],
                                     .second = u->moments[1],
                                     .gradient = u->gradient,
                                     .scale = u->gradient_scale,
                                     .decay = (ag_real)decay,
                                     .beta1 = (ag_real)u->beta1,
                                     .rest1 = (ag_real)(1.0 - u->beta1),
                                     .beta2 = (ag_real)u->beta2,
                                     .rest2 = (ag_real)(1.0 - u->beta2),
                                     .keep = (ag_real)keep,
                                     .rate = (ag_real)(u->learning_rate / first),
                                     .root = (ag_real)(1.0 / sqrt(second)),
                                     .epsilon = (ag_real)u->epsilon});
}

static void update(const ag_update *u)
{
    ag_adam_update(u, u->weight_decay, 1.0);
}

const ag_optimizer ag_optimizer_adam = {
    .name = "adam",
    .doc = "Adam; the weight decay is part of the gradient.",
    .moments = 2,
    .learning_rate = 1e-3,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
    .update = update,
};
