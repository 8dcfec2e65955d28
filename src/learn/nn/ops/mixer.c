// SPDX-License-Identifier: Apache-2.0
/* mixer.c: a mixer block (see mixer.h), tile by tile: all that happens to a tile happens while it is in the first
 * cache (of channels, the second).
 *
 * Kept for backward, per sample: mean and rate of each norm, a bit for each element of the two dropouts, where vectors
 * are long the hidden layer before gelu, or what gelu and dropout make of it and their slope (mixer_tiles.h); with a
 * gate, its weights and, for a gate that comes last, its input. What is computed again (the normed input v, gelu and
 * its slope, a hidden layer of short vectors) takes less time than to write it out and read it: all that is kept of a
 * window fills the second cache, or more. Which elements drop is a function of (seed, step, node, sample, tile,
 * element): each tile draws from Philox blocks of its own. */
#include "learn/nn/ops/mixer.h"

#include "core/base/str.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/mixer_tiles.h"
#include "learn/nn/ops/shapes.h"

/* ---- shape ---- */

static int need_linear(const ag_shaping *s, int weight, int64_t out, int64_t in, const char *name, ag_err *err)
{
    char what[64];
    int rc;
    ag_format(what, sizeof what, "%s's weight", name);
    if ((rc = ag_need_parameter(s, weight, what, err)) < 0 ||
        (rc = ag_need_shape(s, weight, what, ag_shape_of(out, in), err)) < 0)
        return rc;
    ag_format(what, sizeof what, "%s's bias", name);
    if ((rc = ag_need_parameter(s, weight + 1, what, err)) < 0) return rc;
    return ag_need_shape(s, weight + 1, what, ag_shape_of(out), err);
}

static int check(const ag_shaping *s, ag_err *err)
{
    const ag_mixer *a = s->attributes;
    char is[AG_SHAPE_TEXT];
    int rc = ag_need_sample(s, AG_MIXER_X, "the input", err);
    if (rc < 0) return rc;
    if (s->in[0].axes != 3 || a->axis < 0 || a->axis > 2)
        return ag_fail(err, AG_EINVAL, "axis %d of %s cannot be mixed: three axes are needed", a->axis,
                       ag_shape_format(&s->in[0], is));
    if (!(a->dropout >= 0.0 && a->dropout < 1.0))
        return ag_fail(err, AG_EINVAL, "dropout %g is not in [0, 1)", a->dropout);
    ag_shape row = ag_shape_of(s->in[0].at[2]);
    for (int i = AG_MIXER_GAIN; s->present[AG_MIXER_GAIN] && i <= AG_MIXER_SHIFT; i++) {
        const char *what = i == AG_MIXER_GAIN ? "the norm's gain" : "the norm's shift";
        if ((rc = ag_need_parameter(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, row, err)) < 0) return rc;
    }
    int64_t length = s->in[0].at[a->axis], hidden = s->in[AG_MIXER_W1].at[0];
    if ((rc = need_linear(s, AG_MIXER_W1, hidden, length, "fc1", err)) < 0 ||
        (rc = need_linear(s, AG_MIXER_W2, length, hidden, "fc2", err)) < 0)
        return rc;
    return s->present[AG_MIXER_A] ? need_linear(s, AG_MIXER_A, length, length, "the gate", err) : 0;
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_mixer *a = s->attributes;
    int rc = check(s, err);
    if (rc < 0) return rc;
    ag_mixer_shape m = ag_mixer_shape_of(&s->in[0], a->axis, s->in[AG_MIXER_W1].at[0]);
    int64_t expanded = m.positions * m.hidden;
    s->out[0] = s->in[0];
    s->saved = (m.keeps_hidden + m.keeps_slopes) * expanded;
    s->saved += m.tiles * (AG_KEPT(m.tile * m.hidden) + AG_KEPT(m.tile * m.length));
    if (s->present[AG_MIXER_GAIN]) s->saved += 2 * (m.size / m.width);
    if (s->present[AG_MIXER_A]) s->saved += a->gate_first ? m.size : 2 * m.size;
    s->scratch_fixed = m.tile * (6 * m.length + 2 * m.hidden);
    s->prepared = m.by_rows ? m.length * (2 * m.hidden + m.length) : 0;
    return 0;
}

static ag_mixer_shape shape_of(const ag_node *node)
{
    return ag_mixer_shape_of(&node->in_shape[0], ((const ag_mixer *)node->attributes)->axis,
                             node->in_shape[AG_MIXER_W1].at[0]);
}

static double cost(const ag_node *node)
{
    ag_mixer_shape m = shape_of(node);
    double each = 4.0 * (double)m.length * (double)m.hidden + 4.0 * (double)m.hidden + 2.0 * (double)m.length;
    if (node->in[AG_MIXER_A].index) each += 2.0 * (double)m.length * (double)m.length + 4.0 * (double)m.length;
    if (node->in[AG_MIXER_GAIN].index) each += 8.0 * (double)m.length;
    return each * (double)m.positions;
}

/* Weights transposed, for tiles by rows: W1, W2, A. */
static void prepare(const ag_kernels *k, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    ag_mixer_shape m = shape_of(node);
    k->transpose(in[AG_MIXER_W1], m.length, prepared, m.hidden, m.hidden, m.length);
    prepared += m.length * m.hidden;
    k->transpose(in[AG_MIXER_W2], m.hidden, prepared, m.length, m.length, m.hidden);
    prepared += m.length * m.hidden;
    if (in[AG_MIXER_A]) k->transpose(in[AG_MIXER_A], m.length, prepared, m.length, m.length, m.length);
}

/* ---- where everything lies ---- */

typedef struct places { /* of one tile */
    ag_real *moments;   /* of the whole sample */
    ag_real *v, *hidden, *gate, *result;
    ag_real *after;            /* hidden, behind gelu and dropout */
    uint8_t *kept_wide, *kept; /* bits of the dropouts behind W1 and W2; NULL when nothing is saved */
    ag_real *spare[4];         /* length * tile each */
    ag_real *wide[2];          /* hidden * tile each */
} places;

/* Behind one another: moments, then tile by tile in each of hidden, the bits, gate, result. Inlined: a struct that
 * is returned is put together in memory and read in wider pieces than it was written, which waits for all the tile
 * before to be written out. */
static inline __attribute__((always_inline)) places places_of(const ag_call *c, const ag_mixer_tile *tile,
                                                              int64_t sample)
{
    const ag_mixer_shape *m = tile->shape;
    const ag_mixer *a = c->attributes;
    int64_t size = m->tile * m->length, wide = m->tile * m->hidden;
    ag_real *at = c->scratch;
    places p = {0};
    for (int i = 0; i < 4; i++, at += size) p.spare[i] = at;
    for (int i = 0; i < 2; i++, at += wide) p.wide[i] = at;
    p.v = at;
    if (!c->saved) {
        p.hidden = p.after = p.wide[0];
        p.gate = p.spare[0];
        p.result = p.v + size;
        return p;
    }
    int64_t first = tile->first * m->length, expanded = m->positions * m->hidden;
    at = c->saved + sample * c->node->saved;
    if (c->in[AG_MIXER_GAIN]) {
        p.moments = at;
        at += 2 * (m->size / m->width);
    }
    p.hidden = p.wide[1];
    p.after = p.wide[0];
    if (m->keeps_hidden) {
        p.hidden = at + tile->first * m->hidden;
        at += expanded;
    }
    if (m->keeps_slopes) {
        p.after = at + tile->first * m->hidden;
        at += expanded;
    }
    p.kept_wide = (uint8_t *)(at + tile->index * AG_KEPT(wide));
    at += m->tiles * AG_KEPT(wide);
    p.kept = (uint8_t *)(at + tile->index * AG_KEPT(size));
    at += m->tiles * AG_KEPT(size);
    p.gate = at + first;
    p.result = c->in[AG_MIXER_A] && !a->gate_first ? p.gate + m->size : p.spare[1];
    return p;
}

static ag_dropout key(const ag_call *c, int site)
{
    double p = c->training ? ((const ag_mixer *)c->attributes)->dropout : 0.0;
    return ag_dropout_make(c->seed, c->step, c->node->index, site, p);
}

/* The first Philox block of a tile of which each position has `depth` elements. */
static uint64_t block(const ag_mixer_tile *tile, int64_t sample, int64_t depth)
{
    const ag_mixer_shape *m = tile->shape;
    int64_t number = (tile->call->first + sample) * m->tiles + tile->index;
    return (uint64_t)(number * AG_DROPOUT_BLOCKS(m->tile * depth));
}

/* ---- forward ---- */

/* to = v * softmax(A v + a); the weights stay in `weights` for who is to go back. */
static void open_gate(const ag_mixer_tile *tile, const ag_real *v, ag_real *weights, ag_real *to)
{
    const ag_call *c = tile->call;
    const ag_mixer_shape *m = tile->shape;
    ag_tile_linear(tile, c->in[AG_MIXER_A], c->prepared + 2 * m->length * m->hidden, c->in[AG_MIXER_A_BIAS], m->length,
                   m->length, v, weights);
    ag_tile_gate(tile, weights, v, c->saved ? weights : NULL, to);
}

static void forward_tile(const ag_mixer_tile *tile, int64_t sample)
{
    const ag_call *c = tile->call;
    const ag_mixer *a = c->attributes;
    const ag_mixer_shape *m = tile->shape;
    places p = places_of(c, tile, sample);
    const ag_real *x = c->in[AG_MIXER_X] + sample * m->size, *v = p.v;
    int64_t size = tile->count * m->length, wide = tile->count * m->hidden;
    ag_dropout inner = key(c, 0), outer = key(c, 1);
    if (m->by_channels && !c->in[AG_MIXER_GAIN])
        v = x + tile->first * m->length;
    else
        ag_tile_take(tile, x, c->in[AG_MIXER_GAIN], c->in[AG_MIXER_SHIFT], (ag_real)a->epsilon, p.moments, p.v);
    if (c->in[AG_MIXER_A] && a->gate_first) {
        open_gate(tile, v, p.gate, p.spare[2]);
        v = p.spare[2];
    }
    ag_tile_linear(tile, c->in[AG_MIXER_W1], c->prepared, c->in[AG_MIXER_B1], m->hidden, m->length, v, p.hidden);
    if (m->keeps_slopes)
        c->kernels->gelu_drop_slopes(&inner, block(tile, sample, m->hidden), p.hidden, p.after, wide);
    else
        c->kernels->gelu_drop(&inner, block(tile, sample, m->hidden), p.hidden, p.after, p.kept_wide, wide);
    ag_tile_linear(tile, c->in[AG_MIXER_W2], c->prepared + m->length * m->hidden, c->in[AG_MIXER_B2], m->length,
                   m->hidden, p.after, p.result);
    c->kernels->dropout_at(&outer, block(tile, sample, m->length), p.result, p.result, p.kept, size);
    const ag_real *result = p.result;
    if (c->in[AG_MIXER_A] && !a->gate_first) {
        bool there = m->by_channels && !a->residual; /* where the output is to lie */
        ag_real *to = there ? c->out[0] + sample * m->size + tile->first * m->length : p.spare[2];
        open_gate(tile, p.result, p.gate, to);
        if (there) return;
        result = to;
    }
    ag_tile_give(tile, result, a->residual ? x : NULL, c->out[0] + sample * m->size);
}

typedef void tile_fn(const ag_mixer_tile *tile, int64_t sample);

/* A part of a call has tiles of its own, of all positions that a tile may be cut at. */
static void each_tile(const ag_call *c, tile_fn *function)
{
    const ag_node *node = c->node;
    int axis = ((const ag_mixer *)c->attributes)->axis;
    ag_mixer_shape m = ag_mixer_shape_for(c, axis, node->in_shape[AG_MIXER_W1].at[0]);
    int64_t unit = m.axis == 2 ? 1 : m.width, from, end = unit * ag_part_of(c, m.positions / unit, &from);
    for (int64_t sample = 0; sample < c->samples; sample++)
        for (int64_t first = from * unit; first < end; first += m.tile) {
            int64_t left = end - first;
            ag_mixer_tile tile = {.call = c,
                                  .shape = &m,
                                  .index = first / m.tile,
                                  .first = first,
                                  .count = left < m.tile ? left : m.tile,
                                  .spare = c->scratch + 3 * m.tile * m.length}; /* the last of places.spare */
            function(&tile, sample);
        }
}

static void forward(const ag_call *c)
{
    each_tile(c, forward_tile);
}

/* ---- backward ---- */

/* d: the gradient of the gated value, which becomes that of v, the gate's input. */
static void close_gate(const ag_mixer_tile *tile, const ag_real *v, const ag_real *weights, ag_real *d, ag_real *spare)
{
    const ag_call *c = tile->call;
    int64_t length = tile->shape->length;
    ag_tile_gate_gradient(tile, weights, v, d, spare);
    ag_tile_linear_weights(tile, length, length, spare, v, c->din[AG_MIXER_A], c->din[AG_MIXER_A_BIAS]);
    ag_tile_linear_input(tile, c->in[AG_MIXER_A], length, length, spare, d, true);
}

static void backward_tile(const ag_mixer_tile *tile, int64_t sample)
{
    const ag_call *c = tile->call;
    const ag_mixer *a = c->attributes;
    const ag_mixer_shape *m = tile->shape;
    places p = places_of(c, tile, sample);
    const ag_real *x = c->in[AG_MIXER_X] + sample * m->size, *v = p.v;
    ag_real *d = p.spare[0], *dx = c->din[AG_MIXER_X] ? c->din[AG_MIXER_X] + sample * m->size : NULL;
    bool gated = c->in[AG_MIXER_A] != NULL, stores = c->fresh & 1 << AG_MIXER_X;
    /* Around a residual block the gradient goes on unchanged, too; backward() adds it where this one adds. */
    const ag_real *base = !stores ? dx : a->residual ? c->dout[0] + sample * m->size : NULL;
    ag_dropout inner = key(c, 0);
    bool drops = inner.keep < 65536;
    ag_tile_take_again(tile, x, c->in[AG_MIXER_GAIN], c->in[AG_MIXER_SHIFT], p.moments, p.v);
    ag_tile_take(tile, c->dout[0] + sample * m->size, NULL, NULL, 0, NULL, d);
    if (gated && !a->gate_first) close_gate(tile, p.result, p.gate, d, p.spare[2]);
    if (drops) c->kernels->dropout_again(p.kept, inner.scale, d, d, tile->count * m->length);
    ag_tile_linear_input(tile, c->in[AG_MIXER_W2], m->length, m->hidden, d, p.wide[0], false);
    if (gated && a->gate_first) {
        c->kernels->multiply(p.v, p.gate, p.spare[1], tile->count * m->length);
        v = p.spare[1];
    }
    if (!m->keeps_hidden)
        ag_tile_linear(tile, c->in[AG_MIXER_W1], c->prepared, c->in[AG_MIXER_B1], m->hidden, m->length, v, p.hidden);
    if (m->keeps_slopes)
        c->kernels->multiply(p.hidden, p.wide[0], p.wide[0], tile->count * m->hidden);
    else
        c->kernels->gelu_drop_gradient(drops ? p.kept_wide : NULL, inner.scale, p.hidden, p.wide[1], p.wide[0],
                                       tile->count * m->hidden);
    ag_tile_linear_weights(tile, m->length, m->hidden, d, m->keeps_slopes ? p.after : p.wide[1], c->din[AG_MIXER_W2],
                           c->din[AG_MIXER_B2]);
    ag_tile_linear_weights(tile, m->hidden, m->length, p.wide[0], v, c->din[AG_MIXER_W1], c->din[AG_MIXER_B1]);
    ag_tile_linear_input(tile, c->in[AG_MIXER_W1], m->hidden, m->length, p.wide[0], d, false);
    if (gated && a->gate_first) close_gate(tile, p.v, p.gate, d, p.spare[2]);
    ag_tile_give_gradient(tile, x, c->in[AG_MIXER_GAIN], p.moments, d, base, dx, c->din[AG_MIXER_GAIN],
                          c->din[AG_MIXER_SHIFT]);
}

static void backward(const ag_call *c)
{
    each_tile(c, backward_tile);
    if (((const ag_mixer *)c->attributes)->residual && c->din[AG_MIXER_X] && !(c->fresh & 1 << AG_MIXER_X))
        c->kernels->add(c->dout[0], c->din[AG_MIXER_X], c->samples * ag_in_size(c->node, 0));
}

const ag_op ag_op_mixer = {
    .name = "mixer",
    .doc = "a mixer block: norm, gate, two linear maps with gelu and dropout, residual",
    .attributes_size = sizeof(ag_mixer),
    .min_inputs = AG_MIXER_INPUTS,
    .max_inputs = AG_MIXER_INPUTS,
    .outputs = 1,
    .flags = AG_OP_STORES | AG_OP_PARTS,
    .reads_in = 1 << AG_MIXER_X,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
