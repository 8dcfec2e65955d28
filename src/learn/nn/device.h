// SPDX-License-Identifier: Apache-2.0
#pragma once
/* device.h: where a plan runs. A device opens a plan into a program that owns all memory a run needs, takes the
 * parameters when they change, and runs batches. Everything above (models, training, tools) knows only this interface;
 * a device that keeps its parameters elsewhere uploads them in parameters(). One program is used by one
 * thread at a time; programs are independent of each other. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/sys/cancel.h"
#include "core/sys/thread.h"
#include "learn/nn/plan.h"
#include "learn/nn/real.h"

/* Seconds by node, added to by runs that carry it: where the time goes. Arrays of ag_graph_nodes() items. */
typedef struct ag_profile {
    double *forward, *backward;
} ag_profile;

/* One run of a program over `samples` samples. Arrays of pointers are indexed as the graph's inputs and outputs. */
typedef struct ag_device_run {
    int64_t samples;                 /* 1 .. max_samples */
    int64_t first_sample;            /* number of the first one in the step, when a step is several runs; else 0 */
    const ag_real *const *inputs;    /* each samples * size; NULL: unbound */
    ag_real *const *outputs;         /* NULL entries are not wanted; NULL array: none is */
    ag_real *const *input_gradients; /* as inputs; for plans with input_gradients */
    ag_real *gradient;               /* flat as the parameters; plans with gradients: required, else NULL */
    bool accumulate;                 /* add to `gradient` instead of replacing it */
    double loss_sum, loss_weight;    /* filled: the loss is their quotient. `gradient` is that of loss_sum */
    uint64_t seed, step;             /* key the random numbers */
    bool check_finite;               /* fail with the first layer whose output is not finite */
    ag_profile *profile;             /* may be NULL */
    ag_cancel *cancel;               /* may be NULL */
} ag_device_run;

typedef struct ag_device {
    const char *name; /* "cpu" */
    const char *doc;
    /* Required: 0 when it can be used on this machine, else AG_EUNSUPPORTED with what is missing. */
    int (*probe)(ag_err *err);
    /* Required: whether it can run this node. A plan with a node it cannot run is refused by open(), by the layer's
     * name. */
    bool (*supports)(const ag_node *node, bool training);
    /* Required. `values` is the model's flat parameter array, borrowed for the life of the program; state parameters
     * in it are written by training runs. `pool` may be NULL: one thread. */
    int (*open)(const ag_plan *plan, ag_real *values, ag_pool *pool, void **program, ag_err *err);
    void (*close)(void *program); /* required; NULL is fine */
    /* Required: the values have changed since open() or the last call. */
    int (*parameters)(void *program, ag_err *err);
    int (*run)(void *program, ag_device_run *run, ag_err *err); /* required */
    int64_t (*bytes)(const void *program);                      /* required: memory that it holds */
} ag_device;

const ag_device *const *ag_device_all(size_t *count);
/* "auto" is the best one whose probe succeeds. AG_ENOTFOUND names those there are. */
int ag_device_find(const char *name, const ag_device **out, ag_err *err);
