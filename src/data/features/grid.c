// SPDX-License-Identifier: Apache-2.0
/* grid.c: cells are filled by the integral of the line through the nodes; only joined nodes make a line. A gap of less
 * than BRIDGE mm between nodes counts as seen: at the fastest feed 50 samples per second lie a quarter of a millimetre
 * apart. What nobody saw is drawn straight between its neighbours, so that slopes have no false edges there. */
#include "data/features/grid.h"

#include <math.h>
#include <string.h>

static const double bridge_mm = 0.3, least_seen = 0.5;

int ag_grid_new(size_t count, ag_arena *arena, ag_grid *out, ag_err *err)
{
    ag_grid g = {.count = count};
    double **arrays[] = {&g.torque, &g.thrust, &g.spread, &g.velocity, &g.samples, &g.step, &g.seen, &g.work};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = ag_arena_array(arena, count + 1, sizeof(double))))
            return ag_fail_memory(err, count * sizeof(double));
    if (!(g.observed = ag_arena_array(arena, count + 1, sizeof(bool)))) return ag_fail_memory(err, count);
    *out = g;
    return AG_OK;
}

typedef struct segment { /* from one node to the next */
    double from, to;     /* mm */
    double torque[2], thrust[2], spread[2];
    double time, samples;
} segment;

/* Its part in [low, high) of cell i. velocity holds the time spent until all segments are in. */
static void add_part(ag_grid *g, size_t i, const segment *s, double low, double high)
{
    double way = high - low, at = (0.5 * (low + high) - s->from) / (s->to - s->from), share = way / (s->to - s->from);
    double torque = s->torque[0] + at * (s->torque[1] - s->torque[0]);
    double bend = way * (s->torque[1] - s->torque[0]) / (s->to - s->from);
    g->torque[i] += way * torque;
    g->thrust[i] += way * (s->thrust[0] + at * (s->thrust[1] - s->thrust[0]));
    g->spread[i] += way * (torque * torque + bend * bend / 12 + s->spread[0] + at * (s->spread[1] - s->spread[0]));
    g->velocity[i] += share * s->time;
    g->samples[i] += share * s->samples;
    g->seen[i] += way;
}

static void add_segment(ag_grid *g, const segment *s)
{
    double low = (s->from - g->start) / g->cell, high = (s->to - g->start) / g->cell;
    if (high <= 0 || low >= (double)g->count) return;
    size_t begin = low > 0 ? (size_t)low : 0;
    for (size_t i = begin; i < g->count && (double)i < high; i++) {
        double left = fmax(s->from, ag_grid_depth(g, (double)i)), right = fmin(s->to, ag_grid_depth(g, (double)i + 1));
        if (right > left) add_part(g, i, s, left, right);
    }
}

static void gather(const ag_track *t, ag_grid *g)
{
    for (size_t i = 1; i < t->count; i++) {
        double way = t->depth[i] - t->depth[i - 1];
        if (!t->joined[i] || !(way > 0) || way > bridge_mm) continue;
        segment s = {.from = t->depth[i - 1],
                     .to = t->depth[i],
                     .torque = {t->torque[i - 1], t->torque[i]},
                     .thrust = {t->thrust[i - 1], t->thrust[i]},
                     .spread = {t->spread[i - 1], t->spread[i]},
                     .time = t->time[i] - t->time[i - 1],
                     .samples = t->samples[i]};
        add_segment(g, &s);
    }
}

/* From sums to means. */
static void finish_cells(ag_grid *g)
{
    for (size_t i = 0; i < g->count; i++) {
        double way = g->seen[i];
        g->observed[i] = way >= least_seen * g->cell;
        if (!g->observed[i]) continue;
        g->torque[i] /= way;
        g->thrust[i] /= way;
        g->spread[i] = sqrt(fmax(g->spread[i] / way - g->torque[i] * g->torque[i], 0));
        g->velocity[i] = g->velocity[i] > 0 ? way / g->velocity[i] : 0;
        g->samples[i] /= way;
        g->seen[i] = fmin(way / g->cell, 1);
    }
}

static void bridge_values(const ag_grid *g, double *values)
{
    size_t last = g->count;
    for (size_t i = 0; i < g->count; i++) {
        if (!g->observed[i]) continue;
        for (size_t k = last == g->count ? 0 : last + 1; k < i; k++) {
            double part = last == g->count ? 1 : (double)(k - last) / (double)(i - last);
            values[k] = part * values[i] + (last == g->count ? 0 : (1 - part) * values[last]);
        }
        last = i;
    }
    for (size_t k = last == g->count ? 0 : last + 1; k < g->count; k++) values[k] = last == g->count ? 0 : values[last];
}

/* Steps change where their first node is; work adds up from the track's beginning, also before the grid. */
static void count_up(const ag_track *t, ag_grid *g)
{
    size_t node = 0;
    double work = 0;
    for (size_t i = 0; i < g->count; i++) {
        double until = ag_grid_depth(g, (double)i + 1);
        for (; node < t->count && t->depth[node] < until; node++)
            if (node > 0 && t->depth[node - 1] < g->start)
                work += 0.5 * (t->torque[node] + t->torque[node - 1]) *
                        (fmin(t->depth[node], g->start) - t->depth[node - 1]);
        work += g->torque[i] * (i >= g->first && i < g->last ? g->cell : 0);
        g->work[i] = work;
        g->step[i] = t->count == 0 ? 0 : t->step[node > 0 ? node - 1 : 0];
    }
}

static size_t cell_of(const ag_grid *g, double depth, size_t more)
{
    double at = floor((depth - g->start) / g->cell) + (double)more;
    return at <= 0 ? 0 : at >= (double)g->count ? g->count : (size_t)at;
}

void ag_grid_lay(const ag_track *track, double start, double cell, ag_grid *g)
{
    double *arrays[] = {g->torque, g->thrust, g->spread, g->velocity, g->samples, g->seen};
    g->start = start;
    g->cell = cell;
    g->steps = track->steps;
    g->end = track->end;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) memset(arrays[i], 0, g->count * sizeof(double));
    gather(track, g);
    finish_cells(g);
    g->first = track->count ? cell_of(g, track->depth[0], 0) : 0;
    g->last = track->count ? cell_of(g, track->end, 1) : 0;
    for (size_t i = 0; i < 5; i++) bridge_values(g, arrays[i]);
    for (size_t i = 0; i < g->count; i++)
        if (!g->observed[i]) g->seen[i] = 0;
    count_up(track, g);
}
