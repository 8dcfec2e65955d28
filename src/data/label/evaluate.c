// SPDX-License-Identifier: Apache-2.0
/* evaluate.c: both evaluations, and what programs and people read of them. */
#include "data/label/evaluate.h"

#include <math.h>

#include "core/show/html.h"
#include "core/show/svg.h"

static const char *const categories[] = {"high", "medium", "low"};

size_t ag_evaluate_category(const ag_eval_options *options, double confidence)
{
    return confidence > options->high ? 0 : confidence > options->medium ? 1 : 2;
}

int ag_evaluate(const ag_eval_options *options, ag_arena *arena, ag_eval *out, ag_err *err)
{
    ag_eval eval = {.options = *options};
    if (!(eval.options.high > 0)) eval.options.high = 0.9;
    if (!(eval.options.medium > 0)) eval.options.medium = 0.7;
    int rc = options->holes ? ag_evaluate_truth(arena, &eval, err) : AG_OK;
    if (rc == AG_OK && options->real) rc = ag_evaluate_real(arena, &eval, err);
    if (rc == AG_OK) *out = eval;
    return rc;
}

/* ---- for programs ---- */

static void write_truth(ag_json *json, const ag_eval_truth *truth)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "name", truth->name);
    ag_json_put_int(json, "holes", (int64_t)truth->holes);
    ag_json_put_int(json, "cut", (int64_t)truth->cut);
    ag_json_put_int(json, "failures", (int64_t)truth->failures);
    ag_json_put_int(json, "false_numbers", (int64_t)truth->false_numbers);
    for (size_t k = 0; k < AG_EVAL_DEPTHS; k++) {
        const ag_agree_stats *s = &truth->depth[k];
        ag_json_name(json, ag_agree_names[k]);
        ag_json_begin_object(json);
        ag_json_put_int(json, "count", (int64_t)s->count);
        ag_json_put_known(json, "bias_mm", s->bias);
        ag_json_put_known(json, "mae_mm", s->mae);
        ag_json_put_known(json, "p95_mm", s->p95);
        ag_json_put_known(json, "most_mm", s->most);
        ag_json_put_known(json, "within_0.25_mm", s->within[1]);
        ag_json_end_object(json);
    }
    for (size_t c = 0; c < 3; c++) {
        ag_json_name(json, categories[c]);
        ag_json_begin_object(json);
        ag_json_put_int(json, "count", (int64_t)truth->category[c].count);
        ag_json_put_int(json, "right", (int64_t)truth->category[c].right);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static void write_group(ag_json *json, const ag_eval_group *group)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "folder", group->folder);
    ag_json_put_text(json, "program", group->program);
    ag_json_put_int(json, "holes", (int64_t)group->holes);
    ag_json_put_known(json, "thickness_mm", group->thickness);
    ag_json_put_known(json, "spread_mm", group->spread);
    ag_json_put_known(json, "spread_low_mm", group->low);
    ag_json_put_known(json, "spread_high_mm", group->high);
    ag_json_put_known(json, "slope_mm_per_hole", group->slope);
    ag_json_put_known(json, "spread_about_slope_mm", group->about_slope);
    ag_json_put_known(json, "transition_spread_mm", group->transition_spread);
    ag_json_put_known(json, "naive_spread_mm", group->known);
    ag_json_end_object(json);
}

static void write_real(ag_json *json, const ag_eval *eval)
{
    ag_json_name(json, "real");
    ag_json_begin_object(json);
    ag_json_put_int(json, "files", (int64_t)eval->files);
    ag_unread_json(&eval->unread, json);
    ag_json_put_int(json, "used", (int64_t)eval->used);
    ag_json_put_int(json, "alone", (int64_t)eval->alone);
    ag_json_put_int(json, "false_numbers", (int64_t)eval->real_false_numbers);
    for (size_t c = 0; c < 3; c++) ag_json_put_int(json, categories[c], (int64_t)eval->real_category[c]);
    ag_json_name(json, "groups");
    ag_json_begin_array(json);
    for (size_t g = 0; g < eval->group_count; g++) write_group(json, &eval->groups[g]);
    ag_json_end_array(json);
    ag_json_end_object(json);
}

void ag_evaluate_json(const ag_eval *eval, ag_json *json)
{
    ag_json_begin_object(json);
    if (eval->options.holes) {
        ag_json_name(json, "simulated");
        ag_json_begin_object(json);
        ag_json_put_int(json, "holes", (int64_t)eval->options.holes);
        ag_json_put_int(json, "seed", (int64_t)eval->options.seed);
        ag_json_name(json, "all");
        write_truth(json, &eval->all);
        ag_json_name(json, "regimes");
        ag_json_begin_array(json);
        for (size_t r = 0; r < eval->regime_count; r++) write_truth(json, &eval->regimes[r]);
        ag_json_end_array(json);
        ag_json_end_object(json);
    }
    if (eval->options.real) write_real(json, eval);
    ag_json_end_object(json);
}

/* ---- for people ---- */

static int add_number(ag_table *table, double value, const char *format, ag_err *err)
{
    if (!isfinite(value)) return ag_table_add(table, AG_STYLE_PLAIN, "", err);
    return *format == '4' ? ag_table_addf(table, AG_STYLE_PLAIN, err, "%.4f", value)
                          : ag_table_addf(table, AG_STYLE_PLAIN, err, "%.3f", value);
}

static int add_truth_row(ag_table *table, const ag_eval_truth *truth, ag_err *err)
{
    int rc = ag_table_add(table, AG_STYLE_PLAIN, truth->name, err);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", truth->holes);
    if (rc == AG_OK)
        rc = ag_table_addf(table, truth->failures ? AG_STYLE_WARN : AG_STYLE_PLAIN, err, "%zu", truth->failures);
    if (rc == AG_OK)
        rc = ag_table_addf(table, truth->false_numbers ? AG_STYLE_BAD : AG_STYLE_PLAIN, err, "%zu",
                           truth->false_numbers);
    for (size_t k = 0; rc == AG_OK && k < AG_EVAL_DEPTHS; k++) {
        rc = add_number(table, truth->depth[k].mae, "", err);
        if (rc == AG_OK) rc = add_number(table, truth->depth[k].bias, "", err);
        if (rc == AG_OK) rc = add_number(table, truth->depth[k].p95, "", err);
    }
    for (size_t c = 0; rc == AG_OK && c < 3; c++)
        rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu/%zu", truth->category[c].right, truth->category[c].count);
    return rc;
}

int ag_evaluate_truth_table(const ag_eval *eval, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "regime", .min_width = 12},
                                        {.title = "holes", .align = AG_ALIGN_RIGHT},
                                        {.title = "failed", .align = AG_ALIGN_RIGHT},
                                        {.title = "false", .align = AG_ALIGN_RIGHT},
                                        {.title = "entry MAE", .align = AG_ALIGN_RIGHT},
                                        {.title = "bias", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "transition MAE", .align = AG_ALIGN_RIGHT},
                                        {.title = "bias", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "exit MAE", .align = AG_ALIGN_RIGHT},
                                        {.title = "bias", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "high right", .align = AG_ALIGN_RIGHT},
                                        {.title = "medium", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "low", .align = AG_ALIGN_RIGHT, .priority = 1}};
    int rc = ag_table_new(columns, sizeof(columns) / sizeof(columns[0]), out, err);
    for (size_t r = 0; rc == AG_OK && r < eval->regime_count; r++) rc = add_truth_row(*out, &eval->regimes[r], err);
    return rc == AG_OK ? add_truth_row(*out, &eval->all, err) : rc;
}

/* Green: no worse than the naive one on many holes; amber: the interval of this sample reaches down to it. */
static ag_style style_of(const ag_eval_group *group)
{
    if (!isfinite(group->known)) return AG_STYLE_PLAIN;
    if (group->spread <= group->known + 5e-4) return AG_STYLE_GOOD;
    return group->low <= group->known ? AG_STYLE_WARN : AG_STYLE_BAD;
}

int ag_evaluate_real_table(const ag_eval *eval, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "folder", .min_width = 10},
                                        {.title = "program", .min_width = 12, .priority = 2},
                                        {.title = "holes", .align = AG_ALIGN_RIGHT},
                                        {.title = "thickness mm", .align = AG_ALIGN_RIGHT},
                                        {.title = "spread", .align = AG_ALIGN_RIGHT},
                                        {.title = "95 %", .align = AG_ALIGN_RIGHT},
                                        {.title = "naive, known", .align = AG_ALIGN_RIGHT},
                                        {.title = "mm per hole", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "about that line", .align = AG_ALIGN_RIGHT},
                                        {.title = "transition", .align = AG_ALIGN_RIGHT}};
    int rc = ag_table_new(columns, sizeof(columns) / sizeof(columns[0]), out, err);
    for (size_t g = 0; rc == AG_OK && g < eval->group_count; g++) {
        const ag_eval_group *group = &eval->groups[g];
        rc = ag_table_add(*out, AG_STYLE_PLAIN, group->folder, err);
        if (rc == AG_OK) rc = ag_table_add(*out, AG_STYLE_DIM, group->program, err);
        if (rc == AG_OK) rc = ag_table_addf(*out, AG_STYLE_PLAIN, err, "%zu", group->holes);
        if (rc == AG_OK) rc = add_number(*out, group->thickness, "", err);
        if (rc == AG_OK) rc = ag_table_addf(*out, style_of(group), err, "%.3f", group->spread);
        if (rc == AG_OK) rc = ag_table_addf(*out, AG_STYLE_DIM, err, "%.3f to %.3f", group->low, group->high);
        if (rc == AG_OK) rc = add_number(*out, group->known, "", err);
        if (rc == AG_OK) rc = add_number(*out, group->slope, "4", err);
        if (rc == AG_OK) rc = add_number(*out, group->about_slope, "", err);
        if (rc == AG_OK) rc = add_number(*out, group->transition_spread, "", err);
    }
    return rc;
}

static int add_table(ag_buf *out, const ag_eval *eval, int (*make)(const ag_eval *, ag_table **, ag_err *), ag_err *err)
{
    ag_table *table = NULL;
    int rc = make(eval, &table, err);
    if (rc == AG_OK) rc = ag_html_table(out, table, err);
    ag_table_free(table);
    return rc;
}

static int add_errors(ag_buf *out, const ag_eval_truth *truth, ag_err *err)
{
    int rc = AG_OK;
    for (size_t k = 0; rc == AG_OK && k < AG_EVAL_DEPTHS; k++) {
        ag_buf svg;
        ag_buf_init(&svg, (size_t)4 << 20);
        ag_plot plot = {.title = ag_agree_names[k], .x_label = "found less true, mm", .width = 360, .height = 220};
        rc = truth->depth[k].count ? ag_svg_histogram(&svg, &plot, truth->errors[k], truth->depth[k].count, 60, err)
                                   : AG_OK;
        if (rc == AG_OK && svg.size > 0) ag_html_figure(out, ag_buf_str(&svg), NULL);
        ag_buf_deinit(&svg);
    }
    return rc;
}

static void add_facts(ag_buf *out, const ag_eval_truth *truth)
{
    char text[64];
    ag_html_facts_begin(out);
    static const double most[] = {0.10, 0.12, 0.10};
    for (size_t k = 0; k < AG_EVAL_DEPTHS; k++) {
        char name[40];
        ag_format(name, sizeof(name), "mean error, %s", ag_agree_names[k]);
        ag_format(text, sizeof(text), "%.3f mm", truth->depth[k].mae);
        ag_html_fact(out, name, text, truth->depth[k].mae <= most[k] ? AG_STYLE_GOOD : AG_STYLE_BAD);
    }
    ag_format(text, sizeof(text), "%zu of %zu", truth->failures, truth->cut);
    ag_html_fact(out, "failures", text, truth->failures * 100 < truth->cut ? AG_STYLE_GOOD : AG_STYLE_BAD);
    ag_format(text, sizeof(text), "%zu of %zu", truth->category[0].right, truth->category[0].count);
    bool honest = truth->category[0].right * 20 >= truth->category[0].count * 19;
    ag_html_fact(out, "high labels that are right", text, honest ? AG_STYLE_GOOD : AG_STYLE_BAD);
    ag_format(text, sizeof(text), "%zu", truth->false_numbers);
    ag_html_fact(out, "numbers for air or seized", text, truth->false_numbers ? AG_STYLE_BAD : AG_STYLE_GOOD);
    ag_html_facts_end(out);
}

static int add_boxes(ag_buf *out, const ag_eval *eval, ag_err *err)
{
    enum { MOST = 40 };
    ag_box boxes[MOST];
    char names[MOST][60];
    size_t count = eval->group_count < MOST ? eval->group_count : MOST;
    ag_buf svg;
    ag_buf_init(&svg, (size_t)4 << 20);
    for (size_t g = 0; g < count; g++) {
        ag_eval_group *group = &eval->groups[g];
        for (size_t i = 0; i < group->holes; i++) group->thicknesses[i] -= group->thickness;
        ag_format(names[g], sizeof(names[g]), "%.40s %.1f", group->folder, group->thickness);
        boxes[g] = (ag_box){.name = names[g], .values = group->thicknesses, .count = group->holes};
    }
    ag_plot plot = {.title = "thickness less the group's median, mm", .width = 860, .height = 380};
    int rc = count ? ag_svg_boxes(&svg, &plot, boxes, count, err) : AG_OK;
    for (size_t g = 0; g < count; g++) /* as they were */
        for (size_t i = 0; i < eval->groups[g].holes; i++) eval->groups[g].thicknesses[i] += eval->groups[g].thickness;
    if (rc == AG_OK && svg.size > 0) ag_html_figure(out, ag_buf_str(&svg), NULL);
    ag_buf_deinit(&svg);
    return rc;
}

int ag_evaluate_html(const ag_eval *eval, ag_buf *out, ag_err *err)
{
    char text[200];
    int rc = AG_OK;
    ag_html_begin(out, "How good the automatic labels are", NULL);
    if (eval->options.holes) {
        ag_html_section(out, "Against the truth of simulated holes");
        ag_format(text, sizeof(text), "%llu holes over all regimes, seed %llu. A depth is found less true, in mm.",
                  (unsigned long long)eval->options.holes, (unsigned long long)eval->options.seed);
        ag_html_text(out, text);
        add_facts(out, &eval->all);
        rc = add_errors(out, &eval->all, err);
        if (rc == AG_OK) rc = add_table(out, eval, ag_evaluate_truth_table, err);
    }
    if (rc == AG_OK && eval->options.real) {
        ag_html_section(out, "Real holes that repeat each other");
        ag_format(text, sizeof(text),
                  "%zu files, %zu of them valid, cut and labelled; %zu high, %zu medium, %zu low; %zu in no group; %zu "
                  "more could not be read.",
                  eval->files, eval->used, eval->real_category[0], eval->real_category[1], eval->real_category[2],
                  eval->alone, eval->unread.count);
        ag_html_text(out, text);
        ag_html_text(out,
                     "Spread is the robust deviation of thickness. Where a tool wears it also holds the drift over "
                     "the tool's life, which the columns behind take out.");
        rc = add_boxes(out, eval, err);
        if (rc == AG_OK) rc = add_table(out, eval, ag_evaluate_real_table, err);
    }
    return rc == AG_OK ? ag_html_end(out, err) : rc;
}
