// SPDX-License-Identifier: Apache-2.0
/* The strategy "exec" with programs that behave, and with those that do not. */
#include "learn/strategies/exec.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/io/file.h"
#include "core/sys/clock.h"
#include "frame/test.h"

typedef struct bench {
    ag_arena *arena;
    char dir[600], data[700], output[700], config[700];
    ag_settings settings;
    ag_cancel *cancel;
    bool resume;
    int epochs, steps, remarks, metrics, seen_data;
    double last_metric, val_loss;
    char remark[100], metric[40];
} bench;

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_true(now->step == 7 && now->loss == 0.5 && isnan(now->gradient_norm));
    b->steps++;
    return 0;
}

static int on_epoch(void *context, const ag_train_epoch *epoch, const ag_train_progress *now, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_int_equal(epoch->epoch, b->epochs++);
    assert_int_equal(now->epoch, b->epochs);
    b->val_loss = epoch->val_loss;
    return 0;
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    (void)err;
    assert_true(strcmp(name, "model") == 0 && index == 0 && count == 1);
    *monitor = (ag_train_monitor){.context = context, .step = on_step, .epoch = on_epoch};
    return 0;
}

static void on_remark(void *context, const char *text)
{
    bench *b = context;
    b->remarks++;
    ag_format(b->remark, sizeof b->remark, "%s", text);
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    bench *b = context;
    (void)err;
    b->metrics++;
    b->last_metric = metric->value;
    ag_format(b->metric, sizeof b->metric, "%s@%d", metric->name, (int)metric->step);
    return 0;
}

static int on_dataset(void *context, const ag_strategy_dataset *dataset, ag_err *err)
{
    bench *b = context;
    (void)err;
    assert_string_equal(dataset->name, "data");
    b->seen_data++;
    return 0;
}

static void write_text(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void open_bench(bench *b)
{
    ag_err err = {0};
    char file[800];
    *b = (bench){.arena = ag_arena_new(0)};
    ag_format(b->dir, sizeof b->dir, "%s", ag_test_dir());
    ag_format(b->data, sizeof b->data, "%s/data", b->dir);
    ag_format(b->output, sizeof b->output, "%s/out", b->dir);
    AG_EXPECT_OK(ag_dir_make(b->data, &err));
    ag_format(file, sizeof file, "%s/holes.csv", b->data);
    write_text(file, "path,exit\na,1\n");
}

static void close_bench(bench *b)
{
    ag_cancel_free(b->cancel);
    ag_arena_free(b->arena);
}

/* A configuration whose program is this script of the shell, with more keys of data_config. */
static int read_script(bench *b, const char *script, const char *more, ag_err *err)
{
    char path[700], config[1600];
    ag_format(path, sizeof path, "%s/program.sh", b->dir);
    write_text(path, script);
    ag_format(config, sizeof config, "strategy: exec\ndata_config:\n  command: [sh, %s]\n%s", path, more);
    ag_format(b->config, sizeof b->config, "%s/config.yaml", b->dir);
    write_text(b->config, config);
    return ag_settings_read(b->arena, b->config, NULL, 0, &b->settings, err);
}

static int run(void *context, ag_err *err)
{
    bench *b = context;
    const ag_strategy *strategy = NULL;
    ag_strategy_watch watch = {
        .context = b, .remark = on_remark, .training = on_training, .metric = on_metric, .dataset = on_dataset};
    ag_strategy_task task = {.settings = &b->settings,
                             .data_dir = b->data,
                             .output_dir = b->output,
                             .resume = b->resume,
                             .jobs = 1,
                             .watch = &watch,
                             .cancel = b->cancel,
                             .arena = ag_arena_new(0)};
    b->epochs = 0;
    int rc = task.arena ? ag_strategy_find(&b->settings, &strategy, err) : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    ag_arena_free(task.arena);
    return rc;
}

static bool there_is(const bench *b, const char *name)
{
    char path[800];
    ag_format(path, sizeof path, "%s/%s", b->output, name);
    return ag_file_exists(path);
}

static const char good[] = "set -eu\n"
                           "echo '{\"remark\": \"hello\"}'\n"
                           "echo '{\"step\": 7, \"loss\": 0.5, \"accuracy\": 0.25}'\n"
                           "echo '{\"epoch\": 1, \"train_loss\": 2, \"val_loss\": 3, \"progress\": 0.5}'\n"
                           "echo\n"
                           "echo '{\"epoch\": 2, \"train_loss\": 1, \"val_loss\": 2.5, \"step\": 20}'\n"
                           "echo '{\"metric\": \"mae\", \"value\": 0.125}'\n"
                           "echo talk >&2\n"
                           "test \"$AUGER_JOBS $AUGER_RESUME $AUGER_SEED $MINE\" = \"1 0 1 a b\"\n"
                           "grep -q '\"x\": 3' \"$AUGER_CONFIG\"\n"
                           "cat \"$AUGER_DATA_DIR/holes.csv\" >\"$AUGER_MODEL_DIR/model.onnx\"\n"
                           "mkdir -p \"$AUGER_MODEL_DIR/more\" && echo 1 >\"$AUGER_MODEL_DIR/more/file\"\n";

AG_TEST(test_exec__tells_what_its_program_tells_and_keeps_its_model)
{
    bench b;
    ag_err err = {0};
    ag_buf text;
    char path[800];
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, good, "  environment: {MINE: a b}\n  parameters: {x: 3}\n", &err));
    AG_EXPECT_OK(run(&b, &err));
    assert_true(b.epochs == 2 && b.steps == 1 && b.val_loss == 2.5 && b.seen_data == 1);
    assert_true(b.remarks == 1 && strcmp(b.remark, "hello") == 0);
    assert_true(b.metrics == 2 && strcmp(b.metric, "mae@0") == 0 && b.last_metric == 0.125);
    assert_true(there_is(&b, "model/model.onnx") && there_is(&b, "model/more/file") && there_is(&b, "training.log"));
    assert_true(there_is(&b, "history.csv") && there_is(&b, "metrics.json") && !there_is(&b, "work"));
    ag_buf_init(&text, 1 << 20);
    ag_format(path, sizeof path, "%s/model/auger.json", b.output);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &text, &err));
    assert_non_null(strstr(text.data, "\"strategy\": \"exec\""));
    assert_non_null(strstr(text.data, "\"path\": \"more/file\""));
    assert_non_null(strstr(text.data, "\"mae\": 0.125"));
    ag_buf_clear(&text);
    ag_format(path, sizeof path, "%s/history.csv", b.output);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &text, &err));
    assert_non_null(strstr(text.data, "model,2,20,1,2.5,,"));
    ag_buf_deinit(&text);
    close_bench(&b);
}

static const struct {
    const char *script, *more;
    int code;
    const char *text, *hint;
} broken[] = {
    {"echo one >&2; echo the last word >&2; exit 3", "", AG_EIO, "sh ended with exit code 3: one the last word",
     "training.log"},
    {"kill -9 $$", "", AG_EIO, "sh ended with signal 9", ""},
    {"true", "", AG_ENOTFOUND, "sh ended well and left no model", "AUGER_MODEL_DIR"},
    {"echo '{\"remark\": \"x\"}'; echo Epoch 1: good", "", AG_EPARSE,
     "line 2 of what sh prints is no JSON: \"Epoch 1: good\"", "stderr"},
    {"echo '{\"remark\": \"x\"'", "", AG_EPARSE, "line 1 of what sh prints is no JSON", "stderr"},
    {"echo '[1]'", "", AG_EPARSE, "line 1 of what sh prints: it is no JSON object", ""},
    {"echo '{\"loss\": 1}'", "", AG_EPARSE, "it has none of step, epoch, metric, progress and remark", ""},
    {"echo '{\"epoch\": 0}'", "", AG_EPARSE, "epoch must be a count from 1", ""},
    {"echo '{\"step\": -1}'", "", AG_EPARSE, "step must be a count from 0", ""},
    {"echo '{\"step\": 1, \"accuracy\": \"good\"}'", "", AG_EPARSE, "accuracy must be a number", ""},
    {"echo '{\"progress\": 1.5}'", "", AG_EPARSE, "progress must be between 0 and 1", ""},
    {"echo '{\"metric\": \"mae\"}'", "", AG_EPARSE, "a metric needs a value", ""},
    {"echo '{\"metric\": 3, \"value\": 1}'", "", AG_EPARSE, "metric must be a text", ""},
    {"echo x >$AUGER_MODEL_DIR/auger.json", "", AG_EEXISTS, "this name is ours", ""},
    {"sleep 60", "  timeout: 0.1\n", AG_ETIMEOUT, "sh has not ended within 100 ms (data_config.timeout)", ""},
    {"sleep 60", "  silence: 0.1\n", AG_ETIMEOUT, "sh has said nothing for 100 ms", ""},
    {"true", "  environment: {AUGER_SEED: 3}\n", AG_EINVAL, "variables that begin with AUGER_ are ours", ""},
    {"true", "  environment: [1]\n", AG_EINVAL, "environment must be a mapping", ""},
    {"true", "  comand: [x]\n", AG_EINVAL, "data_config: comand: unknown key", "command"},
    {"true", "  work_dir: /nowhere\n", AG_ENOTFOUND, "cannot work in the directory /nowhere", ""},
};

AG_TEST(test_exec__says_one_clear_sentence_of_what_went_wrong)
{
    bench b;
    open_bench(&b);
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        ag_err err = {0};
        int rc = read_script(&b, broken[i].script, broken[i].more, &err);
        if (rc >= 0) rc = run(&b, &err);
        AG_EXPECT_ERROR(rc, broken[i].code, broken[i].text);
        if (!strstr(err.hint, broken[i].hint)) fail_msg("%zu: hint '%s'", i, err.hint);
        assert_false(there_is(&b, "model"));
    }
    ag_err err = {0};
    AG_EXPECT_OK(read_script(&b, "", "", &err));
    ag_str set = AG_STR("data_config.command=[no-such-program]");
    AG_EXPECT_OK(ag_settings_read(b.arena, b.settings.file, &set, 1, &b.settings, &err));
    AG_EXPECT_ERROR(run(&b, &err), AG_ENOTFOUND, "cannot start no-such-program");
    close_bench(&b);
}

AG_TEST(test_exec__failing_spoils_no_earlier_model)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, "echo 1 >$AUGER_MODEL_DIR/first", "", &err));
    AG_EXPECT_OK(run(&b, &err));
    AG_EXPECT_OK(read_script(&b, "echo 1 >$AUGER_MODEL_DIR/second; exit 1", "", &err));
    AG_EXPECT_ERROR(run(&b, &err), AG_EIO, "exit code 1");
    assert_true(there_is(&b, "model/first") && !there_is(&b, "model/second"));
    AG_EXPECT_OK(read_script(&b, "echo 1 >$AUGER_MODEL_DIR/second", "", &err));
    AG_EXPECT_OK(run(&b, &err));
    assert_true(!there_is(&b, "model/first") && there_is(&b, "model/second"));
    close_bench(&b);
}

AG_TEST(test_exec__gives_places_and_a_copy_that_cannot_be_written_to)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b,
                             "set -eu\n"
                             "test \"$1 $2 $3\" = \"--in=$AUGER_DATA_DIR $AUGER_MODEL_DIR {other}\"\n"
                             "case ${AUGER_DATA_DIR%/data} in *work) ;; *) exit 1 ;; esac\n"
                             "ls -l $AUGER_DATA_DIR/holes.csv | grep -q '^-r--r--r--'\n"
                             "echo 1 >$AUGER_CHECKPOINT_DIR/c; echo 1 >$AUGER_MODEL_DIR/m\n",
                             "  data: copy\n", &err));
    char set[1000];
    ag_format(set, sizeof set, "data_config.command=[sh, %s/program.sh, '--in={data_dir}', '{model_dir}', '{other}']",
              b.dir);
    ag_str sets = ag_str_of(set);
    AG_EXPECT_OK(ag_settings_read(b.arena, b.settings.file, &sets, 1, &b.settings, &err));
    AG_EXPECT_OK(run(&b, &err));
    AG_EXPECT_OK(read_script(&b, "test $AUGER_RESUME = 1 && cp $AUGER_CHECKPOINT_DIR/c $AUGER_MODEL_DIR/", "", &err));
    b.resume = true;
    AG_EXPECT_OK(run(&b, &err));
    assert_true(there_is(&b, "model/c"));
    close_bench(&b);
}

static void *cancel_soon(void *context)
{
    bench *b = context;
    char path[800];
    ag_format(path, sizeof path, "%s/ready", b->dir);
    while (!ag_file_exists(path)) ag_sleep(5000);
    ag_cancel_request(b->cancel);
    return NULL;
}

AG_TEST(test_exec__is_stopped_with_its_whole_group)
{
    bench b;
    ag_err err = {0};
    pthread_t thread;
    char script[1000];
    open_bench(&b);
    AG_EXPECT_OK(ag_cancel_new(NULL, &b.cancel, &err));
    ag_format(script, sizeof script,
              "trap 'echo kept >%s/kept; exit 1' TERM\necho 1 >%s/ready\nwhile :; do sleep 0.01; done", b.dir, b.dir);
    AG_EXPECT_OK(read_script(&b, script, "  grace: 1h\n", &err));
    assert_int_equal(pthread_create(&thread, NULL, cancel_soon, &b), 0);
    AG_EXPECT_ERROR(run(&b, &err), AG_ECANCELLED, "");
    pthread_join(thread, NULL);
    assert_non_null(strstr(err.hint, "--resume"));
    ag_format(script, sizeof script, "%s/kept", b.dir);
    assert_true(ag_file_exists(script)); /* it was asked, and had the time to keep what it had */
    close_bench(&b);
}

static void half_is_not_there(void *context)
{
    const bench *b = context;
    assert_true(there_is(b, "model") == there_is(b, "model/auger.json"));
}

AG_TEST(test_exec__fails_whole_at_any_call)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(read_script(&b, "echo '{\"epoch\": 1, \"train_loss\": 1}'; echo 1 >$AUGER_MODEL_DIR/m", "", &err));
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, run, half_is_not_there, &b);
    close_bench(&b);
}
