// SPDX-License-Identifier: Apache-2.0
/* The strategy "forecast" and its models: what it refuses before training, what stops it, what it scores and on which
 * rows, descriptions of models that lie, and every call failing in turn. */
#include "learn/strategies/forecast.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "frame/test.h"
#include "learn/strategy_made.h"

static const char recipe[] = "strategy: forecast\n"
                             "model_config: {architecture: nlinear}\n"
                             "data_config: {context_length: 8, horizon: 2}\n"
                             "training_config: {epochs: 2, batch_size: 32}\n";

typedef struct bench {
    char dir[600], data[700], output[700];
    const char *set; /* over the recipe; NULL: nothing */
    const char *part;
    bool resume;
    int64_t stop_at; /* step; 0: never */
    ag_cancel *cancel;
    char remarks[2000];
    double mse;
    char evaluated[40];
} bench;

static void write_text(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

static void write_waves(const char *path, int rows, const char *head)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_buf_addf(&text, "%s\n", head);
    for (int i = 0; i < rows; i++) ag_buf_addf(&text, "%.4f,%.4f\n", sin(i * 0.5), cos(i * 0.3));
    ag_buf_add_char(&text, '\0');
    write_text(path, text.data);
    ag_buf_deinit(&text);
}

static void open_bench(bench *b)
{
    ag_err err = {0};
    *b = (bench){.part = "auto"};
    ag_format(b->dir, sizeof b->dir, "%s", ag_test_dir());
    ag_format(b->data, sizeof b->data, "%s/data", b->dir);
    ag_format(b->output, sizeof b->output, "%s/out", b->dir);
    AG_EXPECT_OK(ag_dir_make(b->data, &err));
    char path[800];
    ag_format(path, sizeof path, "%s/waves.csv", b->data);
    write_waves(path, 120, "a,b");
}

static int on_step(void *context, const ag_train_progress *now, ag_err *err)
{
    const bench *b = context;
    (void)err;
    if (b->stop_at && now->step == b->stop_at) ag_cancel_request(b->cancel);
    return 0;
}

static void on_remark(void *context, const char *text)
{
    bench *b = context;
    size_t used = strlen(b->remarks);
    ag_format(b->remarks + used, sizeof b->remarks - used, "%s\n", text);
}

static int on_training(void *context, const char *name, int64_t index, int64_t count, ag_train_monitor *monitor,
                       ag_err *err)
{
    (void)name, (void)index, (void)count, (void)err;
    *monitor = (ag_train_monitor){.context = context, .step = on_step};
    return 0;
}

static int train(void *context, ag_err *err)
{
    bench *b = context;
    ag_settings settings;
    const ag_strategy *strategy = NULL;
    const ag_str sets[] = {ag_str_of(b->set)};
    const ag_strategy_watch watch = {.context = b, .training = on_training, .remark = on_remark};
    ag_arena *arena = ag_arena_new(0);
    ag_strategy_task task = {.settings = &settings,
                             .data_dir = b->data,
                             .output_dir = b->output,
                             .resume = b->resume,
                             .jobs = 1,
                             .watch = &watch,
                             .cancel = b->cancel,
                             .arena = arena};
    int rc = arena ? ag_settings_parse(arena, ag_str_of(recipe), "recipe", sets, b->set ? 1 : 0, &settings, err)
                   : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_strategy_find(&settings, &strategy, err);
    if (rc >= 0) rc = ag_strategy_run(strategy, &task, err);
    ag_strategy_task_deinit(&task);
    ag_arena_free(arena);
    return rc;
}

static int evaluate(void *context, ag_err *err)
{
    bench *b = context;
    ag_arena *arena = ag_arena_new(0);
    ag_strategy_evaluation e = {.model_dir = b->output,
                                .data = b->data,
                                .part = b->part,
                                .batch_size = 16,
                                .cancel = b->cancel,
                                .arena = arena};
    int rc = arena ? ag_strategy_evaluate(&e, "auto", 1, err) : ag_fail_memory(err, 1);
    const ag_strategy_score *all = rc >= 0 ? ag_vec_at(&e.scores, 0) : NULL;
    if (all) {
        assert_true(strcmp(all->group, "all") == 0 && strcmp(all->values[0].name, "mse") == 0);
        assert_int_equal(e.scores.count, 1 + 2 + 2); /* all, columns, steps */
        b->mse = all->values[0].value;
        ag_format(b->evaluated, sizeof b->evaluated, "%s", e.evaluated);
    }
    ag_vec_deinit(&e.scores);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_forecast__refuses_what_is_wrong_before_it_trains)
{
    static const struct {
        const char *set, *csv, *part;
    } rows[] = {
        {NULL, "", "waves.csv"},
        {NULL, "a,b\n", "waves.csv"},
        {NULL, "a,b\n1,2\n3,x\n", "waves.csv"},
        {NULL, "a,b\n1,2\n3\n", "waves.csv"},
        {NULL, "a,b\n1,2\n3,4\n", "data_config.split"},
        {"data_config.columns=[c]", NULL, "c"},
        {"data_config.file=../waves.csv", NULL, "waves.csv"},
        {"data_config.file=other.csv", NULL, "other.csv"},
        {"data_config.contextlength=3", NULL, "contextlength"},
        {"data_config.horizon=0", NULL, "horizon"},
        {"model_config={architecture: patchtsmixer, patch_length: 2, patch_stride: 2, prediction_channel_indices: [1]}",
         NULL, "model_config: the model answers with 2 numbers, but a forecast has 4"},
        {"model_config={architecture: lstm, task: classification}", NULL, "model_config: the model answers with"},
        {"model_config={architecture: patchtsmixer, patch_length: 2, loss: nll, distribution_output: "
         "negative_binomial}",
         NULL, "negative_binomial is of counts, but column 'a' is less than 0 in row"},
        {"data_config.split={train: 7, validation: 1, test: 2}", NULL, "the share of the training part is 7"},
        {"data_config.split={train: 100, validation: 100, test: 100, protocol: lengths}", NULL, "split"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        bench b;
        char path[800];
        ag_err err = {0};
        open_bench(&b);
        ag_format(path, sizeof path, "%s/waves.csv", b.data);
        if (rows[i].csv) write_text(path, rows[i].csv);
        b.set = rows[i].set;
        int rc = train(&b, &err);
        char whole[900];
        (void)ag_err_format(&err, whole, sizeof whole);
        if (rc >= 0 || !strstr(whole, rows[i].part)) fail_msg("row %zu: %d %s", i, rc, whole);
        ag_format(path, sizeof path, "%s/model", b.output);
        assert_false(ag_file_exists(path));
    }
}

AG_TEST(test_forecast__tells_what_it_makes_of_the_rows)
{
    bench b;
    ag_err err = {0};
    ag_buf text;
    char path[800];
    open_bench(&b);
    AG_EXPECT_OK(train(&b, &err));
    assert_null(strstr(b.remarks, "in no part"));
    ag_format(path, sizeof path, "%s/waves.csv", b.data);
    ag_buf_init(&text, 1 << 16);
    ag_buf_addf(&text, ",date,a\n");
    for (int i = 0; i < 90; i++)
        ag_buf_addf(&text, "%d,%d,%.4f\n", i, 1500000000 + 3600 * (i < 60 ? i + 1 : i), sin(i * 0.5));
    ag_buf_add_char(&text, '\0');
    write_text(path, text.data);
    ag_buf_deinit(&text);
    b.set = "data_config.split={train: 40, validation: 20, test: 20, protocol: lengths}";
    AG_EXPECT_OK(train(&b, &err));
    assert_non_null(strstr(b.remarks, "90 rows of 1 columns"));
    assert_non_null(strstr(b.remarks, "the first column has no name and counts the rows"));
    assert_non_null(strstr(b.remarks, "row 61 is not later than the row before it: rows are taken"));
    assert_non_null(strstr(b.remarks, "the last 10 rows are in no part"));
}

AG_TEST(test_forecast__stops_and_goes_on_to_the_same_model)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(train(&b, &err));
    AG_EXPECT_OK(evaluate(&b, &err));
    assert_string_equal(b.evaluated, "the test part");
    const double whole = b.mse;
    ag_format(b.output, sizeof b.output, "%s/stopped", b.dir);
    AG_EXPECT_OK(ag_cancel_new(NULL, &b.cancel, &err));
    b.stop_at = 2;
    AG_EXPECT_ERROR(train(&b, &err), AG_ECANCELLED, "");
    AG_EXPECT_ERROR(evaluate(&b, &err), AG_ENOTFOUND, "there is no auger.json");
    ag_cancel_free(b.cancel);
    b.cancel = NULL;
    b.resume = true;
    b.stop_at = 0;
    AG_EXPECT_OK(train(&b, &err));
    AG_EXPECT_OK(evaluate(&b, &err));
    assert_true(b.mse == whole);
    AG_EXPECT_OK(ag_cancel_new(NULL, &b.cancel, &err));
    ag_cancel_request(b.cancel);
    AG_EXPECT_ERROR(evaluate(&b, &err), AG_ECANCELLED, "");
    ag_cancel_free(b.cancel);
}

AG_TEST(test_forecast__scores_the_part_that_is_named_and_all_of_other_data)
{
    bench b;
    ag_err err = {0};
    char path[800];
    open_bench(&b);
    AG_EXPECT_OK(train(&b, &err));
    static const char *const parts[][2] = {{"train", "the train part"},
                                           {"validation", "the validation part"},
                                           {"test", "the test part"},
                                           {"all", "all rows"}};
    for (size_t i = 0; i < 4; i++) {
        b.part = parts[i][0];
        AG_EXPECT_OK(evaluate(&b, &err));
        assert_string_equal(b.evaluated, parts[i][1]);
        assert_true(isfinite(b.mse) && b.mse >= 0.0);
    }
    ag_format(path, sizeof path, "%s/waves.csv", b.data);
    b.part = "auto";
    write_waves(path, 60, "a,b");
    AG_EXPECT_OK(evaluate(&b, &err));
    assert_string_equal(b.evaluated, "all rows");
    write_waves(path, 9, "a,b");
    AG_EXPECT_ERROR(evaluate(&b, &err), AG_EINVAL, "9 rows are too few: a window has 8 and 2");
    write_waves(path, 60, "a,c");
    assert_true(evaluate(&b, &err) < 0 && strstr(err.text, "b"));
}

/* One word of the description replaced by another. */
static void lie(const bench *b, const char *word, const char *other)
{
    ag_buf text, lied;
    char path[800];
    ag_err err = {0};
    ag_format(path, sizeof path, "%s/model/" AG_STRATEGY_FILE, b->output);
    ag_buf_init(&text, 1 << 20);
    ag_buf_init(&lied, 1 << 20);
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, &text, &err));
    ag_str whole = ag_buf_str(&text);
    size_t at = ag_str_find(whole, ag_str_of(word), 0);
    if (at == SIZE_MAX) fail_msg("there is no %s", word);
    ag_buf_add(&lied, whole.data, at);
    ag_buf_add_text(&lied, other);
    ag_buf_add(&lied, whole.data + at + strlen(word), whole.size - at - strlen(word));
    AG_EXPECT_OK(ag_file_replace(path, lied.data, lied.size, &err));
    ag_buf_deinit(&text);
    ag_buf_deinit(&lied);
}

AG_TEST(test_forecast__a_description_that_lies_is_refused)
{
    static const struct {
        const char *word, *other;
    } lies[] = {
        {"\"columns\": [", "\"columns\": 7, \"x\": ["},
        {"\"mean\": [", "\"mean\": [0,"},
        {"\"mean\": [", "\"mean\": [\"x\"], \"x\": ["},
        {"\"deviation\": [", "\"deviation\": [0, 0], \"x\": ["},
        {"\"deviation\": [", "\"deviation\": [-1, 1], \"x\": ["},
        {"\"data_config\"", "\"data_konfig\""},
        {"\"data_config\": {", "\"data_config\": {\"context_length\": 16, \"horizon\": 2}, \"x\": {"},
        {"\"data_config\": {", "\"data_config\": {\"context_length\": 8, \"horizon\": 30}, \"x\": {"},
        {"\"data_config\": {", "\"data_config\": {\"context_length\": -8, \"horizon\": 2}, \"x\": {"},
        {"\"strategy\": \"forecast\"", "\"strategy\": \"../../x.so\""},
        {"\"strategy\": \"forecast\"", "\"strategy\": 3"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        bench b;
        ag_err err = {0};
        open_bench(&b);
        AG_EXPECT_OK(train(&b, &err));
        lie(&b, lies[i].word, lies[i].other);
        int rc = evaluate(&b, &err);
        if (rc >= 0 || !*err.text) fail_msg("%s was taken: %d", lies[i].other, rc);
    }
}

AG_TEST(test_forecast__every_failing_call_is_told)
{
    bench b;
    ag_err err = {0};
    open_bench(&b);
    AG_EXPECT_OK(train(&b, &err));
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, evaluate, NULL, &b);
    b.set = "training_config.epochs=1";
    ag_test_fail_at_n(AG_FAULT_FILE, train, NULL, &b);
    AG_EXPECT_OK(evaluate(&b, &err));
}
