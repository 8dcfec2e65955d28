// SPDX-License-Identifier: Apache-2.0
/* sqlite_test.c: what only a file can suffer: a killed process, a full disk, missing rights, a second program, bytes
 * that are no database. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conformance/db_suite.h"
#include "core/base/mem.h"
#include "core/base/rng.h"
#include "core/io/file.h"
#include "core/sys/clock.h"

#define TABLE_SQL "CREATE TABLE t (thread BIGINT, round BIGINT, pad TEXT)"

static ag_db *open_file(const char *path)
{
    ag_err err = {0};
    ag_db *db = NULL;
    AG_EXPECT_OK(ag_db_open(path, NULL, &db, &err));
    return db;
}

static const char *new_path(void)
{
    static char path[4200];
    snprintf(path, sizeof(path), "%s/test.db", ag_test_dir());
    return path;
}

/* ---- kill -9 ---- */

typedef struct victim {
    ag_db *db;
    int64_t thread;
    int pipe;
} victim;

typedef struct mark {
    int64_t thread, round;
} mark;

static int insert_mark(ag_tx *tx, void *context, ag_err *err)
{
    const mark *self = context;
    return ag_tx_run(tx, SQL("INSERT INTO t (thread, round, pad) VALUES (?1, ?2, 'some text to fill the page')"),
                     AG_BINDS(ag_cell_int(self->thread), ag_cell_int(self->round)), NULL, err);
}

/* Writes rows and tells each one that was acknowledged, until killed. */
static void *write_until_killed(void *context)
{
    victim *self = context;
    mark next = {.thread = self->thread};
    ag_err err = {0};
    for (;; next.round++) {
        if (ag_db_write(self->db, insert_mark, &next, &err) < 0) _exit(3);
        if (write(self->pipe, &next, sizeof(next)) != (ssize_t)sizeof(next)) _exit(4);
    }
    return NULL;
}

static _Noreturn void be_victim(const char *path, int64_t first, int pipe)
{
    enum { WRITERS = 8 };
    static victim each[WRITERS];
    pthread_t threads[WRITERS];
    ag_err err = {0};
    ag_db *db = NULL;
    if (ag_db_open(path, NULL, &db, &err) < 0) _exit(2);
    for (int i = 0; i < WRITERS; i++) {
        each[i] = (victim){db, first + i, pipe};
        pthread_create(&threads[i], NULL, write_until_killed, &each[i]);
    }
    for (;;) pause();
}

/* What was acknowledged by one victim: the highest round of each thread (it writes them in order). */
static void read_marks(int fd, int64_t first, int64_t highest[8])
{
    mark one;
    for (int i = 0; i < 8; i++) highest[i] = -1;
    while (read(fd, &one, sizeof(one)) == (ssize_t)sizeof(one)) highest[one.thread - first] = one.round;
}

static void kill_one(const char *path, int64_t first)
{
    int pipes[2];
    uint32_t random = 0;
    ag_err err = {0};
    int64_t highest[8];
    AG_EXPECT_OK(ag_random_bytes(&random, sizeof(random), &err));
    assert_int_equal(pipe(pipes), 0);
    fcntl(pipes[1], F_SETPIPE_SZ, 1 << 20);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(pipes[0]);
        be_victim(path, first, pipes[1]);
    }
    close(pipes[1]);
    ag_sleep(2000 + random % 40000);
    assert_int_equal(kill(pid, SIGKILL), 0);
    int status = 0;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status));
    read_marks(pipes[0], first, highest);
    close(pipes[0]);
    ag_db *db = open_file(path);
    for (int i = 0; i < 8; i++) {
        char text[128];
        snprintf(text, sizeof(text), "SELECT count(*) FROM t WHERE thread = %lld AND round <= %lld",
                 (long long)(first + i), (long long)highest[i]);
        assert_true(get_number(db, SQL(text)) == highest[i] + 1);
    }
    ag_db_close(db);
}

AG_TEST(test_sqlite__kill_9_loses_nothing_that_was_acknowledged)
{
    int64_t kills = (int64_t)ag_test_rounds(60, 500);
    ag_err err = {0};
    const char *path = new_path();
    ag_db *db = open_file(path);
    run_script(db, TABLE_SQL "; CREATE INDEX t_thread ON t (thread, round)");
    ag_db_close(db);
    for (int64_t i = 0; i < kills; i++) kill_one(path, i * 8);
    db = open_file(path);
    AG_EXPECT_OK(ag_db_verify(db, NULL, &err));
    printf("# %lld kills, %lld rows\n", (long long)kills, (long long)get_number(db, SQL("SELECT count(*) FROM t")));
    ag_db_close(db);
}

/* ---- no space, no rights ---- */

static int insert_large(ag_tx *tx, void *context, ag_err *err)
{
    const ag_str *bytes = context;
    int rc = ag_tx_run(tx, SQL("INSERT INTO t (thread) VALUES (1)"), AG_NO_BINDS, NULL, err);
    if (rc < 0) return rc;
    return ag_tx_run(tx, SQL("INSERT INTO t (pad) VALUES (?1)"), AG_BINDS(ag_cell_blob(*bytes)), NULL, err);
}

static void fill_until_full(const char *path, const char *words, bool more_space(void))
{
    ag_err err = {0};
    size_t size = 1u << 20;
    char *bytes = ag_calloc(1, size);
    ag_str large = {bytes, size};
    ag_db *db = open_file(path);
    run_script(db, TABLE_SQL);
    int rc = 0, good = 0;
    while (good < 64 && (rc = ag_db_write(db, insert_large, &large, &err)) >= 0) good++;
    AG_EXPECT_ERROR(rc, AG_EFULL, "test.db");
    if (!strstr(err.text, words) || !strstr(err.hint, "nothing was changed")) fail_msg("%s (%s)", err.text, err.hint);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == 2 * good);
    assert_true(more_space());
    AG_EXPECT_OK(ag_db_write(db, insert_large, &large, &err)); /* goes on by itself */
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == 2 * (good + 1));
    AG_EXPECT_OK(ag_db_verify(db, NULL, &err));
    ag_db_close(db);
    ag_free(bytes);
}

static char mounted[4200];

static bool enlarge_mount(void)
{
    return mount("none", mounted, "tmpfs", MS_REMOUNT, "size=64m") == 0;
}

AG_TEST(test_sqlite__a_full_disk_is_told_and_outlived)
{
    char path[4300];
    snprintf(mounted, sizeof(mounted), "%s", ag_test_dir());
    if (mount("none", mounted, "tmpfs", 0, "size=8m") != 0) ag_test_skip("this user cannot mount a small tmpfs");
    snprintf(path, sizeof(path), "%s/test.db", mounted);
    fill_until_full(path, "the disk is full", enlarge_mount);
    assert_int_equal(umount(mounted), 0);
}

static bool raise_limit(void)
{
    return setrlimit(RLIMIT_FSIZE, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0;
}

AG_TEST(test_sqlite__a_file_size_limit_is_told_and_outlived)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before;
    getrlimit(RLIMIT_FSIZE, &before);
    const char *path = new_path();
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){8 << 20, before.rlim_max}), 0);
    fill_until_full(path, "ulimit -f", raise_limit);
    setrlimit(RLIMIT_FSIZE, &before);
}

/* Root may write anywhere, so this runs in a child that is not root. Returns what the child found: 0 when all is well.
 */
static int as_nobody(int (*body)(const char *path), const char *path)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(99);
        _exit(body(path));
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int expect_refused(const char *path)
{
    ag_err err = {0};
    ag_db *db = NULL;
    int rc = ag_db_open(path, NULL, &db, &err);
    if (rc >= 0) rc = write_one(db, SQL("INSERT INTO t (round) VALUES (1)"), AG_NO_BINDS, &err);
    ag_db_close(db);
    bool good = rc == AG_EDENIED && strstr(err.text, "test.db");
    if (!good) fprintf(stderr, "# got %d: %s\n", rc, err.text);
    return good ? 0 : 1;
}

AG_TEST(test_sqlite__a_directory_that_cannot_be_written_is_named)
{
    const char *path = new_path();
    char *directory = ag_strndup(path, strlen(path) - strlen("/test.db"));
    chmod(directory, 0555);
    /* The frame's own directory above is for its owner only. */
    char *above = ag_strndup(directory, (size_t)(strrchr(directory, '/') - directory));
    chmod(above, 0755);
    assert_int_equal(as_nobody(expect_refused, path), 0);
    chmod(directory, 0755);
    ag_db *db = open_file(path);
    run_script(db, TABLE_SQL);
    ag_db_close(db);
    chmod(path, 0444);
    assert_int_equal(as_nobody(expect_refused, path), 0);
    ag_free(directory);
    ag_free(above);
}

/* ---- other files, other programs ---- */

AG_TEST(test_sqlite__nothing_is_acknowledged_that_goes_into_a_file_that_was_removed)
{
    ag_err err = {0};
    const char *path = new_path();
    char moved[4300];
    snprintf(moved, sizeof moved, "%s.moved", path);
    ag_db *db = open_file(path);
    run_script(db, TABLE_SQL);
    mark next = {.thread = 1};
    AG_EXPECT_OK(ag_db_write(db, insert_mark, &next, &err));
    assert_int_equal(rename(path, moved), 0);
    AG_EXPECT_ERROR(ag_db_write(db, insert_mark, &next, &err), AG_ENOTFOUND,
                    "was moved or removed while it was in use");
    assert_int_equal(rename(moved, path), 0); /* back again, nothing was lost */
    AG_EXPECT_OK(ag_db_write(db, insert_mark, &next, &err));
    assert_int_equal(unlink(path), 0);
    AG_EXPECT_ERROR(ag_db_write(db, insert_mark, &next, &err), AG_ENOTFOUND, "test.db");
    ag_db_close(db);
}

AG_TEST(test_sqlite__what_is_no_database_is_refused)
{
    ag_err err = {0};
    ag_db *db = NULL;
    const char *path = new_path();
    char text[5000];
    memset(text, 'x', sizeof(text));
    AG_EXPECT_OK(ag_file_replace(path, text, sizeof(text), &err));
    AG_EXPECT_ERROR(ag_db_open(path, NULL, &db, &err), AG_ECORRUPT, "not a database");
    AG_EXPECT_ERROR(ag_db_open("", NULL, &db, &err), AG_EINVAL, "empty");
    AG_EXPECT_ERROR(ag_db_open("sqlite://", NULL, &db, &err), AG_EINVAL, "names no file");
    AG_EXPECT_ERROR(ag_db_open("mysql://host/db", NULL, &db, &err), AG_EINVAL, "'mysql://'");
    AG_EXPECT_ERROR(ag_db_open("/absent/dir/x.db", NULL, &db, &err), AG_ENOTFOUND, "/absent/dir/x.db");
    ag_db_options options = {.must_exist = true};
    AG_EXPECT_ERROR(ag_db_open(new_path(), &options, &db, &err), AG_ENOTFOUND, "test.db");
    assert_null(db);
}

AG_TEST(test_sqlite__a_flipped_page_is_found)
{
    ag_err err = {0};
    const char *path = new_path();
    ag_db *db = open_file(path);
    run_script(db,
               TABLE_SQL "; CREATE INDEX t_i ON t (thread); INSERT INTO t (thread) WITH RECURSIVE n (i) AS (SELECT 1 "
                         "UNION ALL SELECT i + 1 FROM n WHERE i < 5000) SELECT i FROM n");
    ag_db_close(db);
    char noise[64];
    memset(noise, 0xA5, sizeof(noise));
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, noise, sizeof(noise), 4096 * 3), (ssize_t)sizeof(noise));
    close(fd);
    db = open_file(path);
    int rc = ag_db_verify(db, NULL, &err);
    AG_EXPECT_ERROR(rc, AG_ECORRUPT, "test.db");
    ag_db_close(db);
}

static void lock_file(const char *path, sqlite3 **out)
{
    assert_int_equal(sqlite3_open(path, out), SQLITE_OK);
    assert_int_equal(sqlite3_exec(*out, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
}

static void *unlock_soon(void *context)
{
    ag_sleep(150000);
    sqlite3_exec(context, "COMMIT", NULL, NULL, NULL);
    return NULL;
}

AG_TEST(test_sqlite__a_lock_of_another_program_is_waited_for)
{
    ag_err err = {0};
    sqlite3 *other = NULL;
    pthread_t thread;
    const char *path = new_path();
    ag_db *db = open_file(path), *hasty = NULL;
    run_script(db, TABLE_SQL);
    lock_file(path, &other);
    ag_db_options options = {.wait = 50000};
    AG_EXPECT_OK(ag_db_open(path, &options, &hasty, &err));
    AG_EXPECT_ERROR(write_one(hasty, SQL("INSERT INTO t (round) VALUES (1)"), AG_NO_BINDS, &err), AG_ECONFLICT,
                    "another program has held");
    assert_true(get_number(hasty, SQL("SELECT count(*) FROM t")) == 0); /* readers do not wait */
    pthread_create(&thread, NULL, unlock_soon, other);
    AG_EXPECT_OK(write_one(db, SQL("INSERT INTO t (round) VALUES (1)"), AG_NO_BINDS, &err));
    pthread_join(thread, NULL);
    sqlite3_close(other);
    ag_db_close(hasty);
    ag_db_close(db);
}

static int write_many(const char *path)
{
    ag_err err = {0};
    ag_db *db = NULL;
    int rc = ag_db_open(path, NULL, &db, &err);
    for (int64_t i = 0; i < 300 && rc >= 0; i++) rc = ag_db_write(db, insert_mark, &(mark){getpid(), i}, &err);
    ag_db_close(db);
    if (rc < 0) fprintf(stderr, "# %s\n", err.text);
    return rc < 0;
}

AG_TEST(test_sqlite__several_processes_write_one_file)
{
    const char *path = new_path();
    ag_db *db = open_file(path);
    run_script(db, TABLE_SQL);
    ag_db_close(db);
    fflush(NULL);
    pid_t pids[4];
    for (int i = 0; i < 4; i++) {
        pids[i] = fork();
        if (pids[i] == 0) _exit(write_many(path));
    }
    for (int i = 0; i < 4; i++) {
        int status = 1;
        waitpid(pids[i], &status, 0);
        assert_int_equal(status, 0);
    }
    db = open_file(path);
    assert_true(get_number(db, SQL("SELECT count(*) FROM t")) == 1200);
    ag_db_close(db);
}

/* ---- units and copies ---- */

static int write_inside(ag_tx *tx, void *context, ag_err *err)
{
    (void)tx;
    return write_one(context, SQL("INSERT INTO t (round) VALUES (1)"), AG_NO_BINDS, err);
}

AG_TEST(test_sqlite__a_unit_inside_a_unit_is_an_error_and_no_deadlock)
{
    ag_err err = {0};
    ag_db *db = open_file(new_path());
    run_script(db, TABLE_SQL);
    AG_EXPECT_ERROR(ag_db_write(db, write_inside, db, &err), AG_EINVAL, "already inside a unit");
    ag_db_close(db);
}

AG_TEST(test_sqlite__opened_for_reading_only_refuses_writing)
{
    ag_err err = {0};
    const char *path = new_path();
    ag_db *db = open_file(path), *reader = NULL;
    run_script(db, TABLE_SQL);
    ag_db_options options = {.read_only = true};
    AG_EXPECT_OK(ag_db_open(path, &options, &reader, &err));
    AG_EXPECT_ERROR(write_one(reader, SQL("DELETE FROM t"), AG_NO_BINDS, &err), AG_EDENIED, "reading only");
    assert_true(get_number(reader, SQL("SELECT count(*) FROM t")) == 0);
    ag_db_close(reader);
    ag_db_close(db);
}

typedef struct copying {
    ag_db *db;
    const char *path;
} copying;

static int back_up(void *context, ag_err *err)
{
    copying *self = context;
    return ag_db_backup(self->db, self->path, NULL, err);
}

AG_TEST(test_sqlite__a_backup_is_whole_and_alone)
{
    ag_err err = {0};
    char copy[4300], partial[4400];
    const char *path = new_path();
    ag_db *db = open_file(path);
    run_script(db, TABLE_SQL "; INSERT INTO t (thread) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
                             "WHERE i < 20000) SELECT i FROM n");
    snprintf(copy, sizeof(copy), "%s.copy", path);
    snprintf(partial, sizeof(partial), "%s.partial", copy);
    copying self = {db, copy};
    ag_test_fail_at_n(AG_FAULT_SQL | AG_FAULT_FILE, back_up, NULL, &self);
    assert_false(ag_file_exists(partial));
    ag_db *other = open_file(copy);
    AG_EXPECT_OK(ag_db_verify(other, NULL, &err));
    assert_true(get_number(other, SQL("SELECT count(*) FROM t")) == 20000);
    ag_db_close(other);
    AG_EXPECT_ERROR(ag_db_backup(db, "/absent/x.db", NULL, &err), AG_ENOTFOUND, "/absent/x.db");
    ag_db_close(db);
}
