// SPDX-License-Identifier: Apache-2.0
/* Plans: what is computed again, how much memory that saves, and what a failing allocation leaves behind. That the bits
 * are the same is checked for every operation and architecture by ag_check_graph(), and here for layers of all kinds.
 */
#include "learn/nn/plan.h"

#include <string.h>

#include "learn/nn/exec.h"
#include "learn/nn/golden.h"
#include "learn/nn/ops/reshape.h"

static int count_steps(const ag_plan *plan, bool again, ag_phase phase)
{
    int count = 0;
    for (int32_t s = 0; s < plan->step_count; s++)
        count += plan->steps[s].again == again && plan->steps[s].phase == phase;
    return count;
}

static ag_plan *plan_of(const ag_graph *graph, bool recompute)
{
    ag_err err = {0};
    ag_plan *plan = NULL;
    ag_plan_options options = {.gradients = true, .training = true, .max_samples = 8, .recompute = recompute};
    AG_EXPECT_OK(ag_plan_new(graph, &options, &plan, &err));
    return plan;
}

AG_TEST(test_plan__layers_computed_again_need_less_memory)
{
    ag_patchtsmixer c = golden_drilling();
    c.dropout = 0.2;
    for (int plain = 0; plain < 2; plain++) {
        ag_model *model = golden_model(&c, true, plain);
        ag_plan *keeping = plan_of(model->graph, false), *again = plan_of(model->graph, true);
        assert_int_equal(count_steps(keeping, true, AG_FORWARD), 0);
        assert_true(count_steps(again, true, AG_FORWARD) > 0);
        assert_int_equal(count_steps(again, true, AG_BACKWARD), 0);
        assert_int_equal(count_steps(again, false, AG_FORWARD), count_steps(keeping, false, AG_FORWARD));
        assert_int_equal(count_steps(again, false, AG_BACKWARD), count_steps(keeping, false, AG_BACKWARD));
        assert_true(again->workspace < keeping->workspace / 3);
        ag_plan_free(keeping);
        ag_plan_free(again);
        ag_model_free(model);
    }
}

/* Layers that share memory in every way: views, in place over their own and over other layers' values, one value read
 * by two layers, and a layer whose name comes back after another one. */
static void build_tangle(ag_graph *g, const void *config)
{
    static const int numbers[] = {0, 1, 1, 2, 0};
    (void)config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(4, 6)), first = AG_NO_REF;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ag_graph_push(g, "part%zu", i / 2);
        ag_graph_push(g, "layers.%d", numbers[i]);
        ag_ref y = ag_graph_apply1(g, &ag_op_gelu, "in_place", x, NULL);
        y = ag_reshape(g, y, ag_shape_of(2, 12));
        ag_ref z = ag_graph_apply1(g, &ag_op_tanh, "tanh", y, NULL);
        if (first.index) z = ag_graph_apply2(g, &ag_op_add, "far", z, first, NULL);
        if (i == 1) first = z;
        z = ag_graph_apply1(g, &ag_op_sigmoid, "sigmoid", z, NULL);
        z = ag_graph_apply2(g, &ag_op_multiply, "product", z, y, NULL);
        x = ag_reshape(g, z, ag_shape_of(4, 6));
        ag_graph_pop(g);
        ag_graph_pop(g);
        if (i == 2) x = ag_graph_apply1(g, &ag_op_tanh, "between", x, NULL);
    }
    ag_graph_output(g, "y", x);
    ag_graph_output(g, "first", first);
}

AG_TEST(test_plan__tangled_layers_are_computed_again_right)
{
    ag_check_graph(&(ag_check){.build = build_tangle});
}

AG_TEST(test_plan__names_without_numbers_keep_everything)
{
    static const char *const names[] = {"layers", "layers.x1", "1x.layer", ""};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        ag_err err = {0};
        ag_graph *g = NULL;
        AG_EXPECT_OK(ag_graph_new(&g, &err));
        ag_graph_push(g, "%s", names[i]);
        ag_ref x = ag_graph_input(g, "x", ag_shape_of(4)),
               w = ag_graph_parameter(g, "w", ag_shape_of(4), ag_init_constant(1));
        ag_ref y = ag_graph_apply1(g, &ag_op_tanh, "tanh", ag_graph_apply2(g, &ag_op_add, "add", x, w, NULL), NULL);
        ag_graph_loss(g, ag_graph_apply2(g, &ag_op_mse, "mse", y, x, NULL));
        ag_graph_pop(g);
        AG_EXPECT_OK(ag_graph_finish(g, &err));
        ag_plan *plan = plan_of(g, true);
        assert_int_equal(count_steps(plan, true, AG_FORWARD), 0);
        ag_plan_free(plan);
        ag_graph_free(g);
    }
}

static int make_all(void *context, ag_err *err)
{
    const ag_patchtsmixer *config = context;
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    ag_exec *exec = NULL;
    ag_plan_options options = {.gradients = true, .training = true, .max_samples = 3, .recompute = true};
    int rc = ag_architecture_graph(&ag_architecture_patchtsmixer, config, &(ag_building){.loss = true}, &graph, err);
    if (rc < 0 || (rc = ag_model_new(graph, &model, err)) < 0) return rc;
    rc = ag_exec_new(graph, &options, model->values, NULL, NULL, &exec, err);
    ag_exec_free(exec);
    ag_model_free(model);
    return rc;
}

AG_TEST(test_plan__every_failing_allocation_leaves_nothing_behind)
{
    ag_patchtsmixer c = golden_small();
    c.num_layers = 1;
    ag_test_fail_at_n(AG_FAULT_ALLOC, make_all, NULL, &c);
}
