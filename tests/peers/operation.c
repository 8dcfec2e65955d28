// SPDX-License-Identifier: Apache-2.0
/* operation.c: a program for test_operations.py: runs one operation on arrays from files, forward and backward.
 *
 *     operation CASE DIR      reads DIR/in0.npy, in1.npy, ... (values: batch first; parameters: as they are), writes
 *                             DIR/out0.npy, ... and DIR/slope0.npy, ...: gradients of the sum of the squares of all
 *                             outputs, or of the loss itself */
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/io/npy.h"
#include "learn/nn/exec.h"
#include "learn/nn/model.h"
#include "learn/nn/ops/attention.h"
#include "learn/nn/ops/conv1d.h"
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/pool1d.h"
#include "learn/nn/ops/recurrent.h"

enum { MOST = 7 };
static const double levels[] = {0.2, 0.7};
static const struct operation_case {
    const char *name;
    const ag_op *op;
    const void *attributes;
    unsigned parameters; /* bit i: input i is one */
} cases[] = {
    {"conv_dilated", &ag_op_conv1d, &(ag_conv1d){1, 3, 6, 0, 1}, 6},
    {"conv_groups", &ag_op_conv1d, &(ag_conv1d){2, 1, 2, 2, 2}, 6},
    {"conv_depthwise", &ag_op_conv1d, &(ag_conv1d){1, 2, 2, 2, 4}, 6},
    {"pool_max", &ag_op_pool1d, &(ag_pool1d){AG_POOL_MAX, 3, 2, 1, 0}, 0},
    {"pool_average", &ag_op_pool1d, &(ag_pool1d){AG_POOL_AVERAGE, 4, 3, 2, 0}, 0},
    {"pool_adaptive_max", &ag_op_pool1d, &(ag_pool1d){.kind = AG_POOL_MAX, .windows = 5}, 0},
    {"pool_adaptive_average", &ag_op_pool1d, &(ag_pool1d){.kind = AG_POOL_AVERAGE, .windows = 7}, 0},
    {"lstm_states", &ag_op_lstm, &(ag_recurrent){false}, 30},
    {"gru_states", &ag_op_gru, &(ag_recurrent){false}, 30},
    {"attention_cross", &ag_op_attention, &(ag_attention){2, 0.0, false}, 0},
    {"attention_masked", &ag_op_attention, &(ag_attention){4, 0.0, false}, 0},
    {"attention_causal", &ag_op_attention, &(ag_attention){2, 0.0, true}, 0},
    {"distillation", &ag_op_distillation, &(ag_distillation){2.5}, 0},
    {"quantile", &ag_op_quantile, &(ag_quantile){levels, 2}, 0},
    {"soft_argmax", &ag_op_soft_argmax, &(ag_soft_argmax){-1.0, 0.25}, 0},
};

typedef struct bench {
    const struct operation_case *kind;
    const char *directory;
    int inputs;
    ag_npy_file files[MOST];
    float *values[MOST], *slopes[MOST];
    int64_t samples;
    ag_graph *graph; /* of the model, once there is one */
    ag_model *model;
    ag_exec *exec;
    float *outputs[AG_MAX_OUTPUTS], *gradient;
} bench;

static bool is_parameter(const bench *b, int input)
{
    return b->kind->parameters >> input & 1;
}

static int read_inputs(bench *b, ag_err *err)
{
    char path[512];
    for (b->inputs = 0; b->inputs < MOST; b->inputs++) {
        ag_format(path, sizeof path, "%s/in%d.npy", b->directory, b->inputs);
        ag_npy_file *file = &b->files[b->inputs];
        if (ag_npy_open(path, file, NULL) < 0) break;
        size_t count = file->array.count;
        if (!(b->values[b->inputs] = ag_alloc_array(count, sizeof(float))) ||
            !(b->slopes[b->inputs] = ag_calloc(count, sizeof(float))))
            return ag_fail_memory(err, count);
        int rc = ag_npy_to_float(&file->array, 0, count, b->values[b->inputs], err);
        if (rc < 0) return rc;
    }
    if (!b->inputs) return ag_fail(err, AG_EINVAL, "there are no inputs");
    b->samples = (int64_t)b->files[0].array.shape[0];
    return 0;
}

static ag_ref add_input(const bench *b, int input)
{
    char name[16];
    const ag_npy *array = &b->files[input].array;
    ag_shape shape = {0};
    for (size_t i = is_parameter(b, input) ? 0 : 1; i < array->dimensions; i++)
        shape.at[shape.axes++] = (int64_t)array->shape[i];
    ag_format(name, sizeof name, "in%d", input);
    return is_parameter(b, input) ? ag_graph_parameter(b->graph, name, shape, ag_init_constant(0.0))
                                  : ag_graph_input(b->graph, name, shape);
}

static void build(const bench *b)
{
    ag_ref in[MOST] = {0}, total = AG_NO_REF;
    for (int i = 0; i < b->inputs; i++) in[i] = add_input(b, i);
    ag_ref y = ag_graph_apply(b->graph, b->kind->op, "op", in, b->inputs, b->kind->attributes);
    for (int k = 0; k < b->kind->op->outputs; k++) {
        char name[16];
        ag_ref one = ag_graph_slot(b->graph, y, k);
        ag_format(name, sizeof name, "out%d", k);
        ag_graph_output(b->graph, name, one);
        if (b->kind->op->flags & AG_OP_LOSS) {
            total = one;
            continue;
        }
        ag_format(name, sizeof name, "zero%d", k);
        ag_ref zero = ag_graph_input(b->graph, name, ag_graph_shape(b->graph, one));
        ag_ref squares = ag_graph_apply2(b->graph, &ag_op_mse, "squares", one, zero, NULL);
        total = k ? ag_graph_apply2(b->graph, &ag_op_add, "sum", total, squares, NULL) : squares;
    }
    ag_graph_loss(b->graph, total);
}

static int bind(bench *b, ag_err *err)
{
    char name[16];
    int rc = 0;
    for (int i = 0; i < b->inputs && rc >= 0; i++) {
        ag_format(name, sizeof name, "in%d", i);
        if (is_parameter(b, i)) {
            memcpy(ag_model_parameter(b->model, name), b->values[i], b->files[i].array.count * sizeof(float));
            continue;
        }
        rc = ag_exec_input(b->exec, name, b->values[i], err);
        if (rc >= 0) rc = ag_exec_input_gradient(b->exec, name, b->slopes[i], err);
    }
    for (int k = 0; k < b->kind->op->outputs && rc >= 0; k++) {
        size_t count = (size_t)(b->samples * ag_graph_output_at(b->graph, k)->size);
        float *zeroes = b->outputs[k] = ag_calloc(2 * count, sizeof(float));
        if (!zeroes) return ag_fail_memory(err, count);
        ag_format(name, sizeof name, "out%d", k);
        rc = ag_exec_output(b->exec, name, zeroes, err);
        ag_format(name, sizeof name, "zero%d", k);
        if (rc >= 0 && ag_graph_input_find(b->graph, name) >= 0) rc = ag_exec_input(b->exec, name, zeroes + count, err);
    }
    return rc < 0 ? rc : ag_exec_changed(b->exec, err);
}

static int write_results(const bench *b, ag_err *err)
{
    char path[512];
    for (int k = 0; k < b->kind->op->outputs; k++) {
        const ag_graph_port *port = ag_graph_output_at(b->graph, k);
        uint64_t count = (uint64_t)(b->samples * port->size);
        ag_format(path, sizeof path, "%s/out%d.npy", b->directory, k);
        int rc = ag_npy_write(path, AG_NPY_FLOAT32, &count, 1, b->outputs[k], err);
        if (rc < 0) return rc;
    }
    for (int i = 0; i < b->inputs; i++) {
        char name[16];
        uint64_t count = b->files[i].array.count;
        ag_format(path, sizeof path, "%s/slope%d.npy", b->directory, i);
        ag_format(name, sizeof name, "in%d", i);
        const float *slopes = b->slopes[i];
        if (is_parameter(b, i))
            slopes = b->gradient + ag_graph_parameter_at(b->graph, ag_graph_parameter_find(b->graph, name))->offset;
        int rc = ag_npy_write(path, AG_NPY_FLOAT32, &count, 1, slopes, err);
        if (rc < 0) return rc;
    }
    return 0;
}

static int run(bench *b, ag_err *err)
{
    int rc = read_inputs(b, err);
    if (rc < 0 || (rc = ag_graph_new(&b->graph, err)) < 0) return rc;
    build(b);
    if ((rc = ag_graph_finish(b->graph, err)) < 0) return rc;
    if ((rc = ag_model_new(b->graph, &b->model, err)) < 0) return rc;
    ag_plan_options options = {
        .gradients = true, .outputs = true, .input_gradients = true, .max_samples = b->samples, .chunk = 2};
    if (!(b->gradient = ag_calloc((size_t)ag_graph_flat_size(b->graph) + 1, sizeof(float))))
        return ag_fail_memory(err, 64);
    if ((rc = ag_exec_new(b->graph, &options, b->model->values, NULL, NULL, &b->exec, err)) < 0) return rc;
    if ((rc = bind(b, err)) < 0) return rc;
    ag_device_run step = {.samples = b->samples, .gradient = b->gradient};
    if ((rc = ag_exec_run(b->exec, &step, err)) < 0) return rc;
    return write_results(b, err);
}

int main(int argc, char **argv)
{
    ag_err err = {0};
    bench b = {.directory = argc == 3 ? argv[2] : NULL};
    for (size_t i = 0; argc == 3 && i < sizeof cases / sizeof *cases; i++)
        if (strcmp(cases[i].name, argv[1]) == 0) b.kind = &cases[i];
    int rc = b.kind ? run(&b, &err) : ag_fail(&err, AG_EINVAL, "a case and a directory are wanted");
    if (rc < 0) fprintf(stderr, "%s\n", err.text);
    ag_exec_free(b.exec);
    if (b.model)
        ag_model_free(b.model);
    else
        ag_graph_free(b.graph);
    for (int i = 0; i < MOST; i++) {
        ag_free(b.values[i]);
        ag_free(b.slopes[i]);
        if (i < b.inputs) ag_npy_close(&b.files[i]);
    }
    for (int k = 0; k < AG_MAX_OUTPUTS; k++) ag_free(b.outputs[k]);
    ag_free(b.gradient);
    return rc < 0;
}
