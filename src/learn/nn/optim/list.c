// SPDX-License-Identifier: Apache-2.0
/* list.c: the lists of optimisers and schedules; the warm-up that all schedules share. */
#include "learn/nn/optim/list.h"

#include <string.h>

static const ag_optimizer *const optimizers[] = {
    &ag_optimizer_adam,
    &ag_optimizer_adamw,
    &ag_optimizer_lion,
    &ag_optimizer_sgd,
};

static const ag_schedule *const schedules[] = {
    &ag_schedule_constant,
    &ag_schedule_cosine,
    &ag_schedule_linear,
    &ag_schedule_one_cycle,
};

const ag_optimizer *const *ag_optimizer_all(size_t *count)
{
    *count = sizeof optimizers / sizeof *optimizers;
    return optimizers;
}

const ag_optimizer *ag_optimizer_find(const char *name)
{
    for (size_t i = 0; i < sizeof optimizers / sizeof *optimizers; i++)
        if (strcmp(optimizers[i]->name, name) == 0) return optimizers[i];
    return NULL;
}

const ag_schedule *const *ag_schedule_all(size_t *count)
{
    *count = sizeof schedules / sizeof *schedules;
    return schedules;
}

const ag_schedule *ag_schedule_find(const char *name)
{
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
        if (strcmp(schedules[i]->name, name) == 0) return schedules[i];
    return NULL;
}

double ag_schedule_factor(const ag_schedule *schedule, const ag_schedule_point *point)
{
    if (point->step < point->warmup) return (double)point->step / (double)point->warmup;
    ag_schedule_point rest = *point;
    rest.steps = point->steps - point->warmup;
    rest.step = point->step - point->warmup;
    if (rest.steps < 1) rest.steps = 1;
    if (rest.step > rest.steps) rest.step = rest.steps;
    return schedule->factor(&rest);
}
