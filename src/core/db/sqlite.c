// SPDX-License-Identifier: Apache-2.0
/* sqlite.c: the SQLite driver: opening, reading, backup, verifying. Owns the store: one writing connection (see
 * sqlite_write.c) and a pool of reading ones, opened when first needed. A file is in WAL mode: readers see the moment
 * of their first query and never wait. A database in memory has one connection; its readers queue with the writers,
 * which gives the same picture. */
#include "core/db/sqlite.h"

#include <errno.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/db/sqlite_pages.h"
#include "core/io/file.h"
#include "core_sql.h"

#define BACKUP_PAGES 256

static const char *path_of(const char *url)
{
    if (strncmp(url, "sqlite://", 9) == 0) return url + 9;
    if (strncmp(url, "sqlite:", 7) == 0) return url + 7;
    return url;
}

static void drop_link(void *item)
{
    ag_sqlite_disconnect(item);
}

static void close_store(ag_db *db)
{
    ag_sqlite_store *store = db->store;
    if (!store) return;
    ag_slots_free(store->readers, drop_link);
    ag_sqlite_writer_free(store->writer); /* last: its closing folds the WAL into the file */
    ag_free(store->path);
    ag_free(store);
    db->store = NULL;
}

static int open_store(ag_db *db, const char *url, ag_err *err)
{
    const char *path = path_of(url);
    if (!path[0]) return ag_fail(err, AG_EINVAL, "'%s' names no file", url);
    ag_sqlite_store *store = ag_calloc(1, sizeof(*store));
    if (!store) return ag_fail_memory(err, sizeof(*store));
    db->store = store;
    store->memory = strcmp(path, ":memory:") == 0;
    store->path = ag_strdup(path);
    db->label = ag_strdup(path);
    if (!store->path || !db->label) return ag_fail_memory(err, strlen(path));
    ag_sqlite_link *link = NULL;
    int rc = ag_sqlite_connect(db, path, true, &link, err);
    if (rc < 0) return rc;
    rc = ag_sqlite_writer_new(link, &store->writer, err);
    if (rc < 0) {
        ag_sqlite_disconnect(link);
        return rc;
    }
    return store->memory ? AG_OK : ag_slots_new(db->options.connections, "database readers", &store->readers, err);
}

/* ---- reading ---- */

static void end_read(ag_tx *tx)
{
    ag_sqlite_store *store = tx->db->store;
    ag_sqlite_link *link = tx->connection;
    ag_sqlite_watch(link, NULL);
    ag_sqlite_rollback(link);
    if (store->memory) {
        ag_sqlite_writer_give(store->writer);
    } else {
        ag_slots_give(store->readers, link);
    }
}

static int take_reader(ag_tx *tx, ag_sqlite_link **out, ag_err *err)
{
    ag_sqlite_store *store = tx->db->store;
    if (store->memory) return ag_sqlite_writer_take(store->writer, tx->cancel, out, err);
    void *item = NULL;
    int rc = ag_slots_take(store->readers, tx->db->options.wait, tx->cancel, &item, err);
    *out = item;
    if (rc < 0 || item) return rc;
    rc = ag_sqlite_connect(tx->db, store->path, false, out, err);
    if (rc < 0) ag_slots_give(store->readers, NULL);
    return rc;
}

static int begin_read(ag_tx *tx, ag_err *err)
{
    ag_sqlite_link *link = NULL;
    int rc = take_reader(tx, &link, err);
    if (rc < 0) return rc;
    tx->connection = link;
    ag_sqlite_watch(link, tx->cancel);
    rc = ag_sqlite_command(link, "BEGIN", err);
    /* In memory the connection is the writer's: what a reader may not do is undone at its end. */
    if (rc < 0) end_read(tx);
    return rc;
}

static bool read_again(ag_tx *tx)
{
    (void)tx;
    return false;
}

static int lock_migrations(ag_tx *tx, ag_err *err)
{
    (void)tx;
    (void)err;
    return AG_OK; /* BEGIN IMMEDIATE has done it */
}

/* ---- the whole database ---- */

static int copy_pages(ag_sqlite_link *from, sqlite3 *to, const char *path, ag_cancel *cancel, ag_err *err)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from->handle, "main");
    if (!backup) return ag_fail(err, AG_EIO, "cannot start a backup into %s: %s", path, sqlite3_errmsg(to));
    int rc = AG_OK, state = SQLITE_OK;
    while (rc == AG_OK && state == SQLITE_OK) {
        rc = ag_cancel_check(cancel, err);
        if (rc == AG_OK && ag_fault(AG_FAULT_SQL)) rc = ag_fail(err, AG_EIO, "injected failure of a backup step");
        if (rc == AG_OK) state = sqlite3_backup_step(backup, BACKUP_PAGES);
    }
    state = sqlite3_backup_finish(backup);
    if (rc < 0 || state == SQLITE_OK) return rc;
    ag_code code = (state & 0xff) == SQLITE_FULL ? AG_EFULL : AG_EIO;
    return ag_fail(err, code, "backup into %s: %s", path, sqlite3_errstr(state));
}

static int copy_to(ag_tx *tx, const char *path, ag_err *err)
{
    int64_t tables = 0;
    /* The first read fixes the moment; the backup then copies that, and no writer can make it start over. */
    int rc = ag_tx_get_int(tx, &AG_SQL_COUNT_TABLES, AG_NO_BINDS, &tables, err);
    if (rc < 0) return rc;
    sqlite3 *to = NULL;
    if (ag_fault(AG_FAULT_SQL)) return ag_fail(err, AG_EIO, "injected failure of opening %s", path);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(path, &to, flags, ag_sqlite_pages_vfs()) != SQLITE_OK) {
        int system_error = to ? sqlite3_system_errno(to) : ENOMEM;
        rc = ag_fail_errno(err, system_error, "cannot write the backup %s", path);
    }
    if (rc >= 0 && ag_sqlite_pages_on(((ag_sqlite_link *)tx->connection)->handle)) ag_sqlite_pages_copy(to);
    if (rc >= 0) rc = copy_pages(tx->connection, to, path, tx->cancel, err);
    /* The copy says that it is in WAL mode, as the original is: it would make files beside itself when it is read. */
    if (rc >= 0 && sqlite3_exec(to, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL) != SQLITE_OK) {
        rc = ag_fail(err, AG_EIO, "cannot finish the backup %s: %s", path, sqlite3_errmsg(to));
    }
    sqlite3_close(to);
    return rc;
}

static int backup_store(ag_db *db, const char *path, ag_cancel *cancel, ag_err *err)
{
    ag_err ignored;
    size_t size = strlen(path) + sizeof(".partial");
    char *partial = ag_alloc(size);
    if (!partial) return ag_fail_memory(err, size);
    ag_format(partial, size, "%s.partial", path);
    ag_file_remove(partial, &ignored); /* of an earlier, broken attempt */
    ag_tx *tx = NULL;
    int rc = ag_db_read_begin(db, cancel, &tx, err);
    if (rc >= 0) rc = copy_to(tx, partial, err);
    ag_db_read_end(tx);
    if (rc >= 0) rc = ag_file_rename(partial, path, err);
    if (rc < 0) ag_file_remove(partial, &ignored);
    ag_free(partial);
    return rc < 0 ? rc : AG_OK;
}

static int expect_text(ag_tx *tx, const char *pragma, const char *wanted, ag_err *err)
{
    ag_sql sql = ag_sql_text(pragma, pragma);
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &sql, AG_NO_BINDS, &rows, err);
    if (rc < 0) return rc;
    rc = ag_rows_next(rows, err);
    if (rc == 1 && !(wanted && ag_str_is(ag_rows_text(rows, 0), wanted))) {
        rc =
            ag_fail(err, AG_ECORRUPT, "%s of %s found: %.*s", pragma, tx->db->label, AG_STR_ARG(ag_rows_text(rows, 0)));
        ag_err_hint(err, "stop writing, copy the file away, restore a backup");
    }
    ag_rows_free(rows);
    return rc;
}

static int verify_read(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    ag_sqlite_link *link = tx->connection;
    int rc = ag_sqlite_pages_check(link->handle, tx->db->label, tx->cancel, err);
    if (rc >= 0) rc = expect_text(tx, "PRAGMA integrity_check(1)", "ok", err);
    if (rc >= 0) rc = expect_text(tx, "PRAGMA foreign_key_check", NULL, err);
    return rc < 0 ? rc : AG_OK;
}

static int verify_store(ag_db *db, ag_cancel *cancel, ag_err *err)
{
    return ag_db_read(db, cancel, verify_read, NULL, err);
}

static const char *const prefixes[] = {"sqlite:", NULL};

const ag_db_driver ag_db_sqlite = {
    .name = "sqlite",
    .dialect = AG_DIALECT_SQLITE,
    .prefixes = prefixes,
    .open = open_store,
    .close = close_store,
    .write = ag_sqlite_write,
    .read_begin = begin_read,
    .read_end = end_read,
    .read_again = read_again,
    .run = ag_sqlite_run,
    .run_many = ag_sqlite_run_many,
    .script = ag_sqlite_script,
    .query = ag_sqlite_query,
    .next = ag_sqlite_next,
    .cell = ag_sqlite_cell,
    .finish = ag_sqlite_finish,
    .lock_migrations = lock_migrations,
    .backup = backup_store,
    .verify = verify_store,
};
