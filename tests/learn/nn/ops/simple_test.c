// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/check.h"
#include "learn/nn/ops/reshape.h"

static void build_chain(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(4, 6));
    ag_ref table = ag_graph_parameter(g, "table", ag_shape_of(6), ag_init_normal(0, 1));
    ag_ref y = ag_graph_apply2(g, &ag_op_add, "add_table", x, table, NULL);
    ag_ref z = ag_graph_apply1(g, &ag_op_gelu, "gelu", y, NULL);
    z = ag_reshape(g, z, ag_shape_of(2, 12));
    z = ag_graph_apply2(g, &ag_op_add, "add_both", z, ag_reshape(g, y, ag_shape_of(2, 12)), NULL);
    z = ag_graph_apply1(g, &ag_op_gelu, "gelu2", z, NULL);
    ag_graph_output(g, "z", z);
    ag_graph_output(g, "flat", ag_reshape(g, x, ag_shape_of(24)));
}

AG_TEST(test_simple__views_sharing_and_in_place_keep_gradients_right)
{
    ag_check_graph(&(ag_check){.build = build_chain});
}

static void build_unaddable(ag_graph *g, const void *config)
{
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(4, 6)), y = ag_graph_input(g, "y", ag_shape_of(4));
    ag_graph_output(g, "z", ag_graph_apply2(g, &ag_op_add, "sum", x, y, NULL));
}

AG_TEST(test_simple__shapes_that_do_not_fit_are_refused)
{
    ag_check_refused(build_unaddable, NULL, "sum: [4] cannot be added to [4, 6]");
}
