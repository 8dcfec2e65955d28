// SPDX-License-Identifier: Apache-2.0
/* graph.c: building and looking.
 * Owns all memory of a graph in one arena plus the growing tables. Invariants: the inputs of a node come before it;
 * value refs count from 1 in the order of their making; after finish nothing changes. The first failure is kept in
 * `failed`, with the layer's path already in its text. */
#include "learn/nn/graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "learn/nn/optim.h"

#define MAX_PATH 240
#define MAX_DEPTH 16

struct ag_graph {
    ag_arena *arena;
    ag_vec values, nodes, parameters, inputs, outputs; /* nodes: pointers, so that they stay where they are */
    char path[MAX_PATH];
    size_t path_size[MAX_DEPTH];
    int depth;
    int64_t flat_size, prepared_size;
    ag_ref loss;
    const ag_adaptation *adaptation; /* only while it is built */
    bool finished;
    ag_err failed; /* code AG_OK: none */
};

int ag_graph_new(ag_graph **out, ag_err *err)
{
    ag_graph *graph = ag_calloc(1, sizeof *graph);
    if (!graph) return ag_fail_memory(err, sizeof *graph);
    if (!(graph->arena = ag_arena_new(0))) {
        ag_free(graph);
        return ag_fail_memory(err, sizeof *graph);
    }
    ag_vec_init(&graph->values, sizeof(ag_graph_value));
    ag_vec_init(&graph->nodes, sizeof(ag_node *));
    ag_vec_init(&graph->parameters, sizeof(ag_parameter));
    ag_vec_init(&graph->inputs, sizeof(ag_graph_port));
    ag_vec_init(&graph->outputs, sizeof(ag_graph_port));
    *out = graph;
    return 0;
}

void ag_graph_free(ag_graph *graph)
{
    if (!graph) return;
    ag_vec_deinit(&graph->values);
    ag_vec_deinit(&graph->nodes);
    ag_vec_deinit(&graph->parameters);
    ag_vec_deinit(&graph->inputs);
    ag_vec_deinit(&graph->outputs);
    ag_arena_free(graph->arena);
    ag_free(graph);
}

/* ---- failing ---- */

static bool broken(const ag_graph *graph)
{
    return graph->failed.code != AG_OK;
}

static void out_of_memory(ag_graph *graph)
{
    if (!broken(graph)) ag_fail_memory(&graph->failed, sizeof(ag_node));
}

void ag_graph_refuse(ag_graph *graph, const char *format, ...)
{
    if (broken(graph)) return;
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (graph->path[0])
        ag_fail(&graph->failed, AG_EINVAL, "%s: %s", graph->path, text);
    else
        ag_fail(&graph->failed, AG_EINVAL, "%s", text);
}

/* ---- paths ---- */

void ag_graph_push(ag_graph *graph, const char *format, ...)
{
    if (broken(graph)) return;
    if (graph->depth == MAX_DEPTH) {
        ag_graph_refuse(graph, "layers are nested deeper than %d", MAX_DEPTH);
        return;
    }
    char part[MAX_PATH];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(part, sizeof part, format, arguments);
    va_end(arguments);
    size_t have = strlen(graph->path);
    if (size < 0 || have + (size_t)size + 2 > MAX_PATH) {
        ag_graph_refuse(graph, "the name of a layer is longer than %d bytes", MAX_PATH);
        return;
    }
    graph->path_size[graph->depth++] = have;
    ag_format(graph->path + have, MAX_PATH - have, "%s%s", have && size ? "." : "", part);
}

void ag_graph_pop(ag_graph *graph)
{
    if (broken(graph)) return;
    if (graph->depth == 0) {
        ag_graph_refuse(graph, "a pop without a push");
        return;
    }
    graph->path[graph->path_size[--graph->depth]] = '\0';
}

static const char *path_of(ag_graph *graph, const char *name)
{
    const char *dot = graph->path[0] && name[0] ? "." : "";
    char *path = ag_arena_printf(graph->arena, "%s%s%s", graph->path, dot, name);
    if (!path) out_of_memory(graph);
    return path;
}

/* ---- values ---- */

static ag_ref add_value(ag_graph *graph, ag_value_source source, int32_t owner, int32_t slot, const ag_shape *shape)
{
    ag_graph_value *value = broken(graph) ? NULL : ag_vec_add(&graph->values);
    if (!value) {
        out_of_memory(graph);
        return AG_NO_REF;
    }
    *value = (ag_graph_value){source, owner, slot, *shape, ag_shape_size(shape)};
    return (ag_ref){(int32_t)graph->values.count};
}

static bool shape_is_good(ag_graph *graph, const char *what, const ag_shape *shape)
{
    int64_t size = ag_shape_size(shape);
    char text[AG_SHAPE_TEXT];
    if (size > 0) return true;
    ag_graph_refuse(graph, "%s has shape %s: every extent must be at least 1, and the whole not too large", what,
                    ag_shape_format(shape, text));
    return false;
}

static ag_ref add_port(ag_graph *graph, ag_vec *ports, const char *name, ag_ref value, bool optional)
{
    if (broken(graph) || !value.index) return AG_NO_REF;
    for (size_t i = 0; i < ports->count; i++)
        if (strcmp(((ag_graph_port *)ports->items)[i].name, name) == 0) {
            ag_graph_refuse(graph, "there are two inputs or two outputs named '%s'", name);
            return AG_NO_REF;
        }
    const ag_graph_value *at = ag_graph_value_at(graph, value);
    ag_graph_port port = {ag_arena_strdup(graph->arena, name), value, at->shape, at->size, optional};
    if (!port.name || ag_vec_push(ports, &port, NULL) < 0) {
        out_of_memory(graph);
        return AG_NO_REF;
    }
    return value;
}

static ag_ref add_input(ag_graph *graph, const char *name, const ag_shape *shape, bool optional)
{
    if (broken(graph) || !shape_is_good(graph, name, shape)) return AG_NO_REF;
    ag_ref value = add_value(graph, AG_FROM_INPUT, (int32_t)graph->inputs.count, 0, shape);
    return add_port(graph, &graph->inputs, name, value, optional);
}

ag_ref ag_graph_input(ag_graph *graph, const char *name, ag_shape shape)
{
    return add_input(graph, name, &shape, false);
}

ag_ref ag_graph_optional_input(ag_graph *graph, const char *name, ag_shape shape)
{
    return add_input(graph, name, &shape, true);
}

void ag_graph_output(ag_graph *graph, const char *name, ag_ref value)
{
    if (!broken(graph) && !value.index) ag_graph_refuse(graph, "output '%s' has no value", name);
    add_port(graph, &graph->outputs, name, value, false);
}

/* ---- parameters ---- */

static ag_ref add_parameter(ag_graph *graph, const char *name, const ag_shape *shape, ag_init init, bool trainable,
                            bool state, ag_stored stored)
{
    if (broken(graph) || !shape_is_good(graph, name, shape)) return AG_NO_REF;
    const char *path = path_of(graph, name);
    if (!path) return AG_NO_REF;
    if (ag_graph_parameter_find(graph, path) >= 0) {
        ag_graph_refuse(graph, "there are two parameters named '%s'", path);
        return AG_NO_REF;
    }
    int64_t size = ag_shape_size(shape);
    ag_parameter row = {path, *shape, size, graph->flat_size, init, trainable, state, stored};
    int32_t owner = (int32_t)graph->parameters.count;
    if (ag_vec_push(&graph->parameters, &row, NULL) < 0) {
        out_of_memory(graph);
        return AG_NO_REF;
    }
    graph->flat_size += (size + AG_REAL_ALIGN - 1) / AG_REAL_ALIGN * AG_REAL_ALIGN;
    if (graph->flat_size > AG_MAX_ELEMENTS) ag_graph_refuse(graph, "the model has too many parameters");
    return add_value(graph, AG_FROM_PARAMETER, owner, 0, shape);
}

void ag_graph_adapt(ag_graph *graph, const ag_adaptation *adaptation)
{
    graph->adaptation = adaptation;
}

static bool is_named(const ag_graph *graph, const char *name, const char *const *patterns)
{
    char path[2 * MAX_PATH];
    ag_format(path, sizeof path, "%s%s%s", graph->path, graph->path[0] && name[0] ? "." : "", name);
    for (; patterns && *patterns; patterns++)
        if (ag_name_matches(path, *patterns)) return true;
    return false;
}

const ag_adaptation *ag_graph_adapts(const ag_graph *graph, const char *name)
{
    return graph->adaptation && is_named(graph, name, graph->adaptation->layers) ? graph->adaptation : NULL;
}

ag_ref ag_graph_parameter(ag_graph *graph, const char *name, ag_shape shape, ag_init init)
{
    static const char *const added[] = {"*.lora_A.weight", "*.lora_B.weight", NULL};
    bool frozen =
        graph->adaptation && !is_named(graph, name, added) && !is_named(graph, name, graph->adaptation->trained);
    return add_parameter(graph, name, &shape, init, !frozen, false, AG_STORED_F32);
}

ag_ref ag_graph_frozen(ag_graph *graph, const char *name, ag_shape shape, ag_init init)
{
    return add_parameter(graph, name, &shape, init, false, false, AG_STORED_F32);
}

ag_ref ag_graph_state(ag_graph *graph, const char *name, ag_shape shape, ag_init init, ag_stored stored)
{
    return add_parameter(graph, name, &shape, init, false, true, stored);
}

/* ---- nodes ---- */

static bool fill_shaping(ag_graph *graph, const ag_op *op, const ag_ref *in, int inputs, ag_shaping *shaping)
{
    if (inputs < op->min_inputs || inputs > op->max_inputs || inputs > AG_MAX_INPUTS) {
        ag_graph_refuse(graph, "%s takes %d to %d inputs, not %d", op->name, op->min_inputs, op->max_inputs, inputs);
        return false;
    }
    shaping->inputs = inputs;
    for (int i = 0; i < inputs; i++) {
        if (!in[i].index) continue;
        const ag_graph_value *value = ag_graph_value_at(graph, in[i]);
        shaping->present[i] = true;
        shaping->in[i] = value->shape;
        shaping->per_sample[i] = value->source != AG_FROM_PARAMETER;
    }
    return true;
}

static ag_node *make_node(ag_graph *graph, const ag_op *op, const char *name, const ag_ref *in, int inputs,
                          const void *attributes)
{
    ag_node *node = ag_arena_alloc(graph->arena, sizeof *node);
    const char *path = path_of(graph, name);
    void *copy = op->attributes_size ? ag_arena_alloc(graph->arena, op->attributes_size) : NULL;
    if (!node || !path || (op->attributes_size && !copy)) {
        out_of_memory(graph);
        return NULL;
    }
    if (copy && attributes) memcpy(copy, attributes, op->attributes_size);
    *node = (ag_node){.op = op,
                      .name = path,
                      .index = (int32_t)graph->nodes.count,
                      .inputs = inputs,
                      .outputs = op->outputs,
                      .attributes = copy};
    for (int i = 0; i < inputs; i++) node->in[i] = in[i];
    return node;
}

static bool shape_node(ag_graph *graph, ag_node *node)
{
    ag_shaping shaping = {.attributes = node->attributes};
    ag_err err = {0};
    if (!fill_shaping(graph, node->op, node->in, node->inputs, &shaping)) return false;
    if (node->op->shape(&shaping, &err) < 0) {
        ag_fail(&graph->failed, err.code, "%s: %s", node->name[0] ? node->name : node->op->name, err.text);
        return false;
    }
    memcpy(node->in_shape, shaping.in, sizeof node->in_shape);
    memcpy(node->per_sample, shaping.per_sample, sizeof node->per_sample);
    memcpy(node->out_shape, shaping.out, sizeof node->out_shape);
    node->saved = shaping.saved;
    node->scratch_sample = shaping.scratch_sample;
    node->scratch_fixed = shaping.scratch_fixed;
    node->prepared = shaping.prepared;
    node->prepared_offset = graph->prepared_size;
    graph->prepared_size += (node->prepared + AG_REAL_ALIGN - 1) / AG_REAL_ALIGN * AG_REAL_ALIGN;
    return true;
}

ag_ref ag_graph_apply(ag_graph *graph, const ag_op *op, const char *name, const ag_ref *in, int inputs,
                      const void *attributes)
{
    if (broken(graph)) return AG_NO_REF;
    if (inputs < 1 || !in[0].index || inputs > AG_MAX_INPUTS) {
        ag_graph_refuse(graph, "%s needs its first input", op->name);
        return AG_NO_REF;
    }
    if ((op->flags & AG_OP_VIEW) && ag_graph_value_at(graph, in[0])->source == AG_FROM_PARAMETER) {
        ag_graph_refuse(graph, "%s of a parameter: give the parameter that shape instead", op->name);
        return AG_NO_REF;
    }
    ag_node *node = make_node(graph, op, name, in, inputs, attributes);
    if (!node || !shape_node(graph, node)) return AG_NO_REF;
    if (ag_vec_push(&graph->nodes, &node, NULL) < 0) {
        out_of_memory(graph);
        return AG_NO_REF;
    }
    for (int i = 0; i < node->outputs; i++) {
        if (!shape_is_good(graph, node->name, &node->out_shape[i])) return AG_NO_REF;
        node->out[i] = add_value(graph, AG_FROM_NODE, node->index, i, &node->out_shape[i]);
    }
    return broken(graph) ? AG_NO_REF : node->out[0];
}

ag_ref ag_graph_slot(const ag_graph *graph, ag_ref value, int slot)
{
    if (broken(graph) || !value.index) return AG_NO_REF;
    const ag_graph_value *at = ag_graph_value_at(graph, value);
    if (at->source != AG_FROM_NODE) return AG_NO_REF;
    const ag_node *node = ag_graph_node(graph, at->owner);
    return slot < node->outputs ? node->out[slot] : AG_NO_REF;
}

void ag_graph_loss(ag_graph *graph, ag_ref value)
{
    if (broken(graph)) return;
    ag_shape shape = ag_graph_shape(graph, value);
    if (graph->loss.index)
        ag_graph_refuse(graph, "a graph has one loss; add two up in an operation");
    else if (shape.axes != 1 || shape.at[0] != 2)
        ag_graph_refuse(graph, "a loss has shape [2] per sample: numerator and weight");
    else
        graph->loss = value;
}

ag_shape ag_graph_shape(const ag_graph *graph, ag_ref value)
{
    return broken(graph) || !value.index ? ag_shape_scalar() : ag_graph_value_at(graph, value)->shape;
}

void *ag_graph_memory(ag_graph *graph, size_t size)
{
    void *memory = broken(graph) ? NULL : ag_arena_alloc(graph->arena, size);
    if (!memory) out_of_memory(graph);
    return memory;
}

int ag_graph_finish(ag_graph *graph, ag_err *err)
{
    if (!broken(graph) && graph->depth) ag_graph_refuse(graph, "a push without a pop");
    if (!broken(graph) && !graph->outputs.count && !graph->loss.index)
        ag_graph_refuse(graph, "the graph has neither an output nor a loss");
    if (broken(graph)) {
        if (err) *err = graph->failed;
        return graph->failed.code;
    }
    graph->adaptation = NULL;
    graph->finished = true;
    return 0;
}

/* ---- looking ---- */

int32_t ag_graph_nodes(const ag_graph *graph)
{
    return (int32_t)graph->nodes.count;
}

const ag_node *ag_graph_node(const ag_graph *graph, int32_t index)
{
    return ((ag_node *const *)graph->nodes.items)[index];
}

int32_t ag_graph_values(const ag_graph *graph)
{
    return (int32_t)graph->values.count;
}

const ag_graph_value *ag_graph_value_at(const ag_graph *graph, ag_ref value)
{
    return (const ag_graph_value *)graph->values.items + (value.index - 1);
}

int32_t ag_graph_parameters(const ag_graph *graph)
{
    return (int32_t)graph->parameters.count;
}

const ag_parameter *ag_graph_parameter_at(const ag_graph *graph, int32_t index)
{
    return (const ag_parameter *)graph->parameters.items + index;
}

int32_t ag_graph_parameter_find(const ag_graph *graph, const char *name)
{
    for (int32_t i = 0; i < ag_graph_parameters(graph); i++)
        if (strcmp(ag_graph_parameter_at(graph, i)->name, name) == 0) return i;
    return -1;
}

int64_t ag_graph_flat_size(const ag_graph *graph)
{
    return graph->flat_size;
}

int64_t ag_graph_prepared_size(const ag_graph *graph)
{
    return graph->prepared_size;
}

static int32_t find_port(const ag_vec *ports, const char *name)
{
    for (size_t i = 0; i < ports->count; i++)
        if (strcmp(((const ag_graph_port *)ports->items)[i].name, name) == 0) return (int32_t)i;
    return -1;
}

int32_t ag_graph_inputs(const ag_graph *graph)
{
    return (int32_t)graph->inputs.count;
}

const ag_graph_port *ag_graph_input_at(const ag_graph *graph, int32_t index)
{
    return (const ag_graph_port *)graph->inputs.items + index;
}

int32_t ag_graph_input_find(const ag_graph *graph, const char *name)
{
    return find_port(&graph->inputs, name);
}

int32_t ag_graph_outputs(const ag_graph *graph)
{
    return (int32_t)graph->outputs.count;
}

const ag_graph_port *ag_graph_output_at(const ag_graph *graph, int32_t index)
{
    return (const ag_graph_port *)graph->outputs.items + index;
}

int32_t ag_graph_output_find(const ag_graph *graph, const char *name)
{
    return find_port(&graph->outputs, name);
}

ag_ref ag_graph_loss_value(const ag_graph *graph)
{
    return graph->loss;
}

double ag_graph_cost(const ag_graph *graph)
{
    double flop = 0.0;
    for (int32_t i = 0; i < ag_graph_nodes(graph); i++) {
        const ag_node *node = ag_graph_node(graph, i);
        if (!(node->op->flags & AG_OP_VIEW)) flop += node->op->cost(node);
    }
    return flop;
}
