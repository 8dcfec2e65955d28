// SPDX-License-Identifier: Apache-2.0
/* timeseries.c: reading a series. A CSV is read in one pass into a growing array; missing numbers (an empty cell, NaN,
 * NA, null) become NaN there and are filled, or refused, when all rows are in: refusing names the first one by line and
 * column and says how many there are. */
#include "learn/forecast/timeseries.h"

#include <math.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/io/csv.h"
#include "core/io/npy.h"
#include "core/io/path.h"
#include "core/sys/clock.h"

enum { MAX_NAME = 200 };

typedef struct reading {
    const char *path;
    const ag_timeseries_options *options;
    ag_arena *arena;
    ag_csv *csv;
    size_t *cells;  /* index of the cell for each column */
    size_t columns; /* taken */
    size_t date;    /* its cell; SIZE_MAX: none */
    const char **names;
    ag_vec values; /* double */
    int64_t rows;
    const char *first_date, *last_date;
    int64_t last_instant, interval; /* interval -1: uneven or unreadable */
    int64_t missing;
    uint32_t missing_line, missing_column; /* the first */
    size_t missing_name;
} reading;

static bool is_missing(ag_str cell)
{
    static const char *const words[] = {"", "nan", "na", "n/a", "null", "none", "?"};
    cell = ag_str_trim(cell);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (ag_str_equal_nocase(cell, ag_str_of(words[i]))) return true;
    return false;
}

/* ---- columns ---- */

static int no_column(const reading *r, const char *name, const ag_str *names, size_t count, ag_err *err)
{
    const char *near = NULL;
    const char **texts = ag_arena_array(r->arena, count + 1, sizeof *texts);
    if (!texts) return ag_fail_memory(err, count * sizeof *texts);
    for (size_t i = 0; i < count; i++)
        if (!(texts[i] = ag_arena_strndup(r->arena, names[i].data, names[i].size))) return ag_fail_memory(err, 64);
    near = ag_nearest(ag_str_of(name), texts, count);
    ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "there is no column '%s'", name);
    if (near) return ag_err_hint(err, "did you mean '%s'?", near);
    return ag_err_hint(err, "the first line must name the columns; it begins with '%.*s'", AG_STR_ARG(names[0]));
}

static int take_column(reading *r, size_t cell, ag_str name, ag_err *err)
{
    r->cells[r->columns] = cell;
    if (!(r->names[r->columns] = ag_arena_strndup(r->arena, name.data, name.size < MAX_NAME ? name.size : MAX_NAME)))
        return ag_fail_memory(err, name.size);
    r->columns++;
    return 0;
}

static int choose_columns(reading *r, const ag_str *names, size_t count, ag_err *err)
{
    const ag_timeseries_options *o = r->options;
    int rc = 0;
    size_t most = o->columns ? o->column_count : count;
    r->cells = ag_arena_array(r->arena, most + 1, sizeof *r->cells);
    r->names = ag_arena_array(r->arena, most + 1, sizeof *r->names);
    if (!r->cells || !r->names) return ag_fail_memory(err, most * sizeof *r->cells);
    for (size_t i = 0; !o->columns && i < count && rc >= 0; i++)
        if (i != r->date) rc = take_column(r, i, names[i], err);
    for (size_t i = 0; o->columns && i < o->column_count && rc >= 0; i++) {
        size_t cell = ag_csv_column(r->csv, o->columns[i]);
        if (cell == SIZE_MAX) return no_column(r, o->columns[i], names, count, err);
        if (cell == r->date)
            return ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "column '%s' holds the dates, so it is no channel",
                              o->columns[i]);
        rc = take_column(r, cell, names[cell], err);
    }
    if (rc >= 0 && r->columns == 0)
        rc = ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "there is no column of numbers beside the dates");
    return rc;
}

/* Which column holds the dates: the one that was named, or the first when its first cell is no number. */
static int find_dates(reading *r, const ag_str *names, size_t count, ag_str first_cell, ag_err *err)
{
    double number;
    r->date = SIZE_MAX;
    if (r->options->date_column) {
        r->date = ag_csv_column(r->csv, r->options->date_column);
        if (r->date == SIZE_MAX) return no_column(r, r->options->date_column, names, count, err);
        return 0;
    }
    ag_str cell = ag_str_trim(first_cell);
    if (!is_missing(cell) && !ag_str_to_double(cell, &number) && !r->options->decimal_comma) r->date = 0;
    if (r->options->decimal_comma && ag_csv_double(r->csv, 0, &number, NULL) < 0 && !is_missing(cell)) r->date = 0;
    return 0;
}

/* ---- rows ---- */

static int take_date(reading *r, ag_str cell, ag_err *err)
{
    int64_t instant;
    const char *text = ag_arena_strndup(r->arena, cell.data, cell.size < MAX_NAME ? cell.size : MAX_NAME);
    if (!text) return ag_fail_memory(err, cell.size);
    if (!r->first_date) r->first_date = text;
    r->last_date = text;
    if (r->interval < 0) return 0;
    if (ag_instant_parse(ag_str_trim(cell), &instant, NULL) < 0) {
        r->interval = -1;
        return 0;
    }
    int64_t step = instant - r->last_instant;
    if (r->rows == 1)
        r->interval = step;
    else if (r->rows > 1 && step != r->interval)
        r->interval = -1;
    if (r->rows > 0 && step <= 0) r->interval = -1;
    r->last_instant = instant;
    return 0;
}

static int take_number(reading *r, size_t column, const ag_str *cells, double *out, ag_err *err)
{
    size_t cell = r->cells[column];
    *out = (double)NAN;
    if (!is_missing(cells[cell])) {
        int rc = ag_csv_double(r->csv, cell, out, err);
        if (rc < 0) return ag_err_prefix(err, "column '%s'", r->names[column]);
        if (!isinf(*out)) return 0;
        uint32_t line, place;
        ag_csv_place(r->csv, cell, &line, &place);
        return ag_fail_at(err, AG_EPARSE, r->path, line, place, "column '%s': a number that is not finite",
                          r->names[column]);
    }
    if (r->missing++ == 0) {
        ag_csv_place(r->csv, cell, &r->missing_line, &r->missing_column);
        r->missing_name = column;
    }
    return 0;
}

static int take_row(reading *r, const ag_str *cells, ag_err *err)
{
    int rc = r->date == SIZE_MAX ? 0 : take_date(r, cells[r->date], err);
    for (size_t i = 0; i < r->columns && rc >= 0; i++) {
        double number;
        rc = take_number(r, i, cells, &number, err);
        if (rc >= 0) rc = ag_vec_push(&r->values, &number, err);
    }
    r->rows++;
    return rc;
}

static int read_rows(reading *r, ag_err *err)
{
    const ag_str *cells, *names;
    size_t count, width = ag_csv_header(r->csv, &names);
    int rc;
    while ((rc = ag_csv_next(r->csv, &cells, &count, err)) > 0) {
        if (r->rows == 0 && (rc = find_dates(r, names, width, cells[0], err)) < 0) return rc;
        if (r->rows == 0 && (rc = choose_columns(r, names, width, err)) < 0) return rc;
        if ((rc = take_row(r, cells, err)) < 0) return rc;
    }
    return rc;
}

/* ---- missing numbers ---- */

static int refuse_missing(const reading *r, ag_err *err)
{
    ag_fail_at(err, AG_EINVAL, r->path, r->missing_line, r->missing_column,
               "column '%s' has no number here; %lld of %lld numbers are missing", r->names[r->missing_name],
               (long long)r->missing, (long long)(r->rows * (int64_t)r->columns));
    return ag_err_hint(err, "mend the file, or say how to fill them: data_config.missing: previous or linear");
}

/* From the one before; the first ones from the first that is there. */
static void fill_column(double *values, int64_t rows, size_t columns, ag_missing how)
{
    int64_t last = -1;
    for (int64_t i = 0; i <= rows; i++) {
        if (i < rows && isnan(values[(size_t)i * columns])) continue;
        for (int64_t k = last + 1; k < i; k++) {
            double before = last < 0 ? values[(size_t)i * columns] : values[(size_t)last * columns], value = before;
            if (how == AG_MISSING_LINEAR && last >= 0 && i < rows)
                value += (values[(size_t)i * columns] - before) * (double)(k - last) / (double)(i - last);
            values[(size_t)k * columns] = value;
        }
        last = i;
    }
}

static int fill(reading *r, ag_err *err)
{
    double *values = r->values.items;
    if (r->missing == 0) return 0;
    if (r->options->missing == AG_MISSING_REFUSE) return refuse_missing(r, err);
    for (size_t c = 0; c < r->columns; c++) {
        int64_t there = 0;
        for (int64_t i = 0; i < r->rows; i++) there += !isnan(values[(size_t)i * r->columns + c]);
        if (there == 0) {
            ag_fail(err, AG_EINVAL, "column '%s' of %s has no number at all", r->names[c], r->path);
            return ag_err_hint(err, "leave it out: data_config.columns names those to take");
        }
        fill_column(values + c, r->rows, r->columns, r->options->missing);
    }
    return 0;
}

/* ---- the whole ---- */

static int give(reading *r, ag_timeseries *out, ag_err *err)
{
    size_t bytes = r->values.count * sizeof(double);
    double *values = ag_arena_alloc(r->arena, bytes);
    if (!values) return ag_fail_memory(err, bytes);
    memcpy(values, r->values.items, bytes);
    out->rows = r->rows;
    out->columns = (int64_t)r->columns;
    out->names = r->names;
    out->values = values;
    out->filled = r->missing;
    out->first_date = r->first_date;
    out->last_date = r->last_date;
    out->interval = r->interval > 0 && r->rows > 1 && r->date != SIZE_MAX ? r->interval : 0;
    return 0;
}

static int read_csv(reading *r, ag_timeseries *out, ag_err *err)
{
    ag_csv_options options = {.name = r->path,
                              .header = true,
                              .delimiter = r->options->delimiter,
                              .decimal_comma = r->options->decimal_comma};
    int rc = ag_csv_open_file(r->path, &options, &r->csv, err);
    if (rc >= 0) rc = read_rows(r, err);
    if (rc >= 0 && r->rows == 0) rc = ag_fail(err, AG_EINVAL, "%s has no rows behind its first line", r->path);
    if (rc >= 0) rc = fill(r, err);
    if (rc >= 0) rc = give(r, out, err);
    ag_csv_free(r->csv);
    return rc;
}

/* Columns of an array have numbers for names. */
static int choose_numbered(reading *r, size_t width, ag_err *err)
{
    const ag_timeseries_options *o = r->options;
    size_t count = o->columns ? o->column_count : width;
    r->cells = ag_arena_array(r->arena, count + 1, sizeof *r->cells);
    r->names = ag_arena_array(r->arena, count + 1, sizeof *r->names);
    if (!r->cells || !r->names) return ag_fail_memory(err, count * sizeof *r->cells);
    for (size_t i = 0; i < count; i++) {
        uint64_t cell = i;
        ag_str name = o->columns ? ag_str_of(o->columns[i]) : AG_STR("");
        if (o->columns && (!ag_str_starts(name, AG_STR("c")) ||
                           !ag_str_to_uint(ag_str_slice(name, 1, SIZE_MAX), &cell) || cell >= width)) {
            ag_fail(err, AG_EINVAL, "%s has no column '%s'", r->path, o->columns[i]);
            return ag_err_hint(err, "the columns of an array are named c0 to c%zu", width - 1);
        }
        r->cells[i] = (size_t)cell;
        if (!(r->names[i] = ag_arena_printf(r->arena, "c%llu", (unsigned long long)cell)))
            return ag_fail_memory(err, 16);
    }
    r->columns = count;
    return 0;
}

static int copy_array(reading *r, const ag_npy *array, size_t width, ag_err *err)
{
    double *row = ag_arena_array(r->arena, width, sizeof *row);
    int rc = row ? ag_vec_reserve(&r->values, (size_t)r->rows * r->columns, err) : ag_fail_memory(err, width);
    for (int64_t i = 0; i < r->rows && rc >= 0; i++) {
        rc = ag_npy_to_double(array, (size_t)i * width, width, row, err);
        for (size_t c = 0; c < r->columns && rc >= 0; c++) {
            double value = row[r->cells[c]];
            if (isinf(value))
                return ag_fail(err, AG_EINVAL, "%s: row %lld, column %s is not finite", r->path, (long long)i,
                               r->names[c]);
            if (isnan(value) && r->missing++ == 0) {
                r->missing_line = (uint32_t)i;
                r->missing_name = c;
            }
            rc = ag_vec_push(&r->values, &value, err);
        }
    }
    return rc;
}

static int read_npy(reading *r, ag_timeseries *out, ag_err *err)
{
    ag_npy_file file = {0};
    int rc = ag_npy_open(r->path, &file, err);
    if (rc < 0) return rc;
    const ag_npy *array = &file.array;
    size_t width = array->dimensions == 2 ? (size_t)array->shape[1] : 1;
    r->date = SIZE_MAX;
    if (array->dimensions < 1 || array->dimensions > 2 || array->count == 0)
        rc = ag_fail(err, AG_EINVAL, "%s must hold an array of rows and columns that is not empty", r->path);
    if (rc >= 0) r->rows = (int64_t)array->shape[0];
    if (rc >= 0) rc = choose_numbered(r, width, err);
    if (rc >= 0) rc = copy_array(r, array, width, err);
    if (rc >= 0 && r->missing && r->options->missing == AG_MISSING_REFUSE) {
        rc = ag_fail(err, AG_EINVAL, "%s: row %u, column %s is not a number; %lld are missing", r->path,
                     r->missing_line, r->names[r->missing_name], (long long)r->missing);
        ag_err_hint(err, "mend the file, or say how to fill them: data_config.missing: previous or linear");
    }
    if (rc >= 0) rc = fill(r, err);
    if (rc >= 0) rc = give(r, out, err);
    ag_npy_close(&file);
    return rc;
}

int ag_timeseries_read(const char *path, const ag_timeseries_options *options, ag_arena *arena, ag_timeseries *out,
                       ag_err *err)
{
    reading r = {.path = path, .options = options, .arena = arena};
    ag_timeseries result = {0};
    ag_vec_init(&r.values, sizeof(double));
    int rc = ag_sha256_of_file(path, &result.digest, NULL, err);
    if (rc >= 0) {
        bool array = ag_str_equal_nocase(ag_path_extension(ag_str_of(path)), AG_STR("npy"));
        rc = array ? read_npy(&r, &result, err) : read_csv(&r, &result, err);
    }
    ag_vec_deinit(&r.values);
    if (rc < 0) return rc;
    *out = result;
    return 0;
}
