// SPDX-License-Identifier: Apache-2.0
/* run_search.c: runs by a filter, a page at a time, whole. The page itself is a query or three (run_page.c); what hangs
 * on its runs takes a fixed number more. Deep pages cost as the database skips rows: the token is an offset, because
 * clients may sort by anything. */
#include "ledger/collect.h"
#include "ledger/run_page.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { DEFAULT_PAGE = 1000, LARGEST_PAGE = 50000, MAX_EXPERIMENTS = 1000, MAX_DATASET_EXPERIMENTS = 20 };

typedef struct job {
    const ag_cell *experiments;
    size_t experiment_count;
    ag_view view;
    uint32_t size;
    uint64_t offset;
    const ag_search_sql *search;
    ag_arena *arena;
    ag_vec items;
} job;

/* Ids that are numbers; others name nothing. */
static int read_experiments(const ag_str *ids, size_t count, size_t max, ag_arena *arena, ag_cell **out,
                            size_t *out_count, ag_err *err)
{
    if (count > max) return ag_fail(err, AG_EINVAL, "at most %zu experiments can be searched at once", max);
    ag_cell *cells = ag_arena_array(arena, count + 1, sizeof(*cells));
    if (!cells) return ag_fail_memory(err, count * sizeof(*cells));
    *out_count = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        if (ag_experiment_number(ids[i], &number)) cells[(*out_count)++] = ag_cell_int(number);
    }
    *out = cells;
    return AG_OK;
}

static int run_search(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_run_page page = {.experiments = j->experiments,
                        .experiment_count = j->experiment_count,
                        .view = j->view,
                        .size = (uint64_t)j->size + 1,
                        .offset = j->offset,
                        .search = j->search,
                        .arena = j->arena};
    ag_vec_clear(&j->items);
    int rc = ag_run_page_read(&page, tx, &j->items, err);
    if (rc < 0) return rc;
    size_t count = j->items.count < j->size ? j->items.count : j->size;
    return ag_run_fill(tx, j->arena, j->items.items, count, err);
}

int ag_run_search(ag_ledger *ledger, const ag_str *experiment_ids, size_t experiment_count, ag_view view,
                  const ag_page_request *page, ag_arena *arena, ag_runs *out, ag_err *err)
{
    ag_search_sql search;
    ag_cell *experiments = NULL;
    job j = {.view = view, .search = &search, .arena = arena};
    ag_search_request request = {.filter = page->filter,
                                 .order_by = page->order_by,
                                 .order_count = page->order_count,
                                 .dialect = ag_db_dialect(ledger->db),
                                 .first_placeholder = 3};
    void *items = NULL;
    ag_vec_init(&j.items, sizeof(ag_run));
    int rc = ag_page_size(page->max_results, DEFAULT_PAGE, LARGEST_PAGE, &j.size, err);
    if (rc >= 0) rc = ag_page_offset(page->token, &j.offset, err);
    if (rc >= 0) {
        rc = read_experiments(experiment_ids, experiment_count, MAX_EXPERIMENTS, arena, &experiments,
                              &j.experiment_count, err);
    }
    if (rc >= 0) rc = ag_search_compile(&ag_search_runs, &request, arena, &search, err);
    if (rc >= 0) {
        j.experiments = experiments;
        rc = ag_db_read(ledger->db, NULL, run_search, &j, err);
    }
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    if (rc >= 0) {
        bool more = j.items.count > j.size;
        *out = (ag_runs){items, more ? j.size : j.items.count, NULL};
        if (more && !(out->next = ag_page_token(arena, j.offset + j.size))) rc = ag_fail_memory(err, 1);
    }
    ag_vec_deinit(&j.items);
    return rc;
}

/* ---- the data sets of experiments ---- */

static int read_summaries(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_sql sql;
    ag_rows *rows = NULL;
    ag_vec_clear(&j->items);
    ag_mark mark = {"/*ids*/", ag_statement_placeholders(j->arena, 1, j->experiment_count)};
    if (!mark.sql) return ag_fail_memory(err, j->experiment_count);
    int rc = ag_statement_fill(j->arena, &AG_SQL_DATASET_SUMMARIES, ag_tx_dialect(tx), &mark, 1, &sql, err);
    if (rc >= 0) rc = ag_tx_query(tx, &sql, j->experiments, j->experiment_count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_dataset_summary *one = ag_vec_add(&j->items);
        if (!one) rc = ag_fail_memory(err, sizeof(*one));
        if (rc >= 0 && !(one->experiment_id = ag_arena_printf(j->arena, "%lld", (long long)ag_rows_int(rows, 0)))) {
            rc = ag_fail_memory(err, 20);
        }
        if (rc >= 0) rc = ag_take_text(rows, 1, j->arena, &one->name, err);
        if (rc >= 0) rc = ag_take_text(rows, 2, j->arena, &one->digest, err);
        if (rc >= 0) rc = ag_take_text(rows, 3, j->arena, &one->context, err);
    }
    ag_rows_free(rows);
    return rc;
}

int ag_run_search_datasets(ag_ledger *ledger, const ag_str *experiment_ids, size_t count, ag_arena *arena,
                           const ag_dataset_summary **out, size_t *out_count, ag_err *err)
{
    ag_cell *experiments = NULL;
    job j = {.arena = arena};
    void *items = NULL;
    ag_vec_init(&j.items, sizeof(ag_dataset_summary));
    int rc =
        read_experiments(experiment_ids, count, MAX_DATASET_EXPERIMENTS, arena, &experiments, &j.experiment_count, err);
    if (rc >= 0) {
        j.experiments = experiments;
        rc = ag_db_read(ledger->db, NULL, read_summaries, &j, err);
    }
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    if (rc >= 0) {
        *out = items;
        *out_count = j.items.count;
    }
    ag_vec_deinit(&j.items);
    return rc;
}
