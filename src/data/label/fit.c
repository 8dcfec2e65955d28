// SPDX-License-Identifier: Apache-2.0
/* fit.c: torque follows the engaged part of the cone's edge (to a power a little below 2), thrust its length and the
 * chisel at its very tip, so that thrust tells the tip sharply where torque only begins to change. Depths are tried bin
 * by bin with tabulated shapes; the parabola through the best three gives the rest. Deviations are measured against a
 * floor of noise and a part of the change itself, because no cone is a perfect one: so one clear channel decides, and
 * two that contradict each other cost. */
#include "data/label/fit.h"

#include <math.h>

enum { TERMS = 3, TABLE = 256, TRIES = 256 };
static const double before_mm = 1.3, behind_mm = 0.9, power = 1.8, chisel = 0.10, tip_share = 0.45, run_in_mm = 0.8;

typedef struct shapes {
    double edge[TABLE], tip[TABLE], cone[TABLE], late[TABLE], tail[TABLE];
} shapes;

typedef struct sums { /* normal equations of one channel */
    double xx[TERMS][TERMS], xy[TERMS], yy;
} sums;

static void tabulate(shapes *s, double bin, double point)
{
    for (int i = 0; i < TABLE; i++) {
        double x = (i + 0.5) * bin;
        s->edge[i] = x >= point ? 1 : pow(x / point, power);
        s->tip[i] = x >= chisel * point ? 1 : x / (chisel * point);
        s->cone[i] = x >= point ? 1 : x / point;
        s->late[i] = s->edge[i] * (1 - exp(-x / run_in_mm));
        s->tail[i] = s->edge[i] * exp(-x / run_in_mm);
    }
}

static double shape(const double *table, ptrdiff_t at)
{
    return at < 0 ? 0 : table[at < TABLE ? at : TABLE - 1];
}

static void add(sums *s, const double x[TERMS], double y)
{
    for (int i = 0; i < TERMS; i++) {
        for (int k = 0; k <= i; k++) s->xx[i][k] += x[i] * x[k];
        s->xy[i] += x[i] * y;
    }
    s->yy += y * y;
}

/* What remains after the best amplitudes; Cholesky with a little ridge, because shapes may coincide. */
static double remainder_of(sums *s, double amplitude[TERMS])
{
    double ridge = 1e-6 * (s->xx[0][0] + s->xx[1][1] + s->xx[2][2]) + 1e-12, z[TERMS], left = s->yy;
    for (int i = 0; i < TERMS; i++) {
        for (int k = 0; k <= i; k++) {
            double sum = s->xx[i][k] + (i == k ? ridge : 0);
            for (int m = 0; m < k; m++) sum -= s->xx[i][m] * s->xx[k][m];
            s->xx[i][k] = i == k ? sqrt(fmax(sum, 1e-15)) : sum / s->xx[k][k];
        }
        z[i] = s->xy[i];
        for (int k = 0; k < i; k++) z[i] -= s->xx[i][k] * z[k];
        z[i] /= s->xx[i][i];
        left -= z[i] * z[i];
    }
    for (int i = TERMS - 1; i >= 0; i--) {
        amplitude[i] = z[i];
        for (int k = i + 1; k < TERMS; k++) amplitude[i] -= s->xx[k][i] * amplitude[k];
        amplitude[i] /= s->xx[i][i];
    }
    return fmax(left, 0);
}

static void terms_of(const shapes *s, ag_fit_kind kind, ptrdiff_t at, ptrdiff_t gap, double torque[TERMS],
                     double thrust[TERMS])
{
    double edge = shape(s->edge, at), tip = shape(s->tip, at), cone = shape(s->cone, at);
    torque[1] = edge;
    thrust[1] = tip;
    thrust[2] = cone;
    torque[0] = thrust[0] = 1;
    torque[2] = 0;
    if (kind == AG_FIT_TRANSITION) {
        double left = shape(s->edge, at + gap);
        torque[0] = 1 - left;
        torque[2] = shape(s->late, at);
        thrust[0] = 1 - tip_share * shape(s->tip, at + gap) - (1 - tip_share) * shape(s->cone, at + gap);
    } else if (kind == AG_FIT_EXIT) {
        torque[0] = 1 - edge;
        torque[2] = shape(s->tail, at);
        thrust[1] = 1 - tip;
        thrust[2] = 1 - cone;
    }
}

/* Torque must change the way that the kind of event makes it. */
static bool plausible(ag_fit_kind kind, const double torque[TERMS])
{
    if (kind == AG_FIT_ENTRY) return torque[1] > 0;
    if (kind == AG_FIT_EXIT) return torque[0] > 0 && torque[0] > torque[1];
    return torque[0] > 0 && torque[1] + torque[2] > 0;
}

typedef struct window {
    size_t begin, end;
    double torque_unit, thrust_unit;
} window;

static window window_of(const ag_profile *p, double near, double reach, double point, double limit)
{
    window w = {.begin = ag_profile_bin(p, near - reach - before_mm),
                .end = ag_profile_bin(p, fmin(near + reach + point + behind_mm, limit)) + 1};
    double low = INFINITY, high = -INFINITY, thrust_low = INFINITY, thrust_high = -INFINITY;
    for (size_t i = w.begin; i < w.end; i++) {
        if (!p->told[i]) continue;
        low = fmin(low, p->torque[i]);
        high = fmax(high, p->torque[i]);
        thrust_low = fmin(thrust_low, p->thrust[i]);
        thrust_high = fmax(thrust_high, p->thrust[i]);
    }
    w.torque_unit = 0.04 + 0.015 * (high > low ? high - low : 0);
    w.thrust_unit = 0.010 + 0.04 * (thrust_high > thrust_low ? thrust_high - thrust_low : 0);
    return w;
}

static double cost_at(const ag_profile *p, const shapes *s, ag_fit_kind kind, const window *w, ptrdiff_t at,
                      ptrdiff_t gap)
{
    sums torque = {0}, thrust = {0};
    double a[TERMS], b[TERMS];
    size_t used = 0;
    for (size_t i = w->begin; i < w->end; i++) {
        if (!p->told[i]) continue;
        double x[TERMS], y[TERMS];
        terms_of(s, kind, (ptrdiff_t)i - at, gap, x, y);
        add(&torque, x, p->torque[i]);
        add(&thrust, y, p->thrust[i]);
        used++;
    }
    if (used < 12) return INFINITY;
    double cost = remainder_of(&torque, a) / (w->torque_unit * w->torque_unit) +
                  remainder_of(&thrust, b) / (w->thrust_unit * w->thrust_unit);
    return plausible(kind, a) ? cost / (double)used : INFINITY;
}

ag_fit ag_fit_try(const ag_profile *profile, ag_fit_kind kind, double near, double reach, double point, double gap,
                  double limit)
{
    ag_fit fit = {.depth = near, .gap = gap, .cost = INFINITY};
    shapes s;
    double costs[TRIES] = {INFINITY};
    window w = window_of(profile, near, reach, point, limit);
    ptrdiff_t first = (ptrdiff_t)ag_profile_bin(profile, near - reach);
    size_t count = (size_t)(2 * reach / profile->bin) + 1, best = 0, wide = 0;
    if (count > TRIES) count = TRIES;
    tabulate(&s, profile->bin, point);
    for (size_t i = 0; i < count; i++) {
        costs[i] = cost_at(profile, &s, kind, &w, first + (ptrdiff_t)i, (ptrdiff_t)(gap / profile->bin + 0.5));
        if (costs[i] < costs[best]) best = i;
    }
    if (!isfinite(costs[best])) return fit;
    double part = 0;
    if (best > 0 && best + 1 < count && isfinite(costs[best - 1]) && isfinite(costs[best + 1])) {
        double bend = costs[best - 1] - 2 * costs[best] + costs[best + 1];
        if (bend > 0) part = 0.5 * (costs[best - 1] - costs[best + 1]) / bend;
    }
    for (size_t i = 0; i < count; i++) wide += costs[i] < 1.25 * costs[best] + 0.02;
    fit.cost = costs[best];
    fit.depth = ag_profile_depth(profile, (double)(first + (ptrdiff_t)best) + part);
    fit.uncertainty = 0.5 * (double)wide * profile->bin;
    return fit;
}
