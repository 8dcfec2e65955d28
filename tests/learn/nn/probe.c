// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/probe.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"

static ag_real *reals(int64_t count)
{
    ag_real *memory = ag_calloc((size_t)count + 1, sizeof *memory);
    assert_non_null(memory);
    return memory;
}

probe probe_run(void (*build)(ag_graph *graph, const void *config), const void *config, int64_t samples,
                void (*fill)(const char *input, ag_real *values, int64_t samples, int64_t size))
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    ag_exec *exec = NULL;
    probe p = {.samples = samples};
    ag_rng rng = ag_rng_stream(13, "probe");
    AG_EXPECT_OK(ag_graph_new(&graph, &err));
    build(graph, config);
    AG_EXPECT_OK(ag_graph_finish(graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &p.model, &err));
    ag_model_initialise(p.model, 9);
    ag_plan_options options = {.outputs = true, .max_samples = samples, .chunk = 2};
    AG_EXPECT_OK(ag_exec_new(graph, &options, p.model->values, NULL, NULL, &exec, &err));
    for (int32_t i = 0; i < ag_graph_inputs(graph); i++) {
        const ag_graph_port *port = ag_graph_input_at(graph, i);
        p.in[i] = reals(samples * port->size);
        for (int64_t k = 0; k < samples * port->size; k++) p.in[i][k] = (ag_real)ag_rng_normal(&rng);
        if (fill) fill(port->name, p.in[i], samples, port->size);
        AG_EXPECT_OK(ag_exec_input(exec, port->name, p.in[i], &err));
    }
    for (int32_t i = 0; i < ag_graph_outputs(graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(graph, i);
        p.out[i] = reals(samples * port->size);
        AG_EXPECT_OK(ag_exec_output(exec, port->name, p.out[i], &err));
    }
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = samples}, &err));
    ag_exec_free(exec);
    return p;
}

void probe_free(probe *p)
{
    for (int i = 0; i < PROBE_PORTS; i++) {
        ag_free(p->in[i]);
        ag_free(p->out[i]);
    }
    ag_model_free(p->model);
}

double probe_parameter(const probe *p, const char *name, int64_t element)
{
    const ag_real *values = ag_model_parameter(p->model, name);
    if (!values) fail_msg("there is no parameter '%s'", name);
    return (double)values[element];
}

double probe_near(void)
{
    return AG_REAL_IS_DOUBLE ? 1e-12 : 2e-5;
}
