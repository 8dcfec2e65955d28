// SPDX-License-Identifier: Apache-2.0
/* compare.c: things side by side. Rows are gathered in a map from "kind key" to the row, each with a cell per column;
 * then sorted by kind and key, facts in the order in which they are told. */
#include "ledger/compare.h"

#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/sys/clock.h"
#include "ledger/logged_model_private.h"
#include "ledger/model_private.h"
#include "ledger/run_private.h"
#include "ledger/statement.h"

typedef struct row {
    ag_compare_kind kind;
    size_t order; /* of facts */
    const char *key;
    const char **values;
    double *numbers;
} row;

typedef struct table {
    ag_arena *arena;
    size_t columns;
    ag_map *known; /* "kind key" -> row * */
    ag_vec rows;   /* of row * */
} table;

typedef struct job {
    const ag_str *run_ids;
    const ag_version_id *version_ids;
    size_t count;
    table table;
    const char **columns;
} job;

/* ---- the table ---- */

static int find_row(table *t, ag_compare_kind kind, ag_str key, row **out, ag_err *err)
{
    const char *name = ag_arena_printf(t->arena, "%d %.*s", (int)kind, AG_STR_ARG(key));
    if (!name) return ag_fail_memory(err, key.size);
    row *r = ag_map_get(t->known, ag_str_of(name));
    if (!r) {
        r = ag_arena_alloc(t->arena, sizeof(*r));
        if (!r) return ag_fail_memory(err, sizeof(*r));
        *r = (row){.kind = kind, .order = t->rows.count, .key = ag_arena_strndup(t->arena, key.data, key.size)};
        r->values = ag_arena_array(t->arena, t->columns, sizeof(*r->values));
        if (kind == AG_COMPARE_METRIC) r->numbers = ag_arena_array(t->arena, t->columns, sizeof(double));
        if (!r->key || !r->values || (kind == AG_COMPARE_METRIC && !r->numbers)) return ag_fail_memory(err, 64);
        for (size_t i = 0; i < t->columns; i++) {
            r->values[i] = NULL;
            if (r->numbers) r->numbers[i] = (double)NAN;
        }
        int rc = ag_vec_push(&t->rows, &r, err);
        if (rc >= 0) rc = ag_map_put(t->known, ag_str_of(name), r, NULL, err);
        if (rc < 0) return rc;
    }
    *out = r;
    return AG_OK;
}

static int put(table *t, size_t column, ag_compare_kind kind, ag_str key, ag_str value, ag_err *err)
{
    row *r = NULL;
    int rc = find_row(t, kind, key, &r, err);
    if (rc < 0 || !value.data) return rc;
    r->values[column] = ag_arena_strndup(t->arena, value.data, value.size);
    return r->values[column] ? AG_OK : ag_fail_memory(err, value.size);
}

static int put_fact(table *t, size_t column, const char *key, const char *value, ag_err *err)
{
    return put(t, column, AG_COMPARE_FACT, ag_str_of(key), value ? ag_str_of(value) : (ag_str){0}, err);
}

static int put_time(table *t, size_t column, const char *key, int64_t at, ag_err *err)
{
    char text[40];
    if (at == 0) return put_fact(t, column, key, NULL, err);
    ag_instant_format(at, 3, text);
    return put_fact(t, column, key, text, err);
}

static int put_pairs(table *t, size_t column, ag_compare_kind kind, ag_pairs pairs, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < pairs.count && rc >= 0; i++) {
        rc = put(t, column, kind, pairs.items[i].key, pairs.items[i].value, err);
    }
    return rc;
}

static int put_metrics(table *t, size_t column, const ag_metric *metrics, size_t count, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        char text[32];
        row *r;
        ag_double_format(metrics[i].value, text);
        rc = put(t, column, AG_COMPARE_METRIC, ag_str_of(metrics[i].key), ag_str_of(text), err);
        if (rc >= 0) rc = find_row(t, AG_COMPARE_METRIC, ag_str_of(metrics[i].key), &r, err);
        if (rc >= 0) r->numbers[column] = metrics[i].value;
    }
    return rc;
}

static int compare_rows(const void *a, const void *b)
{
    const row *x = *(row *const *)a, *y = *(row *const *)b;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->kind == AG_COMPARE_FACT) return x->order < y->order ? -1 : x->order > y->order;
    return strcmp(x->key, y->key);
}

static bool differs(const row *r, size_t columns)
{
    for (size_t i = 1; i < columns; i++) {
        const char *a = r->values[0], *b = r->values[i];
        if (!a != !b || (a && b && strcmp(a, b) != 0)) return true;
    }
    return false;
}

static int finish(job *j, ag_comparison *out, ag_err *err)
{
    table *t = &j->table;
    ag_vec_sort(&t->rows, compare_rows);
    ag_compare_row *rows = ag_arena_array(t->arena, t->rows.count + 1, sizeof(*rows));
    if (!rows) return ag_fail_memory(err, t->rows.count * sizeof(*rows));
    for (size_t i = 0; i < t->rows.count; i++) {
        const row *r = *(row **)ag_vec_at(&t->rows, i);
        rows[i] = (ag_compare_row){r->kind, r->key, differs(r, t->columns), r->values, r->numbers};
    }
    *out = (ag_comparison){j->columns, t->columns, rows, t->rows.count};
    return AG_OK;
}

/* ---- runs ---- */

static int put_inputs(table *t, size_t column, const ag_run *run, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    ag_run_inputs_write(run, AG_MAX_DATASET_DIGEST, true, ", ", &text);
    int rc = ag_buf_check(&text, "a list of data sets", err);
    if (rc >= 0) rc = put(t, column, AG_COMPARE_FACT, AG_STR("data sets"), ag_buf_str(&text), err);
    ag_buf_deinit(&text);
    return rc;
}

static int put_run(table *t, size_t column, const ag_run *run, ag_err *err)
{
    int rc = put_fact(t, column, "name", run->name, err);
    if (rc >= 0) rc = put_fact(t, column, "status", ag_run_status_name(run->status), err);
    if (rc >= 0) rc = put_fact(t, column, "user", run->user_id, err);
    if (rc >= 0) rc = put_time(t, column, "started", run->started_at, err);
    if (rc >= 0) rc = put_time(t, column, "ended", run->ended_at, err);
    if (rc >= 0) rc = put_inputs(t, column, run, err);
    if (rc >= 0) rc = put_pairs(t, column, AG_COMPARE_PARAM, run->params, err);
    if (rc >= 0) rc = put_metrics(t, column, run->metrics, run->metric_count, err);
    return rc < 0 ? rc : put_pairs(t, column, AG_COMPARE_TAG, run->tags, err);
}

static int begin(job *j, ag_err *err)
{
    table *t = &j->table;
    ag_vec_clear(&t->rows);
    ag_map_free(t->known);
    t->known = ag_map_new();
    j->columns = ag_arena_array(t->arena, j->count, sizeof(*j->columns));
    return t->known && j->columns ? AG_OK : ag_fail_memory(err, j->count * sizeof(*j->columns));
}

static int read_runs(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = begin(j, err);
    ag_run *runs = rc < 0 ? NULL : ag_arena_array(j->table.arena, j->count, sizeof(*runs));
    if (rc >= 0 && !runs) rc = ag_fail_memory(err, j->count * sizeof(*runs));
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        for (size_t k = 0; k < i; k++) {
            if (!ag_str_equal(j->run_ids[i], j->run_ids[k])) continue;
            return ag_fail(err, AG_EINVAL, "run %.*s is given twice", AG_STR_ARG(j->run_ids[i]));
        }
        rc = ag_run_find(tx, j->run_ids[i], j->table.arena, &runs[i], err);
    }
    if (rc >= 0) rc = ag_run_fill(tx, j->table.arena, runs, j->count, err);
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        j->columns[i] = runs[i].id;
        rc = put_run(&j->table, i, &runs[i], err);
    }
    return rc;
}

static int compare(ag_ledger *ledger, job *j, ag_db_fn read, ag_arena *arena, ag_comparison *out, ag_err *err)
{
    if (j->count == 0 || j->count > AG_COMPARE_MOST) {
        return ag_fail(err, AG_EINVAL, "1 to %d things can be compared", AG_COMPARE_MOST);
    }
    j->table = (table){.arena = arena, .columns = j->count};
    ag_vec_init(&j->table.rows, sizeof(row *));
    int rc = ag_db_read(ledger->db, NULL, read, j, err);
    if (rc >= 0) rc = finish(j, out, err);
    ag_vec_deinit(&j->table.rows);
    ag_map_free(j->table.known);
    return rc;
}

int ag_compare_runs(ag_ledger *ledger, const ag_str *ids, size_t count, ag_arena *arena, ag_comparison *out,
                    ag_err *err)
{
    job j = {.run_ids = ids, .count = count};
    return compare(ledger, &j, read_runs, arena, out, err);
}

/* ---- versions ---- */

/* Of the logged model, else of the run; of neither when both are gone. */
static int put_origin(ag_tx *tx, table *t, size_t column, const ag_version *version, ag_err *err)
{
    ag_logged_model model;
    ag_run run;
    int rc = AG_ENOTFOUND;
    if (version->model_id) rc = ag_logged_model_find(tx, ag_str_of(version->model_id), t->arena, &model, err);
    if (rc >= 0) {
        rc = ag_logged_model_fill(tx, t->arena, &model, 1, err);
        if (rc >= 0) rc = put_pairs(t, column, AG_COMPARE_PARAM, model.params, err);
        return rc < 0 ? rc : put_metrics(t, column, model.metrics, model.metric_count, err);
    }
    if (rc == AG_ENOTFOUND && version->run_id) {
        rc = ag_run_find(tx, ag_str_of(version->run_id), t->arena, &run, err);
    }
    if (rc < 0) return rc == AG_ENOTFOUND ? AG_OK : rc;
    rc = ag_run_fill(tx, t->arena, &run, 1, err);
    if (rc >= 0) rc = put_pairs(t, column, AG_COMPARE_PARAM, run.params, err);
    return rc < 0 ? rc : put_metrics(t, column, run.metrics, run.metric_count, err);
}

static int put_aliases(table *t, size_t column, const ag_version *version, ag_err *err)
{
    ag_buf text;
    ag_buf_init(&text, 1 << 20);
    for (size_t i = 0; i < version->alias_count; i++) {
        ag_buf_addf(&text, "%s%s", i ? ", " : "", version->aliases[i]);
    }
    int rc = ag_buf_check(&text, "a list of aliases", err);
    if (rc >= 0) rc = put(t, column, AG_COMPARE_FACT, AG_STR("aliases"), ag_buf_str(&text), err);
    ag_buf_deinit(&text);
    return rc;
}

static int put_version(ag_tx *tx, table *t, size_t column, const ag_version *version, ag_err *err)
{
    int rc = put_fact(t, column, "stage", ag_stage_name(version->stage), err);
    if (rc >= 0) rc = put_aliases(t, column, version, err);
    if (rc >= 0) rc = put_fact(t, column, "source", version->source, err);
    if (rc >= 0) rc = put_fact(t, column, "run", version->run_id, err);
    if (rc >= 0) rc = put_fact(t, column, "description", version->description, err);
    if (rc >= 0) rc = put_time(t, column, "created", version->created_at, err);
    if (rc >= 0) rc = put_pairs(t, column, AG_COMPARE_TAG, version->tags, err);
    return rc < 0 ? rc : put_origin(tx, t, column, version, err);
}

static int read_versions(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int rc = begin(j, err);
    for (size_t i = 0; i < j->count && rc >= 0; i++) {
        const ag_version_id *id = &j->version_ids[i];
        ag_version_row *version = ag_arena_alloc(j->table.arena, sizeof(*version));
        if (!version) return ag_fail_memory(err, sizeof(*version));
        rc = ag_version_find(tx, id->model, id->number, j->table.arena, version, err);
        if (rc >= 0) rc = ag_version_fill(tx, j->table.arena, version, 1, err);
        if (rc < 0) break;
        j->columns[i] = ag_arena_printf(j->table.arena, "%.*s/%lld", AG_STR_ARG(id->model), (long long)id->number);
        rc = j->columns[i] ? put_version(tx, &j->table, i, &version->version, err) : ag_fail_memory(err, 64);
    }
    return rc;
}

int ag_compare_versions(ag_ledger *ledger, const ag_version_id *ids, size_t count, ag_arena *arena, ag_comparison *out,
                        ag_err *err)
{
    job j = {.version_ids = ids, .count = count};
    return compare(ledger, &j, read_versions, arena, out, err);
}
