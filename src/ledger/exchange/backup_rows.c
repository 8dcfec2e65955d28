// SPDX-License-Identifier: Apache-2.0
/* backup_rows.c: all rows of a ledger into another database. Tables are taken in an order in which what a row refers to
 * is there before it; their columns come from SQLite's own catalogue, so a new table needs nothing here. All is read at
 * one moment; it is written in units of a few thousand rows, which is why nobody may use the target yet. */
#include "core/db/migrate.h"
#include "ledger/exchange/backup.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { AT_ONCE = 2000 };

typedef struct table {
    const char *name;
    const char *columns, *values; /* "a", "b"; ?1, ?2 */
    size_t width;
    bool ids;  /* the database hands out its ids */
    bool done; /* its rows may be referred to */
    const char **parents;
    size_t parent_count;
} table;

typedef struct job {
    ag_db *to;
    ag_tx *from;
    const ag_backup_options *options;
    ag_arena *arena, *piece;
    ag_vec tables;
    ag_vec cells;   /* of the rows that wait */
    size_t waiting; /* how many rows that is */
    const table *at;
    size_t cursor;
    uint64_t rows;
} job;

static int statement(job *j, const ag_sql *sql, ag_dialect dialect, const table *t, ag_sql *out, ag_err *err)
{
    char cursor[32];
    ag_format(cursor, sizeof(cursor), "auger_rows_%zu", j->cursor);
    const ag_mark marks[] = {
        {"/*table*/", t->name}, {"/*columns*/", t->columns}, {"/*values*/", t->values}, {"/*cursor*/", cursor}};
    return ag_statement_fill(j->arena, sql, dialect, marks, 4, out, err);
}

/* ---- what there is ---- */

static int read_names(ag_tx *tx, const ag_sql *sql, const char *of, ag_arena *arena, ag_vec *out, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_cell bind = ag_cell_text(of);
    int rc = ag_tx_query(tx, sql, &bind, of ? 1 : 0, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        const char **name = ag_vec_add(out);
        rc = name ? ag_take_text(rows, 0, arena, name, err) : ag_fail_memory(err, sizeof(*name));
    }
    ag_rows_free(rows);
    return rc;
}

static int read_columns(ag_tx *tx, table *t, ag_arena *arena, ag_err *err)
{
    ag_rows *rows = NULL;
    t->columns = t->values = "";
    int rc = ag_tx_query(tx, &AG_SQL_BACKUP_COLUMNS, AG_BINDS(ag_cell_text(t->name)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_str name = ag_rows_text(rows, 0);
        const char *comma = t->width ? ", " : "";
        t->ids = t->ids || (ag_str_is(name, "id") && ag_rows_int(rows, 1));
        t->width++;
        t->columns = ag_arena_printf(arena, "%s%s\"%.*s\"", t->columns, comma, AG_STR_ARG(name));
        t->values = ag_arena_printf(arena, "%s%s?%zu", t->values, comma, t->width);
        if (!t->columns || !t->values) rc = ag_fail_memory(err, 1);
    }
    ag_rows_free(rows);
    return rc;
}

static int read_schema(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_vec names;
    ag_vec_init(&names, sizeof(const char *));
    ag_vec_clear(&j->tables);
    int rc = read_names(tx, &AG_SQL_BACKUP_TABLES, NULL, j->arena, &names, err);
    for (size_t i = 0; i < names.count && rc >= 0; i++) {
        table t = {.name = *(const char **)ag_vec_at(&names, i)};
        ag_vec parents;
        ag_vec_init(&parents, sizeof(const char *));
        rc = read_columns(tx, &t, j->arena, err);
        if (rc >= 0) rc = read_names(tx, &AG_SQL_BACKUP_PARENTS, t.name, j->arena, &parents, err);
        void *items = NULL;
        t.parent_count = parents.count;
        if (rc >= 0) rc = ag_take_items(&parents, j->arena, &items, err);
        t.parents = items;
        if (rc >= 0) rc = ag_vec_push(&j->tables, &t, err);
        ag_vec_deinit(&parents);
    }
    ag_vec_deinit(&names);
    return rc;
}

static bool is_done(const job *j, const char *name, const table *self)
{
    if (strcmp(name, self->name) == 0) return true;
    for (size_t i = 0; i < j->tables.count; i++) {
        const table *t = ag_vec_at(&j->tables, i);
        if (strcmp(t->name, name) == 0) return t->done;
    }
    return true;
}

/* A table whose parents are all there; NULL when none is left. */
static table *next_table(job *j)
{
    for (size_t i = 0; i < j->tables.count; i++) {
        table *t = ag_vec_at(&j->tables, i);
        bool ready = !t->done;
        for (size_t k = 0; k < t->parent_count && ready; k++) ready = is_done(j, t->parents[k], t);
        if (ready) return t;
    }
    return NULL;
}

/* ---- rows ---- */

static int write_rows(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_sql sql;
    int rc = statement(j, &AG_SQL_BACKUP_WRITE, ag_tx_dialect(tx), j->at, &sql, err);
    return rc < 0 ? rc : ag_tx_run_many(tx, &sql, j->cells.items, j->waiting, j->at->width, err);
}

static int flush(job *j, ag_err *err)
{
    int rc = ag_cancel_check(j->options->cancel, err);
    if (rc >= 0 && j->waiting) rc = ag_db_write(j->to, write_rows, j, err);
    j->rows += j->waiting;
    ag_progress_add(j->options->progress, j->waiting, 0);
    j->waiting = 0;
    ag_vec_clear(&j->cells);
    ag_arena_reset(j->piece);
    return rc;
}

static int keep_row(job *j, const ag_rows *rows, ag_err *err)
{
    for (size_t c = 0; c < j->at->width; c++) {
        ag_cell *cell = ag_vec_add(&j->cells);
        if (!cell) return ag_fail_memory(err, sizeof(*cell));
        *cell = ag_rows_cell(rows, c);
        if (cell->type != AG_CELL_TEXT && cell->type != AG_CELL_BLOB) continue;
        const char *copy = ag_arena_strndup(j->piece, cell->bytes.data ? cell->bytes.data : "", cell->bytes.size);
        if (!copy) return ag_fail_memory(err, cell->bytes.size);
        cell->bytes.data = copy;
    }
    return ++j->waiting < AT_ONCE ? AG_OK : flush(j, err);
}

/* 1 there were some, 0 the end. */
static int copy_rows(job *j, const ag_sql *sql, ag_err *err)
{
    ag_rows *rows = NULL;
    ag_sql filled;
    bool any = false;
    int rc = statement(j, sql, ag_tx_dialect(j->from), j->at, &filled, err);
    if (rc >= 0) rc = ag_tx_query(j->from, &filled, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        any = true;
        rc = keep_row(j, rows, err);
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : any;
}

static int set_ids(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_sql sql;
    int64_t ignored;
    int rc = statement(j, &AG_SQL_BACKUP_IDS, ag_tx_dialect(tx), j->at, &sql, err);
    return rc < 0 ? rc : ag_tx_get_int(tx, &sql, AG_NO_BINDS, &ignored, err);
}

static int copy_table(job *j, table *t, ag_err *err)
{
    j->at = t;
    j->cursor++;
    int rc = copy_rows(j, &AG_SQL_BACKUP_READ, err);
    while (rc >= 0 && ag_tx_dialect(j->from) == AG_DIALECT_POSTGRES) {
        rc = copy_rows(j, &AG_SQL_BACKUP_NEXT, err);
        if (rc == 0) break;
    }
    if (rc >= 0) rc = flush(j, err);
    if (rc >= 0 && t->ids) rc = ag_db_write(j->to, set_ids, j, err);
    t->done = true;
    return rc;
}

int ag_backup_rows(ag_db *from, ag_db *to, const ag_backup_options *options, uint64_t *rows, ag_err *err)
{
    job j = {.to = to, .options = options, .arena = ag_arena_new(0), .piece = ag_arena_new(0)};
    ag_db *catalogue = ag_db_dialect(from) == AG_DIALECT_SQLITE ? from : to;
    table *t;
    ag_vec_init(&j.tables, sizeof(table));
    ag_vec_init(&j.cells, sizeof(ag_cell));
    int rc = j.arena && j.piece ? AG_OK : ag_fail_memory(err, 1);
    if (rc >= 0) rc = ag_db_read(catalogue, options->cancel, read_schema, &j, err);
    if (rc >= 0) rc = ag_db_read_begin(from, options->cancel, &j.from, err);
    while (rc >= 0 && (t = next_table(&j))) rc = copy_table(&j, t, err);
    ag_db_read_end(j.from);
    *rows = j.rows;
    ag_vec_deinit(&j.tables);
    ag_vec_deinit(&j.cells);
    ag_arena_free(j.arena);
    ag_arena_free(j.piece);
    return rc < 0 ? rc : AG_OK;
}
