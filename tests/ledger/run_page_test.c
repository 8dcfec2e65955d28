// SPDX-License-Identifier: Apache-2.0
/* Pages of searches over enough runs that each of the ways to find them is taken; what a page must hold is computed
 * here by looking at all runs. */
#include <math.h>

#include "core/db/db.h"
#include "ledger/both.h"

enum { RUNS = 1500, PAGE = 97 };

typedef struct facts { /* of the run with this number */
    int number;
    bool has_metric, is_nan, deleted;
    double metric;
    char letter; /* parameter p; 0: none */
} facts;

static facts facts_of(int n)
{
    return (facts){.number = n,
                   .has_metric = n % 5 != 0,
                   .is_nan = n % 5 == 1 && n % 3 == 0,
                   .metric = n * 37 % 101,
                   .letter = n % 7 == 6    ? '\0'
                             : n % 50 == 1 ? 'r'
                                           : (char)('a' + n % 2),
                   .deleted = n % 11 == 10};
}

static int fill(ag_tx *tx, void *context, ag_err *err)
{
    static const ag_sql run = {
        "run",
        {"INSERT INTO runs (id, experiment_id, name, status, artifact_uri, started_at, deleted) VALUES (?1, 0, ?1, "
         "'RUNNING', 'x', ?2, ?3)",
         "INSERT INTO runs (id, experiment_id, name, status, artifact_uri, started_at, deleted) VALUES (?1, 0, ?1, "
         "'RUNNING', 'x', ?2, ?3)"}};
    static const ag_sql series = {"series",
                                  {"INSERT INTO metric_series (run_id, key, last_value, last_step, last_at) VALUES "
                                   "(?1, 'm', ?2, 1, 1)",
                                   "INSERT INTO metric_series (run_id, key, last_value, last_step, last_at) VALUES "
                                   "(?1, 'm', ?2, 1, 1)"}};
    static const ag_sql param = {"param",
                                 {"INSERT INTO params (run_id, key, value) VALUES (?1, 'p', ?2)",
                                  "INSERT INTO params (run_id, key, value) VALUES (?1, 'p', ?2)"}};
    (void)context;
    for (int n = 0; n < RUNS; n++) {
        facts f = facts_of(n);
        char id[16], value[2] = {f.letter, '\0'};
        snprintf(id, sizeof(id), "run%05d", n);
        int rc = ag_tx_run(tx, &run, AG_BINDS(ag_cell_text(id), ag_cell_int(n / 3 * 1000), ag_cell_int(f.deleted)),
                           NULL, err);
        if (rc >= 0 && f.has_metric) {
            ag_cell cell = f.is_nan ? ag_cell_null() : ag_cell_real(f.metric);
            rc = ag_tx_run(tx, &series, AG_BINDS(ag_cell_text(id), cell), NULL, err);
        }
        if (rc >= 0 && f.letter) rc = ag_tx_run(tx, &param, AG_BINDS(ag_cell_text(id), ag_cell_text(value)), NULL, err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

/* ---- what must come out ---- */

static int newest_first(const facts *a, const facts *b)
{
    if (a->number / 3 != b->number / 3) return a->number / 3 > b->number / 3 ? -1 : 1;
    return a->number - b->number;
}

static int part_of(const facts *f)
{
    return !f->has_metric ? 2 : f->is_nan ? 1 : 0;
}

static int by_metric(const facts *a, const facts *b, int sign)
{
    if (part_of(a) != part_of(b)) return part_of(a) - part_of(b);
    if (part_of(a) == 0 && a->metric != b->metric) return (a->metric < b->metric ? -1 : 1) * sign;
    return newest_first(a, b);
}

static int up(const void *a, const void *b)
{
    return by_metric(a, b, 1);
}

static int down(const void *a, const void *b)
{
    return by_metric(a, b, -1);
}

static int by_letter(const void *a, const void *b)
{
    const facts *x = a, *y = b;
    if (!x->letter != !y->letter) return x->letter ? -1 : 1;
    return x->letter != y->letter ? y->letter - x->letter : up(a, b);
}

static int newest(const void *a, const void *b)
{
    return newest_first(a, b);
}

static bool all(const facts *f)
{
    return !f->deleted;
}

static bool low(const facts *f)
{
    return all(f) && f->has_metric && !f->is_nan && f->metric < 90;
}

static bool very_low(const facts *f)
{
    return all(f) && f->has_metric && !f->is_nan && f->metric <= 1;
}

static bool rare(const facts *f)
{
    return all(f) && f->letter == 'r';
}

static bool low_and_rare(const facts *f)
{
    return low(f) && rare(f);
}

static bool low_or_rare(const facts *f)
{
    return low(f) || rare(f);
}

static bool neither(const facts *f)
{
    return all(f) && !low(f) && f->letter != 'a';
}

static bool nobody(const facts *f)
{
    (void)f;
    return false;
}

static const struct {
    const char *filter;
    bool (*fits)(const facts *f);
} filters[] = {
    {"", all},
    {"metrics.m < 90", low},
    {"metrics.m <= 1", very_low},
    {"params.p = 'r'", rare},
    {"metrics.m < 90 AND params.p = 'r'", low_and_rare},
    {"metrics.m < 90 OR params.p = 'r'", low_or_rare},
    {"(metrics.m < 90 OR params.p = 'r')", low_or_rare},
    {"NOT metrics.m < 90 AND NOT params.p = 'a'", neither},
    {"params.p = 'nobody' AND metrics.m < 90", nobody},
    {"metrics.m = 0 AND metrics.m = 1", nobody},
};

static const struct {
    const char *by[2];
    int (*compare)(const void *a, const void *b);
} orders[] = {
    {{NULL, NULL}, newest},
    {{"start_time DESC", NULL}, newest},
    {{"metrics.m", NULL}, up},
    {{"metrics.m DESC", NULL}, down},
    {{"params.p DESC", "metrics.m ASC"}, by_letter},
};

static size_t expected(bool (*fits)(const facts *), int (*compare)(const void *, const void *), facts out[RUNS])
{
    size_t count = 0;
    for (int n = 0; n < RUNS; n++) {
        facts f = facts_of(n);
        if (fits(&f)) out[count++] = f;
    }
    qsort(out, count, sizeof(*out), compare);
    return count;
}

static void expect_pages(ag_ledger *ledger, const char *filter, size_t order, const facts *wanted, size_t count)
{
    ag_err err = {0};
    ag_str ids[] = {AG_STR("0")}, by[2];
    ag_page_request page = {.filter = ag_str_of(filter), .order_by = by, .max_results = PAGE};
    while (page.order_count < 2 && orders[order].by[page.order_count]) {
        by[page.order_count] = ag_str_of(orders[order].by[page.order_count]);
        page.order_count++;
    }
    size_t at = 0;
    ag_arena *arena = ag_arena_new(0);
    do {
        ag_runs found = {0};
        AG_EXPECT_OK(ag_run_search(ledger, ids, 1, AG_VIEW_ACTIVE, &page, arena, &found, &err));
        for (size_t i = 0; i < found.count; i++, at++) {
            char id[16];
            assert_true(at < count);
            snprintf(id, sizeof(id), "run%05d", wanted[at].number);
            if (strcmp(found.items[i].id, id) != 0) {
                fail_msg("'%s' by '%s': place %zu is %s, not %s", filter,
                         orders[order].by[0] ? orders[order].by[0] : "", at, found.items[i].id, id);
            }
        }
        page.token = ag_str_of(found.next ? found.next : "");
    } while (page.token.size);
    if (at != count) fail_msg("'%s': %zu runs, not %zu", filter, at, count);
    ag_arena_free(arena);
}

ON_BOTH(every_way_to_a_page_gives_the_same)
{
    ag_err err = {0};
    static facts wanted[RUNS];
    (void)arena;
    AG_EXPECT_OK(ag_db_write(ag_ledger_db(ledger), fill, NULL, &err));
    AG_EXPECT_OK(ag_db_settle(ag_ledger_db(ledger), &err));
    for (size_t f = 0; f < sizeof(filters) / sizeof(filters[0]); f++) {
        for (size_t o = 0; o < sizeof(orders) / sizeof(orders[0]); o++) {
            size_t count = expected(filters[f].fits, orders[o].compare, wanted);
            expect_pages(ledger, filters[f].filter, o, wanted, count);
        }
    }
}

ON_BOTH(other_experiments_lead_nobody_astray)
{
    ag_err err = {0};
    ag_runs found;
    AG_EXPECT_OK(ag_db_write(ag_ledger_db(ledger), fill, NULL, &err));
    AG_EXPECT_OK(ag_db_settle(ag_ledger_db(ledger), &err));
    ag_run run = new_run(ledger, arena, new_experiment(ledger, arena, "small"));
    ag_metric metric = {.key = "m", .value = 50, .at = 1, .step = 1};
    ag_run_batch batch = {.metrics = &metric, .metric_count = 1};
    AG_EXPECT_OK(ag_run_log(ledger, ag_str_of(run.id), &batch, &err));
    ag_str ids[] = {ag_str_of(run.experiment_id)}, by = AG_STR("metrics.m DESC");
    ag_page_request page = {.order_by = &by, .order_count = 1};
    AG_EXPECT_OK(ag_run_search(ledger, ids, 1, AG_VIEW_ACTIVE, &page, arena, &found, &err));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.items[0].id, run.id);
}
