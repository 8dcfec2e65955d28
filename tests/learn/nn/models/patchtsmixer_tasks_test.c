// SPDX-License-Identifier: Apache-2.0
/* Every task and loss of PatchTSMixer: golden numbers, gradients against differences (double), and the same bits for 1
 * to 4 threads and any chunk (float); batch norm in training too. */
#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/golden.h"

#define EXPECT(is, ...) GOLDEN_EXPECT(is, GOLDEN_NEAR, __VA_ARGS__)

static void expect_loss(double is, double should)
{
    if (!(fabs(is - should) <= GOLDEN_NEAR * should)) fail_msg("%.12g is not %.12g", is, should);
}

static ag_patchtsmixer small_of(ag_mixer_task task)
{
    ag_patchtsmixer c = golden_small();
    c.task = (int)task;
    c.head = 0;
    return c;
}

AG_TEST(test_mixer_tasks__student_t_likelihood)
{
    ag_patchtsmixer c = small_of(AG_MIXER_FORECAST);
    c.loss = AG_MIXER_NLL;
    golden_run r = golden_compute(&c, true, false, NULL);
    expect_loss(r.loss, 2.72301974154);
    golden_run_free(&r);
}

AG_TEST(test_mixer_tasks__pretraining_with_a_given_mask)
{
    ag_patchtsmixer c = small_of(AG_MIXER_PRETRAINING);
    static const ag_real mask[] = {0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0, 1, 1, 0};
    const golden_input inputs[] = {{"mask", mask}, {NULL, NULL}};
    golden_run r = golden_compute(&c, true, false, inputs);
    EXPECT(golden_output(&r, "prediction_outputs"), 0.25656142685, -0.26392468540, -0.49412453646, -0.37415539273);
    assert_memory_equal(golden_output(&r, "mask"), mask, sizeof mask);
    expect_loss(r.loss, 1.52205970033);
    golden_run_free(&r);
    c.pretrain_terms = true;
    r = golden_compute(&c, true, false, inputs);
    expect_loss(r.loss, 1.69315232085);
    golden_run_free(&r);
}

AG_TEST(test_mixer_tasks__linear_head)
{
    static const struct {
        int aggregation;
        double y[3];
    } cases[] = {{2, {-0.50859159610, -0.12433541733, -0.87196143646}},
                 {3, {-0.14294608822, 0.16939536077, -0.15621298612}},
                 {1, {0.36252711542, 0.18665216500, 0.11976633409}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_patchtsmixer c = small_of(AG_MIXER_REGRESSION);
        c.head_aggregation = cases[i].aggregation;
        golden_run r = golden_compute(&c, false, false, NULL);
        golden_expect(golden_output(&r, "regression_outputs"), 3, cases[i].y, GOLDEN_NEAR, "regression");
        golden_run_free(&r);
        c.task = AG_MIXER_CLASSIFICATION;
        r = golden_compute(&c, false, false, NULL);
        golden_expect(golden_output(&r, "prediction_outputs"), 3, cases[i].y, GOLDEN_NEAR, "classification");
        const double *y = cases[i].y, sum = exp(y[0]) + exp(y[1]) + exp(y[2]);
        EXPECT(golden_output(&r, "probabilities"), exp(y[0]) / sum, exp(y[1]) / sum, exp(y[2]) / sum);
        golden_run_free(&r);
    }
}

AG_TEST(test_mixer_tasks__cross_entropy)
{
    ag_patchtsmixer c = small_of(AG_MIXER_CLASSIFICATION);
    const ag_real classes[] = {2};
    const golden_input inputs[] = {{"target_values", classes}, {NULL, NULL}};
    golden_run r = golden_compute(&c, true, false, inputs);
    double sum = exp(-0.50859159610) + exp(-0.12433541733) + exp(-0.87196143646);
    expect_loss(r.loss, log(sum) + 0.87196143646);
    golden_run_free(&r);
}

AG_TEST(test_mixer_tasks__outputs_in_a_range)
{
    static const double range[] = {-1, 3};
    ag_patchtsmixer c = small_of(AG_MIXER_REGRESSION);
    c.output_range = (ag_list){range, 2};
    golden_run r = golden_compute(&c, false, false, NULL);
    EXPECT(golden_output(&r, "regression_outputs"), 4 / (1 + exp(0.50859159610)) - 1, 4 / (1 + exp(0.12433541733)) - 1,
           4 / (1 + exp(0.87196143646)) - 1);
    golden_run_free(&r);
}

AG_TEST(test_mixer_tasks__focal_is_plain_when_channels_are_selected)
{
    static const int64_t channels[] = {-1, 0}; /* the last and the first */
    ag_patchtsmixer c = golden_small();
    c.prediction_channel_indices = (ag_list){channels, 2};
    golden_run mse = golden_compute(&c, true, false, NULL);
    c.loss = AG_MIXER_FOCAL;
    golden_run focal = golden_compute(&c, true, false, NULL);
    assert_true(mse.loss == focal.loss && mse.loss > 0.1);
    EXPECT(golden_output(&mse, "prediction_outputs"), 0.70105251882, 0.58892696498);
    EXPECT(golden_output(&mse, "loc"), 0.76396480747, 0.53876010517);
    EXPECT(golden_output(&mse, "scale"), 0.35170681424, 0.33414119726);
    golden_run_free(&mse);
    golden_run_free(&focal);
}

/* ---- gradients, threads, chunks: every task ---- */

static void build(ag_graph *graph, const void *config)
{
    ag_architecture_patchtsmixer.build(graph, config, &(ag_building){.loss = true});
}

static void fill(const char *input, ag_real *values, int64_t samples, int64_t size)
{
    bool mask = strcmp(input, "observed_mask") == 0 || strcmp(input, "mask") == 0;
    for (int64_t i = 0; mask && i < samples * size; i++) values[i] = golden_number(3, (uint64_t)i) > -0.2 ? 1 : 0;
    if (strcmp(input, "target_values") == 0 && size == 1)
        for (int64_t i = 0; i < samples; i++) values[i] = (ag_real)(i % 3);
    bool counts = strcmp(input, "future_values") == 0;
    for (int64_t i = 0; counts && i < samples * size; i++) values[i] = ag_fabs(values[i]);
}

typedef struct attempt {
    const char *what;
    ag_patchtsmixer config;
    const char *constant;
} attempt;

static void check(const attempt *a)
{
    ag_check_graph(&(ag_check){.build = build,
                               .config = &a->config,
                               .fill = fill,
                               .constant = a->constant,
                               .no_input_gradients = a->constant == NULL,
                               .samples = 5,
                               .most = 3,
                               .float_tolerance = 1e-3});
}

static ag_patchtsmixer thin(ag_mixer_task task)
{
    ag_patchtsmixer c = small_of(task);
    c.num_layers = 1;
    c.dropout = 0.2;
    c.head_dropout = 0.3;
    c.random_mask_ratio = 0.4;
    return c;
}

AG_TEST(test_mixer_tasks__gradients_and_bits_of_likelihoods)
{
    for (int distribution = 0; distribution < 3; distribution++) {
        static const int64_t channels[] = {2, 0};
        attempt forecast = {"forecast", thin(AG_MIXER_FORECAST), NULL};
        forecast.config.loss = AG_MIXER_NLL;
        forecast.config.distribution_output = distribution;
        check(&forecast);
        forecast.config.prediction_channel_indices = (ag_list){channels, 2};
        forecast.config.scaling = AG_MIXER_MEAN;
        check(&forecast);
        attempt regression = {"regression", thin(AG_MIXER_REGRESSION), NULL};
        regression.config.loss = AG_MIXER_NLL;
        regression.config.distribution_output = distribution;
        regression.config.num_targets = distribution == 0 ? 1 : 2;
        check(&regression);
    }
}

AG_TEST(test_mixer_tasks__gradients_and_bits_of_linear_heads)
{
    static const double range[] = {-1, 3};
    for (int aggregation = 0; aggregation < 4; aggregation++) {
        attempt a = {"regression", thin(AG_MIXER_REGRESSION), NULL};
        a.config.head_aggregation = aggregation;
        a.config.scaling = aggregation % 3;
        if (aggregation == 1) a.config.output_range = (ag_list){range, 2};
        check(&a);
    }
    attempt c = {"classification", thin(AG_MIXER_CLASSIFICATION), NULL};
    check(&c);
    c.config.scaling = AG_MIXER_UNSCALED;
    c.config.num_targets = 4;
    check(&c);
}

AG_TEST(test_mixer_tasks__gradients_and_bits_of_pretraining)
{
    static const int64_t spared[] = {1};
    attempt a = {"pretraining", thin(AG_MIXER_PRETRAINING), NULL};
    a.config.mask_value = 0.5;
    check(&a);
    a.config.pretrain_terms = true;
    check(&a);
    a.config.masked_loss = false;
    a.config.unmasked_channel_indices = (ag_list){spared, 1};
    check(&a);
}

AG_TEST(test_mixer_tasks__gradients_and_bits_of_batch_norm)
{
    attempt a = {"batch norm", thin(AG_MIXER_FORECAST), NULL};
    a.config.norm_mlp = "BatchNorm";
    check(&a);
    a.config.task = AG_MIXER_CLASSIFICATION;
    a.config.norm_mlp = "a batch norm";
    check(&a);
    a.config.task = AG_MIXER_PRETRAINING;
    check(&a);
}
