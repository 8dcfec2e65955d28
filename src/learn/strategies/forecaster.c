// SPDX-License-Identifier: Apache-2.0
/* forecaster.c: see forecaster.h. What a model directory says may be damaged or made to do harm: lengths are held
 * against the model's own inputs before anything is made of them. */
#include "learn/strategies/forecaster.h"

#include <math.h>
#include <string.h>

#include "core/io/file.h"
#include "core/io/path.h"
#include "learn/nn/results.h"
#include "learn/strategy_made.h"

typedef struct reading {
    ag_forecaster *f;
    const ag_value *description;
} reading;

static int lacks(const reading *r, const char *what, ag_err *err)
{
    return ag_fail(err, AG_EPARSE, "%s/" AG_STRATEGY_FILE " lacks %s", r->f->model_dir, what);
}

static int read_texts(const reading *r, const char *key, ag_list *out, ag_err *err)
{
    const ag_value *array = ag_value_get(r->description, key);
    if (!array || array->kind != AG_ARRAY || !array->array.count) return lacks(r, key, err);
    const char **items = ag_arena_array(r->f->arena, array->array.count, sizeof *items);
    if (!items) return ag_fail_memory(err, array->array.count * sizeof *items);
    for (size_t i = 0; i < array->array.count; i++) {
        ag_str text;
        if (!ag_value_string(&array->array.items[i], &text)) return lacks(r, key, err);
        if (!(items[i] = ag_arena_strndup(r->f->arena, text.data, text.size))) return ag_fail_memory(err, text.size);
    }
    *out = (ag_list){items, array->array.count};
    return 0;
}

static int read_numbers(const reading *r, const char *key, size_t count, const double **out, ag_err *err)
{
    const ag_value *array = ag_value_get(r->description, key);
    if (!array || array->kind != AG_ARRAY || array->array.count != count) return lacks(r, key, err);
    double *items = ag_arena_array(r->f->arena, count + 1, sizeof *items);
    if (!items) return ag_fail_memory(err, count * sizeof *items);
    for (size_t i = 0; i < count; i++)
        if (!ag_value_real(&array->array.items[i], &items[i]) || !isfinite(items[i])) return lacks(r, key, err);
    *out = items;
    return 0;
}

static int read_description(const reading *r, ag_err *err)
{
    ag_forecaster *f = r->f;
    const ag_value *data = ag_value_at(r->description, "configuration.data_config");
    int rc = data ? ag_describe_read(&ag_forecast_data_description, f->arena, data, AG_STRATEGY_FILE, &f->data, err)
                  : lacks(r, "configuration.data_config", err);
    if (rc >= 0) rc = read_texts(r, "columns", &f->data.columns, err);
    if (rc >= 0) rc = read_numbers(r, "mean", f->data.columns.count, &f->scaling.mean, err);
    if (rc >= 0) rc = read_numbers(r, "deviation", f->data.columns.count, &f->scaling.deviation, err);
    if (rc < 0) return rc;
    f->scaling.columns = (int64_t)f->data.columns.count;
    for (int64_t i = 0; i < f->scaling.columns; i++)
        if (!(f->scaling.deviation[i] > 0.0)) return lacks(r, "a deviation above 0", err);
    if (!ag_value_int(ag_value_get(r->description, "season"), &f->season) || f->season < 1) f->season = 1;
    if (!ag_value_int(ag_value_get(r->description, "row_interval_us"), &f->row_interval) || f->row_interval < 0)
        f->row_interval = 0;
    (void)ag_value_string(ag_value_get(r->description, "data_sha256"), &f->data_sha256);
    return 0;
}

/* The model must be one of so many rows and columns. */
static int check_model(const ag_forecaster *f, ag_err *err)
{
    const ag_graph *graph = f->model->model->graph;
    int32_t at = ag_graph_input_find(graph, "past_values");
    int64_t wanted = f->data.context_length * f->scaling.columns;
    if (at < 0 || ag_graph_input_at(graph, at)->size != wanted)
        return ag_fail(err, AG_EPARSE,
                       "%s: the model does not see %lld rows of %lld columns, as its " AG_STRATEGY_FILE " says",
                       f->model_dir, (long long)f->data.context_length, (long long)f->scaling.columns);
    return 0;
}

static int read_intervals(ag_forecaster *f, ag_err *err)
{
    ag_buf text;
    const char *path = ag_path_join(f->arena, f->model_dir, AG_INTERVALS_FILE);
    if (!path) return ag_fail_memory(err, strlen(f->model_dir));
    if (!ag_file_exists(path)) return 0;
    ag_buf_init(&text, AG_INTERVALS_MAX_BYTES);
    int rc = ag_file_read(path, AG_INTERVALS_MAX_BYTES, &text, err);
    if (rc >= 0)
        rc = ag_intervals_parse(ag_buf_str(&text), path, (const char *const *)f->data.columns.items, f->scaling.columns,
                                f->data.horizon, f->arena, &f->intervals, err);
    ag_buf_deinit(&text);
    return rc;
}

int ag_forecaster_read(const char *model_dir, const ag_value *description, ag_arena *arena, ag_forecaster *out,
                       ag_err *err)
{
    *out = (ag_forecaster){.arena = arena, .model_dir = model_dir};
    const reading r = {out, description};
    int rc = read_description(&r, err);
    if (rc >= 0) rc = ag_pretrained_load(model_dir, NULL, &out->model, err);
    if (rc >= 0) rc = check_model(out, err);
    if (rc < 0) return rc;
    out->predictive = ag_predictive_of(out->model->config.architecture, out->model->config.values);
    return read_intervals(out, err);
}

void ag_forecaster_close(ag_forecaster *forecaster)
{
    ag_pretrained_free(forecaster->model);
    *forecaster = (ag_forecaster){0};
}

int ag_forecaster_open(const char *dir, ag_arena *arena, ag_forecaster *out, ag_err *err)
{
    ag_strategy_made made;
    int rc = ag_strategy_made_by(dir, arena, &made, err);
    if (rc < 0) return rc;
    if (made.strategy->evaluate != ag_forecast_evaluate)
        return ag_fail(err, AG_EUNSUPPORTED, "%s: a model of strategy %s forecasts no series", made.model_dir,
                       made.strategy->name);
    return ag_forecaster_read(made.model_dir, made.description, arena, out, err);
}

int ag_forecaster_series(const ag_forecaster *forecaster, const char *path, const ag_str *bytes, ag_arena *arena,
                         ag_timeseries *out, ag_err *err)
{
    ag_forecast_data data = forecaster->data;
    data.missing = AG_MISSING_KEEP;
    return bytes ? ag_forecast_parse(&data, path, *bytes, arena, out, err)
                 : ag_forecast_read(&data, path, arena, out, err);
}
