// SPDX-License-Identifier: Apache-2.0
/* intake_points.c: histories. A few thousand points of one run are one unit; a point that is there is left alone, so
 * nothing depends on where the pieces are cut. */
#include <math.h>
#include <stdlib.h>

#include "ledger/exchange/intake.h"
#include "ledger/ledger_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

enum { COLUMNS = 5 };

typedef struct points_job {
    ag_str run_id;
    const ag_metric *points;
    size_t count;
    const ag_metric **order; /* the points, by key and as they lie in the table */
    ag_cell *binds;
    int64_t before, after;
} points_job;

static int compare_double(double a, double b)
{
    return (a > b) - (a < b);
}

static int compare(const void *a, const void *b)
{
    const ag_metric *x = *(const ag_metric *const *)a, *y = *(const ag_metric *const *)b;
    int key = strcmp(x->key, y->key);
    if (key) return key;
    if (x->step != y->step) return x->step < y->step ? -1 : 1;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    return compare_double(isnan(x->value) ? 0 : x->value, isnan(y->value) ? 0 : y->value);
}

/* The last of a stretch of one key is its largest. */
static int put_stretch(ag_tx *tx, points_job *j, size_t from, size_t to, ag_err *err)
{
    const ag_metric *last = j->order[to - 1];
    int64_t series;
    ag_cell value = isnan(last->value) ? ag_cell_null() : ag_cell_real(last->value);
    int rc = ag_tx_get_int(tx, &AG_SQL_SERIES_UPSERT,
                           AG_BINDS(ag_cell_str(j->run_id), ag_cell_text(last->key), value, ag_cell_int(last->step),
                                    ag_cell_int(last->at)),
                           &series, err);
    for (size_t i = from; i < to && rc >= 0; i++) {
        const ag_metric *point = j->order[i];
        ag_cell *row = j->binds + i * COLUMNS;
        bool nan = isnan(point->value);
        row[0] = ag_cell_int(series);
        row[1] = ag_cell_int(point->step);
        row[2] = ag_cell_int(point->at);
        row[3] = ag_cell_real(nan ? 0 : point->value);
        row[4] = ag_cell_int(nan);
    }
    return rc;
}

static int put_points(ag_tx *tx, void *context, ag_err *err)
{
    points_job *j = context;
    int rc = AG_OK;
    for (size_t from = 0, to; from < j->count && rc >= 0; from = to) {
        for (to = from + 1; to < j->count && strcmp(j->order[to]->key, j->order[from]->key) == 0;) to++;
        rc = put_stretch(tx, j, from, to, err);
    }
    return rc < 0 ? rc : ag_tx_run_many(tx, &AG_SQL_POINT_INSERT, j->binds, j->count, COLUMNS, err);
}

int ag_intake_points(ag_intake *intake, ag_str run_id, const ag_metric *points, size_t count, ag_err *err)
{
    points_job j = {.run_id = run_id, .points = points, .count = count};
    int rc = ag_cancel_check(intake->options.cancel, err);
    if (rc < 0 || count == 0) return rc;
    intake->result.points.added += count;
    ag_progress_add(intake->options.progress, count, 0);
    if (intake->options.dry_run) return AG_OK;
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 1);
    j.order = ag_arena_array(arena, count, sizeof(const ag_metric *));
    j.binds = ag_arena_array(arena, count, COLUMNS * sizeof(*j.binds));
    if (!j.order || !j.binds) {
        rc = ag_fail_memory(err, count * COLUMNS * sizeof(*j.binds));
    } else {
        for (size_t i = 0; i < count; i++) j.order[i] = &points[i];
        qsort(j.order, count, sizeof(const ag_metric *), compare);
        rc = ag_ledger_write(intake->ledger, put_points, &j, err);
    }
    ag_arena_free(arena);
    return rc;
}

static int count_points(ag_tx *tx, void *context, ag_err *err)
{
    points_job *j = context;
    return ag_tx_get_int(tx, &AG_SQL_INTAKE_POINTS_OF_RUN, AG_BINDS(ag_cell_str(j->run_id)), &j->after, err);
}

int ag_intake_points_there(ag_intake *intake, ag_str run_id, uint64_t *out, ag_err *err)
{
    points_job j = {.run_id = run_id};
    int rc = ag_db_read(intake->ledger->db, NULL, count_points, &j, err);
    *out = (uint64_t)j.after;
    return rc < 0 ? rc : AG_OK;
}
