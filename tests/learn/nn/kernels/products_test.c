// SPDX-License-Identifier: Apache-2.0
/* Products of matrices: every form, groups, and rows in any company; dot products. */
#include <math.h>

#include "learn/nn/kernels/every_table.h"

static const int64_t sizes[][3] = {{1, 1, 1},   {17, 33, 5},  {34, 64, 17},  {128, 16, 64}, {3, 100, 2}, {14, 16, 31},
                                   {15, 15, 9}, {8, 48, 40},  {13, 49, 130}, {2, 7, 1},     {64, 8, 64}, {64, 48, 16},
                                   {9, 16, 16}, {17, 32, 17}, {26, 16, 17},  {5, 5, 21},    {34, 17, 40}};

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

/* Groups that are summed, a bias of each group, and an A that lies in no usual way. */
static void multiply_groups(const ag_kernels *kernels)
{
    enum { M = 19, N = 16, K = 13, GROUPS = 5 };
    ag_real *a = numbers(GROUPS * M * K * 2, "a"), *b = numbers(GROUPS * K * N, "b"),
            *bias = numbers(GROUPS * N, "bias");
    for (int form = 0; form < 6; form++) {
        ag_real *c = numbers(GROUPS * M * N, "c"), *d = numbers(GROUPS * M * N, "c");
        bool sums = form < 3;
        ag_matmul q = {.m = M,
                       .n = N,
                       .k = K,
                       .a = a,
                       .a_row = form % 3 == 0   ? K
                                : form % 3 == 1 ? 1
                                                : 2 * K,
                       .a_column = form % 3 == 0   ? 1
                                   : form % 3 == 1 ? M
                                                   : 2,
                       .b = b,
                       .b_row = N,
                       .c = c,
                       .c_row = N,
                       .groups = GROUPS,
                       .a_group = sums ? M * K * 2 : 0,
                       .b_group = K * N,
                       .c_group = sums ? 0 : M * N,
                       .bias_n = sums ? NULL : bias,
                       .bias_n_group = N,
                       .add = sums};
        kernels->matmul(&q);
        q.c = d;
        ag_kernels_find("plain")->matmul(&q);
        for (int i = 0; i < GROUPS * M * N; i++) ag_check_near((double)c[i], (double)d[i], 2e-5, kernels->name);
        ag_free(c);
        ag_free(d);
    }
    ag_free(a);
    ag_free(b);
    ag_free(bias);
}

AG_TEST(test_kernels__groups_are_summed_or_biased)
{
    with_every_table(multiply_groups);
}

/* A row's sums are the same bits whatever the number of rows, and so whatever way they were shared out. */
static void multiply_rows(const ag_kernels *kernels)
{
    enum { M = 64, N = 32, MOST = 34 };
    ag_real *a = numbers(M * MOST, "a"), *b = numbers(MOST * N, "b"), *bias = numbers(N, "bias");
    static const int64_t depths[] = {15, 16, 17, MOST};
    for (int i = 0; i < 8; i++) {
        int64_t k = depths[i / 2];
        ag_real *whole = numbers(M * N, "c"), *part = numbers(M * N, "c");
        ag_matmul q = {.m = M,
                       .n = N,
                       .k = k,
                       .a = a,
                       .a_row = i % 2 ? 1 : k,
                       .a_column = i % 2 ? M : 1,
                       .b = b,
                       .b_row = N,
                       .c = whole,
                       .c_row = N,
                       .bias_n = bias};
        kernels->matmul(&q);
        q.c = part;
        for (q.m = 1; q.m <= M; q.m += 3) {
            kernels->matmul(&q);
            assert_memory_equal(whole, part, (size_t)(q.m * N) * sizeof *part);
        }
        ag_free(whole);
        ag_free(part);
    }
    ag_free(a);
    ag_free(b);
    ag_free(bias);
}

AG_TEST(test_kernels__a_row_has_the_same_bits_in_any_company)
{
    with_every_table(multiply_rows);
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
