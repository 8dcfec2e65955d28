// SPDX-License-Identifier: Apache-2.0
/* db_test.c: what every database must do alike: values, statements, units, snapshots, limits, stopping. */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "conformance/db_suite.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"

#define TABLE_SQL "CREATE TABLE t (i BIGINT, r DOUBLE PRECISION, s TEXT)"

static const ag_sql make_all = {"make_all",
                                {"CREATE TABLE v (i BIGINT, r DOUBLE PRECISION, s TEXT, b BLOB)",
                                 "CREATE TABLE v (i BIGINT, r DOUBLE PRECISION, s TEXT, b BYTEA)"}};

/* ---- values ---- */

typedef struct values_case {
    const ag_cell *cells;
} values_case;

static int store_values(ag_tx *tx, void *context, ag_err *err)
{
    const values_case *self = context;
    return ag_tx_run(tx, SQL("INSERT INTO v (i, r, s, b) VALUES (?1, ?2, ?3, ?4)"), self->cells, 4, NULL, err);
}

static void expect_cell(ag_cell wanted, ag_rows *rows, size_t column)
{
    ag_cell got = ag_rows_cell(rows, column);
    if (wanted.type == AG_CELL_REAL) {
        double real = ag_rows_real(rows, column);
        assert_true(isnan(wanted.real) ? isnan(real) : memcmp(&real, &wanted.real, sizeof(real)) == 0);
        return;
    }
    assert_int_equal(got.type, wanted.type);
    if (wanted.type == AG_CELL_INT) assert_true(got.integer == wanted.integer);
    if (wanted.type >= AG_CELL_TEXT) assert_true(ag_str_equal(got.bytes, wanted.bytes));
}

static int check_values(ag_tx *tx, void *context, ag_err *err)
{
    const values_case *self = context;
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, SQL("SELECT i, r, s, b FROM v"), AG_NO_BINDS, &rows, err);
    if (rc < 0) return rc;
    assert_int_equal(ag_rows_columns(rows), 4);
    assert_int_equal(ag_rows_next(rows, err), 1);
    for (size_t i = 0; i < 4; i++) expect_cell(self->cells[i], rows, i);
    assert_int_equal(ag_rows_cell(rows, 4).type, AG_CELL_NULL);
    assert_int_equal(ag_rows_next(rows, err), 0);
    assert_int_equal(ag_rows_next(rows, err), 0);
    assert_int_equal(ag_rows_cell(rows, 0).type, AG_CELL_NULL);
    ag_rows_free(rows);
    return 0;
}

static void round_trip(ag_db *db, const ag_cell cells[4])
{
    ag_err err = {0};
    values_case self = {cells};
    AG_EXPECT_OK(write_one(db, SQL("DELETE FROM v"), AG_NO_BINDS, &err));
    AG_EXPECT_OK(ag_db_write(db, store_values, &self, &err));
    AG_EXPECT_OK(ag_db_read(db, NULL, check_values, &self, &err));
}

AG_DB_TEST(values_come_back_as_they_went)
{
    static const char every_byte[] = "\0\1\2\377\376 \"';--";
    ag_err err = {0};
    AG_EXPECT_OK(write_one(db, &make_all, AG_NO_BINDS, &err));
    const ag_cell cases[][4] = {
        {ag_cell_int(INT64_MAX), ag_cell_real(1.0 / 3), ag_cell_text("plain"), ag_cell_blob(AG_STR("bytes"))},
        {ag_cell_int(INT64_MIN), ag_cell_real(-0.5), ag_cell_text(""), ag_cell_blob(AG_STR(""))},
        {ag_cell_int(0), ag_cell_real(5e-324), ag_cell_text("Bohrtiefe ü 深さ ?1 'x'"),
         ag_cell_blob((ag_str){every_byte, sizeof(every_byte)})},
        {ag_cell_int(-1), ag_cell_real(1.7976931348623157e308), ag_cell_text("NaN"), ag_cell_null()},
        {ag_cell_null(), ag_cell_real(INFINITY), ag_cell_null(), ag_cell_null()},
        {ag_cell_null(), ag_cell_real(-INFINITY), ag_cell_null(), ag_cell_null()},
        {ag_cell_null(), ag_cell_real(NAN), ag_cell_null(), ag_cell_null()},
        {ag_cell_null(), ag_cell_null(), ag_cell_null(), ag_cell_null()},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]) - 1; i++) round_trip(db, cases[i]);
}

static int order_reals(ag_tx *tx, void *context, ag_err *err)
{
    ag_rows *rows = NULL;
    (void)context;
    int rc = ag_tx_query(tx, SQL("SELECT r FROM t WHERE r > ?1 ORDER BY r"), AG_BINDS(ag_cell_real(0)), &rows, err);
    if (rc < 0) return rc;
    assert_int_equal(ag_rows_next(rows, err), 1);
    assert_true(ag_rows_real(rows, 0) == 5);
    assert_int_equal(ag_rows_next(rows, err), 1);
    assert_true(isinf(ag_rows_real(rows, 0)));
    assert_int_equal(ag_rows_next(rows, err), 1);
    assert_true(isnan(ag_rows_real(rows, 0)));
    assert_int_equal(ag_rows_next(rows, err), 0);
    int64_t same = 0;
    assert_int_equal(
        ag_tx_get_int(tx, SQL("SELECT count(*) FROM t WHERE r = ?1"), AG_BINDS(ag_cell_real(NAN)), &same, err), 1);
    assert_true(same == 1);
    return 0;
}

AG_DB_TEST(nan_is_above_all_numbers_and_equals_itself)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    const double values[] = {NAN, 5, INFINITY, -INFINITY, -1};
    for (size_t i = 0; i < 5; i++) {
        AG_EXPECT_OK(write_one(db, SQL("INSERT INTO t (r) VALUES (?1)"), AG_BINDS(ag_cell_real(values[i])), &err));
    }
    AG_EXPECT_OK(ag_db_read(db, NULL, order_reals, NULL, &err));
}

static int convert(ag_tx *tx, void *context, ag_err *err)
{
    ag_rows *rows = NULL;
    (void)context;
    int rc =
        ag_tx_query(tx, SQL("SELECT ?1, ?2, ?3, ?4, sum(i), avg(i), count(*), max(s) FROM t"),
                    AG_BINDS(ag_cell_real(1e300), ag_cell_real(-2.75), ag_cell_text("7"), ag_cell_int(3)), &rows, err);
    if (rc < 0) return rc;
    assert_int_equal(ag_rows_next(rows, err), 1);
    assert_true(ag_rows_int(rows, 0) == INT64_MAX);
    assert_true(ag_rows_int(rows, 1) == -2);
    assert_true(ag_rows_int(rows, 2) == 0);
    assert_true(ag_rows_real(rows, 3) == 3.0);
    assert_true(ag_rows_text(rows, 3).data == NULL);
    assert_true(ag_rows_int(rows, 4) == 30000);
    assert_true(ag_rows_real(rows, 5) == 15000.0);
    assert_true(ag_rows_int(rows, 6) == 2);
    assert_true(ag_rows_is_null(rows, 7));
    return 0; /* the open rows are closed with the reading */
}

AG_DB_TEST(reading_a_value_as_another_type_is_defined)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL "; INSERT INTO t (i) VALUES (10000); INSERT INTO t (i) VALUES (20000)");
    AG_EXPECT_OK(ag_db_read(db, NULL, convert, NULL, &err));
}

AG_DB_TEST(text_that_not_every_database_can_hold_is_refused)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    const ag_sql *insert = SQL("INSERT INTO t (s) VALUES (?1)");
    AG_EXPECT_ERROR(write_one(db, insert, AG_BINDS(ag_cell_str((ag_str){"a\0b", 3})), &err), AG_EINVAL, "NUL");
    AG_EXPECT_ERROR(write_one(db, insert, AG_BINDS(ag_cell_text("\xff\xfe")), &err), AG_EINVAL, "UTF-8");
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == 0);
}

typedef struct big {
    ag_str bytes;
    bool same;
} big;

static int read_big(ag_tx *tx, void *context, ag_err *err)
{
    big *self = context;
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, SQL("SELECT b FROM v"), AG_NO_BINDS, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    self->same = rc == 1 && ag_str_equal(ag_rows_text(rows, 0), self->bytes);
    return rc;
}

AG_DB_TEST(a_blob_of_100_megabytes_survives)
{
    ag_err err = {0};
    size_t size = 100u << 20;
    char *bytes = ag_alloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 2654435761u >> 13);
    big self = {.bytes = {bytes, size}};
    AG_EXPECT_OK(write_one(db, &make_all, AG_NO_BINDS, &err));
    AG_EXPECT_OK(write_one(db, SQL("INSERT INTO v (b) VALUES (?1)"), AG_BINDS(ag_cell_blob(self.bytes)), &err));
    AG_EXPECT_OK(ag_db_read(db, NULL, read_big, &self, &err));
    assert_true(self.same);
    ag_free(bytes);
}

/* ---- statements ---- */

AG_DB_TEST(the_number_of_values_must_fit)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    const ag_sql *two = SQL("INSERT INTO t (i, s) VALUES (?1, ?2)");
    AG_EXPECT_ERROR(write_one(db, two, AG_BINDS(ag_cell_int(1)), &err), AG_EINVAL, "2 placeholders, 1 values");
    AG_EXPECT_ERROR(write_one(db, two, AG_BINDS(ag_cell_int(1), ag_cell_null(), ag_cell_null()), &err), AG_EINVAL,
                    "2 placeholders, 3 values");
    AG_EXPECT_ERROR(write_one(db, two, AG_NO_BINDS, &err), AG_EINVAL, "2 placeholders, 0 values");
    AG_EXPECT_OK(write_one(db, two, AG_BINDS(ag_cell_int(1), ag_cell_text("a")), &err));
}

AG_DB_TEST(placeholders_are_numbered_and_may_repeat)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    /* The question mark in the text and the comment are no placeholders. */
    AG_EXPECT_OK(write_one(db, SQL("INSERT INTO t (i, r, s) VALUES (?2, ?1, '?3 ''?4') /* ?5 */ -- ?6"),
                           AG_BINDS(ag_cell_real(0.5), ag_cell_int(7)), &err));
    db_suite_call call = {SQL("SELECT count(*) FROM t WHERE i = ?1 AND i + 0 = ?1 AND r = ?2 AND s = '?3 ''?4'"),
                          AG_BINDS(ag_cell_int(7), ag_cell_real(0.5)), 0};
    AG_EXPECT_OK(ag_db_read(db, NULL, db_suite_get_call, &call, &err));
    assert_true(call.number == 1);
}

static int insert_null_then_values(ag_tx *tx, void *context, ag_err *err)
{
    const ag_sql *insert = SQL("INSERT INTO t (i, r, s) VALUES (?1, ?2, ?3)");
    (void)context;
    for (int round = 0; round < 3; round++) {
        int rc = ag_tx_run(tx, insert, AG_BINDS(ag_cell_null(), ag_cell_null(), ag_cell_null()), NULL, err);
        if (rc == 0)
            rc = ag_tx_run(tx, insert, AG_BINDS(ag_cell_int(1), ag_cell_real(2), ag_cell_text("3")), NULL, err);
        if (rc == 0) rc = ag_tx_run(tx, insert, AG_BINDS(ag_cell_int(1), ag_cell_int(2), ag_cell_null()), NULL, err);
        if (rc < 0) return rc;
    }
    return 0;
}

AG_DB_TEST(a_statement_is_prepared_once_and_takes_null_and_values)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    AG_EXPECT_OK(ag_db_write(db, insert_null_then_values, NULL, &err));
    uint64_t before = ag_db_stats_read(db).prepared;
    AG_EXPECT_OK(ag_db_write(db, insert_null_then_values, NULL, &err));
    assert_true(ag_db_stats_read(db).prepared == before);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t WHERE i IS NULL")) == 6);
}

static int many_texts(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    for (int i = 0; i < 300; i++) {
        char text[64];
        int64_t number = -1;
        snprintf(text, sizeof(text), "SELECT %d + ?1", i % 200);
        ag_sql sql = ag_sql_text("many", text);
        int rc = ag_tx_get_int(tx, &sql, AG_BINDS(ag_cell_int(1)), &number, err);
        if (rc < 0) return rc;
        assert_true(number == i % 200 + 1);
    }
    return 0;
}

AG_DB_TEST(more_statements_than_the_cache_holds_work)
{
    ag_err err = {0};
    AG_EXPECT_OK(ag_db_read(db, NULL, many_texts, NULL, &err));
    AG_EXPECT_OK(ag_db_write(db, many_texts, NULL, &err));
}

static int nested_queries(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    ag_rows *outer = NULL, *inner = NULL;
    int64_t pairs = 0;
    const ag_sql *all = SQL("SELECT i FROM t ORDER BY i");
    int rc = ag_tx_query(tx, all, AG_NO_BINDS, &outer, err);
    while (rc >= 0 && (rc = ag_rows_next(outer, err)) == 1) {
        rc = ag_tx_query(tx, all, AG_NO_BINDS, &inner, err);
        while (rc >= 0 && (rc = ag_rows_next(inner, err)) == 1) pairs += ag_rows_int(outer, 0) * ag_rows_int(inner, 0);
        ag_rows_free(inner);
    }
    ag_rows_free(outer);
    assert_true(pairs == 36);
    return rc;
}

AG_DB_TEST(a_query_can_be_open_inside_the_same_query)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL "; INSERT INTO t (i) VALUES (1), (2), (3)");
    AG_EXPECT_OK(ag_db_read(db, NULL, nested_queries, NULL, &err));
    AG_EXPECT_OK(ag_db_write(db, nested_queries, NULL, &err));
}

AG_DB_TEST(wrong_sql_names_the_statement)
{
    ag_err err = {0};
    AG_EXPECT_ERROR(write_one(db, SQL("SELEKT 1"), AG_NO_BINDS, &err), AG_EINTERNAL, "test: ");
    AG_EXPECT_ERROR(write_one(db, SQL("INSERT INTO absent VALUES (1)"), AG_NO_BINDS, &err), AG_EINTERNAL, "absent");
    AG_EXPECT_ERROR(write_one(db, SQL("SELECT 1; SELECT 2"), AG_NO_BINDS, &err), AG_EINTERNAL, "");
}

typedef struct batch {
    const ag_sql *sql;
    const ag_cell *cells;
    size_t rows, columns;
} batch;

static int run_batch(ag_tx *tx, void *context, ag_err *err)
{
    const batch *self = context;
    return ag_tx_run_many(tx, self->sql, self->cells, self->rows, self->columns, err);
}

static void check_batch(ag_db *db, const char *sql, size_t rows)
{
    ag_err err = {0};
    ag_cell *cells = ag_calloc(rows * 3, sizeof(*cells));
    assert_non_null(cells);
    run_script(db, "DELETE FROM t");
    for (size_t i = 0; i < rows; i++) {
        cells[i * 3] = ag_cell_int((int64_t)i);
        cells[i * 3 + 1] = i % 7 == 3 ? ag_cell_real(NAN) : ag_cell_real((double)i / 4);
        cells[i * 3 + 2] = i % 5 == 0 ? ag_cell_null() : ag_cell_text("grün \"x\"");
    }
    batch self = {SQL(sql), cells, rows, 3};
    AG_EXPECT_OK(ag_db_write(db, run_batch, &self, &err));
    assert_true(get_number(db, SQL("SELECT count(DISTINCT i) FROM t WHERE i BETWEEN 0 AND 1999")) == (int64_t)rows);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t WHERE s IS NULL")) == (int64_t)(rows + 4) / 5);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t WHERE r = i / 4.0")) == (int64_t)(rows - (rows + 3) / 7));
    ag_free(cells);
}

AG_DB_TEST(a_batch_of_any_size_and_shape_arrives_whole)
{
    run_script(db, TABLE_SQL);
    const size_t sizes[] = {1, 2, 63, 64, 65, 255, 256, 257, 2000};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        check_batch(db, "INSERT INTO t (i, r, s) VALUES (?1, ?2, ?3)", sizes[i]);
        check_batch(db, "insert into t (i, r, s) values( ?1 ,?2,\n?3 ) ON CONFLICT DO NOTHING", sizes[i]);
        check_batch(db, "INSERT INTO t (s, r, i) VALUES (?3, ?2, ?1)", sizes[i]); /* no shape for arrays */
    }
}

AG_DB_TEST(a_batch_that_fails_leaves_nothing)
{
    ag_err err = {0};
    run_script(db, "CREATE TABLE u (i BIGINT PRIMARY KEY, s TEXT)");
    ag_cell cells[600];
    for (int i = 0; i < 300; i++) {
        cells[i * 2] = ag_cell_int(i == 299 ? 5 : i);
        cells[i * 2 + 1] = ag_cell_text("x");
    }
    batch self = {SQL("INSERT INTO u (i, s) VALUES (?1, ?2)"), cells, 300, 2};
    AG_EXPECT_ERROR(ag_db_write(db, run_batch, &self, &err), AG_EEXISTS, "");
    self.sql = SQL("INSERT INTO u (s, i) VALUES (?2, ?1)");
    AG_EXPECT_ERROR(ag_db_write(db, run_batch, &self, &err), AG_EEXISTS, "");
    assert_true(get_number(db, SQL("SELECT count(*) FROM u")) == 0);
    self.sql = SQL("INSERT INTO u (i, s) VALUES (?1, ?2) ON CONFLICT (i) DO UPDATE SET s = excluded.s || 'y'");
    AG_EXPECT_OK(ag_db_write(db, run_batch, &self, &err));
    assert_true(get_number(db, SQL("SELECT count(*) FROM u")) == 299);
    assert_true(get_number(db, SQL("SELECT count(*) FROM u WHERE s = 'xy'")) == 1);
}

AG_DB_TEST(what_changed_is_counted)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL "; INSERT INTO t (i) VALUES (1), (2), (3)");
    db_suite_call call = {SQL("UPDATE t SET i = i + 1 WHERE i > ?1"), AG_BINDS(ag_cell_int(1)), 0};
    AG_EXPECT_OK(ag_db_write(db, db_suite_run_call, &call, &err));
    assert_true(call.number == 2);
    call = (db_suite_call){SQL("DELETE FROM t WHERE i > ?1"), AG_BINDS(ag_cell_int(100)), 7};
    AG_EXPECT_OK(ag_db_write(db, db_suite_run_call, &call, &err));
    assert_true(call.number == 0);
}

AG_DB_TEST(a_key_that_the_database_hands_out_is_returned)
{
    ag_err err = {0};
    const ag_sql make = {"make",
                         {"CREATE TABLE k (id INTEGER PRIMARY KEY AUTOINCREMENT, s TEXT)",
                          "CREATE TABLE k (id BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, s TEXT)"}};
    AG_EXPECT_OK(write_one(db, &make, AG_NO_BINDS, &err));
    for (int64_t i = 1; i <= 3; i++) {
        db_suite_call call = {SQL("INSERT INTO k (s) VALUES (?1) RETURNING id"), AG_BINDS(ag_cell_text("a")), 0};
        AG_EXPECT_OK(ag_db_write(db, db_suite_get_call, &call, &err));
        assert_true(call.number == i);
    }
}

/* ---- units ---- */

AG_DB_TEST(constraints_have_their_codes)
{
    ag_err err = {0};
    run_script(db, "CREATE TABLE p (i BIGINT PRIMARY KEY, n TEXT NOT NULL, c BIGINT CHECK (c > 0));"
                   "CREATE TABLE q (i BIGINT REFERENCES p (i)); INSERT INTO p (i, n) VALUES (1, 'a')");
    AG_EXPECT_ERROR(write_one(db, SQL("INSERT INTO p (i, n) VALUES (1, 'b')"), AG_NO_BINDS, &err), AG_EEXISTS,
                    "test: ");
    AG_EXPECT_ERROR(write_one(db, SQL("INSERT INTO p (i) VALUES (2)"), AG_NO_BINDS, &err), AG_EINVAL, "test: ");
    AG_EXPECT_ERROR(write_one(db, SQL("INSERT INTO p (i, n, c) VALUES (2, 'b', 0)"), AG_NO_BINDS, &err), AG_EINVAL, "");
    AG_EXPECT_ERROR(write_one(db, SQL("INSERT INTO q (i) VALUES (9)"), AG_NO_BINDS, &err), AG_ECONFLICT, "test: ");
    AG_EXPECT_ERROR(
        write_one(db, SQL("DELETE FROM p WHERE i = 1 AND 1 / 1 = 1 AND n = 'z'; "), AG_BINDS(ag_cell_int(1)), &err),
        AG_EINVAL, "placeholders");
}

static int write_then_fail(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    int rc = ag_tx_run(tx, SQL("INSERT INTO t (i) VALUES (1)"), AG_NO_BINDS, NULL, err);
    return rc < 0 ? rc : ag_fail(err, AG_ECONFLICT, "changed my mind");
}

static int ignore_a_failure(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    ag_tx_run(tx, SQL("INSERT INTO absent VALUES (1)"), AG_NO_BINDS, NULL, err);
    ag_tx_run(tx, SQL("INSERT INTO t (i) VALUES (2)"), AG_NO_BINDS, NULL, err);
    return 0;
}

AG_DB_TEST(a_unit_that_fails_leaves_nothing)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    AG_EXPECT_ERROR(ag_db_write(db, write_then_fail, NULL, &err), AG_ECONFLICT, "changed my mind");
    AG_EXPECT_ERROR(ag_db_write(db, ignore_a_failure, NULL, &err), AG_EINTERNAL, "absent");
    assert_true(ag_db_write(db, ignore_a_failure, NULL, NULL) == AG_EINTERNAL);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == 0);
}

static int answer(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    int rc = ag_tx_run(tx, SQL("INSERT INTO t (i) VALUES (1)"), AG_NO_BINDS, NULL, err);
    return rc < 0 ? rc : 42;
}

AG_DB_TEST(a_unit_returns_what_its_function_returned)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL);
    assert_int_equal(ag_db_write(db, answer, NULL, &err), 42);
    AG_EXPECT_ERROR(ag_db_read(db, NULL, answer, NULL, &err), AG_EDENIED, "");
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == 1);
}

AG_DB_TEST_SHARED(a_reader_sees_one_moment)
{
    ag_err err = {0};
    ag_tx *tx = NULL;
    int64_t before = 0, after = 0;
    run_script(db, TABLE_SQL "; INSERT INTO t (i) VALUES (1)");
    AG_EXPECT_OK(ag_db_read_begin(db, NULL, &tx, &err));
    const ag_sql *count = SQL("SELECT count(*) FROM t");
    AG_EXPECT_OK(ag_tx_get_int(tx, count, AG_NO_BINDS, &before, &err));
    AG_EXPECT_OK(write_one(db, SQL("INSERT INTO t (i) VALUES (2)"), AG_NO_BINDS, &err));
    AG_EXPECT_OK(ag_tx_get_int(tx, count, AG_NO_BINDS, &after, &err));
    ag_db_read_end(tx);
    assert_true(before == 1 && after == 1);
    assert_true(get_number(db, count) == 2);
}

/* ---- limits and stopping ---- */

static int read_limited(ag_tx *tx, void *context, ag_err *err)
{
    ag_rows *rows = NULL;
    int64_t *seen = context;
    ag_tx_limit_rows(tx, 2);
    int rc = ag_tx_query(tx, SQL("SELECT i FROM t"), AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) == 1) ++*seen;
    return rc;
}

AG_DB_TEST(more_rows_than_allowed_is_an_error)
{
    ag_err err = {0};
    int64_t seen = 0;
    run_script(db, TABLE_SQL "; INSERT INTO t (i) VALUES (1), (2)");
    AG_EXPECT_OK(ag_db_read(db, NULL, read_limited, &seen, &err));
    run_script(db, "INSERT INTO t (i) VALUES (3)");
    seen = 0;
    AG_EXPECT_ERROR(ag_db_read(db, NULL, read_limited, &seen, &err), AG_ELIMIT, "2 rows");
    assert_true(seen == 2);
}

static int count_for_ever(ag_tx *tx, void *context, ag_err *err)
{
    int64_t number = 0;
    (void)context;
    return ag_tx_get_int(tx,
                         SQL("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000)"
                             " SELECT count(*) FROM n"),
                         AG_NO_BINDS, &number, err);
}

static void *request_soon(void *context)
{
    ag_sleep(100000);
    ag_cancel_request(context);
    return NULL;
}

AG_DB_TEST(work_can_be_stopped_from_another_thread)
{
    ag_err err = {0};
    ag_cancel *cancel = NULL;
    pthread_t thread;
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    pthread_create(&thread, NULL, request_soon, cancel);
    AG_EXPECT_ERROR(ag_db_read(db, cancel, count_for_ever, NULL, &err), AG_ECANCELLED, "");
    pthread_join(thread, NULL);
    AG_EXPECT_ERROR(ag_db_read(db, cancel, count_for_ever, NULL, &err), AG_ECANCELLED, "");
    ag_cancel_free(cancel);
    assert_true(get_number(db, SQL("SELECT 5")) == 5);
}

AG_DB_TEST(a_deadline_ends_reading_and_writing)
{
    ag_err err = {0};
    ag_cancel *cancel = NULL;
    run_script(db, TABLE_SQL);
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    ag_cancel_deadline(cancel, ag_monotonic() + 50000);
    AG_EXPECT_ERROR(ag_db_read(db, cancel, count_for_ever, NULL, &err), AG_ETIMEOUT, "");
    ag_cancel_deadline(cancel, ag_monotonic() + 50000);
    ag_db_unit unit = {.run = count_for_ever, .cancel = cancel};
    AG_EXPECT_ERROR(ag_db_write_unit(db, &unit, &err), AG_ETIMEOUT, "");
    AG_EXPECT_OK(write_one(db, SQL("INSERT INTO t (i) VALUES (1)"), AG_NO_BINDS, &err));
    ag_cancel_free(cancel);
}

AG_DB_TEST(a_whole_database_verifies)
{
    ag_err err = {0};
    run_script(db, TABLE_SQL "; INSERT INTO t (i) VALUES (1), (2)");
    AG_EXPECT_OK(ag_db_verify(db, NULL, &err));
}
