// SPDX-License-Identifier: Apache-2.0
#pragma once
/* layers.h: operations together with the parameters that they usually have, named as PyTorch names them. */
#include "learn/nn/graph.h"

/* "NAME.weight" [out, in] and "NAME.bias" [out], PyTorch's initial values unless the deviation is > 0: then normal
 * weights and zero biases. */
typedef struct ag_layer_init {
    double deviation;
} ag_layer_init;

ag_ref ag_layer_linear(ag_graph *graph, ag_ref x, const char *name, int64_t out, ag_layer_init init);
/* The same along any axis. */
ag_ref ag_layer_mix(ag_graph *graph, ag_ref x, const char *name, int axis, int64_t out, ag_layer_init init);
/* "NAME.weight" 1 and "NAME.bias" 0, over the last axis. */
ag_ref ag_layer_norm_affine(ag_graph *graph, ag_ref x, const char *name, double epsilon);
/* Along the first axis of [rows, channels] -> [out, channels]: one map for all channels, or, if `individual`, one for
 * each: then "NAME.weight" [channels, out, rows] and "NAME.bias" [channels, out]. */
ag_ref ag_layer_over_time(ag_graph *graph, ag_ref x, const char *name, int64_t out, bool individual);
/* The same names and "running_mean", "running_var", "num_batches_tracked" of a batch norm over the last axis, with
 * PyTorch's momentum of 0.1. */
ag_ref ag_layer_batch_norm(ag_graph *graph, ag_ref x, const char *name, double epsilon);
