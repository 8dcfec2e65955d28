// SPDX-License-Identifier: Apache-2.0
/* mlflow_points.c: the histories from MLflow's database, as one stream over its table of metrics, run by run and key by
 * key. Memory holds one piece of a few thousand points. A run that has as many points here as there is passed over, so
 * that an import which is taken up again reaches its place quickly; at the end the numbers are compared once more. */
#include <math.h>

#include "ledger/exchange/mlflow_database.h"
#include "ledger_sql.h"

enum { PIECE = 5000, MAX_ID = 64 };

typedef struct stream {
    ag_mlflow_db *m;
    ag_arena *arena;
    ag_map *counts; /* run -> number of points in the source */
    ag_vec points;
    ag_map *keys; /* of this piece: key -> its text in the arena */
    char run[MAX_ID];
    bool wanted; /* the points of this run are taken */
} stream;

static int read_counts(stream *s, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_mlflow_query(s->m, &AG_SQL_MLFLOW_POINT_COUNTS, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        uintptr_t count = (uintptr_t)ag_rows_int(rows, 1);
        rc = ag_map_put(s->counts, ag_rows_text(rows, 0), (void *)count, NULL, err);
    }
    ag_rows_free(rows);
    return rc;
}

static int flush(stream *s, ag_err *err)
{
    int rc = ag_intake_points(s->m->intake, ag_str_of(s->run), s->points.items, s->points.count, err);
    ag_vec_clear(&s->points);
    ag_map_free(s->keys);
    ag_arena_reset(s->arena);
    s->keys = ag_map_new();
    return rc < 0 || s->keys ? rc : ag_fail_memory(err, 1);
}

/* Is there something to take of this run? */
static int begin_run(stream *s, ag_str run, ag_err *err)
{
    uint64_t there = 0, all = (uint64_t)(uintptr_t)ag_map_get(s->counts, run);
    ag_format(s->run, sizeof(s->run), "%.*s", AG_STR_ARG(run));
    s->wanted = ag_map_has(s->m->intake->places, run);
    if (!s->wanted) return AG_OK;
    int rc = ag_intake_points_there(s->m->intake, run, &there, err);
    if (rc >= 0 && there >= all) {
        s->wanted = false;
        s->m->intake->result.points.there += all;
        ag_progress_add(s->m->intake->options.progress, all, 0);
    }
    return rc;
}

static int key_of(stream *s, ag_str key, const char **out, ag_err *err)
{
    ag_err why = {0};
    *out = ag_map_get(s->keys, key);
    if (*out) return AG_OK;
    char *text = ag_arena_strndup(s->arena, key.data ? key.data : "", key.size);
    if (!text) return ag_fail_memory(err, key.size);
    if (ag_key_check(key, "metric", &why) < 0) {
        ag_intake_skip(s->m->intake, s->run, "metric '%.*s': %s", AG_STR_ARG(key), why.text);
        *text = '\0'; /* known, and not taken */
    }
    *out = text;
    return ag_map_put(s->keys, key, text, NULL, err);
}

static int take_point(stream *s, ag_rows *rows, ag_err *err)
{
    ag_str run = ag_rows_text(rows, 0);
    int rc = AG_OK;
    const char *key;
    if (!ag_str_is(run, s->run)) {
        rc = flush(s, err);
        if (rc >= 0) rc = begin_run(s, run, err);
    } else if (s->points.count == PIECE) {
        rc = flush(s, err);
    }
    if (rc < 0 || !s->wanted) return rc;
    if ((rc = key_of(s, ag_rows_text(rows, 1), &key, err)) < 0 || !*key) return rc;
    ag_metric point = {.key = key,
                       .value = ag_rows_int(rows, 5) ? (double)NAN : ag_rows_real(rows, 2),
                       .at = ag_mlflow_time(rows, 3),
                       .step = ag_rows_int(rows, 4)};
    return ag_vec_push(&s->points, &point, err);
}

/* 1 there were rows, 0 the end. */
static int take_rows(stream *s, const ag_sql *sql, ag_err *err)
{
    ag_rows *rows = NULL;
    bool any = false;
    int rc = ag_mlflow_query(s->m, sql, AG_NO_BINDS, &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        any = true;
        rc = take_point(s, rows, err);
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : any;
}

/* PostgreSQL: the statement opens a cursor, from which the rows come in pieces. */
static int take_all(stream *s, ag_err *err)
{
    int rc = take_rows(s, &AG_SQL_MLFLOW_POINTS, err);
    if (rc < 0 || ag_tx_dialect(s->m->tx) == AG_DIALECT_SQLITE) return rc;
    do {
        rc = take_rows(s, &AG_SQL_MLFLOW_POINTS_NEXT, err);
    } while (rc > 0);
    return rc;
}

static int compare_counts(stream *s, ag_err *err)
{
    size_t at = 0;
    ag_str run;
    void *count;
    int rc = AG_OK;
    while (rc >= 0 && ag_map_next(s->counts, &at, &run, &count)) {
        uint64_t here;
        char name[MAX_ID];
        if (!ag_map_has(s->m->intake->places, run)) continue;
        rc = ag_intake_points_there(s->m->intake, run, &here, err);
        if (rc < 0 || here >= (uint64_t)(uintptr_t)count) continue;
        ag_format(name, sizeof(name), "%.*s", AG_STR_ARG(run));
        ag_intake_skip(s->m->intake, name, "%llu of its %llu points could not be taken",
                       (unsigned long long)((uintptr_t)count - here), (unsigned long long)(uintptr_t)count);
    }
    return rc;
}

int ag_mlflow_database_points(ag_mlflow_db *m, ag_err *err)
{
    stream s = {.m = m, .arena = ag_arena_new(0), .counts = ag_map_new(), .keys = ag_map_new()};
    ag_vec_init(&s.points, sizeof(ag_metric));
    int rc = s.arena && s.counts && s.keys ? AG_OK : ag_fail_memory(err, 1);
    if (rc >= 0) rc = read_counts(&s, err);
    if (rc >= 0) rc = take_all(&s, err);
    if (rc >= 0) rc = flush(&s, err);
    if (rc >= 0 && !m->intake->options.dry_run) rc = compare_counts(&s, err);
    ag_vec_deinit(&s.points);
    ag_map_free(s.keys);
    ag_map_free(s.counts);
    ag_arena_free(s.arena);
    return rc;
}
