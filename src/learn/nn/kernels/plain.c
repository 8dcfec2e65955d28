// SPDX-License-Identifier: Apache-2.0
/* plain.c: every kernel in straightforward C. It is the twin that the vector kernels are tested against, the table of
 * machines without one, and the only table of the double build. Written to be read; its sums run in the order of the
 * index. */
#include <string.h>

#include "core/base/rng.h"
#include "learn/nn/kernels/tables.h"

static bool usable(void)
{
    return true;
}

static void matmul_row(const ag_matmul *q, const ag_real *a, const ag_real *b, const ag_real *bias_n, ag_real *c,
                       int64_t m)
{
    ag_real bias = q->bias_m ? q->bias_m[m] : 0;
    for (int64_t n = 0; n < q->n && !q->add; n++) c[n] = bias + (bias_n ? bias_n[n] : 0);
    for (int64_t k = 0; k < q->k; k++) {
        ag_real factor = a[k * q->a_column];
        for (int64_t n = 0; n < q->n; n++) c[n] += factor * b[k * q->b_row + n];
    }
}

static void matmul(const ag_matmul *q)
{
    int64_t groups = q->groups ? q->groups : 1;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t m = 0; m < q->m; m++)
            matmul_row(q, q->a + g * q->a_group + m * q->a_row, q->b + g * q->b_group,
                       q->bias_n ? q->bias_n + g * q->bias_n_group : NULL, q->c + g * q->c_group + m * q->c_row, m);
}

static void matmul_nt(const ag_matmul_nt *q)
{
    int64_t groups = q->groups ? q->groups : 1;
    for (int64_t g = 0; g < groups; g++)
        for (int64_t m = 0; m < q->m; m++)
            for (int64_t n = 0; n < q->n; n++) {
                const ag_real *a = q->a + g * q->a_group + m * q->a_row, *b = q->b + g * q->b_group + n * q->b_row;
                ag_real sum = 0;
                for (int64_t k = 0; k < q->k; k++) sum += a[k] * b[k];
                q->c[m * q->c_row + n] += sum;
            }
}

static void plain_exp(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = ag_exp(x[i]);
}

static void plain_erf(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = ag_erf(x[i]);
}

static void plain_tanh(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = ag_tanh(x[i]);
}

static void sigmoid(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        ag_real e = ag_exp(-ag_fabs(x[i]));
        y[i] = (x[i] >= 0 ? 1 : e) / (1 + e);
    }
}

static void one_minus_exp(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = -ag_expm1(-x[i]);
}

#define SQRT_HALF AG_R(0.70710678118654752440)
#define INVERSE_SQRT_2PI AG_R(0.39894228040143267794)

/* Below -5 the sum 1 + erf loses its digits one by one; erfc keeps them. */
static ag_real phi(ag_real x)
{
#ifdef AG_REAL_DOUBLE
    return 0.5 * erfc(-x * SQRT_HALF);
#else
    return 0.5F * erfcf(-x * SQRT_HALF);
#endif
}

static void gelu(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = x[i] * phi(x[i]);
}

static void gelu_gradient(const ag_real *x, const ag_real *dy, ag_real *dx, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        ag_real v = x[i], p = phi(v);
        dx[i] = dy[i] * (p + v * INVERSE_SQRT_2PI * ag_exp(AG_R(-0.5) * v * v));
        if (y) y[i] = v * p;
    }
}

/* One softmax over `count` numbers that lie `step` apart. */
static void softmax_one(const ag_real *x, ag_real *y, int64_t count, int64_t step)
{
    ag_real top = x[0], sum = 0;
    for (int64_t i = 1; i < count; i++)
        if (x[i * step] > top) top = x[i * step];
    for (int64_t i = 0; i < count; i++) sum += y[i * step] = ag_exp(x[i * step] - top);
    for (int64_t i = 0; i < count; i++) y[i * step] /= sum;
}

static void softmax_gradient_one(const ag_real *y, const ag_real *dy, ag_real *dx, int64_t count, int64_t step)
{
    ag_real sum = 0;
    for (int64_t i = 0; i < count; i++) sum += y[i * step] * dy[i * step];
    for (int64_t i = 0; i < count; i++) dx[i * step] = y[i * step] * (dy[i * step] - sum);
}

static void softmax_rows(const ag_real *x, ag_real *y, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++) softmax_one(x + r * columns, y + r * columns, columns, 1);
}

static void softmax_rows_gradient(const ag_real *y, const ag_real *dy, ag_real *dx, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++)
        softmax_gradient_one(y + r * columns, dy + r * columns, dx + r * columns, columns, 1);
}

static void softmax_columns(const ag_real *x, ag_real *y, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t c = 0; c < columns; c++) softmax_one(x + c, y + c, rows, stride);
}

static void softmax_columns_gradient(const ag_real *y, const ag_real *dy, ag_real *dx, int64_t rows, int64_t columns,
                                     int64_t stride)
{
    for (int64_t c = 0; c < columns; c++) softmax_gradient_one(y + c, dy + c, dx + c, rows, stride);
}

static void gate_rows(const ag_real *x, const ag_real *v, ag_real *weights, ag_real *y, int64_t rows, int64_t columns)
{
    ag_real *to = weights ? weights : y;
    softmax_rows(x, to, rows, columns);
    for (int64_t i = 0; i < rows * columns; i++) y[i] = v[i] * to[i];
}

static void gate_columns(const ag_real *x, const ag_real *v, ag_real *weights, ag_real *y, int64_t rows,
                         int64_t columns)
{
    ag_real *to = weights ? weights : y;
    softmax_columns(x, to, rows, columns, columns);
    for (int64_t i = 0; i < rows * columns; i++) y[i] = v[i] * to[i];
}

static void gate_products(const ag_real *weights, const ag_real *v, ag_real *d, ag_real *slopes, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        slopes[i] = d[i] * v[i];
        d[i] *= weights[i];
    }
}

static void gate_rows_gradient(const ag_real *weights, const ag_real *v, ag_real *d, ag_real *slopes, int64_t rows,
                               int64_t columns)
{
    gate_products(weights, v, d, slopes, rows * columns);
    softmax_rows_gradient(weights, slopes, slopes, rows, columns);
}

static void gate_columns_gradient(const ag_real *weights, const ag_real *v, ag_real *d, ag_real *slopes, int64_t rows,
                                  int64_t columns)
{
    gate_products(weights, v, d, slopes, rows * columns);
    softmax_columns_gradient(weights, slopes, slopes, rows, columns, columns);
}

static void layer_norm(const ag_real *x, const ag_real *gain, const ag_real *shift, ag_real epsilon, ag_real *y,
                       ag_real *moments, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++, x += columns, y += columns) {
        ag_real mean = 0, square = 0;
        for (int64_t c = 0; c < columns; c++) mean += x[c];
        mean /= (ag_real)columns;
        for (int64_t c = 0; c < columns; c++) square += (x[c] - mean) * (x[c] - mean);
        ag_real rate = 1 / ag_sqrt(square / (ag_real)columns + epsilon);
        for (int64_t c = 0; c < columns; c++) y[c] = (x[c] - mean) * rate * gain[c] + shift[c];
        if (!moments) continue;
        moments[2 * r] = mean;
        moments[2 * r + 1] = rate;
    }
}

static void layer_norm_again(const ag_real *x, const ag_real *gain, const ag_real *shift, const ag_real *moments,
                             ag_real *y, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++, x += columns, y += columns)
        for (int64_t c = 0; c < columns; c++) y[c] = (x[c] - moments[2 * r]) * moments[2 * r + 1] * gain[c] + shift[c];
}

static void layer_norm_gradient(const ag_real *x, const ag_real *gain, const ag_real *moments, const ag_real *dy,
                                const ag_real *base, ag_real *dx, ag_real *dgain, ag_real *dshift, int64_t rows,
                                int64_t columns)
{
    for (int64_t r = 0; r < rows; r++, x += columns, dy += columns) {
        ag_real mean = moments[2 * r], rate = moments[2 * r + 1], sum = 0, product = 0;
        for (int64_t c = 0; c < columns; c++) {
            ag_real normal = (x[c] - mean) * rate;
            sum += dy[c] * gain[c];
            product += dy[c] * gain[c] * normal;
            if (dgain) dgain[c] += dy[c] * normal;
            if (dshift) dshift[c] += dy[c];
        }
        sum /= (ag_real)columns;
        product /= (ag_real)columns;
        for (int64_t c = 0; dx && c < columns; c++)
            dx[r * columns + c] =
                (base ? base[r * columns + c] : 0) + rate * (dy[c] * gain[c] - sum - (x[c] - mean) * rate * product);
    }
}

/* Number `i` of a block; see ag_dropout. */
static uint32_t number_of(const uint32_t words[4], int64_t i)
{
    uint32_t word = words[i / 4], second = (word >> 8 | word << 24) ^ (word >> 16 | word << 16);
    int64_t shift = i % 4 * 8;
    return (word >> shift & 255) << 8 | (second >> shift & 255);
}

static void dropout_at(const ag_dropout *drop, uint64_t block, const ag_real *x, ag_real *y, uint8_t *kept,
                       int64_t size)
{
    if (drop->keep >= 65536) return;
    for (int64_t i = 0; i < size; i += AG_DROPOUT_BLOCK, block++) {
        uint32_t words[4];
        ag_philox4x32(drop->seed, drop->stream, block, words);
        for (int64_t k = 0; k < AG_DROPOUT_BLOCK && i + k < size; k++) {
            bool keeps = number_of(words, k) < drop->keep;
            y[i + k] = keeps ? x[i + k] * drop->scale : 0;
            if (!kept) continue;
            if (k % 8 == 0) kept[(i + k) / 8] = 0;
            kept[(i + k) / 8] |= (uint8_t)(keeps << k % 8);
        }
    }
}

static void dropout(const ag_dropout *drop, int64_t sample, ag_real *x, int64_t size)
{
    dropout_at(drop, (uint64_t)(sample * AG_DROPOUT_BLOCKS(size)), x, x, NULL, size);
}

static void dropout_again(const uint8_t *kept, ag_real scale, const ag_real *x, ag_real *y, int64_t size)
{
    for (int64_t i = 0; i < size; i++) y[i] = kept[i / 8] >> (i % 8) & 1 ? x[i] * scale : 0;
}

static void gelu_drop(const ag_dropout *drop, uint64_t block, const ag_real *x, ag_real *y, uint8_t *kept, int64_t size)
{
    gelu(x, y, size);
    dropout_at(drop, block, y, y, kept, size);
}

static void gelu_drop_slopes(const ag_dropout *drop, uint64_t block, ag_real *x, ag_real *y, int64_t size)
{
    for (int64_t i = 0; i < size; i++) y[i] = 1;
    gelu_gradient(x, y, x, y, size);
    dropout_at(drop, block, x, x, NULL, size);
    dropout_at(drop, block, y, y, NULL, size);
}

static void gelu_drop_gradient(const uint8_t *kept, ag_real scale, const ag_real *x, ag_real *y, ag_real *d,
                               int64_t size)
{
    gelu_gradient(x, d, d, y, size);
    if (!kept) return;
    dropout_again(kept, scale, y, y, size);
    dropout_again(kept, scale, d, d, size);
}

static void adam(const ag_adam_step *a)
{
    for (int64_t i = 0; i < a->count; i++) {
        ag_real g = a->scale * a->gradient[i] + a->decay * a->values[i];
        a->first[i] = a->beta1 * a->first[i] + a->rest1 * g;
        a->second[i] = a->beta2 * a->second[i] + a->rest2 * g * g;
        a->values[i] = a->keep * a->values[i] - a->rate * a->first[i] / (a->root * ag_sqrt(a->second[i]) + a->epsilon);
    }
}

static void add(const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] += x[i];
}

static void sum(const ag_real *a, const ag_real *b, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

static void multiply(const ag_real *a, const ag_real *b, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] = a[i] * b[i];
}

static void multiply_add(const ag_real *a, const ag_real *b, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] += a[i] * b[i];
}

static void scale_add(ag_real factor, const ag_real *x, ag_real *y, int64_t count)
{
    for (int64_t i = 0; i < count; i++) y[i] += factor * x[i];
}

static void scale_rows(const ag_real *factors, ag_real *x, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) x[r * stride + c] *= factors[r];
}

static void sum_rows(const ag_real *x, ag_real *y, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) y[c] += x[r * stride + c];
}

static void sum_columns(const ag_real *x, ag_real *y, int64_t rows, int64_t columns, int64_t stride)
{
    for (int64_t r = 0; r < rows; r++) {
        ag_real sum = 0;
        for (int64_t c = 0; c < columns; c++) sum += x[r * stride + c];
        y[r] += sum;
    }
}

static void transpose(const ag_real *from, int64_t from_row, ag_real *to, int64_t to_row, int64_t rows, int64_t columns)
{
    for (int64_t r = 0; r < rows; r++)
        for (int64_t c = 0; c < columns; c++) to[c * to_row + r] = from[r * from_row + c];
}

#include "learn/nn/kernels/attend_any.h"

static void weigh(ag_real *x, int64_t count, ag_real factor, bool again, ag_real *top, ag_real *rate)
{
    ag_real sum = 0;
    if (!again) *top = x[0];
    for (int64_t i = 1; i < count && !again; i++)
        if (x[i] > *top) *top = x[i];
    for (int64_t i = 0; i < count; i++) sum += x[i] = ag_exp((x[i] - *top) * factor);
    if (!again) *rate = 1 / sum;
    for (int64_t i = 0; i < count && again; i++) x[i] *= *rate;
}

static void attend(const ag_attend *at)
{
    attend_any(at, false, weigh);
}

static void attend_gradient(const ag_attend_gradient *g)
{
    attend_gradient_any(g, weigh, attend_row_gradient);
}

const ag_kernels ag_kernels_plain = {
    .name = "plain",
    .usable = usable,
    .lanes = 1,
    .matmul = matmul,
    .matmul_nt = matmul_nt,
    .exp = plain_exp,
    .erf = plain_erf,
    .tanh = plain_tanh,
    .sigmoid = sigmoid,
    .one_minus_exp = one_minus_exp,
    .gelu = gelu,
    .gelu_gradient = gelu_gradient,
    .softmax_rows = softmax_rows,
    .softmax_rows_gradient = softmax_rows_gradient,
    .softmax_columns = softmax_columns,
    .softmax_columns_gradient = softmax_columns_gradient,
    .gate_rows = gate_rows,
    .gate_columns = gate_columns,
    .gate_rows_gradient = gate_rows_gradient,
    .gate_columns_gradient = gate_columns_gradient,
    .attend = attend,
    .attend_gradient = attend_gradient,
    .layer_norm = layer_norm,
    .layer_norm_again = layer_norm_again,
    .layer_norm_gradient = layer_norm_gradient,
    .dropout = dropout,
    .dropout_at = dropout_at,
    .dropout_again = dropout_again,
    .gelu_drop = gelu_drop,
    .gelu_drop_slopes = gelu_drop_slopes,
    .gelu_drop_gradient = gelu_drop_gradient,
    .adam = adam,
    .add = add,
    .sum = sum,
    .multiply = multiply,
    .multiply_add = multiply_add,
    .scale_add = scale_add,
    .scale_rows = scale_rows,
    .sum_rows = sum_rows,
    .sum_columns = sum_columns,
    .transpose = transpose,
};
