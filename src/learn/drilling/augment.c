// SPDX-License-Identifier: Apache-2.0
/* augment.c: variation happens to the nodes, before the grid is laid, so that every channel changes as it would have
 * done in the machine: a gain is also in the gradients, lost samples are gaps. The way is warped by a sum of slow waves
 * whose slope stays below the given part, and the depths that are known are warped with it. This runs for every hole in
 * every epoch: each change is a loop over all nodes, and random numbers are drawn many at once, in the order that they
 * would have one by one. */
#include <math.h>
#include <string.h>

#include "core/base/elementary.h"
#include "learn/drilling/samples.h"

enum { WAVES = 2, LONGEST_GAP = 5, DRAWN = 256 };
static const double torque_floor = 0.05, thrust_floor = 0.005, thrust_share = 0.1, two_pi = 6.283185307179586;

struct ag_augment_room {
    size_t most;
    ag_track track; /* its arrays hold `most` nodes, as all that follow */
    float *work;
    uint32_t *words; /* two of each node */
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
    room->work = ag_arena_array(arena, most_nodes + 1, sizeof *room->work);
    t->step = ag_arena_array(arena, most_nodes + 1, sizeof *t->step);
    t->joined = ag_arena_array(arena, most_nodes + 1, sizeof *t->joined);
    room->words = ag_arena_array(arena, 2 * (most_nodes + 1), sizeof *room->words);
    if (!room->work || !t->step || !t->joined || !room->words) return ag_fail_memory(err, most_nodes * sizeof *t->step);
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

static void bend_way(const warp *w, const double *depth, size_t count, float *work, double *out)
{
    for (size_t k = 0; k < count; k++) out[k] = depth[k] + w->shift;
    for (int i = 0; i < WAVES; i++) {
        if (w->amplitude[i] == 0) continue;
        for (size_t k = 0; k < count; k++) work[k] = (float)(w->turn[i] * depth[k] + w->phase[i]);
        ag_each_sine(work, count);
        for (size_t k = 0; k < count; k++) out[k] += w->amplitude[i] * (double)work[k];
    }
}

/* What stays as it is, unless nodes are lost. */
static void copy_nodes(const ag_track *from, ag_track *to)
{
    size_t count = from->count;
    to->count = count;
    to->steps = from->steps;
    to->peak = from->peak;
    memcpy(to->time, from->time, count * sizeof(double));
    memcpy(to->samples, from->samples, count * sizeof(double));
    memcpy(to->step, from->step, count * sizeof *to->step);
    memcpy(to->joined, from->joined, count * sizeof *to->joined);
}

__extension__ typedef unsigned __int128 wide;

/* Words of a generator, drawn ahead. */
typedef struct draws {
    ag_rng *rng; /* behind the words that are there */
    size_t at;
    uint32_t words[DRAWN];
} draws;

static uint32_t next_word(draws *d)
{
    if (d->at == DRAWN) {
        ag_rng_words(d->rng, d->words, DRAWN);
        d->at = 0;
    }
    return d->words[d->at++];
}

/* As ag_rng_double() has it. */
static double next_double(draws *d)
{
    uint64_t low = next_word(d), high = next_word(d);
    return (double)((high << 32 | low) >> 11) * 0x1p-53;
}

/* As ag_rng_below() has it, who draws again where a remainder would favour small numbers. */
static size_t next_gap(draws *d)
{
    const uint64_t remainder = (0 - (uint64_t)LONGEST_GAP) % LONGEST_GAP;
    wide product;
    do {
        uint64_t low = next_word(d), high = next_word(d);
        product = (wide)(high << 32 | low) * LONGEST_GAP;
    } while ((uint64_t)product < remainder);
    return 1 + (size_t)(product >> 64);
}

static void move_nodes(ag_track *t, size_t from, size_t to, size_t count)
{
    double *const arrays[] = {t->depth, t->torque, t->thrust, t->spread, t->time, t->samples};
    if (from == to || count == 0) return;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        memmove(arrays[i] + to, arrays[i] + from, count * sizeof(double));
    memmove(t->step + to, t->step + from, count * sizeof *t->step);
    memmove(t->joined + to, t->joined + from, count * sizeof *t->joined);
}

/* Lost nodes leave a gap that is not joined; one alone is bridged, as the machine's reader would. */
static void lose(double share, ag_rng *rng, ag_track *t)
{
    size_t kept = 0, gap = 0, run = 0; /* nodes [run, i) are to be kept and not yet moved */
    double chance = share / (0.5 * (1 + LONGEST_GAP));
    draws d = {.rng = rng, .at = DRAWN};
    for (size_t i = 0; i < t->count; i++) {
        if (gap == 0 && next_double(&d) < chance) gap = next_gap(&d);
        bool keep = gap == 0 || i == 0 || i + 1 == t->count;
        bool broken = gap > 1;
        if (gap > 0) gap--;
        if (keep) continue;
        if (broken || !t->joined[i]) t->joined[i + 1] = false;
        move_nodes(t, run, kept, i - run);
        kept += i - run;
        run = i + 1;
    }
    rng->index -= DRAWN - d.at; /* as if nothing had been drawn ahead */
    move_nodes(t, run, kept, t->count - run);
    t->count = kept + t->count - run;
}

/* Nearly normal, deviation 1, of one word: four bytes added up. A hole of thousands of samples needs many. */
static double rough_normal(uint32_t word)
{
    int32_t sum = (int32_t)((word & 255) + (word >> 8 & 255) + (word >> 16 & 255) + (word >> 24));
    return (double)(sum - 510) * (1 / 147.8);
}

/* A cone's torque follows the engaged edge to a power that is the tool's own; the highest torque stays as it is. */
static void bend_torque(const ag_track *track, double bend, double gain, double offset, float *work, double *out)
{
    const double *torque = track->torque;
    double peak = track->peak;
    bool bends = bend != 0 && peak > 0;
    for (size_t i = 0; i < track->count && bends; i++) work[i] = (float)(torque[i] * (1 / peak));
    if (bends) ag_each_power(work, track->count, (float)(1 + bend));
    for (size_t i = 0; i < track->count; i++)
        out[i] = (bends && torque[i] > 0 ? peak * (double)work[i] : torque[i]) * gain + offset;
}

static void add_noise(double noise, ag_rng *rng, uint32_t *words, ag_track *t)
{
    ag_rng_words(rng, words, 2 * t->count);
    for (size_t i = 0; i < t->count; i++) {
        double less = t->samples[i] == 1 ? noise : noise / sqrt(t->samples[i]);
        t->torque[i] += less * (fabs(t->torque[i]) + torque_floor) * rough_normal(words[2 * i]);
        t->thrust[i] += less * (fabs(t->thrust[i]) + thrust_floor) * rough_normal(words[2 * i + 1]);
    }
}

static void change_currents(const ag_drilling_augmentation *how, const ag_track *track, ag_rng *rng,
                            ag_augment_room *room)
{
    ag_track *t = &room->track;
    double gain = 1 + even(rng, how->gain), push_gain = 1 + even(rng, how->gain);
    double offset = even(rng, how->offset), push_offset = even(rng, how->offset * thrust_share);
    double noise = how->noise_injection * ag_rng_double(rng), bend = even(rng, how->edge_shape);
    bend_torque(track, bend, gain, offset, room->work, t->torque);
    for (size_t i = 0; i < t->count; i++) t->thrust[i] = track->thrust[i] * push_gain + push_offset;
    for (size_t i = 0; i < t->count; i++) t->spread[i] = track->spread[i] * (gain * gain);
    if (noise > 0) add_noise(noise, rng, room->words, t);
}

void ag_augment(const ag_drilling_augmentation *how, const ag_track *track, const ag_known *known, ag_rng *rng,
                ag_augment_room *room, ag_augmented *out)
{
    ag_track *t = &room->track;
    warp w = draw_warp(how, rng);
    ag_known changed = *known;
    float work[AG_POINTS];
    copy_nodes(track, t);
    bend_way(&w, track->depth, track->count, room->work, t->depth);
    bend_way(&w, known->mm, AG_POINTS, work, changed.mm); /* what is not there stays NaN */
    t->end = t->count ? t->depth[t->count - 1] : 0;
    change_currents(how, track, rng, room);
    if (how->sample_dropout > 0) lose(how->sample_dropout, rng, t);
    *out = (ag_augmented){.track = *t, .known = changed};
}
