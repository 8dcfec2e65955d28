// SPDX-License-Identifier: Apache-2.0
/* forecasts_plot.c: forecasts as pictures: the end of what was seen, the forecast, its band, and what came then where
 * the file has it. In the terminal, as one page, or as one SVG in which the pictures lie below each other. */
#include <math.h>
#include <string.h>

#include "app/cli/forecasts.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/show/html.h"
#include "core/show/spark.h"
#include "core/show/svg.h"

enum { MOST_FIGURES = 64, WIDTH = 100, HEIGHT = 18, SVG_WIDTH = 720, SVG_HEIGHT = 320, SEEN = 3, SERIES = 4 };

typedef struct drawing {
    const ag_forecasts_file *file;
    const ag_forecast_answer *answer;
    int64_t column, first, seen; /* rows [first, answer->rows) */
    double *x, *past, *forecast, *low, *high, *actual;
} drawing;

static bool ends_with(const ag_forecasts *f, const char *ending)
{
    return ag_str_equal_nocase(ag_path_extension(ag_str_of(f->plot)), ag_str_of(ending));
}

int ag_forecasts_plot_check(const ag_forecasts *f, ag_err *err)
{
    bool here = strcmp(f->plot, "-") == 0;
    if (here && (f->json || f->csv))
        return ag_fail(err, AG_EINVAL, "--plot -: a picture in the terminal and --%s do not go together",
                       f->json ? "json" : "csv");
    if (here || ends_with(f, "svg") || ends_with(f, "html")) return ag_option_check_output(f->invocation, "plot", err);
    return ag_fail(err, AG_EINVAL, "--plot %s: pictures are written as .svg, pages as .html, - draws here", f->plot);
}

static double x_of(const drawing *d, int64_t step)
{
    const ag_forecast_answer *a = d->answer;
    if (step < 0) return a->timed ? (double)d->file->series.times[a->rows + step] : (double)(a->rows + step + 1);
    return a->timed ? (double)a->times[step] : (double)(a->rows + step + 1);
}

/* The last number that was seen begins the forecast, so that the lines meet. */
static int gather(drawing *d, ag_arena *arena, ag_err *err)
{
    const ag_forecast_answer *a = d->answer;
    const ag_timeseries *s = &d->file->series;
    size_t ahead = (size_t)a->steps + 1, all = (size_t)d->seen + ahead;
    double *room = ag_arena_array(arena, 2 * all + 4 * ahead, sizeof *room);
    if (!room) return ag_fail_memory(err, (2 * all + 4 * ahead) * sizeof *room);
    d->x = room;
    d->past = room + all;
    d->forecast = room + 2 * all;
    d->low = d->forecast + ahead;
    d->high = d->low + ahead;
    d->actual = d->high + ahead;
    for (int64_t i = 0; i < d->seen; i++) {
        d->x[i] = x_of(d, i - d->seen);
        d->past[i] = s->values[(d->first + i) * s->columns + d->column];
    }
    d->forecast[0] = d->low[0] = d->high[0] = d->actual[0] = d->past[d->seen - 1];
    for (int64_t t = 0; t < a->steps; t++) {
        int64_t i = t * a->columns + d->column;
        d->x[d->seen + t] = x_of(d, t);
        d->forecast[t + 1] = a->value[i];
        d->low[t + 1] = a->low ? a->low[i] : (double)NAN;
        d->high[t + 1] = a->high ? a->high[i] : (double)NAN;
        d->actual[t + 1] = a->actual[i];
    }
    return 0;
}

static size_t series_of(const drawing *d, const char *band, ag_series out[SERIES])
{
    size_t ahead = (size_t)d->answer->steps + 1, used = 0;
    const double *from = d->x + d->seen - 1;
    if (d->answer->low)
        out[used++] = (ag_series){
            .name = band, .mark = AG_MARK_BAND, .x = from, .y = d->low, .high = d->high, .count = ahead, .colour = 2};
    out[used++] = (ag_series){.name = "seen", .x = d->x, .y = d->past, .count = (size_t)d->seen, .colour = 1};
    if (d->answer->known)
        out[used++] =
            (ag_series){.name = "came", .x = from, .y = d->actual, .count = ahead, .colour = 1, .dashed = true};
    out[used++] = (ag_series){.name = "forecast", .x = from, .y = d->forecast, .count = ahead, .colour = 2};
    return used;
}

/* ---- where to ---- */

static int draw_here(ag_forecasts *f, const ag_plot *plot, const ag_series *series, size_t count, ag_err *err)
{
    ag_buf text;
    const ag_output *to = f->invocation->out;
    ag_buf_init(&text, 1 << 24);
    unsigned width = to->columns > WIDTH ? WIDTH : (unsigned)to->columns;
    ag_print(f->invocation, "\n");
    int rc = ag_spark_plot(&text, plot, series, count, width, HEIGHT, to->color, err);
    if (rc >= 0) ag_print_str(f->invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

/* Pictures in one: each begins with "<svg ", which gets its place. */
static int stack(ag_forecasts *f, ag_str svg, ag_err *err)
{
    const ag_str head = AG_STR("<svg ");
    if (!ag_str_starts(svg, head)) return ag_fail(err, AG_EINTERNAL, "a picture begins with another word");
    ag_buf_addf(&f->figures, "<svg y=\"%zu\" ", f->figure_count * SVG_HEIGHT);
    ag_buf_add_str(&f->figures, ag_str_slice(svg, head.size, SIZE_MAX));
    return 0;
}

static int add_figure(ag_forecasts *f, const ag_plot *plot, const ag_series *series, size_t count, const char *caption,
                      ag_err *err)
{
    ag_buf svg;
    ag_buf_init(&svg, 1 << 26);
    int rc = ag_svg_plot(&svg, plot, series, count, err);
    if (rc >= 0 && ends_with(f, "html"))
        ag_html_figure(&f->figures, ag_buf_str(&svg), caption);
    else if (rc >= 0)
        rc = stack(f, ag_buf_str(&svg), err);
    ag_buf_deinit(&svg);
    return rc;
}

static int draw_column(ag_forecasts *f, drawing *d, ag_arena *arena, ag_err *err)
{
    ag_series series[SERIES];
    const char *name = d->file->series.names[d->column];
    const char *band = ag_arena_printf(arena, "%g %% interval", 100.0 * f->coverage);
    const char *caption =
        ag_arena_printf(arena, "%s, behind row %lld of %s", name, (long long)d->answer->rows, d->file->shown);
    int rc = band && caption ? gather(d, arena, err) : ag_fail_memory(err, 64);
    if (rc < 0) return rc;
    const bool html = ends_with(f, "html"), here = strcmp(f->plot, "-") == 0;
    const ag_plot plot = {.title = html ? name : caption,
                          .x_label = d->answer->timed ? NULL : "row",
                          .width = SVG_WIDTH,
                          .height = SVG_HEIGHT,
                          .x_time = d->answer->timed};
    size_t count = series_of(d, band, series);
    return here ? draw_here(f, &plot, series, count, err) : add_figure(f, &plot, series, count, caption, err);
}

int ag_forecasts_draw(ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer, ag_err *err)
{
    int64_t context = f->model.data.context_length, seen = SEEN * answer->steps;
    drawing d = {.file = file, .answer = answer, .seen = seen < context ? seen : context};
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? 0 : ag_fail_memory(err, 64);
    d.first = answer->rows - d.seen;
    for (d.column = 0; d.column < answer->columns && rc >= 0; d.column++) {
        if (f->figure_count == MOST_FIGURES) {
            f->figures_left++;
            continue;
        }
        rc = draw_column(f, &d, arena, err);
        f->figure_count++;
    }
    ag_arena_free(arena);
    return rc;
}

int ag_forecasts_plot_end(ag_forecasts *f, ag_err *err)
{
    ag_buf page;
    int rc = 0;
    if (f->figures_left)
        ag_note(f->invocation, "%zu pictures are drawn, %zu are not", f->figure_count, f->figures_left);
    if (strcmp(f->plot, "-") == 0) return 0;
    ag_buf_init(&page, (size_t)300 << 20);
    if (ends_with(f, "html")) {
        ag_html_begin(&page, "Forecasts", f->model.model_dir);
        if (f->coverage > 0.0)
            ag_html_text(&page, "Bands are as wide as the errors of the validation part: they hold as long as the "
                                "series behaves as it did there.");
        ag_buf_add_str(&page, ag_buf_str(&f->figures));
        rc = ag_html_end(&page, err);
    } else {
        ag_buf_addf(&page,
                    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %zu\" width=\"%d\" "
                    "height=\"%zu\">\n",
                    SVG_WIDTH, f->figure_count * SVG_HEIGHT, SVG_WIDTH, f->figure_count * SVG_HEIGHT);
        ag_buf_add_str(&page, ag_buf_str(&f->figures));
        ag_buf_add_text(&page, "</svg>\n");
        rc = ag_buf_check(&page, f->plot, err);
    }
    if (rc >= 0 && (rc = ag_buf_check(&f->figures, f->plot, err)) >= 0)
        rc = ag_file_replace(f->plot, page.data, page.size, err);
    ag_buf_deinit(&page);
    return rc;
}
