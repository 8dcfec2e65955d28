// SPDX-License-Identifier: Apache-2.0
/* timeseries.c: reading a series. A CSV is read in one pass into a growing array; missing numbers (an empty cell, NaN,
 * NA, null) become NaN there and are filled, or refused, when all rows are in: refusing names the first one by line and
 * column and says how many there are. Names of columns that are no UTF-8 are taken for Latin-1, since a model keeps
 * them in JSON; two columns of one name are refused, because a model could not tell them apart. A first column that has
 * no name and counts the rows is what pandas writes of its own accord, and no channel. */
#include "learn/forecast/timeseries.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/str.h"
#include "core/base/vec.h"
#include "core/io/csv.h"
#include "core/io/npy.h"
#include "core/io/path.h"
#include "learn/forecast/dates.h"

enum { MAX_NAME = 200, MAX_NUMBER_SIZE = 64 };
#define MAX_NUMBER 1e30 /* its square is still one */

typedef struct reading {
    const char *path;
    const ag_timeseries_options *options;
    ag_arena *arena;
    ag_csv *csv;
    size_t *cells;  /* index of the cell for each column */
    size_t columns; /* taken */
    size_t date;    /* its cell; SIZE_MAX: none */
    bool counted;   /* the first cell of a row is its number, from `count_from`, and not taken */
    int64_t count_from;
    const char **names;
    const char **header; /* all names of the file, in UTF-8 */
    size_t width;
    ag_vec values; /* double */
    int64_t rows;
    const char *first_date, *last_date;
    ag_dates dates;
    ag_vec times[AG_DATE_ORDERS]; /* int64_t; as far as all could be read */
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

/* In UTF-8: what is none is taken for Latin-1, in which every byte is a character. */
static const char *name_of(ag_arena *arena, ag_str text)
{
    bool valid = ag_utf8_valid(text);
    text = ag_str_slice(text, 0, valid ? ag_utf8_cut(text, MAX_NAME) : MAX_NAME);
    if (valid) return ag_arena_strndup(arena, text.data, text.size);
    char *out = ag_arena_alloc(arena, 2 * text.size + 1);
    size_t size = 0;
    for (size_t i = 0; out && i < text.size; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x80) out[size++] = (char)(0xc0 | c >> 6);
        out[size++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    if (out) out[size] = '\0';
    return out;
}

static int take_header(reading *r, ag_err *err)
{
    const ag_str *names;
    r->width = ag_csv_header(r->csv, &names);
    if (!(r->header = ag_arena_array(r->arena, r->width + 1, sizeof *r->header)))
        return ag_fail_memory(err, r->width * sizeof *r->header);
    for (size_t i = 0; i < r->width; i++)
        if (!(r->header[i] = name_of(r->arena, names[i]))) return ag_fail_memory(err, MAX_NAME);
    return 0;
}

static size_t find_column(const reading *r, const char *name)
{
    for (size_t i = 0; i < r->width; i++)
        if (strcmp(r->header[i], name) == 0) return i;
    return SIZE_MAX;
}

static int no_column(const reading *r, const char *name, ag_err *err)
{
    const char *near = ag_nearest(ag_str_of(name), r->header, r->width);
    ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "there is no column '%s'", name);
    if (near) return ag_err_hint(err, "did you mean '%s'?", near);
    return ag_err_hint(err, "the first line must name the columns; it begins with '%s'", r->header[0]);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int check_names(const reading *r, ag_err *err)
{
    const char **sorted = ag_arena_array(r->arena, r->columns + 1, sizeof *sorted);
    if (!sorted) return ag_fail_memory(err, r->columns * sizeof *sorted);
    memcpy(sorted, r->names, r->columns * sizeof *sorted);
    qsort(sorted, r->columns, sizeof *sorted, compare_names);
    for (size_t i = 1; i < r->columns; i++) {
        if (strcmp(sorted[i - 1], sorted[i]) != 0) continue;
        ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "two columns are called '%s'", sorted[i]);
        return ag_err_hint(err, "give each a name of its own in the first line, or name those to take in "
                                "data_config.columns");
    }
    return 0;
}

static int choose_columns(reading *r, ag_err *err)
{
    const ag_timeseries_options *o = r->options;
    size_t most = o->columns ? o->column_count : r->width;
    r->cells = ag_arena_array(r->arena, most + 1, sizeof *r->cells);
    r->names = ag_arena_array(r->arena, most + 1, sizeof *r->names);
    if (!r->cells || !r->names) return ag_fail_memory(err, most * sizeof *r->cells);
    for (size_t i = 0; !o->columns && i < r->width; i++)
        if (i != r->date && (i || !r->counted)) r->cells[r->columns++] = i;
    for (size_t i = 0; o->columns && i < o->column_count; i++) {
        size_t cell = find_column(r, o->columns[i]);
        if (cell == SIZE_MAX) return no_column(r, o->columns[i], err);
        if (cell == r->date)
            return ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "column '%s' holds the dates, so it is no channel",
                              o->columns[i]);
        r->cells[r->columns++] = cell;
    }
    if (r->columns == 0)
        return ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "there is no column of numbers beside the dates");
    for (size_t i = 0; i < r->columns; i++) r->names[i] = r->header[r->cells[i]];
    return check_names(r, err);
}

static bool is_number(const reading *r, size_t cell, ag_str text)
{
    double number;
    return r->options->decimal_comma ? ag_csv_double(r->csv, cell, &number, NULL) >= 0
                                     : ag_str_to_double(ag_str_trim(text), &number);
}

static bool is_wanted(const reading *r, const char *name)
{
    for (size_t i = 0; i < r->options->column_count; i++)
        if (strcmp(r->options->columns[i], name) == 0) return true;
    return false;
}

static void find_count(reading *r, ag_str first_cell)
{
    const char *name = r->header[0];
    bool nameless = !*name || strcmp(name, "Unnamed: 0") == 0; /* what pandas calls it when it reads it again */
    r->counted = nameless && r->width > 1 && !is_wanted(r, name) && ag_str_to_int(first_cell, &r->count_from);
}

/* Which column holds the dates: the one that was named, or the first when its first cell is no number, or when dates in
 * numbers are what its name promises. */
static int find_dates(reading *r, const ag_str *cells, ag_err *err)
{
    static const char *const words[] = {"date", "datetime", "timestamp", "ds"};
    size_t first = r->counted && r->width > 2 ? 1 : 0;
    ag_str first_cell = cells[first];
    r->date = SIZE_MAX;
    if (r->options->date_column) {
        r->date = find_column(r, r->options->date_column);
        return r->date == SIZE_MAX ? no_column(r, r->options->date_column, err) : 0;
    }
    if (!is_missing(first_cell) && !is_number(r, first, first_cell)) r->date = first;
    for (size_t i = 0; i < sizeof words / sizeof *words && r->width > 1 && !is_wanted(r, r->header[first]); i++)
        if (ag_str_equal_nocase(ag_str_of(r->header[first]), ag_str_of(words[i]))) r->date = first;
    return 0;
}

/* A first line of data would be lost, and lend its numbers as names. Whole numbers may be names: years, or those that
 * programs write when there are none. */
static int check_header(const reading *r, ag_err *err)
{
    bool numbers = r->date == SIZE_MAX, whole = true;
    int64_t integer;
    double number;
    for (size_t i = 0; i < r->width && numbers; i++) {
        ag_str name = ag_str_trim(ag_str_of(r->header[i]));
        numbers = ag_str_to_double(name, &number);
        whole &= ag_str_to_int(name, &integer);
    }
    if (r->date != SIZE_MAX ? !ag_date_like(ag_str_of(r->header[r->date])) : !numbers || whole) return 0;
    ag_fail_at(err, AG_EINVAL, r->path, 1, 1, "the first line holds data, not the names of the columns");
    return ag_err_hint(err, "write a first line with a name for each column");
}

/* ---- rows ---- */

static int take_date(reading *r, ag_str cell, ag_err *err)
{
    const char *text = ag_arena_strndup(r->arena, cell.data, cell.size < MAX_NAME ? cell.size : MAX_NAME);
    if (!text) return ag_fail_memory(err, cell.size);
    if (!r->first_date) r->first_date = text;
    r->last_date = text;
    ag_dates_add(&r->dates, cell);
    int rc = 0;
    for (int order = 0; order < AG_DATE_ORDERS && rc >= 0; order++) {
        int64_t instant;
        bool whole = r->times[order].count == (size_t)r->rows;
        if (whole && ag_date_read(cell, order, &instant)) rc = ag_vec_push(&r->times[order], &instant, err);
    }
    return rc;
}

static int no_number(const reading *r, size_t column, ag_str cell, ag_err *err)
{
    double number;
    uint32_t line, place;
    char point[MAX_NUMBER_SIZE];
    cell = ag_str_trim(cell);
    ag_csv_place(r->csv, r->cells[column], &line, &place);
    int rc = ag_fail_at(err, AG_EPARSE, r->path, line, place, "column '%s': '%.*s' is not a number", r->names[column],
                        (int)ag_utf8_cut(cell, 40), cell.data);
    if (r->date == SIZE_MAX && ag_date_like(cell))
        return ag_err_hint(err, "if these are the dates: data_config.date_column: %s", r->names[column]);
    if (cell.size > sizeof point) return rc;
    for (size_t i = 0; i < cell.size; i++) point[i] = cell.data[i] == ',' ? '.' : cell.data[i];
    if (!r->options->decimal_comma && ag_str_to_double((ag_str){point, cell.size}, &number))
        return ag_err_hint(err, "numbers with a decimal comma: data_config.decimal_comma: true");
    if (r->options->decimal_comma && ag_str_to_double(cell, &number))
        return ag_err_hint(err, "data_config.decimal_comma says that numbers are written as 1,5");
    return ag_err_hint(err,
                       "data_config.columns names the columns to take; an empty cell, NaN or NA is a missing number");
}

static int take_number(reading *r, size_t column, const ag_str *cells, double *out, ag_err *err)
{
    size_t cell = r->cells[column];
    *out = (double)NAN;
    if (!is_missing(cells[cell])) {
        uint32_t line, place;
        if (ag_csv_double(r->csv, cell, out, NULL) < 0) return no_number(r, column, cells[cell], err);
        if (!(fabs(*out) > MAX_NUMBER)) return 0;
        ag_csv_place(r->csv, cell, &line, &place);
        return ag_fail_at(err, AG_EPARSE, r->path, line, place, "column '%s': a number that is %s", r->names[column],
                          isinf(*out) ? "not finite" : "too large to compute with");
    }
    if (r->missing++ == 0) {
        ag_csv_place(r->csv, cell, &r->missing_line, &r->missing_column);
        r->missing_name = column;
    }
    return 0;
}

/* Else it is a channel without a name. */
static int check_count(const reading *r, ag_str cell, ag_err *err)
{
    uint32_t line, place;
    int64_t number;
    if (!r->counted || (ag_str_to_int(cell, &number) && number - r->count_from == r->rows)) return 0;
    ag_csv_place(r->csv, 0, &line, &place);
    ag_fail_at(err, AG_EPARSE, r->path, line, place, "the first column has no name, and does not count the rows");
    return ag_err_hint(err, "name it in the first line, or name the columns to take in data_config.columns");
}

static int take_row(reading *r, const ag_str *cells, ag_err *err)
{
    int rc = check_count(r, cells[0], err);
    if (rc >= 0 && r->date != SIZE_MAX) rc = take_date(r, cells[r->date], err);
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
    const ag_str *cells;
    size_t count;
    int rc = take_header(r, err);
    if (rc < 0) return rc;
    while ((rc = ag_csv_next(r->csv, &cells, &count, err)) > 0) {
        if (r->rows == 0) find_count(r, cells[0]);
        if (r->rows == 0 && (rc = find_dates(r, cells, err)) < 0) return rc;
        if (r->rows == 0 && (rc = check_header(r, err)) < 0) return rc;
        if (r->rows == 0 && (rc = choose_columns(r, err)) < 0) return rc;
        if ((rc = take_row(r, cells, err)) < 0) return rc;
    }
    return rc;
}

/* ---- missing numbers ---- */

static int refuse_missing(const reading *r, ag_err *err)
{
    ag_fail_at(err, AG_EINVAL, r->path, r->missing_line, r->missing_column,
               "column '%s' has no number here; %lld of %lld numbers are missing", r->names[r->missing_name],
               (long long)r->missing, (long long)r->rows * (long long)r->columns);
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
    if (r->missing == 0 || r->options->missing == AG_MISSING_KEEP) return 0;
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

static bool grows(const ag_vec *times)
{
    const int64_t *at = times->items;
    for (size_t i = 1; i < times->count; i++)
        if (at[i] <= at[i - 1]) return false;
    return true;
}

/* In the order of day and month that gives even distances, else in one in which time does not go back. */
static int give_times(const reading *r, ag_timeseries *out, ag_err *err)
{
    const ag_vec *best = NULL;
    int points = 0;
    for (int order = 0; order < AG_DATE_ORDERS && r->date != SIZE_MAX; order++) {
        int now = 1 + grows(&r->times[order]) + !r->dates.orders[order].useless;
        if (r->times[order].count != (size_t)r->rows || now <= points) continue;
        best = &r->times[order];
        points = now;
    }
    if (!best) return 0;
    int64_t *times = ag_arena_array(r->arena, best->count, sizeof *times);
    if (!times) return ag_fail_memory(err, best->count * sizeof *times);
    memcpy(times, best->items, best->count * sizeof *times);
    out->times = times;
    return 0;
}

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
    out->counted = r->counted;
    out->first_date = r->first_date;
    out->last_date = r->last_date;
    out->interval = r->date != SIZE_MAX ? ag_dates_interval(&r->dates) : 0;
    return give_times(r, out, err);
}

/* `bytes` NULL: the file of that path. */
static int read_csv(reading *r, const ag_str *bytes, ag_timeseries *out, ag_err *err)
{
    ag_csv_options options = {.name = r->path,
                              .header = true,
                              .delimiter = r->options->delimiter,
                              .decimal_comma = r->options->decimal_comma};
    int rc =
        bytes ? ag_csv_open_memory(*bytes, &options, &r->csv, err) : ag_csv_open_file(r->path, &options, &r->csv, err);
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
            if (fabs(value) > MAX_NUMBER)
                return ag_fail(err, AG_EINVAL, "%s: row %lld, column %s is %s", r->path, (long long)i, r->names[c],
                               isinf(value) ? "not finite" : "too large to compute with");
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

static void open_reading(reading *r)
{
    ag_vec_init(&r->values, sizeof(double));
    for (int order = 0; order < AG_DATE_ORDERS; order++) ag_vec_init(&r->times[order], sizeof(int64_t));
}

static void close_reading(reading *r)
{
    ag_vec_deinit(&r->values);
    for (int order = 0; order < AG_DATE_ORDERS; order++) ag_vec_deinit(&r->times[order]);
}

int ag_timeseries_read(const char *path, const ag_timeseries_options *options, ag_arena *arena, ag_timeseries *out,
                       ag_err *err)
{
    reading r = {.path = path, .options = options, .arena = arena};
    ag_timeseries result = {0};
    open_reading(&r);
    int rc = ag_sha256_of_file(path, &result.digest, NULL, err);
    if (rc >= 0) {
        bool array = ag_str_equal_nocase(ag_path_extension(ag_str_of(path)), AG_STR("npy"));
        rc = array ? read_npy(&r, &result, err) : read_csv(&r, NULL, &result, err);
    }
    close_reading(&r);
    if (rc < 0) return rc;
    *out = result;
    return 0;
}

int ag_timeseries_parse(ag_str bytes, const char *name, const ag_timeseries_options *options, ag_arena *arena,
                        ag_timeseries *out, ag_err *err)
{
    reading r = {.path = name, .options = options, .arena = arena};
    ag_timeseries result = {0};
    open_reading(&r);
    int rc = ag_sha256_of(bytes.data, bytes.size, &result.digest, err);
    if (rc >= 0) rc = read_csv(&r, &bytes, &result, err);
    close_reading(&r);
    if (rc < 0) return rc;
    *out = result;
    return 0;
}
