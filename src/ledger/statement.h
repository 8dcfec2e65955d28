// SPDX-License-Identifier: Apache-2.0
#pragma once
/* statement.h: small things that every room of the ledger needs: filling a statement's marks, lists of placeholders,
 * pages. Private to the floor. */
#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/db/db.h"
#include "ledger/ledger.h"
#include "ledger/search/search.h"

/* A mark in a .sql file, like the ids of IN, and the SQL that takes its place. Never text of a user. */
typedef struct ag_mark {
    const char *mark;
    const char *sql;
} ag_mark;

/* The statement with its marks replaced, for the tx's database. */
int ag_statement_fill(ag_arena *arena, const ag_sql *sql, ag_dialect dialect, const ag_mark *marks, size_t count,
                      ag_sql *out, ag_err *err);
/* "?4, ?5, ?6" for `count` placeholders from `first`. NULL when out of memory. */
char *ag_statement_placeholders(ag_arena *arena, unsigned first, size_t count);
/* Values of a compiled search behind `fixed` binds of the caller: one array to bind. */
ag_cell *ag_statement_binds(ag_arena *arena, const ag_cell *fixed, size_t fixed_count, const ag_search_sql *search,
                            size_t *count);

/* A value that was left out is an empty one: columns of values are never null. */
static inline ag_cell ag_cell_value(ag_str value)
{
    return ag_cell_str(value.data ? value : AG_STR(""));
}

/* The offset in a page token (0 for none), AG_EINVAL for one that we never gave. */
int ag_page_offset(ag_str token, uint64_t *offset, ag_err *err);
const char *ag_page_token(ag_arena *arena, uint64_t offset); /* NULL when out of memory */
/* max_results within [1, cap], `fallback` for 0; above is AG_EINVAL with the limit in its text. */
int ag_page_size(uint32_t wanted, uint32_t fallback, uint32_t cap, uint32_t *out, ag_err *err);

/* Columns of the current row, copied into the arena. Text: NULL for null. AG_ENOMEM is the only failure. */
int ag_take_text(ag_rows *rows, size_t column, ag_arena *arena, const char **out, ag_err *err);
int ag_take_str(ag_rows *rows, size_t column, ag_arena *arena, ag_str *out, ag_err *err);
/* Moves a vector's items into the arena; *out is never NULL on success. */
int ag_take_items(ag_vec *vec, ag_arena *arena, void **out, ag_err *err);

/* Decimal id of an experiment; false when it is not a number. */
bool ag_experiment_number(ag_str id, int64_t *out);
