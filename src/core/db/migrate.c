// SPDX-License-Identifier: Apache-2.0
/* migrate.c: one unit of writing per migration. The unit takes the migrators' lock, looks at what is applied, compares
 * it with what the program knows, and applies the next one; so two programs that start together take turns, and each
 * sees what the other has done. Owns the table auger_migrations. */
#include "core/db/migrate.h"

#include <string.h>

#include "core/db/driver.h"
#include "core/hash/hash.h"
#include "core/sys/clock.h"
#include "core_sql.h"

typedef struct step {
    const ag_migrations *set;
    bool applied; /* this run of the unit applied one */
} step;

static int checksum(const ag_migration *migration, ag_dialect dialect, char out[65], ag_err *err)
{
    ag_sha256 digest;
    int rc = ag_sha256_of(migration->text[dialect], strlen(migration->text[dialect]), &digest, err);
    if (rc >= 0) ag_sha256_format(&digest, out);
    return rc;
}

static int check_applied(ag_tx *tx, const ag_migrations *set, size_t index, const ag_rows *row, ag_err *err)
{
    const char *label = ag_db_label(tx->db);
    if (index >= set->count) {
        ag_fail(err, AG_ECONFLICT,
                "the database %s is newer than this program: it has migration %lld (%.*s) of '%s', known here are %zu",
                label, (long long)ag_rows_int(row, 0), AG_STR_ARG(ag_rows_text(row, 1)), set->room, set->count);
        return ag_err_hint(err, "use the newer version of the program, or restore the backup made before the upgrade");
    }
    const ag_migration *known = &set->items[index];
    if (ag_rows_int(row, 0) != known->number) {
        return ag_fail(err, AG_ECORRUPT, "the database %s lacks migration %d of '%s' but has later ones", label,
                       known->number, set->room);
    }
    char sum[65];
    int rc = checksum(known, ag_tx_dialect(tx), sum, err);
    if (rc < 0 || ag_str_is(ag_rows_text(row, 2), sum)) return rc;
    ag_fail(err, AG_ECORRUPT, "migration %d (%s) of '%s' was applied to %s with another text than this program has",
            known->number, known->name, set->room, label);
    return ag_err_hint(err, "an applied migration must not be edited: undo the edit and add a new migration");
}

/* How many are applied, each of them checked. */
static int count_applied(ag_tx *tx, const ag_migrations *set, size_t *out, ag_err *err)
{
    ag_rows *rows = NULL;
    size_t count = 0;
    int rc = ag_tx_query(tx, &AG_SQL_MIGRATE_APPLIED, AG_BINDS(ag_cell_text(set->room)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) == 1) rc = check_applied(tx, set, count++, rows, err);
    ag_rows_free(rows);
    *out = count;
    return rc;
}

static int apply(ag_tx *tx, const ag_migrations *set, const ag_migration *next, ag_err *err)
{
    char sum[65];
    ag_dialect dialect = ag_tx_dialect(tx);
    int rc = checksum(next, dialect, sum, err);
    if (rc >= 0) rc = ag_tx_script(tx, next->text[dialect], err);
    if (rc < 0) return ag_err_prefix(err, "migration %d (%s) of '%s'", next->number, next->name, set->room);
    return ag_tx_run(tx, &AG_SQL_MIGRATE_RECORD,
                     AG_BINDS(ag_cell_text(set->room), ag_cell_int(next->number), ag_cell_text(next->name),
                              ag_cell_text(sum), ag_cell_int(ag_now())),
                     NULL, err);
}

static int apply_next(ag_tx *tx, void *context, ag_err *err)
{
    step *self = context;
    size_t applied = 0;
    self->applied = false;
    int rc = tx->db->driver->lock_migrations(tx, err);
    if (rc >= 0) rc = ag_tx_run(tx, &AG_SQL_MIGRATE_MAKE_TABLE, AG_NO_BINDS, NULL, err);
    if (rc >= 0) rc = count_applied(tx, self->set, &applied, err);
    if (rc < 0 || applied == self->set->count) return rc;
    rc = apply(tx, self->set, &self->set->items[applied], err);
    self->applied = rc >= 0;
    return rc;
}

static int check_set(const ag_migrations *set, ag_err *err)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->items[i].number != (int32_t)(i + 1)) {
            return ag_fail(err, AG_EINTERNAL,
                           "migrations of '%s' are not numbered 1, 2, 3 ...: place %zu has number %d", set->room, i + 1,
                           set->items[i].number);
        }
    }
    return AG_OK;
}

int ag_migrate(ag_db *db, const ag_migrations *set, size_t *applied, ag_err *err)
{
    size_t count = 0;
    step self = {.set = set};
    /* The lock orders the migrators; statements after it must see what the one before has committed. */
    ag_db_unit unit = {.run = apply_next, .context = &self, .isolation = AG_ISOLATION_STATEMENT};
    int rc = check_set(set, err);
    do {
        self.applied = false;
        if (rc >= 0) rc = ag_db_write_unit(db, &unit, err);
        if (rc >= 0) count += self.applied;
    } while (rc >= 0 && self.applied);
    if (applied) *applied = count;
    return rc < 0 ? rc : AG_OK;
}

typedef struct version_query {
    const char *room;
    int64_t number;
} version_query;

static int read_version(ag_tx *tx, void *context, ag_err *err)
{
    version_query *query = context;
    int64_t tables = 0;
    query->number = 0;
    int rc = ag_tx_get_int(tx, &AG_SQL_MIGRATE_HAS_TABLE, AG_NO_BINDS, &tables, err);
    if (rc < 0 || tables == 0) return rc;
    return ag_tx_get_int(tx, &AG_SQL_MIGRATE_NEWEST, AG_BINDS(ag_cell_text(query->room)), &query->number, err);
}

int ag_migrate_version(ag_db *db, const char *room, int32_t *out, ag_err *err)
{
    version_query query = {.room = room};
    int rc = ag_db_read(db, NULL, read_version, &query, err);
    if (rc < 0) return rc;
    *out = (int32_t)query.number;
    return AG_OK;
}
