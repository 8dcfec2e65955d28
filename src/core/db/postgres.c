// SPDX-License-Identifier: Apache-2.0
/* postgres.c: the PostgreSQL driver: connecting, the pool, reading, the whole database. Connections are made when first
 * needed and kept. A server that is away (restarting, refusing) is tried again with growing pauses as long as the
 * options say; a wrong password or a missing database is told at once: PQping tells the two apart. */
#include "core/db/postgres.h"

#include <string.h>

#include "core/base/fault.h"
#include "core/base/mem.h"
#include "core/sys/clock.h"
#include "core_sql.h"

#define FIRST_PAUSE 50000
#define LONGEST_PAUSE 1000000

/* ---- connections ---- */

static void ignore_notice(void *context, const char *message)
{
    (void)context;
    (void)message;
}

static void drop_statement(void *context, void *item)
{
    ag_postgres_link *link = context;
    ag_postgres_statement *statement = item;
    char text[64];
    /* Outside of a failed transaction the server frees it; elsewhere it lives until the connection ends. */
    if (!link->lost && link->pq->PQtransactionStatus(link->handle) != PQTRANS_INERROR) {
        ag_format(text, sizeof(text), "DEALLOCATE %s", statement->name);
        link->pq->PQclear(link->pq->PQexec(link->handle, text));
    }
    ag_free(statement);
}

static void close_link(void *item)
{
    ag_postgres_link *link = item;
    if (!link) return;
    link->lost = true; /* its statements die with it */
    ag_cache_deinit(&link->cache);
    link->pq->PQfinish(link->handle);
    ag_free(link);
}

/* What the URL does not say; it overrides these, since it comes later. */
static const char *const keywords[] = {
    "fallback_application_name", "client_encoding",  "connect_timeout", "keepalives_idle",
    "keepalives_interval",       "keepalives_count", "dbname",          NULL};

static void fill_values(const char *url, const char *values[8])
{
    static const char *const defaults[] = {"auger", "UTF8", "10", "30", "10", "3"};
    memcpy(values, defaults, sizeof(defaults));
    values[6] = url;
    values[7] = NULL;
}

static int fail_connect(ag_postgres_store *store, PGconn *handle, ag_err *err)
{
    const char *text = handle ? store->pq->PQerrorMessage(handle) : "out of memory";
    int size = (int)strcspn(text, "\n");
    bool password = strstr(text, "password") != NULL || strstr(text, "authentication") != NULL;
    ag_fail(err, password ? AG_EAUTH : AG_EUNAVAILABLE, "cannot connect to PostgreSQL: %.*s", size, text);
    return ag_err_hint(err, "check host, port, user, password and database name of the address");
}

/* *ping: what the server said after a failure. */
static int try_connect(ag_db *db, ag_postgres_link **out, PGPing *ping, ag_err *err)
{
    ag_postgres_store *store = db->store;
    const char *values[8];
    fill_values(store->url, values);
    *ping = PQPING_NO_ATTEMPT;
    if (ag_fault(AG_FAULT_SQL)) return ag_fail(err, AG_EUNAVAILABLE, "injected failure of connecting to PostgreSQL");
    ag_postgres_link *link = ag_calloc(1, sizeof(*link));
    if (!link) return ag_fail_memory(err, sizeof(*link));
    link->db = db;
    link->pq = store->pq;
    ag_cache_init(&link->cache, drop_statement, link);
    link->handle = store->pq->PQconnectdbParams(keywords, values, 1);
    if (!link->handle || store->pq->PQstatus(link->handle) != CONNECTION_OK) {
        int rc = fail_connect(store, link->handle, err);
        *ping = store->pq->PQpingParams(keywords, values, 1);
        close_link(link);
        return rc;
    }
    store->pq->PQsetNoticeProcessor(link->handle, ignore_notice, NULL);
    atomic_fetch_add(&db->counters.connects, 1);
    *out = link;
    return AG_OK;
}

static int connect_until(ag_db *db, int64_t until, ag_cancel *cancel, ag_postgres_link **out, ag_err *err)
{
    int64_t pause = FIRST_PAUSE;
    bool was_there = false;
    for (;;) {
        PGPing ping;
        int rc = try_connect(db, out, &ping, err);
        if (rc == AG_OK || ping == PQPING_NO_ATTEMPT || (ping == PQPING_OK && was_there)) return rc;
        if (ping == PQPING_OK) { /* it refuses us, or has come up between the two calls: the next try tells */
            was_there = true;
            continue;
        }
        was_there = false; /* gone again: what the next try meets is another start */
        if (ag_monotonic() + pause >= until) return rc;
        ag_err stopped = {0};
        if ((rc = ag_cancel_sleep(cancel, pause, &stopped)) < 0) {
            *err = stopped;
            return rc;
        }
        pause = pause * 2 < LONGEST_PAUSE ? pause * 2 : LONGEST_PAUSE;
    }
}

/* A connection from the pool may have the end of its last reading still to hear. */
static bool is_good(ag_postgres_link *link)
{
    if (link->pending) {
        link->pq->PQclear(ag_postgres_wait(link, NULL));
        link->pending = false;
    }
    return link->pq->PQstatus(link->handle) == CONNECTION_OK &&
           link->pq->PQtransactionStatus(link->handle) == PQTRANS_IDLE;
}

int ag_postgres_take(ag_db *db, int64_t until, ag_cancel *cancel, ag_postgres_link **out, ag_err *err)
{
    ag_postgres_store *store = db->store;
    void *item = NULL;
    ag_err mine = {0};
    int64_t left = until - ag_monotonic();
    int rc = ag_slots_take(store->links, left > 0 ? left : 1, cancel, &item, err ? err : &mine);
    if (rc < 0) return rc;
    ag_postgres_link *link = item;
    if (link && !is_good(link)) {
        close_link(link);
        link = NULL;
    }
    if (!link) rc = connect_until(db, until, cancel, &link, err ? err : &mine);
    if (rc < 0) {
        ag_slots_give(store->links, NULL);
        return rc;
    }
    *out = link;
    return AG_OK;
}

void ag_postgres_give(ag_postgres_link *link)
{
    ag_slots *slots = ((ag_postgres_store *)link->db->store)->links;
    if (link->lost) {
        close_link(link);
        link = NULL;
    }
    ag_slots_give(slots, link);
}

/* ---- opening ---- */

static void close_store(ag_db *db)
{
    ag_postgres_store *store = db->store;
    if (!store) return;
    ag_slots_free(store->links, close_link);
    if (store->url) ag_wipe(store->url, strlen(store->url)); /* it may hold a password */
    ag_free(store->url);
    ag_free(store);
    db->store = NULL;
}

static int check_url(ag_postgres_store *store, ag_err *err)
{
    char *message = NULL;
    PQconninfoOption *parts = store->pq->PQconninfoParse(store->url, &message);
    if (parts) {
        store->pq->PQconninfoFree(parts);
        return AG_OK;
    }
    /* libpq's words may quote the address; only what cannot hold the password is shown. */
    store->pq->PQfreemem(message);
    ag_fail(err, AG_EINVAL, "the PostgreSQL address is not well-formed, or has an option that libpq does not know");
    return ag_err_hint(err,
                       "write postgresql://user@host:5432/database?sslmode=require; percent-encode special characters");
}

static int name_database(ag_db *db, const ag_postgres_link *link, ag_err *err)
{
    char label[512];
    const char *host = link->pq->PQhost(link->handle), *port = link->pq->PQport(link->handle);
    ag_format(label, sizeof(label), "postgresql://%s:%s/%s", host ? host : "", port ? port : "",
              link->pq->PQdb(link->handle));
    db->label = ag_strdup(label);
    return db->label ? AG_OK : ag_fail_memory(err, strlen(label));
}

static int open_store(ag_db *db, const char *url, ag_err *err)
{
    ag_postgres_store *store = ag_calloc(1, sizeof(*store));
    if (!store) return ag_fail_memory(err, sizeof(*store));
    db->store = store;
    int rc = ag_libpq_load(&store->pq, err);
    if (rc < 0) return rc;
    store->url = ag_strdup(url);
    if (!store->url) return ag_fail_memory(err, strlen(url));
    rc = check_url(store, err);
    if (rc == AG_OK) rc = ag_slots_new(db->options.connections, "PostgreSQL connections", &store->links, err);
    ag_postgres_link *link = NULL;
    /* Now, and without waiting: who mistyped the address wants to know. */
    if (rc == AG_OK) rc = ag_postgres_take(db, ag_monotonic(), NULL, &link, err);
    if (rc != AG_OK) return rc;
    rc = name_database(db, link, err);
    ag_postgres_give(link);
    return rc;
}

/* ---- reading ---- */

static int begin_read(ag_tx *tx, ag_err *err)
{
    int64_t until = ag_monotonic() + tx->db->options.wait;
    for (;;) {
        ag_postgres_link *link = NULL;
        int rc = ag_postgres_take(tx->db, until, tx->cancel, &link, err);
        if (rc < 0) return rc;
        link->again = false;
        rc = ag_postgres_command(link, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", tx->cancel, err);
        if (rc == AG_OK) {
            tx->connection = link;
            return AG_OK;
        }
        bool lost = link->lost;
        ag_postgres_give(link);
        if (!lost || ag_monotonic() >= until) return rc;
    }
}

/* The answer is heard when the connection is used next: a reader need not wait for it. */
static void end_read(ag_tx *tx)
{
    ag_postgres_link *link = tx->connection;
    if (!link->lost) {
        link->pending = link->pq->PQsendQuery(link->handle, "ROLLBACK") == 1;
        link->lost = !link->pending;
    }
    ag_postgres_give(link);
}

static bool read_again(ag_tx *tx)
{
    const ag_postgres_link *link = tx->connection;
    return link->lost || link->again;
}

/* ---- the whole database ---- */

/* One number for all migrators, of whatever room; held until the unit's transaction ends. */
static int lock_migrations(ag_tx *tx, ag_err *err)
{
    return ag_postgres_command(tx->connection, "SELECT pg_advisory_xact_lock(4702111234474983745)", tx->cancel, err);
}

static int backup_store(ag_db *db, const char *path, ag_cancel *cancel, ag_err *err)
{
    (void)cancel;
    ag_fail(err, AG_EUNSUPPORTED, "PostgreSQL backs itself up: %s was not written", path);
    return ag_err_hint(err, "pg_dump --format=custom --file=%.64s '%.120s'", path, db->label);
}

static int verify_read(ag_tx *tx, void *context, ag_err *err)
{
    (void)context;
    int64_t bad = 0;
    int rc = ag_tx_get_int(tx, &AG_SQL_VERIFY_CHECKSUM_FAILURES, AG_NO_BINDS, &bad, err);
    if (rc >= 0 && bad > 0) {
        return ag_fail(err, AG_ECORRUPT, "PostgreSQL has met %lld pages with wrong checksums in %s", (long long)bad,
                       tx->db->label);
    }
    if (rc >= 0) rc = ag_tx_get_int(tx, &AG_SQL_VERIFY_INVALID_INDEXES, AG_NO_BINDS, &bad, err);
    if (rc >= 0 && bad > 0) {
        ag_fail(err, AG_ECORRUPT, "%lld indexes of %s are invalid", (long long)bad, tx->db->label);
        return ag_err_hint(err, "REINDEX DATABASE");
    }
    return rc < 0 ? rc : AG_OK;
}

static int verify_store(ag_db *db, ag_cancel *cancel, ag_err *err)
{
    return ag_db_read(db, cancel, verify_read, NULL, err);
}

static const char *const prefixes[] = {"postgresql://", "postgres://", NULL};

const ag_db_driver ag_db_postgres = {
    .name = "postgres",
    .dialect = AG_DIALECT_POSTGRES,
    .prefixes = prefixes,
    .open = open_store,
    .close = close_store,
    .write = ag_postgres_write,
    .read_begin = begin_read,
    .read_end = end_read,
    .read_again = read_again,
    .run = ag_postgres_run,
    .run_many = ag_postgres_run_many,
    .script = ag_postgres_script,
    .query = ag_postgres_query,
    .next = ag_postgres_next,
    .cell = ag_postgres_cell,
    .finish = ag_postgres_finish,
    .lock_migrations = lock_migrations,
    .backup = backup_store,
    .verify = verify_store,
};
