// SPDX-License-Identifier: Apache-2.0
/* scaler.c: std: location = mean, scale = sqrt(variance + minimum). mean: location = 0, scale = max(mean |x|, minimum).
 * Sums run in double: a constant channel then gives exactly 0, where sums in float leave noise that a scale of
 * sqrt(minimum) blows up. Rows that were not observed are scaled too, but do not count.
 * The mean scaler gives a channel without any observation the scale of the whole batch; only then, and only when a mask
 * is bound at all, samples depend on each other, so only then the node asks for the whole batch. */
#include "learn/nn/ops/scaler.h"

#include <math.h>
#include <string.h>

#include "learn/nn/ops/shapes.h"

static int shape(ag_shaping *s, ag_err *err)
{
    int rc;
    if ((rc = ag_need_sample(s, 0, "the input", err)) < 0) return rc;
    if (s->in[0].axes != 2) return ag_fail(err, AG_EINVAL, "the input must have two axes: rows and channels");
    if (s->inputs > 1 && s->present[1] && (rc = ag_need_shape(s, 1, "the observed mask", s->in[0], err)) < 0) return rc;
    s->out[0] = s->in[0];
    s->out[1] = s->out[2] = ag_shape_of(s->in[0].at[1]);
    return 0;
}

static double cost(const ag_node *node)
{
    return 6.0 * (double)ag_in_size(node, 0);
}

static bool whole_batch(const ag_node *node, bool training)
{
    (void)training;
    const ag_scaler *a = node->attributes;
    return a->kind == AG_SCALER_MEAN && isnan(a->default_scale) && node->inputs > 1 && node->in[1].index;
}

enum { SIDE = 32 }; /* channels that are measured together */

typedef struct column {          /* one channel of one sample */
    const ag_real *x, *observed; /* observed may be NULL */
    int64_t rows, step;
} column;

static column column_of(const ag_call *c, int64_t sample, int64_t channel)
{
    const ag_shape *x = &c->node->in_shape[0];
    int64_t at = sample * x->at[0] * x->at[1] + channel;
    const ag_real *observed = c->node->inputs > 1 ? c->in[1] : NULL;
    return (column){c->in[0] + at, observed ? observed + at : NULL, x->at[0], x->at[1]};
}

static double weight(const column *k, int64_t row)
{
    return k->observed ? (double)k->observed[row * k->step] : 1.0;
}

/* Sum of |x| over what was observed, and how many that were. */
static double sum_sizes(const column *k, double *count)
{
    double sum = 0.0;
    *count = 0.0;
    for (int64_t t = 0; t < k->rows; t++) {
        sum += fabs((double)k->x[t * k->step]) * weight(k, t);
        *count += weight(k, t);
    }
    return sum;
}

/* SIDE neighbouring channels, of which the first is k, side by side: each sum waits for its own last addition. */
static void measure_std(const column *k, int64_t channels, double minimum, double *location, double *scale)
{
    double count[SIDE] = {0}, sum[SIDE] = {0}, square[SIDE] = {0};
    for (int64_t t = 0, at = 0; t < k->rows; t++, at += k->step)
        for (int64_t i = 0; i < channels; i++) {
            double by = k->observed ? (double)k->observed[at + i] : 1.0;
            sum[i] += (double)k->x[at + i] * by;
            count[i] += by;
        }
    for (int64_t i = 0; i < channels; i++) {
        if (count[i] < 1.0) count[i] = 1.0;
        location[i] = sum[i] / count[i];
    }
    for (int64_t t = 0, at = 0; t < k->rows; t++, at += k->step)
        for (int64_t i = 0; i < channels; i++) {
            double d = ((double)k->x[at + i] - location[i]) * (k->observed ? (double)k->observed[at + i] : 1.0);
            square[i] += d * d;
        }
    for (int64_t i = 0; i < channels; i++) scale[i] = sqrt(square[i] / count[i] + minimum);
}

static double batch_scale(const ag_call *c, int64_t channel)
{
    double sum = 0.0, count = 0.0, one;
    for (int64_t s = 0; s < c->samples; s++) {
        column k = column_of(c, s, channel);
        sum += sum_sizes(&k, &one);
        count += one;
    }
    return sum / (count > 1.0 ? count : 1.0);
}

static double mean_scale(const ag_call *c, int64_t sample, int64_t channel)
{
    const ag_scaler *a = c->attributes;
    column k = column_of(c, sample, channel);
    double count, scale = sum_sizes(&k, &count) / (count > 1.0 ? count : 1.0);
    if (count <= 0.0) scale = isnan(a->default_scale) ? batch_scale(c, channel) : a->default_scale;
    return scale < a->minimum ? a->minimum : scale;
}

/* Of neighbouring channels, SIDE at most. */
static void measure(const ag_call *c, int64_t sample, int64_t first, int64_t channels, double *location, double *scale)
{
    const ag_scaler *a = c->attributes;
    column k = column_of(c, sample, first);
    for (int64_t i = 0; i < channels; i++) {
        location[i] = 0.0;
        scale[i] = a->kind == AG_SCALER_MEAN ? mean_scale(c, sample, first + i) : 1.0;
    }
    if (a->kind == AG_SCALER_STD) measure_std(&k, channels, a->minimum, location, scale);
}

static void forward_some(const ag_call *c, int64_t sample, int64_t first, int64_t count)
{
    int64_t rows = c->node->in_shape[0].at[0], channels = c->node->in_shape[0].at[1];
    const ag_real *x = c->in[0] + sample * rows * channels + first;
    ag_real *to = c->out[0] + sample * rows * channels + first;
    double location[SIDE], scale[SIDE];
    measure(c, sample, first, count, location, scale);
    for (int64_t t = 0; t < rows * channels; t += channels)
        for (int64_t i = 0; i < count; i++) to[t + i] = (ag_real)(((double)x[t + i] - location[i]) / scale[i]);
    for (int64_t i = 0; i < count; i++) {
        c->out[1][sample * channels + first + i] = (ag_real)location[i];
        c->out[2][sample * channels + first + i] = (ag_real)scale[i];
    }
}

/* By 1, and nothing taken away: a copy. */
static void forward_same(const ag_call *c)
{
    int64_t count = c->samples * ag_in_size(c->node, 0), channels = c->samples * c->node->in_shape[0].at[1];
    memcpy(c->out[0], c->in[0], (size_t)count * sizeof(ag_real));
    for (int64_t i = 0; i < channels; i++) {
        c->out[1][i] = 0;
        c->out[2][i] = 1;
    }
}

static void forward(const ag_call *c)
{
    int64_t channels = c->node->in_shape[0].at[1];
    if (((const ag_scaler *)c->attributes)->kind == AG_SCALER_NONE) {
        forward_same(c);
        return;
    }
    for (int64_t sample = 0; sample < c->samples; sample++)
        for (int64_t i = 0; i < channels; i += SIDE)
            forward_some(c, sample, i, channels - i < SIDE ? channels - i : SIDE);
}

/* Gradients of a scale that came from the batch are left out: who has no observation has nothing to be salient. */
static void backward_column(const ag_call *c, const column *k, ag_real *dx, const ag_real *dz, const ag_real *z,
                            int64_t i)
{
    const ag_scaler *a = c->attributes;
    double count = 0.0, scale = (double)c->out[2][i], location = (double)c->out[1][i];
    double to_location = c->dout[1] ? (double)c->dout[1][i] : 0.0, to_scale = c->dout[2] ? (double)c->dout[2][i] : 0.0;
    for (int64_t t = 0; t < k->rows; t++) {
        count += weight(k, t);
        if (!dz) continue;
        to_location -= (double)dz[t * k->step] / scale;
        to_scale -= (double)dz[t * k->step] * (double)z[t * k->step] / scale;
    }
    if (a->kind == AG_SCALER_NONE) to_location = to_scale = 0.0;
    if (a->kind == AG_SCALER_MEAN && (count <= 0.0 || scale <= a->minimum)) to_scale = 0.0;
    if (a->kind == AG_SCALER_MEAN) to_location = 0.0;
    if (count < 1.0) count = 1.0;
    for (int64_t t = 0; t < k->rows; t++) {
        double x = (double)k->x[t * k->step], share = weight(k, t) / count,
               slope = dz ? (double)dz[t * k->step] / scale : 0.0;
        double of_scale = a->kind == AG_SCALER_MEAN ? (x > 0.0) - (x < 0.0) : (x - location) / scale;
        dx[t * k->step] += (ag_real)(slope + share * (to_location + to_scale * of_scale));
    }
}

static void backward(const ag_call *c)
{
    int64_t rows = c->node->in_shape[0].at[0], channels = c->node->in_shape[0].at[1];
    for (int64_t i = 0; c->din[0] && i < c->samples * channels; i++) {
        int64_t at = i / channels * rows * channels + i % channels;
        column k = column_of(c, i / channels, i % channels);
        backward_column(c, &k, c->din[0] + at, c->dout[0] ? c->dout[0] + at : NULL, c->out[0] + at, i);
    }
}

const ag_op ag_op_scaler = {
    .name = "scaler",
    .doc = "brings each channel of a sample to a common scale",
    .attributes_size = sizeof(ag_scaler),
    .min_inputs = 1,
    .max_inputs = 2,
    .outputs = 3,
    .reads_in = 3,
    .reads_out = 7,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .whole_batch = whole_batch,
};
