// SPDX-License-Identifier: Apache-2.0
#pragma once
/* layers.h: operations together with the parameters that they usually have, named as PyTorch names them. */
#include "learn/nn/graph.h"
#include "learn/nn/ops/conv1d.h"
#include "learn/nn/ops/ode.h"

/* "NAME.weight" [out, in] and "NAME.bias" [out], PyTorch's initial values unless the deviation is > 0: then normal
 * weights and zero biases. */
typedef struct ag_layer_init {
    double deviation;
} ag_layer_init;

ag_ref ag_layer_linear(ag_graph *graph, ag_ref x, const char *name, int64_t out, ag_layer_init init);
/* Two to four of them one behind the other, of `out` numbers each, as the one map that they are: for parameters that
 * stay as they are (ag_building.constant). */
ag_ref ag_layer_linear_chain(ag_graph *graph, ag_ref x, const char *const *names, int count, int64_t out,
                             ag_layer_init init);
/* Its parameters alone, for an operation that takes them itself. */
void ag_layer_linear_parameters(ag_graph *graph, const char *name, int64_t out, int64_t in, ag_layer_init init,
                                ag_ref *weight, ag_ref *bias);
/* The same along any axis. */
ag_ref ag_layer_mix(ag_graph *graph, ag_ref x, const char *name, int axis, int64_t out, ag_layer_init init);
/* "NAME.weight" 1 and "NAME.bias" 0, over the last axis. */
ag_ref ag_layer_norm_affine(ag_graph *graph, ag_ref x, const char *name, double epsilon);
/* The same names and "running_mean", "running_var", "num_batches_tracked" of a batch norm over the last axis, with
 * PyTorch's momentum of 0.1. */
ag_ref ag_layer_batch_norm(ag_graph *graph, ag_ref x, const char *name, double epsilon);
/* Along the first axis of [rows, channels] -> [out, channels]: one map for all channels, or, if `individual`, one for
 * each: then "NAME.weight" [channels, out, rows] and "NAME.bias" [channels, out]. */
ag_ref ag_layer_over_time(ag_graph *graph, ag_ref x, const char *name, int64_t out, bool individual);

typedef enum ag_padding { AG_PAD_NONE, AG_PAD_SAME, AG_PAD_CAUSAL } ag_padding;

/* How many rows to pad so that a stride of 1 keeps the length: around, or in front only. */
ag_conv1d ag_conv1d_padded(ag_padding padding, int64_t taps, int64_t stride, int64_t dilation, int64_t groups);
/* "NAME.weight" [out, in / groups, taps] and "NAME.bias" [out]: [rows, in] -> [rows', out]. */
ag_ref ag_layer_conv1d(ag_graph *graph, ag_ref x, const char *name, int64_t out, int64_t taps, ag_conv1d conv);
/* "NAME.weight" [count, width], normal: whole numbers [..] -> [.., width]. */
ag_ref ag_layer_embedding(ag_graph *graph, ag_ref x, const char *name, int64_t count, int64_t width);

typedef enum ag_position { AG_POSITION_NONE, AG_POSITION_SINCOS, AG_POSITION_LEARNED } ag_position;
/* Adds the table "NAME" [tokens, width] to x [.., tokens, width]: fixed waves, or trained. */
ag_ref ag_layer_position(ag_graph *graph, ag_ref x, const char *name, ag_position kind);

typedef enum ag_cell { AG_CELL_LSTM, AG_CELL_GRU } ag_cell;
extern const char *const ag_cells[]; /* the choices of a key "cell", ended by NULL */

typedef struct ag_recurrence {
    int cell; /* ag_cell */
    int64_t hidden, layers;
    bool bidirectional;
    double dropout; /* between layers, in training */
} ag_recurrence;

/* "NAME.weight_ih_l0", "NAME.weight_hh_l0", "NAME.bias_ih_l0", "NAME.bias_hh_l0", and so on as PyTorch names and orders
 * them ("_l1", "_l0_reverse"). [rows, in] -> [rows, hidden], both directions side by side. *last (may be NULL): the
 * last states of the last layer, [hidden], both directions side by side. */
ag_ref ag_layer_recurrent(ag_graph *graph, ag_ref x, const char *name, const ag_recurrence *recurrence, ag_ref *last);

/* "NAME.0.weight", "NAME.0.bias", ...: `layers` layers, those between of `hidden` features, the time among the inputs:
 * z [width] and drive [intervals, m] (may be none) -> [intervals, width]. */
ag_ref ag_layer_ode(ag_graph *graph, ag_ref z, ag_ref drive, const char *name, int64_t hidden, int layers,
                    const ag_ode *ode);
