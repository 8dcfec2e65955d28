// SPDX-License-Identifier: Apache-2.0
/* calibration.c: what a fitted calibration makes of the witnesses, hole by hole; calibration_fit.c fits it. */
#include "learn/drilling/calibration.h"

#include <math.h>
#include <string.h>

#include "data/label/fit.h"
#include "data/validator.h"
#include "learn/drilling/calibration_parts.h"
#include "learn/drilling/tip.h"

enum { TERMS = AG_CALIBRATION_TERMS };
static const double usual_point = 1.6; /* mm, length of a tool's point */

/* ---- witnesses ---- */

static double shape_depth(const ag_label *shape, int point)
{
    if (point == AG_POINT_ENTRY) return shape->entry;
    if (point == AG_POINT_EXIT) return shape->exit;
    return NAN;
}

/* The labeller's depth of this point that is nearest to the heap. */
static double word_near(const ag_drilled *drilled, int point, double heap)
{
    const ag_label *shape = &drilled->shape;
    double near = shape_depth(shape, point);
    if (point == AG_POINT_TRANSITION)
        for (size_t i = 0; i < shape->transition_count; i++)
            if (isnan(near) || fabs(shape->transition[i] - heap) < fabs(near - heap)) near = shape->transition[i];
    return near;
}

/* How far the labeller is from the heap at the other end, where its trust in the point's length shows, too; 0: no
 * telling. */
static double away_elsewhere(const ag_drilled *drilled, const ag_reading *r, int point)
{
    int other = point == AG_POINT_ENTRY ? AG_POINT_EXIT : AG_POINT_ENTRY;
    double away = shape_depth(&drilled->shape, other) - r->mm[other];
    return r->none[other] <= 0.5 && fabs(away) <= AG_CALIBRATION_FAR ? away : 0;
}

/* Mean torque of the layer above this depth, as far as the whole point was in it. */
static double torque_above(const ag_track *t, double depth)
{
    const double near = 0.3, far = 1.6; /* mm */
    double sum = 0, count = 0;
    for (size_t i = 0; i < t->count && t->depth[i] < depth - near; i++) {
        if (t->depth[i] < depth - far) continue;
        sum += t->torque[i];
        count++;
    }
    return count > 0 ? fmax(sum / count, 0) : 0;
}

/* The feed where the tool was at this depth. */
static double feed_at(const ag_track *t, double depth)
{
    size_t low = 0, high = t->count;
    while (low + 1 < high) {
        size_t mid = low + (high - low) / 2;
        if (t->depth[mid] <= depth)
            low = mid;
        else
            high = mid;
    }
    size_t from = low > 10 ? low - 10 : 0, to = low + 10 < t->count ? low + 10 : t->count - 1;
    double time = t->count ? t->time[to] - t->time[from] : 0;
    return time > 0 ? (t->depth[to] - t->depth[from]) / time : 0;
}

/* What thrust shows of the tip near the heap. Without it, as where there are too few samples. */
typedef struct tip_terms {
    double away, surely, chisel; /* mm from the heap; logarithm of how unsure; mm that the edge is longer than usual */
} tip_terms;

static tip_terms tip_of(const ag_drilled *drilled, double heap, double point_length, int point, bool refine)
{
    static const int signs[] = {[AG_POINT_ENTRY] = 1, [AG_POINT_TRANSITION] = 0, [AG_POINT_EXIT] = -1};
    const ag_track nothing_felt = {0};
    ag_tip tip = ag_tip_find(refine ? &drilled->track : &nothing_felt, heap, point_length, signs[point]);
    return (tip_terms){tip.away, log(tip.unsure / 0.01), tip.chisel - AG_FIT_CHISEL * point_length};
}

ag_witness ag_witness_of(const ag_drilled *drilled, const ag_reading *r, int point, bool refine)
{
    ag_witness w = {.heap = r->mm[point], .spread = r->spread[point], .apart = r->apart[point], .truth = (double)NAN};
    w.word = refine ? word_near(drilled, point, w.heap) : (double)NAN;
    w.shape = fabs(w.word - w.heap) <= AG_CALIBRATION_FAR ? w.word : (double)NAN; /* else it is of another point */
    if (point == AG_POINT_TRANSITION && drilled->shape.transition_count > 1)
        w.word = w.shape; /* of several transitions another one may be meant */
    bool both = !isnan(w.shape), measured = both && !isnan(drilled->shape.point);
    double away = both ? w.shape - w.heap : 0, spread = log(r->spread[point] / 0.15);
    double unsure = both ? log((drilled->shape.uncertainty + 0.02) / 0.1) : 0;
    double feed = log((feed_at(&drilled->track, w.heap) + 0.1) / 2);
    double length = measured ? drilled->shape.point : usual_point;
    double above = log((torque_above(&drilled->track, w.heap) + 0.3) / 4);
    double elsewhere = both ? away_elsewhere(drilled, r, point) : 0;
    tip_terms tip = tip_of(drilled, w.heap, length, point, refine);
    const double x[TERMS] = {1,
                             away,
                             away * spread,
                             away * unsure,
                             both ? feed : 0,
                             both ? 0 : 1,
                             length - usual_point,
                             away * above,
                             elsewhere,
                             tip.away,
                             tip.away * tip.surely,
                             away * tip.surely,
                             tip.chisel,
                             tip.chisel * tip.surely,
                             tip.away * feed};
    const double z[TERMS] = {1,
                             spread,
                             log(fabs(away) + 0.02) - log(0.05),
                             unsure,
                             isnan(r->apart[point]) ? 0 : log(r->apart[point] + 0.01) - log(0.03),
                             log(1.02 - r->mass[point]),
                             tip.surely,
                             log(fabs(tip.away) + 0.01) - log(0.02),
                             tip.surely * tip.surely,
                             spread * tip.surely,
                             feed};
    memcpy(w.x, x, sizeof x);
    memcpy(w.z, z, sizeof z);
    ag_witness_signs(drilled, r, point, &w);
    return w;
}

double ag_witness_blended(const double blend[TERMS], const ag_witness *w)
{
    double way = ag_witness_product(blend, w->x);
    return w->heap + fmax(-AG_CALIBRATION_FAR, fmin(AG_CALIBRATION_FAR, way));
}

double ag_witness_usual_error(const double scale[TERMS], const ag_witness *w)
{
    return exp(fmax(-7, fmin(2, ag_witness_product(scale, w->z))));
}

double ag_calibration_way(double labeller, double heap)
{
    double sum = labeller * labeller + heap * heap;
    return sum > 0 ? heap * heap / sum : 1;
}

static double depth_of(const ag_point_calibration *p, const ag_witness *w)
{
    if (isnan(p->labeller)) return ag_witness_blended(p->blend, w);
    if (isnan(w->shape)) return w->heap;
    return w->heap + ag_calibration_way(p->labeller, w->spread) * (w->shape - w->heap);
}

static double confidence_of(const ag_point_calibration *c, double usual)
{
    for (size_t i = 0; i < c->stairs; i++)
        if (usual <= c->error[i]) return c->confidence[i];
    return c->stairs ? c->confidence[c->stairs - 1] * c->error[c->stairs - 1] / usual : 0.5;
}

/* ---- answers ---- */

static const ag_point nothing = {.mm = (double)NAN, .low = (double)NAN, .high = (double)NAN};

/* The chance that the calibration says nothing of this point: the hole is of another kind than those it knows, or it
 * was told by repeats, which say how exact labeller and heap are together, and the heap is alone here. */
static double unknown_to(const ag_point_calibration *p, const ag_witness *w, double unlike)
{
    return isnan(p->labeller) || !isnan(w->shape) ? unlike : 1;
}

static ag_point answer_point(const ag_calibration *c, const ag_witness *w, const ag_reading *r, int k, double unknown)
{
    const ag_point_calibration *p = &c->point[k];
    ag_point out = nothing;
    out.confidence = r->none[k];
    if (isnan(w->heap) || (unknown > 0.5 && ag_witness_silent_elsewhere(w))) return out;
    double usual = ag_witness_usual_error(p->scale, w), half = p->width * usual, right = confidence_of(p, usual);
    out.mm = depth_of(p, w);
    if (unknown > 0) {
        ag_elsewhere e = ag_witness_elsewhere(w);
        out.mm += (e.another ? unknown > 0.5 : unknown) * (e.mm - out.mm);
        half = sqrt((1 - unknown) * half * half + unknown * e.half * e.half);
        right += unknown * (e.right - right);
    }
    out.low = out.mm - half;
    out.high = out.mm + half;
    out.confidence = right * (1 - r->none[k]) * fmin(1, r->mass[k] + 0.5);
    return out;
}

/* Why there can be no exit, whatever the model says; NULL: there can. It has hardly seen recordings that end inside the
 * stack: there, the labeller must have seen torque fall, too. */
static const char *without_exit(const ag_drilled *drilled)
{
    if (drilled->classes & AG_CLASS_SEIZED) return "the tool seized";
    if (drilled->shape.outcome == AG_LABEL_FOUND) return NULL;
    return drilled->breaks_off ? "the recording breaks off" : drilled->running ? "the tool is not through yet" : NULL;
}

static void answer_cut(const ag_calibration *c, const ag_drilled *drilled, const ag_reading *r, ag_prediction *out)
{
    const char *why = without_exit(drilled);
    ag_witness witnesses[AG_POINTS];
    for (int k = 0; k < AG_POINTS; k++) {
        bool there = r->none[k] <= 0.5 && !isnan(r->mm[k]);
        witnesses[k] = there ? ag_witness_of(drilled, r, k, c->refine) : (ag_witness){.heap = (double)NAN};
    }
    double unlike = ag_calibration_unlike(c, witnesses);
    for (int k = 0; k < AG_POINTS; k++)
        out->points[k] = answer_point(c, &witnesses[k], r, k, unknown_to(&c->point[k], &witnesses[k], unlike));
    out->unlike = unlike > 0.5;
    if (out->unlike) out->reason = "unlike the holes that the model knows";
    if (why) {
        out->points[AG_POINT_EXIT] = nothing;
        out->points[AG_POINT_EXIT].confidence = 1;
        out->reason = why;
    }
    if (isnan(out->points[AG_POINT_ENTRY].mm)) {
        out->outcome = AG_LABEL_NONE;
        out->reason = "no entry can be seen";
        for (int k = 0; k < AG_POINTS; k++) out->points[k] = nothing;
        return;
    }
    out->outcome = isnan(out->points[AG_POINT_EXIT].mm) ? AG_LABEL_NO_EXIT : AG_LABEL_FOUND;
    if (out->outcome == AG_LABEL_NO_EXIT && !why) out->reason = "no exit can be seen";
}

static int grip_of(const ag_grip *grip, const ag_prediction *p)
{
    ag_label_settings settings = {
        .grip_pitch = grip->pitch, .grip_tolerance = grip->tolerance, .grip_codes = grip->codes};
    if (p->outcome != AG_LABEL_FOUND) return 0;
    return ag_label_grip(p->points[AG_POINT_EXIT].mm - p->points[AG_POINT_ENTRY].mm, &settings);
}

void ag_calibration_answer(const ag_calibration *calibration, const ag_grip *grip, const ag_drilled *drilled,
                           const ag_reading *reading, ag_prediction *out)
{
    *out = (ag_prediction){.outcome = AG_LABEL_NONE, .points = {nothing, nothing, nothing}, .spread = (double)NAN};
    if (drilled->classes & AG_CLASS_AIR && drilled->breaks_off) {
        out->reason = "the recording breaks off before anything is cut";
        return;
    }
    if (drilled->classes & AG_CLASS_AIR) {
        out->outcome = AG_LABEL_EMPTY;
        out->reason = "nothing was cut";
        out->confidence = 1;
        for (int k = 0; k < AG_POINTS; k++) out->points[k].confidence = 1;
        return;
    }
    if (drilled->unusable) {
        out->reason = drilled->unusable;
        return;
    }
    out->voices = reading->voices;
    for (int k = 0; k < AG_POINTS; k++) out->spread = fmax(out->spread, reading->apart[k]);
    answer_cut(calibration, drilled, reading, out);
    if (out->outcome == AG_LABEL_NONE) return;
    out->confidence = 1;
    for (int k = 0; k < AG_POINTS; k++) out->confidence = fmin(out->confidence, out->points[k].confidence);
    out->grip_code = grip_of(grip, out);
}
