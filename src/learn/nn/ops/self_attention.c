// SPDX-License-Identifier: Apache-2.0
/* self_attention.c: see self_attention.h. One group of tokens at a time, so that its queries, keys, values and scores
 * stay in the first cache. The three projections of the input are one product, with k, v and q side by side.
 *
 * Kept for backward, per group: what the heads put out, two numbers of each row of probabilities, and a bit for each
 * probability: whether dropout kept it. k, v and q, and the probabilities, which are more than all of this, are
 * computed again: that takes less time than to write them out and read them. */
#include "learn/nn/ops/self_attention.h"

#include <string.h>

#include "core/base/str.h"
#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

enum { K_PART, V_PART, Q_PART, PARTS };

typedef struct extents {
    int64_t groups, tokens, width, heads, head, square; /* of one sample; square: probabilities of a group */
    int64_t kept;                                       /* reals of a group */
} extents;

static extents extents_of(const ag_shape *x, const ag_self_attention *a)
{
    extents e = {.groups = ag_shape_span(x, 0, x->axes - 2), .tokens = x->at[x->axes - 2], .width = ag_shape_last(x)};
    e.heads = a->heads;
    e.head = e.width / e.heads;
    e.square = e.heads * e.tokens * e.tokens;
    e.kept = e.tokens * (e.width + 2 * e.heads) + AG_KEPT(e.square);
    return e;
}

static int shape(ag_shaping *s, ag_err *err)
{
    static const char *const names[] = {"k_proj's", "v_proj's", "q_proj's", "out_proj's"};
    const ag_self_attention *a = s->attributes;
    char what[64];
    int rc;
    if ((rc = ag_need_sample(s, AG_SELF_X, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 2, err)) < 0)
        return rc;
    int64_t width = ag_shape_last(&s->in[0]);
    if (a->heads < 1 || width % a->heads)
        return ag_fail(err, AG_EINVAL, "a width of %lld cannot be shared by %lld heads", (long long)width,
                       (long long)a->heads);
    if (!(a->dropout >= 0.0 && a->dropout < 1.0))
        return ag_fail(err, AG_EINVAL, "dropout %g is not in [0, 1)", a->dropout);
    for (int i = AG_SELF_K; i < AG_SELF_INPUTS; i++) {
        ag_format(what, sizeof what, "%s %s", names[(i - 1) / 2], i % 2 ? "weight" : "bias");
        ag_shape wanted = i % 2 ? ag_shape_of(width, width) : ag_shape_of(width);
        if ((rc = ag_need_parameter(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, wanted, err)) < 0)
            return rc;
    }
    extents e = extents_of(&s->in[0], a);
    s->out[0] = s->in[0];
    s->saved = e.groups * e.kept;
    s->scratch_fixed = e.kept + 2 * e.square + e.tokens * (2 * PARTS + 3) * e.width;
    s->prepared = width * (2 * PARTS * width + width + PARTS);
    return 0;
}

static extents of_node(const ag_node *node)
{
    return extents_of(&node->in_shape[0], node->attributes);
}

static double cost(const ag_node *node)
{
    extents e = of_node(node);
    double rows = (double)(e.groups * e.tokens), width = (double)e.width;
    return rows * 8.0 * width * width + (double)(e.groups * e.square) * (4.0 * (double)e.head + 4.0);
}

/* [width, 3 width]: the transposed k, v and q side by side; their biases; [3 width, width]: k, v and q as they are, one
 * below the other; the output's transposed. */
static void prepare(const ag_kernels *k, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    int64_t w = ag_shape_last(&node->in_shape[0]);
    ag_real *biases = prepared + PARTS * w * w, *below = biases + PARTS * w;
    for (int64_t part = 0; part < PARTS; part++) {
        k->transpose(in[AG_SELF_K + 2 * part], w, prepared + part * w, PARTS * w, w, w);
        memcpy(biases + part * w, in[AG_SELF_K + 2 * part + 1], (size_t)w * sizeof *biases);
        memcpy(below + part * w * w, in[AG_SELF_K + 2 * part], (size_t)(w * w) * sizeof *below);
    }
    k->transpose(in[AG_SELF_OUT], w, below + PARTS * w * w, w, w, w);
}

typedef struct group { /* what belongs to one group of tokens */
    const ag_real *x;
    ag_real *heads, *moments;        /* kept */
    uint8_t *kept;                   /* bits of the probabilities' dropout; kept, too */
    ag_real *parts;                  /* k, v and q side by side */
    ag_real *probabilities, *slopes; /* square each */
    ag_real *keys_turned, *turned;   /* tokens * width each */
    ag_real *dparts, *dheads;        /* PARTS of it; one */
    int64_t number;                  /* in the step, of all groups */
} group;

static group group_of(const ag_call *c, const extents *e, int64_t sample, int64_t index)
{
    ag_real *kept = c->saved ? c->saved + (sample * e->groups + index) * e->kept : c->scratch;
    ag_real *spare = c->scratch + e->kept;
    int64_t plane = e->tokens * e->width;
    return (group){.x = c->in[AG_SELF_X] + (sample * e->groups + index) * plane,
                   .heads = kept,
                   .moments = kept + plane,
                   .kept = (uint8_t *)(kept + plane + 2 * e->heads * e->tokens),
                   .parts = spare + 2 * e->square + (3 + PARTS) * plane,
                   .probabilities = spare,
                   .slopes = spare + e->square,
                   .keys_turned = spare + 2 * e->square,
                   .turned = spare + 2 * e->square + plane,
                   .dparts = spare + 2 * e->square + 2 * plane,
                   .dheads = spare + 2 * e->square + (2 + PARTS) * plane,
                   .number = (c->first + sample) * e->groups + index};
}

static ag_dropout key(const ag_call *c)
{
    double p = c->training ? ((const ag_self_attention *)c->attributes)->dropout : 0.0;
    return ag_dropout_make(c->seed, c->step, c->node->index, 0, p);
}

static uint64_t block(const extents *e, const group *g)
{
    return (uint64_t)(g->number * AG_DROPOUT_BLOCKS(e->square));
}

/* c = (+=) a b with a [tokens, k] whose rows lie a_row apart (or, turned, [k, tokens]) and b [k, n]. */
static void multiply(const ag_call *c, const extents *e, const ag_real *a, int64_t a_row, int64_t a_column, int64_t k,
                     const ag_real *b, int64_t b_row, int64_t n, ag_real *to, int64_t to_row)
{
    c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                    .n = n,
                                    .k = k,
                                    .a = a,
                                    .a_row = a_row,
                                    .a_column = a_column,
                                    .b = b,
                                    .b_row = b_row,
                                    .c = to,
                                    .c_row = to_row});
}

/* ---- forward ---- */

static void project(const ag_call *c, const extents *e, const group *g)
{
    int64_t w = e->width;
    c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                    .n = PARTS * w,
                                    .k = w,
                                    .a = g->x,
                                    .a_row = w,
                                    .a_column = 1,
                                    .b = c->prepared,
                                    .b_row = PARTS * w,
                                    .c = g->parts,
                                    .c_row = PARTS * w,
                                    .bias_n = c->prepared + PARTS * w * w});
}

/* The part of one head, and its transposed: [head, tokens]. */
static const ag_real *part_of(const extents *e, const group *g, int64_t part, int64_t h)
{
    return g->parts + part * e->width + h * e->head;
}

static const ag_real *turn(const ag_call *c, const extents *e, const ag_real *part, ag_real *to)
{
    c->kernels->transpose(part, PARTS * e->width, to, e->tokens, e->tokens, e->head);
    return to;
}

/* How the queries of one head attend. */
static ag_attend attend_of(const ag_call *c, const extents *e, const group *g, int64_t h)
{
    return (ag_attend){.queries = e->tokens,
                       .keys = e->tokens,
                       .depth = e->head,
                       .q = part_of(e, g, Q_PART, h),
                       .q_row = PARTS * e->width,
                       .turned = turn(c, e, part_of(e, g, K_PART, h), g->keys_turned),
                       .factor = 1 / ag_sqrt((ag_real)e->head),
                       .weights = g->probabilities + h * e->tokens * e->tokens,
                       .moments = g->moments + 2 * h * e->tokens};
}

static void forward_group(const ag_call *c, const extents *e, const group *g, ag_real *y)
{
    int64_t row = PARTS * e->width, each = e->tokens * e->tokens;
    ag_dropout drop = key(c);
    project(c, e, g);
    for (int64_t h = 0; h < e->heads; h++) {
        ag_attend at = attend_of(c, e, g, h);
        c->kernels->attend(&at);
    }
    c->kernels->dropout_at(&drop, block(e, g), g->probabilities, g->probabilities, g->kept, e->square);
    for (int64_t h = 0; h < e->heads; h++) {
        multiply(c, e, g->probabilities + h * each, e->tokens, 1, e->tokens, part_of(e, g, V_PART, h), row, e->head,
                 g->heads + h * e->head, e->width);
        c->kernels->scale_rows(g->moments + (2 * h + 1) * e->tokens, g->heads + h * e->head, e->tokens, e->head,
                               e->width);
    }
    const ag_real *out = c->prepared + 2 * PARTS * e->width * e->width + row;
    c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                    .n = e->width,
                                    .k = e->width,
                                    .a = g->heads,
                                    .a_row = e->width,
                                    .a_column = 1,
                                    .b = out,
                                    .b_row = e->width,
                                    .c = y,
                                    .c_row = e->width,
                                    .bias_n = c->in[AG_SELF_OUT + 1]});
}

static void forward(const ag_call *c)
{
    extents e = of_node(c->node);
    int64_t i, end = ag_part_of(c, c->samples * e.groups, &i);
    for (; i < end; i++) {
        group g = group_of(c, &e, i / e.groups, i % e.groups);
        forward_group(c, &e, &g, c->out[0] + i * e.tokens * e.width);
    }
}

/* ---- backward ---- */

/* dW [width, width] += d^T x of a projection whose gradient lies in rows `row` apart; db += d. */
static void give_weights(const ag_call *c, const extents *e, const ag_real *d, int64_t row, const ag_real *x, int input)
{
    if (c->din[input])
        c->kernels->matmul(&(ag_matmul){.m = e->width,
                                        .n = e->width,
                                        .k = e->tokens,
                                        .a = d,
                                        .a_row = 1,
                                        .a_column = row,
                                        .b = x,
                                        .b_row = e->width,
                                        .c = c->din[input],
                                        .c_row = e->width,
                                        .add = true});
    if (c->din[input + 1]) c->kernels->sum_rows(d, c->din[input + 1], e->tokens, e->width, row);
}

/* The gradients of one head's k, v and q. */
static void backward_head(const ag_call *c, const extents *e, const group *g, const ag_dropout *drop, int64_t h)
{
    int64_t w = e->width, row = PARTS * w, at = h * e->head, tokens = e->tokens;
    const ag_real *dheads = g->dheads + at;
    ag_real *dparts = g->dparts + at;
    ag_attend_gradient gradient = {.of = attend_of(c, e, g, h),
                                   .d = dheads,
                                   .heads = g->heads + at,
                                   .d_row = w,
                                   .values_turned = turn(c, e, part_of(e, g, V_PART, h), g->turned),
                                   .kept = drop->keep < 65536 ? g->kept : NULL,
                                   .first_bit = h * tokens * tokens,
                                   .scale = drop->scale,
                                   .slopes = g->slopes};
    c->kernels->attend_gradient(&gradient);
    multiply(c, e, gradient.of.weights, 1, tokens, tokens, dheads, w, e->head, dparts + V_PART * w, row);
    multiply(c, e, g->slopes, tokens, 1, tokens, part_of(e, g, K_PART, h), row, e->head, dparts + Q_PART * w, row);
    multiply(c, e, g->slopes, 1, tokens, tokens, part_of(e, g, Q_PART, h), row, e->head, dparts + K_PART * w, row);
}

static void backward_group(const ag_call *c, const extents *e, const group *g, const ag_real *dy, ag_real *dx)
{
    int64_t w = e->width, row = PARTS * w;
    ag_dropout drop = key(c);
    project(c, e, g);
    give_weights(c, e, dy, w, g->heads, AG_SELF_OUT);
    multiply(c, e, dy, w, 1, w, c->in[AG_SELF_OUT], w, w, g->dheads, w);
    for (int64_t h = 0; h < e->heads; h++) backward_head(c, e, g, &drop, h);
    for (int part = 0; part < PARTS; part++) give_weights(c, e, g->dparts + part * w, row, g->x, AG_SELF_K + 2 * part);
    if (dx)
        c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                        .n = w,
                                        .k = row,
                                        .a = g->dparts,
                                        .a_row = row,
                                        .a_column = 1,
                                        .b = c->prepared + PARTS * w * w + row,
                                        .b_row = w,
                                        .c = dx,
                                        .c_row = w,
                                        .add = !(c->fresh & 1)});
}

static void backward(const ag_call *c)
{
    extents e = of_node(c->node);
    int64_t plane = e.tokens * e.width;
    for (int64_t i = 0; i < c->samples * e.groups; i++) {
        group g = group_of(c, &e, i / e.groups, i % e.groups);
        backward_group(c, &e, &g, c->dout[0] + i * plane, c->din[0] ? c->din[0] + i * plane : NULL);
    }
}

const ag_op ag_op_self_attention = {
    .name = "self_attention",
    .doc = "multi-head attention of tokens to each other, with its projections",
    .attributes_size = sizeof(ag_self_attention),
    .min_inputs = AG_SELF_INPUTS,
    .max_inputs = AG_SELF_INPUTS,
    .outputs = 1,
    .flags = AG_OP_STORES | AG_OP_PARTS,
    .reads_in = 1 << AG_SELF_X,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
