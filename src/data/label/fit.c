// SPDX-License-Identifier: Apache-2.0
/* fit.c: torque follows the engaged part of the cone's edge (to a power a little below 2), thrust its length and the
 * chisel at its very tip, so that thrust tells the tip sharply where torque only begins to change. Behind a transition
 * and before an exit torque also has a slope, because chips pack and edges warm. Deviations are measured against a
 * floor of noise and a part of the change itself, because no cone is a perfect one: so one clear channel decides, and
 * two that contradict each other cost.
 *
 * A shape depends only on how far a bin lies from the tried depth. So the columns of the normal equations are slices of
 * one table, and of their products sums are kept: a try costs a few scalar products of slices. Depths are tried every
 * STRIDE bins first and then bin by bin where that is promising; the parabola through the best three gives the rest. */
#include "data/label/fit.h"

#include <math.h>

enum { TERMS = 4, PUSHES = 3, PAIRS = 10, PUSH_PAIRS = 6, REACH = 512, WIDTH = 2 * REACH, TRIES = 256, STRIDE = 3 };
static const double before_mm = 1.3, behind_mm = 0.9, power = 1.8, chisel = AG_FIT_CHISEL, tip_share = 0.45,
                    run_in_mm = 0.8;
static const double slope_mm = 2.0;

/* Entry k of a column belongs to the bin k - REACH behind the tried depth. */
typedef struct columns {
    double x[TERMS][WIDTH];       /* shapes */
    double xx[PAIRS][WIDTH];      /* their products, in the order of triangle() */
    double sum[PAIRS][WIDTH + 1]; /* of the products before entry k */
    size_t terms, pairs;
} columns;

struct ag_fitter {
    const ag_profile *profile;
    double *told, *torque, *thrust; /* [count]: 1 or 0; 0 where untold */
    size_t *untold;                 /* [count + 1]: untold bins before this one */
    columns torque_columns, thrust_columns;
};

int ag_fitter_new(const ag_profile *profile, ag_arena *arena, ag_fitter **out, ag_err *err)
{
    ag_fitter *f = ag_arena_alloc(arena, sizeof(*f));
    if (!f) return ag_fail_memory(err, sizeof(*f));
    f->profile = profile;
    f->told = ag_arena_array(arena, profile->count, sizeof(double));
    f->torque = ag_arena_array(arena, profile->count, sizeof(double));
    f->thrust = ag_arena_array(arena, profile->count, sizeof(double));
    f->untold = ag_arena_array(arena, profile->count + 1, sizeof(size_t));
    if (!f->told || !f->torque || !f->thrust || !f->untold) return ag_fail_memory(err, profile->count * sizeof(double));
    for (size_t i = 0; i < profile->count; i++) {
        f->told[i] = profile->told[i];
        f->torque[i] = profile->told[i] ? profile->torque[i] : 0;
        f->thrust[i] = profile->told[i] ? profile->thrust[i] : 0;
        f->untold[i + 1] = f->untold[i] + !profile->told[i];
    }
    *out = f;
    return AG_OK;
}

/* ---- shapes ---- */

static double edge_at(double x, double point)
{
    return x <= 0 ? 0 : x >= point ? 1 : pow(x / point, power);
}

static double tip_at(double x, double point)
{
    return x <= 0 ? 0 : x >= chisel * point ? 1 : x / (chisel * point);
}

static double cone_at(double x, double point)
{
    return x <= 0 ? 0 : x >= point ? 1 : x / point;
}

/* x: mm behind the tip's event. */
static void shapes_at(ag_fit_kind kind, double x, double point, double gap, double torque[TERMS], double thrust[PUSHES])
{
    double edge = edge_at(x, point), tip = tip_at(x, point), cone = cone_at(x, point);
    double tail = x <= 0 ? 0 : exp(-x / run_in_mm);
    torque[0] = thrust[0] = 1;
    torque[1] = edge;
    torque[2] = edge * (1 - tail);
    torque[3] = edge * x / slope_mm;
    thrust[1] = tip;
    thrust[2] = cone;
    if (kind == AG_FIT_TRANSITION) {
        double left = x + gap;
        torque[0] = 1 - edge_at(left, point);
        thrust[0] = 1 - tip_share * tip_at(left, point) - (1 - tip_share) * cone_at(left, point);
    } else if (kind == AG_FIT_EXIT) {
        torque[0] = 1 - edge;
        torque[2] = edge * tail;
        torque[3] = (1 - edge) * x / slope_mm;
        thrust[1] = 1 - tip;
        thrust[2] = 1 - cone;
    }
}

/* Entries [from, to) of the tables. */
static void sum_products(columns *c, size_t from, size_t to, bool whole)
{
    for (size_t a = 0, pair = 0; a < c->terms; a++)
        for (size_t b = 0; b <= a; b++, pair++) {
            double sum = 0;
            for (size_t k = from; k < to; k++) c->xx[pair][k] = c->x[a][k] * c->x[b][k];
            for (size_t k = from; whole && k < to; k++) {
                c->sum[pair][k] = sum;
                sum += c->xx[pair][k];
            }
            c->sum[pair][to] = sum;
        }
}

static void tabulate(ag_fitter *f, ag_fit_kind kind, double point, double gap, size_t from, size_t to, bool whole)
{
    static const size_t terms[] = {[AG_FIT_ENTRY] = 2, [AG_FIT_TRANSITION] = TERMS, [AG_FIT_EXIT] = TERMS};
    columns *torque = &f->torque_columns, *thrust = &f->thrust_columns;
    torque->terms = terms[kind];
    torque->pairs = torque->terms * (torque->terms + 1) / 2;
    thrust->terms = PUSHES;
    thrust->pairs = PUSH_PAIRS;
    for (size_t k = from; k < to; k++) {
        double x[TERMS], y[PUSHES];
        shapes_at(kind, ((double)k - REACH + 0.5) * f->profile->bin, point, gap, x, y);
        for (size_t i = 0; i < torque->terms; i++) torque->x[i][k] = x[i];
        for (size_t i = 0; i < PUSHES; i++) thrust->x[i][k] = y[i];
    }
    sum_products(torque, from, to, whole);
    sum_products(thrust, from, to, whole);
}

/* ---- one try ---- */

/* In four parts, so that a compiler may do them at once; the order of additions is the same everywhere. */
static double product_of(const double *a, const double *b, size_t count)
{
    double part[4] = {0}, rest = 0;
    size_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (size_t k = 0; k < 4; k++) part[k] += a[i + k] * b[i + k];
    for (; i < count; i++) rest += a[i] * b[i];
    return (part[0] + part[1]) + (part[2] + part[3]) + rest;
}

/* What remains of `left` (the squares of the values) after the best amplitudes; Cholesky with a little ridge, because
 * shapes may coincide. */
static double remainder_of(size_t terms, const double xx[PAIRS], const double xy[TERMS], double left,
                           double amplitude[TERMS])
{
    double ridge = 1e-12, z[TERMS], root[TERMS][TERMS];
    for (size_t i = 0; i < terms; i++) ridge += 1e-6 * xx[i * (i + 1) / 2 + i];
    for (size_t i = 0; i < terms; i++) {
        for (size_t k = 0; k <= i; k++) {
            double sum = xx[i * (i + 1) / 2 + k] + (i == k ? ridge : 0);
            for (size_t m = 0; m < k; m++) sum -= root[i][m] * root[k][m];
            root[i][k] = i == k ? sqrt(fmax(sum, 1e-15)) : sum / root[k][k];
        }
        z[i] = xy[i];
        for (size_t k = 0; k < i; k++) z[i] -= root[i][k] * z[k];
        z[i] /= root[i][i];
        left -= z[i] * z[i];
    }
    for (size_t i = terms; i-- > 0;) {
        amplitude[i] = z[i];
        for (size_t k = i + 1; k < terms; k++) amplitude[i] -= root[k][i] * amplitude[k];
        amplitude[i] /= root[i][i];
    }
    return fmax(left, 0);
}

typedef struct window {
    size_t begin, end, used; /* bins; told ones */
    double torque_unit, thrust_unit;
    double torque_squares, thrust_squares;
} window;

static window window_of(const ag_fitter *f, double near, double reach, double point, double limit)
{
    const ag_profile *p = f->profile;
    window w = {.begin = ag_profile_bin(p, near - reach - before_mm),
                .end = ag_profile_bin(p, fmin(near + reach + point + behind_mm, limit)) + 1};
    double low = INFINITY, high = -INFINITY, thrust_low = INFINITY, thrust_high = -INFINITY;
    for (size_t i = w.begin; i < w.end; i++) {
        if (!p->told[i]) continue;
        low = fmin(low, p->torque[i]);
        high = fmax(high, p->torque[i]);
        thrust_low = fmin(thrust_low, p->thrust[i]);
        thrust_high = fmax(thrust_high, p->thrust[i]);
        w.torque_squares += p->torque[i] * p->torque[i];
        w.thrust_squares += p->thrust[i] * p->thrust[i];
        w.used++;
    }
    w.torque_unit = 0.04 + 0.015 * (high > low ? high - low : 0);
    w.thrust_unit = 0.010 + 0.04 * (thrust_high > thrust_low ? thrust_high - thrust_low : 0);
    return w;
}

/* Of one channel: `from` is the column's entry that belongs to the window's first bin. */
static double deviation_of(const ag_fitter *f, const columns *c, const window *w, size_t from, const double *values,
                           double squares, double amplitude[TERMS])
{
    double xx[PAIRS] = {0}, xy[TERMS] = {0};
    size_t count = w->end - w->begin;
    bool whole = f->untold[w->end] == f->untold[w->begin];
    for (size_t k = 0; k < c->pairs; k++)
        xx[k] =
            whole ? c->sum[k][from + count] - c->sum[k][from] : product_of(&c->xx[k][from], f->told + w->begin, count);
    for (size_t k = 0; k < c->terms; k++) xy[k] = product_of(&c->x[k][from], values + w->begin, count);
    return remainder_of(c->terms, xx, xy, squares, amplitude);
}

/* Torque must change the way that the kind of event makes it. */
static bool plausible(ag_fit_kind kind, const double torque[TERMS])
{
    if (kind == AG_FIT_ENTRY) return torque[1] > 0;
    if (kind == AG_FIT_EXIT) return torque[0] > 0 && torque[0] > torque[1];
    return torque[0] > 0 && torque[1] + torque[2] > 0;
}

static double cost_at(const ag_fitter *f, ag_fit_kind kind, const window *w, size_t at)
{
    double torque[TERMS] = {0}, thrust[TERMS];
    if (w->used < 12 || at + REACH < w->end || w->begin + REACH < at) return INFINITY;
    size_t from = w->begin + REACH - at;
    double cost = deviation_of(f, &f->torque_columns, w, from, f->torque, w->torque_squares, torque) /
                  (w->torque_unit * w->torque_unit);
    if (!plausible(kind, torque)) return INFINITY;
    cost += deviation_of(f, &f->thrust_columns, w, from, f->thrust, w->thrust_squares, thrust) /
            (w->thrust_unit * w->thrust_unit);
    return cost / (double)w->used;
}

/* ---- all tries ---- */

typedef struct tries {
    double cost[TRIES]; /* NaN: not tried */
    size_t first, count, best;
} tries;

static void try_at(const ag_fitter *f, ag_fit_kind kind, const window *w, tries *t, size_t i)
{
    if (i >= t->count || !isnan(t->cost[i])) return;
    t->cost[i] = cost_at(f, kind, w, t->first + i);
    if (t->cost[i] < t->cost[t->best]) t->best = i;
}

static void try_all(const ag_fitter *f, ag_fit_kind kind, const window *w, tries *t)
{
    for (size_t i = 0; i < t->count; i++) t->cost[i] = NAN;
    t->cost[0] = cost_at(f, kind, w, t->first);
    for (size_t i = STRIDE; i < t->count; i += STRIDE) try_at(f, kind, w, t, i);
    double good = 1.5 * t->cost[t->best] + 0.05;
    for (size_t i = 0; i < t->count; i += STRIDE) {
        if (!(t->cost[i] <= good)) continue;
        for (size_t k = 1; k < STRIDE; k++) {
            if (i >= k) try_at(f, kind, w, t, i - k);
            try_at(f, kind, w, t, i + k);
        }
    }
}

ag_fit ag_fit_try(ag_fitter *f, ag_fit_kind kind, double near, double reach, double point, double gap, double limit)
{
    const ag_profile *p = f->profile;
    ag_fit fit = {.depth = near, .gap = gap, .cost = INFINITY};
    window w = window_of(f, near, reach, point, limit);
    tries t = {.first = ag_profile_bin(p, near - reach), .count = (size_t)(2 * reach / p->bin) + 1};
    size_t wide = 0;
    if (t.count > TRIES) t.count = TRIES;
    size_t last = t.first + t.count, from = w.begin + REACH > last ? w.begin + REACH - last : 0;
    size_t to = w.end + REACH > t.first ? w.end + REACH - t.first : 0;
    tabulate(f, kind, point, gap, from, to < WIDTH ? to : WIDTH, f->untold[w.end] == f->untold[w.begin]);
    try_all(f, kind, &w, &t);
    const double *c = &t.cost[t.best];
    if (!isfinite(*c)) return fit;
    double part = 0;
    if (t.best > 0 && t.best + 1 < t.count && isfinite(c[-1]) && isfinite(c[1])) {
        double bend = c[-1] - 2 * c[0] + c[1];
        if (bend > 0) part = 0.5 * (c[-1] - c[1]) / bend;
    }
    for (size_t i = 0; i < t.count; i++) wide += t.cost[i] < 1.25 * *c + 0.02;
    fit.cost = *c;
    fit.depth = ag_profile_depth(p, (double)(t.first + t.best) + part);
    fit.uncertainty = 0.5 * (double)wide * p->bin;
    return fit;
}
