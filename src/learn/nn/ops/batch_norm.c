// SPDX-License-Identifier: Apache-2.0
/* batch_norm.c: in training with the mean and the biased variance of the whole batch, whose running averages (of the
 * unbiased variance) it keeps; else with the running ones. All sums are in double, in the order of the rows, so that
 * neither threads nor chunks matter. The batch's mean and rate are kept for backward in the first sample's place. */
#include "learn/nn/ops/batch_norm.h"

#include <math.h>
#include <string.h>

#include "learn/nn/ops/shapes.h"

enum { X, GAIN, SHIFT, MEAN, VARIANCE, BATCHES };

static int shape(ag_shaping *s, ag_err *err)
{
    static const char *const names[] = {"the input", "the gain", "the shift", "the running mean",
                                        "the running variance"};
    int rc;
    if ((rc = ag_need_sample(s, X, names[X], err)) < 0 || (rc = ag_need_axes(s, X, names[X], 1, err)) < 0) return rc;
    ag_shape row = ag_shape_of(ag_shape_last(&s->in[X]));
    for (int i = GAIN; i <= VARIANCE; i++)
        if ((rc = ag_need_parameter(s, i, names[i], err)) < 0 || (rc = ag_need_shape(s, i, names[i], row, err)) < 0)
            return rc;
    if ((rc = ag_need_parameter(s, BATCHES, "the number of batches", err)) < 0) return rc;
    s->out[0] = s->in[X];
    s->saved = 2 * row.at[0];
    s->scratch_fixed = 2 * row.at[0] * (int64_t)(1 + sizeof(double) / sizeof(ag_real));
    return 0;
}

static double cost(const ag_node *node)
{
    return 8.0 * (double)ag_in_size(node, X);
}

static bool whole_batch(const ag_node *node, bool training)
{
    (void)node;
    return training;
}

/* The batch's mean and biased variance by column. */
static void measure(const ag_real *x, int64_t rows, int64_t columns, double *mean, double *variance)
{
    memset(mean, 0, (size_t)columns * sizeof *mean);
    memset(variance, 0, (size_t)columns * sizeof *variance);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) mean[k] += (double)x[i * columns + k];
    for (int64_t k = 0; k < columns; k++) mean[k] /= (double)rows;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) {
            double d = (double)x[i * columns + k] - mean[k];
            variance[k] += d * d;
        }
    for (int64_t k = 0; k < columns; k++) variance[k] /= (double)rows;
}

static void keep_running(const ag_call *c, int64_t rows, int64_t columns, const double *mean, const double *variance)
{
    double momentum = ((const ag_batch_norm *)c->attributes)->momentum;
    double unbiased = rows > 1 ? (double)rows / (double)(rows - 1) : 1.0;
    if (!c->state[MEAN]) return;
    for (int64_t k = 0; k < columns; k++) {
        ag_real *m = &c->state[MEAN][k], *v = &c->state[VARIANCE][k];
        *m = (ag_real)((1.0 - momentum) * (double)*m + momentum * mean[k]);
        *v = (ag_real)((1.0 - momentum) * (double)*v + momentum * unbiased * variance[k]);
    }
    c->state[BATCHES][0] += 1;
}

/* Outside training: from the running ones, the same for whoever asks, so backward asks again. */
static void take_running(const ag_call *c, int64_t columns, ag_real *moments)
{
    double epsilon = ((const ag_batch_norm *)c->attributes)->epsilon;
    for (int64_t k = 0; k < columns; k++) {
        moments[k] = c->in[MEAN][k];
        moments[columns + k] = (ag_real)(1.0 / sqrt((double)c->in[VARIANCE][k] + epsilon));
    }
}

static void forward(const ag_call *c)
{
    int64_t columns = ag_shape_last(&c->node->in_shape[X]), rows = c->samples * ag_shape_rows(&c->node->in_shape[X]);
    double *mean = (double *)(void *)c->scratch, *variance = mean + columns;
    ag_real *moments = c->training && c->saved ? c->saved : (ag_real *)(void *)(variance + columns);
    double epsilon = ((const ag_batch_norm *)c->attributes)->epsilon;
    if (c->training) {
        measure(c->in[X], rows, columns, mean, variance);
        keep_running(c, rows, columns, mean, variance);
    } else {
        take_running(c, columns, moments);
    }
    for (int64_t k = 0; c->training && k < columns; k++) {
        moments[k] = (ag_real)mean[k];
        moments[columns + k] = (ag_real)(1.0 / sqrt(variance[k] + epsilon));
    }
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) {
            ag_real normal = (c->in[X][i * columns + k] - moments[k]) * moments[columns + k];
            c->out[0][i * columns + k] = normal * c->in[GAIN][k] + c->in[SHIFT][k];
        }
}

static void backward(const ag_call *c)
{
    int64_t columns = ag_shape_last(&c->node->in_shape[X]), rows = c->samples * ag_shape_rows(&c->node->in_shape[X]);
    double *sum = (double *)(void *)c->scratch, *product = sum + columns;
    ag_real *running = (ag_real *)(void *)(product + columns);
    const ag_real *mean = c->training ? c->saved : running, *rate = mean + columns, *dy = c->dout[0];
    if (!c->training) take_running(c, columns, running);
    memset(sum, 0, 2 * (size_t)columns * sizeof *sum);
    for (int64_t i = 0; i < rows; i++)
        for (int64_t k = 0; k < columns; k++) {
            ag_real normal = (c->in[X][i * columns + k] - mean[k]) * rate[k];
            sum[k] += (double)dy[i * columns + k];
            product[k] += (double)(dy[i * columns + k] * normal);
        }
    for (int64_t k = 0; k < columns; k++) {
        if (c->din[GAIN]) c->din[GAIN][k] += (ag_real)product[k];
        if (c->din[SHIFT]) c->din[SHIFT][k] += (ag_real)sum[k];
        sum[k] = c->training ? sum[k] / (double)rows : 0.0;
        product[k] = c->training ? product[k] / (double)rows : 0.0;
    }
    for (int64_t i = 0; c->din[X] && i < rows; i++)
        for (int64_t k = 0; k < columns; k++) {
            ag_real normal = (c->in[X][i * columns + k] - mean[k]) * rate[k];
            ag_real slope = dy[i * columns + k] - (ag_real)sum[k] - normal * (ag_real)product[k];
            c->din[X][i * columns + k] += c->in[GAIN][k] * rate[k] * slope;
        }
}

const ag_op ag_op_batch_norm = {
    .name = "batch_norm",
    .doc = "normalises each feature over the whole batch",
    .attributes_size = sizeof(ag_batch_norm),
    .min_inputs = 6,
    .max_inputs = 6,
    .outputs = 1,
    .reads_in = 1,
    .shape = shape,
    .cost = cost,
    .forward = forward,
    .backward = backward,
    .whole_batch = whole_batch,
};
