// SPDX-License-Identifier: Apache-2.0
/* exec_lines_test.c: what a training program prints, line by line, as an enemy would print it. */
#include <math.h>
#include <string.h>

#include "frame/test.h"
#include "learn/strategies/exec.h"

typedef struct listener {
    ag_arena *arena;
    ag_strategy_watch watch;
    ag_strategy_task task;
    ag_train_monitor monitor;
    ag_exec_lines lines;
    uint64_t number;
    int steps, epochs, metrics, remarks;
    double value;
    bool refuse; /* the watch */
} listener;

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    listener *l = context;
    (void)now;
    l->steps++;
    return l->refuse ? ag_fail(err, AG_EIO, "the disk is full") : 0;
}

static int on_epoch(void *context, const ag_train_epoch *epoch, const ag_train_progress *now, ag_err *err)
{
    listener *l = context;
    (void)epoch, (void)now;
    l->epochs++;
    return l->refuse ? ag_fail(err, AG_EIO, "the disk is full") : 0;
}

static int on_metric(void *context, const ag_strategy_metric *metric, ag_err *err)
{
    listener *l = context;
    assert_true(*metric->name);
    l->metrics++;
    l->value = metric->value;
    return l->refuse ? ag_fail(err, AG_EIO, "the disk is full") : 0;
}

static void on_remark(void *context, const char *text)
{
    listener *l = context;
    assert_true(strlen(text) < 1000);
    l->remarks++;
}

static int open_listener(listener *l, const ag_settings *settings, ag_err *err)
{
    *l = (listener){.arena = ag_arena_new(0)};
    if (!l->arena) return ag_fail_memory(err, 1);
    l->watch = (ag_strategy_watch){.context = l, .metric = on_metric, .remark = on_remark};
    l->task = (ag_strategy_task){.settings = settings, .watch = &l->watch, .arena = l->arena};
    l->monitor = (ag_train_monitor){.context = l, .step = on_step, .epoch = on_epoch};
    return ag_exec_lines_init(&l->lines, &l->task, "enemy", &l->monitor, l->arena, err);
}

static void close_listener(listener *l)
{
    ag_exec_lines_deinit(&l->lines);
    ag_strategy_task_deinit(&l->task);
    ag_arena_free(l->arena);
}

static int say_bytes(listener *l, ag_str line, ag_err *err)
{
    return ag_exec_lines_take(&l->lines, ++l->number, line, err);
}

static int say(listener *l, const char *line, ag_err *err)
{
    return say_bytes(l, ag_str_of(line), err);
}

static const ag_settings settings = {.training = {.epochs = 3}};

AG_TEST(test_exec_lines__odd_but_right_lines_are_taken)
{
    listener l;
    ag_err err = {0};
    AG_EXPECT_OK(open_listener(&l, &settings, &err));
    static const char *const lines[] = {
        "",
        "   \t ",
        "{\"step\": 0}",
        "{\"step\": 9007199254740993, \"loss\": NaN}",
        "{\"step\": 3.0, \"loss\": -Infinity, \"accuracy\": Infinity}",
        "{\"epoch\": 9223372036854775807, \"train_loss\": 1e308}",
        "{\"epoch\": 1}",
        "{\"epoch\": 1, \"train_loss\": NaN}",
        "{\"epoch\": 1, \"train_loss\": 0.5, \"val_loss\": NaN}",
        "{\"metric\": \"mae\", \"value\": NaN}",
        "{\"metric\": \"%s%n%d\", \"value\": 1, \"step\": 4}",
        "{\"remark\": \"%s%n%s%n\"}",
        "{\"progress\": 0.5}",
        "{\"progress\": 0.1}",
        "{\"progress\": 1}",
    };
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        int rc = say(&l, lines[i], &err);
        if (rc < 0) fail_msg("%s: %s", lines[i], err.text);
    }
    assert_true(l.steps == 2 && l.epochs == 3 && l.metrics == 3 && l.remarks == 1);
    ag_train_result result = ag_exec_lines_result(&l.lines);
    assert_true(result.epochs == 3 && result.history_count == 3 && result.best_metric == 0.5);
    assert_true(l.lines.share == 1.0);
    close_listener(&l);
}

AG_TEST(test_exec_lines__hostile_lines_are_refused_by_their_number)
{
    const struct {
        ag_str line;
        const char *part;
    } rows[] = {
        {AG_STR("null"), "no JSON object"},
        {AG_STR("{}"), "none of step"},
        {AG_STR("{\"step\": 1} {\"step\": 2}"), "no JSON"},
        {AG_STR("{\"step\": 1, \"step\": 2}"), "line"},
        {AG_STR("{\"step\": 1e300}"), "count from 0"},
        {AG_STR("{\"step\": 9223372036854775808}"), "count from 0"},
        {AG_STR("{\"step\": NaN}"), "count from 0"},
        {AG_STR("{\"step\": true}"), "count from 0"},
        {AG_STR("{\"step\": null}"), "count from 0"},
        {AG_STR("{\"epoch\": 0.5}"), "count from 1"},
        {AG_STR("{\"epoch\": -9223372036854775808}"), "count from 1"},
        {AG_STR("{\"epoch\": 1, \"train_loss\": \"1\"}"), "train_loss must be a number, not a string"},
        {AG_STR("{\"step\": 1, \"x\": {\"a\": {\"b\": {\"c\": {\"d\": 1}}}}}"), "line"},
        {AG_STR("{\"step\": 1, \"x\": []}"), "x must be a number"},
        {AG_STR("{\"progress\": NaN}"), "between 0 and 1"},
        {AG_STR("{\"progress\": -0.1}"), "between 0 and 1"},
        {AG_STR("{\"remark\": \"\"}"), "remark must be a text"},
        {AG_STR("{\"remark\": \"a\\u0000b\"}"), "remark must be a text"},
        {AG_STR("{\"metric\": \"\\u0000\", \"value\": 1}"), "metric must be a text"},
        {AG_STR("{\"metric\": \"m\\u0000n\", \"value\": 1}"), "metric must be a text"},
        {AG_STR("{\"metric\": \"m\", \"value\": true}"), "value must be a number"},
        {AG_STR("{\"metric\": \"m\", \"value\": 1, \"step\": \"2\"}"), "count from 0"},
        {AG_STR("{\"remark\": \"\xff\xfe\"}"), "no JSON"},
        {AG_STR("{\"remark\": \"a\0b\"}"), "no JSON"},
        {AG_STR("\xef\xbb\xbfhello"), "no JSON"},
        {AG_STR("\0\0\0"), "no JSON"},
    };
    listener l;
    ag_err err = {0};
    char number[40];
    AG_EXPECT_OK(open_listener(&l, &settings, &err));
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err = (ag_err){0};
        int rc = say_bytes(&l, rows[i].line, &err);
        ag_format(number, sizeof number, "line %zu of what enemy prints", i + 1);
        bool told = strstr(err.text, rows[i].part) && strstr(err.text, number);
        if ((rc != AG_EPARSE && rc != AG_ELIMIT) || !told) fail_msg("%zu: %d %s", i, rc, err.text);
    }
    assert_true(l.steps == 0 && l.epochs == 0 && l.metrics == 0 && l.remarks == 0);
    AG_EXPECT_OK(say(&l, "{\"step\": 1, \"loss\": 0.5}", &err)); /* it goes on */
    close_listener(&l);
}

AG_TEST(test_exec_lines__what_is_large_has_limits)
{
    listener l;
    ag_err err = {0};
    ag_buf line;
    ag_buf_init(&line, 64 << 20);
    AG_EXPECT_OK(open_listener(&l, &settings, &err));
    ag_buf_add_text(&line, "{\"step\": 1");
    for (int i = 0; i < 2000; i++) ag_buf_addf(&line, ", \"m%d\": %d", i, i);
    ag_buf_add_char(&line, '}');
    AG_EXPECT_ERROR(say_bytes(&l, ag_buf_str(&line), &err), AG_ELIMIT, "line 1 of what enemy prints");
    assert_int_equal(l.metrics, 0);
    ag_buf_clear(&line);
    for (int i = 0; i < 100000; i++) ag_buf_add_char(&line, '[');
    assert_true(say_bytes(&l, ag_buf_str(&line), &err) < 0 && strstr(err.text, "line 2"));
    ag_buf_clear(&line);
    ag_buf_add_text(&line, "{\"remark\": \"");
    ag_buf_add_fill(&line, 'x', 1 << 20);
    ag_buf_add_text(&line, "\"}");
    AG_EXPECT_OK(say_bytes(&l, ag_buf_str(&line), &err)); /* what is shown is cut */
    assert_int_equal(l.remarks, 1);
    ag_buf_deinit(&line);
    close_listener(&l);
}

AG_TEST(test_exec_lines__what_comes_for_ever_takes_no_more_memory)
{
    enum { LINES = 40000, OF_RESULT = 100 };
    listener l;
    ag_err err = {0};
    char line[120];
    AG_EXPECT_OK(open_listener(&l, &settings, &err));
    for (int i = 1; i <= LINES; i++) {
        ag_format(line, sizeof line, "{\"epoch\": %d, \"train_loss\": %d, \"own\": 1}", i, i == 3 ? 0 : 7);
        AG_EXPECT_OK(say(&l, line, &err));
        if (i % OF_RESULT == 0) {
            ag_format(line, sizeof line, "{\"metric\": \"mae %d\", \"value\": %d}", i / OF_RESULT % 3, i);
            AG_EXPECT_OK(say(&l, line, &err));
        }
    }
    assert_true(l.epochs == LINES && l.metrics == LINES + LINES / OF_RESULT); /* all of it is told */
    ag_train_result result = ag_exec_lines_result(&l.lines);
    assert_true(result.epochs == LINES && result.best_epoch == 2);
    assert_true(result.history_count <= AG_EPOCHS_MOST && result.history_count > AG_EPOCHS_MOST / 2);
    assert_int_equal(result.history[0].epoch, 2); /* the best stands for its group */
    assert_int_equal(result.history[result.history_count - 1].epoch, LINES - 1);
    assert_int_equal(ag_findings_count(&l.task.metrics), 3);
    const ag_finding *last = ag_finding_at(&l.task.metrics, 0);
    assert_true(strcmp(last->name, "mae 1") == 0 && last->value == LINES);
    close_listener(&l);
}

AG_TEST(test_exec_lines__names_of_results_have_an_end)
{
    listener l;
    ag_err err = {0};
    char line[120];
    int rc = 0, i = 0;
    AG_EXPECT_OK(open_listener(&l, &settings, &err));
    for (; rc >= 0 && i < 100000; i++) {
        ag_format(line, sizeof line, "{\"metric\": \"loss at step %d\", \"value\": 1}", i);
        rc = say(&l, line, &err);
    }
    AG_EXPECT_ERROR(rc, AG_ELIMIT, "what enemy prints: more than 10000 results; 'loss at step 10000' is one more");
    assert_non_null(strstr(err.hint, "is a metric of a step"));
    AG_EXPECT_OK(say(&l, "{\"metric\": \"loss at step 7\", \"value\": 2}", &err));
    close_listener(&l);
}

AG_TEST(test_exec_lines__a_watch_that_fails_is_told)
{
    static const char *const lines[] = {"{\"step\": 1, \"loss\": 1}", "{\"epoch\": 1, \"train_loss\": 1}",
                                        "{\"metric\": \"m\", \"value\": 1}", "{\"step\": 1, \"own\": 3}"};
    listener l;
    ag_err err = {0};
    AG_EXPECT_OK(open_listener(&l, &settings, &err));
    l.refuse = true;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        AG_EXPECT_ERROR(say(&l, lines[i], &err), AG_EIO, "the disk is full");
    close_listener(&l);
}

static int follow(void *context, ag_err *err)
{
    listener l;
    (void)context;
    int rc = open_listener(&l, &settings, err);
    if (rc >= 0) rc = say(&l, "{\"step\": 1, \"loss\": 1, \"own\": 3}", err);
    if (rc >= 0) rc = say(&l, "{\"epoch\": 1, \"train_loss\": 1}", err);
    if (rc >= 0) rc = say(&l, "{\"metric\": \"m\", \"value\": 1}", err);
    if (rc >= 0) rc = say(&l, "{\"progress\": 0.5, \"remark\": \"x\"}", err);
    if (rc >= 0) assert_true(l.steps == 1 && l.epochs == 1 && l.metrics == 2 && l.remarks == 1);
    close_listener(&l);
    return rc;
}

AG_TEST(test_exec_lines__failing_memory_is_told)
{
    ag_test_fail_at_n(AG_FAULT_ALLOC, follow, NULL, NULL);
}
