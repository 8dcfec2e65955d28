// SPDX-License-Identifier: Apache-2.0
/* patch_loss.c: see masking.h. Sums run in double. The weight has 1e-10 more than there are hidden patches, so that a
 * batch in which none is hidden has the loss 0; what that adds to any other is below the precision of a float. */
#include <math.h>

#include "learn/nn/ops/masking.h"
#include "learn/nn/ops/shapes.h"

enum { FOUND, TRUE, HIDDEN };

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_patch_loss *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, FOUND, "what was found", err)) < 0 ||
        (rc = ag_need_sample(s, TRUE, "what is true", err)) < 0 ||
        (rc = ag_need_sample(s, HIDDEN, "the mask", err)) < 0)
        return rc;
    if (s->in[FOUND].axes != 3)
        return ag_fail(err, AG_EINVAL, "the input must have three axes: channels, patches and their rows");
    if ((rc = ag_need_shape(s, TRUE, "what is true", s->in[FOUND], err)) < 0) return rc;
    ag_shape grid = ag_shape_of(s->in[FOUND].at[0], s->in[FOUND].at[1]);
    if ((rc = ag_need_shape(s, HIDDEN, "the mask", grid, err)) < 0) return rc;
    if (a->terms && s->in[FOUND].at[2] < 2)
        return ag_fail(err, AG_EINVAL, "patches of one row have no variance to compare");
    s->out[0] = ag_shape_of(2);
    return 0;
}

static double cost(const ag_node *node)
{
    return (((const ag_patch_loss *)node->attributes)->terms ? 11.0 : 3.0) * (double)ag_in_size(node, FOUND);
}

typedef struct figures { /* of one patch */
    double power, mean, variance;
} figures;

static figures measure(const ag_real *x, int64_t length)
{
    figures f = {0};
    for (int64_t i = 0; i < length; i++) {
        f.power += fabs((double)x[i]) / 10.0;
        f.mean += (double)x[i] / (double)length;
    }
    for (int64_t i = 0; i < length; i++) {
        double d = (double)x[i] - f.mean;
        f.variance += d * d / (double)(length - 1);
    }
    return f;
}

static double loss_of(const ag_real *x, const ag_real *u, int64_t length, bool terms)
{
    double sum = 0.0;
    for (int64_t i = 0; i < length; i++) {
        double d = (double)x[i] - (double)u[i];
        sum += d * d;
    }
    sum /= (double)length;
    if (!terms) return sum;
    figures a = measure(x, length), b = measure(u, length);
    double power = a.power - b.power, variance = a.variance - b.variance;
    return sum + power * power + variance * variance;
}

static double share(const ag_call *c, int64_t patch)
{
    return ((const ag_patch_loss *)c->attributes)->hidden_only ? (double)c->in[HIDDEN][patch] : 1.0;
}

static void forward(const ag_call *c)
{
    const ag_patch_loss *a = c->attributes;
    int64_t grid = ag_in_size(c->node, HIDDEN), length = c->node->in_shape[FOUND].at[2];
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0, weight = a->hidden_only ? 1e-10 : 0.0;
        for (int64_t i = s * grid; i < (s + 1) * grid; i++) {
            double one = share(c, i);
            if (one == 0.0) continue;
            sum += one * loss_of(c->in[FOUND] + i * length, c->in[TRUE] + i * length, length, a->terms);
            weight += one;
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)weight;
    }
}

static double sign(double x)
{
    return (x > 0.0) - (x < 0.0);
}

/* Adds the slopes of one patch by what was found (dx) and, with the other sign, by what is true (du). */
static void give(const ag_call *c, int64_t patch, int64_t length, double factor)
{
    const ag_real *x = c->in[FOUND] + patch * length, *u = c->in[TRUE] + patch * length;
    bool terms = ((const ag_patch_loss *)c->attributes)->terms;
    figures a = {0}, b = {0};
    if (terms) {
        a = measure(x, length);
        b = measure(u, length);
    }
    double power = 0.2 * (a.power - b.power), variance = 4.0 * (a.variance - b.variance) / (double)(length - 1);
    for (int64_t i = 0; i < length; i++) {
        double xi = (double)x[i], ui = (double)u[i], apart = 2.0 * (xi - ui) / (double)length;
        double to_x = apart, to_u = -apart;
        if (terms) {
            to_x += power * sign(xi) + variance * (xi - a.mean);
            to_u -= power * sign(ui) + variance * (ui - b.mean);
        }
        if (c->din[FOUND]) c->din[FOUND][patch * length + i] += (ag_real)(factor * to_x);
        if (c->din[TRUE]) c->din[TRUE][patch * length + i] += (ag_real)(factor * to_u);
    }
}

static void backward(const ag_call *c)
{
    int64_t grid = ag_in_size(c->node, HIDDEN), length = c->node->in_shape[FOUND].at[2];
    for (int64_t i = 0; i < c->samples * grid; i++) {
        double factor = share(c, i) * (double)c->dout[0][2 * (i / grid)];
        if (factor != 0.0) give(c, i, length, factor);
    }
}

const ag_op ag_op_patch_loss = {
    .name = "patch_loss",
    .doc = "how far patches are from those that were hidden",
    .attributes_size = sizeof(ag_patch_loss),
    .min_inputs = 3,
    .max_inputs = 3,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 7,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
