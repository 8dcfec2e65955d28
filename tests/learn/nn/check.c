// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/sys/thread.h"

#define MOST_PORTS 16

typedef struct bench { /* a model with data, and where its results go */
    const ag_check *check;
    ag_model *model;
    int64_t samples;
    ag_real *inputs[MOST_PORTS], *outputs[MOST_PORTS], *input_gradients[MOST_PORTS];
    ag_real *gradient;
    double loss;
} bench;

void ag_check_near(double a, double b, double tolerance, const char *what)
{
    double size = fabs(b) > 1.0 ? fabs(b) : 1.0;
    if (!(fabs(a - b) <= tolerance * size)) fail_msg("%s: %.12g is not %.12g (within %g)", what, a, b, tolerance);
}

static void add_loss(ag_graph *graph)
{
    ag_ref total = AG_NO_REF;
    char name[32];
    if (ag_graph_loss_value(graph).index) return;
    for (int32_t i = 0; i < ag_graph_outputs(graph); i++) {
        const ag_graph_port *port = ag_graph_output_at(graph, i);
        snprintf(name, sizeof name, "check_target_%d", (int)i);
        ag_shape shape = port->shape;
        ag_ref output = port->value, target = ag_graph_input(graph, name, shape);
        ag_ref one = ag_graph_apply2(graph, &ag_op_mse, "check_loss", output, target, NULL);
        total = total.index ? ag_graph_apply2(graph, &ag_op_add, "check_sum", total, one, NULL) : one;
    }
    if (total.index) ag_graph_loss(graph, total);
}

ag_graph *ag_check_build(void (*build)(ag_graph *graph, const void *config), const void *config)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    AG_EXPECT_OK(ag_graph_new(&graph, &err));
    build(graph, config);
    add_loss(graph);
    AG_EXPECT_OK(ag_graph_finish(graph, &err));
    return graph;
}

void ag_check_refused(void (*build)(ag_graph *graph, const void *config), const void *config, const char *part)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    AG_EXPECT_OK(ag_graph_new(&graph, &err));
    build(graph, config);
    AG_EXPECT_ERROR(ag_graph_finish(graph, &err), AG_EINVAL, part);
    ag_graph_free(graph);
}

static ag_real *reals(int64_t count)
{
    ag_real *memory = ag_alloc_aligned(64, (size_t)(count + AG_REAL_ALIGN) * sizeof(ag_real));
    assert_non_null(memory);
    memset(memory, 0, (size_t)(count + AG_REAL_ALIGN) * sizeof(ag_real));
    return memory;
}

static void open_bench(bench *b, const ag_check *check)
{
    ag_err err = {0};
    *b = (bench){.check = check, .samples = check->samples ? check->samples : 5};
    AG_EXPECT_OK(ag_model_new(ag_check_build(check->build, check->config), &b->model, &err));
    const ag_graph *graph = b->model->graph;
    ag_model_initialise(b->model, 7);
    assert_true(ag_graph_inputs(graph) <= MOST_PORTS && ag_graph_outputs(graph) <= MOST_PORTS);
    ag_rng rng = ag_rng_stream(11, "check");
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, i);
        for (int64_t k = 0; k < row->size && row->trainable; k++)
            b->model->values[row->offset + k] += (ag_real)(0.1 * ag_rng_normal(&rng));
    }
    for (int32_t i = 0; i < ag_graph_inputs(graph); i++) {
        const ag_graph_port *port = ag_graph_input_at(graph, i);
        b->inputs[i] = reals(b->samples * port->size);
        b->input_gradients[i] = reals(b->samples * port->size);
        for (int64_t k = 0; k < b->samples * port->size; k++) b->inputs[i][k] = (ag_real)ag_rng_normal(&rng);
        if (check->fill) check->fill(port->name, b->inputs[i], b->samples, port->size);
    }
    for (int32_t i = 0; i < ag_graph_outputs(graph); i++)
        b->outputs[i] = reals(b->samples * ag_graph_output_at(graph, i)->size);
    b->gradient = reals(ag_graph_flat_size(graph));
}

static void close_bench(bench *b)
{
    for (int i = 0; i < MOST_PORTS; i++) {
        ag_free(b->inputs[i]);
        ag_free(b->outputs[i]);
        ag_free(b->input_gradients[i]);
    }
    ag_free(b->gradient);
    ag_model_free(b->model);
}

typedef struct manner {
    bool gradients, outputs;
    int64_t chunk;
    bool recompute;
    unsigned threads; /* 0: no pool */
} manner;

static ag_exec *open_exec(bench *b, const manner *how, ag_pool *pool)
{
    ag_err err = {0};
    ag_exec *exec = NULL;
    const ag_graph *graph = b->model->graph;
    ag_plan_options options = {.gradients = how->gradients,
                               .training = !b->check->not_training,
                               .loss = true,
                               .outputs = how->outputs,
                               .input_gradients = how->gradients && !b->check->no_input_gradients,
                               .max_samples = b->samples,
                               .chunk = how->chunk,
                               .recompute = how->recompute,
                               .lanes = 3};
    AG_EXPECT_OK(ag_exec_new(graph, &options, b->model->values, NULL, pool, &exec, &err));
    for (int32_t i = 0; i < ag_graph_inputs(graph); i++) {
        AG_EXPECT_OK(ag_exec_input(exec, ag_graph_input_at(graph, i)->name, b->inputs[i], &err));
        if (options.input_gradients)
            AG_EXPECT_OK(ag_exec_input_gradient(exec, ag_graph_input_at(graph, i)->name, b->input_gradients[i], &err));
    }
    for (int32_t i = 0; how->outputs && i < ag_graph_outputs(graph); i++)
        AG_EXPECT_OK(ag_exec_output(exec, ag_graph_output_at(graph, i)->name, b->outputs[i], &err));
    return exec;
}

static double run_exec(bench *b, ag_exec *exec)
{
    ag_err err = {0};
    ag_device_run run = {.samples = b->samples, .gradient = b->gradient, .seed = 5, .step = 3, .check_finite = true};
    AG_EXPECT_OK(ag_exec_changed(exec, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &run, &err));
    return b->loss = run.loss_sum;
}

static void run_once(bench *b, const manner *how)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    if (how->threads) AG_EXPECT_OK(ag_pool_new(how->threads, &pool, &err));
    ag_exec *exec = open_exec(b, how, pool);
    run_exec(b, exec);
    ag_exec_free(exec);
    ag_pool_free(pool);
}

/* ---- double: central differences ---- */

static void compare_slope(bench *b, ag_exec *forward, ag_real *at, double slope, const char *name, int64_t element)
{
    double step = b->check->step != 0.0 ? b->check->step : 1e-5;
    double tolerance = b->check->tolerance != 0.0 ? b->check->tolerance : 1e-6;
    ag_real before = *at;
    *at = (ag_real)(before + step);
    double above = run_exec(b, forward);
    *at = (ag_real)(before - step);
    double below = run_exec(b, forward);
    *at = before;
    double measured = (above - below) / (2.0 * step);
    double size = fabs(measured) > 1.0 ? fabs(measured) : 1.0;
    if (!(fabs(measured - slope) <= tolerance * size))
        fail_msg("gradient of %s[%lld]: %.12g, but by differences %.12g", name, (long long)element, slope, measured);
}

static void compare_slopes(bench *b, ag_exec *forward, ag_real *values, const ag_real *slopes, int64_t size,
                           const char *name)
{
    int64_t most = b->check->most ? b->check->most : 12, stride = size <= most ? 1 : size / most;
    for (int64_t k = 0; k < size; k += stride) compare_slope(b, forward, values + k, (double)slopes[k], name, k);
}

static void check_slopes(bench *b)
{
    const ag_graph *graph = b->model->graph;
    run_once(b, &(manner){.gradients = true, .chunk = 2});
    ag_exec *forward = open_exec(b, &(manner){.chunk = 2}, NULL);
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, i);
        if (row->trainable)
            compare_slopes(b, forward, b->model->values + row->offset, b->gradient + row->offset, row->size, row->name);
    }
    for (int32_t i = 0; !b->check->no_input_gradients && i < ag_graph_inputs(graph); i++) {
        const ag_graph_port *port = ag_graph_input_at(graph, i);
        if (b->check->constant && strcmp(port->name, b->check->constant) == 0) continue;
        compare_slopes(b, forward, b->inputs[i], b->input_gradients[i], b->samples * port->size, port->name);
    }
    ag_exec_free(forward);
}

/* ---- float: kernels, threads, chunks ---- */

static void compare_close(const ag_real *a, const ag_real *b, int64_t count, double tolerance, const char *what)
{
    double top = 0.0;
    for (int64_t i = 0; i < count; i++)
        if (fabs((double)b[i]) > top) top = fabs((double)b[i]);
    for (int64_t i = 0; i < count; i++)
        if (!(fabs((double)(a[i] - b[i])) <= tolerance * (top > 1e-3 ? top : 1e-3)))
            fail_msg("%s[%lld]: %.9g is not %.9g (largest %g)", what, (long long)i, (double)a[i], (double)b[i], top);
}

typedef struct result { /* a copy of what a run gave */
    ag_real *outputs[MOST_PORTS], *gradient;
    double loss;
} result;

static result keep_result(const bench *b)
{
    result kept = {.loss = b->loss};
    const ag_graph *graph = b->model->graph;
    for (int32_t i = 0; i < ag_graph_outputs(graph); i++) {
        int64_t count = b->samples * ag_graph_output_at(graph, i)->size;
        kept.outputs[i] = reals(count);
        memcpy(kept.outputs[i], b->outputs[i], (size_t)count * sizeof(ag_real));
    }
    kept.gradient = reals(ag_graph_flat_size(graph));
    memcpy(kept.gradient, b->gradient, (size_t)ag_graph_flat_size(graph) * sizeof(ag_real));
    return kept;
}

static void drop_result(result *kept)
{
    for (int i = 0; i < MOST_PORTS; i++) ag_free(kept->outputs[i]);
    ag_free(kept->gradient);
}

static void check_same_outputs(const bench *b, const result *kept, const char *what)
{
    for (int32_t i = 0; i < ag_graph_outputs(b->model->graph); i++) {
        size_t bytes = (size_t)(b->samples * ag_graph_output_at(b->model->graph, i)->size) * sizeof(ag_real);
        if (memcmp(b->outputs[i], kept->outputs[i], bytes) != 0) fail_msg("%s: other bits of the outputs", what);
    }
}

static void check_same_gradient(const bench *b, const result *kept, const char *what)
{
    for (int32_t i = 0; i < ag_graph_parameters(b->model->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(b->model->graph, i);
        if (memcmp(b->gradient + row->offset, kept->gradient + row->offset, (size_t)row->size * sizeof(ag_real)) != 0)
            fail_msg("%s: other bits of the gradient of %s", what, row->name);
    }
    if (memcmp(&b->loss, &kept->loss, sizeof b->loss) != 0) fail_msg("%s: other bits of the loss", what);
}

static void check_bits(bench *b)
{
    run_once(b, &(manner){.gradients = true, .outputs = true, .chunk = 2});
    result kept = keep_result(b);
    for (unsigned threads = 1; threads <= 4; threads++) {
        char what[32];
        snprintf(what, sizeof what, "%u threads", threads);
        run_once(b, &(manner){.gradients = true, .outputs = true, .chunk = 2, .threads = threads});
        check_same_gradient(b, &kept, what);
        check_same_outputs(b, &kept, what);
    }
    run_once(b, &(manner){.gradients = true, .chunk = 2});
    check_same_gradient(b, &kept, "without outputs");
    run_once(b, &(manner){.gradients = true, .outputs = true, .chunk = 2, .recompute = true, .threads = 2});
    check_same_gradient(b, &kept, "recomputed");
    check_same_outputs(b, &kept, "recomputed");
    run_once(b, &(manner){.outputs = true, .chunk = 2, .threads = 2});
    check_same_outputs(b, &kept, "2 threads without gradients");
    run_once(b, &(manner){.outputs = true, .chunk = 3});
    check_same_outputs(b, &kept, "chunks of 3");
    run_once(b, &(manner){.outputs = true, .chunk = 1});
    check_same_outputs(b, &kept, "chunks of 1");
    drop_result(&kept);
}

static void check_kernels(bench *b)
{
    size_t count = 0;
    double tolerance = b->check->float_tolerance != 0.0 ? b->check->float_tolerance : 2e-5;
    const ag_kernels *const *tables = ag_kernels_all(&count);
    setenv("AUGER_KERNELS", "plain", 1);
    run_once(b, &(manner){.gradients = true, .outputs = true, .chunk = 2});
    result kept = keep_result(b);
    for (size_t i = 0; i < count; i++) {
        if (!tables[i]->usable() || strcmp(tables[i]->name, "plain") == 0) continue;
        setenv("AUGER_KERNELS", tables[i]->name, 1);
        run_once(b, &(manner){.gradients = true, .outputs = true, .chunk = 2});
        compare_close(b->gradient, kept.gradient, ag_graph_flat_size(b->model->graph), tolerance, tables[i]->name);
        for (int32_t k = 0; k < ag_graph_outputs(b->model->graph); k++)
            compare_close(b->outputs[k], kept.outputs[k], b->samples * ag_graph_output_at(b->model->graph, k)->size,
                          tolerance, tables[i]->name);
    }
    unsetenv("AUGER_KERNELS");
    drop_result(&kept);
}

void ag_check_graph(const ag_check *check)
{
    bench b;
    open_bench(&b, check);
    if (AG_REAL_IS_DOUBLE) {
        check_slopes(&b);
    } else {
        check_bits(&b);
        check_kernels(&b);
    }
    close_bench(&b);
}
