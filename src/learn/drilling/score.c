// SPDX-License-Identifier: Apache-2.0
/* score.c: what is counted of each hole, and the sums. Everything is taken in the order of the cases and in double, so
 * the same cases give the same bits. A failure is no exclusion: a wild answer stands in the errors, too. */
#include "learn/drilling/score.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/median.h"
#include "data/label/label.h"
#include "learn/drilling/score_parts.h"

const char *const ag_score_measure_names[AG_SCORE_MEASURES + 1] = {"entry",       "transition", "exit", "thickness",
                                                                   "first_layer", "last_layer", NULL};
const double ag_score_limits[2] = {0.25, 0.5};

/* ---- one hole ---- */

static double difference(const double *mm, ag_score_measure measure)
{
    switch (measure) {
    case AG_SCORE_THICKNESS: return mm[AG_POINT_EXIT] - mm[AG_POINT_ENTRY];
    case AG_SCORE_FIRST_LAYER: return mm[AG_POINT_TRANSITION] - mm[AG_POINT_ENTRY];
    case AG_SCORE_LAST_LAYER: return mm[AG_POINT_EXIT] - mm[AG_POINT_TRANSITION];
    default: return mm[measure];
    }
}

void ag_score_values(const double *mm, double out[AG_SCORE_MEASURES])
{
    for (int m = 0; m < AG_SCORE_MEASURES; m++) out[m] = difference(mm, (ag_score_measure)m);
}

void ag_score_said(const ag_prediction *said, double mm[AG_POINTS])
{
    for (int p = 0; p < AG_POINTS; p++) mm[p] = said->points[p].mm;
}

ag_score_options ag_score_defaults(const ag_score_options *options)
{
    ag_score_options full = options ? *options : (ag_score_options){0};
    if (!(full.failure_mm > 0)) full.failure_mm = 1.0;
    if (!(full.right_mm > 0)) full.right_mm = 0.25;
    if (full.draws == 0) full.draws = 2000;
    return full;
}

ag_known ag_score_without(const ag_known *known, unsigned silent)
{
    ag_known rest = *known;
    for (int p = 0; p < AG_POINTS; p++)
        if (silent & 1U << p) rest.mm[p] = NAN;
    if (silent & 1U << AG_POINT_EXIT && rest.outcome == AG_LABEL_NO_EXIT) rest.outcome = AG_LABEL_FOUND;
    return rest;
}

static bool false_number(const ag_known *known, const double *mm)
{
    if (known->outcome == AG_LABEL_EMPTY)
        return !isnan(mm[AG_POINT_ENTRY]) || !isnan(mm[AG_POINT_TRANSITION]) || !isnan(mm[AG_POINT_EXIT]);
    return known->outcome == AG_LABEL_NO_EXIT && !isnan(mm[AG_POINT_EXIT]);
}

void ag_score_judge(const ag_known *known, const ag_prediction *said, const ag_score_options *options,
                    ag_score_verdict *out)
{
    ag_score_options o = ag_score_defaults(options);
    double mm[AG_POINTS], found[AG_SCORE_MEASURES], truth[AG_SCORE_MEASURES];
    *out = (ag_score_verdict){.known = known->outcome != AG_LABEL_NONE};
    out->answered = out->known && said->outcome != AG_LABEL_NONE;
    for (int m = 0; m < AG_SCORE_MEASURES; m++) out->error[m] = NAN;
    if (!out->answered) return;
    ag_score_said(said, mm);
    ag_score_values(mm, found);
    ag_score_values(known->mm, truth);
    for (int m = 0; m < AG_SCORE_MEASURES; m++) out->error[m] = found[m] - truth[m];
    out->false_number = false_number(known, mm);
    out->failed = said->outcome != known->outcome;
    out->right = !out->failed;
    if (out->failed) out->worst = INFINITY;
    for (int p = 0; p < AG_POINTS; p++) {
        if (isnan(known->mm[p]) && isnan(mm[p])) continue;
        double away = fabs(out->error[p]);
        if (!(away <= o.failure_mm)) out->failed = true;
        if (!(away <= o.right_mm)) out->right = false;
        out->worst = fmax(out->worst, isnan(away) ? (double)INFINITY : away);
    }
}

/* ---- errors ---- */

void ag_score_sort(double *values, size_t count)
{
    if (count > 1) qsort(values, count, sizeof *values, ag_by_size);
}

/* `error` is sorted by size without sign. */
void ag_score_measure_errors(double *error, const double *truth, size_t count, ag_score_error *out)
{
    double sum = 0, absolute = 0, square = 0, middle = 0, spread = 0;
    *out = (ag_score_error){.count = count};
    out->bias = out->mae = out->rmse = out->r2 = out->median = out->p95 = out->most = NAN;
    out->within[0] = out->within[1] = NAN;
    if (count == 0) return;
    size_t within[2] = {0, 0};
    for (size_t i = 0; i < count; i++) {
        sum += error[i];
        absolute += fabs(error[i]);
        square += error[i] * error[i];
        middle += truth[i];
        for (int k = 0; k < 2; k++) within[k] += fabs(error[i]) <= ag_score_limits[k];
    }
    double n = (double)count;
    middle /= n;
    for (size_t i = 0; i < count; i++) spread += (truth[i] - middle) * (truth[i] - middle);
    out->bias = sum / n;
    out->mae = absolute / n;
    out->rmse = sqrt(square / n);
    out->r2 = spread > 0 ? 1.0 - square / spread : (double)NAN;
    for (int k = 0; k < 2; k++) out->within[k] = (double)within[k] / n;
    for (size_t i = 0; i < count; i++) error[i] = fabs(error[i]);
    ag_score_sort(error, count);
    out->median = ag_percentile(error, count, 0.5);
    out->p95 = ag_percentile(error, count, 0.95);
    out->most = error[count - 1];
}

static void add_errors(const ag_score_case *const *cases, size_t count, const ag_score_options *options,
                       double *scratch, ag_score *out)
{
    double *error = scratch, *truth = scratch + count, values[AG_SCORE_MEASURES];
    for (int m = 0; m < AG_SCORE_MEASURES; m++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++) {
            ag_score_verdict v;
            ag_score_judge(&cases[i]->known, &cases[i]->said, options, &v);
            if (isnan(v.error[m])) continue;
            ag_score_values(cases[i]->known.mm, values);
            error[n] = v.error[m];
            truth[n++] = values[m];
        }
        ag_score_measure_errors(error, truth, n, &out->error[m]);
    }
}

/* ---- counts ---- */

static void count_points(const ag_score_case *c, const ag_score_options *options, ag_score *out)
{
    for (int p = 0; p < AG_POINTS; p++) {
        double truth = c->known.mm[p], said = c->said.points[p].mm;
        out->missing += !isnan(truth) && isnan(said);
        out->extra += isnan(truth) && !isnan(said);
        out->far += fabs(said - truth) > options->failure_mm;
    }
}

static void count_case(const ag_score_case *c, const ag_score_options *options, const ag_label_settings *grip,
                       ag_score *out)
{
    ag_score_verdict v;
    ag_score_judge(&c->known, &c->said, options, &v);
    out->holes++;
    if (!v.known) return;
    out->known++;
    bool good = v.answered && c->said.outcome == c->known.outcome && !v.false_number;
    out->air += c->known.outcome == AG_LABEL_EMPTY;
    out->air_right += c->known.outcome == AG_LABEL_EMPTY && good;
    out->seized += c->known.outcome == AG_LABEL_NO_EXIT;
    out->seized_right += c->known.outcome == AG_LABEL_NO_EXIT && good;
    out->abstained += !v.answered;
    out->confusion.holes[c->known.outcome][c->said.outcome]++;
    out->confusion.failed[c->known.outcome][c->said.outcome] += v.failed;
    if (!v.answered) return;
    out->answered++;
    out->failed += v.failed;
    out->right += v.right;
    out->false_numbers += v.false_number;
    out->wrong_outcome += c->said.outcome != c->known.outcome;
    count_points(c, options, out);
    int code = ag_label_grip(c->known.mm[AG_POINT_EXIT] - c->known.mm[AG_POINT_ENTRY], grip);
    if (code == 0) return;
    out->grip++;
    out->grip_right += c->said.grip_code == code;
}

/* ---- intervals and confidence ---- */

static void add_interval(const ag_score_case *c, ag_score_interval *out)
{
    ag_score_verdict v;
    ag_score_judge(&c->known, &c->said, NULL, &v);
    for (int p = 0; v.answered && p < AG_POINTS; p++) {
        const ag_point *point = &c->said.points[p];
        double truth = c->known.mm[p];
        if (isnan(truth) || isnan(point->mm) || isnan(point->low) || isnan(point->high)) continue;
        bool holds = point->low <= truth && truth <= point->high;
        for (int k = 0; k < 2; k++) {
            ag_score_interval *into = &out[k ? AG_POINTS : p];
            into->count++;
            into->covered += holds;
            into->width += point->high - point->low;
        }
    }
}

static void add_confidence(ag_score_calibration *c, double confidence, bool right)
{
    if (isnan(confidence)) return;
    double within = fmin(fmax(confidence, 0.0), 1.0);
    double place = ceil(within * AG_SCORE_BINS) - 1.0;
    ag_score_bin *bin = &c->bins[place > 0 ? (int)place : 0];
    bin->count++;
    bin->confidence += within;
    bin->right += right;
    c->count++;
    c->confidence += within;
    c->right += right;
    c->brier += (within - right) * (within - right);
}

static void finish_calibration(ag_score_calibration *c)
{
    double n = (double)c->count, error = 0;
    for (int b = 0; b < AG_SCORE_BINS; b++) {
        double of_bin = (double)c->bins[b].count;
        error += fabs(c->bins[b].right - c->bins[b].confidence);
        c->bins[b].confidence = c->bins[b].count ? c->bins[b].confidence / of_bin : (double)NAN;
        c->bins[b].right = c->bins[b].count ? c->bins[b].right / of_bin : (double)NAN;
    }
    c->ece = c->count ? error / n : (double)NAN;
    c->confidence = c->count ? c->confidence / n : (double)NAN;
    c->right = c->count ? c->right / n : (double)NAN;
    c->brier = c->count ? c->brier / n : (double)NAN;
}

static void calibrate(const ag_score_case *c, const ag_score_options *options, ag_score *out)
{
    ag_score_verdict v;
    ag_score_judge(&c->known, &c->said, options, &v);
    if (!v.answered) return;
    add_confidence(&out->whole, c->said.confidence, v.right);
    for (int p = 0; p < AG_POINTS; p++) {
        bool absent = isnan(c->known.mm[p]) && isnan(c->said.points[p].mm);
        add_confidence(&out->points, c->said.points[p].confidence, absent || fabs(v.error[p]) <= options->right_mm);
    }
}

/* ---- all of it ---- */

int ag_score_make(const ag_score_case *const *cases, size_t count, const ag_score_options *options, ag_arena *arena,
                  ag_score *out, ag_err *err)
{
    ag_score_options o = ag_score_defaults(options);
    ag_label_settings grip;
    ag_score score = {.name = "all"};
    double *scratch = ag_arena_array(arena, count + 1, 2 * sizeof *scratch);
    if (!scratch) return ag_fail_memory(err, count * 2 * sizeof *scratch);
    int rc = ag_label_settings_default(&grip, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < count; i++) {
        count_case(cases[i], &o, &grip, &score);
        add_interval(cases[i], score.interval);
        calibrate(cases[i], &o, &score);
    }
    add_errors(cases, count, &o, scratch, &score);
    for (int p = 0; p <= AG_POINTS; p++) {
        ag_score_interval *interval = &score.interval[p];
        double n = (double)interval->count;
        interval->covered = interval->count ? interval->covered / n : (double)NAN;
        interval->width = interval->count ? interval->width / n : (double)NAN;
    }
    finish_calibration(&score.points);
    finish_calibration(&score.whole);
    *out = score;
    return AG_OK;
}
