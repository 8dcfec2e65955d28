// SPDX-License-Identifier: Apache-2.0
#pragma once
/* optim.h: optimisers and schedules, each a const struct in a file of its own under optim/ and one line in
 * optim/list.c.
 * An optimiser updates a range of the flat parameter array and keeps up to AG_MAX_MOMENTS arrays of the same layout; as
 * its work is element by element, any partition gives the same bits. */
#include "core/base/err.h"
#include "core/sys/thread.h"
#include "learn/nn/graph.h"
#include "learn/nn/real.h"

#define AG_MAX_MOMENTS 3

/* The numbers of one update of one range. Which of them an optimiser uses is in its doc. */
typedef struct ag_update {
    const struct ag_kernels *kernels;
    int64_t step; /* from 1 */
    double learning_rate, weight_decay, momentum, beta1, beta2, epsilon;
    ag_real gradient_scale; /* the gradient is multiplied by it: 1/loss weight, clipping */
    int64_t count;
    ag_real *values;
    const ag_real *gradient;
    ag_real *moments[AG_MAX_MOMENTS];
} ag_update;

typedef struct ag_optimizer {
    const char *name; /* "adamw" */
    const char *doc;
    int moments;                                                         /* arrays it keeps, zero at the start */
    double learning_rate, weight_decay, momentum, beta1, beta2, epsilon; /* defaults */
    void (*update)(const ag_update *update);                             /* required */
} ag_optimizer;

const ag_optimizer *const *ag_optimizer_all(size_t *count);
const ag_optimizer *ag_optimizer_find(const char *name);

/* The factor on the learning rate, from 0 to 1. */
typedef struct ag_schedule_point {
    int64_t step, steps; /* this one from 0, and how many there will be */
    int64_t warmup;      /* steps of linear warm-up before */
    double final_factor; /* where it ends */
} ag_schedule_point;

typedef struct ag_schedule {
    const char *name; /* "cosine" */
    const char *doc;
    double (*factor)(const ag_schedule_point *point); /* after the warm-up, which ag_schedule_factor() does: `step` and
                                                         `steps` count from its end, and step <= steps */
} ag_schedule;

const ag_schedule *const *ag_schedule_all(size_t *count);
const ag_schedule *ag_schedule_find(const char *name);
/* With the warm-up, which rises from 0 in `warmup` steps; steps beyond the last are held at the last. */
double ag_schedule_factor(const ag_schedule *schedule, const ag_schedule_point *point);
/* Whether the name matches the pattern, in which * stands for any text and ? for one byte. */
bool ag_name_matches(const char *name, const char *pattern);

/* A model's optimiser with its state: moments, step, which parameters it may touch and how they decay. */
typedef struct ag_optim ag_optim;

typedef struct ag_optim_options {
    const ag_optimizer *optimizer;
    double learning_rate, weight_decay, momentum, beta1, beta2, epsilon;
    double clip_norm;  /* of the whole gradient; 0: none */
    bool decay_biases; /* also biases and norms (PyTorch's default); else only matrices */
} ag_optim_options;

int ag_optim_new(const ag_graph *graph, const ag_optim_options *options, ag_optim **out, ag_err *err);
void ag_optim_free(ag_optim *optim);
/* Parameters whose name matches the pattern (* and ?) are no longer (or again) updated. Returns how many matched. */
int32_t ag_optim_freeze(ag_optim *optim, const char *pattern, bool frozen);
/* False when every parameter is frozen: steps would change nothing. */
bool ag_optim_trains(const ag_optim *optim);
/* A group: parameters that match learn at `rate_factor` times the rate and decay by `weight_decay`. Later calls win.
 * Returns how many matched. */
int32_t ag_optim_group(ag_optim *optim, const char *pattern, double rate_factor, double weight_decay);
/* gradient: that of loss_sum; divided by loss_weight here. *norm (may be NULL): the gradient's norm before clipping.
 * AG_EINVAL, naming the first parameter, when the gradient is not finite; nothing is changed then. */
int ag_optim_step(ag_optim *optim, ag_real *values, const ag_real *gradient, double loss_weight, double rate_factor,
                  ag_pool *pool, double *norm, ag_err *err);
int64_t ag_optim_steps(const ag_optim *optim);
void ag_optim_set_steps(ag_optim *optim, int64_t steps); /* for resuming */
ag_real *ag_optim_moment(ag_optim *optim, int index);    /* flat; NULL beyond those it keeps */
