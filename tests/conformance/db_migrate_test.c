// SPDX-License-Identifier: Apache-2.0
/* db_migrate_test.c: migrations, in order and in every kind of disorder, on every database. */
#include <pthread.h>
#include <string.h>

#include "conformance/db_suite.h"
#include "core/db/migrate.h"

static const ag_migration steps[] = {
    {1,
     "make_a",
     {"CREATE TABLE a (i BIGINT); INSERT INTO a (i) VALUES (1);",
      "CREATE TABLE a (i BIGINT); INSERT INTO a (i) VALUES (1);"}},
    {2, "add_column", {"ALTER TABLE a ADD COLUMN s TEXT", "ALTER TABLE a ADD COLUMN s TEXT"}},
    {3,
     "fill",
     {"UPDATE a SET s = 'x'; INSERT INTO a (i, s) VALUES (2, 'y')",
      "UPDATE a SET s = 'x'; INSERT INTO a (i, s) VALUES (2, 'y')"}},
    {4, "make_b", {"CREATE TABLE b AS SELECT i FROM a", "CREATE TABLE b AS SELECT i FROM a"}},
};
#define STEPS (sizeof(steps) / sizeof(steps[0]))

static ag_migrations up_to(size_t count)
{
    return (ag_migrations){"test", steps, count};
}

static int32_t version(ag_db *db, const char *room)
{
    ag_err err = {0};
    int32_t number = -1;
    AG_EXPECT_OK(ag_migrate_version(db, room, &number, &err));
    return number;
}

static void expect_newest(ag_db *db)
{
    assert_int_equal(version(db, "test"), STEPS);
    assert_true(get_number(db, SQL("SELECT count(*) FROM a")) == 2);
    assert_true(get_number(db, SQL("SELECT count(*) FROM a WHERE s IS NOT NULL")) == 2);
    assert_true(get_number(db, SQL("SELECT count(*) FROM b")) == 2);
}

AG_DB_TEST(an_empty_database_gets_all_migrations_once)
{
    ag_err err = {0};
    size_t applied = 9;
    ag_migrations all = up_to(STEPS);
    assert_int_equal(version(db, "test"), 0);
    AG_EXPECT_OK(ag_migrate(db, &all, &applied, &err));
    assert_int_equal(applied, STEPS);
    AG_EXPECT_OK(ag_migrate(db, &all, &applied, &err));
    assert_int_equal(applied, 0);
    expect_newest(db);
}

static void from_version(ag_db *db, size_t older)
{
    ag_err err = {0};
    size_t applied = 9;
    ag_migrations old = up_to(older), all = up_to(STEPS);
    AG_EXPECT_OK(ag_migrate(db, &old, NULL, &err));
    assert_int_equal(version(db, "test"), older);
    AG_EXPECT_OK(ag_migrate(db, &all, &applied, &err));
    assert_int_equal(applied, STEPS - older);
    expect_newest(db);
}

AG_DB_TEST(version_0_comes_to_the_newest)
{
    from_version(db, 0);
}
AG_DB_TEST(version_1_comes_to_the_newest)
{
    from_version(db, 1);
}
AG_DB_TEST(version_2_comes_to_the_newest)
{
    from_version(db, 2);
}
AG_DB_TEST(version_3_comes_to_the_newest)
{
    from_version(db, 3);
}

AG_DB_TEST(a_database_newer_than_the_program_is_refused)
{
    ag_err err = {0};
    ag_migrations old = up_to(2), all = up_to(STEPS);
    AG_EXPECT_OK(ag_migrate(db, &all, NULL, &err));
    AG_EXPECT_ERROR(ag_migrate(db, &old, NULL, &err), AG_ECONFLICT, "newer than this program");
    assert_non_null(strstr(err.hint, "newer version"));
    expect_newest(db);
}

AG_DB_TEST(an_edited_migration_is_refused)
{
    ag_err err = {0};
    ag_migration edited[STEPS];
    memcpy(edited, steps, sizeof(steps));
    for (size_t i = 0; i < AG_DIALECTS; i++) edited[1].text[i] = "ALTER TABLE a ADD COLUMN s BIGINT";
    ag_migrations old = up_to(3), changed = {"test", edited, STEPS};
    AG_EXPECT_OK(ag_migrate(db, &old, NULL, &err));
    AG_EXPECT_ERROR(ag_migrate(db, &changed, NULL, &err), AG_ECORRUPT, "migration 2 (add_column)");
    assert_int_equal(version(db, "test"), 3);
}

AG_DB_TEST(a_migration_that_fails_leaves_those_before_it)
{
    ag_err err = {0};
    size_t applied = 9;
    ag_migration broken[STEPS];
    memcpy(broken, steps, sizeof(steps));
    for (size_t i = 0; i < AG_DIALECTS; i++) {
        broken[2].text[i] = "CREATE TABLE c (i BIGINT); INSERT INTO a (i) VALUES (7); INSERT INTO absent VALUES (1)";
    }
    ag_migrations bad = {"test", broken, STEPS}, all = up_to(STEPS);
    AG_EXPECT_ERROR(ag_migrate(db, &bad, &applied, &err), AG_EINTERNAL, "migration 3 (fill) of 'test'");
    assert_int_equal(applied, 2);
    assert_int_equal(version(db, "test"), 2);
    assert_true(get_number(db, SQL("SELECT count(*) FROM a")) == 1);
    AG_EXPECT_OK(ag_migrate(db, &all, NULL, &err));
    expect_newest(db);
}

AG_DB_TEST(a_hole_in_what_was_applied_is_refused)
{
    ag_err err = {0};
    ag_migrations all = up_to(STEPS);
    AG_EXPECT_OK(ag_migrate(db, &all, NULL, &err));
    run_script(db, "DELETE FROM auger_migrations WHERE number = 2");
    AG_EXPECT_ERROR(ag_migrate(db, &all, NULL, &err), AG_ECORRUPT, "lacks migration 2");
}

AG_DB_TEST(wrong_numbers_are_a_bug_and_change_nothing)
{
    ag_err err = {0};
    ag_migration twice[2] = {steps[0], steps[0]};
    ag_migrations bad = {"test", twice, 2};
    AG_EXPECT_ERROR(ag_migrate(db, &bad, NULL, &err), AG_EINTERNAL, "not numbered");
    assert_int_equal(version(db, "test"), 0);
}

AG_DB_TEST(rooms_do_not_mix)
{
    static const ag_migration other = {1, "make_z", {"CREATE TABLE z (i BIGINT)", "CREATE TABLE z (i BIGINT)"}};
    ag_err err = {0};
    ag_migrations all = up_to(STEPS), z = {"other", &other, 1};
    AG_EXPECT_OK(ag_migrate(db, &all, NULL, &err));
    AG_EXPECT_OK(ag_migrate(db, &z, NULL, &err));
    assert_int_equal(version(db, "other"), 1);
    expect_newest(db);
}

typedef struct migrator {
    const char *url;
    size_t applied;
    int rc;
    ag_err err;
} migrator;

static void *migrate_on_own_connection(void *context)
{
    migrator *self = context;
    ag_db *db = NULL;
    ag_migrations all = up_to(STEPS);
    self->rc = ag_db_open(self->url, NULL, &db, &self->err);
    if (self->rc >= 0) self->rc = ag_migrate(db, &all, &self->applied, &self->err);
    ag_db_close(db);
    return NULL;
}

AG_DB_TEST_SHARED(migrators_take_turns)
{
    enum { MIGRATORS = 8 };
    ag_err err = {0};
    pthread_t threads[MIGRATORS];
    static migrator each[MIGRATORS];
    size_t applied = 0;
    for (int i = 0; i < MIGRATORS; i++) {
        each[i] = (migrator){.url = url};
        pthread_create(&threads[i], NULL, migrate_on_own_connection, &each[i]);
    }
    for (int i = 0; i < MIGRATORS; i++) {
        pthread_join(threads[i], NULL);
        err = each[i].err;
        AG_EXPECT_OK(each[i].rc);
        applied += each[i].applied;
    }
    assert_int_equal(applied, STEPS);
    expect_newest(db);
}

/* ---- every call may fail ---- */

typedef struct whole {
    const char *url;
    unsigned rounds;
} whole;

static int add_pair(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    const ag_cell cells[] = {ag_cell_int(3), ag_cell_text("p"), ag_cell_int(4), ag_cell_text("q")};
    int rc = ag_tx_run(tx, SQL("INSERT INTO a (i, s) VALUES (?1, ?2)"), cells, 2, NULL, err);
    if (rc >= 0) rc = ag_tx_run_many(tx, SQL("INSERT INTO a (i, s) VALUES (?1, ?2)"), cells + 2, 1, 2, err);
    return rc;
}

static int read_pairs(ag_tx *tx, void *context, ag_err *err)
{
    ag_rows *rows = NULL;
    (void)context;
    int rc = ag_tx_query(tx, SQL("SELECT i, s FROM a WHERE i > ?1 LIMIT 3"), AG_BINDS(ag_cell_int(0)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) == 1) assert_true(ag_rows_text(rows, 1).size == 1);
    ag_rows_free(rows);
    return rc;
}

static int do_everything(void *context, ag_err *err)
{
    whole *self = context;
    ag_db *db = NULL;
    ag_migrations all = up_to(STEPS);
    int rc = ag_db_open(self->url, NULL, &db, err);
    if (rc >= 0) rc = ag_migrate(db, &all, NULL, err);
    if (rc >= 0) rc = ag_db_write(db, add_pair, NULL, err);
    if (rc >= 0) rc = ag_db_read(db, NULL, read_pairs, NULL, err);
    ag_db_close(db);
    return rc;
}

static void expect_no_half(void *context)
{
    ag_err err = {0};
    whole *self = context;
    ag_db *db = NULL;
    AG_EXPECT_OK(ag_db_open(self->url, NULL, &db, &err));
    int32_t number = version(db, "test");
    assert_true(number >= 0 && number <= (int32_t)STEPS);
    if (number >= 3) assert_true(get_number(db, SQL("SELECT count(*) FROM a")) % 2 == 0);
    ag_db_close(db);
    self->rounds++;
}

AG_DB_TEST_SHARED(any_database_call_may_fail)
{
    whole self = {.url = url};
    ag_test_fail_at_n(AG_FAULT_SQL, do_everything, expect_no_half, &self);
    if (ag_fault_available()) assert_true(self.rounds > 10);
}

AG_DB_TEST_SHARED(any_allocation_may_fail)
{
    whole self = {.url = url};
    ag_test_fail_at_n(AG_FAULT_ALLOC, do_everything, expect_no_half, &self);
    if (ag_fault_available()) assert_true(self.rounds > 10);
}
