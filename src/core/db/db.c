// SPDX-License-Identifier: Apache-2.0
/* db.c: the part of the port that is the same for every database: choosing the driver, checking values, the sticky
 * failure of a tx, the list of open rows, conversions. Owns ag_db, ag_tx's common fields and ag_rows. Invariant: a
 * driver is never called with a tx that has failed, so that a closure that goes on after an error cannot do half of its
 * work on one database and none on the other (PostgreSQL forbids it, SQLite would allow it). */
#include "core/db/db.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/db/driver.h"
#include "core/sys/clock.h"

/* SQLite is last: it takes any path. A new database is one more line. */
static const ag_db_driver *const drivers[] = {&ag_db_postgres, &ag_db_sqlite};

static const ag_db_driver *driver_of(const char *url)
{
    for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
        for (const char *const *prefix = drivers[i]->prefixes; *prefix; prefix++) {
            if (strncmp(url, *prefix, strlen(*prefix)) == 0) return drivers[i];
        }
    }
    return strstr(url, "://") ? NULL : &ag_db_sqlite;
}

int ag_db_open(const char *url, const ag_db_options *options, ag_db **out, ag_err *err)
{
    if (!url || !url[0]) return ag_fail(err, AG_EINVAL, "the address of the database is empty");
    const ag_db_driver *driver = driver_of(url);
    if (!driver) {
        int shown = (int)(strstr(url, "://") - url);
        ag_fail(err, AG_EINVAL, "no database speaks '%.*s://'", shown > 32 ? 32 : shown, url);
        return ag_err_hint(err, "use sqlite:///path/to/file.db, a path, or postgresql://host/database");
    }
    ag_db *db = ag_calloc(1, sizeof(*db));
    if (!db) return ag_fail_memory(err, sizeof(*db));
    db->driver = driver;
    if (options) db->options = *options;
    if (db->options.connections == 0) db->options.connections = 16;
    if (db->options.wait <= 0) db->options.wait = 30 * AG_SECOND;
    int rc = driver->open(db, url, err);
    if (rc < 0) {
        ag_db_close(db);
        return rc;
    }
    *out = db;
    return AG_OK;
}

void ag_db_close(ag_db *db)
{
    if (!db) return;
    db->driver->close(db);
    ag_free(db->label);
    ag_free(db);
}

ag_dialect ag_db_dialect(const ag_db *db)
{
    return db->driver->dialect;
}

const char *ag_db_label(const ag_db *db)
{
    return db->label;
}

int ag_db_write_unit(ag_db *db, const ag_db_unit *unit, ag_err *err)
{
    if (db->options.read_only)
        return ag_fail(err, AG_EDENIED, "the database '%s' was opened for reading only", db->label);
    return db->driver->write(db, unit, err);
}

int ag_db_write(ag_db *db, ag_db_fn run, void *context, ag_err *err)
{
    return ag_db_write_unit(db, &(ag_db_unit){.run = run, .context = context}, err);
}

static int settle(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    return ag_tx_script(tx, "ANALYZE", err);
}

int ag_db_settle(ag_db *db, ag_err *err)
{
    return ag_db_dialect(db) == AG_DIALECT_POSTGRES ? ag_db_write(db, settle, NULL, err) : AG_OK;
}

int ag_db_read(ag_db *db, ag_cancel *cancel, ag_db_fn run, void *context, ag_err *err)
{
    int64_t until = ag_monotonic() + db->options.wait;
    for (;;) {
        ag_tx *tx = NULL;
        int rc = ag_db_read_begin(db, cancel, &tx, err);
        if (rc < 0) return rc;
        rc = ag_tx_call(tx, run, context, err);
        bool again = rc < 0 && ag_monotonic() < until && db->driver->read_again(tx);
        ag_db_read_end(tx);
        if (!again) return rc;
        atomic_fetch_add(&db->counters.retries, 1);
    }
}

int ag_db_read_begin(ag_db *db, ag_cancel *cancel, ag_tx **out, ag_err *err)
{
    ag_tx *tx = ag_calloc(1, sizeof(*tx));
    if (!tx) return ag_fail_memory(err, sizeof(*tx));
    tx->db = db;
    tx->cancel = cancel;
    int rc = ag_cancel_check(cancel, err);
    if (rc == AG_OK) rc = db->driver->read_begin(tx, err);
    if (rc < 0) {
        ag_free(tx);
        return rc;
    }
    *out = tx;
    return AG_OK;
}

static void close_rows(ag_tx *tx)
{
    while (tx->open) ag_rows_free(tx->open);
}

void ag_db_read_end(ag_tx *tx)
{
    if (!tx) return;
    close_rows(tx);
    tx->db->driver->read_end(tx);
    ag_free(tx);
}

int ag_tx_call(ag_tx *tx, ag_db_fn run, void *context, ag_err *err)
{
    ag_err mine = {0};
    int rc = run(tx, context, err ? err : &mine);
    close_rows(tx);
    if (rc >= 0 && tx->failure.code < 0) {
        if (err) *err = tx->failure;
        rc = tx->failure.code;
    }
    return rc;
}

/* ---- statements ---- */

/* Remembers the first failure, so that the tx does nothing more. */
static int stick(ag_tx *tx, int rc, ag_err *err)
{
    if (rc < 0 && tx->failure.code == 0) {
        if (err) {
            tx->failure = *err;
        } else {
            ag_fail(&tx->failure, (ag_code)rc, "a statement failed");
        }
    }
    return rc;
}

static int check_cell(const ag_cell *cell, size_t index, const char *name, ag_err *err)
{
    if (cell->type != AG_CELL_TEXT) return AG_OK;
    const char *wrong = NULL;
    if (memchr(cell->bytes.data ? cell->bytes.data : "", 0, cell->bytes.size)) {
        wrong = "holds a NUL byte";
    } else if (!ag_utf8_valid(cell->bytes)) {
        wrong = "is not UTF-8";
    }
    if (!wrong) return AG_OK;
    return ag_fail(err, AG_EINVAL, "the text for placeholder ?%zu of '%s' %s: only a blob can hold it", index + 1, name,
                   wrong);
}

static int check_call(ag_tx *tx, const char *name, const ag_cell *binds, size_t count, size_t columns, ag_err *err)
{
    if (tx->failure.code < 0) {
        if (err) *err = tx->failure;
        return tx->failure.code;
    }
    int rc = ag_cancel_check(tx->cancel, err);
    for (size_t i = 0; i < count && rc == AG_OK; i++) rc = check_cell(&binds[i], i % columns, name, err);
    return rc;
}

ag_dialect ag_tx_dialect(const ag_tx *tx)
{
    return tx->db->driver->dialect;
}

void ag_tx_limit_rows(ag_tx *tx, uint64_t rows)
{
    tx->row_limit = rows;
}

int ag_tx_run(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err)
{
    ag_err mine;
    if (!err) err = &mine;
    int rc = check_call(tx, sql->name, binds, count, count, err);
    if (rc == AG_OK) rc = tx->db->driver->run(tx, sql, binds, count, changed, err);
    return stick(tx, rc, err);
}

int ag_tx_run_many(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err)
{
    ag_err mine;
    if (!err) err = &mine;
    if (rows == 0) return AG_OK;
    if (columns != 0 && rows > SIZE_MAX / sizeof(ag_cell) / columns) {
        return stick(tx, ag_fail(err, AG_EINVAL, "%zu rows of %zu values are too many", rows, columns), err);
    }
    int rc = check_call(tx, sql->name, binds, rows * columns, columns, err);
    if (rc == AG_OK) rc = tx->db->driver->run_many(tx, sql, binds, rows, columns, err);
    return stick(tx, rc, err);
}

int ag_tx_script(ag_tx *tx, const char *text, ag_err *err)
{
    ag_err mine;
    if (!err) err = &mine;
    int rc = check_call(tx, "a script", NULL, 0, 1, err);
    if (rc == AG_OK) rc = tx->db->driver->script(tx, text, err);
    return stick(tx, rc, err);
}

int ag_tx_query(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, ag_rows **out, ag_err *err)
{
    ag_err mine;
    if (!err) err = &mine;
    int rc = check_call(tx, sql->name, binds, count, count, err);
    if (rc < 0) return stick(tx, rc, err);
    ag_rows *rows = ag_calloc(1, sizeof(*rows));
    if (!rows) return stick(tx, ag_fail_memory(err, sizeof(*rows)), err);
    rows->tx = tx;
    rows->name = sql->name;
    rows->limit = tx->row_limit;
    rc = tx->db->driver->query(rows, sql, binds, count, err);
    if (rc < 0) {
        ag_free(rows);
        return stick(tx, rc, err);
    }
    rows->next = tx->open;
    tx->open = rows;
    *out = rows;
    return AG_OK;
}

int ag_rows_next(ag_rows *rows, ag_err *err)
{
    ag_err mine;
    if (!err) err = &mine;
    ag_tx *tx = rows->tx;
    rows->on_row = false;
    int rc = check_call(tx, rows->name, NULL, 0, 1, err);
    if (rc == AG_OK) rc = tx->db->driver->next(rows, err);
    if (rc == 1 && rows->limit != 0 && ++rows->seen > rows->limit) {
        rc = ag_fail(err, AG_ELIMIT, "'%s' gives more than the %llu rows allowed", rows->name,
                     (unsigned long long)rows->limit);
    }
    rows->on_row = rc == 1;
    return stick(tx, rc, err);
}

void ag_rows_free(ag_rows *rows)
{
    if (!rows) return;
    ag_rows **at = &rows->tx->open;
    while (*at && *at != rows) at = &(*at)->next;
    if (*at) *at = rows->next;
    rows->tx->db->driver->finish(rows);
    ag_free(rows);
}

/* ---- values ---- */

size_t ag_rows_columns(const ag_rows *rows)
{
    return rows->columns;
}

ag_cell ag_rows_cell(const ag_rows *rows, size_t column)
{
    if (!rows->on_row || column >= rows->columns) return ag_cell_null();
    return rows->tx->db->driver->cell(rows, column);
}

bool ag_rows_is_null(const ag_rows *rows, size_t column)
{
    return ag_rows_cell(rows, column).type == AG_CELL_NULL;
}

int64_t ag_rows_int(const ag_rows *rows, size_t column)
{
    ag_cell cell = ag_rows_cell(rows, column);
    if (cell.type == AG_CELL_INT) return cell.integer;
    if (cell.type != AG_CELL_REAL || isnan(cell.real)) return 0;
    if (cell.real >= 9223372036854775808.0) return INT64_MAX;
    if (cell.real < -9223372036854775808.0) return INT64_MIN;
    return (int64_t)cell.real;
}

double ag_rows_real(const ag_rows *rows, size_t column)
{
    ag_cell cell = ag_rows_cell(rows, column);
    if (cell.type == AG_CELL_REAL) return cell.real;
    if (cell.type == AG_CELL_INT) return (double)cell.integer;
    if (cell.type == AG_CELL_TEXT && ag_str_is(cell.bytes, "NaN")) return NAN;
    return 0;
}

ag_str ag_rows_text(const ag_rows *rows, size_t column)
{
    ag_cell cell = ag_rows_cell(rows, column);
    if (cell.type == AG_CELL_TEXT || cell.type == AG_CELL_BLOB) return cell.bytes;
    return (ag_str){NULL, 0};
}

int ag_tx_get_int(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *out, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, sql, binds, count, &rows, err);
    if (rc < 0) return rc;
    rc = ag_rows_next(rows, err);
    if (rc == 1) {
        if (ag_rows_is_null(rows, 0)) {
            rc = 0;
        } else {
            *out = ag_rows_int(rows, 0);
        }
    }
    ag_rows_free(rows);
    return rc;
}

/* ---- the whole database ---- */

int ag_db_backup(ag_db *db, const char *path, ag_cancel *cancel, ag_err *err)
{
    return db->driver->backup(db, path, cancel, err);
}

int ag_db_verify(ag_db *db, ag_cancel *cancel, ag_err *err)
{
    return db->driver->verify(db, cancel, err);
}

ag_db_stats ag_db_stats_read(const ag_db *db)
{
    return (ag_db_stats){
        .units = atomic_load(&db->counters.units),
        .commits = atomic_load(&db->counters.commits),
        .retries = atomic_load(&db->counters.retries),
        .prepared = atomic_load(&db->counters.prepared),
        .connects = atomic_load(&db->counters.connects),
    };
}
