// SPDX-License-Identifier: Apache-2.0
#include "learn/nn/train.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "frame/test.h"
#include "learn/nn/check.h"

enum { CONTEXT = 16, HORIZON = 3, CHANNELS = 2, ROWS = 90 };

/* Dropout and a gate, so that random numbers and every kind of parameter take part. */
static const char mixer[] = "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,"
                            "\"patch_stride\":4,\"d_model\":4,\"num_layers\":1,\"prediction_length\":3,"
                            "\"num_input_channels\":2,\"dropout\":0.1,\"head_dropout\":0.1}";

/* ---- a series of our own: two waves with noise ---- */

typedef struct waves {
    ag_real values[ROWS * CHANNELS];
    ag_samples samples;
    ag_samples_port ports[2];
} waves;

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const waves *w = state;
    size_t past = CONTEXT * CHANNELS, future = HORIZON * CHANNELS;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        const ag_real *from = w->values + batch->index[i] * CHANNELS;
        memcpy(batch->into[0] + (size_t)i * past, from, past * sizeof *from);
        if (batch->into[1]) memcpy(batch->into[1] + (size_t)i * future, from + past, future * sizeof *from);
    }
    return 0;
}

static void make_waves(waves *w, uint64_t seed)
{
    ag_rng rng = ag_rng_stream(seed, "waves");
    for (int i = 0; i < ROWS; i++)
        for (int c = 0; c < CHANNELS; c++)
            w->values[i * CHANNELS + c] = (ag_real)(sin(i * (0.5 + 0.3 * c)) + 0.05 * ag_rng_normal(&rng));
    w->ports[0] = (ag_samples_port){"past_values", CONTEXT * CHANNELS};
    w->ports[1] = (ag_samples_port){"future_values", HORIZON * CHANNELS};
    w->samples = (ag_samples){.name = "the waves",
                              .ports = w->ports,
                              .ports_count = 2,
                              .count = ROWS - CONTEXT - HORIZON + 1,
                              .fill = fill,
                              .state = w};
}

/* ---- a training ---- */

typedef struct bench {
    ag_arena *arena;
    ag_model_config config;
    ag_model *model;
    waves training, validation;
    ag_train_options options;
    ag_train_checkpoints checkpoints;
    ag_train_monitor monitor;
    ag_train_job job;
    ag_train_result result;
    ag_cancel *cancel;
    int64_t stop_at;     /* asks to stop after this step; 0: never */
    int64_t stop_inside; /* or when so many samples have been validated in all */
    int64_t validated;
    int steps_seen, epochs_seen, saves_seen;
} bench;

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    bench *b = context;
    (void)err;
    b->steps_seen++;
    if (now->step == b->stop_at) ag_cancel_request(b->cancel);
    return 0;
}

static int on_epoch(void *context, const ag_train_epoch *epoch, const ag_train_progress *now, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_true(epoch->epoch + 1 == now->epoch && isfinite(epoch->train_loss) && epoch->gradient_norm > 0.0);
    b->epochs_seen++;
    return 0;
}

static void on_validating(void *context, int64_t done, int64_t count)
{
    bench *b = context;
    assert_true(done <= count);
    if (++b->validated == b->stop_inside) ag_cancel_request(b->cancel);
}

static void on_saved(void *context, const char *directory, int64_t step)
{
    bench *b = context;
    assert_true(*directory && step >= 0);
    b->saves_seen++;
}

static void open_bench(bench *b)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    static const ag_building with_loss = {.loss = true};
    *b = (bench){.arena = ag_arena_new(0)};
    AG_EXPECT_OK(ag_model_config_read(b->arena, ag_str_of(mixer), NULL, NULL, &b->config, &err));
    AG_EXPECT_OK(ag_architecture_graph(b->config.architecture, b->config.values, &with_loss, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &b->model, &err));
    ag_model_initialise(b->model, 1);
    AG_EXPECT_OK(ag_cancel_new(NULL, &b->cancel, &err));
    make_waves(&b->training, 1);
    make_waves(&b->validation, 2);
    b->options = (ag_train_options){.seed = 7,
                                    .epochs = 4,
                                    .batch_size = 9,
                                    .accumulate = 2,
                                    .optim = {.optimizer = ag_optimizer_find("adamw"),
                                              .learning_rate = 0.01,
                                              .weight_decay = 0.01,
                                              .beta1 = 0.9,
                                              .beta2 = 0.999,
                                              .epsilon = 1e-8,
                                              .clip_norm = 1.0},
                                    .schedule = ag_schedule_find("cosine"),
                                    .warmup = 3,
                                    .plateau = {.factor = 0.5, .patience = 0, .least = 0.01},
                                    .early = {.patience = 3},
                                    .restore_best = true,
                                    .ema_decay = 0.8};
    b->monitor = (ag_train_monitor){
        .context = b, .step = on_step, .epoch = on_epoch, .validating = on_validating, .saved = on_saved};
    b->checkpoints = (ag_train_checkpoints){.config = &b->config, .resume = true, .every_steps = 1};
    b->job = (ag_train_job){.model = b->model,
                            .training = &b->training.samples,
                            .validation = &b->validation.samples,
                            .options = &b->options,
                            .monitor = &b->monitor,
                            .cancel = b->cancel};
}

static void close_bench(bench *b)
{
    ag_model_free(b->model);
    ag_arena_free(b->arena);
    ag_cancel_free(b->cancel);
}

static int train(bench *b, ag_err *err)
{
    return ag_train(&b->job, b->arena, &b->result, err);
}

static size_t weights_size(const bench *b)
{
    return (size_t)ag_graph_flat_size(b->model->graph) * sizeof(ag_real);
}

/* What an uninterrupted training gives. The caller frees it. */
static ag_real *straight(void (*change)(bench *b))
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    if (change) change(&b);
    AG_EXPECT_OK(train(&b, &err));
    ag_real *weights = ag_alloc(weights_size(&b));
    assert_non_null(weights);
    memcpy(weights, b.model->values, weights_size(&b));
    close_bench(&b);
    return weights;
}

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
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.options.epochs = 25;
    b.options.early.patience = 0;
    AG_EXPECT_OK(train(&b, &err));
    const ag_train_epoch *first = &b.result.history[0], *last = &b.result.history[b.result.history_count - 1];
    assert_int_equal(b.result.history_count, 25);
    assert_true(last->val_loss < 0.25 * first->val_loss);
    assert_true(b.result.epochs == 25 && b.result.steps == 25 * 4 && b.result.best_epoch >= 15);
    assert_true(b.epochs_seen == 25 && b.steps_seen == 100 && b.saves_seen == 0 && !b.result.resumed);
    /* The weights that it gives back are those of the best epoch. */
    ag_evaluation *evaluation = NULL;
    double loss = 0.0;
    AG_EXPECT_OK(
        ag_evaluation_new(b.model->graph, b.model->values, &b.validation.samples, 9, NULL, NULL, &evaluation, &err));
    AG_EXPECT_OK(ag_evaluation_run(evaluation, NULL, NULL, &loss, &err));
    assert_true(loss == b.result.best_metric);
    ag_evaluation_free(evaluation);
    close_bench(&b);
}

AG_TEST(test_train__any_number_of_threads_gives_the_same_bits)
{
    ag_real *one = straight(NULL);
    for (unsigned threads = 2; threads <= 4; threads++) {
        bench b;
        ag_err err = {0};
        ag_pool *pool = NULL;
        open_bench(&b);
        AG_EXPECT_OK(ag_pool_new(threads - 1, &pool, &err));
        b.job.pool = pool;
        AG_EXPECT_OK(train(&b, &err));
        assert_memory_equal(b.model->values, one, weights_size(&b));
        ag_pool_free(pool);
        close_bench(&b);
    }
    ag_free(one);
}

/* Runs with the same directory until it succeeds; every run starts from fresh weights, as a new process would. */
static void expect_resumed(const ag_real *should, void (*change)(bench *b), const int64_t *steps, const int64_t *inside,
                           int stops)
{
    ag_err err = {0};
    char directory[512];
    ag_format(directory, sizeof directory, "%s/resumed", ag_test_dir());
    for (int i = 0; i <= stops; i++) {
        bench b;
        open_bench(&b);
        if (change) change(&b);
        b.checkpoints.directory = directory;
        b.checkpoints.every_steps = 0;
        b.job.checkpoints = &b.checkpoints;
        if (i < stops) {
            b.stop_at = steps ? steps[i] : 0;
            b.stop_inside = inside ? inside[i] : 0;
            AG_EXPECT_ERROR(train(&b, &err), AG_ECANCELLED, "its checkpoint is in");
            assert_non_null(strstr(err.hint, "--resume"));
        } else {
            AG_EXPECT_OK(train(&b, &err));
            assert_true(b.result.resumed && b.result.history_count == (size_t)b.result.epochs);
            assert_memory_equal(b.model->values, should, weights_size(&b));
        }
        close_bench(&b);
    }
    (void)ag_dir_remove(directory, NULL);
}

AG_TEST(test_train__stopped_at_any_step_and_resumed_gives_the_same_bits)
{
    ag_real *should = straight(NULL);
    for (int64_t step = 1; step < 16; step += 3) expect_resumed(should, NULL, &step, NULL, 1);
    expect_resumed(should, NULL, (const int64_t[]){2, 3, 9, 15}, NULL, 4);
    ag_free(should);
}

AG_TEST(test_train__stopped_inside_a_validation_and_resumed_gives_the_same_bits)
{
    ag_real *should = straight(NULL);
    expect_resumed(should, NULL, NULL, (const int64_t[]){3, 8, 10}, 3);
    ag_free(should);
}

/* Every other kind of thing that has a state. */
static void otherwise(bench *b)
{
    b->options.optim.optimizer = ag_optimizer_find("sgd");
    b->options.optim.momentum = 0.9;
    b->options.schedule = NULL;
    b->options.ema_decay = 0.0;
    b->options.accumulate = 0;
    b->options.drop_last = true;
    b->options.restore_best = false;
    b->job.validation = NULL;
}

AG_TEST(test_train__resumes_without_validation_average_and_best)
{
    ag_real *should = straight(otherwise);
    expect_resumed(should, otherwise, (const int64_t[]){1, 10, 23}, NULL, 3);
    ag_free(should);
}

/* ---- kill -9 ---- */

static int child(const char *directory, const char *file, unsigned threads)
{
    bench b;
    ag_err err = {0};
    ag_pool *pool = NULL;
    open_bench(&b);
    b.checkpoints.directory = directory;
    b.job.checkpoints = &b.checkpoints;
    int rc = ag_pool_new(threads, &pool, &err);
    b.job.pool = pool;
    if (rc >= 0) rc = train(&b, &err);
    if (rc >= 0) rc = ag_file_replace(file, b.model->values, weights_size(&b), &err);
    ag_pool_free(pool);
    close_bench(&b);
    return rc < 0 ? 1 : 0;
}

AG_TEST(test_train__killed_again_and_again_ends_with_the_same_bits)
{
    ag_real *should = straight(NULL);
    ag_rng rng = ag_rng_stream(11, "kills");
    size_t rounds = ag_test_rounds(2, 50), kills = 0;
    for (size_t round = 0; round < rounds; round++) {
        char directory[512], file[512];
        ag_format(directory, sizeof directory, "%s/killed%zu", ag_test_dir(), round);
        ag_format(file, sizeof file, "%s.weights", directory);
        for (int tries = 0; !ag_file_exists(file); tries++) {
            assert_true(tries < 500);
            pid_t pid = fork();
            assert_true(pid >= 0);
            if (pid == 0) _exit(child(directory, file, (unsigned)(1 + tries % 4)));
            /* Later and later, so that it gets somewhere on a slow machine too. */
            ag_sleep((int64_t)ag_rng_below(&rng, 20000 + 4000 * (uint64_t)tries));
            (void)kill(pid, SIGKILL);
            int status = 0;
            assert_int_equal(waitpid(pid, &status, 0), pid);
            kills += WIFSIGNALED(status);
            assert_true(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
        }
        ag_buf bytes;
        ag_err err = {0};
        ag_buf_init(&bytes, (size_t)1 << 26);
        AG_EXPECT_OK(ag_file_read(file, (size_t)1 << 26, &bytes, &err));
        assert_memory_equal(bytes.data, should, bytes.size);
        ag_buf_deinit(&bytes);
    }
    assert_true(kills > 0);
    ag_free(should);
}

AG_TEST(test_train__a_finished_training_is_not_run_again)
{
    bench b;
    ag_err err = {0};
    ag_real *should = straight(NULL);
    char directory[512];
    ag_format(directory, sizeof directory, "%s/finished", ag_test_dir());
    for (int i = 0; i < 2; i++) {
        open_bench(&b);
        b.checkpoints.directory = directory;
        b.job.checkpoints = &b.checkpoints;
        AG_EXPECT_OK(train(&b, &err));
        assert_true(i ? b.steps_seen == 0 && b.result.resumed : b.steps_seen == 16);
        assert_memory_equal(b.model->values, should, weights_size(&b));
        close_bench(&b);
    }
    ag_free(should);
}

AG_TEST(test_train__a_constant_rate_may_be_given_more_epochs)
{
    char directory[512];
    ag_err err = {0};
    ag_format(directory, sizeof directory, "%s/longer", ag_test_dir());
    for (int64_t epochs = 2; epochs <= 4; epochs += 2) {
        bench b;
        open_bench(&b);
        b.options.schedule = NULL;
        b.options.early.patience = 0;
        b.options.epochs = epochs;
        b.checkpoints.directory = directory;
        b.job.checkpoints = &b.checkpoints;
        AG_EXPECT_OK(train(&b, &err));
        assert_int_equal(b.result.history_count, epochs);
        close_bench(&b);
    }
}

AG_TEST(test_train__resuming_with_other_options_is_refused_by_name)
{
    char directory[512];
    ag_err err = {0};
    bench b;
    ag_format(directory, sizeof directory, "%s/other", ag_test_dir());
    for (int i = 0; i < 4; i++) {
        open_bench(&b);
        b.checkpoints.directory = directory;
        b.job.checkpoints = &b.checkpoints;
        if (i == 1) b.options.batch_size = 8;
        if (i == 2) b.options.seed = 8;
        if (i == 3) b.options.ema_decay = 0.0;
        if (i == 0)
            AG_EXPECT_OK(train(&b, &err));
        else
            AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL,
                            i == 1   ? "it has batch_size 9, this training 8"
                            : i == 2 ? "it has seed \"7\", this training \"8\""
                                     : "moving average");
        close_bench(&b);
    }
}

AG_TEST(test_train__goes_on_from_the_checkpoint_before_a_broken_one)
{
    char directory[512], path[600];
    ag_err err = {0};
    bench b;
    ag_real *should = straight(NULL);
    ag_format(directory, sizeof directory, "%s/broken", ag_test_dir());
    open_bench(&b);
    b.checkpoints.directory = directory;
    b.job.checkpoints = &b.checkpoints;
    b.stop_at = 6;
    AG_EXPECT_ERROR(train(&b, &err), AG_ECANCELLED, "");
    close_bench(&b);
    ag_format(path, sizeof path, "%s/step-000000000006/model.safetensors", directory);
    AG_EXPECT_OK(ag_file_replace(path, "broken", 6, &err));
    open_bench(&b);
    b.checkpoints.directory = directory;
    b.job.checkpoints = &b.checkpoints;
    AG_EXPECT_OK(train(&b, &err));
    assert_int_equal(b.steps_seen, 16 - 5);
    assert_memory_equal(b.model->values, should, weights_size(&b));
    close_bench(&b);
    ag_free(should);
}

/* ---- what options do ---- */

AG_TEST(test_train__accumulated_batches_are_the_large_batch)
{
    bench a, b;
    ag_err err = {0};
    open_bench(&a);
    open_bench(&b);
    a.options.batch_size = 18;
    a.options.accumulate = 1;
    AG_EXPECT_OK(train(&a, &err));
    AG_EXPECT_OK(train(&b, &err));
    for (size_t i = 0; i < a.result.history_count; i++)
        ag_check_near(a.result.history[i].train_loss, b.result.history[i].train_loss, 1e-3, "loss");
    close_bench(&a);
    close_bench(&b);
}

AG_TEST(test_train__stops_early_and_gives_the_best_weights_back)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.options.epochs = 100;
    b.options.early = (ag_early){.patience = 2, .threshold = 1e6}; /* nothing after the first epoch is progress */
    AG_EXPECT_OK(train(&b, &err));
    assert_true(b.result.stopped_early && b.result.epochs == 3 && b.result.best_epoch == 0);
    assert_true(b.result.history[0].best && !b.result.history[1].best);
    close_bench(&b);
}

static int judge(void *context, const ag_real *values, ag_train_metric *metrics, int *count, ag_err *err)
{
    const bench *b = context;
    (void)err;
    assert_true(values != b->model->values); /* the moving average */
    metrics[(*count)++] = (ag_train_metric){"val_score", -(double)b->epochs_seen};
    return 0;
}

AG_TEST(test_train__goes_by_a_metric_of_the_judge)
{
    bench b;
    ag_err err = {0};
    ag_train_judge by_score = {&b, judge};
    open_bench(&b);
    b.job.judge = &by_score;
    b.options.metric = "val_score";
    AG_EXPECT_OK(train(&b, &err));
    assert_true(b.result.best_epoch == 3 && b.result.best_metric == -3.0);
    assert_true(b.result.history[2].metrics_count == 1 && b.result.history[2].metrics[0].value == -2.0);
    close_bench(&b);
    open_bench(&b);
    b.job.judge = &by_score;
    b.options.metric = "val_scare";
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "there is no metric 'val_scare'");
    assert_non_null(strstr(err.hint, "val_score"));
    close_bench(&b);
}

AG_TEST(test_train__frozen_parameters_stay_and_groups_learn_otherwise)
{
    static const char *const freeze[] = {"*patcher*", NULL}, *const wrong[] = {"*nobody*", NULL};
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.options.freeze = freeze;
    b.options.groups = &(ag_train_group){"*fc1*", 0.0, 0.0};
    b.options.groups_count = 1;
    ag_real *patcher = ag_model_parameter(b.model, "model.encoder.patcher.weight"), before = patcher[0];
    ag_real *fc1 = ag_model_parameter(b.model, "model.encoder.mlp_mixer_encoder.mixers.0.patch_mixer.mlp.fc1.weight");
    ag_real *head = ag_model_parameter(b.model, "head.base_forecast_block.weight"), first = head[0], slow = fc1[0];
    AG_EXPECT_OK(train(&b, &err));
    assert_true(patcher[0] == before && fc1[0] == slow && head[0] != first);
    close_bench(&b);
    open_bench(&b);
    b.options.freeze = wrong;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "freeze: no parameter of the model");
    close_bench(&b);
}

/* ---- what goes wrong ---- */

AG_TEST(test_train__a_number_that_is_not_finite_is_named_by_its_sample)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.training.values[40] = (ag_real)NAN;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "the waves: sample ");
    assert_non_null(strstr(err.text, "'past_values'"));
    close_bench(&b);
}

AG_TEST(test_train__a_layer_that_overflows_is_named)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    ag_real *weight = ag_model_parameter(b.model, "model.encoder.patcher.weight");
    for (int i = 0; i < 16; i++) weight[i] = AG_REAL_MAX;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "epoch 1, step 1: ");
    assert_non_null(strstr(err.text, "patcher"));
    assert_non_null(strstr(err.hint, "learning_rate"));
    close_bench(&b);
}

AG_TEST(test_train__refuses_what_cannot_be_trained)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.training.samples.count = 0;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "the waves has no samples");
    b.training.samples.count = 5;
    b.options.drop_last = true;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "do not fill a single step");
    b.options.drop_last = false;
    b.options.epochs = 0;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "epochs");
    b.options.epochs = 1;
    b.options.batch_size = 0;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "batch_size");
    b.options.batch_size = 2;
    b.training.ports[0].size++;
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "input 'past_values' of the model has 32 numbers");
    b.training.ports[0].name = "other";
    AG_EXPECT_ERROR(train(&b, &err), AG_EINVAL, "wants an input 'past_values'");
    close_bench(&b);
}

AG_TEST(test_train__stopped_without_checkpoints_says_what_is_lost)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.stop_at = 2;
    AG_EXPECT_ERROR(train(&b, &err), AG_ECANCELLED, "after step 2");
    assert_non_null(strstr(err.hint, "lost"));
    close_bench(&b);
}

typedef struct little {
    bench *bench;
    int round;
} little;

static int train_a_little(void *context, ag_err *err)
{
    little *l = context;
    bench *b = l->bench;
    char directory[512];
    ag_format(directory, sizeof directory, "%s/n%d", ag_test_dir(), l->round++);
    b->checkpoints.directory = directory;
    ag_model_initialise(b->model, 1);
    ag_arena_reset(b->arena);
    return ag_train(&b->job, b->arena, &b->result, err);
}

AG_TEST(test_train__fails_cleanly_at_every_allocation)
{
    bench b;
    ag_err err = {0};
    little l = {&b, 0};
    ag_arena *results = ag_arena_new(0), *old;
    open_bench(&b);
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
    close_bench(&b);
}
