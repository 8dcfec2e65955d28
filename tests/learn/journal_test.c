// SPDX-License-Identifier: Apache-2.0
#include "learn/journal.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/doc/json.h"
#include "core/io/file.h"
#include "frame/test.h"
#include "ledger/metric.h"

typedef struct bench {
    char output[600], known[700];
    ag_ledger *ledger;
    ag_journal *journal;
} bench;

static void open_bench(bench *b)
{
    ag_err err = {0};
    char home[600];
    static int count;
    ag_format(home, sizeof home, "%s/home%d", ag_test_dir(), ++count);
    ag_format(b->output, sizeof b->output, "%s/out", ag_test_dir());
    ag_format(b->known, sizeof b->known, "%s/run.json", b->output);
    const ag_ledger_options how = {.home = home, .artifact_root = "mlflow-artifacts:/"};
    AG_EXPECT_OK(ag_dir_make(b->output, &err));
    AG_EXPECT_OK(ag_ledger_open(&how, &b->ledger, &err));
}

static const ag_value nothing = {.kind = AG_OBJECT};

static int begin_journal(bench *b, bool resume, ag_err *err)
{
    static const ag_settings settings = {.strategy = "test", .experiment_name = "journal"};
    static const ag_strategy_watch nobody = {0};
    const ag_journal_options options = {.tracker = {.ledger = b->ledger},
                                        .settings = &settings,
                                        .output_dir = b->output,
                                        .resume = resume,
                                        .entry = "a test",
                                        .next = &nobody};
    return ag_journal_new(&options, &b->journal, err);
}

/* The configuration is told; what that answers. */
static int configure(bench *b, bool resume, ag_err *err)
{
    int rc = begin_journal(b, resume, err);
    if (rc < 0) return rc;
    const ag_strategy_watch *watch = ag_journal_watch(b->journal);
    rc = watch->configured(watch->context, &nothing, 7, err);
    ag_err second = {0};
    (void)ag_journal_finish(b->journal, rc, err, &second);
    return rc;
}

static void close_journal(bench *b)
{
    ag_journal_free(b->journal);
    b->journal = NULL;
}

AG_TEST(test_journal__a_run_that_cannot_be_recorded_leaves_no_name_behind)
{
    bench b = {0};
    open_bench(&b);
    for (uint64_t n = 1; ag_fault_available(); n++) {
        ag_err err = {0};
        ag_fault_arm(n, AG_FAULT_SQL | AG_FAULT_ALLOC);
        int rc = configure(&b, false, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        close_journal(&b);
        if (rc < 0 && ag_file_exists(b.known))
            fail_msg("at %llu: run.json is there: %s", (unsigned long long)n, err.text);
        if (!fired) {
            AG_EXPECT_OK(rc);
            break;
        }
        if (rc >= 0) AG_EXPECT_OK(ag_file_remove(b.known, &err)); /* it failed at the end */
    }
    ag_ledger_close(b.ledger);
}

/* Epochs follow each other so quickly that they are held back; a kill after the checkpoint must not take them away. */
AG_TEST(test_journal__what_a_checkpoint_holds_is_in_the_ledger_before_it)
{
    enum { EPOCHS = 5 };
    bench b = {0};
    ag_err err = {0};
    ag_points points;
    ag_train_monitor monitor = {0};
    open_bench(&b);
    AG_EXPECT_OK(begin_journal(&b, false, &err));
    const ag_strategy_watch *watch = ag_journal_watch(b.journal);
    AG_EXPECT_OK(watch->configured(watch->context, &nothing, 7, &err));
    AG_EXPECT_OK(watch->training(watch->context, "model", 0, 1, &monitor, &err));
    for (int64_t i = 0; i < EPOCHS; i++) {
        const ag_train_progress now = {.epoch = i + 1, .epochs = EPOCHS, .step = i};
        const ag_train_epoch epoch = {.epoch = i, .step = i, .train_loss = 1.0, .val_loss = 2.0};
        AG_EXPECT_OK(monitor.epoch(monitor.context, &epoch, &now, &err));
    }
    monitor.saving(monitor.context);
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_metric_history(b.ledger, ag_str_of(ag_journal_run(b.journal)), AG_STR("val_loss"), 0, AG_STR(""),
                                   arena, &points, &err));
    assert_int_equal(points.count, EPOCHS);
    ag_arena_free(arena);
    close_journal(&b);
    ag_ledger_close(b.ledger);
}

AG_TEST(test_journal__a_run_that_is_gone_on_with_keeps_its_name)
{
    bench b = {0};
    ag_err err = {0};
    char run[64];
    open_bench(&b);
    AG_EXPECT_OK(configure(&b, false, &err));
    ag_format(run, sizeof run, "%s", ag_journal_run(b.journal));
    close_journal(&b);
    for (uint64_t n = 1; ag_fault_available(); n++) {
        ag_fault_arm(n, AG_FAULT_SQL);
        int rc = configure(&b, true, &err);
        bool fired = ag_fault_fired();
        ag_fault_arm(0, 0);
        close_journal(&b);
        assert_true(ag_file_exists(b.known));
        if (!fired && rc >= 0) break;
    }
    AG_EXPECT_OK(configure(&b, true, &err));
    assert_string_equal(ag_journal_run(b.journal), run);
    close_journal(&b);
    ag_ledger_close(b.ledger);
}

/* A fold begins, in a journal of its own that is then dropped as a kill would drop it; its run's id. */
static void begin_fold(bench *b, bool resume, const char *name, char *run)
{
    ag_err err = {0};
    ag_buf text;
    ag_train_monitor monitor = {0};
    const ag_value *known = NULL;
    ag_str id;
    AG_EXPECT_OK(begin_journal(b, resume, &err));
    const ag_strategy_watch *watch = ag_journal_watch(b->journal);
    AG_EXPECT_OK(watch->configured(watch->context, &nothing, 7, &err));
    if (name) AG_EXPECT_OK(watch->training(watch->context, name, 0, 2, &monitor, &err));
    close_journal(b);
    if (!name) return;
    ag_arena *arena = ag_arena_new(0);
    ag_buf_init(&text, 1 << 16);
    AG_EXPECT_OK(ag_file_read(b->known, 1 << 16, &text, &err));
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &known, &err));
    assert_true(ag_value_string(ag_value_get(ag_value_get(known, "trainings"), name), &id));
    ag_format(run, 64, "%.*s", AG_STR_ARG(id));
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

AG_TEST(test_journal__a_kill_before_the_folds_go_on_keeps_their_runs)
{
    bench b = {0};
    char first[64], second[64], again[64];
    open_bench(&b);
    begin_fold(&b, false, "fold-01", first);
    begin_fold(&b, true, NULL, NULL); /* killed while it reads the data, say */
    begin_fold(&b, true, "fold-02", second);
    begin_fold(&b, true, "fold-01", again);
    assert_string_equal(again, first);
    begin_fold(&b, true, "fold-02", again);
    assert_string_equal(again, second);
    begin_fold(&b, false, "fold-02", again); /* not gone on with: a training of its own */
    assert_string_not_equal(again, second);
    ag_ledger_close(b.ledger);
}

/* ---- data by name ---- */

typedef struct seen {
    char remark[200], name[100], path[200];
} seen;

static void see_remark(void *context, const char *text)
{
    seen *s = context;
    ag_format(s->remark, sizeof s->remark, "%s", text);
}

static int see_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    seen *s = context;
    (void)err;
    ag_format(s->name, sizeof s->name, "%s", dataset->name);
    ag_format(s->path, sizeof s->path, "%s", dataset->path ? dataset->path : "");
    return 0;
}

AG_TEST(test_journal__a_version_of_a_data_set_is_told_by_its_name)
{
    static const ag_settings settings = {.strategy = "test", .experiment_name = "journal"};
    static const ag_data_name called = {.name = "drilling@v1", .path = "h/af72", .absolute = "/t/h/af72"};
    ag_err err = {0};
    ag_journal *journal = NULL;
    ag_train_monitor monitor = {0};
    seen s = {0};
    const ag_strategy_watch who = {.context = &s, .remark = see_remark, .dataset = see_dataset};
    const ag_journal_options options = {
        .settings = &settings, .data_dir = "h/af72", .output_dir = ag_test_dir(), .called = &called, .next = &who};
    AG_EXPECT_OK(ag_journal_new(&options, &journal, &err));
    const ag_strategy_watch *watch = ag_journal_watch(journal);
    watch->remark(watch->context, "h/af72: 66 holes");
    assert_string_equal(s.remark, "drilling@v1: 66 holes");
    const ag_strategy_dataset whole = {.name = "af72", .path = "/t/h/af72"},
                              file = {.name = "a", .path = "h/af72/a.csv"};
    AG_EXPECT_OK(watch->dataset(watch->context, &whole, &err));
    assert_string_equal(s.name, "drilling@v1");
    assert_string_equal(s.path, "drilling@v1");
    AG_EXPECT_OK(watch->dataset(watch->context, &file, &err));
    assert_string_equal(s.name, "a");
    assert_string_equal(s.path, "drilling@v1/a.csv");
    const ag_strategy_dataset nowhere = {.name = "numbers"};
    watch->remark(watch->context, "other words");
    assert_string_equal(s.remark, "other words");
    AG_EXPECT_OK(watch->dataset(watch->context, &nowhere, &err));
    assert_string_equal(s.name, "numbers");
    AG_EXPECT_OK(watch->training(watch->context, "model", 0, 1, &monitor, &err));
    if (monitor.remark) monitor.remark(monitor.context, "h/af72 again");
    ag_journal_free(journal);
}
