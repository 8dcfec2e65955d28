// SPDX-License-Identifier: Apache-2.0
#pragma once
/* collect.h: reading what belongs to many things at once: the parameters of a page of runs in one query, not in one per
 * run. Private to the floor. */
#include "core/base/arena.h"
#include "core/db/db.h"
#include "ledger/ledger.h"

typedef struct ag_collect {
    const ag_sql
        *sql; /* holds the mark of its list of ids; the first column is the owner, the rows are ordered by it */
    size_t item_size;
    /* One row into a zeroed item. */
    int (*take)(ag_rows *rows, ag_arena *arena, void *item, ag_err *err);
    /* All items of one owner; they live in the arena. */
    void (*give)(void *context, size_t owner, const void *items, size_t count);
    void *context;
} ag_collect;

/* `owners`: integers or texts, each once. Queries go in fixed sizes, so that the database knows them. */
int ag_collect_run(const ag_collect *collect, ag_tx *tx, ag_arena *arena, const ag_cell *owners, size_t count,
                   ag_err *err);

/* Columns 1 and 2 as an ag_pair; for `take`. */
int ag_collect_pair(ag_rows *rows, ag_arena *arena, void *item, ag_err *err);
