// SPDX-License-Identifier: Apache-2.0
/* attention.c: q, k, v [.., tokens, width], each group of tokens by itself, heads side by side in the width. The
 * probabilities are kept for backward; which of them drop is drawn again. */
#include "learn/nn/ops/attention.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_attention *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the query", err)) < 0 || (rc = ag_need_axes(s, 0, "the query", 2, err)) < 0 ||
        (rc = ag_need_sample(s, 1, "the key", err)) < 0 || (rc = ag_need_shape(s, 1, "the key", s->in[0], err)) < 0 ||
        (rc = ag_need_sample(s, 2, "the value", err)) < 0 || (rc = ag_need_shape(s, 2, "the value", s->in[0], err)) < 0)
        return rc;
    int64_t width = ag_shape_last(&s->in[0]), tokens = s->in[0].at[s->in[0].axes - 2];
    if (a->heads < 1 || width % a->heads)
        return ag_fail(err, AG_EINVAL, "a width of %lld cannot be shared by %lld heads", (long long)width,
                       (long long)a->heads);
    if (!(a->dropout >= 0.0 && a->dropout < 1.0))
        return ag_fail(err, AG_EINVAL, "dropout %g is not in [0, 1)", a->dropout);
    s->out[0] = s->in[0];
    s->saved = ag_shape_rows(&s->in[0]) * tokens * a->heads;
    s->scratch_fixed = 2 * s->saved + 2 * tokens * width;
    return 0;
}

typedef struct extents {
    int64_t groups, tokens, width, heads, head, probabilities; /* of one sample */
} extents;

static extents extents_of(const ag_node *node)
{
    const ag_shape *x = &node->in_shape[0];
    int64_t heads = ((const ag_attention *)node->attributes)->heads, width = ag_shape_last(x);
    int64_t tokens = x->at[x->axes - 2], groups = ag_shape_span(x, 0, x->axes - 2);
    return (extents){groups, tokens, width, heads, width / heads, groups * heads * tokens * tokens};
}

static double cost(const ag_node *node)
{
    extents e = extents_of(node);
    return (double)e.probabilities * (4.0 * (double)e.head + 4.0);
}

/* to [head][tokens] = factor * from^T, of one head of one group. */
static void turn(const ag_call *c, const extents *e, const ag_real *from, ag_real factor, ag_real *to)
{
    c->kernels->transpose(from, e->width, to, e->tokens, e->tokens, e->head);
    for (int64_t i = 0; factor != 1 && i < e->head * e->tokens; i++) to[i] *= factor;
}

static ag_dropout key(const ag_call *c)
{
    double p = c->training ? ((const ag_attention *)c->attributes)->dropout : 0.0;
    return ag_dropout_make(c->seed, c->step, c->node->index, 0, p);
}

static void forward_sample(const ag_call *c, const extents *e, int64_t s)
{
    int64_t square = e->tokens * e->tokens, at = s * e->groups * e->tokens * e->width;
    ag_real *probabilities = c->saved ? c->saved + s * e->probabilities : c->scratch, *dropped = probabilities;
    ag_real *turned = c->scratch + 2 * e->probabilities;
    ag_dropout drop = key(c);
    for (int64_t i = 0; i < e->groups * e->heads; i++) {
        int64_t place = at + i / e->heads * e->tokens * e->width + i % e->heads * e->head;
        turn(c, e, c->in[1] + place, 1 / ag_sqrt((ag_real)e->head), turned);
        c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                        .n = e->tokens,
                                        .k = e->head,
                                        .a = c->in[0] + place,
                                        .a_row = e->width,
                                        .a_column = 1,
                                        .b = turned,
                                        .b_row = e->tokens,
                                        .c = probabilities + i * square,
                                        .c_row = e->tokens});
        c->kernels->softmax_rows(probabilities + i * square, probabilities + i * square, e->tokens, e->tokens);
    }
    if (drop.keep < 65536) {
        dropped = c->scratch + e->probabilities;
        memcpy(dropped, probabilities, (size_t)e->probabilities * sizeof(ag_real));
        c->kernels->dropout(&drop, c->first + s, dropped, e->probabilities);
    }
    for (int64_t i = 0; i < e->groups * e->heads; i++) {
        int64_t place = at + i / e->heads * e->tokens * e->width + i % e->heads * e->head;
        c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                        .n = e->head,
                                        .k = e->tokens,
                                        .a = dropped + i * square,
                                        .a_row = e->tokens,
                                        .a_column = 1,
                                        .b = c->in[2] + place,
                                        .b_row = e->width,
                                        .c = c->out[0] + place,
                                        .c_row = e->width});
    }
}

static void forward(const ag_call *c)
{
    extents e = extents_of(c->node);
    for (int64_t s = 0; s < c->samples; s++) forward_sample(c, &e, s);
}

/* scores: gradient of one head's scores, already times the factor. */
static void give_head(const ag_call *c, const extents *e, const ag_real *scores, int64_t place)
{
    if (c->din[0])
        c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                        .n = e->head,
                                        .k = e->tokens,
                                        .a = scores,
                                        .a_row = e->tokens,
                                        .a_column = 1,
                                        .b = c->in[1] + place,
                                        .b_row = e->width,
                                        .c = c->din[0] + place,
                                        .c_row = e->width,
                                        .add = true});
    if (c->din[1])
        c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                        .n = e->head,
                                        .k = e->tokens,
                                        .a = scores,
                                        .a_row = 1,
                                        .a_column = e->tokens,
                                        .b = c->in[0] + place,
                                        .b_row = e->width,
                                        .c = c->din[1] + place,
                                        .c_row = e->width,
                                        .add = true});
}

static void backward_sample(const ag_call *c, const extents *e, int64_t s)
{
    int64_t square = e->tokens * e->tokens, at = s * e->groups * e->tokens * e->width;
    const ag_real *probabilities = c->saved + s * e->probabilities;
    ag_real *dropped = c->scratch, *slopes = c->scratch + e->probabilities, *turned = slopes + e->probabilities;
    ag_real factor = 1 / ag_sqrt((ag_real)e->head);
    ag_dropout drop = key(c);
    memcpy(dropped, probabilities, (size_t)e->probabilities * sizeof(ag_real));
    c->kernels->dropout(&drop, c->first + s, dropped, e->probabilities);
    for (int64_t i = 0; i < e->groups * e->heads; i++) {
        int64_t place = at + i / e->heads * e->tokens * e->width + i % e->heads * e->head;
        if (c->din[2])
            c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                            .n = e->head,
                                            .k = e->tokens,
                                            .a = dropped + i * square,
                                            .a_row = 1,
                                            .a_column = e->tokens,
                                            .b = c->dout[0] + place,
                                            .b_row = e->width,
                                            .c = c->din[2] + place,
                                            .c_row = e->width,
                                            .add = true});
        turn(c, e, c->in[2] + place, 1, turned);
        c->kernels->matmul(&(ag_matmul){.m = e->tokens,
                                        .n = e->tokens,
                                        .k = e->head,
                                        .a = c->dout[0] + place,
                                        .a_row = e->width,
                                        .a_column = 1,
                                        .b = turned,
                                        .b_row = e->tokens,
                                        .c = slopes + i * square,
                                        .c_row = e->tokens});
    }
    c->kernels->dropout(&drop, c->first + s, slopes, e->probabilities);
    for (int64_t i = 0; i < e->groups * e->heads; i++) {
        int64_t place = at + i / e->heads * e->tokens * e->width + i % e->heads * e->head;
        ag_real *scores = slopes + i * square;
        c->kernels->softmax_rows_gradient(probabilities + i * square, scores, scores, e->tokens, e->tokens);
        for (int64_t k = 0; k < square; k++) scores[k] *= factor;
        give_head(c, e, scores, place);
    }
}

static void backward(const ag_call *c)
{
    extents e = extents_of(c->node);
    for (int64_t s = 0; s < c->samples; s++) backward_sample(c, &e, s);
}

const ag_op ag_op_attention = {
    .name = "attention",
    .doc = "softmax(q k^T / sqrt(width of a head)) v, for several heads",
    .attributes_size = sizeof(ag_attention),
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .reads_in = 7,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
