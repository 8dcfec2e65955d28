// SPDX-License-Identifier: Apache-2.0
/* version_search.c: versions of all models by a filter, a page at a time, with tags and aliases. */
#include "ledger/model_private.h"
#include "ledger/permission.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { DEFAULT_PAGE = 10000, LARGEST_PAGE = 200000 };

static const char without_prompts[] =
    "NOT EXISTS (SELECT 1 FROM version_tags pt WHERE pt.version_id = v.id AND pt.key = 'mlflow.prompt.is_prompt' AND "
    "pt.value = 'true')";

typedef struct job {
    const ag_ledger *ledger;
    const ag_page_request *page;
    uint32_t size;
    uint64_t offset;
    const ag_search_sql *search;
    ag_arena *arena;
    ag_vec rows;
} job;

static int fill_statement(ag_tx *tx, const job *j, ag_sql *out, ag_err *err)
{
    const char *visible;
    int rc = ag_visible_rule(tx, j->ledger, j->page->reader, AG_RESOURCE_MODEL, "m.name", j->arena, &visible, err);
    if (rc < 0) return rc;
    ag_mark marks[] = {{"/*prompts*/", ag_model_asks_for_prompts(j->page->filter) ? "1 = 1" : without_prompts},
                       {"/*visible*/", visible},
                       {"/*where*/", j->search->where},
                       {"/*order*/", j->search->order}};
    return ag_statement_fill(j->arena, &AG_SQL_VERSION_SEARCH, ag_tx_dialect(tx), marks, 4, out, err);
}

static int run_search(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_sql sql;
    ag_rows *rows = NULL;
    size_t count;
    ag_vec_clear(&j->rows);
    ag_cell fixed[] = {ag_cell_int((int64_t)j->size + 1), ag_cell_int((int64_t)j->offset)};
    ag_cell *binds = ag_statement_binds(j->arena, fixed, 2, j->search, &count);
    if (!binds) return ag_fail_memory(err, 1);
    int rc = fill_statement(tx, j, &sql, err);
    if (rc >= 0) rc = ag_tx_query(tx, &sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_version_row *row = ag_vec_add(&j->rows);
        rc = row ? ag_version_take(rows, j->arena, row, err) : ag_fail_memory(err, sizeof(*row));
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : ag_version_fill(tx, j->arena, j->rows.items, j->rows.count, err);
}

int ag_version_search(ag_ledger *ledger, const ag_page_request *page, ag_arena *arena, ag_versions *out, ag_err *err)
{
    ag_search_sql search;
    ag_search_request request = {.filter = page->filter,
                                 .order_by = page->order_by,
                                 .order_count = page->order_count,
                                 .dialect = ag_db_dialect(ledger->db),
                                 .first_placeholder = 3};
    job j = {.ledger = ledger, .page = page, .search = &search, .arena = arena};
    const ag_version *items = NULL;
    ag_vec_init(&j.rows, sizeof(ag_version_row));
    int rc = ag_page_size(page->max_results, DEFAULT_PAGE, LARGEST_PAGE, &j.size, err);
    if (rc >= 0) rc = ag_page_offset(page->token, &j.offset, err);
    if (rc >= 0) rc = ag_search_compile(&ag_search_versions, &request, arena, &search, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_search, &j, err);
    if (rc >= 0) rc = ag_version_strip(arena, j.rows.items, j.rows.count, &items, err);
    if (rc >= 0) {
        bool more = j.rows.count > j.size;
        *out = (ag_versions){items, more ? j.size : j.rows.count, NULL};
        if (more && !(out->next = ag_page_token(arena, j.offset + j.size))) rc = ag_fail_memory(err, 1);
    }
    ag_vec_deinit(&j.rows);
    return rc;
}
