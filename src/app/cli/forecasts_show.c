// SPDX-License-Identifier: Apache-2.0
/* forecasts_show.c: forecasts as tables for people, as rows (one for each step and column) and as JSON (an object for
 * each forecast). A single forecast is shown whole; of many, each is a line that says how right it was. */
#include <math.h>
#include <string.h>

#include "app/cli/forecasts.h"
#include "core/show/table.h"
#include "core/sys/clock.h"

enum { MOST_COLUMNS = 20 }; /* that people are shown */

void ag_forecasts_time(int64_t instant, char out[AG_TIME_TEXT])
{
    ag_instant_format(instant, instant % AG_SECOND ? 3 : 0, out);
    for (char *at = out; *at; at++) {
        if (*at == 'T') *at = ' ';
        if (*at == 'Z') *at = '\0';
    }
}

/* Of the last row that was seen; "" when there are no times. */
static const char *time_of_row(const ag_forecasts_file *file, int64_t row, char out[AG_TIME_TEXT])
{
    out[0] = '\0';
    if (file->series.times && row >= 1) ag_forecasts_time(file->series.times[row - 1], out);
    return out;
}

/* ---- JSON ---- */

static void put_values(ag_json *json, const char *name, const double *values, const ag_forecast_answer *answer,
                       int64_t column)
{
    if (!values) return;
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (int64_t t = 0; t < answer->steps; t++) ag_json_real(json, values[t * answer->columns + column]);
    ag_json_end_array(json);
}

static void put_times(ag_json *json, const ag_forecast_answer *answer)
{
    char text[AG_TIME_TEXT];
    if (!answer->timed) return;
    ag_json_name(json, "times");
    ag_json_begin_array(json);
    for (int64_t t = 0; t < answer->steps; t++) {
        ag_forecasts_time(answer->times[t], text);
        ag_json_text(json, text);
    }
    ag_json_end_array(json);
}

static void put_answer(const ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer,
                       ag_json *json)
{
    char text[AG_TIME_TEXT];
    ag_json_put_text(json, "path", file->file->shown);
    ag_json_put_text(json, "sha256", file->sha256);
    ag_json_put_int(json, "row", answer->rows);
    if (*time_of_row(file, answer->rows, text)) ag_json_put_text(json, "time", text);
    if (answer->failed) {
        ag_json_put_text(json, "error", answer->failed);
        return;
    }
    if (answer->low) ag_json_put_real(json, "coverage", f->coverage);
    if (answer->known) {
        ag_json_put_real(json, "mse", answer->mse);
        ag_json_put_real(json, "mae", answer->mae);
        if (answer->low) ag_json_put_real(json, "covered", answer->covered);
    }
    put_times(json, answer);
    ag_json_name(json, "columns");
    ag_json_begin_object(json);
    for (int64_t c = 0; c < answer->columns; c++) {
        ag_json_name(json, file->series.names[c]);
        ag_json_begin_object(json);
        put_values(json, "forecast", answer->value, answer, c);
        put_values(json, "low", answer->low, answer, c);
        put_values(json, "high", answer->high, answer, c);
        if (answer->known) put_values(json, "actual", answer->actual, answer, c);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static int print_json(ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer, const char *why,
                      ag_err *err)
{
    ag_buf buf;
    ag_buf_init(&buf, (size_t)1 << 30);
    ag_json json = ag_json_writer(&buf, 0, AG_JSON_NONFINITE_NULL);
    ag_json_begin_object(&json);
    if (answer) {
        put_answer(f, file, answer, &json);
    } else {
        ag_json_put_text(&json, "path", file->file->shown);
        ag_json_put_text(&json, "error", why);
    }
    ag_json_end_object(&json);
    int rc = ag_print_json(f->invocation, &json, &buf, err);
    ag_buf_deinit(&buf);
    return rc;
}

/* ---- rows ---- */

static int add_known(ag_csv_writer *csv, double value, ag_err *err)
{
    return isfinite(value) ? ag_csv_add_double(csv, value, err) : ag_csv_add(csv, AG_STR(""), err);
}

static int add_header(ag_csv_writer *csv, ag_err *err)
{
    static const char *const names[] = {"path",     "row", "step", "time",   "column",
                                        "forecast", "low", "high", "actual", "error"};
    int rc = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && rc >= 0; i++) rc = ag_csv_add(csv, ag_str_of(names[i]), err);
    return rc < 0 ? rc : ag_csv_end_row(csv, err);
}

static int add_row(const ag_forecasts_file *file, const ag_forecast_answer *answer, int64_t step, int64_t column,
                   ag_csv_writer *csv, ag_err *err)
{
    const int64_t i = step * answer->columns + column;
    char time[AG_TIME_TEXT] = "";
    if (answer->timed) ag_forecasts_time(answer->times[step], time);
    int rc = ag_csv_add(csv, ag_str_of(file->file->shown), err);
    if (rc >= 0) rc = ag_csv_add_int(csv, answer->rows, err);
    if (rc >= 0) rc = ag_csv_add_int(csv, step + 1, err);
    if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(time), err);
    if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(file->series.names[column]), err);
    if (rc >= 0) rc = ag_csv_add_double(csv, answer->value[i], err);
    if (rc >= 0) rc = add_known(csv, answer->low ? answer->low[i] : (double)NAN, err);
    if (rc >= 0) rc = add_known(csv, answer->high ? answer->high[i] : (double)NAN, err);
    if (rc >= 0) rc = add_known(csv, answer->actual[i], err);
    if (rc >= 0) rc = ag_csv_add(csv, AG_STR(""), err);
    return rc < 0 ? rc : ag_csv_end_row(csv, err);
}

/* A forecast, or why there is none: `answer` NULL: of the whole file. */
static int add_rows(const ag_forecasts_file *file, const ag_forecast_answer *answer, const char *why, bool header,
                    ag_csv_writer *csv, ag_err *err)
{
    int rc = header ? add_header(csv, err) : 0;
    if (answer && !answer->failed) {
        for (int64_t t = 0; t < answer->steps && rc >= 0; t++)
            for (int64_t c = 0; c < answer->columns && rc >= 0; c++) rc = add_row(file, answer, t, c, csv, err);
        return rc;
    }
    if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(file->file->shown), err);
    if (rc >= 0) rc = answer ? ag_csv_add_int(csv, answer->rows, err) : ag_csv_add(csv, AG_STR(""), err);
    for (int i = 0; i < 7 && rc >= 0; i++) rc = ag_csv_add(csv, AG_STR(""), err);
    if (rc >= 0) rc = ag_csv_add(csv, ag_str_of(answer ? answer->failed : why), err);
    return rc < 0 ? rc : ag_csv_end_row(csv, err);
}

static int print_csv(ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer, const char *why,
                     ag_err *err)
{
    ag_buf text;
    ag_csv_writer *csv = NULL;
    ag_buf_init(&text, (size_t)1 << 30);
    int rc = ag_csv_writer_to_buf(&text, NULL, &csv, err);
    if (rc >= 0) rc = add_rows(file, answer, why, !f->begun, csv, err);
    if (rc >= 0) rc = ag_csv_finish(csv, err);
    if (rc >= 0) ag_print_str(f->invocation, ag_buf_str(&text));
    ag_csv_writer_free(csv);
    ag_buf_deinit(&text);
    return rc;
}

/* ---- for people ---- */

static int print_table(const ag_forecasts *f, const ag_table *table, ag_err *err)
{
    ag_buf text;
    const ag_output *out = f->invocation->out;
    ag_buf_init(&text, (size_t)256 << 20);
    int rc =
        ag_table_write(table, AG_TABLE_TERMINAL, out->is_terminal ? (unsigned)out->columns : 0, out->color, &text, err);
    if (rc >= 0) ag_print_str(f->invocation, ag_buf_str(&text));
    ag_buf_deinit(&text);
    return rc;
}

static int add_step(const ag_forecast_answer *answer, int64_t step, int64_t columns, ag_table *table, ag_err *err)
{
    char time[AG_TIME_TEXT];
    int rc = ag_table_addf(table, AG_STYLE_DIM, err, "%lld", (long long)step + 1);
    if (answer->timed && rc >= 0) {
        ag_forecasts_time(answer->times[step], time);
        rc = ag_table_add(table, AG_STYLE_PLAIN, time, err);
    }
    for (int64_t c = 0, i = step * answer->columns; c < columns && rc >= 0; c++, i++)
        rc = answer->low ? ag_table_addf(table, AG_STYLE_PLAIN, err, "%.5g ± %.2g", answer->value[i],
                                         answer->high[i] - answer->value[i])
                         : ag_table_addf(table, AG_STYLE_PLAIN, err, "%.5g", answer->value[i]);
    return rc;
}

static void print_heading(const ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer)
{
    char text[AG_TIME_TEXT];
    time_of_row(file, answer->rows, text);
    ag_print(f->invocation, "%s%s: %lld rows behind row %lld%s%s%s", f->begun ? "\n" : "", file->shown,
             (long long)answer->steps, (long long)answer->rows, *text ? " (" : "", text, *text ? ")" : "");
    if (answer->low)
        ag_print(f->invocation, ", with intervals for %g %%\n", 100.0 * f->coverage);
    else
        ag_print(f->invocation, "\n");
}

static int print_one(const ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer,
                     ag_err *err)
{
    ag_column columns[2 + MOST_COLUMNS] = {{"step", AG_ALIGN_RIGHT, 0, 0}};
    int64_t shown = answer->columns < MOST_COLUMNS ? answer->columns : MOST_COLUMNS;
    size_t count = 1;
    ag_table *table = NULL;
    if (answer->timed) columns[count++] = (ag_column){"time", AG_ALIGN_LEFT, 0, 0};
    for (int64_t c = 0; c < shown; c++)
        columns[count++] = (ag_column){file->series.names[c], AG_ALIGN_RIGHT, (unsigned)c, 0};
    print_heading(f, file, answer);
    int rc = ag_table_new(columns, count, &table, err);
    for (int64_t t = 0; t < answer->steps && rc >= 0; t++) rc = add_step(answer, t, shown, table, err);
    if (rc >= 0) rc = print_table(f, table, err);
    ag_table_free(table);
    if (shown < answer->columns)
        ag_note(f->invocation, "%lld more columns: --csv or --json", (long long)(answer->columns - shown));
    if (!answer->timed && file->series.times)
        ag_note(f->invocation, "%s: the rows are not evenly apart in time, so those that come have no times",
                file->shown);
    if (rc >= 0 && answer->known)
        ag_print(f->invocation, "of the numbers that are known: mse %.4g, mae %.4g (scaled)", answer->mse, answer->mae);
    if (rc >= 0 && answer->known && answer->low)
        ag_print(f->invocation, ", %.1f %% of %lld inside", 100.0 * answer->covered, (long long)answer->known);
    if (answer->known) ag_print(f->invocation, "\n");
    return rc;
}

/* Of many forecasts of one file. */
static void print_line(const ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer)
{
    char text[AG_TIME_TEXT];
    time_of_row(file, answer->rows, text);
    ag_print(f->invocation, "%9lld  %-19s  ", (long long)answer->rows, *text ? text : "-");
    if (answer->failed) {
        ag_print(f->invocation, "no forecast: %s\n", answer->failed);
    } else if (!answer->known) {
        ag_print(f->invocation, "%8s  %8s  %7s\n", "-", "-", "-");
    } else {
        ag_print(f->invocation, "%8.4f  %8.4f  ", answer->mse, answer->mae);
        if (answer->low)
            ag_print(f->invocation, "%6.1f%%\n", 100.0 * answer->covered);
        else
            ag_print(f->invocation, "%7s\n", "-");
    }
}

static int print_answer(ag_forecasts *f, const ag_forecasts_file *file, const ag_forecast_answer *answer, ag_err *err)
{
    if (f->json) return print_json(f, file, answer, NULL, err);
    if (f->csv) return print_csv(f, file, answer, NULL, err);
    if (f->stride) return print_line(f, file, answer), 0;
    if (!answer->failed) return print_one(f, file, answer, err);
    ag_print(f->invocation, "%s: no forecast: %s\n", file->shown, answer->failed);
    return 0;
}

int ag_forecasts_show(ag_forecasts *f, ag_forecasts_file *file, const ag_forecast_answer *answers, size_t count,
                      ag_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < count && rc >= 0; i++) {
        rc = print_answer(f, file, &answers[i], err);
        f->begun = true;
        if (rc < 0 || !f->table) continue;
        rc = add_rows(file, &answers[i], NULL, f->table_rows == 0, f->table, err);
        f->table_rows += answers[i].failed ? 1 : answers[i].steps * answers[i].columns;
    }
    return rc < 0 ? rc : ag_output_flush(f->invocation->out, err);
}

void ag_forecasts_show_begin(ag_forecasts *f, const ag_forecasts_file *file)
{
    if (f->json || f->csv || !f->stride) return;
    ag_print(f->invocation, "%s%s: forecasts of %lld rows each, by the last row that they see\n", f->begun ? "\n" : "",
             file->shown, (long long)f->model.data.horizon);
    ag_print(f->invocation, "%9s  %-19s  %8s  %8s  %7s\n", "row", "time", "mse", "mae", "inside");
}

int ag_forecasts_show_failed(ag_forecasts *f, const ag_forecasts_file *file, const char *why, ag_err *err)
{
    int rc = 0;
    if (f->json) rc = print_json(f, file, NULL, why, err);
    if (f->csv && !f->json) rc = print_csv(f, file, NULL, why, err);
    if (!f->json && !f->csv) ag_print(f->invocation, "%s%s: no forecast: %s\n", f->begun ? "\n" : "", file->shown, why);
    f->begun = true;
    if (rc >= 0 && f->table) rc = add_rows(file, NULL, why, f->table_rows == 0, f->table, err);
    f->table_rows += f->table != NULL;
    return rc;
}

void ag_forecasts_show_end(ag_forecasts *f, const ag_forecasts_file *file)
{
    if (!f->stride || f->json || f->csv || !file->sums.known) return;
    double known = (double)file->sums.known;
    ag_print(f->invocation, "%9s  %-19s  %8.4f  %8.4f  ", "all", "", file->sums.square / known,
             file->sums.absolute / known);
    if (f->coverage > 0.0)
        ag_print(f->invocation, "%6.1f%%\n", 100.0 * file->sums.inside / known);
    else
        ag_print(f->invocation, "%7s\n", "-");
}
