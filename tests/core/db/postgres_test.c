// SPDX-License-Identifier: Apache-2.0
/* postgres_test.c: what only a server can do: be away, crash under load, refuse, lose a connection during COMMIT. And
 * the forms of values and placeholders on the wire. */
#include "core/db/postgres.h"

#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "conformance/db_suite.h"
#include "core/sys/clock.h"

static ag_db *open_database(const char *url, const ag_db_options *options)
{
    ag_err err = {0};
    ag_db *db = NULL;
    AG_EXPECT_OK(ag_db_open(url, options, &db, &err));
    return db;
}

/* ---- values and placeholders ---- */

static void expect_rewritten(const char *text, const char *wanted, size_t count)
{
    ag_err err = {0};
    ag_buf out;
    size_t placeholders = 99;
    ag_buf_init(&out, 4096);
    AG_EXPECT_OK(ag_postgres_rewrite(text, &out, &placeholders, &err));
    assert_string_equal(out.data ? out.data : "", wanted);
    assert_int_equal(placeholders, count);
    ag_buf_deinit(&out);
}

AG_TEST(test_postgres__placeholders_are_rewritten_outside_of_quotes)
{
    expect_rewritten("SELECT ?1, ?12", "SELECT $1, $12", 12);
    expect_rewritten("SELECT '?1', \"?2\", 'it''s ?3', ?1", "SELECT '?1', \"?2\", 'it''s ?3', $1", 1);
    expect_rewritten("a -- ?1\n?2 /* ?3 */", "a -- ?1\n$2 /* ?3 */", 2);
    expect_rewritten("$$ ?1 $$ $x$ ?1 $$ $x$ ?1", "$$ ?1 $$ $x$ ?1 $$ $x$ $1", 1);
    expect_rewritten("a ? b ?| c ?0", "a ? b ?| c ?0", 0);
    expect_rewritten("'open ?1", "'open ?1", 0);
    expect_rewritten("/* open ?1", "/* open ?1", 0);
    expect_rewritten("", "", 0);
}

static void expect_number(const char *sql, ag_cell_type type, double wanted)
{
    static ag_db *db;
    ag_err err = {0};
    ag_tx *tx = NULL;
    ag_rows *rows = NULL;
    if (!db) db = open_database(ag_test_postgres_database(), NULL);
    ag_sql statement = ag_sql_text("number", sql);
    if (!sql) {
        ag_db_close(db);
        db = NULL;
        return;
    }
    AG_EXPECT_OK(ag_db_read_begin(db, NULL, &tx, &err));
    AG_EXPECT_OK(ag_tx_query(tx, &statement, AG_NO_BINDS, &rows, &err));
    assert_int_equal(ag_rows_next(rows, &err), 1);
    assert_int_equal(ag_rows_cell(rows, 0).type, type);
    double got = ag_rows_real(rows, 0);
    assert_true(isnan(wanted) ? isnan(got) : got == wanted);
    ag_db_read_end(tx);
}

AG_TEST(test_postgres__numbers_of_every_type_are_read)
{
    expect_number("SELECT true", AG_CELL_INT, 1);
    expect_number("SELECT (-7)::int2", AG_CELL_INT, -7);
    expect_number("SELECT (-70000)::int4", AG_CELL_INT, -70000);
    expect_number("SELECT 0.5::float4", AG_CELL_REAL, 0.5);
    expect_number("SELECT 0::numeric", AG_CELL_INT, 0);
    expect_number("SELECT (-120000)::numeric", AG_CELL_INT, -120000);
    expect_number("SELECT 9007199254740993::numeric - 1", AG_CELL_INT, 9007199254740992.0);
    expect_number("SELECT 0.0001::numeric", AG_CELL_REAL, 0.0001);
    expect_number("SELECT (-12345.5)::numeric", AG_CELL_REAL, -12345.5);
    expect_number("SELECT 1e30::numeric", AG_CELL_REAL, 1e30);
    expect_number("SELECT 'NaN'::numeric", AG_CELL_REAL, NAN);
    expect_number(NULL, AG_CELL_NULL, 0);
}

AG_TEST(test_postgres__a_type_without_a_form_asks_for_a_cast)
{
    ag_err err = {0};
    ag_db *db = open_database(ag_test_postgres_database(), NULL);
    db_suite_call call = {SQL("SELECT ARRAY[1, 2]"), NULL, 0, 0};
    AG_EXPECT_ERROR(ag_db_read(db, NULL, db_suite_get_call, &call, &err), AG_EUNSUPPORTED, "CAST");
    AG_EXPECT_ERROR(ag_db_backup(db, "x", NULL, &err), AG_EUNSUPPORTED, "backs itself up");
    assert_non_null(strstr(err.hint, "pg_dump"));
    ag_db_close(db);
}

AG_TEST(test_postgres__settling_counts_what_plans_are_made_by)
{
    ag_err err = {0};
    ag_db *db = open_database(ag_test_postgres_database(), NULL);
    run_script(db, "CREATE TABLE much (n bigint) WITH (autovacuum_enabled = false);"
                   "INSERT INTO much SELECT generate_series(1, 500)");
    const ag_sql *counted = SQL("SELECT COUNT(*) FROM pg_stats WHERE tablename = 'much'");
    assert_int_equal(get_number(db, counted), 0);
    AG_EXPECT_OK(ag_db_settle(db, &err));
    assert_int_equal(get_number(db, counted), 1);
    assert_int_equal(get_number(db, SQL("SELECT CAST(reltuples AS bigint) FROM pg_class WHERE relname = 'much'")), 500);
    ag_db_close(db);
}

/* ---- addresses ---- */

AG_TEST(test_postgres__a_wrong_address_is_told_at_once)
{
    ag_err err = {0};
    ag_db *db = NULL;
    char url[300];
    const char *tcp = ag_test_postgres_tcp(ag_test_postgres_database());
    ag_db_options options = {.wait = 24 * 3600 * AG_SECOND}; /* one that is waited out does not end in a test's time */
    snprintf(url, sizeof(url), "%s_absent", tcp);
    AG_EXPECT_ERROR(ag_db_open(url, &options, &db, &err), AG_EUNAVAILABLE, "does not exist");
    AG_EXPECT_ERROR(ag_db_open("postgresql://a:sec%ret@h/db", &options, &db, &err), AG_EINVAL, "not well-formed");
    assert_null(strstr(err.text, "ret"));
    AG_EXPECT_ERROR(ag_db_open("postgresql://127.0.0.1:1/db", &options, &db, &err), AG_EUNAVAILABLE, "cannot connect");
    assert_null(db);
    db = open_database(tcp, NULL);
    assert_non_null(strstr(ag_db_label(db), "127.0.0.1"));
    ag_db_close(db);
    snprintf(url, sizeof(url), "%s?password=geheim&sslmode=disable&connect_timeout=300", tcp);
    db = open_database(url, NULL);
    assert_null(strstr(ag_db_label(db), "geheim"));
    ag_db_close(db);
}

/* ---- a server that goes away ---- */

typedef struct load {
    ag_db *db;
    atomic_int next, acknowledged, unknown, wrong;
    atomic_bool stop;
} load;

typedef struct mark {
    int64_t id;
} mark;

static int insert_mark(ag_tx *tx, void *context, ag_err *err)
{
    return ag_tx_run(tx, SQL("INSERT INTO t (id) VALUES (?1)"), AG_BINDS(ag_cell_int(((mark *)context)->id)), NULL,
                     err);
}

static int mark_landed(ag_tx *tx, void *context, ag_err *err)
{
    int64_t one = 0;
    return ag_tx_get_int(tx, SQL("SELECT 1 FROM t WHERE id = ?1"), AG_BINDS(ag_cell_int(((mark *)context)->id)), &one,
                         err);
}

static void *write_all_the_time(void *context)
{
    load *self = context;
    while (!atomic_load(&self->stop)) {
        ag_err err = {0};
        mark one = {atomic_fetch_add(&self->next, 1)};
        ag_db_unit unit = {.run = insert_mark, .landed = mark_landed, .context = &one};
        if (ag_db_write_unit(self->db, &unit, &err) >= 0) {
            atomic_fetch_add(&self->acknowledged, 1);
        } else if (atomic_fetch_add(&self->wrong, 1) == 0) {
            print_error("%s\n", err.text);
        }
    }
    return NULL;
}

static void *read_all_the_time(void *context)
{
    load *self = context;
    while (!atomic_load(&self->stop)) {
        ag_err err = {0};
        mark one = {1};
        if (ag_db_read(self->db, NULL, mark_landed, &one, &err) < 0 && atomic_fetch_add(&self->wrong, 1) == 0) {
            print_error("%s\n", err.text);
        }
    }
    return NULL;
}

static void restart_under_load(bool crash)
{
    pthread_t threads[8];
    ag_db_options options = {.wait = 300 * AG_SECOND}; /* a busy machine takes long to start a server */
    load self = {.db = open_database(ag_test_postgres_database(), &options)};
    run_script(self.db, "CREATE TABLE t (id BIGINT PRIMARY KEY)");
    for (int i = 0; i < 8; i++) {
        pthread_create(&threads[i], NULL, i < 6 ? write_all_the_time : read_all_the_time, &self);
    }
    for (int i = 0; i < 3; i++) {
        ag_sleep(200000);
        ag_test_postgres_down(crash);
        ag_test_postgres_up();
    }
    ag_sleep(200000);
    atomic_store(&self.stop, true);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&self.wrong), 0);
    assert_true(get_number(self.db, SQL("SELECT count(*) FROM t")) == atomic_load(&self.acknowledged));
    assert_true(atomic_load(&self.acknowledged) == atomic_load(&self.next));
    ag_db_close(self.db);
}

AG_TEST(test_postgres__a_restart_under_load_is_not_noticed)
{
    restart_under_load(false);
}

AG_TEST(test_postgres__a_crash_under_load_loses_nothing)
{
    restart_under_load(true);
}

/* The unit kills its own connection in the moment of its COMMIT: by a deferred constraint trigger. */
#define DYING_TABLE                                                                                                    \
    "CREATE TABLE d (id BIGINT); CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM "          \
    "pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END $$;"                               \
    "CREATE CONSTRAINT TRIGGER die_late AFTER INSERT ON d DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE "         \
    "FUNCTION die()"

enum { DEATHS = 4 };

typedef struct dying {
    int runs;
    ag_cancel *cancel; /* requested after DEATHS runs, however long they have taken */
} dying;

static int insert_dying(ag_tx *tx, void *context, ag_err *err)
{
    dying *self = context;
    if (++self->runs == DEATHS) ag_cancel_request(self->cancel);
    return ag_tx_run(tx, SQL("INSERT INTO d (id) VALUES (1)"), AG_NO_BINDS, NULL, err);
}

static int never_landed(ag_tx *tx, void *context, ag_err *err)
{
    int64_t count = 0;
    (void)context;
    int rc = ag_tx_get_int(tx, SQL("SELECT count(*) FROM d"), AG_NO_BINDS, &count, err);
    return rc < 0 ? rc : count > 0;
}

AG_TEST(test_postgres__a_connection_lost_during_commit_is_told_honestly)
{
    ag_err err = {0};
    dying self = {0};
    ag_db *db = open_database(ag_test_postgres_database(), NULL);
    AG_EXPECT_OK(ag_cancel_new(NULL, &self.cancel, &err));
    run_script(db, DYING_TABLE);
    AG_EXPECT_ERROR(ag_db_write(db, insert_dying, &self, &err), AG_EUNAVAILABLE, "not known");
    assert_int_equal(self.runs, 1); /* not run again behind the caller's back */
    ag_db_unit unit = {.run = insert_dying, .landed = never_landed, .context = &self, .cancel = self.cancel};
    assert_true(ag_db_write_unit(db, &unit, &err) < 0);
    assert_int_equal(self.runs, DEATHS); /* with a way to ask it is run again */
    assert_true(get_number(db, SQL("SELECT count(*) FROM d")) == 0);
    ag_cancel_free(self.cancel);
    ag_db_close(db);
}

AG_TEST(test_postgres__a_server_that_stays_away_is_an_error_in_time)
{
    ag_err err = {0};
    ag_db_options options = {.wait = 300000};
    ag_db *db = open_database(ag_test_postgres_database(), &options);
    run_script(db, "CREATE TABLE t (id BIGINT PRIMARY KEY)");
    ag_test_postgres_down(true);
    mark one = {1};
    AG_EXPECT_ERROR(ag_db_write(db, insert_mark, &one, &err), AG_EUNAVAILABLE, "");
    AG_EXPECT_ERROR(ag_db_read(db, NULL, mark_landed, &one, &err), AG_EUNAVAILABLE, "");
    ag_test_postgres_up();
    int rc = AG_EUNAVAILABLE; /* on a busy machine a connection may take longer than this database waits */
    for (int tries = 0; rc == AG_EUNAVAILABLE && tries < 100; tries++, one.id++)
        rc = ag_db_write(db, insert_mark, &one, &err);
    AG_EXPECT_OK(rc);
    ag_db_close(db);
}

#define COUNT_TO                                                                                                       \
    SQL("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1) SELECT count(*) FROM n")

typedef struct stopping {
    ag_cancel *cancel;
    int64_t server;
} stopping;

static void *ask_while_it_stands_still(void *context)
{
    stopping *self = context;
    ag_sleep(50000); /* whatever happens in these times: it must end; mostly it is asked before it has read anything */
    ag_cancel_request(self->cancel);
    ag_sleep(300000);
    kill((pid_t)self->server, SIGCONT);
    return NULL;
}

static int count_while_it_stands_still(ag_tx *tx, void *context, ag_err *err)
{
    stopping *self = context;
    int64_t number = 0;
    pthread_t thread;
    int rc = ag_tx_get_int(tx, SQL("SELECT pg_backend_pid()"), AG_NO_BINDS, &self->server, err);
    if (rc >= 0) rc = ag_tx_get_int(tx, COUNT_TO, AG_BINDS(ag_cell_int(10)), &number, err); /* it is prepared now */
    if (rc < 0) return rc;
    assert_int_equal(number, 10);
    assert_int_equal(kill((pid_t)self->server, SIGSTOP), 0);
    assert_int_equal(pthread_create(&thread, NULL, ask_while_it_stands_still, self), 0);
    rc = ag_tx_get_int(tx, COUNT_TO, AG_BINDS(ag_cell_int(1000000000)), &number, err);
    pthread_join(thread, NULL);
    return rc;
}

AG_TEST(test_postgres__a_server_that_forgets_to_stop_is_asked_again)
{
    ag_err err = {0};
    stopping self = {0};
    ag_db *db = open_database(ag_test_postgres_database(), &(ag_db_options){.connections = 1});
    AG_EXPECT_OK(ag_cancel_new(NULL, &self.cancel, &err));
    AG_EXPECT_ERROR(ag_db_read(db, self.cancel, count_while_it_stands_still, &self, &err), AG_ECANCELLED, "");
    assert_true(get_number(db, SQL("SELECT 5")) == 5);
    ag_cancel_free(self.cancel);
    ag_db_close(db);
}

AG_TEST(test_postgres__a_table_that_changes_shape_does_not_break_prepared_statements)
{
    ag_err err = {0};
    ag_db *db = open_database(ag_test_postgres_database(), &(ag_db_options){.connections = 1});
    run_script(db, "CREATE TABLE t (id BIGINT); INSERT INTO t VALUES (5)");
    db_suite_call call = {SQL("SELECT * FROM t"), NULL, 0, 0};
    AG_EXPECT_OK(ag_db_read(db, NULL, db_suite_get_call, &call, &err));
    run_script(db, "ALTER TABLE t ADD COLUMN s TEXT");
    AG_EXPECT_OK(ag_db_read(db, NULL, db_suite_get_call, &call, &err));
    AG_EXPECT_OK(ag_db_write(db, db_suite_get_call, &call, &err));
    assert_true(call.number == 5);
    ag_db_close(db);
}
