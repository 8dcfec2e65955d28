// SPDX-License-Identifier: Apache-2.0
/* mlflow_runs.c: runs from MLflow's database, in pages by id: a page of runs, then what belongs to them in one query
 * each. A row that the ledger could not show again (a name that is no text) is left out and told. */
#include "ledger/exchange/mlflow_database.h"
#include "ledger_sql.h"

enum { PAGE = 200 };

typedef struct belongings {      /* of one run while its page is read */
    ag_vec params, tags, inputs; /* of ag_pair, ag_pair, ag_run_input */
    ag_vec input_ids;            /* of const char *, beside inputs */
    ag_vec input_tags;           /* of ag_vec *, beside inputs */
} belongings;

typedef struct page {
    ag_mlflow_db *m;
    ag_arena *arena;
    ag_intake_run *runs;
    belongings *of;
    size_t count;
    ag_map *index; /* run id -> number + 1 */
    ag_cell range[2];
} page;

static int take_run(ag_rows *rows, ag_arena *arena, ag_intake_run *out, ag_err *err)
{
    ag_run *run = &out->run;
    *out = (ag_intake_run){.deleted_at = ag_mlflow_time(rows, 9)};
    run->started_at = ag_mlflow_time(rows, 4);
    run->ended_at = ag_mlflow_time(rows, 5);
    run->deleted = ag_str_is(ag_rows_text(rows, 6), "deleted");
    if (!ag_run_status_parse(ag_rows_text(rows, 3), &run->status)) run->status = AG_RUN_RUNNING;
    run->experiment_id = ag_arena_printf(arena, "%lld", (long long)ag_rows_int(rows, 8));
    int rc = run->experiment_id ? ag_take_text(rows, 0, arena, &run->id, err) : ag_fail_memory(err, 24);
    if (rc >= 0) rc = ag_take_text(rows, 1, arena, &run->name, err);
    if (rc >= 0) rc = ag_take_text(rows, 2, arena, &run->user_id, err);
    if (rc >= 0) rc = ag_take_text(rows, 7, arena, &run->artifact_uri, err);
    if (rc >= 0 && !run->name) run->name = "";
    return rc;
}

static int read_runs(page *p, const char *last, ag_err *err)
{
    ag_rows *rows = NULL;
    p->count = 0;
    int rc = ag_mlflow_query(p->m, &AG_SQL_MLFLOW_RUNS, AG_BINDS(ag_cell_text(last), ag_cell_int(PAGE)), &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_intake_run *one = &p->runs[p->count++];
        rc = take_run(rows, p->arena, one, err);
        if (rc >= 0) rc = ag_map_put(p->index, ag_str_of(one->run.id), (void *)(uintptr_t)p->count, NULL, err);
    }
    ag_rows_free(rows);
    return rc;
}

static size_t owner_of(const page *p, const ag_rows *rows) /* SIZE_MAX: none of this page */
{
    return (size_t)(uintptr_t)ag_map_get(p->index, ag_rows_text(rows, 0)) - 1;
}

static int check_key(page *p, size_t owner, const char *what, ag_vec *pairs)
{
    ag_err why = {0};
    const ag_pair *last = ag_vec_at(pairs, pairs->count - 1);
    if (ag_key_check(last->key, what, &why) >= 0) return AG_OK;
    ag_intake_skip(p->m->intake, p->runs[owner].run.id, "%s '%.*s': %s", what, AG_STR_ARG(last->key), why.text);
    ag_vec_remove(pairs, pairs->count - 1);
    return AG_OK;
}

static int read_pairs(page *p, const ag_sql *sql, bool params, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(p->m, sql, p->range, 2, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        size_t owner = owner_of(p, rows);
        if (owner == SIZE_MAX) continue;
        ag_vec *into = params ? &p->of[owner].params : &p->of[owner].tags;
        rc = ag_mlflow_take_pair(rows, 1, p->arena, into, err);
        if (rc >= 0) rc = check_key(p, owner, params ? "param" : "tag", into);
    }
    ag_rows_free(rows);
    return rc;
}

static int take_input(ag_rows *rows, ag_arena *arena, belongings *of, ag_err *err)
{
    ag_run_input *input = ag_vec_add(&of->inputs);
    const char **id = ag_vec_add(&of->input_ids);
    ag_vec **tags = ag_vec_add(&of->input_tags);
    if (!input || !id || !tags || !(*tags = ag_arena_alloc(arena, sizeof(**tags)))) return ag_fail_memory(err, 1);
    ag_vec_init(*tags, sizeof(ag_pair));
    const char **into[] = {
        id, &input->name, &input->digest, &input->source_type, &input->source, &input->schema, &input->profile};
    int rc = AG_OK;
    for (size_t i = 0; i < sizeof(into) / sizeof(into[0]) && rc >= 0; i++) {
        rc = ag_take_text(rows, i + 1, arena, into[i], err);
    }
    return rc;
}

static int read_inputs(page *p, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(p->m, &AG_SQL_MLFLOW_INPUTS, p->range, 2, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        size_t owner = owner_of(p, rows);
        if (owner != SIZE_MAX) rc = take_input(rows, p->arena, &p->of[owner], err);
    }
    ag_rows_free(rows);
    rows = NULL;
    if (rc >= 0) rc = ag_mlflow_query(p->m, &AG_SQL_MLFLOW_INPUT_TAGS, p->range, 2, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        size_t owner = owner_of(p, rows);
        if (owner == SIZE_MAX) continue;
        for (size_t i = 0; i < p->of[owner].inputs.count && rc >= 0; i++) {
            if (!ag_str_is(ag_rows_text(rows, 1), *(const char **)ag_vec_at(&p->of[owner].input_ids, i))) continue;
            rc = ag_mlflow_take_pair(rows, 2, p->arena, *(ag_vec **)ag_vec_at(&p->of[owner].input_tags, i), err);
        }
    }
    ag_rows_free(rows);
    return rc;
}

static void hand_over(page *p)
{
    for (size_t i = 0; i < p->count; i++) {
        ag_run *run = &p->runs[i].run;
        belongings *of = &p->of[i];
        run->params = (ag_pairs){of->params.items, of->params.count};
        run->tags = (ag_pairs){of->tags.items, of->tags.count};
        run->inputs = of->inputs.items;
        run->input_count = of->inputs.count;
        for (size_t k = 0; k < of->inputs.count; k++) {
            const ag_vec *tags = *(ag_vec **)ag_vec_at(&of->input_tags, k);
            ((ag_run_input *)ag_vec_at(&of->inputs, k))->tags = (ag_pairs){tags->items, tags->count};
        }
    }
}

static void begin_page(page *p)
{
    for (size_t i = 0; i < PAGE; i++) {
        ag_vec_init(&p->of[i].params, sizeof(ag_pair));
        ag_vec_init(&p->of[i].tags, sizeof(ag_pair));
        ag_vec_init(&p->of[i].inputs, sizeof(ag_run_input));
        ag_vec_init(&p->of[i].input_ids, sizeof(const char *));
        ag_vec_init(&p->of[i].input_tags, sizeof(ag_vec *));
    }
}

static void end_page(page *p)
{
    for (size_t i = 0; i < PAGE; i++) {
        for (size_t k = 0; k < p->of[i].input_tags.count; k++) {
            ag_vec *tags = *(ag_vec **)ag_vec_at(&p->of[i].input_tags, k);
            if (tags) ag_vec_deinit(tags);
        }
        ag_vec_deinit(&p->of[i].params);
        ag_vec_deinit(&p->of[i].tags);
        ag_vec_deinit(&p->of[i].inputs);
        ag_vec_deinit(&p->of[i].input_ids);
        ag_vec_deinit(&p->of[i].input_tags);
    }
    ag_map_free(p->index);
    ag_arena_reset(p->arena);
}

static int take_page(page *p, char last[64], ag_err *err)
{
    begin_page(p);
    p->index = ag_map_new();
    int rc = p->index ? read_runs(p, last, err) : ag_fail_memory(err, 1);
    if (rc >= 0 && p->count) {
        p->range[0] = ag_cell_text(p->runs[0].run.id);
        p->range[1] = ag_cell_text(p->runs[p->count - 1].run.id);
        rc = read_pairs(p, &AG_SQL_MLFLOW_PARAMS, true, err);
        if (rc >= 0) rc = read_pairs(p, &AG_SQL_MLFLOW_TAGS, false, err);
        if (rc >= 0 && p->m->inputs) rc = read_inputs(p, err);
        hand_over(p);
        if (rc >= 0) rc = ag_intake_runs(p->m->intake, p->runs, p->count, err);
        ag_format(last, 64, "%s", p->runs[p->count - 1].run.id);
    }
    end_page(p);
    return rc;
}

int ag_mlflow_database_runs(ag_mlflow_db *m, ag_err *err)
{
    char last[64] = "";
    page p = {.m = m, .arena = ag_arena_new(0)};
    int rc = AG_OK;
    p.runs = ag_arena_array(m->arena, PAGE, sizeof(*p.runs));
    p.of = ag_arena_array(m->arena, PAGE, sizeof(*p.of));
    if (!p.arena || !p.runs || !p.of) rc = ag_fail_memory(err, PAGE * sizeof(*p.of));
    do {
        if (rc >= 0) rc = take_page(&p, last, err);
    } while (rc >= 0 && p.count == PAGE);
    ag_arena_free(p.arena);
    return rc;
}
