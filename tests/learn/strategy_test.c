// SPDX-License-Identifier: Apache-2.0
#include "learn/strategy.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"
#include "learn/strategy_tools.h"

typedef struct bench {
    ag_arena *arena;
    ag_settings settings;
    char data[600], output[600];
    int phases, datasets, configured, metrics;
    struct ag_lock *hold;
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
    static const char config[] = "strategy: forecast\n"
                                 "model_config: {architecture: nlinear}\n"
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

static ag_strategy_task task_of(const bench *b, const ag_strategy_watch *watch)
{
    return (ag_strategy_task){.settings = &b->settings,
                              .data_dir = b->data,
                              .output_dir = b->output,
                              .jobs = 1,
                              .watch = watch,
                              .arena = b->arena};
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
    ag_strategy_task task = task_of(b, &watch);
    task.arena = ag_arena_new(0);
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
    assert_true(b.phases == 4 && b.datasets == 1 && b.configured == 1 && b.metrics == 10);
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

static int find_no_room(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    (void)context, (void)metric;
    return ag_fail(err, AG_EFULL, "no space");
}

AG_TEST(test_strategy__a_full_disk_is_told_with_what_to_do)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    const ag_strategy_watch watch = {.metric = find_no_room};
    for (int kept = 0; kept < 2; kept++) {
        ag_strategy_task task = task_of(&b, &watch);
        const ag_strategy *strategy = NULL;
        b.settings.save_checkpoints = kept;
        AG_EXPECT_OK(ag_strategy_find(&b.settings, &strategy, &err));
        AG_EXPECT_ERROR(ag_strategy_run(strategy, &task, &err), AG_EFULL, "no space");
        assert_true((strstr(err.hint, "free space there; the same command with --resume") != NULL) == kept);
        ag_strategy_task_deinit(&task);
    }
    close_bench(&b);
}

/* ---- what is refused ---- */

static int refuse_configured(void *context, const ag_value *effective, int64_t parameters, ag_err *err)
{
    (void)context, (void)effective, (void)parameters;
    return ag_fail(err, AG_EINVAL, "not these data");
}

static int run_refusing(bench *b, ag_err *err)
{
    const ag_strategy *strategy = NULL;
    const ag_strategy_watch watch = {.configured = refuse_configured};
    ag_strategy_task task = task_of(b, &watch);
    int rc = ag_strategy_find(&b->settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    return rc;
}

static bool is_there(const bench *b, const char *name)
{
    char path[700];
    ag_format(path, sizeof path, "%s/%s", b->output, name);
    return ag_file_exists(path);
}

AG_TEST(test_strategy__a_refused_training_leaves_nothing_behind)
{
    bench b;
    ag_err err = {0};
    char data[600], above[600];
    open_bench(&b);
    ag_format(above, sizeof above, "%s", b.output);
    ag_format(b.output, sizeof b.output, "%.500s/deep/er", above);
    ag_format(data, sizeof data, "%s", b.data);
    /* By its data, by whoever looks on, by its device. */
    ag_format(b.data, sizeof b.data, "%.500s.none", data);
    assert_true(run(&b, &err) < 0);
    assert_false(ag_file_exists(above));
    ag_format(b.data, sizeof b.data, "%.500s", data);
    AG_EXPECT_ERROR(run_refusing(&b, &err), AG_EINVAL, "not these data");
    assert_false(ag_file_exists(above));
    const char *device = b.settings.device;
    b.settings.device = "gpu9";
    assert_true(run(&b, &err) < 0);
    assert_false(ag_file_exists(above));
    b.settings.device = device;
    /* What was there stays, also when it is empty. */
    AG_EXPECT_OK(ag_dir_make(above, &err));
    AG_EXPECT_ERROR(run_refusing(&b, &err), AG_EINVAL, "not these data");
    assert_true(ag_file_exists(above));
    assert_false(ag_file_exists(b.output));
    /* And what an earlier training has made. */
    AG_EXPECT_OK(run(&b, &err));
    assert_true(is_there(&b, "config.yaml") && is_there(&b, "model/model.safetensors"));
    char path[700];
    ag_format(path, sizeof path, "%s/config.yaml", b.output);
    AG_EXPECT_OK(ag_file_replace(path, "before", 6, &err));
    AG_EXPECT_ERROR(run_refusing(&b, &err), AG_EINVAL, "not these data");
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    AG_EXPECT_OK(ag_file_read(path, 1 << 16, &text, &err));
    assert_true(ag_str_is(ag_buf_str(&text), "before") && is_there(&b, "model/model.safetensors"));
    ag_buf_deinit(&text);
    close_bench(&b);
}

static int resume_in(bench *b, const ag_strategy_watch *watch, ag_err *err)
{
    const ag_strategy *strategy = NULL;
    ag_strategy_task task = task_of(b, watch);
    task.resume = true;
    int rc = ag_strategy_find(&b->settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    return rc;
}

AG_TEST(test_strategy__resumed_with_other_data_is_refused_before_anybody_is_told)
{
    bench b;
    ag_err err = {0};
    ag_buf before, after;
    open_bench(&b);
    b.settings.save_checkpoints = true;
    const ag_strategy_watch watch = {.context = &b, .configured = on_configured};
    AG_EXPECT_OK(run(&b, &err));
    AG_EXPECT_OK(resume_in(&b, &watch, &err));
    const int told = b.configured;
    ag_buf_init(&before, 1 << 16);
    ag_buf_init(&after, 1 << 16);
    AG_EXPECT_OK(ag_file_read(b.data, 1 << 16, &before, &err));
    ag_buf_add(&after, before.data, before.size);
    ag_buf_add_text(&after, "0.5\n");
    AG_EXPECT_OK(ag_file_replace(b.data, after.data, after.size, &err));
    AG_EXPECT_ERROR(resume_in(&b, &watch, &err), AG_EINVAL, "were made of other data than");
    assert_non_null(strstr(err.hint, "begin anew in another directory"));
    assert_int_equal(b.configured, told);
    AG_EXPECT_OK(ag_file_replace(b.data, before.data, before.size, &err));
    AG_EXPECT_OK(resume_in(&b, &watch, &err));
    ag_buf_deinit(&before);
    ag_buf_deinit(&after);
    close_bench(&b);
}

/* ---- several trainings at once ---- */

enum { FOLDS = 5 };

typedef struct folds {
    ag_strategy_task *task;
    float series[64];
    ag_samples samples;
    ag_samples_port ports[2];
    ag_model *models[FOLDS];
} folds;

static int fill_fold(const void *state, const ag_batch *batch, ag_err *err)
{
    const folds *f = state;
    (void)err;
    for (int64_t i = 0; i < batch->count; i++) {
        memcpy(batch->into[0] + i * 8, f->series + batch->index[i], 8 * sizeof(float));
        if (batch->into[1]) memcpy(batch->into[1] + i * 2, f->series + batch->index[i] + 8, 2 * sizeof(float));
    }
    return 0;
}

static int prepare_folds(void *state, ag_strategy_task *task, ag_err *err)
{
    static const ag_model_fact facts[] = {
        {"context_length", 8, ""}, {"prediction_length", 2, ""}, {"num_input_channels", 1, ""}};
    folds *f = state;
    f->task = task;
    for (int i = 0; i < 64; i++) f->series[i] = sinf((float)i);
    f->ports[0] = (ag_samples_port){"past_values", 8};
    f->ports[1] = (ag_samples_port){"future_values", 2};
    f->samples =
        (ag_samples){.name = "folds", .ports = f->ports, .ports_count = 2, .count = 50, .fill = fill_fold, .state = f};
    task->data = f;
    int rc = ag_settings_model(task->settings, facts, 3, task->arena, &task->model_config, err);
    for (int i = 0; i < FOLDS && rc >= 0; i++) rc = ag_strategy_model(task, true, &f->models[i], err);
    return rc;
}

static int train_fold(void *context, size_t index, ag_err *err)
{
    folds *f = context;
    char name[16];
    ag_format(name, sizeof name, "fold %zu", index + 1);
    return ag_strategy_train_model(f->task, name, (int64_t)index, FOLDS, f->models[index], &f->samples, &f->samples,
                                   NULL, err);
}

static int train_folds(void *state, ag_strategy_task *task, ag_err *err)
{
    return ag_pool_for(task->pool, FOLDS, train_fold, state, task->cancel, err);
}

static int validate_folds(void *state, ag_strategy_task *task, ag_err *err)
{
    const folds *f = state;
    for (int i = 1; i < FOLDS; i++) /* the same data and seed: the same bits */
        assert_memory_equal(f->models[i]->values, f->models[0]->values, 16 * sizeof(float));
    return ag_strategy_metric_found(task, "answer", 42.0, err);
}

static int export_folds(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    (void)state, (void)task;
    return ag_dir_make(directory, err);
}

static void close_folds(void *state)
{
    folds *f = state;
    for (int i = 0; i < FOLDS; i++) ag_model_free(f->models[i]);
}

static const ag_description no_keys = {.name = "data_config", .doc = "Nothing.", .size = 1};

/* Another training begins where this one has looked and found no directory yet. */
static void begin_another(void *context, const char *text)
{
    ag_err err = {0};
    bench *b = context;
    (void)text;
    AG_EXPECT_OK(ag_dir_make(b->output, &err));
    AG_EXPECT_OK(ag_lock_directory(b->output, &b->hold, &err));
}

AG_TEST(test_strategy__the_second_of_two_does_not_take_the_directory_of_the_first_away)
{
    bench b;
    ag_err err = {0};
    const ag_strategy *strategy = NULL;
    open_bench(&b);
    b.settings.empty = true; /* so that there is a remark */
    const ag_strategy_watch watch = {.context = &b, .remark = begin_another};
    ag_strategy_task task = task_of(&b, &watch);
    (void)ag_dir_remove(b.output, NULL);
    AG_EXPECT_OK(ag_strategy_find(&b.settings, &strategy, &err));
    AG_EXPECT_ERROR(ag_strategy_run(strategy, &task, &err), AG_ECONFLICT, "another training writes into");
    assert_true(ag_file_exists(b.output));
    ag_strategy_task_deinit(&task);
    ag_lock_release(b.hold);
    close_bench(&b);
}

AG_TEST(test_strategy__trainings_may_run_at_once)
{
    bench b;
    ag_err err = {0};
    static const ag_strategy strategy = {.name = "folds",
                                         .doc = "folds",
                                         .data = &no_keys,
                                         .state_size = sizeof(folds),
                                         .prepare = prepare_folds,
                                         .train = train_folds,
                                         .validate = validate_folds,
                                         .export = export_folds,
                                         .close = close_folds};
    open_bench(&b);
    b.settings.save_checkpoints = true;
    ag_strategy_task task = {
        .settings = &b.settings, .data_dir = b.data, .output_dir = b.output, .jobs = 4, .arena = b.arena};
    AG_EXPECT_OK(ag_strategy_run(&strategy, &task, &err));
    assert_int_equal(task.trainings.count, FOLDS);
    for (size_t i = 0; i < FOLDS; i++) {
        const ag_strategy_training *training = ag_vec_at(&task.trainings, i);
        assert_true(training->index == (int64_t)i && training->result.epochs == 2);
    }
    ag_strategy_task_deinit(&task);
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
