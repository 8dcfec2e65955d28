// SPDX-License-Identifier: Apache-2.0
#pragma once
/* db.h: the SQL port. SQLite (a file, the default) and PostgreSQL (by URL) behave the same through it; what differs is
 * said here. Work is given as functions: a unit of writing is atomic, durable when the call returns, and runs as if it
 * were alone; readers see one moment and never wait for writers. "Busy" and lost connections are dealt with inside.
 * All functions are thread-safe; an ag_tx and its rows belong to one thread. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/base/str.h"
#include "core/db/sql.h"
#include "core/sys/cancel.h"

typedef struct ag_db ag_db;
typedef struct ag_tx ag_tx;     /* inside one unit of writing or reading */
typedef struct ag_rows ag_rows; /* the rows of one query */

typedef struct ag_db_options {
    unsigned connections; /* the most at a time; 0: 16. SQLite: readers, beside the one writer */
    int64_t wait;         /* microseconds a call waits for a lock, a connection or a server that is away; 0: 30 s */
    bool read_only;       /* every write is refused */
    bool must_exist;      /* SQLite: do not make the file */
} ag_db_options;

/* "sqlite:///absolute/path.db", "sqlite:relative.db", a plain path, "sqlite::memory:", "postgresql://..." or
 * "postgres://..." (all that libpq takes, several hosts and sslmode too). `options` may be NULL. */
int ag_db_open(const char *url, const ag_db_options *options, ag_db **out, ag_err *err);
/* Nothing may be under way. NULL is fine. */
void ag_db_close(ag_db *db);
ag_dialect ag_db_dialect(const ag_db *db);
const char *ag_db_label(const ag_db *db); /* for messages: the path, or host and database, never a password */

/* ---- values ---- */

typedef enum ag_cell_type { AG_CELL_NULL, AG_CELL_INT, AG_CELL_REAL, AG_CELL_TEXT, AG_CELL_BLOB } ag_cell_type;

/* One value on its way in or out. NaN and the infinities survive. SQLite has no NaN: it is kept as the text 'NaN',
 * which is larger than every number and equal to itself there, as NaN is in PostgreSQL; ask with ag_rows_real(). Sums
 * and means over a NaN differ (SQLite counts 0). A column that may hold NaN must not be in a STRICT table. Text is
 * UTF-8 without NUL on both; everything else is a blob. */
typedef struct ag_cell {
    ag_cell_type type;
    union {
        int64_t integer;
        double real;
        ag_str bytes; /* borrowed during the call */
    };
} ag_cell;

static inline ag_cell ag_cell_null(void)
{
    return (ag_cell){.type = AG_CELL_NULL};
}
static inline ag_cell ag_cell_int(int64_t value)
{
    return (ag_cell){.type = AG_CELL_INT, .integer = value};
}
static inline ag_cell ag_cell_real(double value)
{
    return (ag_cell){.type = AG_CELL_REAL, .real = value};
}
static inline ag_cell ag_cell_text(const char *value) /* NULL gives null */
{
    return value ? (ag_cell){.type = AG_CELL_TEXT, .bytes = ag_str_of(value)} : ag_cell_null();
}
static inline ag_cell ag_cell_str(ag_str value) /* data NULL gives null */
{
    return value.data ? (ag_cell){.type = AG_CELL_TEXT, .bytes = value} : ag_cell_null();
}
static inline ag_cell ag_cell_blob(ag_str value)
{
    return (ag_cell){.type = AG_CELL_BLOB, .bytes = value};
}

/* Two arguments, values and their number: ag_tx_run(tx, &AG_SQL_X, AG_BINDS(ag_cell_int(1), ag_cell_text("a")), ...).
 */
#define AG_BINDS(...) (const ag_cell[]){__VA_ARGS__}, sizeof((const ag_cell[]){__VA_ARGS__}) / sizeof(ag_cell)
#define AG_NO_BINDS NULL, 0

/* ---- units ---- */

/* May be run more than once (a neighbour of its group failed, the database asked for a retry): it must not keep the
 * effects of an earlier run, and may run on another thread than the caller's while that waits. >= 0 commits, < 0 rolls
 * back. After a statement has failed every further one fails too, and the unit does not commit: ask beforehand, or
 * write ON CONFLICT. */
typedef int (*ag_db_fn)(ag_tx *tx, void *context, ag_err *err);

typedef enum ag_isolation {
    AG_ISOLATION_SERIAL,    /* as if units ran one after the other */
    AG_ISOLATION_STATEMENT, /* each statement sees what is committed: for units that only add. SQLite: serial too */
} ag_isolation;

typedef struct ag_db_unit {
    ag_db_fn run;
    void *context;
    /* Optional: 1 when the unit's effects are in the database, 0 when not. Asked when a connection was lost while the
     * server was committing; without it that is AG_EUNAVAILABLE with a text that says the outcome is unknown. */
    ag_db_fn landed;
    ag_cancel *cancel; /* may be NULL */
    ag_isolation isolation;
} ag_db_unit;

/* Returns what `run` returned once its effects are durable. SQLite: units that wait at the same time share one
 * transaction and one fsync; a unit that fails leaves its neighbours alone. */
int ag_db_write_unit(ag_db *db, const ag_db_unit *unit, ag_err *err);
int ag_db_write(ag_db *db, ag_db_fn run, void *context, ag_err *err);

/* After very many rows have come at once: lets PostgreSQL count what it plans by, which by itself it does up to minutes
 * later; until then a query over three tables may take a thousand times as long. SQLite plans without: nothing to do.
 */
int ag_db_settle(ag_db *db, ag_err *err);

/* Reading at one moment, the time of the first query. `cancel` may be NULL; it also carries a deadline. `run` may be
 * run again when a connection was lost. Inside a unit of writing use its own tx. */
int ag_db_read(ag_db *db, ag_cancel *cancel, ag_db_fn run, void *context, ag_err *err);
/* The same as a handle, for readers that stream. A handle takes one connection until it is ended. */
int ag_db_read_begin(ag_db *db, ag_cancel *cancel, ag_tx **out, ag_err *err);
void ag_db_read_end(ag_tx *tx); /* NULL is fine */

/* ---- statements ---- */

ag_dialect ag_tx_dialect(const ag_tx *tx);
/* Every query begun after this fails with AG_ELIMIT at the row after `rows`; 0: no limit. */
void ag_tx_limit_rows(ag_tx *tx, uint64_t rows);
/* One statement whose rows, if any, are not wanted. *changed (may be NULL): rows inserted, updated or deleted. */
int ag_tx_run(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err);
/* One statement many times: `binds` holds rows x columns values. Quick on both: a prepared loop, or few round trips.
 * The first failure fails the whole. */
int ag_tx_run_many(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err);
/* Any number of statements without values, as in a migration. */
int ag_tx_script(ag_tx *tx, const char *text, ag_err *err);

/* Rows must be freed before the tx ends (what is left open is closed then). PostgreSQL: the result is in memory whole,
 * so page through what may be large. */
int ag_tx_query(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, ag_rows **out, ag_err *err);
int ag_rows_next(ag_rows *rows, ag_err *err); /* 1 there is one, 0 the end, < 0 failure */
void ag_rows_free(ag_rows *rows);             /* NULL is fine */
size_t ag_rows_columns(const ag_rows *rows);
/* Of the current row, columns from 0; slices live until the next ag_rows_next(). Out of range and null: AG_CELL_NULL.
 */
ag_cell ag_rows_cell(const ag_rows *rows, size_t column);
bool ag_rows_is_null(const ag_rows *rows, size_t column);
int64_t ag_rows_int(const ag_rows *rows, size_t column); /* null and text: 0; a real: cut, kept within the range */
double ag_rows_real(const ag_rows *rows, size_t column); /* null and text: 0, but NaN for a kept NaN */
ag_str ag_rows_text(const ag_rows *rows, size_t column); /* text or blob; otherwise data NULL */

/* The first column of the first row: 1 with *out set, 0 when there is no row or it is null. */
int ag_tx_get_int(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *out, ag_err *err);

/* ---- the whole database ---- */

/* A consistent copy into a new file while work goes on; nothing is under `path` before it is whole. Replaces an old
 * file. PostgreSQL: AG_EUNSUPPORTED, naming pg_dump. */
int ag_db_backup(ag_db *db, const char *path, ag_cancel *cancel, ag_err *err);
/* AG_ECORRUPT with the first finding. SQLite reads every page; PostgreSQL asks the server for what it knows. */
int ag_db_verify(ag_db *db, ag_cancel *cancel, ag_err *err);

typedef struct ag_db_stats {
    uint64_t units;    /* units of writing that were committed */
    uint64_t commits;  /* transactions that carried them */
    uint64_t retries;  /* runs that were repeated */
    uint64_t prepared; /* statements parsed by the database (the rest came from the cache) */
    uint64_t connects; /* connections opened */
} ag_db_stats;
ag_db_stats ag_db_stats_read(const ag_db *db);
