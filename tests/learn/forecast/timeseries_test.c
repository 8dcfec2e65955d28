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
    assert_true(s.columns == 1 && s.values[1] == 2.5 && s.interval == 0);
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
