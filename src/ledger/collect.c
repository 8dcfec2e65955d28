// SPDX-License-Identifier: Apache-2.0
/* collect.c: one query for up to CHUNK owners, rows handed out by owner.
 * The list of placeholders always has a size from a short table (the rest is filled up with the last owner), so that a
 * page of 17 runs does not make a statement of its own. An owner is found by binary search in a sorted index. */
#include "ledger/collect.h"

#include <string.h>

#include "core/base/mem.h"
#include "core/base/vec.h"
#include "ledger/statement.h"

static const size_t chunk_sizes[] = {1, 10, 100, 500};
enum { CHUNK = 500 };

typedef struct entry {
    ag_cell owner;
    size_t index;
} entry;

static int compare_cells(const ag_cell *a, const ag_cell *b)
{
    if (a->type == AG_CELL_INT) return (a->integer > b->integer) - (a->integer < b->integer);
    return ag_str_compare(a->bytes, b->bytes);
}

static int compare_entries(const void *a, const void *b)
{
    const entry *x = a, *y = b;
    return compare_cells(&x->owner, &y->owner);
}

static const entry *find_owner(const ag_vec *sorted, const ag_cell *owner)
{
    size_t from = 0, to = sorted->count;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        const entry *at = ag_vec_at(sorted, middle);
        int order = compare_cells(&at->owner, owner);
        if (order == 0) return at;
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

static int flush(const ag_collect *collect, ag_vec *items, const entry *owner, ag_arena *arena, ag_err *err)
{
    if (!owner || items->count == 0) return AG_OK;
    void *copy;
    int rc = ag_take_items(items, arena, &copy, err);
    if (rc < 0) return rc;
    collect->give(collect->context, owner->index, copy, items->count);
    ag_vec_clear(items);
    return AG_OK;
}

static int take_rows(const ag_collect *collect, ag_rows *rows, const ag_vec *sorted, ag_arena *arena, ag_err *err)
{
    ag_vec items;
    ag_vec_init(&items, collect->item_size);
    const entry *owner = NULL;
    int rc;
    while ((rc = ag_rows_next(rows, err)) > 0) {
        ag_cell cell = ag_rows_cell(rows, 0);
        if (!owner || compare_cells(&owner->owner, &cell) != 0) {
            if ((rc = flush(collect, &items, owner, arena, err)) < 0) break;
            owner = find_owner(sorted, &cell);
            if (!owner) continue; /* cannot be: we asked for it */
        }
        void *item = ag_vec_add(&items);
        rc = item ? collect->take(rows, arena, item, err) : ag_fail_memory(err, collect->item_size);
        if (rc < 0) break;
    }
    if (rc >= 0) rc = flush(collect, &items, owner, arena, err);
    ag_vec_deinit(&items);
    return rc;
}

static int run_chunk(const ag_collect *collect, ag_tx *tx, const ag_cell *owners, size_t count, const ag_vec *sorted,
                     ag_arena *arena, ag_err *err)
{
    ag_sql sql;
    ag_rows *rows = NULL;
    size_t size = 0;
    while (chunk_sizes[size] < count) size++;
    size = chunk_sizes[size];
    ag_cell binds[CHUNK];
    for (size_t i = 0; i < size; i++) binds[i] = owners[i < count ? i : count - 1];
    ag_mark mark = {"/*ids*/", ag_statement_placeholders(arena, 1, size)};
    if (!mark.sql) return ag_fail_memory(err, size * 5);
    int rc = ag_statement_fill(arena, collect->sql, ag_tx_dialect(tx), &mark, 1, &sql, err);
    if (rc >= 0) rc = ag_tx_query(tx, &sql, binds, size, &rows, err);
    if (rc >= 0) rc = take_rows(collect, rows, sorted, arena, err);
    ag_rows_free(rows);
    return rc;
}

int ag_collect_run(const ag_collect *collect, ag_tx *tx, ag_arena *arena, const ag_cell *owners, size_t count,
                   ag_err *err)
{
    ag_vec sorted;
    ag_vec_init(&sorted, sizeof(entry));
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) rc = ag_vec_push(&sorted, &(entry){owners[i], i}, err);
    if (rc >= 0) ag_vec_sort(&sorted, compare_entries);
    for (size_t at = 0; at < count && rc >= 0; at += CHUNK) {
        size_t left = count - at;
        rc = run_chunk(collect, tx, owners + at, left < CHUNK ? left : CHUNK, &sorted, arena, err);
    }
    ag_vec_deinit(&sorted);
    return rc;
}

int ag_collect_pair(ag_rows *rows, ag_arena *arena, void *item, ag_err *err)
{
    ag_pair *pair = item;
    int rc = ag_take_str(rows, 1, arena, &pair->key, err);
    return rc < 0 ? rc : ag_take_str(rows, 2, arena, &pair->value, err);
}
