// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/train.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "learn/nn/check.h"
#include "learn/nn/waves.h"

AG_TEST(test_samples__order_is_a_permutation_that_seed_and_epoch_decide)
{
    int64_t a[100], b[100], seen[100] = {0};
    ag_samples_order(5, 3, 100, a);
    ag_samples_order(5, 3, 100, b);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < 100; i++) seen[a[i]]++;
    for (int i = 0; i < 100; i++) assert_int_equal(seen[i], 1);
    ag_samples_order(5, 4, 100, b);
    assert_memory_not_equal(a, b, sizeof a);
    ag_samples_order(6, 3, 100, b);
    assert_memory_not_equal(a, b, sizeof a);
}

AG_TEST(test_train__learns_waves_and_reports)
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    b.options.epochs = 25;
    b.options.early.patience = 0;
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    const ag_train_epoch *first = &b.result.history[0], *last = &b.result.history[b.result.history_count - 1];
    assert_int_equal(b.result.history_count, 25);
    assert_true(last->val_loss < 0.25 * first->val_loss);
    assert_true(b.result.epochs == 25 && b.result.steps == 25 * 4 && b.result.best_epoch >= 10);
    assert_true(b.epochs_seen == 25 && b.steps_seen == 100 && b.saves_seen == 0 && !b.result.resumed);
    /* The weights that it gives back are those of the best epoch. */
    ag_evaluation *evaluation = NULL;
    double loss = 0.0;
    AG_EXPECT_OK(
        ag_evaluation_new(b.model->graph, b.model->values, &b.validation.samples, 9, NULL, NULL, &evaluation, &err));
    AG_EXPECT_OK(ag_evaluation_run(evaluation, NULL, NULL, &loss, &err));
    assert_true(loss == b.result.best_metric);
    ag_evaluation_free(evaluation);
    ag_waves_close(&b);
}

AG_TEST(test_train__any_number_of_threads_gives_the_same_bits)
{
    ag_real *one = ag_waves_straight(NULL);
    for (unsigned threads = 2; threads <= 4; threads++) {
        ag_waves b;
        ag_err err = {0};
        ag_pool *pool = NULL;
        ag_waves_open(&b);
        AG_EXPECT_OK(ag_pool_new(threads, &pool, &err));
        b.job.pool = pool;
        AG_EXPECT_OK(ag_waves_train(&b, &err));
        assert_memory_equal(b.model->values, one, ag_waves_size(&b));
        ag_pool_free(pool);
        ag_waves_close(&b);
    }
    ag_free(one);
}

/* ---- what options do ---- */

AG_TEST(test_train__accumulated_batches_are_the_large_batch)
{
    ag_waves a, b;
    ag_err err = {0};
    ag_waves_open(&a);
    ag_waves_open(&b);
    a.options.batch_size = 18;
    a.options.accumulate = 1;
    AG_EXPECT_OK(ag_waves_train(&a, &err));
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    for (size_t i = 0; i < a.result.history_count; i++)
        ag_check_near(a.result.history[i].train_loss, b.result.history[i].train_loss, 1e-3, "loss");
    ag_waves_close(&a);
    ag_waves_close(&b);
}

AG_TEST(test_train__stops_early_and_gives_the_best_weights_back)
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    b.options.epochs = 100;
    b.options.early = (ag_early){.patience = 2, .threshold = 1e6}; /* nothing after the first epoch is progress */
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    assert_true(b.result.stopped_early && b.result.epochs == 3 && b.result.best_epoch == 0);
    assert_true(b.result.history[0].best && !b.result.history[1].best);
    ag_waves_close(&b);
}

static int judge(void *context, const ag_real *values, ag_train_metric *metrics, int *count, ag_err *err)
{
    const ag_waves *b = context;
    (void)err;
    assert_true(values != b->model->values); /* the moving average */
    metrics[(*count)++] = (ag_train_metric){"val_score", -(double)b->epochs_seen};
    return 0;
}

AG_TEST(test_train__goes_by_a_metric_of_the_judge)
{
    ag_waves b;
    ag_err err = {0};
    ag_train_judge by_score = {&b, judge};
    ag_waves_open(&b);
    b.job.judge = &by_score;
    b.options.metric = "val_score";
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    assert_true(b.result.best_epoch == 3 && b.result.best_metric == -3.0);
    assert_true(b.result.history[2].metrics_count == 1 && b.result.history[2].metrics[0].value == -2.0);
    ag_waves_close(&b);
    ag_waves_open(&b);
    b.job.judge = &by_score;
    b.options.metric = "val_scare";
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "there is no metric 'val_scare'");
    assert_non_null(strstr(err.hint, "val_score"));
    ag_waves_close(&b);
}

AG_TEST(test_train__frozen_parameters_stay_and_groups_learn_otherwise)
{
    static const char *const freeze[] = {"*patcher*", NULL}, *const wrong[] = {"*nobody*", NULL};
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    b.options.freeze = freeze;
    b.options.groups = &(ag_train_group){"*fc1*", 0.0, 0.0};
    b.options.groups_count = 1;
    ag_real *patcher = ag_model_parameter(b.model, "model.encoder.patcher.weight"), before = patcher[0];
    ag_real *fc1 = ag_model_parameter(b.model, "model.encoder.mlp_mixer_encoder.mixers.0.patch_mixer.mlp.fc1.weight");
    ag_real *head = ag_model_parameter(b.model, "head.base_forecast_block.weight"), first = head[0], slow = fc1[0];
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    assert_true(patcher[0] == before && fc1[0] == slow && head[0] != first);
    ag_waves_close(&b);
    ag_waves_open(&b);
    b.options.freeze = wrong;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "freeze: no parameter of the model");
    ag_waves_close(&b);
}

/* ---- what goes wrong ---- */

AG_TEST(test_train__a_number_that_is_not_finite_is_named_by_its_sample)
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    b.training.values[40] = (ag_real)NAN;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "the waves: sample ");
    assert_non_null(strstr(err.text, "'past_values'"));
    ag_waves_close(&b);
}

AG_TEST(test_train__a_layer_that_overflows_is_named)
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    ag_real *weight = ag_model_parameter(b.model, "model.encoder.patcher.weight");
    for (int i = 0; i < 16; i++) weight[i] = AG_REAL_MAX;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EDIVERGED, "epoch 1, step 1: ");
    assert_non_null(strstr(err.text, "patcher"));
    assert_non_null(strstr(err.hint, "learning_rate"));
    ag_waves_close(&b);
}

/* Targets of heat maps of which the first and the last are empty: they cost nothing and count for nothing. */
static int fill_maps(const void *state, const ag_batch *batch, ag_err *err)
{
    const ag_wave *w = state;
    const size_t past = AG_WAVES_CONTEXT * AG_WAVES_CHANNELS, maps = AG_WAVES_CONTEXT * 3;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        ag_real *target = batch->into[1] + (size_t)i * maps;
        bool empty = batch->index[i] < 9 || batch->index[i] >= 18;
        memcpy(batch->into[0] + (size_t)i * past, w->values + batch->index[i], past * sizeof *target);
        memset(target, 0, maps * sizeof *target);
        for (int k = 0; k < 3 && !empty; k++) target[3 * (batch->index[i] % AG_WAVES_CONTEXT) + k] = 1;
    }
    return 0;
}

static int count_told(void *context, const ag_train_progress *now, ag_err *err)
{
    int *told = context;
    (void)err;
    assert_true(isfinite(now->loss) && now->loss > 0 && isfinite(now->epoch_loss) == (now->step % 3 != 1));
    ++*told;
    return 0;
}

AG_TEST(test_train__a_step_in_which_nothing_counts_is_no_loss_that_is_not_finite)
{
    static const char config[] =
        "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,\"patch_stride\":4,\"d_model\":4,"
        "\"num_layers\":1,\"num_input_channels\":2,\"architectures\":[\"AugerPatchTSMixerForHeatmap\"],\"num_targets\":"
        "3}";
    ag_waves b;
    ag_err err = {0};
    ag_graph *graph = NULL;
    int told = 0;
    ag_waves_open(&b);
    ag_model_free(b.model);
    AG_EXPECT_OK(ag_model_config_read(b.arena, ag_str_of(config), NULL, NULL, &b.config, &err));
    AG_EXPECT_OK(
        ag_architecture_graph(b.config.architecture, b.config.values, &(ag_building){.loss = true}, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &b.model, &err));
    ag_model_initialise(b.model, 1);
    b.training.ports[1] = (ag_samples_port){"target_values", AG_WAVES_CONTEXT * 3};
    b.training.samples.count = 20;
    b.training.samples.fill = fill_maps;
    b.options.epochs = 2;
    b.options.accumulate = 1;
    b.options.keep_order = true;
    b.job.model = b.model;
    b.job.validation = NULL;
    b.monitor = (ag_train_monitor){.context = &told, .step = count_told};
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    assert_int_equal(b.result.steps, 6);
    assert_int_equal(told, 5); /* of the first step there is nothing to tell */
    assert_true(isfinite(b.result.history[1].train_loss));
    ag_waves_close(&b);
}

AG_TEST(test_train__refuses_what_cannot_be_trained)
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    b.training.samples.count = 0;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "the waves has no samples");
    b.training.samples.count = 5;
    b.options.drop_last = true;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "do not fill a single step");
    b.options.drop_last = false;
    b.options.epochs = 0;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "epochs");
    b.options.epochs = 1;
    b.options.batch_size = 0;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "batch_size");
    b.options.batch_size = 2;
    b.training.ports[0].size++;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "input 'past_values' of the model has 32 numbers");
    b.training.ports[0].name = "other";
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_EINVAL, "wants an input 'past_values'");
    ag_waves_close(&b);
}

AG_TEST(test_train__stopped_without_checkpoints_says_what_is_lost)
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    b.stop_at = 2;
    AG_EXPECT_ERROR(ag_waves_train(&b, &err), AG_ECANCELLED, "after step 2");
    assert_non_null(strstr(err.hint, "lost"));
    ag_waves_close(&b);
}

typedef struct little {
    ag_waves *ag_waves;
    int round;
} little;

static int train_a_little(void *context, ag_err *err)
{
    little *l = context;
    ag_waves *b = l->ag_waves;
    char directory[512];
    ag_format(directory, sizeof directory, "%s/n%d", ag_test_dir(), l->round++);
    b->checkpoints.directory = directory;
    ag_model_initialise(b->model, 1);
    ag_arena_reset(b->arena);
    return ag_train(&b->job, b->arena, &b->result, err);
}

AG_TEST(test_train__fails_cleanly_at_every_allocation)
{
    ag_waves b;
    ag_err err = {0};
    little l = {&b, 0};
    ag_arena *results = ag_arena_new(0), *old;
    ag_waves_open(&b);
    b.options.epochs = 1;
    b.options.batch_size = 72;
    b.options.accumulate = 1;
    b.checkpoints.every_steps = 0;
    b.job.checkpoints = &b.checkpoints;
    old = b.arena; /* which holds the configuration */
    b.arena = results;
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC, train_a_little, NULL, &l);
    assert_int_equal(b.result.epochs, 1);
    (void)err;
    b.arena = old;
    ag_arena_free(results);
    ag_waves_close(&b);
}
