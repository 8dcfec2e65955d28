// SPDX-License-Identifier: Apache-2.0
/* conv1d.c: see conv1d.h. No copy of the windows is made: without dilation and groups the window of a row is one run of
 * taps * in numbers, so that the whole convolution is one product whose rows of A overlap. Otherwise there is one
 * product per tap. The gradient by x is always one product per tap, as there the rows of C must not overlap. Prepared:
 * the weights as [group][tap][in][out] for forward, and as [out][tap][in] for the gradient by x; the gradient of the
 * weights is gathered in the second form. */
#include "learn/nn/ops/conv1d.h"

#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/shapes.h"

typedef struct extents {
    int64_t rows, in, out, taps, stride, dilation, left, right, groups;
    int64_t padded, result, group_in, group_out, weights; /* rows with padding, rows of y; channels of a group */
    int64_t passes, depth;                                /* products, and how many numbers each takes of a row */
} extents;

static int64_t at_least_one(int64_t value)
{
    return value ? value : 1;
}

int64_t ag_conv1d_rows(const ag_conv1d *conv, int64_t rows, int64_t taps)
{
    int64_t span = (taps - 1) * at_least_one(conv->dilation) + 1, padded = rows + conv->left + conv->right;
    return padded < span ? 0 : (padded - span) / at_least_one(conv->stride) + 1;
}

static extents extents_of(const ag_conv1d *a, const ag_shape *x, const ag_shape *w)
{
    extents e = {.rows = x->at[0], .in = x->at[1], .out = w->at[0], .taps = w->at[2]};
    e.stride = at_least_one(a->stride);
    e.dilation = at_least_one(a->dilation);
    e.groups = at_least_one(a->groups);
    e.left = a->left;
    e.right = a->right;
    e.padded = e.rows + e.left + e.right;
    e.result = ag_conv1d_rows(a, e.rows, e.taps);
    e.group_in = e.in / e.groups;
    e.group_out = e.out / e.groups;
    e.weights = e.out * e.group_in * e.taps;
    bool runs = e.dilation == 1 && e.groups == 1;
    e.passes = runs ? 1 : e.taps;
    e.depth = runs ? e.taps * e.in : e.group_in;
    return e;
}

static extents extents_of_call(const ag_call *c)
{
    return extents_of(c->attributes, &c->node->in_shape[0], &c->node->in_shape[1]);
}

static int check_attributes(const ag_conv1d *a, ag_err *err)
{
    const int64_t most = INT64_C(1) << 20;
    if (a->stride < 0 || a->dilation < 0 || a->left < 0 || a->right < 0 || a->groups < 0)
        return ag_fail(err, AG_EINVAL, "stride, dilation, padding and groups must not be negative");
    if (a->stride > most || a->dilation > most || a->left > most || a->right > most || a->groups > most)
        return ag_fail(err, AG_EINVAL, "stride, dilation, padding and groups must not pass %lld", (long long)most);
    return 0;
}

static int check_weights(ag_shaping *s, int64_t groups, ag_err *err)
{
    int rc;
    if ((rc = ag_need_parameter(s, 1, "the weight", err)) < 0 || (rc = ag_need_axes(s, 1, "the weight", 3, err)) < 0)
        return rc;
    int64_t in = s->in[0].at[1], out = s->in[1].at[0];
    if (in % groups || out % groups)
        return ag_fail(err, AG_EINVAL, "%lld groups do not divide %lld channels in and %lld out", (long long)groups,
                       (long long)in, (long long)out);
    ag_shape wanted = ag_shape_of(out, in / groups, s->in[1].at[2]);
    if ((rc = ag_need_shape(s, 1, "the weight", wanted, err)) < 0) return rc;
    if (s->inputs < 3 || !s->present[2]) return 0;
    if ((rc = ag_need_parameter(s, 2, "the bias", err)) < 0) return rc;
    return ag_need_shape(s, 2, "the bias", ag_shape_of(out), err);
}

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_conv1d *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0 || (rc = check_attributes(a, err)) < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "the input must have two axes: rows and channels");
    if ((rc = check_weights(s, at_least_one(a->groups), err)) < 0) return rc;
    if (s->in[1].at[2] > INT64_C(1) << 20) return ag_fail(err, AG_EINVAL, "the kernel is too long");
    extents e = extents_of(a, &s->in[0], &s->in[1]);
    if (e.result < 1)
        return ag_fail(err, AG_EINVAL, "%lld rows are too few for %lld taps with dilation %lld", (long long)e.padded,
                       (long long)e.taps, (long long)e.dilation);
    s->out[0] = ag_shape_of(e.result, e.out);
    s->prepared = 2 * e.weights;
    s->scratch_fixed = 2 * e.padded * e.in + e.weights;
    return 0;
}

static double cost(const ag_node *node)
{
    extents e = extents_of(node->attributes, &node->in_shape[0], &node->in_shape[1]);
    return 2.0 * (double)e.result * (double)e.weights;
}

static void prepare(const ag_kernels *kernels, const ag_node *node, const ag_real *const *in, ag_real *prepared)
{
    (void)kernels;
    extents e = extents_of(node->attributes, &node->in_shape[0], &node->in_shape[1]);
    for (int64_t o = 0; o < e.out; o++)
        for (int64_t i = 0; i < e.group_in; i++)
            for (int64_t k = 0; k < e.taps; k++) {
                ag_real w = in[1][(o * e.group_in + i) * e.taps + k];
                int64_t group = o / e.group_out, inside = o % e.group_out;
                prepared[((group * e.taps + k) * e.group_in + i) * e.group_out + inside] = w;
                prepared[e.weights + (o * e.taps + k) * e.group_in + i] = w;
            }
}

/* Sample s of the input with zero rows around it. */
static const ag_real *padded(const ag_call *c, const extents *e, int64_t s, ag_real *space)
{
    const ag_real *x = c->in[0] + s * e->rows * e->in;
    if (!e->left && !e->right) return x;
    memset(space, 0, (size_t)(e->left * e->in) * sizeof(ag_real));
    memcpy(space + e->left * e->in, x, (size_t)(e->rows * e->in) * sizeof(ag_real));
    memset(space + (e->left + e->rows) * e->in, 0, (size_t)(e->right * e->in) * sizeof(ag_real));
    return space;
}

static void forward(const ag_call *c)
{
    extents e = extents_of_call(c);
    const ag_real *bias = c->node->inputs > 2 ? c->in[2] : NULL;
    for (int64_t s = 0; s < c->samples; s++) {
        const ag_real *x = padded(c, &e, s, c->scratch);
        ag_real *y = c->out[0] + s * e.result * e.out;
        for (int64_t t = 0; bias && e.groups > 1 && t < e.result; t++)
            memcpy(y + t * e.out, bias, (size_t)e.out * sizeof(ag_real));
        for (int64_t p = 0; p < e.passes; p++)
            c->kernels->matmul(&(ag_matmul){.m = e.result,
                                            .n = e.group_out,
                                            .k = e.depth,
                                            .a = x + p * e.dilation * e.in,
                                            .a_row = e.stride * e.in,
                                            .a_column = 1,
                                            .b = c->prepared + p * e.group_in * e.group_out,
                                            .b_row = e.group_out,
                                            .c = y,
                                            .c_row = e.out,
                                            .bias_n = p || e.groups > 1 ? NULL : bias,
                                            .add = p || (bias && e.groups > 1),
                                            .groups = e.groups,
                                            .a_group = e.group_in,
                                            .b_group = e.taps * e.group_in * e.group_out,
                                            .c_group = e.group_out});
    }
}

static void give_input(const ag_call *c, const extents *e, int64_t s, ag_real *space)
{
    const ag_real *dy = c->dout[0] + s * e->result * e->out;
    ag_real *dx = c->din[0] + s * e->rows * e->in, *into = e->left || e->right ? space : dx;
    if (into == space) memset(space, 0, (size_t)(e->padded * e->in) * sizeof(ag_real));
    for (int64_t k = 0; k < e->taps; k++)
        c->kernels->matmul(&(ag_matmul){.m = e->result,
                                        .n = e->group_in,
                                        .k = e->group_out,
                                        .a = dy,
                                        .a_row = e->out,
                                        .a_column = 1,
                                        .b = c->prepared + e->weights + k * e->group_in,
                                        .b_row = e->taps * e->group_in,
                                        .c = into + k * e->dilation * e->in,
                                        .c_row = e->stride * e->in,
                                        .add = true,
                                        .groups = e->groups,
                                        .a_group = e->group_out,
                                        .b_group = e->group_out * e->taps * e->group_in,
                                        .c_group = e->group_in});
    if (into == space) c->kernels->add(space + e->left * e->in, dx, e->rows * e->in);
}

/* Adds to slopes [out][tap][in]. */
static void add_slopes(const ag_call *c, const extents *e, int64_t s, const ag_real *x, ag_real *slopes)
{
    for (int64_t p = 0; p < e->passes; p++)
        c->kernels->matmul(&(ag_matmul){.m = e->group_out,
                                        .n = e->depth,
                                        .k = e->result,
                                        .a = c->dout[0] + s * e->result * e->out,
                                        .a_row = 1,
                                        .a_column = e->out,
                                        .b = x + p * e->dilation * e->in,
                                        .b_row = e->stride * e->in,
                                        .c = slopes + p * e->group_in,
                                        .c_row = e->taps * e->group_in,
                                        .add = true,
                                        .groups = e->groups,
                                        .a_group = e->group_out,
                                        .b_group = e->group_in,
                                        .c_group = e->group_out * e->taps * e->group_in});
}

static void give_weights(const ag_call *c, const extents *e, const ag_real *slopes)
{
    for (int64_t o = 0; o < e->out; o++)
        for (int64_t k = 0; k < e->taps; k++)
            for (int64_t i = 0; i < e->group_in; i++)
                c->din[1][(o * e->group_in + i) * e->taps + k] += slopes[(o * e->taps + k) * e->group_in + i];
}

static void backward(const ag_call *c)
{
    extents e = extents_of_call(c);
    ag_real *slopes = c->scratch + 2 * e.padded * e.in;
    if (c->din[1]) memset(slopes, 0, (size_t)e.weights * sizeof(ag_real));
    for (int64_t s = 0; s < c->samples; s++) {
        if (c->din[0]) give_input(c, &e, s, c->scratch + e.padded * e.in);
        if (c->din[1]) add_slopes(c, &e, s, padded(c, &e, s, c->scratch), slopes);
    }
    if (c->din[1]) give_weights(c, &e, slopes);
    if (c->node->inputs > 2 && c->din[2])
        c->kernels->sum_rows(c->dout[0], c->din[2], c->samples * e.result, e.out, e.out);
}

const ag_op ag_op_conv1d = {
    .name = "conv1d",
    .doc = "a convolution along the rows of a series",
    .attributes_size = sizeof(ag_conv1d),
    .min_inputs = 2,
    .max_inputs = 3,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .prepare = prepare,
    .forward = forward,
    .backward = backward,
};
