// SPDX-License-Identifier: Apache-2.0
/* logged_model_search.c: logged models of some experiments by a filter, perhaps narrowed to data sets: then a model
 * counts when it has a metric on one of them, and metrics of the filter are compared on those only.
 * A page token carries what it was made for ({"experiment_ids", "filter_string", "order_by", "offset"}), and is refused
 * with another request: pages of two searches must not be mixed. */
#include <string.h>

#include "core/doc/json.h"
#include "core/hash/encode.h"
#include "ledger/logged_model_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { DEFAULT_PAGE = 50, LARGEST_PAGE = 1000, MAX_EXPERIMENTS = 1000, MAX_DATASETS = 100, MAX_TOKEN = 64 << 10 };

typedef struct asked { /* what a page token is made for */
    const ag_str *experiment_ids;
    size_t experiment_count;
    const ag_pair *datasets;
    size_t dataset_count;
    const ag_page_request *page;
} asked;

typedef struct job {
    const asked *of;
    const ag_cell *experiments;
    size_t experiment_count;
    uint32_t size;
    uint64_t offset;
    const ag_search_sql *search;
    ag_arena *arena;
    ag_vec items;
} job;

/* ---- the token ---- */

static void write_datasets(ag_json *json, const char *name, const ag_pair *datasets, size_t count)
{
    if (count == 0) return; /* as MLflow's tokens are, which know no data sets */
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) {
        ag_json_str(json, datasets[i].key);
        ag_json_str(json, datasets[i].value);
    }
    ag_json_end_array(json);
}

static void write_request(ag_json *json, const asked *of)
{
    const ag_page_request *page = of->page;
    ag_json_name(json, "experiment_ids");
    ag_json_begin_array(json);
    for (size_t i = 0; i < of->experiment_count; i++) ag_json_str(json, of->experiment_ids[i]);
    ag_json_end_array(json);
    ag_json_name(json, "filter_string");
    ag_json_str(json, page->filter.data ? page->filter : AG_STR(""));
    ag_json_name(json, "order_by");
    ag_json_begin_array(json);
    for (size_t i = 0; i < page->order_count; i++) ag_json_str(json, page->order_by[i]);
    ag_json_end_array(json);
    write_datasets(json, "datasets", of->datasets, of->dataset_count);
    write_datasets(json, "order_datasets", page->order_datasets, page->order_datasets ? page->order_count : 0);
}

static int make_token(ag_arena *arena, const asked *of, uint64_t offset, const char **out, ag_err *err)
{
    ag_buf text, token;
    ag_buf_init(&text, MAX_TOKEN);
    ag_buf_init(&token, 2 * (size_t)MAX_TOKEN);
    ag_json json = ag_json_writer(&text, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    write_request(&json, of);
    ag_json_name(&json, "offset");
    ag_json_uint(&json, offset);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    if (rc >= 0) {
        ag_base64(&token, ag_buf_str(&text));
        rc = ag_buf_check(&token, "a page token", err);
    }
    if (rc >= 0 && !(*out = ag_arena_strndup(arena, token.data, token.size))) rc = ag_fail_memory(err, token.size);
    ag_buf_deinit(&text);
    ag_buf_deinit(&token);
    return rc;
}

static int refuse_token(ag_err *err)
{
    return ag_fail(err, AG_EINVAL, "Invalid page token: it was not made for this search");
}

/* What the token says must be what is asked now. */
static int read_offset(ag_arena *arena, const asked *of, uint64_t *out, ag_err *err)
{
    const ag_page_request *page = of->page;
    const char *expected;
    const ag_value *value = NULL;
    int64_t offset = -1;
    ag_buf text;
    *out = 0;
    if (page->token.size == 0) return AG_OK;
    if (page->token.size > 2 * (size_t)MAX_TOKEN) return refuse_token(err);
    ag_buf_init(&text, MAX_TOKEN);
    bool good = ag_unbase64(page->token, &text, NULL) >= 0 &&
                ag_json_parse(arena, ag_buf_str(&text), NULL, &value, NULL) >= 0 &&
                ag_value_int(ag_value_get(value, "offset"), &offset) && offset >= 0;
    ag_buf_deinit(&text);
    if (!good) return refuse_token(err);
    int rc = make_token(arena, of, (uint64_t)offset, &expected, err);
    if (rc < 0) return rc;
    if (!ag_str_is(page->token, expected)) return refuse_token(err);
    *out = (uint64_t)offset;
    return AG_OK;
}

/* ---- the statement ---- */

/* Adds the data sets' names and digests to what is bound; the first placeholder of each is 2 * i + first. */
static void add_match(ag_buf *sql, const char *alias, unsigned at)
{
    ag_buf_addf(sql, "(%s.dataset_name = ?%u AND (?%u = '' OR %s.dataset_digest = ?%u))", alias, at, at + 1, alias,
                at + 1);
}

static const char *take_text(ag_arena *arena, ag_buf *sql)
{
    const char *copy = sql->failed ? NULL : ag_arena_strndup(arena, sql->data ? sql->data : "", sql->size);
    ag_buf_deinit(sql);
    return copy;
}

/* " AND (alias is one of the data sets)", or nothing when the search is not narrowed. */
static const char *narrow(const job *j, const char *alias, unsigned first)
{
    ag_buf sql;
    ag_buf_init(&sql, 1 << 20);
    for (size_t i = 0; i < j->of->dataset_count; i++) {
        ag_buf_add_text(&sql, i ? " OR " : " AND (");
        add_match(&sql, alias, first + 2 * (unsigned)i);
    }
    if (j->of->dataset_count) ag_buf_add_char(&sql, ')');
    return take_text(j->arena, &sql);
}

static bool is_metric(ag_str order)
{
    order = ag_str_trim(order);
    return ag_str_starts(order, AG_STR("metrics.")) || ag_str_starts(order, AG_STR("metric."));
}

/* The data set of an order; NULL when it has none. */
static const ag_pair *order_dataset(const job *j, size_t order)
{
    const ag_page_request *page = j->of->page;
    if (!page->order_datasets || order >= page->order_count || !is_metric(page->order_by[order])) return NULL;
    return page->order_datasets[order].key.size ? &page->order_datasets[order] : NULL;
}

/* The joins with the data set of each order: the marks stand in the order of the orders by metrics. */
static const char *narrow_joins(const job *j, unsigned first)
{
    static const char mark[] = "/*order-on*/";
    const ag_page_request *page = j->of->page;
    const char *at = j->search->joins;
    size_t order = 0;
    ag_buf sql;
    ag_buf_init(&sql, 1 << 20);
    for (const char *found; (found = strstr(at, mark)) != NULL; at = found + strlen(mark)) {
        ag_buf_add(&sql, at, (size_t)(found - at));
        while (order < page->order_count && !is_metric(page->order_by[order])) order++;
        if (order_dataset(j, order)) {
            ag_buf_add_text(&sql, " AND ");
            add_match(&sql, "y", first);
            first += 2;
        }
        order++;
    }
    ag_buf_add_text(&sql, at);
    return take_text(j->arena, &sql);
}

/* Placeholders: size and offset, the search's values, experiments, data sets, data sets of orders. */
static int fill_statement(const job *j, ag_tx *tx, size_t searched, ag_sql *out, ag_err *err)
{
    unsigned datasets = (unsigned)(searched + j->experiment_count) + 1;
    const char *on = narrow(j, "x", datasets), *any = narrow(j, "d", datasets);
    const char *joins = narrow_joins(j, datasets + 2 * (unsigned)j->of->dataset_count);
    const char *ids = ag_statement_placeholders(j->arena, (unsigned)searched + 1, j->experiment_count);
    if (!on || !any || !joins || !ids) return ag_fail_memory(err, j->experiment_count);
    const char *narrowed =
        *any ? ag_arena_printf(j->arena,
                               "EXISTS (SELECT 1 FROM logged_model_metrics d WHERE d.logged_model_id = g.id%s)", any)
             : "1 = 1";
    if (!narrowed) return ag_fail_memory(err, 128);
    ag_sql where = ag_sql_text("logged_model_where", j->search->where);
    const ag_mark mark = {"/*on*/", on};
    int rc = ag_statement_fill(j->arena, &where, ag_tx_dialect(tx), &mark, 1, &where, err);
    if (rc < 0) return rc;
    const ag_mark marks[] = {
        {"/*ids*/", ids},
        {"/*datasets*/", narrowed},
        {"/*joins*/", joins},
        {"/*where*/", where.text[ag_tx_dialect(tx)]},
        {"/*order*/", j->search->order},
    };
    return ag_statement_fill(j->arena, &AG_SQL_LOGGED_MODEL_SEARCH, ag_tx_dialect(tx), marks, 5, out, err);
}

static ag_cell *bind_all(const job *j, size_t *searched, size_t *count)
{
    const asked *of = j->of;
    ag_cell fixed[] = {ag_cell_int((int64_t)j->size + 1), ag_cell_int((int64_t)j->offset)};
    ag_cell *first = ag_statement_binds(j->arena, fixed, 2, j->search, searched);
    size_t most = *searched + j->experiment_count + 2 * (of->dataset_count + of->page->order_count);
    ag_cell *binds = ag_arena_array(j->arena, most + 1, sizeof(*binds));
    if (!first || !binds) return NULL;
    memcpy(binds, first, *searched * sizeof(*binds));
    size_t at = *searched;
    for (size_t i = 0; i < j->experiment_count; i++) binds[at++] = j->experiments[i];
    for (size_t i = 0; i < of->dataset_count; i++) {
        binds[at++] = ag_cell_value(of->datasets[i].key);
        binds[at++] = ag_cell_value(of->datasets[i].value);
    }
    for (size_t i = 0; i < of->page->order_count; i++) {
        const ag_pair *dataset = order_dataset(j, i);
        if (!dataset) continue;
        binds[at++] = ag_cell_value(dataset->key);
        binds[at++] = ag_cell_value(dataset->value);
    }
    *count = at;
    return binds;
}

static int run_search(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    ag_sql sql;
    ag_rows *rows = NULL;
    size_t searched, count;
    ag_vec_clear(&j->items);
    ag_cell *binds = bind_all(j, &searched, &count);
    if (!binds) return ag_fail_memory(err, 1);
    int rc = fill_statement(j, tx, searched, &sql, err);
    if (rc >= 0) rc = ag_tx_query(tx, &sql, binds, count, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_logged_model *model = ag_vec_add(&j->items);
        rc = model ? ag_logged_model_take(rows, j->arena, model, err) : ag_fail_memory(err, sizeof(*model));
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : ag_logged_model_fill(tx, j->arena, j->items.items, j->items.count, err);
}

static int read_experiments(job *j, const ag_str *ids, size_t count, ag_err *err)
{
    if (count > MAX_EXPERIMENTS) {
        return ag_fail(err, AG_EINVAL, "at most %d experiments can be searched at once", MAX_EXPERIMENTS);
    }
    ag_cell *cells = ag_arena_array(j->arena, count + 1, sizeof(*cells));
    if (!cells) return ag_fail_memory(err, count * sizeof(*cells));
    for (size_t i = 0; i < count; i++) {
        int64_t number; /* what is no number names nothing */
        if (ag_experiment_number(ids[i], &number)) cells[j->experiment_count++] = ag_cell_int(number);
    }
    j->experiments = cells;
    return AG_OK;
}

static int check_datasets(const ag_pair *datasets, size_t count, ag_err *err)
{
    if (count > MAX_DATASETS) return ag_fail(err, AG_EINVAL, "at most %d data sets in one search", MAX_DATASETS);
    for (size_t i = 0; i < count; i++) {
        if (datasets[i].key.size) continue;
        return ag_fail(err, AG_EINVAL, "`dataset_name` in the `datasets` clause must be specified.");
    }
    return AG_OK;
}

int ag_logged_model_search(ag_ledger *ledger, const ag_str *experiment_ids, size_t experiment_count,
                           const ag_pair *datasets, size_t dataset_count, const ag_page_request *page, ag_arena *arena,
                           ag_logged_models *out, ag_err *err)
{
    ag_search_sql search;
    ag_search_request request = {.filter = page->filter,
                                 .order_by = page->order_by,
                                 .order_count = page->order_count,
                                 .dialect = ag_db_dialect(ledger->db),
                                 .first_placeholder = 3};
    const asked of = {experiment_ids, experiment_count, datasets, dataset_count, page};
    job j = {.of = &of, .search = &search, .arena = arena};
    void *items = NULL;
    const char *next = NULL;
    ag_vec_init(&j.items, sizeof(ag_logged_model));
    int rc = ag_page_size(page->max_results, DEFAULT_PAGE, LARGEST_PAGE, &j.size, err);
    if (rc >= 0) rc = read_experiments(&j, experiment_ids, experiment_count, err);
    if (rc >= 0) rc = check_datasets(datasets, dataset_count, err);
    if (rc >= 0) rc = read_offset(arena, &of, &j.offset, err);
    if (rc >= 0) rc = ag_search_compile(&ag_search_logged_models, &request, arena, &search, err);
    if (rc >= 0) rc = ag_db_read(ledger->db, NULL, run_search, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.items, arena, &items, err);
    bool more = j.items.count > j.size;
    if (rc >= 0 && more) rc = make_token(arena, &of, j.offset + j.size, &next, err);
    if (rc >= 0) *out = (ag_logged_models){items, more ? j.size : j.items.count, next};
    ag_vec_deinit(&j.items);
    return rc;
}
