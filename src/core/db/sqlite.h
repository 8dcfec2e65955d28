// SPDX-License-Identifier: Apache-2.0
#pragma once
/* sqlite.h: what the files of the SQLite driver share: sqlite.c (opening, reading, the whole database),
 * sqlite_write.c (group commit), sqlite_statement.c (one connection and its statements). */
#include <pthread.h>
#include <sqlite3.h>

#include "core/db/cache.h"
#include "core/db/driver.h"
#include "core/db/slots.h"

typedef struct ag_sqlite_link { /* one connection; one thread uses it at a time */
    sqlite3 *handle;
    ag_db *db;
    ag_cancel *cancel; /* of the work under way; looked at by the progress and busy handlers */
    int64_t busy_since;
    bool dirty; /* the unit under way has changed something */
    ag_cache cache;
} ag_sqlite_link;

typedef struct ag_sqlite_writer ag_sqlite_writer; /* the queue of units before the one writing connection */

typedef struct ag_sqlite_store {
    char *path;
    bool memory; /* one connection for all: readers stand in the writer's queue */
    ag_slots *readers;
    ag_sqlite_writer *writer;
} ag_sqlite_store;

/* ---- sqlite_statement.c ---- */
int ag_sqlite_connect(ag_db *db, const char *path, bool writable, ag_sqlite_link **out, ag_err *err);
void ag_sqlite_disconnect(ag_sqlite_link *link);
/* Who is asked to stop while the link works; NULL for nobody. */
void ag_sqlite_watch(ag_sqlite_link *link, ag_cancel *cancel);
/* A statement of the driver's own (BEGIN, COMMIT ...). */
int ag_sqlite_command(ag_sqlite_link *link, const char *text, ag_err *err);
void ag_sqlite_rollback(ag_sqlite_link *link);
/* The code and text for what SQLite just returned. */
int ag_sqlite_fail(ag_sqlite_link *link, int rc, const char *name, ag_err *err);

int ag_sqlite_run(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err);
int ag_sqlite_run_many(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err);
int ag_sqlite_script(ag_tx *tx, const char *text, ag_err *err);
int ag_sqlite_query(ag_rows *rows, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err);
int ag_sqlite_next(ag_rows *rows, ag_err *err);
ag_cell ag_sqlite_cell(const ag_rows *rows, size_t column);
void ag_sqlite_finish(ag_rows *rows);

/* ---- sqlite_write.c ---- */
/* Takes over the link. */
int ag_sqlite_writer_new(ag_sqlite_link *link, ag_sqlite_writer **out, ag_err *err);
void ag_sqlite_writer_free(ag_sqlite_writer *writer);
int ag_sqlite_write(ag_db *db, const ag_db_unit *unit, ag_err *err);
/* The writing connection for oneself, for reading a database in memory. */
int ag_sqlite_writer_take(ag_sqlite_writer *writer, ag_cancel *cancel, ag_sqlite_link **out, ag_err *err);
void ag_sqlite_writer_give(ag_sqlite_writer *writer);
