// SPDX-License-Identifier: Apache-2.0
/* heat.c: windows are fused cell by cell: the mean over the windows that see a cell, and "nowhere" only where every
 * window says "not here". Cells outside the recording count for nothing. A depth is the centre of the heap around the
 * highest place of the (slightly smoothed) map, found by moving a window of REACH to its own centre: where in a cell
 * the depth lies shows in how the mass is shared by its neighbours. */
#include "learn/drilling/heat.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"

static const double reach_mm = 0.5, order_mm = 0.3, tiny = 1e-9;
/* Of the labeller's word: within near_mm it is full, beyond far_mm none; at most e^most_evidence to one. No model is
 * surer than `doubt` that there is something. */
static const double near_mm = 0.7, far_mm = 1.4, most_evidence = 6, doubt = 1e-4;
enum { MOVES = 4 };

/* ---- fusing ---- */

static int allocate(ag_heat *h, ag_arena *arena, ag_err *err)
{
    for (int k = 0; k < AG_POINTS; k++)
        if (!(h->map[k] = ag_arena_array(arena, h->cells + 1, sizeof(double))))
            return ag_fail_memory(err, h->cells * sizeof(double));
    return 0;
}

static void add_window(ag_heat *h, const ag_view *view, size_t offset, const ag_real *map, double *seen)
{
    for (size_t i = 1; i < (size_t)view->cells && offset + i < h->cells; i++) {
        seen[offset + i] += 1;
        for (int k = 0; k < AG_POINTS; k++) h->map[k][offset + i] += (double)map[i * AG_POINTS + (size_t)k];
    }
    for (int k = 0; k < AG_POINTS; k++) h->none[k] *= fmin(fmax((double)map[k], tiny), 1);
}

/* Mass inside the recording and "nowhere" become a distribution. */
static void normalise(ag_heat *h, const ag_track *track, const double *seen)
{
    for (int k = 0; k < AG_POINTS; k++) {
        double total = h->none[k];
        for (size_t i = 0; i < h->cells; i++) {
            double low = h->start + h->cell * (double)i;
            bool inside = track->count && low + h->cell > track->depth[0] && low < track->end;
            h->map[k][i] = inside && seen[i] > 0 ? h->map[k][i] / seen[i] : 0;
            total += h->map[k][i];
        }
        if (!(total > 0)) total = h->none[k] = 1;
        h->none[k] /= total;
        for (size_t i = 0; i < h->cells; i++) h->map[k][i] /= total;
    }
}

int ag_heat_fuse(const ag_view *view, const ag_track *track, const ag_view_windows *windows, const ag_real *maps,
                 ag_arena *arena, ag_heat *out, ag_err *err)
{
    double first = windows->start[0], last = windows->start[windows->count - 1];
    ag_heat h = {.start = first, .cell = windows->cell_mm, .none = {1, 1, 1}};
    h.cells = (size_t)view->cells + (size_t)lround((last - first) / h.cell);
    int rc = allocate(&h, arena, err);
    double *seen = ag_arena_array(arena, h.cells + 1, sizeof(double));
    if (rc >= 0 && !seen) rc = ag_fail_memory(err, h.cells * sizeof(double));
    if (rc < 0) return rc;
    for (size_t w = 0; w < windows->count; w++) {
        size_t offset = (size_t)lround((windows->start[w] - first) / h.cell);
        add_window(&h, view, offset, maps + w * (size_t)view->cells * AG_POINTS, seen);
    }
    normalise(&h, track, seen);
    *out = h;
    return 0;
}

void ag_heat_add(ag_heat *sum, const ag_heat *heat, double weight)
{
    for (int k = 0; k < AG_POINTS; k++) {
        sum->none[k] += weight * heat->none[k];
        for (size_t i = 0; i < heat->cells && i < sum->cells; i++) sum->map[k][i] += weight * heat->map[k][i];
    }
}

/* ---- the other witness ---- */

static double shape_depth(const ag_label *shape, int k)
{
    if (k == AG_POINT_ENTRY) return shape->entry;
    if (k == AG_POINT_EXIT) return shape->exit;
    return shape->transition_count > 0 ? shape->transition[0] : (double)NAN;
}

/* 1 near the shape's depth, 0 far from it, a slope between. */
static double nearness(double away)
{
    return fmax(0, fmin(1, (far_mm - fabs(away)) / (far_mm - near_mm)));
}

void ag_heat_weigh(ag_heat *h, const ag_label *shape)
{
    if (shape->outcome != AG_LABEL_FOUND && shape->outcome != AG_LABEL_NO_EXIT) return;
    double strength = exp(most_evidence * shape->clarity) - 1;
    for (int k = 0; k < AG_POINTS; k++) {
        double at = shape_depth(shape, k), total = 0;
        h->none[k] = (h->none[k] + doubt) * (isnan(at) ? 1 + strength : 1);
        total = h->none[k];
        for (size_t i = 0; i < h->cells; i++) {
            double middle = h->start + h->cell * ((double)i + 0.5);
            if (!isnan(at)) h->map[k][i] *= 1 + strength * nearness(middle - at);
            total += h->map[k][i];
        }
        h->none[k] /= total;
        for (size_t i = 0; i < h->cells; i++) h->map[k][i] /= total;
    }
}

/* ---- reading ---- */

static double middle(const ag_heat *h, size_t cell)
{
    return h->start + h->cell * ((double)cell + 0.5);
}

static size_t cell_at(const ag_heat *h, double mm)
{
    double at = floor((mm - h->start) / h->cell);
    return at <= 0 ? 0 : at >= (double)h->cells ? h->cells : (size_t)at;
}

/* The highest of three-cell means in [from, to); `cells` when all is empty. */
static size_t highest(const ag_heat *h, int k, size_t from, size_t to)
{
    const double *map = h->map[k];
    size_t best = h->cells;
    double most = 0;
    for (size_t i = from; i < to && i < h->cells; i++) {
        double sum = map[i] + (i > 0 ? map[i - 1] : 0) + (i + 1 < h->cells ? map[i + 1] : 0);
        if (sum > most) {
            most = sum;
            best = i;
        }
    }
    return best;
}

typedef struct heap {
    double mass, mm, spread;
} heap;

static heap gather(const ag_heat *h, int k, double around)
{
    heap out = {0, around, 0};
    double sum = 0, squares = 0;
    size_t from = cell_at(h, around - reach_mm), to = cell_at(h, around + reach_mm) + 1;
    for (size_t i = from; i < to && i < h->cells; i++) {
        double low = h->start + h->cell * (double)i, high = low + h->cell;
        double part = (fmin(high, around + reach_mm) - fmax(low, around - reach_mm)) / h->cell;
        if (!(part > 0)) continue;
        double mass = part * h->map[k][i], at = 0.5 * (fmin(high, around + reach_mm) + fmax(low, around - reach_mm));
        out.mass += mass;
        sum += mass * (at - around);
        squares += mass * (at - around) * (at - around);
    }
    if (!(out.mass > 0)) return out;
    double shift = sum / out.mass;
    out.mm = around + shift;
    out.spread = sqrt(fmax(squares / out.mass - shift * shift, 0) + h->cell * h->cell / 12);
    return out;
}

static void read_point(const ag_heat *h, int k, double from, double to, ag_reading *out)
{
    double somewhere = 1 - h->none[k];
    size_t best = highest(h, k, cell_at(h, from), cell_at(h, to));
    out->none[k] = fmin(fmax(h->none[k], 0), 1);
    out->mm[k] = NAN;
    out->mass[k] = 0;
    out->spread[k] = 10;
    if (best == h->cells) return;
    heap found = gather(h, k, middle(h, best));
    for (int move = 0; move < MOVES; move++) found = gather(h, k, found.mm);
    out->mm[k] = found.mm;
    out->mass[k] = somewhere > tiny ? fmin(found.mass / somewhere, 1) : 0;
    out->spread[k] = found.spread;
}

void ag_heat_read(const ag_heat *h, ag_reading *out)
{
    double from = h->start, to = h->start + h->cell * (double)h->cells;
    *out = (ag_reading){.apart = {(double)NAN, (double)NAN, (double)NAN}, .voices = 1};
    read_point(h, AG_POINT_ENTRY, from, to, out);
    double entry = isnan(out->mm[AG_POINT_ENTRY]) ? from : out->mm[AG_POINT_ENTRY] + order_mm;
    read_point(h, AG_POINT_EXIT, entry, to, out);
    double exit =
        isnan(out->mm[AG_POINT_EXIT]) || out->none[AG_POINT_EXIT] > 0.5 ? to : out->mm[AG_POINT_EXIT] - order_mm;
    read_point(h, AG_POINT_TRANSITION, entry, exit, out);
}
