// SPDX-License-Identifier: Apache-2.0
/* report.c: see report.h. Of very many trainings the first DRAWN are drawn; the table has all of them. */
#include "learn/monitor/report.h"

#include <math.h>
#include <string.h>

#include "core/base/mem.h"
#include "core/doc/yaml.h"
#include "core/show/html.h"
#include "core/show/svg.h"
#include "core/show/text.h"
#include "core/sys/clock.h"

enum { DRAWN = 32, SVG_MOST = 4 << 20, TEXT_MOST = 4 << 20, REMARKS = 500 };

/* ---- facts ---- */

static void add_number(ag_buf *out, const char *name, double value)
{
    char text[40];
    ag_format(text, sizeof text, "%.4g", value);
    ag_html_fact(out, name, text, AG_STYLE_PLAIN);
}

static void add_facts(const ag_monitor *m, const ag_monitor_summary *all, const ag_monitor_about *about, ag_buf *out)
{
    char text[80];
    const ag_monitor_training *best = ag_monitor_training_at(m, all->best);
    ag_html_facts_begin(out);
    ag_duration_format((int64_t)(all->elapsed * 1e6), text);
    ag_html_fact(out, "took", text, AG_STYLE_PLAIN);
    if (all->count > 1) {
        ag_format(text, sizeof text, "%lld of %lld", (long long)all->done, (long long)all->count);
        ag_html_fact(out, "trainings ended well", text, all->done == all->count ? AG_STYLE_GOOD : AG_STYLE_WARN);
    }
    if (best) add_number(out, all->count > 1 ? "best of all" : "best epoch's loss", best->best_metric);
    if (about->parameters) {
        ag_format(text, sizeof text, "%lld", (long long)about->parameters);
        ag_html_fact(out, "numbers in the model", text, AG_STYLE_PLAIN);
    }
    ag_format(text, sizeof text, "%.0f", all->steps);
    ag_html_fact(out, "steps", text, AG_STYLE_PLAIN);
    ag_html_facts_end(out);
}

static int add_values(const ag_monitor *m, ag_buf *out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "metric"}, {.title = "value", .align = AG_ALIGN_RIGHT}};
    ag_table *table = NULL;
    if (!ag_findings_count(&m->values)) return 0;
    ag_html_section(out, "Result");
    int rc = ag_table_new(columns, 2, &table, err);
    for (size_t i = 0; i < ag_findings_count(&m->values) && rc >= 0; i++) {
        const ag_finding *value = ag_finding_at(&m->values, i);
        rc = ag_table_add(table, AG_STYLE_PLAIN, value->name, err);
        if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%.6g", value->value);
    }
    if (rc >= 0) rc = ag_html_table(out, table, err);
    ag_table_free(table);
    return rc;
}

/* ---- curves ---- */

/* One number of each epoch. */
typedef double (*epoch_fn)(const ag_train_epoch *e);

static double train_loss(const ag_train_epoch *e)
{
    return e->train_loss;
}

static double val_loss(const ag_train_epoch *e)
{
    return e->val_loss;
}

static double rate(const ag_train_epoch *e)
{
    return e->learning_rate;
}

static double norm(const ag_train_epoch *e)
{
    return e->gradient_norm;
}

static double number(const ag_train_epoch *e)
{
    return (double)e->epoch + 1.0;
}

static const double *column_of(const ag_monitor_training *t, epoch_fn of, ag_arena *arena)
{
    double *values = ag_arena_array(arena, t->epochs.kept.count + 1, sizeof *values);
    for (size_t i = 0; values && i < t->epochs.kept.count; i++) values[i] = of(ag_vec_at(&t->epochs.kept, i));
    return values;
}

static int add_figure(const ag_plot *plot, const ag_series *series, size_t count, const char *caption, ag_buf *out,
                      ag_err *err)
{
    ag_buf svg;
    ag_buf_init(&svg, SVG_MOST);
    int rc = ag_svg_plot(&svg, plot, series, count, err);
    if (rc >= 0) ag_html_figure(out, ag_buf_str(&svg), caption);
    ag_buf_deinit(&svg);
    return rc;
}

static int draw_losses(const ag_monitor_training *t, bool several, ag_arena *arena, ag_buf *out, ag_err *err)
{
    char caption[200] = "";
    const double *x = column_of(t, number, arena), *train = column_of(t, train_loss, arena),
                 *validation = column_of(t, val_loss, arena);
    if (!x || !train || !validation) return ag_fail_memory(err, t->epochs.kept.count * sizeof(double));
    const ag_series series[] = {{.name = "training", .x = x, .y = train, .count = t->epochs.kept.count},
                                {.name = "validation", .x = x, .y = validation, .count = t->epochs.kept.count}};
    ag_plot plot = {.title = several ? t->name : "Losses",
                    .x_label = "epoch",
                    .width = several ? 360 : 720,
                    .height = several ? 220 : 360};
    if (t->best_epoch >= 0)
        ag_format(caption, sizeof caption, "best: epoch %lld with %.4g%s", (long long)t->best_epoch + 1, t->best_metric,
                  t->stopped_early ? "; stopped early" : "");
    return add_figure(&plot, series, 2, *caption ? caption : NULL, out, err);
}

/* The same number of all trainings in one picture. */
static int draw_together(const ag_monitor *m, const char *title, epoch_fn of, ag_arena *arena, ag_buf *out, ag_err *err)
{
    ag_series series[DRAWN];
    size_t count = 0;
    for (size_t i = 0; i < m->trainings.count && count < DRAWN; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (!t || !t->epochs.kept.count) continue;
        const double *x = column_of(t, number, arena), *y = column_of(t, of, arena);
        if (!x || !y) return ag_fail_memory(err, t->epochs.kept.count * sizeof(double));
        series[count++] = (ag_series){
            .name = m->count > 1 && m->count <= 8 ? t->name : NULL, .x = x, .y = y, .count = t->epochs.kept.count};
    }
    ag_plot plot = {.title = title, .x_label = "epoch", .width = 520, .height = 260};
    return count ? add_figure(&plot, series, count, NULL, out, err) : 0;
}

static int add_curves(const ag_monitor *m, ag_arena *arena, ag_buf *out, ag_err *err)
{
    size_t drawn = 0;
    int rc = 0;
    ag_html_section(out, "Curves");
    if (m->count > 1) rc = draw_together(m, "validation loss of all", val_loss, arena, out, err);
    if (rc >= 0 && m->count > 1) rc = draw_together(m, "training loss of all", train_loss, arena, out, err);
    for (size_t i = 0; i < m->trainings.count && drawn < DRAWN && rc >= 0; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (!t || !t->epochs.kept.count) continue;
        rc = draw_losses(t, m->count > 1, arena, out, err);
        drawn++;
    }
    if (!drawn) ag_html_text(out, "No epoch was ended.");
    if (rc >= 0) rc = draw_together(m, "learning rate", rate, arena, out, err);
    return rc < 0 ? rc : draw_together(m, "mean norm of the gradient", norm, arena, out, err);
}

/* ---- trainings ---- */

static int add_training(const ag_monitor_training *t, ag_table *table, ag_err *err)
{
    static const char *const states[] = {"waiting", "running", "ended", "stopped"};
    static const ag_style styles[] = {AG_STYLE_DIM, AG_STYLE_PLAIN, AG_STYLE_GOOD, AG_STYLE_BAD};
    char took[32] = "";
    if (t->ended) ag_duration_format(t->ended - t->begun, took);
    int rc = ag_table_add(table, AG_STYLE_STRONG, t->name, err);
    if (rc >= 0)
        rc = ag_table_addf(table, styles[t->state], err, "%s%s", states[t->state], t->stopped_early ? " early" : "");
    if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%lld", (long long)t->epochs.seen);
    if (rc >= 0) rc = ag_table_addf(table, AG_STYLE_PLAIN, err, "%lld", (long long)t->steps);
    if (rc >= 0)
        rc = t->best_epoch < 0 ? ag_table_add(table, AG_STYLE_PLAIN, NULL, err)
                               : ag_table_addf(table, AG_STYLE_PLAIN, err, "%lld", (long long)t->best_epoch + 1);
    if (rc >= 0)
        rc = isnan(t->best_metric) ? ag_table_add(table, AG_STYLE_PLAIN, NULL, err)
                                   : ag_table_addf(table, AG_STYLE_PLAIN, err, "%.6g", t->best_metric);
    return rc < 0 ? rc : ag_table_add(table, AG_STYLE_PLAIN, took, err);
}

static int add_trainings(const ag_monitor *m, ag_buf *out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "training"},
                                        {.title = "state"},
                                        {.title = "epochs", .align = AG_ALIGN_RIGHT},
                                        {.title = "steps", .align = AG_ALIGN_RIGHT},
                                        {.title = "best epoch", .align = AG_ALIGN_RIGHT},
                                        {.title = "best", .align = AG_ALIGN_RIGHT},
                                        {.title = "took", .align = AG_ALIGN_RIGHT}};
    ag_table *table = NULL;
    int rc = ag_table_new(columns, 7, &table, err);
    for (size_t i = 0; i < m->trainings.count && rc >= 0; i++) {
        const ag_monitor_training *t = ag_monitor_training_at(m, (int64_t)i);
        if (t) rc = add_training(t, table, err);
    }
    ag_html_section(out, m->count > 1 ? "Trainings" : "Training");
    if (rc >= 0) rc = ag_html_table(out, table, err);
    ag_table_free(table);
    return rc;
}

/* ---- remarks and the machine ---- */

static void add_remarks(const ag_monitor *m, ag_buf *out)
{
    static const ag_style styles[] = {AG_STYLE_PLAIN, AG_STYLE_GOOD, AG_STYLE_WARN};
    ag_html_section(out, "Remarks");
    if (!m->remarks.count) ag_html_text(out, "None: nothing stalled, diverged or was no number.");
    for (size_t i = 0; i < m->remarks.count && i < REMARKS; i++) {
        char took[32];
        ag_buf text;
        const ag_monitor_remark *r = ag_vec_at(&m->remarks, i);
        ag_duration_format((r->at - m->begun) / AG_SECOND * AG_SECOND, took);
        ag_buf_init(&text, TEXT_MOST);
        ag_buf_addf(&text, "after %s: %s", took, r->text);
        ag_html_note(out, styles[r->level], ag_buf_str(&text).data);
        ag_buf_deinit(&text);
    }
}

static int add_machine(const ag_monitor *m, ag_arena *arena, ag_buf *out, ag_err *err)
{
    size_t count = m->points.count;
    if (count < 2) return 0;
    double *x = ag_arena_array(arena, count, 4 * sizeof *x);
    if (!x) return ag_fail_memory(err, count * sizeof *x);
    double *cpu = x + count, *memory = cpu + count, *gpu = memory + count;
    for (size_t i = 0; i < count; i++) {
        const ag_monitor_point *p = ag_vec_at(&m->points, i);
        x[i] = (double)(p->at - m->begun) / 1e6;
        cpu[i] = p->process_cpu;
        memory[i] = p->process_memory / 1e6;
        gpu[i] = p->gpu;
    }
    ag_html_section(out, "Machine");
    const ag_series busy[] = {{.name = "processors", .x = x, .y = cpu, .count = count},
                              {.name = "GPU 0", .x = x, .y = gpu, .count = count}};
    const ag_series held = {.x = x, .y = memory, .count = count};
    ag_plot plot = {.title = "busy, % of one", .x_label = "s", .width = 520, .height = 220};
    int rc = add_figure(&plot, busy, isnan(gpu[count - 1]) ? 1 : 2, NULL, out, err);
    plot.title = "memory of the process, MB";
    return rc < 0 ? rc : add_figure(&plot, &held, 1, NULL, out, err);
}

/* ---- what it was made with ---- */

static int add_data(const ag_monitor_about *about, ag_buf *out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "data"}, {.title = "for"}, {.title = "SHA-256"}, {.title = "where"}};
    ag_table *table = NULL;
    if (!about->data_count) return 0;
    ag_html_section(out, "Data");
    int rc = ag_table_new(columns, 4, &table, err);
    for (size_t i = 0; i < about->data_count && rc >= 0; i++) {
        const ag_monitor_data *d = &about->data[i];
        const char *const cells[] = {d->name, d->context, d->digest, d->path};
        for (size_t c = 0; c < 4 && rc >= 0; c++) rc = ag_table_add(table, AG_STYLE_PLAIN, cells[c], err);
    }
    if (rc >= 0) rc = ag_html_table(out, table, err);
    ag_table_free(table);
    return rc;
}

static int add_configuration(const ag_monitor_about *about, ag_buf *out, ag_err *err)
{
    ag_buf text;
    if (!about->configuration) return 0;
    ag_buf_init(&text, TEXT_MOST);
    int rc = ag_yaml_write(about->configuration, &text, err);
    if (rc >= 0) {
        ag_html_section(out, "Configuration");
        ag_html_code(out, ag_buf_str(&text).data);
    }
    ag_buf_deinit(&text);
    return rc;
}

static int add_environment(const ag_monitor_about *about, ag_arena *arena, ag_buf *out, ag_err *err)
{
    static const ag_column columns[] = {{.title = "what"}, {.title = "was"}};
    ag_table *table = NULL;
    if (!about->environment.count) return 0;
    ag_html_section(out, "Environment");
    int rc = ag_table_new(columns, 2, &table, err);
    for (size_t i = 0; i < about->environment.count && rc >= 0; i++) {
        const ag_pair *pair = &about->environment.items[i];
        const char *key = ag_arena_strndup(arena, pair->key.data, pair->key.size);
        const char *value = ag_arena_strndup(arena, pair->value.data, pair->value.size);
        if (!key || !value) rc = ag_fail_memory(err, pair->value.size);
        if (rc >= 0) rc = ag_table_add(table, AG_STYLE_DIM, key, err);
        if (rc >= 0) rc = ag_table_add(table, AG_STYLE_PLAIN, value, err);
    }
    if (rc >= 0) rc = ag_html_table(out, table, err);
    ag_table_free(table);
    return rc;
}

int ag_monitor_report(const ag_monitor *m, int64_t at, const ag_monitor_about *about, ag_buf *out, ag_err *err)
{
    ag_monitor_summary all = ag_monitor_summarise(m, at);
    ag_arena *arena = ag_arena_new(0);
    if (!arena) return ag_fail_memory(err, 64);
    ag_html_begin(out, about->title ? about->title : "Training", about->subtitle);
    if (about->outcome) ag_html_note(out, about->style, about->outcome);
    add_facts(m, &all, about, out);
    int rc = add_values(m, out, err);
    if (rc >= 0) rc = add_curves(m, arena, out, err);
    if (rc >= 0) rc = add_trainings(m, out, err);
    add_remarks(m, out);
    if (rc >= 0) rc = add_machine(m, arena, out, err);
    if (rc >= 0) rc = add_data(about, out, err);
    if (rc >= 0) rc = add_configuration(about, out, err);
    if (rc >= 0) rc = add_environment(about, arena, out, err);
    ag_arena_free(arena);
    return rc < 0 ? rc : ag_html_end(out, err);
}
