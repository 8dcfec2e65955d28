// SPDX-License-Identifier: Apache-2.0
/* track.c: samples become nodes. Rows at a depth that was reached before go into the node that reached it (a slow feed
 * moves by less than a count of the axis, a micro-peck goes back), rows of an earlier step's hole are passed over: the
 * tool only runs through air there. What follows a restart is not believed for RECUT mm, because torque comes back over
 * that way; held rows repeat the last sample and say nothing. The firmware's smoothing lags by a time, which at a fast
 * feed is a way that can be seen; it is taken back with the feed of the rows around. */
#include "data/features/track.h"

#include <math.h>

static const double recut_mm = 0.45, usual_rate = 100, deepest = 2000;
const double ag_track_lag = 0.0065;
/* A way between two samples that is longer than this many usual ones, and than the feed's own, was not seen. */
static const double lost_factor = 1.8, lost_mm = 0.02;
enum { AROUND = 4 };

static int allocate(size_t rows, ag_arena *arena, ag_track *t, ag_err *err)
{
    t->depth = ag_arena_array(arena, rows + 1, sizeof(double));
    t->torque = ag_arena_array(arena, rows + 1, sizeof(double));
    t->thrust = ag_arena_array(arena, rows + 1, sizeof(double));
    t->spread = ag_arena_array(arena, rows + 1, sizeof(double));
    t->time = ag_arena_array(arena, rows + 1, sizeof(double));
    t->samples = ag_arena_array(arena, rows + 1, sizeof(double));
    t->step = ag_arena_array(arena, rows + 1, sizeof(unsigned));
    t->joined = ag_arena_array(arena, rows + 1, sizeof(bool));
    bool all = t->depth && t->torque && t->thrust && t->spread && t->time && t->samples && t->step && t->joined;
    return all ? AG_OK : ag_fail_memory(err, rows * sizeof(double));
}

/* Millimetres per row around a row, inside its step. */
static double way_at(const ag_signal *signal, const ag_step_run *run, size_t row)
{
    size_t from = row > run->begin + AROUND ? row - AROUND : run->begin;
    size_t to = row + AROUND < run->held ? row + AROUND : run->held - 1;
    if (to <= from) return 0;
    double way = (ag_signal_depth(signal, to) - ag_signal_depth(signal, from)) / (double)(to - from);
    return way > 0 ? way : 0;
}

typedef struct gathering {
    ag_track *track;
    const ag_signal *signal;
    double rate, lag; /* rows per s; rows */
    double reached;   /* mm, before the lag is taken back */
    double clock;     /* s */
} gathering;

static void begin_node(gathering *g, size_t row, unsigned step, double depth, bool joined)
{
    ag_track *t = g->track;
    size_t i = t->count++;
    double torque = ag_signal_value(g->signal, AG_CHANNEL_TORQUE, row);
    t->depth[i] = depth;
    t->torque[i] = torque;
    t->thrust[i] = ag_signal_value(g->signal, AG_CHANNEL_THRUST, row);
    t->time[i] = g->clock;
    t->samples[i] = 1;
    t->step[i] = step;
    t->joined[i] = joined && i > 0;
}

/* Running mean and sum of squared deviations (Welford's). */
static void add_to_node(const gathering *g, size_t row)
{
    ag_track *t = g->track;
    size_t i = t->count - 1;
    double torque = ag_signal_value(g->signal, AG_CHANNEL_TORQUE, row), n = ++t->samples[i];
    double away = torque - t->torque[i];
    t->torque[i] += away / n;
    t->spread[i] += away * (torque - t->torque[i]);
    t->thrust[i] += (ag_signal_value(g->signal, AG_CHANNEL_THRUST, row) - t->thrust[i]) / n;
}

static void gather_step(gathering *g, const ag_step_run *run, unsigned number)
{
    ag_track *t = g->track;
    const ag_signal *signal = g->signal;
    double before = g->reached, believed = number == 0 ? -INFINITY : before + recut_mm;
    size_t last = run->begin; /* row of the last node */
    bool fresh = true;        /* no node of this step yet */
    for (size_t row = run->begin; row < run->held; row++) {
        double depth = ag_signal_depth(signal, row);
        g->clock += 1 / g->rate;
        if (depth > deepest) break;
        if (depth <= g->reached) {
            if (!fresh && depth > before) add_to_node(g, row);
            continue;
        }
        double way = way_at(signal, run, row), advance = depth - g->reached;
        g->reached = depth;
        if (depth <= believed) continue;
        double at = depth - g->lag * way;
        bool seen = !fresh && advance <= lost_factor * way * (double)(row - last) + lost_mm;
        if (t->count > 0 && at <= t->depth[t->count - 1]) at = t->depth[t->count - 1] + 1e-6;
        begin_node(g, row, number, at, seen);
        fresh = false;
        last = row;
    }
}

int ag_track_make(const ag_hole *hole, ag_arena *arena, ag_track *out, ag_err *err)
{
    ag_track t = {.steps = hole->step_count};
    const ag_signal *signal = &hole->signal;
    int rc = allocate(signal->rows, arena, &t, err);
    if (rc < 0) return rc;
    double rate = signal->rate > 0 ? signal->rate : usual_rate;
    gathering g = {.track = &t, .signal = signal, .rate = rate, .lag = ag_track_lag * rate, .reached = -INFINITY};
    for (size_t s = 0; s < hole->step_count; s++) gather_step(&g, &hole->steps[s], (unsigned)s);
    for (size_t i = 0; i < t.count; i++) {
        t.spread[i] /= t.samples[i];
        t.peak = i == 0 ? t.torque[i] : fmax(t.peak, t.torque[i]);
    }
    t.end = t.count > 0 ? t.depth[t.count - 1] : 0;
    *out = t;
    return AG_OK;
}
