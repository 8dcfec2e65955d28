// SPDX-License-Identifier: Apache-2.0
#pragma once
/* cpu_call.h: what a thread of cpu.c works on, and one step of the plan for it. */
#include <pthread.h>

#include "learn/nn/devices/cpu.h"
#include "learn/nn/kernels/kernels.h"

typedef struct cpu_slot {
    ag_real *workspace; /* NULL in a staged plan: the program's is used */
    ag_real *scratch;
    ag_profile profile; /* of this slot, merged at the end of a run */
} cpu_slot;

typedef struct cpu_program {
    const ag_plan *plan;
    const ag_graph *graph;
    const ag_kernels *kernels;
    ag_pool *pool;
    ag_real *values, *prepared, *workspace, *scratch, *lanes;
    double *losses; /* numerator and weight by sample */
    double *profiles;
    bool *stored; /* by parameter: in each lane one node's first call stores its gradient, so nobody clears it */
    int slots;
    cpu_slot *slot_list;
    int *free_slots;
    int free_count;
    pthread_mutex_t mutex; /* of free_slots */
    int64_t bytes;
} cpu_program;

/* What one thread works on: some consecutive samples of the batch, in one slot. */
typedef struct cpu_work {
    cpu_program *program;
    ag_device_run *run;
    cpu_slot *slot;
    const ag_plan_step *step; /* that runs now; NULL between steps */
    ag_real *base;            /* of the workspace */
    ag_real *gradient;        /* of this lane; NULL without gradients */
    int64_t first, samples;
    bool opening;    /* the lane's first samples: its gradients of stored parameters hold nothing yet */
    int part, parts; /* of the step; 0 of 0: all of it */
} cpu_work;

/* Where the value, or its gradient, of the first of these samples lies; NULL: there is none. */
ag_real *cpu_value(const cpu_work *w, ag_ref ref);
ag_real *cpu_gradient(const cpu_work *w, ag_ref ref);
/* Whether the node can store the gradient of a parameter, its weight, and of which one. */
bool cpu_stores_weight(const cpu_program *p, const ag_node *node, int32_t *parameter);
/* The step's operation, forward or backward. Fails only where numbers are checked (run->check_finite). */
int cpu_call(const cpu_work *w, const ag_plan_step *step, ag_err *err);
