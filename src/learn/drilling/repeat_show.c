// SPDX-License-Identifier: Apache-2.0
/* repeat_show.c: repeatability for people and for programs. */
#include <math.h>

#include "core/base/mem.h"
#include "core/show/html.h"
#include "core/show/svg.h"
#include "learn/drilling/repeat.h"

enum { FIGURE = 1 << 22, MOST_BOXES = 40, MOST_APART = 10 };

static int add_mm(ag_table *table, ag_style style, double value, ag_err *err)
{
    if (!isfinite(value)) return ag_table_add(table, AG_STYLE_PLAIN, "", err);
    return ag_table_addf(table, style, err, "%.3f", value);
}

static int add_group(ag_table *table, const ag_repeat_group *g, ag_err *err)
{
    ag_style style = !isfinite(g->ratio) ? AG_STYLE_PLAIN : g->ratio <= 0.7 ? AG_STYLE_GOOD : AG_STYLE_WARN;
    int rc = ag_table_add(table, AG_STYLE_PLAIN, *g->folder ? g->folder : ".", err);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", g->holes);
    if (rc == AG_OK)
        rc = ag_table_addf(table, g->answered < g->holes ? AG_STYLE_WARN : AG_STYLE_PLAIN, err, "%zu", g->answered);
    if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, g->thickness, err);
    if (rc == AG_OK) rc = add_mm(table, AG_STYLE_STRONG, g->spread, err);
    if (rc == AG_OK && isfinite(g->low))
        rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.3f to %.3f", g->low, g->high);
    else if (rc == AG_OK)
        rc = ag_table_add(table, AG_STYLE_PLAIN, "", err);
    if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, g->automatic, err);
    if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, g->naive, err);
    if (rc == AG_OK) rc = add_mm(table, style, g->ratio, err);
    if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, g->transition, err);
    return rc == AG_OK ? ag_table_addf(table, g->outliers ? AG_STYLE_WARN : AG_STYLE_PLAIN, err, "%zu", g->outliers)
                       : rc;
}

int ag_repeat_table_groups(const ag_repeat *repeat, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "folder", .min_width = 10},
                                        {.title = "holes", .align = AG_ALIGN_RIGHT},
                                        {.title = "answered", .align = AG_ALIGN_RIGHT},
                                        {.title = "thickness", .align = AG_ALIGN_RIGHT},
                                        {.title = "spread", .align = AG_ALIGN_RIGHT},
                                        {.title = "95 %", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "automatic", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "naive", .align = AG_ALIGN_RIGHT},
                                        {.title = "ratio", .align = AG_ALIGN_RIGHT},
                                        {.title = "first layer", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "outliers", .align = AG_ALIGN_RIGHT, .priority = 1}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (size_t g = 0; rc == AG_OK && g < repeat->group_count; g++) rc = add_group(*out, &repeat->groups[g], err);
    return rc;
}

static int add_pairs(ag_table *table, const char *name, const ag_repeat_pairs *p, ag_err *err)
{
    int rc = ag_table_add(table, AG_STYLE_PLAIN, name, err);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", p->count);
    if (rc == AG_OK) rc = ag_table_addf(table, p->unlike ? AG_STYLE_WARN : AG_STYLE_PLAIN, err, "%zu", p->unlike);
    for (int k = 0; rc == AG_OK && k < AG_POINTS; k++) {
        rc = add_mm(table, AG_STYLE_PLAIN, p->median[k], err);
        if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, p->p95[k], err);
        if (rc == AG_OK) rc = add_mm(table, AG_STYLE_PLAIN, p->most[k], err);
    }
    return rc;
}

int ag_repeat_table_pairs(const ag_repeat *repeat, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "difference, mm"},
                                        {.title = "pairs", .align = AG_ALIGN_RIGHT},
                                        {.title = "unlike", .align = AG_ALIGN_RIGHT},
                                        {.title = "entry: median", .align = AG_ALIGN_RIGHT},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "most", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "transition", .align = AG_ALIGN_RIGHT},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "most", .align = AG_ALIGN_RIGHT, .priority = 2},
                                        {.title = "exit", .align = AG_ALIGN_RIGHT},
                                        {.title = "p95", .align = AG_ALIGN_RIGHT, .priority = 1},
                                        {.title = "most", .align = AG_ALIGN_RIGHT, .priority = 2}};
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    if (rc == AG_OK) rc = add_pairs(*out, "same samples, two files", &repeat->twins, err);
    return rc == AG_OK ? add_pairs(*out, "half the sampling rate", &repeat->rates, err) : rc;
}

static int add_apart(ag_table *table, const ag_repeat_pair *pair, ag_err *err)
{
    int rc = ag_table_add(table, AG_STYLE_PLAIN, pair->a, err);
    if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_PLAIN, pair->b ? pair->b : "half its rate", err);
    for (int k = 0; rc == AG_OK && k < AG_POINTS; k++)
        rc = add_mm(table, fabs(pair->away[k]) > AG_REPEAT_APART ? AG_STYLE_WARN : AG_STYLE_PLAIN, pair->away[k], err);
    if (rc != AG_OK) return rc;
    return ag_table_add(table, AG_STYLE_WARN,
                        !pair->same_outcome ? "another outcome"
                        : pair->unlike      ? "a point that only one has"
                                            : "",
                        err);
}

int ag_repeat_table_apart(const ag_repeat *repeat, ag_table **out, ag_err *err)
{
    static const ag_column columns[] = {
        {.title = "farthest apart, mm", .min_width = 20}, {.title = "and", .priority = 1, .min_width = 13},
        {.title = "entry", .align = AG_ALIGN_RIGHT},      {.title = "transition", .align = AG_ALIGN_RIGHT},
        {.title = "exit", .align = AG_ALIGN_RIGHT},       {.title = "unlike"}};
    const ag_repeat_pair *apart[MOST_APART];
    size_t count = ag_repeat_apart(repeat, apart, MOST_APART);
    int rc = ag_table_new(columns, sizeof columns / sizeof *columns, out, err);
    for (size_t i = 0; rc == AG_OK && i < count && i < MOST_APART; i++) rc = add_apart(*out, apart[i], err);
    return rc;
}

/* ---- for programs ---- */

static void write_group(ag_json *json, const ag_repeat_group *g)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "folder", g->folder);
    ag_json_put_text(json, "program", g->program);
    ag_json_put_int(json, "holes", (int64_t)g->holes);
    ag_json_put_int(json, "answered", (int64_t)g->answered);
    ag_json_put_int(json, "outliers", (int64_t)g->outliers);
    ag_json_put_known(json, "thickness_mm", g->thickness);
    ag_json_put_known(json, "spread_mm", g->spread);
    ag_json_put_known(json, "spread_low_mm", g->low);
    ag_json_put_known(json, "spread_high_mm", g->high);
    ag_json_put_known(json, "automatic_spread_mm", g->automatic);
    ag_json_put_known(json, "naive_spread_mm", g->naive);
    ag_json_put_known(json, "ratio", g->ratio);
    ag_json_put_known(json, "first_layer_spread_mm", g->transition);
    ag_json_end_object(json);
}

static void write_pairs(ag_json *json, const char *name, const ag_repeat_pairs *p)
{
    ag_json_name(json, name);
    ag_json_begin_object(json);
    ag_json_put_int(json, "pairs", (int64_t)p->count);
    ag_json_put_int(json, "unlike", (int64_t)p->unlike);
    for (int k = 0; k < AG_POINTS; k++) {
        ag_json_name(json, ag_point_names[k]);
        ag_json_begin_object(json);
        ag_json_put_known(json, "median_mm", p->median[k]);
        ag_json_put_known(json, "p95_mm", p->p95[k]);
        ag_json_put_known(json, "most_mm", p->most[k]);
        ag_json_end_object(json);
    }
    ag_json_end_object(json);
}

static void write_apart(ag_json *json, const ag_repeat *repeat)
{
    const ag_repeat_pair *apart[MOST_APART];
    size_t count = ag_repeat_apart(repeat, apart, MOST_APART);
    ag_json_name(json, "farthest_apart");
    ag_json_begin_array(json);
    for (size_t i = 0; i < count && i < MOST_APART; i++) {
        ag_json_begin_object(json);
        ag_json_put_text(json, "file", apart[i]->a);
        ag_json_put_text(json, "twin", apart[i]->b); /* null: at half its rate */
        ag_json_put_bool(json, "same_outcome", apart[i]->same_outcome);
        for (int k = 0; k < AG_POINTS; k++) {
            char name[32];
            ag_format(name, sizeof name, "%s_mm", ag_point_names[k]);
            ag_json_put_known(json, name, apart[i]->away[k]);
        }
        ag_json_end_object(json);
    }
    ag_json_end_array(json);
}

void ag_repeat_json(const ag_repeat *repeat, ag_json *json)
{
    ag_json_begin_object(json);
    ag_json_put_text(json, "model", repeat->who);
    ag_json_put_text(json, "files_of", repeat->dir);
    ag_json_put_int(json, "files", (int64_t)repeat->files);
    ag_unread_json(&repeat->unread, json);
    ag_json_put_int(json, "answered", (int64_t)repeat->answered);
    ag_json_put_int(json, "alone", (int64_t)repeat->alone);
    ag_json_name(json, "groups");
    ag_json_begin_array(json);
    for (size_t g = 0; g < repeat->group_count; g++) write_group(json, &repeat->groups[g]);
    ag_json_end_array(json);
    write_pairs(json, "twins", &repeat->twins);
    write_pairs(json, "half_rate", &repeat->rates);
    write_apart(json, repeat);
    ag_json_end_object(json);
}

/* ---- for people ---- */

/* Thickness of each group, less its median. */
static int add_boxes(const ag_repeat *repeat, ag_buf *out, ag_err *err)
{
    ag_box boxes[MOST_BOXES];
    char names[MOST_BOXES][64];
    double *away[MOST_BOXES] = {NULL};
    size_t count = 0;
    int rc = AG_OK;
    ag_buf svg;
    ag_buf_init(&svg, FIGURE);
    for (size_t i = 0; rc == AG_OK && i < repeat->group_count && count < MOST_BOXES; i++) {
        const ag_repeat_group *g = &repeat->groups[i];
        if (!isfinite(g->thickness)) continue;
        if (!(away[count] = ag_alloc_array(g->answered, sizeof(double)))) rc = ag_fail_memory(err, g->answered);
        for (size_t k = 0; rc == AG_OK && k < g->answered; k++) away[count][k] = g->values[k] - g->thickness;
        ag_format(names[count], sizeof names[count], "%s %.1f", g->folder, g->thickness);
        boxes[count] = (ag_box){.name = names[count], .values = away[count], .count = g->answered};
        count += rc == AG_OK;
    }
    ag_plot plot = {.title = "Thickness within each group", .y_label = "mm from its median", .width = 900};
    if (rc == AG_OK && count > 0) rc = ag_svg_boxes(&svg, &plot, boxes, count, err);
    if (rc == AG_OK && count > 0) ag_html_figure(out, ag_buf_str(&svg), NULL);
    for (size_t i = 0; i < MOST_BOXES; i++) ag_free(away[i]);
    ag_buf_deinit(&svg);
    return rc;
}

int ag_repeat_html(const ag_repeat *repeat, ag_buf *out, ag_err *err)
{
    ag_table *groups = NULL, *pairs = NULL, *apart = NULL;
    ag_html_section(out, "Holes that repeat each other");
    ag_html_text(out, "Nobody knows the truth of these holes; what can be seen is how far the answers to holes that "
                      "repeat each other lie apart: robust standard deviations, mm. 'naive' is what a simple estimator "
                      "reached on more holes of the same group; a ratio of 0.7 is 30 % below it.");
    int rc = ag_repeat_table_groups(repeat, &groups, err);
    if (rc == AG_OK) rc = ag_html_table(out, groups, err);
    if (rc == AG_OK) rc = add_boxes(repeat, out, err);
    if (rc == AG_OK) ag_html_section(out, "The same hole in two ways");
    if (rc == AG_OK) rc = ag_repeat_table_pairs(repeat, &pairs, err);
    if (rc == AG_OK) rc = ag_html_table(out, pairs, err);
    if (rc == AG_OK) rc = ag_repeat_table_apart(repeat, &apart, err);
    if (rc == AG_OK && ag_repeat_apart(repeat, NULL, 0) > 0) rc = ag_html_table(out, apart, err);
    ag_table_free(groups);
    ag_table_free(pairs);
    ag_table_free(apart);
    return rc;
}
