// SPDX-License-Identifier: Apache-2.0
/* plot.c: the command: columns of a table as curves: a learning curve, the history of a training, scores by anything.
 * Rows of one curve with the same x are one point: their mean, with a band from the least to the greatest of them. */
#include <math.h>

#include "app/cli/named_data.h"
#include "core/base/map.h"
#include "core/io/csv.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/html.h"
#include "core/show/spark.h"
#include "core/show/svg.h"

static const ag_option options[] = {
    {.name = "x",
     .letter = 'x',
     .type = AG_OPTION_TEXT,
     .value_name = "COLUMN",
     .doc = "What lies along; the first column when not given"},
    {.name = "y",
     .letter = 'y',
     .type = AG_OPTION_TEXT,
     .value_name = "COLUMN",
     .repeated = true,
     .required = true,
     .doc = "What is drawn; a curve for each"},
    {.name = "by",
     .letter = 'b',
     .type = AG_OPTION_TEXT,
     .value_name = "COLUMN",
     .doc = "A curve for each value of this column"},
    {.name = "log-x", .type = AG_OPTION_FLAG, .doc = "Decades along"},
    {.name = "log-y", .type = AG_OPTION_FLAG, .doc = "Decades upwards"},
    {.name = "title", .type = AG_OPTION_TEXT, .doc = "Above the picture; the name of the file when not given"},
    {.name = "output",
     .letter = 'o',
     .type = AG_OPTION_PATH,
     .value_name = "F",
     .doc = "Write the picture as F.svg, or as a page with its numbers, F.html, instead of drawing it here"},
    AG_OPTIONS_OF_NAMED_DATA,
};
static const ag_option positionals[] = {
    {.name = "TABLE",
     .type = AG_OPTION_PATH,
     .required = true,
     .doc = "CSV, whose first row names the columns; or one of a data set (NAME@v3/FILE)"},
};
static const ag_example examples[] = {
    {"plot out/history.csv -x epoch -y val_loss --by training", "The course of each fold, in the terminal"},
    {"plot pretraining.csv -x labels -y error_mm --by method --log-x -o curve.svg", "A learning curve, as a picture"},
    {NULL, NULL},
};

enum { MOST_CURVES = 64, WIDTH = 100, HEIGHT = 20, MOST_BYTES = 256 << 20 };

typedef struct point {
    double x, y;
} point;

typedef struct curve {
    const char *name;
    ag_vec points; /* of point, as they were read */
    double *x, *mean, *low, *high;
    size_t *rows; /* that a point is the mean of */
    size_t count;
    bool spread;
} curve;

typedef struct drawing {
    ag_invocation *invocation;
    const char *path;
    ag_csv *csv;
    size_t x, by; /* columns; SIZE_MAX: by none */
    size_t *y;
    const char *const *y_names;
    size_t y_count;
    ag_map *by_name; /* curves by name */
    curve curves[MOST_CURVES];
    size_t curve_count;
} drawing;

/* ---- reading ---- */

static int find_column(const drawing *d, const char *option, const char *name, size_t *out, ag_err *err)
{
    const ag_str *names;
    const char *known[64];
    size_t count = ag_csv_header(d->csv, &names), used = 0;
    if ((*out = ag_csv_column(d->csv, name)) != SIZE_MAX) return 0;
    for (size_t i = 0; i < count && used < 64; i++) {
        known[used] = ag_arena_strndup(d->invocation->arena, names[i].data, names[i].size);
        if (!known[used++]) return ag_fail_memory(err, names[i].size);
    }
    int rc = ag_fail(err, AG_EINVAL, "--%s: '%s' has no column '%.200s'", option, d->path, name);
    if (!used) return rc;
    const char *near = ag_nearest(ag_str_of(name), known, used);
    return ag_err_hint(err, near ? "did you mean '%s'?" : "its first column is '%s'", near ? near : known[0]);
}

static int find_columns(drawing *d, ag_err *err)
{
    size_t count;
    const char *x = ag_option_text(d->invocation, "x"), *by = ag_option_text(d->invocation, "by");
    const ag_option_value *values = ag_option_values(d->invocation, "y", &count);
    const char **names = ag_arena_array(d->invocation->arena, count, sizeof *names);
    d->y = ag_arena_array(d->invocation->arena, count, sizeof *d->y);
    if (!d->y || !names) return ag_fail_memory(err, count * sizeof *names);
    d->by = SIZE_MAX;
    d->y_names = names;
    int rc = x ? find_column(d, "x", x, &d->x, err) : 0;
    if (rc >= 0 && by) rc = find_column(d, "by", by, &d->by, err);
    for (; d->y_count < count && rc >= 0; d->y_count++) {
        names[d->y_count] = values[d->y_count].text;
        rc = find_column(d, "y", names[d->y_count], &d->y[d->y_count], err);
    }
    return rc;
}

/* The curve of one y in a row; made when it is the first of it. */
static int find_curve(drawing *d, const ag_str *cells, size_t y, curve **out, ag_err *err)
{
    ag_arena *arena = d->invocation->arena;
    const char *name = d->y_names[y];
    if (d->by != SIZE_MAX)
        name = d->y_count > 1 ? ag_arena_printf(arena, "%.*s, %s", AG_STR_ARG(cells[d->by]), name)
                              : ag_arena_strndup(arena, cells[d->by].data, cells[d->by].size);
    if (!name) return ag_fail_memory(err, 64);
    if ((*out = ag_map_get(d->by_name, ag_str_of(name)))) return 0;
    if (d->curve_count == MOST_CURVES)
        return ag_fail(err, AG_ELIMIT, "'%s' has more than %d curves: --by another column", d->path, MOST_CURVES);
    *out = &d->curves[d->curve_count++];
    (*out)->name = name;
    ag_vec_init(&(*out)->points, sizeof(point));
    return ag_map_put(d->by_name, ag_str_of(name), *out, NULL, err);
}

/* Cells that are empty or no finite number leave a gap; words are refused. */
static int read_row(drawing *d, const ag_str *cells, ag_err *err)
{
    point at;
    if (!ag_str_trim(cells[d->x]).size) return 0;
    int rc = ag_csv_double(d->csv, d->x, &at.x, err);
    for (size_t i = 0; i < d->y_count && rc >= 0; i++) {
        curve *c = NULL;
        if (!ag_str_trim(cells[d->y[i]]).size) continue;
        rc = ag_csv_double(d->csv, d->y[i], &at.y, err);
        if (rc < 0 || !isfinite(at.x) || !isfinite(at.y)) continue;
        rc = find_curve(d, cells, i, &c, err);
        if (rc >= 0) rc = ag_vec_push(&c->points, &at, err);
    }
    return rc;
}

static int compare_points(const void *a, const void *b)
{
    const double x = ((const point *)a)->x, y = ((const point *)b)->x;
    return (x > y) - (x < y);
}

/* Points of the same x become one. */
static int gather(curve *c, ag_arena *arena, ag_err *err)
{
    size_t size = c->points.count;
    double *room = ag_arena_array(arena, size, 4 * sizeof *room);
    c->rows = ag_arena_array(arena, size, sizeof *c->rows);
    if (!room || !c->rows) return ag_fail_memory(err, size * sizeof *room);
    c->x = room;
    c->mean = room + size;
    c->low = room + 2 * size;
    c->high = room + 3 * size;
    ag_vec_sort(&c->points, compare_points);
    const point *p = c->points.items;
    for (size_t i = 0, next; i < size; i = next, c->count++) {
        double sum = 0.0;
        c->x[c->count] = p[i].x;
        c->low[c->count] = c->high[c->count] = p[i].y;
        for (next = i; next < size && p[next].x == p[i].x; next++) {
            sum += p[next].y;
            c->low[c->count] = fmin(c->low[c->count], p[next].y);
            c->high[c->count] = fmax(c->high[c->count], p[next].y);
        }
        c->rows[c->count] = next - i;
        c->mean[c->count] = sum / (double)(next - i);
        c->spread |= next - i > 1;
    }
    return 0;
}

static int read_table(drawing *d, ag_err *err)
{
    const ag_str *cells;
    size_t count;
    const ag_csv_options how = {.header = true, .comment = '#', .trim = true};
    int rc = ag_csv_open_file(d->path, &how, &d->csv, err);
    if (rc >= 0) rc = find_columns(d, err);
    while (rc >= 0 && (rc = ag_csv_next(d->csv, &cells, &count, err)) > 0) rc = read_row(d, cells, err);
    for (size_t i = 0; i < d->curve_count && rc >= 0; i++) rc = gather(&d->curves[i], d->invocation->arena, err);
    if (rc >= 0 && !d->curve_count) rc = ag_fail(err, AG_ENOTFOUND, "'%s' has no row with numbers to draw", d->path);
    return rc;
}

/* ---- drawing ---- */

static ag_plot plot_of(const drawing *d)
{
    const ag_str *names;
    (void)ag_csv_header(d->csv, &names);
    const char *title = ag_option_text(d->invocation, "title");
    return (ag_plot){.title = title ? title : d->path,
                     .x_label = ag_arena_strndup(d->invocation->arena, names[d->x].data, names[d->x].size),
                     .y_label = d->y_count == 1 ? d->y_names[0] : NULL,
                     .x_log = ag_option_flag(d->invocation, "log-x"),
                     .y_log = ag_option_flag(d->invocation, "log-y")};
}

/* Bands below, lines, and, where a curve has few points, the points. */
static size_t series_of(const drawing *d, bool bands, ag_series out[3 * MOST_CURVES])
{
    enum { FEW = 40 };
    size_t used = 0;
    for (size_t i = 0; i < d->curve_count && bands; i++) {
        const curve *c = &d->curves[i];
        if (!c->spread) continue;
        out[used++] = (ag_series){.mark = AG_MARK_BAND,
                                  .x = c->x,
                                  .y = c->low,
                                  .high = c->high,
                                  .count = c->count,
                                  .colour = (unsigned)i + 1};
    }
    for (size_t i = 0; i < d->curve_count; i++) {
        const curve *c = &d->curves[i];
        ag_series line = {.name = c->name, .x = c->x, .y = c->mean, .count = c->count, .colour = (unsigned)i + 1};
        out[used++] = line;
        line.name = NULL;
        line.mark = AG_MARK_SCATTER;
        if (bands && c->count <= FEW) out[used++] = line;
    }
    return used;
}

static int add_numbers(const drawing *d, const ag_plot *plot, ag_buf *page, ag_err *err)
{
    const ag_column columns[] = {{"", AG_ALIGN_LEFT, 0, 8},          {plot->x_label, AG_ALIGN_RIGHT, 0, 0},
                                 {"mean", AG_ALIGN_RIGHT, 0, 0},     {"least", AG_ALIGN_RIGHT, 0, 0},
                                 {"greatest", AG_ALIGN_RIGHT, 0, 0}, {"rows", AG_ALIGN_RIGHT, 0, 0}};
    ag_table *table = NULL;
    int rc = ag_table_new(columns, 6, &table, err);
    for (size_t i = 0; i < d->curve_count; i++) {
        const curve *c = &d->curves[i];
        for (size_t k = 0; k < c->count && rc >= 0; k++) {
            const double values[] = {c->x[k], c->mean[k], c->low[k], c->high[k], (double)c->rows[k]};
            rc = ag_table_add(table, AG_STYLE_PLAIN, c->name, err);
            for (size_t v = 0; v < 5 && rc >= 0; v++) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.6g", values[v]);
        }
    }
    if (rc >= 0) rc = ag_html_table(page, table, err);
    ag_table_free(table);
    return rc;
}

static int write_picture(const drawing *d, const char *path, ag_err *err)
{
    ag_buf svg, page;
    ag_series series[3 * MOST_CURVES];
    const ag_plot plot = plot_of(d);
    const ag_str ending = ag_path_extension(ag_str_of(path));
    const bool html = ag_str_equal_nocase(ending, AG_STR("html"));
    if (!html && !ag_str_equal_nocase(ending, AG_STR("svg")))
        return ag_fail(err, AG_EINVAL, "--output %s: pictures are written as .svg, pages as .html", path);
    ag_buf_init(&svg, MOST_BYTES);
    ag_buf_init(&page, MOST_BYTES);
    int rc = ag_svg_plot(&svg, &plot, series, series_of(d, true, series), err);
    if (rc >= 0 && html) {
        ag_html_begin(&page, plot.title, NULL);
        ag_html_figure(&page, ag_buf_str(&svg), NULL);
        rc = add_numbers(d, &plot, &page, err);
        if (rc >= 0) rc = ag_html_end(&page, err);
    }
    const ag_buf *what = html ? &page : &svg;
    if (rc >= 0) rc = ag_file_replace(path, what->data, what->size, err);
    ag_buf_deinit(&svg);
    ag_buf_deinit(&page);
    return rc;
}

static int draw_here(const drawing *d, ag_err *err)
{
    ag_buf text;
    ag_series series[3 * MOST_CURVES];
    const ag_output *to = d->invocation->out;
    const ag_plot plot = plot_of(d);
    ag_buf_init(&text, MOST_BYTES);
    unsigned width = to->columns > WIDTH ? WIDTH : (unsigned)to->columns;
    int rc = ag_spark_plot(&text, &plot, series, series_of(d, false, series), width, HEIGHT, to->color, err);
    if (rc >= 0) ag_print_str(d->invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

static int print_json(const drawing *d, ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, MOST_BYTES);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_REFUSE_NONFINITE);
    ag_json_begin_object(&json);
    ag_json_name(&json, "curves");
    ag_json_begin_array(&json);
    for (size_t i = 0; i < d->curve_count; i++) {
        const curve *c = &d->curves[i];
        ag_json_begin_object(&json);
        ag_json_put_text(&json, "name", c->name);
        ag_json_name(&json, "points");
        ag_json_begin_array(&json);
        for (size_t k = 0; k < c->count; k++) {
            ag_json_begin_object(&json);
            ag_json_put_real(&json, "x", c->x[k]);
            ag_json_put_real(&json, "mean", c->mean[k]);
            ag_json_put_real(&json, "low", c->low[k]);
            ag_json_put_real(&json, "high", c->high[k]);
            ag_json_put_int(&json, "rows", (int64_t)c->rows[k]);
            ag_json_end_object(&json);
        }
        ag_json_end_array(&json);
        ag_json_end_object(&json);
    }
    ag_json_end_array(&json);
    ag_json_end_object(&json);
    int rc = ag_print_json(d->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

static int run(ag_invocation *invocation, ag_err *err)
{
    ag_named_data table;
    drawing d = {.invocation = invocation};
    const char *output = ag_option_text(invocation, "output");
    int rc = ag_named_data_file(invocation, ag_option_text(invocation, "TABLE"), &table, err);
    if (rc < 0) return rc;
    d.path = table.path;
    d.by_name = ag_map_new();
    rc = d.by_name ? read_table(&d, err) : ag_fail_memory(err, 64);
    if (rc < 0)
        ag_data_name_in_error(&table.called, err);
    else
        rc = ag_named_data_tell(&table, invocation->arena, &d.path, err);
    if (rc >= 0 && output) rc = write_picture(&d, output, err);
    if (rc >= 0 && ag_wants_json(invocation))
        rc = print_json(&d, err);
    else if (rc >= 0 && !output)
        rc = draw_here(&d, err);
    for (size_t i = 0; i < d.curve_count; i++) ag_vec_deinit(&d.curves[i].points);
    ag_map_free(d.by_name);
    ag_csv_free(d.csv);
    return rc;
}

const ag_command ag_command_plot = {
    .path = "plot",
    .summary = "Draw columns of a table as curves",
    .doc =
        "Reads a table (CSV) and draws its columns as curves: in the terminal, as a picture (SVG), or as a page that "
        "needs nothing else. Rows of one curve that have the same x are one point, their mean, with a band from the "
        "least to the greatest of them: so repeated trainings become a learning curve. Empty cells leave gaps.",
    .options = AG_OPTIONS(options),
    .positionals = AG_OPTIONS(positionals),
    .examples = examples,
    .run = run,
};
