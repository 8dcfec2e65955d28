// SPDX-License-Identifier: Apache-2.0
/* db_load_test.c: many threads on one database, on every database: nothing is lost, nobody sees a lock, a unit that
 * fails does not hurt its neighbours, readers always see whole units. */
#include <pthread.h>
#include <stdatomic.h>

#include "conformance/db_suite.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"

#define THREADS 64

typedef struct crowd {
    ag_db *db;
    int rounds;
    atomic_int next, acknowledged, refused, wrong;
    atomic_bool stop;
} crowd;

typedef struct row {
    int64_t thread, round;
} row;

static void start_crowd(crowd *self, int count, void *(*work)(void *), pthread_t *threads)
{
    for (int i = 0; i < count; i++) assert_int_equal(pthread_create(&threads[i], NULL, work, self), 0);
}

static void complain(crowd *self, const ag_err *err)
{
    if (atomic_fetch_add(&self->wrong, 1) == 0) print_error("%s\n", err->text);
}

static int insert_row(ag_tx *tx, void *context, ag_err *err)
{
    const row *self = context;
    return ag_tx_run(tx, SQL("INSERT INTO t (thread, round) VALUES (?1, ?2)"),
                     AG_BINDS(ag_cell_int(self->thread), ag_cell_int(self->round)), NULL, err);
}

static void *write_rows(void *context)
{
    crowd *self = context;
    row one = {.thread = atomic_fetch_add(&self->next, 1)};
    for (; one.round < self->rounds; one.round++) {
        ag_err err = {0};
        if (ag_db_write(self->db, insert_row, &one, &err) < 0) {
            complain(self, &err);
        } else {
            atomic_fetch_add(&self->acknowledged, 1);
        }
    }
    return NULL;
}

AG_DB_TEST(sixty_four_writers_lose_nothing)
{
    pthread_t threads[THREADS];
    crowd self = {.db = db, .rounds = 20};
    run_script(db, "CREATE TABLE t (thread BIGINT, round BIGINT, PRIMARY KEY (thread, round))");
    start_crowd(&self, THREADS, write_rows, threads);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&self.wrong), 0);
    assert_int_equal(atomic_load(&self.acknowledged), THREADS * self.rounds);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == THREADS * self.rounds);
}

/* Every third unit fails after it has written; some write before, some meet a constraint. */
static int insert_or_fail(ag_tx *tx, void *context, ag_err *err)
{
    const row *self = context;
    int rc = insert_row(tx, context, err);
    if (rc >= 0 && self->round % 3 == 1) return ag_fail(err, AG_ECONFLICT, "refused on purpose");
    if (rc >= 0 && self->round % 3 == 2) rc = insert_row(tx, context, err);
    return rc;
}

static void *write_some_bad(void *context)
{
    crowd *self = context;
    row one = {.thread = atomic_fetch_add(&self->next, 1)};
    for (; one.round < self->rounds; one.round++) {
        ag_err err = {0};
        static const int wanted[] = {0, AG_ECONFLICT, AG_EEXISTS};
        if (ag_db_write(self->db, insert_or_fail, &one, &err) != wanted[one.round % 3]) complain(self, &err);
    }
    return NULL;
}

AG_DB_TEST(units_that_fail_do_not_hurt_their_neighbours)
{
    pthread_t threads[THREADS];
    crowd self = {.db = db, .rounds = 9};
    run_script(db, "CREATE TABLE t (thread BIGINT, round BIGINT, PRIMARY KEY (thread, round))");
    start_crowd(&self, THREADS, write_some_bad, threads);
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(atomic_load(&self.wrong), 0);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == THREADS * 3);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t WHERE round % 3 <> 0")) == 0);
}

/* Moves one from here to there: the sum is always the same, and reads what it writes. */
static int transfer(ag_tx *tx, void *context, ag_err *err)
{
    const row *self = context;
    int64_t balance = 0;
    int64_t from = self->round % 4, to = (self->round + 1 + self->thread % 3) % 4;
    int rc =
        ag_tx_get_int(tx, SQL("SELECT amount FROM account WHERE id = ?1"), AG_BINDS(ag_cell_int(from)), &balance, err);
    if (rc >= 0) {
        rc = ag_tx_run(tx, SQL("UPDATE account SET amount = ?2 WHERE id = ?1"),
                       AG_BINDS(ag_cell_int(from), ag_cell_int(balance - 1)), NULL, err);
    }
    if (rc >= 0) {
        rc = ag_tx_run(tx, SQL("UPDATE account SET amount = amount + 1 WHERE id = ?1"), AG_BINDS(ag_cell_int(to)), NULL,
                       err);
    }
    return rc;
}

static void *transfer_often(void *context)
{
    crowd *self = context;
    row one = {.thread = atomic_fetch_add(&self->next, 1)};
    for (; one.round < self->rounds; one.round++) {
        ag_err err = {0};
        if (ag_db_write(self->db, transfer, &one, &err) < 0) complain(self, &err);
    }
    return NULL;
}

static int read_sum(ag_tx *tx, void *context, ag_err *err)
{
    int64_t *sum = context;
    sum[0] = sum[1] = 0;
    int rc = ag_tx_get_int(tx, SQL("SELECT sum(amount) FROM account"), AG_NO_BINDS, &sum[0], err);
    if (rc >= 0) rc = ag_tx_get_int(tx, SQL("SELECT sum(amount) FROM account"), AG_NO_BINDS, &sum[1], err);
    return rc;
}

static void *read_often(void *context)
{
    crowd *self = context;
    while (!atomic_load(&self->stop)) {
        ag_err err = {0};
        int64_t sum[2];
        if (ag_db_read(self->db, NULL, read_sum, sum, &err) < 0 || sum[0] != 400 || sum[1] != 400) complain(self, &err);
    }
    return NULL;
}

AG_DB_TEST(units_that_read_and_write_the_same_rows_are_as_if_alone)
{
    pthread_t writers[8], readers[4];
    crowd self = {.db = db, .rounds = 25};
    run_script(db, "CREATE TABLE account (id BIGINT PRIMARY KEY, amount BIGINT);"
                   "INSERT INTO account VALUES (0, 100), (1, 100), (2, 100), (3, 100)");
    start_crowd(&self, 4, read_often, readers);
    start_crowd(&self, 8, transfer_often, writers);
    for (int i = 0; i < 8; i++) pthread_join(writers[i], NULL);
    atomic_store(&self.stop, true);
    for (int i = 0; i < 4; i++) pthread_join(readers[i], NULL);
    assert_int_equal(atomic_load(&self.wrong), 0);
    assert_true(get_number(db, SQL("SELECT sum(amount) FROM account")) == 400);
}

/* ---- limits of the pool ---- */

AG_DB_TEST_SHARED(a_reader_waits_for_a_connection_and_says_so_in_the_end)
{
    ag_err err = {0};
    ag_db *small = NULL;
    ag_tx *held = NULL, *second = NULL;
    ag_db_options options = {.connections = 1, .wait = 100000};
    AG_EXPECT_OK(ag_db_open(url, &options, &small, &err));
    AG_EXPECT_OK(ag_db_read_begin(small, NULL, &held, &err));
    AG_EXPECT_ERROR(ag_db_read_begin(small, NULL, &second, &err), AG_ETIMEOUT, "in use");
    ag_db_read_end(held);
    AG_EXPECT_OK(ag_db_read_begin(small, NULL, &second, &err));
    ag_db_read_end(second);
    ag_db_close(small);
}

typedef struct holder {
    ag_db *db;
    atomic_bool inside, released;
} holder;

/* Holds until it is released, however long the machine makes the others wait. */
static int hold(ag_tx *tx, void *context, ag_err *err)
{
    holder *self = context;
    (void)tx;
    (void)err;
    atomic_store(&self->inside, true);
    while (!atomic_load(&self->released)) ag_sleep(1000);
    return 0;
}

static void *hold_writer(void *context)
{
    holder *self = context;
    ag_err err = {0};
    AG_EXPECT_OK(ag_db_write(self->db, hold, self, &err));
    return NULL;
}

static int run_too_early(ag_tx *tx, void *context, ag_err *err)
{
    (void)tx;
    (void)err;
    *(bool *)context = true;
    return 0;
}

AG_DB_TEST(a_unit_that_waits_for_its_turn_can_be_stopped)
{
    if (ag_db_dialect(db) == AG_DIALECT_POSTGRES) return; /* there it has a connection of its own */
    ag_err err = {0};
    pthread_t thread;
    holder self = {.db = db};
    ag_cancel *cancel = NULL;
    bool inside = false;
    AG_EXPECT_OK(ag_cancel_new(NULL, &cancel, &err));
    pthread_create(&thread, NULL, hold_writer, &self);
    while (!atomic_load(&self.inside)) ag_sleep(1000);
    ag_cancel_deadline(cancel, ag_monotonic() + 30000);
    ag_db_unit unit = {.run = run_too_early, .context = &inside, .cancel = cancel};
    int rc = ag_db_write_unit(db, &unit, &err);
    atomic_store(&self.released, true);
    pthread_join(thread, NULL);
    AG_EXPECT_ERROR(rc, AG_ETIMEOUT, "");
    assert_false(inside);
    ag_cancel_free(cancel);
}
