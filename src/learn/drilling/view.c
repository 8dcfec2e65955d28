// SPDX-License-Identifier: Apache-2.0
/* view.c: a window is laid, turned into channels and scaled; nothing of it depends on other windows or threads. Scaled
 * values are cut at CUT deviations: a channel that goes mad must not drown the others. Sums run in the order of the
 * examples, so that the frozen numbers are the same for any number of threads. */
#include "learn/drilling/view.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

static const ag_real cut = 8;

/* ---- by configuration ---- */

static int no_such(const char *what, const char *name, const char *const *names, size_t count, ag_err *err)
{
    ag_fail(err, AG_EINVAL, "data_config.preprocessing.%s: there is no '%s'", what, name);
    return ag_nearest_hint(err, ag_str_of(name), names, count);
}

static int add_channel(ag_view *view, const char *name, ag_err *err)
{
    const char *names[AG_VIEW_CHANNELS];
    size_t count;
    const ag_feature *all = ag_feature_all(&count), *found = ag_feature_find(name);
    for (size_t i = 0; i < count && i < AG_VIEW_CHANNELS; i++) names[i] = all[i].name;
    if (!found) return no_such("channels", name, names, count < AG_VIEW_CHANNELS ? count : AG_VIEW_CHANNELS, err);
    for (size_t i = 0; i < view->channel_count; i++)
        if (view->channels[i] == found)
            return ag_fail(err, AG_EINVAL, "data_config.preprocessing.channels names %s twice", name);
    if (view->channel_count == AG_VIEW_CHANNELS)
        return ag_fail(err, AG_ELIMIT, "a model sees at most %d channels", AG_VIEW_CHANNELS);
    view->channels[view->channel_count++] = found;
    return 0;
}

static int add_condition(ag_view *view, const char *name, ag_err *err)
{
    const char *names[AG_CONDITIONS];
    int found = ag_condition_find(name);
    for (size_t i = 0; i < AG_CONDITIONS; i++) names[i] = ag_conditions[i].name;
    if (found < 0) return no_such("conditions", name, names, AG_CONDITIONS, err);
    for (size_t i = 0; i < view->condition_count; i++)
        if (view->conditions[i] == found)
            return ag_fail(err, AG_EINVAL, "data_config.preprocessing.conditions names %s twice", name);
    view->conditions[view->condition_count++] = found;
    return 0;
}

int ag_view_init(const ag_drilling_data *data, int64_t cells, ag_view *out, ag_err *err)
{
    const ag_drilling_preprocessing *p = &data->preprocessing;
    const char *const *channels = p->channels.items, *const *conditions = p->conditions.items;
    ag_view view = {.cells = cells,
                    .cell_mm = p->cell_mm,
                    .sliding = p->sequence_windowing,
                    .refine = data->refine,
                    .options = {p->normalize_position, p->combine_torque_signals, p->smoothing_mm}};
    size_t count;
    const ag_feature *all = ag_feature_all(&count);
    int rc = 0;
    if (!p->channels.count)
        for (size_t i = 0; i < count && rc >= 0; i++) rc = add_channel(&view, all[i].name, err);
    for (size_t i = 0; i < p->channels.count && rc >= 0; i++) rc = add_channel(&view, channels[i], err);
    for (size_t i = 0; i < p->conditions.count && rc >= 0; i++) rc = add_condition(&view, conditions[i], err);
    for (size_t i = 0; i < AG_VIEW_CHANNELS; i++) view.deviation[i] = 1;
    if (rc >= 0) *out = view;
    return rc;
}

/* ---- windows ---- */

void ag_view_cut(const ag_view *view, const ag_track *track, ag_view_windows *out)
{
    double length = (double)view->cells * view->cell_mm, end = track->count ? track->end : 0;
    *out = (ag_view_windows){.count = 1, .cell_mm = view->cell_mm};
    if (end < length - view->cell_mm) return;
    if (!view->sliding) {
        out->cell_mm = end / ((double)view->cells - 2);
        return;
    }
    double stride = 0.5 * length, last = end + 2 * view->cell_mm - length;
    size_t count = (size_t)ceil(last / stride) + 1;
    out->count = count < AG_VIEW_WINDOWS ? count : AG_VIEW_WINDOWS;
    for (size_t i = 0; i < out->count; i++)
        out->start[i] = view->cell_mm * round(last * (double)i / (double)(out->count - 1) / view->cell_mm);
}

struct ag_viewer {
    const ag_view *view;
    ag_grid grid;
    double *scratch;
    float *matrix; /* [cells, channels] */
};

int ag_viewer_new(const ag_view *view, ag_arena *arena, ag_viewer **out, ag_err *err)
{
    size_t cells = (size_t)view->cells;
    ag_viewer *v = ag_arena_alloc(arena, sizeof *v);
    if (!v) return ag_fail_memory(err, sizeof *v);
    v->view = view;
    v->scratch = ag_arena_array(arena, AG_FEATURE_SCRATCH * (cells + 1), sizeof(double));
    v->matrix = ag_arena_array(arena, cells * view->channel_count + 1, sizeof(float));
    if (!v->scratch || !v->matrix) return ag_fail_memory(err, cells * view->channel_count * sizeof(float));
    int rc = ag_grid_new(cells, arena, &v->grid, err);
    if (rc >= 0) *out = v;
    return rc;
}

static void lay(ag_viewer *v, const ag_track *track, double start, double cell_mm)
{
    ag_grid_lay(track, start, cell_mm, &v->grid);
    ag_feature_matrix(&v->grid, v->view->channels, v->view->channel_count, &v->view->options, v->scratch, v->matrix);
}

/* One cell's channels, scaled. */
static void scale_row(const ag_view *view, const double *inverse, const float *row, ag_real *out)
{
    size_t count = view->channel_count;
    for (size_t c = 0; c < count; c++) {
        ag_real z = (ag_real)(((double)row[c] - view->mean[c]) * inverse[c]);
        z = z < cut ? z : cut; /* what is no number, too */
        out[c] = z > -cut ? z : -cut;
    }
}

const ag_grid *ag_viewer_look(ag_viewer *v, const ag_track *track, double start, double cell_mm, ag_real *values,
                              ag_real *observed)
{
    const ag_view *view = v->view;
    const ag_grid *g = &v->grid;
    size_t count = view->channel_count, wide = g->count * count;
    double inverse[AG_VIEW_CHANNELS];
    lay(v, track, start, cell_mm);
    for (size_t c = 0; c < count; c++) inverse[c] = 1 / view->deviation[c];
    memset(values, 0, wide * sizeof *values);
    if (observed) memset(observed, 0, wide * sizeof *observed);
    for (size_t i = g->first; i < g->last; i++) {
        scale_row(view, inverse, v->matrix + i * count, values + i * count);
        if (!observed || !g->observed[i]) continue;
        for (size_t c = 0; c < count; c++) observed[i * count + c] = 1;
    }
    return g;
}

void ag_view_conditions(const ag_view *view, const double *conditions, ag_real *out)
{
    for (size_t i = 0; i < view->condition_count; i++) {
        const ag_condition *c = &ag_conditions[view->conditions[i]];
        double z = (conditions[view->conditions[i]] - c->shift) / c->scale;
        out[i] = (ag_real)(isnan(z) ? 0 : fmax(-cut, fmin(cut, z)));
    }
}

/* ---- the frozen numbers ---- */

typedef struct sums {
    double count, sum[AG_VIEW_CHANNELS], squares[AG_VIEW_CHANNELS];
} sums;

static void add_window(const ag_viewer *v, sums *s)
{
    size_t count = v->view->channel_count;
    for (size_t i = v->grid.first; i < v->grid.last; i++) {
        if (!v->grid.observed[i]) continue;
        s->count += 1;
        for (size_t c = 0; c < count; c++) {
            double x = (double)v->matrix[i * count + c];
            s->sum[c] += x;
            s->squares[c] += x * x;
        }
    }
}

static void freeze(ag_view *view, const sums *s)
{
    for (size_t c = 0; c < view->channel_count && s->count > 0; c++) {
        double mean = s->sum[c] / s->count, variance = s->squares[c] / s->count - mean * mean;
        view->mean[c] = mean;
        view->deviation[c] = variance > 1e-12 * (1 + mean * mean) ? sqrt(variance) : 1;
    }
}

int ag_view_fit(ag_view *view, const ag_example_set *set, const size_t *chosen, size_t count, ag_err *err)
{
    sums s = {0};
    ag_viewer *v = NULL;
    ag_arena *arena = ag_arena_new(0);
    int rc = arena ? ag_viewer_new(view, arena, &v, err) : ag_fail_memory(err, 1);
    for (size_t i = 0; i < count && rc >= 0; i++) {
        const ag_track *track = &set->items[chosen[i]].drilled.track;
        ag_view_windows windows;
        ag_view_cut(view, track, &windows);
        for (size_t w = 0; w < windows.count; w++) {
            lay(v, track, windows.start[w], windows.cell_mm);
            add_window(v, &s);
        }
    }
    if (rc >= 0) freeze(view, &s);
    ag_arena_free(arena);
    return rc;
}

/* ---- stored ---- */

static void write_numbers(ag_json *json, const char *name, const double *values, size_t count)
{
    ag_json_name(json, name);
    ag_json_begin_array(json);
    for (size_t i = 0; i < count; i++) ag_json_real(json, values[i]);
    ag_json_end_array(json);
}

void ag_view_write(const ag_view *view, ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_put_int(json, "cells", view->cells);
    ag_json_put_real(json, "cell_mm", view->cell_mm);
    ag_json_put_bool(json, "sequence_windowing", view->sliding);
    ag_json_put_bool(json, "refine", view->refine);
    ag_json_put_bool(json, "normalize_position", view->options.normalize_position);
    ag_json_put_bool(json, "combine_torque_signals", view->options.combine_torque_signals);
    ag_json_put_real(json, "smoothing_mm", view->options.smoothing_mm);
    ag_json_name(json, "channels");
    ag_json_begin_array(json);
    for (size_t i = 0; i < view->channel_count; i++) ag_json_text(json, view->channels[i]->name);
    ag_json_end_array(json);
    ag_json_name(json, "conditions");
    ag_json_begin_array(json);
    for (size_t i = 0; i < view->condition_count; i++) ag_json_text(json, ag_conditions[view->conditions[i]].name);
    ag_json_end_array(json);
    write_numbers(json, "mean", view->mean, view->channel_count);
    write_numbers(json, "deviation", view->deviation, view->channel_count);
    ag_json_end_object(json);
}

static int lacks(const char *file, const char *what, ag_err *err)
{
    return ag_fail_at(err, AG_EPARSE, file, 0, 0, "view.%s is missing or wrong", what);
}

static int read_names(const ag_value *root, const char *key, const char *file,
                      int (*add)(ag_view *, const char *, ag_err *), ag_view *view, ag_err *err)
{
    const ag_value *array = ag_value_get(root, key);
    if (!array || array->kind != AG_ARRAY) return lacks(file, key, err);
    for (size_t i = 0; i < array->array.count; i++) {
        char name[64];
        ag_str text;
        if (!ag_value_string(&array->array.items[i], &text) || text.size >= sizeof name) return lacks(file, key, err);
        ag_format(name, sizeof name, "%.*s", AG_STR_ARG(text));
        if ((add == add_channel ? ag_feature_find(name) == NULL : ag_condition_find(name) < 0))
            return ag_fail_at(err, AG_EUNSUPPORTED, file, 0, 0, "view.%s: this version has no '%s'", key, name);
        int rc = add(view, name, err);
        if (rc < 0) return rc;
    }
    return 0;
}

static int read_numbers(const ag_value *root, const char *key, const char *file, size_t count, double *out, ag_err *err)
{
    const ag_value *array = ag_value_get(root, key);
    if (!array || array->kind != AG_ARRAY || array->array.count != count) return lacks(file, key, err);
    for (size_t i = 0; i < count; i++)
        if (!ag_value_real(&array->array.items[i], &out[i]) || !isfinite(out[i])) return lacks(file, key, err);
    return 0;
}

static bool read_scalars(const ag_value *root, ag_view *view)
{
    return ag_value_int(ag_value_get(root, "cells"), &view->cells) && view->cells >= 4 && view->cells <= 1000000 &&
           ag_value_real(ag_value_get(root, "cell_mm"), &view->cell_mm) && view->cell_mm >= 0.001 &&
           view->cell_mm <= 1000 && ag_value_bool(ag_value_get(root, "sequence_windowing"), &view->sliding) &&
           ag_value_bool(ag_value_get(root, "refine"), &view->refine) &&
           ag_value_bool(ag_value_get(root, "normalize_position"), &view->options.normalize_position) &&
           ag_value_bool(ag_value_get(root, "combine_torque_signals"), &view->options.combine_torque_signals) &&
           ag_value_real(ag_value_get(root, "smoothing_mm"), &view->options.smoothing_mm) &&
           view->options.smoothing_mm >= 0 && view->options.smoothing_mm <= 1000;
}

int ag_view_read(const ag_value *value, const char *file, ag_view *out, ag_err *err)
{
    ag_view view = {0};
    if (!value || value->kind != AG_OBJECT) return ag_fail_at(err, AG_EPARSE, file, 0, 0, "there is no view");
    if (!read_scalars(value, &view)) return lacks(file, "cells or another number", err);
    for (size_t i = 0; i < AG_VIEW_CHANNELS; i++) view.deviation[i] = 1;
    int rc = read_names(value, "channels", file, add_channel, &view, err);
    if (rc >= 0) rc = read_names(value, "conditions", file, add_condition, &view, err);
    if (rc >= 0 && !view.channel_count) rc = lacks(file, "channels", err);
    if (rc >= 0) rc = read_numbers(value, "mean", file, view.channel_count, view.mean, err);
    if (rc >= 0) rc = read_numbers(value, "deviation", file, view.channel_count, view.deviation, err);
    for (size_t i = 0; i < view.channel_count && rc >= 0; i++)
        if (!(view.deviation[i] > 0)) rc = lacks(file, "deviation", err);
    if (rc >= 0) *out = view;
    return rc;
}
