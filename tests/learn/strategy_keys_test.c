// SPDX-License-Identifier: Apache-2.0
/* strategy_keys_test.c: keys that a strategy passes over, or that another key keeps from having an effect. */
#include "learn/strategy_keys.h"

#include <string.h>

#include "frame/test.h"
#include "learn/strategy_tools.h"

typedef struct bench {
    ag_arena *arena;
    ag_settings settings;
    const ag_strategy *strategy;
    ag_strategy_watch watch;
    ag_strategy_task task;
    int remarks;
    char last[600];
} bench;

static void on_remark(void *context, const char *text)
{
    bench *b = context;
    b->remarks++;
    ag_format(b->last, sizeof b->last, "%s", text);
}

static void open_bench(bench *b, const char *text, const char *set)
{
    ag_err err = {0};
    const ag_str sets[] = {ag_str_of(set ? set : "")};
    *b = (bench){.arena = ag_arena_new(0)};
    AG_EXPECT_OK(ag_settings_parse(b->arena, ag_str_of(text), "c.yaml", sets, set ? 1 : 0, &b->settings, &err));
    AG_EXPECT_OK(ag_strategy_find(&b->settings, &b->strategy, &err));
    b->watch = (ag_strategy_watch){.context = b, .remark = on_remark};
    b->task = (ag_strategy_task){.settings = &b->settings, .watch = &b->watch, .arena = b->arena};
}

static void close_bench(bench *b)
{
    ag_arena_free(b->arena);
}

static int check(const char *text, const char *set, ag_err *err)
{
    bench b;
    open_bench(&b, text, set);
    int rc = ag_strategy_check_keys(b.strategy, &b.settings, err);
    close_bench(&b);
    return rc;
}

/* Remarks on keys without an effect, and the last of them in `last` (of 600 bytes). */
static int tell(const char *text, char *last)
{
    bench b;
    open_bench(&b, text, NULL);
    ag_strategy_tell_idle(b.strategy, &b.task);
    ag_format(last, sizeof b.last, "%s", b.last);
    close_bench(&b);
    return b.remarks;
}

#define METRIC(name) "training_config:\n  early_stopping: {metric: " name "}\n"

AG_TEST(test_strategy_keys__a_metric_that_no_training_has_is_refused_with_its_place)
{
    ag_err err = {0};
    AG_EXPECT_ERROR(check(METRIC("accuracy"), NULL, &err), AG_EINVAL, "early_stopping.metric: there is no metric 'acc");
    assert_true(err.line == 2 && err.column == 28 && strcmp(err.file, "c.yaml") == 0);
    assert_non_null(strstr(err.hint, "val_loss and train_loss"));
    AG_EXPECT_ERROR(check("seed: 1\n", "training_config.early_stopping.metric=x", &err), AG_EINVAL, "no metric 'x'");
    assert_true(err.line == 0 && !*err.file);
    AG_EXPECT_OK(check(METRIC("val_loss"), NULL, &err));
    AG_EXPECT_OK(check(METRIC("train_loss"), "strategy=forecast", &err));
    AG_EXPECT_ERROR(check(METRIC("mse"), "strategy=forecast", &err), AG_EINVAL, "no metric 'mse'");
    AG_EXPECT_OK(check(METRIC("accuracy"), "strategy=exec", &err)); /* a program may have any */
}

AG_TEST(test_strategy_keys__without_validation_there_is_no_validation_loss)
{
    bench b;
    ag_err err = {0};
    const ag_samples samples = {.count = 1};
    const ag_strategy_job judged = {.validation = &samples}, alone = {0};
    open_bench(&b, METRIC("val_loss"), NULL);
    AG_EXPECT_OK(ag_strategy_check_metric(&b.settings, &judged, &err));
    AG_EXPECT_ERROR(ag_strategy_check_metric(&b.settings, &alone, &err), AG_EINVAL, "no metric 'val_loss'");
    assert_true(err.line == 2 && strstr(err.hint, "nothing validates"));
    close_bench(&b);
    open_bench(&b, "seed: 1\n", NULL);
    AG_EXPECT_OK(ag_strategy_check_metric(&b.settings, &alone, &err));
    close_bench(&b);
}

AG_TEST(test_strategy_keys__what_has_no_effect_is_told)
{
    char last[600];
    assert_int_equal(tell("training_config: {validation_split: 0.3}\n", last), 1);
    assert_non_null(strstr(last, "validation_split has no effect"));
    assert_int_equal(tell("training_config: {validation_split: 0.3, cross_validation: {n_folds: 4}}\n", last), 1);
    assert_int_equal(tell("training_config: {cross_validation: {enabled: false, folds: [2]}}\n", last), 1);
    assert_non_null(strstr(last, "folds (--folds) has no effect"));
    assert_int_equal(tell("pretrain: {epochs: 3}\n", last), 1);
    assert_non_null(strstr(last, "nothing is pretrained"));
    static const char *const quiet[] = {
        "pretrain: {enabled: false, epochs: 3}\n",
        "pretrain: true\n",
        "pretrain: {enabled: true, epochs: 3}\n",
        "pretrain: {}\n",
        "seed: 1\n",
        "training_config: {validation_split: 0.3, cross_validation: false}\n",
        "training_config: {cross_validation: {n_folds: 4, folds: [2]}}\n",
        "strategy: patchtsmixer_single\ntraining_config: {validation_split: 0.3}\n",
        "strategy: exec\ntraining_config: {validation_split: 0.3}\n",
    };
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++) assert_int_equal(tell(quiet[i], last), 0);
}

AG_TEST(test_strategy_keys__what_is_told_or_refused_is_not_written)
{
    static const struct {
        const char *text;
        bool split, folds;
    } cases[] = {
        {"training_config: {validation_split: 0.3}\n", false, true},
        {"training_config: {cross_validation: false}\n", true, true},
        {"strategy: patchtsmixer_single\n", true, false},
        {"strategy: forecast\n", false, false},
        {"strategy: exec\n", true, true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bench b;
        ag_err err = {0};
        const ag_model_config none = {0};
        static const ag_description nothing = {.name = "data_config", .doc = "Nothing.", .size = 1};
        open_bench(&b, cases[i].text, NULL);
        AG_EXPECT_OK(ag_settings_effective(&b.settings, &none, &nothing, "", b.arena, &b.task.effective, &err));
        AG_EXPECT_OK(ag_strategy_leave_out(b.strategy, &b.task, &err));
        assert_int_equal(ag_value_at(b.task.effective, "training_config.validation_split") != NULL, cases[i].split);
        assert_int_equal(ag_value_at(b.task.effective, "training_config.cross_validation") != NULL, cases[i].folds);
        assert_non_null(ag_value_at(b.task.effective, "training_config.epochs"));
        close_bench(&b);
    }
}
