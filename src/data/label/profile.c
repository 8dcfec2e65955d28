// SPDX-License-Identifier: Apache-2.0
/* profile.c: samples become a curve over depth. Where a step begins again behind the end of the one before, the earlier
 * samples stay: the later ones only run through a hole that is there already. What a restart tells for RECUT mm is not
 * believed, and mixes with nothing. Repeated rows at the end of a step are left out. The firmware's smoothing lags by a
 * time that at a fast feed is a way that can be seen; it is taken back, so that a hole recorded at half the rate has
 * the same curve. */
#include "data/label/profile.h"

#include <math.h>

#include "data/features/track.h"

static const double bin_size = 0.02, recut = 0.62, smooth_way = 0.1, deepest = 2000;

size_t ag_profile_bin(const ag_profile *profile, double depth)
{
    double at = floor((depth - profile->start) / profile->bin);
    if (!(at > 0)) return 0;
    return at >= (double)profile->count ? profile->count - 1 : (size_t)at;
}

static double deepest_of(const ag_signal *signal)
{
    double depth = 0;
    for (size_t i = 0; i < signal->rows; i++) { /* of fmax() here gcc 12 dies when it compiles for ARM */
        double here = ag_signal_depth(signal, i);
        if (here > depth) depth = here;
    }
    return fmin(depth, deepest);
}

static void gather(const ag_hole *hole, ag_profile *p, double *samples)
{
    const ag_signal *signal = &hole->signal;
    double reached = -1, rows = ag_track_lag * (signal->rate > 0 ? signal->rate : 100);
    for (size_t s = 0; s < hole->step_count; s++) {
        const ag_step_run *run = &hole->steps[s];
        double before = reached, last = ag_signal_depth(signal, run->begin);
        for (size_t i = run->begin; i < run->held; i++) {
            double depth = ag_signal_depth(signal, i), way = depth - last;
            last = depth;
            if (depth > reached) reached = depth;
            bool recuts = s > 0 && depth <= before + recut;
            if (depth <= before || recuts || depth > deepest || depth < p->start) continue;
            size_t bin = ag_profile_bin(p, depth - rows * (way > 0 ? way : 0));
            p->torque[bin] += ag_signal_value(signal, AG_CHANNEL_TORQUE, i);
            p->thrust[bin] += ag_signal_value(signal, AG_CHANNEL_THRUST, i);
            samples[bin] += 1;
            p->told[bin] = true;
        }
    }
}

/* Untold bins are drawn straight between the told ones beside them. */
static void bridge(ag_profile *p, const double *samples)
{
    size_t last = p->count;
    for (size_t i = 0; i < p->count; i++) {
        if (samples[i] > 0) {
            p->torque[i] /= samples[i];
            p->thrust[i] /= samples[i];
        }
        if (!p->told[i]) continue;
        for (size_t k = last == p->count ? 0 : last + 1; k < i; k++) {
            double part = last == p->count ? 1 : (double)(k - last) / (double)(i - last);
            p->torque[k] = part * p->torque[i] + (last == p->count ? 0 : (1 - part) * p->torque[last]);
            p->thrust[k] = part * p->thrust[i] + (last == p->count ? 0 : (1 - part) * p->thrust[last]);
        }
        last = i;
    }
    for (size_t k = last + 1; last < p->count && k < p->count; k++) {
        p->torque[k] = p->torque[last];
        p->thrust[k] = p->thrust[last];
    }
}

static void smoothen(const ag_profile *p, const double *values, double *out)
{
    size_t half = (size_t)(smooth_way / p->bin), low = 0, high = 0;
    double sum = 0;
    for (size_t i = 0; i < p->count; i++) {
        size_t from = i > half ? i - half : 0, to = i + half + 1 < p->count ? i + half + 1 : p->count;
        while (high < to) sum += values[high++];
        while (low < from) sum -= values[low++];
        out[i] = sum / (double)(high - low);
    }
}

int ag_profile_make(const ag_hole *hole, ag_arena *arena, ag_profile *out, ag_err *err)
{
    ag_profile p = {.bin = bin_size};
    p.count = (size_t)(deepest_of(&hole->signal) / bin_size) + 2;
    double *samples = ag_arena_array(arena, p.count, sizeof(double));
    p.torque = ag_arena_array(arena, p.count, sizeof(double));
    p.thrust = ag_arena_array(arena, p.count, sizeof(double));
    p.smooth = ag_arena_array(arena, p.count, sizeof(double));
    p.push = ag_arena_array(arena, p.count, sizeof(double));
    p.told = ag_arena_array(arena, p.count, sizeof(bool));
    if (!samples || !p.torque || !p.thrust || !p.smooth || !p.push || !p.told)
        return ag_fail_memory(err, p.count * sizeof(double));
    gather(hole, &p, samples);
    bridge(&p, samples);
    smoothen(&p, p.torque, p.smooth);
    smoothen(&p, p.thrust, p.push);
    *out = p;
    return AG_OK;
}
