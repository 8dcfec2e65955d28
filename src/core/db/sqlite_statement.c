// SPDX-License-Identifier: Apache-2.0
/* sqlite_statement.c: one SQLite connection: its settings, its prepared statements, values in and out, its errors.
 * Owns ag_sqlite_link. Threads: one at a time. Waiting for another process is done in the busy handler, so that no
 * caller ever sees SQLITE_BUSY before the declared wait is over. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/db/insert.h"
#include "core/db/sqlite.h"
#include "core/db/sqlite_pages.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"

#define OPCODES_BETWEEN_LOOKS 2000

enum { ROWS_AT_ONCE = 64, MOST_GROUPED_COLUMNS = 100 }; /* SQLite takes 32766 values in a statement */

/* ---- errors ---- */

static ag_code code_of(int rc, int system_error)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return AG_EEXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER: return AG_ECONFLICT;
    default: break;
    }
    switch (rc & 0xff) {
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE: return AG_EINVAL;
    case SQLITE_NOMEM: return AG_ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return AG_ECONFLICT;
    case SQLITE_FULL: return AG_EFULL;
    case SQLITE_READONLY:
    case SQLITE_AUTH:
    case SQLITE_PERM: return AG_EDENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return AG_ECORRUPT;
    case SQLITE_TOOBIG: return AG_ELIMIT;
    case SQLITE_INTERRUPT: return AG_ECANCELLED;
    case SQLITE_CANTOPEN:
        if (system_error == EACCES || system_error == EPERM || system_error == EROFS) return AG_EDENIED;
        return system_error == ENOENT ? AG_ENOTFOUND : AG_EIO;
    case SQLITE_IOERR: return AG_EIO; /* or what fail_of_disk() finds */
    default: return AG_EINTERNAL;
    }
}

/* What the system said. SQLite forgets it for a log that could not be written; that file remembers. 0: not known. */
static int last_errno(const ag_sqlite_link *link, int rc)
{
    int number = (rc & 0xff) == SQLITE_FULL ? ENOSPC : sqlite3_system_errno(link->handle);
    sqlite3_file *log = NULL;
    if (!number && sqlite3_file_control(link->handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK && log &&
        log->pMethods)
        (void)log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number);
    if (!number) (void)sqlite3_file_control(link->handle, "main", SQLITE_FCNTL_LAST_ERRNO, &number);
    return number;
}

/* "disk I/O error" is what SQLite calls all of these. */
static int fail_of_disk(const ag_sqlite_link *link, ag_code code, int number, const char *name, ag_err *err)
{
    const char *path = link->db->label;
    if (number == ENOSPC || number == EDQUOT || number == EFBIG) code = AG_EFULL; /* some SQLites say IOERR of these */
    switch (number) {
    case ENOSPC: ag_fail(err, code, "%s: the disk is full: there is no space for the database %s", name, path); break;
    case EDQUOT: ag_fail(err, code, "%s: the quota of the disk is used up: no space for %s", name, path); break;
    case EFBIG:
        ag_fail(err, code, "%s: the database %s has reached the limit on the size of files (ulimit -f)", name, path);
        return ag_err_hint(err, "raise the limit, then try again; nothing was changed");
    default:
        if (number)
            ag_fail_errno(err, number, "%s: the disk of the database %s failed", name, path);
        else
            ag_fail(err, code, "%s: the disk of the database %s failed: %s", name, path, sqlite3_errmsg(link->handle));
        if (err) err->code = code;
        return ag_err_hint(err, "the system's log (dmesg) tells of the disk; copy the file away before it gets worse");
    }
    return ag_err_hint(err, "free space there, then try again; nothing was changed");
}

int ag_sqlite_fail(ag_sqlite_link *link, int rc, const char *name, ag_err *err)
{
    int system_error = sqlite3_system_errno(link->handle);
    ag_code code = code_of(rc, system_error);
    if (code == AG_ECANCELLED && ag_cancelled(link->cancel)) return ag_cancel_check(link->cancel, err);
    const char *path = link->db->label;
    if (code == AG_EFULL || code == AG_EIO) return fail_of_disk(link, code, last_errno(link, rc), name, err);
    ag_fail(err, code, "%s: %s (database %s)", name, sqlite3_errmsg(link->handle), path);
    if (code == AG_ECONFLICT && (rc & 0xff) != SQLITE_CONSTRAINT) {
        ag_fail(err, code, "%s: another program has held the database %s locked for %lld s", name, path,
                (long long)(link->db->options.wait / AG_SECOND));
        return ag_err_hint(err, "look for a backup tool or a forgotten sqlite3 shell that has the file open");
    }
    switch (code) {
    case AG_ECORRUPT: return ag_err_hint(err, "stop writing, copy the file away, restore a backup");
    case AG_EDENIED: return ag_err_hint(err, "this user must be able to write %s and its directory", path);
    default: return code;
    }
}

static int injected(const char *name, ag_err *err)
{
    return ag_fail(err, AG_EIO, "%s: injected failure of a database call", name);
}

/* ---- the connection ---- */

static int on_busy(void *context, int count)
{
    ag_sqlite_link *link = context;
    int64_t now = ag_monotonic();
    if (count == 0) link->busy_since = now;
    if (now - link->busy_since >= link->db->options.wait || ag_cancelled(link->cancel)) return 0;
    /* Short and uneven steps: the other process leaves gaps of microseconds between its transactions, and two waiters
     * must not step in time. */
    ag_sleep(300 + (int64_t)(((uint64_t)now * 2654435761u >> 7) % 1200));
    return 1;
}

static int on_progress(void *context)
{
    return ag_cancelled(((ag_sqlite_link *)context)->cancel);
}

void ag_sqlite_watch(ag_sqlite_link *link, ag_cancel *cancel)
{
    if (cancel == link->cancel) return;
    link->cancel = cancel;
    sqlite3_progress_handler(link->handle, cancel ? OPCODES_BETWEEN_LOOKS : 0, cancel ? on_progress : NULL, link);
}

static void drop_statement(void *context, void *item)
{
    (void)context;
    sqlite3_finalize(item);
}

/* A setting that answers with a row; SQLite returns "busy" here without asking the busy handler when another process is
 * just switching the journal. */
static int set(ag_sqlite_link *link, const char *pragma, const char *wanted, ag_err *err)
{
    for (int tries = 0;; tries++) {
        sqlite3_stmt *statement = NULL;
        bool same = wanted == NULL;
        if (ag_fault(AG_FAULT_SQL)) return injected(pragma, err);
        int rc = sqlite3_prepare_v2(link->handle, pragma, -1, &statement, NULL);
        if (rc == SQLITE_OK) rc = sqlite3_step(statement);
        if (rc == SQLITE_ROW && wanted) {
            const char *text = (const char *)sqlite3_column_text(statement, 0);
            same = text && sqlite3_stricmp(text, wanted) == 0;
        }
        int failed = rc == SQLITE_ROW || rc == SQLITE_DONE ? AG_OK : ag_sqlite_fail(link, rc, pragma, err);
        sqlite3_finalize(statement);
        if (failed == AG_OK && same) return AG_OK;
        if (failed == AG_OK) {
            ag_fail(err, AG_EUNSUPPORTED, "the file system of %s cannot hold a database in WAL mode", link->db->label);
            return ag_err_hint(err, "put it on a local disk, or use PostgreSQL");
        }
        if ((rc & 0xff) != SQLITE_BUSY || !on_busy(link, tries)) return failed;
    }
}

static int configure(ag_sqlite_link *link, bool writable, ag_err *err)
{
    static const char *const settings[] = {
        "PRAGMA synchronous=FULL",   "PRAGMA foreign_keys=ON",         "PRAGMA temp_store=MEMORY",
        "PRAGMA cache_size=-8192",   "PRAGMA wal_autocheckpoint=2000", "PRAGMA journal_size_limit=67108864",
        "PRAGMA trusted_schema=OFF", "PRAGMA cell_size_check=ON",
    };
    bool memory = ((ag_sqlite_store *)link->db->store)->memory;
    int rc = writable ? set(link, "PRAGMA journal_mode=WAL", memory ? "memory" : "wal", err) : AG_OK;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]) && rc == AG_OK; i++) {
        rc = set(link, settings[i], NULL, err);
    }
    /* Readers are many, and what they miss is in the system's memory; the writer is one. */
    if (rc == AG_OK && writable) rc = set(link, "PRAGMA cache_size=-16384", NULL, err);
    /* Reads the header: says now, and not at the first query, that a file is no database. */
    if (rc == AG_OK) rc = set(link, "PRAGMA schema_version", NULL, err);
    if (rc == AG_OK && !writable) rc = set(link, "PRAGMA query_only=ON", NULL, err);
    return rc;
}

/* SQLite tries again for reading when it may not create, so that "may not" comes back as "is not there". */
static int true_error(const char *path, int system_error, bool create)
{
    char parent[4096];
    ag_str above = ag_path_parent(ag_str_of(path));
    bool fits = ag_format(parent, sizeof(parent), "%.*s", AG_STR_ARG(above));
    return system_error == ENOENT && create && fits && ag_file_exists(parent) ? EACCES : system_error;
}

static int open_handle(ag_sqlite_link *link, const char *path, bool writable, ag_err *err)
{
    const ag_db_options *options = &link->db->options;
    int flags = SQLITE_OPEN_NOMUTEX;
    flags |= options->read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
    if (writable && !options->must_exist && !options->read_only) flags |= SQLITE_OPEN_CREATE;
    if (ag_fault(AG_FAULT_SQL)) return injected("open", err);
    int rc = sqlite3_open_v2(path, &link->handle, flags, ag_sqlite_pages_vfs());
    if (!link->handle) return ag_fail_memory(err, 1);
    if (rc != SQLITE_OK) {
        int system_error = sqlite3_system_errno(link->handle);
        if (system_error) {
            system_error = true_error(path, system_error, (flags & SQLITE_OPEN_CREATE) != 0);
            return ag_fail_errno(err, system_error, "cannot open the database %s", path);
        }
        ag_code code = code_of(rc, 0);
        return ag_fail(err, code, "cannot open the database %s: %s", path, sqlite3_errmsg(link->handle));
    }
    sqlite3_extended_result_codes(link->handle, 1);
    sqlite3_busy_handler(link->handle, on_busy, link);
    sqlite3_db_config(link->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    if (flags & SQLITE_OPEN_CREATE) ag_sqlite_pages_begin(link->handle);
    return configure(link, writable && !options->read_only, err);
}

int ag_sqlite_connect(ag_db *db, const char *path, bool writable, ag_sqlite_link **out, ag_err *err)
{
    ag_sqlite_link *link = ag_calloc(1, sizeof(*link));
    if (!link) return ag_fail_memory(err, sizeof(*link));
    link->db = db;
    ag_cache_init(&link->cache, drop_statement, NULL);
    int rc = open_handle(link, path, writable, err);
    if (rc < 0) {
        ag_sqlite_disconnect(link);
        return rc;
    }
    atomic_fetch_add(&db->counters.connects, 1);
    *out = link;
    return AG_OK;
}

void ag_sqlite_disconnect(ag_sqlite_link *link)
{
    if (!link) return;
    ag_cache_deinit(&link->cache);
    sqlite3_close_v2(link->handle);
    ag_free(link);
}

/* ---- statements ---- */

/* Of a reader only by accident: his connection refuses too, but in memory it is the writer's. */
static int check_reader(const ag_tx *tx, const char *name, sqlite3_stmt *statement, ag_err *err)
{
    if (tx->writable || sqlite3_stmt_readonly(statement)) return AG_OK;
    return ag_fail(err, AG_EDENIED, "%s: a statement that writes inside a unit of reading", name);
}

static int prepare(ag_sqlite_link *link, const char *name, const char *text, sqlite3_stmt **out, ag_err *err)
{
    ag_str key = ag_str_of(text);
    *out = ag_cache_take(&link->cache, key);
    if (*out) return AG_OK;
    if (ag_fault(AG_FAULT_SQL)) return injected(name, err);
    if (key.size > INT32_MAX) return ag_fail(err, AG_ELIMIT, "%s: the statement is too long", name);
    sqlite3_stmt *statement = NULL;
    const char *tail = NULL;
    int rc = sqlite3_prepare_v3(link->handle, text, (int)key.size, SQLITE_PREPARE_PERSISTENT, &statement, &tail);
    if (rc != SQLITE_OK) return ag_sqlite_fail(link, rc, name, err);
    if (!statement) return ag_fail(err, AG_EINTERNAL, "%s: the statement is empty", name);
    if (tail[strspn(tail, "; \t\r\n")] != '\0') {
        sqlite3_finalize(statement);
        return ag_fail(err, AG_EINTERNAL, "%s: more than one statement in one call", name);
    }
    atomic_fetch_add(&link->db->counters.prepared, 1);
    ag_cache_add(&link->cache, key, statement);
    *out = statement;
    return AG_OK;
}

static void release(ag_sqlite_link *link, sqlite3_stmt *statement)
{
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    if (!ag_cache_give(&link->cache, statement)) sqlite3_finalize(statement);
}

static int bind_cell(sqlite3_stmt *statement, int at, const ag_cell *cell, sqlite3_destructor_type life)
{
    const char *data = cell->type >= AG_CELL_TEXT && cell->bytes.data ? cell->bytes.data : "";
    switch (cell->type) {
    case AG_CELL_INT: return sqlite3_bind_int64(statement, at, cell->integer);
    case AG_CELL_REAL:
        if (isnan(cell->real)) return sqlite3_bind_text(statement, at, "NaN", 3, SQLITE_STATIC);
        return sqlite3_bind_double(statement, at, cell->real);
    case AG_CELL_TEXT: return sqlite3_bind_text64(statement, at, data, cell->bytes.size, life, SQLITE_UTF8);
    case AG_CELL_BLOB: return sqlite3_bind_blob64(statement, at, data, cell->bytes.size, life);
    default: return sqlite3_bind_null(statement, at);
    }
}

/* `life` says whether SQLite must copy: a query is stepped after the caller's values are gone. */
static int bind_all(ag_sqlite_link *link, const char *name, sqlite3_stmt *statement, const ag_cell *binds, size_t count,
                    sqlite3_destructor_type life, ag_err *err)
{
    size_t wanted = (size_t)sqlite3_bind_parameter_count(statement);
    if (wanted != count) {
        return ag_fail(err, AG_EINVAL, "'%s' has %zu placeholders, %zu values were given", name, wanted, count);
    }
    for (size_t i = 0; i < count; i++) {
        int rc = bind_cell(statement, (int)i + 1, &binds[i], life);
        if (rc != SQLITE_OK) return ag_sqlite_fail(link, rc, name, err);
    }
    return AG_OK;
}

/* One step; notes whether it changed something. A failed statement undoes itself, except where it says OR FAIL. */
static int step(ag_sqlite_link *link, const char *name, sqlite3_stmt *statement, ag_err *err)
{
    if (ag_fault(AG_FAULT_SQL)) return injected(name, err);
    bool writes = !sqlite3_stmt_readonly(statement);
    int before = writes ? sqlite3_total_changes(link->handle) : 0;
    int rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) {
        link->dirty |= writes;
        return rc == SQLITE_ROW;
    }
    link->dirty |= writes && before != sqlite3_total_changes(link->handle);
    return ag_sqlite_fail(link, rc, name, err);
}

static int step_to_end(ag_sqlite_link *link, const char *name, sqlite3_stmt *statement, ag_err *err)
{
    int rc;
    while ((rc = step(link, name, statement, err)) == 1) {
    }
    return rc;
}

int ag_sqlite_command(ag_sqlite_link *link, const char *text, ag_err *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = prepare(link, text, text, &statement, err);
    if (rc < 0) return rc;
    rc = step_to_end(link, text, statement, err);
    release(link, statement);
    return rc;
}

void ag_sqlite_rollback(ag_sqlite_link *link)
{
    if (!sqlite3_get_autocommit(link->handle)) sqlite3_exec(link->handle, "ROLLBACK", NULL, NULL, NULL);
}

int ag_sqlite_run(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err)
{
    ag_sqlite_link *link = tx->connection;
    sqlite3_stmt *statement = NULL;
    int rc = prepare(link, sql->name, sql->text[AG_DIALECT_SQLITE], &statement, err);
    if (rc < 0) return rc;
    rc = check_reader(tx, sql->name, statement, err);
    if (rc == AG_OK) rc = bind_all(link, sql->name, statement, binds, count, SQLITE_STATIC, err);
    if (rc == AG_OK) rc = step_to_end(link, sql->name, statement, err);
    if (rc == AG_OK && changed) {
        *changed = sqlite3_stmt_readonly(statement) ? 0 : sqlite3_changes64(link->handle);
    }
    release(link, statement);
    return rc;
}

static int run_rows(ag_tx *tx, const char *name, const char *text, const ag_cell *binds, size_t rows, size_t columns,
                    ag_err *err)
{
    ag_sqlite_link *link = tx->connection;
    sqlite3_stmt *statement = NULL;
    int rc = prepare(link, name, text, &statement, err);
    if (rc < 0) return rc;
    rc = check_reader(tx, name, statement, err);
    for (size_t row = 0; row < rows && rc == AG_OK; row++) {
        rc = bind_all(link, name, statement, binds + row * columns, columns, SQLITE_STATIC, err);
        if (rc == AG_OK) rc = step_to_end(link, name, statement, err);
        sqlite3_reset(statement);
    }
    release(link, statement);
    return rc;
}

/* INSERT of one row as INSERT of many: SQLite opens its tables, checks and ends a statement once for all of them, and
 * rows in the order of the key find their place beside the one before. */
static int run_grouped(ag_tx *tx, const ag_sql *sql, const ag_insert *insert, const ag_cell *binds, size_t groups,
                       size_t columns, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_buf_add_str(&text, insert->head);
    for (size_t i = 0; i < ROWS_AT_ONCE * columns; i++) {
        const char *before = i == 0 ? "VALUES (" : i % columns == 0 ? "), (" : ", ";
        ag_buf_addf(&text, "%s?%zu", before, i + 1);
    }
    ag_buf_addf(&text, ")%s", insert->rest);
    int rc = ag_buf_check(&text, sql->name, err);
    if (rc >= 0) rc = run_rows(tx, sql->name, text.data, binds, groups, ROWS_AT_ONCE * columns, err);
    ag_buf_deinit(&text);
    return rc;
}

int ag_sqlite_run_many(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err)
{
    const char *text = sql->text[AG_DIALECT_SQLITE];
    ag_insert insert;
    size_t groups = rows / ROWS_AT_ONCE;
    int rc = AG_OK;
    if (groups > 0 && columns <= MOST_GROUPED_COLUMNS && ag_insert_match(text, columns, &insert)) {
        rc = run_grouped(tx, sql, &insert, binds, groups, columns, err);
        binds += groups * ROWS_AT_ONCE * columns;
        rows %= ROWS_AT_ONCE;
    }
    return rc < 0 || rows == 0 ? rc : run_rows(tx, sql->name, text, binds, rows, columns, err);
}

int ag_sqlite_script(ag_tx *tx, const char *text, ag_err *err)
{
    ag_sqlite_link *link = tx->connection;
    while (text[strspn(text, "; \t\r\n")] != '\0') {
        sqlite3_stmt *statement = NULL;
        if (ag_fault(AG_FAULT_SQL)) return injected("script", err);
        int rc = sqlite3_prepare_v2(link->handle, text, -1, &statement, &text);
        if (rc != SQLITE_OK) return ag_sqlite_fail(link, rc, "script", err);
        if (!statement) continue; /* a comment */
        rc = step_to_end(link, "script", statement, err);
        sqlite3_finalize(statement);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

int ag_sqlite_query(ag_rows *rows, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err)
{
    ag_sqlite_link *link = rows->tx->connection;
    sqlite3_stmt *statement = NULL;
    int rc = prepare(link, sql->name, sql->text[AG_DIALECT_SQLITE], &statement, err);
    if (rc < 0) return rc;
    rc = check_reader(rows->tx, sql->name, statement, err);
    if (rc == AG_OK) rc = bind_all(link, sql->name, statement, binds, count, SQLITE_TRANSIENT, err);
    if (rc < 0) {
        release(link, statement);
        return rc;
    }
    rows->columns = (size_t)sqlite3_column_count(statement);
    rows->statement = statement;
    return AG_OK;
}

int ag_sqlite_next(ag_rows *rows, ag_err *err)
{
    if (rows->at) return 0; /* another step would start the statement anew */
    int rc = step(rows->tx->connection, rows->name, rows->statement, err);
    rows->at = rc == 0;
    return rc;
}

ag_cell ag_sqlite_cell(const ag_rows *rows, size_t column)
{
    sqlite3_stmt *statement = rows->statement;
    int at = (int)column;
    ag_str bytes;
    switch (sqlite3_column_type(statement, at)) {
    case SQLITE_INTEGER: return ag_cell_int(sqlite3_column_int64(statement, at));
    case SQLITE_FLOAT: return ag_cell_real(sqlite3_column_double(statement, at));
    case SQLITE_TEXT:
        bytes.data = (const char *)sqlite3_column_text(statement, at);
        bytes.size = (size_t)sqlite3_column_bytes(statement, at);
        return ag_cell_str(bytes);
    case SQLITE_BLOB:
        bytes.data = sqlite3_column_blob(statement, at);
        bytes.size = (size_t)sqlite3_column_bytes(statement, at);
        if (!bytes.data) bytes.data = ""; /* SQLite's way of saying "empty" */
        return ag_cell_blob(bytes);
    default: return ag_cell_null();
    }
}

void ag_sqlite_finish(ag_rows *rows)
{
    if (rows->statement) release(rows->tx->connection, rows->statement);
}
