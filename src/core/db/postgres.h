// SPDX-License-Identifier: Apache-2.0
#pragma once
/* postgres.h: what the files of the PostgreSQL driver share: postgres.c (pool, connecting, reading, the whole
 * database), postgres_write.c (units, retries), postgres_statement.c (statements and values), postgres_value.c (the
 * wire's form of a value). */
#include "core/base/buf.h"
#include "core/db/cache.h"
#include "core/db/driver.h"
#include "core/db/postgres_lib.h"
#include "core/db/slots.h"

typedef struct ag_postgres_store {
    const ag_libpq *pq;
    char *url;
    ag_slots *links;
} ag_postgres_store;

typedef struct ag_postgres_link { /* one connection; one thread uses it at a time */
    const ag_libpq *pq;
    PGconn *handle;
    ag_db *db;
    uint64_t statements; /* names given to prepared statements so far */
    bool lost;           /* the connection is gone, or its state is not known */
    bool pending;        /* the answer to the ROLLBACK of a reading has not been taken yet */
    bool again;          /* the last failure was a serialization failure or a deadlock */
    ag_cache cache;      /* key: types and text; item: ag_postgres_statement */
} ag_postgres_link;

typedef struct ag_postgres_statement {
    char name[32];
    size_t placeholders;
} ag_postgres_statement;

/* ---- postgres.c ---- */
/* A connection that is open as far as is known; waits for a server that is away, as long as the options say. `until`
 * (ag_monotonic) bounds the waiting of all tries of one call. */
int ag_postgres_take(ag_db *db, int64_t until, ag_cancel *cancel, ag_postgres_link **out, ag_err *err);
/* Back into the pool, or closed when it is lost. */
void ag_postgres_give(ag_postgres_link *link);

/* ---- postgres_write.c ---- */
int ag_postgres_write(ag_db *db, const ag_db_unit *unit, ag_err *err);

/* ---- postgres_statement.c ---- */
/* A command of the driver's own; the text is the same for every call. */
int ag_postgres_command(ag_postgres_link *link, const char *text, ag_cancel *cancel, ag_err *err);
/* The code and text for a result that is an error, or for none (NULL: the connection broke). Sets lost and again. */
int ag_postgres_fail(ag_postgres_link *link, const PGresult *result, const char *name, ag_cancel *cancel, ag_err *err);
/* Waits for the results of what was sent and keeps the last, NULL when the connection broke. */
PGresult *ag_postgres_wait(ag_postgres_link *link, ag_cancel *cancel);
int ag_postgres_run(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err);
int ag_postgres_run_many(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err);
int ag_postgres_script(ag_tx *tx, const char *text, ag_err *err);
int ag_postgres_query(ag_rows *rows, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err);
int ag_postgres_next(ag_rows *rows, ag_err *err);
ag_cell ag_postgres_cell(const ag_rows *rows, size_t column);
void ag_postgres_finish(ag_rows *rows);

/* ---- postgres_value.c ---- */
/* ?N becomes $N outside of quotes and comments; *placeholders is the largest N. */
int ag_postgres_rewrite(const char *text, ag_buf *out, size_t *placeholders, ag_err *err);
/* The type that a value is sent as; 0 for null, which the server infers. */
Oid ag_postgres_type(ag_cell_type type);
/* A value in binary form: points into the cell or into `room`. */
const char *ag_postgres_encode(const ag_cell *cell, char room[8], int *size);
bool ag_postgres_can_decode(Oid type);
/* A value of a result, of a type that can be decoded. */
ag_cell ag_postgres_decode(Oid type, const char *data, size_t size);
/* A column of values as one array: the whole of `rows` values, `columns` apart. */
int ag_postgres_array(const ag_cell *cells, size_t rows, size_t columns, ag_cell_type type, ag_buf *out);
Oid ag_postgres_array_type(ag_cell_type type);
