// SPDX-License-Identifier: Apache-2.0
/* init.c: the rules. Values are drawn in double and rounded once, so that both builds of the engine begin alike. */
#include "learn/nn/init.h"

static void fill_constant(double a, double b, const ag_shape *shape, ag_rng *rng, ag_real *out)
{
    (void)b, (void)rng;
    int64_t size = ag_shape_size(shape);
    for (int64_t i = 0; i < size; i++) out[i] = (ag_real)a;
}

static void fill_uniform(double a, double b, const ag_shape *shape, ag_rng *rng, ag_real *out)
{
    (void)b;
    int64_t size = ag_shape_size(shape);
    for (int64_t i = 0; i < size; i++) out[i] = (ag_real)(a * (2.0 * ag_rng_double(rng) - 1.0));
}

static void fill_normal(double a, double b, const ag_shape *shape, ag_rng *rng, ag_real *out)
{
    int64_t size = ag_shape_size(shape);
    for (int64_t i = 0; i < size; i++) out[i] = (ag_real)(a + b * ag_rng_normal(rng));
}

static double sincos_raw(int64_t row, int64_t column, int64_t width)
{
    double w = exp(-(double)(column & ~INT64_C(1)) * log(10000.0) / (double)width);
    return column & 1 ? cos((double)row * w) : sin((double)row * w);
}

/* Mean 0 and unbiased standard deviation 0.1 over all entries. Computed twice instead of stored in double: it is small
 * and happens once. */
static void fill_sincos(double a, double b, const ag_shape *shape, ag_rng *rng, ag_real *out)
{
    (void)a, (void)b, (void)rng;
    int64_t rows = shape->at[0], width = shape->at[1];
    double count = (double)rows * (double)width, mean = 0.0, square = 0.0;
    for (int64_t i = 0; i < rows * width; i++) mean += sincos_raw(i / width, i % width, width);
    mean /= count;
    for (int64_t i = 0; i < rows * width; i++) {
        double d = sincos_raw(i / width, i % width, width) - mean;
        square += d * d;
    }
    double scale = square > 0.0 ? 1.0 / (10.0 * sqrt(square / (count - 1.0))) : 0.0;
    for (int64_t i = 0; i < rows * width; i++)
        out[i] = (ag_real)((sincos_raw(i / width, i % width, width) - mean) * scale);
}

static const ag_initialiser rule_constant = {"constant", fill_constant};
static const ag_initialiser rule_uniform = {"uniform", fill_uniform};
static const ag_initialiser rule_normal = {"normal", fill_normal};
static const ag_initialiser rule_sincos = {"sincos", fill_sincos};

ag_init ag_init_constant(double value)
{
    return (ag_init){&rule_constant, value, 0.0};
}

ag_init ag_init_uniform(double bound)
{
    return (ag_init){&rule_uniform, bound, 0.0};
}

ag_init ag_init_fan_in(int64_t fan_in)
{
    return (ag_init){&rule_uniform, fan_in > 0 ? 1.0 / sqrt((double)fan_in) : 0.0, 0.0};
}

ag_init ag_init_normal(double mean, double deviation)
{
    return (ag_init){&rule_normal, mean, deviation};
}

ag_init ag_init_sincos(void)
{
    return (ag_init){&rule_sincos, 0.0, 0.0};
}
