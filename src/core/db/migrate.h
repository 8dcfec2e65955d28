// SPDX-License-Identifier: Apache-2.0
#pragma once
/* migrate.h: bringing a database to the form that this program wants, forward only. A set ("ledger") is made by
 * scripts/sql from src/.../ledger/migrations/NNNN_name.sql; what was applied is kept in the table `auger_migrations`
 * with a checksum and the time. */
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/db/db.h"
#include "core/db/sql.h"

typedef struct ag_migration {
    int32_t number; /* from 1, without gaps */
    const char *name;
    const char *text[AG_DIALECTS]; /* any number of statements */
} ag_migration;

typedef struct ag_migrations {
    const char *room; /* sets of different rooms live side by side in one database */
    const ag_migration *items;
    size_t count;
} ag_migrations;

/* Applies what is missing, each migration as one atomic unit: after a failure all up to it are in place and it is not.
 * Programs that migrate at the same time wait for each other. Refused, with nothing changed: a database that has a
 * migration this program does not know (AG_ECONFLICT: it is newer), and one whose applied migration had another text
 * (AG_ECORRUPT). *applied (may be NULL): how many this call applied. */
int ag_migrate(ag_db *db, const ag_migrations *set, size_t *applied, ag_err *err);

/* The number of the newest applied migration of a room, 0 when there is none. Changes nothing. */
int ag_migrate_version(ag_db *db, const char *room, int32_t *out, ag_err *err);
