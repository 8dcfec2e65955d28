// SPDX-License-Identifier: Apache-2.0
/* feature.c: the table of channels. All are computed of the grid alone, which a file and its MQTT twin share; what only
 * a file has (measured power, idle currents, the program) is in none of them, so that both get the same answer. A
 * channel is one row here and one function. Slopes are taken over the smoothed curve, because those of raw cells are
 * mostly noise. Every window of every epoch comes through here: loops are written so that compilers make vectors of
 * them (comparisons that choose instead of fmax(), edges apart from the middle), and torque and thrust are smoothed
 * once for all channels. */
#include "data/features/feature.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"

enum { AT_ONCE = 128 }; /* cells that are compressed */
static const double thrust_floor = 0.02, torque_floor = 0.1, noise_mm = 0.8;

/* ---- helpers; all in place or into `out` ---- */

static double at_least_zero(double x)
{
    return x > 0 ? x : 0;
}

/* The mean of [i - half, i + half], as far as there is. */
static double mean_around(const double *sums, size_t count, size_t half, size_t i)
{
    size_t from = i > half ? i - half : 0, to = half < count - i ? i + half + 1 : count;
    return (sums[to] - sums[from]) / (double)(to - from);
}

/* The mean over `width` mm around each cell. sums: count + 1. */
static void smoothen(const ag_grid *g, const double *values, double width, double *sums, double *out)
{
    size_t count = g->count, half = (size_t)fmin(0.5 * width / g->cell + 0.5, (double)count), i = 0;
    double whole = (double)(2 * half + 1);
    sums[0] = 0;
    for (size_t k = 0; k < count; k++) sums[k + 1] = sums[k] + values[k];
    for (; i < half && i < count; i++) out[i] = mean_around(sums, count, half, i);
    for (; i + half < count; i++) out[i] = (sums[i + half + 1] - sums[i - half]) / whole;
    for (; i < count; i++) out[i] = mean_around(sums, count, half, i);
}

/* Per mm, over one cell on both sides. `values` and `out` differ. */
static void slope(const ag_grid *g, const double *values, double *out)
{
    size_t last = g->count ? g->count - 1 : 0;
    for (size_t i = 1; i < last; i++) out[i] = (values[i + 1] - values[i - 1]) / (2 * g->cell);
    if (g->count) out[0] = last ? (values[1] - values[0]) / g->cell : 0;
    if (last) out[last] = (values[last] - values[last - 1]) / g->cell;
}

/* What cuts: torque, with thrust when both are to be taken together. */
static double load(const ag_feature_view *v, size_t i)
{
    return v->grid->torque[i] + (v->options->combine_torque_signals ? v->grid->thrust[i] : 0);
}

/* ---- the channels ---- */

static void position(const ag_feature_view *v, double *out)
{
    const ag_grid *g = v->grid;
    double whole = v->options->normalize_position && g->end > 0 ? g->end : 1;
    for (size_t i = 0; i < g->count; i++) out[i] = ag_grid_depth(g, (double)i + 0.5) / whole;
}

static void velocity(const ag_feature_view *v, double *out)
{
    memcpy(out, v->grid->velocity, v->grid->count * sizeof *out);
}

static void acceleration(const ag_feature_view *v, double *out)
{
    double *smooth = v->scratch + v->grid->count + 1;
    smoothen(v->grid, v->grid->velocity, v->options->smoothing_mm, v->scratch, smooth);
    slope(v->grid, smooth, out);
    for (size_t i = 0; i < v->grid->count; i++) out[i] *= v->grid->velocity[i];
}

static void torque(const ag_feature_view *v, double *out)
{
    memcpy(out, v->grid->torque, v->grid->count * sizeof *out);
}

static void torque_smooth(const ag_feature_view *v, double *out)
{
    memcpy(out, v->torque, v->grid->count * sizeof *out);
}

static void torque_gradient(const ag_feature_view *v, double *out)
{
    slope(v->grid, v->torque, out);
}

static void thrust(const ag_feature_view *v, double *out)
{
    memcpy(out, v->grid->thrust, v->grid->count * sizeof *out);
}

static void thrust_smooth(const ag_feature_view *v, double *out)
{
    memcpy(out, v->thrust, v->grid->count * sizeof *out);
}

static void thrust_gradient(const ag_feature_view *v, double *out)
{
    slope(v->grid, v->thrust, out);
}

static void ratio(const ag_feature_view *v, double *out)
{
    size_t count = v->grid->count;
    for (size_t i = 0; i < count; i++)
        out[i] = (at_least_zero(v->thrust[i]) + thrust_floor) / (at_least_zero(v->torque[i]) + torque_floor);
}

static void power(const ag_feature_view *v, double *out)
{
    for (size_t i = 0; i < v->grid->count; i++) out[i] = load(v, i) * v->grid->velocity[i];
}

static void step(const ag_feature_view *v, double *out)
{
    double last = v->grid->steps > 1 ? (double)v->grid->steps - 1 : 1;
    for (size_t i = 0; i < v->grid->count; i++) out[i] = v->grid->step[i] / last;
}

static void quality(const ag_feature_view *v, double *out)
{
    memcpy(out, v->grid->seen, v->grid->count * sizeof *out);
}

static void noise(const ag_feature_view *v, double *out)
{
    const ag_grid *g = v->grid;
    double *smooth = v->scratch + g->count + 1;
    for (size_t i = 0; i < g->count; i++)
        smooth[i] = (g->torque[i] - v->torque[i]) * (g->torque[i] - v->torque[i]) + g->spread[i] * g->spread[i];
    smoothen(g, smooth, noise_mm, v->scratch, out);
    for (size_t i = 0; i < g->count; i++) out[i] = sqrt(at_least_zero(out[i]));
}

static void sampling(const ag_feature_view *v, double *out)
{
    for (size_t i = 0; i < v->grid->count; i++) out[i] = v->grid->samples[i];
}

static void efficiency(const ag_feature_view *v, double *out)
{
    for (size_t i = 0; i < v->grid->count; i++)
        out[i] = v->grid->velocity[i] / (at_least_zero(load(v, i)) + torque_floor);
}

static void wear(const ag_feature_view *v, double *out)
{
    memcpy(out, v->grid->work, v->grid->count * sizeof *out);
}

static const ag_feature features[] = {
    {"position", "mm", "Depth of the tip; as a share of the recorded way with normalize_position.", 0, position},
    {"velocity", "mm/s", "Feed: the cell's width over the time spent in it.", 1, velocity},
    {"acceleration", "mm/s2", "Its change over time, smoothed.", 1, acceleration},
    {"torque", "A", "Current of the spindle above idle.", 0.3, torque},
    {"torque_smooth", "A", "The same over smoothing_mm.", 0.3, torque_smooth},
    {"torque_gradient", "A/mm", "Slope of the smoothed torque.", 0.5, torque_gradient},
    {"thrust", "A", "Current of the feed motor above idle.", 0.05, thrust},
    {"thrust_smooth", "A", "The same over smoothing_mm.", 0.05, thrust_smooth},
    {"thrust_gradient", "A/mm", "Slope of the smoothed thrust.", 0.1, thrust_gradient},
    {"ratio", "", "Logarithm of thrust over torque, smoothed: what the tip meets before what the edge meets.", -1,
     ratio},
    {"power", "A mm/s", "Torque (and thrust) times feed: the work done in a second.", 1, power},
    {"step", "", "Which of the steps that ran, from 0 for the first to 1 for the last.", 0, step},
    {"quality", "", "Share of the cell that was seen; 0 in gaps and outside the recording.", 0, quality},
    {"noise", "A", "Deviation of torque from the smoothed one and inside cells, over 0.8 mm.", 0.05, noise},
    {"sampling", "1/mm", "Samples per millimetre.", 10, sampling},
    {"efficiency", "mm/s/A", "Feed for an ampere of torque (and thrust).", 0.5, efficiency},
    {"wear", "A mm", "Torque over the way drilled so far: the work that the edge has done in this hole.", 5, wear},
};
enum { COUNT = sizeof features / sizeof *features };

const ag_feature *ag_feature_all(size_t *count)
{
    *count = COUNT;
    return features;
}

const ag_feature *ag_feature_find(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(features[i].name, name) == 0) return &features[i];
    return NULL;
}

/* A channel's cells [first, last) into the matrix, which wants floats: so does what compresses them. */
static void compress(const ag_feature *feature, const double *values, size_t first, size_t last, size_t count,
                     float *out)
{
    float some[AT_ONCE];
    double scale = feature->knee > 0 ? 1 / feature->knee : 1;
    for (size_t from = first, left; from < last; from += left) {
        left = last - from < AT_ONCE ? last - from : AT_ONCE;
        for (size_t i = 0; i < left; i++) some[i] = (float)(values[from + i] * scale);
        if (feature->knee > 0) ag_each_asinh(some, left);
        if (feature->knee < 0) ag_each_log(some, left);
        for (size_t i = 0; i < left; i++) out[(from + i) * count] = some[i];
    }
}

void ag_feature_matrix(const ag_grid *grid, const ag_feature *const *chosen, size_t count,
                       const ag_feature_options *options, double *scratch, float *out)
{
    size_t room = grid->count + 1;
    double *values = scratch + 2 * room, *torque = scratch + 3 * room, *thrust = scratch + 4 * room;
    ag_feature_view view = {.grid = grid, .options = options, .torque = torque, .thrust = thrust, .scratch = scratch};
    smoothen(grid, grid->torque, options->smoothing_mm, scratch, torque);
    smoothen(grid, grid->thrust, options->smoothing_mm, scratch, thrust);
    for (size_t c = 0; c < count && grid->first < grid->last; c++) {
        chosen[c]->fill(&view, values);
        compress(chosen[c], values, grid->first, grid->last, count, out + c);
    }
}

void ag_features_markdown(ag_buf *out)
{
    ag_buf_add_text(out, "| channel | unit | what | knee |\n|---|---|---|---|\n");
    for (size_t i = 0; i < COUNT; i++) {
        ag_buf_addf(out, "| `%s` | %s | %s | ", features[i].name, features[i].unit, features[i].doc);
        ag_buf_addf(out, features[i].knee > 0 ? "%g |\n" : " |\n", features[i].knee);
    }
    ag_buf_add_text(out, "\n| condition | unit | what |\n|---|---|---|\n");
    for (size_t i = 0; i < AG_CONDITIONS; i++)
        ag_buf_addf(out, "| `%s` | %s | %s |\n", ag_conditions[i].name, ag_conditions[i].unit, ag_conditions[i].doc);
}
