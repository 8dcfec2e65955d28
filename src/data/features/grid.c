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

typedef struct sums { /* of a cell: over the way that was seen */
    double torque, thrust, spread, time, samples, seen;
} sums;

/* The part [low, high) of the way from a node to the next one, `share` of it. */
static void add_part(const ag_track *t, size_t next, double low, double high, double inverse, sums *s)
{
    size_t last = next - 1;
    double way = high - low, at = (0.5 * (low + high) - t->depth[last]) * inverse, share = way * inverse;
    double rise = t->torque[next] - t->torque[last], torque = t->torque[last] + at * rise, bend = share * rise;
    double spread = t->spread[last] + at * (t->spread[next] - t->spread[last]);
    s->torque += way * torque;
    s->thrust += way * (t->thrust[last] + at * (t->thrust[next] - t->thrust[last]));
    s->spread += way * (torque * torque + bend * bend * (1.0 / 12) + spread);
    s->time += share * (t->time[next] - t->time[last]);
    s->samples += share * t->samples[next];
    s->seen += way;
}

/* From sums to means; the cell is complete. */
static void finish_cell(ag_grid *g, size_t i, const sums *s)
{
    double inverse = 1 / s->seen;
    g->observed[i] = s->seen >= least_seen * g->cell;
    if (!g->observed[i]) return;
    g->torque[i] = s->torque * inverse;
    g->thrust[i] = s->thrust * inverse;
    double variance = s->spread * inverse - g->torque[i] * g->torque[i];
    g->spread[i] = variance > 0 ? sqrt(variance) : 0;
    g->velocity[i] = s->time > 0 ? s->seen / s->time : 0;
    g->samples[i] = s->samples * inverse;
    g->seen[i] = s->seen < g->cell ? s->seen / g->cell : 1;
}

/* Nodes and cells are walked along together: both only go deeper. */
static void gather(const ag_track *t, ag_grid *g)
{
    size_t cell = 0;
    double left = g->start, right = ag_grid_depth(g, 1);
    sums s = {0};
    for (size_t i = 1; i < t->count && cell < g->count; i++) {
        double from = t->depth[i - 1], to = t->depth[i], way = to - from;
        if (!t->joined[i] || !(way > 0) || way > bridge_mm || to <= left) continue;
        double inverse = 1 / way;
        while (to > left) {
            double low = from > left ? from : left, high = to < right ? to : right;
            if (high > low) add_part(t, i, low, high, inverse, &s);
            if (to < right) break;
            if (s.seen > 0) finish_cell(g, cell, &s);
            s = (sums){0};
            if (++cell == g->count) break;
            left = right;
            right = ag_grid_depth(g, (double)cell + 1);
        }
    }
    if (cell < g->count && s.seen > 0) finish_cell(g, cell, &s);
}

/* Of cells [from, to), which nobody saw. */
static void bridge_gap(const ag_grid *g, size_t from, size_t to, double *values)
{
    double before = from > 0 ? values[from - 1] : to < g->count ? values[to] : 0;
    double behind = to < g->count ? values[to] : before, step = 1 / (double)(to - from + 1);
    for (size_t k = from; k < to; k++) {
        double part = (double)(k - from + 1) * step;
        values[k] = before == behind ? before : part * behind + (1 - part) * before;
    }
}

static void bridge_gaps(ag_grid *g)
{
    double *const arrays[] = {g->torque, g->thrust, g->spread, g->velocity, g->samples};
    for (size_t from = 0, to; from < g->count; from = to + 1) {
        for (to = from; to < g->count && !g->observed[to];) to++;
        for (size_t k = 0; to > from && k < sizeof arrays / sizeof *arrays; k++) bridge_gap(g, from, to, arrays[k]);
    }
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
    memset(g->observed, 0, g->count * sizeof *g->observed);
    gather(track, g);
    g->first = track->count ? cell_of(g, track->depth[0], 0) : 0;
    g->last = track->count ? cell_of(g, track->end, 1) : 0;
    bridge_gaps(g);
    count_up(track, g);
}
