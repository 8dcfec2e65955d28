// SPDX-License-Identifier: Apache-2.0
/* All other kernels: transposes, sums, steps, norms, dropout and functions. */
#include <math.h>
#include <string.h>

#include "learn/nn/kernels/every_table.h"

static void transpose_all(const ag_kernels *kernels)
{
    for (int64_t rows = 1; rows < 40; rows += 5)
        for (int64_t columns = 1; columns < 40; columns += 3) {
            ag_real *x = numbers(rows * (columns + 2), "x"), *y = numbers(columns * (rows + 1), "y");
            kernels->transpose(x, columns + 2, y, rows + 1, rows, columns);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t c = 0; c < columns; c++) assert_true(x[r * (columns + 2) + c] == y[c * (rows + 1) + r]);
            ag_free(x);
            ag_free(y);
        }
}

AG_TEST(test_kernels__transposes_of_every_size)
{
    with_every_table(transpose_all);
}

/* One step of Adam over the first `count` of three times SIZE numbers: values, moments. */
static void adam_once(const ag_kernels *kernels, const ag_real *gradient, ag_real *all, int64_t size, int64_t count)
{
    kernels->adam(&(ag_adam_step){.count = count,
                                  .values = all,
                                  .first = all + size,
                                  .second = all + 2 * size,
                                  .gradient = gradient,
                                  .scale = AG_R(0.5),
                                  .decay = AG_R(0.01),
                                  .beta1 = AG_R(0.9),
                                  .rest1 = AG_R(0.1),
                                  .beta2 = AG_R(0.99),
                                  .rest2 = AG_R(0.01),
                                  .keep = AG_R(0.999),
                                  .rate = AG_R(0.01),
                                  .root = AG_R(1.5),
                                  .epsilon = AG_R(1e-3)});
}

/* What goes element by element: as plain does it, and not an element further. */
static void elements_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    enum { SIZE = 40 };
    for (int64_t count = 0; count < SIZE; count++) {
        ag_real *a = numbers(SIZE, "a"), *b = numbers(SIZE, "b"), *x = numbers(3 * SIZE, "c"),
                *y = numbers(3 * SIZE, "c");
        for (int i = 0; i < SIZE; i++) x[2 * SIZE + i] = y[2 * SIZE + i] = b[i] * b[i];
        kernels->multiply_add(a, b, x, count);
        plain->multiply_add(a, b, y, count);
        kernels->scale_add(AG_R(0.3), a, x, count);
        plain->scale_add(AG_R(0.3), a, y, count);
        adam_once(kernels, a, x, SIZE, count);
        adam_once(plain, a, y, SIZE, count);
        for (int i = 0; i < 3 * SIZE; i++) {
            ag_check_near((double)x[i], (double)y[i], 1e-6, "elements");
            assert_true(i % SIZE < count || x[i] == y[i]);
        }
        ag_real *mine[] = {a, b, x, y};
        for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) ag_free(mine[i]);
    }
}

AG_TEST(test_kernels__walks_by_elements_agree_with_plain)
{
    with_every_table(elements_all);
}

static void sums_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    for (int64_t rows = 0; rows < 12; rows++)
        for (int64_t columns = 1; columns < 40; columns++) {
            int64_t most = columns > 12 ? columns + 1 : 13;
            ag_real *x = numbers(rows * (columns + 2) + 1, "x"), *y = numbers(most, "y"), *z = numbers(most, "y");
            kernels->sum_rows(x, y, rows, columns, columns + 2);
            plain->sum_rows(x, z, rows, columns, columns + 2);
            kernels->sum_columns(x, y, rows, columns, columns + 2);
            plain->sum_columns(x, z, rows, columns, columns + 2);
            for (int64_t i = 0; i < most; i++) ag_check_near((double)y[i], (double)z[i], 1e-5, "sums");
            assert_true(y[most - 1] == z[most - 1]);
            ag_free(x);
            ag_free(y);
            ag_free(z);
        }
}

AG_TEST(test_kernels__sums_of_every_size_agree_with_plain)
{
    with_every_table(sums_all);
}

static void norm_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    enum { ROWS = 21 };
    for (int64_t columns = 1; columns < 50; columns += columns < 18 ? 1 : 15) {
        int64_t size = ROWS * columns;
        ag_real *x = numbers(size, "x"), *gain = numbers(columns, "gain"), *shift = numbers(columns, "shift");
        ag_real *y = numbers(size, "y"), *z = numbers(size, "y"), *m = numbers(2 * ROWS, "m"),
                *n = numbers(2 * ROWS, "m");
        kernels->layer_norm(x, gain, shift, AG_R(1e-5), y, m, ROWS, columns);
        plain->layer_norm(x, gain, shift, AG_R(1e-5), z, n, ROWS, columns);
        for (int64_t i = 0; columns > 1 && i < size; i++) ag_check_near((double)y[i], (double)z[i], 1e-4, "norm");
        kernels->layer_norm_again(x, gain, shift, m, z, ROWS, columns);
        assert_true(memcmp(y, z, (size_t)size * sizeof *y) == 0);
        plain->layer_norm(x, gain, shift, AG_R(1e-5), z, NULL, ROWS, columns);
        ag_real *dx = numbers(size, "dx"), *dz = numbers(size, "dx"), *dg = numbers(columns, "d"),
                *dh = numbers(columns, "d");
        kernels->layer_norm_gradient(x, gain, n, z, dx, dx, dg, shift, ROWS, columns);
        memcpy(y, shift, (size_t)columns * sizeof *y);
        ag_free(shift);
        shift = numbers(columns, "shift");
        plain->layer_norm_gradient(x, gain, n, z, dz, dz, dh, shift, ROWS, columns);
        for (int64_t i = 0; columns > 1 && i < size; i++) ag_check_near((double)dx[i], (double)dz[i], 1e-4, "dx");
        kernels->layer_norm_gradient(x, gain, n, z, x, dx, NULL, NULL, ROWS, columns);
        plain->layer_norm_gradient(x, gain, n, z, x, dz, NULL, NULL, ROWS, columns);
        for (int64_t i = 0; columns > 1 && i < size; i++) ag_check_near((double)dx[i], (double)dz[i], 1e-4, "onto x");
        kernels->layer_norm_gradient(x, gain, n, z, NULL, dx, NULL, NULL, ROWS, columns);
        for (int64_t i = 0; columns > 1 && i < size; i++)
            ag_check_near((double)dx[i], (double)dz[i] - (double)x[i], 1e-4, "alone");
        for (int64_t i = 0; columns > 1 && i < columns; i++) {
            ag_check_near((double)dg[i], (double)dh[i], 1e-4, "dgain");
            ag_check_near((double)y[i], (double)shift[i], 1e-4, "dshift");
        }
        ag_real *all[] = {x, gain, shift, y, z, m, n, dx, dz, dg, dh};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_free(all[i]);
    }
}

AG_TEST(test_kernels__norms_of_every_width_agree_with_plain)
{
    with_every_table(norm_all);
}

/* A row has the same bits alone and among any number of others, in place too, and so do sums over rows. */
static void norm_alone(const ag_kernels *kernels)
{
    enum { ROWS = 149 };
    static const int64_t widths[] = {3, 8, 12, 16, 17, 24, 32, 40, 100};
    for (size_t w = 0; w < sizeof widths / sizeof *widths; w++) {
        int64_t columns = widths[w], size = ROWS * columns;
        ag_real *x = numbers(size, "x"), *gain = numbers(columns, "gain"), *shift = numbers(columns, "shift");
        ag_real *y = numbers(size, "y"), *z = numbers(size, "z"), *m = numbers(2 * ROWS, "m"), *n = numbers(2, "m");
        ag_real *dx = numbers(size, "dx"), *dz = numbers(size, "dx");
        ag_real *sums[4]; /* of gain and shift, of all rows at once and of one after the other */
        for (int i = 0; i < 4; i++) sums[i] = numbers(columns, "d");
        kernels->layer_norm(x, gain, shift, AG_R(1e-5), y, m, ROWS, columns);
        kernels->layer_norm(x, gain, shift, AG_R(1e-5), z, NULL, ROWS, columns);
        assert_memory_equal(y, z, (size_t)size * sizeof *y);
        kernels->layer_norm_gradient(x, gain, m, y, dx, dx, sums[0], sums[1], ROWS, columns);
        for (int64_t r = 0, at = 0; r < ROWS; r++, at += columns) {
            kernels->layer_norm_gradient(x + at, gain, m + 2 * r, y + at, dz + at, dz + at, sums[2], sums[3], 1,
                                         columns);
            kernels->layer_norm(x + at, gain, shift, AG_R(1e-5), x + at, n, 1, columns);
            assert_memory_equal(n, m + 2 * r, 2 * sizeof *n);
        }
        assert_memory_equal(x, y, (size_t)size * sizeof *x);
        assert_memory_equal(dx, dz, (size_t)size * sizeof *dx);
        for (int i = 0; i < 2; i++) assert_memory_equal(sums[i], sums[i + 2], (size_t)columns * sizeof *x);
        ag_real *all[] = {x, gain, shift, y, z, m, n, dx, dz, sums[0], sums[1], sums[2], sums[3]};
        for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_free(all[i]);
    }
}

AG_TEST(test_kernels__a_normed_row_has_the_same_bits_in_any_company)
{
    with_every_table(norm_alone);
}

/* From its bits a dropout comes out the same, and no bit lies behind the room for them. */
static void drop_again(const ag_kernels *kernels, const ag_dropout *drop, int64_t size)
{
    ag_real *x = numbers(size, "x"), *y = numbers(size, "x"), *bits = numbers(AG_KEPT(size), "bits");
    kernels->dropout_at(drop, 9, x, x, (uint8_t *)bits, size);
    if (drop->keep < 65536) kernels->dropout_again((const uint8_t *)bits, drop->scale, y, y, size);
    assert_memory_equal(x, y, (size_t)size * sizeof *x);
    ag_free(x);
    ag_free(y);
    ag_free(bits);
}

static void drop_all(const ag_kernels *kernels)
{
    const double probabilities[] = {0.0, 0.00001, 0.2, 0.5, 0.999};
    const int64_t counts[] = {1, 7, 8, 9, 31, 32, 33, 100, 128, 129, 1000};
    for (size_t p = 0; p < 5; p++)
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            int64_t size = counts[k];
            ag_real *x = numbers(size, "x"), *y = numbers(size, "x");
            x[0] = y[0] = -x[0];
            ag_dropout drop = ag_dropout_make(UINT64_C(0xfedcba9876543210) + k, 7, 3, 1, probabilities[p]);
            int64_t sample = k % 2 ? 5 : INT64_C(0x3ffffffff); /* a counter that passes 32 bits inside */
            kernels->dropout(&drop, sample, x, size);
            ag_kernels_find("plain")->dropout(&drop, sample, y, size);
            assert_memory_equal(x, y, (size_t)size * sizeof *x);
            drop_again(kernels, &drop, size);
            ag_free(x);
            ag_free(y);
        }
}

/* What is kept of gelu with dropout is what would be computed again. */
static void gelu_drop_slopes(const ag_kernels *kernels, const ag_dropout *drop, const ag_real *x, const ag_real *y,
                             const uint8_t *bits, int64_t size)
{
    ag_real *slopes = numbers(size, "x"), *z = numbers(size, "y"), *d = numbers(size, "s"), *e = numbers(size, "s");
    kernels->gelu_drop_slopes(drop, 77, slopes, z, size);
    assert_memory_equal(z, y, (size_t)size * sizeof *y);
    kernels->gelu_drop_gradient(drop->keep < 65536 ? bits : NULL, drop->scale, x, z, d, size);
    kernels->multiply(slopes, e, e, size);
    for (int64_t i = 0; i < size; i++) ag_check_near((double)e[i], (double)d[i], 1e-6, "a kept slope");
    ag_real *all[] = {slopes, z, d, e};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_free(all[i]);
}

/* gelu with dropout is gelu, then dropout with the numbers of that block; its gradient is both gradients. */
static void gelu_drop_one(const ag_kernels *kernels, const ag_dropout *drop, int64_t size)
{
    ag_real *x = numbers(size, "x"), *y = numbers(size, "y"), *d = numbers(size, "s"), *bits = numbers(size + 1, "b");
    ag_real *z = numbers(size, "z"), *steep = numbers(size, "s");
    bool drops = drop->keep < 65536;
    kernels->gelu_drop(drop, 77, x, y, (uint8_t *)bits, size);
    kernels->gelu_gradient(x, steep, steep, z, size);
    ag_kernels_find("plain")->dropout_at(drop, 77, z, z, NULL, size);
    ag_kernels_find("plain")->dropout_at(drop, 77, steep, steep, NULL, size);
    for (int64_t i = 0; i < size; i++) {
        ag_check_near((double)y[i], (double)z[i], 1e-6, "gelu");
        assert_true((y[i] == 0) == (z[i] == 0));
    }
    kernels->gelu_drop_gradient(drops ? (uint8_t *)bits : NULL, drop->scale, x, z, d, size);
    assert_memory_equal(z, y, (size_t)size * sizeof *x);
    for (int64_t i = 0; i < size; i++) ag_check_near((double)d[i], (double)steep[i], 2e-6, "slope");
    if (kernels->gelu_drop_slopes) gelu_drop_slopes(kernels, drop, x, y, (uint8_t *)bits, size);
    kernels->gelu_drop(drop, 77, x, x, NULL, size);
    assert_memory_equal(x, y, (size_t)size * sizeof *x);
    ag_real *all[] = {x, y, d, bits, z, steep};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_free(all[i]);
}

static void gelu_drop_all(const ag_kernels *kernels)
{
    const double probabilities[] = {0.0, 0.3};
    const int64_t counts[] = {1, 8, 31, 32, 100, 128, 1000};
    for (size_t p = 0; p < 2; p++)
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            ag_dropout drop = ag_dropout_make(11, 7, 3, 1, probabilities[p]);
            gelu_drop_one(kernels, &drop, counts[k]);
        }
}

AG_TEST(test_kernels__gelu_with_dropout_is_both_in_turn)
{
    with_every_table(gelu_drop_all);
}

AG_TEST(test_kernels__dropout_has_the_same_bits_in_every_table)
{
    with_every_table(drop_all);
}

#ifndef AG_REAL_DOUBLE

typedef struct function {
    const char *name;
    double (*exact)(double);
    double tolerance; /* of max(1, |value|), or of |value| when relative */
    bool relative;
} function;

static double exact_gelu(double x)
{
    return x * 0.5 * erfc(-x * M_SQRT1_2);
}

static double exact_sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

static double exact_gelu_slope(double x)
{
    return 0.5 * erfc(-x * M_SQRT1_2) + x * exp(-0.5 * x * x) / sqrt(2.0 * M_PI);
}

static double exact_one_minus_exp(double x)
{
    return -expm1(-x);
}

static void apply(const ag_kernels *kernels, int which, const float *x, float *y, int64_t count)
{
    float one[256];
    for (int i = 0; i < 256; i++) one[i] = 1.0F;
    switch (which) {
    case 0: kernels->exp(x, y, count); return;
    case 1: kernels->erf(x, y, count); return;
    case 2: kernels->tanh(x, y, count); return;
    case 3: kernels->sigmoid(x, y, count); return;
    case 4: kernels->gelu(x, y, count); return;
    case 5: kernels->gelu_gradient(x, one, y, NULL, count); return;
    default: kernels->one_minus_exp(x, y, count); return;
    }
}

static const function functions[] = {
    {"exp", exp, 2.5e-7, true},
    {"erf", erf, 2.5e-7, false},
    {"tanh", tanh, 2.5e-7, false},
    {"sigmoid", exact_sigmoid, 2.5e-7, false},
    {"gelu", exact_gelu, 2e-7, false},
    {"gelu'", exact_gelu_slope, 3e-7, false},
    {"1-exp", exact_one_minus_exp, 3e-7, true},
};

static void compare_function(const function *f, float x, float y)
{
    double should = f->exact((double)x), error = fabs((double)y - should);
    double size = f->relative ? fabs(should) + 0x1p-126 : fabs(should) > 1.0 ? fabs(should) : 1.0;
    if (isnan(x) ? !isnan(y) : isinf((float)should) ? (float)should != y : !(error <= f->tolerance * size))
        fail_msg("%s(%.9g) gave %.9g instead of %.9g", f->name, (double)x, (double)y, should);
}

/* Every 997th of all floats, infinities and NaN among them. */
static void sweep(const ag_kernels *kernels)
{
    float x[256], y[256];
    for (int which = 0; which < 7; which++)
        for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 997 * 256) {
            for (int i = 0; i < 256; i++) {
                uint32_t word = (uint32_t)(bits + (uint64_t)i * 997);
                memcpy(&x[i], &word, sizeof word);
            }
            apply(kernels, which, x, y, 256);
            for (int i = 0; i < 256; i++)
                if (which == 6 ? !(x[i] < 0) : which < 4 || fabsf(x[i]) < 1e30F)
                    compare_function(&functions[which], x[i], y[i]);
        }
}

AG_TEST(test_kernels__functions_hold_their_stated_error_over_the_whole_range)
{
    with_every_table(sweep);
}

#endif
