// SPDX-License-Identifier: Apache-2.0
/* csv_test.c: a table of texts with what they mean, each read from memory and through a stream of one byte at a time;
 * then limits, places in messages, numbers and the writer. */
#include "frame/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/mem.h"
#include "core/io/csv.h"
#include "core/io/file.h"

typedef struct slow_reader {
    ag_reader base;
    ag_str rest;
} slow_reader;

static ptrdiff_t read_one(ag_reader *base, void *into, size_t size, ag_err *err)
{
    (void)err;
    slow_reader *self = (slow_reader *)base;
    if (size == 0 || self->rest.size == 0) return 0;
    *(char *)into = self->rest.data[0];
    self->rest = ag_str_slice(self->rest, 1, self->rest.size);
    return 1;
}

/* All rows as text: cells in [], rows ended by '/'. */
static int flatten(ag_csv *csv, ag_buf *out, ag_err *err)
{
    const ag_str *cells;
    size_t count;
    int rc;
    while ((rc = ag_csv_next(csv, &cells, &count, err)) > 0) {
        for (size_t i = 0; i < count; i++) ag_buf_addf(out, "[%.*s]", AG_STR_ARG(cells[i]));
        ag_buf_add_char(out, '/');
    }
    if (rc < 0) { /* it sticks */
        ag_err again = {0};
        assert_int_equal(ag_csv_next(csv, &cells, &count, &again), rc);
        assert_string_equal(again.text, err->text);
    }
    return rc < 0 ? rc : ag_buf_check(out, "the rows", err);
}

static int read_text(const char *text, size_t size, const ag_csv_options *options, bool slow, ag_buf *out, ag_err *err)
{
    slow_reader source = {{read_one, NULL}, {text, size}};
    ag_csv *csv = NULL;
    ag_buf_clear(out);
    int rc = slow ? ag_csv_open(&source.base, options, &csv, err)
                  : ag_csv_open_memory((ag_str){text, size}, options, &csv, err);
    if (rc >= 0) rc = flatten(csv, out, err);
    ag_csv_free(csv);
    return rc;
}

/* Reads both ways; `wanted` is the rows, or for an error "line:column text". */
static void check(const char *text, ag_csv_options options, const char *wanted)
{
    ag_buf out;
    ag_buf_init(&out, 100000);
    for (int slow = 0; slow < 2; slow++) {
        ag_err err = {0};
        int rc = read_text(text, strlen(text), &options, slow, &out, &err);
        if (rc < 0) {
            ag_buf_clear(&out);
            ag_buf_addf(&out, "%u:%u %s", err.line, err.column, err.text);
        }
        const char *got = out.data ? out.data : "";
        if (rc < 0 ? !strstr(got, wanted) : strcmp(got, wanted) != 0)
            fail_msg("'%s' gave '%s', not '%s'", text, got, wanted);
    }
    ag_buf_deinit(&out);
}

#define COMMA .delimiter = ','

AG_TEST(test_csv__rows_and_cells)
{
    check("", (ag_csv_options){COMMA}, "");
    check("a", (ag_csv_options){COMMA}, "[a]/");
    check("a,b\nc,d\n", (ag_csv_options){COMMA}, "[a][b]/[c][d]/");
    check("a,b\r\nc,d\r\n", (ag_csv_options){COMMA}, "[a][b]/[c][d]/");
    check("a,b\rc,d\r", (ag_csv_options){COMMA}, "[a][b]/[c][d]/");
    check("a,b\nc,d", (ag_csv_options){COMMA}, "[a][b]/[c][d]/");
    check(",\n,\n", (ag_csv_options){COMMA}, "[][]/[][]/");
    check("\n\r\n\ra,b\n\n\nc,d\n\n", (ag_csv_options){COMMA}, "[a][b]/[c][d]/");
    check(" a , b \n", (ag_csv_options){COMMA}, "[ a ][ b ]/");
    check("\xef\xbb\xbf"
          "a,b\n",
          (ag_csv_options){COMMA}, "[a][b]/");
    check("\xef\xbb\xbf\"a\",b\n", (ag_csv_options){COMMA}, "[a][b]/");
}

AG_TEST(test_csv__quotes)
{
    check("\"a\",\"b,c\"\n", (ag_csv_options){COMMA}, "[a][b,c]/");
    check("\"a\"\"b\",\"\"\"\",\"\"\n", (ag_csv_options){COMMA}, "[a\"b][\"][]/");
    check("\"a\nb\",\"c\r\nd\"\r\ne,f", (ag_csv_options){COMMA}, "[a\nb][c\r\nd]/[e][f]/");
    check("5\" pipe,a\"b\"\n", (ag_csv_options){COMMA}, "[5\" pipe][a\"b\"]/");
    check("\"\"\n\"\"", (ag_csv_options){COMMA}, "[]/[]/");
    check("'a,b',\"c\"\n", (ag_csv_options){COMMA, .quote = '\''}, "[a,b][\"c\"]/");
    check("\"a,b\"\n", (ag_csv_options){COMMA, .no_quotes = true}, "[\"a][b\"]/");
    check("\"a\"b,c\n", (ag_csv_options){COMMA}, "1:4 text behind the closing quote");
    check("x,y\n1,\"a\" ,c\n", (ag_csv_options){COMMA}, "2:6 text behind the closing quote");
    check("x,y\n1,\"never\nclosed\n", (ag_csv_options){COMMA}, "2:3 the quote that opens here is never closed");
    check("a,\"", (ag_csv_options){COMMA}, "1:3 the quote that opens here");
}

AG_TEST(test_csv__trim_and_comments)
{
    check(" a , \"b \" ,\tc\t\n", (ag_csv_options){COMMA, .trim = true}, "[a][b ][c]/");
    check(" \"a\" \"b\"\n", (ag_csv_options){COMMA, .trim = true}, "1:6 text behind");
    check("a\t b\n", (ag_csv_options){.delimiter = '\t', .trim = true}, "[a][b]/");
    check("# \"one\na,b\n#two,,,\n c,#d\n", (ag_csv_options){COMMA, .comment = '#'}, "[a][b]/[ c][#d]/");
    check("#x\n#y", (ag_csv_options){COMMA, .comment = '#'}, "");
    check("#a,b\n", (ag_csv_options){COMMA}, "[#a][b]/");
}

AG_TEST(test_csv__ragged_rows)
{
    check("a,b\n1\n", (ag_csv_options){COMMA}, "2:2 the row has 1 cells, the first row has 2");
    check("a,b\n1,2,3\n", (ag_csv_options){COMMA}, "2:5 the row has 3 cells, the first row has 2");
    check("a,b\n1\n3,4\n", (ag_csv_options){COMMA, .ragged = AG_CSV_PAD}, "[a][b]/[1][]/[3][4]/");
    check("a,b\n1,2,3\n", (ag_csv_options){COMMA, .ragged = AG_CSV_PAD}, "2:5 the row has 3 cells");
    check("a,b\n\"x\ny\",\"\n\n\"\n1\n", (ag_csv_options){COMMA},
          "6:2 the row has 1 cells"); /* lines inside cells count */
}

AG_TEST(test_csv__limits)
{
    check("abc,def\n", (ag_csv_options){COMMA, .max_row = 7}, "[abc][def]/");
    check("a\nabcd,def\n", (ag_csv_options){COMMA, .max_row = 7}, "2:1 the row is longer than the limit");
    check("a\n\"bcdefghi", (ag_csv_options){COMMA, .max_row = 7}, "2:1 the row is longer than the limit");
    check("a,b,c\n", (ag_csv_options){COMMA, .max_columns = 3}, "[a][b][c]/");
    check("a,b,c,d\n", (ag_csv_options){COMMA, .max_columns = 3}, "1:1 the row has more cells");
}

AG_TEST(test_csv__the_delimiter_is_guessed)
{
    static const struct {
        const char *text;
        char wanted;
        bool decimal_comma;
    } cases[] = {
        {"a,b\n1,2\n", ',', false},
        {"a;b\n1,5;2,5\n", ';', false},
        {"a\tb c\n1\t2\n", '\t', false},
        {"a|b\n1|2\n", '|', false},
        {"a,b;c,d\n1,2\n3,4\n", ',', false},
        {"one\ntwo\n", ',', false},
        {"one\ntwo\n", ';', true},
        {"1,5 2,5\n1,0 2,0\n", ';', true},
        {"\"a;b\",\"c\"\n\"d;e;f\",\"g\"\n", ',', false},
        {"a;b;c", ';', false},
        {"", ',', false},
        {"a,b\n\"x;\ny;\",2\n", ',', false},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        ag_err err = {0};
        ag_csv *csv = NULL;
        ag_csv_options options = {.decimal_comma = cases[i].decimal_comma};
        AG_EXPECT_OK(ag_csv_open_memory(ag_str_of(cases[i].text), &options, &csv, &err));
        if (ag_csv_delimiter(csv) != cases[i].wanted) fail_msg("'%s': '%c'", cases[i].text, ag_csv_delimiter(csv));
        ag_csv_free(csv);
    }
    check("x;y\n1;2\n", (ag_csv_options){0}, "[x][y]/[1][2]/");
}

AG_TEST(test_csv__header_numbers_and_places)
{
    ag_err err = {0};
    ag_csv *csv = NULL;
    const ag_str *names, *cells;
    size_t count;
    double d;
    int64_t n;
    uint32_t line, column;
    ag_csv_options options = {.name = "t.csv", .header = true, .decimal_comma = true};
    ag_str text = AG_STR("depth;\"n\n2\";torque\n 1,5 ;\"7\n\";-1,25e3\nx;1,5;1.234,5\n;;nan\n");
    AG_EXPECT_OK(ag_csv_open_memory(text, &options, &csv, &err));
    assert_int_equal(ag_csv_header(csv, &names), 3);
    assert_true(ag_str_is(names[1], "n\n2"));
    assert_int_equal(ag_csv_column(csv, "torque"), 2);
    assert_true(ag_csv_column(csv, "none") == SIZE_MAX);
    assert_int_equal(ag_csv_next(csv, &cells, &count, &err), 1);
    AG_EXPECT_OK(ag_csv_double(csv, 0, &d, &err));
    assert_true(d == 1.5);
    AG_EXPECT_OK(ag_csv_int(csv, 1, &n, &err));
    assert_int_equal(n, 7);
    AG_EXPECT_OK(ag_csv_double(csv, 2, &d, &err));
    assert_true(d == -1250);
    ag_csv_place(csv, 2, &line, &column);
    assert_int_equal(line, 4);
    assert_int_equal(column, 3);
    assert_int_equal(ag_csv_next(csv, &cells, &count, &err), 1);
    AG_EXPECT_ERROR(ag_csv_double(csv, 0, &d, &err), AG_EPARSE, "'x' in column 1 depth is not a number");
    assert_int_equal(err.line, 5);
    assert_string_equal(err.file, "t.csv");
    AG_EXPECT_ERROR(ag_csv_int(csv, 1, &n, &err), AG_EPARSE, "whole number");
    AG_EXPECT_ERROR(ag_csv_double(csv, 2, &d, &err), AG_EPARSE, "decimal comma");
    assert_int_equal(err.column, 7);
    AG_EXPECT_ERROR(ag_csv_double(csv, 3, &d, &err), AG_EINVAL, "no cell 4");
    assert_int_equal(ag_csv_next(csv, &cells, &count, &err), 1);
    AG_EXPECT_ERROR(ag_csv_double(csv, 0, &d, &err), AG_EPARSE, "''");
    AG_EXPECT_OK(ag_csv_double(csv, 2, &d, &err));
    assert_true(isnan(d));
    assert_int_equal(ag_csv_next(csv, &cells, &count, &err), 0);
    assert_int_equal(ag_csv_next(csv, &cells, &count, &err), 0);
    ag_csv_free(csv);
}

AG_TEST(test_csv__bad_options_and_foreign_text)
{
    ag_err err = {0};
    ag_csv *csv = NULL;
    AG_EXPECT_ERROR(ag_csv_open_memory(AG_STR("a"), &(ag_csv_options){.delimiter = '"'}, &csv, &err), AG_EINVAL,
                    "two meanings");
    AG_EXPECT_ERROR(ag_csv_open_memory(AG_STR("a"), &(ag_csv_options){.comment = '\n'}, &csv, &err), AG_EINVAL,
                    "line end");
    AG_EXPECT_ERROR(ag_csv_open_memory(AG_STR("a"), &(ag_csv_options){COMMA, .decimal_comma = true}, &csv, &err),
                    AG_EINVAL, "decimal");
    AG_EXPECT_ERROR(ag_csv_open_memory(AG_STR("\xff\xfe"), NULL, &csv, &err), AG_EUNSUPPORTED, "UTF-16");
    assert_string_equal(err.hint, "save the table as CSV, in UTF-8");
    AG_EXPECT_ERROR(ag_csv_open_memory(AG_STR("\x1f\x8b\x08"), NULL, &csv, &err), AG_EUNSUPPORTED,
                    "this is compressed (gzip), not CSV");
    assert_string_equal(err.hint, "unpack it first, with gunzip");
    AG_EXPECT_ERROR(ag_csv_open_memory(AG_STR("PAR1\x15\n"), NULL, &csv, &err), AG_EUNSUPPORTED, "a Parquet file");
    AG_EXPECT_OK(ag_csv_open_memory(AG_STR("PAR1,PAR2\n1,2\n"), NULL, &csv, &err));
    ag_csv_free(csv);
    ag_csv_free(NULL);
}

/* Rows that cross the window of the stream at every offset, larger than it too. */
AG_TEST(test_csv__long_streams)
{
    ag_err err = {0};
    ag_buf text, out, wanted;
    ag_buf_init(&text, 10000000);
    ag_buf_init(&out, 10000000);
    ag_buf_init(&wanted, 10000000);
    for (int i = 0; i < 3000; i++)
        ag_buf_addf(&text, "%d,\"%0*d \"\"q\"\"\n\",x\r\n", i, i == 1500 ? 300000 : i % 97, i);
    ag_csv_options options = {COMMA};
    AG_EXPECT_OK(read_text(text.data, text.size, &options, false, &wanted, &err));
    AG_EXPECT_OK(read_text(text.data, text.size, &options, true, &out, &err));
    assert_true(ag_str_equal(ag_buf_str(&out), ag_buf_str(&wanted)));
    assert_true(out.size > 400000);
    ag_buf_deinit(&text);
    ag_buf_deinit(&out);
    ag_buf_deinit(&wanted);
}

static void row(ag_csv_writer *writer, const char *const *cells, size_t count)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_csv_add_texts(writer, cells, count, &err));
    AG_EXPECT_OK(ag_csv_end_row(writer, &err));
}

static void is_written(const ag_csv_format *format, const char *const *cells, size_t count, const char *wanted)
{
    ag_err err = {0};
    ag_buf out;
    ag_csv_writer *writer = NULL;
    ag_buf_init(&out, 10000);
    AG_EXPECT_OK(ag_csv_writer_to_buf(&out, format, &writer, &err));
    row(writer, cells, count);
    AG_EXPECT_OK(ag_csv_finish(writer, &err));
    assert_string_equal(out.data, wanted);
    ag_csv_writer_free(writer);
    ag_buf_deinit(&out);
}

#define CELLS(...) (const char *const[]){__VA_ARGS__}, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *)

AG_TEST(test_csv__writing_quotes_when_needed)
{
    is_written(NULL, CELLS("a", "b c", ""), "a,b c,\n");
    is_written(NULL, CELLS("a,b", "c\"d", "e\nf", " g", "h\t", "\r"),
               "\"a,b\",\"c\"\"d\",\"e\nf\",\" g\",\"h\t\",\"\r\"\n");
    is_written(NULL, CELLS(""), "\"\"\n");
    is_written(NULL, CELLS(NULL, "a", NULL), ",a,\n");
    is_written(NULL, CELLS("#a", "#b"), "\"#a\",#b\n");
    is_written(&(ag_csv_format){.delimiter = ';', .crlf = true}, CELLS("a,b", "c;d"), "a,b;\"c;d\"\r\n");
    is_written(NULL, CELLS("=1+1"), "=1+1\n");
    is_written(&(ag_csv_format){.neutralise = true},
               CELLS("=1+1", "+a", "-2.5", "-a", "@x", " =y", "\tz", "a=b", "\xef\xbc\x9d"),
               "'=1+1,'+a,-2.5,'-a,'@x,\"' =y\",\"'\tz\",a=b,'\xef\xbc\x9d\n");
}

AG_TEST(test_csv__writing_numbers)
{
    ag_err err = {0};
    ag_buf out;
    ag_writer *sink = NULL;
    ag_csv_writer *writer = NULL;
    ag_buf_init(&out, 10000);
    AG_EXPECT_OK(ag_writer_to_buf(&out, &sink, &err));
    AG_EXPECT_OK(ag_csv_writer_new(sink, &(ag_csv_format){.decimal_comma = true, .neutralise = true}, &writer, &err));
    AG_EXPECT_OK(ag_csv_add_double(writer, -0.1, &err));
    AG_EXPECT_OK(ag_csv_add_int(writer, INT64_MIN, &err));
    AG_EXPECT_OK(ag_csv_end_row(writer, &err));
    AG_EXPECT_OK(ag_csv_flush(writer, &err));
    assert_string_equal(out.data, "-0,1;-9223372036854775808\n");
    ag_csv_writer_free(writer);
    AG_EXPECT_ERROR(ag_csv_writer_new(sink, &(ag_csv_format){.delimiter = '"'}, &writer, &err), AG_EINVAL, "0x22");
    AG_EXPECT_ERROR(ag_csv_writer_new(sink, &(ag_csv_format){.delimiter = ',', .decimal_comma = true}, &writer, &err),
                    AG_EINVAL, "','");
    ag_writer_close(sink);
    ag_buf_deinit(&out);
}

/* Writes to a file and reads it back, mapped. */
static int round_trip(void *context, ag_err *err)
{
    ag_csv_writer *writer = NULL;
    ag_csv *csv = NULL;
    ag_buf out;
    ag_buf_init(&out, 10000);
    int rc = ag_csv_writer_to_file(context, NULL, &writer, err);
    if (rc >= 0) rc = ag_csv_add(writer, AG_STR("a\"b"), err);
    if (rc >= 0) rc = ag_csv_add_int(writer, 7, err);
    if (rc >= 0) rc = ag_csv_end_row(writer, err);
    if (rc >= 0) rc = ag_csv_finish(writer, err);
    if (rc >= 0) rc = ag_csv_open_file(context, NULL, &csv, err);
    if (rc >= 0) rc = flatten(csv, &out, err);
    if (rc >= 0 && strcmp(out.data, "[a\"b][7]/") != 0) rc = ag_fail(err, AG_EINTERNAL, "'%s'", out.data);
    ag_csv_free(csv);
    ag_csv_writer_free(writer);
    ag_buf_deinit(&out);
    return rc;
}

AG_TEST(test_csv__a_table_that_is_not_finished_replaces_nothing)
{
    ag_err err = {0};
    ag_buf out;
    char path[600];
    ag_csv_writer *writer = NULL;
    ag_buf_init(&out, 10000);
    ag_format(path, sizeof path, "%s/table.csv", ag_test_dir());
    AG_EXPECT_OK(ag_file_replace(path, "old\n", 4, &err));
    AG_EXPECT_ERROR(ag_csv_writer_to_file(path, &(ag_csv_format){.delimiter = '#'}, &writer, &err), AG_EINVAL, "0x23");
    AG_EXPECT_OK(ag_csv_writer_to_file(path, NULL, &writer, &err));
    row(writer, CELLS("new"));
    AG_EXPECT_OK(ag_csv_flush(writer, &err));
    ag_csv_writer_free(writer);
    AG_EXPECT_OK(ag_file_read(path, 10000, &out, &err));
    assert_string_equal(out.data, "old\n");
    ag_buf_deinit(&out);
}

AG_TEST(test_csv__every_failure_is_reported)
{
    char path[4200];
    snprintf(path, sizeof(path), "%s/t.csv", ag_test_dir());
    if (ag_fault_available())
        assert_true(ag_test_fail_at_n(AG_FAULT_FILE | AG_FAULT_ALLOC, round_trip, NULL, path) > 15);
    ag_err err = {0};
    ag_csv *csv = NULL;
    AG_EXPECT_ERROR(ag_csv_open_file("/proc/none.csv", NULL, &csv, &err), AG_ENOTFOUND, "none.csv");
}
