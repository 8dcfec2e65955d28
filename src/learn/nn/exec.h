// SPDX-License-Identifier: Apache-2.0
#pragma once
/* exec.h: a model, a plan and a device brought together: bind arrays by name, run. One exec is used by one thread at a
 * time (inside, it uses the pool); many execs may share a graph and a pool, as folds do. Nothing is allocated after
 * ag_exec_new(). */
#include "core/base/err.h"
#include "learn/nn/device.h"
#include "learn/nn/graph.h"
#include "learn/nn/plan.h"

typedef struct ag_exec ag_exec;

/* `values`: the flat parameters (see ag_device.open). `device` NULL: the CPU. `pool` may be NULL. */
int ag_exec_new(const ag_graph *graph, const ag_plan_options *options, ag_real *values, const ag_device *device,
                ag_pool *pool, ag_exec **out, ag_err *err);
void ag_exec_free(ag_exec *exec);
const ag_plan *ag_exec_plan(const ag_exec *exec);
int64_t ag_exec_bytes(const ag_exec *exec);

/* Binds until bound otherwise; NULL unbinds. The array must hold samples * size reals at every run. */
int ag_exec_input(ag_exec *exec, const char *name, const ag_real *values, ag_err *err);
int ag_exec_output(ag_exec *exec, const char *name, ag_real *values, ag_err *err);
int ag_exec_input_gradient(ag_exec *exec, const char *name, ag_real *values, ag_err *err);
/* The array that the graph's output of that number is bound to, or NULL. */
ag_real *ag_exec_output_bound(const ag_exec *exec, int32_t output);

/* Tells the device that the parameters have changed. */
int ag_exec_changed(ag_exec *exec, ag_err *err);
/* Runs with what is bound: fills inputs, outputs and input_gradients of *run; the caller sets the rest. */
int ag_exec_run(ag_exec *exec, ag_device_run *run, ag_err *err);
