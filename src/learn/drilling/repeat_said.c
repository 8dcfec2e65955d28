// SPDX-License-Identifier: Apache-2.0
/* repeat_said.c: what models of a cross-validation said of holes that they had never seen, by the holes' content. A
 * model that has learned from the holes that it is asked about would agree with itself for that reason alone. */
#include <math.h>
#include <string.h>

#include "core/base/map.h"
#include "core/io/csv.h"
#include "learn/drilling/repeat.h"

typedef struct table {
    const char *path;
    ag_csv *csv;
    size_t content, outcome, mm[AG_POINTS];
} table;

static int find_columns(table *t, ag_err *err)
{
    bool all = true;
    t->content = ag_csv_column(t->csv, "sha256");
    t->outcome = ag_csv_column(t->csv, "predicted_outcome");
    for (int k = 0; k < AG_POINTS; k++) {
        char name[64];
        ag_format(name, sizeof name, "%s_predicted_mm", ag_point_names[k]);
        t->mm[k] = ag_csv_column(t->csv, name);
        all &= t->mm[k] != SIZE_MAX;
    }
    if (all && t->content != SIZE_MAX && t->outcome != SIZE_MAX) return 0;
    ag_fail_at(err, AG_EPARSE, t->path, 1, 0,
               "answers need the columns sha256, predicted_outcome, entry_predicted_mm, transition_predicted_mm and "
               "exit_predicted_mm");
    return ag_err_hint(err, "give the out_of_fold.csv that a training with folds leaves in its output directory");
}

static int read_mm(const table *t, ag_str cell, size_t column, double *out, ag_err *err)
{
    uint32_t line, at;
    *out = (double)NAN;
    cell = ag_str_trim(cell);
    if (cell.size == 0 || (ag_str_to_double(cell, out) && isfinite(*out))) return 0;
    ag_csv_place(t->csv, column, &line, &at);
    return ag_fail_at(err, AG_EPARSE, t->path, line, at, "'%.*s' is no depth in mm",
                      AG_STR_ARG(ag_str_slice(cell, 0, 40)));
}

static int read_row(const table *t, const ag_str *cells, ag_arena *arena, ag_map *by_content, ag_err *err)
{
    ag_repeat_answer *answer = ag_arena_alloc(arena, sizeof *answer);
    int rc = answer ? 0 : ag_fail_memory(err, sizeof *answer);
    for (int k = 0; k < AG_POINTS && rc >= 0; k++) rc = read_mm(t, cells[t->mm[k]], t->mm[k], &answer->mm[k], err);
    if (rc < 0) return rc;
    answer->outcome = AG_LABEL_NONE;
    for (int o = AG_LABEL_FOUND; o <= AG_LABEL_EMPTY; o++)
        if (ag_str_is(ag_str_trim(cells[t->outcome]), ag_label_outcome_name((ag_label_outcome)o)))
            answer->outcome = (ag_label_outcome)o;
    return ag_map_put(by_content, ag_str_trim(cells[t->content]), answer, NULL, err);
}

int ag_repeat_said(const char *path, ag_arena *arena, ag_map *by_content, ag_err *err)
{
    table t = {.path = path};
    const ag_csv_options options = {.header = true, .name = path};
    const ag_str *cells;
    size_t count;
    int more = 0, rc = ag_csv_open_file(path, &options, &t.csv, err);
    if (rc >= 0) rc = find_columns(&t, err);
    while (rc >= 0 && (more = ag_csv_next(t.csv, &cells, &count, err)) > 0)
        rc = read_row(&t, cells, arena, by_content, err);
    ag_csv_free(t.csv);
    return rc < 0 ? rc : more;
}
