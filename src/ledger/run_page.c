// SPDX-License-Identifier: Apache-2.0
/* run_page.c: a page of a search, by the cheapest of three ways, which all give the same rows:
 *   driven   a comparison that few runs fit gives their ids by its index; those runs are looked at and sorted
 *   led      the order is that of a metric, parameter or tag: its index is walked, each run looked at, until the page
 * is full. Three parts: runs with a value, with NaN, without the key; most pages end within the first walked   runs in
 * their own order, or all of them, sorted; sets are gathered first, since to find a run in one is quicker than to look
 * up its values A database cannot know which is best, since it has no idea how many runs fit a value; so it is asked
 * first, with a bound: whether a comparison fits few runs (PROBED index entries), and how many of the first SAMPLED
 * entries of the leading index are runs that are wanted. */
#include "ledger/run_page.h"

#include <string.h>

#include "ledger/statement.h"
#include "ledger_sql.h"

enum {
    FEW = 1200,    /* ids of a driving set: to look at more costs as much as walking until a page of 100 is full */
    SAMPLED = 200, /* entries of the leading index that are tried */
    WASTE = 8,     /* entries that may be looked at for each that fits */
};

typedef struct reading {
    const ag_run_page *page;
    ag_tx *tx;
    ag_vec *into;
    ag_cell *binds; /* limit, offset, those of the search, the experiments */
    size_t bind_count;
    const char *ids;
} reading;

static const char *view_of(const ag_run_page *page, bool hide)
{
    static const char *const views[][2] = {
        [AG_VIEW_ACTIVE] = {"r.deleted = 0", "+r.deleted = 0"},
        [AG_VIEW_DELETED] = {"r.deleted <> 0", "+r.deleted <> 0"},
        [AG_VIEW_ALL] = {"1 = 1", "1 = 1"},
    };
    return views[page->view][hide];
}

static int prepare(reading *r, ag_err *err)
{
    const ag_run_page *page = r->page;
    size_t count;
    ag_cell fixed[2] = {ag_cell_int(0), ag_cell_int(0)};
    ag_cell *searched = ag_statement_binds(page->arena, fixed, 2, page->search, &count);
    r->bind_count = count + page->experiment_count;
    r->binds = ag_arena_array(page->arena, r->bind_count + 1, sizeof(*r->binds));
    r->ids = ag_statement_placeholders(page->arena, (unsigned)count + 1, page->experiment_count);
    if (!searched || !r->binds || !r->ids) return ag_fail_memory(err, count * sizeof(*r->binds));
    memcpy(r->binds, searched, count * sizeof(*r->binds));
    for (size_t i = 0; i < page->experiment_count; i++) r->binds[count + i] = page->experiments[i];
    return AG_OK;
}

/* A statement of this search: its own marks come before those that all have. */
static int fill(reading *r, const ag_sql *sql, const ag_mark *own, size_t count, bool driven, ag_sql *out, ag_err *err)
{
    ag_mark marks[10];
    /* "+" hides a column from SQLite's indexes, since it would walk one of runs; PostgreSQL's planner has statistics,
     * which "+" would hide from it. */
    bool sqlite = ag_tx_dialect(r->tx) == AG_DIALECT_SQLITE;
    memcpy(marks, own, count * sizeof(*marks));
    marks[count++] = (ag_mark){"/*ids*/", r->ids};
    marks[count++] = (ag_mark){"/*+*/", sqlite ? "+" : ""};
    marks[count++] = (ag_mark){"/*view*/", view_of(r->page, driven && sqlite)};
    return ag_statement_fill(r->page->arena, sql, ag_tx_dialect(r->tx), marks, count, out, err);
}

static int read_rows(reading *r, const ag_sql *sql, uint64_t limit, uint64_t offset, ag_err *err)
{
    ag_rows *rows = NULL;
    r->binds[0] = ag_cell_int((int64_t)limit);
    r->binds[1] = ag_cell_int((int64_t)offset);
    int rc = ag_tx_query(r->tx, sql, r->binds, r->bind_count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_run *run = ag_vec_add(r->into);
        rc = run ? ag_run_take(rows, r->page->arena, run, err) : ag_fail_memory(err, sizeof(*run));
    }
    ag_rows_free(rows);
    return rc;
}

/* ---- driven and walked ---- */

static int read_walked(reading *r, const char *where, const char *joins, const char *order, uint64_t limit,
                       uint64_t offset, ag_err *err)
{
    ag_sql sql;
    const ag_mark marks[] = {{"/*joins*/", joins}, {"/*where*/", where}, {"/*order*/", order}};
    int rc = fill(r, &AG_SQL_RUN_SEARCH, marks, 3, false, &sql, err);
    return rc < 0 ? rc : read_rows(r, &sql, limit, offset, err);
}

static int read_driven(reading *r, const ag_search_drive *drive, ag_err *err)
{
    ag_sql sql;
    const ag_search_sql *search = r->page->search;
    const ag_mark marks[] = {{"/*set*/", drive->set},
                             {"/*joins*/", search->joins},
                             {"/*where*/", search->walk},
                             {"/*order*/", search->order}};
    int rc = fill(r, &AG_SQL_RUN_SEARCH_DRIVEN, marks, 4, true, &sql, err);
    return rc < 0 ? rc : read_rows(r, &sql, r->page->size, r->page->offset, err);
}

/* The comparison that fits the fewest runs, when those are few; NULL: none does. */
static int find_drive(reading *r, const ag_search_drive **out, ag_err *err)
{
    const ag_search_sql *search = r->page->search;
    int64_t least = FEW;
    *out = NULL;
    for (size_t i = 0; i < search->drive_count && least > 0; i++) {
        const ag_search_drive *drive = &search->drives[i];
        const ag_mark mark = {"/*set*/", drive->probe};
        ag_sql sql;
        int64_t found = 0;
        ag_cell value =
            drive->value.type == AG_SEARCH_NUMBER ? ag_cell_real(drive->value.number) : ag_cell_str(drive->value.text);
        int rc = ag_statement_fill(r->page->arena, &AG_SQL_RUN_SEARCH_PROBE, ag_tx_dialect(r->tx), &mark, 1, &sql, err);
        if (rc >= 0) {
            rc = ag_tx_get_int(r->tx, &sql, AG_BINDS(ag_cell_int(least), value, ag_cell_str(drive->key.text)), &found,
                               err);
        }
        if (rc < 0) return rc;
        if (found >= least) continue;
        least = found;
        *out = drive;
    }
    return AG_OK;
}

/* ---- led ---- */

/* The condition of a part: runs with a value, or those whose value is NULL. */
static const char *part_of(const reading *r, bool nulls)
{
    const ag_search_lead *lead = &r->page->search->lead;
    return ag_arena_printf(r->page->arena, "%s AND %s IS %sNULL", lead->is_key, lead->value, nulls ? "" : "NOT ");
}

/* 1: the index has enough of what is wanted. */
static int is_worth_leading(reading *r, ag_err *err)
{
    const ag_search_sql *search = r->page->search;
    ag_sql sql;
    ag_rows *rows = NULL;
    const char *part = part_of(r, false);
    if (!part) return ag_fail_memory(err, 1);
    const ag_mark marks[] = {{"/*from*/", search->lead.from},
                             {"/*part*/", part},
                             {"/*first*/", search->lead.first},
                             {"/*where*/", search->walk}};
    int rc = fill(r, &AG_SQL_RUN_SEARCH_SAMPLE, marks, 4, false, &sql, err);
    r->binds[0] = ag_cell_int(SAMPLED);
    r->binds[1] = ag_cell_int(0);
    if (rc >= 0) rc = ag_tx_query(r->tx, &sql, r->binds, r->bind_count, &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    if (rc > 0) {
        int64_t tried = ag_rows_int(rows, 0), fit = ag_rows_int(rows, 1);
        rc = tried < SAMPLED || fit * WASTE >= tried;
    }
    ag_rows_free(rows);
    return rc;
}

static int count_part(reading *r, const ag_mark marks[5], int64_t *out, ag_err *err)
{
    ag_sql sql;
    int rc = fill(r, &AG_SQL_RUN_SEARCH_LED_COUNT, marks, 5, false, &sql, err);
    r->binds[0] = ag_cell_int(INT64_MAX);
    r->binds[1] = ag_cell_int(0);
    return rc < 0 ? rc : ag_tx_get_int(r->tx, &sql, r->binds, r->bind_count, out, err);
}

/* What of the page lies in one part; *offset goes down by what the part has and the page skips. */
static int read_part(reading *r, bool nulls, uint64_t *offset, ag_err *err)
{
    const ag_search_sql *search = r->page->search;
    const char *order = search->lead.order, *part = part_of(r, nulls);
    ag_sql sql;
    if (part && !nulls) order = ag_arena_printf(r->page->arena, "%s, %s", search->lead.first, order);
    if (!part || !order) return ag_fail_memory(err, 1);
    const ag_mark marks[] = {{"/*from*/", search->lead.from},
                             {"/*part*/", part},
                             {"/*joins*/", search->lead.joins},
                             {"/*where*/", search->walk},
                             {"/*order*/", order}};
    size_t before = r->into->count;
    uint64_t wanted = r->page->size - before;
    int rc = fill(r, &AG_SQL_RUN_SEARCH_LED, marks, 5, false, &sql, err);
    if (rc >= 0) rc = read_rows(r, &sql, wanted, *offset, err);
    if (rc < 0 || r->into->count - before == wanted) return rc;
    int64_t there = 0;
    if (r->into->count > before || *offset == 0) {
        *offset = 0;
        return AG_OK;
    }
    rc = count_part(r, marks, &there, err);
    *offset -= (uint64_t)there < *offset ? (uint64_t)there : *offset;
    return rc < 0 ? rc : AG_OK;
}

static int read_led(reading *r, ag_err *err)
{
    const ag_search_sql *search = r->page->search;
    uint64_t offset = r->page->offset;
    int rc = read_part(r, false, &offset, err);
    if (rc >= 0 && r->into->count < r->page->size && search->lead.nullable) rc = read_part(r, true, &offset, err);
    if (rc < 0 || r->into->count == r->page->size) return rc;
    const char *where = ag_arena_printf(r->page->arena, "%s AND NOT %s", search->walk, search->lead.exists);
    if (!where) return ag_fail_memory(err, 1);
    return read_walked(r, where, search->lead.joins, search->lead.order, r->page->size - r->into->count, offset, err);
}

int ag_run_page_read(const ag_run_page *page, ag_tx *tx, ag_vec *into, ag_err *err)
{
    reading r = {.page = page, .tx = tx, .into = into};
    const ag_search_sql *search = page->search;
    const ag_search_drive *drive = NULL;
    int rc = prepare(&r, err);
    if (rc >= 0) rc = find_drive(&r, &drive, err);
    if (rc < 0) return rc;
    if (drive) return read_driven(&r, drive, err);
    rc = search->lead.from ? is_worth_leading(&r, err) : 0;
    if (rc < 0) return rc;
    if (rc > 0) return read_led(&r, err);
    return read_walked(&r, search->where, search->joins, search->order, page->size, page->offset, err);
}
