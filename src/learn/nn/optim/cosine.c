// SPDX-License-Identifier: Apache-2.0
/* cosine.c: half a cosine down to the final factor. */
#include <math.h>

#include "learn/nn/optim/list.h"

static double factor(const ag_schedule_point *p)
{
    double wave = 0.5 * (1.0 + cos(M_PI * (double)p->step / (double)p->steps));
    return p->final_factor + (1.0 - p->final_factor) * wave;
}

const ag_schedule ag_schedule_cosine = {
    .name = "cosine",
    .doc = "Half a cosine down to the final factor.",
    .factor = factor,
};
