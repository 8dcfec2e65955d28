// SPDX-License-Identifier: Apache-2.0
/* focal_mse.c: the loss alpha (1 - q)^2 m with m = (y - t)^2, q = exp(-m), alpha 0.75, averaged over all elements.
 * Small errors hardly count: there it is about m^3, so 1 - q is taken from expm1, and kept for backward. y and t of one
 * shape -> (sum, count). */
#include <string.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/ops.h"
#include "learn/nn/ops/shapes.h"

#define ALPHA 0.75

enum { AT_ONCE = 256 }; /* elements */

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the prediction", err)) < 0 || (rc = ag_need_sample(s, 1, "the target", err)) < 0)
        return rc;
    s->out[0] = ag_shape_of(2);
    s->saved = ag_shape_size(&s->in[0]);
    return ag_need_shape(s, 1, "the target", s->in[0], err);
}

static double cost(const ag_node *node)
{
    return 7.0 * (double)ag_in_size(node, 0);
}

/* The sum of a sample's terms, in four sums of every fourth element. */
static double sum_terms(const ag_call *c, const ag_real *y, const ag_real *t, ag_real *kept, int64_t size)
{
    double sums[4] = {0.0};
    for (int64_t first = 0; first < size; first += AT_ONCE) {
        ag_real m[AT_ONCE] = {0}, rest[AT_ONCE] = {0};
        int64_t some = size - first < AT_ONCE ? size - first : AT_ONCE;
        for (int64_t i = 0; i < some; i++) m[i] = (y[first + i] - t[first + i]) * (y[first + i] - t[first + i]);
        c->kernels->one_minus_exp(m, rest, some);
        for (int64_t i = 0; i < some; i += 4)
            for (int64_t k = 0; k < 4; k++) sums[k] += (double)(rest[i + k] * rest[i + k] * m[i + k]);
        if (kept) memcpy(kept + first, rest, (size_t)some * sizeof *kept);
    }
    return ALPHA * ((sums[0] + sums[1]) + (sums[2] + sums[3]));
}

static void forward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        int64_t at = s * size;
        c->out[0][2 * s] = (ag_real)sum_terms(c, c->in[0] + at, c->in[1] + at, c->saved ? c->saved + at : NULL, size);
        c->out[0][2 * s + 1] = (ag_real)size;
    }
}

static ag_real slope_of(ag_real d, ag_real rest)
{
    return rest * (rest + 2 * d * d * (1 - rest)) * d;
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        const ag_real *y = c->in[0] + s * size, *t = c->in[1] + s * size, *rest = c->saved + s * size;
        ag_real factor = (ag_real)(2 * ALPHA) * c->dout[0][2 * s];
        ag_real *dy = c->din[0] ? c->din[0] + s * size : NULL, *dt = c->din[1] ? c->din[1] + s * size : NULL;
        for (int64_t i = 0; dy && i < size; i++) dy[i] += factor * slope_of(y[i] - t[i], rest[i]);
        for (int64_t i = 0; dt && i < size; i++) dt[i] -= factor * slope_of(y[i] - t[i], rest[i]);
    }
}

const ag_op ag_op_focal_mse = {
    .name = "focal_mse",
    .doc = "mean of 0.75 (1 - exp(-m))^2 m with m = (y - t)^2",
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 3,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
};
