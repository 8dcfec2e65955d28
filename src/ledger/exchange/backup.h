// SPDX-License-Identifier: Apache-2.0
#pragma once
/* backup.h: a whole ledger as a directory, made while others write, and back.
 *
 *     DIR/ledger.db      the database at one moment, always a SQLite file, also of a ledger on PostgreSQL
 *     DIR/artifacts/...  the files of the ledger's own artifact store
 *     DIR/...            what ag_backup_options.more adds: the bytes of data sets, which a higher floor knows of
 *     DIR/files.sha256   the SHA-256 of each of these, as sha256sum checks them
 *     DIR/backup.json    when, from where, how much; written last
 *
 * The database is taken first and the files after it, so that every file that the database knows of is there. The
 * directory is DIR.partial until it is whole; one that was cut short is gone on with. */
#include "core/sys/cancel.h"
#include "core/sys/progress.h"
#include "ledger/ledger.h"

/* What else belongs to a ledger. Of a backup: puts its files below `directory`, when database and artifacts are there
 * and before anything is hashed; of a restore: takes them from there, after all was checked and before the database is
 * visible. */
typedef int (*ag_backup_more_fn)(void *context, const char *directory, ag_err *err);

typedef struct ag_backup_options {
    ag_cancel *cancel;      /* may be NULL */
    ag_progress *progress;  /* may be NULL: rows, then files */
    ag_backup_more_fn more; /* may be NULL */
    void *context;          /* of `more` */
} ag_backup_options;

typedef struct ag_backup_result {
    uint64_t rows; /* copied one by one; 0 when the database was copied as a file */
    uint64_t files, bytes;
    uint64_t kept;      /* files that an earlier attempt had copied */
    uint64_t elsewhere; /* experiments whose files lie outside of the ledger's store: they are not in the backup */
} ag_backup_result;

/* AG_EEXISTS when `directory` is there already. */
int ag_ledger_backup(ag_ledger *ledger, const char *directory, const ag_backup_options *options, ag_backup_result *out,
                     ag_err *err);

/* AG_ECORRUPT with the first file that is not what it was. */
int ag_backup_check(const char *directory, const ag_backup_options *options, ag_err *err);
/* Into a ledger that nobody has used yet (AG_ECONFLICT otherwise), made when absent; the backup is checked first. The
 * files come first and the database last, so that nobody sees a part. */
int ag_ledger_restore(const char *directory, const ag_ledger_options *to, const ag_backup_options *options,
                      ag_backup_result *out, ag_err *err);

/* ---- backup_rows.c: every row of one database into another; one of them is SQLite. ---- */
int ag_backup_rows(ag_db *from, ag_db *to, const ag_backup_options *options, uint64_t *rows, ag_err *err);
