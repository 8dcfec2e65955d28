// SPDX-License-Identifier: Apache-2.0
/* The numbers come from PyTorch 2.15 in double precision: five steps from the same values with the same gradients. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/check.h"
#include "learn/nn/optim.h"
#include "learn/nn/optim/ema.h"
#include "learn/nn/optim/plateau.h"

#define NEAR (AG_REAL_IS_DOUBLE ? 1e-11 : 1e-6)

/* Four numbers as a vector, and a matrix that only the tests of groups look at. */
static ag_model *small_model(int64_t size)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    ag_model *model = NULL;
    AG_EXPECT_OK(ag_graph_new(&graph, &err));
    ag_ref x = ag_graph_input(graph, "x", ag_shape_of(size));
    ag_graph_push(graph, "body");
    ag_ref v = ag_graph_parameter(graph, "vector", ag_shape_of(size), ag_init_constant(1.0));
    ag_ref w = ag_graph_parameter(graph, "matrix", ag_shape_of(size, size), ag_init_constant(1.0));
    ag_graph_frozen(graph, "table", ag_shape_of(size), ag_init_constant(1.0));
    ag_graph_pop(graph);
    ag_ref y = ag_graph_apply2(graph, &ag_op_add, "sum", x, v, NULL);
    ag_graph_output(graph, "y", ag_graph_apply2(graph, &ag_op_linear, "product", y, w, NULL));
    AG_EXPECT_OK(ag_graph_finish(graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &model, &err));
    ag_model_initialise(model, 1);
    return model;
}

typedef struct bench {
    ag_model *model;
    ag_optim *optim;
    ag_real *gradient, *v, *w, *table;
} bench;

static bench open_bench(const ag_optim_options *options, int64_t size)
{
    ag_err err = {0};
    bench b = {.model = small_model(size)};
    AG_EXPECT_OK(ag_optim_new(b.model->graph, options, &b.optim, &err));
    assert_non_null(b.gradient = ag_calloc((size_t)ag_graph_flat_size(b.model->graph), sizeof *b.gradient));
    b.v = ag_model_parameter(b.model, "body.vector");
    b.w = ag_model_parameter(b.model, "body.matrix");
    b.table = ag_model_parameter(b.model, "body.table");
    return b;
}

static void close_bench(bench *b)
{
    ag_optim_free(b->optim);
    ag_free(b->gradient);
    ag_model_free(b->model);
}

static void expect_steps(ag_optim_options o, const double *should)
{
    static const double begin[] = {0.5, -1.2, 3.0, 0.01};
    ag_err err = {0};
    bench b = open_bench(&o, 4);
    for (int i = 0; i < 4; i++) b.v[i] = (ag_real)begin[i];
    ag_real *slope = b.gradient + (b.v - b.model->values);
    for (int k = 0; k < 5; k++) {
        for (int i = 0; i < 4; i++) slope[i] = (ag_real)(8.0 * sin(1.0 + k * 0.7 + i) * (1 + i));
        AG_EXPECT_OK(ag_optim_step(b.optim, b.model->values, b.gradient, 8.0, 1.0, NULL, NULL, &err));
    }
    for (int i = 0; i < 4; i++) ag_check_near((double)b.v[i], should[i], NEAR, o.optimizer->name);
    assert_int_equal(ag_optim_steps(b.optim), 5);
    assert_true(b.table[0] == 1);
    close_bench(&b);
}
#define EXPECT_STEPS(name, ...)                                                                                        \
    expect_steps((ag_optim_options){.optimizer = ag_optimizer_find(name), .decay_biases = true, __VA_ARGS__}, should)

AG_TEST(test_optim__five_steps_agree_with_pytorch)
{
    {
        const double should[] = {0.30616782527, -1.05333889703, 3.81922052054, 0.897015757425};
        EXPECT_STEPS("sgd", .learning_rate = 0.1);
    }
    {
        const double should[] = {0.0870484504122, -1.37749897724, 3.86663011463, 1.70166469878};
        EXPECT_STEPS("sgd", .learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.02);
    }
    {
        const double should[] = {0.457022176653, -1.21845140252, 3.01596194696, 0.0539697932014};
        EXPECT_STEPS("adam", .learning_rate = 0.01, .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8);
    }
    {
        const double should[] = {0.455293936839, -1.21492594997, 3.0052176071, 0.0538342583394};
        EXPECT_STEPS("adamw", .learning_rate = 0.01, .weight_decay = 0.1, .beta1 = 0.9, .beta2 = 0.999,
                     .epsilon = 1e-8);
    }
    {
        const double should[] = {0.378396588202, -1.25228412844, 3.06585087604, 0.137707389039};
        EXPECT_STEPS("adamw", .learning_rate = 0.03, .beta1 = 0.8, .beta2 = 0.95, .epsilon = 1e-6);
    }
    {
        const double should[] = {0.435654609205, -1.11739944134, 3.32692398931, 0.315832976734};
        EXPECT_STEPS("sgd", .learning_rate = 0.1, .clip_norm = 1.5);
    }
}

AG_TEST(test_optim__lion_follows_its_formula)
{
    ag_err err = {0};
    bench b = open_bench(&(ag_optim_options){.optimizer = ag_optimizer_find("lion"),
                                             .learning_rate = 0.01,
                                             .weight_decay = 0.5,
                                             .beta1 = 0.9,
                                             .beta2 = 0.99,
                                             .decay_biases = true},
                         2);
    double value = 1.0, momentum = 0.0;
    for (int k = 0; k < 6; k++) {
        double g = k < 3 ? 2.0 : -0.5, way = 0.9 * momentum + 0.1 * g;
        value = value * (1.0 - 0.01 * 0.5) - 0.01 * ((way > 0.0) - (way < 0.0));
        momentum = 0.99 * momentum + 0.01 * g;
        b.gradient[b.v - b.model->values] = (ag_real)g;
        AG_EXPECT_OK(ag_optim_step(b.optim, b.model->values, b.gradient, 1.0, 1.0, NULL, NULL, &err));
    }
    ag_check_near((double)b.v[0], value, 1e-6, "lion");
    ag_check_near((double)ag_optim_moment(b.optim, 0)[b.v - b.model->values], momentum, 1e-6, "momentum");
    assert_null(ag_optim_moment(b.optim, 1));
    close_bench(&b);
}

AG_TEST(test_optim__freezing_and_groups_by_pattern)
{
    ag_err err = {0};
    bench b = open_bench(
        &(ag_optim_options){
            .optimizer = ag_optimizer_find("sgd"), .learning_rate = 1.0, .weight_decay = 0.25, .clip_norm = 0.0},
        2);
    double norm = 0.0;
    AG_EXPECT_OK(ag_optim_step(b.optim, b.model->values, b.gradient, 1.0, 1.0, NULL, &norm, &err));
    assert_true(b.v[0] == 1 && b.w[0] == AG_R(0.75)); /* only matrices decay */
    assert_int_equal(ag_optim_freeze(b.optim, "*.mat?ix", true), 1);
    assert_int_equal(ag_optim_freeze(b.optim, "head.*", true), 0);
    assert_int_equal(ag_optim_freeze(b.optim, "body.table", true), 0); /* is not trainable at all */
    b.gradient[b.w - b.model->values] = 100;
    b.gradient[b.v - b.model->values] = 3;
    AG_EXPECT_OK(ag_optim_step(b.optim, b.model->values, b.gradient, 1.0, 1.0, NULL, &norm, &err));
    assert_true(b.v[0] == -2 && b.w[0] == AG_R(0.75) && norm == 3.0); /* what is frozen does not count */
    assert_int_equal(ag_optim_group(b.optim, "*", 0.5, 0.0), 2);
    ag_optim_freeze(b.optim, "*", false);
    AG_EXPECT_OK(ag_optim_step(b.optim, b.model->values, b.gradient, 1.0, 1.0, NULL, &norm, &err));
    assert_true(b.v[0] == AG_R(-3.5) && b.w[0] == AG_R(-49.25));
    close_bench(&b);
}

AG_TEST(test_optim__a_gradient_that_is_not_finite_is_named_and_changes_nothing)
{
    ag_err err = {0};
    bench b = open_bench(&(ag_optim_options){.optimizer = ag_optimizer_find("adam"), .learning_rate = 1.0}, 3);
    b.gradient[b.w - b.model->values + 7] = (ag_real)NAN;
    b.gradient[b.v - b.model->values] = 1;
    AG_EXPECT_ERROR(ag_optim_step(b.optim, b.model->values, b.gradient, 1.0, 1.0, NULL, NULL, &err), AG_EDIVERGED,
                    "the gradient of 'body.matrix' is not finite");
    AG_EXPECT_ERROR(ag_optim_step(b.optim, b.model->values, b.gradient, 0.0, 1.0, NULL, NULL, &err), AG_EINVAL,
                    "add up to 0");
    assert_true(b.v[0] == 1 && ag_optim_moment(b.optim, 0)[b.v - b.model->values] == 0);
    assert_int_equal(ag_optim_steps(b.optim), 0);
    close_bench(&b);
}

AG_TEST(test_optim__the_same_bits_for_any_number_of_threads)
{
    ag_err err = {0};
    ag_real *kept = NULL;
    for (unsigned threads = 0; threads <= 4; threads++) {
        ag_pool *pool = NULL;
        if (threads) AG_EXPECT_OK(ag_pool_new(threads, &pool, &err));
        bench b = open_bench(&(ag_optim_options){.optimizer = ag_optimizer_find("adamw"),
                                                 .learning_rate = 0.1,
                                                 .beta1 = 0.9,
                                                 .beta2 = 0.999,
                                                 .epsilon = 1e-8,
                                                 .clip_norm = 1.0},
                             300);
        size_t flat = (size_t)ag_graph_flat_size(b.model->graph);
        for (size_t i = 0; i < flat; i++) b.gradient[i] = (ag_real)sin((double)i);
        for (int k = 0; k < 3; k++)
            AG_EXPECT_OK(ag_optim_step(b.optim, b.model->values, b.gradient, 1.0, 1.0, pool, NULL, &err));
        if (!kept) {
            assert_non_null(kept = ag_alloc_array(flat, sizeof *kept));
            memcpy(kept, b.model->values, flat * sizeof *kept);
        }
        assert_memory_equal(kept, b.model->values, flat * sizeof *kept);
        close_bench(&b);
        ag_pool_free(pool);
    }
    ag_free(kept);
}

static int open_all(void *context, ag_err *err)
{
    bench *b = context;
    ag_optim *optim = NULL;
    ag_ema *ema = NULL;
    ag_optim_options options = {.optimizer = ag_optimizer_find("adam"), .learning_rate = 1.0};
    int rc = ag_optim_new(b->model->graph, &options, &optim, err);
    if (rc >= 0) rc = ag_ema_new(b->model->graph, 0.5, &ema, err);
    ag_optim_free(optim);
    ag_ema_free(ema);
    return rc;
}

AG_TEST(test_optim__opening_survives_every_failing_allocation_and_refuses_nonsense)
{
    ag_err err = {0};
    bench b = open_bench(&(ag_optim_options){.optimizer = ag_optimizer_find("sgd"), .learning_rate = 1.0}, 2);
    ag_test_fail_at_n(AG_FAULT_ALLOC, open_all, NULL, &b);
    ag_optim *none = NULL;
    ag_optim_options o = {.optimizer = ag_optimizer_find("sgd"), .learning_rate = NAN};
    AG_EXPECT_ERROR(ag_optim_new(b.model->graph, &o, &none, &err), AG_EINVAL, "learning_rate nan");
    o = (ag_optim_options){.optimizer = ag_optimizer_find("adam"), .beta1 = 1.0};
    AG_EXPECT_ERROR(ag_optim_new(b.model->graph, &o, &none, &err), AG_EINVAL, "betas 1 and 0");
    o = (ag_optim_options){.learning_rate = 1.0};
    AG_EXPECT_ERROR(ag_optim_new(b.model->graph, &o, &none, &err), AG_EINVAL, "no optimiser");
    close_bench(&b);
}

static void expect_schedule(const char *name, double end, int64_t steps, const double *should, int count)
{
    for (int i = 0; i < count; i++) {
        ag_schedule_point p = {.step = i, .steps = steps, .final_factor = end};
        double is = ag_schedule_factor(ag_schedule_find(name), &p);
        if (!(fabs(is - should[i]) < 1e-11)) fail_msg("%s at %d: %.12g is not %.12g", name, i, is, should[i]);
    }
}

AG_TEST(test_optim__schedules_agree_with_pytorch)
{
    const double cosine[] = {1,    0.96574578963,  0.868198051534, 0.722207544564,
                             0.55, 0.377792455436, 0.231801948466, 0.13425421037};
    const double linear[] = {1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.2, 0.2};
    const double cycle[] = {
        0.04, 0.52, 1, 0.950484632013, 0.81174565395, 0.611262021936, 0.388741978064, 0.18825834605, 0.0495193679865,
        4e-06};
    expect_schedule("cosine", 0.1, 8, cosine, 8);
    expect_schedule("linear", 0.2, 8, linear, 11);
    expect_schedule("one_cycle", 4e-6, 10, cycle, 10);
    expect_schedule("one_cycle", 4e-6, 1, &cycle[9], 1);
    ag_schedule_point p = {.step = 3, .steps = 14, .warmup = 4, .final_factor = 0.2};
    assert_true(ag_schedule_factor(ag_schedule_find("constant"), &p) == 0.75);
    p.step = 9;
    assert_true(fabs(ag_schedule_factor(ag_schedule_find("linear"), &p) - 0.6) < 1e-12);
    assert_null(ag_schedule_find("exponential"));
}

AG_TEST(test_optim__plateau_agrees_with_pytorch)
{
    const double metrics[] = {1.0, 0.9, 0.895, 0.894, 0.9, 0.8, 0.81, 0.82, 0.83, 0.84, 0.85, 0.86, 0.87};
    const double factors[] = {1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125, 0.125, 0.125};
    ag_plateau p = {.factor = 0.5, .patience = 1, .threshold = 0.01, .cooldown = 1, .least = 0.1};
    for (int i = 0; i < 13; i++) assert_true(ag_plateau_step(&p, metrics[i]) == factors[i]);
    for (int i = 0; i < 9; i++) ag_plateau_step(&p, NAN);
    assert_true(ag_plateau_step(&p, NAN) == 0.1);
}

AG_TEST(test_optim__early_stopping_keeps_the_best)
{
    ag_early e = {.patience = 2, .threshold = 0.01};
    assert_int_equal(ag_early_step(&e, NAN), AG_EARLY_GO_ON);
    assert_int_equal(ag_early_step(&e, 1.0), AG_EARLY_BEST);
    assert_int_equal(ag_early_step(&e, 0.995), AG_EARLY_GO_ON);
    assert_int_equal(ag_early_step(&e, 0.9), AG_EARLY_BEST);
    assert_int_equal(ag_early_step(&e, 0.95), AG_EARLY_GO_ON);
    assert_int_equal(ag_early_step(&e, NAN), AG_EARLY_STOP);
    assert_int_equal(e.best_epoch, 3);
}

AG_TEST(test_optim__moving_average_follows_its_formula)
{
    ag_err err = {0};
    ag_ema *ema = NULL;
    ag_model *model = small_model(2);
    AG_EXPECT_ERROR(ag_ema_new(model->graph, 1.0, &ema, &err), AG_EINVAL, "decay 1");
    AG_EXPECT_OK(ag_ema_new(model->graph, 0.75, &ema, &err));
    ag_real *v = ag_model_parameter(model, "body.vector");
    const ag_real *average = ag_ema_values(ema) + (v - model->values);
    v[0] = 8;
    ag_ema_update(ema, model->values);
    assert_true(average[0] == 8);
    v[0] = 4;
    ag_ema_update(ema, model->values);
    assert_true(average[0] == 7 && ag_ema_updates(ema) == 2);
    assert_true(ag_ema_values(ema)[ag_model_parameter(model, "body.table") - model->values] == 1);
    ag_ema_free(ema);
    ag_model_free(model);
}

AG_TEST(test_optim__patterns)
{
    assert_true(ag_name_matches("a.b.weight", "*weight") && ag_name_matches("a.b", "a.?"));
    assert_true(ag_name_matches("aXbXc", "a*X*c") && ag_name_matches("", "*"));
    assert_false(ag_name_matches("a.b.weight", "*bias") || ag_name_matches("ab", "a") || ag_name_matches("", "?"));
}
