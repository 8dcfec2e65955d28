// SPDX-License-Identifier: Apache-2.0
/* A strategy of two trainings, looked at by the terminal's lines and by a ledger: each is a child of the run. */
#include "app/cli/train_watch.h"

#include <math.h>
#include <string.h>

#include "app/cli/calls.h"
#include "core/io/file.h"

/* ---- what is looked at ---- */

static const ag_train_epoch epochs[] = {
    {.epoch = 0, .step = 10, .train_loss = 1.0, .val_loss = 1.5, .gradient_norm = 1.0, .best = true},
    {.epoch = 1, .step = 20, .train_loss = 0.5, .val_loss = 1.2, .gradient_norm = 1.0, .best = true},
};

static void pretend_training(const ag_strategy_watch *watch, int64_t index)
{
    ag_err err = {0};
    ag_train_monitor monitor = {0};
    char name[16];
    ag_format(name, sizeof name, "fold %d", (int)index + 1);
    AG_EXPECT_OK(watch->training(watch->context, name, index, 2, &monitor, &err));
    for (int64_t e = 0; e < 2; e++) {
        ag_train_progress now = {.epoch = e, .epochs = 2, .step = 10 * e + 5, .steps = 20, .samples = 100, .loss = 0.7};
        AG_EXPECT_OK(monitor.step(monitor.context, &now, &err));
        now.epoch++;
        AG_EXPECT_OK(monitor.epoch(monitor.context, &epochs[e], &now, &err));
    }
    ag_train_result result = {.epochs = 2, .steps = 20, .best_epoch = 1, .best_metric = 1.2};
    AG_EXPECT_OK(watch->trained(watch->context, index, &result, &err));
}

static int look(ag_invocation *invocation, ag_err *out_err)
{
    ag_err err = {0};
    (void)out_err;
    static const ag_value nothing = {.kind = AG_OBJECT};
    ag_settings settings = {.strategy = "test", .experiment_name = "folds", .track_metrics = true};
    ag_ledger *ledger = NULL;
    ag_train_watch *watch = NULL;
    ag_ledger_options how = {.home = ag_home(invocation), .artifact_root = "mlflow-artifacts:/"};
    int rc = ag_ledger_open(&how, &ledger, &err);
    ag_train_watch_options options = {.show = ag_option_flag(invocation, "terminal") ? AG_TRAIN_SHOW_TERMINAL
                                                                                     : AG_TRAIN_SHOW_PLAIN,
                                      .tracker = {.ledger = ledger},
                                      .settings = &settings,
                                      .output_dir = ag_option_text(invocation, "out"),
                                      .resume = ag_option_flag(invocation, "resume")};
    if (rc >= 0) rc = ag_train_watch_new(invocation, &options, &watch, &err);
    if (rc < 0) return rc;
    const ag_strategy_watch *strategy = ag_train_watch_strategy(watch);
    strategy->phase(strategy->context, "training");
    AG_EXPECT_OK(strategy->configured(strategy->context, &nothing, 7, &err));
    pretend_training(strategy, 0);
    pretend_training(strategy, 1);
    ag_print(invocation, "%s\n", ag_train_watch_run(watch));
    ag_err why = {.text = "it was enough"};
    AG_EXPECT_OK(ag_train_watch_finish(watch, AG_ECANCELLED, &why, &err));
    ag_train_watch_free(watch);
    ag_ledger_close(ledger);
    return 0;
}

static const ag_option options[] = {
    {.name = "out", .type = AG_OPTION_PATH, .required = true, .doc = "Where run.json goes"},
    {.name = "resume", .type = AG_OPTION_FLAG, .doc = "In the same runs"},
    {.name = "terminal", .type = AG_OPTION_FLAG, .doc = "As if on a terminal"},
};
static const ag_example examples[] = {{"look", "Look"}, {NULL, NULL}};
static const ag_command command = {.path = "look",
                                   .summary = "Look",
                                   .doc = "Looks.",
                                   .options = AG_OPTIONS(options),
                                   .examples = examples,
                                   .run = look};

static int call_look(const char *const *words)
{
    static const ag_command *const all[] = {&command};
    return call_program((ag_command_table){all, 1}, words);
}
#define LOOK(...) call_look(SAMPLE_WORDS("look", __VA_ARGS__, "--home", home))

AG_TEST(test_train_watch__several_trainings_are_children_of_the_run)
{
    char run[64], file[700];
    begin();
    const char *directory = ag_test_dir();
    assert_int_equal(LOOK("--out", directory), 0);
    expect_remark("fold 1: epoch 2 of 2: train_loss 0.5, val_loss 1.2 (best)");
    expect_remark("fold 2: 2 epochs in");
    ag_format(run, sizeof run, "%.32s", ag_buf_str(&out.buf).data);
    ag_format(file, sizeof file, "%s/run.json", directory);
    assert_true(ag_file_exists(file));
    /* The same runs again. */
    assert_int_equal(LOOK("--out", directory, "--resume"), 0);
    expect_printed(run);
    assert_int_equal(AUGER("runs", "list", "--experiment", "folds", "--csv"), 0);
    expect_printed("fold 1");
    expect_printed("fold 2");
    int lines = 0;
    for (const char *at = ag_buf_str(&out.buf).data; *at; at++) lines += *at == '\n';
    assert_int_equal(lines, 1 + 3);
    assert_int_equal(AUGER("runs", "show", run), 0);
    expect_printed("KILLED");
    expect_printed("it was enough");
    /* Without --resume they are others. */
    assert_int_equal(LOOK("--out", directory), 0);
    assert_false(printed(run));
    end();
}

AG_TEST(test_train_watch__a_terminal_gets_curves_and_is_left_clean)
{
    begin();
    assert_int_equal(LOOK("--out", ag_test_dir(), "--terminal", "--color", "never"), 0);
    expect_remark("training");    /* the legend */
    expect_remark("0/2 trained"); /* the bar */
    expect_remark("fold 2 ██");   /* the trainings */
    expect_remark("\033[");       /* drawn again over itself */
    ag_str text = ag_buf_str(&err_out.buf);
    assert_int_equal(text.data[text.size - 1], '\n');
    end();
}
