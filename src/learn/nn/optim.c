// SPDX-License-Identifier: Apache-2.0
/* optim.c: a model's optimiser with its state.
 * The parameters are cut into blocks of at most BLOCK numbers of one parameter. A step has two parts, each parallel
 * over blocks: sums of squares, added up in the order of the blocks, and updates. So nothing depends on the number of
 * threads. Invariant: a step that fails has changed nothing. Nothing is allocated in a step. */
#include "learn/nn/optim.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/kernels/kernels.h"

#define BLOCK 16384

typedef struct block {
    int32_t parameter;
    int64_t offset, count;
    double square;
} block;

typedef struct settings { /* of one parameter */
    bool frozen;
    double rate_factor, weight_decay;
} settings;

struct ag_optim {
    const ag_graph *graph;
    ag_optim_options options;
    const ag_kernels *kernels;
    int64_t steps;
    settings *settings; /* by parameter */
    block *blocks;
    size_t block_count;
    ag_real *moments[AG_MAX_MOMENTS];
};

typedef struct stepping { /* context of a parallel part */
    ag_optim *optim;
    ag_real *values;
    const ag_real *gradient;
    double scale, rate;
} stepping;

static size_t cut_blocks(const ag_graph *graph, block *into)
{
    size_t count = 0;
    for (int32_t p = 0; p < ag_graph_parameters(graph); p++) {
        const ag_parameter *row = ag_graph_parameter_at(graph, p);
        for (int64_t at = 0; row->trainable && at < row->size; at += BLOCK, count++)
            if (into) into[count] = (block){p, row->offset + at, row->size - at < BLOCK ? row->size - at : BLOCK, 0.0};
    }
    return count;
}

static int take_memory(ag_optim *optim, ag_err *err)
{
    size_t parameters = (size_t)ag_graph_parameters(optim->graph);
    size_t bytes = (size_t)(ag_graph_flat_size(optim->graph) + AG_REAL_ALIGN) * sizeof(ag_real);
    optim->block_count = cut_blocks(optim->graph, NULL);
    optim->settings = ag_calloc(parameters, sizeof *optim->settings);
    optim->blocks = ag_calloc(optim->block_count, sizeof *optim->blocks);
    if (!optim->settings || !optim->blocks) return ag_fail_memory(err, parameters * sizeof *optim->settings);
    for (int i = 0; i < optim->options.optimizer->moments; i++) {
        if (!(optim->moments[i] = ag_alloc_aligned(64, bytes))) return ag_fail_memory(err, bytes);
        memset(optim->moments[i], 0, bytes);
    }
    cut_blocks(optim->graph, optim->blocks);
    return 0;
}

static int check_options(const ag_optim_options *o, ag_err *err)
{
    if (!o->optimizer) return ag_fail(err, AG_EINVAL, "no optimiser was named");
    if (!(o->learning_rate >= 0.0) || isinf(o->learning_rate))
        return ag_fail(err, AG_EINVAL, "learning_rate %g is not a number of at least 0", o->learning_rate);
    if (!(o->weight_decay >= 0.0) || isinf(o->weight_decay))
        return ag_fail(err, AG_EINVAL, "weight_decay %g is not a number of at least 0", o->weight_decay);
    if (!(o->beta1 >= 0.0 && o->beta1 < 1.0) || !(o->beta2 >= 0.0 && o->beta2 < 1.0))
        return ag_fail(err, AG_EINVAL, "the betas %g and %g are not in [0, 1)", o->beta1, o->beta2);
    if (!(o->momentum >= 0.0 && o->momentum < 1.0))
        return ag_fail(err, AG_EINVAL, "momentum %g is not in [0, 1)", o->momentum);
    if (!(o->clip_norm >= 0.0)) return ag_fail(err, AG_EINVAL, "clip_norm %g is not at least 0", o->clip_norm);
    return 0;
}

int ag_optim_new(const ag_graph *graph, const ag_optim_options *options, ag_optim **out, ag_err *err)
{
    int rc = check_options(options, err);
    if (rc < 0) return rc;
    ag_optim *optim = ag_calloc(1, sizeof *optim);
    if (!optim) return ag_fail_memory(err, sizeof *optim);
    optim->graph = graph;
    optim->options = *options;
    optim->kernels = ag_kernels_best();
    if ((rc = take_memory(optim, err)) < 0) goto out;
    for (int32_t p = 0; p < ag_graph_parameters(graph); p++) {
        bool matrix = ag_graph_parameter_at(graph, p)->shape.axes > 1;
        double decay = matrix || options->decay_biases ? options->weight_decay : 0.0;
        optim->settings[p] = (settings){.rate_factor = 1.0, .weight_decay = decay};
    }
    *out = optim;
    optim = NULL;
out:
    ag_optim_free(optim);
    return rc;
}

void ag_optim_free(ag_optim *optim)
{
    if (!optim) return;
    for (int i = 0; i < AG_MAX_MOMENTS; i++) ag_free(optim->moments[i]);
    ag_free(optim->settings);
    ag_free(optim->blocks);
    ag_free(optim);
}

/* ---- by name ---- */

bool ag_name_matches(const char *name, const char *pattern)
{
    const char *star = NULL, *again = NULL;
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            again = name;
        } else if (*pattern == '?' || *pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*') pattern++;
    return !*pattern;
}

static bool is_meant(const ag_optim *optim, int32_t parameter, const char *pattern)
{
    const ag_parameter *row = ag_graph_parameter_at(optim->graph, parameter);
    return row->trainable && ag_name_matches(row->name, pattern);
}

int32_t ag_optim_freeze(ag_optim *optim, const char *pattern, bool frozen)
{
    int32_t count = 0;
    for (int32_t p = 0; p < ag_graph_parameters(optim->graph); p++) {
        if (!is_meant(optim, p, pattern)) continue;
        optim->settings[p].frozen = frozen;
        count++;
    }
    return count;
}

bool ag_optim_trains(const ag_optim *optim)
{
    for (int32_t p = 0; p < ag_graph_parameters(optim->graph); p++)
        if (ag_graph_parameter_at(optim->graph, p)->trainable && !optim->settings[p].frozen) return true;
    return false;
}

int32_t ag_optim_group(ag_optim *optim, const char *pattern, double rate_factor, double weight_decay)
{
    int32_t count = 0;
    for (int32_t p = 0; p < ag_graph_parameters(optim->graph); p++) {
        if (!is_meant(optim, p, pattern)) continue;
        optim->settings[p].rate_factor = rate_factor;
        optim->settings[p].weight_decay = weight_decay;
        count++;
    }
    return count;
}

/* ---- a step ---- */

static int for_blocks(ag_optim *optim, ag_pool *pool, ag_for_fn work, stepping *context, ag_err *err)
{
    if (pool) return ag_pool_for(pool, optim->block_count, work, context, NULL, err);
    for (size_t i = 0; i < optim->block_count; i++) {
        int rc = work(context, i, err);
        if (rc < 0) return rc;
    }
    return 0;
}

/* Four sums instead of one: an addition waits for the one before it. */
static int sum_block(void *context, size_t index, ag_err *err)
{
    (void)err;
    const stepping *s = context;
    block *b = &s->optim->blocks[index];
    const ag_real *g = s->gradient + b->offset;
    double sum[4] = {0};
    int64_t i = 0;
    b->square = 0.0;
    if (s->optim->settings[b->parameter].frozen) return 0;
    for (; i + 4 <= b->count; i += 4)
        for (int k = 0; k < 4; k++) sum[k] += (double)g[i + k] * (double)g[i + k];
    for (; i < b->count; i++) sum[0] += (double)g[i] * (double)g[i];
    b->square = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return 0;
}

static int update_block(void *context, size_t index, ag_err *err)
{
    (void)err;
    const stepping *s = context;
    ag_optim *optim = s->optim;
    const ag_optim_options *o = &optim->options;
    const block *b = &optim->blocks[index];
    const settings *mine = &optim->settings[b->parameter];
    if (mine->frozen) return 0;
    ag_update update = {.kernels = optim->kernels,
                        .step = optim->steps + 1,
                        .learning_rate = o->learning_rate * s->rate * mine->rate_factor,
                        .weight_decay = mine->weight_decay,
                        .momentum = o->momentum,
                        .beta1 = o->beta1,
                        .beta2 = o->beta2,
                        .epsilon = o->epsilon,
                        .gradient_scale = (ag_real)s->scale,
                        .count = b->count,
                        .values = s->values + b->offset,
                        .gradient = s->gradient + b->offset};
    for (int i = 0; i < o->optimizer->moments; i++) update.moments[i] = optim->moments[i] + b->offset;
    o->optimizer->update(&update);
    return 0;
}

static int name_not_finite(const ag_optim *optim, ag_err *err)
{
    for (size_t i = 0; i < optim->block_count; i++)
        if (!isfinite(optim->blocks[i].square)) {
            const char *name = ag_graph_parameter_at(optim->graph, optim->blocks[i].parameter)->name;
            return ag_fail(err, AG_EDIVERGED, "the gradient of '%s' is not finite", name);
        }
    return ag_fail(err, AG_EDIVERGED, "the norm of the gradient is not finite");
}

int ag_optim_step(ag_optim *optim, ag_real *values, const ag_real *gradient, double loss_weight, double rate_factor,
                  ag_pool *pool, double *norm, ag_err *err)
{
    stepping s = {optim, values, gradient, 1.0 / loss_weight, rate_factor};
    double square = 0.0;
    if (!(loss_weight > 0.0)) return ag_fail(err, AG_EINVAL, "the weights of the loss add up to %g", loss_weight);
    int rc = for_blocks(optim, pool, sum_block, &s, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < optim->block_count; i++) square += optim->blocks[i].square;
    if (!isfinite(square)) return name_not_finite(optim, err);
    double size = sqrt(square) * s.scale, most = optim->options.clip_norm;
    if (norm) *norm = size;
    if (most > 0.0 && size + 1e-6 > most) s.scale *= most / (size + 1e-6);
    if ((rc = for_blocks(optim, pool, update_block, &s, err)) < 0) return rc;
    optim->steps++;
    return 0;
}

int64_t ag_optim_steps(const ag_optim *optim)
{
    return optim->steps;
}

void ag_optim_set_steps(ag_optim *optim, int64_t steps)
{
    optim->steps = steps;
}

ag_real *ag_optim_moment(ag_optim *optim, int index)
{
    return index < 0 || index >= optim->options.optimizer->moments ? NULL : optim->moments[index];
}
