// SPDX-License-Identifier: Apache-2.0
#include "learn/strategy.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"

typedef struct bench {
    ag_arena *arena;
    ag_settings settings;
    char data[600], output[600];
    int phases, datasets, configured, metrics;
} bench;

static void on_phase(void *context, const char *phase)
{
    bench *b = context;
    static const char *const order[] = {"data", "training", "validation", "export"};
    assert_string_equal(phase, order[b->phases++ % 4]);
}

static int on_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_string_equal(dataset->name, "series.csv");
    b->datasets++;
    return 0;
}

static int on_configured(void *context, const ag_value *effective, int64_t parameters, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_non_null(ag_value_at(effective, "data_config.split.protocol"));
    assert_int_equal(parameters, 8 * 2 + 2);
    b->configured++;
    return 0;
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_true(isfinite(metric->value));
    b->metrics++;
    return 0;
}

static void open_bench(bench *b)
{
    ag_err err = {0};
    ag_buf text;
    const char *directory = ag_test_dir();
    static const char config[] = "model_config: {architecture: nlinear}\n"
                                 "data_config: {context_length: 8, horizon: 2}\n"
                                 "training_config: {epochs: 2, batch_size: 64}\n"
                                 "save_checkpoints: false\n";
    *b = (bench){.arena = ag_arena_new(0)};
    ag_format(b->data, sizeof b->data, "%s/series.csv", directory);
    ag_format(b->output, sizeof b->output, "%s/out", directory);
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "x\n");
    for (int i = 0; i < 100; i++) ag_buf_addf(&text, "%.3f\n", sin(i * 0.5));
    AG_EXPECT_OK(ag_file_replace(b->data, text.data, text.size, &err));
    char path[700];
    ag_format(path, sizeof path, "%s/config.yaml", directory);
    AG_EXPECT_OK(ag_file_replace(path, config, strlen(config), &err));
    AG_EXPECT_OK(ag_settings_read(b->arena, path, NULL, 0, &b->settings, &err));
    ag_buf_deinit(&text);
}

static void close_bench(bench *b)
{
    ag_arena_free(b->arena);
}

static int run(void *context, ag_err *err)
{
    bench *b = context;
    const ag_strategy *strategy = NULL;
    ag_strategy_watch watch = {
        .context = b, .phase = on_phase, .dataset = on_dataset, .configured = on_configured, .metric = on_metric};
    ag_strategy_task task = {.settings = &b->settings,
                             .data_dir = b->data,
                             .output_dir = b->output,
                             .jobs = 1,
                             .watch = &watch,
                             .arena = ag_arena_new(0)};
    b->phases = 0;
    int rc = task.arena ? ag_strategy_find(&b->settings, &strategy, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    if (rc >= 0) assert_int_equal(task.trainings.count, 1);
    ag_strategy_task_deinit(&task);
    ag_arena_free(task.arena);
    return rc;
}

AG_TEST(test_strategy__every_one_is_complete)
{
    ag_err err = {0};
    size_t count;
    const ag_strategy *const *all = ag_strategy_all(&count);
    assert_true(count > 0);
    for (size_t i = 0; i < count; i++) AG_EXPECT_OK(ag_strategy_verify(all[i], &err));
    ag_strategy half = *all[0];
    half.train = NULL;
    AG_EXPECT_ERROR(ag_strategy_verify(&half, &err), AG_EINTERNAL, "not complete");
}

AG_TEST(test_strategy__runs_its_phases_and_tells_of_them)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(run(&b, &err));
    assert_true(b.phases == 4 && b.datasets == 1 && b.configured == 1 && b.metrics == 8);
    close_bench(&b);
}

AG_TEST(test_strategy__begins_with_the_weights_of_another_model)
{
    bench b;
    ag_err err = {0};
    char model[700];
    open_bench(&b);
    AG_EXPECT_OK(run(&b, &err));
    ag_format(model, sizeof model, "%s/model", b.output);
    b.settings.init_from = model;
    AG_EXPECT_OK(run(&b, &err));
    b.settings.init_from = b.data;
    assert_true(run(&b, &err) < 0);
    assert_non_null(strstr(err.text, "init_from"));
    close_bench(&b);
}

AG_TEST(test_strategy__fails_cleanly_at_allocations)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    /* Every one in the long form, some in the short one. */
    for (uint64_t n = 1, step = ag_test_rounds(11, 1); ag_fault_available(); n += step) {
        ag_fault_arm(n, AG_FAULT_ALLOC);
        int rc = run(&b, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        if (rc >= 0 && !fired) break;
        assert_true(rc < 0 && *err.text);
    }
    close_bench(&b);
}

AG_TEST(test_strategy__fails_cleanly_at_every_file_call)
{
    bench b;
    open_bench(&b);
    (void)ag_test_fail_at_n(AG_FAULT_FILE, run, NULL, &b);
    close_bench(&b);
}
