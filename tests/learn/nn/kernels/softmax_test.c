// SPDX-License-Identifier: Apache-2.0
/* Softmax, and what is made of it: attention and gates. */
#include <math.h>
#include <string.h>

#include "learn/nn/kernels/every_table.h"

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
    static const int64_t those[][3] = {{64, 64, 16}, {12, 64, 8}, {12, 64, 5}, {7, 64, 16},
                                       {18, 32, 7},  {9, 13, 4},  {1, 1, 1}};
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
        for (int64_t columns = 1; columns < 70; columns += columns < 32 || columns % 16 ? 1 : 15) {
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

/* Of two scores the lower one's weight is exp(difference) / (1 + exp(difference)): a power's own error, to which its
 * argument, which is rounded, adds half an ulp of the difference. */
static void powers_of_softmax(const ag_kernels *kernels)
{
    for (int i = 0; i < 8000; i++) {
        const double difference = 0.0107 * i;
        ag_real x[2] = {AG_R(0.0), (ag_real)-difference}, y[2];
        kernels->softmax_columns(x, y, 2, 1, 1);
        double power = exp((double)x[1]), should = power / (1.0 + power);
        double error = fabs((double)y[1] - should) / should;
        if (!(error <= 4e-7 + 1.3e-7 * difference))
            fail_msg("softmax of 0 and %.9g gave %.9g instead of %.9g", (double)x[1], (double)y[1], should);
    }
}

AG_TEST(test_kernels__powers_of_softmax_hold_their_stated_error)
{
    with_every_table(powers_of_softmax);
}

/* NaN is no score: every weight of its row is NaN, also where the row's other scores are larger or minus infinity. */
static void nan_in_softmax(const ag_kernels *kernels)
{
    enum { COLUMNS = 40 };
    for (int64_t columns = 2; columns <= COLUMNS; columns++)
        for (int64_t at = 0; at < columns; at += columns - 1) {
            ag_real *x = numbers(COLUMNS, "x"), *y = numbers(COLUMNS, "y"), *z = numbers(COLUMNS, "z");
            for (int64_t i = 0; i < columns; i += 3) x[i] = -(ag_real)INFINITY;
            x[at] = (ag_real)NAN;
            kernels->softmax_rows(x, y, 1, columns);
            kernels->softmax_columns(x, z, columns, 1, 1);
            for (int64_t i = 0; i < columns; i++) assert_true(isnan(y[i]) && isnan(z[i]));
            ag_free(x);
            ag_free(y);
            ag_free(z);
        }
}

AG_TEST(test_kernels__softmax_does_not_lose_nan)
{
    with_every_table(nan_in_softmax);
}

/* Scores of minus infinity, which is how what must not be seen is masked, get no weight and spoil no others. */
static void masked_softmax(const ag_kernels *kernels)
{
    enum { COLUMNS = 40, ROWS = 3 };
    for (int64_t columns = 2; columns <= COLUMNS; columns++) {
        ag_real *x = numbers(ROWS * COLUMNS, "x"), *y = numbers(ROWS * COLUMNS, "y"), *z = numbers(COLUMNS, "z");
        for (int64_t r = 0; r < ROWS; r++) {
            int64_t seen = r == 0 ? columns - 1 : columns / (r + 1);
            for (int64_t i = 0; i < columns; i++)
                if (i != seen && (r == 0 || i != 0)) x[r * columns + i] = -(ag_real)INFINITY;
            if (r != 1 && seen != 0) x[r * columns] = -(ag_real)INFINITY;
        }
        kernels->softmax_rows(x, y, ROWS, columns);
        for (int64_t r = 0; r < ROWS; r++) {
            double sum = 0.0;
            kernels->softmax_columns(x + r * columns, z, columns, 1, 1);
            for (int64_t i = 0; i < columns; i++) {
                const ag_real weight = y[r * columns + i];
                assert_true(weight == z[i] && (isfinite(x[r * columns + i]) ? weight > 0 : weight == 0));
                sum += (double)weight;
            }
            ag_check_near(sum, 1.0, 1e-6, "sum of the weights");
        }
        ag_free(x);
        ag_free(y);
        ag_free(z);
    }
}

AG_TEST(test_kernels__softmax_of_masked_scores)
{
    with_every_table(masked_softmax);
}

static void gate_all(const ag_kernels *kernels)
{
    const ag_kernels *plain = ag_kernels_find("plain");
    for (int64_t rows = 1; rows < 40; rows += 6)
        for (int64_t columns = 1; columns < 70; columns++) {
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
