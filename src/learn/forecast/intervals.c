// SPDX-License-Identifier: Apache-2.0
/* intervals.c: see intervals.h. Errors are kept by step and column, so that each quantile is a sort of one piece of
 * memory. The file comes from a model's directory, and so from anywhere: every number is checked before it is used. */
#include "learn/forecast/intervals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/json.h"

static const double levels[] = {0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99};
enum {
    LEVELS = sizeof levels / sizeof *levels,
    USUAL = 5, /* the level 0.9 */
    MOST_LEVELS = 100,
    MOST_ERRORS = 64 << 20,
    MOST_NUMBERS = 4000000
};
#define MOST_WIDTH 1e30

const double *ag_intervals_at(const ag_intervals *intervals, double coverage, ag_err *err)
{
    char there[160] = "";
    for (size_t i = 0; i < intervals->levels; i++) {
        size_t size = strlen(there);
        if (fabs(intervals->coverage[i] - coverage) < 1e-6)
            return intervals->half_width + i * (size_t)(intervals->steps * intervals->columns);
        ag_format(there + size, sizeof there - size, "%s%g", size ? ", " : "", intervals->coverage[i]);
    }
    ag_fail(err, AG_EINVAL, "the model keeps no intervals of coverage %g", coverage);
    ag_err_hint(err, "there are %s", there);
    return NULL;
}

/* ---- making them ---- */

int ag_residuals_init(ag_residuals *residuals, int64_t windows, int64_t steps, int64_t columns, ag_err *err)
{
    int64_t size = steps * columns, most = MOST_ERRORS / size;
    *residuals = (ag_residuals){.steps = steps, .columns = columns};
    if (most < 1) most = 1;
    residuals->every = (windows + most - 1) / most;
    if (residuals->every < 1) residuals->every = 1;
    residuals->count = (windows + residuals->every - 1) / residuals->every;
    residuals->values = ag_alloc_array((size_t)residuals->count, (size_t)size * sizeof *residuals->values);
    return residuals->values ? 0 : ag_fail_memory(err, (size_t)residuals->count * (size_t)size * sizeof(ag_real));
}

void ag_residuals_deinit(ag_residuals *residuals)
{
    ag_free(residuals->values);
    residuals->values = NULL;
}

void ag_residuals_add(void *context, int64_t window, const ag_real *forecast, const ag_real *truth)
{
    const ag_residuals *r = context;
    if (window % r->every != 0) return;
    for (int64_t i = 0; i < r->steps * r->columns; i++)
        r->values[i * r->count + window / r->every] = (ag_real)fabs((double)forecast[i] - (double)truth[i]);
}

static int compare_reals(const void *a, const void *b)
{
    const ag_real x = *(const ag_real *)a, y = *(const ag_real *)b;
    return (x > y) - (x < y);
}

/* The number, from 1, of the ordered error that is the half width; more than `count`: so few say nothing. */
static int64_t rank_of(double coverage, int64_t count)
{
    return (int64_t)ceil((double)(count + 1) * coverage - 1e-9);
}

/* Six digits, never narrower: the file stays small. */
static double rounded(double width)
{
    char text[40];
    double out;
    ag_format(text, sizeof text, "%.6g", width * (1.0 + 5e-6));
    return ag_str_to_double(ag_str_of(text), &out) && out >= width ? out : width;
}

/* Which levels fit a file that is still read in a moment. */
static void choose_levels(size_t size, int64_t count, size_t *first, size_t *end)
{
    *first = size <= MOST_NUMBERS / LEVELS ? 0 : USUAL;
    *end = *first;
    size_t most = size <= MOST_NUMBERS / LEVELS ? LEVELS : size <= MOST_NUMBERS ? USUAL + 1 : 0;
    while (*end < most && rank_of(levels[*end], count) <= count) (*end)++;
}

int ag_intervals_fit(ag_residuals *residuals, ag_arena *arena, ag_intervals *out, ag_err *err)
{
    size_t size = (size_t)(residuals->steps * residuals->columns), first, end;
    choose_levels(size, residuals->count, &first, &end);
    double *width = ag_arena_array(arena, (end - first) * size + 1, sizeof *width);
    if (!width) return ag_fail_memory(err, LEVELS * size * sizeof *width);
    for (size_t i = 0; i < size && end > first; i++) {
        ag_real *errors = residuals->values + i * (size_t)residuals->count;
        qsort(errors, (size_t)residuals->count, sizeof *errors, compare_reals);
        for (size_t l = first; l < end; l++)
            width[(l - first) * size + i] = rounded((double)errors[rank_of(levels[l], residuals->count) - 1]);
    }
    *out = (ag_intervals){.windows = residuals->count,
                          .steps = residuals->steps,
                          .columns = residuals->columns,
                          .levels = end - first,
                          .coverage = levels + first,
                          .half_width = width};
    return 0;
}

/* ---- the file ---- */

static void write_level(const ag_intervals *intervals, size_t level, ag_json *json)
{
    const double *at = intervals->half_width + level * (size_t)(intervals->steps * intervals->columns);
    ag_json_begin_object(json);
    ag_json_put_real(json, "coverage", intervals->coverage[level]);
    ag_json_name(json, "half_width");
    ag_json_begin_array(json);
    for (int64_t t = 0; t < intervals->steps; t++) {
        ag_json_begin_array(json);
        for (int64_t c = 0; c < intervals->columns; c++) ag_json_real(json, *at++);
        ag_json_end_array(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

int ag_intervals_write(const ag_intervals *intervals, const char *const *names, ag_buf *out, ag_err *err)
{
    ag_json json = ag_json_writer(out, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_put_int(&json, "format", AG_INTERVALS_FORMAT);
    ag_json_put_text(&json, "method", "conformal");
    ag_json_put_int(&json, "windows", intervals->windows);
    ag_json_name(&json, "columns");
    ag_json_begin_array(&json);
    for (int64_t c = 0; c < intervals->columns; c++) ag_json_text(&json, names[c]);
    ag_json_end_array(&json);
    ag_json_put_int(&json, "horizon", intervals->steps);
    ag_json_name(&json, "levels");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < intervals->levels; i++) write_level(intervals, i, &json);
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_json_end_document(&json, err);
    ag_buf_add_char(out, '\n');
    return rc < 0 ? rc : ag_buf_check(out, "the intervals", err);
}

typedef struct parsing {
    const char *file;
    const char *const *names;
    int64_t columns, steps;
    double *coverage, *width;
} parsing;

static int wrong(const parsing *p, const ag_value *at, const char *what, ag_err *err)
{
    return ag_fail_at(err, AG_EPARSE, p->file, at ? at->line : 0, at ? at->column : 0, "intervals: %s", what);
}

static int check_head(const parsing *p, const ag_value *root, int64_t *windows, ag_err *err)
{
    int64_t format, horizon;
    ag_str name;
    const ag_value *columns = ag_value_get(root, "columns");
    if (!ag_value_int(ag_value_get(root, "format"), &format) || format < 1)
        return wrong(p, root, "format is missing or wrong", err);
    if (format > AG_INTERVALS_FORMAT) {
        ag_fail_at(err, AG_EUNSUPPORTED, p->file, 0, 0, "format %lld is newer than this program, which knows %d",
                   (long long)format, AG_INTERVALS_FORMAT);
        return ag_err_hint(err, "update Auger, or train the model again with this version ('auger version')");
    }
    if (!ag_value_int(ag_value_get(root, "windows"), windows) || *windows < 1)
        return wrong(p, root, "windows is missing or wrong", err);
    if (!ag_value_int(ag_value_get(root, "horizon"), &horizon) || horizon != p->steps)
        return wrong(p, root, "the horizon is not the model's", err);
    if (!columns || columns->kind != AG_ARRAY || columns->array.count != (size_t)p->columns)
        return wrong(p, columns, "the columns are not the model's", err);
    for (size_t i = 0; i < columns->array.count; i++)
        if (!ag_value_string(&columns->array.items[i], &name) || !ag_str_is(name, p->names[i]))
            return wrong(p, &columns->array.items[i], "the columns are not the model's", err);
    return 0;
}

/* `before`: how far back the same number of the level below lies; 0: this is the lowest. */
static int read_rows(const parsing *p, const ag_value *rows, size_t before, double *out, ag_err *err)
{
    if (!rows || rows->kind != AG_ARRAY || rows->array.count != (size_t)p->steps)
        return wrong(p, rows, "half_width must have a row for each step", err);
    for (size_t t = 0; t < rows->array.count; t++) {
        const ag_value *row = &rows->array.items[t];
        if (row->kind != AG_ARRAY || row->array.count != (size_t)p->columns)
            return wrong(p, row, "half_width must have a number for each column", err);
        for (size_t c = 0; c < row->array.count; c++, out++) {
            if (!ag_value_real(&row->array.items[c], out) || !(*out >= 0.0 && *out <= MOST_WIDTH))
                return wrong(p, &row->array.items[c], "no number that can be a width", err);
            if (before && *out < *(out - before))
                return wrong(p, &row->array.items[c], "narrower than at a lower coverage", err);
        }
    }
    return 0;
}

static int read_levels(parsing *p, const ag_value *array, ag_arena *arena, ag_err *err)
{
    size_t size = (size_t)(p->steps * p->columns), count = array->array.count;
    p->coverage = ag_arena_array(arena, count + 1, sizeof *p->coverage);
    p->width = ag_arena_array(arena, count * size + 1, sizeof *p->width);
    if (!p->coverage || !p->width) return ag_fail_memory(err, count * size * sizeof *p->width);
    for (size_t i = 0; i < count; i++) {
        const ag_value *level = &array->array.items[i];
        double *at = p->width + i * size;
        if (!ag_value_real(ag_value_get(level, "coverage"), &p->coverage[i]) ||
            !(p->coverage[i] > (i ? p->coverage[i - 1] : 0.0) && p->coverage[i] < 1.0))
            return wrong(p, level, "coverages must grow between 0 and 1", err);
        int rc = read_rows(p, ag_value_get(level, "half_width"), i ? size : 0, at, err);
        if (rc < 0) return rc;
    }
    return 0;
}

int ag_intervals_parse(ag_str text, const char *file, const char *const *names, int64_t columns, int64_t steps,
                       ag_arena *arena, ag_intervals *out, ag_err *err)
{
    const ag_value *root = NULL;
    parsing p = {.file = file, .names = names, .columns = columns, .steps = steps};
    int64_t windows = 0;
    int rc = ag_json_parse(arena, text, &(ag_json_options){.file = file, .max_depth = 8}, &root, err);
    if (rc >= 0) rc = check_head(&p, root, &windows, err);
    if (rc < 0) return rc;
    const ag_value *array = ag_value_get(root, "levels");
    if (!array || array->kind != AG_ARRAY || array->array.count < 1 || array->array.count > MOST_LEVELS)
        return wrong(&p, array, "levels must be a list", err);
    if ((uint64_t)array->array.count * (uint64_t)steps * (uint64_t)columns > text.size) /* before memory is taken */
        return wrong(&p, array, "there are fewer numbers than steps and columns", err);
    if ((rc = read_levels(&p, array, arena, err)) < 0) return rc;
    *out = (ag_intervals){.windows = windows,
                          .steps = steps,
                          .columns = columns,
                          .levels = array->array.count,
                          .coverage = p.coverage,
                          .half_width = p.width};
    return 0;
}

/* ---- judging them ---- */

int ag_covering_init(ag_covering *covering, const double *half_width, int64_t steps, int64_t columns, ag_arena *arena,
                     ag_err *err)
{
    double *shares = ag_arena_array(arena, 2 * (size_t)(steps + columns), sizeof *shares);
    if (!shares) return ag_fail_memory(err, 2 * (size_t)(steps + columns) * sizeof *shares);
    *covering = (ag_covering){.half_width = half_width,
                              .steps = steps,
                              .columns = columns,
                              .step_share = shares,
                              .column_share = shares + steps,
                              .step_width = shares + steps + columns,
                              .column_width = shares + 2 * steps + columns};
    return 0;
}

void ag_covering_add(void *context, int64_t window, const ag_real *forecast, const ag_real *truth)
{
    ag_covering *v = context;
    (void)window;
    for (int64_t t = 0, i = 0; t < v->steps; t++)
        for (int64_t c = 0; c < v->columns; c++, i++) {
            ag_real error = (ag_real)fabs((double)forecast[i] - (double)truth[i]);
            if (!((double)error <= v->half_width[i])) continue;
            v->step_share[t] += 1.0;
            v->column_share[c] += 1.0;
            v->share += 1.0;
        }
    v->windows++;
}

void ag_covering_end(ag_covering *v)
{
    double windows = (double)v->windows, steps = (double)v->steps, columns = (double)v->columns;
    for (int64_t t = 0; t < v->steps; t++) v->step_share[t] /= windows * columns;
    for (int64_t c = 0; c < v->columns; c++) v->column_share[c] /= windows * steps;
    v->share /= windows * steps * columns;
    for (int64_t i = 0; i < v->steps * v->columns; i++) {
        v->step_width[i / v->columns] += 2.0 * v->half_width[i] / columns;
        v->column_width[i % v->columns] += 2.0 * v->half_width[i] / steps;
        v->width += 2.0 * v->half_width[i] / (steps * columns);
    }
}
