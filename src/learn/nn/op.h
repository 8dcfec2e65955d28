// SPDX-License-Identifier: Apache-2.0
#pragma once
/* op.h: what an operation is: one const struct in a file of its own under ops/, and one line in ops/ops.list. The
 * struct holds the shape rule and the cost, which every device shares, and the CPU's forward and backward. A fused
 * operation (a whole mixer block) is an operation like any other.
 *
 * How an operation is called. A call covers `samples` consecutive samples of a batch: a chunk of a few samples that one
 * thread carries through the whole network, so that its activations stay in that core's cache. Each per-sample value is
 * one contiguous array of samples * size(shape) reals, each parameter one array of size(shape). An operation must give
 * a sample the same bits whichever chunk it is in, must not allocate, and cannot fail: all that can be wrong is refused
 * by shape().
 *
 * Gradients. backward() ADDS into every non-NULL din[i]; the engine has zeroed them before the first addition. Of an
 * operation with AG_OP_STORES it has not zeroed those whose bit is set in call.fresh: backward() stores there; with
 * AG_OP_STORES_WEIGHT the weight may be among them. The gradient of a parameter sums over the chunk's samples in their
 * order. dout[i] is NULL when nothing flows into output i.
 *
 * Values that backward() may look at are exactly those that the masks reads_in and reads_out name, and `saved`;
 * anything else may have been overwritten. Integers (classes, tokens) travel as reals, exact up to 2^24. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/sys/thread.h"
#include "learn/nn/real.h"
#include "learn/nn/shape.h"

struct ag_kernels;
struct ag_node;

#define AG_MAX_INPUTS 32
#define AG_MAX_OUTPUTS 4

typedef enum ag_op_flag {
    AG_OP_VIEW = 1,     /* output 0 is input 0 with another shape: no call, no memory */
    AG_OP_IN_PLACE = 2, /* forward may write output 0 over input 0 (same size) when nobody reads that input any more */
    AG_OP_STORES = 8,   /* backward looks at call.fresh */
    AG_OP_PARTS = 16,   /* forward looks at call.part: several threads share a call */
    AG_OP_STORES_WEIGHT = 32, /* backward looks at bit 1 of call.fresh too: input 1 is a parameter */
    AG_OP_LOSS = 4,           /* output 0 has shape [2] per sample: a numerator and a weight; see ag_graph_loss() */
} ag_op_flag;

/* What shape() is given and fills. A missing optional input has present[i] false. */
typedef struct ag_shaping {
    const void *attributes;
    int inputs;
    bool present[AG_MAX_INPUTS];
    ag_shape in[AG_MAX_INPUTS];
    bool per_sample[AG_MAX_INPUTS]; /* false: a parameter, shared by all samples */
    /* to fill: */
    ag_shape out[AG_MAX_OUTPUTS];
    int64_t saved;          /* reals per sample that forward keeps for backward in training */
    int64_t scratch_sample; /* reals per sample of the chunk that a call may scribble on (forward or backward) */
    int64_t scratch_fixed;  /* and reals per call */
    int64_t prepared;       /* reals that prepare() fills from the parameters */
} ag_shaping;

/* One call of forward or backward. All arrays are indexed as the node's inputs and outputs. */
typedef struct ag_call {
    const struct ag_node *node;
    const void *attributes;
    const struct ag_kernels *kernels;
    int64_t samples;          /* in this chunk, >= 1 */
    int64_t first;            /* number of the chunk's first sample in the whole step: keys dropout */
    bool training;            /* dropout on, batch statistics used */
    uint64_t seed, step;      /* key the random numbers, with the node and the element */
    const ag_real *const *in; /* NULL: an absent optional input */
    ag_real *const *out;      /* in backward: const in spirit */
    ag_real *const
        *state; /* training: writable parameters of kind state, by input; NULL elsewhere. Whole-batch calls only */
    const ag_real *const *dout; /* backward only */
    ag_real *const *din;        /* backward only; NULL: not wanted */
    uint32_t fresh;             /* backward only: bit i, din[i] holds nothing yet; 0 without AG_OP_STORES */
    ag_real *saved;             /* samples * node's saved; NULL when no backward will follow */
    ag_real *scratch;
    int part, parts; /* AG_OP_PARTS without `saved`: which part of the work to do, of how many; 0 of 0: all of it */
    const ag_real *prepared;
    ag_pool *pool; /* only for whole-batch calls; NULL: none */
} ag_call;

typedef struct ag_op {
    const char *name;       /* "linear" */
    const char *doc;        /* one line */
    size_t attributes_size; /* of the struct that the graph copies; 0: none */
    int min_inputs, max_inputs;
    int outputs;
    unsigned flags;     /* ag_op_flag */
    uint32_t reads_in;  /* bit i: backward reads in[i] (parameters are always readable) */
    uint32_t reads_out; /* bit i: backward reads out[i] */
    /* Required. Checks inputs and attributes, fills the rest. The engine puts the layer's name before the text. */
    int (*shape)(ag_shaping *shaping, ag_err *err);
    /* Required: floating-point operations of one sample's forward; a multiply-add is 2, an exp or a division is 1. */
    double (*cost)(const struct ag_node *node);
    /* Optional: repacks parameters for speed, after every change of them; in[] holds the parameters, NULL elsewhere. */
    void (*prepare)(const struct ag_kernels *kernels, const struct ag_node *node, const ag_real *const *in,
                    ag_real *prepared);
    /* Required unless AG_OP_VIEW. */
    void (*forward)(const ag_call *call);
    /* NULL: no gradient flows back (only allowed where none is wanted). */
    void (*backward)(const ag_call *call);
    /* Optional: true when this node must see the whole batch in one call (batch norm in training). It then may spread
     * its work over call->pool in a partition that does not depend on the number of threads. */
    bool (*whole_batch)(const struct ag_node *node, bool training);
} ag_op;

/* Of `count` things, those of the call's part: [*from, return value). */
static inline int64_t ag_part_of(const ag_call *call, int64_t count, int64_t *from)
{
    int64_t parts = call->parts > 1 ? call->parts : 1;
    *from = count * call->part / parts;
    return count * (call->part + 1) / parts;
}

/* All operations, in the order of their names; by name, NULL when unknown. */
const ag_op *const *ag_op_all(size_t *count);
const ag_op *ag_op_find(const char *name);
