// SPDX-License-Identifier: Apache-2.0
/* metric_sample.c: a long history as a few points that draw the same line.
 * The range of steps is cut into equal stretches; of each the smallest and the largest value are kept, in their order,
 * and the first NaN, so that neither a spike nor a gap is lost; the first and the last point always stay. One pass over
 * the series in step order (an index range), memory as large as the answer. */
#include <math.h>

#include "ledger/metric_private.h"
#include "ledger/statement.h"
#include "ledger_sql.h"

typedef struct stretch { /* what one stretch keeps so far */
    bool used;
    bool has_nan;
    ag_metric smallest, largest, nan;
} stretch;

typedef struct job {
    ag_str run_id;
    const char *key;
    uint32_t points;
    ag_vec kept;
} job;

static int add_ordered(ag_vec *kept, const stretch *s, ag_err *err)
{
    ag_metric three[3];
    size_t count = 0;
    if (s->used) three[count++] = s->smallest;
    if (s->used && (s->largest.step != s->smallest.step || s->largest.at != s->smallest.at))
        three[count++] = s->largest;
    if (s->has_nan) three[count++] = s->nan;
    for (size_t i = 1; i < count; i++) { /* at most three: put them in the order of steps */
        for (size_t k = i; k > 0 && three[k].step < three[k - 1].step; k--) {
            ag_metric swapped = three[k];
            three[k] = three[k - 1];
            three[k - 1] = swapped;
        }
    }
    for (size_t i = 0; i < count; i++) {
        const ag_metric *last = ag_vec_at(kept, kept->count ? kept->count - 1 : 0);
        if (last && last->step == three[i].step && last->at == three[i].at) continue;
        int rc = ag_vec_push(kept, &three[i], err);
        if (rc < 0) return rc;
    }
    return AG_OK;
}

static void look_at(stretch *s, const ag_metric *point)
{
    if (isnan(point->value)) {
        if (!s->has_nan) s->nan = *point;
        s->has_nan = true;
        return;
    }
    if (!s->used || point->value < s->smallest.value) s->smallest = *point;
    if (!s->used || point->value > s->largest.value) s->largest = *point;
    s->used = true;
}

/* First, last and number of a series: *count 0 when there is none. */
static int read_range(ag_tx *tx, const job *j, int64_t *first, int64_t *last, int64_t *count, ag_err *err)
{
    ag_rows *rows = NULL;
    int rc = ag_tx_query(tx, &AG_SQL_METRIC_RANGE, AG_BINDS(ag_cell_str(j->run_id), ag_cell_text(j->key)), &rows, err);
    if (rc >= 0) rc = ag_rows_next(rows, err);
    *count = rc > 0 ? ag_rows_int(rows, 2) : 0;
    if (rc > 0) {
        *first = ag_rows_int(rows, 0);
        *last = ag_rows_int(rows, 1);
    }
    ag_rows_free(rows);
    return rc < 0 ? rc : AG_OK;
}

static int read_all(ag_tx *tx, job *j, int64_t first, int64_t last, bool thin, ag_err *err)
{
    ag_rows *rows = NULL;
    uint64_t span = (uint64_t)last - (uint64_t)first;
    uint64_t stretches = j->points > 8 ? (j->points - 2) / 2 : 3;
    uint64_t current = UINT64_MAX;
    stretch s = {0};
    ag_metric point = {0};
    int rc = ag_tx_query(tx, &AG_SQL_METRIC_POINTS_BY_STEP,
                         AG_BINDS(ag_cell_str(j->run_id), ag_cell_text(j->key), ag_cell_int(first), ag_cell_int(last)),
                         &rows, err);
    while (rc >= 0 && (rc = ag_rows_next(rows, err)) > 0) {
        ag_metric_take(rows, 0, j->key, &point);
        if (!thin || j->kept.count == 0) {
            rc = ag_vec_push(&j->kept, &point, err);
            continue;
        }
        uint64_t at =
            (uint64_t)((double)((uint64_t)point.step - (uint64_t)first) / ((double)span + 1) * (double)stretches);
        if (at != current && current != UINT64_MAX) {
            if ((rc = add_ordered(&j->kept, &s, err)) < 0) break;
            s = (stretch){0};
        }
        current = at;
        look_at(&s, &point);
    }
    ag_rows_free(rows);
    if (rc < 0 || !thin) return rc;
    if ((rc = add_ordered(&j->kept, &s, err)) < 0) return rc;
    const ag_metric *end = ag_vec_at(&j->kept, j->kept.count - 1);
    return end->step == point.step && end->at == point.at ? AG_OK : ag_vec_push(&j->kept, &point, err);
}

static int run_sample(ag_tx *tx, void *context, ag_err *err)
{
    job *j = context;
    int64_t first = 0, last = 0, count = 0, there;
    ag_vec_clear(&j->kept);
    int rc = ag_tx_get_int(tx, &AG_SQL_RUN_STATE, AG_BINDS(ag_cell_str(j->run_id)), &there, err);
    if (rc == 0) return ag_fail(err, AG_ENOTFOUND, "Run with id=%.*s not found", AG_STR_ARG(j->run_id));
    if (rc >= 0) rc = read_range(tx, j, &first, &last, &count, err);
    if (rc < 0 || count == 0) return rc;
    return read_all(tx, j, first, last, count > j->points, err);
}

int ag_metric_sample(ag_ledger *ledger, ag_str run_id, ag_str key, uint32_t points, ag_arena *arena, ag_points *out,
                     ag_err *err)
{
    job j = {.run_id = run_id, .points = points < 8 ? 8 : points};
    void *items = NULL;
    ag_vec_init(&j.kept, sizeof(ag_metric));
    int rc = AG_OK;
    if (!(j.key = ag_arena_strndup(arena, key.data, key.size))) rc = ag_fail_memory(err, key.size + 1);
    if (rc >= 0) rc = ag_db_read(ag_ledger_db(ledger), NULL, run_sample, &j, err);
    if (rc >= 0) rc = ag_take_items(&j.kept, arena, &items, err);
    if (rc >= 0) *out = (ag_points){items, j.kept.count, NULL};
    ag_vec_deinit(&j.kept);
    return rc;
}
