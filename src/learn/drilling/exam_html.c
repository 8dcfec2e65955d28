// SPDX-License-Identifier: Apache-2.0
/* exam_html.c: an exam as one page: what counts first, then how errors are spread, where they are large, whether the
 * model knows when it is wrong, how it stands to the baselines, and its worst holes with everything drawn in. */
#include <math.h>
#include <string.h>

#include "core/show/html.h"
#include "core/show/svg.h"
#include "learn/drilling/exam.h"
#include "learn/drilling/repeat.h"

enum { FIGURE = 1 << 22, MOST_BOXES = 40 };

typedef struct page {
    const ag_exam *exam;
    ag_arena *arena;
    ag_buf *out;
} page;

/* ---- facts ---- */

static void add_fact(page *p, const char *name, double value, const char *unit, ag_style style)
{
    char text[48] = "-";
    if (isfinite(value)) ag_format(text, sizeof text, "%.3f%s", value, unit);
    ag_html_fact(p->out, name, text, style);
}

static void add_facts(page *p)
{
    const ag_score *s = &p->exam->all;
    char text[64];
    ag_html_facts_begin(p->out);
    ag_format(text, sizeof text, "%zu", s->known);
    ag_html_fact(p->out, "holes judged", text, AG_STYLE_PLAIN);
    for (int d = 0; d < AG_SCORE_DEPTHS; d++) {
        ag_format(text, sizeof text, "%s MAE", ag_score_measure_names[d]);
        add_fact(p, text, s->error[d].mae, " mm", AG_STYLE_PLAIN);
    }
    ag_format(text, sizeof text, "%zu", s->failed);
    ag_html_fact(p->out, "failed", text, s->failed ? AG_STYLE_WARN : AG_STYLE_GOOD);
    ag_format(text, sizeof text, "%zu", s->abstained);
    ag_html_fact(p->out, "abstained", text, s->abstained ? AG_STYLE_WARN : AG_STYLE_GOOD);
    double covered = s->interval[AG_POINTS].covered;
    ag_format(text, sizeof text, "%.1f %%", 100.0 * covered);
    ag_html_fact(p->out, "in the 90 % interval", isfinite(covered) ? text : "-",
                 covered >= 0.87 && covered <= 0.93 ? AG_STYLE_GOOD : AG_STYLE_PLAIN);
    add_fact(p, "calibration error", s->points.ece, "", AG_STYLE_PLAIN);
    ag_html_facts_end(p->out);
}

/* `rc` is that of making it; frees it. */
static int add_table(page *p, int rc, ag_table **table, ag_err *err)
{
    if (rc == AG_OK) rc = ag_html_table(p->out, *table, err);
    ag_table_free(*table);
    return rc;
}

/* ---- errors ---- */

static double *errors_of(page *p, const ag_score_case *const *cases, size_t count, int measure, size_t *used)
{
    double *errors = ag_arena_array(p->arena, count + 1, sizeof *errors);
    *used = 0;
    for (size_t i = 0; errors && i < count; i++) {
        ag_score_verdict v;
        ag_score_judge(&cases[i]->known, &cases[i]->said, NULL, &v);
        if (!isnan(v.error[measure])) errors[(*used)++] = v.error[measure];
    }
    return errors;
}

static int end_figure(page *p, int rc, ag_buf *svg, const char *caption)
{
    if (rc == AG_OK) ag_html_figure(p->out, ag_buf_str(svg), caption);
    ag_buf_deinit(svg);
    return rc;
}

static int add_distributions(page *p, ag_err *err)
{
    int rc = AG_OK;
    for (int d = 0; rc == AG_OK && d < AG_SCORE_DEPTHS; d++) {
        size_t count;
        ag_buf svg;
        const double *errors = errors_of(p, p->exam->list, p->exam->count, d, &count);
        ag_plot plot = {.title = ag_score_measure_names[d],
                        .x_label = "said less true, mm",
                        .y_label = "holes",
                        .width = 460,
                        .height = 280};
        if (!errors) return ag_fail_memory(err, p->exam->count * sizeof *errors);
        if (count == 0) continue;
        ag_buf_init(&svg, FIGURE);
        rc = end_figure(p, ag_svg_histogram(&svg, &plot, errors, count, 0, err), &svg, NULL);
    }
    return rc;
}

static int add_boxes(page *p, const ag_exam_part *part, ag_err *err)
{
    int rc = AG_OK;
    for (int d = 0; rc == AG_OK && d < AG_SCORE_DEPTHS; d++) {
        ag_box boxes[MOST_BOXES];
        size_t count = 0;
        ag_buf svg;
        char title[64];
        for (size_t g = 0; g < part->count && count < MOST_BOXES; g++) {
            ag_box *box = &boxes[count];
            *box = (ag_box){.name = part->groups[g].name};
            box->values = errors_of(p, part->groups[g].cases, part->groups[g].count, d, &box->count);
            if (!box->values) return ag_fail_memory(err, part->groups[g].count * sizeof(double));
            count += box->count > 0;
        }
        if (count == 0) continue;
        ag_format(title, sizeof title, "%s by %s", ag_score_measure_names[d],
                  ag_score_attribute_names[part->attribute]);
        ag_plot plot = {.title = title, .y_label = "said less true, mm", .width = 900, .height = 360};
        ag_buf_init(&svg, FIGURE);
        rc = end_figure(p, ag_svg_boxes(&svg, &plot, boxes, count, err), &svg, NULL);
    }
    return rc;
}

static int add_parts(page *p, ag_err *err)
{
    int rc = AG_OK;
    for (int a = 0; rc == AG_OK && a < AG_SCORE_ATTRIBUTES; a++) {
        const ag_exam_part *part = &p->exam->parts[a];
        ag_table *table = NULL;
        char title[48];
        bool unknown = part->count == 1 && strcmp(part->groups[0].name, "not known") == 0;
        if (part->count == 0 || unknown) continue;
        ag_format(title, sizeof title, "By %s",
                  a == AG_SCORE_BY_TOOL_AGE ? "age of the tool (holes it drilled before)"
                                            : ag_score_attribute_names[a]);
        ag_html_section(p->out, title);
        rc = add_table(p, ag_exam_table_part(part, &table, err), &table, err);
        if (rc == AG_OK && part->count > 1 && (a == AG_SCORE_BY_REGIME || a == AG_SCORE_BY_TOOL_AGE))
            rc = add_boxes(p, part, err);
    }
    return rc;
}

/* ---- confidence ---- */

static int add_reliability(page *p, const char *title, const ag_score_calibration *c, ag_err *err)
{
    static const double ends[2] = {0, 1};
    double x[AG_SCORE_BINS], y[AG_SCORE_BINS];
    size_t count = 0;
    ag_buf svg;
    for (int b = 0; b < AG_SCORE_BINS; b++) {
        if (!c->bins[b].count) continue;
        x[count] = c->bins[b].confidence;
        y[count++] = c->bins[b].right;
    }
    if (count == 0) return AG_OK;
    const ag_series series[] = {
        {.name = "as it should be", .x = ends, .y = ends, .count = 2, .dashed = true, .colour = 8},
        {.name = "right", .x = x, .y = y, .count = count, .colour = 1},
        {.x = x, .y = y, .count = count, .mark = AG_MARK_SCATTER, .colour = 1}};
    ag_plot plot = {.title = title,
                    .x_label = "confidence",
                    .y_label = "share that is right",
                    .width = 460,
                    .height = 380,
                    .x_high = 1,
                    .y_high = 1};
    ag_buf_init(&svg, FIGURE);
    return end_figure(p, ag_svg_plot(&svg, &plot, series, 3, err), &svg, NULL);
}

static int add_coverage(page *p, ag_err *err)
{
    static const char *const names[] = {"entry", "transition", "exit", "all"};
    double values[AG_POINTS + 1];
    ag_buf svg;
    if (p->exam->all.interval[AG_POINTS].count == 0) return AG_OK;
    for (int k = 0; k <= AG_POINTS; k++) values[k] = 100.0 * p->exam->all.interval[k].covered;
    ag_bars bars = {.categories = names, .category_count = AG_POINTS + 1, .series_count = 1, .values = values};
    ag_plot plot = {.title = "Truth inside the 90 % interval",
                    .y_label = "% of points",
                    .width = 460,
                    .height = 380,
                    .y_high = 100};
    ag_buf_init(&svg, FIGURE);
    return end_figure(p, ag_svg_bars(&svg, &plot, &bars, err), &svg, NULL);
}

static int add_confidence(page *p, ag_err *err)
{
    ag_table *table = NULL;
    if (p->exam->all.points.count == 0) return AG_OK;
    ag_html_section(p->out, "Does it know when it is wrong?");
    ag_html_text(
        p->out,
        "Confidence is the chance that a point is right within 0.25 mm (or rightly absent). Where the line lies "
        "below the dashed one, it is too sure of itself. The interval is to hold the truth in 90 of 100 cases.");
    int rc = add_reliability(p, "Points", &p->exam->all.points, err);
    if (rc == AG_OK) rc = add_reliability(p, "Whole holes", &p->exam->all.whole, err);
    if (rc == AG_OK) rc = add_coverage(p, err);
    return rc == AG_OK ? add_table(p, ag_exam_table_calibration(p->exam, &table, err), &table, err) : rc;
}

/* ---- baselines ---- */

static int add_baseline_bars(page *p, ag_err *err)
{
    static const char *const depths[] = {"entry", "transition", "exit", "thickness"};
    const ag_exam *e = p->exam;
    size_t series = e->baseline_count + 1;
    ag_buf svg;
    double *values = ag_arena_array(p->arena, series * AG_SCORE_DEPTHS, sizeof *values);
    const char **names = ag_arena_array(p->arena, series, sizeof *names);
    if (!values || !names) return ag_fail_memory(err, series * AG_SCORE_DEPTHS * sizeof *values);
    for (size_t b = 0; b < series; b++) {
        const ag_score *s = b ? &e->baselines[b - 1].score : &e->all;
        names[b] = b ? e->baselines[b - 1].name : e->who;
        for (int d = 0; d < AG_SCORE_DEPTHS; d++) values[b * AG_SCORE_DEPTHS + (size_t)d] = s->error[d].mae;
    }
    ag_bars bars = {.categories = depths,
                    .category_count = AG_SCORE_DEPTHS,
                    .names = names,
                    .series_count = series,
                    .values = values};
    ag_plot plot = {
        .title = "Mean absolute error of all that each has said", .y_label = "mm", .width = 900, .height = 340};
    ag_buf_init(&svg, FIGURE);
    return end_figure(p, ag_svg_bars(&svg, &plot, &bars, err), &svg, NULL);
}

static int add_baselines(page *p, ag_err *err)
{
    int rc = AG_OK;
    if (p->exam->baseline_count == 0) return AG_OK;
    ag_html_section(p->out, "Against the baselines");
    ag_html_text(p->out,
                 "Hole by hole, over holes that both have answered: the model's mean absolute error, a colon, the "
                 "baseline's. A star: the paired bootstrap over holes gives less than 5 % to chance. Failures and "
                 "abstentions are of all holes.");
    rc = add_baseline_bars(p, err);
    for (size_t b = 0; rc == AG_OK && b < p->exam->baseline_count; b++) {
        const ag_exam_baseline *baseline = &p->exam->baselines[b];
        char text[128];
        ag_format(text, sizeof text, "%s : %s%s", p->exam->who, baseline->name,
                  baseline->silent ? " (which has no exit, and is not blamed for it)" : "");
        ag_html_text(p->out, text);
        for (int by = 0; rc == AG_OK && by < AG_EXAM_COMPARED; by++) {
            ag_table *table = NULL;
            if (by == 0 || baseline->by_count[by])
                rc = add_table(p, ag_exam_table_baseline(baseline, by, &table, err), &table, err);
        }
    }
    return rc;
}

/* ---- the worst holes ---- */

typedef struct marks { /* vertical lines and bands over the curves of one hole */
    ag_series series[4 + 4 * AG_POINTS];
    double x[3 * AG_POINTS][2];
    size_t count, used;
    double top[2], bottom[2];
} marks;

static void add_line(marks *m, const char *name, double x, bool dashed, unsigned colour)
{
    if (isnan(x)) return;
    double *at = m->x[m->used++];
    static const size_t two = 2;
    at[0] = at[1] = x;
    m->series[m->count++] =
        (ag_series){.name = name, .x = at, .y = m->top, .count = two, .colour = colour, .dashed = dashed};
}

static int draw_worst(page *p, const ag_exam_worst *w, ag_err *err)
{
    const ag_score_case *c = w->item;
    marks m = {0};
    double most = 1.0;
    char title[200];
    ag_buf svg;
    for (size_t i = 0; i < w->rows; i++) most = fmax(most, w->torque[i]);
    /* A vertical line is a series of two points: from the bottom to the top. */
    m.top[1] = most * 1.05;
    m.bottom[0] = m.bottom[1] = m.top[1];
    for (int k = 0; k < AG_POINTS; k++) {
        const ag_point *said = &c->said.points[k];
        if (isnan(said->low) || isnan(said->high)) continue;
        double *at = m.x[m.used++];
        static const double floor_line[2] = {0, 0};
        at[0] = said->low;
        at[1] = said->high;
        m.series[m.count++] = (ag_series){.name = k == 0 ? "interval" : NULL,
                                          .mark = AG_MARK_BAND,
                                          .x = at,
                                          .y = floor_line,
                                          .high = m.bottom,
                                          .count = 2,
                                          .colour = 4};
    }
    m.series[m.count++] =
        (ag_series){.name = "torque, A", .x = w->depth, .y = w->torque, .count = w->rows, .colour = 1};
    m.series[m.count++] =
        (ag_series){.name = "thrust, A", .x = w->depth, .y = w->thrust, .count = w->rows, .colour = 3};
    for (int k = 0; k < AG_POINTS; k++) add_line(&m, k == 0 ? "truth" : NULL, c->known.mm[k], false, 8);
    for (int k = 0; k < AG_POINTS; k++) add_line(&m, k == 0 ? "said" : NULL, c->said.points[k].mm, true, 2);
    if (isinf(w->error))
        ag_format(title, sizeof title, "%s: is '%s', said '%s'", c->name, ag_label_outcome_name(c->known.outcome),
                  ag_label_outcome_name(c->said.outcome));
    else
        ag_format(title, sizeof title, "%s: %.2f mm off", c->name, w->error);
    ag_plot plot = {.title = title, .x_label = "depth, mm", .width = 900, .height = 300, .y_high = m.top[1]};
    plot.y_low = -0.05 * most;
    ag_buf_init(&svg, FIGURE);
    return end_figure(p, ag_svg_plot(&svg, &plot, m.series, m.count, err), &svg, c->said.reason);
}

static int add_worst(page *p, ag_err *err)
{
    ag_table *table = NULL;
    if (p->exam->worst_count == 0) return AG_OK;
    ag_html_section(p->out, "The worst holes");
    int rc = add_table(p, ag_exam_table_worst(p->exam, &table, err), &table, err);
    for (size_t w = 0; rc == AG_OK && w < p->exam->worst_count; w++) rc = draw_worst(p, &p->exam->worst[w], err);
    return rc;
}

int ag_exam_html(const ag_exam *exam, const ag_repeat *repeat, ag_arena *arena, ag_buf *out, ag_err *err)
{
    page p = {.exam = exam, .arena = arena, .out = out};
    ag_table *table = NULL, *outcomes = NULL;
    ag_buf words;
    ag_buf_init(&words, 4096);
    const char *subtitle = ag_arena_printf(arena, "%s on %zu holes of %s", exam->who, exam->known, exam->data);
    if (!subtitle) return ag_fail_memory(err, 128);
    ag_html_begin(out, "How good the model is", subtitle);
    add_facts(&p);
    ag_exam_words(exam, &words);
    int rc = ag_buf_check(&words, "the summary", err);
    if (rc == AG_OK) ag_html_text(out, words.data);
    const char *caution = ag_exam_caution(exam, arena);
    if (caution) ag_html_text(out, caution);
    ag_buf_deinit(&words);
    if (rc == AG_OK) rc = add_table(&p, ag_exam_table_all(exam, &table, err), &table, err);
    ag_html_section(out, "What is taken for what");
    if (rc == AG_OK) rc = add_table(&p, ag_exam_table_confusion(exam, &outcomes, err), &outcomes, err);
    ag_html_section(out, "Errors");
    if (rc == AG_OK) rc = add_distributions(&p, err);
    if (rc == AG_OK) rc = add_confidence(&p, err);
    if (rc == AG_OK) rc = add_baselines(&p, err);
    if (rc == AG_OK) rc = add_parts(&p, err);
    if (rc == AG_OK && repeat) rc = ag_repeat_html(repeat, out, err);
    if (rc == AG_OK) rc = add_worst(&p, err);
    return rc == AG_OK ? ag_html_end(out, err) : rc;
}
