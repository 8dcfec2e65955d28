// SPDX-License-Identifier: Apache-2.0
/* forecast.c: the strategy "forecast": one series, one model that maps its last rows to its next ones. The model is any
 * architecture with inputs "past_values" and "future_values" and an output "prediction_outputs"; lengths and the number
 * of columns follow from the data. Beside the weights, export() leaves what forecasting needs: columns and scaling, and
 * how far the forecasts of the validation part were off (intervals.json). */
#include "learn/strategies/forecast.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/nn/checkpoint/pretrained.h"
#include "learn/nn/results.h"
#include "learn/strategies/list.h"
#include "learn/strategy_made.h"
#include "learn/strategy_tools.h"

typedef struct forecast {
    ag_forecast_data data;
    ag_timeseries series;
    ag_borders borders;
    ag_scaling scaling;
    ag_real *values;
    ag_windows windows[AG_PARTS];
    ag_model *model;
    ag_predictive predictive;
    int64_t season;
    char digest[65];        /* of the file */
    ag_intervals intervals; /* no levels: there was nothing to make them of */
} forecast;

static const char *const part_names[AG_PARTS] = {"the training part", "the validation part", "the test part"};

/* ---- data ---- */

/* Clocks are set back, and tables begin with what is newest: the model knows only the order of the rows. */
static void tell_of_times(const ag_timeseries *series, ag_strategy_task *task)
{
    int64_t count = 0, first = 0;
    for (int64_t i = 1; series->times && i < series->rows; i++)
        if (series->times[i] <= series->times[i - 1] && !count++) first = i;
    if (count)
        ag_strategy_remark(task,
                           "by its date, row %lld is not later than the row before it%s: rows are taken in the order "
                           "of the file, which should be that of time",
                           (long long)first + 1, count > 1 ? ", and others are not" : "");
}

static int read_series(forecast *f, ag_strategy_task *task, ag_err *err)
{
    static const char *const endings[] = {"csv", "npy", "txt", "tsv", NULL};
    char *path = NULL;
    int rc = ag_strategy_data_file(task, f->data.file, endings, &path, err);
    if (rc >= 0) rc = ag_forecast_read(&f->data, path, task->arena, &f->series, err);
    if (rc < 0) return rc;
    ag_str name = ag_path_name(ag_str_of(path));
    ag_strategy_dataset dataset = {.name = ag_arena_strndup(task->arena, name.data, name.size),
                                   .path = path,
                                   .context = "training",
                                   .digest = f->series.digest};
    ag_strategy_remark(task, "%s: %lld rows of %lld columns", path, (long long)f->series.rows,
                       (long long)f->series.columns);
    if (f->series.filled)
        ag_strategy_remark(task, "%lld missing numbers were filled in (missing: %s)", (long long)f->series.filled,
                           f->data.missing == AG_MISSING_LINEAR ? "linear" : "previous");
    if (f->series.counted)
        ag_strategy_remark(task, "the first column has no name and counts the rows: it is not taken");
    tell_of_times(&f->series, task);
    ag_sha256_format(&f->series.digest, f->digest);
    return dataset.name ? ag_strategy_dataset_seen(task, &dataset, err) : ag_fail_memory(err, name.size);
}

static int cut_windows(forecast *f, ag_strategy_task *task, ag_err *err)
{
    const ag_forecast_data *d = &f->data;
    const double numbers[AG_PARTS] = {d->split.train, d->split.validation, d->split.test};
    int rc = ag_borders_find((ag_split_protocol)d->split.protocol, numbers, f->series.rows, d->context_length,
                             d->horizon, &f->borders, err);
    if (rc < 0) return ag_err_prefix(err, "data_config.split");
    if (f->borders.to[AG_PART_TEST] < f->series.rows)
        ag_strategy_remark(task, "the last %lld rows are in no part (data_config.split)",
                           (long long)(f->series.rows - f->borders.to[AG_PART_TEST]));
    if (d->scaling == 0)
        rc = ag_scaling_fit(&f->series, f->borders.from[0], f->borders.to[0], task->arena, &f->scaling, err);
    else
        rc = ag_scaling_none(f->series.columns, task->arena, &f->scaling, err);
    if (rc >= 0) rc = ag_scaling_apply(&f->scaling, &f->series, task->arena, &f->values, err);
    for (int i = 0; i < AG_PARTS && rc >= 0; i++) {
        int64_t first = i == AG_PART_TRAIN ? 0 : f->borders.from[i] - d->context_length, end = f->borders.to[i];
        if (f->borders.to[i] == f->borders.from[i]) end = first;
        ag_windows_init(&f->windows[i], part_names[i], f->values, f->series.columns, first, end, d->context_length,
                        d->horizon, i == AG_PART_TRAIN ? d->stride : 1);
        f->windows[i].samples.digest = f->digest;
    }
    return rc;
}

/* Before the training, which may take long, and not with the first scores behind it. */
static int check_forecasts(const forecast *f, const char *architecture, ag_err *err)
{
    ag_result result;
    if (!f->predictive.distribution && ag_graph_output_find(f->model->graph, "prediction_outputs") < 0)
        return ag_fail(err, AG_EINVAL, "architecture %s does not forecast", architecture);
    const char *name = f->predictive.distribution ? NULL : "prediction_outputs";
    int rc = ag_result_find(f->model->graph, &f->predictive, name, &result, err);
    if (rc < 0 || result.size == f->data.horizon * f->series.columns) return rc;
    ag_fail(err, AG_EINVAL,
            "model_config: the model answers with %lld numbers, but a forecast has %lld: %lld rows of %lld columns",
            (long long)result.size, (long long)(f->data.horizon * f->series.columns), (long long)f->data.horizon,
            (long long)f->series.columns);
    return ag_err_hint(
        err, "leave out prediction_channel_indices and task; data_config.columns says which columns are forecast");
}

/* A negative number has no likelihood among counts, and its gradient would be none in the midst of the training. */
static int check_counts(const forecast *f, ag_err *err)
{
    if (f->predictive.distribution != &ag_distribution_negative_binomial) return 0;
    for (int64_t i = 0; i < f->series.rows * f->series.columns; i++) {
        if (!(f->values[i] < 0)) continue;
        ag_fail(err, AG_EINVAL,
                "model_config.distribution_output: negative_binomial is of counts, but column '%s' is less than 0 in "
                "row %lld%s",
                f->series.names[i % f->series.columns], (long long)(i / f->series.columns) + 1,
                f->data.scaling == 0 ? ", as it is scaled" : "");
        return f->data.scaling == 0 ? ag_err_hint(err, "data_config.scaling: none leaves counts as they are")
                                    : ag_err_hint(err, "student_t and normal are of any numbers");
    }
    return 0;
}

static int make_model(forecast *f, ag_strategy_task *task, ag_err *err)
{
    char columns[64];
    ag_format(columns, sizeof columns, "the series has %lld columns", (long long)f->series.columns);
    const ag_model_fact facts[] = {
        {"context_length", f->data.context_length, "it is data_config.context_length"},
        {"prediction_length", f->data.horizon, "it is data_config.horizon"},
        {"num_input_channels", f->series.columns, columns},
    };
    int rc =
        ag_settings_model(task->settings, facts, sizeof facts / sizeof *facts, task->arena, &task->model_config, err);
    if (rc >= 0) rc = ag_strategy_model(task, true, &f->model, err);
    if (rc < 0) return rc;
    task->parameters = ag_model_count(f->model, false);
    f->predictive = ag_predictive_of(task->model_config.architecture, task->model_config.values);
    rc = check_forecasts(f, task->model_config.architecture->name, err);
    return rc < 0 ? rc : check_counts(f, err);
}

static int prepare(void *state, ag_strategy_task *task, ag_err *err)
{
    forecast *f = state;
    ag_model_config named; /* a look at model_config before the data are read, which may take long */
    int rc = ag_settings_data(task->settings, &ag_forecast_data_description, task->arena, &f->data, err);
    if (rc >= 0) rc = ag_settings_model(task->settings, NULL, 0, task->arena, &named, err);
    if (rc >= 0) rc = read_series(f, task, err);
    if (rc >= 0) rc = cut_windows(f, task, err);
    if (rc >= 0) rc = make_model(f, task, err);
    if (rc < 0) return rc;
    task->data = &f->data;
    f->season = f->data.season ? f->data.season : ag_forecast_season(f->series.interval, f->data.context_length);
    ag_strategy_remark(task, "%lld windows to train, %lld to validate, %lld to test",
                       (long long)f->windows[0].samples.count, (long long)f->windows[1].samples.count,
                       (long long)f->windows[2].samples.count);
    return 0;
}

/* ---- training and scores ---- */

static int train(void *state, ag_strategy_task *task, ag_err *err)
{
    forecast *f = state;
    const ag_samples *validation = &f->windows[AG_PART_VALIDATION].samples;
    return ag_strategy_train_model(task, "model", 0, 1, f->model, &f->windows[AG_PART_TRAIN].samples,
                                   validation->count ? validation : NULL, NULL, err);
}

static int add_score(ag_strategy_task *task, const char *part, const ag_forecast_score *score, ag_err *err)
{
    char name[64];
    ag_format(name, sizeof name, "%s_mse", part);
    int rc = ag_strategy_metric_found(task, name, score->mse, err);
    ag_format(name, sizeof name, "%s_mae", part);
    return rc < 0 ? rc : ag_strategy_metric_found(task, name, score->mae, err);
}

/* Errors of the validation part become the intervals; those of the test part tell how good they are. */
typedef struct looking {
    ag_residuals residuals;
    ag_covering covering;
} looking;

static int begin_looking(forecast *f, ag_strategy_task *task, ag_part part, looking *l, ag_forecast_scoring *scoring,
                         ag_err *err)
{
    const ag_windows *w = &f->windows[part];
    if (part == AG_PART_VALIDATION) {
        scoring->seen = ag_residuals_add;
        scoring->context = &l->residuals;
        return ag_residuals_init(&l->residuals, w->samples.count, w->horizon, w->columns, err);
    }
    const double *half_width = f->intervals.levels ? ag_intervals_at(&f->intervals, AG_COVERAGE_USUAL, NULL) : NULL;
    if (!half_width) return 0;
    scoring->seen = ag_covering_add;
    scoring->context = &l->covering;
    return ag_covering_init(&l->covering, half_width, w->horizon, w->columns, task->arena, err);
}

static int end_looking(forecast *f, ag_strategy_task *task, const char *name, looking *l, ag_err *err)
{
    char metric[64];
    if (l->residuals.values) return ag_intervals_fit(&l->residuals, task->arena, &f->intervals, err);
    if (!l->covering.half_width) return 0;
    ag_covering_end(&l->covering);
    ag_format(metric, sizeof metric, "%s_coverage", name);
    int rc = ag_strategy_metric_found(task, metric, l->covering.share, err);
    ag_format(metric, sizeof metric, "%s_width", name);
    return rc < 0 ? rc : ag_strategy_metric_found(task, metric, l->covering.width, err);
}

static int score_part(forecast *f, ag_strategy_task *task, ag_part part, const char *name, ag_err *err)
{
    char naive[32];
    ag_forecast_score score;
    const ag_windows *windows = &f->windows[part];
    if (windows->samples.count < 1) return 0;
    ag_forecast_scoring scoring = {.windows = windows,
                                   .predictive = f->predictive,
                                   .batch_size = task->settings->training.batch_size,
                                   .device = task->device,
                                   .pool = task->pool,
                                   .progress = ag_strategy_progress(task, "windows", (uint64_t)windows->samples.count),
                                   .cancel = task->cancel};
    looking l = {0};
    int rc = begin_looking(f, task, part, &l, &scoring, err);
    if (rc >= 0) rc = ag_forecast_score_model(&scoring, f->model, task->arena, &score, err);
    ag_progress_free(scoring.progress);
    if (rc >= 0) rc = add_score(task, name, &score, err);
    if (rc >= 0) rc = end_looking(f, task, name, &l, err);
    ag_residuals_deinit(&l.residuals);
    ag_format(naive, sizeof naive, "%s_naive", name);
    if (rc >= 0) rc = ag_forecast_score_naive(&scoring, f->season, task->arena, &score, err);
    return rc < 0 ? rc : add_score(task, naive, &score, err);
}

static int validate(void *state, ag_strategy_task *task, ag_err *err)
{
    forecast *f = state;
    int rc = score_part(f, task, AG_PART_VALIDATION, "val", err);
    return rc < 0 ? rc : score_part(f, task, AG_PART_TEST, "test", err);
}

/* ---- export ---- */

static void write_numbers(ag_json *json, const char *name, const double *values, int64_t count)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (int64_t i = 0; i < count; i++) ag_json_real(json, values[i]);
    ag_json_end_array(json);
}

typedef struct saving {
    const forecast *forecast;
    const ag_strategy_task *task;
} saving;

static void describe_model(void *context, ag_json *json)
{
    const saving *s = context;
    const forecast *f = s->forecast;
    ag_json_begin_object(json);
    ag_json_put_int(json, "format", AG_STRATEGY_FORMAT);
    ag_json_put_text(json, "strategy", "forecast");
    ag_json_put_text(json, "data_sha256", f->digest);
    ag_json_put_int(json, "season", f->season);
    ag_json_put_int(json, "row_interval_us", f->series.interval);
    ag_json_name(json, "columns");
    ag_json_begin_array(json);
    for (int64_t i = 0; i < f->series.columns; i++) ag_json_text(json, f->series.names[i]);
    ag_json_end_array(json);
    write_numbers(json, "mean", f->scaling.mean, f->scaling.columns);
    write_numbers(json, "deviation", f->scaling.deviation, f->scaling.columns);
    ag_strategy_describe(json, s->task);
    ag_json_end_object(json);
}

static int save_files(void *context, const char *directory, ag_err *err)
{
    const saving *s = context;
    const forecast *f = s->forecast;
    const char *path = ag_path_join(s->task->arena, directory, AG_INTERVALS_FILE);
    ag_buf text;
    if (!path) return ag_fail_memory(err, strlen(directory));
    if (f->intervals.levels == 0 && ag_file_exists(path)) { /* of an earlier training */
        int rc = ag_file_remove(path, err);
        if (rc < 0) return rc;
    }
    ag_buf_init(&text, AG_INTERVALS_MAX_BYTES);
    int rc = f->intervals.levels ? ag_intervals_write(&f->intervals, f->series.names, &text, err) : 0;
    if (rc >= 0 && f->intervals.levels) rc = ag_file_replace(path, text.data, text.size, err);
    ag_buf_deinit(&text);
    return rc < 0 ? rc : ag_pretrained_save(directory, &s->task->model_config, f->model, err);
}

static int export(void *state, ag_strategy_task *task, const char *directory, ag_err *err)
{
    saving s = {state, task};
    const ag_strategy_saving how = {
        .maker = "the forecaster", .context = &s, .save = save_files, .describe = describe_model};
    return ag_strategy_save(directory, &how, err);
}

static void close_all(void *state)
{
    forecast *f = state;
    ag_model_free(f->model);
}

const ag_strategy ag_strategy_forecast = {
    .name = "forecast",
    .doc = "one model that forecasts the next rows of a multivariate series from its last ones",
    .data = &ag_forecast_data_description,
    .state_size = sizeof(forecast),
    .prepare = prepare,
    .train = train,
    .validate = validate,
    .export = export,
    .evaluate = ag_forecast_evaluate,
    .close = close_all,
};
