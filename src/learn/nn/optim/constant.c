// SPDX-License-Identifier: Apache-2.0
/* constant.c: the same rate to the end. */
#include "learn/nn/optim/list.h"

static double factor(const ag_schedule_point *p)
{
    (void)p;
    return 1.0;
}

const ag_schedule ag_schedule_constant = {
    .name = "constant",
    .doc = "The same rate to the end.",
    .factor = factor,
};
