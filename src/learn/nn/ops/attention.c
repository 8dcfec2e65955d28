// SPDX-License-Identifier: Apache-2.0
/* attention.c: q [.., queries, width], k and v [.., keys, width], each group of tokens by itself, heads side by side in
 * the width. The probabilities are kept for backward; which of them drop is drawn again. What a mask hides gets a
 * probability of exactly zero, so backward needs no mask. */
#include "learn/nn/ops/attention.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

#define HIDDEN (-AG_REAL_MAX / 4)

static int check_mask(const ag_shaping *s, int64_t queries, int64_t keys, ag_err *err)
{
    if (s->inputs < 4 || !s->present[3]) return 0;
    ag_shape wanted = s->in[3].axes == 1 ? ag_shape_of(keys) : ag_shape_of(queries, keys);
    return ag_need_shape(s, 3, "the mask", wanted, err);
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_attention *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the query", err)) < 0 || (rc = ag_need_axes(s, 0, "the query", 2, err)) < 0 ||
        (rc = ag_need_sample(s, 1, "the key", err)) < 0 || (rc = ag_need_axes(s, 1, "the key", 2, err)) < 0)
        return rc;
    int64_t width = ag_shape_last(&s->in[0]), queries = s->in[0].at[s->in[0].axes - 2];
    int64_t keys = s->in[1].at[s->in[1].axes - 2];
    ag_shape wanted = s->in[0];
    wanted.at[wanted.axes - 2] = keys;
    if ((rc = ag_need_shape(s, 1, "the key", wanted, err)) < 0 || (rc = ag_need_sample(s, 2, "the value", err)) < 0 ||
        (rc = ag_need_shape(s, 2, "the value", wanted, err)) < 0 || (rc = check_mask(s, queries, keys, err)) < 0)
        return rc;
    if (a->heads < 1 || width % a->heads)
        return ag_fail(err, AG_EINVAL, "a width of %lld cannot be shared by %lld heads", (long long)width,
                       (long long)a->heads);
    if (!(a->dropout >= 0.0 && a->dropout < 1.0))
        return ag_fail(err, AG_EINVAL, "dropout %g is not in [0, 1)", a->dropout);
    s->out[0] = s->in[0];
    s->saved = ag_shape_rows(&s->in[0]) * keys * a->heads;
    s->scratch_fixed = 2 * s->saved + keys * width / a->heads;
    return 0;
}

typedef struct extents {
    int64_t groups, queries, keys, width, heads, head, probabilities; /* of one sample */
} extents;

static extents extents_of(const ag_node *node)
{
    const ag_shape *x = &node->in_shape[0];
    int64_t heads = ((const ag_attention *)node->attributes)->heads, width = ag_shape_last(x);
    int64_t queries = x->at[x->axes - 2], keys = node->in_shape[1].at[x->axes - 2];
    int64_t groups = ag_shape_span(x, 0, x->axes - 2);
    return (extents){groups, queries, keys, width, heads, width / heads, groups * heads * queries * keys};
}

static double cost(const ag_node *node)
{
    extents e = extents_of(node);
    return (double)e.probabilities * (4.0 * (double)e.head + 4.0);
}

/* Where head i of all groups of sample s begins, among queries (or results), and among keys (or values). */
static int64_t query_place(const extents *e, int64_t s, int64_t i)
{
    return (s * e->groups + i / e->heads) * e->queries * e->width + i % e->heads * e->head;
}

static int64_t key_place(const extents *e, int64_t s, int64_t i)
{
    return (s * e->groups + i / e->heads) * e->keys * e->width + i % e->heads * e->head;
}

static bool is_hidden(const ag_call *c, const extents *e, int64_t s, int64_t query, int64_t key)
{
    if (((const ag_attention *)c->attributes)->causal && key > query) return true;
    const ag_real *mask = c->node->inputs > 3 ? c->in[3] : NULL;
    if (!mask) return false;
    int64_t size = ag_in_size(c->node, 3), at = size == e->keys ? key : query * e->keys + key;
    return mask[(c->node->per_sample[3] ? s * size : 0) + at] == 0;
}

/* Sets what is hidden in one head's [queries][keys]. */
static void hide(const ag_call *c, const extents *e, int64_t s, ag_real *values, ag_real to)
{
    if (!((const ag_attention *)c->attributes)->causal && (c->node->inputs < 4 || !c->in[3])) return;
    for (int64_t query = 0; query < e->queries; query++)
        for (int64_t key = 0; key < e->keys; key++)
            if (is_hidden(c, e, s, query, key)) values[query * e->keys + key] = to;
}

/* to [head][keys] = factor * from^T, of one head of one group. */
static void turn(const ag_call *c, const extents *e, const ag_real *from, ag_real factor, ag_real *to)
{
    c->kernels->transpose(from, e->width, to, e->keys, e->keys, e->head);
    for (int64_t i = 0; factor != 1 && i < e->keys * e->head; i++) to[i] *= factor;
}

static ag_dropout key(const ag_call *c)
{
    double p = c->training ? ((const ag_attention *)c->attributes)->dropout : 0.0;
    return ag_dropout_make(c->seed, c->step, c->node->index, 0, p);
}

/* One head's probabilities [queries][keys]. */
static void weigh(const ag_call *c, const extents *e, int64_t s, int64_t i, ag_real *turned, ag_real *probabilities)
{
    turn(c, e, c->in[1] + key_place(e, s, i), 1 / ag_sqrt((ag_real)e->head), turned);
    c->kernels->matmul(&(ag_matmul){.m = e->queries,
                                    .n = e->keys,
                                    .k = e->head,
                                    .a = c->in[0] + query_place(e, s, i),
                                    .a_row = e->width,
                                    .a_column = 1,
                                    .b = turned,
                                    .b_row = e->keys,
                                    .c = probabilities,
                                    .c_row = e->keys});
    hide(c, e, s, probabilities, HIDDEN);
    c->kernels->softmax_rows(probabilities, probabilities, e->queries, e->keys);
    hide(c, e, s, probabilities, 0); /* a query that sees nothing gives zeros */
}

static void forward_sample(const ag_call *c, const extents *e, int64_t s)
{
    int64_t square = e->queries * e->keys;
    ag_real *probabilities = c->saved ? c->saved + s * e->probabilities : c->scratch, *dropped = probabilities;
    ag_dropout drop = key(c);
    for (int64_t i = 0; i < e->groups * e->heads; i++)
        weigh(c, e, s, i, c->scratch + 2 * e->probabilities, probabilities + i * square);
    if (drop.keep < 65536) {
        dropped = c->scratch + e->probabilities;
        memcpy(dropped, probabilities, (size_t)e->probabilities * sizeof(ag_real));
        c->kernels->dropout(&drop, c->first + s, dropped, e->probabilities);
    }
    for (int64_t i = 0; i < e->groups * e->heads; i++)
        c->kernels->matmul(&(ag_matmul){.m = e->queries,
                                        .n = e->head,
                                        .k = e->keys,
                                        .a = dropped + i * square,
                                        .a_row = e->keys,
                                        .a_column = 1,
                                        .b = c->in[2] + key_place(e, s, i),
                                        .b_row = e->width,
                                        .c = c->out[0] + query_place(e, s, i),
                                        .c_row = e->width});
}

static void forward(const ag_call *c)
{
    extents e = extents_of(c->node);
    for (int64_t s = 0; s < c->samples; s++) forward_sample(c, &e, s);
}

/* into [keys][head] += weights [queries][keys]^T times from [queries][head], of one head. */
static void gather(const ag_call *c, const extents *e, const ag_real *weights, const ag_real *from, ag_real *into)
{
    c->kernels->matmul(&(ag_matmul){.m = e->keys,
                                    .n = e->head,
                                    .k = e->queries,
                                    .a = weights,
                                    .a_row = 1,
                                    .a_column = e->keys,
                                    .b = from,
                                    .b_row = e->width,
                                    .c = into,
                                    .c_row = e->width,
                                    .add = true});
}

/* scores: gradient of one head's scores, already times the factor. */
static void give_head(const ag_call *c, const extents *e, const ag_real *scores, int64_t s, int64_t i)
{
    int64_t query = query_place(e, s, i), place = key_place(e, s, i);
    if (c->din[0])
        c->kernels->matmul(&(ag_matmul){.m = e->queries,
                                        .n = e->head,
                                        .k = e->keys,
                                        .a = scores,
                                        .a_row = e->keys,
                                        .a_column = 1,
                                        .b = c->in[1] + place,
                                        .b_row = e->width,
                                        .c = c->din[0] + query,
                                        .c_row = e->width,
                                        .add = true});
    if (c->din[1]) gather(c, e, scores, c->in[0] + query, c->din[1] + place);
}

static void backward_sample(const ag_call *c, const extents *e, int64_t s)
{
    int64_t square = e->queries * e->keys;
    const ag_real *probabilities = c->saved + s * e->probabilities;
    ag_real *dropped = c->scratch, *slopes = c->scratch + e->probabilities, *turned = slopes + e->probabilities;
    ag_real factor = 1 / ag_sqrt((ag_real)e->head);
    ag_dropout drop = key(c);
    memcpy(dropped, probabilities, (size_t)e->probabilities * sizeof(ag_real));
    c->kernels->dropout(&drop, c->first + s, dropped, e->probabilities);
    for (int64_t i = 0; i < e->groups * e->heads; i++) {
        const ag_real *dy = c->dout[0] + query_place(e, s, i);
        if (c->din[2]) gather(c, e, dropped + i * square, dy, c->din[2] + key_place(e, s, i));
        turn(c, e, c->in[2] + key_place(e, s, i), 1, turned);
        c->kernels->matmul(&(ag_matmul){.m = e->queries,
                                        .n = e->keys,
                                        .k = e->head,
                                        .a = dy,
                                        .a_row = e->width,
                                        .a_column = 1,
                                        .b = turned,
                                        .b_row = e->keys,
                                        .c = slopes + i * square,
                                        .c_row = e->keys});
    }
    c->kernels->dropout(&drop, c->first + s, slopes, e->probabilities);
    for (int64_t i = 0; i < e->groups * e->heads; i++) {
        ag_real *scores = slopes + i * square;
        c->kernels->softmax_rows_gradient(probabilities + i * square, scores, scores, e->queries, e->keys);
        for (int64_t k = 0; k < square; k++) scores[k] *= factor;
        give_head(c, e, scores, s, i);
    }
}

static void backward(const ag_call *c)
{
    extents e = extents_of(c->node);
    for (int64_t s = 0; s < c->samples; s++) backward_sample(c, &e, s);
}

const ag_op ag_op_attention = {
    .name = "attention",
    .doc = "softmax(q k^T / sqrt(width of a head)) v, for several heads, with a mask",
    .attributes_size = sizeof(ag_attention),
    .min_inputs = 3,
    .max_inputs = 4,
    .outputs = 1,
    .reads_in = 7,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
