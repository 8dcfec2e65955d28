// SPDX-License-Identifier: Apache-2.0
/* sql_test.c: scripts/sql, which turns .sql files into a table; and that every statement of the core is valid. */
#include "core/db/sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/io/file.h"
#include "core_sql.h"
#include "frame/test.h"

/* Runs scripts/sql over one file; its exit status, with what it made or said in `out`. */
static int make(const char *name, const char *sql, ag_buf *out)
{
    ag_err err = {0};
    char path[4400], folder[4300], command[14000];
    const char *directory = ag_test_dir();
    snprintf(folder, sizeof(folder), "%s/%s", directory, strstr(name, "000") ? "room/migrations" : "sql");
    AG_EXPECT_OK(ag_dir_make(folder, &err));
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    AG_EXPECT_OK(ag_file_replace(path, sql, strlen(sql), &err));
    snprintf(command, sizeof(command), "%s/scripts/sql test %s/out.c %s/out.h %s > %s/said 2>&1",
             getenv("AUGER_SOURCE"), directory, directory, path, directory);
    int status = system(command);
    snprintf(path, sizeof(path), "%s/%s", directory, status == 0 ? "out.c" : "said");
    AG_EXPECT_OK(ag_file_read(path, 1 << 20, out, &err));
    return WEXITSTATUS(status);
}

static void expect_made(const char *name, const char *sql, int status, const char *part)
{
    ag_buf out;
    ag_buf_init(&out, 1 << 20);
    int got = make(name, sql, &out);
    if (got != status || !strstr(out.data, part)) print_error("exit %d:\n%s\n", got, out.data);
    assert_int_equal(got, status);
    assert_non_null(strstr(out.data, part));
    ag_buf_deinit(&out);
}

AG_TEST(test_sql__statements_become_a_table)
{
    expect_made("a.sql", "-- name: run_get\n-- Says it.\nSELECT ?1\n", 0, "const ag_sql AG_SQL_RUN_GET = {\"run_get\"");
    expect_made("a.sql", "-- name: x\nSELECT\n-- sqlite:\n 'lite'\n-- postgres:\n 'post'\n-- both:\n , 1", 0,
                "\"SELECT\\n\"\n    \" 'lite'\\n\"\n    \" , 1\",\n    \"SELECT\\n\"\n    \" 'post'");
    expect_made("a.sql", "-- name: x\nSELECT '\\ \"q\" \?\?/'", 0, "'\\\\ \\\"q\\\" \\?\\?/'");
    expect_made("0001_first.sql", "CREATE TABLE t (id {id}, b {blob});\nSELECT 1;", 0, "id BIGINT GENERATED");
    expect_made("0001_first.sql", "CREATE TABLE t (id {id});", 0, "AG_MIGRATIONS_ROOM = {\"room\"");
}

AG_TEST(test_sql__mistakes_are_named_with_their_place)
{
    expect_made("a.sql", "SELECT 1\n-- name: x\nSELECT 1", 1, "a.sql:1: SQL before");
    expect_made("a.sql", "-- name: X Y\nSELECT 1", 1, "SQL before the first");
    expect_made("a.sql", "-- name: Bad\nSELECT 1", 1, "a.sql:1: 'Bad' is not a name");
    expect_made("a.sql", "-- name: x\n-- nothing\n", 1, "a.sql:1: x: nothing for sqlite");
    expect_made("a.sql", "-- name: x\nSELECT ?1, ?3", 1, "use every number");
    expect_made("a.sql", "-- name: x\nSELECT ?", 1, "without a number");
    expect_made("a.sql", "-- name: x\nSELECT 1; SELECT 2", 1, "more than one statement");
    expect_made("a.sql", "-- name: x\n-- sqlite:\nSELECT ?1\n-- postgres:\nSELECT 1", 1,
                "1 placeholders for sqlite, 0");
    expect_made("a.sql", "-- name: x\nSELECT 1\n-- name: x\nSELECT 2", 1, "the name is taken by");
    expect_made("0002_second.sql", "SELECT 1", 1, "have no number 1");
}

AG_TEST(test_sql__quiet_places_hold_anything)
{
    expect_made("a.sql", "-- name: x\nSELECT '; ?', \";?\" /* ; ? */", 0, "AG_SQL_X");
}

AG_TEST(test_sql__the_cores_own_statements_have_both_texts)
{
    size_t count = 0;
    for (const ag_sql *const *one = AG_SQL_ALL_OF_CORE; *one; one++, count++) {
        assert_true(strlen((*one)->name) > 0);
        for (int i = 0; i < AG_DIALECTS; i++) assert_true(strlen((*one)->text[i]) > 0);
    }
    assert_true(count >= 5);
}
