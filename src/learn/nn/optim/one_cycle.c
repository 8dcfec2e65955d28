// SPDX-License-Identifier: Apache-2.0
/* one_cycle.c: from 1/25 of the rate up to the whole of it in the first 30 % of the steps, then down to the final
 * factor, both along half a cosine (Smith and Topin; the proportions are PyTorch's). The last step gets the end. */
#include <math.h>

#include "learn/nn/optim/list.h"

#define BEGIN 0.04
#define RISING 0.3

static double glide(double from, double to, double share)
{
    return to + (from - to) * 0.5 * (1.0 + cos(M_PI * share));
}

static double factor(const ag_schedule_point *p)
{
    double at = (double)p->step, top = RISING * (double)p->steps - 1.0, end = (double)p->steps - 1.0;
    if (at <= top && top > 0.0) return glide(BEGIN, 1.0, at / top);
    if (top < 0.0) top = 0.0;
    return end <= top || at >= end ? p->final_factor : glide(1.0, p->final_factor, (at - top) / (end - top));
}

const ag_schedule ag_schedule_one_cycle = {
    .name = "one_cycle",
    .doc = "Up to the whole rate in the first 30 %, then down to the final factor.",
    .factor = factor,
};
