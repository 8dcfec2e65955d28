// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/check.h"

typedef struct linear_case {
    int64_t rows, in, out;
    bool bias;
} linear_case;

static void build(ag_graph *g, const void *config)
{
    const linear_case *c = config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(c->rows, c->in));
    ag_ref w = ag_graph_parameter(g, "w", ag_shape_of(c->out, c->in), ag_init_fan_in(c->in));
    ag_ref b = c->bias ? ag_graph_parameter(g, "b", ag_shape_of(c->out), ag_init_fan_in(c->in)) : AG_NO_REF;
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_linear, "linear", (ag_ref[]){x, w, b}, 3, NULL));
}

AG_TEST(test_linear__every_form_of_shape)
{
    const linear_case cases[] = {{1, 1, 1, true},     {5, 7, 3, true},     {5, 7, 3, false},    {17, 16, 32, true},
                                 {3, 65, 33, true},   {1, 130, 70, true},  {2, 530, 150, true}, {3, 128, 128, false},
                                 {5, 300, 140, true}, {17, 600, 130, true}}; /* few rows of a wide map, too */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ag_check_graph(&(ag_check){.build = build, .config = &cases[i]});
}

static void build_tied(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(3, 7));
    ag_ref w = ag_graph_parameter(g, "w", ag_shape_of(7, 7), ag_init_fan_in(7));
    x = ag_graph_apply2(g, &ag_op_linear, "first", x, w, NULL);
    ag_graph_output(g, "y", ag_graph_apply2(g, &ag_op_linear, "second", x, w, NULL));
}

AG_TEST(test_linear__a_weight_of_two_maps_gets_both_gradients)
{
    ag_check_graph(&(ag_check){.build = build_tied});
}

static void build_wrong(ag_graph *g, const void *config)
{
    (void)config;
    ag_graph_push(g, "mixers.%d", 3);
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(5, 7));
    ag_ref w = ag_graph_parameter(g, "w", ag_shape_of(3, 8), ag_init_fan_in(8));
    ag_graph_output(g, "y", ag_graph_apply2(g, &ag_op_linear, "fc1", x, w, NULL));
    ag_graph_pop(g);
}

AG_TEST(test_linear__a_wrong_width_names_the_layer)
{
    ag_check_refused(build_wrong, NULL, "mixers.3.fc1: the weight has shape [3, 8], but [3, 7] is needed");
}
