// SPDX-License-Identifier: Apache-2.0
/* `auger predict` with a model that forecasts: as a whole call, on two waves with noise: tables, JSON, rows, pictures,
 * rows in the past, and everything that can be wrong with a file. */
#include <fcntl.h>
#include <math.h>
#include <unistd.h>

#include "app/cli/calls.h"
#include "app/cli/waves.h"
#include "core/doc/json.h"
#include "core/io/file.h"

static char data[600], config[600], output[600], file[700];

enum { ROWS = 600, CONTEXT = 24, HORIZON = 6 };

static const char recipe[] = "strategy: forecast\n"
                             "model_config: {architecture: NLinear}\n"
                             "data_config: {context_length: 24, horizon: 6}\n"
                             "training_config: {epochs: 4, batch_size: 16, learning_rate: 0.02}\n"
                             "optimizer: adam\n"
                             "seed: 3\n";

static void write_file(const char *path, const char *text)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
}

/* Trains once for all tests. */
static void set_up(void)
{
    ag_err err = {0};
    begin();
    ag_format(data, sizeof data, "%s/data", ag_test_dir());
    ag_format(config, sizeof config, "%s/config.yaml", ag_test_dir());
    ag_format(output, sizeof output, "%s/out", ag_test_dir());
    ag_format(file, sizeof file, "%s/waves.csv", data);
    if (ag_file_exists(output)) return;
    AG_EXPECT_OK(ag_dir_make(data, &err));
    write_waves(file, (waves){ROWS, -1, -1, NULL});
    write_file(config, recipe);
    assert_int_equal(AUGER("train", "-c", config, "-d", data, "-o", output, "-j", "1", "--no-record", "--json"), 0);
}

static bool text_at(const ag_value *tree, const char *path, const char *text)
{
    ag_str is;
    return ag_value_string(ag_value_at(tree, path), &is) && ag_str_is(is, text);
}

#define PREDICT(...) AUGER("predict", "-m", output, "-j", "1", __VA_ARGS__)

AG_TEST(test_predict__forecasts_the_rows_that_come)
{
    set_up();
    assert_int_equal(PREDICT(file), 0);
    expect_printed("6 rows behind row 600 (2020-01-25 23:00:00), with intervals for 90 %");
    expect_printed("2020-01-26 05:00:00");
    assert_false(printed("2020-01-26 06:00:00"));
    assert_int_equal(PREDICT(file, "--json"), 0);
    const ag_value *tree = printed_json();
    assert_true(number_at(tree, "row") == ROWS && number_at(tree, "coverage") == 0.9);
    assert_true(text_at(tree, "time", "2020-01-25 23:00:00") && text_at(tree, "times[0]", "2020-01-26 00:00:00"));
    for (int t = 0; t < HORIZON; t++) {
        char path[60];
        ag_format(path, sizeof path, "columns.slow.forecast[%d]", t);
        double value = number_at(tree, path);
        assert_true(fabs(value - (5 + 3 * cos((ROWS + t) * 0.25))) < 0.5);
        ag_format(path, sizeof path, "columns.slow.low[%d]", t);
        assert_true(number_at(tree, path) < value);
        ag_format(path, sizeof path, "columns.slow.high[%d]", t);
        assert_true(number_at(tree, path) > value);
    }
    assert_null(ag_value_at(tree, "columns.slow.actual"));
    assert_null(ag_value_at(tree, "columns.slow.forecast[6]"));
    end();
}

AG_TEST(test_predict__wider_coverage_is_wider)
{
    set_up();
    assert_int_equal(PREDICT(file, "--json", "--coverage", "0.5"), 0);
    double half = number_at(printed_json(), "columns.fast.high[3]");
    assert_int_equal(PREDICT(file, "--json", "--coverage", "0.95"), 0);
    assert_true(number_at(printed_json(), "columns.fast.high[3]") > half);
    assert_int_not_equal(PREDICT(file, "--coverage", "0.93"), 0);
    expect_remark("keeps no intervals of coverage 0.93");
    expect_remark("0.9, 0.95");
    end();
}

AG_TEST(test_predict__at_a_row_or_a_time_shows_what_came)
{
    set_up();
    assert_int_equal(PREDICT(file, "--at", "500", "--json"), 0);
    const ag_value *tree = printed_json();
    double at_row = number_at(tree, "columns.fast.forecast[0]");
    assert_true(number_at(tree, "row") == 500 && fabs(number_at(tree, "columns.fast.actual[0]") - sin(450)) < 0.3);
    assert_true(number_at(tree, "mse") < 0.2 && number_at(tree, "covered") > 0.5);
    assert_int_equal(PREDICT(file, "--at", "2020-01-21 19:30", "--json"), 0);
    assert_true(number_at(printed_json(), "columns.fast.forecast[0]") == at_row);
    assert_int_equal(PREDICT(file, "--at", "598"), 0);
    expect_printed("of the numbers that are known: mse");
    static const char *const rows[][2] = {
        {"23", "the model sees 24 rows, but there are 23 up to there"},
        {"601", "there are only 600 rows"},
        {"-4", "the model sees 24 rows"},
        {"2019-01-01", "there are 0 up to there"},
        {"noon", "neither the number of a row nor a time"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char at[60];
        ag_format(at, sizeof at, "--at=%s", rows[i][0]);
        assert_int_equal(PREDICT(file, at), 1);
        expect_printed(rows[i][1]);
    }
    end();
}

AG_TEST(test_predict__strides_through_a_file_in_batches_to_the_same_numbers)
{
    set_up();
    assert_int_equal(PREDICT(file, "--stride", "24"), 0);
    expect_printed("       24  2020-01-01 23:00:00");
    expect_printed("      600  2020-01-25 23:00:00         -         -        -");
    expect_printed("      all");
    assert_int_equal(PREDICT(file, "--at", "480", "--stride", "7", "--csv"), 0);
    const char *whole = ag_arena_strdup(arena, ag_buf_str(&out.buf).data);
    expect_printed("path,row,step,time,column,forecast,low,high,actual,error");
    assert_int_equal(PREDICT(file, "--at", "480", "--stride", "7", "--csv", "--batch", "5"), 0);
    assert_string_equal(whole, ag_buf_str(&out.buf).data);
    int lines = 0;
    for (const char *at = whole; *at; at++) lines += *at == '\n';
    assert_int_equal(lines, 1 + 18 * HORIZON * 2); /* behind rows 480, 487 ... 599 */
    end();
}

AG_TEST(test_predict__writes_a_table_and_pictures)
{
    char table[700], page[700], picture[700];
    ag_err err = {0};
    ag_buf text;
    set_up();
    ag_format(table, sizeof table, "%s/t.csv", ag_test_dir());
    ag_format(page, sizeof page, "%s/p.html", ag_test_dir());
    ag_format(picture, sizeof picture, "%s/p.svg", ag_test_dir());
    assert_int_equal(PREDICT(file, "--output", table, "--plot", page), 0);
    expect_remark("12 rows in ");
    ag_buf_init(&text, 1 << 24);
    AG_EXPECT_OK(ag_file_read(table, 1 << 24, &text, &err));
    assert_non_null(strstr(ag_buf_str(&text).data, ",600,6,2020-01-26 05:00:00,slow,"));
    ag_buf_clear(&text);
    AG_EXPECT_OK(ag_file_read(page, 1 << 24, &text, &err));
    assert_non_null(strstr(text.data, "slow, behind row 600"));
    assert_non_null(strstr(text.data, "90 % interval"));
    ag_buf_clear(&text);
    assert_int_equal(PREDICT(file, "--at", "500", "--plot", picture), 0);
    AG_EXPECT_OK(ag_file_read(picture, 1 << 24, &text, &err));
    assert_non_null(strstr(text.data, "viewBox=\"0 0 720 640\""));
    assert_non_null(strstr(text.data, "came"));
    assert_int_equal(PREDICT(file, "--plot", "-"), 0);
    expect_printed("╸╸ forecast");
    assert_int_not_equal(PREDICT(file, "--plot", "x.png"), 0);
    expect_remark("written as .svg");
    assert_int_not_equal(PREDICT(file, "--plot", "-", "--csv"), 0);
    expect_remark("do not go together");
    ag_buf_deinit(&text);
    end();
}

AG_TEST(test_predict__says_what_is_wrong_with_a_file_and_answers_the_others)
{
    char folder[700], path[800];
    ag_err err = {0};
    set_up();
    ag_format(folder, sizeof folder, "%s/many", ag_test_dir());
    AG_EXPECT_OK(ag_dir_make(folder, &err));
    static const struct {
        const char *name;
        waves w;
    } files[] = {
        {"a_short", {23, -1, -1, NULL}},     {"b_hole", {100, 90, -1, NULL}},
        {"c_old_hole", {100, 50, -1, NULL}}, {"d_column", {100, -1, -1, "date,fast,slov"}},
        {"e_time", {100, -1, 95, NULL}},     {"f_good", {100, -1, -1, NULL}},
        {"g_old_time", {100, -1, 60, NULL}},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ag_format(path, sizeof path, "%s/%s.csv", folder, files[i].name);
        write_waves(path, files[i].w);
    }
    ag_format(path, sizeof path, "%s/note.md", folder);
    write_file(path, "no series");
    assert_int_equal(PREDICT(folder), 1);
    expect_printed("a_short.csv: no forecast: it has 23 rows, but the model sees the last 24");
    expect_printed("b_hole.csv: no forecast: column 'fast' has no number in row 91, which is one of the last 24");
    expect_printed("c_old_hole.csv: 6 rows behind row 100");
    expect_printed("there is no column 'slow' (did you mean 'slov'?)");
    expect_printed("e_time.csv: no forecast: row 96 (2020-01-04T22:00:00Z) is not later than the row before it");
    expect_printed("f_good.csv: 6 rows behind row 100");
    expect_printed("g_old_time.csv: 6 rows behind row 100 (2020-01-05 03:00:00)");
    expect_remark("3 forecasts, 4 without an answer; what is no series was passed over");
    assert_int_equal(PREDICT(folder, "--json"), 1);
    assert_int_equal(PREDICT(folder, "--csv"), 1);
    ag_format(path, sizeof path, "%s/b_hole.csv", folder);
    assert_int_equal(PREDICT(path, "--missing", "previous"), 0);
    assert_int_equal(PREDICT(path, "--missing", "linear", "--json"), 0);
    assert_int_equal(PREDICT("/no/such.csv"), 1);
    expect_printed("no forecast");
    end();
}

AG_TEST(test_predict__reads_standard_input)
{
    set_up();
    int before = dup(STDIN_FILENO);
    int from = open(file, O_RDONLY | O_CLOEXEC);
    assert_true(before >= 0 && from >= 0 && dup2(from, STDIN_FILENO) >= 0);
    (void)close(from);
    assert_int_equal(PREDICT("-", "--json"), 0);
    assert_true(dup2(before, STDIN_FILENO) >= 0);
    (void)close(before);
    const ag_value *tree = printed_json();
    assert_true(text_at(tree, "path", "-") && number_at(tree, "row") == ROWS);
    end();
}

AG_TEST(test_predict__without_intervals_says_so)
{
    char path[800], bare[700];
    ag_err err = {0};
    set_up();
    ag_format(bare, sizeof bare, "%s/bare", ag_test_dir());
    assert_int_equal(AUGER("train", "-c", config, "-d", data, "-o", bare, "-j", "1", "--no-record", "--set",
                           "data_config.split={train: 0.8, validation: 0, test: 0.2}"),
                     0);
    ag_format(path, sizeof path, "%s/model/intervals.json", bare);
    assert_false(ag_file_exists(path));
    assert_int_equal(AUGER("predict", "-m", bare, file, "--json"), 0);
    expect_remark("keeps no intervals");
    assert_null(ag_value_at(printed_json(), "columns.fast.low"));
    assert_int_not_equal(AUGER("predict", "-m", bare, file, "--coverage", "0.9"), 0);
    expect_remark("the model keeps no intervals");
    assert_int_equal(AUGER("predict", "-m", bare, file), 0);
    assert_int_equal(AUGER("predict", "-m", bare, file, "--stride", "100"), 0);
    assert_int_equal(AUGER("evaluate", "-m", bare, "-d", data), 0);
    assert_false(printed("coverage"));
    /* A damaged file of intervals is not passed over. */
    write_file(path, "{\"format\":1}");
    assert_int_not_equal(AUGER("predict", "-m", bare, file), 0);
    expect_remark("intervals");
    AG_EXPECT_OK(ag_file_remove(path, &err));
    end();
}

AG_TEST(test_predict__evaluating_tells_how_often_intervals_held)
{
    set_up();
    assert_int_equal(AUGER("evaluate", "-m", output, "-d", data, "--json"), 0);
    const ag_value *tree = printed_json();
    assert_true(number_at(tree, "all[0].coverage") > 0.7 && number_at(tree, "all[0].width") > 0);
    assert_true(number_at(tree, "step[5].coverage") > 0.5 && number_at(tree, "column[1].width") > 0);
    assert_int_equal(AUGER("evaluate", "-m", output, "-d", data, "--coverage", "0.5"), 0);
    expect_printed("coverage");
    expect_printed("step");
    assert_int_not_equal(AUGER("evaluate", "-m", output, "-d", data, "--coverage", "0.42"), 0);
    expect_remark("keeps no intervals of coverage 0.42");
    end();
}

AG_TEST(test_predict__options_of_forecasts_are_refused_for_holes)
{
    set_up();
    assert_int_not_equal(AUGER("predict", "-m", "auto", file, "--stride", "3"), 0);
    expect_remark("--stride is for models that forecast series");
    end();
}
