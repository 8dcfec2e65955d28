// SPDX-License-Identifier: Apache-2.0
#pragma once
/* graph.h: a model as an architecture describes it, built once from its configuration: inputs, parameters, nodes,
 * outputs and a loss. Building is append-only, so nodes are in an order in which they can run. The first failure sticks
 * (it names the layer) and later calls do nothing, so an architecture reads like its formula and asks once, with
 * ag_graph_finish(). A finished graph never changes and may be shared by threads. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/arena.h"
#include "core/base/err.h"
#include "learn/nn/init.h"
#include "learn/nn/op.h"
#include "learn/nn/real.h"
#include "learn/nn/shape.h"

/* A value of the graph: 0 is none (an absent optional input, or the result of a call that failed). */
typedef struct ag_ref {
    int32_t index;
} ag_ref;
#define AG_NO_REF ((ag_ref){0})

typedef enum ag_value_source { AG_FROM_INPUT = 1, AG_FROM_PARAMETER, AG_FROM_NODE } ag_value_source;

typedef struct ag_graph_value {
    ag_value_source source;
    int32_t owner;  /* index among inputs, parameters or nodes */
    int32_t slot;   /* which output of the node */
    ag_shape shape; /* of one sample, or of the parameter */
    int64_t size;
} ag_graph_value;

typedef enum ag_stored { AG_STORED_F32, AG_STORED_I64 } ag_stored; /* how a checkpoint holds it */

/* A row of the one table that drives allocation, initialisation, checkpoints and printing. */
typedef struct ag_parameter {
    const char *name; /* as in the checkpoint: "model.encoder.patcher.weight" */
    ag_shape shape;
    int64_t size;
    int64_t offset; /* in the flat array of all parameters, a multiple of AG_REAL_ALIGN; gaps hold zero */
    ag_init init;
    bool trainable;
    bool state; /* changed by running, not by the optimiser (running means) */
    ag_stored stored;
} ag_parameter;

typedef struct ag_node {
    const ag_op *op;
    const char *name; /* path of the layer, for messages: "mixers.3.patch_mixer.mlp.fc1" */
    int32_t index;    /* in the graph; keys dropout together with (seed, step, element) */
    int inputs, outputs;
    ag_ref in[AG_MAX_INPUTS];
    ag_ref out[AG_MAX_OUTPUTS];
    const void *attributes; /* op->attributes_size bytes */
    ag_shape in_shape[AG_MAX_INPUTS];
    bool per_sample[AG_MAX_INPUTS]; /* false: input is a parameter, or absent */
    ag_shape out_shape[AG_MAX_OUTPUTS];
    int64_t saved, scratch_sample, scratch_fixed, prepared; /* as shape() said */
    int64_t prepared_offset;                                /* in the flat array of all prepared reals */
} ag_node;

typedef struct ag_graph_port { /* a named input or output */
    const char *name;
    ag_ref value;
    ag_shape shape;
    int64_t size;
    bool optional; /* an input that may stay unbound; who reads it sees NULL */
} ag_graph_port;

typedef struct ag_graph ag_graph;

int ag_graph_new(ag_graph **out, ag_err *err);
void ag_graph_free(ag_graph *graph);

/* ---- building ---- */

/* How a trained model is fitted to other data with few new numbers (see lora.h). In patterns * stands for any text. */
typedef struct ag_adaptation {
    int64_t rank; /* of what is added to a layer's weights */
    double alpha; /* that is multiplied by alpha / rank */
    double dropout;
    const char *const *layers;  /* patterns of the names of linear layers that are adapted, ended by NULL */
    const char *const *trained; /* patterns of parameters that are trained as they are; NULL: none. All others freeze */
} ag_adaptation;
/* Before anything is added. Must live until the graph is finished; NULL: none. */
void ag_graph_adapt(ag_graph *graph, const ag_adaptation *adaptation);
/* The adaptation, if the layer that the path and `name` make is to be adapted; else NULL. */
const ag_adaptation *ag_graph_adapts(const ag_graph *graph, const char *name);

/* A part of the path of everything added until the pop; "mixers.%d" makes two. */
void ag_graph_push(ag_graph *graph, const char *format, ...) AG_PRINTF(2, 3);
void ag_graph_pop(ag_graph *graph);

ag_ref ag_graph_input(ag_graph *graph, const char *name, ag_shape shape);
ag_ref ag_graph_optional_input(ag_graph *graph, const char *name, ag_shape shape);
/* Named path + "." + name. Names are unique. */
ag_ref ag_graph_parameter(ag_graph *graph, const char *name, ag_shape shape, ag_init init);
ag_ref ag_graph_frozen(ag_graph *graph, const char *name, ag_shape shape, ag_init init); /* not trainable */
ag_ref ag_graph_state(ag_graph *graph, const char *name, ag_shape shape, ag_init init, ag_stored stored);
/* A node; `name` ("" for none) is added to its path. Copies attributes. Returns output 0. */
ag_ref ag_graph_apply(ag_graph *graph, const ag_op *op, const char *name, const ag_ref *in, int inputs,
                      const void *attributes);
static inline ag_ref ag_graph_apply1(ag_graph *graph, const ag_op *op, const char *name, ag_ref in,
                                     const void *attributes)
{
    return ag_graph_apply(graph, op, name, &in, 1, attributes);
}
static inline ag_ref ag_graph_apply2(ag_graph *graph, const ag_op *op, const char *name, ag_ref a, ag_ref b,
                                     const void *attributes)
{
    return ag_graph_apply(graph, op, name, (ag_ref[]){a, b}, 2, attributes);
}
/* Output `slot` of the node that made `value`. */
ag_ref ag_graph_slot(const ag_graph *graph, ag_ref value, int slot);
void ag_graph_output(ag_graph *graph, const char *name, ag_ref value);
/* The loss: a value of shape [2] per sample, (numerator, weight). The loss of a batch is sum(numerators) /
 * sum(weights), in double, in the order of the samples; weights must not depend on parameters. Its gradient is that of
 * the numerators, divided by the sum of the weights once all samples are in. So chunks and micro-batches of any size
 * give the exact batch loss. */
void ag_graph_loss(ag_graph *graph, ag_ref value);
/* Shape of a value while building (zero axes after a failure). */
ag_shape ag_graph_shape(const ag_graph *graph, ag_ref value);
/* Makes the graph fail here, with the path before the text: a configuration that cannot be built. */
void ag_graph_refuse(ag_graph *graph, const char *format, ...) AG_PRINTF(2, 3);
/* Memory that lives as long as the graph, for attributes with pointers. NULL after a failure. */
void *ag_graph_memory(ag_graph *graph, size_t size);
/* Checks and lays out; afterwards the graph is constant. */
int ag_graph_finish(ag_graph *graph, ag_err *err);

/* ---- looking ---- */

int32_t ag_graph_nodes(const ag_graph *graph);
const ag_node *ag_graph_node(const ag_graph *graph, int32_t index);
int32_t ag_graph_values(const ag_graph *graph); /* refs are 1 .. values */
const ag_graph_value *ag_graph_value_at(const ag_graph *graph, ag_ref value);
int32_t ag_graph_parameters(const ag_graph *graph);
const ag_parameter *ag_graph_parameter_at(const ag_graph *graph, int32_t index);
int32_t ag_graph_parameter_find(const ag_graph *graph, const char *name); /* -1 when absent */
int64_t ag_graph_flat_size(const ag_graph *graph);                        /* reals of all parameters with their gaps */
int64_t ag_graph_prepared_size(const ag_graph *graph);
int32_t ag_graph_inputs(const ag_graph *graph);
const ag_graph_port *ag_graph_input_at(const ag_graph *graph, int32_t index);
int32_t ag_graph_input_find(const ag_graph *graph, const char *name); /* -1 when absent */
int32_t ag_graph_outputs(const ag_graph *graph);
const ag_graph_port *ag_graph_output_at(const ag_graph *graph, int32_t index);
int32_t ag_graph_output_find(const ag_graph *graph, const char *name);
ag_ref ag_graph_loss_value(const ag_graph *graph); /* AG_NO_REF when there is none */
double ag_graph_cost(const ag_graph *graph);       /* FLOP of one sample's forward, loss included */
