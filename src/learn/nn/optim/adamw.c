// SPDX-License-Identifier: Apache-2.0
/* adamw.c: Adam whose weight decay shrinks the values themselves (Loshchilov and Hutter). */
#include "learn/nn/optim/adam_step.h"
#include "learn/nn/optim/list.h"

static void update(const ag_update *u)
{
    ag_adam_update(u, 0.0, 1.0 - u->learning_rate * u->weight_decay);
}

const ag_optimizer ag_optimizer_adamw = {
    .name = "adamw",
    .doc = "Adam with decoupled weight decay.",
    .moments = 2,
    .learning_rate = 1e-3,
    .weight_decay = 0.01,
    .beta1 = 0.9,
    .beta2 = 0.999,
    .epsilon = 1e-8,
    .update = update,
};
