// SPDX-License-Identifier: Apache-2.0
/* Every task of PatchTSMixer in the training loop, with dropout, drawn masks and batch norm: stopped and resumed it
 * ends with the same bits, running statistics included, for 1 to 4 threads; and it learns. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/io/file.h"
#include "frame/test.h"
#include "learn/nn/architecture.h"
#include "learn/nn/train.h"

enum { ROWS = 16, CHANNELS = 2, EPOCHS = 3, COUNT = 30, MOST = ROWS * CHANNELS };

#define COMMON                                                                                                         \
    "\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,\"patch_stride\":4,\"d_model\":4,"       \
    "\"num_layers\":1,\"num_input_channels\":2,\"prediction_length\":3,\"num_targets\":2,\"mode\":\"mix_channel\","    \
    "\"self_attn\":true,\"dropout\":0.1,\"head_dropout\":0.1"

static const char *const configs[] = {
    "{" COMMON ",\"architectures\":[\"PatchTSMixerForPretraining\"],\"norm_mlp\":\"BatchNorm\"}",
    "{" COMMON ",\"architectures\":[\"PatchTSMixerForPretraining\"],\"mask_type\":\"forecast\","
    "\"num_forecast_mask_patches\":[1,2],\"auger\":{\"pretrain_terms\":true}}",
    "{" COMMON ",\"architectures\":[\"PatchTSMixerForPrediction\"],\"loss\":\"nll\",\"norm_mlp\":\"BatchNorm\"}",
    "{" COMMON ",\"architectures\":[\"PatchTSMixerForRegression\"]}",
    "{" COMMON ",\"architectures\":[\"PatchTSMixerForTimeSeriesClassification\"],\"norm_mlp\":\"BatchNorm\"}",
};

/* ---- samples: two waves; the targets follow from how fast the first one is ---- */

static ag_real wave(int64_t sample, int64_t row, int64_t channel)
{
    double pace = 0.2 + 0.02 * (double)sample;
    return (ag_real)sin(pace * (double)row + (double)channel + 0.1 * (double)sample);
}

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const ag_samples *samples = state;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        int64_t sample = batch->index[i];
        for (int64_t k = 0; k < MOST; k++) batch->into[0][i * MOST + k] = wave(sample, k / CHANNELS, k % CHANNELS);
        int64_t size = samples->ports_count > 1 ? samples->ports[1].size : 0;
        for (int64_t k = 0; k < size; k++) {
            ag_real *to = &batch->into[1][i * size + k];
            if (size == 1)
                *to = sample < COUNT / 2 ? 0 : 1;
            else if (size == CHANNELS)
                *to = (ag_real)sample / COUNT - (ag_real)k;
            else
                *to = wave(sample, ROWS + k / CHANNELS, k % CHANNELS);
        }
    }
    return 0;
}

/* ---- one training ---- */

typedef struct bench {
    ag_arena *arena;
    ag_model_config config;
    ag_model *model;
    ag_samples samples;
    ag_samples_port ports[2];
    ag_cancel *cancel;
    int64_t stop_at;
    ag_train_result result;
} bench;

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    bench *b = context;
    (void)err;
    if (now->step == b->stop_at) ag_cancel_request(b->cancel);
    return 0;
}

static void open_bench(bench *b, const char *json)
{
    static const ag_building with_loss = {.loss = true};
    ag_err err = {0};
    ag_graph *graph = NULL;
    *b = (bench){.arena = ag_arena_new(0)};
    AG_EXPECT_OK(ag_model_config_read(b->arena, ag_str_of(json), NULL, NULL, &b->config, &err));
    AG_EXPECT_OK(ag_architecture_graph(b->config.architecture, b->config.values, &with_loss, &graph, &err));
    AG_EXPECT_OK(ag_model_new(graph, &b->model, &err));
    ag_model_initialise(b->model, 1);
    AG_EXPECT_OK(ag_cancel_new(NULL, &b->cancel, &err));
    b->ports[0] = (ag_samples_port){"past_values", MOST};
    b->samples = (ag_samples){
        .name = "the waves", .ports = b->ports, .ports_count = 1, .count = COUNT, .fill = fill, .state = &b->samples};
    static const char *const targets[] = {"future_values", "target_values"};
    for (int i = 0; i < 2; i++) {
        int32_t at = ag_graph_input_find(graph, targets[i]);
        if (at >= 0)
            b->ports[b->samples.ports_count++] = (ag_samples_port){targets[i], ag_graph_input_at(graph, at)->size};
    }
}

static void close_bench(bench *b)
{
    ag_model_free(b->model);
    ag_cancel_free(b->cancel);
    ag_arena_free(b->arena);
}

static int train(bench *b, unsigned threads, const char *directory, int64_t epochs, ag_err *told)
{
    ag_err err = {0};
    ag_pool *pool = NULL;
    const ag_train_options options = {.seed = 7,
                                      .epochs = epochs,
                                      .batch_size = 7,
                                      .optim = {.optimizer = ag_optimizer_find("adamw"),
                                                .learning_rate = 0.01,
                                                .beta1 = 0.9,
                                                .beta2 = 0.999,
                                                .epsilon = 1e-8,
                                                .clip_norm = 1.0}};
    const ag_train_checkpoints checkpoints = {
        .directory = directory, .config = &b->config, .resume = true, .every_steps = 1000};
    const ag_train_monitor monitor = {.context = b, .step = on_step};
    if (threads > 1) AG_EXPECT_OK(ag_pool_new(threads, &pool, &err));
    const ag_train_job job = {.model = b->model,
                              .training = &b->samples,
                              .validation = &b->samples,
                              .pool = pool,
                              .options = &options,
                              .checkpoints = directory ? &checkpoints : NULL,
                              .monitor = &monitor,
                              .cancel = b->cancel};
    int rc = ag_train(&job, b->arena, &b->result, told);
    ag_pool_free(pool);
    return rc;
}

static void expect_same(const bench *b, const ag_real *should, const char *what)
{
    for (int32_t i = 0; i < ag_graph_parameters(b->model->graph); i++) {
        const ag_parameter *row = ag_graph_parameter_at(b->model->graph, i);
        if (memcmp(b->model->values + row->offset, should + row->offset, (size_t)row->size * sizeof *should) != 0)
            fail_msg("%s: other bits of %s", what, row->name);
    }
}

static void stop_and_resume(int which, const ag_real *should)
{
    char directory[600];
    ag_err err = {0};
    bench b;
    snprintf(directory, sizeof directory, "%s/run-%d", ag_test_dir(), which);
    open_bench(&b, configs[which]);
    b.stop_at = 4;
    AG_EXPECT_ERROR(train(&b, 2, directory, EPOCHS, &err), AG_ECANCELLED, "");
    close_bench(&b);
    open_bench(&b, configs[which]);
    AG_EXPECT_OK(train(&b, 3, directory, EPOCHS, &err));
    assert_true(b.result.resumed);
    expect_same(&b, should, "resumed");
    close_bench(&b);
}

AG_TEST(test_mixer_training__threads_and_interruptions_do_not_matter)
{
    for (int i = 0; i < (int)(sizeof configs / sizeof *configs); i++) {
        ag_err err = {0};
        bench one, other;
        open_bench(&one, configs[i]);
        AG_EXPECT_OK(train(&one, 1, NULL, EPOCHS, &err));
        for (unsigned threads = 2; threads <= 4; threads++) {
            open_bench(&other, configs[i]);
            AG_EXPECT_OK(train(&other, threads, NULL, EPOCHS, &err));
            expect_same(&other, one.model->values, configs[i]);
            close_bench(&other);
        }
        stop_and_resume(i, one.model->values);
        close_bench(&one);
    }
}

AG_TEST(test_mixer_training__every_task_learns)
{
    for (int i = 0; i < (int)(sizeof configs / sizeof *configs); i++) {
        ag_err err = {0};
        bench b;
        open_bench(&b, configs[i]);
        AG_EXPECT_OK(train(&b, 1, NULL, 25, &err));
        double first = b.result.history[0].val_loss, last = b.result.history[24].val_loss;
        if (!(last < first)) fail_msg("%s: %g did not become less than %g", configs[i], last, first);
        close_bench(&b);
    }
}
