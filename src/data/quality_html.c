// SPDX-License-Identifier: Apache-2.0
/* quality_html.c: the report for people, one file that needs nothing else. The worst files are drawn from the prepared
 * samples; where they cannot be read any more, the picture is left out. */
#include <string.h>

#include "core/io/npy.h"
#include "core/io/path.h"
#include "core/show/html.h"
#include "core/show/svg.h"
#include "core/show/text.h"
#include "data/prepare_parts.h"
#include "data/quality.h"

enum { DRAWN = 12, LISTED = 500, GROUPS = 200 };

static double percent(size_t part, size_t all)
{
    return all > 0 ? 100.0 * (double)part / (double)all : 0;
}

static void add_fact(ag_buf *out, const char *name, ag_style style, double value)
{
    char text[48];
    ag_buf buf;
    ag_buf_init(&buf, sizeof(text));
    ag_show_count(&buf, value);
    ag_format(text, sizeof(text), "%.*s", AG_STR_ARG(ag_buf_str(&buf)));
    ag_buf_deinit(&buf);
    ag_html_fact(out, name, text, style);
}

static void add_facts(const ag_quality *q, ag_buf *out)
{
    char text[48];
    ag_html_facts_begin(out);
    add_fact(out, "holes", AG_STYLE_PLAIN, (double)q->holes);
    ag_format(text, sizeof(text), "%.2f %%", percent(q->valid, q->holes));
    if (q->validated) ag_html_fact(out, "valid", text, q->valid * 20 >= q->holes * 19 ? AG_STYLE_GOOD : AG_STYLE_WARN);
    ag_format(text, sizeof(text), "%.2f %%", percent(q->valid_unique, q->unique));
    if (q->validated) ag_html_fact(out, "valid, without duplicates", text, AG_STYLE_PLAIN);
    add_fact(out, "rejected", q->summary->by_status[AG_PREPARED_REJECTED] ? AG_STYLE_BAD : AG_STYLE_GOOD,
             (double)q->summary->by_status[AG_PREPARED_REJECTED]);
    add_fact(out, "errors", q->summary->by_status[AG_PREPARED_ERROR] ? AG_STYLE_BAD : AG_STYLE_GOOD,
             (double)q->summary->by_status[AG_PREPARED_ERROR]);
    add_fact(out, "duplicates", AG_STYLE_PLAIN, (double)q->summary->duplicates);
    add_fact(out, "samples", AG_STYLE_PLAIN, (double)q->summary->rows);
    ag_html_facts_end(out);
}

static int add_validators(const ag_quality *q, ag_buf *out, ag_err *err)
{
    enum { MOST = 32 };
    const char *names[MOST];
    double rates[MOST];
    size_t count = q->validator_count < MOST ? q->validator_count : MOST;
    for (size_t i = 0; i < count; i++) {
        names[i] = q->validators[i].validator->name;
        rates[i] = 100 - percent(q->validators[i].failed, q->holes);
    }
    ag_buf svg;
    ag_buf_init(&svg, (size_t)4 << 20);
    ag_plot plot = {
        .title = "files that pass each validator, %", .width = 720, .height = 260, .y_low = 0, .y_high = 100};
    ag_bars bars = {.categories = names, .category_count = count, .series_count = 1, .values = rates};
    int rc = count > 0 ? ag_svg_bars(&svg, &plot, &bars, err) : AG_OK;
    if (rc == AG_OK) ag_html_figure(out, ag_buf_str(&svg), NULL);
    ag_buf_deinit(&svg);
    return rc;
}

static int add_rules(const ag_quality *q, ag_buf *out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "rule"},
                                        {.title = "severity"},
                                        {.title = "files", .align = AG_ALIGN_RIGHT},
                                        {.title = "what must hold"}};
    static const char *const severities[] = {"note", "warning", "failure"};
    static const ag_style styles[] = {AG_STYLE_DIM, AG_STYLE_WARN, AG_STYLE_BAD};
    ag_table *table = NULL;
    int rc = ag_table_new(columns, 4, &table, err);
    for (size_t i = 0; rc == AG_OK && i < q->rule_count; i++) {
        const ag_quality_rule *rule = &q->rules[i];
        if (rule->files == 0) continue;
        rc = ag_table_add(table, AG_STYLE_STRONG, rule->rule->id, err);
        if (rc == AG_OK) rc = ag_table_add(table, styles[rule->rule->severity], severities[rule->rule->severity], err);
        if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", rule->files);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_PLAIN, rule->rule->doc, err);
    }
    if (rc == AG_OK && ag_table_rows(table) > 0)
        rc = ag_html_table(out, table, err);
    else if (rc == AG_OK)
        ag_html_text(out, "No rule was broken.");
    ag_table_free(table);
    return rc;
}

static int add_spreads(const ag_quality *q, ag_buf *out, ag_err *err)
{
    int rc = AG_OK;
    for (size_t i = 0; rc == AG_OK && i < AG_QUALITY_SPREADS; i++) {
        if (q->spreads[i].count == 0) continue;
        ag_buf svg;
        ag_buf_init(&svg, (size_t)4 << 20);
        ag_plot plot = {.title = q->spreads[i].title, .y_label = "files", .width = 420, .height = 240};
        rc = ag_svg_histogram(&svg, &plot, q->spreads[i].values, q->spreads[i].count, 0, err);
        if (rc == AG_OK) ag_html_figure(out, ag_buf_str(&svg), NULL);
        ag_buf_deinit(&svg);
    }
    return rc;
}

static int add_group_row(ag_table *table, const ag_quality_group *group, bool validated, ag_err *err)
{
    double rate = percent(group->valid, group->files);
    ag_style style = !validated ? AG_STYLE_DIM : group->valid == group->files ? AG_STYLE_GOOD : AG_STYLE_WARN;
    int rc = ag_table_add(table, AG_STYLE_PLAIN, *group->name ? group->name : "(not told)", err);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", group->files);
    if (rc == AG_OK) rc = ag_table_addf(table, style, err, "%.1f", rate);
    if (rc == AG_OK) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%zu", group->warned);
    if (rc == AG_OK)
        rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.1f",
                           group->valid ? group->torque_sum / (double)group->valid : 0);
    return rc;
}

static int add_groups(const ag_quality *q, ag_buf *out, ag_err *err)
{
    int rc = AG_OK;
    for (size_t g = 0; rc == AG_OK && g < AG_QUALITY_GROUPINGS; g++) {
        const ag_quality_groups *groups = &q->groups[g];
        const ag_column columns[] = {{.title = groups->title},
                                     {.title = "files", .align = AG_ALIGN_RIGHT},
                                     {.title = "valid %", .align = AG_ALIGN_RIGHT},
                                     {.title = "with warnings", .align = AG_ALIGN_RIGHT},
                                     {.title = "mean peak torque, A", .align = AG_ALIGN_RIGHT}};
        char title[40];
        ag_table *table = NULL;
        ag_format(title, sizeof(title), "Per %s", groups->title);
        ag_html_section(out, title);
        rc = ag_table_new(columns, 5, &table, err);
        for (size_t i = 0; rc == AG_OK && i < groups->count && i < GROUPS; i++)
            rc = add_group_row(table, &groups->items[i], q->validated, err);
        if (rc == AG_OK) rc = ag_html_table(out, table, err);
        ag_table_free(table);
    }
    return rc;
}

static int draw_samples(const ag_npy *array, const ag_prepared *record, ag_arena *arena, ag_buf *out, ag_err *err)
{
    size_t rows = (size_t)record->rows;
    if (array->type != AG_NPY_INT32 || array->dimensions != 2 || array->shape[1] != AG_CHANNEL_COUNT ||
        (uint64_t)record->first_row + rows > array->shape[0] || rows == 0)
        return AG_OK;
    int32_t *samples = ag_arena_array(arena, rows, AG_CHANNEL_COUNT * sizeof(int32_t));
    double *depth = ag_arena_array(arena, rows, 3 * sizeof(double));
    if (!samples || !depth) return ag_fail_memory(err, rows * AG_CHANNEL_COUNT * sizeof(int32_t));
    int rc = ag_npy_copy(array, (size_t)record->first_row * AG_CHANNEL_COUNT, rows * AG_CHANNEL_COUNT, samples, err);
    if (rc < 0) return rc;
    double *torque = depth + rows, *thrust = torque + rows;
    for (size_t i = 0; i < rows; i++) {
        const int32_t *row = samples + i * AG_CHANNEL_COUNT;
        depth[i] = row[AG_CHANNEL_POSITION] * -0.001;
        torque[i] = row[AG_CHANNEL_TORQUE] * 0.001;
        thrust[i] = row[AG_CHANNEL_THRUST] * 0.001;
    }
    const ag_series series[] = {{.name = "torque, A", .x = depth, .y = torque, .count = rows},
                                {.name = "thrust, A", .x = depth, .y = thrust, .count = rows}};
    ag_plot plot = {.title = record->path, .x_label = "depth, mm", .width = 560, .height = 280};
    ag_buf svg;
    ag_buf_init(&svg, (size_t)16 << 20);
    rc = ag_svg_plot(&svg, &plot, series, 2, err);
    if (rc == AG_OK) ag_html_figure(out, ag_buf_str(&svg), record->reason);
    ag_buf_deinit(&svg);
    return rc;
}

static int draw_hole(const ag_prepared *record, const char *output_dir, ag_arena *arena, ag_buf *out, ag_err *err)
{
    char name[40];
    ag_npy_file file;
    ag_prepare_part_name((size_t)record->part, name);
    char *path = ag_path_join(arena, output_dir, name);
    if (!path) return ag_fail_memory(err, 4096);
    int rc = ag_npy_open(path, &file, err);
    if (rc < 0) return rc;
    rc = draw_samples(&file.array, record, arena, out, err);
    ag_npy_close(&file);
    return rc;
}

static int add_worst(const ag_quality *q, const char *output_dir, ag_arena *arena, ag_buf *out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "file"}, {.title = "rules"}, {.title = "why"}};
    ag_table *table = NULL;
    int rc = AG_OK;
    if (q->worst_count == 0) {
        ag_html_note(out, AG_STYLE_GOOD, "Every file could be read and is valid.");
        return AG_OK;
    }
    size_t drawn = 0;
    for (size_t i = 0; rc == AG_OK && i < q->worst_count && drawn < DRAWN; i++) {
        if (q->worst[i]->part < 0) continue;
        rc = draw_hole(q->worst[i], output_dir, arena, out, err);
        drawn++;
    }
    if (rc == AG_OK) rc = ag_table_new(columns, 3, &table, err);
    for (size_t i = 0; rc == AG_OK && i < q->worst_count && i < LISTED; i++) {
        rc = ag_table_add(table, AG_STYLE_PLAIN, q->worst[i]->path, err);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_BAD, q->worst[i]->failed_rules, err);
        if (rc == AG_OK) rc = ag_table_add(table, AG_STYLE_PLAIN, q->worst[i]->reason, err);
    }
    if (rc == AG_OK) rc = ag_html_table(out, table, err);
    ag_table_free(table);
    return rc;
}

int ag_quality_html(const ag_quality *q, const char *output_dir, ag_arena *arena, ag_buf *out, ag_err *err)
{
    ag_html_begin(out, "Quality of drilling data", NULL);
    add_facts(q, out);
    ag_html_section(out, "Rules");
    int rc = q->validated ? add_validators(q, out, err) : AG_OK;
    if (rc == AG_OK && q->validated) rc = add_rules(q, out, err);
    if (!q->validated) ag_html_text(out, "The files were read, not judged (--validate).");
    ag_html_section(out, "Rejected files");
    if (rc == AG_OK) rc = add_worst(q, output_dir, arena, out, err);
    ag_html_section(out, "Distributions");
    if (rc == AG_OK) rc = add_spreads(q, out, err);
    if (rc == AG_OK) rc = add_groups(q, out, err);
    return rc == AG_OK ? ag_html_end(out, err) : rc;
}
