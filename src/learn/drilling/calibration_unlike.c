// SPDX-License-Identifier: Apache-2.0
/* calibration_unlike.c: a hole that is unlike those that the calibration was fitted on. There, what the witnesses were
 * worth says nothing of here: a model of simulated holes lays its heaps 0.2 mm from where a real edge cuts and is as
 * sure of them as ever, and a line that was fitted between heap and shape goes on where there were no holes. So signs
 * of every point (how wide its heap is, how far the shape is from it, how much lies outside of the heap, how unsure the
 * labeller is) are compared with what they usually were: each as the logarithm's distance from the middle, in
 * deviations of a distribution with long tails, beside what they are in holes of another kind, all points together.
 * Where torque is noisy all of them are more than elsewhere, so what is usual goes with the noise.
 *
 * In a hole of another kind the labeller, who knows how a cone cuts and learned from nobody, is believed as usually,
 * and the heap is off by what such heaps are; nobody has measured how far the answer is off there, so its interval
 * reaches about as far as the witnesses are apart. A heap that is alone, since the labeller sees no such point, is
 * hardly believed, and not at all when the models differ. Where repeats told the calibration, which say only how exact
 * both are together, such a point is answered so in every hole (calibration.c). */
#include <math.h>

#include "core/base/median.h"
#include "learn/drilling/calibration_parts.h"

enum { SIGNS = AG_CALIBRATION_SIGNS, SPREAD = 0, DISTANCE, BLUR, DOUBT };

/* Of holes of another kind: the mean of a sign's logarithm, its deviation; as models of simulated holes have them on
 * real ones: heaps 0.12 mm wide and 0.2 mm away, 2 % of the map elsewhere, a labeller in doubt by 0.18 mm. One in ten
 * is such a hole as long as nothing speaks for it. */
static const struct {
    double mean, deviation;
} elsewhere[SIGNS] = {
    [SPREAD] = {-2.12, 0.4}, [DISTANCE] = {-1.61, 0.8}, [BLUR] = {-3.22, 0.8}, [DOUBT] = {-1.61, 0.5}};
static const double rare = 0.1, least_deviation = 0.2;
/* Signs of a hole go together, so each counts in part. */
static const double together = 0.7;
/* mm: what a heap of such a hole is off by beside its spread, and what one is where the labeller sees nothing; what an
 * answer is at least; and the share of the witnesses' distance that it is. */
static const double heap_mm = 0.2, alone_mm = 0.5, least_mm = 0.06, share_of_distance = 0.5;

/* How much torque jumps from node to node, as a share of it, where the tool cuts. */
static double noise_of(const ag_track *t)
{
    double jumps = 0, torque = 0, cuts = 0.1 * t->peak;
    for (size_t i = 1; i + 1 < t->count; i++) {
        if (!t->joined[i] || !t->joined[i + 1] || t->torque[i] < cuts) continue;
        jumps += fabs(t->torque[i] - 0.5 * (t->torque[i - 1] + t->torque[i + 1]));
        torque += t->torque[i];
    }
    return torque > 0 ? jumps / torque : (double)NAN;
}

void ag_witness_signs(const ag_drilled *drilled, const ag_reading *r, int point, ag_witness *w)
{
    bool silent = isnan(w->word);
    w->signs[SPREAD] = log(w->spread);
    w->signs[DISTANCE] = silent ? (double)NAN : log(fmin(fabs(w->word - w->heap), AG_CALIBRATION_FAR) + 0.02);
    w->signs[BLUR] = log(1.02 - r->mass[point]);
    w->signs[DOUBT] = silent ? (double)NAN : log(drilled->shape.uncertainty + 0.02);
    w->noise = log(noise_of(&drilled->track) + 1e-4);
}

/* ---- what is usual ---- */

static void fit_noise(const ag_witness *all, size_t count, double *room, ag_usual_signs *out)
{
    size_t told = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(all[i].noise)) room[told++] = all[i].noise;
    out->noise = out->least_noise = out->most_noise = 0;
    if (told == 0) return;
    out->noise = ag_median(room, told);
    out->least_noise = room[0];
    out->most_noise = room[told - 1];
}

/* From where middles hold to this hole, as far as anything was seen. */
static double noisier(const ag_usual_signs *usual, double noise)
{
    return isnan(noise) ? 0 : fmax(usual->least_noise, fmin(usual->most_noise, noise)) - usual->noise;
}

/* By how much a sign grows with noise, by least squares; it never falls. */
static double slope_of(const ag_witness *all, size_t count, int s, const ag_usual_signs *usual)
{
    double n = 0, x = 0, y = 0, xx = 1e-6, xy = 0;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(all[i].signs[s])) continue;
        double noise = noisier(usual, all[i].noise);
        n++;
        x += noise;
        y += all[i].signs[s];
        xx += noise * noise;
        xy += noise * all[i].signs[s];
    }
    return n > 0 ? fmax((xy - x * y / n) / (xx - x * x / n), 0) : 0;
}

void ag_signs_fit(const ag_witness *all, size_t count, double *room, ag_usual_signs *out)
{
    ag_usual_signs found;
    fit_noise(all, count, room, &found);
    for (int s = 0; s < SIGNS; s++) {
        size_t told = 0;
        double slope = slope_of(all, count, s, &found), middle;
        for (size_t i = 0; i < count; i++)
            if (isfinite(all[i].signs[s])) room[told++] = all[i].signs[s] - slope * noisier(&found, all[i].noise);
        if (told == 0) return;
        middle = ag_median(room, told);
        for (size_t i = 0; i < told; i++) room[i] = fabs(room[i] - middle);
        found.sign[s].middle = middle;
        found.sign[s].deviation = fmax(1.4826 * ag_median(room, told), least_deviation);
        found.sign[s].slope = slope;
    }
    *out = found;
}

/* ---- how unlike ---- */

/* Logarithms of densities. Student's with four degrees of freedom: among many holes some are odd. */
static double density_here(double deviations)
{
    return log(0.375) - 2.5 * log1p(deviations * deviations / 4);
}

static double density_elsewhere(double deviations)
{
    return -0.5 * deviations * deviations - 0.5 * log(6.283185307179586);
}

/* What a sign says for another kind. Only more than usual is unlike, and nothing is more than clearly so. */
static double speaks(const ag_usual_signs *usual, int s, const ag_witness *w)
{
    double mean = elsewhere[s].mean, deviation = elsewhere[s].deviation, here = usual->sign[s].deviation;
    double middle = usual->sign[s].middle + usual->sign[s].slope * noisier(usual, w->noise);
    if (isnan(w->signs[s])) return 0;
    double more = fmax(w->signs[s], middle);
    return density_elsewhere((fmin(more, mean + deviation) - mean) / deviation) - log(deviation) -
           (density_here((more - middle) / here) - log(here));
}

double ag_calibration_unlike(const ag_calibration *c, const ag_witness witnesses[AG_POINTS])
{
    double odds = log(rare / (1 - rare));
    bool told = false;
    for (int k = 0; k < AG_POINTS && c->refine; k++) {
        const ag_point_calibration *p = &c->point[k];
        if (isnan(witnesses[k].heap) || !isnan(p->labeller) || isnan(p->signs.noise)) continue;
        for (int s = 0; s < SIGNS; s++)
            if (s != DOUBT || !told) /* of which a hole has one */
                odds += together * speaks(&p->signs, s, &witnesses[k]);
        told = true;
    }
    return told ? 1 / (1 + exp(fmin(-odds, 700))) : 0;
}

bool ag_witness_silent_elsewhere(const ag_witness *w)
{
    return isnan(w->word) && w->apart > AG_CALIBRATION_FAR;
}

ag_elsewhere ag_witness_elsewhere(const ag_witness *w)
{
    double away = isnan(w->word) ? 0 : w->word - w->heap;
    bool another = fabs(away) > AG_CALIBRATION_FAR;
    double way = ag_calibration_way(AG_CALIBRATION_LABELLER, hypot(w->spread, heap_mm));
    double deviation = hypot(least_mm, share_of_distance * fmin(fabs(away), AG_CALIBRATION_FAR));
    if (isnan(w->word)) deviation = hypot(alone_mm, isnan(w->apart) ? 0 : w->apart);
    return (ag_elsewhere){.mm = w->heap + (another ? 1 : way) * away,
                          .half = AG_POINT_NINE_OF_TEN * deviation,
                          .right = erf(AG_CALIBRATION_RIGHT / (deviation * sqrt(2))),
                          .another = another};
}
