// SPDX-License-Identifier: Apache-2.0
/* The command that draws columns of a table: what it makes of repeated rows, gaps and words, and where it writes. */
#include "app/cli/calls.h"
#include "core/base/fault.h"
#include "core/doc/json.h"
#include "core/io/file.h"

static char path[600];

static const char *table_of(const char *text)
{
    ag_err err = {0};
    ag_format(path, sizeof path, "%s/table.csv", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
    return path;
}

static const char learning[] = "# of two draws\n"
                               "labels,draw,method,error_mm\n"
                               "60,1,none,0.03\n"
                               "15,1,none,0.08\n"
                               "15,2,none,0.06\n"
                               "15,1,both,0.025\n"
                               "60,1,both,\n"
                               "60,2,both,nan\n";

static const ag_value *points(size_t which)
{
    const ag_value *value = NULL;
    ag_err err = {0};
    AG_EXPECT_OK(ag_json_parse(arena, ag_buf_str(&out.buf), NULL, &value, &err));
    const ag_value *curves = ag_value_get(value, "curves");
    assert_true(curves && curves->kind == AG_ARRAY && curves->array.count > which);
    return ag_value_get(&curves->array.items[which], "points");
}

static double number(const ag_value *point, const char *name)
{
    double value = -1.0;
    assert_true(ag_value_real(ag_value_get(point, name), &value));
    return value;
}

AG_TEST(test_plot__rows_of_the_same_x_are_one_point)
{
    begin();
    const char *table = table_of(learning);
    assert_int_equal(AUGER("plot", table, "-x", "labels", "-y", "error_mm", "--by", "method", "--json"), 0);
    const ag_value *none = points(0);
    assert_int_equal(none->array.count, 2); /* sorted, though they were not */
    assert_true(fabs(number(&none->array.items[0], "mean") - 0.07) < 1e-12);
    assert_true(number(&none->array.items[0], "low") == 0.06 && number(&none->array.items[0], "high") == 0.08);
    assert_true(number(&none->array.items[0], "rows") == 2.0 && number(&none->array.items[1], "x") == 60.0);
    assert_int_equal(points(1)->array.count, 1); /* gaps */
    end();
}

AG_TEST(test_plot__draws_here_or_into_a_file)
{
    begin();
    ag_err err = {0};
    ag_buf text;
    char picture[600], page[600];
    const char *table = table_of(learning);
    ag_format(picture, sizeof picture, "%s/curve.svg", ag_test_dir());
    ag_format(page, sizeof page, "%s/curve.html", ag_test_dir());
    assert_int_equal(AUGER("plot", table, "-y", "error_mm", "--by", "method", "--log-x", "--title", "A curve"), 0);
    expect_printed("A curve");
    expect_printed("both");
    assert_int_equal(AUGER("plot", table, "-y", "error_mm", "--by", "method", "--log-x", "-o", picture), 0);
    ag_buf_init(&text, 1 << 20);
    AG_EXPECT_OK(ag_file_read(picture, 1 << 20, &text, &err));
    assert_true(strstr(text.data, "<svg") == text.data && strstr(text.data, ">labels<") && strstr(text.data, ">both<"));
    ag_buf_clear(&text);
    assert_int_equal(AUGER("plot", table, "-y", "error_mm", "-y", "draw", "--by", "method", "-o", page), 0);
    AG_EXPECT_OK(ag_file_read(page, 1 << 20, &text, &err));
    assert_true(strstr(text.data, "both, draw") && strstr(text.data, "<table") && strstr(text.data, "0.07"));
    ag_buf_deinit(&text);
    end();
}

AG_TEST(test_plot__refuses_in_one_sentence)
{
    begin();
    const char *table = table_of(learning);
    assert_int_equal(AUGER("plot", table, "-y", "eror_mm"), 2);
    expect_remark("has no column 'eror_mm'");
    expect_remark("did you mean 'error_mm'?");
    assert_int_equal(AUGER("plot", table, "-y", "error_mm", "-x", "zzzzzzzz"), 2);
    expect_remark("its first column is 'labels'");
    assert_int_equal(AUGER("plot", table, "-y", "method"), 1);
    expect_remark(":3:");
    assert_int_equal(AUGER("plot", table, "-y", "error_mm", "-o", "curve.png"), 2);
    expect_remark("pictures are written as .svg");
    assert_int_equal(AUGER("plot", table_of("a,b\n1,\n"), "-y", "b"), 1);
    expect_remark("no row with numbers");
    assert_int_equal(AUGER("plot", table_of(""), "-y", "b"), 2);
    expect_remark("has no column 'b'");
    assert_int_equal(AUGER("plot", "/nowhere.csv", "-y", "b"), 1);
    end();
}

AG_TEST(test_plot__too_many_curves_are_refused)
{
    begin();
    ag_buf text;
    ag_buf_init(&text, 1 << 16);
    ag_buf_add_text(&text, "x,y,who\n");
    for (int i = 0; i < 65; i++) ag_buf_addf(&text, "1,2,w%d\n", i);
    assert_int_equal(AUGER("plot", table_of(text.data), "-y", "y", "--by", "who"), 1);
    expect_remark("more than 64 curves");
    assert_int_equal(AUGER("plot", path, "-y", "y", "--by", "y"), 0); /* one point */
    ag_buf_deinit(&text);
    end();
}

static int plot_call(void *table, ag_err *err)
{
    char page[600];
    ag_format(page, sizeof page, "%s/page.html", ag_test_dir());
    int status = AUGER("plot", table, "-y", "error_mm", "--by", "method", "-o", page, "--json");
    if (status == 0) return AG_OK;
    bool told = out.buf.size || err_out.buf.size || out.failure.code || err_out.failure.code;
    return ag_fail(err, AG_EIO, "%s", told ? "told" : "");
}

AG_TEST(test_plot__every_failing_call_is_told)
{
    begin();
    char table[600];
    ag_format(table, sizeof table, "%s", table_of(learning));
    ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, plot_call, NULL, table);
    end();
}
