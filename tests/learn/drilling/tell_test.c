// SPDX-License-Identifier: Apache-2.0
/* Predictions in words, JSON and CSV. */
#include "learn/drilling/tell.h"

#include <math.h>
#include <string.h>

#include "frame/test.h"

static ag_prediction found(void)
{
    return (ag_prediction){.path = "a/b,c.xls",
                           .sha256 = "00ff",
                           .outcome = AG_LABEL_FOUND,
                           .points = {{6.4123, 6.3, 6.5, 0.97}, {16.9, 16.8, 17.0, 0.9}, {21.0, 20.9, 21.1, 0.8}},
                           .confidence = 0.8,
                           .grip_code = 10,
                           .voices = 24,
                           .spread = 0.021};
}

static ag_prediction silent(ag_label_outcome outcome, const char *reason)
{
    ag_prediction said = {.path = "x", .outcome = outcome, .reason = reason, .confidence = NAN, .spread = NAN};
    for (int p = 0; p < AG_POINTS; p++) said.points[p] = (ag_point){NAN, NAN, NAN, NAN};
    return said;
}

static void expect_words(const ag_prediction *said, const char *words)
{
    ag_buf text;
    ag_buf_init(&text, 4096);
    ag_prediction_words(said, &text);
    assert_string_equal(text.data, words);
    ag_buf_deinit(&text);
}

AG_TEST(test_tell__every_outcome_has_its_words)
{
    ag_prediction said = found();
    expect_words(&said, "entry 6.412, transition 16.900, exit 21.000 mm, 14.588 thick (grip 10)");
    said.points[AG_POINT_TRANSITION].mm = NAN;
    said.grip_code = 0;
    said.reason = "the voices are far apart";
    expect_words(&said, "entry 6.412, exit 21.000 mm, 14.588 thick; the voices are far apart");
    said = silent(AG_LABEL_EMPTY, NULL);
    expect_words(&said, "nothing was cut");
    said = silent(AG_LABEL_NONE, "there is no step 2");
    expect_words(&said, "no answer: there is no step 2");
    said.reason = NULL;
    expect_words(&said, "no answer: it cannot tell");
    said = silent(AG_LABEL_NO_EXIT, NULL);
    expect_words(&said, "no exit: the tool seized, or the recording ends inside the stack");
    said.points[AG_POINT_ENTRY].mm = 5;
    expect_words(&said, "no exit: the tool seized, or the recording ends inside the stack; entry 5.000 mm");
    assert_true(isnan(ag_prediction_thickness(&said)));
}

static void json_of(const ag_prediction *said, ag_buf *out)
{
    ag_err err = {0};
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_prediction_json(said, &json);
    ag_json_end_object(&json);
    AG_EXPECT_OK(ag_json_end_document(&json, &err));
}

AG_TEST(test_tell__json_has_null_where_there_is_nothing)
{
    ag_err err = {0};
    ag_buf text;
    ag_arena *arena = ag_arena_new(0);
    const ag_value *root;
    double number;
    ag_str word;
    ag_prediction said = found();
    ag_buf_init(&text, 1 << 16);
    json_of(&said, &text);
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &root, &err));
    assert_true(ag_value_real(ag_value_at(root, "exit.low_mm"), &number) && fabs(number - 20.9) < 1e-12);
    assert_true(ag_value_real(ag_value_at(root, "thickness_mm"), &number) && fabs(number - 14.5877) < 1e-9);
    assert_true(ag_value_string(ag_value_get(root, "outcome"), &word) && ag_str_is(word, "found"));
    assert_int_equal(ag_value_get(root, "reason")->kind, AG_NULL);
    said = silent(AG_LABEL_NONE, "why");
    ag_buf_clear(&text);
    json_of(&said, &text);
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&text), NULL, &root, &err));
    assert_int_equal(ag_value_at(root, "entry.mm")->kind, AG_NULL);
    assert_int_equal(ag_value_get(root, "grip_code")->kind, AG_NULL);
    assert_int_equal(ag_value_get(root, "confidence")->kind, AG_NULL);
    assert_int_equal(ag_value_get(root, "sha256")->kind, AG_NULL);
    ag_buf_deinit(&text);
    ag_arena_free(arena);
}

AG_TEST(test_tell__csv_rows_have_the_cells_of_their_header)
{
    ag_err err = {0};
    ag_buf text;
    ag_writer *sink = NULL;
    ag_csv_writer *writer = NULL;
    ag_csv *csv = NULL;
    const ag_str *cells;
    size_t count;
    ag_prediction rows[] = {found(), silent(AG_LABEL_EMPTY, "a \"reason\"")};
    ag_buf_init(&text, 1 << 16);
    AG_EXPECT_OK(ag_writer_to_buf(&text, &sink, &err));
    AG_EXPECT_OK(ag_csv_writer_new(sink, &(ag_csv_format){0}, &writer, &err));
    AG_EXPECT_OK(ag_prediction_csv_header(writer, &err));
    AG_EXPECT_OK(ag_csv_end_row(writer, &err));
    for (int i = 0; i < 2; i++) {
        AG_EXPECT_OK(ag_prediction_csv(&rows[i], writer, &err));
        AG_EXPECT_OK(ag_csv_end_row(writer, &err));
    }
    AG_EXPECT_OK(ag_csv_flush(writer, &err));
    AG_EXPECT_OK(
        ag_csv_open_memory(ag_buf_str(&text), &(ag_csv_options){.header = true, .delimiter = ','}, &csv, &err));
    assert_true(ag_csv_next(csv, &cells, &count, &err) == 1);
    assert_true(ag_str_is(cells[ag_csv_column(csv, "path")], "a/b,c.xls"));
    assert_true(ag_str_is(cells[ag_csv_column(csv, "entry_mm")], "6.412"));
    assert_true(ag_str_is(cells[ag_csv_column(csv, "exit_confidence")], "0.8000"));
    assert_true(ag_str_is(cells[ag_csv_column(csv, "grip_code")], "10"));
    assert_true(ag_csv_next(csv, &cells, &count, &err) == 1);
    assert_true(ag_str_is(cells[ag_csv_column(csv, "outcome")], "empty"));
    assert_true(ag_str_is(cells[ag_csv_column(csv, "entry_mm")], ""));
    assert_true(ag_str_is(cells[ag_csv_column(csv, "reason")], "a \"reason\""));
    ag_csv_free(csv);
    ag_csv_writer_free(writer);
    ag_writer_close(sink);
    ag_buf_deinit(&text);
}
