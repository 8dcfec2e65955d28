// SPDX-License-Identifier: Apache-2.0
/* augment.c: variation happens to the nodes, before the grid is laid, so that every channel changes as it would have
 * done in the machine: a gain is also in the gradients, lost samples are gaps. The way is warped by a sum of slow waves
 * whose slope stays below the given part, and the depths that are known are warped with it. */
#include <math.h>
#include <string.h>

#include "learn/drilling/samples.h"

enum { WAVES = 2, LONGEST_GAP = 5 };
static const double torque_floor = 0.05, thrust_floor = 0.005, thrust_share = 0.1, two_pi = 6.283185307179586;

struct ag_augment_room {
    size_t most;
    ag_track track; /* its arrays hold `most` nodes */
};

int ag_augment_room_new(size_t most_nodes, ag_arena *arena, ag_augment_room **out, ag_err *err)
{
    ag_augment_room *room = ag_arena_alloc(arena, sizeof *room);
    if (!room) return ag_fail_memory(err, sizeof *room);
    ag_track *t = &room->track;
    double **arrays[] = {&t->depth, &t->torque, &t->thrust, &t->spread, &t->time, &t->samples};
    room->most = most_nodes;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = ag_arena_array(arena, most_nodes + 1, sizeof(double))))
            return ag_fail_memory(err, most_nodes * sizeof(double));
    t->step = ag_arena_array(arena, most_nodes + 1, sizeof *t->step);
    t->joined = ag_arena_array(arena, most_nodes + 1, sizeof *t->joined);
    if (!t->step || !t->joined) return ag_fail_memory(err, most_nodes * sizeof *t->step);
    *out = room;
    return 0;
}

typedef struct warp { /* depth + shift + sum of amplitude * sin(turn * depth + phase) */
    double shift, amplitude[WAVES], turn[WAVES], phase[WAVES];
} warp;

static double even(ag_rng *rng, double reach)
{
    return reach * (2 * ag_rng_double(rng) - 1);
}

static double within_three(ag_rng *rng, double deviation)
{
    double z = ag_rng_normal(rng);
    return deviation * fmax(-3, fmin(3, z));
}

static warp draw_warp(const ag_drilling_augmentation *how, ag_rng *rng)
{
    warp w = {.shift = within_three(rng, how->setup_shift)};
    for (int i = 0; i < WAVES; i++) {
        double length = 8 + 24 * ag_rng_double(rng); /* mm */
        w.turn[i] = two_pi / length;
        w.phase[i] = two_pi * ag_rng_double(rng);
        w.amplitude[i] = even(rng, how->time_warping / WAVES) / w.turn[i];
    }
    return w;
}

static double warped(const warp *w, double depth)
{
    double out = depth + w->shift;
    for (int i = 0; i < WAVES; i++) out += w->amplitude[i] * sin(w->turn[i] * depth + w->phase[i]);
    return out;
}

static void copy_nodes(const ag_track *from, ag_track *to)
{
    size_t count = from->count;
    to->count = count;
    to->steps = from->steps;
    to->peak = from->peak;
    memcpy(to->depth, from->depth, count * sizeof(double));
    memcpy(to->torque, from->torque, count * sizeof(double));
    memcpy(to->thrust, from->thrust, count * sizeof(double));
    memcpy(to->spread, from->spread, count * sizeof(double));
    memcpy(to->time, from->time, count * sizeof(double));
    memcpy(to->samples, from->samples, count * sizeof(double));
    memcpy(to->step, from->step, count * sizeof *to->step);
    memcpy(to->joined, from->joined, count * sizeof *to->joined);
}

/* Lost nodes leave a gap that is not joined; one alone is bridged, as the machine's reader would. */
static void lose(double share, ag_rng *rng, ag_track *t)
{
    size_t kept = 0, gap = 0;
    double chance = share / (0.5 * (1 + LONGEST_GAP));
    for (size_t i = 0; i < t->count; i++) {
        if (gap == 0 && ag_rng_double(rng) < chance) gap = 1 + ag_rng_below(rng, LONGEST_GAP);
        bool keep = gap == 0 || i == 0 || i + 1 == t->count;
        bool broken = gap > 1;
        if (gap > 0) gap--;
        if (!keep) {
            if (broken && i + 1 < t->count) t->joined[i + 1] = false;
            if (!t->joined[i] && i + 1 < t->count) t->joined[i + 1] = false;
            continue;
        }
        t->depth[kept] = t->depth[i];
        t->torque[kept] = t->torque[i];
        t->thrust[kept] = t->thrust[i];
        t->spread[kept] = t->spread[i];
        t->time[kept] = t->time[i];
        t->samples[kept] = t->samples[i];
        t->step[kept] = t->step[i];
        t->joined[kept] = t->joined[i];
        kept++;
    }
    t->count = kept;
}

/* Nearly normal, deviation 1, of one word: four bytes added up. A hole of thousands of samples needs many. */
static double rough_normal(uint32_t word)
{
    double sum = (double)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
    return (sum - 510) / 147.8;
}

/* A cone's torque follows the engaged edge to a power that is the tool's own; the highest torque stays as it is. */
static double bent(double torque, double peak, double bend)
{
    return bend == 0 || !(torque > 0) || !(peak > 0) ? torque : peak * pow(torque / peak, 1 + bend);
}

static void change_currents(const ag_drilling_augmentation *how, ag_rng *rng, ag_track *t)
{
    double gain = 1 + even(rng, how->gain), push_gain = 1 + even(rng, how->gain);
    double offset = even(rng, how->offset), push_offset = even(rng, how->offset * thrust_share);
    double noise = how->noise_injection * ag_rng_double(rng), bend = even(rng, how->edge_shape);
    for (size_t i = 0; i < t->count; i++) {
        double torque = bent(t->torque[i], t->peak, bend) * gain + offset,
               thrust = t->thrust[i] * push_gain + push_offset;
        if (noise > 0) {
            double less = noise / sqrt(t->samples[i]);
            torque += less * (fabs(torque) + torque_floor) * rough_normal(ag_rng_u32(rng));
            thrust += less * (fabs(thrust) + thrust_floor) * rough_normal(ag_rng_u32(rng));
        }
        t->torque[i] = torque;
        t->thrust[i] = thrust;
        t->spread[i] *= gain * gain;
    }
}

void ag_augment(const ag_drilling_augmentation *how, const ag_track *track, const ag_known *known, ag_rng *rng,
                ag_augment_room *room, ag_augmented *out)
{
    ag_track *t = &room->track;
    warp w = draw_warp(how, rng);
    ag_known changed = *known;
    copy_nodes(track, t);
    for (size_t i = 0; i < t->count; i++) t->depth[i] = warped(&w, t->depth[i]);
    for (int k = 0; k < AG_POINTS; k++)
        if (!isnan(changed.mm[k])) changed.mm[k] = warped(&w, changed.mm[k]);
    t->end = t->count ? t->depth[t->count - 1] : 0;
    change_currents(how, rng, t);
    if (how->sample_dropout > 0) lose(how->sample_dropout, rng, t);
    *out = (ag_augmented){.track = *t, .known = changed};
}
