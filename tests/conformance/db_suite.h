// SPDX-License-Identifier: Apache-2.0
#pragma once
/* db_suite.h: one body, run on every database. AG_DB_TEST(name) { ... } gets `db`, a new empty database, and `url`, its
 * address; it becomes test_sqlite__name, test_memory__name and test_postgres__name. */
#include <stdio.h>

#include "core/db/db.h"
#include "frame/postgres.h"
#include "frame/test.h"

static inline void db_suite_run(const char *url, void (*body)(ag_db *db, const char *url))
{
    ag_err err = {0};
    ag_db *db = NULL;
    AG_EXPECT_OK(ag_db_open(url, NULL, &db, &err));
    body(db, url);
    ag_db_close(db);
}

static inline const char *db_suite_file(void)
{
    static char url[4200];
    snprintf(url, sizeof(url), "sqlite://%s/test.db", ag_test_dir());
    return url;
}

#define AG_DB_TEST_SHARED(name)                                                                                        \
    static void name(ag_db *db, const char *url);                                                                      \
    AG_TEST(test_sqlite__##name)                                                                                       \
    {                                                                                                                  \
        db_suite_run(db_suite_file(), name);                                                                           \
    }                                                                                                                  \
    AG_TEST(test_postgres__##name)                                                                                     \
    {                                                                                                                  \
        db_suite_run(ag_test_postgres_database(), name);                                                               \
    }                                                                                                                  \
    static void name(__attribute__((unused)) ag_db *db, __attribute__((unused)) const char *url)

/* What also holds for a database in memory. */
#define AG_DB_TEST(name)                                                                                               \
    static void name(ag_db *db, const char *url);                                                                      \
    AG_TEST(test_memory__##name)                                                                                       \
    {                                                                                                                  \
        db_suite_run("sqlite::memory:", name);                                                                         \
    }                                                                                                                  \
    AG_DB_TEST_SHARED(name)

#define SQL(text) (&(ag_sql){"test", {text, text}})

/* Short forms for one-statement units. */
typedef struct db_suite_call {
    const ag_sql *sql;
    const ag_cell *binds;
    size_t count;
    int64_t number;
} db_suite_call;

static inline int db_suite_run_call(ag_tx *tx, void *context, ag_err *err)
{
    db_suite_call *call = context;
    return ag_tx_run(tx, call->sql, call->binds, call->count, &call->number, err);
}

static inline int db_suite_get_call(ag_tx *tx, void *context, ag_err *err)
{
    db_suite_call *call = context;
    return ag_tx_get_int(tx, call->sql, call->binds, call->count, &call->number, err);
}

static inline int db_suite_script(ag_tx *tx, void *context, ag_err *err)
{
    return ag_tx_script(tx, context, err);
}

static inline int write_one(ag_db *db, const ag_sql *sql, const ag_cell *binds, size_t count, ag_err *err)
{
    return ag_db_write(db, db_suite_run_call, &(db_suite_call){sql, binds, count, 0}, err);
}

static inline void run_script(ag_db *db, const char *text)
{
    ag_err err = {0};
    union {
        const char *in;
        void *out;
    } same = {.in = text};
    AG_EXPECT_OK(ag_db_write(db, db_suite_script, same.out, &err));
}

static inline int64_t get_number(ag_db *db, const ag_sql *sql)
{
    ag_err err = {0};
    db_suite_call call = {sql, NULL, 0, 0};
    AG_EXPECT_OK(ag_db_read(db, NULL, db_suite_get_call, &call, &err));
    return call.number;
}
