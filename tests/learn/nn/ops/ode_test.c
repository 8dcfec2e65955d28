// SPDX-License-Identifier: Apache-2.0
/* Solvers of differential equations against exact solutions, by their order of convergence, and by finite differences.
 */
#include <math.h>
#include <string.h>

#include "learn/nn/layers.h"
#include "learn/nn/ops/ode.h"
#include "learn/nn/probe.h"

/* One layer without a hidden one: dz/dt = W [z, t] + b: a turning pair, driven by the time. */
static void build_turning(ag_graph *g, const void *config)
{
    ag_ref in[4] = {ag_graph_input(g, "z", ag_shape_of(2))};
    in[2] = ag_graph_parameter(g, "w", ag_shape_of(2, 3), ag_init_constant(0.0));
    in[3] = ag_graph_parameter(g, "b", ag_shape_of(2), ag_init_constant(0.0));
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_ode, "ode", in, 4, config));
}

/* z' = (z1, -z0) + (0, t) from `z`, at time t: z0 = t + A cos t + B sin t. */
static double exact(const ag_real *z, double t, int part)
{
    double a = (double)z[0], b = (double)z[1] - 1.0;
    return part ? 1.0 - a * sin(t) + b * cos(t) : t + a * cos(t) + b * sin(t);
}

static double worst_error(const ag_ode *ode)
{
    ag_err err = {0};
    ag_model *model = NULL;
    ag_exec *exec = NULL;
    ag_real z[2] = {AG_R(0.5), AG_R(-1.25)}, y[64];
    double worst = 0.0;
    ag_graph *graph = NULL;
    AG_EXPECT_OK(ag_graph_new(&graph, &err));
    build_turning(graph, ode);
    AG_EXPECT_OK(ag_graph_finish(graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_real *w = ag_model_parameter(model, "w");
    w[1] = 1;
    w[3] = -1;
    w[5] = 1;
    ag_plan_options options = {.outputs = true, .max_samples = 1};
    AG_EXPECT_OK(ag_exec_new(graph, &options, model->values, NULL, NULL, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "z", z, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "y", y, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = 1}, &err));
    for (int64_t i = 0; i < 2 * ode->intervals; i++) {
        double error = fabs((double)y[i] - exact(z, (double)(i / 2 + 1) * ode->span, (int)(i % 2)));
        if (!(error <= worst)) worst = error;
    }
    ag_exec_free(exec);
    ag_model_free(model);
    return worst;
}

AG_TEST(test_ode__rk4_is_of_fourth_order)
{
    double coarse = worst_error(&(ag_ode){AG_SOLVER_RK4, 4, 2, 0.5, 0.0, 0.0});
    double fine = worst_error(&(ag_ode){AG_SOLVER_RK4, 4, 4, 0.5, 0.0, 0.0});
    assert_true(coarse < 1e-3);
    if (AG_REAL_IS_DOUBLE) assert_true(coarse / fine > 14.0 && coarse / fine < 18.0);
}

AG_TEST(test_ode__dormand_prince_keeps_its_tolerance)
{
    int most = AG_REAL_IS_DOUBLE ? 5 : 2;
    for (int i = 1; i <= most; i++) {
        double tolerance = pow(100.0, -i);
        double error = worst_error(&(ag_ode){AG_SOLVER_DOPRI5, 3, 200, 2.0, tolerance, tolerance});
        assert_true(error < 10.0 * tolerance + (AG_REAL_IS_DOUBLE ? 0.0 : 2e-6));
    }
}

AG_TEST(test_ode__too_few_steps_are_not_a_number)
{
    assert_true(isnan(worst_error(&(ag_ode){AG_SOLVER_DOPRI5, 2, 2, 20.0, 1e-6, 1e-6})));
}

typedef struct ode_case {
    ag_ode ode;
    bool driven;
    int layers;
} ode_case;

static void build(ag_graph *g, const void *config)
{
    const ode_case *k = config;
    ag_ref z = ag_graph_input(g, "z", ag_shape_of(3));
    ag_ref drive = k->driven ? ag_graph_input(g, "u", ag_shape_of(k->ode.intervals, 2)) : AG_NO_REF;
    ag_graph_output(g, "y", ag_layer_ode(g, z, drive, "f", 5, k->layers, &k->ode));
}

static const ode_case cases[] = {
    {{AG_SOLVER_RK4, 3, 2, 0.4, 0.0, 0.0}, true, 2},
    {{AG_SOLVER_RK4, 1, 1, 1.0, 0.0, 0.0}, false, 3},
    {{AG_SOLVER_DOPRI5, 3, 60, 0.7, 1e-9, 1e-9}, true, 2},
    {{AG_SOLVER_DOPRI5, 2, 60, 1.5, 1e-8, 1e-9}, false, 3},
};

AG_TEST(test_ode__gradients)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ode_case k = cases[i];
        if (!AG_REAL_IS_DOUBLE) k.ode.relative = k.ode.absolute = 1e-3;
        ag_check_graph(&(ag_check){.build = build, .config = &k, .samples = 3, .float_tolerance = 1e-3});
    }
}

static void build_wrong(ag_graph *g, const void *config)
{
    int64_t out = *(const int64_t *)config;
    ag_ref in[4] = {ag_graph_input(g, "z", ag_shape_of(2))};
    in[2] = ag_graph_parameter(g, "w", ag_shape_of(out, out == 3 ? 2 : 5), ag_init_constant(0.0));
    in[3] = ag_graph_parameter(g, "b", ag_shape_of(out), ag_init_constant(0.0));
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_ode, "latent", in, 4, &cases[0].ode));
}

AG_TEST(test_ode__what_cannot_be_is_refused)
{
    ag_check_refused(build_wrong, &(int64_t){3}, "latent: the last layer gives 3 numbers, but the state has 2");
    ag_check_refused(build_wrong, &(int64_t){2}, "latent: a weight has shape [2, 5], but [2, 2] is needed");
    ode_case k = {{AG_SOLVER_RK4, 0, 2, 0.4, 0.0, 0.0}, false, 2};
    ag_check_refused(build, &k, "f: 0 intervals of 2 steps cannot be");
    k = (ode_case){{AG_SOLVER_DOPRI5, 2, 2, 0.4, 1e-3, 0.0}, false, 2};
    ag_check_refused(build, &k, "f: tolerances of 0.001 and 0 cannot be");
    k = (ode_case){{AG_SOLVER_RK4, 1, 2, 0.4, 0.0, 0.0}, false, 9};
    ag_check_refused(build, &k, "1 to 7 layers");
}
