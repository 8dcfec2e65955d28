// SPDX-License-Identifier: Apache-2.0
/* heatmap_entropy.c: cross entropy of whole maps: logits and targets [positions, maps]; along the positions, each map
 * of logits becomes probabilities p, and each map of targets t >= 0 is a distribution (of any sum): the loss of a map
 * is -sum(t ln p) / sum(t). Averaged over the maps that have a target at all; a map of zeros is left out.
 *
 * Kept for backward, per sample: p, and of each map sum(t) and the logarithm by which ln p is below the logit. That
 * comes from p where the logit is greatest, so the exponentials are taken once and side by side. */
#include <math.h>

#include "learn/nn/kernels/kernels.h"
#include "learn/nn/ops/losses.h"
#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc = ag_pair_shape(s, err);
    if (rc < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "heat maps must have two axes: positions and maps");
    s->saved = (s->in[0].at[0] + 2) * s->in[0].at[1];
    s->scratch_fixed = s->saved;
    return 0;
}

typedef struct maps { /* those of one sample; entries of one lie `count` apart */
    const ag_real *y, *t;
    ag_real *p, *totals, *logs;
    int64_t positions, count;
} maps;

static maps maps_of(const ag_call *c, int64_t sample)
{
    const ag_shape *x = &c->node->in_shape[0];
    int64_t positions = x->at[0], count = x->at[1], size = positions * count;
    ag_real *p = c->saved ? c->saved + sample * c->node->saved : c->scratch;
    return (maps){c->in[0] + sample * size, c->in[1] + sample * size, p, p + size, p + size + count, positions, count};
}

/* -sum(t ln p) / sum(t) of map i; 0 when it has no target. */
static double loss_of(maps *m, int64_t i)
{
    double total = 0.0, loss = 0.0, top = (double)m->y[i];
    int64_t end = m->positions * m->count, at = i;
    for (int64_t k = i; k < end; k += m->count) {
        total += (double)m->t[k];
        if ((double)m->y[k] > top) top = (double)m->y[at = k];
    }
    double log_sum = top - log((double)m->p[at]);
    m->totals[i] = (ag_real)total;
    m->logs[i] = (ag_real)log_sum;
    if (!(total > 0.0)) return 0.0;
    for (int64_t k = i; k < end; k += m->count) loss += (double)m->t[k] * (log_sum - (double)m->y[k]);
    return loss / total;
}

static void forward(const ag_call *c)
{
    for (int64_t s = 0; s < c->samples; s++) {
        maps m = maps_of(c, s);
        double sum = 0.0, weight = 0.0;
        c->kernels->softmax_columns(m.y, m.p, m.positions, m.count, m.count);
        for (int64_t i = 0; i < m.count; i++) {
            sum += loss_of(&m, i);
            weight += m.totals[i] > 0 ? 1.0 : 0.0;
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)weight;
    }
}

static void backward_map(const maps *m, int64_t i, ag_real factor, ag_real *dy, ag_real *dt)
{
    int64_t end = m->positions * m->count;
    ag_real share = 1 / m->totals[i];
    for (int64_t k = i; dy && k < end; k += m->count) dy[k] += factor * (m->p[k] - m->t[k] * share);
    if (!dt) return;
    double mean = 0.0, log_sum = (double)m->logs[i];
    for (int64_t k = i; k < end; k += m->count) mean += (double)(m->t[k] * share) * (log_sum - (double)m->y[k]);
    for (int64_t k = i; k < end; k += m->count)
        dt[k] += (ag_real)((double)(factor * share) * (log_sum - (double)m->y[k] - mean));
}

static void backward(const ag_call *c)
{
    int64_t size = ag_in_size(c->node, 0);
    for (int64_t s = 0; s < c->samples; s++) {
        maps m = maps_of(c, s);
        for (int64_t i = 0; i < m.count; i++)
            if (m.totals[i] > 0)
                backward_map(&m, i, c->dout[0][2 * s], c->din[0] ? c->din[0] + s * size : NULL,
                             c->din[1] ? c->din[1] + s * size : NULL);
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
