// SPDX-License-Identifier: Apache-2.0
#include "learn/record.h"

#include <math.h>
#include <string.h>

#include "core/doc/yaml.h"
#include "core/io/file.h"
#include "core/sys/clock.h"
#include "core/sys/thread.h"
#include "frame/test.h"
#include "ledger/experiment.h"
#include "ledger/run.h"

typedef struct bench {
    ag_arena *arena;
    ag_ledger *ledger;
    ag_record *record;
} bench;

static const ag_record_options usual = {.experiment = "tests", .run_name = "one", .entry = "auger train"};

static void open_bench(bench *b, const ag_record_options *options)
{
    ag_err err = {0};
    static int count;
    char home[600];
    ag_format(home, sizeof home, "%s/home%d", ag_test_dir(), ++count);
    *b = (bench){.arena = ag_arena_new(0)};
    ag_ledger_options how = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_ledger_open(&how, &b->ledger, &err));
    AG_EXPECT_OK(ag_record_open(&(ag_tracker){.ledger = b->ledger}, options, &b->record, &err));
}

static void close_bench(bench *b)
{
    ag_record_free(b->record);
    ag_ledger_close(b->ledger);
    ag_arena_free(b->arena);
}

static ag_run run_of(bench *b)
{
    ag_run run;
    ag_err err = {0};
    AG_EXPECT_OK(ag_run_get(b->ledger, ag_str_of(ag_record_run(b->record)), b->arena, &run, &err));
    return run;
}

static const char *value_in(ag_pairs pairs, const char *key)
{
    static char text[700];
    for (size_t i = 0; i < pairs.count; i++)
        if (ag_str_is(pairs.items[i].key, key)) {
            ag_format(text, sizeof text, "%.*s", AG_STR_ARG(pairs.items[i].value));
            return text;
        }
    return "absent";
}

AG_TEST(test_record__parameters_are_flat_and_long_ones_cut)
{
    bench b;
    ag_err err = {0};
    const ag_value *tree = NULL;
    char text[8000];
    open_bench(&b, &usual);
    memset(text, 0, sizeof text);
    ag_format(text, sizeof text, "{a: {b: 1.5, c: [1, x]}, empty: {}, none: null, yes: true, long: ");
    memset(text + strlen(text), 'l', 7000);
    strncat(text, "}", 2);
    AG_EXPECT_OK(ag_yaml_parse(b.arena, ag_str_of(text), NULL, &tree, &err));
    AG_EXPECT_OK(ag_record_parameters(b.record, tree, &err));
    AG_EXPECT_OK(ag_record_parameters(b.record, tree, &err)); /* again: the same */
    ag_run run = run_of(&b);
    assert_string_equal(value_in(run.params, "a.b"), "1.5");
    assert_string_equal(value_in(run.params, "a.c"), "[1,\"x\"]");
    assert_string_equal(value_in(run.params, "yes"), "true");
    assert_string_equal(value_in(run.params, "none"), "absent");
    assert_string_equal(run.name, "one");
    assert_string_equal(value_in(run.tags, "mlflow.source.name"), "auger train");
    close_bench(&b);
}

static int log_some(void *context, size_t index, ag_err *err)
{
    (void)err;
    for (int i = 0; i < 500; i++)
        ag_record_metric(context, index % 2 ? "odd" : "even", (double)index, (int64_t)(index * 500) + i);
    return 0;
}

AG_TEST(test_record__metrics_of_many_threads_are_all_there)
{
    bench b;
    ag_err err = {0};
    ag_pool *pool = NULL;
    ag_points points;
    open_bench(&b, &usual);
    AG_EXPECT_OK(ag_pool_new(3, &pool, &err));
    AG_EXPECT_OK(ag_pool_for(pool, 8, log_some, b.record, NULL, &err));
    ag_record_metric(b.record, "nan", (double)NAN, 1);
    AG_EXPECT_OK(ag_record_finish(b.record, AG_RECORD_FINISHED, &err));
    AG_EXPECT_OK(ag_metric_history(b.ledger, ag_str_of(ag_record_run(b.record)), AG_STR("even"), 0, AG_STR(""), b.arena,
                                   &points, &err));
    assert_int_equal(points.count, 2000);
    ag_run run = run_of(&b);
    assert_int_equal(run.status, AG_RUN_FINISHED);
    assert_int_equal(run.metric_count, 3);
    assert_null(ag_record_trouble(b.record));
    ag_pool_free(pool);
    close_bench(&b);
}

AG_TEST(test_record__goes_on_with_a_run_and_makes_a_new_one_when_it_is_gone)
{
    bench b;
    ag_err err = {0};
    ag_record *second = NULL;
    open_bench(&b, &usual);
    AG_EXPECT_OK(ag_record_finish(b.record, AG_RECORD_KILLED, &err));
    assert_int_equal(run_of(&b).status, AG_RUN_KILLED);
    ag_record_options again = usual;
    again.run_id = ag_record_run(b.record);
    AG_EXPECT_OK(ag_record_open(&(ag_tracker){.ledger = b.ledger}, &again, &second, &err));
    assert_string_equal(ag_record_run(second), ag_record_run(b.record));
    assert_int_equal(run_of(&b).status, AG_RUN_RUNNING);
    ag_record_free(second);
    again.run_id = "0123456789abcdef0123456789abcdef";
    AG_EXPECT_OK(ag_record_open(&(ag_tracker){.ledger = b.ledger}, &again, &second, &err));
    assert_string_not_equal(ag_record_run(second), ag_record_run(b.record));
    assert_string_equal(ag_record_experiment(second), ag_record_experiment(b.record));
    ag_record_free(second);
    close_bench(&b);
}

AG_TEST(test_record__children_files_and_data)
{
    bench b;
    ag_err err = {0};
    ag_record *child = NULL;
    ag_sha256 digest = {{1}};
    char path[600], deep[600];
    open_bench(&b, &usual);
    ag_record_options below = {.experiment = "tests", .run_name = "fold 1", .parent = ag_record_run(b.record)};
    AG_EXPECT_OK(ag_record_open(&(ag_tracker){.ledger = b.ledger}, &below, &child, &err));
    AG_EXPECT_OK(ag_record_dataset(b.record, "a.csv", "/data/a.csv", "training", &digest, &err));
    const char *files = ag_test_dir();
    ag_format(deep, sizeof deep, "%s/deep", files);
    AG_EXPECT_OK(ag_dir_make(deep, &err));
    ag_format(path, sizeof path, "%s/x.txt", deep);
    AG_EXPECT_OK(ag_file_replace(path, "x", 1, &err));
    AG_EXPECT_OK(ag_record_files(b.record, files, "model", &err));
    AG_EXPECT_OK(ag_record_file(b.record, path, "top.txt", &err));
    AG_EXPECT_ERROR(ag_record_file(b.record, "/nowhere", "top.txt", &err), AG_ENOTFOUND, "nowhere");
    ag_run run = run_of(&b);
    assert_true(run.input_count == 1 && strlen(run.inputs[0].digest) == 32);
    b.record = (ag_record_free(b.record), child);
    assert_string_equal(value_in(run_of(&b).tags, "mlflow.parentRunId"), run.id);
    close_bench(&b);
}

static size_t losses_written(const bench *b)
{
    ag_err err = {0};
    ag_arena *arena = ag_arena_new(0);
    ag_points points;
    AG_EXPECT_OK(ag_metric_history(b->ledger, ag_str_of(ag_record_run(b->record)), AG_STR("loss"), 0, AG_STR(""), arena,
                                   &points, &err));
    size_t count = points.count;
    ag_arena_free(arena);
    return count;
}

AG_TEST(test_record__epochs_are_written_at_once_but_not_each_of_very_short_ones)
{
    bench b;
    open_bench(&b, &usual);
    size_t seen = 0, writings = 0;
    int64_t begun = ag_monotonic();
    for (int epoch = 0; epoch < 100; epoch++) {
        ag_record_metric(b.record, "loss", 0.5, epoch);
        ag_record_flush_epoch(b.record);
        size_t now = losses_written(&b);
        if (epoch == 0) assert_int_equal(now, 1);
        writings += now > seen;
        seen = now;
    }
    double seconds = (double)(ag_monotonic() - begun) / 1e6;
    assert_true((double)writings <= 1.0 + 3.0 * seconds); /* two by time, and one by metrics, a second */
    ag_record_flush(b.record);
    assert_int_equal(losses_written(&b), 100);
    close_bench(&b);
}

AG_TEST(test_record__a_ledger_that_fails_ends_no_training)
{
    bench b;
    ag_err err = {0};
    if (!ag_fault_available()) ag_test_skip("faults are not built in");
    open_bench(&b, &usual);
    ag_record_metric(b.record, "loss", 1.0, 1);
    ag_fault_arm(1, AG_FAULT_SQL);
    ag_record_flush(b.record);
    ag_fault_arm(0, 0);
    assert_non_null(ag_record_trouble(b.record));
    ag_record_metric(b.record, "loss", 2.0, 2);
    AG_EXPECT_OK(ag_record_finish(b.record, AG_RECORD_FAILED, &err));
    assert_int_equal(run_of(&b).status, AG_RUN_FAILED);
    close_bench(&b);
}

AG_TEST(test_record__too_many_different_metrics_are_told)
{
    bench b;
    ag_err err = {0};
    char key[40];
    open_bench(&b, &usual);
    for (int i = 0; i < 5000; i++) {
        ag_format(key, sizeof key, "made up %d", i);
        ag_record_metric(b.record, key, i, i);
    }
    ag_record_metric(b.record, "made up 17", 1.0, 5000); /* which was there before */
    AG_EXPECT_OK(ag_record_finish(b.record, AG_RECORD_FINISHED, &err));
    assert_non_null(strstr(ag_record_trouble(b.record), "more than 4096 different metrics: 'made up 4096' and those"));
    ag_run run = run_of(&b);
    assert_int_equal(run.metric_count, 4096);
    close_bench(&b);
}
