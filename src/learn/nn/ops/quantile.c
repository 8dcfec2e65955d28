// SPDX-License-Identifier: Apache-2.0
/* quantile.c: the pinball loss: y [.., levels] holds a forecast for each level q, t [..] the target:
 * max(q (t - y), (q - 1) (t - y)), averaged over everything. */
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    const ag_quantile *a = s->attributes;
    int rc;
    if ((rc = ag_need_sample(s, 0, "the prediction", err)) < 0 ||
        (rc = ag_need_axes(s, 0, "the prediction", 1, err)) < 0 || (rc = ag_need_sample(s, 1, "the target", err)) < 0)
        return rc;
    ag_shape rows = s->in[0];
    if (a->count < 1 || rows.at[--rows.axes] != a->count)
        return ag_fail(err, AG_EINVAL, "%lld predictions do not fit %lld levels", (long long)ag_shape_last(&s->in[0]),
                       (long long)a->count);
    for (int64_t k = 0; k < a->count; k++)
        if (!(a->levels[k] > 0.0 && a->levels[k] < 1.0))
            return ag_fail(err, AG_EINVAL, "level %g is not in (0, 1)", a->levels[k]);
    s->out[0] = ag_shape_of(2);
    return ag_need_shape(s, 1, "the target", rows, err);
}

static void forward(const ag_call *c)
{
    const ag_quantile *a = c->attributes;
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++) {
            double d = (double)(c->in[1][i / a->count] - c->in[0][i]), q = a->levels[i % a->count];
            sum += d > 0.0 ? q * d : (q - 1.0) * d;
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)size;
    }
}

static void backward(const ag_call *c)
{
    const ag_quantile *a = c->attributes;
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t i = 0; i < c->samples * size; i++) {
        double d = (double)(c->in[1][i / a->count] - c->in[0][i]), q = a->levels[i % a->count];
        ag_real slope = c->dout[0][2 * (i / size)] * (ag_real)(d > 0.0 ? q : d < 0.0 ? q - 1.0 : 0.0);
        if (c->din[0]) c->din[0][i] -= slope;
        if (c->din[1]) c->din[1][i / a->count] += slope;
    }
}

const ag_op ag_op_quantile = {
    .name = "quantile",
    .doc = "pinball loss of several levels",
    .attributes_size = sizeof(ag_quantile),
    .min_inputs = 2,
    .max_inputs = 2,
    .outputs = 1,
    .flags = AG_OP_LOSS,
    .reads_in = 3,
    .shape = shape,
    .cost = ag_pair_cost,
    .forward = forward,
    .backward = backward,
};
