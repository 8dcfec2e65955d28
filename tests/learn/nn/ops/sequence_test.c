// SPDX-License-Identifier: Apache-2.0
/* Operations on sequences: each against its formula, written out, and by finite differences. */
#include <math.h>

#include "learn/nn/layers.h"
#include "learn/nn/ops/pool1d.h"
#include "learn/nn/ops/rotary.h"
#include "learn/nn/probe.h"

/* ---- convolution ---- */

typedef struct conv_case {
    int64_t rows, in, out, taps;
    ag_conv1d conv;
} conv_case;

static void build_conv(ag_graph *g, const void *config)
{
    const conv_case *k = config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(k->rows, k->in));
    ag_graph_output(g, "y", ag_layer_conv1d(g, x, "conv", k->out, k->taps, k->conv));
}

static conv_case conv_cases[] = {
    {9, 3, 5, 3, {0}},
    {9, 3, 5, 3, {2, 1, 1, 1, 1}},
    {9, 4, 6, 3, {1, 2, 2, 2, 2}},
    {9, 4, 4, 2, {3, 1, 1, 0, 4}},
    {7, 2, 20, 7, {1, 1, 3, 3, 1}},
    {10, 1, 1, 4, {2, 3, 0, 5, 1}},
    {5, 17, 3, 1, {0}},
};

static double conv_at(const probe *p, const conv_case *k, int64_t s, int64_t t, int64_t o)
{
    int64_t groups = k->conv.groups ? k->conv.groups : 1, part = k->in / groups, first = o / (k->out / groups) * part;
    int64_t stride = k->conv.stride ? k->conv.stride : 1, dilation = k->conv.dilation ? k->conv.dilation : 1;
    double sum = probe_parameter(p, "conv.bias", o);
    for (int64_t i = 0; i < part; i++)
        for (int64_t n = 0; n < k->taps; n++) {
            int64_t row = t * stride + n * dilation - k->conv.left;
            if (row < 0 || row >= k->rows) continue;
            sum += probe_parameter(p, "conv.weight", (o * part + i) * k->taps + n) *
                   (double)p->in[0][(s * k->rows + row) * k->in + first + i];
        }
    return sum;
}

AG_TEST(test_sequence__conv1d_is_its_formula)
{
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++) {
        const conv_case *k = &conv_cases[i];
        probe p = probe_run(build_conv, k, 3, NULL);
        int64_t rows = ag_graph_output_at(p.model->graph, 0)->shape.at[0];
        assert_int_equal(rows, ag_conv1d_rows(&k->conv, k->rows, k->taps));
        for (int64_t n = 0; n < 3 * rows * k->out; n++)
            ag_check_near((double)p.out[0][n], conv_at(&p, k, n / (rows * k->out), n / k->out % rows, n % k->out),
                          probe_near(), "convolution");
        probe_free(&p);
    }
}

AG_TEST(test_sequence__conv1d_gradients)
{
    for (size_t i = 0; i < sizeof conv_cases / sizeof *conv_cases; i++)
        ag_check_graph(&(ag_check){.build = build_conv, .config = &conv_cases[i], .most = 30});
}

AG_TEST(test_sequence__paddings_keep_the_length)
{
    for (int64_t taps = 1; taps < 6; taps++)
        for (int64_t dilation = 1; dilation < 4; dilation++) {
            ag_conv1d same = ag_conv1d_padded(AG_PAD_SAME, taps, 1, dilation, 1);
            ag_conv1d causal = ag_conv1d_padded(AG_PAD_CAUSAL, taps, 1, dilation, 1);
            assert_int_equal(ag_conv1d_rows(&same, 20, taps), 20);
            assert_int_equal(ag_conv1d_rows(&causal, 20, taps), 20);
            assert_int_equal(causal.right, 0);
            assert_true(same.right - same.left == 0 || same.right - same.left == 1);
        }
}

AG_TEST(test_sequence__conv1d_refuses_by_the_layers_name)
{
    conv_case k = {4, 3, 5, 7, {0}};
    ag_check_refused(build_conv, &k, "conv: 4 rows are too few for 7 taps with dilation 1");
    k = (conv_case){9, 4, 5, 3, {.groups = 2}};
    ag_check_refused(build_conv, &k, "conv: 2 groups do not divide 4 channels in and 5 out");
    k = (conv_case){9, 4, 5, 3, {.stride = -1}};
    ag_check_refused(build_conv, &k, "conv: stride, dilation, padding and groups must not be negative");
    k = (conv_case){9, 4, 4, 3, {.left = INT64_MAX}};
    ag_check_refused(build_conv, &k, "must not pass");
}

/* ---- pooling ---- */

static void build_pool(ag_graph *g, const void *config)
{
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(10, 3));
    ag_graph_output(g, "y", ag_graph_apply1(g, &ag_op_pool1d, "pool", x, config));
}

static double pool_at(const probe *p, const ag_pool1d *a, int64_t s, int64_t t, int64_t channel)
{
    int64_t step = a->stride ? a->stride : a->length, from = t * step - a->padding, to = from + a->length;
    double sum = 0.0, most = -1e30;
    if (a->windows) from = (int64_t)floor((double)(t * 10) / (double)a->windows);
    if (a->windows) to = (int64_t)ceil((double)((t + 1) * 10) / (double)a->windows);
    for (int64_t row = from; row < to; row++) {
        if (row < 0 || row >= 10) continue;
        double x = (double)p->in[0][(s * 10 + row) * 3 + channel];
        sum += x;
        if (x > most) most = x;
    }
    return a->kind == AG_POOL_MAX ? most : sum / (double)(to - from);
}

AG_TEST(test_sequence__pooling_is_its_formula)
{
    static const ag_pool1d cases[] = {{AG_POOL_MAX, 3, 0, 0, 0},     {AG_POOL_MAX, 3, 2, 1, 0},
                                      {AG_POOL_AVERAGE, 4, 1, 2, 0}, {AG_POOL_AVERAGE, 2, 0, 0, 0},
                                      {AG_POOL_MAX, 0, 0, 0, 4},     {AG_POOL_AVERAGE, 0, 0, 0, 3},
                                      {AG_POOL_AVERAGE, 0, 0, 0, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        probe p = probe_run(build_pool, &cases[i], 3, NULL);
        int64_t rows = ag_graph_output_at(p.model->graph, 0)->shape.at[0];
        for (int64_t n = 0; n < 3 * rows * 3; n++)
            ag_check_near((double)p.out[0][n], pool_at(&p, &cases[i], n / (rows * 3), n / 3 % rows, n % 3),
                          probe_near(), "pooling");
        probe_free(&p);
        ag_check_graph(&(ag_check){.build = build_pool, .config = &cases[i]});
    }
}

AG_TEST(test_sequence__pooling_refuses_windows_that_cannot_be)
{
    ag_check_refused(build_pool, &(ag_pool1d){AG_POOL_MAX, 11, 0, 0, 0}, "pool: 10 rows are less than a window of 11");
    ag_check_refused(build_pool, &(ag_pool1d){AG_POOL_MAX, 3, 0, 2, 0}, "more than half of a window");
    ag_check_refused(build_pool, &(ag_pool1d){.windows = 11}, "10 rows cannot make 11 windows");
    ag_check_refused(build_pool, &(ag_pool1d){0}, "cannot be");
}

/* ---- embedding and positions ---- */

static void build_embedding(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(2, 3));
    ag_graph_output(g, "y", ag_layer_embedding(g, x, "table", 5, 4));
}

static void whole_numbers(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    (void)input;
    for (int64_t i = 0; i < samples * size; i++) values[i] = (ag_real)(i * 7 % 5);
}

AG_TEST(test_sequence__embedding)
{
    probe p = probe_run(build_embedding, NULL, 3, whole_numbers);
    for (int64_t i = 0; i < 18; i++)
        for (int64_t k = 0; k < 4; k++)
            ag_check_near((double)p.out[0][i * 4 + k], probe_parameter(&p, "table.weight", i * 7 % 5 * 4 + k), 0.0,
                          "embedding");
    probe_free(&p);
    ag_check_graph(&(ag_check){.build = build_embedding, .fill = whole_numbers, .constant = "x"});
}

static void wrong_numbers(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    static const ag_real wrong[] = {-1, 5, AG_R(0.5), (ag_real)NAN, (ag_real)1e30, 4};
    (void)input;
    for (int64_t i = 0; i < samples * size; i++) values[i] = wrong[i % 6];
}

AG_TEST(test_sequence__embedding_of_what_is_not_in_the_table_is_not_a_number)
{
    probe p = probe_run(build_embedding, NULL, 2, wrong_numbers);
    for (int64_t i = 0; i < 12 * 4; i++) assert_int_equal(isnan(p.out[0][i]) != 0, i / 4 % 6 != 5);
    probe_free(&p);
}

static void build_rotary(ag_graph *g, const void *config)
{
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(2, 5, 8));
    ag_graph_output(g, "y", ag_graph_apply1(g, &ag_op_rotary, "rotary", x, config));
}

AG_TEST(test_sequence__rotary)
{
    ag_rotary a = {2, 100.0};
    probe p = probe_run(build_rotary, &a, 2, NULL);
    for (int64_t i = 0; i < 2 * 2 * 5 * 8; i++) {
        int64_t feature = i % 4, token = i / 8 % 5;
        double angle = (double)token * pow(100.0, -2.0 * (double)(feature % 2) / 4.0);
        double other = (double)p.in[0][feature < 2 ? i + 2 : i - 2];
        double y = (double)p.in[0][i] * cos(angle) + (feature < 2 ? -other : other) * sin(angle);
        ag_check_near((double)p.out[0][i], y, probe_near(), "rotary");
    }
    probe_free(&p);
    ag_check_graph(&(ag_check){.build = build_rotary, .config = &a});
    ag_check_refused(build_rotary, &(ag_rotary){8, 100.0}, "rotary: a width of 8 cannot be shared by 8 heads");
}

static void build_position(ag_graph *g, const void *config)
{
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(2, 5, 8));
    ag_graph_output(g, "y", ag_layer_position(g, x, "table", *(const ag_position *)config));
}

AG_TEST(test_sequence__tables_of_positions)
{
    for (ag_position kind = AG_POSITION_SINCOS; kind <= AG_POSITION_LEARNED; kind++) {
        probe p = probe_run(build_position, &kind, 1, NULL);
        for (int64_t i = 0; i < 80; i++)
            ag_check_near((double)p.out[0][i], (double)p.in[0][i] + probe_parameter(&p, "table", i % 40), probe_near(),
                          "position");
        probe_free(&p);
        ag_check_graph(&(ag_check){.build = build_position, .config = &kind});
    }
}
