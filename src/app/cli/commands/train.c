// SPDX-License-Identifier: Apache-2.0
/* train.c: the command: from a configuration and a directory of data to a trained model. All the work is the
 * strategy's; this reads the options and says how it goes. */
#include <string.h>

#include "app/cli/invocation.h"
#include "core/sys/thread.h"
#include "learn/strategy.h"

static const ag_option options[] = {
    {.name = "config", .letter = 'c', .type = AG_OPTION_PATH, .required = true, .doc = "The configuration, in YAML"},
    {.name = "data-dir", .letter = 'd', .type = AG_OPTION_PATH, .required = true, .doc = "Where the data lie"},
    {.name = "output-dir", .letter = 'o', .type = AG_OPTION_PATH, .required = true, .doc = "Where the model goes"},
    {.name = "set",
     .letter = 's',
     .type = AG_OPTION_PAIR,
     .repeated = true,
     .doc = "Override a key of the configuration: training_config.epochs=20"},
    {.name = "strategy", .type = AG_OPTION_TEXT, .value_name = "NAME", .doc = "Override the strategy"},
    {.name = "device", .type = AG_OPTION_TEXT, .value_name = "NAME", .doc = "Override where to compute"},
    {.name = "resume", .type = AG_OPTION_FLAG, .doc = "Go on from the checkpoints in the output directory"},
    {.name = "jobs",
     .letter = 'j',
     .type = AG_OPTION_INT,
     .fallback = "0",
     .min = 1,
     .max = 1024,
     .doc = "Threads; as many as there are processors by default"},
};

static const ag_example examples[] = {
    {"train --config configs/forecast/etth1_nlinear.yaml --data-dir data --output-dir out", "Train a forecaster"},
    {NULL, NULL},
};

static int read_settings(ag_invocation *invocation, ag_settings *out, ag_err *err)
{
    size_t count, used = 0;
    const char *strategy = ag_option_text(invocation, "strategy"), *device = ag_option_text(invocation, "device");
    const ag_option_value *values = ag_option_values(invocation, "set", &count);
    ag_str *sets = ag_arena_array(invocation->arena, count + 2, sizeof *sets);
    if (!sets) return ag_fail_memory(err, count * sizeof *sets);
    for (size_t i = 0; i < count; i++) sets[used++] = ag_str_of(values[i].text);
    if (strategy) sets[used++] = ag_str_of(ag_arena_printf(invocation->arena, "strategy=%s", strategy));
    if (device) sets[used++] = ag_str_of(ag_arena_printf(invocation->arena, "device=%s", device));
    return ag_settings_read(invocation->arena, ag_option_text(invocation, "config"), sets, used, out, err);
}

static int on_epoch(void *context, const ag_train_epoch *e, const ag_train_progress *now, ag_err *err)
{
    (void)err;
    ag_note(context, "epoch %lld of %lld: train %.5f, validation %.5f%s, %.0f samples/s, %.1f s",
            (long long)e->epoch + 1, (long long)now->epochs, e->train_loss, e->val_loss, e->best ? " (best)" : "",
            now->samples_per_second, e->seconds);
    return 0;
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    (void)name, (void)index, (void)count, (void)err;
    monitor->context = context;
    monitor->epoch = on_epoch;
    return 0;
}

static void on_remark(void *context, const char *text)
{
    ag_note(context, "%s", text);
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_settings settings;
    const ag_strategy *strategy = NULL;
    int rc = read_settings(invocation, &settings, err);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc < 0) return rc;
    ag_strategy_watch watch = {.context = invocation, .training = on_training, .remark = on_remark};
    int64_t jobs = ag_option_int(invocation, "jobs");
    if (!jobs) jobs = settings.num_workers;
    ag_strategy_task task = {.settings = &settings,
                             .data_dir = ag_option_text(invocation, "data-dir"),
                             .output_dir = ag_option_text(invocation, "output-dir"),
                             .resume = ag_option_flag(invocation, "resume"),
                             .jobs = jobs ? (unsigned)jobs : ag_cpu_count(),
                             .watch = &watch,
                             .cancel = invocation->cancel,
                             .arena = invocation->arena};
    rc = ag_strategy_run(strategy, &task, err);
    for (size_t i = 0; rc >= 0 && i < task.metrics.count; i++) {
        const ag_strategy_metric *metric = ag_vec_at(&task.metrics, i);
        ag_print(invocation, "%s %.6g\n", metric->name, metric->value);
    }
    ag_strategy_task_deinit(&task);
    return rc;
}

const ag_command ag_command_train = {
    .path = "train",
    .summary = "Train a model",
    .doc =
        "Reads a configuration, prepares the data, trains, validates and exports a model. Everything that decides the "
        "result stands in the configuration: the same one gives the same bits, for any number of threads.\n\n"
        "A training that was stopped (Ctrl-C) or killed goes on with --resume, and ends with the same bits as one "
        "that was not. The output directory then holds model/ (as Hugging Face lays models out), config.yaml (every "
        "key with its value), metrics.json, history.csv and checkpoints/.",
    .options = AG_OPTIONS(options),
    .examples = examples,
    .run = run,
};
