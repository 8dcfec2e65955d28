// SPDX-License-Identifier: Apache-2.0
/* model.c: the public face of loaded models (include/auger/model.h). Thin on purpose: a model is a loaded one with its
 * ports copied into public structs and a count of who uses it; a context is an exec with its pool and results. The
 * count is the only thing that changes after loading, and it is atomic; so contexts may be made and freed by any
 * thread, and the model may be freed before them. Names of ports are found again on every binding, which allocates
 * nothing. */
#include "auger/model.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/answer.h"
#include "core/base/mem.h"
#include "core/base/str.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/results.h"

_Static_assert(sizeof(ag_real) == sizeof(float), "the public arrays are float32");
_Static_assert(AG_MAX_AXES <= 8, "a public shape holds every axis");

struct auger_model {
    atomic_int users;
    ag_pretrained *loaded;
    ag_predictive predictive;
    auger_port *inputs, *outputs;
    size_t input_count, output_count;
};

struct auger_context {
    auger_model *model;
    ag_pool *pool;
    ag_exec *exec;
    ag_results *results;
    auger_port result; /* of auger_predict(); with the name below */
    char result_name[64];
    uint64_t seed;
    int64_t max_samples;
    const float **bound; /* by input: so that auger_predict() can move on through them */
};

enum { DEFAULT_SAMPLES = 1024 };

static int not_given(const char *what, ag_err *err)
{
    return ag_fail(err, AG_EINVAL, "no %s was given", what);
}

/* ---- models ---- */

static auger_port port_of(const ag_graph_port *from)
{
    auger_port port = {
        .name = from->name, .axes = from->shape.axes, .size = from->size, .optional = from->optional ? 1 : 0};
    for (int i = 0; i < from->shape.axes; i++) port.shape[i] = from->shape.at[i];
    return port;
}

static auger_port port_of_result(const ag_result *from)
{
    ag_graph_port port = {.name = from->name, .shape = from->shape, .size = from->size};
    return port_of(&port);
}

static int copy_ports(auger_model *model, ag_err *err)
{
    const ag_graph *graph = model->loaded->model->graph;
    bool mean = model->predictive.distribution != NULL;
    model->input_count = (size_t)ag_graph_inputs(graph);
    model->output_count = (size_t)ag_graph_outputs(graph) + mean;
    model->inputs = ag_calloc(model->input_count, sizeof *model->inputs);
    model->outputs = ag_calloc(model->output_count, sizeof *model->outputs);
    if (!model->inputs || !model->outputs)
        return ag_fail_memory(err, (model->input_count + model->output_count) * sizeof *model->inputs);
    for (size_t i = 0; i < model->input_count; i++) model->inputs[i] = port_of(ag_graph_input_at(graph, (int32_t)i));
    for (size_t i = mean; i < model->output_count; i++)
        model->outputs[i] = port_of(ag_graph_output_at(graph, (int32_t)(i - mean)));
    ag_result first;
    int rc = mean ? ag_result_find(graph, &model->predictive, NULL, &first, err) : 0;
    if (mean && rc >= 0) model->outputs[0] = port_of_result(&first);
    return rc;
}

int auger_model_load(const char *path, auger_model **out, auger_error *error)
{
    ag_err err = {0};
    int rc;
    auger_model *model = ag_calloc(1, sizeof *model);
    if (!model) return ag_answer(ag_fail_memory(&err, sizeof *model), &err, error);
    atomic_init(&model->users, 1);
    rc = path ? ag_pretrained_load(path, NULL, &model->loaded, &err) : not_given("path", &err);
    if (rc >= 0) model->predictive = ag_predictive_of(model->loaded->config.architecture, model->loaded->config.values);
    if (rc >= 0) rc = copy_ports(model, &err);
    if (rc >= 0)
        *out = model;
    else
        auger_model_free(model);
    return ag_answer(rc, &err, error);
}

int auger_model_save(const auger_model *model, const char *directory, auger_error *error)
{
    ag_err err = {0};
    int rc = !model       ? not_given("model", &err)
             : !directory ? not_given("directory", &err)
                          : ag_pretrained_save(directory, &model->loaded->config, model->loaded->model, &err);
    return ag_answer(rc, &err, error);
}

void auger_model_free(auger_model *model)
{
    if (!model || atomic_fetch_sub(&model->users, 1) > 1) return;
    ag_pretrained_free(model->loaded);
    ag_free(model->inputs);
    ag_free(model->outputs);
    ag_free(model);
}

const auger_port *auger_model_input(const auger_model *model, size_t index)
{
    return index < model->input_count ? &model->inputs[index] : NULL;
}

const auger_port *auger_model_output(const auger_model *model, size_t index)
{
    return index < model->output_count ? &model->outputs[index] : NULL;
}

const char *auger_model_type(const auger_model *model)
{
    return model->loaded->config.architecture->name;
}

int64_t auger_model_parameters(const auger_model *model)
{
    return ag_model_count(model->loaded->model, false);
}

/* ---- contexts ---- */

static int open_result(auger_context *context, const char *name, ag_err *err)
{
    const auger_model *model = context->model;
    ag_result result;
    int rc = ag_result_find(model->loaded->model->graph, &model->predictive, name, &result, err);
    if (rc < 0) return rc;
    ag_format(context->result_name, sizeof context->result_name, "%s", result.name);
    context->result = port_of_result(&result);
    context->result.name = context->result_name;
    return ag_results_new(model->loaded->model->graph, &model->predictive, context->exec, &context->results, err);
}

static int open_context(auger_context *context, const auger_context_options *options, ag_err *err)
{
    const ag_device *device = NULL;
    const ag_model *model = context->model->loaded->model;
    if (options->max_samples < 0) return ag_fail(err, AG_EINVAL, "max_samples is less than 0");
    context->max_samples = options->max_samples ? options->max_samples : DEFAULT_SAMPLES;
    context->seed = options->seed;
    int rc = ag_device_find(options->device ? options->device : "auto", &device, err);
    if (rc < 0) return rc;
    if (options->threads > 1 && (rc = ag_pool_new(options->threads, &context->pool, err)) < 0) return rc;
    if (!(context->bound = ag_calloc(context->model->input_count, sizeof *context->bound)))
        return ag_fail_memory(err, context->model->input_count * sizeof *context->bound);
    ag_plan_options plan = {.outputs = true, .max_samples = context->max_samples};
    rc = ag_exec_new(model->graph, &plan, model->values, device, context->pool, &context->exec, err);
    return rc < 0 ? rc : open_result(context, options->result, err);
}

int auger_context_new(auger_model *model, const auger_context_options *options, auger_context **out, auger_error *error)
{
    static const auger_context_options defaults;
    ag_err err = {0};
    if (!model) return ag_answer(not_given("model", &err), &err, error);
    auger_context *context = ag_calloc(1, sizeof *context);
    if (!context) return ag_answer(ag_fail_memory(&err, sizeof *context), &err, error);
    context->model = model;
    atomic_fetch_add(&model->users, 1);
    int rc = open_context(context, options ? options : &defaults, &err);
    if (rc >= 0)
        *out = context;
    else
        auger_context_free(context);
    return ag_answer(rc, &err, error);
}

void auger_context_free(auger_context *context)
{
    if (!context) return;
    ag_results_free(context->results);
    ag_exec_free(context->exec);
    ag_pool_free(context->pool);
    ag_free(context->bound);
    auger_model_free(context->model);
    ag_free(context);
}

int64_t auger_context_bytes(const auger_context *context)
{
    return ag_exec_bytes(context->exec) + ag_results_bytes(context->results);
}

const auger_port *auger_context_result(const auger_context *context)
{
    return &context->result;
}

/* What binding and running cannot do without. */
static int check_given(const auger_context *context, const char *name, ag_err *err)
{
    return !context ? not_given("context", err) : !name ? not_given("name", err) : 0;
}

int auger_bind_input(auger_context *context, const char *name, const float *values, auger_error *error)
{
    ag_err err = {0};
    int rc = check_given(context, name, &err);
    if (rc >= 0) rc = ag_exec_input(context->exec, name, values, &err);
    if (rc >= 0) context->bound[ag_graph_input_find(context->model->loaded->model->graph, name)] = values;
    return ag_answer(rc, &err, error);
}

int auger_bind_output(auger_context *context, const char *name, float *values, auger_error *error)
{
    ag_err err = {0};
    int rc = check_given(context, name, &err);
    if (rc >= 0) rc = ag_results_bind(context->results, name, values, &err);
    return ag_answer(rc, &err, error);
}

int auger_run(auger_context *context, int64_t samples, auger_error *error)
{
    ag_err err = {0};
    int rc = check_given(context, "", &err);
    if (rc < 0) return ag_answer(rc, &err, error);
    ag_device_run run = {.samples = samples, .seed = context->seed};
    rc = ag_results_run(context->results, &run, &err);
    return ag_answer(rc, &err, error);
}

/* Points every bound input at its sample `first`. */
static int bind_from(auger_context *context, const float *input, int64_t first, ag_err *err)
{
    const auger_model *model = context->model;
    for (size_t i = 0; i < model->input_count; i++) {
        const float *from = i ? context->bound[i] : input;
        int rc = ag_exec_input(context->exec, model->inputs[i].name, from ? from + first * model->inputs[i].size : NULL,
                               err);
        if (rc < 0) return rc;
    }
    return 0;
}

int auger_predict(auger_context *context, const float *input, int64_t samples, float *output, auger_error *error)
{
    ag_err err = {0};
    int rc = check_given(context, "", &err);
    if (rc < 0) return ag_answer(rc, &err, error);
    if (samples < 0 || (samples && (!input || !output)))
        return ag_answer(ag_fail(&err, AG_EINVAL, "an input, an output and 0 or more samples are wanted"), &err, error);
    int64_t done = 0;
    float *bound = ag_results_bound(context->results, context->result.name);
    if (samples) rc = ag_results_bind(context->results, context->result.name, output, &err);
    while (done < samples && rc >= 0) {
        int64_t left = samples - done;
        ag_device_run run = {.samples = left < context->max_samples ? left : context->max_samples,
                             .first_sample = done,
                             .seed = context->seed};
        rc = bind_from(context, input, done, &err);
        if (rc >= 0) rc = ag_results_run(context->results, &run, &err);
        if (rc >= 0 && (rc = ag_results_shift(context->results, run.samples, &err)) >= 0) done += run.samples;
    }
    (void)ag_results_shift(context->results, -done, NULL);
    (void)ag_results_bind(context->results, context->result.name, bound, NULL);
    (void)bind_from(context, context->bound[0], 0, NULL);
    return ag_answer(rc, &err, error);
}
