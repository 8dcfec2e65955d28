// SPDX-License-Identifier: Apache-2.0
/* likelihood.c: see likelihood.h. Everything is in double: one gamma function costs more than the conversion. */
#include "learn/nn/ops/likelihood.h"

#include <math.h>

#include "learn/nn/ops/shapes.h"

int ag_likelihood_shape(ag_shaping *s, const ag_density *density, ag_err *err)
{
    int rc, target = density->parameters;
    if ((rc = ag_need_sample(s, 0, "the first parameter", err)) < 0 ||
        (rc = ag_need_axes(s, 0, "the first parameter", 1, err)) < 0)
        return rc;
    for (int i = 1; i <= target; i++) {
        const char *what = i == target ? "the target" : "a parameter";
        if ((rc = ag_need_sample(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, s->in[0], err)) < 0)
            return rc;
    }
    ag_shape row = ag_shape_of(ag_shape_last(&s->in[0]));
    bool scaled = s->inputs > target + 1 && s->present[target + 1];
    for (int i = target + 1; scaled && i <= target + 2; i++) {
        const char *what = i == target + 1 ? "the location" : "the scale";
        if ((rc = ag_need_sample(s, i, what, err)) < 0 || (rc = ag_need_shape(s, i, what, row, err)) < 0) return rc;
    }
    s->out[0] = ag_shape_of(2);
    return 0;
}

typedef struct point { /* one element with everything that belongs to it */
    double parameters[AG_MAX_DENSITY], y, scale;
    int64_t at, channel; /* element; number of its location and scale */
} point;

static point point_of(const ag_call *c, const ag_density *density, int64_t at)
{
    int target = density->parameters;
    int64_t channels = ag_shape_last(&c->node->in_shape[0]), size = ag_in_size(c->node, 0);
    point p = {.y = (double)c->in[target][at], .scale = 1.0, .at = at};
    p.channel = at / size * channels + at % channels;
    for (int i = 0; i < target; i++) p.parameters[i] = (double)c->in[i][at];
    if (c->node->inputs <= target + 1 || !c->in[target + 2]) return p;
    p.scale = (double)c->in[target + 2][p.channel];
    if (density->affine)
        p.y = (p.y - (double)c->in[target + 1][p.channel]) / p.scale;
    else
        p.parameters[target - 1] += log(p.scale);
    return p;
}

void ag_likelihood_forward(const ag_call *c, const ag_density *density)
{
    int64_t size = ag_in_size(c->node, 0), channels = ag_shape_last(&c->node->in_shape[0]);
    for (int64_t s = 0; s < c->samples; s++) {
        double sum = 0.0;
        for (int64_t i = s * size; i < (s + 1) * size; i++) {
            point p = point_of(c, density, i);
            sum += density->loss(p.parameters, p.y, NULL) + (density->affine ? log(p.scale) : 0.0);
        }
        c->out[0][2 * s] = (ag_real)sum;
        c->out[0][2 * s + 1] = (ag_real)(size / channels);
    }
}

static void give(const ag_call *c, int input, int64_t at, double slope)
{
    if (input < c->node->inputs && c->din[input]) c->din[input][at] += (ag_real)slope;
}

void ag_likelihood_backward(const ag_call *c, const ag_density *density)
{
    int64_t size = ag_in_size(c->node, 0);
    int target = density->parameters;
    for (int64_t i = 0; i < c->samples * size; i++) {
        point p = point_of(c, density, i);
        double slopes[AG_MAX_DENSITY + 1], factor = (double)c->dout[0][2 * (i / size)];
        density->loss(p.parameters, p.y, slopes);
        for (int k = 0; k < target; k++) give(c, k, i, factor * slopes[k]);
        if (density->affine) {
            double slope = factor * slopes[target] / p.scale;
            give(c, target, i, slope);
            give(c, target + 1, p.channel, -slope);
            give(c, target + 2, p.channel, factor / p.scale - slope * p.y);
        } else {
            give(c, target, i, factor * slopes[target]);
            give(c, target + 2, p.channel, factor * slopes[target - 1] / p.scale);
        }
    }
}
