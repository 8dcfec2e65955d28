// SPDX-License-Identifier: Apache-2.0
#pragma once
/* samples.h: what a model is trained on and judged by: a number of samples that can be had in any order, a batch at a
 * time, in the caller's buffers. Whoever has data (windows of a series, holes, rows of a table) implements the struct;
 * the training loop knows nothing else of it. */
#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "learn/nn/graph.h"
#include "learn/nn/real.h"

/* A batch to fill. What is filled depends on nothing but these numbers, so that it can be had again. */
typedef struct ag_batch {
    const int64_t *index; /* which samples, in this order */
    int64_t count;
    ag_real *const *into; /* by port: count * size reals; NULL: the model does not want it */
    bool training;        /* augmentation is wanted, */
    uint64_t seed;        /* keyed by seed, epoch and the sample's index */
    int64_t epoch;
} ag_batch;

typedef struct ag_samples_port { /* an input of the model that the samples provide */
    const char *name;            /* "past_values" */
    int64_t size;                /* reals per sample */
} ag_samples_port;

typedef struct ag_samples {
    const char *name; /* "the training part": for messages */
    const ag_samples_port *ports;
    int ports_count;
    int64_t count;
    /* Required; may be called by several threads at once. */
    int (*fill)(const void *state, const ag_batch *batch, ag_err *err);
    const void *state;
    const char *digest; /* of what the samples are made of: other data are not resumed with; NULL: not known */
} ag_samples;

/* The order of an epoch: a shuffle that is a function of (seed, epoch) alone. `order` holds `count` items. */
void ag_samples_order(uint64_t seed, int64_t epoch, int64_t count, int64_t *order);

/* Buffers for batches of up to `most` samples, bound to the inputs of a graph by name. Every input that is not optional
 * must be provided with its own size: else AG_EINVAL, which names it. */
typedef struct ag_batch_buffers {
    ag_real **into; /* by port */
    int ports;
} ag_batch_buffers;
int ag_batch_buffers_init(ag_batch_buffers *buffers, const ag_samples *samples, const ag_graph *graph, int64_t most,
                          ag_err *err);
void ag_batch_buffers_deinit(ag_batch_buffers *buffers); /* safe on zeroed memory and twice */

struct ag_exec;
int ag_batch_buffers_bind(const ag_batch_buffers *buffers, const ag_samples *samples, struct ag_exec *exec,
                          ag_err *err);
/* Fills a batch through the source; refuses numbers that are not finite, by input and sample. */
int ag_batch_fill(const ag_batch_buffers *buffers, const ag_samples *samples, const ag_batch *what, ag_err *err);
