// SPDX-License-Identifier: Apache-2.0
#include "core/show/spark.h"

#include <math.h>
#include <string.h>

#include "core/base/str.h"
#include "frame/test.h"

static ag_buf out;

static const char *line_of(const double *values, size_t count, unsigned width)
{
    ag_buf_deinit(&out);
    ag_buf_init(&out, 1 << 20);
    ag_spark_line(&out, values, count, width);
    return out.data ? out.data : "";
}

AG_TEST(test_spark__line)
{
    assert_string_equal(line_of((double[]){0, 1, 2, 3, 4, 5, 6, 7}, 8, 20), "▁▂▃▄▅▆▇█");
    assert_string_equal(line_of((double[]){0, 0, 7, 7}, 4, 2), "▁█");
    assert_string_equal(line_of((double[]){5, NAN, 5, INFINITY}, 4, 20), "▁ ▁ ");
    assert_string_equal(line_of((double[]){-1.7e308, 1.7e308}, 2, 20), "▁█");
    assert_string_equal(line_of((double[]){NAN, NAN}, 2, 20), "  ");
    assert_string_equal(line_of(NULL, 0, 20), "");
    ag_buf_deinit(&out);
}

AG_TEST(test_spark__bar_has_its_width_whatever_the_fraction)
{
    const double fractions[] = {-1, 0, 0.01, 0.5, 0.999, 1, 7, NAN, INFINITY};
    for (size_t i = 0; i < 9; i++) {
        ag_buf_init(&out, 1000);
        ag_spark_bar(&out, fractions[i], 10);
        assert_int_equal(ag_utf8_width(ag_buf_str(&out)), 10);
        ag_buf_deinit(&out);
    }
    ag_buf_init(&out, 1000);
    ag_spark_bar(&out, 0.5625, 2);
    assert_string_equal(out.data, "█▏");
    ag_buf_deinit(&out);
}

AG_TEST(test_spark__plot_stays_within_its_width)
{
    ag_err err = {0};
    const double y[] = {0, 1e300, -1e300, NAN, 3, INFINITY, 1e-300, 5}, high[] = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int log = 0; log < 2; log++) {
        for (unsigned width = 0; width < 130; width += 13) {
            ag_series series[] = {{.name = "a\033[31m\n", .y = y, .count = 8, .mark = AG_MARK_STEP},
                                  {.name = NULL, .y = high, .high = y, .count = 8, .mark = AG_MARK_BAND},
                                  {.name = "none", .count = 0}};
            ag_plot plot = {.title = "T", .x_label = "x", .x_log = log, .y_log = log};
            ag_buf_init(&out, 1 << 20);
            AG_EXPECT_OK(ag_spark_plot(&out, &plot, series, 3, width, width / 4, false, &err));
            assert_true(ag_utf8_valid(ag_buf_str(&out)));
            assert_null(strchr(out.data, '\033'));
            ag_str rest = ag_buf_str(&out), line;
            for (int i = 0; ag_str_next(&rest, '\n', &line); i++)
                if (i != 1) assert_true(ag_utf8_width(line) <= (width < 24 ? 24 : width)); /* 1 is the legend */
            ag_buf_deinit(&out);
        }
    }
}

/* Dots of row `index` of a picture. */
static int dots_of_line(ag_str text, int index)
{
    int dots = 0;
    ag_str line = {0};
    for (int i = 0; i <= index; i++) assert_true(ag_str_next(&text, '\n', &line));
    for (size_t i = 0; i + 2 < line.size; i++) {
        const unsigned char *c = (const unsigned char *)line.data + i;
        if (c[0] == 0xe2 && c[1] >= 0xa0 && c[1] <= 0xa3)
            dots += __builtin_popcount((unsigned)(c[1] - 0xa0) << 6 | (c[2] & 0x3f));
    }
    return dots;
}

AG_TEST(test_spark__lines_without_colours_are_told_apart)
{
    ag_err err = {0};
    const double x[] = {0, 1}, top[] = {1, 1}, middle[] = {0.5, 0.5}, bottom[] = {0, 0}, lone[] = {NAN, 0};
    const ag_series series[] = {{.name = "a", .x = x, .y = top, .count = 2},
                                {.name = "b", .x = x, .y = middle, .count = 2},
                                {.name = "c", .x = x, .y = bottom, .count = 2},
                                {.x = x, .y = top, .count = 1},
                                {.x = x, .y = lone, .count = 2}};
    int dots[2][3];
    for (int colour = 0; colour < 2; colour++) {
        ag_buf_init(&out, 1 << 16);
        AG_EXPECT_OK(ag_spark_plot(&out, &(ag_plot){0}, series, 3, 60, 6, colour, &err));
        ag_str all = ag_buf_str(&out), line;
        assert_true(ag_str_next(&all, '\n', &line));
        assert_int_equal(ag_str_find(line, AG_STR("━━ a   ╸╸ b   ┉┉ c"), 0) == SIZE_MAX, colour);
        assert_int_equal(ag_str_find(line, AG_STR("╸"), 0) == SIZE_MAX, colour);
        for (int row = 0; row < 3; row++) dots[colour][row] = dots_of_line(ag_buf_str(&out), row + 1);
        ag_buf_deinit(&out);
    }
    assert_true(dots[1][0] > 100 && dots[0][0] == dots[1][0]);
    assert_true(dots[0][1] < dots[1][1] * 2 / 3 && dots[0][1] > dots[1][1] / 2);
    assert_true(dots[0][2] < dots[0][1] && dots[0][2] > dots[1][2] / 4);
    /* A point that stands alone is drawn, whatever its line looks like. */
    ag_buf_init(&out, 1 << 16);
    AG_EXPECT_OK(ag_spark_plot(&out, &(ag_plot){0}, series + 3, 2, 60, 6, false, &err));
    int alone = 0;
    for (int row = 0; row < 4; row++) alone += dots_of_line(ag_buf_str(&out), row);
    assert_int_equal(alone, 2);
    ag_buf_deinit(&out);
}

AG_TEST(test_axis__ticks_are_round_and_inside)
{
    const double ends[][2] = {{0, 1},          {-3.7, 12.2}, {0, 0},           {5, 5},          {1e-310, 2e-310},
                              {NAN, 1},        {1, -1},      {1e15, 1e15 + 3}, {-1e308, 1e308}, {-INFINITY, INFINITY},
                              {0.1, 0.1000001}};
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        for (int kind = 0; kind < 6; kind++) {
            ag_axis axis = ag_axis_make(ends[i][0], ends[i][1], 5, kind == 1, kind >= 4, kind == 2 || kind == 5);
            assert_true(isfinite(axis.high - axis.low) && axis.low < axis.high);
            for (size_t t = 0; t < axis.count; t++) {
                ag_buf_init(&out, 1000);
                ag_axis_label(&axis, t, &out);
                assert_true(out.size > 0);
                ag_buf_deinit(&out);
            }
        }
    }
    ag_axis axis = ag_axis_make(0, 0.7, 5, false, false, true);
    ag_buf_init(&out, 1000);
    for (size_t t = 0; t < axis.count; t++) ag_axis_label(&axis, t, &out), ag_buf_add_char(&out, ' ');
    assert_string_equal(out.data, "0.0 0.1 0.2 0.3 0.4 0.5 0.6 0.7 ");
    ag_buf_deinit(&out);
}

static void expect_time_ticks(double seconds, const char *wanted)
{
    double start = 1795253400e6; /* 2026-11-21T09:30:00Z */
    ag_axis axis = ag_axis_make(start, start + seconds * 1e6, 4, true, false, false);
    ag_buf_init(&out, 1000);
    for (size_t t = 0; t < axis.count; t++) {
        if (t > 0) ag_buf_add_char(&out, '|');
        ag_axis_label(&axis, t, &out);
    }
    assert_string_equal(out.data, wanted);
    ag_buf_deinit(&out);
}

AG_TEST(test_axis__time_has_the_steps_of_the_calendar)
{
    expect_time_ticks(0.004, "11-21 09:30:00.000|09:30:00.001|09:30:00.002|09:30:00.003|09:30:00.004");
    expect_time_ticks(60, "11-21 09:30:00|09:30:15|09:30:30|09:30:45|09:31:00");
    expect_time_ticks(86400, "11-21 12:00|18:00|11-22 00:00|06:00");
    expect_time_ticks(30 * 86400, "2026-11-23|12-07|12-21");
    expect_time_ticks(300 * 86400, "2027-01|2027-04|2027-07");
    expect_time_ticks(40 * 365 * 86400.0, "2030|2040|2050|2060");
}

AG_TEST(test_axis__logarithms)
{
    ag_axis axis = ag_axis_make(-3.2, 2.9, 8, false, true, true);
    assert_true(axis.low == -4 && axis.high == 3);
    assert_true(isnan(ag_axis_place(&axis, 0)) && isnan(ag_axis_place(&axis, -1)) && isnan(ag_axis_place(&axis, NAN)));
    assert_true(fabs(ag_axis_place(&axis, 1) - 4.0 / 7) < 1e-12);
}
