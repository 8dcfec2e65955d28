// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "learn/nn/check.h"

typedef void each_table(const ag_kernels *kernels);

static void with_every_table(each_table *test)
{
    size_t count = 0;
    const ag_kernels *const *tables = ag_kernels_all(&count);
    for (size_t i = 0; i < count; i++)
        if (tables[i]->usable()) test(tables[i]);
}

static ag_real *numbers(int64_t count, const char *name)
{
    ag_rng rng = ag_rng_stream(1, name);
    ag_real *x = ag_alloc_array((size_t)count + 1, sizeof *x);
    assert_non_null(x);
    for (int64_t i = 0; i < count; i++) x[i] = (ag_real)ag_rng_normal(&rng);
    return x;
}

static const int64_t sizes[][3] = {{1, 1, 1},   {17, 33, 5}, {34, 64, 17},  {128, 16, 64}, {3, 100, 2}, {14, 16, 31},
                                   {15, 15, 9}, {8, 48, 40}, {13, 49, 130}, {2, 7, 1},     {64, 8, 64}};

static void multiply_one(const ag_kernels *kernels, int64_t m, int64_t n, int64_t k, int form)
{
    const int64_t groups = form & 1 ? 5 : 1;
    ag_real *a = numbers(m * k, "a"), *b = numbers(groups * k * n, "b"), *bias = numbers(m + n, "bias");
    ag_real *c = numbers(groups * m * n, "c"), *d = numbers(groups * m * n, "c");
    ag_matmul q = {.m = m,
                   .n = n,
                   .k = k,
                   .a = a,
                   .a_row = form & 2 ? 1 : k,
                   .a_column = form & 2 ? m : 1,
                   .b = b,
                   .b_row = n,
                   .c = c,
                   .c_row = n,
                   .groups = groups,
                   .b_group = k * n,
                   .c_group = m * n,
                   .add = (form & 4) != 0};
    if (!q.add && form & 8) q.bias_m = bias;
    if (!q.add && form & 8) q.bias_n = bias + m;
    kernels->matmul(&q);
    q.c = d;
    ag_kernels_find("plain")->matmul(&q);
    for (int64_t i = 0; i < groups * m * n; i++)
        ag_check_near((double)c[i], (double)d[i], 3e-6 * sqrt((double)k + 1.0), kernels->name);
    ag_free(a);
    ag_free(b);
    ag_free(bias);
    ag_free(c);
    ag_free(d);
}

static void multiply_all(const ag_kernels *kernels)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (int form = 0; form < 16; form++) multiply_one(kernels, sizes[i][0], sizes[i][1], sizes[i][2], form);
}

AG_TEST(test_kernels__products_of_every_form_agree_with_plain)
{
    with_every_table(multiply_all);
}

static void dot_all(const ag_kernels *kernels)
{
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        int64_t m = sizes[i][0], n = sizes[i][1], k = sizes[i][2], groups = 3;
        ag_real *a = numbers(groups * m * k, "a"), *b = numbers(groups * n * k, "b");
        ag_real *c = numbers(m * n, "c"), *d = numbers(m * n, "c");
        ag_matmul_nt q = {m, n, k, groups, a, k, m * k, b, k, n * k, c, n};
        kernels->matmul_nt(&q);
        q.c = d;
        ag_kernels_find("plain")->matmul_nt(&q);
        for (int64_t e = 0; e < m * n; e++)
            ag_check_near((double)c[e], (double)d[e], 5e-6 * sqrt((double)k + 1.0), kernels->name);
        ag_free(a);
        ag_free(b);
        ag_free(c);
        ag_free(d);
    }
}

AG_TEST(test_kernels__dot_products_agree_with_plain)
{
    with_every_table(dot_all);
}

static void softmax_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    for (int64_t columns = 1; columns < 70; columns += 3) {
        ag_real *x = numbers(7 * columns, "x"), *y = numbers(7 * columns, "y"), *z = numbers(7 * columns, "z");
        for (int form = 0; form < 2; form++) {
            form ? kernels->softmax_columns(x, y, 7, columns, columns) : kernels->softmax_rows(x, y, 7, columns);
            form ? plain->softmax_columns(x, z, 7, columns, columns) : plain->softmax_rows(x, z, 7, columns);
            for (int64_t i = 0; i < 7 * columns; i++) ag_check_near((double)y[i], (double)z[i], 3e-7, "softmax");
            form ? kernels->softmax_columns_gradient(z, x, y, 7, columns, columns)
                 : kernels->softmax_rows_gradient(z, x, y, 7, columns);
            form ? plain->softmax_columns_gradient(z, x, z, 7, columns, columns)
                 : plain->softmax_rows_gradient(z, x, z, 7, columns);
            for (int64_t i = 0; i < 7 * columns; i++) ag_check_near((double)y[i], (double)z[i], 1e-6, "its gradient");
        }
        ag_free(x);
        ag_free(y);
        ag_free(z);
    }
}

AG_TEST(test_kernels__softmax_of_every_width_agrees_with_plain)
{
    with_every_table(softmax_all);
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
            ag_free(x);
            ag_free(y);
        }
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
    default: kernels->gelu_gradient(x, one, y, NULL, count); return;
    }
}

static const function functions[] = {
    {"exp", exp, 2.5e-7, true},        {"erf", erf, 2.5e-7, false},
    {"tanh", tanh, 2.5e-7, false},     {"sigmoid", exact_sigmoid, 2.5e-7, false},
    {"gelu", exact_gelu, 4e-7, false}, {"gelu'", exact_gelu_slope, 6e-7, false},
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
    for (int which = 0; which < 6; which++)
        for (uint64_t bits = 0; bits < UINT64_C(1) << 32; bits += 997 * 256) {
            for (int i = 0; i < 256; i++) {
                uint32_t word = (uint32_t)(bits + (uint64_t)i * 997);
                memcpy(&x[i], &word, sizeof word);
            }
            apply(kernels, which, x, y, 256);
            for (int i = 0; i < 256; i++)
                if (which < 4 || fabsf(x[i]) < 1e30F) compare_function(&functions[which], x[i], y[i]);
        }
}

AG_TEST(test_kernels__functions_hold_their_stated_error_over_the_whole_range)
{
    with_every_table(sweep);
}

#endif
