// SPDX-License-Identifier: Apache-2.0
/* linear.c: a straight line down to the final factor. */
#include "learn/nn/optim/list.h"

static double factor(const ag_schedule_point *p)
{
    return 1.0 + (p->final_factor - 1.0) * (double)p->step / (double)p->steps;
}

const ag_schedule ag_schedule_linear = {
    .name = "linear",
    .doc = "A straight line down to the final factor.",
    .factor = factor,
};
