// SPDX-License-Identifier: Apache-2.0
/* waves.c: see waves.h. */
#include "learn/nn/waves.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/base/rng.h"

static const char mixer[] = "{\"model_type\":\"patchtsmixer\",\"context_length\":16,\"patch_length\":4,"
                            "\"patch_stride\":4,\"d_model\":4,\"num_layers\":1,\"prediction_length\":3,"
                            "\"num_input_channels\":2,\"dropout\":0.1,\"head_dropout\":0.1}";

/* ---- the series ---- */

static int fill(const void *state, const ag_batch *batch, ag_err *err)
{
    const ag_wave *w = state;
    size_t past = AG_WAVES_CONTEXT * AG_WAVES_CHANNELS, future = AG_WAVES_HORIZON * AG_WAVES_CHANNELS;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        const ag_real *from = w->values + batch->index[i] * AG_WAVES_CHANNELS;
        memcpy(batch->into[0] + (size_t)i * past, from, past * sizeof *from);
        if (batch->into[1]) memcpy(batch->into[1] + (size_t)i * future, from + past, future * sizeof *from);
    }
    return 0;
}

static void make_waves(ag_wave *w, uint64_t seed)
{
    ag_rng rng = ag_rng_stream(seed, "waves");
    for (int i = 0; i < AG_WAVES_ROWS; i++)
        for (int c = 0; c < AG_WAVES_CHANNELS; c++)
            w->values[i * AG_WAVES_CHANNELS + c] = (ag_real)(sin(i * (0.5 + 0.3 * c)) + 0.05 * ag_rng_normal(&rng));
    w->ports[0] = (ag_samples_port){"past_values", AG_WAVES_CONTEXT * AG_WAVES_CHANNELS};
    w->ports[1] = (ag_samples_port){"future_values", AG_WAVES_HORIZON * AG_WAVES_CHANNELS};
    w->samples = (ag_samples){.name = "the waves",
                              .ports = w->ports,
                              .ports_count = 2,
                              .count = AG_WAVES_ROWS - AG_WAVES_CONTEXT - AG_WAVES_HORIZON + 1,
                              .fill = fill,
                              .state = w};
}

/* ---- a training ---- */

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    ag_waves *b = context;
    (void)err;
    b->steps_seen++;
    if (now->step == b->stop_at) ag_cancel_request(b->cancel);
    return 0;
}

static int on_epoch(void *context, const ag_train_epoch *epoch, const ag_train_progress *now, ag_err *err)
{
    ag_waves *b = context;
    (void)err;
    assert_true(epoch->epoch + 1 == now->epoch && isfinite(epoch->train_loss) && epoch->gradient_norm > 0.0);
    b->epochs_seen++;
    return 0;
}

static void on_validating(void *context, int64_t done, int64_t count)
{
    ag_waves *b = context;
    assert_true(done <= count);
    if (++b->validated == b->stop_inside) ag_cancel_request(b->cancel);
}

static void on_saved(void *context, const char *directory, int64_t step)
{
    ag_waves *b = context;
    assert_true(*directory && step >= 0);
    b->saves_seen++;
}

void ag_waves_open(ag_waves *b)
{
    ag_err err = {0};
    ag_graph *graph = NULL;
    static const ag_building with_loss = {.loss = true};
    *b = (ag_waves){.arena = ag_arena_new(0)};
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

void ag_waves_close(ag_waves *b)
{
    ag_model_free(b->model);
    ag_arena_free(b->arena);
    ag_cancel_free(b->cancel);
}

int ag_waves_train(ag_waves *b, ag_err *err)
{
    return ag_train(&b->job, b->arena, &b->result, err);
}

size_t ag_waves_size(const ag_waves *b)
{
    return (size_t)ag_graph_flat_size(b->model->graph) * sizeof(ag_real);
}

ag_real *ag_waves_straight(void (*change)(ag_waves *b))
{
    ag_waves b;
    ag_err err = {0};
    ag_waves_open(&b);
    if (change) change(&b);
    AG_EXPECT_OK(ag_waves_train(&b, &err));
    ag_real *weights = ag_alloc(ag_waves_size(&b));
    assert_non_null(weights);
    memcpy(weights, b.model->values, ag_waves_size(&b));
    ag_waves_close(&b);
    return weights;
}
