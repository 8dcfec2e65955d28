// SPDX-License-Identifier: Apache-2.0
/* sgd.c: v = momentum * v + g; value -= rate * v, with the decay added to the gradient, as PyTorch does. */
#include "learn/nn/optim/list.h"

static void update(const ag_update *u)
{
    ag_real decay = (ag_real)u->weight_decay, momentum = (ag_real)u->momentum, rate = (ag_real)u->learning_rate;
    ag_real scale = u->gradient_scale, *restrict value = u->values, *restrict speed = u->moments[0];
    const ag_real *restrict gradient = u->gradient;
    for (int64_t i = 0; i < u->count; i++) {
        speed[i] = momentum * speed[i] + scale * gradient[i] + decay * value[i];
        value[i] -= rate * speed[i];
    }
}

const ag_optimizer ag_optimizer_sgd = {
    .name = "sgd",
    .doc = "Gradient descent with momentum; the weight decay is part of the gradient.",
    .moments = 1,
    .learning_rate = 1e-2,
    .update = update,
};
