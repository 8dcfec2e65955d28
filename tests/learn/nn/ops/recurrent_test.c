// SPDX-License-Identifier: Apache-2.0
/* LSTM and GRU against PyTorch's formulas, written out step by step, and by finite differences. */
#include <math.h>
#include <string.h>

#include "learn/nn/layers.h"
#include "learn/nn/ops/recurrent.h"
#include "learn/nn/probe.h"

enum { ROWS = 6, IN = 3, HIDDEN = 5 };

typedef struct cell_case {
    ag_cell cell;
    bool reverse, states, biases;
    bool only_last; /* the sequence is no output */
} cell_case;

static void build_cell(ag_graph *g, const void *config)
{
    const cell_case *k = config;
    int64_t wide = (k->cell == AG_CELL_LSTM ? 4 : 3) * HIDDEN;
    ag_ref in[7] = {ag_graph_input(g, "x", ag_shape_of(ROWS, IN))};
    in[1] = ag_graph_parameter(g, "wx", ag_shape_of(wide, IN), ag_init_normal(0, 0.5));
    in[2] = ag_graph_parameter(g, "wh", ag_shape_of(wide, HIDDEN), ag_init_normal(0, 0.5));
    if (k->biases) in[3] = ag_graph_parameter(g, "bx", ag_shape_of(wide), ag_init_normal(0, 0.5));
    if (k->biases) in[4] = ag_graph_parameter(g, "bh", ag_shape_of(wide), ag_init_normal(0, 0.5));
    if (k->states) in[5] = ag_graph_input(g, "h0", ag_shape_of(HIDDEN));
    if (k->states && k->cell == AG_CELL_LSTM) in[6] = ag_graph_input(g, "c0", ag_shape_of(HIDDEN));
    ag_ref y = ag_graph_apply(g, k->cell == AG_CELL_LSTM ? &ag_op_lstm : &ag_op_gru, "cell", in,
                              k->cell == AG_CELL_LSTM ? 7 : 6, &(ag_recurrent){k->reverse});
    if (!k->only_last) ag_graph_output(g, "y", y);
    ag_graph_output(g, "h", ag_graph_slot(g, y, 1));
    if (k->cell == AG_CELL_LSTM) ag_graph_output(g, "c", ag_graph_slot(g, y, 2));
}

static double sigmoid(double x)
{
    return 1.0 / (1.0 + exp(-x));
}

/* Row `row` of W_ih x + b_ih, or of W_hh h + b_hh. */
static double line(const probe *p, const cell_case *k, bool of_state, int row, const double *v)
{
    double sum = k->biases ? probe_parameter(p, of_state ? "bh" : "bx", row) : 0.0;
    int count = of_state ? HIDDEN : IN;
    for (int i = 0; i < count; i++) sum += probe_parameter(p, of_state ? "wh" : "wx", row * count + i) * v[i];
    return sum;
}

static void step(const probe *p, const cell_case *k, const double *x, double *h, double *c)
{
    double before[HIDDEN], a[4], b[4];
    memcpy(before, h, sizeof before);
    for (int i = 0; i < HIDDEN; i++) {
        int gates = k->cell == AG_CELL_LSTM ? 4 : 3;
        for (int q = 0; q < gates; q++) a[q] = line(p, k, false, q * HIDDEN + i, x);
        for (int q = 0; q < gates; q++) b[q] = line(p, k, true, q * HIDDEN + i, before);
        if (k->cell == AG_CELL_LSTM) {
            c[i] = sigmoid(a[1] + b[1]) * c[i] + sigmoid(a[0] + b[0]) * tanh(a[2] + b[2]);
            h[i] = sigmoid(a[3] + b[3]) * tanh(c[i]);
        } else {
            double r = sigmoid(a[0] + b[0]), z = sigmoid(a[1] + b[1]), n = tanh(a[2] + r * b[2]);
            h[i] = (1.0 - z) * n + z * before[i];
        }
    }
}

static void compare(const probe *p, const cell_case *k, int s)
{
    double h[HIDDEN] = {0}, c[HIDDEN] = {0}, x[IN];
    for (int i = 0; i < HIDDEN && k->states; i++) {
        h[i] = (double)p->in[1][s * HIDDEN + i];
        if (k->cell == AG_CELL_LSTM) c[i] = (double)p->in[2][s * HIDDEN + i];
    }
    for (int t = 0; t < ROWS; t++) {
        int row = k->reverse ? ROWS - 1 - t : t;
        for (int i = 0; i < IN; i++) x[i] = (double)p->in[0][(s * ROWS + row) * IN + i];
        step(p, k, x, h, c);
        for (int i = 0; i < HIDDEN && !k->only_last; i++)
            ag_check_near((double)p->out[0][(s * ROWS + row) * HIDDEN + i], h[i], probe_near(), "y");
    }
    int out = k->only_last ? 0 : 1;
    for (int i = 0; i < HIDDEN; i++) {
        ag_check_near((double)p->out[out][s * HIDDEN + i], h[i], probe_near(), "h");
        if (k->cell == AG_CELL_LSTM) ag_check_near((double)p->out[out + 1][s * HIDDEN + i], c[i], probe_near(), "c");
    }
}

static const cell_case cases[] = {
    {AG_CELL_LSTM, false, false, true, false}, {AG_CELL_LSTM, true, true, true, false},
    {AG_CELL_LSTM, false, true, false, true},  {AG_CELL_GRU, false, false, true, false},
    {AG_CELL_GRU, true, true, true, false},    {AG_CELL_GRU, false, true, false, true},
    {AG_CELL_GRU, true, false, false, false},
};

AG_TEST(test_recurrent__cells_are_their_formulas)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        probe p = probe_run(build_cell, &cases[i], 3, NULL);
        for (int s = 0; s < 3; s++) compare(&p, &cases[i], s);
        probe_free(&p);
    }
}

AG_TEST(test_recurrent__gradients)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ag_check_graph(&(ag_check){.build = build_cell, .config = &cases[i], .most = 20});
}

static void build_layers(ag_graph *g, const void *config)
{
    ag_ref last, x = ag_graph_input(g, "x", ag_shape_of(ROWS, IN));
    ag_ref y = ag_layer_recurrent(g, x, "rnn", config, &last);
    ag_graph_output(g, "y", y);
    ag_graph_output(g, "last", last);
}

AG_TEST(test_recurrent__layers_and_directions)
{
    const ag_recurrence deep[] = {
        {AG_CELL_LSTM, 4, 2, true, 0.2}, {AG_CELL_GRU, 4, 2, true, 0.0}, {AG_CELL_GRU, 3, 3, false, 0.3}};
    for (size_t i = 0; i < 3; i++) ag_check_graph(&(ag_check){.build = build_layers, .config = &deep[i], .most = 5});
    ag_graph *graph = ag_check_build(build_layers, &deep[0]);
    int32_t at = ag_graph_parameter_find(graph, "rnn.weight_ih_l1_reverse");
    assert_true(at >= 0);
    ag_shape wanted = ag_shape_of(16, 8);
    assert_true(ag_shape_equal(&ag_graph_parameter_at(graph, at)->shape, &wanted));
    ag_graph_free(graph);
}

static void build_wrong(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref in[3] = {ag_graph_input(g, "x", ag_shape_of(ROWS, IN))};
    in[1] = ag_graph_parameter(g, "wx", ag_shape_of(20, 4), ag_init_constant(0));
    in[2] = ag_graph_parameter(g, "wh", ag_shape_of(20, HIDDEN), ag_init_constant(0));
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_lstm, "encoder.lstm", in, 3, &(ag_recurrent){false}));
}

AG_TEST(test_recurrent__a_wrong_width_names_the_layer)
{
    ag_check_refused(build_wrong, NULL, "encoder.lstm: weight_ih has shape [20, 4], but [20, 3] is needed");
}
