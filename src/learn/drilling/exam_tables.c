// SPDX-License-Identifier: Apache-2.0
/* exam_tables.c: an exam as tables, for the terminal and for the page. Numbers are mm with three decimals; an empty
 * cell is a number that there is not. */
#include <math.h>

#include "learn/drilling/exam.h"

static int add_mm(ag_table *table, ag_style style, double value, ag_err *err)
{
    if (!isfinite(value)) return ag_table_add(table, AG_STYLE_PLAIN, "", err);
    return ag_table_addf(table, style, err, "%.3f", value);
}

static int add_share(ag_table *table, double value, ag_err *err)
{
    if (!isfinite(value)) return ag_table_add(table, AG_STYLE_PLAIN, "", err);
    return ag_table_addf(table, AG_STYLE_PLAIN, err, "%.1f %%", 100.0 * value);
}

static int add_count(ag_table *table, ag_style style, size_t count, ag_err *err)
{
    return ag_table_addf(table, count ? style : AG_STYLE_PLAIN, err, "%zu", count);
}

void ag_exam_words(const ag_exam *exam, ag_buf *out)
{
    const ag_score *s = &exam->all;
    ag_buf_addf(out, "%zu of %zu holes answered, %zu failed, %zu abstained", s->answered, s->known, s->failed,
                s->abstained);
    if (s->false_numbers) ag_buf_addf(out, ", %zu with a number that there is not", s->false_numbers);
    if (s->air) ag_buf_addf(out, "; air told as air %zu of %zu", s->air_right, s->air);
    if (s->seized) ag_buf_addf(out, "; seized told as seized %zu of %zu", s->seized_right, s->seized);
    if (s->grip) ag_buf_addf(out, "; grip code right %zu of %zu", s->grip_right, s->grip);
}

const char *ag_exam_caution(const ag_exam *exam, ag_arena *arena)
{
    if (!exam->labelled) return NULL;
    return ag_arena_printf(arena,
                           "%zu of %zu holes are judged by automatic labels: there, scores tell how near the answers "
                           "come to the labellers, not to the truth. A model that learned from such labels agrees with "
                           "itself, and every model has the labeller as a witness: errors, coverage and confidence "
                           "look better than they are. Labels of people ('auger label set') or a truth.csv change that",
                           exam->labelled, exam->known);
}

/* ---- a row per measure ---- */

static int add_measure(ag_table *table, const ag_score *s, int m, ag_err *err)
{
    const ag_score_error *e = &s->error[m];
    const ag_score_interval *interval = m < (int)AG_POINTS ? &s->interval[m] : NULL;
    const double numbers[] = {e->mae, e->rmse, e->bias, e->median, e->p95, e->most};
    int rc = ag_table_add(table, AG_STYLE_PLAIN, ag_score_measure_names[m], err);
    if (rc == AG_OK) rc = add_count(table, AG_STYLE_PLAIN, e->count, err);
    for (size_t i = 0; rc == AG_OK && i < sizeof numbers / sizeof *numbers; i++)
        rc = add_mm(table, AG_STYLE_PLAIN, numbers[i], err);
    if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, e->r2, err);
    for (int k = 0; rc == AG_OK && k < 2; k++) rc = add_share(table, e->within[k], err);
    if (rc == AG_OK) rc = add_share(table, interval ? interval->covered : (double)NAN, err);
    return rc == AG_OK ? add_mm(table, AG_STYLE_PLAIN, interval ? interval->width : (double)NAN, err) : rc;
}

int ag_exam_table_all(const ag_exam *exam, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "mm", .min_width = 10},
                                        {.title = "points", .align = AG_ALIGN_RIGHT},
                                        {.title = "MAE", .align = AG_ALIGN_RIGHT},
                                        {.title = "RMSE", .align = AG_ALIGN_RIGHT, .priority = 3},
                                        {.title = "bias", .align = AG_ALIGN_RIGHT},
                                        {.title = "median", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT},
                                        {.title = "most", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "R2", .align = AG_ALIGN_RIGHT, .priority = 3},
                                        {.title = "in 0.25", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "in 0.5", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "in interval", .align = AG_ALIGN_RIGHT},
                                        {.title = "width", .align = AG_ALIGN_RIGHT, .priority = 2}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (int m = 0; rc == AG_OK && m < AG_SCORE_MEASURES; m++) rc = add_measure(*out, &exam->all, m, err);
    return rc;
}

/* ---- a row per group ---- */

static int add_group(ag_table *table, const ag_score *s, ag_err *err)
{
    int rc = ag_table_add(table, AG_STYLE_PLAIN, s->name, err);
    if (rc == AG_OK) rc = add_count(table, AG_STYLE_PLAIN, s->known, err);
    if (rc == AG_OK) rc = add_count(table, AG_STYLE_WARN, s->failed, err);
    if (rc == AG_OK) rc = add_count(table, AG_STYLE_WARN, s->abstained, err);
    if (rc == AG_OK) rc = add_count(table, AG_STYLE_BAD, s->false_numbers, err);
    for (int d = 0; rc == AG_OK && d < AG_SCORE_DEPTHS; d++) {
        rc = add_mm(table, AG_STYLE_PLAIN, s->error[d].mae, err);
        if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, s->error[d].p95, err);
    }
    return rc == AG_OK ? add_share(table, s->interval[AG_POINTS].covered, err) : rc;
}

int ag_exam_table_part(const ag_exam_part *part, ag_table **out, ag_err *err)
{
    ag_column columns[] = {{.title = ag_score_attribute_names[part->attribute], .min_width = 12},
                           {.title = "holes", .align = AG_ALIGN_RIGHT},
                           {.title = "failed", .align = AG_ALIGN_RIGHT},
                           {.title = "abstained", .align = AG_ALIGN_RIGHT, .priority = 1},
                           {.title = "false", .align = AG_ALIGN_RIGHT, .priority = 1},
                           {.title = "entry MAE", .align = AG_ALIGN_RIGHT},
                           {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 2},
                           {.title = "transition MAE", .align = AG_ALIGN_RIGHT},
                           {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 2},
                           {.title = "exit MAE", .align = AG_ALIGN_RIGHT},
                           {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 2},
                           {.title = "thickness MAE", .align = AG_ALIGN_RIGHT},
                           {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 2},
                           {.title = "in interval", .align = AG_ALIGN_RIGHT, .priority = 1}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (size_t g = 0; rc == AG_OK && g < part->count; g++) rc = add_group(*out, &part->scores[g], err);
    return rc;
}

/* ---- outcomes ---- */

static int add_outcome(ag_table *table, const ag_score_confusion *c, ag_label_outcome is, ag_err *err)
{
    static const ag_label_outcome said[] = {AG_LABEL_FOUND, AG_LABEL_NO_EXIT, AG_LABEL_EMPTY, AG_LABEL_NONE};
    size_t failed = 0;
    int rc = ag_table_add(table, AG_STYLE_PLAIN, ag_label_outcome_name(is), err);
    for (size_t i = 0; rc == AG_OK && i < sizeof said / sizeof *said; i++) {
        failed += c->failed[is][said[i]];
        rc = add_count(table, said[i] == is ? AG_STYLE_GOOD : AG_STYLE_WARN, c->holes[is][said[i]], err);
    }
    return rc == AG_OK ? add_count(table, AG_STYLE_WARN, failed, err) : rc;
}

int ag_exam_table_confusion(const ag_exam *exam, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "is", .min_width = 10},
                                        {.title = "said: found", .align = AG_ALIGN_RIGHT},
                                        {.title = "no exit", .align = AG_ALIGN_RIGHT},
                                        {.title = "empty", .align = AG_ALIGN_RIGHT},
                                        {.title = "no answer", .align = AG_ALIGN_RIGHT},
                                        {.title = "failed", .align = AG_ALIGN_RIGHT}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (int is = AG_LABEL_FOUND; rc == AG_OK && is < AG_SCORE_OUTCOMES; is++) {
        size_t holes = 0;
        for (int said = 0; said < AG_SCORE_OUTCOMES; said++) holes += exam->all.confusion.holes[is][said];
        if (holes) rc = add_outcome(*out, &exam->all.confusion, (ag_label_outcome)is, err);
    }
    return rc;
}

/* ---- confidence ---- */

int ag_exam_table_calibration(const ag_exam *exam, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "confidence"},
                                        {.title = "points", .align = AG_ALIGN_RIGHT},
                                        {.title = "mean", .align = AG_ALIGN_RIGHT},
                                        {.title = "right", .align = AG_ALIGN_RIGHT},
                                        {.title = "holes", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "mean", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "right", .align = AG_ALIGN_RIGHT, .priority = 1}};
    const ag_score_calibration *both[] = {&exam->all.points, &exam->all.whole};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (int b = 0; rc == AG_OK && b < AG_SCORE_BINS; b++) {
        if (!both[0]->bins[b].count && !both[1]->bins[b].count) continue;
        rc = ag_table_addf(*out, AG_STYLE_PLAIN, err, "%.1f to %.1f", (double)b / 10.0, (double)(b + 1) / 10.0);
        for (int k = 0; rc == AG_OK && k < 2; k++) {
            rc = add_count(*out, AG_STYLE_PLAIN, both[k]->bins[b].count, err);
            if (rc == AG_OK) rc = add_mm(*out, AG_STYLE_PLAIN, both[k]->bins[b].confidence, err);
            if (rc == AG_OK) rc = add_share(*out, both[k]->bins[b].right, err);
        }
    }
    return rc;
}

/* ---- baselines ---- */

/* "0.031 : 0.120", green when better beyond doubt, red when worse beyond doubt. */
static int add_pair(ag_table *table, const ag_score_paired *p, ag_err *err)
{
    ag_style style = p->p < 0.05 ? (p->gain > 0 ? AG_STYLE_GOOD : AG_STYLE_BAD) : AG_STYLE_PLAIN;
    if (p->pairs == 0) return ag_table_add(table, AG_STYLE_PLAIN, "", err);
    return ag_table_addf(table, style, err, "%.3f : %.3f%s", p->mae, p->baseline, p->p < 0.05 ? "*" : "");
}

static int add_comparison(ag_table *table, const ag_score_comparison *c, const char *name, ag_err *err)
{
    int rc = ag_table_add(table, AG_STYLE_PLAIN, name, err);
    if (rc == AG_OK) rc = add_count(table, AG_STYLE_PLAIN, c->known, err);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu : %zu", c->failed, c->baseline_failed);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu : %zu", c->abstained, c->baseline_abstained);
    for (int d = 0; rc == AG_OK && d < AG_SCORE_DEPTHS; d++) rc = add_pair(table, &c->depth[d], err);
    return rc;
}

int ag_exam_table_baseline(const ag_exam_baseline *baseline, int by, ag_table **out, ag_err *err)
{
    const size_t count = baseline->by_count[by];
    const bool first = by == 0; /* a table there is in any case */
    const ag_column columns[] = {
        {.title = count ? ag_score_attribute_names[ag_exam_compared[by]] : "", .min_width = 12},
        {.title = "holes", .align = AG_ALIGN_RIGHT},
        {.title = "failed", .align = AG_ALIGN_RIGHT},
        {.title = "abstained", .align = AG_ALIGN_RIGHT, .priority = 1},
        {.title = "entry MAE", .align = AG_ALIGN_RIGHT},
        {.title = "transition", .align = AG_ALIGN_RIGHT},
        {.title = "exit", .align = AG_ALIGN_RIGHT},
        {.title = "thickness", .align = AG_ALIGN_RIGHT, .priority = 2}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    if (rc == AG_OK && (first || count)) rc = add_comparison(*out, &baseline->all, "all", err);
    for (size_t g = 0; rc == AG_OK && g < count; g++)
        rc = add_comparison(*out, &baseline->by[by][g], baseline->by[by][g].name, err);
    return rc;
}

/* ---- the worst holes ---- */

static int add_point(ag_table *table, const ag_score_case *c, int p, ag_err *err)
{
    int rc = add_mm(table, AG_STYLE_PLAIN, c->known.mm[p], err);
    return rc == AG_OK ? add_mm(table, AG_STYLE_PLAIN, c->said.points[p].mm, err) : rc;
}

int ag_exam_table_worst(const ag_exam *exam, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "hole", .min_width = 16},
                                        {.title = "is"},
                                        {.title = "said"},
                                        {.title = "off", .align = AG_ALIGN_RIGHT},
                                        {.title = "entry", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "said", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "transition", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "said", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "exit", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "said", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "confidence", .align = AG_ALIGN_RIGHT}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (size_t w = 0; rc == AG_OK && w < exam->worst_count; w++) {
        const ag_score_case *c = exam->worst[w].item;
        rc = ag_table_add(*out, AG_STYLE_PLAIN, c->name, err);
        if (rc == AG_OK) rc = ag_table_add(*out, AG_STYLE_PLAIN, ag_label_outcome_name(c->known.outcome), err);
        if (rc == AG_OK) rc = ag_table_add(*out, AG_STYLE_PLAIN, ag_label_outcome_name(c->said.outcome), err);
        if (rc == AG_OK) rc = add_mm(*out, AG_STYLE_WARN, exam->worst[w].error, err);
        for (int p = 0; rc == AG_OK && p < AG_POINTS; p++) rc = add_point(*out, c, p, err);
        if (rc == AG_OK) rc = add_mm(*out, AG_STYLE_PLAIN, c->said.confidence, err);
    }
    return rc;
}
