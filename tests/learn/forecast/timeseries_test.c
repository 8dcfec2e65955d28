// SPDX-License-Identifier: Apache-2.0
#include "learn/forecast/timeseries.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/npy.h"
#include "core/sys/clock.h"
#include "frame/test.h"

static const char *file_of(const char *name, const char *text)
{
    ag_err err = {0};
    static char path[600];
    ag_format(path, sizeof path, "%s/%s", ag_test_dir(), name);
    AG_EXPECT_OK(ag_file_replace(path, text, strlen(text), &err));
    return path;
}

static const ag_timeseries_options plain;

AG_TEST(test_timeseries__reads_dates_and_columns)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    const char *path =
        file_of("a.csv", "date,a,b\n2020-01-01 00:00:00,1,2.5\n2020-01-01 01:00:00,3,-4\n2020-01-01 02:00:00,5,6e1\n");
    AG_EXPECT_OK(ag_timeseries_read(path, &plain, arena, &s, &err));
    assert_true(s.rows == 3 && s.columns == 2 && s.filled == 0 && s.interval == 3600 * AG_SECOND);
    assert_string_equal(s.names[1], "b");
    assert_string_equal(s.last_date, "2020-01-01 02:00:00");
    assert_true(s.values[0] == 1.0 && s.values[3] == -4.0 && s.values[5] == 60.0);
    const char *const columns[] = {"b"};
    ag_timeseries_options some = {.columns = columns, .column_count = 1, .date_column = "date"};
    AG_EXPECT_OK(ag_timeseries_read(path, &some, arena, &s, &err));
    assert_true(s.columns == 1 && s.values[0] == 2.5);
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__needs_no_dates_and_knows_other_ways_of_writing)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_timeseries_read(file_of("n.csv", "x;y\n1;2\n3;4\n"), &plain, arena, &s, &err));
    assert_true(s.rows == 2 && s.columns == 2 && s.interval == 0 && !s.first_date);
    ag_timeseries_options german = {.decimal_comma = true, .delimiter = ';'};
    AG_EXPECT_OK(
        ag_timeseries_read(file_of("g.csv", "Zeit;x\n01.02.2020;1,5\n02.02.2020;2,5\n"), &german, arena, &s, &err));
    assert_true(s.columns == 1 && s.values[1] == 2.5 && s.interval == 24 * 3600 * AG_SECOND);
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__uneven_dates_have_no_interval)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_OK(ag_timeseries_read(file_of("u.csv", "d,x\n2020-01-01,1\n2020-01-02,2\n2020-01-04,3\n"), &plain, arena,
                                    &s, &err));
    assert_int_equal(s.interval, 0);
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__names_of_another_encoding_are_told_in_utf8)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    const char *path = file_of("l.csv", "date,SWDR (W/m\xb2),x\n2020-01-01,1,2\n2020-01-02,3,4\n");
    AG_EXPECT_OK(ag_timeseries_read(path, &plain, arena, &s, &err));
    assert_string_equal(s.names[0], "SWDR (W/m\u00b2)");
    const char *const columns[] = {"SWDR (W/m\u00b2)"};
    ag_timeseries_options some = {.columns = columns, .column_count = 1};
    AG_EXPECT_OK(ag_timeseries_read(path, &some, arena, &s, &err));
    assert_true(s.columns == 1 && s.values[1] == 3.0);
    ag_arena_free(arena);
}

/* pandas writes its index of its own accord, and calls it "Unnamed: 0" when it reads it again. */
AG_TEST(test_timeseries__a_nameless_count_of_the_rows_is_no_channel)
{
    static const char *const files[] = {
        ",a,b\n0,5,6\n1,7,8\n2,9,1\n",
        "Unnamed: 0,date,a,b\n0,2020-01-01,5,6\n1,2020-01-02,7,8\n2,2020-01-03,9,1\n",
        ",timestamp,a,b\n1,1500000000,5,6\n2,1500086400,7,8\n3,1500172800,9,1\n",
    };
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        AG_EXPECT_OK(ag_timeseries_read(file_of("p.csv", files[i]), &plain, arena, &s, &err));
        assert_true(s.columns == 2 && s.counted && s.values[0] == 5.0 && s.values[5] == 1.0);
        assert_int_equal(s.interval, i ? 24 * 3600 * AG_SECOND : 0);
    }
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("p.csv", ",a,b\n0,5,6\n2,7,8\n"), &plain, arena, &s, &err), AG_EPARSE,
                    "the first column has no name, and does not count the rows");
    const char *const columns[] = {"", "a"}; /* of a model that was trained with it */
    ag_timeseries_options named = {.columns = columns, .column_count = 2};
    AG_EXPECT_OK(ag_timeseries_read(file_of("p.csv", ",a,b\n0,5,6\n2,7,8\n"), &named, arena, &s, &err));
    assert_true(s.columns == 2 && !s.counted && s.values[2] == 2.0);
    AG_EXPECT_OK(ag_timeseries_read(file_of("p.csv", "n,a\n0,5\n1,7\n"), &plain, arena, &s, &err));
    assert_true(s.columns == 2 && !s.counted);
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("p.csv", "a,when\n5,2020-01-01\n"), &plain, arena, &s, &err), AG_EPARSE,
                    "'2020-01-01' is not a number");
    assert_string_equal(err.hint, "if these are the dates: data_config.date_column: when");
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__two_columns_of_one_name_are_refused)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    const char *path = file_of("two.csv", "date,a,b,a\n2020-01-01,1,2,3\n");
    AG_EXPECT_ERROR(ag_timeseries_read(path, &plain, arena, &s, &err), AG_EINVAL, "two columns are called 'a'");
    const char *const columns[] = {"b"};
    ag_timeseries_options some = {.columns = columns, .column_count = 1};
    AG_EXPECT_OK(ag_timeseries_read(path, &some, arena, &s, &err));
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__a_file_without_names_is_refused)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("h.csv", "2020-01-01,1.5\n2020-01-02,2.5\n"), &plain, arena, &s, &err),
                    AG_EINVAL, "the first line holds data");
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("h.csv", "0.5,1\n0.7,2\n"), &plain, arena, &s, &err), AG_EINVAL,
                    "the first line holds data");
    AG_EXPECT_OK(ag_timeseries_read(file_of("h.csv", "0,1\n0.7,2\n"), &plain, arena, &s, &err)); /* whole: names */
    AG_EXPECT_OK(ag_timeseries_read(file_of("h.csv", "date,0,1\n2020-01-01,0.7,2\n"), &plain, arena, &s, &err));
    assert_string_equal(s.names[1], "1");
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__a_comma_or_a_point_too_many_says_which_key)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    ag_timeseries_options german = {.decimal_comma = true};
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("k.csv", "t;x;y\na;1,5;2\nb;2,5;3\n"), &plain, arena, &s, &err),
                    AG_EPARSE, "'1,5' is not a number");
    assert_non_null(strstr(err.hint, "decimal_comma: true"));
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("k.csv", "t;x;y\na;1.5;2\nb;2.5;3\n"), &german, arena, &s, &err),
                    AG_EPARSE, "'1.5' is not a number");
    assert_non_null(strstr(err.hint, "decimal_comma"));
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("k.csv", "t;x\na;-1e31\n"), &plain, arena, &s, &err), AG_EPARSE,
                    "too large");
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__dates_as_people_write_them)
{
    static const struct {
        const char *rows[4];
        int64_t hours;
    } cases[] = {
        {{"2020/1/31 0:00", "2020/2/1 0:00", "2020/2/2 0:00"}, 24},
        {{"31.01.2020 23:30", "01.02.2020 00:30", "01.02.2020 01:30"}, 1},
        {{"1/31/2020", "2/1/2020", "2/2/2020"}, 24},
        {{"1/2/2020", "2/2/2020", "3/2/2020", "4/2/2020"}, 24}, /* the day first: days go before months */
        {{"1/5/2020 11:00 PM", "1/6/2020 12:00 AM", "1/6/2020 1:00 AM"}, 1},
        {{"2020-01", "2020-02", "2020-03", "2020-04"}, 24 * 30},
        {{"1577836800", "1577840400", "1577844000"}, 1},
        {{"1577836800000", "1577840400000", "1577844000000"}, 1},
        {{"2020-01-01", "2020-01-02", "soon"}, 0},
        {{"2020-01-03", "2020-01-02", "2020-01-01"}, 0},
        {{"13/13/2020", "14/13/2020", "15/13/2020"}, 0},
        {{"1:2020:3", "2/3", "/"}, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ag_err err = {0};
        ag_timeseries s;
        char text[400] = "date,x\n";
        ag_arena *arena = ag_arena_new(0);
        for (int k = 0; k < 4 && cases[i].rows[k]; k++) {
            size_t size = strlen(text);
            ag_format(text + size, sizeof text - size, "%s,%d\n", cases[i].rows[k], k);
        }
        AG_EXPECT_OK(ag_timeseries_read(file_of("t.csv", text), &plain, arena, &s, &err));
        if (s.interval != cases[i].hours * 3600 * AG_SECOND || s.columns != 1)
            fail_msg("%s: %lld us", cases[i].rows[0], (long long)s.interval);
        ag_arena_free(arena);
    }
}

AG_TEST(test_timeseries__missing_numbers_are_refused_or_filled)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    const char *path =
        file_of("m.csv", "date,a,b\n2020-01-01,,1\n2020-01-02,2,NaN\n2020-01-03,4,n/a\n2020-01-04,5,4\n");
    AG_EXPECT_ERROR(ag_timeseries_read(path, &plain, arena, &s, &err), AG_EINVAL,
                    "column 'a' has no number here; 3 of 8");
    assert_true(err.line == 2 && err.column == 12);
    assert_non_null(strstr(err.hint, "missing"));
    ag_timeseries_options how = {.missing = AG_MISSING_PREVIOUS};
    AG_EXPECT_OK(ag_timeseries_read(path, &how, arena, &s, &err));
    assert_true(s.filled == 3 && s.values[0] == 2.0 && s.values[3] == 1.0 && s.values[5] == 1.0);
    how.missing = AG_MISSING_LINEAR;
    AG_EXPECT_OK(ag_timeseries_read(path, &how, arena, &s, &err));
    assert_true(s.values[0] == 2.0 && s.values[3] == 2.0 && s.values[5] == 3.0);
    path = file_of("e.csv", "date,a,b\n2020-01-01,,1\n2020-01-02,,1\n");
    AG_EXPECT_ERROR(ag_timeseries_read(path, &how, arena, &s, &err), AG_EINVAL, "column 'a'");
    assert_non_null(strstr(err.text, "no number at all"));
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__says_where_a_file_is_wrong)
{
    ag_err err = {0};
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    AG_EXPECT_ERROR(
        ag_timeseries_read(file_of("w.csv", "d,x\n2020-01-01,1\n2020-01-02,one\n"), &plain, arena, &s, &err), AG_EPARSE,
        "column 'x'");
    assert_int_equal(err.line, 3);
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d,x\n2020-01-01,1e999\n"), &plain, arena, &s, &err), AG_EPARSE,
                    "");
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d,x\n2020-01-01,inf\n"), &plain, arena, &s, &err), AG_EPARSE,
                    "not finite");
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d,x\n2020-01-01,1\n2020-01-02\n"), &plain, arena, &s, &err),
                    AG_EPARSE, "");
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d,x\n"), &plain, arena, &s, &err), AG_EINVAL, "no rows");
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d\n2020-01-01\n"), &plain, arena, &s, &err), AG_EINVAL,
                    "no column of numbers");
    AG_EXPECT_ERROR(ag_timeseries_read("/nowhere.csv", &plain, arena, &s, &err), AG_ENOTFOUND, "nowhere");
    const char *const columns[] = {"temperatur"};
    ag_timeseries_options some = {.columns = columns, .column_count = 1};
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d,temperature\n2020-01-01,1\n"), &some, arena, &s, &err),
                    AG_EINVAL, "there is no column 'temperatur'");
    assert_non_null(strstr(err.hint, "'temperature'"));
    ag_timeseries_options dates = {.date_column = "day"};
    AG_EXPECT_ERROR(ag_timeseries_read(file_of("w.csv", "d,x\n2020-01-01,1\n"), &dates, arena, &s, &err), AG_EINVAL,
                    "'day'");
    ag_arena_free(arena);
}

AG_TEST(test_timeseries__reads_arrays)
{
    ag_err err = {0};
    ag_timeseries s;
    char path[600];
    ag_arena *arena = ag_arena_new(0);
    float values[] = {1, 2, 3, 4, 5, 6};
    ag_format(path, sizeof path, "%s/a.npy", ag_test_dir());
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_FLOAT32, (const uint64_t[]){3, 2}, 2, values, &err));
    AG_EXPECT_OK(ag_timeseries_read(path, &plain, arena, &s, &err));
    assert_true(s.rows == 3 && s.columns == 2 && s.values[3] == 4.0);
    const char *const columns[] = {"c1"}, *const wrong[] = {"c2"};
    ag_timeseries_options some = {.columns = columns, .column_count = 1};
    AG_EXPECT_OK(ag_timeseries_read(path, &some, arena, &s, &err));
    assert_true(s.columns == 1 && s.values[0] == 2.0);
    some.columns = wrong;
    AG_EXPECT_ERROR(ag_timeseries_read(path, &some, arena, &s, &err), AG_EINVAL, "no column 'c2'");
    values[3] = NAN;
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_FLOAT32, (const uint64_t[]){3, 2}, 2, values, &err));
    AG_EXPECT_ERROR(ag_timeseries_read(path, &plain, arena, &s, &err), AG_EINVAL, "row 1, column c1");
    AG_EXPECT_OK(ag_npy_write(path, AG_NPY_FLOAT32, (const uint64_t[]){1, 3, 2}, 3, values, &err));
    AG_EXPECT_ERROR(ag_timeseries_read(path, &plain, arena, &s, &err), AG_EINVAL, "rows and columns");
    ag_arena_free(arena);
}

static int read_all(void *context, ag_err *err)
{
    ag_timeseries s;
    ag_arena *arena = ag_arena_new(0);
    ag_timeseries_options how = {.missing = AG_MISSING_LINEAR};
    int rc = arena ? ag_timeseries_read(context, &how, arena, &s, err) : ag_fail_memory(err, 1);
    ag_arena_free(arena);
    return rc;
}

AG_TEST(test_timeseries__fails_cleanly_at_every_call)
{
    char path[600];
    ag_format(path, sizeof path, "%s", file_of("f.csv", "date,a\n2020-01-01,1\n2020-01-02,\n2020-01-03,3\n"));
    (void)ag_test_fail_at_n(AG_FAULT_ALLOC | AG_FAULT_FILE, read_all, NULL, path);
}
