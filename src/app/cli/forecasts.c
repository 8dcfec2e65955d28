// SPDX-License-Identifier: Apache-2.0
/* forecasts.c: see forecasts.h. A file at a time is read whole; its forecasts are asked for and shown a batch at a
 * time, so that a forecast behind every row of a long file takes the memory of a batch. A file that cannot be read, or
 * a row that cannot be asked about, is a line of its own, and makes the exit status 1. */
#include "app/cli/forecasts.h"

#include <math.h>
#include <string.h>

#include "app/cli/computing.h"
#include "core/io/file.h"
#include "core/io/path.h"
#include "core/sys/clock.h"
#include "learn/forecast/dates.h"

/* ---- which files ---- */

static bool is_series(const char *path)
{
    static const char *const endings[] = {"csv", "npy", "txt", "tsv"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (ag_str_equal_nocase(ag_path_extension(ag_str_of(path)), ag_str_of(endings[i]))) return true;
    return false;
}

static int list_files(ag_forecasts *f, ag_err *err)
{
    f->files.wanted = is_series;
    int rc = ag_cli_files_list(f->invocation, &f->files, err);
    if (rc >= 0 && f->files.list.count == 0)
        rc = ag_fail(err, AG_ENOTFOUND, "there are no series (.csv, .npy, .txt, .tsv) there (%zu others)",
                     f->files.passed);
    return rc;
}

static int read_stdin(ag_forecasts *f, ag_forecasts_file *file, ag_err *err)
{
    ag_buf bytes;
    int rc = ag_cli_read_stdin(&bytes, err);
    const ag_str text = ag_buf_str(&bytes);
    if (rc >= 0) rc = ag_forecaster_series(&f->model, file->shown, &text, file->arena, &file->series, err);
    ag_buf_deinit(&bytes);
    return rc;
}

static int read_file(ag_forecasts *f, ag_forecasts_file *file, ag_err *err)
{
    const char *path = file->file->path;
    bool standard = strcmp(path, "-") == 0;
    int rc = standard ? read_stdin(f, file, err)
                      : ag_forecaster_series(&f->model, path, NULL, file->arena, &file->series, err);
    if (rc >= 0) ag_sha256_format(&file->series.digest, file->sha256);
    return rc;
}

/* ---- which rows ---- */

/* How many rows are not later than the time. */
static int find_time(const ag_forecasts *f, const ag_timeseries *s, int64_t *out, ag_err *err)
{
    int64_t instant = 0;
    int order = 0;
    while (order < AG_DATE_ORDERS && !ag_date_read(ag_str_of(f->at), order, &instant)) order++;
    if (order == AG_DATE_ORDERS)
        return ag_fail(err, AG_EINVAL, "--at %s is neither the number of a row nor a time", f->at);
    if (!s->times) return ag_fail(err, AG_EINVAL, "--at %s: the series has no times; say the number of a row", f->at);
    for (*out = 0; *out < s->rows && s->times[*out] <= instant;) ++*out;
    return 0;
}

static int choose_rows(ag_forecasts *f, ag_forecasts_file *file, ag_err *err)
{
    const ag_timeseries *s = &file->series;
    int64_t context = f->model.data.context_length;
    int rc = 0;
    file->first = f->stride ? context : s->rows;
    if (f->at && !ag_str_to_int(ag_str_of(f->at), &file->first)) rc = find_time(f, s, &file->first, err);
    if (rc < 0) return rc;
    if (s->rows < context)
        return ag_fail(err, AG_EINVAL, "it has %lld rows, but the model sees the last %lld", (long long)s->rows,
                       (long long)context);
    if (file->first < context)
        return ag_fail(err, AG_EINVAL, "--at %s: the model sees %lld rows, but there are %lld up to there", f->at,
                       (long long)context, (long long)(file->first < 0 ? 0 : file->first));
    if (file->first > s->rows)
        return ag_fail(err, AG_EINVAL, "--at %s: there are only %lld rows", f->at, (long long)s->rows);
    file->count = f->stride ? (s->rows - file->first) / f->stride + 1 : 1;
    return 0;
}

/* ---- asking ---- */

/* Rows at another distance are another series to a model that knows nothing of time. */
static void compare_intervals(const ag_forecasts *f, const ag_forecasts_file *file)
{
    char then[32], now[32];
    int64_t trained = f->model.row_interval, here = file->series.interval;
    if (trained == 0 || here == 0 || trained == here) return;
    ag_duration_format(trained, then);
    ag_duration_format(here, now);
    ag_note(f->invocation, "%s: its rows are %s apart, but the model was trained on rows %s apart", file->shown, now,
            then);
}

static void add_up(ag_forecasts_file *file, const ag_forecast_answer *answer)
{
    if (answer->failed || !answer->known) return;
    double known = (double)answer->known;
    file->sums.windows++;
    file->sums.known += answer->known;
    file->sums.square += answer->mse * known;
    file->sums.absolute += answer->mae * known;
    file->sums.inside += answer->covered * known;
}

static int do_batch(ag_forecasts *f, ag_forecasts_file *file, int64_t begin, size_t count, ag_err *err)
{
    ag_arena *arena = ag_arena_new(0);
    int64_t *rows = arena ? ag_arena_array(arena, count, sizeof *rows) : NULL;
    ag_forecast_answer *answers = arena ? ag_arena_array(arena, count, sizeof *answers) : NULL;
    const ag_forecast_question question = {.series = &file->series,
                                           .rows = rows,
                                           .count = count,
                                           .missing = f->missing,
                                           .coverage = f->coverage,
                                           .device = f->device,
                                           .pool = f->pool};
    int rc = rows && answers ? 0 : ag_fail_memory(err, count * sizeof *answers);
    for (size_t i = 0; i < count && rc >= 0; i++) rows[i] = file->first + (begin + (int64_t)i) * f->stride;
    if (rc >= 0) rc = ag_forecaster_ask(&f->model, &question, arena, answers, err);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        add_up(file, &answers[i]);
        f->failed += answers[i].failed != NULL;
        f->answered += answers[i].failed == NULL;
    }
    if (rc >= 0) rc = ag_forecasts_show(f, file, answers, count, err);
    if (rc >= 0 && f->plot && begin + (int64_t)count == file->count && !answers[count - 1].failed)
        rc = ag_forecasts_draw(f, file, &answers[count - 1], err);
    ag_arena_free(arena);
    return rc;
}

static int ask_file(ag_forecasts *f, ag_forecasts_file *file, ag_err *err)
{
    int64_t most = ag_option_int(f->invocation, "batch");
    int rc = 0;
    compare_intervals(f, file);
    ag_forecasts_show_begin(f, file);
    for (int64_t begin = 0; begin < file->count && rc >= 0; begin += most) {
        if ((rc = ag_cancel_check(f->invocation->cancel, err)) < 0) return rc;
        int64_t left = file->count - begin;
        rc = do_batch(f, file, begin, (size_t)(left < most ? left : most), err);
    }
    if (rc >= 0) ag_forecasts_show_end(f, file);
    return rc;
}

/* What is wrong with a file is said and stops nothing. */
static int do_file(ag_forecasts *f, const ag_cli_file *named, ag_err *err)
{
    ag_err why = {0};
    char text[sizeof why.text + sizeof why.file + sizeof why.hint + 32];
    const bool standard = strcmp(named->path, "-") == 0;
    ag_forecasts_file file = {.file = named, .shown = standard ? "standard input" : named->shown};
    if (!(file.arena = ag_arena_new(0))) return ag_fail_memory(err, 64);
    int rc = named->missing ? AG_ENOTFOUND : read_file(f, &file, &why);
    if (rc >= 0) rc = choose_rows(f, &file, &why);
    if (named->missing) {
        f->failed++;
        rc = ag_forecasts_show_failed(f, &file, named->missing, err);
    } else if (rc >= 0) {
        rc = ask_file(f, &file, err);
    } else if (rc == AG_ENOMEM || rc == AG_ECANCELLED) {
        if (err) *err = why;
    } else {
        f->failed++;
        ag_data_name_in_error(&named->data->called, &why);
        (void)ag_err_format(&why, text, sizeof text);
        rc = ag_forecasts_show_failed(f, &file, text, err);
    }
    ag_arena_free(file.arena);
    return rc;
}

/* ---- all of it ---- */

/* What this model cannot do is said before a file is read. */
static int read_options(ag_forecasts *f, ag_err *err)
{
    ag_invocation *invocation = f->invocation;
    size_t missing = ag_option_choice(invocation, "missing");
    double coverage = ag_option_real(invocation, "coverage");
    f->missing = missing == SIZE_MAX ? f->model.data.missing : (int)missing;
    f->stride = ag_option_int(invocation, "stride");
    f->at = ag_option_text(invocation, "at");
    f->plot = ag_option_text(invocation, "plot");
    f->json = ag_wants_json(invocation);
    f->csv = ag_option_flag(invocation, "csv");
    if (f->model.intervals.levels) {
        f->coverage = coverage;
        if (!ag_intervals_at(&f->model.intervals, coverage, err)) return ag_err_prefix(err, "--coverage");
    } else if (ag_option_given(invocation, "coverage")) {
        ag_fail(err, AG_EINVAL, "--coverage: the model keeps no intervals");
        return ag_err_hint(err, "intervals are made of the validation part when a model is trained");
    } else {
        ag_note(invocation, "the model keeps no intervals: it was trained without a validation part, or by an older "
                            "version");
    }
    return f->plot ? ag_forecasts_plot_check(f, err) : 0;
}

static int open_all(ag_forecasts *f, const char *directory, ag_err *err)
{
    ag_invocation *invocation = f->invocation;
    unsigned threads = ag_option_jobs(invocation);
    const char *output = ag_option_text(invocation, "output");
    int rc = ag_forecaster_open(directory, invocation->arena, &f->model, err);
    if (rc >= 0) rc = read_options(f, err);
    if (rc >= 0 && (rc = ag_device_find(ag_option_text(invocation, "device"), &f->device, err)) < 0)
        ag_err_prefix(err, "--device");
    if (rc >= 0 && threads > 1) rc = ag_pool_new(threads, &f->pool, err);
    if (rc >= 0) rc = list_files(f, err);
    if (rc >= 0 && output) rc = ag_csv_writer_to_file(output, NULL, &f->table, err);
    return rc;
}

static int close_output(ag_forecasts *f, ag_err *err)
{
    if (!f->table) return 0;
    int rc = ag_csv_finish(f->table, err);
    if (rc >= 0)
        ag_note(f->invocation, "%lld rows in %s", (long long)f->table_rows, ag_option_text(f->invocation, "output"));
    return rc;
}

int ag_cli_forecast(ag_invocation *invocation, const char *directory, ag_err *err)
{
    ag_forecasts f = {.invocation = invocation};
    ag_buf_init(&f.figures, (size_t)256 << 20);
    int rc = open_all(&f, directory, err);
    for (size_t i = 0; i < f.files.list.count && rc >= 0; i++) rc = do_file(&f, ag_vec_at(&f.files.list, i), err);
    if (rc >= 0) rc = close_output(&f, err);
    if (rc >= 0 && f.plot) rc = ag_forecasts_plot_end(&f, err);
    ag_csv_writer_free(f.table);
    ag_buf_deinit(&f.figures);
    ag_vec_deinit(&f.files.list);
    ag_forecaster_close(&f.model);
    ag_pool_free(f.pool);
    if (rc < 0) return rc;
    if (f.answered + f.failed > 1)
        ag_note(invocation, "%zu forecasts, %zu without an answer%s", f.answered, f.failed,
                f.files.passed ? "; what is no series was passed over" : "");
    return f.failed ? 1 : AG_OK;
}
