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

static const int64_t sizes[][3] = {{1, 1, 1},    {17, 33, 5},  {34, 64, 17}, {128, 16, 64}, {3, 100, 2},
                                   {14, 16, 31}, {15, 15, 9},  {8, 48, 40},  {13, 49, 130}, {2, 7, 1},
                                   {64, 8, 64},  {64, 48, 16}, {9, 16, 16},  {17, 32, 17},  {26, 16, 17}};

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

/* Attention of `queries` to `keys`; what it gives lies one after the other in `all`. */
static void attend_once(const ag_kernels *kernels, const int64_t size[3], const uint8_t *kept, ag_real *all)
{
    int64_t queries = size[0], keys = size[1], depth = size[2], square = queries * keys;
    ag_real *q = numbers(queries * depth * 3, "q"), *k = numbers(depth * keys, "k"), *v = numbers(depth * keys, "v");
    ag_real *d = numbers(queries * depth * 2, "d"), *heads = numbers(queries * depth * 2, "h");
    ag_attend at = {.queries = queries,
                    .keys = keys,
                    .depth = depth,
                    .q = q,
                    .q_row = 3 * depth,
                    .turned = k,
                    .factor = AG_R(0.5),
                    .weights = all,
                    .moments = all + 3 * square};
    kernels->attend(&at);
    ag_attend_gradient gradient = {.of = at,
                                   .d = d,
                                   .heads = heads,
                                   .d_row = 2 * depth,
                                   .values_turned = v,
                                   .kept = kept,
                                   .first_bit = kept ? size[2] : 0,
                                   .scale = AG_R(1.25),
                                   .slopes = all + 2 * square};
    gradient.of.weights = all + square;
    kernels->attend_gradient(&gradient);
    kernels->scale_rows(at.moments + queries, all, queries, keys, keys);
    if (!kept) assert_memory_equal(all, all + square, (size_t)square * sizeof *all);
    ag_real *mine[] = {q, k, v, d, heads};
    for (size_t i = 0; i < sizeof mine / sizeof *mine; i++) ag_free(mine[i]);
}

static void attend_all(const ag_kernels *kernels)
{
    static const int64_t those[][3] = {{64, 64, 16}, {12, 64, 8}, {12, 64, 5}, {7, 64, 16}, {9, 13, 4}, {1, 1, 1}};
    uint8_t kept[64 * 64 / 8 + 3];
    for (size_t i = 0; i < sizeof kept; i++) kept[i] = (uint8_t)(i * 41 + 7);
    for (size_t i = 0; i < 2 * sizeof those / sizeof *those; i++) {
        const int64_t *size = those[i / 2];
        int64_t count = 3 * size[0] * size[1] + 2 * size[0];
        ag_real *x = numbers(count, "x"), *y = numbers(count, "y");
        attend_once(kernels, size, i % 2 ? kept : NULL, x);
        attend_once(ag_kernels_find("plain"), size, i % 2 ? kept : NULL, y);
        for (int64_t e = 0; e < count; e++) ag_check_near((double)x[e], (double)y[e], 2e-5, kernels->name);
        ag_free(x);
        ag_free(y);
    }
}

AG_TEST(test_kernels__attention_agrees_with_plain_forward_and_backward)
{
    with_every_table(attend_all);
}

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

/* A gate is its weights' softmax times v, whether or not they are wanted, and wherever. */
static void open_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    for (int64_t rows = 1; rows < 40; rows += rows < 5 ? 1 : 6)
        for (int64_t columns = 1; columns < 70; columns += columns % 16 ? 1 : 15) {
            int64_t size = rows * columns;
            ag_real *x = numbers(size, "x"), *v = numbers(size, "v"), *y = numbers(size, "y"), *z = numbers(size, "z"),
                    *weights = numbers(size, "w"), *twin = numbers(size, "t");
            for (int form = 0; form < 2; form++) {
                (form ? plain->gate_columns : plain->gate_rows)(x, v, twin, z, rows, columns);
                (form ? kernels->gate_columns : kernels->gate_rows)(x, v, weights, y, rows, columns);
                for (int64_t i = 0; i < size; i++) {
                    ag_check_near((double)weights[i], (double)twin[i], 3e-7, "weights of a gate");
                    ag_check_near((double)y[i], (double)z[i], 1e-6, "gate");
                }
                (form ? kernels->gate_columns : kernels->gate_rows)(x, v, NULL, z, rows, columns);
                assert_memory_equal(y, z, (size_t)size * sizeof *y);
                memcpy(twin, x, (size_t)size * sizeof *x);
                (form ? kernels->gate_columns : kernels->gate_rows)(twin, v, twin, z, rows, columns);
                assert_memory_equal(twin, weights, (size_t)size * sizeof *twin);
                assert_memory_equal(y, z, (size_t)size * sizeof *y);
            }
            kernels->scale_rows(v, y, rows, columns - columns / 3, columns);
            for (int64_t i = 0; i < size; i++)
                assert_true(y[i] == (i % columns < columns - columns / 3 ? z[i] * v[i / columns] : z[i]));
            ag_real *all[] = {x, v, y, z, weights, twin};
            for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_free(all[i]);
        }
}

AG_TEST(test_kernels__gates_of_every_size_agree_with_plain)
{
    with_every_table(open_all);
}

/* Scores far apart and far from 0: weights add up to one, and the smallest become 0. */
static void extremes_of_softmax(const ag_kernels *kernels)
{
    static const double scales[] = {1e-30, 1.0, 80.0, 1e3, 1e6, 1e15, 1e30};
    enum { COLUMNS = 64 };
    for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
        ag_real *x = numbers(COLUMNS, "x"), *y = numbers(COLUMNS, "y"), *z = numbers(COLUMNS, "z");
        for (int64_t i = 0; i < COLUMNS; i++) x[i] *= (ag_real)scales[s];
        for (int64_t columns = 15; columns <= COLUMNS; columns += columns < 17 ? 1 : 47) {
            kernels->softmax_rows(x, y, 1, columns);
            kernels->softmax_columns(x, z, columns, 1, 1);
            double sum = 0.0, least = 1.0;
            for (int64_t i = 0; i < columns; i++) {
                sum += (double)y[i];
                least = fmin(least, (double)fmin((double)y[i], (double)z[i]));
                assert_true(z[i] == y[i]);
            }
            ag_check_near(sum, 1.0, 1e-6, "sum of the weights");
            assert_true(least >= 0.0 && (scales[s] < 100.0 || least == 0.0));
        }
        ag_free(x);
        ag_free(y);
        ag_free(z);
    }
}

AG_TEST(test_kernels__softmax_of_scores_far_apart)
{
    with_every_table(extremes_of_softmax);
}

static void gate_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    for (int64_t rows = 1; rows < 40; rows += 6)
        for (int64_t columns = 1; columns < 70; columns += 3) {
            int64_t size = rows * columns;
            ag_real *weights = numbers(size, "w"), *v = numbers(size, "v"), *d = numbers(size, "d"),
                    *e = numbers(size, "d"), *slopes = numbers(size, "s"), *twin = numbers(size, "t");
            plain->softmax_rows(weights, weights, rows, columns);
            kernels->gate_rows_gradient(weights, v, d, slopes, rows, columns);
            plain->gate_rows_gradient(weights, v, e, twin, rows, columns);
            assert_memory_equal(d, e, (size_t)size * sizeof *d);
            for (int64_t i = 0; i < size; i++) ag_check_near((double)slopes[i], (double)twin[i], 2e-6, "gate by rows");
            kernels->gate_columns_gradient(weights, v, d, slopes, rows, columns);
            plain->gate_columns_gradient(weights, v, e, twin, rows, columns);
            assert_memory_equal(d, e, (size_t)size * sizeof *d);
            for (int64_t i = 0; i < size; i++) ag_check_near((double)slopes[i], (double)twin[i], 1e-5, "by columns");
            ag_real *all[] = {weights, v, d, e, slopes, twin};
            for (size_t i = 0; i < sizeof all / sizeof *all; i++) ag_free(all[i]);
        }
}

AG_TEST(test_kernels__gradients_through_a_gate_agree_with_plain)
{
    with_every_table(gate_all);
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
    {"gelu", exact_gelu, 4e-7, false},
    {"gelu'", exact_gelu_slope, 6e-7, false},
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
