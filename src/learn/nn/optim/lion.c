// SPDX-License-Identifier: Apache-2.0
/* lion.c: the sign of an interpolated momentum (Chen et al., "Symbolic discovery of optimization algorithms"). */
#include "learn/nn/optim/list.h"

static void update(const ag_update *u)
{
    ag_real beta1 = (ag_real)u->beta1, rest1 = (ag_real)(1.0 - u->beta1);
    ag_real beta2 = (ag_real)u->beta2, rest2 = (ag_real)(1.0 - u->beta2);
    ag_real keep = (ag_real)(1.0 - u->learning_rate * u->weight_decay), rate = (ag_real)u->learning_rate;
    ag_real scale = u->gradient_scale, *restrict value = u->values, *restrict momentum = u->moments[0];
    const ag_real *restrict gradient = u->gradient;
    for (int64_t i = 0; i < u->count; i++) {
        ag_real g = scale * gradient[i], way = beta1 * momentum[i] + rest1 * g;
        value[i] = keep * value[i] - rate * (ag_real)((way > 0) - (way < 0));
        momentum[i] = beta2 * momentum[i] + rest2 * g;
    }
}

const ag_optimizer ag_optimizer_lion = {
    .name = "lion",
    .doc = "The sign of an interpolated momentum; wants about a tenth of Adam's rate.",
    .moments = 1,
    .learning_rate = 1e-4,
    .beta1 = 0.9,
    .beta2 = 0.99,
    .update = update,
};
