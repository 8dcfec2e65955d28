// SPDX-License-Identifier: Apache-2.0
/* mask_patches.c: see masking.h.
 * A forecast mask with several counts gives each count to as many samples of a batch. Who gets which must not depend on
 * how a batch is cut into chunks, so samples are taken in blocks of as many as there are counts, and each block gets
 * all counts in an order that is drawn for it: in every batch the numbers of samples differ by one at most. */
#include <string.h>

#include "core/base/rng.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/masking.h"
#include "learn/nn/ops/shapes.h"

enum { MASK, MASKED };

int64_t ag_masking_keeps(int64_t patches, double ratio)
{
    return (int64_t)((double)patches * (1.0 - ratio));
}

static int check_drawing(const ag_masking *a, const ag_shape *x, ag_err *err)
{
    if (!a->forecast && !(a->ratio >= 0.0 && a->ratio < 1.0))
        return ag_fail(err, AG_EINVAL, "a share of %g of the patches cannot be hidden; it must be in [0, 1)", a->ratio);
    if (a->forecast && a->count < 1) return ag_fail(err, AG_EINVAL, "it does not say how many last patches to hide");
    for (int64_t i = 0; a->forecast && i < a->count; i++)
        if (a->counts[i] < 1 || a->counts[i] >= x->at[1])
            return ag_fail(err, AG_EINVAL, "the last %lld of %lld patches cannot be hidden; at least 1 is, and 1 stays",
                           (long long)a->counts[i], (long long)x->at[1]);
    for (int64_t i = 0; i < a->spared_count; i++)
        if (a->spared[i] < 0 || a->spared[i] >= x->at[0])
            return ag_fail(err, AG_EINVAL, "channel %lld is not one of 0 to %lld", (long long)a->spared[i],
                           (long long)x->at[0] - 1);
    return 0;
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_masking *a = s->attributes;
    int rc = ag_need_sample(s, 0, "the input", err);
    if (rc < 0) return rc;
    if (s->in[0].axes != 3)
        return ag_fail(err, AG_EINVAL, "the input must have three axes: channels, patches and their rows");
    ag_shape grid = ag_shape_of(s->in[0].at[0], s->in[0].at[1]);
    if (s->inputs > 1 && s->present[1] && (rc = ag_need_shape(s, 1, "the mask", grid, err)) < 0) return rc;
    if ((rc = check_drawing(a, &s->in[0], err)) < 0) return rc;
    s->out[MASK] = grid;
    s->out[MASKED] = s->in[0];
    s->scratch_fixed = a->forecast ? a->count : grid.at[1];
    return 0;
}

static double cost(const ag_node *node)
{
    return (double)ag_out_size(node, MASK);
}

/* `order` becomes 0 .. count - 1 in an order that is drawn. */
static void draw_order(ag_rng *rng, ag_real *order, int64_t count)
{
    for (int64_t i = 0; i < count; i++) order[i] = (ag_real)i;
    ag_rng_shuffle(rng, order, (size_t)count, sizeof *order);
}

/* One line of patches: 1 for the hidden ones. */
static void draw_line(const ag_call *c, const ag_rng *base, int64_t channel, ag_real *line)
{
    const ag_masking *a = c->attributes;
    int64_t patches = c->node->in_shape[0].at[1], keeps = ag_masking_keeps(patches, a->ratio);
    ag_rng rng = ag_rng_child(base, (uint64_t)channel);
    draw_order(&rng, c->scratch, patches);
    for (int64_t i = 0; i < patches; i++) line[(int64_t)c->scratch[i]] = i < keeps ? 0 : 1;
}

static void hide_last(const ag_call *c, const ag_rng *base, int64_t sample, ag_real *line)
{
    const ag_masking *a = c->attributes;
    int64_t patches = c->node->in_shape[0].at[1];
    ag_rng rng = ag_rng_child(base, (uint64_t)(sample / a->count));
    draw_order(&rng, c->scratch, a->count);
    int64_t hidden = a->counts[(int64_t)c->scratch[sample % a->count]];
    for (int64_t i = 0; i < patches; i++) line[i] = i < patches - hidden ? 0 : 1;
}

static void draw(const ag_call *c, int64_t sample, ag_real *mask)
{
    const ag_masking *a = c->attributes;
    int64_t channels = c->node->in_shape[0].at[0], patches = c->node->in_shape[0].at[1];
    ag_rng base = {.seed = c->seed, .stream = ag_dropout_make(c->seed, c->step, c->node->index, 1, 0.0).stream};
    ag_rng own = ag_rng_child(&base, (uint64_t)sample);
    for (int64_t k = 0; k < channels; k++) {
        ag_real *line = mask + k * patches;
        if (a->forecast)
            hide_last(c, &base, sample, line);
        else if (k == 0 || a->per_channel)
            draw_line(c, &own, k, line);
        else
            memcpy(line, mask, (size_t)patches * sizeof *line);
    }
    for (int64_t i = 0; i < a->spared_count; i++)
        memset(mask + a->spared[i] * patches, 0, (size_t)patches * sizeof *mask);
}

static void forward(const ag_call *c)
{
    const ag_masking *a = c->attributes;
    int64_t grid = ag_out_size(c->node, MASK), length = c->node->in_shape[0].at[2];
    const ag_real *given = c->node->inputs > 1 ? c->in[1] : NULL;
    for (int64_t s = 0; s < c->samples; s++) {
        ag_real *mask = c->out[MASK] + s * grid;
        if (given)
            for (int64_t i = 0; i < grid; i++) mask[i] = given[s * grid + i] != 0 ? 1 : 0;
        else
            draw(c, c->first + s, mask);
    }
    for (int64_t i = 0; i < c->samples * grid; i++)
        for (int64_t k = i * length; k < (i + 1) * length; k++)
            c->out[MASKED][k] = c->out[MASK][i] != 0 ? (ag_real)a->fill : c->in[0][k];
}

static void backward(const ag_call *c)
{
    int64_t grid = ag_out_size(c->node, MASK), length = c->node->in_shape[0].at[2];
    for (int64_t i = 0; c->din[0] && c->dout[MASKED] && i < c->samples * grid; i++)
        for (int64_t k = i * length; c->out[MASK][i] == 0 && k < (i + 1) * length; k++)
            c->din[0][k] += c->dout[MASKED][k];
}

const ag_op ag_op_mask_patches = {
    .name = "mask_patches",
    .doc = "hides patches that are drawn or given",
    .attributes_size = sizeof(ag_masking),
    .min_inputs = 1,
    .max_inputs = 2,
    .outputs = 2,
    .reads_out = 1 << MASK,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
