// SPDX-License-Identifier: Apache-2.0
/* heatmap_entropy.c: cross entropy of whole maps: logits and targets [positions, maps]; along the positions, each map
 * of logits becomes probabilities p, and each map of targets t >= 0 is a distribution (of any sum): the loss of a map
 * is -sum(t ln p) / sum(t). Averaged over the maps that have a target at all; a map of zeros is left out. */
#include <math.h>

#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_pair_shape(s, err);
    if (rc < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "heat maps must have two axes: positions and maps");
    return 0;
}

typedef struct map { /* one map of one sample; entries lie `step` apart */
    const ag_real *y, *t;
    int64_t positions, step;
    double total, log_sum; /* of the targets; of the exponentials */
} map;

static map map_of(const ag_call *c, int64_t i)
{
    const ag_shape *x = &c->node->in_shape[0];
    int64_t at = i / x->at[1] * x->at[0] * x->at[1] + i % x->at[1];
    map m = {c->in[0] + at, c->in[1] + at, x->at[0], x->at[1], 0.0, 0.0};
    double top = (double)m.y[0];
    for (int64_t p = 0; p < m.positions; p++) {
        m.total += (double)m.t[p * m.step];
        if ((double)m.y[p * m.step] > top) top = (double)m.y[p * m.step];
    }
    for (int64_t p = 0; p < m.positions; p++) m.log_sum += exp((double)m.y[p * m.step] - top);
    m.log_sum = top + log(m.log_sum);
    return m;
}

static void forward(const ag_call *c)
{
    int64_t maps = c->node->in_shape[0].at[1];
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0, weight = 0.0;
        for (int64_t i = s * maps; i < (s + 1) * maps; i++) {
            map m = map_of(c, i);
            if (!(m.total > 0.0)) continue;
            double loss = 0.0;
            for (int64_t p = 0; p < m.positions; p++)
                loss += (double)m.t[p * m.step] * (m.log_sum - (double)m.y[p * m.step]);
            sum += loss / m.total;
            weight += 1.0;
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)weight;
    }
}

static void backward(const ag_call *c)
{
    int64_t maps = c->node->in_shape[0].at[1];
    for (int64_t i = 0; i < c->samples * maps; i++) {
        map m = map_of(c, i);
        int64_t at = m.y - c->in[0];
        double factor = (double)c->dout[0][2 * (i / maps)], mean = 0.0;
        if (!(m.total > 0.0)) continue;
        for (int64_t p = 0; p < m.positions; p++)
            mean += (double)m.t[p * m.step] * (m.log_sum - (double)m.y[p * m.step]) / m.total;
        for (int64_t p = 0; p < m.positions; p++) {
            double y = (double)m.y[p * m.step], t = (double)m.t[p * m.step] / m.total;
            if (c->din[0]) c->din[0][at + p * m.step] += (ag_real)(factor * (exp(y - m.log_sum) - t));
            if (c->din[1]) c->din[1][at + p * m.step] += (ag_real)(factor * (m.log_sum - y - mean) / m.total);
        }
    }
}

const ag_op ag_op_heatmap_entropy = {
    .name = "heatmap_entropy",
    .doc = "cross entropy of heat maps, each a distribution over the positions",
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
