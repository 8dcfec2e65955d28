// SPDX-License-Identifier: Apache-2.0
/* postgres_statement.c: statements on one connection. Each text is prepared once per connection and combination of
 * value types (types are stated, never guessed by the server, so that a value means the same on both databases). A
 * batch goes as one INSERT over arrays where its shape allows it, else as a pipeline. Waiting looks at the cancel and
 * then asks the server to stop; the connection stays good. */
#include <poll.h>
#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/db/insert.h"
#include "core/db/postgres.h"

#define LOOK_EVERY_MS 20
#define ASK_EVERY 50 /* looks */
#define PIPELINE_CHUNK 256
#define LONGEST_SQL (16u << 20)

/* ---- errors ---- */

static ag_code code_of(const char *state)
{
    static const struct {
        const char *prefix;
        ag_code code;
    } codes[] = {
        {"23505", AG_EEXISTS},      {"23503", AG_ECONFLICT}, {"23", AG_EINVAL},       {"22", AG_EINVAL},
        {"25006", AG_EDENIED},      {"40", AG_ECONFLICT},    {"55P03", AG_ECONFLICT}, {"53100", AG_EFULL},
        {"53200", AG_ENOMEM},       {"53", AG_EUNAVAILABLE}, {"54", AG_ELIMIT},       {"57014", AG_ECANCELLED},
        {"57P", AG_EUNAVAILABLE},   {"58", AG_EIO},          {"08", AG_EUNAVAILABLE}, {"28", AG_EAUTH},
        {"42501", AG_EDENIED},      {"3D000", AG_ENOTFOUND}, {"XX001", AG_ECORRUPT},  {"XX002", AG_ECORRUPT},
        {"0A000", AG_EUNSUPPORTED},
    };
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strncmp(state, codes[i].prefix, strlen(codes[i].prefix)) == 0) return codes[i].code;
    }
    return AG_EINTERNAL;
}

/* libpq ends its messages with a newline and may add lines; the first says it. */
static int first_line(const char *text)
{
    return (int)strcspn(text ? text : "", "\n");
}

int ag_postgres_fail(ag_postgres_link *link, const PGresult *result, const char *name, ag_cancel *cancel, ag_err *err)
{
    const ag_libpq *pq = link->pq;
    /* An error without a state is libpq's own: the server did not get to say anything. */
    const char *state = result ? pq->PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    if (!state || pq->PQstatus(link->handle) != CONNECTION_OK || strncmp(state, "57P", 3) == 0 ||
        strncmp(state, "08", 2) == 0) {
        const char *text = pq->PQerrorMessage(link->handle);
        link->lost = true;
        return ag_fail(err, AG_EUNAVAILABLE, "%s: the connection to %s was lost: %.*s", name, link->db->label,
                       first_line(text), text);
    }
    ag_code code = code_of(state);
    if (code == AG_ECANCELLED && ag_cancelled(cancel)) return ag_cancel_check(cancel, err);
    link->again = strcmp(state, "40001") == 0 || strcmp(state, "40P01") == 0;
    const char *text = pq->PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!text) text = pq->PQresultErrorMessage(result);
    return ag_fail(err, code, "%s: %.*s (database %s, SQLSTATE %s)", name, first_line(text), text, link->db->label,
                   state);
}

static int injected(const char *name, ag_err *err)
{
    return ag_fail(err, AG_EIO, "%s: injected failure of a database call", name);
}

/* ---- waiting ---- */

static void ask_to_stop(ag_postgres_link *link)
{
    char ignored[256];
    PGcancel *request = link->pq->PQgetCancel(link->handle);
    if (request) link->pq->PQcancel(request, ignored, sizeof(ignored));
    link->pq->PQfreeCancel(request);
}

/* A server asked to stop before it has read the statement forgets that it was asked: it is asked until it answers. */
static PGresult *next_result(ag_postgres_link *link, ag_cancel *cancel)
{
    const ag_libpq *pq = link->pq;
    unsigned looks = 0; /* since it is to stop */
    while (cancel && pq->PQisBusy(link->handle)) {
        struct pollfd ready = {.fd = pq->PQsocket(link->handle), .events = POLLIN};
        if (poll(&ready, 1, LOOK_EVERY_MS) == 0) {
            if (ag_cancelled(cancel) && looks++ % ASK_EVERY == 0) ask_to_stop(link);
        } else if (!pq->PQconsumeInput(link->handle)) {
            break;
        }
    }
    return pq->PQgetResult(link->handle);
}

static bool is_error(const ag_libpq *pq, const PGresult *result)
{
    ExecStatusType status = pq->PQresultStatus(result);
    return status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY;
}

PGresult *ag_postgres_wait(ag_postgres_link *link, ag_cancel *cancel)
{
    PGresult *kept = NULL, *one;
    while ((one = next_result(link, cancel))) {
        if (kept && is_error(link->pq, kept)) {
            link->pq->PQclear(one);
            if (link->pq->PQstatus(link->handle) != CONNECTION_OK) break;
            continue;
        }
        link->pq->PQclear(kept);
        kept = one;
    }
    return kept;
}

/* What was sent, answered; *out may be NULL when the rows are not wanted. */
static int finish_call(ag_postgres_link *link, bool sent, const char *name, ag_cancel *cancel, PGresult **out,
                       ag_err *err)
{
    PGresult *result = sent ? ag_postgres_wait(link, cancel) : NULL;
    int rc = AG_OK;
    if (!result || is_error(link->pq, result)) rc = ag_postgres_fail(link, result, name, cancel, err);
    if (rc == AG_OK && out) {
        *out = result;
    } else {
        link->pq->PQclear(result);
    }
    return rc;
}

int ag_postgres_command(ag_postgres_link *link, const char *text, ag_cancel *cancel, ag_err *err)
{
    if (ag_fault(AG_FAULT_SQL)) return injected(text, err);
    return finish_call(link, link->pq->PQsendQuery(link->handle, text), text, cancel, NULL, err);
}

/* ---- values of one call ---- */

typedef struct values {
    size_t count;
    const char **data;
    int *sizes;
    int *formats;
    Oid *types;
    char (*rooms)[8];
} values;

/* One piece of memory for all; freed by its first member. */
static int values_new(size_t count, values *out, ag_err *err)
{
    size_t one = sizeof(char *) + 8 + sizeof(int) * 2 + sizeof(Oid);
    char *memory = ag_calloc(count + 1, one);
    if (!memory) return ag_fail_memory(err, count * one);
    out->count = count;
    out->data = (const char **)(void *)memory;
    out->rooms = (char(*)[8])(memory + count * sizeof(char *));
    out->sizes = (int *)(void *)(memory + count * (sizeof(char *) + 8));
    out->formats = out->sizes + count;
    out->types = (Oid *)(void *)(out->formats + count);
    for (size_t i = 0; i < count; i++) out->formats[i] = 1;
    return AG_OK;
}

static int values_set(values *self, const ag_cell *binds, ag_err *err)
{
    for (size_t i = 0; i < self->count; i++) {
        if (binds[i].type >= AG_CELL_TEXT && binds[i].bytes.size > 1000000000) {
            return ag_fail(err, AG_ELIMIT, "a value of %zu bytes is larger than a database takes", binds[i].bytes.size);
        }
        self->types[i] = ag_postgres_type(binds[i].type);
        self->data[i] = ag_postgres_encode(&binds[i], self->rooms[i], &self->sizes[i]);
    }
    return AG_OK;
}

/* ---- prepared statements ---- */

static int send_prepare(ag_postgres_link *link, const char *name, const char *text, const values *with,
                        ag_postgres_statement **out, ag_err *err)
{
    ag_buf rewritten;
    ag_buf_init(&rewritten, LONGEST_SQL);
    ag_postgres_statement *made = ag_calloc(1, sizeof(*made));
    int rc =
        made ? ag_postgres_rewrite(text, &rewritten, &made->placeholders, err) : ag_fail_memory(err, sizeof(*made));
    if (rc == AG_OK && made->placeholders != with->count) {
        rc = ag_fail(err, AG_EINVAL, "'%s' has %zu placeholders, %zu values were given", name, made->placeholders,
                     with->count);
    }
    if (rc == AG_OK && ag_fault(AG_FAULT_SQL)) rc = injected(name, err);
    if (rc == AG_OK) {
        ag_format(made->name, sizeof(made->name), "ag_%llu", (unsigned long long)++link->statements);
        int sent = link->pq->PQsendPrepare(link->handle, made->name, rewritten.data, (int)with->count, with->types);
        rc = finish_call(link, sent, name, NULL, NULL, err);
    }
    ag_buf_deinit(&rewritten);
    if (rc == AG_OK) {
        atomic_fetch_add(&link->db->counters.prepared, 1);
        *out = made;
    } else {
        ag_free(made);
    }
    return rc;
}

static int prepare(ag_postgres_link *link, const char *name, const char *text, const values *with,
                   ag_postgres_statement **out, ag_err *err)
{
    ag_buf key;
    ag_buf_init(&key, LONGEST_SQL);
    ag_buf_add(&key, with->types, with->count * sizeof(Oid));
    ag_buf_add_text(&key, text);
    int rc = ag_buf_check(&key, name, err);
    *out = rc == AG_OK ? ag_cache_take(&link->cache, ag_buf_str(&key)) : NULL;
    if (rc == AG_OK && !*out) {
        rc = send_prepare(link, name, text, with, out, err);
        if (rc == AG_OK && !ag_cache_add(&link->cache, ag_buf_str(&key), *out)) {
            ag_free(*out); /* the server keeps it until the connection ends; the memory is gone anyway */
            rc = ag_fail_memory(err, key.size);
        }
    }
    ag_buf_deinit(&key);
    return rc;
}

/* The server forgot the statement, or its table changed shape: prepared anew when the unit is run again. */
static void check_stale(ag_postgres_link *link, ag_postgres_statement *statement, const PGresult *result)
{
    const char *state = result ? link->pq->PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    bool stale = state && (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0);
    ag_cache_give(&link->cache, statement);
    if (!stale) return;
    ag_cache_forget(&link->cache, statement);
    link->again = true;
}

static int execute(ag_postgres_link *link, const char *name, const char *text, const values *with, ag_cancel *cancel,
                   PGresult **out, ag_err *err)
{
    ag_postgres_statement *statement = NULL;
    int rc = prepare(link, name, text, with, &statement, err);
    if (rc < 0) return rc;
    if (ag_fault(AG_FAULT_SQL)) {
        ag_cache_give(&link->cache, statement);
        return injected(name, err);
    }
    PGresult *result = NULL;
    if (link->pq->PQsendQueryPrepared(link->handle, statement->name, (int)with->count, with->data, with->sizes,
                                      with->formats, 1)) {
        result = ag_postgres_wait(link, cancel);
    }
    if (!result || is_error(link->pq, result)) rc = ag_postgres_fail(link, result, name, cancel, err);
    check_stale(link, statement, rc < 0 ? result : NULL);
    if (rc == AG_OK) {
        *out = result;
    } else {
        link->pq->PQclear(result);
    }
    return rc;
}

static int call(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, PGresult **out, ag_err *err)
{
    values with = {0};
    int rc = count <= 65535 ? values_new(count, &with, err) : ag_fail(err, AG_ELIMIT, "%s: too many values", sql->name);
    if (rc == AG_OK) rc = values_set(&with, binds, err);
    if (rc == AG_OK) {
        rc = execute(tx->connection, sql->name, sql->text[AG_DIALECT_POSTGRES], &with, tx->cancel, out, err);
    }
    ag_free(with.data);
    return rc;
}

int ag_postgres_run(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t count, int64_t *changed, ag_err *err)
{
    const ag_libpq *pq = ((ag_postgres_link *)tx->connection)->pq;
    PGresult *result = NULL;
    int rc = call(tx, sql, binds, count, &result, err);
    if (rc == AG_OK && changed) {
        bool query = strncmp(pq->PQcmdStatus(result), "SELECT", 6) == 0;
        *changed = 0;
        if (!query) ag_str_to_int(ag_str_of(pq->PQcmdTuples(result)), changed);
    }
    pq->PQclear(result);
    return rc;
}

int ag_postgres_script(ag_tx *tx, const char *text, ag_err *err)
{
    ag_postgres_link *link = tx->connection;
    if (ag_fault(AG_FAULT_SQL)) return injected("script", err);
    return finish_call(link, link->pq->PQsendQuery(link->handle, text), "script", tx->cancel, NULL, err);
}

/* ---- rows ---- */

int ag_postgres_query(ag_rows *rows, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err)
{
    const ag_libpq *pq = ((ag_postgres_link *)rows->tx->connection)->pq;
    PGresult *result = NULL;
    int rc = call(rows->tx, sql, binds, count, &result, err);
    if (rc < 0) return rc;
    rows->columns = (size_t)pq->PQnfields(result);
    for (size_t i = 0; i < rows->columns; i++) {
        Oid type = pq->PQftype(result, (int)i);
        if (ag_postgres_can_decode(type)) continue;
        pq->PQclear(result);
        return ag_fail(err, AG_EUNSUPPORTED, "%s: column %zu has PostgreSQL type %u, which needs a CAST in the SQL",
                       sql->name, i + 1, (unsigned)type);
    }
    rows->statement = result;
    rows->at = -1;
    return AG_OK;
}

int ag_postgres_next(ag_rows *rows, ag_err *err)
{
    const ag_libpq *pq = ((ag_postgres_link *)rows->tx->connection)->pq;
    if (ag_fault(AG_FAULT_SQL)) return injected(rows->name, err);
    if (rows->at + 1 >= pq->PQntuples(rows->statement)) return 0;
    rows->at++;
    return 1;
}

ag_cell ag_postgres_cell(const ag_rows *rows, size_t column)
{
    const ag_libpq *pq = ((ag_postgres_link *)rows->tx->connection)->pq;
    int row = (int)rows->at, at = (int)column;
    if (pq->PQgetisnull(rows->statement, row, at)) return ag_cell_null();
    return ag_postgres_decode(pq->PQftype(rows->statement, at), pq->PQgetvalue(rows->statement, row, at),
                              (size_t)pq->PQgetlength(rows->statement, row, at));
}

void ag_postgres_finish(ag_rows *rows)
{
    ((ag_postgres_link *)rows->tx->connection)->pq->PQclear(rows->statement);
}

/* ---- batches ---- */

/* The one type of a column, nulls aside. False when the types are mixed. */
static bool column_type(const ag_cell *cells, size_t rows, size_t columns, ag_cell_type *out)
{
    *out = AG_CELL_NULL;
    for (size_t i = 0; i < rows; i++) {
        ag_cell_type type = cells[i * columns].type;
        if (type == AG_CELL_NULL || type == *out) continue;
        if (*out != AG_CELL_NULL) return false;
        *out = type;
    }
    return true;
}

/* INSERT ... VALUES (?1, ... ?n) becomes INSERT ... SELECT * FROM unnest(?1, ... ?n): one statement for any number of
 * rows, with the same effect. */
static bool rewrite_as_arrays(const char *text, size_t columns, ag_buf *out)
{
    ag_insert insert;
    if (!ag_insert_match(text, columns, &insert)) return false;
    ag_buf_add_str(out, insert.head);
    ag_buf_add_text(out, "SELECT * FROM unnest(");
    for (size_t i = 1; i <= columns; i++) ag_buf_addf(out, "%s?%zu", i == 1 ? "" : ", ", i);
    ag_buf_addf(out, ") %s", insert.rest);
    return out->failed == AG_OK;
}

static int run_as_arrays(ag_tx *tx, const char *name, const char *text, const ag_cell *binds, size_t rows,
                         const values *types, ag_err *err)
{
    size_t columns = types->count;
    values with = {0};
    ag_buf *arrays = ag_calloc(columns, sizeof(*arrays));
    int rc = arrays ? values_new(columns, &with, err) : ag_fail_memory(err, columns * sizeof(*arrays));
    for (size_t i = 0; i < columns && rc == AG_OK; i++) {
        ag_buf_init(&arrays[i], 1000000000);
        ag_postgres_array(&binds[i], rows, columns, (ag_cell_type)types->formats[i], &arrays[i]);
        rc = ag_buf_check(&arrays[i], "values", err);
        with.data[i] = arrays[i].data;
        with.sizes[i] = (int)arrays[i].size;
        with.types[i] = types->types[i];
    }
    PGresult *result = NULL;
    if (rc == AG_OK) rc = execute(tx->connection, name, text, &with, tx->cancel, &result, err);
    ((ag_postgres_link *)tx->connection)->pq->PQclear(result);
    for (size_t i = 0; arrays && i < columns; i++) ag_buf_deinit(&arrays[i]);
    ag_free(arrays);
    ag_free(with.data);
    return rc;
}

/* 1: done, 0: the shape does not allow it. */
static int try_arrays(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err)
{
    values types = {0};
    ag_buf text;
    ag_buf_init(&text, LONGEST_SQL);
    int rc = values_new(columns, &types, err);
    bool fits = rc == AG_OK && rows <= INT32_MAX && rewrite_as_arrays(sql->text[AG_DIALECT_POSTGRES], columns, &text);
    for (size_t i = 0; i < columns && fits; i++) {
        ag_cell_type type = AG_CELL_NULL;
        /* All null: the server must infer the type, which it cannot do through an array. */
        fits = column_type(binds + i, rows, columns, &type) && type != AG_CELL_NULL;
        types.types[i] = ag_postgres_array_type(type);
        types.formats[i] = (int)type;
    }
    if (fits) rc = run_as_arrays(tx, sql->name, text.data, binds, rows, &types, err);
    ag_buf_deinit(&text);
    ag_free(types.data);
    return rc < 0 ? rc : fits;
}

/* Sends some rows and one sync. */
static int send_rows(ag_postgres_link *link, const char *name, const ag_postgres_statement *statement,
                     const ag_cell *binds, size_t rows, size_t columns, ag_err *err)
{
    values with = {0};
    int rc = values_new(columns, &with, err);
    for (size_t row = 0; row < rows && rc == AG_OK; row++) {
        rc = values_set(&with, binds + row * columns, err);
        if (rc == AG_OK && !link->pq->PQsendQueryPrepared(link->handle, statement->name, (int)columns, with.data,
                                                          with.sizes, with.formats, 1)) {
            rc = ag_postgres_fail(link, NULL, name, NULL, err);
        }
    }
    ag_free(with.data);
    return rc;
}

/* Takes every answer up to the sync; the first error counts. */
static int take_answers(ag_postgres_link *link, const char *name, ag_cancel *cancel, ag_err *err)
{
    const ag_libpq *pq = link->pq;
    int rc = AG_OK, silent = 0;
    for (;;) {
        PGresult *result = next_result(link, cancel);
        if (!result) { /* between two statements; twice in a row only when the connection is gone */
            if (++silent < 2) continue;
            return rc < 0 ? rc : ag_postgres_fail(link, NULL, name, cancel, err);
        }
        silent = 0;
        ExecStatusType status = pq->PQresultStatus(result);
        bool bad = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
        if (bad && rc == AG_OK) rc = ag_postgres_fail(link, result, name, cancel, err);
        pq->PQclear(result);
        if (status == PGRES_PIPELINE_SYNC || link->lost) return rc;
    }
}

static int run_pipeline(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, values *with,
                        ag_err *err)
{
    ag_postgres_link *link = tx->connection;
    ag_postgres_statement *statement = NULL;
    int rc = values_set(with, binds, err);
    if (rc == AG_OK) rc = prepare(link, sql->name, sql->text[AG_DIALECT_POSTGRES], with, &statement, err);
    if (rc < 0) return rc;
    if (ag_fault(AG_FAULT_SQL)) rc = injected(sql->name, err);
    if (rc == AG_OK && !link->pq->PQenterPipelineMode(link->handle)) {
        rc = ag_postgres_fail(link, NULL, sql->name, NULL, err);
    }
    if (rc == AG_OK) {
        rc = send_rows(link, sql->name, statement, binds, rows, columns, err);
        if (!link->lost && link->pq->PQpipelineSync(link->handle)) {
            ag_err answer = {0};
            int answered = take_answers(link, sql->name, tx->cancel, &answer);
            if (rc == AG_OK && answered < 0) *err = answer;
            if (rc == AG_OK) rc = answered;
        }
        if (!link->pq->PQexitPipelineMode(link->handle)) link->lost = true;
    }
    ag_cache_give(&link->cache, statement);
    return rc;
}

/* As many rows as have the same types as the first, at most a chunk: they share one prepared statement. */
static size_t same_types(const ag_cell *binds, size_t rows, size_t columns)
{
    size_t count = 1;
    for (; count < rows && count < PIPELINE_CHUNK; count++) {
        for (size_t i = 0; i < columns; i++) {
            if (binds[count * columns + i].type != binds[i].type) return count;
        }
    }
    return count;
}

int ag_postgres_run_many(ag_tx *tx, const ag_sql *sql, const ag_cell *binds, size_t rows, size_t columns, ag_err *err)
{
    int rc = try_arrays(tx, sql, binds, rows, columns, err);
    if (rc != 0) return rc < 0 ? rc : AG_OK;
    values with = {0};
    rc = values_new(columns, &with, err);
    while (rows > 0 && rc == AG_OK) {
        size_t some = same_types(binds, rows, columns);
        rc = run_pipeline(tx, sql, binds, some, columns, &with, err);
        binds += some * columns;
        rows -= some;
    }
    ag_free(with.data);
    return rc;
}
