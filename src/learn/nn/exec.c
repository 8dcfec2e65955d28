// SPDX-License-Identifier: Apache-2.0
/* exec.c: binding and checking, so that a device may trust what it is given: every input that a planned node needs is
 * bound, the number of samples fits the plan, the gradient is there when it is planned. */
#include "learn/nn/exec.h"

#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/devices/cpu.h"

struct ag_exec {
    const ag_graph *graph;
    const ag_device *device;
    ag_plan *plan;
    void *program;
    const ag_real **inputs;
    ag_real **outputs;
    ag_real **input_gradients;
    bool *needed; /* by input: some planned node reads it, and it is not optional */
};

/* The value that a chain of views begins at. */
static const ag_graph_value *origin(const ag_graph *graph, ag_ref ref)
{
    if (!ref.index) return NULL;
    const ag_graph_value *value = ag_graph_value_at(graph, ref);
    while (value->source == AG_FROM_NODE && (ag_graph_node(graph, value->owner)->op->flags & AG_OP_VIEW))
        value = ag_graph_value_at(graph, ag_graph_node(graph, value->owner)->in[0]);
    return value;
}

static void need(ag_exec *exec, ag_ref ref)
{
    const ag_graph_value *value = origin(exec->graph, ref);
    if (value && value->source == AG_FROM_INPUT)
        exec->needed[value->owner] = !ag_graph_input_at(exec->graph, value->owner)->optional;
}

static void find_needed(ag_exec *exec)
{
    for (int32_t i = 0; i < exec->plan->forward_steps; i++) {
        const ag_node *node = ag_graph_node(exec->graph, exec->plan->steps[i].node);
        for (int k = 0; k < node->inputs; k++) need(exec, node->in[k]);
    }
    for (int32_t i = 0; exec->plan->options.outputs && i < ag_graph_outputs(exec->graph); i++)
        need(exec, ag_graph_output_at(exec->graph, i)->value);
}

int ag_exec_new(const ag_graph *graph, const ag_plan_options *options, ag_real *values, const ag_device *device,
                ag_pool *pool, ag_exec **out, ag_err *err)
{
    int rc = 0;
    size_t inputs = (size_t)ag_graph_inputs(graph), outputs = (size_t)ag_graph_outputs(graph);
    ag_exec *exec = ag_calloc(1, sizeof *exec);
    if (!exec) return ag_fail_memory(err, sizeof *exec);
    exec->graph = graph;
    exec->device = device ? device : &ag_device_cpu;
    if (!(exec->inputs = ag_calloc(inputs, sizeof *exec->inputs)) ||
        !(exec->outputs = ag_calloc(outputs, sizeof *exec->outputs)) ||
        !(exec->input_gradients = ag_calloc(inputs, sizeof *exec->input_gradients)) ||
        !(exec->needed = ag_calloc(inputs, sizeof *exec->needed))) {
        rc = ag_fail_memory(err, (inputs + outputs) * sizeof *exec->inputs);
        goto out;
    }
    if ((rc = ag_plan_new(graph, options, &exec->plan, err)) < 0) goto out;
    find_needed(exec);
    if ((rc = exec->device->open(exec->plan, values, pool, &exec->program, err)) < 0) goto out;
    if ((rc = exec->device->parameters(exec->program, err)) < 0) goto out;
    *out = exec;
    exec = NULL;
out:
    ag_exec_free(exec);
    return rc;
}

void ag_exec_free(ag_exec *exec)
{
    if (!exec) return;
    exec->device->close(exec->program);
    ag_plan_free(exec->plan);
    ag_free(exec->inputs);
    ag_free(exec->outputs);
    ag_free(exec->input_gradients);
    ag_free(exec->needed);
    ag_free(exec);
}

const ag_plan *ag_exec_plan(const ag_exec *exec)
{
    return exec->plan;
}

int64_t ag_exec_bytes(const ag_exec *exec)
{
    return exec->device->bytes(exec->program);
}

int ag_exec_input(ag_exec *exec, const char *name, const ag_real *values, ag_err *err)
{
    int32_t at = ag_graph_input_find(exec->graph, name);
    if (at < 0) return ag_fail(err, AG_ENOTFOUND, "the model has no input '%s'", name);
    exec->inputs[at] = values;
    return 0;
}

int ag_exec_output(ag_exec *exec, const char *name, ag_real *values, ag_err *err)
{
    int32_t at = ag_graph_output_find(exec->graph, name);
    if (at < 0) return ag_fail(err, AG_ENOTFOUND, "the model has no output '%s'", name);
    if (values && !exec->plan->options.outputs)
        return ag_fail(err, AG_EINVAL, "output '%s' is not computed: the plan was made without outputs", name);
    exec->outputs[at] = values;
    return 0;
}

ag_real *ag_exec_output_bound(const ag_exec *exec, int32_t output)
{
    return exec->outputs[output];
}

int ag_exec_input_gradient(ag_exec *exec, const char *name, ag_real *values, ag_err *err)
{
    int32_t at = ag_graph_input_find(exec->graph, name);
    if (at < 0) return ag_fail(err, AG_ENOTFOUND, "the model has no input '%s'", name);
    if (values && !exec->plan->options.input_gradients)
        return ag_fail(err, AG_EINVAL, "the gradient of input '%s' was not planned", name);
    exec->input_gradients[at] = values;
    return 0;
}

int ag_exec_changed(ag_exec *exec, ag_err *err)
{
    return exec->device->parameters(exec->program, err);
}

int ag_exec_run(ag_exec *exec, ag_device_run *run, ag_err *err)
{
    const ag_plan_options *options = &exec->plan->options;
    if (run->samples < 1 || run->samples > options->max_samples)
        return ag_fail(err, AG_EINVAL, "%lld samples do not fit a plan for 1 to %lld", (long long)run->samples,
                       (long long)options->max_samples);
    for (int32_t i = 0; i < ag_graph_inputs(exec->graph); i++)
        if (exec->needed[i] && !exec->inputs[i])
            return ag_fail(err, AG_EINVAL, "input '%s' is not bound", ag_graph_input_at(exec->graph, i)->name);
    if (options->gradients && !run->gradient) return ag_fail(err, AG_EINVAL, "no array for the gradient was given");
    run->inputs = exec->inputs;
    run->outputs = exec->outputs;
    run->input_gradients = exec->input_gradients;
    return exec->device->run(exec->program, run, err);
}
