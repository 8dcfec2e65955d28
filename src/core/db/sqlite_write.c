// SPDX-License-Identifier: Apache-2.0
/* sqlite_write.c: one writer, group commit.
 * Callers stand in a queue. Whoever is first while nobody works takes the baton: it runs all that are queued, its own
 * unit among them, in one transaction with one fsync, then wakes them and passes the baton to the first who came
 * meanwhile. No thread of its own: a lone caller pays no hand-over, and the fsync of one group is the time in which the
 * next gathers. Invariants: `working` is true exactly while one thread (`owner`) uses the link; a caller returns only
 * after COMMIT of the transaction that carries its unit has returned, or with an error and without effects. Units run
 * without savepoints first, since most never fail. When one fails after it has changed something, the transaction is
 * rolled back and the group is run again with a savepoint around each, so that only the guilty one fails. When the
 * transaction as a whole breaks (SQLite rolled it back: disk full, interrupt; or a deferred constraint spoke up at
 * COMMIT), each unit is run in a transaction of its own. An I/O error at COMMIT is told to all and never retried: after
 * a failed fsync nobody knows what is on the disk. */
#include <errno.h>
#include <semaphore.h>
#include <time.h>

#include "core/base/mem.h"
#include "core/db/sqlite.h"

#define LARGEST_GROUP 1024
#define LOOK_EVERY 20000 /* microseconds between looks at a waiting caller's cancel */

typedef enum place { QUEUED, STARTED, LEADING, DONE } place;

typedef struct waiter {
    struct waiter *next;
    const ag_db_unit *unit; /* NULL: wants the connection for itself */
    pthread_t thread;
    int rc;
    place place; /* under the mutex until DONE; DONE is said by the last post of `wake` */
    ag_err *err;
    sem_t wake; /* posted when it is to lead, and when it is done */
} waiter;

struct ag_sqlite_writer {
    ag_sqlite_link *link;
    pthread_mutex_t mutex;
    bool working;
    pthread_t owner;
    waiter *first, *last;
};

int ag_sqlite_writer_new(ag_sqlite_link *link, ag_sqlite_writer **out, ag_err *err)
{
    ag_sqlite_writer *writer = ag_calloc(1, sizeof(*writer));
    if (!writer) return ag_fail_memory(err, sizeof(*writer));
    writer->link = link;
    pthread_mutex_init(&writer->mutex, NULL);
    *out = writer;
    return AG_OK;
}

void ag_sqlite_writer_free(ag_sqlite_writer *writer)
{
    if (!writer) return;
    ag_sqlite_disconnect(writer->link);
    pthread_mutex_destroy(&writer->mutex);
    ag_free(writer);
}

/* ---- running units ---- */

static int run_unit(ag_sqlite_writer *writer, waiter *one)
{
    ag_tx tx = {.db = writer->link->db, .connection = writer->link, .cancel = one->unit->cancel, .writable = true};
    writer->link->dirty = false;
    ag_sqlite_watch(writer->link, one->unit->cancel);
    int rc = ag_tx_call(&tx, one->unit->run, one->unit->context, one->err);
    ag_sqlite_watch(writer->link, NULL);
    return rc;
}

/* What is committed to a file that was removed or moved is seen by nobody: it must not be acknowledged. */
static int check_place(const ag_sqlite_writer *writer, ag_err *err)
{
    int moved = 0;
    (void)sqlite3_file_control(writer->link->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (!moved) return AG_OK;
    return ag_fail(err, AG_ENOTFOUND,
                   "the database %s was moved or removed while it was in use: nothing more can be kept",
                   sqlite3_db_filename(writer->link->handle, "main"));
}

static int commit(ag_sqlite_writer *writer, size_t units, ag_err *err)
{
    int rc = check_place(writer, err);
    if (rc >= 0) rc = ag_sqlite_command(writer->link, "COMMIT", err);
    if (rc < 0) {
        ag_sqlite_rollback(writer->link);
        return rc;
    }
    atomic_fetch_add(&writer->link->db->counters.commits, 1);
    atomic_fetch_add(&writer->link->db->counters.units, units);
    return AG_OK;
}

static void run_alone(ag_sqlite_writer *writer, waiter *one)
{
    ag_sqlite_watch(writer->link, one->unit->cancel);
    one->rc = ag_sqlite_command(writer->link, "BEGIN IMMEDIATE", one->err);
    ag_sqlite_watch(writer->link, NULL);
    if (one->rc < 0) return;
    one->rc = run_unit(writer, one);
    if (one->rc >= 0 && sqlite3_get_autocommit(writer->link->handle)) {
        one->rc = ag_fail(one->err, AG_EINTERNAL, "the unit ended its transaction by itself");
    }
    if (one->rc < 0) {
        ag_sqlite_rollback(writer->link);
        return;
    }
    int rc = commit(writer, 1, one->err);
    if (rc < 0) one->rc = rc;
}

static void fail_all(waiter *group, int rc, const ag_err *why)
{
    for (waiter *one = group; one; one = one->next) {
        if (one->rc < 0) continue;
        one->rc = rc;
        *one->err = *why;
    }
}

/* One unit of a group, its changes undone when it fails. False when the transaction is no longer good for the others.
 */
static bool run_guarded(ag_sqlite_writer *writer, waiter *one, bool savepoint)
{
    ag_err trouble = {0};
    if (savepoint && ag_sqlite_command(writer->link, "SAVEPOINT unit", &trouble) < 0) return false;
    one->rc = run_unit(writer, one);
    if (sqlite3_get_autocommit(writer->link->handle)) return false;
    if (one->rc >= 0) return !savepoint || ag_sqlite_command(writer->link, "RELEASE unit", &trouble) == AG_OK;
    if (!writer->link->dirty && !savepoint) return true;
    return savepoint && ag_sqlite_command(writer->link, "ROLLBACK TO unit", &trouble) == AG_OK &&
           ag_sqlite_command(writer->link, "RELEASE unit", &trouble) == AG_OK;
}

/* 1: committed (or told all that it cannot be), 0: rolled back, to be run again in a more careful way. */
static int run_together(ag_sqlite_writer *writer, waiter *group, bool savepoints)
{
    ag_err trouble = {0};
    int rc = ag_sqlite_command(writer->link, "BEGIN IMMEDIATE", &trouble);
    if (rc < 0) {
        fail_all(group, rc, &trouble);
        return 1;
    }
    size_t good = 0;
    for (waiter *one = group; one; one = one->next) {
        if (!run_guarded(writer, one, savepoints)) {
            ag_sqlite_rollback(writer->link);
            return 0;
        }
        good += one->rc >= 0;
    }
    rc = commit(writer, good, &trouble);
    if (rc == AG_EIO) fail_all(group, rc, &trouble);
    return rc == AG_OK || rc == AG_EIO;
}

static void run_group(ag_sqlite_writer *writer, waiter *group)
{
    if (!group->next) {
        run_alone(writer, group);
        return;
    }
    if (run_together(writer, group, false)) return;
    for (waiter *one = group; one; one = one->next) one->rc = 0;
    atomic_fetch_add(&writer->link->db->counters.retries, 1);
    if (run_together(writer, group, true)) return;
    atomic_fetch_add(&writer->link->db->counters.retries, 1);
    for (waiter *one = group; one; one = one->next) run_alone(writer, one);
}

/* ---- the queue ---- */

/* All that stand at the front and bring a unit. */
static waiter *take_group(ag_sqlite_writer *writer)
{
    waiter *group = writer->first, *last = NULL;
    size_t count = 0;
    for (waiter *one = group; one && one->unit && count < LARGEST_GROUP; one = one->next, count++) {
        one->place = STARTED;
        last = one;
    }
    /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): who leads stands at the front and brings a unit */
    writer->first = last->next;
    if (!writer->first) writer->last = NULL;
    last->next = NULL;
    return group;
}

static void leave_queue(ag_sqlite_writer *writer, waiter *self)
{
    waiter **at = &writer->first, *before = NULL;
    while (*at != self) {
        before = *at;
        at = &(*at)->next;
    }
    *at = self->next;
    if (writer->last == self) writer->last = before;
}

static void sleep_until_woken(waiter *self)
{
    while (sem_wait(&self->wake) != 0) { /* a signal handler ran */
    }
}

/* False when nobody woke it in time. */
static bool sleep_a_little(waiter *self)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += LOOK_EVERY * 1000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    return sem_clockwait(&self->wake, CLOCK_MONOTONIC, &until) == 0;
}

/* Until it is to lead or is done; fails when it was cancelled while it stood in the queue. */
static int wait_for_turn(ag_sqlite_writer *writer, waiter *self, ag_cancel *cancel)
{
    while (cancel && !sleep_a_little(self)) {
        if (ag_cancel_check(cancel, self->err) == AG_OK) continue;
        pthread_mutex_lock(&writer->mutex);
        bool queued = self->place == QUEUED;
        if (queued) leave_queue(writer, self);
        pthread_mutex_unlock(&writer->mutex);
        if (queued) return ag_cancel_check(cancel, self->err);
        cancel = NULL; /* too late: its work has begun, which looks at the cancel by itself */
    }
    if (!cancel) sleep_until_woken(self);
    return AG_OK;
}

/* Enters the queue. Returns with the baton (place LEADING), done, or with an error. */
static int join_queue(ag_sqlite_writer *writer, waiter *self, ag_cancel *cancel)
{
    if (sem_init(&self->wake, 0, 0) != 0) return ag_fail_errno(self->err, errno, "cannot make a semaphore");
    pthread_mutex_lock(&writer->mutex);
    bool inside = writer->working && pthread_equal(writer->owner, pthread_self());
    bool free_now = !writer->working;
    if (!inside) {
        *(writer->last ? &writer->last->next : &writer->first) = self;
        writer->last = self;
    }
    if (free_now) {
        writer->working = true;
        writer->owner = pthread_self();
        self->place = LEADING;
    }
    pthread_mutex_unlock(&writer->mutex);
    if (inside) {
        return ag_fail(self->err, AG_EINVAL,
                       "this thread is already inside a unit of %s, which must end before it can start another",
                       writer->link->db->label);
    }
    return free_now ? AG_OK : wait_for_turn(writer, self, cancel);
}

/* With the mutex held. The one to wake for leading, or NULL. The owner is set here too, so that it is never that of a
 * thread that has left. */
static waiter *pass_baton(ag_sqlite_writer *writer)
{
    waiter *next = writer->first;
    writer->working = next != NULL;
    writer->owner = next ? next->thread : pthread_self();
    if (next) next->place = LEADING;
    return next;
}

/* Runs what is queued. The next leader is woken before the group: while that writes, this thread wakes the others. */
static void lead(ag_sqlite_writer *writer, waiter *self)
{
    pthread_mutex_lock(&writer->mutex);
    waiter *group = take_group(writer);
    pthread_mutex_unlock(&writer->mutex);
    run_group(writer, group);
    pthread_mutex_lock(&writer->mutex);
    waiter *next = pass_baton(writer);
    pthread_mutex_unlock(&writer->mutex);
    if (next) sem_post(&next->wake);
    for (waiter *one = group, *after; one; one = after) {
        after = one->next; /* once woken, the waiter may be gone */
        one->place = DONE;
        if (one != self) sem_post(&one->wake);
    }
}

int ag_sqlite_write(ag_db *db, const ag_db_unit *unit, ag_err *err)
{
    ag_sqlite_writer *writer = ((ag_sqlite_store *)db->store)->writer;
    ag_err mine = {0};
    waiter self = {.unit = unit, .err = err ? err : &mine, .thread = pthread_self()};
    int rc = join_queue(writer, &self, unit->cancel);
    if (rc == AG_OK && self.place == LEADING) lead(writer, &self);
    sem_destroy(&self.wake);
    return rc < 0 ? rc : self.rc;
}

int ag_sqlite_writer_take(ag_sqlite_writer *writer, ag_cancel *cancel, ag_sqlite_link **out, ag_err *err)
{
    ag_err mine = {0};
    waiter self = {.err = err ? err : &mine, .thread = pthread_self()};
    int rc = join_queue(writer, &self, cancel);
    if (rc == AG_OK) {
        pthread_mutex_lock(&writer->mutex);
        leave_queue(writer, &self);
        pthread_mutex_unlock(&writer->mutex);
        *out = writer->link;
    }
    sem_destroy(&self.wake);
    return rc;
}

void ag_sqlite_writer_give(ag_sqlite_writer *writer)
{
    pthread_mutex_lock(&writer->mutex);
    waiter *next = pass_baton(writer);
    pthread_mutex_unlock(&writer->mutex);
    if (next) sem_post(&next->wake);
}
