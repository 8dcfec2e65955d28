// SPDX-License-Identifier: Apache-2.0
#pragma once
/* both.h: ON_BOTH(name) { ... } is a test that runs on SQLite and on PostgreSQL, with a fresh ledger and an arena; and
 * what the tests of the ledger have in common. */
#include "frame/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frame/postgres.h"
#include "ledger/experiment.h"
#include "ledger/ledger.h"
#include "ledger/run.h"

static inline ag_ledger *open_with(const char *database, const char *root)
{
    ag_err err = {0};
    ag_ledger *ledger = NULL;
    ag_ledger_options options = {.home = ag_test_dir(), .database = database, .artifact_root = root};
    AG_EXPECT_OK(ag_ledger_open(&options, &ledger, &err));
    return ledger;
}

static inline void run_on(const char *database, void (*body)(ag_ledger *, ag_arena *))
{
    ag_ledger *ledger = open_with(database, NULL);
    ag_arena *arena = ag_arena_new(0);
    body(ledger, arena);
    ag_arena_free(arena);
    ag_ledger_close(ledger);
}

#define ON_BOTH(name)                                                                                                  \
    static void name(ag_ledger *ledger, ag_arena *arena);                                                              \
    AG_TEST(test_sqlite__##name)                                                                                       \
    {                                                                                                                  \
        run_on(NULL, name);                                                                                            \
    }                                                                                                                  \
    AG_TEST(test_postgres__##name)                                                                                     \
    {                                                                                                                  \
        run_on(ag_test_postgres_database(), name);                                                                     \
    }                                                                                                                  \
    static void name(ag_ledger *ledger, ag_arena *arena)

static inline const char *new_experiment(ag_ledger *ledger, ag_arena *arena, const char *name)
{
    ag_err err = {0};
    const char *id = NULL;
    AG_EXPECT_OK(ag_experiment_create(ledger, NULL, ag_str_of(name), AG_STR(""), (ag_pairs){0}, arena, &id, &err));
    return id;
}

static inline ag_run new_run(ag_ledger *ledger, ag_arena *arena, const char *experiment)
{
    ag_err err = {0};
    ag_run run = {0};
    ag_run_new wanted = {.experiment_id = ag_str_of(experiment)};
    AG_EXPECT_OK(ag_run_create(ledger, &wanted, arena, &run, &err));
    return run;
}

static inline ag_pair pair_of(const char *key, const char *value)
{
    return (ag_pair){ag_str_of(key), ag_str_of(value)};
}
