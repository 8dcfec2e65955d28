// SPDX-License-Identifier: Apache-2.0
/* rotary.c: see rotary.h. The cosines and sines are prepared once, computed in double; backward turns the other way. */
#include "learn/nn/ops/rotary.h"

#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_rotary *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = ag_need_axes(s, 0, "the input", 2, err)) < 0)
        return rc;
    int64_t width = ag_shape_last(&s->in[0]);
    if (a->heads < 1 || width % a->heads || width / a->heads % 2)
        return ag_fail(err, AG_EINVAL, "a width of %lld cannot be shared by %lld heads of even width", (long long)width,
                       (long long)a->heads);
    if (!(a->base > 1.0)) return ag_fail(err, AG_EINVAL, "base %g must be more than 1", a->base);
    s->out[0] = s->in[0];
    s->prepared = s->in[0].at[s->in[0].axes - 2] * (width / a->heads);
    return 0;
}

static double cost(const ag_node *node)
{
    return 3.0 * (double)ag_in_size(node, 0);
}

/* [tokens][w/2] pairs of cosine and sine. */
static void prepare(const struct ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    (void)kernels, (void)in;
    const ag_rotary *a = node->attributes;
    const ag_shape *x = &node->in_shape[0];
    int64_t tokens = x->at[x->axes - 2], head = ag_shape_last(x) / a->heads;
    for (int64_t t = 0; t < tokens; t++)
        for (int64_t i = 0; i < head / 2; i++) {
            double angle = (double)t * pow(a->base, -2.0 * (double)i / (double)head);
            prepared[t * head + 2 * i] = (ag_real)cos(angle);
            prepared[t * head + 2 * i + 1] = (ag_real)sin(angle);
        }
}

static void turn(const ag_call *c, const ag_real *from, ag_real *to, bool back)
{
    const ag_shape *x = &c->node->in_shape[0];
    int64_t heads = ((const ag_rotary *)c->attributes)->heads, width = ag_shape_last(x), head = width / heads;
    int64_t tokens = x->at[x->axes - 2], rows = c->samples * ag_shape_rows(x);
    for (int64_t r = 0; r < rows * heads; r++) {
        const ag_real *table = c->prepared + r / heads % tokens * head;
        int64_t at = r * head;
        for (int64_t i = 0; i < head / 2; i++) {
            ag_real cosine = table[2 * i], sine = table[2 * i + 1], p = from[at + i], q = from[at + i + head / 2];
            if (back) {
                to[at + i] += cosine * p + sine * q;
                to[at + i + head / 2] += cosine * q - sine * p;
            } else {
                to[at + i] = cosine * p - sine * q;
                to[at + i + head / 2] = cosine * q + sine * p;
            }
        }
    }
}

static void forward(const ag_call *c)
{
    turn(c, c->in[0], c->out[0], false);
}

static void backward(const ag_call *c)
{
    turn(c, c->dout[0], c->din[0], true);
}

const ag_op ag_op_rotary = {
    .name = "rotary",
    .doc = "positions by turning pairs of features",
    .attributes_size = sizeof(ag_rotary),
    .min_inputs = 1,
    .max_inputs = 1,
    .outputs = 1,
    .flags = AG_OP_IN_PLACE,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
