// SPDX-License-Identifier: Apache-2.0
/* postgres_write.c: one unit is one transaction. It is run again, with a growing random pause, when the server asks for
 * it (serialization failure, deadlock) and when the connection was lost before COMMIT was sent: the server has then
 * rolled it back. A connection lost after COMMIT was sent leaves the outcome unknown; only the unit itself can tell
 * (`landed`), and without that we say so instead of guessing. */
#include <string.h>

#include "core/base/fault.h"
#include "core/base/rng.h"
#include "core/db/postgres.h"
#include "core/sys/clock.h"

#define LONGEST_PAUSE 100000 /* microseconds */

typedef enum outcome { SETTLED, AGAIN, UNKNOWN } outcome;

static outcome send_commit(ag_postgres_link *link, int *rc, ag_err *err)
{
    if (ag_fault(AG_FAULT_SQL)) {
        *rc = ag_fail(err, AG_EIO, "COMMIT: injected failure of a database call");
        return SETTLED;
    }
    PGresult *result = NULL;
    if (link->pq->PQsendQuery(link->handle, "COMMIT")) result = ag_postgres_wait(link, NULL);
    if (result && link->pq->PQresultStatus(result) == PGRES_COMMAND_OK) {
        /* The server answers ROLLBACK when the transaction had failed, which the sticky failure rules out. */
        if (strcmp(link->pq->PQcmdStatus(result), "COMMIT") != 0) {
            *rc = ag_fail(err, AG_EINTERNAL, "the transaction had failed before COMMIT");
        }
        link->pq->PQclear(result);
        return SETTLED;
    }
    *rc = ag_postgres_fail(link, result, "COMMIT", NULL, err);
    link->pq->PQclear(result);
    if (link->lost) return UNKNOWN;
    return link->again ? AGAIN : SETTLED;
}

static outcome run_once(ag_postgres_link *link, const ag_db_unit *unit, int *rc, ag_err *err)
{
    const char *begin = unit->isolation == AG_ISOLATION_SERIAL ? "BEGIN ISOLATION LEVEL SERIALIZABLE" : "BEGIN";
    link->again = false;
    *rc = ag_postgres_command(link, begin, unit->cancel, err);
    if (*rc < 0) return link->lost ? AGAIN : SETTLED;
    ag_tx tx = {.db = link->db, .connection = link, .cancel = unit->cancel, .writable = true};
    *rc = ag_tx_call(&tx, unit->run, unit->context, err);
    outcome result = SETTLED;
    if (*rc >= 0) {
        int made = *rc;
        result = send_commit(link, rc, err);
        if (*rc >= 0 || result == UNKNOWN) {
            if (result == SETTLED) *rc = made;
            return result;
        }
    }
    if (!link->lost && link->pq->PQtransactionStatus(link->handle) != PQTRANS_IDLE) {
        PGresult *answer = link->pq->PQexec(link->handle, "ROLLBACK");
        link->lost |= link->pq->PQtransactionStatus(link->handle) != PQTRANS_IDLE;
        link->pq->PQclear(answer);
    }
    return link->lost || link->again ? AGAIN : result;
}

/* After a COMMIT without an answer. */
static outcome ask_unit(ag_db *db, const ag_db_unit *unit, int *rc, ag_err *err)
{
    if (!unit->landed) {
        ag_fail(err, AG_EUNAVAILABLE,
                "the connection to %s was lost while it was committing: whether the change was stored is not known",
                db->label);
        *rc = ag_err_hint(err, "look whether it is there before trying again");
        return SETTLED;
    }
    *rc = ag_db_read(db, unit->cancel, unit->landed, unit->context, err);
    return *rc == 0 ? AGAIN : SETTLED;
}

static int pause_before(unsigned attempt, ag_cancel *cancel, ag_err *err)
{
    uint32_t random = 0;
    int64_t longest = INT64_C(1000) << (attempt < 8 ? attempt : 8);
    if (longest > LONGEST_PAUSE) longest = LONGEST_PAUSE;
    if (ag_random_bytes(&random, sizeof(random), NULL) < 0) random = 0x80000000u;
    return ag_cancel_sleep(cancel, (int64_t)((double)longest * random / 4294967296.0), err);
}

int ag_postgres_write(ag_db *db, const ag_db_unit *unit, ag_err *err)
{
    ag_err mine = {0};
    if (!err) err = &mine;
    int64_t until = ag_monotonic() + db->options.wait;
    for (unsigned attempt = 0;; attempt++) {
        ag_postgres_link *link = NULL;
        int rc = ag_postgres_take(db, until, unit->cancel, &link, err);
        if (rc < 0) return rc;
        outcome result = run_once(link, unit, &rc, err);
        ag_postgres_give(link);
        if (result == UNKNOWN) result = ask_unit(db, unit, &rc, err);
        if (result == SETTLED) {
            if (rc >= 0) {
                atomic_fetch_add(&db->counters.units, 1);
                atomic_fetch_add(&db->counters.commits, 1);
            }
            return rc;
        }
        if (ag_monotonic() >= until) return rc < 0 ? rc : ag_fail(err, AG_EUNAVAILABLE, "%s is away", db->label);
        if ((rc = pause_before(attempt, unit->cancel, err)) < 0) return rc;
        atomic_fetch_add(&db->counters.retries, 1);
    }
}
