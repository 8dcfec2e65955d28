// SPDX-License-Identifier: Apache-2.0
/* change_points.c: the labeller that looks at torque and thrust over depth. Coarse first: where torque stands above
 * air, falls for the last time before a long stretch of air (what comes behind it is a countersink or the hard stop),
 * rises by a good part of itself, or dips. Then the shapes of fit.h are laid there; the length of the tool's point is
 * the one with which entry and exit fit best together, the exit drawn out by the burr that thrust pushes out. */
#include <math.h>
#include <string.h>

#include "core/base/vec.h"
#include "data/label/fit.h"
#include "data/label/label.h"

static const double air_mm = 1.7, span_mm = 1.6, edge_mm = 1.2, end_mm = 0.5;
enum { POINTS = 12 }; /* lengths of the point that are tried */
static const double shortest_mm = 1.2, point_step = 0.1;
/* mm of burr for an ampere of thrust; what no burr exceeds, and what is none; by how much better none must fit. */
static const double burr_mm = 0.25, most_burr_mm = 0.8, least_burr_mm = 0.02, doubt = 1.03;
/* Rows of a step in which the tip goes back, of all its rows, that make it a pecking one. */
static const double pecking_share = 0.005;
enum { PECKING_ROWS = 10 };
/* The point of usual tools, mm, and how far such points are from it; how many deviations from the shapes of both ends
 * are independent: ten millimetres, over a tenth of which they hang together. */
static const double usual_mm = 1.65, unusual_mm = 0.2;
enum { INDEPENDENT = 100 };

typedef struct stack {
    const ag_profile *p;
    ag_fitter *fitter;
    double zero, peak; /* A */
    size_t on, off;    /* bins where torque stands above air */
    bool exits;
    double exit; /* mm, coarse */
    double rise[AG_LABEL_TRANSITIONS];
    bool dips[AG_LABEL_TRANSITIONS];
    size_t rises;
    bool seized, pecks;
} stack;

static double highest(const ag_profile *p, double from, double to)
{
    double high = -INFINITY;
    for (size_t i = ag_profile_bin(p, from); i <= ag_profile_bin(p, to); i++) high = fmax(high, p->smooth[i]);
    return high;
}

/* The first stretch of torque that is long enough, up to air that is long enough. */
static bool find_stretch(stack *s)
{
    const ag_profile *p = s->p;
    size_t lead = p->count < 60 ? p->count : 60, run = 0, quiet = 0;
    for (size_t i = 0; i < lead; i++) s->zero += p->smooth[i] / (double)lead;
    for (size_t i = 0; i < p->count; i++) s->peak = fmax(s->peak, p->smooth[i] - s->zero);
    double threshold = s->zero + fmax(0.25, 0.05 * fmin(s->peak, 12));
    s->on = p->count;
    for (size_t i = 0; i < p->count; i++) {
        bool cuts = p->smooth[i] > threshold;
        if (s->on == p->count) {
            run = cuts ? run + 1 : 0;
            if ((double)run * p->bin >= 0.4) s->on = i + 1 - run;
            continue;
        }
        if (cuts) {
            s->off = i;
            quiet = 0;
        } else if ((double)++quiet * p->bin >= air_mm) {
            break;
        }
    }
    return s->on < p->count && s->off > s->on;
}

/* The last fall that is a good part of the largest. */
static void find_exit(stack *s)
{
    const ag_profile *p = s->p;
    size_t span = (size_t)(span_mm / p->bin), begin = s->on + (size_t)(0.5 / p->bin);
    double most = 0, best = 0;
    for (size_t i = begin; i <= s->off; i++) {
        size_t to = i + span < p->count ? i + span : p->count - 1;
        most = fmax(most, p->smooth[i] - p->smooth[to]);
    }
    double top = highest(p, ag_profile_depth(p, (double)s->on), ag_profile_depth(p, (double)s->off));
    s->exits = !s->seized && most > 0.45 * (top - s->zero);
    if (!s->exits) return;
    size_t last = s->off;
    while (last > begin) {
        size_t to = last + span < p->count ? last + span : p->count - 1;
        if (p->smooth[last] - p->smooth[to] >= 0.6 * most) break;
        last--;
    }
    size_t low = last > begin + 2 * span ? last - 2 * span : begin;
    for (size_t i = low; i <= last; i++) {
        size_t to = i + span < p->count ? i + span : p->count - 1;
        double fall = p->smooth[i] - p->smooth[to];
        if (fall < best) continue;
        best = fall;
        s->exit = ag_profile_depth(p, (double)i);
    }
}

static void add_rise(stack *s, double depth, bool dips)
{
    for (size_t k = 0; k < s->rises; k++)
        if (fabs(s->rise[k] - depth) < 2.2) {
            s->dips[k] |= dips;
            return;
        }
    if (s->rises == AG_LABEL_TRANSITIONS) return;
    size_t at = s->rises++;
    for (; at > 0 && s->rise[at - 1] > depth; at--) {
        s->rise[at] = s->rise[at - 1];
        s->dips[at] = s->dips[at - 1];
    }
    s->rise[at] = depth;
    s->dips[at] = dips;
}

static ptrdiff_t bins_of(const ag_profile *p, double mm)
{
    return (ptrdiff_t)lround(mm / p->bin);
}

static size_t bin_near(const ag_profile *p, ptrdiff_t bin)
{
    return bin < 0 ? 0 : bin < (ptrdiff_t)p->count ? (size_t)bin : p->count - 1;
}

static double rise_at(const stack *s, ptrdiff_t bin)
{
    const ag_profile *p = s->p;
    double here = p->smooth[bin_near(p, bin)] - s->zero;
    double rise = p->smooth[bin_near(p, bin + bins_of(p, span_mm))] - s->zero - here;
    if (rise < 0.08 * fmin(s->peak, 30) || rise < 0.3) return 0;
    return rise / fmax(here, 0.3);
}

/* The lowest value around a bin against the lesser of the highest on both sides, as a part of that; 0 when the change
 * is less than `least`. */
static double dip_of(const double *values, const ag_profile *p, ptrdiff_t bin, double way, double zero, double least)
{
    double left = -INFINITY, right = -INFINITY;
    size_t at = bin_near(p, bin), reach = (size_t)bins_of(p, way);
    for (size_t i = at > reach ? at - reach : 0; i < at; i++) left = values[i] > left ? values[i] : left;
    for (size_t i = at + 1; i <= at + reach && i < p->count; i++) right = values[i] > right ? values[i] : right;
    double side = fmin(left, right);
    return side - values[at] < least ? 0 : (side - values[at]) / fmax(side - zero, least);
}

/* Torque that dips by a third means air between layers; by less, only when thrust dips too: noise does not do that. */
static double dip_at(const stack *s, ptrdiff_t bin)
{
    const ag_profile *p = s->p;
    double dip = dip_of(p->smooth, p, bin, 2.6, s->zero, 0.3), push = 0;
    if (dip < 0.2 || dip >= 0.35) return dip < 0.2 ? 0 : dip;
    for (ptrdiff_t d = bins_of(p, -0.8); d <= bins_of(p, 0.4); d += bins_of(p, 0.1))
        push = fmax(push, dip_of(p->push, p, bin + d, 1.2, 0, 0.03));
    return push >= 0.35 ? dip : 0;
}

/* The most of its surroundings; of equals the last. */
static bool is_peak(const double *values, size_t count, size_t at, size_t reach)
{
    for (size_t i = at > reach ? at - reach : 0; i <= at + reach && i < count; i++)
        if (i < at ? values[i] > values[at] : i > at && values[i] >= values[at]) return false;
    return true;
}

/* Rises by a third and dips, each the most of its surroundings. What belongs to the entry is more than what follows and
 * so is none. */
static int find_rises(stack *s, double to, ag_arena *arena, ag_err *err)
{
    const ag_profile *p = s->p;
    ptrdiff_t edge = bins_of(p, edge_mm);
    size_t begin = s->on, end = ag_profile_bin(p, to), count = end > begin ? end - begin : 0;
    double *values = ag_arena_array(arena, count + 1, sizeof(*values));
    if (!values) return ag_fail_memory(err, count * sizeof(*values));
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++)
            values[i] = pass ? dip_at(s, (ptrdiff_t)(begin + i)) : rise_at(s, (ptrdiff_t)(begin + i));
        for (size_t i = (size_t)edge; i + (size_t)bins_of(p, 0.8) < count; i++) {
            if (values[i] <= (pass ? 0 : 0.35) || !is_peak(values, count, i, (size_t)bins_of(p, 1.6))) continue;
            double depth = ag_profile_depth(p, (double)(begin + i));
            add_rise(s, pass ? depth + 0.3 : depth, pass == 1);
        }
    }
    return AG_OK;
}

static double on_depth(const stack *s)
{
    return ag_profile_depth(s->p, (double)s->on);
}

/* Where the window of an event ends at the latest. */
static double limit_of(const stack *s, size_t rise)
{
    if (rise + 1 < s->rises) return s->rise[rise + 1] - 0.1;
    if (s->seized) return s->rise[rise] + 1.1;
    return s->exits ? s->exit : ag_profile_depth(s->p, (double)s->p->count);
}

static double entry_limit(const stack *s)
{
    if (s->rises) return s->rise[0] - 0.3;
    return s->exits ? s->exit - 0.2 : ag_profile_depth(s->p, (double)s->p->count);
}

static ag_fit fit_entry(const stack *s, double near, double reach, double point)
{
    return ag_fit_try(s->fitter, AG_FIT_ENTRY, near, reach, point, 0, entry_limit(s));
}

static ag_fit fit_exit(const stack *s, double near, double reach, double point)
{
    return ag_fit_try(s->fitter, AG_FIT_EXIT, near, reach, point, 0, ag_profile_depth(s->p, (double)s->p->count));
}

static ag_fit fit_rise(const stack *s, size_t k, double near, double reach, double point)
{
    double limit = limit_of(s, k);
    ag_fit best = ag_fit_try(s->fitter, AG_FIT_TRANSITION, near, reach, point, 0, limit);
    double gap = 0.2;
    while (gap < 1.5) {
        ag_fit fit = ag_fit_try(s->fitter, AG_FIT_TRANSITION, near, reach, point, gap, limit);
        if (fit.cost < best.cost * (best.gap > 0 ? 1 : s->dips[k] ? 0.95 : 0.6)) best = fit;
        gap += s->dips[k] ? 0.1 : 0.2;
    }
    return best;
}

/* ---- both ends ---- */

/* Thrust pushes the last of the material out before the edges have cut it, so that the corners leave a burr later than
 * they would leave the face: in real holes the way from the tip's exit to theirs grows by 0.25 mm for an ampere of
 * thrust. With the point's own length alone a wearing tool seems to drill thicker and thicker stacks. */
static double burr_of(const stack *s)
{
    const ag_profile *p = s->p;
    size_t lead = p->count < 60 ? p->count : 60, begin = ag_profile_bin(p, s->exit - 1.0);
    size_t end = ag_profile_bin(p, s->exit) + 1;
    double idle = 0, thrust = 0;
    for (size_t i = 0; i < lead; i++) idle += p->push[i] / (double)lead;
    for (size_t i = begin; i < end; i++) thrust += (p->push[i] - idle) / (double)(end - begin);
    return fmin(fmax(burr_mm * thrust, 0), most_burr_mm);
}

/* A drill that oscillates goes back again and again inside a step (in real holes in 1.1 to 2.3 % of the rows, any other
 * never). The samples tell it and not the program, which messages and prepared samples do not have: a hole has one
 * label, wherever it comes from. */
static bool oscillates(const ag_hole *hole)
{
    const ag_signal *signal = &hole->signal;
    for (size_t s = 0; s < hole->step_count; s++) {
        const ag_step_run *run = &hole->steps[s];
        size_t back = 0, rows = run->held - run->begin;
        for (size_t i = run->begin + 1; i < run->held; i++)
            back += ag_signal_depth(signal, i) < ag_signal_depth(signal, i - 1);
        if (back >= PECKING_ROWS && (double)back >= pecking_share * (double)rows) return true;
    }
    return false;
}

typedef struct ends {
    ag_fit entry, exit;
    double point, burr; /* mm */
    double cost;        /* of both */
} ends;

/* By how much better an unusual length of the point must fit with a drill that oscillates. There the samples hardly
 * tell it: thrust is a ripple over whole revolutions, and CFRP at a low speed only a few steps of the converter high.
 * So the lengths that fit best were up to 0.2 mm apart in repeats, and with them entry and exit. What is likely is the
 * product of how it fits and how usual it is. */
static double unlikely(const stack *s, double point)
{
    double away = (point - usual_mm) / unusual_mm;
    return s->pecks ? exp(away * away / INDEPENDENT) : 1;
}

static ends ends_of(const stack *s, ag_fit entry, double near, double point, double burr)
{
    ends e = {.entry = entry, .point = point, .burr = burr};
    if (s->exits) e.exit = fit_exit(s, near, 0.5, point + burr);
    e.cost = (e.entry.cost + e.exit.cost) * unlikely(s, point);
    return e;
}

/* The point's length with which entry and exit fit best; the parabola through the best three tells it more finely than
 * they are tried. `entries` are POINTS fits of the entry with these lengths. */
static ends best_ends(const stack *s, const ag_fit *entries, double near, double burr)
{
    ends best = {.entry.cost = INFINITY, .point = 1.6, .cost = INFINITY};
    double cost[POINTS];
    size_t at = 0;
    for (size_t i = 0; i < POINTS; i++) {
        ends e = ends_of(s, entries[i], near, shortest_mm + point_step * (double)i, burr);
        cost[i] = e.cost;
        if (!(e.cost < best.cost)) continue;
        best = e;
        at = i;
    }
    if (at == 0 || at + 1 >= POINTS || !isfinite(cost[at - 1]) || !isfinite(cost[at + 1])) return best;
    double bend = cost[at - 1] - 2 * best.cost + cost[at + 1];
    if (!(bend > 0)) return best;
    double point = best.point + point_step * 0.5 * (cost[at - 1] - cost[at + 1]) / bend;
    ends fine = ends_of(s, fit_entry(s, best.entry.depth, 0.5, point), near, point, burr);
    if (!isfinite(fine.cost)) return best;
    fine.cost = fmin(fine.cost, best.cost);
    return fine;
}

/* With a burr, unless it fits clearly better without one. A drill that oscillates breaks its chips and hardly leaves a
 * burr: there, it must fit clearly better with one, else chance would give it to some of the holes and not to others.
 */
static ends find_ends(const stack *s)
{
    ag_fit entries[POINTS], first = fit_entry(s, on_depth(s) - 0.5, 1.0, 1.6), last = {0};
    if (s->exits) last = fit_exit(s, s->exit, 1.0, 1.6);
    for (size_t i = 0; i < POINTS; i++)
        entries[i] = fit_entry(s, first.depth, 0.5, shortest_mm + point_step * (double)i);
    ends plain = best_ends(s, entries, last.depth, 0);
    double burr = s->exits ? burr_of(s) : 0;
    if (burr < least_burr_mm) return plain;
    ends stretched = best_ends(s, entries, last.depth, burr);
    return stretched.cost < (s->pecks ? 1 / doubt : doubt) * plain.cost ? stretched : plain;
}

/* Changes that stand out of their surroundings make a clear label, as long as torque and thrust look as they should. An
 * uncertainty of 0.23 mm is the limit of a high confidence: what is within 0.25 mm is right. */
static double clarity_of(double uncertainty, double cost)
{
    return exp(-pow(uncertainty / 0.7, 2)) * (cost < 6 ? 1 : pow(6 / cost, 0.25));
}

static double quality_of(const ag_verdict *verdict)
{
    double quality = verdict->valid ? 1 : 0.6;
    if (verdict->classes & AG_CLASS_WEAK) quality *= 0.9;
    for (const ag_flaw *flaw = verdict->flaws.first; flaw; flaw = flaw->next)
        if (strcmp(flaw->rule, "C11") == 0) quality *= 0.97;
    return quality;
}

static void take(ag_label *out, const ag_fit *fit, double *cost)
{
    out->uncertainty = fmax(out->uncertainty, fit->uncertainty);
    *cost = fmax(*cost, fit->cost);
}

static void measure(stack *s, ag_label *out)
{
    ends e = find_ends(s);
    double cost = 0;
    out->point = e.point;
    if (!isfinite(e.cost)) return;
    out->entry = e.entry.depth;
    take(out, &e.entry, &cost);
    for (size_t k = 0; k < s->rises; k++) {
        ag_fit fit = fit_rise(s, k, s->rise[k] + (s->dips[k] ? 0.1 : 0), s->dips[k] ? 1.1 : 0.8, out->point);
        if (!isfinite(fit.cost)) continue;
        out->transition[out->transition_count++] = fit.depth;
        take(out, &fit, &cost);
    }
    out->outcome = AG_LABEL_NO_EXIT;
    if (s->exits && e.exit.depth > e.entry.depth + end_mm) {
        out->outcome = AG_LABEL_FOUND;
        out->exit = e.exit.depth;
        out->full_exit = e.exit.depth + e.point + e.burr;
        take(out, &e.exit, &cost);
    }
    out->clarity = clarity_of(out->uncertainty, cost);
    if (out->outcome == AG_LABEL_NO_EXIT && !s->seized) out->clarity *= 0.6; /* most tools come through */
}

static int label(const ag_hole *hole, const ag_verdict *verdict, ag_arena *arena, ag_label *out, ag_err *err)
{
    if (verdict->classes & AG_CLASS_AIR) {
        if (ag_hole_breaks_off(hole)) return AG_OK; /* what would have come is not known */
        out->outcome = AG_LABEL_EMPTY;
        out->clarity = 1;
        out->quality = quality_of(verdict);
        return AG_OK;
    }
    ag_profile profile;
    ag_fitter *fitter;
    int rc = ag_profile_make(hole, arena, &profile, err);
    if (rc == AG_OK) rc = ag_fitter_new(&profile, arena, &fitter, err);
    if (rc != AG_OK) return rc;
    stack s = {
        .p = &profile, .fitter = fitter, .seized = verdict->classes & AG_CLASS_SEIZED, .pecks = oscillates(hole)};
    out->quality = quality_of(verdict);
    if (!find_stretch(&s)) return AG_OK;
    find_exit(&s);
    rc = find_rises(&s, s.exits ? s.exit : ag_profile_depth(&profile, (double)s.off), arena, err);
    if (rc == AG_OK) measure(&s, out);
    return rc;
}

const ag_labeller ag_labeller_change_points = {
    .name = "change-points",
    .doc = "Shapes that the tool's point makes of torque and thrust where it enters, changes and leaves material",
    .label = label,
};
