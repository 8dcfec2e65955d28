// SPDX-License-Identifier: Apache-2.0
/* exam_json.c: an exam for programs: one object; what there is not is null. */
#include <math.h>

#include "learn/drilling/exam.h"

static void put_real(ag_json *json, const char *name, double value)
{
    ag_json_name(json, name);
    if (isfinite(value))
        ag_json_real(json, value);
    else
        ag_json_null(json);
}

static void put_count(ag_json *json, const char *name, size_t count)
{
    ag_json_put_int(json, name, (int64_t)count);
}

static void write_error(ag_json *json, const ag_score_error *e)
{
    ag_json_begin_object(json);
    put_count(json, "count", e->count);
    put_real(json, "mae_mm", e->mae);
    put_real(json, "rmse_mm", e->rmse);
    put_real(json, "r2", e->r2);
    put_real(json, "bias_mm", e->bias);
    put_real(json, "median_mm", e->median);
    put_real(json, "p95_mm", e->p95);
    put_real(json, "most_mm", e->most);
    put_real(json, "within_0.25_mm", e->within[0]);
    put_real(json, "within_0.5_mm", e->within[1]);
    ag_json_end_object(json);
}

static void write_counts(ag_json *json, const ag_score *s)
{
    put_count(json, "holes", s->holes);
    put_count(json, "answered", s->answered);
    put_count(json, "abstained", s->abstained);
    put_count(json, "failed", s->failed);
    put_count(json, "right", s->right);
    put_count(json, "false_numbers", s->false_numbers);
    put_count(json, "wrong_outcome", s->wrong_outcome);
    put_count(json, "missing_points", s->missing);
    put_count(json, "extra_points", s->extra);
    put_count(json, "far_points", s->far);
    put_count(json, "air", s->air);
    put_count(json, "air_right", s->air_right);
    put_count(json, "seized", s->seized);
    put_count(json, "seized_right", s->seized_right);
    put_count(json, "grip", s->grip);
    put_count(json, "grip_right", s->grip_right);
    put_real(json, "grip_accuracy", s->grip ? (double)s->grip_right / (double)s->grip : (double)NAN);
    put_real(json, "failure_rate", s->answered ? (double)s->failed / (double)s->answered : (double)NAN);
}

static void write_intervals(ag_json *json, const ag_score *s)
{
    ag_json_name(json, "interval_90");
    ag_json_begin_object(json);
    for (int p = 0; p <= AG_POINTS; p++) {
        ag_json_name(json, p < AG_POINTS ? ag_point_names[p] : "all");
        ag_json_begin_object(json);
        put_count(json, "count", s->interval[p].count);
        put_real(json, "covered", s->interval[p].covered);
        put_real(json, "width_mm", s->interval[p].width);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static void write_calibration(ag_json *json, const char *name, const ag_score_calibration *c)
{
    ag_json_name(json, name);
    ag_json_begin_object(json);
    put_count(json, "count", c->count);
    put_real(json, "confidence", c->confidence);
    put_real(json, "right", c->right);
    put_real(json, "ece", c->ece);
    put_real(json, "brier", c->brier);
    ag_json_name(json, "bins");
    ag_json_begin_array(json);
    for (int b = 0; b < AG_SCORE_BINS; b++) {
        ag_json_begin_object(json);
        put_real(json, "low", (double)b / AG_SCORE_BINS);
        put_real(json, "high", (double)(b + 1) / AG_SCORE_BINS);
        put_count(json, "count", c->bins[b].count);
        put_real(json, "confidence", c->bins[b].confidence);
        put_real(json, "right", c->bins[b].right);
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
    ag_json_end_object(json);
}

static void write_confusion(ag_json *json, const ag_score_confusion *c)
{
    ag_json_name(json, "confusion");
    ag_json_begin_array(json);
    for (int is = AG_LABEL_FOUND; is < AG_SCORE_OUTCOMES; is++)
        for (int said = 0; said < AG_SCORE_OUTCOMES; said++) {
            if (!c->holes[is][said]) continue;
            ag_json_begin_object(json);
            ag_json_put_text(json, "known_outcome", ag_label_outcome_name((ag_label_outcome)is));
            ag_json_put_text(json, "outcome", ag_label_outcome_name((ag_label_outcome)said));
            put_count(json, "holes", c->holes[is][said]);
            put_count(json, "failed", c->failed[is][said]);
            ag_json_end_object(json);
        }
    ag_json_end_array(json);
}

static void write_score(ag_json *json, const ag_score *s, bool whole)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", s->name);
    write_counts(json, s);
    for (int m = 0; m < AG_SCORE_MEASURES; m++) {
        ag_json_name(json, ag_score_measure_names[m]);
        write_error(json, &s->error[m]);
    }
    write_intervals(json, s);
    write_confusion(json, &s->confusion);
    if (whole) {
        write_calibration(json, "confidence_of_points", &s->points);
        write_calibration(json, "confidence_of_holes", &s->whole);
    }
    ag_json_end_object(json);
}

static void write_comparison(ag_json *json, const ag_score_comparison *c)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", c->name);
    put_count(json, "holes", c->known);
    put_count(json, "failed", c->failed);
    put_count(json, "baseline_failed", c->baseline_failed);
    put_count(json, "abstained", c->abstained);
    put_count(json, "baseline_abstained", c->baseline_abstained);
    put_count(json, "false_numbers", c->false_numbers);
    put_count(json, "baseline_false_numbers", c->baseline_false_numbers);
    for (int d = 0; d < AG_SCORE_DEPTHS; d++) {
        const ag_score_paired *p = &c->depth[d];
        ag_json_name(json, ag_score_measure_names[d]);
        ag_json_begin_object(json);
        put_count(json, "pairs", p->pairs);
        put_count(json, "better", p->better);
        put_count(json, "worse", p->worse);
        put_real(json, "mae_mm", p->mae);
        put_real(json, "baseline_mae_mm", p->baseline);
        put_real(json, "gain_mm", p->gain);
        put_real(json, "gain_low_mm", p->low);
        put_real(json, "gain_high_mm", p->high);
        put_real(json, "p", p->p);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static void write_baseline(ag_json *json, const ag_exam_baseline *b)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", b->name);
    ag_json_name(json, "score");
    write_score(json, &b->score, true);
    ag_json_name(json, "against");
    write_comparison(json, &b->all);
    ag_json_name(json, "by");
    ag_json_begin_object(json);
    for (int by = 0; by < AG_EXAM_COMPARED; by++) {
        ag_json_name(json, ag_score_attribute_names[ag_exam_compared[by]]);
        ag_json_begin_array(json);
        for (size_t g = 0; g < b->by_count[by]; g++) write_comparison(json, &b->by[by][g]);
        ag_json_end_array(json);
    }
    ag_json_end_object(json);
    ag_json_end_object(json);
}

static void write_worst(ag_json *json, const ag_exam_worst *w)
{
    const ag_score_case *c = w->item;
    ag_json_begin_object(json);
    ag_json_put_text(json, "path", c->name);
    put_real(json, "error_mm", w->error);
    ag_json_put_text(json, "known_outcome", ag_label_outcome_name(c->known.outcome));
    ag_json_put_text(json, "outcome", ag_label_outcome_name(c->said.outcome));
    for (int p = 0; p < AG_POINTS; p++) {
        ag_json_name(json, ag_point_names[p]);
        ag_json_begin_object(json);
        put_real(json, "known_mm", c->known.mm[p]);
        put_real(json, "mm", c->said.points[p].mm);
        put_real(json, "low_mm", c->said.points[p].low);
        put_real(json, "high_mm", c->said.points[p].high);
        put_real(json, "confidence", c->said.points[p].confidence);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static void write_caution(ag_json *json, const ag_exam *exam)
{
    ag_arena *arena = exam->labelled ? ag_arena_new(0) : NULL;
    ag_json_put_text(json, "caution", arena ? ag_exam_caution(exam, arena) : NULL);
    ag_arena_free(arena);
}

void ag_exam_json(const ag_exam *exam, ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "model", exam->who);
    ag_json_put_text(json, "data", exam->data);
    ag_json_put_text(json, "truth", exam->truth);
    put_count(json, "files", exam->files);
    put_count(json, "known", exam->known);
    put_count(json, "known_by_truth", exam->truths);
    put_count(json, "known_by_experts", exam->experts);
    put_count(json, "known_by_labellers", exam->labelled);
    write_caution(json, exam);
    put_count(json, "truth_without_hole", exam->unmatched);
    put_count(json, "unread", exam->unread);
    put_real(json, "seconds", exam->seconds);
    ag_json_name(json, "all");
    write_score(json, &exam->all, true);
    ag_json_name(json, "by");
    ag_json_begin_object(json);
    for (int a = 0; a < AG_SCORE_ATTRIBUTES; a++) {
        ag_json_name(json, ag_score_attribute_names[a]);
        ag_json_begin_array(json);
        for (size_t g = 0; g < exam->parts[a].count; g++) write_score(json, &exam->parts[a].scores[g], false);
        ag_json_end_array(json);
    }
    ag_json_end_object(json);
    ag_json_name(json, "baselines");
    ag_json_begin_array(json);
    for (size_t b = 0; b < exam->baseline_count; b++) write_baseline(json, &exam->baselines[b]);
    ag_json_end_array(json);
    ag_json_name(json, "worst");
    ag_json_begin_array(json);
    for (size_t w = 0; w < exam->worst_count; w++) write_worst(json, &exam->worst[w]);
    ag_json_end_array(json);
    ag_json_end_object(json);
}
