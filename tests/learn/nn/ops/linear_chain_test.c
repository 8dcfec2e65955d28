// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/probe.h"

enum { MAPS = 3, SAMPLES = 3 };

typedef struct chain_case {
    int64_t rows, width[MAPS + 1];
    int maps;
    bool joined;
} chain_case;

/* Both forms have parameters of the same names, and so of the same initial values. */
static void build(ag_graph *g, const void *config)
{
    const chain_case *c = config;
    ag_ref in[1 + 2 * MAPS] = {ag_graph_input(g, "x", ag_shape_of(c->rows, c->width[0]))};
    for (int i = 0; i < c->maps; i++) {
        ag_graph_push(g, "map%d", i);
        int64_t from = c->width[i], to = c->width[i + 1];
        in[1 + 2 * i] = ag_graph_parameter(g, "weight", ag_shape_of(to, from), ag_init_fan_in(from));
        in[2 + 2 * i] = ag_graph_parameter(g, "bias", ag_shape_of(to), ag_init_fan_in(from));
        ag_graph_pop(g);
    }
    ag_ref y = in[0];
    for (int i = 0; i < c->maps && !c->joined; i++)
        y = ag_graph_apply(g, &ag_op_linear, "map", (ag_ref[]){y, in[1 + 2 * i], in[2 + 2 * i]}, 3, NULL);
    if (c->joined) y = ag_graph_apply(g, &ag_op_linear_chain, "chain", in, 1 + 2 * c->maps, NULL);
    ag_graph_output(g, "y", y);
}

AG_TEST(test_linear_chain__is_the_maps_one_behind_the_other)
{
    const chain_case cases[] = {{5, {7, 9, 3}, 2, false},
                                {1, {16, 16, 16, 16}, 3, false},
                                {17, {130, 140, 150, 129}, 3, false},
                                {30, {40, 3, 170}, 2, false},
                                {2, {300, 17, 33, 128}, 3, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        chain_case joined = cases[i];
        joined.joined = true;
        probe apart = probe_run(build, &cases[i], SAMPLES, NULL), one = probe_run(build, &joined, SAMPLES, NULL);
        int64_t count = SAMPLES * joined.rows * joined.width[joined.maps];
        for (int64_t k = 0; k < count; k++)
            ag_check_near((double)one.out[0][k], (double)apart.out[0][k], probe_near(), "an output of the chain");
        probe_free(&apart);
        probe_free(&one);
    }
}

static ag_real *run_with(const ag_model *model, const ag_real *x, int64_t size, unsigned threads)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    ag_exec *exec = NULL;
    ag_real *y = ag_calloc((size_t)size, sizeof *y);
    assert_non_null(y);
    AG_EXPECT_OK(ag_pool_new(threads, &pool, &err));
    AG_EXPECT_OK(ag_exec_new(model->graph, &(ag_plan_options){.outputs = true, .max_samples = 1}, model->values, NULL,
                             pool, &exec, &err));
    AG_EXPECT_OK(ag_exec_input(exec, "x", x, &err));
    AG_EXPECT_OK(ag_exec_output(exec, "y", y, &err));
    AG_EXPECT_OK(ag_exec_run(exec, &(ag_device_run){.samples = 1}, &err));
    ag_exec_free(exec);
    ag_pool_free(pool);
    return y;
}

AG_TEST(test_linear_chain__threads_change_no_bit)
{
    const chain_case few = {17, {130, 140, 150, 129}, 3, true}, many = {200, {33, 20, 17}, 2, true};
    const chain_case *cases[] = {&few, &many};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        probe p = probe_run(build, cases[i], 1, NULL);
        int64_t size = cases[i]->rows * cases[i]->width[cases[i]->maps];
        for (unsigned threads = 1; threads <= 4; threads++) {
            ag_real *y = run_with(p.model, p.in[0], size, threads);
            assert_memory_equal(y, p.out[0], (size_t)size * sizeof *y);
            ag_free(y);
        }
        probe_free(&p);
    }
}

static void build_wrong(ag_graph *g, const void *config)
{
    const int *inputs = config;
    ag_ref x = ag_graph_input(g, "x", ag_shape_of(5, 7));
    ag_ref w = ag_graph_parameter(g, "w", ag_shape_of(3, 7), ag_init_fan_in(7));
    ag_ref b = ag_graph_parameter(g, "b", ag_shape_of(3), ag_init_fan_in(7));
    ag_ref second = ag_graph_parameter(g, "second", ag_shape_of(4, 5), ag_init_fan_in(5));
    ag_ref in[] = {x, w, b, second, b, x};
    ag_graph_output(g, "y", ag_graph_apply(g, &ag_op_linear_chain, "head", in, *inputs, NULL));
}

AG_TEST(test_linear_chain__what_does_not_fit_is_refused)
{
    ag_check_refused(build_wrong, &(int){5}, "head: a weight has shape [4, 5], but [4, 3] is needed");
    ag_check_refused(build_wrong, &(int){6}, "head: each weight needs a bias beside it");
}
