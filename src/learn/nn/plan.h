// SPDX-License-Identifier: Apache-2.0
#pragma once
/* plan.h: what is run in which order, and where every value lies, decided before the first step; after that nothing is
 * allocated. Memory is planned by lifetime: a buffer's place is used again as soon as nobody reads it any more.
 *
 * Two ways to run. Streamed: a chunk of samples is carried through the whole network, forward and backward, by one
 * thread in a workspace of its own, so memory is per thread, not per batch. Staged: some node must see the whole batch
 * (batch norm in training), so every buffer holds the whole batch, and chunks run in parallel between those nodes.
 *
 * Reproducibility. A batch is cut into `lanes` parts that depend only on the number of samples and on the plan; each
 * lane sums its gradients in the order of its samples, and lanes are added in a fixed tree. Threads only decide who
 * computes a lane, so the bits do not depend on their number. They do depend on `lanes`, which is therefore part of a
 * run's configuration. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "learn/nn/graph.h"

typedef struct ag_plan_options {
    bool gradients;       /* plan the backward pass too; needs a loss */
    bool training;        /* how nodes behave: dropout, batch statistics. gradients without training is allowed */
    bool loss;            /* compute the loss (implied by gradients) */
    bool outputs;         /* compute the named outputs */
    bool input_gradients; /* gradients of the graph's inputs too (saliency) */
    bool recompute; /* keep only what passes from layer to layer, and compute each numbered layer ("mixers.3") again
                       for its backward pass: less memory, the same bits. A staged plan keeps everything */
    int64_t max_samples; /* of one run; required */
    int64_t chunk;       /* samples per call of an operation; 0: chosen from what a sample takes */
    int64_t lanes;       /* 0: chosen from max_samples alone */
} ag_plan_options;

typedef enum ag_phase { AG_FORWARD, AG_BACKWARD } ag_phase;

typedef struct ag_plan_step {
    int32_t node;
    ag_phase phase;
    bool again; /* a forward step among the backward ones: what its layer did not keep */
    bool whole_batch;
    int32_t zero_from, zero_count; /* of ag_plan.zeroes: value gradients to clear just before this step */
} ag_plan_step;

/* Offsets are in reals per sample of the chunk (streamed) or of max_samples (staged): the array of a value begins at
 * offset * capacity, where capacity is ag_plan.capacity. -1: has no buffer. */
typedef struct ag_plan {
    const ag_graph *graph;   /* borrowed; must outlive the plan */
    ag_plan_options options; /* with chunk and lanes filled in */
    bool staged;
    int64_t capacity; /* samples that a buffer holds: chunk or max_samples */
    ag_plan_step *steps;
    int32_t step_count, forward_steps;       /* forward steps come first */
    int32_t *zeroes;                         /* refs */
    int64_t *value_offset, *gradient_offset; /* by ref index */
    bool *needs_gradient;                    /* by ref index */
    int64_t *saved_offset;                   /* by node */
    int32_t *value_layer;                    /* by ref index: the recomputed layer that it is made in, or -1 ... */
    int32_t *node_layer;                     /* ... and by node, likewise */
    int64_t *again_offset; /* by ref index: its place for steps of its own layer behind the forward ones; else -1 */
    int64_t workspace;     /* reals of one workspace: per thread if streamed, one if staged */
    int64_t scratch;       /* reals of one call's scratch, largest of all; each thread has one */
} ag_plan;

int ag_plan_new(const ag_graph *graph, const ag_plan_options *options, ag_plan **out, ag_err *err);
void ag_plan_free(ag_plan *plan);
/* Bytes that running with `threads` threads takes: workspaces, scratch, gradients of lanes, prepared parameters. */
int64_t ag_plan_bytes(const ag_plan *plan, unsigned threads);
