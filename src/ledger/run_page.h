// SPDX-License-Identifier: Apache-2.0
#pragma once
/* run_page.h: which runs are on a page of a search, and in what order. */
#include "core/base/vec.h"
#include "ledger/run_private.h"
#include "ledger/search/search.h"

typedef struct ag_run_page {
    const ag_cell *experiments;
    size_t experiment_count;
    ag_view view;
    uint64_t size; /* how many are wanted */
    uint64_t offset;
    const ag_search_sql *search; /* its placeholders begin at 3 */
    ag_arena *arena;
} ag_run_page;

/* Appends to `into`, a vector of ag_run: only what lies in the table of runs. */
int ag_run_page_read(const ag_run_page *page, ag_tx *tx, ag_vec *into, ag_err *err);
