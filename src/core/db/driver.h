// SPDX-License-Identifier: Apache-2.0
#pragma once
/* driver.h: what a database has to bring along. For drivers and db.c only; everybody else calls db.h. A new database is
 * one file with an ag_db_driver and one line in the list in db.c; the conformance suite in tests/conformance says when
 * it is done. */
#include <stdatomic.h>

#include "core/db/db.h"

typedef struct ag_db_counters {
    atomic_uint_fast64_t units, commits, retries, prepared, connects;
} ag_db_counters;

typedef struct ag_db_driver ag_db_driver;

struct ag_db {
    const ag_db_driver *driver;
    void *store;           /* the driver's */
    ag_db_options options; /* defaults filled in */
    char *label;
    ag_db_counters counters;
};

struct ag_rows {
    ag_tx *tx;
    ag_rows *next;    /* the tx's list of open rows */
    const char *name; /* of the statement, for messages */
    uint64_t seen, limit;
    bool on_row;
    size_t columns;
    void *statement; /* the driver's */
    int64_t at;      /* the driver's */
};

struct ag_tx {
    ag_db *db;
    void *connection; /* the driver's */
    ag_cancel *cancel;
    bool writable;
    uint64_t row_limit;
    ag_rows *open;
    ag_err failure; /* the first failed statement; code 0 while all is well */
};

/* All slots are required. Each may assume: checked arguments (binds are valid text, counts fit), a tx that has not
 * failed. Each writes a full error text and asks ag_fault(AG_FAULT_SQL) before it calls the database. */
struct ag_db_driver {
    const char *name;
    ag_dialect dialect;
    const char *const *prefixes; /* "postgresql://": what a URL begins with; ended by NULL */
    /* `db` has driver, options and counters; sets store and label. On failure close is called. */
    int (*open)(ag_db *db, const char *url, ag_err *err);
    void (*close)(ag_db *db); /* safe after a failed open */
    int (*write)(ag_db *db, const ag_db_unit *unit, ag_err *err);
    /* `tx` has db and cancel set. */
    int (*read_begin)(ag_tx *tx, ag_err *err);
    void (*read_end)(ag_tx *tx); /* its rows are closed */
    /* True when a failed reading may be run again because only the connection was lost. */
    bool (*read_again)(ag_tx *tx);
    int (*run)(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err);
    int (*run_many)(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err);
    int (*script)(ag_tx *tx, const char *text, ag_err *err);
    int (*query)(ag_rows *rows, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err);
    int (*next)(ag_rows *rows, ag_err *err);
    ag_cell (*cell)(const ag_rows *rows, size_t column);
    void (*finish)(ag_rows *rows);
    /* Called first in a migration's unit: lasts until its end and keeps other migrators out. */
    int (*lock_migrations)(ag_tx *tx, ag_err *err);
    int (*backup)(ag_db *db, const char *path, ag_cancel *cancel, ag_err *err);
    int (*verify)(ag_db *db, ag_cancel *cancel, ag_err *err);
};

extern const ag_db_driver ag_db_sqlite;
extern const ag_db_driver ag_db_postgres;

/* For drivers: runs a unit's function on a tx; a sticky failure wins over what the function says. Closes open rows. */
int ag_tx_call(ag_tx *tx, ag_db_fn run, void *context, ag_err *err);
