// SPDX-License-Identifier: Apache-2.0
/* Forecasters that are asked: the rows they see and none later, numbers that are missing, weights of another shape, and
 * every call failing in turn. */
#include "learn/strategies/forecaster.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"
#include "learn/strategy_made.h"

static const char recipe[] = "strategy: forecast\n"
                             "model_config: {architecture: nlinear}\n"
                             "data_config: {context_length: 8, horizon: 3}\n"
                             "training_config: {epochs: 2, batch_size: 32}\n";

typedef struct bench {
    char data[700], output[700];
    ag_timeseries series;
    double values[200];
    int64_t rows[3];
    size_t count;
    int missing;
    ag_forecast_answer answers[3];
    ag_arena *arena;
} bench;

static int train(bench *b, ag_err *err)
{
    ag_settings settings;
    const ag_strategy *strategy = NULL;
    ag_strategy_task task = {
        .settings = &settings, .data_dir = b->data, .output_dir = b->output, .jobs = 1, .arena = b->arena};
    int rc = ag_settings_parse(b->arena, ag_str_of(recipe), "recipe", NULL, 0, &settings, err);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    return rc;
}

static void open_bench(bench *b)
{
    static const char *const names[] = {"a", "b"};
    static int number;
    ag_err err = {0};
    ag_buf text;
    *b = (bench){.arena = ag_arena_new(0), .count = 1, .rows = {100, 60, 8}};
    ag_format(b->data, sizeof b->data, "%s/series.csv", ag_test_dir());
    ag_format(b->output, sizeof b->output, "%s/out%d", ag_test_dir(), ++number);
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "a,b\n");
    for (int i = 0; i < 100; i++) {
        b->values[2 * i] = 10 + sin(i * 0.5);
        b->values[2 * i + 1] = 100 * cos(i * 0.3);
        ag_buf_addf(&text, "%.17g,%.17g\n", b->values[2 * i], b->values[2 * i + 1]);
    }
    AG_EXPECT_OK(ag_file_replace(b->data, text.data, text.size, &err));
    ag_buf_deinit(&text);
    b->series = (ag_timeseries){.rows = 100, .columns = 2, .names = names, .values = b->values};
    AG_EXPECT_OK(train(b, &err));
}

static int ask(void *context, ag_err *err)
{
    bench *b = context;
    ag_forecaster f;
    const ag_forecast_question question = {
        .series = &b->series, .rows = b->rows, .count = b->count, .missing = b->missing, .coverage = 0.5};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? 0 : ag_fail_memory(err, 1);
    f = (ag_forecaster){0};
    if (rc >= 0) rc = ag_forecaster_open(b->output, arena, &f, err);
    if (rc >= 0) rc = ag_forecaster_ask(&f, &question, b->arena, b->answers, err);
    ag_forecaster_close(&f);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_forecaster__sees_nothing_behind_its_row)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.count = 3;
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(!b.answers[0].failed && b.answers[0].known == 0 && isnan(b.answers[0].mse));
    assert_true(b.answers[1].known == 6 && isfinite(b.answers[1].mse) && isfinite(b.answers[1].covered));
    assert_true(b.answers[1].actual[0] == b.values[120] && !b.answers[1].timed);
    assert_int_equal(b.answers[2].rows, 8);
    double before = b.answers[1].value[0], scale = b.answers[1].high[1] - b.answers[1].low[1];
    assert_true(scale > 0 && b.answers[1].low[1] < b.answers[1].value[1]);
    for (int i = 60 * 2; i < 200; i++) b.values[i] = 1e6;
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(b.answers[1].value[0] == before);
    for (int i = 0; i < 52 * 2; i++) b.values[i] = -1e6; /* nor before its context */
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(b.answers[1].value[0] == before);
    ag_arena_free(b.arena);
}

AG_TEST(test_forecaster__missing_numbers_are_filled_from_what_was_known)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.rows[0] = 60;
    AG_EXPECT_OK(ask(&b, &err));
    double whole = b.answers[0].value[0];
    double last = b.values[59 * 2];
    b.values[59 * 2] = (double)NAN;
    AG_EXPECT_OK(ask(&b, &err));
    assert_non_null(b.answers[0].failed);
    assert_non_null(strstr(b.answers[0].failed, "column 'a' has no number in row 60"));
    /* The line to row 61 is not known at row 60: both are the number before. */
    b.missing = AG_MISSING_LINEAR;
    AG_EXPECT_OK(ask(&b, &err));
    double linear = b.answers[0].value[0];
    b.missing = AG_MISSING_PREVIOUS;
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(linear == b.answers[0].value[0] && linear != whole);
    /* Inside of the context they differ. */
    b.values[59 * 2] = last;
    b.values[56 * 2] = (double)NAN;
    AG_EXPECT_OK(ask(&b, &err));
    double previous = b.answers[0].value[0];
    b.missing = AG_MISSING_LINEAR;
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(previous != b.answers[0].value[0]);
    /* The context begins with missing numbers: there are some before it, or none at all. */
    for (int i = 0; i < 56; i++) b.values[i * 2] = (double)NAN;
    AG_EXPECT_OK(ask(&b, &err));
    assert_null(b.answers[0].failed);
    for (int i = 0; i < 100; i++) b.values[i * 2] = (double)NAN;
    AG_EXPECT_OK(ask(&b, &err));
    assert_non_null(strstr(b.answers[0].failed, "has no number in any row"));
    ag_arena_free(b.arena);
}

AG_TEST(test_forecaster__what_cannot_be_asked_is_told_and_the_others_are_answered)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    b.count = 3;
    b.rows[0] = 101;
    b.rows[2] = 7;
    AG_EXPECT_OK(ask(&b, &err));
    assert_non_null(strstr(b.answers[0].failed, "there are 100 rows"));
    assert_null(b.answers[1].failed);
    assert_non_null(strstr(b.answers[2].failed, "7 rows are too few: the model sees 8"));
    b.rows[0] = 100;
    b.values[199] = 1e300;
    AG_EXPECT_OK(ask(&b, &err));
    assert_non_null(strstr(b.answers[0].failed, "too far from what the model has learned"));
    int64_t times[100];
    for (int i = 0; i < 100; i++) times[i] = i * 3600000000LL;
    b.series.times = times;
    b.values[199] = 1;
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(b.answers[0].timed && b.answers[0].times[2] == 102 * 3600000000LL);
    times[97]++;
    AG_EXPECT_OK(ask(&b, &err));
    assert_true(!b.answers[0].failed && !b.answers[0].timed && b.answers[1].timed);
    times[97] = times[96];
    AG_EXPECT_OK(ask(&b, &err));
    assert_non_null(strstr(b.answers[0].failed, "row 98 (1970-01-05T00:00:00Z) is not later"));
    ag_arena_free(b.arena);
}

AG_TEST(test_forecaster__models_of_other_strategies_and_shapes_are_refused)
{
    bench b;
    ag_err err = {0};
    char path[800], from[800];
    open_bench(&b);
    ag_forecaster f = {0};
    AG_EXPECT_ERROR(ag_forecaster_open(ag_test_dir(), b.arena, &f, &err), AG_ENOTFOUND, "there is no auger.json");
    ag_forecaster_close(&f);
    ag_format(path, sizeof path, "%s/model/" AG_STRATEGY_FILE, b.output);
    ag_format(from, sizeof from, "{\"format\": 1, \"strategy\": \"exec\"}");
    AG_EXPECT_OK(ag_file_replace(path, from, strlen(from), &err));
    AG_EXPECT_ERROR(ag_forecaster_open(b.output, b.arena, &f, &err), AG_EUNSUPPORTED,
                    "a model of strategy exec forecasts no series");
    static const char lies[] =
        "{\"format\": 1, \"strategy\": \"forecast\", \"columns\": [\"a\", \"b\"], \"mean\": [0, 0],"
        "\"deviation\": [1, 1], \"row_interval_us\": -3, \"configuration\": {\"data_config\": "
        "{\"context_length\": %d, \"horizon\": %d}}}";
    ag_format(from, sizeof from, lies, 9, 3);
    AG_EXPECT_OK(ag_file_replace(path, from, strlen(from), &err));
    AG_EXPECT_ERROR(ask(&b, &err), AG_EPARSE, "does not see 9 rows of 2 columns");
    ag_format(from, sizeof from, lies, 8, 4);
    AG_EXPECT_OK(ag_file_replace(path, from, strlen(from), &err));
    AG_EXPECT_ERROR(ask(&b, &err), AG_EPARSE, "the horizon is not the model's");
    ag_format(path, sizeof path, "%s/model/" AG_INTERVALS_FILE, b.output);
    AG_EXPECT_OK(ag_file_remove(path, &err));
    AG_EXPECT_ERROR(ask(&b, &err), AG_EPARSE, "does not forecast 4 rows of 2 columns");
    ag_arena_free(b.arena);
}

AG_TEST(test_forecaster__every_failing_call_is_told)
{
    bench b;
    open_bench(&b);
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, ask, NULL, &b);
    ag_arena_free(b.arena);
}
